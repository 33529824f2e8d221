//! Text of others as people may see it. Names, descriptions, tags and messages of AWS are written by anybody: what does not
//! show, ends a line, or changes the direction of writing is spelled out, so that no text can pass for another one or steer
//! a terminal. The only place that decides about this: text forms, comments and the log use it. JSON and SARIF keep the
//! exact value.

/// Whether a character does not show as itself: control characters, line separators, characters without a width, and those
/// that change the direction of writing (Unicode 16, general categories Cc, Zl, Zp and most of Cf, and the fillers).
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// `text` on one line: line feeds and tabs are spaces, and every other hidden character is spelled out (`\u{202e}`).
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => plain.push(' '),
            hidden if is_hidden(hidden) => plain.extend(hidden.escape_unicode()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_does_not_show_is_spelled_out() {
        for hidden in [
            "\u{1b}",
            "\r",
            "\u{85}",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{200d}",
            "\u{2028}",
            "\u{2029}",
            "\u{feff}",
            "\u{ad}",
            "\u{61c}",
            "\u{2060}",
            "\u{e0041}",
            "\u{3164}",
        ] {
            let shown = plain(&format!("a{hidden}b"));
            assert!(shown.starts_with("a\\u{") && shown.ends_with("}b") && shown.is_ascii(), "{shown}");
        }
        assert_eq!(plain("a\nb\tc"), "a b c");
        assert_eq!(plain("für → 日本 ✓"), "für → 日本 ✓");
    }
}
