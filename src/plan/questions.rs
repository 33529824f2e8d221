//! What observing has to ask further, given what it knows so far. Planning needs these answers; asking for more
//! would cost calls, asking for less would leave blocked entries.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::model::{
    Behind, DeploymentController, DesiredPort, DesiredService, Given, GroupId, InstanceId, LoadBalancerEntry,
    LoadBalancerKind, Lookup, Owner, Registrar, Seen, Serve, ServiceId, TargetGroup, TargetGroupArn, TargetKey,
    TargetState, VpcId,
};

use super::ingress_reads;
pub use super::ingress_reads::NodesToRead;
use super::resolve::stand_ins;
use super::rule_match::{Match, forwards_only_to, match_rules, routes_by_listener};
pub use super::target::Unknown;
use super::{handover, parked, redeployment, resolve, target};

/// What planning needs besides the services, the chain of load balancing and the network.
#[derive(Debug)]
pub struct Further {
    /// The security groups whose ingress rules planning compares.
    pub ingress: BTreeSet<GroupId>,
    /// The target groups whose health it needs.
    pub health: BTreeSet<TargetGroupArn>,
    /// The target groups whose owner it needs, besides the manifest's own: those that would lose requests.
    pub owners: BTreeSet<TargetGroupArn>,
    /// The services whose last deployments have to be known (R7a).
    pub past_deployments: BTreeSet<ServiceId>,
    /// The groups whose carriers it needs, with prune.
    pub carriers: BTreeSet<GroupId>,
    /// The clusters of which every service has to be known: with prune, and before an unmarked target group is replaced.
    pub clusters: BTreeSet<String>,
    /// The target groups whose attributes it needs, besides those with declared ones: those that have been replaced, and
    /// those that a parked rule leads to or may get one.
    pub attributes: BTreeSet<TargetGroupArn>,
    /// The VPCs whose routes it needs: those of load balancers whose rules may be made parked.
    pub routes: BTreeSet<VpcId>,
}

/// What to ask further. Needs: services, task definitions, VPCs, subnets, security groups, load balancers, listeners, rules
/// with tags, target groups; with prune, clusters, the tags of target groups, and marked ingress.
pub fn further(given: &Given<'_>) -> Further {
    let losing = who_may_lose_requests(given);
    let may_park = parked::may_park(given);
    let young = may_park.keys.iter().flat_map(|key| stand_ins(given, key));
    let attributes: BTreeSet<TargetGroupArn> = young.chain(handover::kept(given)).collect();
    Further {
        ingress: groups_to_read(given),
        owners: losing.iter().filter(|arn| is_untagged(given, arn)).cloned().collect(),
        health: target_groups_to_check(given, losing),
        past_deployments: services_to_look_back(given),
        carriers: groups_to_look_around(given),
        clusters: clusters_to_list(given),
        attributes,
        routes: may_park.vpcs,
    }
}

/// The security groups whose ingress rules planning compares.
fn groups_to_read(given: &Given<'_>) -> BTreeSet<GroupId> {
    let mut groups = BTreeSet::new();
    for service in given.desired.services.values() {
        let names = service.network.iter().flat_map(|network| network.security_groups.iter().flatten());
        let Ok(vpc) = resolve::vpc_of_service(given, service) else { continue };
        for name in names {
            if let Seen::Present(Lookup::One(group)) = given.security_group(&vpc.id, name) {
                groups.insert(group.id.clone());
            }
        }
    }
    groups
}

/// The target groups whose health planning needs: the manifest's own with the others of their blue/green pairs, marked
/// left-overs with prune, and those that would lose requests to a rule that has to be made or changed (R2a).
fn target_groups_to_check(given: &Given<'_>, losing: BTreeSet<TargetGroupArn>) -> BTreeSet<TargetGroupArn> {
    let mut arns: BTreeSet<TargetGroupArn> =
        given.desired.target_groups.keys().flat_map(|key| resolve::stand_ins(given, key)).collect();
    if given.desired.fleet.removal.prune {
        arns.extend(left_overs(given).map(|group| group.arn.clone()));
    }
    arns.extend(losing);
    arns.extend(sharing(given, &arns));
    arns.extend(swung_by_code_deploy(given).cloned());
    arns
}

/// The target groups that get a share of the requests together with one of these.
fn sharing(given: &Given<'_>, arns: &BTreeSet<TargetGroupArn>) -> BTreeSet<TargetGroupArn> {
    let rules = given.observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let listeners = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let all = rules.map(|rule| &rule.actions).chain(listeners.map(|listener| &listener.default_actions));
    let forwards = all.filter_map(|actions| match &actions.serve {
        Serve::Forward(forward) if forward.weights.keys().any(|arn| arns.contains(arn)) => Some(forward),
        Serve::Forward(_) | Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => None,
    });
    forwards.flat_map(|forward| forward.receivers().cloned()).collect()
}

/// The target groups between which CodeDeploy moves the traffic of the manifest's services: one counts as the other.
fn swung_by_code_deploy<'a>(given: &Given<'a>) -> impl Iterator<Item = &'a TargetGroupArn> {
    let live = given.desired.services.values().filter_map(|service| given.observed.service(&service.id).present());
    live.filter(|live| live.controller == DeploymentController::CodeDeploy).flat_map(|live| live.target_groups())
}

fn is_untagged(given: &Given<'_>, arn: &TargetGroupArn) -> bool {
    given.target_group(arn.as_str()).present().is_some_and(|group| group.tags.gap().is_some())
}

/// The groups whose carriers planning needs, with prune: those with marked ingress.
fn groups_to_look_around(given: &Given<'_>) -> BTreeSet<GroupId> {
    if !given.desired.fleet.removal.prune {
        return BTreeSet::new();
    }
    let marked = given.observed.marked_ingress.as_ref().present().into_iter().flatten();
    marked.map(|rule| rule.group.clone()).collect()
}

/// The clusters of which every service has to be known: with prune some target group may have to go, and one without a
/// mark is replaced only where services of the manifest alone name it.
fn clusters_to_list(given: &Given<'_>) -> BTreeSet<String> {
    let fleet = &given.desired.fleet.name;
    let is_ours = |group: &TargetGroup| {
        matches!(group.tags.as_ref().present().map(|tags| Owner::of(tags, fleet)), Some(Owner::Ours(_)))
    };
    let may_go = given.desired.fleet.removal.prune && left_overs(given).next().is_some();
    if may_go || handover::replaced(given).into_iter().any(|group| !is_ours(group)) {
        given.desired.clusters()
    } else {
        BTreeSet::new()
    }
}

/// Target groups that bear this fleet's mark and that the manifest does not name.
pub(super) fn left_overs<'a>(given: &Given<'a>) -> impl Iterator<Item = &'a TargetGroup> + use<'a> {
    let declared: BTreeSet<&str> = given.desired.target_groups.values().map(|group| group.name.as_str()).collect();
    let all = given.observed.target_groups.as_ref().present().into_iter().flatten();
    let fleet = &given.desired.fleet.name;
    all.filter(move |group| {
        let owner = group.tags.as_ref().present().map(|tags| Owner::of(tags, fleet));
        let named = declared.contains(group.name.as_str()) || declared.contains(group.arn.as_str());
        matches!(owner, Some(Owner::Ours(_))) && !named
    })
}

/// On every listener where some route has no live rule that is exactly it, all groups that the listener forwards to.
fn who_may_lose_requests(given: &Given<'_>) -> BTreeSet<TargetGroupArn> {
    let mut arns = BTreeSet::new();
    for (listener, routes) in routes_by_listener(given) {
        let Seen::Present(rules) = given.observed.rules_of(&listener) else { continue };
        let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
        let Some(live) = lists.flatten().find(|found| found.arn == listener) else { continue };
        let (defaults, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.route.default);
        let matches = match_rules(given, &others, rules);
        let exact = matches.iter().zip(&others).all(|(found, wanted)| match found {
            Match::Rule(rule) => {
                rule.conditions == wanted.route.conditions
                    && wanted.route.priority.is_none_or(|priority| priority == rule.priority)
                    && forwards_only_to(&rule.actions, &stand_ins(given, wanted.key))
            }
            Match::None | Match::Tie(_) | Match::Unknown(_) => false,
        });
        let default_exact = defaults.iter().all(|wanted| {
            let arns = stand_ins(given, wanted.key);
            forwards_only_to(&live.default_actions, &arns)
        });
        if exact && default_exact {
            continue;
        }
        let all = rules.iter().map(|rule| &rule.actions).chain([&live.default_actions]);
        for actions in all {
            if let Serve::Forward(forward) = &actions.serve {
                arns.extend(forward.receivers().cloned());
            }
        }
    }
    arns
}

/// What has to be read about network load balancers whose nodes may be allowed by address. Needs: ingress rules.
pub fn nodes_to_read(given: &Given<'_>) -> NodesToRead {
    ingress_reads::nodes_to_read(given)
}

/// The prefix lists that may allow a flow of the manifest. Needs: what [`nodes_to_read`] needs, and the nodes.
pub fn prefix_lists_to_read(given: &Given<'_>) -> BTreeSet<String> {
    ingress_reads::prefix_lists_to_read(given)
}

/// Whether `DescribeRules` can answer anything for this load balancer: network ones have a default action only.
pub fn has_rules(kind: LoadBalancerKind) -> bool {
    kind == LoadBalancerKind::Application
}

/// Registrations that no known task and no declared target explains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unexplained {
    /// The registrations.
    pub keys: BTreeSet<TargetKey>,
    /// Addresses to look for among network interfaces.
    pub addresses: BTreeSet<IpAddr>,
    /// Instances to look for.
    pub instances: BTreeSet<InstanceId>,
}

impl Unexplained {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// What registrations have to be proven stale or alive. Needs: target health, tasks, services.
pub fn unexplained_targets(given: &Given<'_>) -> Unexplained {
    let mut unexplained = Unexplained::default();
    for group in given.desired.target_groups.values() {
        for unknown in target::unknown_targets(given, group) {
            let key = &unknown.target.key;
            match key.id.parse::<IpAddr>() {
                Ok(address) => {
                    unexplained.addresses.insert(address);
                }
                Err(_) => {
                    unexplained.instances.insert(InstanceId::from(key.id.as_str()));
                }
            }
            unexplained.keys.insert(key.clone());
        }
    }
    unexplained
}

/// The services whose revisions have to be known: an older deployment of theirs started a task with a registration that the
/// live wiring does not explain. Needs what [`unexplained_targets`] needs.
pub fn services_with_older_tasks(given: &Given<'_>) -> BTreeSet<ServiceId> {
    let mut services = BTreeSet::new();
    for wanted in given.desired.target_groups.values() {
        let arns = stand_ins(given, &wanted.key);
        let registrants = given.registrants(wanted, &arns);
        let targets = arns.iter().filter_map(|arn| given.observed.targets_of(arn).present()).flatten();
        for target in targets.filter(|target| target.health.state != TargetState::Draining) {
            if let Behind::OlderTask(id) = registrants.behind(&target.key) {
                services.insert(id.clone());
            }
        }
    }
    services
}

/// The registrations of a target group that no task and no declared target explains, and who is behind each; `None` where
/// that cannot be told. Needs what [`unexplained_targets`] needs.
pub fn unexplained_in<'a>(given: &Given<'a>, key: &str) -> Option<Vec<Unknown<'a>>> {
    let wanted = given.desired.target_groups.get(key)?;
    let live = resolve::target_group(given, wanted).present()?;
    given.observed.targets_of(&live.arn).present()?;
    target::unknown_in(given, wanted, live)
}

/// The services whose last deployments have to be known: those for which a repair would start one (R7a), and those that are
/// wired otherwise than declared.
fn services_to_look_back(given: &Given<'_>) -> BTreeSet<ServiceId> {
    let loses_a_group = |wanted: &DesiredService| {
        let live = given.observed.service(&wanted.id).present();
        live.is_some_and(|live| !handover::leaving(given, live, Timestamp::MAX).is_empty())
    };
    let would_redeploy = |wanted: &&DesiredService| {
        loses_a_group(wanted) || redeployment::redeployment(given, wanted, Timestamp::MAX, &mut Vec::new()).is_some()
    };
    let asked = |wanted: &&DesiredService| would_redeploy(wanted) || is_wired_otherwise(given, wanted);
    given.desired.services.values().filter(asked).map(|service| service.id.clone()).collect()
}

/// Whether a live service is wired to another container or port than declared: a deployment of what is declared may have
/// failed, also where no repair is possible.
fn is_wired_otherwise(given: &Given<'_>, wanted: &DesiredService) -> bool {
    let Seen::Present(live) = given.observed.service(&wanted.id) else { return false };
    let ports = wanted.ports.iter().flatten().filter(|port| port.registrar == Registrar::Ecs);
    let groups = |port: &DesiredPort| {
        let keys = port.target_groups.iter().flatten();
        let declared = keys.filter_map(|key| given.desired.target_groups.get(key));
        declared
            .filter_map(|group| given.target_group(&group.name).present())
            .map(|group| &group.arn)
            .collect::<Vec<_>>()
    };
    let differs = |port: &DesiredPort| {
        let is_it = |entry: &&LoadBalancerEntry| {
            entry.container == port.container && entry.container_port == port.container_port
        };
        groups(port).iter().any(|arn| !live.entries_behind(arn).any(|entry| is_it(&entry)))
    };
    ports.into_iter().any(differs)
}
