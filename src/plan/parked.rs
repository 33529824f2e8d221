//! Parked rules: a rule that no request matches. AWS checks the targets of a group, and ECS takes the group, only once a
//! rule leads to it; so a rule that must not take requests yet is made with one condition, a source address that no client
//! has, and gets its declared conditions when its targets are healthy (R2a).
//!
//! No state is kept: a rule of this fleet by its mark that has exactly such a condition is parked.

mod attach;
mod checks;
pub(super) mod dns_failover;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::model::{
    Conditions, Given, Listener, LoadBalancer, LoadBalancerKind, PARKED_SOURCES, Rule, RuleActions, Seen, VpcId,
};

use super::action::Action;
use super::by_resource::ListenerChange;
use super::change::{Change, Planned, WaitingOn};
use super::draft::Draft;
use super::field::Field;
use super::handover;
use super::reason::Reason;
use super::resolve;
use super::rule_match::{Match, RoutedListener, forwards_only_to};

/// The conditions of a rule that no request on this listener matches. A block of the load balancer's VPC, and whatever its
/// route tables lead to, may hold any of the addresses; a VPC whose blocks are unknown may hold them all.
pub(super) fn conditions(given: &Given<'_>, listener: &Listener) -> Result<Conditions, WaitingOn> {
    let vpc = balancer_of(given, listener).and_then(|balancer| balancer.vpc.as_ref());
    let mut taken: Vec<IpNet> = match &given.observed.vpcs {
        Seen::Present(vpcs) => {
            let own = vpcs.iter().filter(|one| vpc.is_none_or(|vpc| one.id == *vpc));
            own.flat_map(|vpc| vpc.cidrs.iter().copied()).collect()
        }
        Seen::Absent => Vec::new(),
        Seen::Unknown(gap) => return Err(WaitingOn::Gap(gap.clone())),
    };
    match vpc.map(|vpc| given.observed.routes_of(vpc)) {
        Some(Seen::Present(routes)) => taken.extend(routes),
        Some(Seen::Unknown(gap)) => return Err(WaitingOn::Gap(gap)),
        Some(Seen::Absent) | None => {}
    }
    let is_free = |address: &Ipv4Addr| !taken.iter().any(|block| block.contains(&IpAddr::V4(*address)));
    PARKED_SOURCES.into_iter().find(is_free).map(Conditions::parked).ok_or_else(|| {
        WaitingOn::Difference(Reason::new(
            "a rule that no request matches needs a source address that no client has (192.0.2.1, \
             198.51.100.1 or 203.0.113.1), and a block of the VPC or a route of its route tables covers \
             each of them",
            "remove such a route",
        ))
    })
}

fn balancer_of<'a>(given: &Given<'a>, listener: &Listener) -> Option<&'a LoadBalancer> {
    let mut balancers = given.observed.load_balancers.as_ref().present().into_iter().flatten();
    balancers.find(|balancer| balancer.arn == listener.load_balancer)
}

use attach::{attach, is_unattached};
pub(super) use attach::{attaching, listener_of};

/// What planning has to know before it parks rules.
#[derive(Debug, Default)]
pub(super) struct MayPark {
    /// The VPCs of the load balancers whose rules may be made parked.
    pub(super) vpcs: BTreeSet<VpcId>,
    /// The target groups of the manifest that a parked rule leads to, or may get one.
    pub(super) keys: BTreeSet<String>,
}

/// Where a rule is missing or parked, or a target group is about to be replaced.
pub(super) fn may_park(given: &Given<'_>, listeners: &[RoutedListener<'_>]) -> MayPark {
    let mut found = MayPark::default();
    for RoutedListener { live: listener, rules: _, defaults, others } in listeners {
        let Some(balancer) = balancer_of(given, listener) else { continue };
        let routes = || defaults.iter().chain(others.iter().map(|(route, _)| route));
        if balancer.kind != LoadBalancerKind::Application {
            // It has no rules to park; the attributes of what replaces another target group count all the same.
            let handed = routes().filter(|route| handover::is_concerned(given, route.key));
            found.keys.extend(handed.map(|route| route.key.to_owned()));
            continue;
        }
        let handed = routes().filter(|route| handover::is_concerned(given, route.key));
        let mut keys: BTreeSet<String> = handed.map(|route| route.key.to_owned()).collect();
        let leads = |actions: &RuleActions, key: &str| forwards_only_to(actions, resolve::stand_ins(given, key));
        let defaults = defaults.iter().filter(|route| !leads(&listener.default_actions, route.key));
        keys.extend(defaults.filter(|route| is_unattached(given, route.key)).map(|route| route.key.to_owned()));
        for (route, matched) in others {
            let may_park = match matched {
                Match::None => true,
                Match::Rule(rule) => {
                    rule.conditions.is_parked() || (!leads(&rule.actions, route.key) && is_unattached(given, route.key))
                }
                Match::Tie(_) | Match::Unknown(_) => false,
            };
            if may_park {
                keys.insert(route.key.to_owned());
            }
        }
        if !keys.is_empty() {
            found.vpcs.extend(balancer.vpc.clone());
            found.keys.extend(keys);
        }
    }
    found
}

/// What becomes of a step that would give requests to a target group without enough healthy targets.
#[derive(Clone, Debug)]
pub(super) enum Parking {
    /// The rule is made, with conditions that no request matches.
    Make(Conditions),
    /// The rule is parked already and stays so; another change of the step goes.
    Stay,
    /// The step waits, and a temporary rule with these conditions attaches the target group that gets the requests.
    Attach(Conditions),
    /// The step waits for the targets of a target group that a temporary rule attaches.
    Wait,
}

/// Whether a step can be carried out, or wait, as a parked rule. `None`: it cannot, so it is blocked.
pub(super) fn parking(given: &Given<'_>, draft: &Draft) -> Option<Result<Parking, WaitingOn>> {
    match draft.action.on_listener()? {
        ListenerChange::CreateRule { listener, conditions: declared, .. } if !declared.is_parked() => {
            let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
            let live = lists.flatten().find(|live| live.arn == *listener)?;
            let is_application = balancer_of(given, live)?.kind == LoadBalancerKind::Application;
            is_application.then(|| {
                checks::can_pass(given, &draft.object)?;
                conditions(given, live).map(Parking::Make)
            })
        }
        ListenerChange::ModifyRule { rule, edit, .. } if edit.conditions.is_some() => {
            live_rule(given, rule.as_str())?.conditions.is_parked().then_some(Ok(Parking::Stay))
        }
        ListenerChange::ModifyRule { edit, .. } if edit.forward.is_some() => attach(given, draft),
        ListenerChange::ModifyListener { .. } if !draft.action.keeps_receiver() => attach(given, draft),
        ListenerChange::CreateRule { .. }
        | ListenerChange::ModifyRule { .. }
        | ListenerChange::SetRulePriorities { .. }
        | ListenerChange::DeleteRule { .. }
        | ListenerChange::ModifyListener { .. } => None,
    }
}

fn live_rule<'a>(given: &Given<'a>, arn: &str) -> Option<&'a Rule> {
    let lists = given.observed.rules.values().filter_map(|seen| seen.as_ref().present());
    lists.flatten().find(|rule| rule.arn.as_str() == arn)
}

/// Changes a step into the one that parks its rule. The entry says what a later pass does; `false`: nothing is left of the
/// step now.
pub(super) fn park(draft: &mut Draft, parking: Parking, why: &str) -> (Planned, bool) {
    if matches!(parking, Parking::Attach(_) | Parking::Wait) {
        let because = format!("no request goes there yet: {why}");
        return (Planned { object: draft.object.clone(), what: draft.summary.clone(), because }, false);
    }
    let declared = draft.action.on_listener().and_then(|change| match change {
        ListenerChange::CreateRule { conditions, .. } => Some(conditions),
        ListenerChange::ModifyRule { edit, .. } => edit.conditions.as_ref(),
        ListenerChange::SetRulePriorities { .. }
        | ListenerChange::DeleteRule { .. }
        | ListenerChange::ModifyListener { .. } => None,
    });
    let declared = declared.map(ToString::to_string).unwrap_or_default();
    let (what, is_left) = match (&mut draft.action, parking) {
        (Action::CreateRule { priority, conditions, .. }, Parking::Make(nobody)) => {
            draft.summary = format!("{}, parked: no request matches it yet", draft.summary);
            draft.reason = format!("{}; {why}, so it is made parked", draft.reason);
            for change in draft.changes.iter_mut().filter(|change| change.field == Field::Conditions) {
                *change = Change::of(Field::Conditions, None, Some(nobody.to_string()));
            }
            *conditions = nobody;
            (format!("give rule {priority} its conditions: {declared}"), true)
        }
        (Action::ModifyRule { edit, .. }, _) => {
            edit.conditions = None;
            draft.changes.retain(|change| change.field != Field::Conditions);
            (format!("give the parked rule its conditions: {declared}"), edit.forward.is_some())
        }
        _ => (draft.summary.clone(), false),
    };
    let because = format!("the rule is parked, no request matches it: {why}");
    (Planned { object: draft.object.clone(), what, because }, is_left)
}
