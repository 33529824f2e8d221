//! Handovers behind network load balancers. Their listeners have a default action alone, and no rule that could keep a second
//! target group attached: it stays in the default action with weight 0, where it gets no new connection.
//!
//! What a temporary rule tells elsewhere is in tags of the new target group: which one it replaces, and, written just before
//! the move, when connections move.

use jiff::Timestamp;

use crate::model::owner::{MOVED_TAG, REPLACES_TAG};
use crate::model::{
    Given, Listener, LoadBalancerKind, ObjectRef, Owner, RuleActions, Seen, Serve, TargetGroup, TargetGroupArn,
};

use super::super::resolve;
use super::PASS;

/// AWS's name of the quota that has to allow both target groups in one default action.
pub(super) const QUOTA: &str = "target-groups-per-action-on-network-load-balancer";

/// A default action that names two target groups, of which one gets every connection.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Pair<'a> {
    pub(in super::super) listener: &'a Listener,
    /// The target group that gets the connections.
    pub(in super::super) serving: &'a TargetGroupArn,
    /// The one with weight 0.
    pub(in super::super) idle: &'a TargetGroupArn,
}

/// What a target group that this fleet made says of the one that it replaces.
#[derive(Clone, Copy, Debug)]
struct Record<'a> {
    /// The ARN of the other one.
    replaces: &'a str,
    /// When connections moved; `None`: not yet.
    moved: Option<Timestamp>,
}

/// The kind of load balancer that a listener belongs to.
pub(in super::super) fn kind_of(given: &Given<'_>, listener: &Listener) -> Option<LoadBalancerKind> {
    let mut all = given.observed.load_balancers.as_ref().present().into_iter().flatten();
    all.find(|balancer| balancer.arn == listener.load_balancer).map(|balancer| balancer.kind)
}

/// Every pair of target groups in the default action of a network load balancer's listener.
pub(in super::super) fn pairs<'a>(given: &Given<'a>) -> impl Iterator<Item = Pair<'a>> {
    let listeners = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let pairs = listeners.filter_map(|listener| {
        let (serving, idle) = pair(&listener.default_actions)?;
        Some(Pair { listener, serving, idle })
    });
    pairs.filter(|pair| kind_of(given, pair.listener) == Some(LoadBalancerKind::Network))
}

/// The target group that a forward to two gives everything, and the other one.
fn pair(actions: &RuleActions) -> Option<(&TargetGroupArn, &TargetGroupArn)> {
    let Serve::Forward(forward) = &actions.serve else { return None };
    let mut receivers = forward.receivers();
    let mut idle = forward.weights.iter().filter(|(_, weight)| **weight == 0).map(|(arn, _)| arn);
    let found = (receivers.next()?, idle.next()?);
    (receivers.next().is_none() && idle.next().is_none()).then_some(found)
}

/// A target group that this fleet made, by its ARN.
fn made<'a>(given: &Given<'a>, arn: &TargetGroupArn) -> Option<&'a TargetGroup> {
    let live = given.target_group(arn.as_str()).present()?;
    let owner = Owner::of(live.tags.as_ref().present()?, &given.desired.fleet.name);
    matches!(owner, Owner::Ours(_)).then_some(live)
}

fn record<'a>(given: &Given<'a>, arn: &TargetGroupArn) -> Option<Record<'a>> {
    let tags = made(given, arn)?.tags.as_ref().present()?;
    let moved = tags.get(MOVED_TAG).and_then(|text| text.parse().ok());
    Some(Record { replaces: tags.get(REPLACES_TAG)?, moved })
}

/// Whether a target group's tags say, not longer ago than a pass, that connections move from `old` to it: a run that ended
/// between writing that and the move need not write it again.
pub(super) fn is_written(given: &Given<'_>, new: &TargetGroupArn, old: &TargetGroupArn, now: Timestamp) -> bool {
    let record = record(given, new).filter(|record| record.replaces == old.as_str());
    record.and_then(|record| record.moved).is_some_and(|moved| moved <= now && now.duration_since(moved) <= PASS)
}

/// The pairs in which a declared target group is to take the place of the other one.
pub(in super::super) fn before_move<'a>(given: &Given<'a>, key: &str) -> Vec<Pair<'a>> {
    let live = given.desired.target_groups.get(key).and_then(|group| resolve::target_group(given, group).present());
    let Some(live) = live.filter(|live| made(given, &live.arn).is_some()) else { return Vec::new() };
    let is_undeclared = |arn: &TargetGroupArn| {
        given.target_group(arn.as_str()).present().is_some_and(|group| given.declared_as(group).next().is_none())
    };
    pairs(given).filter(|pair| *pair.idle == live.arn && is_undeclared(pair.serving)).collect()
}

/// What is left of a handover behind a network load balancer whose connections have moved.
pub(super) struct Moved<'a> {
    /// A listener of the new target group.
    pub(super) listener: &'a Listener,
    /// The target group that was replaced.
    pub(super) old: &'a TargetGroup,
    /// Whether a default action keeps it attached.
    pub(super) is_attached: bool,
}

/// The handover to a declared target group that gets all connections of its listener, if its tags tell of one and a service
/// still names the one that it replaces.
pub(super) fn after_move<'a>(given: &Given<'a>, key: &str) -> Option<Moved<'a>> {
    let new = resolve::target_group(given, given.desired.target_groups.get(key)?).present()?;
    let record = record(given, &new.arn).filter(|record| record.moved.is_some())?;
    let old = given.target_group(record.replaces).present()?;
    if given.services_feeding(&old.arn).is_empty() || given.declared_as(old).next().is_some() {
        return None;
    }
    let pair = pairs(given).find(|pair| *pair.serving == new.arn && *pair.idle == old.arn);
    let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let mut own = lists.filter(|listener| {
        let Serve::Forward(forward) = &listener.default_actions.serve else { return false };
        forward.weights.len() == 1 && forward.receivers().eq([&new.arn])
    });
    let network = |listener: &&Listener| kind_of(given, listener) == Some(LoadBalancerKind::Network);
    let listener = pair.map(|pair| pair.listener).or_else(|| own.find(network))?;
    Some(Moved { listener, old, is_attached: pair.is_some() })
}

/// Since when an undeclared target group gets no connections in a default action. `Some(None)`: it never got any,
/// for its handover was given up before the move. `None`: no handover keeps it there.
pub(super) fn kept(given: &Given<'_>, arn: &TargetGroupArn) -> Option<Option<Timestamp>> {
    pairs(given).filter(|pair| pair.idle == arn).find_map(|pair| {
        let took_over = record(given, pair.serving).filter(|record| record.replaces == arn.as_str());
        let given_up = || record(given, arn).filter(|record| record.replaces == pair.serving.as_str());
        match took_over {
            // Without a time the move is another writer's.
            Some(record) => record.moved.map(Some),
            None => given_up().map(|record| record.moved),
        }
    })
}

/// Whether a default action names a target group for the sake of a handover.
pub(super) fn is_kept(given: &Given<'_>, arn: &TargetGroupArn) -> bool {
    let awaited = |pair: Pair<'_>| {
        let idle = made(given, pair.idle);
        pair.serving == arn && idle.is_some_and(|idle| given.declared_as(idle).next().is_some())
    };
    let declared = given.desired.target_groups.values();
    let mut live = declared.filter_map(|group| resolve::target_group(given, group).present());
    let is_replaced = |new: &TargetGroup| record(given, &new.arn).is_some_and(|record| record.replaces == arn.as_str());
    kept(given, arn).is_some() || pairs(given).any(awaited) || live.any(is_replaced)
}

/// The pairs whose target group with weight 0 no handover needs any more, each with the declared object that is served: a
/// service may still name one whose handover was given up.
pub(super) fn left_over<'a>(given: &Given<'a>) -> Vec<(Pair<'a>, ObjectRef)> {
    let found = pairs(given).filter_map(|pair| {
        let idle = given.target_group(pair.idle.as_str()).present()?;
        let serving = given.target_group(pair.serving.as_str()).present()?;
        let declared = given.declared_as(serving).next()?;
        let moved = kept(given, pair.idle)?;
        let is_over = moved.is_none() || given.services_feeding(pair.idle).is_empty();
        (is_over && given.declared_as(idle).next().is_none()).then(|| (pair, ObjectRef::target_group(&declared.key)))
    });
    found.collect()
}

/// Whether the owner of a target group is read, and it is this fleet: its tags tell how far the handover is.
pub(super) fn keeps_record(given: &Given<'_>, live: &TargetGroup) -> Seen<bool> {
    match &live.tags {
        Seen::Present(_) => Seen::Present(made(given, &live.arn).is_some()),
        Seen::Absent => Seen::Present(false),
        Seen::Unknown(gap) => Seen::Unknown(gap.clone()),
    }
}
