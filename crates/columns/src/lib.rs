//! How many columns of a terminal a text takes: two for a wide character, none for one that combines with the one before.
//! Everything that pads, wraps or cuts text asks here.

#![warn(clippy::wildcard_enum_match_arm)]

use unicode_width::UnicodeWidthStr;

/// Columns of a text. Escape sequences that colour it take none; text of others has none (`sanitize`).
pub fn columns(text: &str) -> usize {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().map_or(0, UnicodeWidthStr::width);
    let shown = pieces.map(|piece| piece.split_once('m').map_or(0, |(_, shown)| shown.width()));
    first + shown.sum::<usize>()
}

/// The text with spaces behind it, up to a column.
pub fn pad(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(columns(text))))
}

/// As much of the beginning of a text, without colours, as these columns hold.
pub fn cut(text: &str, room: usize) -> &str {
    let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
    let end = ends.take_while(|end| columns(&text[..*end]) <= room).last();
    &text[..end.unwrap_or(0)]
}

/// Breaks at spaces so that no line is wider than `room`, and never within a word: a longer one is a line of its own.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ideographs: four columns.
    const WIDE: &str = "日本";
    /// An `e` with an acute accent of its own: one column, two characters.
    const COMBINED: &str = "e\u{301}";

    #[test]
    fn wide_characters_take_two_columns_and_combining_ones_none() {
        for (text, wide) in [("", 0), ("shop", 4), ("für", 3), (WIDE, 4), (COMBINED, 1), ("→ ✓", 3), ("🚢", 2)] {
            assert_eq!(columns(text), wide, "{text}");
        }
        assert_eq!(columns("\u{1b}[1;31m日本\u{1b}[0m!"), 5, "colours take none");
    }

    #[test]
    fn padded_texts_end_in_the_same_column() {
        for text in ["shop", WIDE, COMBINED, "\u{1b}[1mab\u{1b}[0m"] {
            assert_eq!(columns(&pad(text, 6)), 6, "{text}");
        }
        assert_eq!(pad("longer", 3), "longer");
    }

    #[test]
    fn a_cut_text_is_not_wider_than_its_room_and_keeps_its_accents() {
        for (room, left) in
            [(0, ""), (1, ""), (2, "日"), (3, "日"), (4, "日本"), (5, "日本e\u{301}"), (9, "日本e\u{301}x")]
        {
            assert_eq!(cut("日本e\u{301}x", room), left, "{room}");
        }
    }

    #[test]
    fn lines_break_by_columns() {
        assert_eq!(wrap("日本 日本 ab", 9), ["日本 日本", "ab"]);
        assert_eq!(wrap("日本 日本 ab", 8), ["日本", "日本 ab"]);
        assert_eq!(wrap("e\u{301}e\u{301} ab", 5), ["e\u{301}e\u{301} ab"]);
        assert_eq!(wrap("日本日本 a", 4), ["日本日本", "a"], "a word is not broken");
        assert_eq!(wrap("", 4), [""]);
    }
}
