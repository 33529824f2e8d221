//! Regular expressions of listener rules. AWS does not say whether one has to fit the whole text, nor whether case counts in
//! hosts and headers; where that makes a difference, the answer is open.

use std::collections::BTreeSet;

use super::listener_rule::RegexField;

/// Whether one of the expressions fits a text; `None` where that cannot be told.
pub(super) fn fits(field: &RegexField, patterns: &BTreeSet<String>, text: &str) -> Option<bool> {
    let answers: Vec<Option<bool>> = patterns.iter().map(|pattern| fits_one(field, pattern, text)).collect();
    if answers.contains(&Some(true)) {
        return Some(true);
    }
    answers.into_iter().all(|answer| answer == Some(false)).then_some(false)
}

#[cfg(any(feature = "aws", feature = "sandbox"))]
fn fits_one(field: &RegexField, pattern: &str, text: &str) -> Option<bool> {
    let is_match = |pattern: String| regex::Regex::new(&pattern).ok().map(|regex| regex.is_match(text));
    let flags: &[&str] = match field {
        RegexField::Path => &[""],
        RegexField::Host | RegexField::Header(_) => &["", "(?i)"],
    };
    let readings = flags.iter().flat_map(|flags| [format!("{flags}{pattern}"), format!("{flags}^(?:{pattern})$")]);
    let answers: Option<BTreeSet<bool>> = readings.map(is_match).collect();
    let answers = answers?;
    if answers.len() == 1 { answers.first().copied() } else { None }
}

/// Without the engine every answer is open.
#[cfg(not(any(feature = "aws", feature = "sandbox")))]
fn fits_one(_: &RegexField, _: &str, _: &str) -> Option<bool> {
    None
}

#[cfg(all(test, any(feature = "aws", feature = "sandbox")))]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_answered_where_no_reading_of_it_makes_a_difference() {
        let path = RegexField::Path;
        for (field, pattern, text, fit) in [
            (&RegexField::Host, "^shop[.]example[.](org|net)$", "shop.example.org", Some(true)),
            (&RegexField::Host, "^shop[.]example[.](org|net)$", "cart.example.org", Some(false)),
            (&RegexField::Host, "^Shop[.]example[.]org$", "shop.example.org", None),
            (&path, "^/api/.*$", "/api/orders", Some(true)),
            (&path, "^/api/", "/api/orders", None),
            (&path, "^/api/", "/web", Some(false)),
            (&path, "^/API/.*$", "/api/orders", Some(false)),
            (&path, "(", "/api", None),
        ] {
            assert_eq!(fits(field, &BTreeSet::from([pattern.to_owned()]), text), fit, "{pattern} on {text}");
        }
        let two = ["^/a$", "^/b"].map(str::to_owned).into();
        assert_eq!(fits(&path, &two, "/a"), Some(true));
        assert_eq!(fits(&path, &two, "/bc"), None);
        assert_eq!(fits(&path, &two, "/c"), Some(false));
    }
}
