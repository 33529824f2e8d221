//! What observing has to ask further, given what it knows so far. Planning needs these answers; asking for more
//! would cost calls, asking for less would leave blocked entries.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::{
    Desired, DesiredService, GroupId, InstanceId, LoadBalancerKind, Lookup, Observed, Owner, Seen, Serve, ServiceId,
    Target, TargetGroup, TargetGroupArn,
};

use super::resolve::stand_ins;
use super::rule_match::{Match, forwards_only_to, match_rules, routes_by_listener};
use super::{redeployment, resolve, target};

/// The security groups whose ingress rules planning compares. Needs: VPCs, security groups, load balancers.
pub fn groups_to_read(desired: &Desired, observed: &Observed) -> BTreeSet<GroupId> {
    let mut groups = BTreeSet::new();
    for service in desired.services.values() {
        let names = service.network.iter().flat_map(|network| network.security_groups.iter().flatten());
        let Ok(vpc) = resolve::vpc_of_service(desired, observed, service) else { continue };
        for name in names {
            if let Seen::Present(Lookup::One(group)) = observed.security_group(&vpc.id, name) {
                groups.insert(group.id.clone());
            }
        }
    }
    groups
}

/// The target groups whose health planning needs: the manifest's own with the others of their blue/green pairs, marked
/// left-overs with prune, and those that would lose requests to a rule that has to be made or changed (R2a). Needs:
/// target groups, load balancers, listeners, rules with tags, services; with prune, the tags of target groups.
pub fn target_groups_to_check(desired: &Desired, observed: &Observed) -> BTreeSet<TargetGroupArn> {
    let mut arns: BTreeSet<TargetGroupArn> =
        desired.target_groups.keys().flat_map(|key| resolve::stand_ins(desired, observed, key)).collect();
    if desired.fleet.removal.prune {
        arns.extend(left_overs(desired, observed).map(|group| group.arn.clone()));
    }
    arns.extend(who_may_lose_requests(desired, observed));
    arns
}

/// The target groups whose owner planning needs, besides the manifest's own: those that would lose requests. Needs what
/// [`target_groups_to_check`] needs.
pub fn target_groups_to_tag(desired: &Desired, observed: &Observed) -> BTreeSet<TargetGroupArn> {
    let untagged = |arn: &TargetGroupArn| {
        observed.target_group(arn.as_str()).present().is_some_and(|group| group.tags.gap().is_some())
    };
    who_may_lose_requests(desired, observed).into_iter().filter(untagged).collect()
}

/// The groups whose carriers planning needs, with prune: those with marked ingress. Needs: marked ingress.
pub fn groups_to_look_around(desired: &Desired, observed: &Observed) -> BTreeSet<GroupId> {
    if !desired.fleet.removal.prune {
        return BTreeSet::new();
    }
    let marked = observed.marked_ingress.as_ref().present().into_iter().flatten();
    marked.map(|rule| rule.group.clone()).collect()
}

/// The clusters of which every service has to be known, with prune: some target group may have to go. Needs: clusters,
/// target groups with tags.
pub fn clusters_to_list(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    if !desired.fleet.removal.prune || left_overs(desired, observed).next().is_none() {
        return BTreeSet::new();
    }
    desired.clusters()
}

/// Target groups that bear this fleet's mark and that the manifest does not name.
pub(super) fn left_overs<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
) -> impl Iterator<Item = &'a TargetGroup> + 'a {
    let declared: BTreeSet<&str> = desired.target_groups.values().map(|group| group.name.as_str()).collect();
    let all = observed.target_groups.as_ref().present().into_iter().flatten();
    all.filter(move |group| {
        let owner = group.tags.as_ref().present().map(|tags| Owner::of(tags, &desired.fleet.name));
        let named = declared.contains(group.name.as_str()) || declared.contains(group.arn.as_str());
        matches!(owner, Some(Owner::Ours(_))) && !named
    })
}

/// On every listener where some route has no live rule that is exactly it, all groups that the listener forwards to.
fn who_may_lose_requests(desired: &Desired, observed: &Observed) -> BTreeSet<TargetGroupArn> {
    let mut arns = BTreeSet::new();
    for (listener, routes) in routes_by_listener(desired, observed) {
        let Seen::Present(rules) = observed.rules_of(&listener) else { continue };
        let lists = observed.listeners.values().filter_map(|seen| seen.as_ref().present());
        let Some(live) = lists.flatten().find(|found| found.arn == listener) else { continue };
        let (defaults, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.route.default);
        let matches = match_rules(desired, observed, &others, rules);
        let exact = matches.iter().zip(&others).all(|(found, wanted)| match found {
            Match::Rule(rule) => {
                rule.conditions == wanted.route.conditions
                    && wanted.route.priority.is_none_or(|priority| priority == rule.priority)
                    && forwards_only_to(&rule.actions, &stand_ins(desired, observed, wanted.key))
            }
            Match::None | Match::Tie(_) | Match::Unknown(_) => false,
        });
        let default_exact = defaults.iter().all(|wanted| {
            let arns = stand_ins(desired, observed, wanted.key);
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

/// Whether `DescribeRules` can answer anything for this load balancer: network ones have a default action only.
pub fn has_rules(kind: LoadBalancerKind) -> bool {
    kind == LoadBalancerKind::Application
}

/// Registrations that no known task and no declared target explains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unexplained {
    /// Addresses to look for among network interfaces.
    pub addresses: BTreeSet<IpAddr>,
    /// Instances to look for.
    pub instances: BTreeSet<InstanceId>,
}

/// What registrations have to be proven stale or alive. Needs: target health, tasks, services.
pub fn unexplained_targets(desired: &Desired, observed: &Observed) -> Unexplained {
    let mut unexplained = Unexplained::default();
    for group in desired.target_groups.values() {
        for stray in target::strays(desired, observed, group) {
            match stray.key.id.parse::<IpAddr>() {
                Ok(address) => {
                    unexplained.addresses.insert(address);
                }
                Err(_) => {
                    unexplained.instances.insert(InstanceId(stray.key.id.clone()));
                }
            }
        }
    }
    unexplained
}

/// The registrations of a target group that no known task and no declared target explains; `None` where that cannot be
/// told. Needs what [`unexplained_targets`] needs.
pub fn unexplained_in<'a>(desired: &Desired, observed: &'a Observed, key: &str) -> Option<Vec<&'a Target>> {
    let wanted = desired.target_groups.get(key)?;
    let live = resolve::target_group(observed, wanted).present()?;
    observed.targets_of(&live.arn).present()?;
    target::unexplained(desired, observed, wanted, live)
}

/// The services for which a repair would start a deployment, so that their last ones have to be known (R7a). Needs:
/// services, task definitions, target groups, VPCs, subnets, security groups.
pub fn services_to_look_back(desired: &Desired, observed: &Observed) -> BTreeSet<ServiceId> {
    let would_redeploy =
        |wanted: &&DesiredService| redeployment::redeployment(desired, observed, wanted, &mut Vec::new()).is_some();
    desired.services.values().filter(would_redeploy).map(|service| service.id.clone()).collect()
}
