//! Everything about a service that only a new deployment can put right, in the one call that carries it all (R8a), and
//! never again what ECS rolled back (R7a).

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{
    Awsvpc, DeploymentController, DesiredService, Given, GroupId, ObjectRef, Observed, Seen, Service, Strategy,
    TargetGroupArn, TaskDefinition,
};
use crate::shape::SERVICE;

use super::action::{Action, Ref, ServiceBelief, WiredEntry};
use super::change::{Change, WaitingOn};
use super::connected;
use super::container_rename::one_call;
use super::definition::{self, Move, NewRevision, Origin, TASK_DEFINITION_FIELD, Target, movement};
use super::draft::{Draft, DraftId, Drafts, Obstacle, need};
use super::field::Field;
use super::members::{self, Redeployed};
use super::network::diff_network;
use super::overdue::plan_overdue;
use super::reason::Reason;
use super::rolled_back::{self, Brings};
use super::room;
use super::security_group::ServiceIngress;
use super::service::live_service;
use super::task_definition::diff_ports;
use super::wiring::{self, Wiring, diff_wiring};

/// Everything about a service that only a new deployment can put right.
#[derive(Clone, Debug, Default)]
pub(super) struct Redeployment {
    /// How it comes to another revision.
    pub(super) revision: Option<Move>,
    pub(super) wiring: Wiring,
    pub(super) network: Option<Awsvpc>,
    pub(super) members: Redeployed,
    pub(super) changes: Vec<Change>,
}

/// What a deployment would have to put right, if anything. Obstacles are differences that it cannot.
pub(super) fn redeployment(
    given: &Given<'_>,
    wanted: &DesiredService,
    now: Timestamp,
    obstacles: &mut Vec<Obstacle>,
) -> Option<Redeployment> {
    let live = live_service(given.observed, wanted).ok().filter(|live| !live.managed_by_ecs)?;
    let mut found = Redeployment { members: members::redeployed(wanted, live), ..Redeployment::default() };
    found.changes.extend(found.members.changes.clone());
    if let Some(network) = &wanted.network {
        match diff_network(given, wanted, live, network) {
            Ok(Some((block, changes))) => {
                found.network = Some(block);
                found.changes.extend(changes);
            }
            Ok(None) => {}
            Err(obstacle) => obstacles.push(obstacle),
        }
    }
    if wanted.ports.is_some() || wanted.task_definition.is_some() || !wanted.load_balancers.is_empty() {
        match target_of(given, wanted, live) {
            Ok(target) => diff_target(given, wanted, live, target, now, &mut found, obstacles),
            Err(obstacle) => obstacles.push(obstacle),
        }
    }
    let differs = found.revision.is_some()
        || !found.wiring.changes.is_empty()
        || found.network.is_some()
        || !found.members.members.is_empty();
    if differs && found.revision.is_none() && is_inactive(given.observed, live) {
        obstacles.push(Obstacle::difference(
            describe_changes(&found.changes),
            Reason::new(
                format!("{} is INACTIVE, and ECS rejects updates that use it", live.task_definition.name()),
                "deploy an ACTIVE revision first",
            ),
        ));
        return None;
    }
    differs.then_some(found)
}

/// What the service shall run.
fn target_of(given: &Given<'_>, wanted: &DesiredService, live: &Service) -> Result<Target, Obstacle> {
    let what = || format!("task definition {}", live.task_definition);
    let running =
        need(given.observed.task_definition(&live.task_definition), what, || "it does not exist any more".to_owned())?;
    definition::target(given, wanted, live, running)
}

/// The definition, its ports, and the wiring to them.
fn diff_target(
    given: &Given<'_>,
    wanted: &DesiredService,
    live: &Service,
    target: Target,
    now: Timestamp,
    found: &mut Redeployment,
    obstacles: &mut Vec<Obstacle>,
) {
    if !mode_agrees(wanted, &target.definition, obstacles) {
        return;
    }
    let renamed = || one_call(given, wanted, live, &target.definition, now);
    let ports = diff_ports(wanted, &target.definition, &renamed, obstacles);
    let all_changes = || describe_changes(&[&target.changes[..], &ports.changes[..]].concat());
    if target.origin == Origin::Referenced && !ports.fixes.is_empty() {
        obstacles.push(Obstacle::difference(
            all_changes(),
            Reason::new(
                format!(
                    "{} does not map the declared ports, and the manifest only refers to it",
                    target.definition.arn.name()
                ),
                "register a revision that maps them, or declare the task definition",
            ),
        ));
        return;
    }
    // A definition without the container or port that traffic goes to would be an outage.
    if !target.changes.is_empty() && !ports.unmapped.is_empty() {
        let sentence = "a declared port would lose its container: see the entries of the ports";
        obstacles.push(Obstacle::difference(describe_changes(&target.changes), sentence));
        return;
    }
    let revision = movement(&target, &ports.fixes);
    if let Some(reason) = connected::refusal(given, live, revision.as_ref()) {
        return obstacles.push(Obstacle::difference(all_changes(), reason));
    }
    found.revision = revision;
    found.changes.extend(target.changes);
    found.changes.extend(ports.changes);
    let mode = target.definition.network_mode;
    found.wiring = diff_wiring(given, wanted, live, mode, &ports.unmapped, now, obstacles);
    found.changes.extend(found.wiring.changes.clone());
}

fn is_inactive(observed: &Observed, live: &Service) -> bool {
    observed.task_definition(&live.task_definition).present().is_some_and(|definition| !definition.active)
}

/// The declared network mode is a check: a mismatch is nothing that Portolan mends.
fn mode_agrees(wanted: &DesiredService, definition: &TaskDefinition, obstacles: &mut Vec<Obstacle>) -> bool {
    let declared = wanted.network.as_ref().and_then(|network| network.mode);
    match declared {
        Some(declared) if declared != definition.network_mode => {
            obstacles.push(Obstacle::difference(
                format!("network.mode is {} in {}, declared {declared}", definition.network_mode, definition.arn.name()),
                "a network mode cannot be changed in place: deploy a task definition with the declared mode, or correct the manifest",
            ));
            false
        }
        Some(_) | None => true,
    }
}

pub(super) fn plan_redeployment(
    given: &Given<'_>,
    wanted: &DesiredService,
    now: Timestamp,
    ingress: &ServiceIngress,
    drafts: &mut Drafts,
) {
    let is_as_declared = plan_one_call(given, wanted, now, ingress, drafts);
    plan_overdue(given, wanted, now, is_as_declared, drafts);
}

/// Plans the redeployment. Returns whether nothing differs that a deployment would put right.
fn plan_one_call(
    given: &Given<'_>,
    wanted: &DesiredService,
    now: Timestamp,
    ingress: &ServiceIngress,
    drafts: &mut Drafts,
) -> bool {
    // Why it cannot be planned is said where the service itself is.
    let Ok(live) = live_service(given.observed, wanted) else { return false };
    let object = ObjectRef::service(&wanted.key);
    let mut obstacles = Vec::new();
    let found = redeployment(given, wanted, now, &mut obstacles);
    // One call carries everything: what is not known yet may belong into it, and may be what ECS rolled back.
    let unread = obstacles.iter().find(|obstacle| matches!(obstacle.waiting_on, WaitingOn::Gap(_))).cloned();
    let differs = !obstacles.is_empty();
    for obstacle in obstacles {
        obstacle.block(drafts, &object);
    }
    let Some(found) = found else {
        if !differs && declares_what_deploys(wanted) && live.controller == DeploymentController::Ecs {
            let failed = rolled_back::left_failed(live);
            failed.into_iter().for_each(|why| drafts.block_on(&object, deployed(live), why));
        }
        return !differs;
    };
    plan_found(given, wanted, live, found, unread, ingress, drafts);
    false
}

fn plan_found(
    given: &Given<'_>,
    wanted: &DesiredService,
    live: &Service,
    found: Redeployment,
    unread: Option<Obstacle>,
    ingress: &ServiceIngress,
    drafts: &mut Drafts,
) {
    let object = ObjectRef::service(&wanted.key);
    let what = || describe_changes(&found.changes);
    if let Some(unread) = unread {
        return Obstacle { what: what(), ..unread }.block(drafts, &object);
    }
    if let Some(owner) = live.other_owner() {
        return drafts.defer(&object, what(), owner);
    }
    if live.strategy != Strategy::Rolling && !found.wiring.changes.is_empty() {
        return drafts.block_on(
            &object,
            what(),
            Reason::new(
                "the service deploys blue/green, and ECS needs the alternate target group and the production \
                 rule with every load balancer",
                "wire it where these are declared",
            ),
        );
    }
    if let Some(reason) = room::missing(wanted, live) {
        return drafts.block_on(&object, what(), reason);
    }
    let brings = Brings {
        content: found.revision.as_ref().map(Move::content),
        load_balancers: (!found.wiring.changes.is_empty()).then_some(&*found.wiring.entries),
        network: found.network.as_ref(),
    };
    match rolled_back::refusal(given.observed, wanted, live, &brings) {
        Ok(None) => {}
        Ok(Some(why)) => return drafts.block_on(&object, what(), why),
        Err(obstacle) => return Obstacle { what: what(), ..obstacle }.block(drafts, &object),
    }
    if ingress.is_blocked {
        let sentence = "its ingress cannot be opened yet: new tasks would come up behind a closed port";
        return drafts.block_on(&object, what(), sentence);
    }
    push_redeployment(given, wanted, live, found, &ingress.groups, drafts);
}

fn declares_what_deploys(wanted: &DesiredService) -> bool {
    wanted.task_definition.is_some() || wanted.ports.is_some() || wanted.network.is_some()
}

fn deployed(live: &Service) -> String {
    format!("deployment of {}", live.task_definition.name())
}

fn describe_changes(changes: &[Change]) -> String {
    let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let each = |change: &Change| format!("{}: {} → {}", change.field, show(&change.live), show(&change.desired));
    changes.iter().map(each).collect::<Vec<_>>().join("; ")
}

fn push_redeployment(
    given: &Given<'_>,
    wanted: &DesiredService,
    live: &Service,
    found: Redeployment,
    groups: &BTreeSet<GroupId>,
    drafts: &mut Drafts,
) {
    let object = ObjectRef::service(&wanted.key);
    let mut after: BTreeSet<DraftId> = drafts.opening(groups);
    let stays = |arn: &TargetGroupArn| {
        let named = |(target, _): &WiredEntry| matches!(target, Some(Ref::Known(known)) if known == arn);
        found.wiring.entries.iter().any(named)
    };
    if found.wiring.removes {
        let leaving = live.target_groups().filter(|arn| !stays(arn)).collect();
        after.extend(drafts.setting_attributes(&leaving));
    }
    for key in &found.wiring.wired {
        match wiring::waits_for(given, key, drafts) {
            Ok(ids) => after.extend(ids),
            Err(obstacle) => {
                return Obstacle { what: describe_changes(&found.changes), ..obstacle }.block(drafts, &object);
            }
        }
    }
    let mut expect = match given.observed.past_deployments_of(&wanted.id) {
        Seen::Present(past) => ServiceBelief::of(live).and_of(past),
        Seen::Absent | Seen::Unknown(_) => ServiceBelief::of(live),
    };
    expect.members = found.members.before.clone();
    if let Some(Move::Register(new)) = &found.revision {
        drafts.push(registration(wanted, live, new, &found.changes, expect.clone()));
    }
    let reason = redeployment_reason(&found);
    drafts.push(Draft {
        action: Action::UpdateService {
            service: wanted.id.clone(),
            task_definition: found.revision.as_ref().map(|revision| revision.target(&object)),
            load_balancers: (!found.wiring.changes.is_empty()).then(|| found.wiring.entries.clone()),
            network: found.network.clone(),
            members: found.members.members.clone(),
            expect,
        },
        object,
        also: BTreeSet::new(),
        target: wanted.id.to_string(),
        summary: format!("update {} with a new deployment", redeployed_parts(&found).join(", ")),
        reason,
        changes: found.changes,
        after,
        redeploys: true,
        removes: found.wiring.removes,
        held: None,
        receivers: Default::default(),
    });
}

fn registration(
    wanted: &DesiredService,
    live: &Service,
    new: &NewRevision,
    changes: &[Change],
    expect: ServiceBelief,
) -> Draft {
    let of_definition = |change: &&Change| {
        matches!(&change.field, Field::PortMapping(_))
            || matches!(&change.field, Field::Member(path) if path.first() == Some(TASK_DEFINITION_FIELD))
    };
    let is_declared = wanted.task_definition.is_some();
    let from = live.task_definition.name();
    Draft {
        action: Action::RegisterTaskDefinition {
            service: wanted.id.clone(),
            source: Some(live.task_definition.clone()),
            content: new.content.clone(),
            tags: new.tags.clone(),
            expect: Some(expect),
        },
        object: ObjectRef::service(&wanted.key),
        also: BTreeSet::new(),
        target: new.family().to_owned(),
        summary: match is_declared {
            true => format!("register {} as the manifest declares it", new.family()),
            false => format!("register a copy of {from} with the declared port mappings"),
        },
        reason: match is_declared {
            true => format!("{from} is not as the manifest declares; what the manifest leaves out stays as in {from}"),
            false => "port mappings of a revision cannot be changed; everything else is copied unchanged".to_owned(),
        },
        changes: changes.iter().filter(of_definition).cloned().collect(),
        after: Default::default(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    }
}

fn redeployed_parts(found: &Redeployment) -> Vec<&str> {
    let members = found.members.members.members().keys().map(String::as_str);
    let members = members.filter(|name| SERVICE.member(name).is_some());
    let parts = [
        (found.revision.is_some(), "the task definition"),
        (!found.wiring.changes.is_empty(), "load balancers"),
        (found.network.is_some(), "the network"),
    ];
    parts.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| part).chain(members).collect()
}

fn redeployment_reason(found: &Redeployment) -> String {
    let mut reason = format!("not as the manifest declares: {}", redeployed_parts(found).join(", "));
    if !found.wiring.wired.is_empty() {
        reason.push_str("; ECS registers the tasks in a target group only when the service names it");
    }
    reason
}
