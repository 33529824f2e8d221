//! The temporary rules of handovers: they match no request, and keep a target group attached to its load balancer.

use jiff::Timestamp;

use crate::model::owner::{MOVED_TAG, REPLACES_TAG};
use crate::model::{
    Given, Listener, ListenerArn, ObjectRef, Observed, Owner, Rule, RuleActions, Seen, Serve, TargetGroupArn,
};

use super::resolve;

/// The value of the tag of a temporary rule that is there for no handover: it attaches a target group until its routes lead
/// to it.
pub(super) const NOTHING: &str = "nothing";

/// A temporary rule of this fleet.
#[derive(Clone, Debug)]
pub(super) struct Temporary<'a> {
    pub(super) rule: &'a Rule,
    /// The listener that it is on.
    pub(super) listener: &'a Listener,
    /// `Kind/key` of the target group that replaces.
    pub(super) object: String,
    /// ARN of the target group that is replaced, or [`NOTHING`].
    pub(super) replaces: &'a str,
    /// When requests moved; `None` before.
    pub(super) moved: Option<Timestamp>,
}

impl Temporary<'_> {
    pub(super) fn forwards_to(&self, arn: &TargetGroupArn) -> bool {
        names(&self.rule.actions, arn)
    }
}

/// Whether a forward names a target group, whatever its weight.
pub(super) fn names(actions: &RuleActions, arn: &TargetGroupArn) -> bool {
    matches!(&actions.serve, Serve::Forward(forward) if forward.weights.contains_key(arn))
}

/// Whether a rule of this fleet is there for a handover alone.
pub(super) fn is_temporary(given: &Given<'_>, rule: &Rule) -> bool {
    replaces(given, rule).is_some()
}

/// The object that a temporary rule is for, and the ARN of the target group that is replaced.
fn replaces<'a>(given: &Given<'_>, rule: &'a Rule) -> Option<(String, &'a str)> {
    // The cheapest test comes first: this is asked of every rule.
    if !rule.conditions.is_parked() {
        return None;
    }
    let Seen::Present(tags) = &rule.tags else { return None };
    match Owner::of(tags, &given.desired.fleet.name) {
        Owner::Ours(object) => Some((object, tags.get(REPLACES_TAG)?)),
        Owner::Unmarked | Owner::AnotherFleet(_) => None,
    }
}

/// Every temporary rule that was read.
pub(super) fn all<'a>(given: &Given<'a>) -> impl Iterator<Item = Temporary<'a>> {
    given.observed.rules.keys().flat_map(move |arn| on_listener(given, arn))
}

fn on_listener<'a>(given: &Given<'a>, arn: &ListenerArn) -> impl Iterator<Item = Temporary<'a>> {
    given.parked_rules(arn).iter().filter_map(|rule| {
        let (object, replaces) = replaces(given, rule)?;
        let moved = rule.tags.as_ref().present().and_then(|tags| tags.get(MOVED_TAG)?.parse().ok());
        Some(Temporary { rule, listener: listener(given.observed, arn)?, object, replaces, moved })
    })
}

/// The temporary rules for a declared target group, on the listeners of its load balancer.
pub(super) fn of_object<'a>(given: &Given<'a>, key: &str) -> Vec<Temporary<'a>> {
    let object = ObjectRef::target_group(key);
    let balancer = given.desired.target_groups.get(key).and_then(|group| group.load_balancer.as_ref());
    let Some(Ok(balancer)) = balancer.map(|name| resolve::load_balancer(given, name)) else { return Vec::new() };
    let listeners = given.observed.listeners_of(&balancer.arn).present().into_iter().flatten();
    let found = listeners.flat_map(|listener| on_listener(given, &listener.arn));
    found.filter(|rule| object.is_written(&rule.object)).collect()
}

/// The temporary rule that attaches a declared target group until its routes lead to it.
pub(super) fn attaching<'a>(given: &Given<'a>, key: &str) -> Option<Temporary<'a>> {
    of_object(given, key).into_iter().find(|rule| rule.replaces == NOTHING)
}

/// The temporary rule that keeps a target group attached; of several, the one that says when requests moved.
pub(super) fn forwarding_to<'a>(given: &Given<'a>, arn: &TargetGroupArn) -> Option<Temporary<'a>> {
    all(given).filter(|rule| rule.forwards_to(arn)).max_by_key(|rule| rule.moved)
}

pub(super) fn listener<'a>(observed: &'a Observed, arn: &ListenerArn) -> Option<&'a Listener> {
    let lists = observed.listeners.values().filter_map(|seen| seen.as_ref().present());
    lists.flatten().find(|listener| listener.arn == *arn)
}
