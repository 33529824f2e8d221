//! Keys of a manifest out of names of AWS.

use std::collections::BTreeSet;

/// Longest key.
const MOST: usize = 63;

/// Keys that are taken.
#[derive(Debug, Default)]
pub struct Keys(BTreeSet<String>);

impl Keys {
    /// The first of `names` that makes a key that is free; the last one gets a number if none is.
    pub fn of(&mut self, names: &[&str]) -> String {
        let free = |key: &String| !self.0.contains(key);
        let key = names.iter().map(|name| sanitized(name)).find(free).unwrap_or_else(|| {
            let last = sanitized(names.last().unwrap_or(&"object"));
            let numbered = (2_u32..).map(|number| {
                let suffix = format!("-{number}");
                let stem: String = last.chars().take(MOST - suffix.len()).collect();
                format!("{stem}{suffix}")
            });
            numbered.into_iter().find(free).unwrap_or_default()
        });
        self.0.insert(key.clone());
        key
    }
}

/// Whether a manifest takes this as a key.
pub fn is_key(name: &str) -> bool {
    let allowed = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-' | '.');
    !name.is_empty() && name.len() <= MOST && name.chars().all(allowed)
}

/// Lower-case letters, digits, `-` and `.`, as a key takes them.
pub fn sanitized(name: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '.') => letter,
        _ => '-',
    };
    let key: String = name.chars().map(letter).take(MOST).collect();
    let key = key.trim_matches(['-', '.']).to_owned();
    if key.is_empty() { "object".to_owned() } else { key }
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn names_that_differ_in_nothing_that_a_key_can_say_get_numbers() {
        let mut keys = Keys::default();
        assert_eq!(keys.of(&["Check_Out"]), "check-out");
        assert_eq!(keys.of(&["check-out", "test.check-out"]), "test.check-out");
        assert_eq!(keys.of(&["check_out"]), "check-out-2");
        assert_eq!(keys.of(&["---"]), "object");
        let long = "a".repeat(80);
        assert_eq!((keys.of(&[&long]).len(), keys.of(&[&long]).len()), (63, 63));
    }
}
