//! Whether the load balancer's groups let requests and health checks out. Groups are stateful: answers come back freely.

use crate::model::{Passage, Transport, passage};

use super::catalogue::Code;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::load_balancer::list;
use super::way::Way;

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let (balancer, ends) = match (way.balancer(), &way.ends) {
        (Ok(balancer), Ok(ends)) => (balancer, ends),
        (Err(lack), _) => return lack.skip(),
        (_, Err(lack)) => return lack.clone().skip(),
    };
    if balancer.security_groups.is_empty() {
        return Examined::skipped(format!("{} has no security groups", balancer.name));
    }
    if ends.is_empty() {
        return Examined::skipped("there is no target");
    }
    let rules = match way.around.rules(&balancer.security_groups, true) {
        Ok(rules) => rules,
        Err(gap) => return Examined::unknown(gap),
    };
    let groups = list(&balancer.security_groups);
    let (mut findings, mut gap, mut by) = (Vec::<Finding>::new(), None, String::new());
    for end in ends {
        let mut needs = vec![(way.transport(), end.port, "requests")];
        if (Transport::Tcp, end.health_port) != (way.transport(), end.port) {
            needs.push((Transport::Tcp, end.health_port, "health checks"));
        }
        for (transport, port, what) in needs {
            match passage(rules.iter().copied(), transport, port, &end.peer(), &way.around.prefix_lists) {
                Passage::Open(words) => by = words,
                Passage::Unknown(why) => gap = Some(why),
                // Where the interface is not known its groups are not either: a rule to a group may be the one.
                Passage::Closed(_) if end.groups.is_err() => gap = end.groups.clone().err(),
                Passage::Closed(_) => {
                    let is_check = port == end.health_port;
                    let code = if way.is_network() && is_check { Code(13) } else { Code(2) };
                    let evidence =
                        format!("no egress rule of {groups} lets {what} out to {} ({transport} {port})", end.name);
                    if !findings.iter().any(|known| known.codes.contains(&code)) {
                        findings.push(Finding::of(code, evidence));
                    }
                }
            }
        }
    }
    Examined::of(findings, gap, format!("{groups} lets it out by {by}"))
}
