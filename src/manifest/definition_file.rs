//! A task definition in a file of its own: JSON or YAML, plain or wrapped as `aws ecs describe-task-definition` wraps it.
//!
//! Its text came with the manifest's ([`crate::yaml::Source`]): nothing is read here. Problems never repeat its content.

use super::{member, referenced_file};
use crate::shape::{TASK_DEFINITION, Tree};
use crate::yaml::{self, At, Format, Limits, Node, Problems, Source, Value};

/// A definition takes no more than 64 KiB at AWS.
const LIMITS: Limits =
    Limits { bytes: 1 << 20, when_too_large: "a task definition has at most 64 KiB", nodes: 100_000, entries: 10_000 };

/// Members that `describe-task-definition` has beside the definition.
const BESIDE: [&str; 2] = ["tags", "ResponseMetadata"];

/// The mark of a template of ecspresso.
const TEMPLATE: &str = "{{";
const BYTE_ORDER_MARK: char = '\u{feff}';
const START: yaml::Position = yaml::Position { source: 0, line: 1, column: 1 };

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
        &[("${", "write the value, or render the file first, for example with envsubst")]
    }

    fn is_name(&self, key: &str) -> bool {
        TASK_DEFINITION.has_name(key) || key == "taskDefinition"
    }

    fn takes_templates(&self, keys: &[&str]) -> bool {
        let keys = if keys.first() == Some(&"taskDefinition") { &keys[1..] } else { keys };
        member::is_data(&TASK_DEFINITION, keys)
    }
}

/// Reads the file that a manifest names at `path`. What is wrong in it is noted as a problem of that file.
pub(super) fn read(path: &At<String>, problems: &mut Problems<'_>) -> Option<Read> {
    let (name, text) = referenced_file::read(path, "task-definition.json", problems)?;
    let source = Source { name, text, files: Default::default() };
    let sources = [source.clone()];
    let format = if path.ends_with(".json") { &DefinitionFile(true) } else { &DefinitionFile(false) };
    let mut own = Problems::new(&sources, format);
    own.hide_lines(true);
    let read = parse(source, &mut own);
    problems.adopt(own.finish());
    read
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
    let is_json = source.name.ends_with(".json") && !source.text.starts_with(BYTE_ORDER_MARK);
    if is_json && first_template(&source.text).is_none() {
        if reads_as_yaml(&source.text) {
            let renamed = source.name.trim_end_matches("json");
            problems.add_hint(START, "the file is YAML, not JSON", format!("rename it to {renamed}yaml"));
            return None;
        }
        if !check_json(&source.text, problems) {
            return None;
        }
    }
    let mut read = yaml::read(0, &source.text, problems);
    let in_text = read.documents.iter().find_map(|document| template_in(document, &mut Vec::new()));
    // A template outside of text makes nonsense of the file.
    let is_unreadable = !read.whole || !problems.is_empty();
    let template = in_text.map(|at| mark_after(&source.text, at));
    if let Some(at) = template.or_else(|| first_template(&source.text).filter(|_| is_unreadable)) {
        problems.only(
            at,
            "a template: \"{{\" has to be rendered first",
            "run `ecspresso render taskdef > task-definition.json`, then use that file",
        );
        return None;
    }
    if is_json && first_template(&source.text).is_some() && !check_json(&source.text, problems) {
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

/// Whether a text that is no JSON is a definition in YAML.
fn reads_as_yaml(text: &str) -> bool {
    let sources = [Source { name: String::new(), text: text.to_owned(), files: Default::default() }];
    let mut problems = Problems::new(&sources, &DefinitionFile(false));
    let is_other = !text.trim_start().starts_with(['{', '[', '"', '/']);
    is_other && {
        let read = yaml::read(0, text, &mut problems);
        problems.is_empty() && matches!(read.documents.as_slice(), [Node { value: Value::Mapping(_), .. }])
    }
}

/// The first text with a mark of a template, outside of those in which Docker has marks of its own.
fn template_in<'n>(node: &'n Node, keys: &mut Vec<&'n str>) -> Option<yaml::Position> {
    match &node.value {
        Value::Scalar(scalar) => (scalar.text.contains(TEMPLATE) && !is_for_docker(keys)).then_some(node.at),
        Value::Sequence(nodes) => nodes.iter().find_map(|node| template_in(node, keys)),
        Value::Mapping(entries) => entries.iter().find_map(|entry| {
            let in_key = (entry.key.contains(TEMPLATE) && !is_for_docker(keys)).then_some(entry.key_at);
            keys.push(&entry.key);
            let found = in_key.or_else(|| template_in(&entry.value, keys));
            keys.pop();
            found
        }),
        Value::Broken => None,
    }
}

/// Docker fills `{{.Name}}` and the like in labels and in options of log drivers itself.
fn is_for_docker(keys: &[&str]) -> bool {
    keys.contains(&"dockerLabels") || keys.windows(2).any(|pair| pair == ["logConfiguration", "options"])
}

/// Line and column of the first mark of a template that is not in Docker's form.
fn first_template(text: &str) -> Option<yaml::Position> {
    text.lines().enumerate().find_map(|(index, line)| {
        let is_other = |rest: &str| !rest.trim_start().starts_with('.');
        let (at, _) = line.match_indices(TEMPLATE).find(|(at, mark)| is_other(&line[at + mark.len()..]))?;
        let column = line[..at].chars().count() + 1;
        Some(yaml::Position { source: 0, line: index + 1, column })
    })
}

/// Where in the text that begins at a place the mark is.
fn mark_after(text: &str, at: yaml::Position) -> yaml::Position {
    let line = text.lines().nth(at.line.saturating_sub(1)).unwrap_or_default();
    let start = at.column.saturating_sub(1);
    let rest: String = line.chars().skip(start).collect();
    let before = rest.find(TEMPLATE).map_or(0, |found| rest[..found].chars().count());
    yaml::Position { column: at.column + before, ..at }
}

/// The definition without what `describe-task-definition` and ecspresso put around it.
fn unwrapped(node: Node, problems: &mut Problems<'_>) -> Option<Node> {
    let Value::Mapping(entries) = &node.value else {
        problems.add(node.at, format!("expected a task definition, found {}", node.kind()));
        return None;
    };
    let Some(inner) = entries.iter().find(|entry| entry.key == "taskDefinition") else { return Some(node) };
    for entry in entries.iter().filter(|entry| entry.key != "taskDefinition" && !BESIDE.contains(&entry.key.as_str())) {
        let unnamed = || format!("of {} characters", entry.key.chars().count());
        let message =
            format!("unknown field {} beside taskDefinition", problems.shown_key(&entry.key).unwrap_or_else(unnamed));
        problems.add_hint(entry.key_at, message, "put it under taskDefinition");
    }
    Some(inner.value.clone())
}
