//! Security groups and network ACLs: what may pass.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::state::{GroupRule, Source, State};

/// One end of a connection.
#[derive(Clone, Debug)]
pub struct End {
    pub address: Ipv4Addr,
    /// Groups of its interface; empty where it has none.
    pub groups: BTreeSet<String>,
    /// The subnet of its interface, if it is in the VPC.
    pub subnet: Option<String>,
}

/// What is to pass: TCP or UDP to a port.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    pub is_udp: bool,
    pub port: u16,
}

/// Whether any rule of any of the groups lets the traffic through, in the direction that is asked for: groups add up
/// (aws-facts 4.1).
pub fn groups_admit(state: &State, groups: &BTreeSet<String>, is_egress: bool, peer: &End, traffic: Traffic) -> bool {
    let rules = state.group_rules.values().filter(|rule| rule.is_egress == is_egress && groups.contains(&rule.group));
    rules.into_iter().any(|rule| covers(rule, traffic) && is_from(state, &rule.source, peer))
}

/// Only TCP and UDP have ports; every other protocol, and all of them (`-1`), ignores the ports that were given.
fn covers(rule: &GroupRule, traffic: Traffic) -> bool {
    match (rule.protocol.as_str(), traffic.is_udp) {
        ("-1", _) => true,
        ("tcp", false) | ("udp", true) => (rule.from..=rule.to).contains(&i64::from(traffic.port)),
        _ => false,
    }
}

fn is_from(state: &State, source: &Source, peer: &End) -> bool {
    match source {
        Source::Cidr4(cidr) => cidr.contains(&peer.address),
        Source::Cidr6(_) => false,
        Source::Group { id, .. } => peer.groups.contains(id),
        Source::PrefixList(id) => state
            .prefix_lists
            .get(id)
            .is_some_and(|list| list.entries.iter().any(|(cidr, _)| cidr.contains(&peer.address))),
    }
}

/// Ports that answers come back to: whoever opens a connection picks one of these.
const EPHEMERAL: [u16; 3] = [1024, 32768, 65535];

/// Whether a subnet's ACL lets the traffic in, and the answers out again (`is_client` false), or the other way round.
/// ACLs have no memory, and are looked at only where traffic crosses the edge of the subnet (aws-facts 4.7).
pub fn acl_admits(state: &State, subnet: &str, is_client: bool, peer: Ipv4Addr, traffic: Traffic) -> bool {
    let pass = |is_egress: bool, port: u16| decides(state, subnet, is_egress, peer, traffic.is_udp, port);
    pass(is_client, traffic.port) && EPHEMERAL.iter().all(|port| pass(!is_client, *port))
}

/// The first entry that matches decides; none is a denial.
fn decides(state: &State, subnet: &str, is_egress: bool, peer: Ipv4Addr, is_udp: bool, port: u16) -> bool {
    let Some(acl) = state.subnets.get(subnet).and_then(|subnet| state.acls.get(&subnet.acl)) else { return false };
    let protocol = if is_udp { "17" } else { "6" };
    let entries = acl.entries.range((is_egress, 0)..=(is_egress, u16::MAX));
    let matching = entries.map(|(_, entry)| entry).find(|entry| {
        let any = entry.protocol == "-1";
        (any || entry.protocol == protocol)
            && entry.cidr.contains(&peer)
            && (any || entry.ports.as_ref().is_none_or(|ports| ports.contains(&port)))
    });
    matching.is_some_and(|entry| entry.allow)
}
