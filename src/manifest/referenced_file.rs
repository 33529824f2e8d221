//! A file that a manifest refers to. Its text came with the manifest's ([`crate::yaml::Source`]): nothing is read here.

use crate::yaml::{At, Problems, quoted};

/// Suffixes of files that are read.
const SUFFIXES: [&str; 3] = [".json", ".yaml", ".yml"];
/// Suffixes of programs that make JSON.
const PROGRAMS: [&str; 2] = [".jsonnet", ".libsonnet"];

/// The name of a file in messages, and its text. `rendered` is the name to give to what a program makes. What is wrong with naming
/// the file is noted.
pub(super) fn read(path: &At<String>, rendered: &str, problems: &mut Problems<'_>) -> Option<(String, String)> {
    let render = format!("run `jsonnet FILE > {rendered}`, then use that file");
    if let Some((message, hint)) = refusal(path, &render) {
        problems.push_hint(path.at, message, hint);
        return None;
    }
    match problems.file(path.at, path) {
        Some(Ok(text)) => Some((problems.beside(path.at, path), text.clone())),
        Some(Err(why)) => {
            problems.add(path.at, format!("file {} {why}", quoted(path)));
            None
        }
        None => {
            let hint = "files are read beside a manifest that is read from a file or from standard input";
            problems.add_hint(path.at, format!("file {} was not read", quoted(path)), hint);
            None
        }
    }
}

/// What is wrong with a file of this name, and what to do about it; `render` says how a program becomes a file.
pub(super) fn refusal(path: &str, render: &str) -> Option<(String, Option<String>)> {
    let is = |suffixes: &[&str]| suffixes.iter().any(|suffix| path.ends_with(suffix));
    if is(&PROGRAMS) {
        return Some((
            format!("file {} is Jsonnet, which has to be rendered first", quoted(path)),
            Some(render.to_owned()),
        ));
    }
    (!is(&SUFFIXES)).then(|| (format!("file {} ends with none of .json, .yaml and .yml", quoted(path)), None))
}
