//! Lines: indented, wrapped, aligned, and plain: whatever others wrote into names and descriptions steers no terminal.

use crate::columns::{columns, pad, wrap};
use crate::plan::Change;
use crate::sanitize::plain;

use super::paint::{Paint, Tone};
use super::style::Style;

/// Width of the labels under a headline of a trace (`why`, `fix`, `or`, …).
const LABEL: usize = 5;
/// Width of the labels under a headline of a plan (`because`, `repairs`, `after`, …).
const PLAN_LABEL: usize = 7;
/// A live value longer than this does not push the arrows of its neighbours to the right.
const ALIGNED_LIVE: usize = 32;
/// Indentation of the further lines of a title.
const HANG: usize = 4;
/// The same for the names of fields.
const ALIGNED_FIELD: usize = 36;

/// Lines that belong together.
pub(super) struct Block {
    style: Style,
    text: String,
    /// Width of the labels.
    label: usize,
}

impl Block {
    pub(super) fn new(style: Style) -> Self {
        Self { style, text: String::new(), label: LABEL }
    }

    /// As [`Self::new`], with room for the longer labels of a plan.
    pub(super) fn of_plan(style: Style) -> Self {
        Self { label: PLAN_LABEL, ..Self::new(style) }
    }

    pub(super) fn paint(&self) -> Paint {
        self.style.paint
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn line(&mut self, indent: usize, text: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// `lead` with `rest` behind it or, where that is too wide, below it at `hang`.
    pub(super) fn pair(&mut self, indent: usize, lead: &str, hang: usize, rest: &str) {
        if self.style.fits(indent + columns(lead) + columns(rest)) {
            self.line(indent, &format!("{lead}{rest}"));
        } else {
            self.line(indent, lead);
            self.line(hang, rest);
        }
    }

    /// A title and a word about it: the title is wrapped, its further lines indented.
    pub(super) fn title(&mut self, title: &str, word: (&str, Tone)) {
        let word = self.style.paint.tone(word.1, word.0);
        let title = plain(title);
        let mut lines = wrap(&title, self.style.room(0));
        if lines.len() > 1 {
            let first = lines.swap_remove(0);
            let rest = title.split_whitespace().skip(first.split_whitespace().count()).collect::<Vec<_>>().join(" ");
            lines = wrap(&rest, self.style.room(HANG));
            lines.insert(0, first);
        }
        let last = lines.len() - 1;
        for (number, line) in lines.iter().enumerate() {
            let indent = if number == 0 { 0 } else { HANG };
            let shown = self.style.paint.tone(Tone::Heading, line);
            if number < last {
                self.line(indent, &shown);
            } else if self.style.fits(indent + columns(line) + 2 + columns(&word)) {
                self.line(indent, &format!("{shown}  {word}"));
            } else {
                self.line(indent, &shown);
                self.line(HANG, &word);
            }
        }
    }

    /// A sentence, wrapped.
    pub(super) fn sentence(&mut self, indent: usize, text: &str, tone: Option<Tone>) {
        for line in wrap(&plain(text), self.style.room(indent)) {
            let line = tone.map_or(line.clone(), |tone| self.style.paint.tone(tone, &line));
            self.line(indent, &line);
        }
    }

    /// `! blocked: text`, wrapped with the text's own indentation.
    pub(super) fn marked(&mut self, symbol: &str, tone: Tone, word: &str, text: &str) {
        let lead = if word.is_empty() { symbol.to_owned() } else { format!("{symbol} {word}") };
        let indent = 2 + columns(symbol) + 1;
        let first_room = self.style.room(2 + columns(&lead) + 1);
        let text = plain(text);
        let first = wrap(&text, first_room).swap_remove(0);
        self.line(2, &format!("{} {first}", self.style.paint.tone(tone, &lead)));
        let rest = text.split_whitespace().skip(first.split_whitespace().count()).collect::<Vec<_>>().join(" ");
        if !rest.is_empty() {
            self.sentence(indent, &rest, None);
        }
    }

    /// `after  text`, wrapped under the text.
    pub(super) fn labelled(&mut self, indent: usize, label: &str, text: &str, tone: Tone) {
        let room = self.style.room(indent + self.label + 2);
        for (number, line) in wrap(&plain(text), room).iter().enumerate() {
            let lead = if number == 0 { pad(label, self.label) } else { " ".repeat(self.label) };
            self.line(indent, &self.style.paint.tone(tone, &format!("{lead}  {line}")));
        }
    }

    /// `lead` and a text, wrapped under itself: `room` is the width of the lead as people see it.
    pub(super) fn wrapped(&mut self, indent: usize, lead: &str, room: usize, text: &str, tone: Tone) {
        for (number, line) in wrap(&plain(text), self.style.room(indent + room)).iter().enumerate() {
            let start = if number == 0 { lead.to_owned() } else { " ".repeat(room) };
            self.line(indent, &format!("{start}{}", self.style.paint.tone(tone, line)));
        }
    }

    /// The fields of a step, arrows below each other.
    pub(super) fn changes(&mut self, indent: usize, changes: &[Change]) {
        let rows: Vec<_> = changes.iter().map(Row::of).collect();
        let longest = |part: fn(&Row) -> &str, most: usize| {
            rows.iter().map(|row| columns(part(row))).filter(|columns| *columns <= most).max().unwrap_or(0)
        };
        let field = longest(|row| &row.field, ALIGNED_FIELD);
        let live = longest(|row| &row.live, ALIGNED_LIVE);
        for row in &rows {
            self.change(indent, row, field, live);
        }
    }

    fn change(&mut self, indent: usize, row: &Row, field: usize, live: usize) {
        let Row { field: name, live: from, desired: to } = row;
        let line = format!("{}  {} → {to}", pad(name, field), pad(from, live));
        if self.style.fits(indent + columns(&line)) {
            self.line(indent, &line);
            return;
        }
        self.line(indent, name);
        for (lead, value) in [("  ", from), ("→ ", to)] {
            for (number, part) in wrap(value, self.style.room(indent + 4)).iter().enumerate() {
                self.line(indent + 2, &format!("{}{part}", if number == 0 { lead } else { "  " }));
            }
        }
    }
}

/// One field, as shown.
struct Row {
    field: String,
    live: String,
    desired: String,
}

impl Row {
    fn of(change: &Change) -> Self {
        let shown = |value: &Option<String>| match value.as_deref() {
            None => "none".to_owned(),
            Some("") => "\"\"".to_owned(),
            Some(text) => plain(text),
        };
        Self { field: plain(&change.field.to_string()), live: shown(&change.live), desired: shown(&change.desired) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Field;

    #[test]
    fn arrows_are_below_each_other_whatever_is_before_them() {
        let change = |live: &str| Change {
            field: Field::Targets,
            live: Some(live.to_owned()),
            desired: Some("none".to_owned()),
        };
        let mut block = Block::new(Style::UNBROKEN);
        block.changes(2, &["shop", "日本", "e\u{301}"].map(change));
        let text = block.into_text();
        let arrows: Vec<usize> = text.lines().map(|line| columns(&line[..line.find('→').expect("an arrow")])).collect();
        assert_eq!(arrows, [arrows[0]; 3], "{text}");
    }

    #[test]
    fn a_sentence_of_wide_characters_keeps_within_the_page() {
        let mut block = Block::new(Style { width: Some(30), ..Style::UNBROKEN });
        block.sentence(4, &"日本語 ".repeat(12), None);
        let text = block.into_text();
        assert!(text.lines().count() > 1 && text.lines().all(|line| columns(line) <= 30), "{text}");
    }
}
