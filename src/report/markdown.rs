//! A pass as Markdown, for the summary of a job or a comment on a pull request: the verdict, a table of what differs,
//! the reasons folded below it. What others wrote into names cannot format, link, or call anybody.

use crate::plan::Change;

use super::Report;
use super::entry::{Entry, Kind, entries, shown};
use super::text::plain;

/// GitHub takes comments of 65,536 characters; what does not fit is counted.
const MOST_BYTES: usize = 60_000;
/// Of that, for the reasons.
const REASON_BYTES: usize = 24_000;
/// A value that is longer is cut: the text has all of it.
const MOST_VALUE_CHARS: usize = 200;

/// The page of a pass.
pub fn render(report: &Report) -> String {
    let entries = entries(report);
    // By this, a workflow finds the comment that it wrote last time.
    let mut page = format!("<!-- portolan-{} -->\n## Portolan: {}\n\n", report.verb(), escape(&report.headline()));
    if !report.heading.is_empty() {
        page.push_str(&format!("{}\n\n", escape(&report.heading)));
    }
    let (errors, rest): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.kind == Kind::Error);
    if report.errors.is_empty() {
        page.push_str(&format!("{}\n", escape(&report.closing())));
    } else {
        push_list(&mut page, &errors, error, MOST_BYTES);
    }
    if !rest.is_empty() {
        page.push_str("\n| | Object | What | Fields | Line |\n|---|---|---|---|---|\n");
        push_list(&mut page, &rest, row, MOST_BYTES - REASON_BYTES);
        page.push_str("\n<details><summary>Why</summary>\n\n");
        push_list(&mut page, &rest, reason, MOST_BYTES);
        page.push_str("\n</details>\n");
    }
    page
}

/// As many entries as fit below `most`, and how many do not.
fn push_list(page: &mut String, entries: &[&Entry<'_>], show: fn(&Entry<'_>) -> String, most: usize) {
    for (number, entry) in entries.iter().enumerate() {
        let line = show(entry);
        if page.len() + line.len() > most {
            let more = entries.len() - number;
            page.push_str(&format!("\n… and {more} more; `portolan drift` shows all.\n"));
            return;
        }
        page.push_str(&line);
    }
}

fn error(entry: &Entry<'_>) -> String {
    let at = entry.at.map(|at| format!("{}: ", code(&at.text()))).unwrap_or_default();
    format!("- {at}{}{}\n", escape(&entry.what), notes(entry))
}

/// A line for each.
fn notes(entry: &Entry<'_>) -> String {
    entry.notes.iter().map(|(word, text)| format!("<br>{word}: {}", escape(text))).collect()
}

fn row(entry: &Entry<'_>) -> String {
    let operation = entry.operation.filter(|_| entry.kind == Kind::Pending);
    let operation = operation.map(|operation| format!("**{operation}** ")).unwrap_or_default();
    let fields: Vec<_> = entry
        .changes
        .iter()
        .map(|Change { field, live, desired }| {
            let value = |value: &Option<String>| {
                if value.is_none() { "none".to_owned() } else { cell(shown(value.as_deref())) }
            };
            format!("{}: {} → {}", cell(&field.to_string()), value(live), value(desired))
        })
        .collect();
    let at = entry.at.map(|at| cell(&at.text())).unwrap_or_default();
    let (symbol, object) = (cell(entry.symbol), cell(&entry.object));
    format!("| {symbol} | {object} | {operation}{} | {} | {at} |\n", escape(&entry.what), fields.join("<br>"))
}

fn reason(entry: &Entry<'_>) -> String {
    if entry.notes.is_empty() {
        return String::new();
    }
    format!("- {} {}{}\n", code(&entry.object), escape(&entry.what), notes(entry))
}

/// As [`code`], in a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

fn cut(text: &str) -> String {
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(MOST_VALUE_CHARS).collect();
    if chars.next().is_some() { format!("{shown}…") } else { shown }
}

/// Text that is only text.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => escaped.extend(['\\', character]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // No name after it is called any more.
            '@' => escaped.push_str("@&#8203;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A value as it is, fenced by more backticks than it has in a row.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = cut(&plain(text));
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}
