//! Which texts make up the fleet: files, folders, standard input.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::format::LIMITS;
use crate::yaml::{Problem, STDIN, Source};

/// Reads what `-f` names: files, and the `*.yaml` and `*.yml` of folders in alphabetical order. Names that begin
/// with a dot are left out, and a file that is named twice is read once. `stdin` is the text of standard input,
/// needed when `paths` contains [`STDIN`].
pub fn find_sources(paths: &[String], recursive: bool, stdin: Option<&str>) -> Result<Vec<Source>, Vec<Problem>> {
    let mut search = Search { recursive, sources: Vec::new(), problems: Vec::new(), seen: BTreeSet::new() };
    for path in paths {
        match (path.as_str(), stdin) {
            (STDIN, Some(text)) if search.seen.insert(PathBuf::from(STDIN)) => {
                search.sources.push(Source { name: STDIN.to_owned(), text: text.to_owned() });
            }
            (STDIN, Some(_)) => {}
            (STDIN, None) => search.problem("<stdin>", "standard input was not read", None),
            (path, _) => search.given(Path::new(path)),
        }
    }
    if search.problems.is_empty() {
        Ok(search.sources)
    } else {
        search.problems.sort();
        Err(search.problems)
    }
}

struct Search {
    recursive: bool,
    sources: Vec<Source>,
    problems: Vec<Problem>,
    /// Resolved paths, of folders too: links may lead in circles.
    seen: BTreeSet<PathBuf>,
}

impl Search {
    fn problem(&mut self, file: &str, message: impl Into<String>, hint: Option<&str>) {
        self.problems.push(Problem::of_file(file, message, hint));
    }

    fn given(&mut self, path: &Path) {
        let name = path.display().to_string();
        match fs::metadata(path) {
            Err(error) => self.problem(&name, format!("cannot be read: {}", reason(&error)), None),
            Ok(metadata) if metadata.is_dir() => {
                if self.folder(path) == 0 {
                    let hint = (!self.recursive).then_some("folders below it are read with -R");
                    self.problem(&name, "no *.yaml or *.yml in this folder", hint);
                }
            }
            Ok(_) => self.file(path),
        }
    }

    /// Reads a folder and returns how many manifests it holds, those included that were read before.
    fn folder(&mut self, folder: &Path) -> usize {
        if !fs::canonicalize(folder).is_ok_and(|resolved| self.seen.insert(resolved)) {
            return 1;
        }
        let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                self.problem(&folder.display().to_string(), format!("cannot be read: {}", reason(&error)), None);
                return 1;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut found = 0;
        for entry in entries {
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if path.is_dir() {
                found += if self.recursive { self.folder(&path) } else { 0 };
            } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                found += 1;
                self.file(&path);
            }
        }
        found
    }

    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        if fs::canonicalize(path).is_ok_and(|resolved| !self.seen.insert(resolved)) {
            return;
        }
        let mut bytes = Vec::new();
        // One byte more than allowed tells a file that is too large from one that just fits.
        let read = fs::File::open(path).and_then(|file| file.take(LIMITS.bytes as u64 + 1).read_to_end(&mut bytes));
        if let Err(error) = read {
            return self.problem(&name, format!("cannot be read: {}", reason(&error)), None);
        }
        if bytes.len() > LIMITS.bytes {
            return self.problem(&name, LIMITS.too_large(), Some(LIMITS.when_too_large));
        }
        // Reading doubles its room whenever that is full, and the service keeps the texts.
        bytes.shrink_to_fit();
        match String::from_utf8(bytes) {
            Ok(text) => self.sources.push(Source { name, text }),
            Err(_) => self.problem(&name, "not UTF-8 text", Some("save it as UTF-8")),
        }
    }
}

/// The system's words without the number that Rust adds.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
