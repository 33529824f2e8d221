//! Who the clients are, and whether targets see their addresses.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::model::{
    AddressFamily, AddressSet, Attributes, Gap, IpAddressType, LoadBalancer, RuleSource, Seen, Transport,
};

use super::load_balancer::list;
use super::way::Way;

/// The clients of a path.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    /// The addresses that they may have.
    pub(super) addresses: AddressSet,
    /// One was asked about, so all of these addresses must pass. Else some of them are enough.
    pub(super) is_asked: bool,
    /// For people.
    pub(super) words: String,
    /// What was not read, and may add addresses.
    pub(super) may_be_more: Option<Gap>,
    /// What was not read, and may take some away.
    pub(super) may_be_fewer: Option<Gap>,
}

/// Whether targets see the clients' own addresses. Network load balancers alone can show them.
pub(super) fn keeps_addresses(way: &Way<'_>) -> Result<bool, Gap> {
    let (true, Ok(group)) = (way.is_network(), way.live_group()) else { return Ok(false) };
    match way.around.group_attributes_of(&group.arn) {
        _ if group.always_keeps_client_addresses() => Ok(true),
        Seen::Present(attributes) => Ok(group.keeps_client_addresses(attributes)),
        Seen::Absent => Ok(group.keeps_client_addresses(&Attributes::default())),
        Seen::Unknown(gap) => Err(gap),
    }
}

/// The clients: as asked, else everybody who can reach the load balancer and whom its groups admit on the listener's port.
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
    let rules = way.around.rules(&balancer.security_groups, false)?;
    let (mut blocks, mut by_group, mut sources, mut gap) = (Vec::new(), false, BTreeSet::new(), None);
    for rule in rules.iter().filter(|rule| rule.lets_in(transport, port)) {
        sources.insert(rule.source.to_string());
        match &rule.source {
            RuleSource::Cidr(cidr) => blocks.push(*cidr),
            RuleSource::PrefixList(id) => match way.around.entries_of(id) {
                Seen::Present(entries) => blocks.extend(entries),
                Seen::Absent => {}
                Seen::Unknown(why) => gap = Some(why),
            },
            RuleSource::Group(_) => by_group = true,
            RuleSource::Unknown => gap = Some(unknown_source()),
        }
    }
    let mut addresses = everybody.addresses.and(&blocks);
    if by_group {
        // Where the carriers of a group are is not known. They come with private addresses.
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

/// A rule of a kind that this version does not know may admit anybody.
fn unknown_source() -> Gap {
    let why = "a rule has a source of an unknown kind".to_owned();
    Gap { call: "ec2:DescribeSecurityGroupRules".to_owned(), why }
}

/// Whoever can reach the load balancer at all. An internet-facing one has public addresses, which clients reach from public
/// ones. An internal one is reached from its VPC, and over peerings and private lines from anywhere.
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

/// The families of clients that the load balancer's name leads to it.
fn families(balancer: &LoadBalancer) -> &'static [AddressFamily] {
    match balancer.ip_address_type {
        IpAddressType::Ipv4 => &[AddressFamily::Ipv4],
        IpAddressType::Dualstack => &AddressFamily::ALL,
        IpAddressType::DualstackWithoutPublicIpv4 if balancer.internal => &AddressFamily::ALL,
        IpAddressType::DualstackWithoutPublicIpv4 => &[AddressFamily::Ipv6],
    }
}

/// The clients that pass a list of filters, from the first to the last: as many of them as each lets through, and all of
/// them where one lets none through, for that is its own hop's to say.
pub(super) fn narrowed(addresses: AddressSet, passed: impl IntoIterator<Item = AddressSet>) -> AddressSet {
    passed.into_iter().fold(addresses, |addresses, next| {
        let both = addresses.and(next.blocks());
        if both.is_empty() { addresses } else { both }
    })
}

/// Blocks of one family.
pub(super) fn of_family(blocks: impl IntoIterator<Item = IpNet>, family: AddressFamily) -> Vec<IpNet> {
    blocks.into_iter().filter(|block| AddressFamily::of(block) == family).collect()
}
