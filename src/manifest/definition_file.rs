//! A task definition in a file of its own: JSON or YAML, plain or wrapped as `aws ecs describe-task-definition` wraps it.
//!
//! Its text came with the manifest's ([`crate::yaml::Source`]): nothing is read here. Problems never repeat its content.

use super::member;
use crate::shape::{TASK_DEFINITION, Tree};
use crate::yaml::{self, At, Format, Limits, Node, Problems, Source, Value, quoted};

/// A definition takes no more than 64 KiB at AWS.
const LIMITS: Limits =
    Limits { bytes: 1 << 20, when_too_large: "a task definition has at most 64 KiB", nodes: 100_000, entries: 10_000 };

/// Members that `describe-task-definition` has beside the definition.
const BESIDE: [&str; 2] = ["tags", "ResponseMetadata"];
/// Suffixes of files that are read.
const SUFFIXES: [&str; 3] = [".json", ".yaml", ".yml"];

/// What a file says.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub tree: Tree,
    /// The definition itself.
    pub node: Node,
    /// What problems in it are named after.
    pub source: Source,
}

/// The format of such a file.
pub(crate) struct DefinitionFile(/** It is JSON. */ bool);

impl Format for DefinitionFile {
    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn takes_nothing_for_absent(&self) -> bool {
        true
    }

    fn language(&self) -> &'static str {
        if self.0 { "JSON" } else { "YAML" }
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("${", "write the value, or render the file first, for example with envsubst"),
            ("{{", "a template: ecspresso render taskdef > task-definition.json, and name that file"),
        ]
    }

    fn takes_templates(&self, keys: &[&str]) -> bool {
        let keys = if keys.first() == Some(&"taskDefinition") { &keys[1..] } else { keys };
        member::is_data(&TASK_DEFINITION, keys)
    }
}

/// Reads the file that a manifest names at `path`. What is wrong in it is noted as a problem of that file.
pub(super) fn read(path: &At<String>, problems: &mut Problems<'_>) -> Option<Read> {
    if let Some((message, hint)) = refused(path) {
        problems.push_hint(path.at, message, hint.map(str::to_owned));
        return None;
    }
    let text = match problems.file(path.at, &path.value) {
        Some(Ok(text)) => text.clone(),
        Some(Err(why)) => {
            problems.add(path.at, format!("file {}: {why}", quoted(path)));
            return None;
        }
        None => {
            let hint = "files are read beside a manifest that is read from a file or from standard input";
            problems.add_hint(path.at, format!("file {} was not read", quoted(path)), hint);
            return None;
        }
    };
    let source = Source { name: problems.beside(path.at, path), text, files: Default::default() };
    let sources = [source.clone()];
    let format = if path.ends_with(".json") { &DefinitionFile(true) } else { &DefinitionFile(false) };
    let mut own = Problems::new(&sources, format);
    own.hide_lines(true);
    let read = parse(source, &mut own);
    problems.adopt(own.finish());
    read
}

fn refused(path: &str) -> Option<(String, Option<&'static str>)> {
    if path.ends_with(".jsonnet") || path.ends_with(".libsonnet") {
        return Some((
            format!("file {} is a program that makes JSON", quoted(path)),
            Some("jsonnet FILE > task-definition.json, and name that file"),
        ));
    }
    if !SUFFIXES.iter().any(|suffix| path.ends_with(suffix)) {
        return Some((format!("file {} ends with none of .json, .yaml and .yml", quoted(path)), None));
    }
    None
}

/// Notes where a text stops being JSON. YAML reads what JSON does not have, such as comments and a comma at the end.
pub(super) fn check_json(text: &str, problems: &mut Problems<'_>) -> bool {
    let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) else { return true };
    let at = yaml::Position { source: 0, line: error.line(), column: error.column() };
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    problems.add(at, format!("not valid JSON: {message}"));
    false
}

fn parse(source: Source, problems: &mut Problems<'_>) -> Option<Read> {
    if source.name.ends_with(".json") && template(&source.text).is_none() && !check_json(&source.text, problems) {
        return None;
    }
    let mut read = yaml::read(0, &source.text, problems);
    if let Some(at) = template(&source.text)
        && (!problems.is_empty() || !read.whole)
    {
        problems.only(
            at,
            "a template: \"{{\" has to be rendered first",
            "ecspresso render taskdef > task-definition.json, and name that file",
        );
        return None;
    }
    let document = match (read.documents.pop(), read.documents.is_empty()) {
        (Some(document), true) => document,
        (Some(_), false) => {
            problems.add(Default::default(), "several documents; a task definition is one");
            return None;
        }
        (None, _) => {
            if problems.is_empty() {
                problems.add(Default::default(), "the file is empty");
            }
            return None;
        }
    };
    let node = unwrapped(document, problems)?;
    let members = member::read(&TASK_DEFINITION, "taskDefinition", &node, problems)?;
    Some(Read { tree: Tree::new(members), node, source })
}

/// Line and column of the first mark of a template.
fn template(text: &str) -> Option<yaml::Position> {
    let (index, line) = text.lines().enumerate().find(|(_, line)| line.contains("{{"))?;
    let column = line.find("{{").map_or(0, |at| line[..at].chars().count());
    Some(yaml::Position { source: 0, line: index + 1, column: column + 1 })
}

/// The definition without what `describe-task-definition` and ecspresso put around it.
fn unwrapped(node: Node, problems: &mut Problems<'_>) -> Option<Node> {
    let Value::Mapping(entries) = &node.value else {
        problems.add(node.at, format!("expected a task definition, found {}", node.kind()));
        return None;
    };
    let Some(inner) = entries.iter().find(|entry| entry.key == "taskDefinition") else { return Some(node) };
    for entry in entries.iter().filter(|entry| entry.key != "taskDefinition" && !BESIDE.contains(&entry.key.as_str())) {
        let message = format!("unknown field {} beside taskDefinition", quoted(&entry.key));
        problems.add_hint(entry.key_at, message, "put it under taskDefinition");
    }
    Some(inner.value.clone())
}
