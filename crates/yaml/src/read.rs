//! YAML text to positioned trees, within a budget.
//!
//! The events come from granit-parser, the parser below serde-saphyr: serde's data model loses where a mapping's
//! keys stand and whether a scalar was quoted, and stops at the first mistake. Here a mistake is noted, its node
//! becomes [`Value::Broken`], and reading goes on; after a syntax error it goes on at the next document.

use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::format::Limits;
use super::node::{Entry, Node, Scalar, Value};
use super::problem::{Position, Problems, quoted};
use super::secret;

/// Deepest nesting. No format needs a third of it.
const MOST_DEPTH: usize = 32;
/// Most documents in a file.
const MOST_DOCUMENTS: usize = 10_000;
/// How the parser's message begins when a colon makes a key of what was meant as text.
const VALUE_AFTER_VALUE: &str = "mapping values are not allowed";
const QUOTE: &str = "quote the text: without quotes, a colon before a space or at the end makes a key of it";
/// Longest scalar.
const MOST_SCALAR_BYTES: usize = 16 << 10;

/// The documents of one source, in order. `whole` is false when some of it could not be read.
#[derive(Debug)]
pub struct Read {
    /// The documents, in order.
    pub documents: Vec<Node>,
    /// Whether all of the source was read.
    pub whole: bool,
}

/// Reads one source.
pub fn read(source: usize, text: &str, problems: &mut Problems<'_>) -> Read {
    let whole_file = Position { source, line: 0, column: 0 };
    let limits = problems.format().limits();
    if text.len() > limits.bytes {
        problems.add_hint(whole_file, limits.too_large(), limits.when_too_large);
        return Read { documents: Vec::new(), whole: false };
    }
    if text.starts_with('\u{feff}') {
        problems.add_hint(whole_file, "starts with a byte order mark", "save it as UTF-8 without one");
        return Read { documents: Vec::new(), whole: false };
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: MOST_DEPTH,
        block_nesting_limit: MOST_DEPTH,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let (frames, documents, nodes) = (Vec::new(), Vec::new(), 0);
    let mut reader = Reader { source, text, problems, limits, parser, frames, documents, nodes, secrets: None };
    let whole = reader.run();
    Read { documents: reader.documents, whole }
}

/// A list or mapping that is still open.
enum Frame {
    Sequence { at: Position, items: Vec<Node> },
    Mapping { at: Position, entries: Vec<Entry>, seen: BTreeMap<String, Position>, key: Option<Key> },
}

impl Frame {
    fn entries(&self) -> usize {
        match self {
            Self::Sequence { items, .. } => items.len(),
            Self::Mapping { entries, .. } => entries.len(),
        }
    }
}

/// A mapping's key that waits for its value; without text when the pair is to be thrown away.
struct Key {
    at: Position,
    text: Option<String>,
}

/// The budget is used up: the rest of the file is not read.
struct Spent;

struct Reader<'a, 'p> {
    source: usize,
    text: &'a str,
    problems: &'a mut Problems<'p>,
    limits: &'static Limits,
    parser: Parser<'a, StrInput<'a>>,
    frames: Vec<Frame>,
    documents: Vec<Node>,
    nodes: usize,
    /// For each line, whether it may hold secrets; found out with the first problem.
    secrets: Option<Vec<bool>>,
}

impl<'a> Reader<'a, '_> {
    /// Reads to the end, or until the budget is spent. Says whether all of the file was understood.
    fn run(&mut self) -> bool {
        let mut whole = true;
        loop {
            match self.parser.next_event() {
                None => return whole,
                Some(Ok((event, span))) => {
                    if self.take(event, span).is_err() {
                        return false;
                    }
                }
                Some(Err(error)) => {
                    whole = false;
                    self.report(&error);
                    self.frames.clear();
                    let spent = matches!(error.kind(), ErrorKind::RecursionLimitExceeded);
                    if spent || !matches!(self.parser.proceed_next_document(), Ok(true)) {
                        return false;
                    }
                }
            }
        }
    }

    /// Whether something here may be a secret: what cannot be read has no field yet that says so.
    fn may_be_secret(&mut self, at: Position) -> bool {
        let format = self.problems.format();
        let lines = self.secrets.get_or_insert_with(|| secret::lines_below(format, self.text));
        let is_below = at.line.checked_sub(1).and_then(|line| lines.get(line)).copied().unwrap_or_default();
        is_below || self.problems.hides_lines() || self.keys().iter().any(|key| !format.is_name(key))
    }

    /// Notes a problem; `what` gets whether something here may be a secret.
    fn note(&mut self, at: Position, what: impl FnOnce(&Problems<'_>) -> (String, Option<String>)) {
        let is_secret = self.may_be_secret(at);
        let hidden = self.problems.hide_lines(is_secret);
        let (message, hint) = what(self.problems);
        self.problems.push_hint(at, message, hint);
        self.problems.hide_lines(hidden);
    }

    fn add(&mut self, at: Position, message: impl Into<String>, hint: Option<&str>) {
        self.note(at, |_| (message.into(), hint.map(str::to_owned)));
    }

    fn report(&mut self, error: &ScanError) {
        let at = self.position(error.marker());
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => {
                self.add(at, format!("nested deeper than {MOST_DEPTH} levels"), None);
            }
            ErrorKind::DirectiveDisallowed => {
                self.add(at, "YAML directives are not accepted", Some("remove the line that begins with %"));
            }
            _ => {
                let language = self.problems.format().language();
                let hint = error.info().starts_with(VALUE_AFTER_VALUE).then_some(QUOTE);
                self.add(at, format!("not valid {language}: {}", error.info()), hint);
            }
        }
    }

    fn position(&self, marker: &granit_parser::Marker) -> Position {
        Position { source: self.source, line: marker.line(), column: marker.col() + 1 }
    }

    fn take(&mut self, event: Event<'a>, span: Span) -> Result<(), Spent> {
        let at = self.position(&span.start);
        if event.is_node() {
            self.spend(at)?;
        }
        self.refuse_tag(&event, &span);
        match event {
            Event::Scalar(text, style, ..) => {
                let node = self.scalar(at, &text, style)?;
                self.put(node);
            }
            Event::SequenceStart(..) => self.frames.push(Frame::Sequence { at, items: Vec::new() }),
            Event::MappingStart(..) => {
                let (entries, seen) = (Vec::new(), BTreeMap::new());
                self.frames.push(Frame::Mapping { at, entries, seen, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let hint = self.problems.format().instead_of_aliases();
                self.add(at, "aliases (*name) are not accepted", Some(hint));
                self.put(Node { at, value: Value::Broken });
            }
            Event::Anchor(..) => {
                let hint = self.problems.format().instead_of_aliases();
                self.add(at, "anchors (&name) are not accepted", Some(hint));
            }
            _ => {} // where streams and documents begin and end
        }
        Ok(())
    }

    fn spend(&mut self, at: Position) -> Result<(), Spent> {
        self.nodes += 1;
        let message = if self.nodes > self.limits.nodes {
            format!("more than {} values and keys in one file", self.limits.nodes)
        } else if self.frames.len() > MOST_DEPTH {
            format!("nested deeper than {MOST_DEPTH} levels")
        } else if self.frames.last().is_some_and(|frame| frame.entries() >= self.limits.entries) {
            format!("more than {} entries in one list or mapping", self.limits.entries)
        } else if self.documents.len() >= MOST_DOCUMENTS {
            format!("more than {MOST_DOCUMENTS} documents in one file")
        } else {
            return if self.problems.is_full() { Err(Spent) } else { Ok(()) };
        };
        self.add(at, message, None);
        Err(Spent)
    }

    fn refuse_tag(&mut self, event: &Event<'_>, span: &Span) {
        if let Some(tag) = event.tag() {
            let at = span.tag_start().map_or_else(|| self.position(&span.start), |marker| self.position(&marker));
            let original = tag.original().to_string();
            self.note(at, |problems| {
                let shown = if problems.hides_lines() { "!name".to_owned() } else { original };
                (format!("tags ({shown}) are not accepted"), Some("remove it; quotes make a value text".to_owned()))
            });
        }
    }

    fn scalar(&mut self, at: Position, text: &str, style: ScalarStyle) -> Result<Node, Spent> {
        if text.len() > MOST_SCALAR_BYTES {
            self.add(at, format!("a value longer than {} KiB", MOST_SCALAR_BYTES >> 10), None);
            return Err(Spent);
        }
        let mut marks = self.problems.format().templates().iter();
        if let Some((mark, instead)) = marks.find(|(mark, _)| text.contains(mark))
            && !self.problems.format().takes_templates(&self.keys())
        {
            self.note(at, |problems| {
                let found = if problems.hides_lines() { String::new() } else { format!(", found in {}", quoted(text)) };
                (format!("{} is reserved{found}", quoted(mark)), Some((*instead).to_owned()))
            });
            return Ok(Node { at, value: Value::Broken });
        }
        if text.contains('\0') {
            self.add(at, "a value with a NUL character", None);
            return Ok(Node { at, value: Value::Broken });
        }
        let plain = style == ScalarStyle::Plain;
        Ok(Node { at, value: Value::Scalar(Scalar { text: text.to_owned(), plain }) })
    }

    /// The keys that lead to the value that is read now.
    fn keys(&self) -> Vec<&str> {
        let open = self.frames.iter().filter_map(|frame| match frame {
            Frame::Mapping { key: Some(key), .. } => key.text.as_deref(),
            Frame::Mapping { key: None, .. } | Frame::Sequence { .. } => None,
        });
        open.collect()
    }

    fn close(&mut self) {
        let node = match self.frames.pop() {
            Some(Frame::Sequence { at, items }) => Node { at, value: Value::Sequence(items) },
            Some(Frame::Mapping { at, entries, .. }) => Node { at, value: Value::Mapping(entries) },
            None => return,
        };
        self.put(node);
    }

    /// Gives a finished node to the map or list that is open.
    fn put(&mut self, node: Node) {
        match self.frames.last_mut() {
            None => self.documents.push(node),
            Some(Frame::Sequence { items, .. }) => items.push(node),
            Some(Frame::Mapping { key: waiting @ None, .. }) => {
                let at = node.at;
                // The frame is borrowed; its key is set once the text is known to be acceptable.
                *waiting = Some(Key { at, text: None });
                self.name_key(node);
            }
            Some(Frame::Mapping { entries, key, .. }) => {
                if let Some(Key { at, text: Some(text) }) = key.take() {
                    entries.push(Entry { key: text, key_at: at, value: node });
                }
            }
        }
    }

    /// Gives the waiting key its text, unless the key is one that no file must have.
    fn name_key(&mut self, node: Node) {
        let at = node.at;
        let scalar = match node.value {
            Value::Scalar(scalar) => scalar,
            Value::Sequence(_) | Value::Mapping(_) => {
                return self.add(at, "a key must be text, not a list or a mapping", None);
            }
            Value::Broken => return,
        };
        if scalar.plain && scalar.text == "<<" {
            let hint = self.problems.format().instead_of_aliases();
            return self.add(at, "merge keys (<<) are not accepted", Some(hint));
        }
        let Some(Frame::Mapping { seen, key: Some(key), .. }) = self.frames.last_mut() else { return };
        let Some(first) = seen.get(&scalar.text).copied() else {
            seen.insert(scalar.text.clone(), at);
            key.text = Some(scalar.text);
            return;
        };
        self.note(at, |problems| {
            let shown = problems.shown_key(&scalar.text).map_or("a key".to_owned(), |key| format!("the key {key}"));
            (format!("{shown} is written twice"), Some(format!("first at {}", problems.place(first))))
        });
    }
}
