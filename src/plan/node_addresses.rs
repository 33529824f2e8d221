//! A network load balancer whose nodes are allowed by address. Its nodes keep their addresses for good, so rules may name
//! them instead of its security group; what then arrives from these addresses needs no rule for the group.
//!
//! Health checks always come from the nodes. Requests do too, unless the targets see the clients' own addresses.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::model::{
    AddressFamily, Attributes, DesiredService, DesiredTargetGroup, Gap, Given, GroupId, IngressRule, LoadBalancer,
    LoadBalancerArn, LoadBalancerKind, ObjectRef, Owner, PRESERVE_CLIENT_IP, Passage, Peer, Protocol, RuleSource, Seen,
    TargetGroup, TargetGroupArn, TargetType, Transport,
};

use super::allowed::{flow_from, may_allow_addresses};
use super::draft::Drafts;
use super::resolve;
use super::second_group;
use super::security_group::{Flow, flows_of_fleet};
use super::target_group::new_target_type;

/// Where what a network load balancer sends comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeAddresses {
    balancer: LoadBalancerArn,
    family: AddressFamily,
    /// The nodes' addresses; the whole subnet where a node's are not known. Empty: nothing is known of a subnet.
    homes: Result<Vec<IpNet>, Gap>,
    /// The subnets of the nodes; empty where they are not known.
    subnets: Vec<IpNet>,
    /// Whether the targets see the clients' addresses instead.
    keeps: Result<bool, Gap>,
    /// The target groups of which that has to be known.
    groups: BTreeSet<TargetGroupArn>,
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

/// What has to be read about load balancers whose nodes may be allowed by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodesToRead {
    /// The load balancers whose nodes' addresses it needs.
    pub balancers: BTreeSet<LoadBalancerArn>,
    /// The target groups whose attributes say whether targets see the clients' addresses.
    pub attributes: BTreeSet<TargetGroupArn>,
}

impl NodeAddresses {
    /// What it sends to a target group.
    pub(super) fn of(given: &Given<'_>, balancer: &LoadBalancer, group: &DesiredTargetGroup) -> Self {
        let family = resolve::target_group(given, group).present().map_or(AddressFamily::Ipv4, |live| live.family);
        let subnets = resolve::homes(given.observed, balancer).present().unwrap_or_default();
        Self {
            balancer: balancer.arn.clone(),
            family,
            homes: homes(given, balancer, family),
            subnets,
            keeps: keeps(given, group),
            groups: resolve::stand_ins(given, &group.key),
        }
    }

    /// The same for health checks.
    pub(super) fn of_checks(self) -> Self {
        Self { keeps: Ok(false), ..self }
    }
}

fn homes(given: &Given<'_>, balancer: &LoadBalancer, family: AddressFamily) -> Result<Vec<IpNet>, Gap> {
    let none = BTreeMap::new();
    let nodes = match given.observed.nodes_of(&balancer.arn) {
        Seen::Present(nodes) => nodes,
        Seen::Absent => &none,
        Seen::Unknown(gap) => return Err(gap),
    };
    let known = match given.observed.subnets.as_ref() {
        Seen::Present(known) => known.as_slice(),
        Seen::Absent => &[],
        Seen::Unknown(gap) => return Err(gap),
    };
    let mut all = Vec::new();
    for subnet in &balancer.subnets {
        let nodes = nodes.get(subnet).into_iter().flatten().copied().map(IpNet::from);
        let blocks = known.iter().filter(|known| known.id == *subnet).flat_map(|known| known.cidrs.iter().copied());
        let is_of_family = |block: &IpNet| AddressFamily::of(block) == family;
        let nodes: Vec<IpNet> = nodes.filter(is_of_family).collect();
        let here = if nodes.is_empty() { blocks.filter(is_of_family).collect() } else { nodes };
        if here.is_empty() {
            return Ok(Vec::new());
        }
        all.extend(here);
    }
    all.sort();
    Ok(all)
}

/// Whether targets will see the clients' addresses. What is declared counts for the group itself: where it differs, this
/// plan changes it.
fn keeps(given: &Given<'_>, wanted: &DesiredTargetGroup) -> Result<bool, Gap> {
    let own = match resolve::target_group(given, wanted) {
        Seen::Present(live) => live,
        Seen::Absent => return Ok(will_keep(given, wanted)),
        Seen::Unknown(gap) => return Err(gap),
    };
    let mut unread = None;
    for arn in resolve::stand_ins(given, &wanted.key) {
        let Some(live) = given.target_group(arn.as_str()).present() else { continue };
        let declared = wanted.attributes.get(PRESERVE_CLIENT_IP).filter(|_| live.arn == own.arn);
        match keeps_as_it_is(given, live, declared) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(gap) => unread = Some(gap),
        }
    }
    unread.map_or(Ok(false), Err)
}

fn keeps_as_it_is(given: &Given<'_>, live: &TargetGroup, declared: Option<&String>) -> Result<bool, Gap> {
    match (declared, given.observed.attributes_of(&live.arn)) {
        _ if live.always_keeps_client_addresses() => Ok(true),
        (Some(declared), _) => Ok(declared == "true"),
        (None, Seen::Present(attributes)) => Ok(live.keeps_client_addresses(attributes)),
        (None, Seen::Absent) => Ok(live.keeps_client_addresses(&Attributes::default())),
        (None, Seen::Unknown(gap)) => Err(gap),
    }
}

/// The same for a target group that has to be created.
fn will_keep(given: &Given<'_>, wanted: &DesiredTargetGroup) -> bool {
    let is_udp = |protocol: &Protocol| protocol.transports().contains(&Transport::Udp);
    let first = given.ports_of(&wanted.key).next().map(|(service, _)| service);
    let by_default = new_target_type(given.observed, wanted, first).map_or(true, |kind| kind != TargetType::Ip);
    let declared = wanted.attributes.get(PRESERVE_CLIENT_IP).map(|value| value == "true");
    wanted.protocol.as_ref().is_none_or(is_udp) || declared.unwrap_or(by_default)
}

/// Whether rules by address allow a flow that no rule allows for the load balancer's group. A rule of this fleet's own does
/// not count, as for a second group of the load balancer.
pub(super) fn allowed(given: &Given<'_>, groups: &BTreeSet<GroupId>, flow: &Flow) -> Allowed {
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
pub(super) fn report(wanted: &DesiredService, flow: &Flow, addresses: &[IpNet], drafts: &mut Drafts) {
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

/// What has to be read before [`allowed`] can answer. Needs: ingress rules. Most fleets need nothing: their rules name the
/// load balancer's group, or no address near it.
pub(super) fn to_read(given: &Given<'_>) -> NodesToRead {
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
        if !is_allowed && matches!(allowed(given, &groups, &flow), Allowed::Unknown(_)) {
            wanted.balancers.insert(nodes.balancer.clone());
            wanted.attributes.extend(nodes.groups.iter().filter(|_| nodes.keeps.is_err()).cloned());
        }
    }
    wanted
}
