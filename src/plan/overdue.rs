//! `rollout.timeout`: a deployment that is in progress for longer is reported, or stopped and rolled back.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Deployment, DeploymentController, DeploymentEnd, DesiredService, Given, ObjectRef, OnTimeout, PastDeployment,
    Rollout, Seen, Service,
};

use super::action::Action;
use super::draft::{Draft, Drafts, Obstacle};
use super::reason::Reason;
use super::service::live_service;

/// The newest deployment of a service, if the manifest limits its time and it may still succeed.
pub(super) fn limited<'a>(live: &'a Service, wanted: &DesiredService) -> Option<(&'a Deployment, SignedDuration)> {
    let limit = SignedDuration::from_secs(i64::from(wanted.rollout.timeout?));
    let is_ours = live.controller == DeploymentController::Ecs && !live.managed_by_ecs;
    let primary = live.primary().filter(|primary| is_ours && primary.rollout == Some(Rollout::InProgress))?;
    Some((primary, limit))
}

/// `is_as_declared`: what is being deployed is what the manifest declares. Only that is stopped.
pub(super) fn plan_overdue(
    given: &Given<'_>,
    wanted: &DesiredService,
    now: Timestamp,
    is_as_declared: bool,
    drafts: &mut Drafts,
) {
    let Ok(live) = live_service(given.observed, wanted) else { return };
    let Some((primary, limit)) = limited(live, wanted) else { return };
    let Some(began) = primary.created.filter(|began| now.duration_since(*began) >= limit) else { return };
    let object = ObjectRef::service(&wanted.key);
    let what = format!("deployment of {} in progress since {began}", primary.task_definition.name());
    let failed = match primary.tasks.failed {
        0 => String::new(),
        1 => " (1 task has failed)".to_owned(),
        number => format!(" ({number} tasks have failed)"),
    };
    let because = format!("it takes longer than rollout.timeout ({limit:#}){failed}");
    let report = |more: &str, drafts: &mut Drafts| {
        let way_out = format!("find out why (portolan trace {0}), or take it back (portolan rollback {0})", wanted.key);
        drafts.block_on(&object, what.clone(), Reason::new(format!("{because}{more}"), way_out));
    };
    match wanted.rollout.on_timeout {
        OnTimeout::Report => report("", drafts),
        OnTimeout::Stop if !is_as_declared => {
            report(", and Portolan does not stop it, because the manifest declares something else now", drafts);
        }
        OnTimeout::Stop => match given.observed.service_deployments_of(&wanted.id) {
            Seen::Unknown(gap) => Obstacle::gap(what, gap).block(drafts, &object),
            Seen::Absent => report(", and the endpoint cannot stop deployments", drafts),
            Seen::Present(listed) => match listed.iter().find(|one| one.is(&primary.id)) {
                Some(_) if has_nothing_before(live, given.observed.past_deployments_of(&wanted.id).present()) => {
                    report(", and it is the first one, so that ECS has nothing to roll back to", drafts);
                }
                Some(found) if found.state.is_under_way() => {
                    let reason = format!("{because}, and rollout.onTimeout is stop");
                    drafts.push(stop(wanted, primary, &found.arn, reason));
                }
                Some(_) => {
                    let reason = Reason::new(
                        format!("{because}, and ECS no longer lists it as one that is in progress"),
                        "wait: ECS is stopping it, rolling it back or completing it",
                    );
                    drafts.block_on(&object, what, reason);
                }
                None => report(", and ECS does not list it as one that can be stopped", drafts),
            },
        },
    }
}

/// Whether a deployment in progress is a service's first: none has succeeded, and no older one is still there. ECS keeps 90 days of
/// deployments, so the list alone does not say so.
pub(super) fn has_nothing_before(live: &Service, past: Option<&Vec<PastDeployment>>) -> bool {
    let none_succeeded = past.is_some_and(|past| past.iter().all(|past| past.end != DeploymentEnd::Successful));
    none_succeeded && live.deployments.iter().all(|deployment| deployment.primary)
}

/// Stops a deployment; ECS rolls back to the last one that completed.
pub(super) fn stop(wanted: &DesiredService, primary: &Deployment, arn: &str, reason: String) -> Draft {
    Draft {
        action: Action::StopServiceDeployment {
            service: wanted.id.clone(),
            deployment: arn.to_owned(),
            id: primary.id.clone(),
        },
        object: ObjectRef::service(&wanted.key),
        also: BTreeSet::new(),
        target: wanted.id.to_string(),
        summary: format!(
            "stop the deployment of {} and roll back to the last one that completed",
            primary.task_definition.name()
        ),
        reason,
        changes: Vec::new(),
        after: BTreeSet::new(),
        redeploys: true,
        removes: false,
        held: None,
        receivers: Default::default(),
    }
}
