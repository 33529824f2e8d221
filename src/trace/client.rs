//! Who the clients are, and whether targets see their addresses.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::model::{Gap, LoadBalancer, Protocol, RuleSource, Seen, TargetType};

use super::way::Way;

/// Whether targets see the clients' own addresses (ELBv2 `preserve_client_ip.enabled` and its defaults): network load
/// balancers alone can.
pub(super) fn keeps_addresses(way: &Way<'_>) -> Result<bool, Gap> {
    let (true, Ok(group)) = (way.is_network(), way.live_group()) else { return Ok(false) };
    let by_default =
        group.target_type == TargetType::Instance || !matches!(group.protocol, Protocol::Tcp | Protocol::Tls);
    match way.around.group_attributes_of(&group.arn) {
        Seen::Present(attributes) => {
            Ok(attributes.get("preserve_client_ip.enabled").map_or(by_default, |value| value == "true"))
        }
        Seen::Absent => Ok(by_default),
        Seen::Unknown(gap) => Err(gap),
    }
}

/// Where clients may come from: as asked, else whoever the load balancer's groups admit on the listener's port, else, where
/// it has none, the internet or the VPC. Empty: by group only, so their addresses are not known.
pub(super) fn blocks(way: &Way<'_>, balancer: &LoadBalancer) -> Result<BTreeSet<IpNet>, Gap> {
    if let Some(client) = way.asked.client {
        return Ok(BTreeSet::from([client]));
    }
    if balancer.security_groups.is_empty() {
        return Ok(anybody(way, balancer));
    }
    let port = way.route.as_ref().map_or(0, |route| route.listener);
    let rules = way.around.rules(&balancer.security_groups, false)?;
    let mut blocks = BTreeSet::new();
    for rule in rules.iter().filter(|rule| rule.lets_in(way.transport(), port)) {
        match &rule.source {
            RuleSource::Cidr(cidr) => {
                blocks.insert(*cidr);
            }
            RuleSource::PrefixList(list) => blocks.extend(way.around.blocks_of(list)),
            RuleSource::Group(_) | RuleSource::Unknown => {}
        }
    }
    Ok(blocks)
}

fn anybody(way: &Way<'_>, balancer: &LoadBalancer) -> BTreeSet<IpNet> {
    if balancer.internal {
        let all = way.given.observed.vpcs.as_ref().present().into_iter().flatten();
        let own = all.filter(|vpc| balancer.vpc.as_ref() == Some(&vpc.id));
        return own.flat_map(|vpc| vpc.cidrs.iter().copied()).collect();
    }
    BTreeSet::from([IpNet::from(ipnet::Ipv4Net::default())])
}
