//! What the security groups of a service allow, as planning asks it.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::model::group_rules::may_name_address;
use crate::model::{Given, GroupId, IngressRule, Passage, Peer, RuleSource, passage};

use super::node_addresses::{Allowed, allowed};
use super::second_group;
use super::security_group::{Flow, flows_of_fleet};

/// Whether these rules allow a flow that comes from `peer`.
pub(super) fn flow_from<'a>(
    given: &Given<'_>,
    rules: impl IntoIterator<Item = &'a IngressRule>,
    flow: &Flow,
    peer: &Peer,
) -> Passage {
    passage(telling(given, rules), flow.transport, flow.ports, peer, &given.observed.prefix_lists)
}

/// Whether some rule may allow a flow to come from addresses among `blocks`; empty `blocks` are any addresses.
pub(super) fn may_allow_addresses<'a>(
    given: &Given<'_>,
    rules: impl IntoIterator<Item = &'a IngressRule>,
    flow: &Flow,
    blocks: &[IpNet],
) -> bool {
    let lists = &given.observed.prefix_lists;
    may_name_address(telling(given, rules), flow.transport, flow.ports.from, blocks, lists)
}

/// The rules that prove anything. One with a source of an unknown kind does not, nor does one with a prefix list that was
/// not asked for: what AWS did not say must not hold back a repair forever, and one more rule for a flow that the manifest
/// declares does no harm.
fn telling<'a>(
    given: &Given<'_>,
    rules: impl IntoIterator<Item = &'a IngressRule>,
) -> impl Iterator<Item = &'a IngressRule> {
    let lists = &given.observed.prefix_lists;
    rules.into_iter().filter(|rule| match &rule.source {
        RuleSource::Cidr(_) | RuleSource::Group(_) => true,
        RuleSource::PrefixList(id) => lists.contains_key(id),
        RuleSource::Unknown => false,
    })
}

/// The prefix lists whose entries have to be read: those that may allow a flow of the manifest that no other rule allows.
/// Needs: ingress rules, the nodes of network load balancers.
pub(super) fn lists_to_read(given: &Given<'_>) -> BTreeSet<String> {
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
            || matches!(allowed(given, groups, flow), Allowed::ForAll | Allowed::ForNodes(_))
    };
    if lists.is_empty() || is_allowed() { BTreeSet::new() } else { lists }
}
