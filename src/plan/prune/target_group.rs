//! Marked target groups that the manifest no longer names: only those that nothing uses, in no service of the fleet's
//! clusters either, for a service whose target group is gone never finishes its next deployment.

use crate::model::{Given, ObjectRef, Observed, Seen, Serve, Tags, TargetGroup};

use super::super::action::Action;
use super::super::change::WaitingOn;
use super::super::draft::Drafts;
use super::super::reason::Reason;
use super::super::resolve;
use super::super::{handover, left_over};
use super::{DeletedRule, Words, is_protected, mark_of, marked_for, protected, removal};

pub(super) fn prune_target_groups(given: &Given<'_>, deleted: &[DeletedRule], drafts: &mut Drafts) {
    let fleet = ObjectRef::fleet(&given.desired.fleet.name);
    for live in left_over::target_groups(given) {
        let Some(object) = marked_for(live.tags.as_ref().present(), &given.desired.fleet.name) else { continue };
        let what = format!("delete target group {}", live.name);
        // An object that only changed its AWS name is still wanted: never delete and create in one plan.
        if resolve::declared_object(given.desired, &object).is_some() {
            let sentence = Reason::new(
                format!("{object} is still in the manifest, under another AWS name"),
                "delete the old one yourself",
            );
            drafts.block_on(&fleet, what, sentence);
            continue;
        }
        if live.tags.as_ref().present().is_some_and(is_protected) {
            drafts.block_on(&fleet, what, protected());
            continue;
        }
        if let Some(because) = handover::keeps(given, live) {
            drafts.plan_later(&fleet, what, because);
            continue;
        }
        match unused(given, live, deleted) {
            Ok(()) => delete(given, live, &object, deleted, drafts),
            Err(waiting_on) => drafts.block(&fleet, what, waiting_on),
        }
    }
}

fn delete(given: &Given<'_>, live: &TargetGroup, object: &str, deleted: &[DeletedRule], drafts: &mut Drafts) {
    let mark = mark_of(live.tags.as_ref().present().unwrap_or(&Tags::new()));
    let mut draft = removal(
        given.desired,
        Action::DeleteTargetGroup { target_group: live.arn.clone(), mark },
        resolve::concerned(given, object, [&live.arn]),
        Words {
            target: live.arn.to_string(),
            summary: format!("delete target group {}", live.name),
            reason: format!("this fleet made it for {object}, which the manifest no longer names; nothing uses it"),
        },
    );
    draft.after = deleted.iter().filter(|rule| rule.forwards_to.contains(&live.arn)).map(|rule| rule.step).collect();
    drafts.push(draft);
}

/// Whether nothing uses a target group, apart from the rules that go in the same plan.
fn unused(given: &Given<'_>, live: &TargetGroup, deleted: &[DeletedRule]) -> Result<(), WaitingOn> {
    if let Some(service) = given.services_feeding(&live.arn).first() {
        let sentence = format!("service {} still names it in its loadBalancers", service.id);
        return Err(WaitingOn::difference(sentence));
    }
    for cluster in given.observed.clusters.keys() {
        match given.observed.cluster_services_of(cluster) {
            Seen::Present(all) if all.iter().any(|service| service.target_groups.contains(&live.arn)) => {
                return Err(WaitingOn::difference(format!("a service of cluster {cluster} still names it")));
            }
            Seen::Present(_) | Seen::Absent => {}
            Seen::Unknown(gap) => return Err(WaitingOn::Gap(gap)),
        }
    }
    if !live.load_balancers.is_empty() && !all_forwards_go(given.observed, live, deleted) {
        let balancers: Vec<_> = live.load_balancers.iter().map(|arn| arn.name()).collect();
        let sentence = format!("a rule or listener of {} still forwards to it", balancers.join(", "));
        return Err(WaitingOn::difference(sentence));
    }
    match given.observed.targets_of(&live.arn) {
        Seen::Present(targets) if targets.is_empty() => Ok(()),
        Seen::Present(targets) => Err(WaitingOn::difference(Reason::new(
            format!("targets registered in it: {}", targets.len()),
            "deregister them when requests in progress have ended, and the next run deletes it",
        ))),
        Seen::Absent => Ok(()),
        Seen::Unknown(gap) => Err(WaitingOn::Gap(gap)),
    }
}

/// Whether every rule and listener that forwards to a group, as far as they were read, no longer does so after this plan.
fn all_forwards_go(observed: &Observed, live: &TargetGroup, deleted: &[DeletedRule]) -> bool {
    let uses = |serve: &Serve| matches!(serve, Serve::Forward(forward) if forward.weights.contains_key(&live.arn));
    let listeners = observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let rules = observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let going = deleted.iter().filter(|rule| rule.forwards_to.contains(&live.arn)).count();
    let by_rules = rules.filter(|rule| uses(&rule.actions.serve)).count();
    let by_default = listeners.filter(|listener| uses(&listener.default_actions.serve)).count();
    going > 0 && going == by_rules + by_default
}
