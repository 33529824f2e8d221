//! What a step was derived from, of those things that need not be read in every look.

use std::collections::BTreeSet;

use crate::model::{
    Given, ListenerArn, ObjectKind, ObjectRef, Observed, Rule, RuleActions, RuleArn, Seen, Serve, TargetGroupArn,
};

use super::by_resource::ListenerChange;
use super::resolve::stand_ins;
use super::{Action, Step};

/// The target groups of an object that stand: its own, or those of its ports, with the others of their blue/green pairs.
pub fn target_groups_of(given: &Given<'_>, object: &ObjectRef) -> BTreeSet<TargetGroupArn> {
    match object.kind {
        ObjectKind::TargetGroup => stand_ins(given, &object.key).clone(),
        ObjectKind::Service => {
            let ports =
                given.desired.services.get(&object.key).into_iter().flat_map(|service| service.ports.iter().flatten());
            let keys = ports.flat_map(|port| port.target_groups.iter().flatten());
            keys.flat_map(|key| stand_ins(given, key)).cloned().collect()
        }
        ObjectKind::Fleet => BTreeSet::new(),
    }
}

/// The ARNs of what a step is about: it must not be sent on an old view of them.
pub fn subjects(given: &Given<'_>, step: &Step) -> BTreeSet<String> {
    let groups = target_groups_of(given, &step.object).into_iter().map(|arn| arn.to_string());
    let mut arns: BTreeSet<String> = groups.chain([step.target.clone()]).collect();
    match step.action.on_listener() {
        Some(ListenerChange::ModifyRule { rule, .. } | ListenerChange::DeleteRule { rule, .. }) => {
            arns.insert(rule.to_string());
            arns.extend(rule_of(given.observed, rule).into_iter().flat_map(|rule| receivers(&rule.actions)));
        }
        Some(ListenerChange::SetRulePriorities { priorities, .. }) => {
            arns.extend(priorities.keys().map(ToString::to_string));
        }
        Some(ListenerChange::ModifyListener { expect, .. }) => arns.extend(receivers(expect)),
        Some(ListenerChange::CreateRule { .. }) | None => {}
    }
    arns
}

/// The target groups beside a step that moves requests: the others that its listener forwards to (R2a). They need not be
/// read again for it, but must not have gone unread for long.
pub fn neighbours(observed: &Observed, step: &Step) -> BTreeSet<TargetGroupArn> {
    let listener = listener_of(observed, &step.action);
    let rules = listener.and_then(|listener| observed.rules.get(listener)?.as_ref().present());
    let forwards = rules.into_iter().flatten().map(|rule| &rule.actions.serve);
    forwards.flat_map(forwarded).collect()
}

fn forwarded(serve: &Serve) -> Vec<TargetGroupArn> {
    match serve {
        Serve::Forward(forward) => forward.receivers().cloned().collect(),
        Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => Vec::new(),
    }
}

fn receivers(actions: &RuleActions) -> impl Iterator<Item = String> + use<> {
    forwarded(&actions.serve).into_iter().map(|arn| arn.to_string())
}

fn rule_of<'a>(observed: &'a Observed, arn: &RuleArn) -> Option<&'a Rule> {
    let lists = observed.rules.values().filter_map(|seen| seen.as_ref().present());
    lists.flatten().find(|rule| rule.arn == *arn)
}

/// The listener of the rules or of the default action that an action changes.
pub fn listener_of<'a>(observed: &'a Observed, action: &'a Action) -> Option<&'a ListenerArn> {
    match action.on_listener()? {
        ListenerChange::CreateRule { listener, .. }
        | ListenerChange::SetRulePriorities { listener, .. }
        | ListenerChange::ModifyListener { listener, .. } => Some(listener),
        ListenerChange::ModifyRule { rule, .. } | ListenerChange::DeleteRule { rule, .. } => {
            let has = |seen: &Seen<Vec<Rule>>| {
                seen.as_ref().present().is_some_and(|rules| rules.iter().any(|live| live.arn == *rule))
            };
            observed.rules.iter().find(|(_, seen)| has(seen)).map(|(listener, _)| listener)
        }
    }
}
