//! The task definition that a service shall run: the live one, one that a manifest declares, or one that it refers to.

mod missing;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::model::{
    AppProtocol, Definition, DesiredService, Given, OtherContainers, Service, Tags, TaskDefinition, TaskDefinitionArn,
    owner,
};
use crate::shape::{
    NetworkMapping, Path, TASK_DEFINITION, Tree, differences, fold_host_ports, overlay, without_outputs,
};

use super::action::{PortFix, Ref};
use super::change::Change;
use super::content::fingerprint;
use super::draft::{Obstacle, need};
use super::field::Field;
use super::reason::Reason;
use missing::Missing;

/// Where AWS and manifests have the containers, their names and images.
const CONTAINERS: &str = "containerDefinitions";
const NAME: &str = "name";
const IMAGE: &str = "image";
/// The member of a service in a manifest.
pub(super) const TASK_DEFINITION_FIELD: &str = "taskDefinition";

/// What a service shall run.
pub(super) struct Target {
    /// What ports and load balancers are compared with.
    pub(super) definition: TaskDefinition,
    /// How it differs from the live revision.
    pub(super) changes: Vec<Change>,
    pub(super) origin: Origin,
}

/// Where the definition comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It runs already, and port mappings may be corrected in a copy.
    Live,
    /// The manifest declares it: where it differs, it is registered.
    Declared,
    /// The manifest refers to it: Portolan never registers it.
    Referenced,
}

/// What the service shall run, given what it runs.
pub(super) fn target(
    given: &Given<'_>,
    wanted: &DesiredService,
    live: &Service,
    running: &TaskDefinition,
) -> Result<Target, Obstacle> {
    match &wanted.task_definition {
        None => Ok(Target { definition: running.clone(), changes: Vec::new(), origin: Origin::Live }),
        Some(Definition::Content { members, other_containers, images }) => {
            declared(members, *other_containers, images, running).map_err(|missing| missing.of(Some(running)))
        }
        Some(Definition::Reference { family, revision }) => referenced(given, live, running, family, *revision),
    }
}

/// What a service that does not exist yet shall run.
pub(super) fn target_of_new(given: &Given<'_>, wanted: &DesiredService) -> Result<Target, Obstacle> {
    match &wanted.task_definition {
        None => Err(Obstacle::difference(TASK_DEFINITION_FIELD, "it is not declared")),
        Some(Definition::Content { members, other_containers: _, images }) => match images.keys().next() {
            Some(container) => Err(Missing::Container(container.clone()).of(None)),
            None => declared_anew(wanted, members),
        },
        Some(Definition::Reference { family, revision }) => {
            let found = found(given, family, *revision, || format!("{TASK_DEFINITION_FIELD}: {family}"))?;
            let path = Path::default().member(TASK_DEFINITION_FIELD);
            let change = Change::of(Field::Member(path), None, Some(found.arn.name().to_owned()));
            Ok(Target { definition: found.clone(), changes: vec![change], origin: Origin::Referenced })
        }
    }
}

/// A declared definition without a revision that it could be compared with.
fn declared_anew(wanted: &DesiredService, members: &Tree) -> Result<Target, Obstacle> {
    let mut declared = members.members().clone();
    declared.remove("tags");
    declared.entry("family").or_insert_with(|| wanted.id.name.as_str().into());
    let mapping = NetworkMapping::of(mode_of(&declared));
    fold_host_ports(&mut declared, mapping);
    let content = without_outputs(&TASK_DEFINITION, &declared);
    if let Some(missing) = Missing::image_of(&content) {
        return Err(missing.of(None));
    }
    let path = Path::default().member(TASK_DEFINITION_FIELD);
    let found = differences(&TASK_DEFINITION, &Map::new(), &content, &path);
    let changes = found.into_iter().map(|found| Change::of(Field::Member(found.path), None, found.declared)).collect();
    let family = content.get("family").and_then(Value::as_str).unwrap_or_default().to_owned();
    let tags = tags_of(members, &Tags::new());
    let definition = TaskDefinition::new(TaskDefinitionArn::from(family), true, tags, Tree::new(content));
    Ok(Target { definition, changes, origin: Origin::Declared })
}

fn declared(
    members: &Tree,
    others: OtherContainers,
    images: &BTreeMap<String, String>,
    running: &TaskDefinition,
) -> Result<Target, Missing> {
    let mapping = NetworkMapping::of(mode_of(members.members()).or(mode_of(running.content.members())));
    let (mut live, mut wanted) = (running.content.members().clone(), members.members().clone());
    // Tags are set when a revision is registered.
    wanted.remove("tags");
    fold_host_ports(&mut live, mapping);
    fold_host_ports(&mut wanted, mapping);
    set_images(images, &live, &mut wanted)?;
    if others == OtherContainers::Keep {
        name_others(&live, &mut wanted);
    }
    let path = Path::default().member(TASK_DEFINITION_FIELD);
    let found = differences(&TASK_DEFINITION, &live, &wanted, &path);
    let content = without_outputs(&TASK_DEFINITION, &overlay(&TASK_DEFINITION, &live, &wanted));
    if let Some(missing) = Missing::image_of(&content) {
        return Err(missing);
    }
    let changes = found.into_iter().map(|found| Change::of(Field::Member(found.path), found.live, found.declared));
    let changes: Vec<Change> = changes.collect();
    let tags = if changes.is_empty() { running.tags.clone() } else { tags_of(members, &running.tags) };
    // What AWS fills in differs from revision to revision: an equal one stays what it is.
    let content = if changes.is_empty() { (*running.content).clone() } else { Tree::new(content) };
    let definition = TaskDefinition::new(running.arn.clone(), running.active, tags, content);
    Ok(Target { definition, changes, origin: Origin::Declared })
}

fn mode_of(members: &Map<String, Value>) -> Option<&str> {
    members.get("networkMode").and_then(Value::as_str)
}

fn containers(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    members.get(CONTAINERS).and_then(Value::as_array).into_iter().flatten()
}

/// Images of containers that only the running revision has.
fn set_images(
    images: &BTreeMap<String, String>,
    live: &Map<String, Value>,
    wanted: &mut Map<String, Value>,
) -> Result<(), Missing> {
    for (name, image) in images {
        if !containers(live).any(|container| container.get(NAME).and_then(Value::as_str) == Some(name)) {
            return Err(Missing::Container(name.clone()));
        }
        let declared = wanted.entry(CONTAINERS).or_insert_with(|| json!([]));
        if let Some(declared) = declared.as_array_mut() {
            declared.push(json!({NAME: name, IMAGE: image}));
        }
    }
    Ok(())
}

/// Containers that a manifest does not name stay as they are: naming them says so.
fn name_others(live: &Map<String, Value>, wanted: &mut Map<String, Value>) {
    let Some(Value::Array(declared)) = wanted.get_mut(CONTAINERS) else { return };
    for name in containers(live).filter_map(|container| container.get(NAME)) {
        if !declared.iter().any(|container| container.get(NAME) == Some(name)) {
            declared.push(json!({"name": name}));
        }
    }
}

/// The tags of the running revision, without Portolan's and AWS's, and the declared ones.
fn tags_of(members: &Tree, running: &Tags) -> Tags {
    let mut tags = own_tags(running);
    let declared = members.get("tags").and_then(Value::as_array).into_iter().flatten();
    let text = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).map(str::to_owned);
    tags.extend(declared.filter_map(|tag| Some((text(tag, "key")?, text(tag, "value").unwrap_or_default()))));
    tags
}

/// Tags that a copy keeps: nobody can write AWS's own, and the fingerprint is that of the content.
pub(super) fn own_tags(tags: &Tags) -> Tags {
    let is_own = |key: &str| !key.starts_with("aws:") && key != owner::FINGERPRINT_TAG;
    tags.iter().filter(|(key, _)| is_own(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn referenced(
    given: &Given<'_>,
    live: &Service,
    running: &TaskDefinition,
    family: &str,
    revision: Option<u32>,
) -> Result<Target, Obstacle> {
    let is_it =
        running.family == family && revision.is_none_or(|revision| live.task_definition.revision() == Some(revision));
    if is_it {
        return Ok(Target { definition: running.clone(), changes: Vec::new(), origin: Origin::Referenced });
    }
    let name = reference(family, revision);
    let what = || format!("{TASK_DEFINITION_FIELD}: {} → {name}", running.arn.name());
    let found = found(given, family, revision, what)?;
    let path = Path::default().member(TASK_DEFINITION_FIELD);
    let change =
        Change::of(Field::Member(path), Some(running.arn.name().to_owned()), Some(found.arn.name().to_owned()));
    Ok(Target { definition: found.clone(), changes: vec![change], origin: Origin::Referenced })
}

/// The revision that a manifest refers to, where ECS takes it.
fn found<'a>(
    given: &Given<'a>,
    family: &str,
    revision: Option<u32>,
    what: impl Fn() -> String,
) -> Result<&'a TaskDefinition, Obstacle> {
    let name = reference(family, revision);
    let found = need(given.observed.task_definition(&TaskDefinitionArn::from(name.as_str())), &what, || {
        Reason::new(format!("there is no task definition {name}"), "register it, or correct the manifest")
    })?;
    if !found.active {
        let reason =
            Reason::new(format!("{name} is INACTIVE, and ECS starts no tasks from it"), "name an ACTIVE revision");
        return Err(Obstacle::difference(what(), reason));
    }
    Ok(found)
}

/// How AWS names a revision, or the newest one that is ACTIVE.
pub(super) fn reference(family: &str, revision: Option<u32>) -> String {
    revision.map_or_else(|| family.to_owned(), |revision| format!("{family}:{revision}"))
}

/// A revision to be registered: its content and tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewRevision {
    pub(super) content: Tree,
    pub(super) tags: Tags,
}

impl NewRevision {
    /// Its family.
    pub(super) fn family(&self) -> &str {
        self.content.get("family").and_then(Value::as_str).unwrap_or_default()
    }
}

/// How a service comes to its definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// By a revision that is registered first.
    Register(Box<NewRevision>),
    /// By a revision that exists.
    To(TaskDefinitionArn, Arc<Tree>),
}

impl Move {
    /// What the service runs afterwards.
    pub(super) fn content(&self) -> &Tree {
        match self {
            Self::Register(new) => &new.content,
            Self::To(_, content) => content,
        }
    }

    /// What the update names.
    pub(super) fn target(&self, object: &crate::model::ObjectRef) -> Ref<TaskDefinitionArn> {
        match self {
            Self::Register(_) => Ref::Output(object.clone()),
            Self::To(arn, _) => Ref::Known(arn.clone()),
        }
    }
}

/// What has to be registered or used for a target with these corrections; `None`: the live revision is it.
pub(super) fn movement(target: &Target, fixes: &[PortFix]) -> Option<Move> {
    match target.origin {
        Origin::Referenced if target.changes.is_empty() => None,
        Origin::Referenced => Some(Move::To(target.definition.arn.clone(), target.definition.content.clone())),
        Origin::Live | Origin::Declared if target.changes.is_empty() && fixes.is_empty() => None,
        Origin::Live | Origin::Declared => {
            let mut content = without_outputs(&TASK_DEFINITION, target.definition.content.members());
            fixes.iter().for_each(|fix| correct(&mut content, fix));
            content.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
            let content = Tree::new(content);
            let mut tags = own_tags(&target.definition.tags);
            tags.insert(owner::FINGERPRINT_TAG.to_owned(), fingerprint(&content));
            Some(Move::Register(Box::new(NewRevision { content, tags })))
        }
    }
}

/// Replaces the mapping of a container port, or adds it. What else the mapping says stays.
fn correct(content: &mut Map<String, Value>, fix: &PortFix) {
    let containers = content.get_mut(CONTAINERS).and_then(Value::as_array_mut).into_iter().flatten();
    let Some(Value::Object(container)) =
        containers.into_iter().find(|container| container.get(NAME).and_then(Value::as_str) == Some(&fix.container))
    else {
        return;
    };
    let mappings = container.entry("portMappings").or_insert_with(|| json!([]));
    let Some(mappings) = mappings.as_array_mut() else { return };
    let is_its = |mapping: &Value| mapping.get("containerPort") == Some(&json!(fix.container_port));
    let has_protocol = |mapping: &Value| {
        let protocol = mapping.get("protocol").and_then(Value::as_str).unwrap_or("tcp");
        protocol == fix.protocol.as_str()
    };
    let same = mappings.iter().position(|mapping| is_its(mapping) && has_protocol(mapping));
    let found = same.or_else(|| mappings.iter().position(is_its));
    let mut new = Map::new();
    match found.and_then(|index| mappings.get_mut(index)) {
        Some(Value::Object(mapping)) => fill(mapping, fix),
        Some(_) | None => {
            fill(&mut new, fix);
            mappings.push(Value::Object(new));
        }
    }
}

fn fill(mapping: &mut Map<String, Value>, fix: &PortFix) {
    mapping.insert("containerPort".to_owned(), fix.container_port.into());
    mapping.insert("protocol".to_owned(), fix.protocol.to_string().into());
    match fix.host_port {
        Some(port) => mapping.insert("hostPort".to_owned(), port.into()),
        None => mapping.remove("hostPort"),
    };
    let texts = [("name", fix.name.as_deref()), ("appProtocol", fix.app_protocol.map(AppProtocol::as_str))];
    for (member, text) in texts.into_iter().filter_map(|(member, text)| Some((member, text?))) {
        mapping.insert(member.to_owned(), text.into());
    }
}

/// The definition that has to be read before a service is created with it.
pub(super) fn needed_for_new(wanted: &DesiredService) -> Option<TaskDefinitionArn> {
    let Some(Definition::Reference { family, revision }) = &wanted.task_definition else { return None };
    Some(TaskDefinitionArn::from(reference(family, *revision)))
}

/// The definition that has to be read before a service can move to it: the manifest refers to another one than it runs.
pub(super) fn needed(wanted: &DesiredService, live: &Service) -> Option<TaskDefinitionArn> {
    let Some(Definition::Reference { family, revision }) = &wanted.task_definition else { return None };
    let differs = !is_of(&live.task_definition, family, *revision);
    differs.then(|| TaskDefinitionArn::from(reference(family, *revision)))
}

/// Whether a revision is the one that a manifest refers to.
fn is_of(arn: &TaskDefinitionArn, family: &str, revision: Option<u32>) -> bool {
    let (name, number) = arn.name().split_once(':').unwrap_or((arn.name(), ""));
    name == family && revision.is_none_or(|revision| number == revision.to_string())
}
