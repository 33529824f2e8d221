//! Patterns in which `*` stands for any text and `?` for one character. In filters of EC2 and in query strings of listener
//! rules a backslash takes that meaning from them.

/// A pattern.
pub struct Glob(Vec<Symbol>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    AnyText,
    AnyCharacter,
    Literal(char),
}

impl Glob {
    /// A backslash is a character like any other.
    pub fn plain(pattern: &str) -> Self {
        Self(pattern.chars().map(Symbol::of).collect())
    }

    /// The character behind a backslash stands for itself. A backslash at the end stands for nothing, so that no text fits.
    pub fn escaped(pattern: &str) -> Self {
        let mut characters = pattern.chars();
        let mut symbols = Vec::new();
        while let Some(character) = characters.next() {
            symbols.push(match character {
                '\\' => Symbol::Literal(characters.next().unwrap_or('\0')),
                other => Symbol::of(other),
            });
        }
        Self(symbols)
    }

    /// Whether a text fits.
    pub fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for symbol in &self.0 {
            if *symbol == Symbol::AnyText {
                let first = reached.iter().position(|at| *at).unwrap_or(reached.len());
                reached.iter_mut().skip(first).for_each(|at| *at = true);
                continue;
            }
            for end in (1..reached.len()).rev() {
                let is_it = *symbol == Symbol::AnyCharacter || *symbol == Symbol::Literal(text[end - 1]);
                reached[end] = reached[end - 1] && is_it;
            }
            reached[0] = false;
        }
        reached.last().copied().unwrap_or(false)
    }
}

impl Symbol {
    fn of(character: char) -> Self {
        match character {
            '*' => Self::AnyText,
            '?' => Self::AnyCharacter,
            other => Self::Literal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_listener_guide_says() {
        for (pattern, path, is_taken) in [
            ("/img/*", "/img/a.png", true),
            ("/img/*", "/img", false),
            ("/api", "/api/", false),
            ("/API", "/api", false),
            ("*", "", true),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("/*/x", "/a/b/x", true),
            (r"/a\*", r"/a\b", true),
        ] {
            assert_eq!(Glob::plain(pattern).fits(path), is_taken, "{pattern} on {path}");
        }
    }

    #[test]
    fn wildcards_stand_for_any_text_and_for_one_character() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abbc"), ("*a*b", "aab"), ("?", "x"), ("", ""), (r"\*", "*"), (r"a\?\\", r"a?\")]
        {
            assert!(Glob::escaped(pattern).fits(text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("?", ""),
            ("a*c", "abb"),
            ("a", "ab"),
            ("ab", "a"),
            (r"\*", "x"),
            ("A", "a"),
            (r"a\", "a"),
            (r"a\", r"a\"),
        ] {
            assert!(!Glob::escaped(pattern).fits(text), "{pattern} {text}");
        }
    }
}
