//! A declared target group that replaces another one of this fleet on the same route. Requests never go to a target group
//! that has fewer healthy targets than the one that serves them now.
//!
//! No state is kept: which phase it is in is read from what AWS answers, so a run may end after any call and the next one
//! goes on. The record is a temporary rule on the same listener ([`super::temporary`]). It matches no request. First it forwards to
//! the new target group, for health checks start, and ECS takes a target group, only once something forwards to it. After the
//! move it forwards to the old one, for as long as a service names it: a task whose target group belongs to no load balancer
//! never counts as healthy, and no deployment of it would end.
//!
//! | what AWS answers | phase | what is planned |
//! |---|---|---|
//! | routes forward to the old group, no temporary rule | [`Phase::Attach`] | the temporary rule, then both in the service |
//! | the same, with the temporary rule | [`Phase::Fill`] | the service's `loadBalancers`, while they lack the new group |
//! | the deployment has ended, as many targets are healthy | [`Phase::Move`] | every route, then the rule that keeps the old group |
//! | routes forward to the new group, a service names the old one | [`Phase::Keep`] | the rule that keeps the old group |
//! | the same, with that rule | [`Phase::Drain`] | after the deregistration delay, the service without the old group |
//! | no service names the old group | [`Phase::Clear`] | the temporary rules go |
//!
//! A listener of a network load balancer has no rules: there the default action itself names the other target group with
//! weight 0, and tags of the new target group are the record ([`network`]). The phases are the same.

mod forwards;
pub(super) mod network;
mod network_steps;
mod refusal;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::owner::REPLACES_TAG;
use crate::model::{
    DesiredPort, DesiredService, Given, Listener, LoadBalancerEntry, LoadBalancerKind, ObjectRef, Registrar, Rollout,
    RuleActions, Seen, Serve, Service, ServiceId, TargetGroup, TargetGroupArn, TargetState,
};

use super::action::Ref;
use super::draft::Obstacle;
use super::reason::Reason;
use super::rule_match::{Match, RouteRef, match_rules, routes_by_listener};
use super::temporary::{self, Temporary};
use super::{resolve, serving, weights};

pub(super) use forwards::other_forward;
pub(super) use refusal::{of_replacement, passes_both};
pub(super) use steps::plan_handovers;

/// One replacement that is due or under way.
#[derive(Clone, Debug)]
pub(super) struct Handover<'a> {
    /// Key of the declared target group.
    pub(super) key: &'a str,
    /// The target group that leaves.
    pub(super) old: &'a TargetGroup,
    /// The listener that gets the temporary rules, or whose default action names both target groups.
    listener: &'a Listener,
    /// Of which kind its load balancer is.
    kind: LoadBalancerKind,
    /// The temporary rules of this declared target group.
    temporary: Vec<Temporary<'a>>,
    /// How far it is.
    pub(super) phase: Phase,
}

impl Handover<'_> {
    /// The declared target group, live or created by this plan.
    fn new_group(&self, given: &Given<'_>) -> Result<Ref<TargetGroupArn>, Obstacle> {
        let group = &given.desired.target_groups[self.key];
        match resolve::target_group(given, group) {
            Seen::Present(live) => Ok(Ref::Known(live.arn.clone())),
            Seen::Absent => Ok(Ref::Output(ObjectRef::target_group(self.key))),
            Seen::Unknown(gap) => Err(Obstacle::gap(format!("target group {}", group.name), gap)),
        }
    }
}

fn deployed_first(service: &ServiceId, group: &str) -> String {
    format!("service {service} has to be deployed without {group} first")
}

/// How far a handover is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing forwards to the new target group on behalf of the handover.
    Attach,
    /// The new target group takes no requests yet; the sentence says what it waits for.
    Fill(String),
    /// The new target group may take the requests.
    Move,
    /// The new target group takes the requests, and nothing keeps the old one attached.
    Keep,
    /// The old target group is kept until a service no longer names it.
    Drain,
    /// Only temporary rules are left.
    Clear,
}

/// What a route that forwards to another target group may do now.
#[derive(Debug)]
pub(super) enum Turn {
    /// No handover: it is corrected like any other.
    Free,
    /// It stays until the new target group is ready.
    Wait,
    /// It changes now. A default action that has no rules beside it goes on naming this target group, with weight 0.
    Now { beside: Option<TargetGroupArn> },
}

/// Whether a route of this target group, which leads elsewhere now, may lead to it.
pub(super) fn turn(given: &Given<'_>, key: &str) -> Result<Turn, Obstacle> {
    match of(given, key) {
        None => Ok(Turn::Free),
        Some(Err(obstacle)) => Err(obstacle),
        Some(Ok(handover)) => Ok(match handover.phase {
            Phase::Attach | Phase::Fill(_) => Turn::Wait,
            Phase::Move => {
                let is_network = handover.kind == LoadBalancerKind::Network;
                Turn::Now { beside: is_network.then(|| handover.old.arn.clone()) }
            }
            Phase::Keep | Phase::Drain | Phase::Clear => Turn::Free,
        }),
    }
}

/// Why a declared target group cannot take the place of another one, if that is what it is for.
pub(super) fn refused(given: &Given<'_>, key: &str) -> Option<Obstacle> {
    of(given, key)?.err()
}

/// The handover to a declared target group, or why it cannot be; `None`: it replaces nothing.
pub(super) fn of<'a>(given: &Given<'a>, key: &str) -> Option<Result<Handover<'a>, Obstacle>> {
    let group = given.desired.target_groups.get(key)?;
    let leaving = candidates(given, key);
    let mut own: Vec<Temporary<'a>> = temporary::of_object(given, key);
    own.retain(|rule| rule.replaces != temporary::NOTHING);
    let moved = network::after_move(given, key);
    if (leaving.is_empty() && own.is_empty() && moved.is_none()) || weights::weights_owner(given, key).is_some() {
        return None;
    }
    let routes = served(given, &group.key);
    let by_old = |arn: &TargetGroupArn| leaving.iter().any(|old| old.arn == *arn);
    let served: BTreeMap<&TargetGroupArn, &'a Listener> =
        routes.iter().filter(|(arn, _)| by_old(arn)).map(|(arn, listener)| (*arn, *listener)).collect();
    let what = |old: &str| format!("replace target group {old} by {}", group.name);
    let (old, listener) = match served.iter().collect::<Vec<_>>().as_slice() {
        [(arn, listener)] => (given.target_group(arn.as_str()).present()?, **listener),
        [] => {
            let by_weights = moved.map(|moved| of_moved(&group.key, moved));
            return by_weights.or_else(|| after_move(given, &group.key, own)).map(Ok);
        }
        several => {
            let names: Vec<_> = several.iter().map(|(arn, _)| arn.name()).collect();
            let sentence = "its routes lead to several target groups now: replace one after the other, \
                            each by a TargetGroup with the routes of that one";
            return Some(Err(Obstacle::difference(what(&names.join(", ")), sentence)));
        }
    };
    let kind = network::kind_of(given, listener)?;
    let found = Handover { key: &group.key, old, listener, kind, temporary: own, phase: Phase::Attach };
    // Without a healthy target it serves nothing, and what takes its place takes nothing away.
    if found.temporary.is_empty()
        && network::before_move(given, key).is_empty()
        && matches!(serving::has_healthy_target(given.observed, &old.arn), Seen::Present(false))
    {
        return None;
    }
    if let Err(obstacle) = refusal::judge(given, &found) {
        return Some(Err(Obstacle { what: what(&old.name), ..obstacle }));
    }
    Some(before_move(given, &found).map(|phase| Handover { phase, ..found }))
}

/// The tag that a new target group gets behind a network load balancer, where no temporary rule can have it.
pub(super) fn record_of_new(given: &Given<'_>, key: &str) -> Option<(String, String)> {
    let handover = of(given, key)?.ok().filter(|found| found.kind == LoadBalancerKind::Network)?;
    Some((REPLACES_TAG.to_owned(), handover.old.arn.to_string()))
}

/// A handover behind a network load balancer whose connections have moved.
fn of_moved<'a>(key: &'a str, moved: network::Moved<'a>) -> Handover<'a> {
    let network::Moved { listener, old, is_attached } = moved;
    let phase = if is_attached { Phase::Drain } else { Phase::Keep };
    Handover { key, old, listener, kind: LoadBalancerKind::Network, temporary: Vec::new(), phase }
}

/// Undeclared target groups that a service feeds which is to feed the declared one.
fn candidates<'a>(given: &Given<'a>, key: &str) -> Vec<&'a TargetGroup> {
    let own = resolve::stand_ins(given, key);
    let services = fed_by_ecs(given, key).filter_map(|(service, _)| given.observed.service(&service.id).present());
    let arns: BTreeSet<&TargetGroupArn> = services.flat_map(Service::target_groups).collect();
    let live = arns.into_iter().filter(|arn| !own.contains(*arn));
    let live = live.filter_map(|arn| given.target_group(arn.as_str()).present());
    live.filter(|live| given.declared_as(live).next().is_none()).collect()
}

/// Whether a declared target group is about to replace another one, or has temporary rules.
pub(super) fn is_concerned(given: &Given<'_>, key: &str) -> bool {
    !candidates(given, key).is_empty() || !temporary::of_object(given, key).is_empty()
}

/// The target groups that declared ones are about to replace.
pub(super) fn replaced<'a>(given: &Given<'a>) -> Vec<&'a TargetGroup> {
    let mut found = Vec::new();
    for key in given.desired.target_groups.keys() {
        let leaving = candidates(given, key);
        if !leaving.is_empty() {
            let served = served(given, key);
            found.extend(leaving.into_iter().filter(|old| served.iter().any(|(arn, _)| **arn == old.arn)));
        }
    }
    found
}

/// The undeclared target groups that temporary rules keep: how long they stay depends on their attributes.
pub(super) fn kept(given: &Given<'_>) -> BTreeSet<TargetGroupArn> {
    let live = given.observed.target_groups.as_ref().present().into_iter().flatten();
    let rules: Vec<_> = temporary::all(given).collect();
    let undeclared = live.filter(|live| !rules.is_empty() && given.declared_as(live).next().is_none());
    let kept = undeclared.filter(|live| rules.iter().any(|rule| rule.forwards_to(&live.arn)));
    let by_weights = network::pairs(given).filter(|pair| network::kept(given, pair.idle).is_some());
    kept.map(|live| live.arn.clone()).chain(by_weights.map(|pair| pair.idle.clone())).collect()
}

/// Why an orphaned target group has to stay a while longer: requests move away from it, or its targets drain.
pub(super) fn keeps(given: &Given<'_>, live: &TargetGroup) -> Option<String> {
    let is_about = |rule: &Temporary<'_>| rule.replaces == live.arn.as_str() || rule.forwards_to(&live.arn);
    let named = given.services_feeding(&live.arn);
    let is_kept = temporary::all(given).any(|rule| is_about(&rule)) || network::is_kept(given, &live.arn);
    if let (true, [service, ..]) = (is_kept, named) {
        return Some(format!("service {} names it until its replacement has taken over", service.id));
    }
    let targets = given.observed.targets_of(&live.arn).present()?;
    let drains = !targets.is_empty() && targets.iter().all(|target| target.health.state == TargetState::Draining);
    (drains && named.is_empty()).then(|| "its targets are being deregistered".to_owned())
}

/// The ports whose tasks ECS registers in a target group.
fn fed_by_ecs<'a>(given: &Given<'a>, key: &str) -> impl Iterator<Item = (&'a DesiredService, &'a DesiredPort)> {
    given.ports_of(key).filter(|(_, port)| port.registrar == Registrar::Ecs)
}

/// Where the routes of a target group lead now, as far as they lead to one target group alone.
fn served<'a>(given: &Given<'a>, key: &str) -> Vec<(&'a TargetGroupArn, &'a Listener)> {
    let mut served = Vec::new();
    for (arn, routes) in routes_by_listener(given) {
        if !routes.iter().any(|route| route.key == key) {
            continue;
        }
        let Some(listener) = temporary::listener(given.observed, &arn) else { continue };
        let (defaults, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.route.default);
        if defaults.iter().any(|route| route.key == key) {
            let paired = network::before_move(given, key).into_iter().find(|pair| pair.listener.arn == arn);
            let serving = paired.map(|pair| pair.serving).or_else(|| only_receiver(&listener.default_actions));
            served.extend(serving.map(|arn| (arn, listener)));
        }
        let Seen::Present(rules) = given.observed.rules_of(&arn) else { continue };
        let matches = match_rules(given, &others, rules);
        let own = others.iter().zip(matches).filter(|(route, _): &(&RouteRef<'_>, _)| route.key == key);
        served.extend(own.filter_map(|(_, found)| match found {
            Match::Rule(rule) => only_receiver(&rule.actions).map(|arn| (arn, listener)),
            Match::None | Match::Tie(_) | Match::Unknown(_) => None,
        }));
    }
    served
}

/// The target group that a forward names alone.
fn only_receiver(actions: &RuleActions) -> Option<&TargetGroupArn> {
    let Serve::Forward(forward) = &actions.serve else { return None };
    let mut named = forward.weights.keys();
    named.next().filter(|_| named.next().is_none())
}

/// How far a handover is whose old target group takes the requests.
fn before_move(given: &Given<'_>, found: &Handover<'_>) -> Result<Phase, Obstacle> {
    let group = &given.desired.target_groups[found.key];
    let what = format!("move requests from {} to {}", found.old.name, group.name);
    let new = match resolve::target_group(given, group) {
        Seen::Present(new) => new,
        Seen::Absent => return Ok(Phase::Attach),
        Seen::Unknown(gap) => return Err(Obstacle::gap(what, gap)),
    };
    let is_attached = match found.kind {
        LoadBalancerKind::Network => !network::before_move(given, found.key).is_empty(),
        LoadBalancerKind::Application | LoadBalancerKind::Gateway => {
            found.temporary.iter().any(|rule| rule.forwards_to(&new.arn))
        }
    };
    if !is_attached {
        return Ok(Phase::Attach);
    }
    for (service, port) in fed_by_ecs(given, found.key) {
        let live = super::service::live_service(given.observed, service)?;
        let is_wired = |entry: &LoadBalancerEntry| {
            entry.container == port.container && entry.container_port == port.container_port
        };
        if !live.entries_behind(&new.arn).any(is_wired) {
            return Ok(Phase::Fill(format!("service {} has to name {} first", service.id, new.name)));
        }
        match live.deployments.as_slice() {
            [only] if only.rollout == Some(Rollout::Completed) => {}
            [only] if only.rollout == Some(Rollout::Failed) => {
                let sentence = Reason::new(
                    format!(
                        "the deployment of service {} that registers its tasks in {} has failed",
                        service.id, new.name
                    ),
                    "find out why, then deploy again",
                );
                return Err(Obstacle::difference(what, sentence));
            }
            _ => {
                return Ok(Phase::Fill(format!(
                    "the deployment of service {} that registers its tasks in {} is in progress",
                    service.id, new.name
                )));
            }
        }
    }
    let count = |arn: &TargetGroupArn| healthy_by_zone(given, arn).map_err(|gap| Obstacle::gap(what.clone(), gap));
    let (serving, ready) = (count(&found.old.arn)?, count(&new.arn)?);
    let lacks = serving.iter().find(|(zone, number)| ready.get(*zone).copied().unwrap_or(0) < **number);
    Ok(lacks.map_or(Phase::Move, |(zone, number)| {
        let place = zone.as_ref().map_or(String::new(), |zone| format!(" in {zone}"));
        let ready = ready.get(zone).copied().unwrap_or(0);
        Phase::Fill(format!(
            "healthy targets{place}: {ready} in {}, and {number} in {}, which serves now",
            new.name, found.old.name
        ))
    }))
}

/// Healthy targets of each zone. Counted by zone for every load balancer: one that does not cross zones needs it, and the
/// tasks are the same in both target groups.
fn healthy_by_zone(
    given: &Given<'_>,
    arn: &TargetGroupArn,
) -> Result<BTreeMap<Option<String>, usize>, crate::model::Gap> {
    let targets = match given.observed.targets_of(arn) {
        Seen::Present(targets) => targets.as_slice(),
        Seen::Absent => &[],
        Seen::Unknown(gap) => return Err(gap),
    };
    let mut count = BTreeMap::new();
    for target in targets.iter().filter(|target| target.health.state == TargetState::Healthy) {
        *count.entry(target.zone.clone()).or_default() += 1;
    }
    Ok(count)
}

/// How far a handover is whose requests have moved: its temporary rules tell which target group it was.
fn after_move<'a>(given: &Given<'a>, key: &'a str, own: Vec<Temporary<'a>>) -> Option<Handover<'a>> {
    let first = own.first()?;
    let listener = first.listener;
    let old = given.target_group(first.replaces).present();
    let named = |old: &&TargetGroup| !given.services_feeding(&old.arn).is_empty();
    let kept = |old: &&TargetGroup| own.iter().any(|rule| rule.forwards_to(&old.arn));
    // What the manifest declares again is no longer replaced.
    let declared = |old: &&TargetGroup| given.declared_as(old).next().is_some();
    let phase = match old.filter(|old| !declared(old)) {
        Some(old) if named(&old) && kept(&old) => Phase::Drain,
        Some(old) if named(&old) => Phase::Keep,
        Some(_) | None => Phase::Clear,
    };
    // With the old target group gone there is nothing left but the rules; the new one has the name.
    let old = old.or_else(|| resolve::target_group(given, given.desired.target_groups.get(key)?).present())?;
    Some(Handover { key, old, listener, kind: LoadBalancerKind::Application, temporary: own, phase })
}

/// Whether an undeclared live target group leaves a service, and until when it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It goes now.
    Now,
    /// Its last requests have until then.
    At(Timestamp),
}

/// A pass may take so long from reading to its last call ([`crate::controller::PASS_DEADLINE`]): a rule that says when
/// requests moved may have been planned that much earlier.
const PASS: SignedDuration = SignedDuration::from_mins(5);

/// So long a network load balancer may go on sending connections by the weights before: ECS waits as long itself when it moves
/// them (AWS, resources of network load balancers for blue/green deployments).
///
/// One pass is added: the time that the run before wrote counts when the move is planned again ([`network::is_written`]).
const NETWORK_LAG: SignedDuration = SignedDuration::from_mins(10);

/// The target groups of a service that a handover takes out of it. `Err`: how long they have to stay is not known.
pub(super) fn leaving(
    given: &Given<'_>,
    live: &Service,
    now: Timestamp,
) -> Vec<(TargetGroupArn, Result<Leaving, Obstacle>)> {
    let mut found = Vec::new();
    for arn in live.target_groups() {
        let Some(group) = given.target_group(arn.as_str()).present() else { continue };
        if given.declared_as(group).next().is_some() {
            continue;
        }
        let by_rule = temporary::forwarding_to(given, arn).map(|rule| (rule.moved, SignedDuration::ZERO));
        let by_weights = || network::kept(given, arn).map(|moved| (moved, NETWORK_LAG + PASS));
        let Some((moved, lag)) = by_rule.or_else(by_weights) else { continue };
        found.push((arn.clone(), when(given, group, moved, lag, now)));
    }
    found
}

fn when(
    given: &Given<'_>,
    group: &TargetGroup,
    moved: Option<Timestamp>,
    lag: SignedDuration,
    now: Timestamp,
) -> Result<Leaving, Obstacle> {
    let what = format!("take {} out of its service", group.name);
    if let Some(other) = other_forward(given, &group.arn) {
        let sentence =
            Reason::new(format!("{other} still forwards to it"), "declare that route, or change it yourself");
        return Err(Obstacle::difference(what, sentence));
    }
    // It never took a request: its handover was given up before the move.
    let Some(moved) = moved else { return Ok(Leaving::Now) };
    let attributes = match given.observed.attributes_of(&group.arn) {
        Seen::Present(attributes) => attributes,
        Seen::Absent => return Ok(Leaving::Now),
        Seen::Unknown(gap) => return Err(Obstacle::gap(what, gap)),
    };
    let until = moved + PASS + lag + SignedDuration::from_secs(delay(attributes));
    Ok(if until <= now { Leaving::Now } else { Leaving::At(until) })
}

/// Seconds that a target group leaves to requests under way; 300 is AWS's default (`TargetGroupAttribute`).
fn delay(attributes: &BTreeMap<String, String>) -> i64 {
    attributes.get("deregistration_delay.timeout_seconds").and_then(|text| text.parse().ok()).unwrap_or(300)
}
