//! Users and passwords in URLs.

use std::borrow::Cow;

/// The text with `user:password@` left out of every URL in it: people put passwords there, and messages repeat URLs.
pub fn without_user_info(text: &str) -> Cow<'_, str> {
    let Some((before, rest)) = text.split_once("://") else { return Cow::Borrowed(text) };
    let end = rest.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>') || c.is_whitespace());
    let (authority, after) = rest.split_at(end.unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let after = without_user_info(after);
    if host.len() == authority.len() && matches!(after, Cow::Borrowed(_)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{before}://{host}{after}"))
}

#[cfg(test)]
mod tests {
    use super::without_user_info;

    #[test]
    fn users_and_passwords_are_left_out() {
        for (text, shown) in [
            ("no URL", "no URL"),
            ("at https://aws.example.com/a@b", "at https://aws.example.com/a@b"),
            ("at http://me:secret@proxy:3128: refused", "at http://proxy:3128: refused"),
            ("'http://me@a' and \"https://you:p@ss@b/c?d=e@f\"", "'http://a' and \"https://b/c?d=e@f\""),
            ("http://a http://b:c@d", "http://a http://d"),
            ("://@", "://"),
        ] {
            assert_eq!(without_user_info(text), shown);
        }
    }
}
