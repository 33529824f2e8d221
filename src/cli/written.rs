//! A manifest that `init` has written: in files, and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::failure::Failure;
use crate::init::Written;
use crate::model::Gap;

/// A number with its noun.
pub(super) fn plural(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

/// A file for each service. Nothing is overwritten: either all of the files are new, or none is made.
pub(super) fn save(folder: &Path, written: &Written) -> Result<BTreeMap<PathBuf, String>, Failure> {
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
pub(super) fn document(
    written: &Written,
    files: &BTreeMap<PathBuf, String>,
    gaps: &BTreeSet<(String, Gap)>,
    calls: &BTreeMap<String, u64>,
) -> String {
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
    let gaps: Vec<_> =
        gaps.iter().map(|(object, gap)| json!({"object": object, "call": gap.call, "why": gap.why})).collect();
    let paths: Vec<String> = files.keys().map(|path| path.display().to_string()).collect();
    let document = json!({
        "schemaVersion": 1,
        "manifest": written.text(),
        "documents": documents,
        "files": paths,
        "left": left,
        "gaps": gaps,
        "errors": [],
        "calls": calls,
    });
    format!("{document:#}\n")
}
