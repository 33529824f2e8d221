//! Who the clients are, and whether targets see their addresses.

use std::collections::BTreeSet;

use crate::model::{
    AddressFamily, AddressSet, Attributes, Gap, IpAddressType, LoadBalancer, RuleSource, Seen, Transport,
};

use super::finding::list;
use super::way::Way;

/// The clients of a path.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    /// The addresses that they can have.
    pub(super) addresses: AddressSet,
    /// One client was asked about, so all of these addresses must pass; otherwise some of them are enough.
    pub(super) is_asked: bool,
    /// The text for people.
    pub(super) words: String,
    /// A failed read that may hide more addresses.
    pub(super) may_be_more: Option<Gap>,
    /// A failed read because of which some of these addresses may be wrong.
    pub(super) may_be_fewer: Option<Gap>,
}

/// Whether targets see the clients' own addresses (client IP preservation). Only network load balancers can do that.
pub(super) fn keeps_addresses(way: &Way<'_>) -> Result<bool, Gap> {
    let (true, Ok(group)) = (way.is_network(), way.live_group()) else { return Ok(false) };
    match way.given.observed.attributes_of(&group.arn) {
        _ if group.always_keeps_client_addresses() => Ok(true),
        Seen::Present(attributes) => Ok(group.keeps_client_addresses(attributes)),
        Seen::Absent => Ok(group.keeps_client_addresses(&Attributes::default())),
        Seen::Unknown(gap) => Err(gap),
    }
}

/// The client that was asked about; otherwise every client that can reach the load balancer and that its security groups
/// allow on the listener's port.
pub(super) fn clients(way: &Way<'_>, balancer: &LoadBalancer, transport: Transport) -> Result<Clients, Gap> {
    if let Some(client) = way.asked.client {
        let addresses = AddressSet::of([client]);
        return Ok(Clients {
            addresses,
            is_asked: true,
            words: client.to_string(),
            may_be_more: None,
            may_be_fewer: None,
        });
    }
    let everybody = everybody(way, balancer);
    if balancer.security_groups.is_empty() {
        return Ok(everybody);
    }
    let port = way.route.as_ref().map_or(0, |route| route.listener);
    let rules = way.given.observed.rules(&balancer.security_groups, false)?;
    let (mut blocks, mut by_group, mut sources, mut gap) = (Vec::new(), false, BTreeSet::new(), None);
    for rule in rules.iter().filter(|rule| rule.lets_in(transport, port)) {
        sources.insert(rule.source.to_string());
        by_group |= matches!(rule.source, RuleSource::Group(_));
        match rule.source.blocks(&way.given.observed.prefix_lists) {
            Ok(named) => blocks.extend(named),
            Err(why) => gap = Some(why),
        }
    }
    let mut addresses = everybody.addresses.and(&blocks);
    if by_group {
        // The members of a security group can be anywhere in the network. They use private addresses.
        let carriers = if balancer.internal { everybody.addresses } else { AddressSet::of(way.vpc_blocks(balancer)) };
        addresses = addresses.or(&carriers);
    }
    Ok(Clients {
        addresses,
        is_asked: false,
        words: list(&sources),
        may_be_more: gap,
        may_be_fewer: everybody.may_be_fewer,
    })
}

/// Every client that can reach the load balancer. An internet-facing load balancer has public addresses, which clients reach
/// from public addresses. An internal one is reachable from its VPC and, over peering and private connections, from anywhere.
fn everybody(way: &Way<'_>, balancer: &LoadBalancer) -> Clients {
    let families = families(balancer);
    if balancer.internal {
        let all = AddressSet::of(families.iter().map(|family| family.every_address()));
        let addresses = all.without(&way.node_addresses(balancer));
        let words = "any address".to_owned();
        return Clients { addresses, is_asked: false, words, may_be_more: None, may_be_fewer: None };
    }
    let public = families.iter().flat_map(|family| AddressSet::internet(*family).blocks()).copied();
    let addresses = AddressSet::of(public).without(&way.vpc_blocks(balancer));
    let may_be_fewer = way.given.observed.vpcs.gap().cloned();
    Clients { addresses, is_asked: false, words: "the internet".to_owned(), may_be_more: None, may_be_fewer }
}

/// The address families that the load balancer's DNS name resolves to.
fn families(balancer: &LoadBalancer) -> &'static [AddressFamily] {
    match balancer.ip_address_type {
        IpAddressType::Ipv4 => &[AddressFamily::Ipv4],
        IpAddressType::Dualstack => &AddressFamily::ALL,
        IpAddressType::DualstackWithoutPublicIpv4 if balancer.internal => &AddressFamily::ALL,
        IpAddressType::DualstackWithoutPublicIpv4 => &[AddressFamily::Ipv6],
    }
}

/// The clients that pass a list of filters in order. A filter that allows none of them is ignored, because its own hop
/// reports it.
pub(super) fn narrowed(addresses: AddressSet, passed: impl IntoIterator<Item = AddressSet>) -> AddressSet {
    passed.into_iter().fold(addresses, |addresses, next| {
        let both = addresses.and(next.blocks());
        if both.is_empty() { addresses } else { both }
    })
}
