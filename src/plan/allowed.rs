//! What the security groups of a service allow, as planning asks it.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::model::group_rules::may_name_address;
use crate::model::{
    DesiredService, Gap, Given, GroupId, IngressRule, ObjectRef, Owner, Passage, Peer, RuleSource, passage,
};

use super::draft::Drafts;
use super::flow::Flow;

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

/// Whether rules by address allow what a network load balancer sends.
pub(super) enum Allowed {
    No,
    /// Rules allow every address.
    ForAll,
    /// Rules allow these addresses, those of its nodes.
    ForNodes(Vec<IpNet>),
    /// A failed read hides it.
    Unknown(Gap),
}

/// Whether rules by address allow a flow that no rule allows for the load balancer's group. A rule of this fleet's own does
/// not count, as for a second group of the load balancer.
pub(super) fn by_address(given: &Given<'_>, groups: &BTreeSet<GroupId>, flow: &Flow) -> Allowed {
    let (Some(nodes), RuleSource::Group(source)) = (&flow.nodes, &flow.source) else { return Allowed::No };
    let live: Vec<&IngressRule> =
        groups.iter().filter_map(|group| given.observed.ingress_of(group).present()).flatten().collect();
    let fleet = &given.desired.fleet.name;
    let is_own = |rule: &&IngressRule| matches!(Owner::of(&rule.tags, fleet), Owner::Ours(_));
    let of_others: Vec<&IngressRule> = live.iter().copied().filter(|rule| !is_own(rule)).collect();
    let allow = |rules: &[&IngressRule], homes: &[IpNet]| {
        flow_from(given, rules.iter().copied(), flow, &Peer::group(source, homes))
    };
    if matches!(allow(&live, &[]), Passage::Open(_)) {
        return Allowed::No;
    }
    let unread_list = match allow(&of_others, &[nodes.family.every_address()]) {
        Passage::Open(_) => return Allowed::ForAll,
        Passage::Closed => None,
        Passage::Unknown(gap) => Some(gap),
    };
    let may_be_named = || may_allow_addresses(given, of_others.iter().copied(), flow, &nodes.subnets);
    match (&nodes.homes, &nodes.keeps) {
        (_, Ok(true)) => unread_list.map_or(Allowed::No, Allowed::Unknown),
        (Err(gap), _) if may_be_named() => Allowed::Unknown(gap.clone()),
        (Err(_), _) => Allowed::No,
        (Ok(homes), keeps) => match (allow(&of_others, homes), keeps) {
            (Passage::Open(_), Ok(_)) => Allowed::ForNodes(homes.clone()),
            (Passage::Open(_), Err(gap)) => Allowed::Unknown(gap.clone()),
            (Passage::Closed, _) => Allowed::No,
            (Passage::Unknown(gap), _) => Allowed::Unknown(gap),
        },
    }
}

/// A remark on a group that no rule allows, where rules allow the addresses of the load balancer's nodes.
pub(super) fn report_addresses(wanted: &DesiredService, flow: &Flow, addresses: &[IpNet], drafts: &mut Drafts) {
    let is_one = |block: &IpNet| block.prefix_len() == block.max_prefix_len();
    let show = |block: &IpNet| if is_one(block) { block.addr().to_string() } else { block.to_string() };
    let shown: Vec<String> = addresses.iter().map(show).collect();
    drafts.find(
        &ObjectRef::service(&wanted.key),
        format!(
            "{} {} is not opened for {} ({}): rules already allow the addresses of the load balancer's nodes, {}",
            flow.transport,
            flow.ports,
            flow.source,
            flow.who,
            shown.join(", ")
        ),
    );
}
