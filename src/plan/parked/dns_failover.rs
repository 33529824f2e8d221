//! DNS and target groups that a parked rule attaches. A load balancer is unhealthy in DNS, in a zone or as a whole, while any of
//! its target groups has fewer healthy targets than `target_group_health.dns_failover.minimum_healthy_targets.count` says
//! (1 by default): Route 53 then answers with something else. A target group that has only just been attached has none, so
//! this attribute is `off` from before that until its targets are healthy.
//!
//! No state is kept: the value is `off` while a parked rule alone leads to the target group, and what is declared (else
//! AWS's default) otherwise. It is set back just before the rule gets its conditions, so that a run which ends between the
//! two leaves a parked rule, by which the next one knows.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::owner::{OBJECT_TAG, REPLACES_TAG};
use crate::model::{
    DesiredTargetGroup, Given, ObjectRef, Owner, Rule, RuleActions, Seen, Serve, TargetGroup, TargetGroupArn,
};

use super::super::action::{Action, Ref};
use super::super::by_resource::ListenerChange;
use super::super::change::{Change, Planned, WaitingOn};
use super::super::draft::{Draft, DraftId, Drafts};
use super::super::field::Field;
use super::super::handover::network;
use super::super::reason::Reason;
use super::super::resolve;

/// The attribute.
pub(in super::super) const COUNT: &str = "target_group_health.dns_failover.minimum_healthy_targets.count";
const OFF: &str = "off";
/// AWS's default (`TargetGroupAttribute`).
const DEFAULT: &str = "1";

/// What the attribute is once the target group takes requests.
fn lasting(group: &DesiredTargetGroup) -> &str {
    group.attributes.get(COUNT).map_or(DEFAULT, String::as_str)
}

fn is_declared(given: &Given<'_>, key: &str) -> bool {
    given.desired.target_groups.get(key).is_some_and(|group| group.attributes.contains_key(COUNT))
}

/// Whether the attribute is this file's to set: a parked rule alone leads to the target group, or nothing does yet.
pub(in super::super) fn is_young(given: &Given<'_>, key: &str, live: &TargetGroup) -> bool {
    let leads_here = |actions: &RuleActions| matches!(&actions.serve, Serve::Forward(forward) if forward.weights.contains_key(&live.arn));
    let has_routes =
        given.desired.target_groups.get(key).is_some_and(|group| group.routes.iter().flatten().count() > 0);
    let is_parked = rules(given).any(|rule| leads_here(&rule.actions) && is_parked_for(given, key, rule))
        || has_weight_0(given, live);
    let takes_requests = rules(given).any(|rule| leads_here(&rule.actions) && !rule.conditions.is_parked());
    let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
    let gets_all = |actions: &RuleActions| matches!(&actions.serve, Serve::Forward(forward) if forward.receivers().any(|arn| *arn == live.arn));
    let by_default = lists.flatten().any(|listener| gets_all(&listener.default_actions));
    !takes_requests && !by_default && (is_parked || (has_routes && live.load_balancers.is_empty()))
}

/// Whether a default action of a network load balancer names it with weight 0: what a parked rule is elsewhere.
fn has_weight_0(given: &Given<'_>, live: &TargetGroup) -> bool {
    network::pairs(given).any(|pair| *pair.idle == live.arn)
}

fn rules<'a>(given: &Given<'a>) -> impl Iterator<Item = &'a Rule> {
    given.observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten()
}

/// Whether a rule is parked for this declared target group.
fn is_parked_for(given: &Given<'_>, key: &str, rule: &Rule) -> bool {
    if !rule.conditions.is_parked() {
        return false;
    }
    let owner = rule.tags.as_ref().present().map(|tags| Owner::of(tags, &given.desired.fleet.name));
    owner.is_some_and(|owner| owner.is_ours_for(&ObjectRef::target_group(key)))
}

/// The live value; a target group that is yet to be made has AWS's default.
fn value(given: &Given<'_>, group: &DesiredTargetGroup) -> Result<String, WaitingOn> {
    let live = match resolve::target_group(given, group) {
        Seen::Present(live) => live,
        Seen::Absent => return Ok(DEFAULT.to_owned()),
        Seen::Unknown(gap) => return Err(WaitingOn::Gap(gap)),
    };
    match given.observed.attributes_of(&live.arn) {
        Seen::Present(attributes) => Ok(attributes.get(COUNT).map_or(DEFAULT, String::as_str).to_owned()),
        Seen::Absent => Ok(DEFAULT.to_owned()),
        Seen::Unknown(gap) => Err(WaitingOn::Gap(gap)),
    }
}

/// Sees to it that the attribute is `off` before a parked rule leads to a target group. Answers the steps that come first.
pub(in super::super) fn turn_off(
    given: &Given<'_>,
    key: &str,
    target_group: Ref<TargetGroupArn>,
    drafts: &mut Drafts,
) -> Result<BTreeSet<DraftId>, WaitingOn> {
    let Some(group) = given.desired.target_groups.get(key) else { return Ok(BTreeSet::new()) };
    let live = resolve::target_group(given, group).present();
    let object = ObjectRef::target_group(key);
    let planned = drafts.steps.iter().position(|draft| draft.object == object && sets_attributes(&draft.action));
    let first: BTreeSet<DraftId> = planned.into_iter().collect();
    let before = value(given, group)?;
    if lasting(group) == OFF || live.is_some_and(|live| !is_young(given, key, live)) {
        return Ok(first);
    }
    if !group.attributes.contains_key(COUNT) && before != OFF && before != DEFAULT {
        return Err(WaitingOn::difference(Reason::new(
            format!(
                "{COUNT} of {} is {before}, which the manifest does not declare: it has to be off while the \
                 target group has no healthy target, or DNS fails over because of it",
                group.name
            ),
            "declare it in attributes, and Portolan sets it back afterwards",
        )));
    }
    if before == OFF {
        return Ok(first);
    }
    let change = Change::of(Field::Attribute(COUNT.to_owned()), live.map(|_| before), Some(OFF.to_owned()));
    let Some(id) = planned else {
        let id = drafts.push(draft(
            object,
            group,
            target_group,
            OFF,
            change,
            format!("turn off DNS failover of {} for now", group.name),
            "it is attached before it has a healthy target, and DNS must not fail over because of it".to_owned(),
        ));
        return Ok(BTreeSet::from([id]));
    };
    let draft = &mut drafts.steps[id];
    if let Action::ModifyTargetGroupAttributes { attributes, .. } = &mut draft.action
        && attributes.insert(COUNT.to_owned(), OFF.to_owned()).is_some_and(|was| was == OFF)
    {
        return Ok(first);
    }
    draft.changes.retain(|known| known.field != change.field);
    draft.changes.push(change);
    draft.reason =
        format!("{}; DNS failover is off for now, for it is attached before it has a healthy target", draft.reason);
    Ok(first)
}

/// Sees to it that the attribute of a target group that has been replaced is `off` before its service lets go of it: without
/// targets it would make its load balancer unhealthy in DNS for as long as something attaches it. Nothing sets it back, for
/// nothing leads there afterwards.
pub(in super::super) fn turn_off_for_good(given: &Given<'_>, key: &str, old: &TargetGroup, drafts: &mut Drafts) {
    let (Seen::Present(attributes), Some(group)) =
        (given.observed.attributes_of(&old.arn), given.desired.target_groups.get(key))
    else {
        return;
    };
    let before = attributes.get(COUNT).map_or(DEFAULT, String::as_str);
    if before == OFF {
        return;
    }
    let change = Change::of(Field::Attribute(COUNT.to_owned()), Some(before.to_owned()), Some(OFF.to_owned()));
    drafts.push(draft(
        ObjectRef::target_group(key),
        group,
        Ref::Known(old.arn.clone()),
        OFF,
        change,
        format!("turn off DNS failover of {}", old.name),
        "its targets are removed before its load balancer stops naming it, and DNS must not fail over because of that; it stays off"
            .to_owned(),
    ));
}

fn sets_attributes(action: &Action) -> bool {
    matches!(action, Action::ModifyTargetGroupAttributes { .. })
}

/// Sets the attribute back before a target group takes requests.
pub(in super::super) fn restore(
    given: &Given<'_>,
    key: &str,
    drafts: &mut Drafts,
) -> Result<Option<DraftId>, WaitingOn> {
    let Some(group) = given.desired.target_groups.get(key) else { return Ok(None) };
    let Some(live) = resolve::target_group(given, group).present() else { return Ok(None) };
    let is_parked = rules(given).any(|rule| is_parked_for(given, key, rule)) || has_weight_0(given, live);
    if !is_young(given, key, live) || !(is_parked || is_declared(given, key)) {
        return Ok(None);
    }
    let (now, then) = (value(given, group)?, lasting(group));
    if now == then || (now != OFF && !group.attributes.contains_key(COUNT)) {
        return Ok(None);
    }
    let object = ObjectRef::target_group(key);
    let is_it = |draft: &Draft| {
        draft.object == object
            && matches!(&draft.action, Action::ModifyTargetGroupAttributes { attributes, .. } if attributes.contains_key(COUNT))
    };
    if let Some(planned) = drafts.steps.iter().position(is_it) {
        return Ok(Some(planned));
    }
    let whose = if group.attributes.contains_key(COUNT) { "declared" } else { "AWS's default" };
    let change = Change::of(Field::Attribute(COUNT.to_owned()), Some(now), Some(then.to_owned()));
    Ok(Some(drafts.push(draft(
        object,
        group,
        Ref::Known(live.arn.clone()),
        then,
        change,
        format!("set DNS failover of {} back to {then}", group.name),
        format!("it was off while the target group was new behind its load balancer; {then} is {whose}"),
    ))))
}

fn draft(
    object: ObjectRef,
    group: &DesiredTargetGroup,
    target_group: Ref<TargetGroupArn>,
    value: &str,
    change: Change,
    summary: String,
    reason: String,
) -> Draft {
    let target = match &target_group {
        Ref::Known(arn) => arn.to_string(),
        Ref::Output(_) => group.name.clone(),
    };
    let attributes = BTreeMap::from([(COUNT.to_owned(), value.to_owned())]);
    Draft {
        action: Action::ModifyTargetGroupAttributes { target_group, attributes },
        object,
        also: BTreeSet::new(),
        target,
        summary,
        reason,
        changes: vec![change],
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    }
}

/// What a later pass does about the attribute of a target group whose rule is parked.
pub(in super::super) fn later(given: &Given<'_>, key: &str) -> Option<Planned> {
    let group = given.desired.target_groups.get(key)?;
    let live = resolve::target_group(given, group).present();
    let then = lasting(group);
    (then != OFF && live.is_none_or(|live| is_young(given, key, live))).then(|| Planned {
        object: ObjectRef::target_group(key),
        what: format!("set DNS failover of {} back to {then} ({COUNT})", group.name),
        because: "it is off until its targets are healthy: DNS must not fail over because of them".to_owned(),
    })
}

/// Sets the attribute with the rules of a plan: `off` before a rule is made parked, and back before one gets its conditions.
pub(in super::super) fn settle(
    given: &Given<'_>,
    drafts: &mut Drafts,
    held: &mut BTreeMap<DraftId, WaitingOn>,
    later_passes: &mut BTreeMap<DraftId, Planned>,
) {
    let moving: BTreeSet<String> = drafts
        .steps
        .iter()
        .enumerate()
        .filter(|(id, draft)| !held.contains_key(id) && !later_passes.contains_key(id) && leads(&draft.action))
        .map(|(_, draft)| draft.object.key.clone())
        .collect();
    restore_without_rule(given, drafts, held);
    let mut promised = BTreeSet::new();
    for id in 0..drafts.steps.len() {
        let is_later = later_passes.contains_key(&id);
        if (held.contains_key(&id) && !is_later) || !leads(&drafts.steps[id].action) {
            continue;
        }
        let key = drafts.steps[id].object.key.clone();
        let makes = matches!(drafts.steps[id].action, Action::CreateRule { .. });
        let result = if !is_later && makes && !is_declared(given, &key) {
            continue;
        } else if !is_later {
            restore(given, &key, drafts).map(|first| first.into_iter().collect())
        } else if moving.contains(&key) {
            continue;
        } else {
            let target_group = reference(given, &key, &drafts.steps[id].action);
            target_group.map_or(Ok(BTreeSet::new()), |to| turn_off(given, &key, to, drafts))
        };
        match result {
            Ok(first) => {
                let draft = &mut drafts.steps[id];
                draft.after.extend(first);
                if is_later && promised.insert(key.clone()) {
                    drafts.planned.extend(later(given, &key));
                }
            }
            // A rule that is parked already waits in any case.
            Err(_) if held.contains_key(&id) => {}
            Err(waiting_on) => {
                later_passes.remove(&id);
                held.insert(id, waiting_on);
            }
        }
    }
}

/// A parked rule that goes leaves a target group that nothing leads to: what was set for the rule goes with it.
fn restore_without_rule(given: &Given<'_>, drafts: &mut Drafts, held: &BTreeMap<DraftId, WaitingOn>) {
    let going = drafts.steps.iter().enumerate().filter(|(id, _)| !held.contains_key(id));
    let keys: BTreeSet<String> = going
        .filter_map(|(_, draft)| {
            let Action::DeleteRule { expect, mark, .. } = &draft.action else { return None };
            let object = resolve::declared_object(given.desired, mark.get(OBJECT_TAG)?)?;
            let is_left = expect.rule.conditions.is_parked() && drafts.attaching(&object).is_empty();
            is_left.then_some(object.key)
        })
        .collect();
    for key in keys {
        // A value that was not read is not set back: nothing leads to the target group, so it has no effect.
        let _ = restore(given, &key, drafts);
    }
}

/// Whether a step gives requests to a target group, by a rule that it makes or that is parked now.
fn leads(action: &Action) -> bool {
    action.on_listener().is_some_and(|change| match change {
        ListenerChange::CreateRule { tags, .. } => !tags.contains_key(REPLACES_TAG),
        ListenerChange::ModifyRule { edit, expect, .. } => {
            edit.conditions.is_some() || edit.forward.is_some() || expect.conditions.is_parked()
        }
        ListenerChange::ModifyListener { .. } => !action.keeps_receiver(),
        ListenerChange::SetRulePriorities { .. } | ListenerChange::DeleteRule { .. } => false,
    })
}

fn reference(given: &Given<'_>, key: &str, action: &Action) -> Option<Ref<TargetGroupArn>> {
    if let Action::CreateRule { target_group, .. } = action {
        return Some(target_group.clone());
    }
    let live = resolve::target_group(given, given.desired.target_groups.get(key)?).present()?;
    Some(Ref::Known(live.arn.clone()))
}
