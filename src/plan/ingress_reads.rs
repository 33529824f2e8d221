//! What has to be read before ingress can be planned. Most fleets need nothing: their rules name the load balancer's group.

use std::collections::BTreeSet;

use crate::model::{
    Given, GroupId, IngressRule, LoadBalancer, LoadBalancerArn, LoadBalancerKind, Passage, RuleSource, TargetGroupArn,
};

use super::allowed::{Allowed, by_address, flow_from};
use super::flow::Flow;
use super::second_group;
use super::security_group::flows_of_fleet;

/// What has to be read about load balancers whose nodes may be allowed by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodesToRead {
    /// The load balancers whose nodes' addresses it needs.
    pub balancers: BTreeSet<LoadBalancerArn>,
    /// The target groups whose attributes say whether targets see the clients' addresses.
    pub attributes: BTreeSet<TargetGroupArn>,
}

/// What has to be read before [`allowed`] can answer. Needs: ingress rules. Most fleets need nothing: their rules name the
/// load balancer's group, or no address near it.
pub(super) fn nodes_to_read(given: &Given<'_>) -> NodesToRead {
    let mut wanted = NodesToRead::default();
    let balancers = given.observed.load_balancers.as_ref().present();
    let has_nodes = |one: &LoadBalancer| one.kind == LoadBalancerKind::Network && !one.security_groups.is_empty();
    if !balancers.is_some_and(|all| all.iter().any(has_nodes)) {
        return wanted;
    }
    for (groups, flow) in flows_of_fleet(given) {
        let Some(nodes) = &flow.nodes else { continue };
        let is_allowed = second_group::already_allowed(given, &groups, &flow).is_some();
        // What has not been read is unknown.
        if !is_allowed && matches!(by_address(given, &groups, &flow), Allowed::Unknown(_)) {
            wanted.balancers.insert(nodes.balancer.clone());
            wanted.attributes.extend(nodes.groups.iter().filter(|_| nodes.keeps.is_err()).cloned());
        }
    }
    wanted
}

/// The prefix lists whose entries have to be read: those that may allow a flow of the manifest that no other rule allows.
/// Needs: ingress rules, the nodes of network load balancers.
pub(super) fn prefix_lists_to_read(given: &Given<'_>) -> BTreeSet<String> {
    let live = given.observed.ingress.values().filter_map(|seen| seen.as_ref().present()).flatten();
    if !live.into_iter().any(|rule| matches!(rule.source, RuleSource::PrefixList(_))) {
        return BTreeSet::new();
    }
    flows_of_fleet(given).iter().flat_map(|(groups, flow)| lists_for(given, groups, flow)).collect()
}

/// The prefix lists that may allow one flow.
fn lists_for(given: &Given<'_>, groups: &BTreeSet<GroupId>, flow: &Flow) -> BTreeSet<String> {
    let live: Vec<&IngressRule> =
        groups.iter().filter_map(|group| given.observed.ingress_of(group).present()).flatten().collect();
    let opening = live.iter().filter(|rule| rule.opens_some(flow.transport, flow.ports));
    let lists: BTreeSet<String> = opening
        .filter_map(|rule| match &rule.source {
            RuleSource::PrefixList(id) => Some(id.clone()),
            RuleSource::Cidr(_) | RuleSource::Group(_) | RuleSource::Unknown => None,
        })
        .collect();
    let is_allowed = || {
        flow.peer().is_none_or(|peer| matches!(flow_from(given, live.iter().copied(), flow, &peer), Passage::Open(_)))
            || second_group::already_allowed(given, groups, flow).is_some()
            || matches!(by_address(given, groups, flow), Allowed::ForAll | Allowed::ForNodes(_))
    };
    if lists.is_empty() || is_allowed() { BTreeSet::new() } else { lists }
}
