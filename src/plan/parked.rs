//! Parked rules: a rule that no request matches. AWS checks the targets of a group, and ECS takes the group, only once a
//! rule leads to it; so a rule that must not take requests yet is made with one condition, a source address that no client
//! has, and gets its declared conditions when its targets are healthy (R2a).
//!
//! No state is kept: a rule of this fleet by its mark that has exactly such a condition is parked.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::model::{Conditions, Given, Listener, LoadBalancerKind, PARKED_SOURCES, Rule, Seen};

use super::action::Action;
use super::change::{Change, Planned, WaitingOn};
use super::draft::Draft;

/// The conditions of a rule that no request on this listener matches. A block of the load balancer's VPC may hold any of
/// the addresses; a VPC whose blocks are unknown may hold them all.
pub(super) fn conditions(given: &Given<'_>, listener: &Listener) -> Result<Conditions, WaitingOn> {
    let balancers = given.observed.load_balancers.as_ref().present().into_iter().flatten();
    let balancer = balancers.into_iter().find(|balancer| balancer.arn == listener.load_balancer);
    let vpc = balancer.and_then(|balancer| balancer.vpc.as_ref());
    let blocks: Vec<IpNet> = match &given.observed.vpcs {
        Seen::Present(vpcs) => {
            let own = vpcs.iter().filter(|one| vpc.is_none_or(|vpc| one.id == *vpc));
            own.flat_map(|vpc| vpc.cidrs.iter().copied()).collect()
        }
        Seen::Absent => Vec::new(),
        Seen::Unknown(gap) => return Err(WaitingOn::Gap(gap.clone())),
    };
    let is_free = |address: &Ipv4Addr| !blocks.iter().any(|block| block.contains(&IpAddr::V4(*address)));
    PARKED_SOURCES.into_iter().find(is_free).map(Conditions::parked).ok_or_else(|| {
        WaitingOn::Difference(
            "the VPC holds every address that a rule which no request matches could name (192.0.2.1, 198.51.100.1, \
             203.0.113.1)"
                .to_owned(),
        )
    })
}

/// What becomes of a step that would give requests to a target group without enough healthy targets.
#[derive(Clone, Debug)]
pub(super) enum Parking {
    /// The rule is made, with conditions that no request matches.
    Make(Conditions),
    /// The rule is parked already and stays so; another change of the step goes.
    Stay,
}

/// Whether a step can be carried out, or wait, as a parked rule. `None`: it cannot, so it is blocked.
pub(super) fn parking(given: &Given<'_>, draft: &Draft) -> Option<Result<Parking, WaitingOn>> {
    match &draft.action {
        Action::CreateRule { listener, conditions: declared, .. } if !declared.is_parked() => {
            let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
            let live = lists.flatten().find(|live| live.arn == *listener)?;
            let balancers = given.observed.load_balancers.as_ref().present().into_iter().flatten();
            let balancer = balancers.into_iter().find(|balancer| balancer.arn == live.load_balancer)?;
            (balancer.kind == LoadBalancerKind::Application).then(|| conditions(given, live).map(Parking::Make))
        }
        Action::ModifyRule { rule, edit, .. } if edit.conditions.is_some() => {
            live_rule(given, rule.as_str())?.conditions.is_parked().then_some(Ok(Parking::Stay))
        }
        _ => None,
    }
}

fn live_rule<'a>(given: &Given<'a>, arn: &str) -> Option<&'a Rule> {
    let lists = given.observed.rules.values().filter_map(|seen| seen.as_ref().present());
    lists.flatten().find(|rule| rule.arn.as_str() == arn)
}

/// Changes a step into the one that parks its rule. The entry says what a later pass does; `false`: nothing is left of the
/// step now.
pub(super) fn park(draft: &mut Draft, parking: Parking, why: &str) -> (Planned, bool) {
    let declared = match &draft.action {
        Action::CreateRule { conditions, .. } => Some(conditions),
        Action::ModifyRule { edit, .. } => edit.conditions.as_ref(),
        _ => None,
    };
    let declared = declared.map(ToString::to_string).unwrap_or_default();
    let (what, is_left) = match (&mut draft.action, parking) {
        (Action::CreateRule { priority, conditions, .. }, Parking::Make(nobody)) => {
            draft.summary = format!("{}, parked: no request matches it yet", draft.summary);
            draft.reason = format!("{}; {why}, so it is made parked", draft.reason);
            for change in draft.changes.iter_mut().filter(|change| change.field == "conditions") {
                *change = Change::of("conditions", None, Some(nobody.to_string()));
            }
            *conditions = nobody;
            (format!("give rule {priority} its conditions: {declared}"), true)
        }
        (Action::ModifyRule { edit, .. }, _) => {
            edit.conditions = None;
            draft.changes.retain(|change| change.field != "conditions");
            (format!("give the parked rule its conditions: {declared}"), edit.forward.is_some())
        }
        _ => (draft.summary.clone(), false),
    };
    let because = format!("the rule is parked, no request matches it: {why}");
    (Planned { object: draft.object.clone(), what, because }, is_left)
}
