//! R21: services that this fleet created and that the manifest no longer names. The count goes to 0 in one pass, the service in a
//! later one, and its target groups in a third.

use crate::model::service::{CODE_DEPLOY, EXTERNAL};
use crate::model::{
    Autoscaling, DeploymentController, Given, ObjectRef, Scheduling, Seen, Service, ServiceOutline, ServiceStatus,
};

use super::super::action::Action;
use super::super::draft::{Drafts, Obstacle, need};
use super::super::reason::Reason;
use super::super::service::MANAGED_BY_ECS;
use super::super::{Policy, left_over, resolve, serving};
use super::{Words, is_protected, mark_of, protected, removal};

pub(super) fn prune_services(given: &Given<'_>, policy: &Policy, drafts: &mut Drafts) {
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
        if let Err(obstacle) = prune_service(given, policy, outline, &object, drafts) {
            Obstacle { what, ..obstacle }.block(drafts, &fleet);
        }
    }
}

fn prune_service(
    given: &Given<'_>,
    policy: &Policy,
    outline: &ServiceOutline,
    object: &str,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
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
        return Ok(());
    }
    let owner = match live.controller {
        _ if live.managed_by_ecs => Some(MANAGED_BY_ECS),
        DeploymentController::Ecs => None,
        DeploymentController::CodeDeploy => Some(CODE_DEPLOY),
        DeploymentController::External => Some(EXTERNAL),
    };
    if let Some(owner) = owner {
        drafts.defer(&fleet, format!("delete service {}", outline.id), owner);
        return Ok(());
    }
    unscaled(given, live)?;
    let is_daemon = live.scheduling == Scheduling::Daemon;
    if live.desired_count > 0 && !is_daemon {
        let served = consented(given, policy, live)?;
        drain(given, live, (outline, object), &served, drafts);
    } else if live.is_deploying() || (live.running_count > 0 && !is_daemon) {
        let because =
            if live.is_deploying() { "a deployment of it is in progress" } else { "its last tasks are stopping" };
        drafts.plan_later(&fleet, format!("delete service {}", outline.id), because);
    } else {
        let served = consented(given, policy, live)?;
        delete(given, (outline, object), &served, drafts);
    }
    Ok(())
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

/// What it takes away, for people: nothing without a consent of its own.
fn consented(given: &Given<'_>, policy: &Policy, live: &Service) -> Result<String, Obstacle> {
    let mut served = Vec::new();
    for arn in live.target_groups() {
        match serving::has_healthy_target(given.observed, arn) {
            Seen::Present(false) | Seen::Absent => {}
            Seen::Present(true) => served.push(arn.name()),
            Seen::Unknown(gap) => return Err(Obstacle::gap("", gap)),
        }
    }
    if served.is_empty() {
        return Ok(String::new());
    }
    let served = format!("healthy targets of {} are its tasks", served.join(", "));
    if policy.prune_serving {
        return Ok(format!("; {served}"));
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
    served: &str,
    drafts: &mut Drafts,
) {
    let action =
        Action::DrainService { service: live.id.clone(), from: live.desired_count, mark: mark_of(&outline.tags) };
    let words = Words {
        target: live.id.to_string(),
        summary: format!("stop all tasks of service {}", live.id),
        reason: format!(
            "this fleet created it for {object}, which the manifest no longer names; a later pass deletes it{served}"
        ),
    };
    drafts.push(removal(given.desired, action, resolve::concerned(given, object, live.target_groups()), words));
}

fn delete(given: &Given<'_>, (outline, object): (&ServiceOutline, &str), served: &str, drafts: &mut Drafts) {
    let action = Action::DeleteService { service: outline.id.clone(), mark: mark_of(&outline.tags) };
    let words = Words {
        target: outline.id.to_string(),
        summary: format!("delete service {}", outline.id),
        reason: format!("this fleet created it for {object}, which the manifest no longer names{served}"),
    };
    drafts.push(removal(given.desired, action, resolve::concerned(given, object, &outline.target_groups), words));
}
