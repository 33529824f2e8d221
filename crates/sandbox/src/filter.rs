//! Security groups and network ACLs: what may pass.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use super::state::{GroupRule, NetworkAcl, Source, State};

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

/// Ports that answers go to: a client opens its connection from one of these.
const EPHEMERAL: RangeInclusive<u16> = 1024..=65535;

/// Those that Linux takes, and with it most clients.
const EPHEMERAL_OF_LINUX: RangeInclusive<u16> = 32_768..=60_999;

/// So many of the others may be denied before it is called a failure: 5 % of all.
const DENIED_AT_MOST: u32 = 3_225;

/// Whether a subnet's ACL lets the traffic in, and the answers out again (`is_client` false), or the other way round.
/// ACLs have no memory, and are looked at only where traffic crosses the edge of the subnet (aws-facts 4.7).
pub fn acl_admits(state: &State, subnet: &str, is_client: bool, peer: Ipv4Addr, traffic: Traffic) -> bool {
    let Some(acl) = state.subnets.get(subnet).and_then(|subnet| state.acls.get(&subnet.acl)) else { return false };
    let pass = |is_egress: bool, port: u16| decides(acl, is_egress, peer, traffic.is_udp, port);
    // What is decided changes only where a range of an entry begins or has ended.
    let ranges = acl.entries.values().filter_map(|entry| entry.ports.as_ref());
    let edges = ranges.flat_map(|ports| [*ports.start(), ports.end().saturating_add(1)]);
    let all = [&EPHEMERAL, &EPHEMERAL_OF_LINUX].map(|ports| [*ports.start(), ports.end().saturating_add(1)]);
    let edges = edges.chain(all.into_iter().flatten()).filter(|port| EPHEMERAL.contains(port));
    let edges: Vec<u16> = edges.collect::<BTreeSet<u16>>().into_iter().collect();
    let ends = edges.iter().skip(1).map(|edge| u32::from(*edge)).chain([u32::from(*EPHEMERAL.end()) + 1]);
    let denied: Vec<(u16, u32)> = edges
        .iter()
        .zip(ends)
        .filter(|(first, _)| !pass(!is_client, **first))
        .map(|(first, end)| (*first, end - u32::from(*first)))
        .collect();
    let is_answered = !denied.iter().any(|(first, _)| EPHEMERAL_OF_LINUX.contains(first))
        && denied.iter().map(|(_, count)| count).sum::<u32>() <= DENIED_AT_MOST;
    pass(is_client, traffic.port) && is_answered
}

/// The first entry that matches decides; none is a denial.
fn decides(acl: &NetworkAcl, is_egress: bool, peer: Ipv4Addr, is_udp: bool, port: u16) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world_file;

    fn admits(entries: &str) -> bool {
        let text = format!(
            "vpcs: [{{name: main, cidr: 10.0.0.0/16, subnets: [{{name: a, cidr: 10.0.0.0/24, zone: a}}], \
             networkAcls: [{{name: narrow, subnets: [a], entries: [\
             {{number: 1, ports: 80, cidr: 0.0.0.0/0}}, {entries}]}}]}}]"
        );
        let world = world_file::load("world.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
        let subnet = world.state.subnets.keys().next().expect("a subnet");
        let traffic = Traffic { is_udp: false, port: 80 };
        acl_admits(&world.state, subnet, false, Ipv4Addr::new(198, 51, 100, 7), traffic)
    }

    #[test]
    fn answers_can_do_without_a_few_ports_that_hardly_any_client_has() {
        let all = "{number: 3, egress: true, ports: 1024-65535, cidr: 0.0.0.0/0}";
        for (denied, is_admitted) in [
            ("3389", true),
            ("5000-8224", true),
            ("5000-8225", false),
            ("32767-32767", true),
            ("32768", false),
            ("60999", false),
            ("61000-61999", true),
        ] {
            let deny = format!("{{number: 2, egress: true, deny: true, ports: {denied}, cidr: 0.0.0.0/0}}");
            assert_eq!(admits(&format!("{deny}, {all}")), is_admitted, "{denied}");
        }
    }

    #[test]
    fn answers_need_every_port_that_a_client_may_pick() {
        let all = "{number: 2, egress: true, ports: 1024-65535, cidr: 0.0.0.0/0}";
        assert!(admits(all));
        assert!(admits(
            "{number: 2, egress: true, ports: 1024-30000, cidr: 0.0.0.0/0}, \
             {number: 3, egress: true, ports: 30001-65535, cidr: 0.0.0.0/0}"
        ));
        assert!(!admits("{number: 2, egress: true, ports: 32768-65535, cidr: 0.0.0.0/0}"));
        assert!(!admits("{number: 2, egress: true, ports: 1024-60999, cidr: 0.0.0.0/0}"));
        assert!(!admits("{number: 2, egress: true, ports: 1024-60998, cidr: 0.0.0.0/0}"));
        assert!(!admits(&format!(
            "{{number: 1, egress: true, deny: true, ports: 40000-50000, cidr: 0.0.0.0/0}}, {all}"
        )));
        assert!(!admits(
            "{number: 2, egress: true, ports: 1024-40000, cidr: 0.0.0.0/0}, \
                          {number: 3, egress: true, ports: 40002-65535, cidr: 0.0.0.0/0}"
        ));
    }
}
