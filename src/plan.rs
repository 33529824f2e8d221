//! `plan(desired, observed, policy, now) -> Plan`: total and pure. No I/O, no clock, no async, no `Result`, no
//! hash maps; what it cannot decide becomes a blocked entry.
//!
//! Reading order: [`action`] and [`change`] say what a plan is; `draft` is a plan while it is drawn up; `resolve` finds
//! things by name; then one file for each kind; `guard` holds back what must not happen now; `edges` derives the order;
//! [`evidence`] tells what a step was derived from.

pub mod action;
mod allowed;
mod budget;
mod by_resource;
pub mod change;
mod check_order;
mod command;
mod concurrent;
mod connected;
mod consent;
mod container_rename;
mod content;
mod creation;
mod definition;
mod draft;
mod edges;
pub mod effect;
pub mod evidence;
mod facts;
pub mod field;
mod flow;
mod form;
mod from_load_balancer;
mod guard;
mod handover;
mod health_check;
mod health_port;
mod ingress_reads;
mod left_over;
mod listener;
mod listener_planner;
mod listener_rule;
mod members;
mod names;
pub mod needs;
mod network;
mod new_service;
mod node_addresses;
mod orphan;
mod overdue;
mod parked;
mod priority;
mod protocol;
mod prune;
mod reason;
mod redeployment;
mod registrar;
mod resolve;
mod rolled_back;
mod room;
mod rule_match;
mod rule_words;
pub mod scope;
mod second_group;
mod security_group;
mod service;
mod serving;
mod stuck;
mod target;
mod target_group;
mod task_definition;
mod temporary;
mod traffic;
mod weights;
mod wiring;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{Desired, DesiredService, Given, ObjectKind, ObjectRef, Observed};

pub use action::{
    Action, DeletedRuleBelief, NewService, NewTargetGroup, OPERATIONS, Output, PortFix, Ref, RegistrationBelief,
    RuleBelief, RuleEdit, ServiceBelief, WiredEntry,
};
pub(crate) use by_resource::ListenerChange;
pub use change::{
    Blocked, Change, Deferred, Finding, Mend, Plan, Planned, Receivers, Step, StepId, Verdict, WaitingOn,
};
pub use command::{Command, command_needs};
pub use content::is_same_content;
pub use facts::{Api, Deed, Facts};
pub use field::{Field, HealthCheckField};
pub use reason::Reason;
#[cfg(test)]
pub(crate) use rule_match::count;
pub(crate) use rule_match::rules_of_route;
pub use scope::{CHECK_ACCESS, ScopeError, scope_errors};

use draft::Drafts;
use security_group::{ServiceIngress, WantedIngress};

/// How a run wants to be planned, beyond the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Lifts the removal budget, R2a, and vetoes. Never the mark, a gap, a mode, or a proof.
    pub force: bool,
    /// These objects alone; a service brings its target groups. Never prunes.
    pub only: Option<BTreeSet<ObjectRef>>,
    /// Plans this alone.
    pub command: Option<Command>,
    /// Consents to removals that take away a way in: rules that give requests to healthy targets.
    pub prune_serving: bool,
}

/// A step that is not to be taken, for a reason that planning itself cannot see: it would break a path that is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veto {
    /// The object of the step.
    pub object: ObjectRef,
    /// The step's call: a plan of the same reading has it again.
    pub action: Action,
    /// Why, and what has to happen first.
    pub why: WaitingOn,
}

/// Plans one fleet.
pub fn plan(desired: &Desired, observed: &Observed, policy: &Policy, now: Timestamp) -> Plan {
    plan_without(desired, observed, policy, now, &[])
}

/// As [`plan`]; the steps of `vetoes` are blocked entries, and so is whatever needs them.
///
/// The kinds contribute drafts in an order in which later ones may refer to earlier ones: target groups, the ways to
/// them, their registrations, services, ingress, and what goes. The guard then holds back what must not happen now.
pub fn plan_without(desired: &Desired, observed: &Observed, policy: &Policy, now: Timestamp, vetoes: &[Veto]) -> Plan {
    let given = &Given::new(desired, observed);
    let mut drafts = Drafts::default();
    if let Some(command) = &policy.command {
        command::plan_command(given, command, &mut drafts);
        guard::hold_back(given, policy, now, vetoes, &mut drafts);
        return finish(given, policy, drafts);
    }
    let mut groups = Vec::new();
    for group in given.desired.target_groups.values() {
        if weights::is_managed_by_ecs(given, &group.key) {
            let what = format!("target group {} and its routes", group.name);
            drafts.defer(&ObjectRef::target_group(&group.key), what, crate::model::service::MANAGED_BY_ECS);
        } else {
            groups.push(group);
        }
    }
    for group in &groups {
        target_group::plan_target_group(given, group, &mut drafts);
    }
    listener_rule::plan_routes(given, &mut drafts);
    handover::plan_handovers(given, now, &mut drafts);
    orphan::hold_orphans(given, &mut drafts);
    for group in &groups {
        target::plan_targets(given, group, &mut drafts);
    }
    let mut wanted = WantedIngress::default();
    for service in given.desired.services.values() {
        plan_one_service(given, service, now, &mut wanted, &mut drafts);
    }
    match &policy.only {
        Some(only) => guard::keep_only(given.desired, only, &mut drafts),
        None => prune::plan_prune(given, policy, &wanted, &mut drafts),
    }
    guard::hold_back(given, policy, now, vetoes, &mut drafts);
    finish(given, policy, drafts)
}

/// Count, ingress, and then whatever redeploys: tasks must not come up behind a closed port.
fn plan_one_service(
    given: &Given<'_>,
    service: &DesiredService,
    now: Timestamp,
    wanted: &mut WantedIngress,
    drafts: &mut Drafts,
) {
    let object = ObjectRef::service(&service.key);
    let new = new_service::is_wanted(given, service).then(|| new_service::new_service(given, service));
    let new = match new {
        Some(Err(obstacles)) => {
            creation::block(service, obstacles, drafts);
            None
        }
        Some(Ok(new)) => Some(new),
        None => {
            service::plan_service(given, service, drafts);
            None
        }
    };
    let mut ingress = ServiceIngress { is_unmanaged: true, ..ServiceIngress::default() };
    if new.is_some() || service::owns_its_ingress(given.observed, service) {
        match security_group::plan_ingress(given, service, drafts) {
            Ok(planned) => ingress = planned,
            Err(obstacle) => {
                ingress.is_blocked = true;
                obstacle.block(drafts, &object);
            }
        }
    }
    if ingress.is_unmanaged || ingress.is_blocked {
        wanted.keep.insert(object.to_string());
    }
    match new {
        Some(new) => creation::plan_creation(given, service, new, &ingress, drafts),
        None => redeployment::plan_redeployment(given, service, now, &ingress, drafts),
    }
    target_group::check_only_open_ports(service, &ingress, drafts);
    wanted.flows.extend(ingress.flows);
}

fn finish(given: &Given<'_>, policy: &Policy, drafts: Drafts) -> Plan {
    let Drafts { steps, mut blocked, mut planned, mut deferred, mut findings } = drafts;
    let also: BTreeSet<ObjectRef> = steps.iter().flat_map(|draft| draft.also.iter().cloned()).collect();
    let steps = edges::number(steps, |removal, addition| is_related(given, removal, addition));
    blocked.sort_by(|a, b| (&a.object, &a.what).cmp(&(&b.object, &b.what)));
    planned.sort_by(|a, b| (&a.object, &a.what).cmp(&(&b.object, &b.what)));
    deferred.sort_by(|a, b| (&a.object, &a.what).cmp(&(&b.object, &b.what)));
    findings.sort_by(|a, b| (&a.object, &a.what).cmp(&(&b.object, &b.what)));
    let busy: BTreeSet<&ObjectRef> = steps
        .iter()
        .map(|step| &step.object)
        .chain(blocked.iter().map(|entry| &entry.object))
        .chain(planned.iter().map(|entry| &entry.object))
        .chain(deferred.iter().map(|entry| &entry.object))
        .chain(&also)
        .collect();
    let all = given.desired.target_groups.keys().map(|key| ObjectRef::target_group(key));
    let all = all.chain(given.desired.services.keys().map(|key| ObjectRef::service(key)));
    let only = policy.only.as_ref().map(|only| guard::with_target_groups(given.desired, only));
    let selected = |object: &ObjectRef| only.as_ref().is_none_or(|only| only.contains(object));
    let unchanged = all.filter(|object| !busy.contains(object) && selected(object)).collect();
    let gaps = given.observed.gaps.iter().cloned().collect();
    Plan { steps, blocked, planned, deferred, unchanged, findings, gaps, ..Plan::default() }
}

/// Removals come after the additions of the same object, of the services that use a target group, and for what no
/// object names any more, after all.
fn is_related(given: &Given<'_>, removal: &ObjectRef, addition: &ObjectRef) -> bool {
    match removal.kind {
        ObjectKind::Fleet => true,
        ObjectKind::Service => removal == addition,
        ObjectKind::TargetGroup => {
            let service = |object: &ObjectRef| object.kind == ObjectKind::Service;
            let mut users = given.ports_of(&removal.key).map(|(service, _)| ObjectRef::service(&service.key));
            removal == addition || (service(addition) && users.any(|user| user == *addition))
        }
    }
}
