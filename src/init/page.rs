//! A YAML document as it is written: a tree whose entries know their comments, and lines that know their entry, so
//! that what the format refuses can become a comment at its place.

use std::collections::BTreeMap;

use super::scalar;
use crate::columns::{columns, wrap};
use crate::sanitize::plain;

/// Lines are at most this wide where their words allow it.
const WIDTH: usize = 100;

/// What stands at an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A scalar, as it is written.
    Scalar(String),
    List(Vec<Entry>),
    Map(Vec<Entry>),
    /// Nothing but the comments of the entry.
    Nothing,
}

/// A field of a mapping or an item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    key: Option<String>,
    pub(super) value: Value,
    /// Comments above it.
    pub(super) notes: Vec<String>,
    /// It is only a comment: the format cannot say it.
    refused: bool,
}

impl Entry {
    pub(super) fn field(key: &str, value: Value) -> Self {
        Self { key: Some(key.to_owned()), value, notes: Vec::new(), refused: false }
    }

    pub(super) fn text(key: &str, text: &str) -> Self {
        Self::field(key, Value::Scalar(scalar::text(text)))
    }

    /// A number, a duration, a word of the format: nothing that could be misread.
    pub(super) fn word(key: &str, word: impl ToString) -> Self {
        Self::field(key, Value::Scalar(word.to_string()))
    }

    pub(super) fn texts<'a>(key: &str, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let items = texts.into_iter().map(|text| Self::item(Value::Scalar(scalar::text(text))));
        Self::field(key, Value::List(items.collect()))
    }

    pub(super) fn item(value: Value) -> Self {
        Self { key: None, value, notes: Vec::new(), refused: false }
    }

    /// A comment that stands where something would, could the format say it.
    pub(super) fn note(note: impl Into<String>) -> Self {
        Self { key: None, value: Value::Nothing, notes: vec![note.into()], refused: false }
    }

    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// As a comment, to be uncommented by whoever wants it.
    pub(super) fn commented(mut self) -> Self {
        self.refused = true;
        self
    }

    /// Becomes a comment, with the reason above it.
    pub(super) fn refuse(&mut self, reason: String) {
        self.refused = true;
        self.notes.push(reason);
    }

    /// The entry at a path of positions.
    pub(super) fn at(&mut self, path: &[usize]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match &mut self.value {
            Value::List(entries) | Value::Map(entries) => entries.get_mut(*first)?.at(rest),
            Value::Scalar(_) | Value::Nothing => None,
        }
    }

    /// The key of the field at a path of positions.
    pub(super) fn key_at(&self, path: &[usize]) -> Option<&str> {
        let Some((first, rest)) = path.split_first() else { return self.key.as_deref() };
        match &self.value {
            Value::List(entries) | Value::Map(entries) => entries.get(*first)?.key_at(rest),
            Value::Scalar(_) | Value::Nothing => None,
        }
    }

    /// The field at a path of keys, as long as YAML would read it.
    pub(super) fn named(&mut self, keys: &[&str]) -> Option<&mut Self> {
        let Some((first, rest)) = keys.split_first() else { return Some(self).filter(|entry| !entry.refused) };
        let Value::Map(entries) = &mut self.value else { return None };
        entries.iter_mut().find(|entry| entry.key.as_deref() == Some(*first))?.named(rest)
    }

    /// Whether nothing of it is left that YAML would read.
    fn is_out(&self) -> bool {
        self.refused
            || match &self.value {
                Value::Scalar(_) => false,
                Value::List(entries) | Value::Map(entries) => !entries.is_empty() && entries.iter().all(Self::is_out),
                Value::Nothing => true,
            }
    }

    /// `[a, b]` or `{a: b}`, where no comment is in the way.
    fn inline(&self) -> Option<String> {
        if !self.notes.is_empty() || self.refused {
            return None;
        }
        let all = |entries: &[Self]| entries.iter().map(Self::inline).collect::<Option<Vec<_>>>();
        let value = match &self.value {
            Value::Scalar(text) => text.clone(),
            Value::List(entries) => format!("[{}]", all(entries)?.join(", ")),
            Value::Map(entries) => format!("{{{}}}", all(entries)?.join(", ")),
            Value::Nothing => return None,
        };
        Some(self.key.as_ref().map_or_else(|| value.clone(), |key| format!("{key}: {value}")))
    }
}

/// A task definition in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DefinitionFile {
    pub(super) text: String,
    /// What is written in its place if the format does not accept it.
    pub(super) reference: Value,
}

/// A document with its comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Comments above it.
    pub(super) notes: Vec<String>,
    pub(super) root: Entry,
    /// Files that it names, by their paths beside it.
    pub(super) files: BTreeMap<String, DefinitionFile>,
}

/// The text of a page, and which entry each line is of.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    lines: Vec<String>,
    owners: Vec<Vec<usize>>,
}

impl Page {
    /// Whether nothing of it is left that YAML would read.
    pub(super) fn is_comment(&self) -> bool {
        self.root.is_out()
    }

    pub(super) fn render(&self) -> Rendered {
        let mut rendered = Rendered::default();
        rendered.comment(0, &self.notes, &[]);
        if let Value::Map(entries) = &self.root.value {
            rendered.map(0, entries, self.root.refused, &mut Vec::new());
        }
        rendered
    }
}

impl Rendered {
    pub(super) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// The entry that a line, counted from 1, is of.
    pub(super) fn owner(&self, line: usize) -> Option<&[usize]> {
        self.owners.get(line.checked_sub(1)?).map(Vec::as_slice)
    }

    fn line(&mut self, indent: usize, out: bool, text: &str, path: &[usize]) {
        let lead = if out { "# " } else { "" };
        self.lines.push(format!("{}{lead}{text}", " ".repeat(indent)));
        self.owners.push(path.to_vec());
    }

    fn comment(&mut self, indent: usize, notes: &[String], path: &[usize]) {
        for note in notes.iter().flat_map(|note| note.lines()) {
            // Lines that are indented are shown as they are: commands, examples.
            if note.is_empty() || note.starts_with("  ") {
                self.line(indent, false, format!("# {}", plain(note)).trim_end(), path);
                continue;
            }
            for line in wrap(&plain(note), WIDTH.saturating_sub(indent + 2)) {
                self.line(indent, false, &format!("# {line}"), path);
            }
        }
    }

    fn map(&mut self, indent: usize, entries: &[Entry], out: bool, path: &mut Vec<usize>) {
        for (number, entry) in entries.iter().enumerate() {
            path.push(number);
            self.comment(indent, &entry.notes, path);
            self.field(indent, entry, out, path);
            path.pop();
        }
    }

    fn field(&mut self, indent: usize, entry: &Entry, inside: bool, path: &mut Vec<usize>) {
        let Some(key) = &entry.key else { return };
        let out = inside || entry.is_out();
        let inline = entry_without_notes(entry).inline();
        match &entry.value {
            Value::Nothing => {}
            Value::Scalar(text) => self.line(indent, out, &format!("{key}: {text}"), path),
            // A document without a spec is none, whatever became of its fields.
            Value::Map(entries) if entry.is_out() && !entry.refused && key == "spec" => {
                self.map(indent + 2, entries, true, path);
                self.line(indent, inside, &format!("{key}: {{}}"), path);
            }
            Value::Map(entries) if entries.is_empty() => self.line(indent, out, &format!("{key}: {{}}"), path),
            Value::Map(entries) => {
                self.line(indent, out, &format!("{key}:"), path);
                self.map(indent + 2, entries, out, path);
            }
            Value::List(entries) => {
                let is_flat = entries.iter().all(|entry| matches!(entry.value, Value::Scalar(_)));
                match inline.filter(|text| is_flat && indent + columns(text) <= WIDTH) {
                    Some(text) => self.line(indent, out, &text, path),
                    None => {
                        self.line(indent, out, &format!("{key}:"), path);
                        self.list(indent + 2, entries, out, path);
                    }
                }
            }
        }
    }

    fn list(&mut self, indent: usize, entries: &[Entry], out: bool, path: &mut Vec<usize>) {
        for (number, entry) in entries.iter().enumerate() {
            path.push(number);
            self.comment(indent, &entry.notes, path);
            let out = out || entry.is_out();
            let inline = entry_without_notes(entry).inline();
            match (&entry.value, inline.filter(|text| indent + 2 + columns(text) <= WIDTH)) {
                (Value::Nothing, _) => {}
                (_, Some(text)) => self.line(indent, out, &format!("- {text}"), path),
                (Value::Map(entries), None) => {
                    let first = self.lines.len();
                    self.map(indent + 2, entries, out, path);
                    self.dash(first, indent, out);
                }
                (Value::Scalar(text), None) => self.line(indent, out, &format!("- {text}"), path),
                (Value::List(_), None) => {}
            }
            path.pop();
        }
    }

    /// Puts the dash of a list item before the first of its lines that YAML reads; comments may stand above it.
    fn dash(&mut self, first: usize, indent: usize, out: bool) {
        let lead = " ".repeat(indent + 2);
        let is_code = |line: &&mut String| out || !line.trim_start().starts_with('#');
        if let Some(line) = self.lines[first..].iter_mut().find(is_code) {
            let rest = line.strip_prefix(&lead).unwrap_or(line).to_owned();
            let dash = " ".repeat(indent);
            *line = match rest.strip_prefix("# ").filter(|_| out) {
                Some(rest) => format!("{dash}# - {rest}"),
                None => format!("{dash}- {rest}"),
            };
        }
    }
}

fn entry_without_notes(entry: &Entry) -> Entry {
    Entry { notes: Vec::new(), refused: false, ..entry.clone() }
}
