//! R21: services that this fleet created and that the manifest no longer names. The count goes to 0 in one pass, the service in a
//! later one, and its target groups in a third.

use std::collections::BTreeSet;

use crate::model::{
    Autoscaling, Given, ObjectRef, Scheduling, Seen, Service, ServiceOutline, ServiceStatus, TargetGroupArn,
};

use super::super::action::Action;
use super::super::draft::{Draft, Drafts, Obstacle, need};
use super::super::reason::Reason;
use super::super::{Policy, left_over, resolve, serving};
use super::{DeletedRule, Words, is_protected, mark_of, protected, removal};

pub(super) fn prune_services(given: &Given<'_>, policy: &Policy, deleted: &[DeletedRule], drafts: &mut Drafts) {
    let fleet = ObjectRef::fleet(&given.desired.fleet.name);
    for (outline, object) in left_over::services(given) {
        let what = format!("delete service {}", outline.id);
        if !left_over::may_services_go(given) {
            let sentence = format!(
                "service {} was created for {object}, which the manifest no longer names; it stays because removal.services is deny",
                outline.id
            );
            drafts.find(&fleet, sentence);
            continue;
        }
        match prune_service(given, policy, outline, &object, drafts) {
            Ok(Some(mut step)) => {
                // Requests go elsewhere before the tasks stop that answer them.
                let leads_to = |rule: &&DeletedRule| !rule.forwards_to.is_disjoint(&outline.target_groups);
                step.after.extend(deleted.iter().filter(leads_to).map(|rule| rule.step));
                drafts.push(step);
            }
            Ok(None) => {}
            Err(obstacle) => Obstacle { what, ..obstacle }.block(drafts, &fleet),
        }
    }
}

/// The step that comes next for a service that is to go, if one does.
fn prune_service(
    given: &Given<'_>,
    policy: &Policy,
    outline: &ServiceOutline,
    object: &str,
    drafts: &mut Drafts,
) -> Result<Option<Draft>, Obstacle> {
    let fleet = ObjectRef::fleet(&given.desired.fleet.name);
    let no = |reason: Reason| Err(Obstacle::difference("", reason));
    if resolve::declared_object(given.desired, object).is_some() {
        return no(Reason::new(
            format!("{object} is still in the manifest, under another AWS name"),
            "delete the old one yourself",
        ));
    }
    if is_protected(&outline.tags) {
        return no(protected());
    }
    let live = need(given.observed.service(&outline.id), String::new, || "it no longer exists")?;
    if live.status == ServiceStatus::Draining {
        return Ok(None);
    }
    if let Some(owner) = live.other_owner() {
        drafts.defer(&fleet, format!("delete service {}", outline.id), owner);
        return Ok(None);
    }
    unscaled(given, live)?;
    let is_daemon = live.scheduling == Scheduling::Daemon;
    if live.desired_count > 0 && !is_daemon {
        let consented = consented(given, policy, live)?;
        return Ok(Some(drain(given, live, (outline, object), consented)));
    }
    if live.is_deploying() || (live.running_count > 0 && !is_daemon) {
        let because =
            if live.is_deploying() { "a deployment of it is in progress" } else { "its last tasks are stopping" };
        drafts.plan_later(&fleet, format!("delete service {}", outline.id), because);
        return Ok(None);
    }
    let consented = consented(given, policy, live)?;
    Ok(Some(delete(given, (outline, object), consented)))
}

/// A scalable target would raise the count again.
fn unscaled(given: &Given<'_>, live: &Service) -> Result<(), Obstacle> {
    if given.desired.fleet.autoscaling == Autoscaling::None {
        return Ok(());
    }
    match given.observed.scalable_target(&live.id) {
        Seen::Absent => Ok(()),
        Seen::Present(target) => Err(Obstacle::difference(
            "",
            Reason::new(
                format!("its scalable target ({} to {}) would raise the count again", target.min, target.max),
                "deregister the scalable target first",
            ),
        )),
        Seen::Unknown(gap) => Err(Obstacle::gap("", gap)),
    }
}

/// What a removal takes away, and what it must not.
struct Consented {
    /// For people; empty: nothing.
    served: String,
    /// Target groups without a healthy target.
    idle: BTreeSet<TargetGroupArn>,
}

/// What serves requests goes only with a consent of its own.
fn consented(given: &Given<'_>, policy: &Policy, live: &Service) -> Result<Consented, Obstacle> {
    let (mut serving, mut idle) = (Vec::new(), BTreeSet::new());
    for arn in live.target_groups() {
        match serving::has_healthy_target(given.observed, arn) {
            Seen::Present(false) | Seen::Absent => {
                idle.insert(arn.clone());
            }
            Seen::Present(true) => serving.push(arn.name()),
            Seen::Unknown(gap) => return Err(Obstacle::gap("", gap)),
        }
    }
    let mut served = Vec::new();
    if !serving.is_empty() {
        served.push(format!("healthy targets of {} are its tasks", serving.join(", ")));
    }
    let ports: Vec<&str> = live.conduct.connected_ports.iter().map(String::as_str).collect();
    if !ports.is_empty() {
        served.push(format!("Service Connect offers its port {} to other services", ports.join(", ")));
    }
    let served = served.join(", and ");
    if served.is_empty() || policy.prune_serving {
        let served = if served.is_empty() { served } else { format!("; {served}") };
        return Ok(Consented { served, idle });
    }
    Err(Obstacle::difference(
        "",
        Reason::new(
            served,
            "if their requests may go unanswered, answer yes at the prompt of `portolan reconcile` or use --prune-serving; for \
             `portolan run` write removal.serving: allow in the Fleet. If not, a file is missing from -f, or another manifest \
             uses this fleet's name",
        ),
    ))
}

fn drain(
    given: &Given<'_>,
    live: &Service,
    (outline, object): (&ServiceOutline, &str),
    Consented { served, idle }: Consented,
) -> Draft {
    let action =
        Action::DrainService { service: live.id.clone(), from: live.desired_count, mark: mark_of(&outline.tags), idle };
    let words = Words {
        target: live.id.to_string(),
        summary: format!("stop all tasks of service {}", live.id),
        reason: format!(
            "this fleet created it for {object}, which the manifest no longer names; a later pass deletes it{served}"
        ),
    };
    removal(given.desired, action, resolve::concerned(given, object, live.target_groups()), words)
}

fn delete(
    given: &Given<'_>,
    (outline, object): (&ServiceOutline, &str),
    Consented { served, idle }: Consented,
) -> Draft {
    let action = Action::DeleteService { service: outline.id.clone(), mark: mark_of(&outline.tags), idle };
    let words = Words {
        target: outline.id.to_string(),
        summary: format!("delete service {}", outline.id),
        reason: format!("this fleet created it for {object}, which the manifest no longer names{served}"),
    };
    removal(given.desired, action, resolve::concerned(given, object, &outline.target_groups), words)
}
