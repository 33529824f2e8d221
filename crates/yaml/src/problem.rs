//! What is wrong with a text, and where.

use std::fmt;
use std::path::Path;

use super::format::Format;
use super::secret;
use super::source::Source;
use portolan_columns::columns;

/// Most problems that one load reports; a file of nonsense must not become a wall of text.
const MOST_PROBLEMS: usize = 1_000;
/// Problems that may come with a search for what was meant.
const MOST_SUGGESTIONS: usize = 100;
/// Longest piece of a source line, and longest piece of a value, that a problem repeats.
const EXCERPT_CHARS: usize = 120;
const QUOTED_CHARS: usize = 60;
/// Beyond that column a line is not for people, and counting its characters for each problem would take long.
const LAST_COLUMN: usize = 4_000;

/// One thing to correct, with its place. `Display` is what people read in the terminal, without colour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as people named it.
    pub file: String,
    /// Counted from 1; `None` when the whole file is meant.
    pub line: Option<usize>,
    /// Counted from 1, in characters.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line of the source, or the part of it around the column.
    pub excerpt: Option<Excerpt>,
}

/// A piece of one source line. Tabs are single spaces and control characters are replaced, so that the mark
/// stands where it should and nothing in a file can talk to a terminal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excerpt {
    /// The text.
    pub text: String,
    /// Which character of the text is meant, from 0.
    pub mark: usize,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(file: &str, message: impl Into<String>, hint: Option<&str>) -> Self {
        let hint = hint.map(str::to_owned);
        Self { file: file.to_owned(), line: None, column: None, message: message.into(), hint, excerpt: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        write!(f, ": error: {}", self.message)?;
        if let (Some(excerpt), Some(line)) = (&self.excerpt, self.line) {
            let number = line.to_string();
            let before: String = excerpt.text.chars().take(excerpt.mark).collect();
            let (margin, indent) = (number.len(), columns(&before));
            write!(f, "\n  {number} | {}", excerpt.text)?;
            write!(f, "\n  {:margin$} | {:indent$}^", "", "")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// A place in the sources: which of them, line and column from 1. `line` 0 stands for the whole file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Which of the sources, from 0.
    pub source: usize,
    /// The line; 0 for the whole file.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Collects the problems of all sources.
pub struct Problems<'a> {
    sources: &'a [Source],
    format: &'static dyn Format,
    found: Vec<Found>,
    dropped: usize,
    /// Problems of other texts.
    others: Vec<Problem>,
    /// What is found now is in a text that may hold secrets: no line of it is repeated.
    is_secret: bool,
}

struct Found {
    at: Position,
    message: String,
    hint: Option<String>,
    is_secret: bool,
}

impl<'a> Problems<'a> {
    /// None yet, of these sources.
    pub fn new(sources: &'a [Source], format: &'static dyn Format) -> Self {
        Self { sources, format, found: Vec::new(), dropped: 0, others: Vec::new(), is_secret: false }
    }

    /// What the sources are written in.
    pub fn format(&self) -> &'static dyn Format {
        self.format
    }

    /// Whether what is found from now on is in a text that may hold secrets, such as the environment of a container: lines of it
    /// are not repeated. Returns what held before.
    pub fn hide_lines(&mut self, hide: bool) -> bool {
        std::mem::replace(&mut self.is_secret, hide)
    }

    /// What was read of a file that the source of a place names.
    pub fn file(&self, at: Position, path: &str) -> Option<&'a Result<String, String>> {
        self.sources.get(at.source)?.files.get(path)
    }

    /// A path that the source of a place writes, as seen from where that source was named.
    pub fn beside(&self, at: Position, path: &str) -> String {
        let folder = self.sources.get(at.source).and_then(|source| Path::new(&source.name).parent());
        folder.map_or_else(|| path.to_owned(), |folder| folder.join(path).display().to_string())
    }

    /// A key as a message names it, or nothing where it may have a secret in it.
    pub fn shown_key(&self, key: &str) -> Option<String> {
        (!self.is_secret || self.format.is_name(key)).then(|| quoted(key))
    }

    /// Adds the problems of another text.
    pub fn adopt(&mut self, others: Vec<Problem>) {
        self.others.extend(others);
    }

    /// Whether lines are hidden now.
    pub fn hides_lines(&self) -> bool {
        self.is_secret
    }

    /// Notes a problem in place of all others.
    pub fn only(&mut self, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        self.found.clear();
        self.add_hint(at, message, hint);
    }

    /// Notes a problem.
    pub fn add(&mut self, at: Position, message: impl Into<String>) {
        self.push(at, message.into(), None);
    }

    /// Notes a problem and what to do about it.
    pub fn add_hint(&mut self, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        self.push(at, message.into(), Some(hint.into()));
    }

    /// Notes a problem that may come with a hint.
    pub fn push_hint(&mut self, at: Position, message: impl Into<String>, hint: Option<String>) {
        self.push(at, message.into(), hint);
    }

    fn push(&mut self, at: Position, message: String, hint: Option<String>) {
        if self.found.len() < MOST_PROBLEMS {
            let (message, hint) = (printable(&message), hint.as_deref().map(printable));
            self.found.push(Found { at, message, hint, is_secret: self.is_secret });
        } else {
            self.dropped += 1;
        }
    }

    /// The number of problems so far, to notice whether a part added some.
    pub fn len(&self) -> usize {
        self.found.len() + self.dropped + self.others.len()
    }

    /// Whether further problems are only counted.
    pub fn is_full(&self) -> bool {
        self.found.len() >= MOST_PROBLEMS
    }

    /// Whether it is still worth searching for what was meant.
    pub fn wants_suggestions(&self) -> bool {
        self.found.len() < MOST_SUGGESTIONS
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.others.is_empty()
    }

    /// `file:line:column` of a place, to be named in a message about another one.
    pub fn place(&self, at: Position) -> String {
        format!("{}:{}:{}", printable(self.name(at.source)), at.line, at.column)
    }

    fn name(&self, source: usize) -> &str {
        self.sources.get(source).map_or("<input>", Source::shown_name)
    }

    /// All of them, sorted by file, line and column.
    pub fn finish(self) -> Vec<Problem> {
        let lines: Vec<Vec<&str>> = self.sources.iter().map(|source| source.text.lines().collect()).collect();
        let mut problems: Vec<Problem> = self.found.iter().map(|found| self.render(found, &lines)).collect();
        problems.extend(self.others.iter().cloned());
        problems.sort();
        problems.dedup();
        if self.found.len() >= MOST_PROBLEMS {
            let message = format!("these are the first {MOST_PROBLEMS} problems; there may be more");
            problems.push(Problem::of_file(self.name(self.sources.len().saturating_sub(1)), message, None));
        }
        problems
    }

    fn render(&self, found: &Found, lines: &[Vec<&str>]) -> Problem {
        let Position { source, line, column } = found.at;
        let known = (line > 0).then_some(());
        let text = lines.get(source).and_then(|lines| lines.get(line.checked_sub(1)?));
        Problem {
            file: self.name(source).to_owned(),
            line: known.map(|()| line),
            column: known.map(|()| column.max(1)),
            message: found.message.clone(),
            hint: found.hint.clone(),
            excerpt: text
                .filter(|text| !found.is_secret && column <= LAST_COLUMN && !text.trim().is_empty())
                .filter(|text| !secret::is_in_line(self.format, text, column + EXCERPT_CHARS))
                .map(|text| excerpt(text, column.max(1) - 1)),
        }
    }
}

/// The part of a line around one of its characters.
fn excerpt(line: &str, mark: usize) -> Excerpt {
    let start = if mark < EXCERPT_CHARS * 3 / 4 { 0 } else { mark - EXCERPT_CHARS / 2 };
    let mut rest = line.chars().skip(start);
    let shown: String = rest.by_ref().take(EXCERPT_CHARS).map(plain).collect();
    let (before, after) = (if start > 0 { "…" } else { "" }, if rest.next().is_some() { "…" } else { "" });
    let text = format!("{before}{}{after}", shown.trim_end());
    Excerpt { text, mark: mark - start + before.chars().count() }
}

/// A value as a message repeats it: in quotes, without control characters, not too long.
pub fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(QUOTED_CHARS).map(plain).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

fn printable(text: &str) -> String {
    text.chars().map(plain).collect()
}

/// Replaces what a terminal could take as a command or as a change of the reading direction.
fn plain(char: char) -> char {
    match char {
        '\t' => ' ',
        '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}
