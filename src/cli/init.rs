//! `portolan init`: the manifest of what stands. It never makes a writer; `--split` writes files, and only new ones.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{AttributesArg, Global, InitArgs, Inputs, Output};
use super::cluster::{ClusterReading, scope};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::signals::Signals;
use super::terminal::Terminal;
use crate::init::{Attributes, Options, Written, write_with};
use crate::model::Observed;
use crate::plan::Verdict;
use crate::survey::Depth;

/// Reads, and writes what it read.
pub async fn init(
    args: &InitArgs,
    inputs: &Inputs,
    global: &Global,
    terminal: Terminal,
    signals: &Signals,
) -> Result<Answer, Failure> {
    if !inputs.files.is_empty() {
        let hint = "init writes a manifest; `portolan drift -f …` compares one with the live state";
        return Err(Failure::new("init takes no -f", Some(hint.to_owned())));
    }
    let scope = scope(&args.clusters, &args.services)?;
    let reading = ClusterReading::take(&scope, Depth::Manifest, global, terminal, signals).await?;
    let attributes = match args.attributes {
        AttributesArg::Changed => Attributes::Changed,
        AttributesArg::All => Attributes::All,
    };
    let options = Options { name: args.name.as_deref(), attributes };
    let written = write_with(&reading.outline, &reading.observed, options, super::run::now());
    if let Some(problem) = written.problems.first() {
        let hint = "this is a bug in Portolan: please report it with this message";
        return Err(Failure::new(format!("the manifest cannot be read back: {problem}"), Some(hint.to_owned())));
    }
    let files = match &args.split {
        None => BTreeMap::new(),
        Some(folder) => save(folder, &written)?,
    };
    let texts = global.outputs.render(terminal.answer, |form, _| match (form.output(), &args.split) {
        (Output::Json, _) => document(&written, &files, &reading),
        (Output::Text, None) => written.text(),
        (Output::Text, Some(_)) => files.keys().map(|path| format!("{}\n", path.display())).collect(),
    });
    let exit =
        if reading.observed.gaps.is_empty() { Exit::Sound } else { Exit::of(Verdict::Incomplete, global.strict) };
    Ok(Answer { texts, headline: Some(headline(&written, &reading.observed)), exit })
}

fn headline(written: &Written, observed: &Observed) -> String {
    let count = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    };
    let objects = count(written.documents.len(), "document", "documents");
    let left = written.plan.steps.len() + written.plan.blocked.len();
    match (observed.gaps.len(), left) {
        (0, 0) => format!("wrote {objects}; in sync"),
        (0, left) => {
            let what = count(left, "difference already exists", "differences already exist");
            format!("wrote {objects}; {what} (see the comments)")
        }
        (gaps, _) => {
            format!("incomplete: wrote {objects}; {} failed (see the comments)", count(gaps, "read", "reads"))
        }
    }
}

/// A file for each service. Nothing is overwritten: either all of the files are new, or none is made.
fn save(folder: &Path, written: &Written) -> Result<BTreeMap<PathBuf, String>, Failure> {
    let files: BTreeMap<PathBuf, String> =
        written.files().into_iter().map(|(name, text)| (folder.join(name), text)).collect();
    let standing: Vec<String> =
        files.keys().filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
    if !standing.is_empty() {
        let hint = "choose another folder, or remove these files first; init never overwrites a file";
        return Err(Failure::new(format!("{} already", exist(&standing)), Some(hint.to_owned())));
    }
    let failed = |path: &Path, error: std::io::Error| Failure::new(format!("{}: {error}", path.display()), None);
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (path, text) in &files {
        let mut file = File::create_new(path).map_err(|error| failed(path, error))?;
        file.write_all(text.as_bytes()).map_err(|error| failed(path, error))?;
    }
    Ok(files)
}

fn exist(names: &[String]) -> String {
    match names {
        [only] => format!("{only} exists"),
        [first, second] => format!("{first} and {second} exist"),
        several => format!("{} and {} more exist", several.first().map_or("", String::as_str), several.len() - 1),
    }
}

/// The same for programs, as one document.
fn document(written: &Written, files: &BTreeMap<PathBuf, String>, reading: &ClusterReading) -> String {
    let documents: Vec<_> = written
        .documents
        .iter()
        .map(|document| json!({"object": document.object.to_string(), "text": document.text}))
        .collect();
    let plan = &written.plan;
    let steps = plan.steps.iter().map(|step| (&step.object, &step.summary, step.reason.clone()));
    let blocked = plan.blocked.iter().map(|entry| (&entry.object, &entry.what, entry.waiting_on.to_string()));
    let left: Vec<_> = steps
        .chain(blocked)
        .map(|(object, what, why)| json!({"object": object.to_string(), "what": what, "why": why}))
        .collect();
    let gaps = reading.observed.gaps.iter();
    let gaps: Vec<_> = gaps.map(|(object, gap)| json!({"object": object, "call": gap.call, "why": gap.why})).collect();
    let paths: Vec<String> = files.keys().map(|path| path.display().to_string()).collect();
    let document = json!({
        "schemaVersion": 1,
        "manifest": written.text(),
        "documents": documents,
        "files": paths,
        "left": left,
        "gaps": gaps,
        "errors": [],
        "calls": reading.calls(),
    });
    format!("{document:#}\n")
}
