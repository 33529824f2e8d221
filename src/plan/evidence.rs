//! What a step was derived from, of those things that need not be read in every look.

use std::collections::BTreeSet;

use crate::model::{Given, ListenerArn, ObjectKind, ObjectRef, Observed, Rule, RuleActions, Serve, TargetGroupArn};

use super::resolve::stand_ins;
use super::{Action, Step};

/// The target groups of an object that stand: its own, or those of its ports, with the others of their blue/green pairs.
pub fn target_groups_of(given: &Given<'_>, object: &ObjectRef) -> BTreeSet<TargetGroupArn> {
    match object.kind {
        ObjectKind::TargetGroup => stand_ins(given, &object.key),
        ObjectKind::Service => {
            let ports =
                given.desired.services.get(&object.key).into_iter().flat_map(|service| service.ports.iter().flatten());
            let keys = ports.flat_map(|port| port.target_groups.iter().flatten());
            keys.flat_map(|key| stand_ins(given, key)).collect()
        }
        ObjectKind::Fleet => BTreeSet::new(),
    }
}

/// The ARNs of what a step is about: it must not be sent on an old view of them.
pub fn subjects(given: &Given<'_>, step: &Step) -> BTreeSet<String> {
    let groups = target_groups_of(given, &step.object).into_iter().map(|arn| arn.to_string());
    let mut arns: BTreeSet<String> = groups.chain([step.target.clone()]).collect();
    match &step.action {
        Action::ModifyRule { rule, .. } | Action::DeleteRule { rule, .. } => {
            arns.insert(rule.to_string());
            arns.extend(rule_of(given.observed, rule.as_str()).into_iter().flat_map(|rule| receivers(&rule.actions)));
        }
        Action::SetRulePriorities { priorities, .. } => arns.extend(priorities.keys().map(ToString::to_string)),
        Action::ModifyListener { expect, .. } => arns.extend(receivers(expect)),
        Action::RegisterTaskDefinition { .. }
        | Action::UpdateServiceCount { .. }
        | Action::UpdateService { .. }
        | Action::CreateTargetGroup(_)
        | Action::ModifyTargetGroup { .. }
        | Action::ModifyTargetGroupAttributes { .. }
        | Action::DeleteTargetGroup { .. }
        | Action::AddTags { .. }
        | Action::CreateRule { .. }
        | Action::RegisterTargets { .. }
        | Action::DeregisterTargets { .. }
        | Action::AuthorizeSecurityGroupIngress { .. }
        | Action::RevokeSecurityGroupIngress { .. } => {}
    }
    arns
}

/// The target groups beside a step that moves requests: whoever else its listener forwards to (R2a). They need not be
/// read anew for it, but must not have gone unread for long.
pub fn neighbours(observed: &Observed, step: &Step) -> BTreeSet<TargetGroupArn> {
    let listener = match &step.action {
        Action::CreateRule { listener, .. }
        | Action::SetRulePriorities { listener, .. }
        | Action::ModifyListener { listener, .. } => Some(listener),
        Action::ModifyRule { rule, .. } | Action::DeleteRule { rule, .. } => listener_of(observed, rule.as_str()),
        Action::RegisterTaskDefinition { .. }
        | Action::UpdateServiceCount { .. }
        | Action::UpdateService { .. }
        | Action::CreateTargetGroup(_)
        | Action::ModifyTargetGroup { .. }
        | Action::ModifyTargetGroupAttributes { .. }
        | Action::DeleteTargetGroup { .. }
        | Action::AddTags { .. }
        | Action::RegisterTargets { .. }
        | Action::DeregisterTargets { .. }
        | Action::AuthorizeSecurityGroupIngress { .. }
        | Action::RevokeSecurityGroupIngress { .. } => None,
    };
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

fn rule_of<'a>(observed: &'a Observed, arn: &str) -> Option<&'a Rule> {
    let lists = observed.rules.values().filter_map(|seen| seen.as_ref().present());
    lists.flatten().find(|rule| rule.arn.as_str() == arn)
}

fn listener_of<'a>(observed: &'a Observed, rule: &str) -> Option<&'a ListenerArn> {
    let has = |rules: &Vec<Rule>| rules.iter().any(|found| found.arn.as_str() == rule);
    let found = observed.rules.iter().find(|(_, seen)| seen.as_ref().present().is_some_and(has));
    found.map(|(listener, _)| listener)
}
