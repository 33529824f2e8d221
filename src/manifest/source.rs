//! Which texts make up the fleet: files, folders, standard input.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::format::{LIMITS, Manifest};
use super::in_time::Medium;
use crate::yaml::{self, Node, Problem, Problems, STDIN, Source, Value};

/// Entries of folders that one reading looks at, and bytes of all files together: far beyond any fleet, so that `-R /` ends.
const MOST_ENTRIES: usize = 100_000;
const MOST_BYTES: usize = 64 << 20;

/// How often the same paths are read. A pipe has its text only once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// By a command that ends.
    #[default]
    Once,
    /// By the service, for as long as it runs.
    Repeatedly,
}

/// Reads what `-f` names: files, and the `*.yaml` and `*.yml` of folders in alphabetical order. Names that begin
/// with a dot are left out, and a file that is named twice is read once. `stdin` is the text of standard input,
/// needed when `paths` contains [`STDIN`].
pub fn find_sources(paths: &[String], recursive: bool, stdin: Option<&str>) -> Result<Vec<Source>, Vec<Problem>> {
    find_sources_with(paths, recursive, stdin, Reads::Once, &|_, _| {})
}

/// As [`find_sources`]; `opens` is called with each name before anything is asked of the file system about it.
pub fn find_sources_with(
    paths: &[String],
    recursive: bool,
    stdin: Option<&str>,
    reads: Reads,
    opens: &dyn Fn(&str, Medium),
) -> Result<Vec<Source>, Vec<Problem>> {
    let (sources, problems, seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    let folders = paths.iter().filter(|path| Path::new(path).is_dir()).map(PathBuf::from);
    let roots = folders.chain([PathBuf::from(".")]).filter_map(|folder| fs::canonicalize(folder).ok()).collect();
    let mut search = Search { recursive, reads, opens, sources, problems, seen, entries: 0, bytes: 0, roots };
    for path in paths {
        match (path.as_str(), stdin) {
            (STDIN, Some(text)) if search.seen.insert(PathBuf::from(STDIN)) => {
                let files = search.named(Path::new(""), text);
                search.sources.push(Source { name: STDIN.to_owned(), text: text.to_owned(), files });
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
        search.problems.dedup();
        Err(search.problems)
    }
}

struct Search<'a> {
    recursive: bool,
    reads: Reads,
    opens: &'a dyn Fn(&str, Medium),
    sources: Vec<Source>,
    problems: Vec<Problem>,
    /// Resolved paths, of folders too: links may lead in circles.
    seen: BTreeSet<PathBuf>,
    entries: usize,
    bytes: usize,
    /// Folders in which files that manifests name may lie: those of `-f`, and the working folder.
    roots: Vec<PathBuf>,
}

/// What a path leads to.
enum Kind {
    File,
    Folder,
    Pipe,
    /// Nothing that has a text and an end.
    Other(&'static str),
}

impl Kind {
    fn of(file_type: fs::FileType) -> Self {
        if file_type.is_file() {
            Self::File
        } else if file_type.is_dir() {
            Self::Folder
        } else {
            Self::special(file_type)
        }
    }

    #[cfg(unix)]
    fn special(file_type: fs::FileType) -> Self {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            Self::Pipe
        } else if file_type.is_socket() {
            Self::Other("a socket")
        } else if file_type.is_char_device() {
            Self::Other("a character device")
        } else if file_type.is_block_device() {
            Self::Other("a block device")
        } else {
            Self::Other("neither a file nor a folder")
        }
    }

    #[cfg(not(unix))]
    fn special(_: fs::FileType) -> Self {
        Self::Other("neither a file nor a folder")
    }

    fn words(&self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Pipe => "a pipe",
            Self::Other(words) => words,
        }
    }
}

impl Search<'_> {
    fn problem(&mut self, file: &str, message: impl Into<String>, hint: Option<&str>) {
        self.problems.push(Problem::of_file(file, message, hint));
    }

    fn unread(&mut self, name: &str, error: &std::io::Error) {
        let hint = (error.kind() == std::io::ErrorKind::PermissionDenied)
            .then_some("allow the user that runs portolan to read it");
        self.problem(name, format!("cannot be read: {}", reason(error)), hint);
    }

    fn not_a_file(&mut self, name: &str, kind: &Kind, hint: &str) {
        self.problem(name, format!("cannot be read: it is {}, not a file", kind.words()), Some(hint));
    }

    fn given(&mut self, path: &Path) {
        let name = path.display().to_string();
        (self.opens)(&name, Medium::Disk);
        let kind = match fs::metadata(path) {
            Err(error) => return self.unread(&name, &error),
            Ok(metadata) => Kind::of(metadata.file_type()),
        };
        match (kind, self.reads) {
            (Kind::Folder, _) => {
                if self.folder(path) == 0 {
                    let hint = (!self.recursive).then_some("folders below it are read with -R");
                    self.problem(&name, "no *.yaml or *.yml in this folder", hint);
                }
            }
            (Kind::File, _) => self.file(path, Medium::Disk),
            (Kind::Pipe, Reads::Once) => self.file(path, Medium::UnopenedPipe),
            (kind @ (Kind::Pipe | Kind::Other(_)), Reads::Repeatedly) => {
                self.not_a_file(&name, &kind, "pass a file: the service re-reads its manifest");
            }
            (kind @ Kind::Other(_), Reads::Once) => {
                self.not_a_file(&name, &kind, "pass a file; `-f -` reads standard input");
            }
        }
    }

    /// Reads a folder and returns how many manifests it holds, those included that were read before.
    fn folder(&mut self, folder: &Path) -> usize {
        let name = folder.display().to_string();
        (self.opens)(&name, Medium::Disk);
        if !fs::canonicalize(folder).is_ok_and(|resolved| self.seen.insert(resolved)) {
            return 1;
        }
        let most = MOST_ENTRIES.saturating_sub(self.entries) + 1;
        let listed = fs::read_dir(folder).and_then(|entries| entries.take(most).collect::<Result<Vec<_>, _>>());
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                self.unread(&name, &error);
                return 1;
            }
        };
        self.entries += entries.len();
        if self.entries > MOST_ENTRIES {
            let message = format!("more than {MOST_ENTRIES} entries in the folders up to this one");
            self.problem(&name, message, Some("pass a folder that holds only manifests"));
            return 1;
        }
        entries.sort_by_key(fs::DirEntry::file_name);
        entries.iter().map(|entry| self.entry(entry)).sum()
    }

    fn entry(&mut self, entry: &fs::DirEntry) -> usize {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            return 0;
        }
        let path = entry.path();
        let name = path.display().to_string();
        let is_named_so = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        (self.opens)(&name, Medium::Disk);
        match (fs::metadata(&path).map(|metadata| Kind::of(metadata.file_type())), is_named_so) {
            (Ok(Kind::Folder), _) if self.recursive => return self.folder(&path),
            (_, false) => return 0,
            (Err(error), true) => self.unread(&name, &error),
            (Ok(Kind::File), true) => self.file(&path, Medium::Disk),
            (Ok(kind @ Kind::Folder), true) => {
                self.not_a_file(&name, &kind, "read the folders below this one with -R, or rename it");
            }
            (Ok(kind @ (Kind::Pipe | Kind::Other(_))), true) => {
                self.not_a_file(&name, &kind, "remove it from the folder: only files are read there");
            }
        }
        1
    }

    fn file(&mut self, path: &Path, medium: Medium) {
        let name = path.display().to_string();
        if fs::canonicalize(path).is_ok_and(|resolved| !self.seen.insert(resolved)) {
            return;
        }
        (self.opens)(&name, medium);
        let mut bytes = Vec::new();
        // One byte more than allowed tells a file that is too large from one that just fits.
        let read = fs::File::open(path).and_then(|file| {
            // Asked of what was opened: something else may have the name by now.
            let kind = Kind::of(file.metadata()?.file_type());
            if matches!(kind, Kind::Pipe) {
                (self.opens)(&name, Medium::Pipe);
            }
            file.take(if is_of(medium, &kind) { LIMITS.bytes as u64 + 1 } else { 0 }).read_to_end(&mut bytes)?;
            Ok(kind)
        });
        match read {
            Err(error) => return self.unread(&name, &error),
            Ok(kind) if !is_of(medium, &kind) => return self.not_a_file(&name, &kind, "pass a file"),
            Ok(_) => {}
        }
        if bytes.len() > LIMITS.bytes {
            return self.problem(&name, LIMITS.too_large(), Some(LIMITS.when_too_large));
        }
        self.bytes += bytes.len();
        if self.bytes > MOST_BYTES {
            let message = format!("the files up to this one are larger than {} MiB together", MOST_BYTES >> 20);
            return self.problem(&name, message, Some("pass only files and folders that hold manifests"));
        }
        // Reading doubles its room whenever that is full, and the service keeps the texts.
        bytes.shrink_to_fit();
        match String::from_utf8(bytes) {
            Ok(text) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                let files = self.named(folder, &text);
                self.sources.push(Source { name, text, files });
            }
            Err(_) => self.problem(&name, "not UTF-8 text", Some("save it as UTF-8")),
        }
    }

    /// The files that a manifest names: their texts, or why they cannot be read.
    fn named(&mut self, folder: &Path, text: &str) -> BTreeMap<String, Result<String, String>> {
        let paths = paths_in(text).into_iter();
        paths.map(|path| (path.clone(), self.beside(folder, &path))).collect()
    }

    fn beside(&mut self, folder: &Path, path: &str) -> Result<String, String> {
        if Path::new(path).is_absolute() {
            return Err("is an absolute path; write it relative to the manifest".to_owned());
        }
        let unread = |error: std::io::Error| format!("cannot be read: {}", reason(&error));
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let wanted = folder.join(path);
        (self.opens)(&wanted.display().to_string(), Medium::Disk);
        let resolved = fs::canonicalize(&wanted).map_err(unread)?;
        let home = fs::canonicalize(folder).map_err(unread)?;
        if !self.roots.iter().chain([&home]).any(|root| resolved.starts_with(root)) {
            return Err("lies outside of the manifest's folder, the folders of -f and the working folder".to_owned());
        }
        let kind = Kind::of(fs::metadata(&resolved).map_err(unread)?.file_type());
        if !matches!(kind, Kind::File) {
            return Err(format!("cannot be read: it is {}, not a file", kind.words()));
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&resolved).map_err(unread)?;
        file.take(LIMITS.bytes as u64 + 1).read_to_end(&mut bytes).map_err(unread)?;
        self.bytes += bytes.len();
        if bytes.len() > LIMITS.bytes || self.bytes > MOST_BYTES {
            return Err(format!("is {}", LIMITS.too_large()));
        }
        String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
    }
}

/// The paths of files that a manifest names. What cannot be read names none: loading says what is wrong with it.
fn paths_in(text: &str) -> BTreeSet<String> {
    // Most manifests name none, and need not be read twice.
    if !text.contains("file") {
        return BTreeSet::new();
    }
    let sources = [Source { name: String::new(), text: text.to_owned(), files: Default::default() }];
    let documents = yaml::read(0, text, &mut Problems::new(&sources, &Manifest)).documents;
    let file = |document: &Node, member: &str| {
        let path = ["spec", member, "file"];
        let node = path.iter().try_fold(document, |node, name| within(node, name))?;
        match &node.value {
            Value::Scalar(scalar) => Some(scalar.text.clone()),
            Value::Sequence(_) | Value::Mapping(_) | Value::Broken => None,
        }
    };
    let members = ["taskDefinition", "serviceDefinition"];
    documents.iter().flat_map(|document| members.into_iter().filter_map(move |member| file(document, member))).collect()
}

fn within<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value),
        Value::Scalar(_) | Value::Sequence(_) | Value::Broken => None,
    }
}

/// Whether what was opened is what the path led to before.
fn is_of(medium: Medium, kind: &Kind) -> bool {
    match medium {
        Medium::Disk => matches!(kind, Kind::File),
        Medium::UnopenedPipe | Medium::Pipe | Medium::Terminal => matches!(kind, Kind::Pipe),
    }
}

/// The system's words without the number that Rust adds.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
