//! A network load balancer whose nodes are allowed by address. Its nodes keep their addresses for good, so rules may name
//! them instead of its security group; what then arrives from these addresses needs no rule for the group.
//!
//! Health checks always come from the nodes. Requests do too, unless the targets see the clients' own addresses.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::model::{
    AddressFamily, Attributes, DesiredTargetGroup, Gap, Given, LoadBalancer, LoadBalancerArn, PRESERVE_CLIENT_IP,
    Protocol, Seen, TargetGroup, TargetGroupArn, TargetType, Transport,
};

use super::resolve;

/// Where what a network load balancer sends comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeAddresses {
    pub(super) balancer: LoadBalancerArn,
    pub(super) family: AddressFamily,
    /// The nodes' addresses; the whole subnet where a node's are not known. Empty: nothing is known of a subnet.
    pub(super) homes: Result<Vec<IpNet>, Gap>,
    /// The subnets of the nodes; empty where they are not known.
    pub(super) subnets: Vec<IpNet>,
    /// Whether the targets see the clients' addresses instead.
    pub(super) keeps: Result<bool, Gap>,
    /// The target groups of which that has to be known.
    pub(super) groups: BTreeSet<TargetGroupArn>,
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
            groups: resolve::stand_ins(given, &group.key).clone(),
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
    let by_default =
        resolve::new_target_type(given.observed, wanted, first).map_or(true, |kind| kind != TargetType::Ip);
    let declared = wanted.attributes.get(PRESERVE_CLIENT_IP).map(|value| value == "true");
    wanted.protocol.as_ref().is_none_or(is_udp) || declared.unwrap_or(by_default)
}
