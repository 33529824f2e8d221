//! Answers in XML.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::Contents;
use super::members::{Kind, Place, Read};

/// The contents of a body that is one whole element with the members that it must have.
pub(super) fn read(body: &[u8], operation: &str, read: Option<&Read>) -> Result<Contents, String> {
    let mut reader = Reader::from_reader(body);
    // `<a/>` is read as `<a></a>`.
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk::new(operation, read);
    loop {
        match reader.read_event().map_err(|error| format!("the response is not complete XML: {error}"))? {
            Event::Start(tag) => walk.start(tag.local_name().as_ref())?,
            Event::End(_) => walk.end()?,
            Event::Text(text) => walk.text(&text)?,
            Event::CData(text) => walk.text(&text)?,
            Event::GeneralRef(name) => walk.text(&name)?,
            Event::Eof => return walk.finish(),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// Where the reading is. Depth 0 is outside of the root.
struct Walk<'a> {
    operation: &'a str,
    read: Option<&'a Read>,
    /// The depth at which the answer's members are.
    base: usize,
    depth: usize,
    has_root: bool,
    /// The member was there.
    found: bool,
    /// Inside the member.
    inside: bool,
    /// The thing that is read has the member that each has.
    is_named: bool,
    /// The text of the member, or of the token of the next page, as it is read.
    text: Vec<u8>,
    in_token: bool,
    token: Vec<u8>,
}

impl<'a> Walk<'a> {
    fn new(operation: &'a str, read: Option<&'a Read>) -> Self {
        let base = match read.map(|read| read.place) {
            Some(Place::Result) => 2,
            Some(Place::Root | Place::Json) | None => 1,
        };
        Self {
            operation,
            read,
            base,
            depth: 0,
            has_root: false,
            found: false,
            inside: false,
            is_named: false,
            text: Vec::new(),
            in_token: false,
            token: Vec::new(),
        }
    }

    fn start(&mut self, name: &[u8]) -> Result<(), String> {
        if self.depth == 0 {
            if std::mem::replace(&mut self.has_root, true) {
                return Err("the response continues after its end".to_owned());
            }
            if self.read.is_some() && !is_suffixed(name, self.operation, b"Response") {
                return Err(format!("the response is not a response to {}", self.operation));
            }
        }
        if let Some(read) = self.read {
            if self.depth == self.base {
                self.inside = name == read.member.as_bytes();
                self.found |= self.inside;
                self.in_token = matches!(name, b"nextToken" | b"NextToken" | b"NextMarker");
            }
            if let (true, Kind::List(of)) = (self.inside, read.kind) {
                if self.depth == self.base + 1 {
                    self.is_named = of.is_none();
                } else if self.depth == self.base + 2 {
                    self.is_named |= of.is_some_and(|of| name == of.as_bytes());
                }
            }
        }
        self.depth += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        self.depth = self.depth.saturating_sub(1);
        let Some(read) = self.read else { return Ok(()) };
        if let (true, Kind::List(Some(of))) = (self.inside, read.kind)
            && self.depth == self.base + 1
            && !self.is_named
        {
            return Err(format!("an entry of {} in the response has no {of}", read.member));
        }
        if self.depth <= self.base {
            self.inside = false;
            self.in_token = false;
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<(), String> {
        if self.depth == 0 && !text.trim_ascii().is_empty() {
            return Err("the response has text outside of its element".to_owned());
        }
        if self.in_token {
            self.token.extend_from_slice(text);
        }
        if self.inside && self.read.is_some_and(|read| read.kind == Kind::Text) {
            self.text.extend_from_slice(text);
        }
        Ok(())
    }

    fn finish(self) -> Result<Contents, String> {
        if !self.has_root || self.depth > 0 {
            return Err("the response is cut off".to_owned());
        }
        if let Some(read) = self.read {
            let is_empty_text = read.kind == Kind::Text && self.text.trim_ascii().is_empty();
            if !self.found || is_empty_text {
                return Err(format!("the response has no {}", read.member));
            }
        }
        let token = String::from_utf8_lossy(self.token.trim_ascii()).into_owned();
        Ok(Contents { next_page: (!token.is_empty()).then_some(token) })
    }
}

fn is_suffixed(name: &[u8], operation: &str, suffix: &[u8]) -> bool {
    name.strip_suffix(suffix) == Some(operation.as_bytes())
}
