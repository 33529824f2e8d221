//! `taskDefinition` of a service: inline, from a file, or by reference.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json, json};

use super::member_schema;
use super::{definition_file, member};
use crate::model::OtherContainers;
use crate::shape::{TASK_DEFINITION, Tree, overlay};
use crate::yaml::{At, Decode, Entry, Node, Number, Problems, Value, quoted, wrong_type};

const CONTAINERS: &str = "containerDefinitions";
/// What it is called in messages.
pub(super) const PLACE: &str = "Service.spec.taskDefinition";

/// What is written.
#[derive(Clone, Debug)]
pub(crate) enum DefinitionSpec {
    /// Members of `RegisterTaskDefinition`, in the manifest or in a file.
    Content(Content),
    /// A revision, or any of a family, that somebody else registers.
    Reference { family: At<String>, revision: Option<At<Number<1, { u32::MAX }>>> },
}

/// A declared task definition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// All members, those of the manifest over those of the file.
    pub tree: Tree,
    /// What the manifest says, without the words that are Portolan's own.
    pub own: Option<Node>,
    /// What the file says.
    pub file: Option<definition_file::Read>,
    /// What becomes of containers that it does not name.
    pub others: Option<At<OtherContainers>>,
}

impl Content {
    /// Whether running containers that it does not name go: of a file, unless the manifest keeps them.
    pub fn removes_others(&self) -> bool {
        let otherwise = if self.file.is_some() { OtherContainers::Remove } else { OtherContainers::Keep };
        self.others.as_ref().map_or(otherwise, |others| others.value) == OtherContainers::Remove
    }
}

impl Decode for DefinitionSpec {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            let named = if let Value::Scalar(scalar) = &node.value { revision_of(&scalar.text) } else { None };
            let hint = named.map_or_else(
                || "write {family: NAME}, {file: PATH}, or the members of RegisterTaskDefinition".to_owned(),
                |(family, revision)| format!("write {{family: {family}, revision: {revision}}}"),
            );
            wrong_type(node, name, "a mapping", Some(hint), problems);
            return None;
        };
        if entries.is_empty() {
            problems.add_hint(node.at, format!("{name} must not be empty"), "remove it to leave it unmanaged");
            return None;
        }
        // A line of it may hold a variable of a container.
        let hidden = problems.hide_lines(true);
        let spec = match is_reference(entries) {
            true => reference(entries, problems),
            false => Some(Self::Content(content(node, entries, problems))),
        };
        problems.hide_lines(hidden);
        spec
    }
}

/// Family and revision of `NAME:REVISION`, also at the end of an ARN.
pub(super) fn revision_of(text: &str) -> Option<(&str, u32)> {
    let name = text.split_once(":task-definition/").map_or(text, |(_, name)| name);
    let (family, revision) = name.split_once(':')?;
    Some((family, revision.parse().ok()?)).filter(|(family, _)| is_name(family))
}

/// What ECS takes as the name of a family, a container or a volume (ECS `RegisterTaskDefinitionRequest$family`).
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(allowed)
}

/// What is wrong with the name of a family, and what to write.
pub(super) fn wrong_family(text: &str) -> (String, String) {
    let hint = match revision_of(text) {
        Some((family, revision)) => {
            format!("to refer to a registered revision, write {{family: {family}, revision: {revision}}}")
        }
        None => NAME_HINT.to_owned(),
    };
    (format!("{} is not the name of a family", quoted(text)), hint)
}

/// What such a name may have in it.
pub(super) const NAME_HINT: &str = "1 to 255 letters, digits, \"-\" and \"_\"";

/// Nothing but a family, and perhaps its revision.
fn is_reference(entries: &[Entry]) -> bool {
    let has = |name: &str| entries.iter().any(|entry| entry.key == name);
    has("family") && entries.iter().all(|entry| ["family", "revision"].contains(&entry.key.as_str()))
}

fn reference(entries: &[Entry], problems: &mut Problems<'_>) -> Option<DefinitionSpec> {
    let find = |name: &str| entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
    let family = find("family").and_then(|node| At::<String>::decode(node, "family", problems));
    if let Some(family) = family.as_ref().filter(|family| !is_name(family)) {
        let (message, hint) = wrong_family(family);
        problems.add_hint(family.at, message, hint);
    }
    let revision = find("revision").map(|node| At::decode(node, "revision", problems));
    match (family, revision) {
        (Some(family), None) => Some(DefinitionSpec::Reference { family, revision: None }),
        (Some(family), Some(Some(revision))) => Some(DefinitionSpec::Reference { family, revision: Some(revision) }),
        _ => None,
    }
}

fn content(node: &Node, entries: &[Entry], problems: &mut Problems<'_>) -> Content {
    let mut content = Content::default();
    let mut own = Vec::new();
    let mut file = None;
    for entry in entries {
        match entry.key.as_str() {
            "otherContainers" => content.others = At::decode(&entry.value, "otherContainers", problems),
            "file" => file = At::<String>::decode(&entry.value, "file", problems),
            _ => own.push(entry.clone()),
        }
    }
    let has = |name: &str| own.iter().any(|entry: &Entry| entry.key == name);
    if let Some(revision) = own.iter().find(|entry| entry.key == "revision")
        && file.is_none()
        && !has("containerDefinitions")
    {
        let hint = "to refer to a registered revision, write family and revision alone";
        problems.add_hint(revision.key_at, "revision is for a reference, which has no other members than family", hint);
    }
    let own = Node { at: node.at, value: Value::Mapping(own) };
    let members = member::read(&TASK_DEFINITION, PLACE, &own, problems).unwrap_or_default();
    content.tree = Tree::new(members);
    content.own = Some(own);
    if let Some(path) = file
        && let Some(read) = definition_file::read(&path, problems)
    {
        name_the_rest(read.tree.members(), content.tree.members_mut());
        content.tree = Tree::new(overlay(&TASK_DEFINITION, read.tree.members(), content.tree.members()));
        content.file = Some(read);
    }
    content
}

/// Containers of a file that the manifest does not name stay as the file has them: naming them says so.
fn name_the_rest(file: &Map<String, Json>, own: &mut Map<String, Json>) {
    let Some(Json::Array(declared)) = own.get_mut(CONTAINERS) else { return };
    let of_file = file.get(CONTAINERS).and_then(Json::as_array).into_iter().flatten();
    for name in of_file.filter_map(|container| container.get("name")) {
        if !declared.iter().any(|container| container.get("name") == Some(name)) {
            declared.push(json!({"name": name}));
        }
    }
}

impl JsonSchema for DefinitionSpec {
    fn schema_name() -> Cow<'static, str> {
        "TaskDefinition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = member_schema::properties(&TASK_DEFINITION);
        let more = [
            (
                "file",
                json!({"type": "string", "description": "A file with the members, beside the manifest. Members beside it are laid over it."}),
            ),
            (
                "otherContainers",
                json!({"enum": ["keep", "remove"], "description": "What becomes of running containers that are not named. Default: keep; with file, remove."}),
            ),
            (
                "revision",
                json!({"type": "integer", "minimum": 1, "description": "With family alone: the revision that the service shall run."}),
            ),
        ];
        properties.extend(more.map(|(name, schema)| (name.to_owned(), schema)));
        json_schema!({"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1})
    }
}
