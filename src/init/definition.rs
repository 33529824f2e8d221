//! What a service runs: a reference, or its whole task definition, in the manifest or in a file beside it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::model::{DeploymentController, DesiredService, Seen, Service, TaskDefinition};
use crate::shape::{
    Kind, NetworkMapping, Path, Secrets, Structure, TASK_DEFINITION, declarable, fold_host_ports, size,
};

use super::page::{DefinitionFile, Entry, Value};
use super::{Scene, members, port};

const FIELD: &str = "taskDefinition";
const CONTAINERS: &str = "containerDefinitions";
const NAME: &str = "name";
const IMAGE: &str = "image";

/// How task definitions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Definitions {
    /// Their families: Portolan registers nothing.
    #[default]
    Reference,
    /// Whole, in the manifest.
    Inline,
    /// Whole, as JSON files beside the manifest.
    Files,
}

/// `taskDefinition` of a service, and the file that it names.
pub(super) fn entry(
    scene: &Scene<'_>,
    service: &DesiredService,
    live: &Service,
    files: &mut BTreeMap<String, DefinitionFile>,
) -> Option<Entry> {
    match live.controller {
        DeploymentController::Ecs => {}
        // Their revisions are these controllers'.
        DeploymentController::CodeDeploy | DeploymentController::External => return None,
    }
    let name = live.task_definition.name();
    let family = name.split_once(':').map_or(name, |(family, _)| family);
    if family.is_empty() {
        return None;
    }
    let reference = Value::Map(vec![Entry::text("family", family)]);
    let definition = match (scene.options.definitions, scene.observed.task_definition(&live.task_definition)) {
        (Definitions::Reference, Seen::Present(definition)) if port::has_unmapped(scene, service, definition) => {
            let why = "without it, Portolan may add the port mapping to a copy of the running revision";
            return Some(Entry::note(format!("{FIELD} is left out: {why}.")));
        }
        (Definitions::Reference, _) => return Some(Entry::field(FIELD, reference)),
        (_, Seen::Present(definition)) => definition,
        (_, Seen::Absent | Seen::Unknown(_)) => {
            return Some(Entry::note(format!("{FIELD} is left out: {name} could not be read.")));
        }
    };
    let content = content(scene, definition);
    let mut notes = about(scene, definition);
    let mut written = match scene.options.definitions {
        Definitions::Reference | Definitions::Inline => {
            Entry::field(FIELD, Value::Map(fields(&TASK_DEFINITION, &content, scene.options.environment)))
        }
        Definitions::Files => {
            let file = format!("{}.task-definition.json", service.key);
            let (content, without) = match scene.options.environment {
                true => (content, Vec::new()),
                false => without_variables(&TASK_DEFINITION, &content, &Path::default()),
            };
            notes.extend(without);
            let text = format!("{:#}\n", Json::Object(content));
            files.insert(file.clone(), DefinitionFile { text, reference });
            Entry::field(FIELD, Value::Map(vec![Entry::text("file", &file)]))
        }
    };
    written.notes.extend(notes);
    Some(written)
}

/// The definition without what says no more than leaving it out, and without images unless they are asked for.
fn content(scene: &Scene<'_>, definition: &TaskDefinition) -> Map<String, Json> {
    let mut members = definition.content.members().clone();
    let mapping = NetworkMapping::of(members.get("networkMode").and_then(Json::as_str));
    fold_host_ports(&mut members, mapping);
    let mut members = declarable(&TASK_DEFINITION, &members, Secrets::Kept);
    if !scene.options.images {
        let containers = members.get_mut(CONTAINERS).and_then(Json::as_array_mut).into_iter().flatten();
        containers.filter_map(Json::as_object_mut).for_each(|container| {
            container.remove(IMAGE);
        });
    }
    members
}

/// What is to know about a definition that is written whole.
fn about(scene: &Scene<'_>, definition: &TaskDefinition) -> Vec<String> {
    let mut notes = Vec::new();
    if !scene.options.images {
        notes.push("Images are left out: the deployed ones stay. Add --images to write them.".to_owned());
    }
    let mut newer = Vec::new();
    unknown(&TASK_DEFINITION, definition.content.members(), &Path::default(), &mut newer);
    if !newer.is_empty() {
        let newer = newer.join(", ");
        notes.push(format!(
            "Left out, because this version of Portolan does not know them: {newer}. They stay as they are."
        ));
    }
    notes
}

/// Members that no row knows, at any depth.
fn unknown(structure: &Structure, members: &Map<String, Json>, at: &Path, found: &mut Vec<String>) {
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let here = at.member(name);
        match (structure.member(name).map(|member| &member.kind), value) {
            (None, _) => found.push(here.to_string()),
            (Some(Kind::Structure(of)), Json::Object(members)) => unknown(of, members, &here, found),
            (Some(Kind::List(Kind::Structure(of), _)), Json::Array(entries)) => {
                for (index, members) in entries.iter().enumerate().filter_map(|(i, one)| Some((i, one.as_object()?))) {
                    let key = members.get(NAME).and_then(Json::as_str);
                    let key = key.map_or_else(|| index.to_string(), str::to_owned);
                    unknown(of, members, &here.entry(key), found);
                }
            }
            (Some(_), _) => {}
        }
    }
}

/// Members as YAML, in the order of the rows.
fn fields(structure: &Structure, members: &Map<String, Json>, environment: bool) -> Vec<Entry> {
    let field = |(name, kind, value): (&str, &Kind, &Json)| match variables(kind, value).filter(|_| !environment) {
        Some(names) => Entry::note(without(name, &names)),
        None => Entry::field(name, written(kind, value, environment)),
    };
    let rows = structure.members.iter();
    rows.filter_map(|row| Some((row.name, &row.kind, members.get(row.name)?))).map(field).collect()
}

fn written(kind: &Kind, value: &Json, environment: bool) -> Value {
    match (kind, value) {
        (Kind::Structure(of), Json::Object(members)) => Value::Map(fields(of, members, environment)),
        (Kind::List(of, _), Json::Array(entries)) => {
            Value::List(entries.iter().map(|entry| Entry::item(written(of, entry, environment))).collect())
        }
        (Kind::Cpu | Kind::Memory, _) => {
            size(kind, value).map_or_else(|| members::written_value(value), |size| Value::Scalar(size.to_string()))
        }
        (_, value) => members::written_value(value),
    }
}

/// The names of variables, if a member is a list of them: their values may be secrets.
fn variables<'j>(kind: &Kind, value: &'j Json) -> Option<Vec<&'j str>> {
    let Kind::List(Kind::Structure(of), _) = kind else { return None };
    let entries = value.as_array().filter(|_| of.members.iter().any(|member| member.is_secret))?;
    Some(entries.iter().filter_map(|entry| entry.get(NAME).and_then(Json::as_str)).collect())
}

fn without(what: &str, names: &[&str]) -> String {
    let names = names.join(", ");
    format!("{what} is left out: {names}. Values may be secrets; add --environment to write them.")
}

/// Members without variables, and a note about each list that is missing.
fn without_variables(
    structure: &Structure,
    members: &Map<String, Json>,
    at: &Path,
) -> (Map<String, Json>, Vec<String>) {
    let mut kept = Map::new();
    let mut notes = Vec::new();
    for (name, value) in members {
        let Some(row) = structure.member(name) else { continue };
        let here = at.member(name);
        let value = match (&row.kind, value) {
            (kind, value) if let Some(names) = variables(kind, value) => {
                notes.push(without(&here.to_string(), &names));
                continue;
            }
            (Kind::Structure(of), Json::Object(members)) => {
                let (members, more) = without_variables(of, members, &here);
                notes.extend(more);
                Json::Object(members)
            }
            (Kind::List(Kind::Structure(of), _), Json::Array(entries)) => {
                let mut all = Vec::new();
                for members in entries.iter().filter_map(Json::as_object) {
                    let key = members.get(NAME).and_then(Json::as_str).unwrap_or_default();
                    let (members, more) = without_variables(of, members, &here.entry(key));
                    notes.extend(more);
                    all.push(Json::Object(members));
                }
                Json::Array(all)
            }
            (_, value) => value.clone(),
        };
        kept.insert(name.clone(), value);
    }
    (kept, notes)
}
