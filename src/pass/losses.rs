//! Which paths a plan would break, and which of its steps would do it.
//!
//! Judged by hop: one that is broken after all steps and is not now is lost, whatever other hops are unknown, unless the path
//! is known to be broken. States are compared by what is configured: what is registered, and what health checks say, follow
//! in time, and they are not known beforehand. A declared count is consent (R5), so scaling to 0 breaks nothing in this sense;
//! nor does a target in a zone that gets no requests, which takes none from the others. The state is the one after all
//! steps: the order of steps is the planner's.

use std::collections::BTreeMap;

use crate::model::{Given, TargetState};
use crate::plan::{Plan, StepId};
use crate::trace::catalogue::{Code, codes};
use crate::trace::{Effect, Finding, Hop, HopId, Path, State, Trace, Verdict};

use super::view::{View, beside};

/// A hop of a path that is broken in the planned state, and is not now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    /// The path in the planned state.
    pub(super) path: Path,
    /// Where it breaks.
    pub(super) hop: HopId,
    /// Every hop of it was examined and is sound now.
    was_sound: bool,
}

impl Loss {
    /// Such as `it would break public:80 → shop → shop/http, which is sound now, at rule: M40 rule-shadowed (…)`.
    pub(super) fn words(&self) -> String {
        let found = self.path.hops.iter().find(|hop| hop.id == self.hop).and_then(configured);
        let what = found.map(|finding| {
            let codes: Vec<String> = finding.codes.iter().map(ToString::to_string).collect();
            let codes = if codes.is_empty() { String::new() } else { format!("{} ", codes.join(" or ")) };
            format!(": {codes}{} ({})", finding.name, finding.evidence)
        });
        let now = if self.was_sound { "which is sound now" } else { "which is not known to be broken now" };
        format!("it would break {}, {now}, at {}{}", self.path.name, self.hop.as_str(), what.unwrap_or_default())
    }
}

/// What the configuration breaks at a hop.
fn configured(hop: &Hop) -> Option<&Finding> {
    if matches!(hop.id, HopId::Registration | HopId::Application) {
        return None;
    }
    // Who answers the requests of a path that they do not take shows in health alone, which says nothing of a planned state.
    let is_whole = |finding: &&Finding| match finding.effect {
        Effect::Breaks => hop.state == State::Broken,
        Effect::Degrades => finding.concerns_all(),
    };
    hop.findings.iter().filter(is_whole).find(|finding| !finding.codes.iter().eq([&codes::ZONE_NOT_ENABLED]))
}

/// What the configuration breaks on a path.
fn broken_hops(path: &Path) -> impl Iterator<Item = &Hop> {
    path.hops.iter().filter(|hop| configured(hop).is_some())
}

/// Whether a path is known to be broken now: at a hop that is configured, and not only declared otherwise than it stands
/// while healthy targets get its requests.
pub(super) fn is_known_broken(view: &View<'_>, path: &Path) -> bool {
    let is_declared_otherwise = |hop: &Hop| match hop.id {
        HopId::ServiceWiring => true,
        // A protocol that is as declared and is broken is proven wrong: the targets are healthy by another one.
        HopId::TargetGroup => !(is_of(hop, codes::PROTOCOL_MISMATCH) && has_declared_protocol(view, path)),
        HopId::LoadBalancer
        | HopId::Listener
        | HopId::Rule
        | HopId::Registration
        | HopId::AvailabilityZone
        | HopId::LoadBalancerEgress
        | HopId::NetworkAcl
        | HopId::TargetSecurityGroup
        | HopId::PortBinding
        | HopId::Application => false,
    };
    let mut broken = broken_hops(path).peekable();
    broken.peek().is_some() && !(broken.all(is_declared_otherwise) && has_healthy_target(view, path))
}

fn is_of(hop: &Hop, code: Code) -> bool {
    configured(hop).is_some_and(|finding| finding.codes.iter().eq([&code]))
}

fn has_declared_protocol(view: &View<'_>, path: &Path) -> bool {
    let given = Given::new(view.desired, view.observed);
    let Some(wanted) = view.desired.target_groups.get(&path.name.target_group) else { return false };
    let live = given.target_group(&wanted.name).present();
    live.is_some_and(|live| wanted.protocol.as_ref().is_none_or(|protocol| *protocol == live.protocol))
}

fn has_healthy_target(view: &View<'_>, path: &Path) -> bool {
    let given = Given::new(view.desired, view.observed);
    let Some(wanted) = view.desired.target_groups.get(&path.name.target_group) else { return false };
    let Some(live) = given.target_group(&wanted.name).present() else { return false };
    let stand_ins = given.stand_ins(live);
    let targets = stand_ins.iter().filter_map(|arn| view.observed.targets_of(arn).present()).flatten();
    targets.into_iter().any(|target| target.health.state == TargetState::Healthy)
}

/// What is broken after, and is not before.
pub(super) fn losses(view: &View<'_>, before: &Trace, after: &Trace) -> Vec<Loss> {
    let lost = after.paths.iter().filter_map(|path| {
        let old = before.paths.iter().find(|old| old.is_same(path))?;
        let new = broken_hops(path).find(|hop| is_new(view, old, hop.id))?;
        let was_sound = old.verdict() == Verdict::Reachable && broken_hops(old).next().is_none();
        Some(Loss { path: path.clone(), hop: new.id, was_sound })
    });
    lost.collect()
}

fn is_new(view: &View<'_>, old: &Path, id: HopId) -> bool {
    let Some(hop) = old.hops.iter().find(|hop| hop.id == id) else { return false };
    if configured(hop).is_some() || is_known_broken(view, old) {
        return false;
    }
    // What there was nothing to examine of was no better, where nothing arrives.
    let arrives = old.verdict() != Verdict::Broken && broken_hops(old).next().is_none();
    arrives || !matches!(hop.state, State::Skipped(_))
}

/// The steps that break these paths: of each path the last one before which the hop would still be whole.
pub(super) fn blame(view: &View<'_>, plan: &Plan, lost: Vec<Loss>) -> BTreeMap<StepId, Vec<Loss>> {
    let mut blamed: BTreeMap<StepId, Vec<Loss>> = BTreeMap::new();
    for loss in lost {
        let asked = beside(&loss.path);
        let is_whole = |number: &usize| {
            let traced = view.trace_after(&plan.steps[..*number], &asked);
            let mut same = traced.paths.iter().filter(|other| other.is_same(&loss.path));
            !same.any(|path| broken_hops(path).any(|hop| hop.id == loss.hop))
        };
        // Without any step it is whole.
        let number = (1..plan.steps.len()).rev().find(is_whole).unwrap_or(0);
        blamed.entry(plan.steps[number].id).or_default().push(loss);
    }
    blamed
}
