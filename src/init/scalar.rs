//! Scalars: quoted wherever any reader of YAML, 1.1 or 1.2, could take them for something else.

use crate::sanitize::is_hidden;

/// Words that some YAML reads as a boolean or as nothing.
const WORDS: [&str; 13] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "nil", "none"];

/// A text as a scalar, plain where that is safe in a block, in a list and in a mapping in braces.
pub(super) fn text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            // Whatever does not show, or changes the direction of writing, is spelled out.
            letter if is_hidden(letter) => {
                let code = u32::from(letter);
                let escape = if code > 0xFFFF { format!("\\U{code:08X}") } else { format!("\\u{code:04X}") };
                quoted.push_str(&escape);
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn is_plain(text: &str) -> bool {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || "._/-".contains(letter);
    let Some(first) = text.chars().next() else { return false };
    if !text.chars().all(safe) || !(first.is_ascii_alphanumeric() || first == '/') {
        return false;
    }
    // Numbers, dates and times begin with a digit; addresses do too, but have more than one dot.
    let is_address = text.matches('.').count() == 3 && !text.contains(['-', '_']);
    (!first.is_ascii_digit() || is_address) && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::sanitize::plain;

    #[test]
    fn what_yaml_could_misread_stands_in_quotes() {
        for plain in ["checkout", "private-a", "/healthz", "eu-west-1", "10.0.40.12", "10.0.0.0/16", "a_b.C"] {
            assert_eq!(text(plain), plain);
        }
        for other in [
            "",
            "yes",
            "No",
            "ON",
            "null",
            "~",
            "1",
            "1.5",
            "1e5",
            "0x1f",
            "007",
            "2026-12-01",
            "1.2.3",
            "/api/*",
            "a, b",
            "{x}",
            "[x]",
            "a: b",
            "#x",
            " x",
            "-x",
            "*",
            "&x",
            "!x",
            "%x",
            "@x",
            "a\\b",
            "\"",
            "é",
        ] {
            let shown = text(other);
            assert!(shown.starts_with('"') && shown.ends_with('"') && shown.len() >= 2, "{shown}");
        }
        assert_eq!(text("a\"b\\c\n\u{202e}"), "\"a\\\"b\\\\c\\u000A\\u202E\"");
        assert_eq!(plain("a\nb\u{1b}[31m"), "a b\\u{1b}[31m");
    }
}
