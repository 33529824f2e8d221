//! What the service can say of each object at any moment: kept from pass to pass, so that it knows since when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::reachability::Reach;
use super::{Ended, ForeignChange, Pass, Vanished};
use crate::apply::StepResult;
use crate::model::{Desired, ObjectRef};
use crate::plan::Plan;
use crate::report::Report;
use crate::trace::Verdict;

/// Whether an object is as declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// It is.
    Yes,
    /// It differs.
    No,
    /// It could not be read.
    Unknown,
}

impl Sync {
    fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "True",
            Self::No => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// The state of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Whether it is in sync.
    pub sync: Sync,
    /// Why.
    pub reason: String,
    /// Since when [`Self::sync`] has been so.
    pub since: Timestamp,
    /// The pass that last looked.
    pub pass: u64,
}

/// Whether requests can arrive at an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachable {
    /// What its paths come to, and why.
    pub reach: Reach,
    /// Since when [`Reach::verdict`] has been so.
    pub since: Timestamp,
}

/// Everything that is known, at the last pass that came to a plan.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// Each object of the manifest, and what else a plan was about.
    pub objects: BTreeMap<ObjectRef, Condition>,
    /// Those that have a load balancer, as far as passes trace.
    pub reachable: BTreeMap<ObjectRef, Reachable>,
    /// The service that each object belongs to, by its key.
    pub services: BTreeMap<ObjectRef, String>,
    /// The last pass: number, end and word.
    pub last: Option<(u64, Timestamp, &'static str)>,
    /// The end of the last pass that came to a plan in which nothing failed.
    pub last_success: Option<Timestamp>,
    /// What the last plan could not read.
    pub gaps: Vec<String>,
    /// A look without gaps has been made.
    pub is_ready: bool,
    /// Why the manifest on disk is not in force.
    pub refused: Option<String>,
    /// What the last change of the manifest took out of it, and when; `None` where it only added or edited.
    pub vanished: Option<(Vanished, Timestamp)>,
    /// The newest changes of tagged resources that were not made by this service, oldest first.
    pub foreign: VecDeque<ForeignChange>,
}

/// Changes that were not made by this service, as many as the status shows.
const MOST_FOREIGN: usize = 20;

/// A service is its own; a target group is that of the only service behind it. One of several services, or of none, is no
/// service's.
fn services_of(desired: &Desired) -> BTreeMap<ObjectRef, String> {
    let mut behind: BTreeMap<ObjectRef, BTreeSet<&String>> = BTreeMap::new();
    for service in desired.services.values() {
        behind.entry(ObjectRef::service(&service.key)).or_default().insert(&service.key);
        let groups = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
        for group in groups {
            behind.entry(ObjectRef::target_group(group)).or_default().insert(&service.key);
        }
    }
    let only = |services: BTreeSet<&String>| match services.into_iter().collect::<Vec<_>>().as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    };
    behind.into_iter().filter_map(|(object, services)| Some((object, only(services)?))).collect()
}

impl Board {
    /// Another manifest is in force.
    pub fn note_vanished(&mut self, vanished: &Vanished, at: Timestamp) {
        self.vanished = (!vanished.is_empty()).then(|| (vanished.clone(), at));
    }

    /// Tagged resources changed without this service.
    pub fn note_foreign(&mut self, changes: &[ForeignChange]) {
        self.foreign.extend(changes.iter().cloned());
        self.foreign.drain(..self.foreign.len().saturating_sub(MOST_FOREIGN));
    }

    /// Takes a pass in.
    pub fn record(&mut self, desired: &Desired, pass: &Pass) {
        self.last = Some((pass.number, pass.at, pass.ended.word()));
        self.is_ready |= pass.ended.is_complete();
        let Some(report) = pass.ended.report() else { return };
        if matches!(pass.ended, Ended::Planned(_)) && !has_failed(report) {
            self.last_success = Some(pass.at);
        }
        self.gaps = report.plan.gaps.iter().map(|(_, gap)| format!("{}: {}", gap.call, gap.why)).collect();
        let objects = objects(desired, &report.plan);
        self.objects.retain(|object, _| objects.contains(object));
        for object in objects {
            let (sync, reason) = state(&object, report);
            let before = self.objects.get(&object).filter(|condition| condition.sync == sync);
            let since = before.map_or(pass.at, |condition| condition.since);
            self.objects.insert(object, Condition { sync, reason, since, pass: pass.number });
        }
        self.services = services_of(desired);
        if let Some(traced) = &pass.reach {
            let before = std::mem::take(&mut self.reachable);
            let since = |object: &ObjectRef, verdict| {
                let before = before.get(object).filter(|before| before.reach.verdict == verdict);
                before.map_or(pass.at, |before| before.since)
            };
            let reached = traced.iter().map(|(object, reach)| {
                (object.clone(), Reachable { reach: reach.clone(), since: since(object, reach.verdict) })
            });
            self.reachable = reached.collect();
        }
    }

    /// The document of `/api/v1/status`.
    pub fn document(&self) -> Value {
        let condition = |kind: &str, status: &str, reason: &str, since: Timestamp| json!({"type": kind, "status": status, "reason": reason, "since": since.to_string()});
        let object = |(object, state): (&ObjectRef, &Condition)| {
            let in_sync = condition("InSync", state.sync.as_str(), &state.reason, state.since);
            let reachable = self.reachable.get(object);
            let reached = reachable.map(|Reachable { reach, since }| {
                condition("Reachable", status_of(reach.verdict), &reach.reason, *since)
            });
            let conditions: Vec<Value> = [in_sync].into_iter().chain(reached).collect();
            json!({
                "object": object.to_string(),
                "inSync": state.sync == Sync::Yes,
                "reachable": reachable.map_or("n/a", |reachable| word_of(reachable.reach.verdict)),
                "degraded": reachable.is_some_and(|reachable| reachable.reach.degraded),
                "conditions": conditions,
                "lastPass": state.pass,
            })
        };
        let last = self.last.map(|(number, at, word)| json!({"id": number, "at": at.to_string(), "verdict": word}));
        json!({
            "schemaVersion": 1,
            "ready": self.is_ready,
            "lastPass": last,
            "lastSuccess": self.last_success.map(|at| at.to_string()),
            "manifestRefused": self.refused,
            "manifestVanished": self.vanished.as_ref().map(vanished_document),
            "changedByOthers": self.foreign.iter().map(foreign_document).collect::<Vec<_>>(),
            "gaps": self.gaps,
            "objects": self.objects.iter().map(object).collect::<Vec<_>>(),
        })
    }
}

fn vanished_document((vanished, at): &(Vanished, Timestamp)) -> Value {
    let Vanished { files, documents, routes, targets, before, left } = vanished;
    json!({
        "at": at.to_string(),
        "files": files,
        "documents": documents,
        "routes": routes,
        "targets": targets,
        "documentsBefore": before,
        "documentsLeft": left,
    })
}

fn foreign_document(ForeignChange { at, what }: &ForeignChange) -> Value {
    json!({"at": at.to_string(), "what": what})
}

/// A condition's status.
fn status_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reachable => "True",
        Verdict::Broken => "False",
        Verdict::Unknown | Verdict::Standby => "Unknown",
    }
}

/// The word that `portolan status` has for it.
fn word_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reachable => "yes",
        Verdict::Broken => "no",
        Verdict::Unknown => "unknown",
        Verdict::Standby => "n/a",
    }
}

fn has_failed(report: &Report) -> bool {
    let mut results = report.outcome.iter().flat_map(|outcome| outcome.results.values());
    results.any(|result| matches!(result, StepResult::Failed(_)))
}

fn objects(desired: &Desired, plan: &Plan) -> BTreeSet<ObjectRef> {
    let services = desired.services.keys().map(|key| ObjectRef::service(key));
    let groups = desired.target_groups.keys().map(|key| ObjectRef::target_group(key));
    let steps = plan.steps.iter().map(|step| step.object.clone());
    let blocked = plan.blocked.iter().map(|entry| entry.object.clone());
    let planned = plan.planned.iter().map(|entry| entry.object.clone());
    services.chain(groups).chain(steps).chain(blocked).chain(planned).collect()
}

/// The worst that a report says of an object. A step that is done makes it as declared.
fn state(object: &ObjectRef, report: &Report) -> (Sync, String) {
    let result = |id| report.outcome.as_ref().and_then(|outcome| outcome.results.get(id));
    let steps = report.plan.steps.iter().filter(|step| step.object == *object);
    let open = steps.clone().find(|step| result(&step.id) != Some(&StepResult::Done));
    if let Some(step) = open {
        let reason = match result(&step.id) {
            Some(StepResult::Failed(error)) => format!("{}: {error}", step.summary),
            Some(StepResult::Stale(why)) => format!("{}: {why}", step.summary),
            _ => step.summary.clone(),
        };
        return (Sync::No, reason);
    }
    let blocked = || report.plan.blocked.iter().filter(|entry| entry.object == *object);
    if let Some(entry) = blocked().find(|entry| entry.waiting_on.is_difference()) {
        return (Sync::No, format!("{}: {}", entry.what, entry.waiting_on));
    }
    if let Some(entry) = report.plan.planned.iter().find(|entry| entry.object == *object) {
        return (Sync::No, format!("{} (planned for later): {}", entry.what, entry.because));
    }
    if let Some(entry) = blocked().next() {
        return (Sync::Unknown, format!("{}: {}", entry.what, entry.waiting_on));
    }
    if let Some((_, gap)) = report.plan.gaps.iter().find(|(name, _)| *name == object.to_string()) {
        return (Sync::Unknown, format!("{} could not be read ({})", gap.call, gap.why));
    }
    let repaired = steps.map(|step| step.summary.as_str()).collect::<Vec<_>>().join("; ");
    (Sync::Yes, if repaired.is_empty() { "as declared".to_owned() } else { format!("repaired: {repaired}") })
}
