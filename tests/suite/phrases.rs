//! No text that people read has a phrase that reads like a translation: pages, and string literals of the program.

use std::path::Path;

use super::docs::{files_ending, prose, read, root};

/// Phrases that are refused, each with the words to use instead. Words that are plain elsewhere are no part of it.
pub const PHRASES: [(&str, &str); 46] = [
    ("at once", "immediately, together"),
    ("anew", "again"),
    ("whoever", "the actor"),
    ("somebody", "the actor, or the passive"),
    ("nobody", "no client, no writer"),
    ("whatever is", "everything that is"),
    ("what stands", "the live state"),
    ("that stands", "live, existing"),
    ("as it stands", "now"),
    ("stands in", "is in"),
    ("stands under", "is under"),
    ("stands here", "is here"),
    ("bears", "has, is tagged"),
    ("bear the", "have the"),
    ("mend", "repair, fix"),
    ("mends", "repairs, fixes"),
    ("mended", "repaired, fixed"),
    ("put right", "corrected"),
    ("let in", "allow"),
    ("lets in", "allows"),
    ("admit", "allow"),
    ("admits", "allows"),
    ("admitted", "allowed"),
    ("is told", "is reported"),
    ("are told", "are reported"),
    ("said aloud", "logged"),
    ("says aloud", "logs"),
    ("besides", "in addition"),
    ("hearing", "events"),
    ("on the way", "in transit"),
    ("in the shade", "shadowed"),
    ("left-over", "orphaned"),
    ("stranger", "unknown target"),
    ("strangers", "unknown targets"),
    ("for ever", "endlessly"),
    ("held against", "compared with"),
    ("the way in", "the listener"),
    ("ways in", "routes"),
    ("hence", "so"),
    ("leads here", "forwards here"),
    ("leads elsewhere", "forwards to another target group"),
    ("worked on from here", "name what does not match"),
    ("did not end well", "failed"),
    ("get done", "be done"),
    ("complete look", "complete pass"),
    ("last look", "last pass"),
];

/// Doc comments that people read: help texts, and descriptions in the JSON Schema.
const SHOWN_COMMENTS: [&str; 3] = ["src/cli/args.rs", "src/cli/inputs.rs", "src/manifest/document.rs"];

/// A piece of text and the line that it starts on.
type Piece = (usize, String);

/// The refused phrases in a text.
fn refused(text: &str) -> Vec<(&'static str, &'static str)> {
    let text = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let is_in = |phrase: &str| {
        text.match_indices(phrase).any(|(at, _)| {
            let around = [text[..at].chars().next_back(), text[at + phrase.len()..].chars().next()];
            around.iter().flatten().all(|c| !c.is_alphanumeric() && *c != '-')
        })
    };
    PHRASES.into_iter().filter(|(phrase, _)| is_in(phrase)).collect()
}

/// Text of a page without code, in which AWS, other tools and outputs have their own words.
fn own_words(text: &str) -> String {
    prose(text).join(" ").split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// String literals of Rust code outside of its comments and test modules.
fn literals(code: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = Scan { code, at: 0 };
    while let Some(next) = rest.rest().chars().next() {
        let start = rest.at;
        if rest.rest().starts_with("//") {
            rest.skip_to("\n");
        } else if rest.rest().starts_with("/*") {
            rest.skip_block_comment();
        } else if rest.rest().starts_with("#[cfg(test)]") {
            rest.skip_item();
        } else if let Some(text) = rest.take_literal() {
            found.push((code[..start].matches('\n').count() + 1, text));
        } else if !rest.skip_char_or_word() {
            rest.at += next.len_utf8();
        }
    }
    found
}

struct Scan<'a> {
    code: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        &self.code[self.at..]
    }

    /// Past the next `end`.
    fn skip_to(&mut self, end: &str) {
        self.at = self.rest().find(end).map_or(self.code.len(), |found| self.at + found + end.len());
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while !self.rest().is_empty() {
            if self.rest().starts_with("/*") {
                (depth, self.at) = (depth + 1, self.at + 2);
            } else if self.rest().starts_with("*/") {
                (depth, self.at) = (depth - 1, self.at + 2);
                if depth == 0 {
                    return;
                }
            } else {
                self.at += self.rest().chars().next().map_or(0, char::len_utf8);
            }
        }
    }

    /// An item with its block, or up to its semicolon.
    fn skip_item(&mut self) {
        let mut depth = 0;
        while let Some(next) = self.rest().chars().next() {
            if self.rest().starts_with("//") {
                self.skip_to("\n");
                continue;
            }
            if self.take_literal().is_some() || self.skip_char_or_word() {
                continue;
            }
            self.at += next.len_utf8();
            match next {
                '{' => depth += 1,
                '}' if depth == 1 => return,
                '}' => depth -= 1,
                ';' if depth == 0 => return,
                _ => {}
            }
        }
    }

    /// The text of a string literal that starts here; `\` at the end of a line joins it with the next one.
    fn take_literal(&mut self) -> Option<String> {
        let start = self.rest().trim_start_matches(['b', 'r']);
        let prefix = &self.rest()[..self.rest().len() - start.len()];
        let hashes = start.len() - start.trim_start_matches('#').len();
        if prefix.len() > 2 || !start[hashes..].starts_with('"') || (hashes > 0 && !prefix.contains('r')) {
            return None;
        }
        let from = self.at + prefix.len() + hashes + 1;
        let to = if prefix.contains('r') {
            from + self.code[from..].find(&format!("\"{}", "#".repeat(hashes)))?
        } else {
            let mut is_escaped = false;
            let ends = |c: char| {
                let is_end = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                is_end
            };
            from + self.code[from..].find(ends)?
        };
        self.at = to + 1 + hashes;
        Some(self.code[from..to].replace("\\\n", "").replace("\\n", "\n"))
    }

    /// A character, so that `'"'` begins no string, or a word, so that the `r` of `for` begins none.
    fn skip_char_or_word(&mut self) -> bool {
        let rest = self.rest();
        let mut chars = rest.chars();
        if chars.next() == Some('\'') {
            let second = chars.next();
            let end = if second == Some('\\') { rest[3..].find('\'').map(|at| at + 3) } else { None };
            let end = end.or((chars.next() == Some('\'')).then(|| 1 + second.map_or(0, char::len_utf8)));
            self.at += end.map_or(1, |end| end + 1);
            return true;
        }
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += word;
        word > 0
    }
}

/// The doc comments of a file.
fn comments(code: &str) -> Vec<Piece> {
    let lines = code.lines().enumerate();
    let comments = lines.filter_map(|(line, text)| Some((line + 1, text.trim_start().strip_prefix("///")?.to_owned())));
    comments.collect()
}

#[test]
fn pages_use_none_of_the_refused_phrases() {
    // Made from the texts of the program, or a record of the past.
    let exempt = ["docs/trace.md", "CHANGELOG.md"].map(|page| root().join(page));
    let mut wrong = Vec::new();
    for page in super::docs::pages().into_iter().filter(|page| !exempt.contains(page)) {
        for (phrase, instead) in refused(&own_words(&read(&page))) {
            wrong.push(format!("{}: \"{phrase}\"; write: {instead}", page.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn strings_use_none_of_the_refused_phrases() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    let packages: Vec<String> = super::arrows::packages().iter().map(|name| format!("crates/{name}/src")).collect();
    let folders: Vec<&str> = packages.iter().map(String::as_str).chain(["src"]).collect();
    for path in files_ending(&folders, &["rs"]) {
        let path = path.strip_prefix(root()).expect("in the project").to_owned();
        if path.ends_with("tests.rs") {
            continue;
        }
        let code = read(&root().join(&path));
        let is_shown = SHOWN_COMMENTS.iter().any(|shown| path == Path::new(shown));
        let pieces = literals(&code).into_iter().chain(if is_shown { comments(&code) } else { Vec::new() });
        for (line, text) in pieces {
            seen += 1;
            let found = refused(&text).into_iter();
            wrong.extend(
                found.map(|(phrase, instead)| format!("{}:{line}: \"{phrase}\"; write: {instead}", path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 5_000, "only {seen} strings were found");
}

#[test]
fn the_scanner_reads_strings_and_nothing_else() {
    let code = r##"
//! "a comment"
/* "one" /* "nested" */ "still" */
fn words<'a>(text: &'a str) -> [char; 3] { // "none"
    let joined = "one \
                  line";
    let raw = r#"say "what stands""#;
    let quoted = "a \"quoted\" word\\";
    for_r("after");
    ['"', '\'', '\u{22}']
}
#[cfg(test)]
mod tests { const BRACE: &str = "}"; fn f() { g("at once") } }
const LAST: &[u8] = b"last";
"##;
    let found: Vec<String> =
        literals(code).into_iter().map(|(_, text)| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(found, ["one line", r#"say "what stands""#, r#"a \"quoted\" word\\"#, "after", "last"]);
    assert_eq!(literals(code)[0].0, 5, "the line on which it starts");
    assert_eq!(refused("Look at WHAT\n stands, not at-once"), [("what stands", "the live state")]);
}
