//! A service: is it there, is it ours to work on, and its count.

use std::collections::BTreeSet;

use crate::model::service::{EXTERNAL, MANAGED_BY_ECS};
use crate::model::{
    Autoscaling, DeploymentController, DesiredCount, DesiredService, Given, ObjectRef, Observed, Scheduling, Seen,
    Service, ServiceStatus,
};

use super::action::Action;
use super::change::{Change, WaitingOn};
use super::draft::{Draft, Drafts, Obstacle, need};
use super::field::Field;
use super::members;
use super::reason::Reason;

pub(super) fn plan_service(given: &Given<'_>, wanted: &DesiredService, drafts: &mut Drafts) {
    // The count is compared here, network and ports where the service is redeployed and where its ingress is planned.
    let DesiredService {
        key,
        id,
        mode: _,
        suspend: _,
        rollout: _,
        desired_count: _,
        network: _,
        ports: _,
        task_definition: _,
        members: _,
        redeploy: _,
        load_balancers: _,
        unsent: _,
    } = wanted;
    let object = ObjectRef::service(key);
    let live = match live_service(given.observed, wanted) {
        Ok(live) => live,
        Err(obstacle) => return obstacle.block(drafts, &object),
    };
    if live.managed_by_ecs {
        let what = format!("service {id} and its load balancing");
        return drafts.defer(&object, what, MANAGED_BY_ECS);
    }
    plan_count(given, wanted, live, drafts);
    members::plan_members(wanted, live, drafts);
}

/// The live service, or why nothing of it can be planned.
pub(super) fn live_service<'a>(observed: &'a Observed, wanted: &DesiredService) -> Result<&'a Service, Obstacle> {
    let what = || format!("service {}", wanted.id);
    if let Some(Seen::Absent) = observed.clusters.get(&wanted.id.cluster) {
        let sentence = Reason::new(
            format!("no cluster is called {:?} in this region", wanted.id.cluster),
            "create it or correct the name",
        );
        return Err(Obstacle::difference(what(), sentence));
    }
    let live = need(observed.service(&wanted.id), what, || {
        Reason::new(
            format!("no service is called {:?} in cluster {:?}", wanted.id.name, wanted.id.cluster),
            "create it first, or let Portolan create it: set redeploy: allow, and declare taskDefinition and the rest of the service",
        )
    })?;
    match live.status {
        ServiceStatus::Active => Ok(live),
        ServiceStatus::Draining => Err(Obstacle::difference(what(), "it is being deleted (DRAINING)")),
    }
}

/// Whether Portolan opens ports for a service: not for one whose chain ECS owns, nor for one that is being deleted.
pub(super) fn owns_its_ingress(observed: &Observed, wanted: &DesiredService) -> bool {
    match observed.service(&wanted.id) {
        Seen::Present(live) => live.status == ServiceStatus::Active && !live.managed_by_ecs,
        // What a missing service needs stays wanted, but is not opened ahead of it; an unknown one is repaired.
        Seen::Absent => false,
        Seen::Unknown(_) => true,
    }
}

fn plan_count(given: &Given<'_>, wanted: &DesiredService, live: &Service, drafts: &mut Drafts) {
    let object = ObjectRef::service(&wanted.key);
    let Some(declared) = wanted.desired_count else { return };
    if live.scheduling == Scheduling::Daemon {
        return drafts.block_on(
            &object,
            "desiredCount",
            Reason::new(
                "a DAEMON service has one task on every instance and takes no desired count",
                "remove desiredCount",
            ),
        );
    }
    let count = match declared {
        DesiredCount::Exact(count) => count,
        DesiredCount::Band { min, max } => live.desired_count.clamp(min, max),
    };
    if count == live.desired_count {
        return;
    }
    let what = format!("desiredCount {} (declared {})", live.desired_count, describe_count(declared));
    if live.controller == DeploymentController::External {
        return drafts.defer(&object, what, EXTERNAL);
    }
    if given.desired.fleet.autoscaling == Autoscaling::Check {
        match given.observed.scalable_target(&wanted.id) {
            Seen::Present(target) => {
                let suspended = if target.suspended { ", suspended" } else { "" };
                let what = format!("{what}; scalable target {} to {}{suspended}", target.min, target.max);
                return drafts.defer(&object, what, "application-autoscaling");
            }
            Seen::Absent => {}
            Seen::Unknown(gap) => return drafts.block(&object, what, WaitingOn::Gap(gap)),
        }
    }
    let verb = if count < live.desired_count { "lower" } else { "raise" };
    drafts.push(Draft {
        action: Action::UpdateServiceCount {
            service: wanted.id.clone(),
            desired_count: count,
            from: live.desired_count,
            unscaled: given.desired.fleet.autoscaling == Autoscaling::Check,
        },
        object,
        also: BTreeSet::new(),
        target: wanted.id.to_string(),
        summary: format!("{verb} the desired count from {} to {count}", live.desired_count),
        reason: format!(
            "the manifest declares {}, and no autoscaler owns the count; {} tasks run now",
            describe_count(declared),
            live.running_count
        ),
        changes: vec![Change {
            field: Field::DesiredCount,
            live: Some(live.desired_count.to_string()),
            desired: Some(count.to_string()),
        }],
        after: Default::default(),
        redeploys: false,
        removes: count < live.desired_count,
        held: None,
        receivers: Default::default(),
    });
}

fn describe_count(count: DesiredCount) -> String {
    match count {
        DesiredCount::Exact(count) => count.to_string(),
        DesiredCount::Band { min, max } => format!("{min} to {max}"),
    }
}
