//! The steps of a handover that no other kind plans: its temporary rules. The routes are changed where routes are
//! planned, and the service's `loadBalancers` where that is.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::owner::{MOVED_TAG, REPLACES_TAG};
use crate::model::{DesiredTargetGroup, Given, LoadBalancerKind, ObjectRef, Serve, Service, TargetGroupArn};

use super::super::action::{Action, DeletedRuleBelief, Ref, RuleBelief};
use super::super::by_resource::ListenerChange;
use super::super::change::Change;
use super::super::draft::{Draft, DraftId, Drafts, Obstacle};
use super::super::field::Field;
use super::super::listener_planner::ListenerPlanner;
use super::super::parked::{self, dns_failover};
use super::super::prune::mark_of;
use super::super::reason::Reason;
use super::super::resolve;
use super::super::temporary::{self, Temporary};
use super::network_steps::{beside, let_go, write_time};
use super::{Handover, Leaving, Phase, deployed_first, leaving, network, of, other_forward};

/// Plans every handover, and takes away what is left of those that are over or were given up.
pub(in super::super) fn plan_handovers(given: &Given<'_>, now: Timestamp, drafts: &mut Drafts) {
    for key in given.desired.target_groups.keys() {
        let object = ObjectRef::target_group(key);
        match of(given, key) {
            None => {}
            Some(Err(obstacle)) => obstacle.block(drafts, &object),
            Some(Ok(handover)) => {
                if let Err(obstacle) = plan_one(given, &handover, now, drafts) {
                    obstacle.block(drafts, &object);
                }
            }
        }
    }
    for (pair, object) in network::left_over(given) {
        let_go(given, &pair, object, drafts);
    }
    for rule in temporary::all(given) {
        match resolve::declared_object(given.desired, &rule.object) {
            None => clear(given, &rule, drafts),
            Some(object) if rule.replaces == temporary::NOTHING => detach(given, &object, &rule, drafts),
            Some(_) => {}
        }
    }
}

/// Deletes a rule that attached a declared target group once its routes lead there, or with the steps that make them.
fn detach(given: &Given<'_>, object: &ObjectRef, rule: &Temporary<'_>, drafts: &mut Drafts) {
    let leads = resolve::stand_ins(given, &object.key).iter().any(|arn| other_forward(given, arn).is_some());
    let moves = drafts.attaching(object);
    let has_routes = |group: &DesiredTargetGroup| group.routes.iter().flatten().next().is_some();
    if leads || !moves.is_empty() {
        delete(given, rule, moves, drafts);
    } else if !given.desired.target_groups.get(&object.key).is_some_and(has_routes) {
        clear(given, rule, drafts);
    }
}

fn plan_one(given: &Given<'_>, found: &Handover<'_>, now: Timestamp, drafts: &mut Drafts) -> Result<(), Obstacle> {
    match &found.phase {
        Phase::Attach => {
            let new = found.new_group(given)?;
            let what = format!("attach target group {}", found.key);
            let first = dns_failover::turn_off(given, found.key, new.clone(), drafts)
                .map_err(|waiting_on| Obstacle { what, waiting_on })?;
            match found.kind {
                LoadBalancerKind::Network => beside(found, Ref::Known(found.old.arn.clone()), new, first, drafts),
                LoadBalancerKind::Application | LoadBalancerKind::Gateway => {
                    attach(given, found, new, None, first, drafts)?
                }
            };
            wait_to_move(
                given,
                found,
                "its tasks have to be registered in it and found healthy first".to_owned(),
                drafts,
            );
        }
        Phase::Fill(waits) => {
            let new = found.new_group(given)?;
            let what = format!("turn off DNS failover of {}", found.key);
            dns_failover::turn_off(given, found.key, new, drafts)
                .map_err(|waiting_on| Obstacle { what, waiting_on })?;
            wait_to_move(given, found, waits.clone(), drafts);
        }
        Phase::Move => {
            let moves = moves(found, drafts);
            if moves.is_empty() {
                // Something holds the routes back, and says what.
                return Ok(());
            }
            let restored = dns_failover::restore(given, found.key, drafts);
            let old = Ref::Known(found.old.arn.clone());
            let restored = restored
                .map_err(|waiting_on| Obstacle { what: format!("forward to {}", found.key), waiting_on })
                .and_then(|restored| match found.kind {
                    LoadBalancerKind::Network => {
                        write_time(given, found, now, &moves, drafts)?;
                        Ok(restored)
                    }
                    LoadBalancerKind::Application | LoadBalancerKind::Gateway => {
                        let kept = attach(given, found, old, Some(now), moves.clone(), drafts)?;
                        for rule in &found.temporary {
                            delete(given, rule, BTreeSet::from([kept]), drafts);
                        }
                        Ok(restored)
                    }
                });
            let restored = match restored {
                Ok(restored) => restored,
                Err(obstacle) => {
                    // Without the rule that keeps the old target group its tasks would no longer count as healthy.
                    for id in moves {
                        drafts.steps[id].held = Some(obstacle.waiting_on.clone());
                    }
                    return Err(obstacle);
                }
            };
            for id in &moves {
                drafts.steps[*id].after.extend(restored);
            }
            for id in moves {
                drafts.steps[id].reason =
                    format!("{} replaces {}, and has as many healthy targets in every zone", found.key, found.old.name);
            }
            take_out_later(found, drafts);
        }
        Phase::Keep if found.kind == LoadBalancerKind::Network => {
            beside(found, found.new_group(given)?, Ref::Known(found.old.arn.clone()), BTreeSet::new(), drafts);
            take_out_later(found, drafts);
        }
        Phase::Keep => {
            let kept = attach(given, found, Ref::Known(found.old.arn.clone()), Some(now), BTreeSet::new(), drafts)?;
            for rule in &found.temporary {
                delete(given, rule, BTreeSet::from([kept]), drafts);
            }
            take_out_later(found, drafts);
        }
        Phase::Drain => drain(given, found, now, drafts),
        Phase::Clear => {
            for rule in &found.temporary {
                clear(given, rule, drafts);
            }
        }
    }
    Ok(())
}

fn take_out_later(found: &Handover<'_>, drafts: &mut Drafts) {
    let what = format!("take {} out of its service", found.old.name);
    let because = "requests have to move first, and those under way to end";
    drafts.plan_later(&ObjectRef::target_group(found.key), what, because);
}

fn wait_to_move(given: &Given<'_>, found: &Handover<'_>, because: String, drafts: &mut Drafts) {
    let what = format!("forward to {} in place of {}", found.key, found.old.name);
    drafts.plan_later(&ObjectRef::target_group(found.key), what, because);
    drafts.planned.extend(dns_failover::later(given, found.key));
}

/// Of the steps so far, those that give the requests of the old target group to the new one.
fn moves(found: &Handover<'_>, drafts: &Drafts) -> BTreeSet<DraftId> {
    let object = ObjectRef::target_group(found.key);
    let is_move = |draft: &Draft| match draft.action.on_listener() {
        Some(ListenerChange::ModifyListener { .. }) => true,
        Some(ListenerChange::ModifyRule { edit, .. }) => edit.forward.is_some(),
        Some(
            ListenerChange::CreateRule { .. }
            | ListenerChange::SetRulePriorities { .. }
            | ListenerChange::DeleteRule { .. },
        )
        | None => false,
    };
    let all = drafts.steps.iter().enumerate();
    all.filter(|(_, draft)| draft.object == object && is_move(draft)).map(|(id, _)| id).collect()
}

/// A temporary rule that forwards to `to`: to the new target group before the move, to the old one after it.
fn attach(
    given: &Given<'_>,
    found: &Handover<'_>,
    to: Ref<TargetGroupArn>,
    moved: Option<Timestamp>,
    after: BTreeSet<DraftId>,
    drafts: &mut Drafts,
) -> Result<DraftId, Obstacle> {
    let object = ObjectRef::target_group(found.key);
    let name = if moved.is_some() { found.old.name.as_str() } else { found.key };
    let planner = ListenerPlanner { given, live: found.listener };
    let what = format!("create a rule that no request matches, for {name}");
    planner.within_quota(&what, drafts)?;
    let priority = planner.last_free_priority(drafts).ok_or_else(|| {
        Obstacle::difference(
            what.clone(),
            Reason::new(format!("listener {} has no free priority", planner.live.port), "delete a rule"),
        )
    })?;
    // What one of its rules names already needs no further look at the network.
    let known = found.temporary.first().map(|rule| Ok(rule.rule.conditions.clone()));
    let conditions = known.unwrap_or_else(|| parked::conditions(given, found.listener));
    let conditions = conditions.map_err(|waiting_on| Obstacle { what: what.clone(), waiting_on })?;
    let mut tags = given.desired.fleet.tags_for(&object);
    tags.insert(REPLACES_TAG.to_owned(), found.old.arn.to_string());
    tags.extend(moved.map(|at| (MOVED_TAG.to_owned(), at.strftime("%FT%TZ").to_string())));
    let reason = match moved {
        None => format!(
            "{name} replaces {}: it needs a rule before its targets are checked, and takes no requests yet",
            found.old.name
        ),
        Some(_) => format!(
            "requests no longer go to {name}, and ECS takes its tasks as healthy only while it has a load balancer"
        ),
    };
    Ok(drafts.push(Draft {
        action: Action::CreateRule { listener: planner.live.arn.clone(), priority, conditions, target_group: to, tags },
        object,
        also: BTreeSet::new(),
        target: planner.live.arn.to_string(),
        summary: format!("create temporary rule {priority} on listener {}: no request → {name}", planner.live.port),
        reason,
        changes: vec![
            Change::of(Field::TemporaryRule, None, Some(priority.to_string())),
            Change::of(Field::TemporaryForward, None, Some(name.to_owned())),
        ],
        after,
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    }))
}

/// Why the old target group stays until then, and what ends with it.
fn until_then(kind: LoadBalancerKind, until: Timestamp) -> String {
    match kind {
        LoadBalancerKind::Network => format!(
            "a network load balancer may send it connections for 10 minutes after the move, and those that it has then get \
             the deregistration delay: until {until:.0}; a connection that stays open longer, such as one to a database or a \
             WebSocket, is closed then"
        ),
        LoadBalancerKind::Application | LoadBalancerKind::Gateway => format!(
            "requests that began before the move have until {until:.0} to end (deregistration delay); a connection that stays open longer, such as a WebSocket, is closed then"
        ),
    }
}

/// Says until when the old target group stays in its services.
fn drain(given: &Given<'_>, found: &Handover<'_>, now: Timestamp, drafts: &mut Drafts) {
    let object = ObjectRef::target_group(found.key);
    for rule in found.temporary.iter().filter(|rule| !rule.forwards_to(&found.old.arn)) {
        // Left by a run that ended between the two.
        delete(given, rule, BTreeSet::new(), drafts);
    }
    for live in given.services_feeding(&found.old.arn) {
        let what = format!("take {} out of service {}", found.old.name, live.id);
        for (_, when) in leaving(given, live, now).into_iter().filter(|(arn, _)| *arn == found.old.arn) {
            match when {
                Ok(Leaving::Now) => {
                    dns_failover::turn_off_for_good(given, found.key, found.old, drafts);
                    for rule in &found.temporary {
                        let what = format!("delete temporary rule {}", rule.rule.priority);
                        drafts.plan_later(&object, what, deployed_first(&live.id, &found.old.name));
                    }
                    if found.kind == LoadBalancerKind::Network {
                        let listener = found.listener.port;
                        let what = format!("take {} out of the default action of listener {listener}", found.old.name);
                        drafts.plan_later(&object, what, deployed_first(&live.id, &found.old.name));
                    }
                }
                Ok(Leaving::At(until)) => drafts.plan_later(&object, what.clone(), until_then(found.kind, until)),
                Err(obstacle) => obstacle.block(drafts, &object),
            }
        }
    }
}

/// Deletes a temporary rule that nothing needs any more: no service names what it forwards to, or something else forwards
/// there, and no deployment is in progress that could go back.
fn clear(given: &Given<'_>, rule: &Temporary<'_>, drafts: &mut Drafts) {
    let named: Vec<&TargetGroupArn> = match &rule.rule.actions.serve {
        Serve::Forward(forward) => forward.weights.keys().collect(),
        Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => Vec::new(),
    };
    let object = object_of(given, rule);
    let what = format!("delete temporary rule {}", rule.rule.priority);
    for arn in named.iter().filter(|arn| other_forward(given, arn).is_none()) {
        if let [live, ..] = given.services_feeding(arn) {
            return drafts.plan_later(&object, what, deployed_first(&live.id, arn.name()));
        }
    }
    let mut services = given.observed.services.values().filter_map(|seen| seen.as_ref().present());
    let is_concerned = |live: &&Service| {
        let declared = given.declared_service(&live.id).into_iter().flat_map(|service| service.ports.iter().flatten());
        let mut keys = declared.flat_map(|port| port.target_groups.iter().flatten());
        keys.any(|key| ObjectRef::target_group(key).is_written(&rule.object)) && live.is_deploying()
    };
    match services.find(is_concerned) {
        Some(live) => drafts.plan_later(&object, what, format!("a deployment of service {} is in progress", live.id)),
        None => delete(given, rule, BTreeSet::new(), drafts),
    }
}

/// The declared target group that a temporary rule is for, or the fleet where nothing declares it any more.
fn object_of(given: &Given<'_>, rule: &Temporary<'_>) -> ObjectRef {
    let declared = resolve::declared_object(given.desired, &rule.object);
    declared.unwrap_or_else(|| ObjectRef::fleet(&given.desired.fleet.name))
}

fn delete(given: &Given<'_>, rule: &Temporary<'_>, after: BTreeSet<DraftId>, drafts: &mut Drafts) {
    let tags = rule.rule.tags.as_ref().present().cloned().unwrap_or_default();
    drafts.push(Draft {
        action: Action::DeleteRule {
            rule: rule.rule.arn.clone(),
            mark: mark_of(&tags),
            // No request matches it, so the health behind it decides nothing.
            expect: DeletedRuleBelief { rule: RuleBelief::of(rule.rule), idle: BTreeSet::new() },
        },
        object: object_of(given, rule),
        also: BTreeSet::new(),
        target: rule.rule.arn.to_string(),
        summary: format!("delete temporary rule {} of listener {}", rule.rule.priority, rule.listener.port),
        reason: "it was there to attach a target group for a while, and no request matches it".to_owned(),
        changes: Vec::new(),
        after,
        redeploys: false,
        removes: true,
        held: None,
        receivers: Default::default(),
    });
}
