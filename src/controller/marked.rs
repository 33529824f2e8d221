//! What is tagged for this fleet, from reading to reading. Only Portolan creates, changes and deletes that. Whatever else does
//! may be a person, or another manifest under the same fleet name, which no single reading shows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::memory::WINDOW;
use crate::apply::{ErrorKind, Outcome, StepResult};
use crate::model::owner::OBJECT_TAG;
use crate::model::{Attributes, HealthCheck, IngressRule, Observed, Owner, Rule, Seen, Tags, TargetGroup};
use crate::plan::{Action, Plan, Ref, RuleEdit};

/// A change of a tagged resource that this service did not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignChange {
    /// When it was seen.
    pub at: Timestamp,
    /// What changed, and how, for people.
    pub what: String,
}

impl ForeignChange {
    pub(super) fn log(&self) {
        let what = self.what.as_str();
        tracing::warn!(
            what,
            "changed by another writer: by hand, by another tool, or by another manifest with the same fleet name"
        );
    }
}

/// What a call changes, as a later reading shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// A resource of a kind appears, tagged for this object.
    Created(&'static str, String),
    /// The resource with this ARN or id goes.
    Deleted(String),
    /// A part of it changes.
    Changed(String, &'static str),
}

/// One tagged resource as it was read.
#[derive(Clone, Debug)]
struct Known {
    /// For people, such as `rule 40`.
    words: String,
    /// The object of the tag.
    object: String,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Rule(Rule),
    TargetGroup(HealthCheck, Option<Attributes>),
    Ingress(IngressRule),
}

const RULE: &str = "rule";
const TARGET_GROUP: &str = "target group";
const INGRESS: &str = "ingress rule";

/// A list that was read whole: a resource that is missing from it does not exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    /// The rules of a listener.
    Rules(String),
    TargetGroups,
    Ingress,
}

/// One reading.
#[derive(Clone, Debug, Default)]
struct Reading {
    known: BTreeMap<String, Known>,
    /// Every resource of the lists, tagged or not, and where it was.
    all: BTreeMap<String, List>,
    lists: BTreeSet<List>,
}

/// The tagged resources at the last reading, and what this service has sent since they were last seen to change.
#[derive(Clone, Debug, Default)]
pub(super) struct MarkedResources {
    last: Option<Reading>,
    sent: Vec<(Effect, Timestamp)>,
}

impl MarkedResources {
    /// Takes a reading in, and says what has changed since the last one without this service.
    pub(super) fn see(&mut self, fleet: &str, observed: &Observed, now: Timestamp) -> Vec<ForeignChange> {
        self.sent.retain(|(_, at)| now.duration_since(*at) < WINDOW);
        let mut reading = Reading::of(fleet, observed);
        let Some(last) = self.last.take() else {
            self.last = Some(reading);
            return Vec::new();
        };
        let mut found = Vec::new();
        for (id, before) in &last.known {
            let is_read = last.all.get(id).is_some_and(|list| reading.lists.contains(list));
            match reading.known.get(id) {
                Some(after) => {
                    let changed = before.content.differences(&after.content);
                    let changed: Vec<_> =
                        changed.into_iter().filter(|part| !self.is_ours(&Effect::Changed(id.clone(), part))).collect();
                    if !changed.is_empty() {
                        found.push(format!("{before}: {} changed", changed.join(" and ")));
                    }
                }
                None if !is_read || reading.is_untold(id, observed) => {
                    // It could not be read, or its tags could not.
                    reading.known.insert(id.clone(), before.clone());
                    if let Some(list) = last.all.get(id) {
                        reading.all.entry(id.clone()).or_insert_with(|| list.clone());
                    }
                }
                None if reading.all.contains_key(id) => found.push(format!("{before}: its fleet tags were removed")),
                None if self.is_ours(&Effect::Deleted(id.clone())) => {}
                None => found.push(format!("{before} was deleted")),
            }
        }
        for (id, after) in &reading.known {
            let Some(list) = reading.all.get(id) else { continue };
            // Only a list that was read before shows that it is new.
            if last.all.contains_key(id) || !last.lists.contains(list) {
                continue;
            }
            if !self.is_ours(&Effect::Created(after.content.kind(), after.object.clone())) {
                found.push(format!("{after} was created"));
            }
        }
        // A list that was not read this time is compared with the next one that is.
        let missed: Vec<List> = last.lists.difference(&reading.lists).cloned().collect();
        let of_missed = last.all.into_iter().filter(|(_, list)| missed.contains(list));
        reading.all.extend(of_missed);
        reading.lists.extend(missed);
        self.last = Some(reading);
        found.into_iter().map(|what| ForeignChange { at: now, what }).collect()
    }

    /// Takes in what was sent. It is not known whether a call arrived whose answer was lost.
    pub(super) fn learn(&mut self, plan: &Plan, outcome: &Outcome, now: Timestamp) {
        for step in &plan.steps {
            let may_have_arrived = match outcome.results.get(&step.id) {
                Some(StepResult::Done) => true,
                Some(StepResult::Failed(error)) => error.kind == ErrorKind::Transient,
                Some(StepResult::Skipped { .. } | StepResult::Stale(_) | StepResult::Cancelled) | None => false,
            };
            if may_have_arrived {
                self.sent.extend(effects(&step.action).into_iter().map(|effect| (effect, now)));
            }
        }
    }

    /// Whether this service has sent what has this effect. Each call explains one change.
    fn is_ours(&mut self, effect: &Effect) -> bool {
        let found = self.sent.iter().position(|(sent, _)| sent == effect);
        found.is_some_and(|index| {
            self.sent.swap_remove(index);
            true
        })
    }
}

impl Reading {
    fn of(fleet: &str, observed: &Observed) -> Self {
        let mut reading = Self::default();
        let ours = |tags: &Tags| match Owner::of(tags, fleet) {
            Owner::Ours(object) => Some(object),
            Owner::Unmarked | Owner::AnotherFleet(_) => None,
        };
        let ours_if_read = |tags: &Seen<Tags>| tags.as_ref().present().and_then(ours);
        for (listener, seen) in &observed.rules {
            let Seen::Present(rules) = seen else { continue };
            let list = List::Rules(listener.to_string());
            for rule in rules {
                let words = format!("{RULE} {} of {}", rule.priority, listener.path());
                reading.add(rule.arn.as_str(), &list, words, ours_if_read(&rule.tags), || Content::Rule(rule.clone()));
            }
            reading.lists.insert(list);
        }
        if let Seen::Present(groups) = &observed.target_groups {
            for group in groups {
                let words = format!("{TARGET_GROUP} {}", group.name);
                let content = || group_content(group, observed);
                reading.add(group.arn.as_str(), &List::TargetGroups, words, ours_if_read(&group.tags), content);
            }
            reading.lists.insert(List::TargetGroups);
        }
        if let Seen::Present(rules) = &observed.marked_ingress {
            for rule in rules {
                let words = format!("{INGRESS} {} of {}", rule.id, rule.group);
                let content = || Content::Ingress(rule.clone());
                reading.add(rule.id.as_str(), &List::Ingress, words, ours(&rule.tags), content);
            }
            reading.lists.insert(List::Ingress);
        }
        reading
    }

    fn add(&mut self, id: &str, list: &List, words: String, object: Option<String>, content: impl FnOnce() -> Content) {
        self.all.insert(id.to_owned(), list.clone());
        if let Some(object) = object {
            self.known.insert(id.to_owned(), Known { words, object, content: content() });
        }
    }

    /// Whether a resource is there and its tags were not read.
    fn is_untold(&self, id: &str, observed: &Observed) -> bool {
        match self.all.get(id) {
            Some(List::Rules(_)) => {
                let mut rules = observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
                rules.any(|rule| rule.arn.as_str() == id && rule.tags.gap().is_some())
            }
            Some(List::TargetGroups) => {
                let mut groups = observed.target_groups.as_ref().present().into_iter().flatten();
                groups.any(|group| group.arn.as_str() == id && group.tags.gap().is_some())
            }
            Some(List::Ingress) | None => false,
        }
    }
}

impl Content {
    fn kind(&self) -> &'static str {
        match self {
            Self::Rule(_) => RULE,
            Self::TargetGroup(..) => TARGET_GROUP,
            Self::Ingress(_) => INGRESS,
        }
    }

    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let parts = match (self, other) {
            (Self::Rule(one), Self::Rule(other)) => {
                let Rule { arn: _, priority, conditions, actions, transforms, tags: _ } = one;
                vec![
                    (PRIORITY, *priority != other.priority),
                    (CONDITIONS, *conditions != other.conditions),
                    (ACTIONS, *actions != other.actions),
                    (TRANSFORMS, *transforms != other.transforms),
                ]
            }
            (Self::TargetGroup(one, attributes), Self::TargetGroup(other, others)) => vec![
                (HEALTH_CHECK, one != other),
                (ATTRIBUTES, attributes.is_some() && others.is_some() && attributes != others),
            ],
            (Self::Ingress(one), Self::Ingress(other)) => {
                // A description lets nothing in.
                let IngressRule { id: _, group: _, protocol, ports, source, description: _, tags: _ } = one;
                vec![(PERMISSION, (protocol, ports, source) != (&other.protocol, &other.ports, &other.source))]
            }
            (Self::Rule(_) | Self::TargetGroup(..) | Self::Ingress(_), _) => Vec::new(),
        };
        parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
    }
}

const PRIORITY: &str = "priority";
const CONDITIONS: &str = "conditions";
const ACTIONS: &str = "actions";
const TRANSFORMS: &str = "transforms";
const HEALTH_CHECK: &str = "health check";
const ATTRIBUTES: &str = "attributes";
const PERMISSION: &str = "permission";

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.words, self.object)
    }
}

fn group_content(group: &TargetGroup, observed: &Observed) -> Content {
    Content::TargetGroup(group.health_check.clone(), observed.attributes_of(&group.arn).present().cloned())
}

fn effects(action: &Action) -> Vec<Effect> {
    let created = |kind, tags: &Tags| vec![Effect::Created(kind, tags.get(OBJECT_TAG).cloned().unwrap_or_default())];
    let changed = |id: &str, part| Effect::Changed(id.to_owned(), part);
    match action {
        Action::CreateRule { tags, .. } => created(RULE, tags),
        Action::CreateTargetGroup(new) => created(TARGET_GROUP, &new.tags),
        Action::AuthorizeSecurityGroupIngress { tags, .. } => created(INGRESS, tags),
        Action::ModifyRule { rule, edit: RuleEdit { forward, conditions }, .. } => {
            let parts = [(conditions.is_some(), CONDITIONS), (forward.is_some(), ACTIONS)];
            parts.into_iter().filter(|(is_sent, _)| *is_sent).map(|(_, part)| changed(rule.as_str(), part)).collect()
        }
        Action::SetRulePriorities { priorities, .. } => {
            priorities.keys().map(|rule| changed(rule.as_str(), PRIORITY)).collect()
        }
        Action::ModifyTargetGroup { target_group, .. } => vec![changed(target_group.as_str(), HEALTH_CHECK)],
        Action::ModifyTargetGroupAttributes { target_group: Ref::Known(arn), .. } => {
            vec![changed(arn.as_str(), ATTRIBUTES)]
        }
        Action::DeleteRule { rule, .. } => vec![Effect::Deleted(rule.to_string())],
        Action::DeleteTargetGroup { target_group, .. } => vec![Effect::Deleted(target_group.to_string())],
        Action::RevokeSecurityGroupIngress { rule, .. } => vec![Effect::Deleted(rule.to_string())],
        // A new target group comes with its attributes; the rest is not tagged.
        Action::ModifyTargetGroupAttributes { target_group: Ref::Output(_), .. }
        | Action::RegisterTaskDefinition { .. }
        | Action::CreateService(_)
        | Action::DrainService { .. }
        | Action::DeleteService { .. }
        | Action::UpdateServiceCount { .. }
        | Action::UpdateServiceMembers { .. }
        | Action::StopServiceDeployment { .. }
        | Action::TagService { .. }
        | Action::UpdateService { .. }
        | Action::AddTags { .. }
        | Action::ModifyListener { .. }
        | Action::RegisterTargets { .. }
        | Action::DeregisterTargets { .. } => Vec::new(),
    }
}
