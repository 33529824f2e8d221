//! The manifest that a run was given.

use std::io::{IsTerminal, Read};

use clap::Args;

use super::failure::Failure;
use crate::manifest::{self, InTime, Medium, Problem, Reads, STDIN, Source};
use crate::model::Desired;

/// Bytes. Far above the limit of a manifest, so that one that is too large is reported as too large.
const MOST_STDIN: u64 = 8 << 20;

/// The manifest. All files of one run are one fleet.
#[derive(Args, Clone, Debug, Default)]
pub struct Inputs {
    /// File or folder (*.yaml, *.yml) with the manifest; `-` is standard input; may repeat
    #[arg(short = 'f', long = "file", value_name = "PATH", action = clap::ArgAction::Append)]
    pub files: Vec<String>,
    /// Also read the folders below
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// How often the verb reads them.
    #[arg(skip)]
    pub reads: Reads,
}

impl Inputs {
    /// What was given before and after the verb is one list: leaving half of a fleet out would be dangerous.
    pub fn and(&self, after_verb: &Self) -> Self {
        let files = self.files.iter().chain(&after_verb.files).cloned().collect();
        Self { files, recursive: self.recursive || after_verb.recursive, reads: self.reads }
    }
}

/// The fleet, and the files it came from.
pub struct Loaded {
    /// The fleet.
    pub desired: Desired,
    /// Files that were read.
    pub sources: Vec<Source>,
}

/// Reads and checks everything that `-f` names.
pub fn load(inputs: &Inputs) -> Result<Loaded, Vec<Problem>> {
    check(read(inputs)?)
}

/// Checks what was read.
pub fn check(sources: Vec<Source>) -> Result<Loaded, Vec<Problem>> {
    let desired = manifest::load(&sources)?;
    Ok(Loaded { desired, sources })
}

/// Refuses a run without `-f`.
pub fn require(inputs: &Inputs) -> Result<(), Failure> {
    if inputs.files.is_empty() {
        let hint = "pass files or folders with -f, such as -f manifests/; `-f -` reads standard input";
        return Err(Failure::new("no manifest: -f is missing", Some(hint.to_owned())));
    }
    Ok(())
}

/// Reads everything that `-f` names, in time, and checks nothing.
pub fn read(inputs: &Inputs) -> Result<Vec<Source>, Vec<Problem>> {
    match read_in_time(inputs) {
        InTime::Ended(read) => read,
        InTime::Hangs(problem, _) => Err(vec![problem]),
    }
}

/// As [`read`]; a reading that hangs comes with its thread.
pub fn read_in_time(inputs: &Inputs) -> InTime {
    let Inputs { files, recursive, reads } = inputs.clone();
    manifest::in_time(move |opens| {
        let stdin = if files.iter().any(|path| path == STDIN) { Some(read_stdin(opens)?) } else { None };
        manifest::find_sources_with(&files, recursive, stdin.as_deref(), reads, opens)
    })
}

fn read_stdin(opens: &dyn Fn(&str, Medium)) -> Result<String, Vec<Problem>> {
    let stdin = std::io::stdin();
    opens("<stdin>", if stdin.is_terminal() { Medium::Terminal } else { Medium::Pipe });
    let mut bytes = Vec::new();
    let problem = |message: String| vec![Problem::of_file("<stdin>", message, None)];
    stdin
        .lock()
        .take(MOST_STDIN)
        .read_to_end(&mut bytes)
        .map_err(|error| problem(format!("cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|_| problem("not UTF-8 text".to_owned()))
}
