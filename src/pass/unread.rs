//! Steps that can take something away at a hop which could not be examined: it is not known what they would break, so they wait
//! until it can be. What only adds goes.

use std::collections::BTreeSet;

use crate::model::{Gap, Given, GroupId, ListenerArn};
use crate::plan::evidence::listener_of;
use crate::plan::{Action, Plan, Step, Veto, WaitingOn};
use crate::trace::{Hop, HopId, Path, State, Trace, Witness};

use super::acts::acts;
use super::losses::is_known_broken;
use super::touched::touched_by;
use super::view::View;

/// The steps that wait, each with the first hop that keeps it.
pub(super) fn unread(view: &View<'_>, plan: &Plan, before: &Trace, after: &Trace) -> Vec<Veto> {
    let waits = plan.steps.iter().filter_map(|step| {
        let why = why(view, step, before, after)?;
        Some(Veto { object: step.object.clone(), action: step.action.clone(), why })
    });
    waits.collect()
}

fn why(view: &View<'_>, step: &Step, before: &Trace, after: &Trace) -> Option<WaitingOn> {
    let facts = acts(&step.action);
    if !facts.takes_away {
        return None;
    }
    let given = Given::new(view.desired, view.observed);
    let keys: BTreeSet<String> = touched_by(&given, step).into_iter().collect();
    let concerned = before.paths.iter().filter(|path| concerns(&given, step, &keys, path));
    concerned.filter(|path| !is_known_broken(view, path)).find_map(|path| {
        let later = after.paths.iter().find(|later| later.is_same(path));
        let hops = path.hops.iter().filter(|hop| facts.hops.contains(&hop.id) && acts_at(&given, step, hop.id, path));
        hops.into_iter().find_map(|hop| {
            let later = later.and_then(|later| later.hops.iter().find(|other| other.id == hop.id));
            at_hop(view, path, hop, later)
        })
    })
}

/// What keeps a step from acting at a hop, given the hop now and in the planned state.
fn at_hop(view: &View<'_>, path: &Path, hop: &Hop, later: Option<&Hop>) -> Option<WaitingOn> {
    let place = format!("{} at {}", path.name, hop.id.as_str());
    let seen = [Some(hop), later];
    let gaps = seen.into_iter().flatten().filter_map(|hop| match &hop.state {
        State::Unknown(gap) => Some(gap),
        State::Ok | State::Broken | State::Starting(_) | State::Skipped(_) => None,
    });
    if let Some(gap) = gaps.into_iter().find(|gap| counts(view, hop.id, gap)) {
        let cost = format!("until it is read, it is unknown whether this step breaks {place}");
        return Some(WaitingOn::Unread { gap: gap.clone(), cost });
    }
    let is_broken = |hop: &Hop| hop.state == State::Broken;
    let contradicts = path.witness.0 == Witness::Contradicts && is_network(hop.id);
    (contradicts && is_broken(hop) && later.is_some_and(is_broken)).then(|| {
        WaitingOn::difference(format!("what was read of {place} and its health checks disagree: {}", path.witness.1))
    })
}

fn is_network(id: HopId) -> bool {
    matches!(id, HopId::LoadBalancerEgress | HopId::NetworkAcl | HopId::TargetSecurityGroup)
}

/// Whether not knowing is a reason to wait. What rules take may depend on what only a request tells, and stays unknown
/// however often it is read; where the network is not known, it may be open.
fn counts(view: &View<'_>, id: HopId, gap: &Gap) -> bool {
    let failed = || view.observed.gaps.iter().chain(&view.observed.gaps_around).any(|(_, known)| known == gap);
    is_network(id) || failed()
}

/// Whether a step can change something on a path: that of an object it is about, and every path through a listener whose
/// rules it changes, for they take requests from each other.
fn concerns(given: &Given<'_>, step: &Step, keys: &BTreeSet<String>, path: &Path) -> bool {
    let by_listener =
        listener_of(given.observed, &step.action).is_some_and(|listener| leads_through(given, listener, path));
    keys.contains(&path.name.target_group) || by_listener
}

fn leads_through(given: &Given<'_>, arn: &ListenerArn, path: &Path) -> bool {
    let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
    let Some(listener) = lists.flatten().find(|listener| listener.arn == *arn) else { return false };
    let balancer = listener.load_balancer.name();
    path.name.listener == Some(listener.port) && path.name.load_balancer.as_deref() == Some(balancer)
}

/// A rule of a security group concerns clients where the load balancer has the group, and targets elsewhere.
fn acts_at(given: &Given<'_>, step: &Step, id: HopId, path: &Path) -> bool {
    let Action::RevokeSecurityGroupIngress { group, .. } = &step.action else { return true };
    id != HopId::LoadBalancer || guards(given, group, path)
}

fn guards(given: &Given<'_>, group: &GroupId, path: &Path) -> bool {
    let balancers = given.observed.load_balancers.as_ref().present().into_iter().flatten();
    let is_its = |name: &str| path.name.load_balancer.as_deref() == Some(name);
    balancers.into_iter().any(|one| is_its(&one.name) && one.security_groups.contains(group))
}
