//! The union of security groups on an interface, with prefix lists, asked about one port and one other side. Groups only
//! allow, and several on an interface add up (EC2 user guide, security group rules).

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::acl::overlap;
use super::id::{GroupId, Transport};
use super::security_group::{IngressRule, RuleSource, contains};
use super::seen::{Gap, Seen};

/// The other side of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The groups of its interfaces; a rule that names any of them is about it.
    pub groups: BTreeSet<GroupId>,
    /// Where it may be: all of it must be let through.
    pub blocks: Vec<IpNet>,
}

/// Whether a connection may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// A rule lets all of it through; the rule's words.
    Open(String),
    /// No rule does for this part of it (`None`: nothing is known of where it is).
    Closed(Option<IpNet>),
    /// It depends on something that could not be read.
    Unknown(Gap),
}

/// Entries of prefix lists, by id.
pub type PrefixLists = BTreeMap<String, Seen<BTreeSet<IpNet>>>;

/// Whether the union of `rules` lets `peer` use `port`. The rules are those of one direction.
pub fn passage<'a>(
    rules: impl IntoIterator<Item = &'a IngressRule>,
    transport: Transport,
    port: u16,
    peer: &Peer,
    lists: &PrefixLists,
) -> Passage {
    let opens =
        |rule: &&IngressRule| rule.opens(transport).is_some_and(|range| (range.from..=range.to).contains(&port));
    let rules: Vec<&IngressRule> = rules.into_iter().filter(opens).collect();
    let by_group = rules.iter().find(|rule| matches!(&rule.source, RuleSource::Group(id) if peer.groups.contains(id)));
    if let Some(rule) = by_group {
        return Passage::Open(describe(rule));
    }
    let mut blocks: Vec<(IpNet, String)> = Vec::new();
    let mut gap = None;
    for rule in &rules {
        match &rule.source {
            RuleSource::Cidr(cidr) => blocks.push((*cidr, describe(rule))),
            RuleSource::PrefixList(id) => match lists.get(id) {
                Some(Seen::Present(entries)) => blocks.extend(entries.iter().map(|cidr| (*cidr, describe(rule)))),
                Some(Seen::Absent) => {}
                Some(Seen::Unknown(why)) => gap = Some(why.clone()),
                None => gap = Some(not_asked(id)),
            },
            RuleSource::Unknown => gap = Some(not_asked("a rule of an unknown kind")),
            RuleSource::Group(_) => {}
        }
    }
    match peer.blocks.iter().find_map(|block| uncovered(block, &blocks)) {
        None if !peer.blocks.is_empty() => Passage::Open(words(&peer.blocks, &blocks)),
        part => gap.map_or(Passage::Closed(part), Passage::Unknown),
    }
}

fn not_asked(what: &str) -> Gap {
    Gap { call: "ec2:GetManagedPrefixListEntries".to_owned(), why: format!("{what} was not read") }
}

/// The rules that do it, each once.
fn words(peer: &[IpNet], blocks: &[(IpNet, String)]) -> String {
    let used = blocks.iter().filter(|(cidr, _)| peer.iter().any(|block| overlap(cidr, block).is_some()));
    let used: BTreeSet<&str> = used.map(|(_, words)| words.as_str()).collect();
    used.into_iter().collect::<Vec<_>>().join(", ")
}

fn describe(rule: &IngressRule) -> String {
    let ports = rule.ports.map_or_else(|| "all ports".to_owned(), |ports| ports.to_string());
    format!("{} ({} {ports} {})", rule.id, rule.protocol, rule.source)
}

/// Some part of a block that no other block covers: several together may cover it.
fn uncovered(block: &IpNet, open: &[(IpNet, String)]) -> Option<IpNet> {
    if open.iter().any(|(cidr, _)| contains(cidr, block)) {
        return None;
    }
    let inside: Vec<_> = open.iter().filter(|(cidr, _)| contains(block, cidr)).cloned().collect();
    if inside.is_empty() {
        return Some(*block);
    }
    let halves = block.subnets(block.prefix_len() + 1).into_iter().flatten();
    halves.into_iter().find_map(|half| uncovered(&half, &inside))
}
