//! What the rules of security groups allow: the one place that planning and tracing ask. Groups only allow, and those on one
//! interface add up (EC2 user guide, security group rules); so do several rules for parts of the ports or of the addresses.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::address::AddressSet;
use super::block::overlap;
use super::id::{GroupId, PortRange, Transport};
use super::security_group::{IngressRule, RuleSource};
use super::seen::{Gap, Seen};

/// The other side of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The security groups on its interfaces: a rule that names one of them allows all of it.
    pub groups: BTreeSet<GroupId>,
    /// The addresses that it may have, and all of these must be allowed. Empty: they are not known.
    pub blocks: Vec<IpNet>,
}

impl Peer {
    /// What has one security group, at these addresses.
    pub fn group(id: &GroupId, blocks: &[IpNet]) -> Self {
        Self { groups: BTreeSet::from([id.clone()]), blocks: blocks.to_vec() }
    }

    /// Every address of a block, whatever its security groups are.
    pub fn block(block: IpNet) -> Self {
        Self { groups: BTreeSet::new(), blocks: vec![block] }
    }
}

/// Whether a connection is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// All of it is; the rules that allow it.
    Open(String),
    /// A part of it is allowed by no rule.
    Closed,
    /// It depends on something that was not read.
    Unknown(Gap),
}

/// Entries of prefix lists by their ids (`pl-…`). A list that is missing here was not asked for.
pub type PrefixLists = BTreeMap<String, Seen<BTreeSet<IpNet>>>;

impl RuleSource {
    /// The addresses that a rule names, itself or with a prefix list; none if it names a security group.
    pub fn blocks(&self, lists: &PrefixLists) -> Result<Vec<IpNet>, Gap> {
        match self {
            Self::Cidr(cidr) => Ok(vec![*cidr]),
            Self::Group(_) => Ok(Vec::new()),
            Self::PrefixList(id) => match lists.get(id) {
                Some(Seen::Present(entries)) => Ok(entries.iter().copied().collect()),
                Some(Seen::Absent) => Ok(Vec::new()),
                Some(Seen::Unknown(gap)) => Err(gap.clone()),
                None => {
                    Err(Gap { call: "ec2:GetManagedPrefixListEntries".to_owned(), why: format!("{id} was not read") })
                }
            },
            Self::Unknown => Err(Gap {
                call: "ec2:DescribeSecurityGroupRules".to_owned(),
                why: "a rule has a source of an unknown kind".to_owned(),
            }),
        }
    }
}

/// Whether these rules, all of one direction, allow all of `peer` on every one of `ports`.
pub fn passage<'a>(
    rules: impl IntoIterator<Item = &'a IngressRule>,
    transport: Transport,
    ports: PortRange,
    peer: &Peer,
    lists: &PrefixLists,
) -> Passage {
    let opening: Vec<(&IngressRule, PortRange)> =
        rules.into_iter().filter_map(|rule| Some((rule, rule.opens(transport)?))).collect();
    let (mut by, mut unread) = (BTreeSet::new(), None);
    for port in first_ports(ports, opening.iter().map(|(_, opened)| *opened)) {
        let here = opening.iter().filter(|(_, opened)| opened.covers(PortRange::one(port)));
        match passage_on_port(here.map(|(rule, _)| *rule), peer, lists) {
            Passage::Open(rules) => {
                by.insert(rules);
            }
            Passage::Closed => return Passage::Closed,
            Passage::Unknown(gap) => unread = Some(gap),
        }
    }
    unread.map_or_else(|| Passage::Open(by.into_iter().collect::<Vec<_>>().join(", ")), Passage::Unknown)
}

/// The first port of each part of `ports` on which the same rules apply.
fn first_ports(ports: PortRange, opened: impl Iterator<Item = PortRange>) -> BTreeSet<u16> {
    let bounds = opened.flat_map(|range| [Some(range.from), range.to.checked_add(1)]);
    let inside = bounds.flatten().filter(|port| ports.covers(PortRange::one(*port)));
    inside.chain([ports.from]).collect()
}

/// The same for rules that all open the port.
fn passage_on_port<'a>(rules: impl Iterator<Item = &'a IngressRule>, peer: &Peer, lists: &PrefixLists) -> Passage {
    let (mut named, mut unread) = (Vec::new(), None);
    for rule in rules {
        if matches!(&rule.source, RuleSource::Group(id) if peer.groups.contains(id)) {
            return Passage::Open(describe(rule));
        }
        match rule.source.blocks(lists) {
            Ok(blocks) => named.extend(blocks.into_iter().map(|block| (block, rule))),
            Err(gap) => unread = Some(gap),
        }
    }
    let left = AddressSet::of(peer.blocks.iter().copied()).without(named.iter().map(|(block, _)| block));
    match unread {
        _ if left.is_empty() && !peer.blocks.is_empty() => {
            let applies = |block: &IpNet| peer.blocks.iter().any(|own| overlap(own, block).is_some());
            let by = named.iter().filter(|(block, _)| applies(block)).map(|(_, rule)| describe(rule));
            Passage::Open(by.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", "))
        }
        Some(gap) => Passage::Unknown(gap),
        None => Passage::Closed,
    }
}

/// Whether some rule names addresses among `blocks` for a port, or may name them. Empty `blocks` are any addresses.
pub fn may_name_address<'a>(
    rules: impl IntoIterator<Item = &'a IngressRule>,
    transport: Transport,
    port: u16,
    blocks: &[IpNet],
    lists: &PrefixLists,
) -> bool {
    let is_near = |named: &IpNet| blocks.is_empty() || blocks.iter().any(|block| overlap(block, named).is_some());
    let mut opening = rules.into_iter().filter(|rule| rule.lets_in(transport, port));
    opening.any(|rule| rule.source.blocks(lists).map_or(true, |named| named.iter().any(is_near)))
}

fn describe(rule: &IngressRule) -> String {
    let ports = rule.ports.map_or_else(|| "all ports".to_owned(), |ports| ports.to_string());
    format!("{} ({} {ports} {})", rule.id, rule.protocol, rule.source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GroupRuleId, IpProtocol};

    /// Rules such as `8080 10.0.0.0/24`, `8000-8100 sg-lb`, `8080 pl-1` and `8080 ?`.
    fn rules(texts: &[&str]) -> Vec<IngressRule> {
        let rule = |(number, text): (usize, &&str)| {
            let (ports, source) = text.split_once(' ').expect("ports and a source");
            let (from, to) = ports.split_once('-').unwrap_or((ports, ports));
            IngressRule {
                id: GroupRuleId::from(format!("sgr-{number}")),
                group: GroupId::from("sg-tasks"),
                protocol: IpProtocol::Tcp,
                ports: Some(PortRange { from: from.parse().expect("a port"), to: to.parse().expect("a port") }),
                source: match source.get(..2) {
                    Some("sg") => RuleSource::Group(GroupId::from(source)),
                    Some("pl") => RuleSource::PrefixList(source.to_owned()),
                    Some(_) => RuleSource::Cidr(source.parse().expect("a block")),
                    None => RuleSource::Unknown,
                },
                description: None,
                tags: Default::default(),
            }
        };
        texts.iter().enumerate().map(rule).collect()
    }

    fn blocks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().expect("a block")).collect()
    }

    fn lists() -> PrefixLists {
        let gap = Gap { call: "ec2:GetManagedPrefixListEntries".to_owned(), why: "AccessDenied".to_owned() };
        [
            ("pl-near", Seen::Present(blocks(&["10.0.1.0/24", "10.0.2.0/25"]).into_iter().collect())),
            ("pl-far", Seen::Present(blocks(&["192.168.0.0/16"]).into_iter().collect())),
            ("pl-gone", Seen::Absent),
            ("pl-denied", Seen::Unknown(gap)),
        ]
        .map(|(id, seen)| (id.to_owned(), seen))
        .into()
    }

    /// `yes`, `no`, or what could not be read.
    fn asked(texts: &[&str], ports: PortRange, peer: &Peer) -> String {
        match passage(&rules(texts), Transport::Tcp, ports, peer, &lists()) {
            Passage::Open(_) => "yes".to_owned(),
            Passage::Closed => "no".to_owned(),
            Passage::Unknown(gap) => gap.why,
        }
    }

    #[test]
    fn rules_add_up_over_addresses_ports_and_prefix_lists() {
        let nodes = Peer::group(&GroupId::from("sg-lb"), &blocks(&["10.0.1.0/24", "10.0.2.0/24"]));
        for (texts, answer) in [
            (&[][..], "no"),
            (&["8080 sg-lb"], "yes"),
            (&["8080 sg-other"], "no"),
            (&["8080 10.0.0.0/16"], "yes"),
            (&["8080 10.0.1.0/24"], "no"),
            (&["8080 10.0.1.0/24", "8080 10.0.2.0/24"], "yes"),
            // Halves of one block.
            (&["8080 10.0.1.0/24", "8080 10.0.2.0/25", "8080 10.0.2.128/25"], "yes"),
            (&["8080 10.0.1.0/24", "8080 10.0.2.0/25", "8080 10.0.2.128/26"], "no"),
            // A prefix list and a rule.
            (&["8080 pl-near"], "no"),
            (&["8080 pl-near", "8080 10.0.2.128/25"], "yes"),
            (&["8080 pl-far", "8080 pl-gone"], "no"),
            (&["8080 pl-denied"], "AccessDenied"),
            (&["8080 pl-denied", "8080 sg-lb"], "yes"),
            (&["8080 pl-unasked", "8080 10.0.0.0/8"], "yes"),
            (&["8080 pl-unasked", "8080 pl-near"], "pl-unasked was not read"),
            (&["8080 ?"], "a rule has a source of an unknown kind"),
            (&["9090 ?", "9090 pl-denied"], "no"),
        ] {
            assert_eq!(asked(texts, PortRange::one(8080), &nodes), answer, "{texts:?}");
        }
    }

    #[test]
    fn every_part_of_a_range_of_ports_has_to_be_allowed() {
        let nodes = Peer::group(&GroupId::from("sg-lb"), &blocks(&["10.0.1.0/24"]));
        let ports = PortRange { from: 32_768, to: 65_535 };
        for (texts, answer) in [
            (&["32768-65535 sg-lb"][..], "yes"),
            (&["1-65535 10.0.1.0/24"], "yes"),
            (&["32768-49152 sg-lb", "49153-65535 sg-lb"], "yes"),
            (&["32768-49152 sg-lb", "49153-65535 10.0.0.0/16"], "yes"),
            (&["32768-49152 sg-lb", "49154-65535 sg-lb"], "no"),
            (&["32769-65535 sg-lb"], "no"),
            (&["32768-65534 sg-lb"], "no"),
            (&["32768-49152 sg-lb", "49153-65535 pl-denied"], "AccessDenied"),
            // One part is closed, whatever the unread list holds for another.
            (&["32768-40000 pl-denied"], "no"),
            (&["32768-65535 sg-lb", "40000-50000 pl-denied"], "yes"),
        ] {
            assert_eq!(asked(texts, ports, &nodes), answer, "{texts:?}");
        }
    }

    #[test]
    fn a_peer_of_which_no_address_is_known_is_allowed_by_its_group_alone() {
        let anywhere = Peer::group(&GroupId::from("sg-lb"), &[]);
        let port = PortRange::one(8080);
        assert_eq!(asked(&["8080 0.0.0.0/0", "8080 ::/0"], port, &anywhere), "no");
        assert_eq!(asked(&["8080 sg-lb"], port, &anywhere), "yes");
        let office = Peer::block("10.20.0.0/16".parse().expect("a block"));
        assert_eq!(asked(&["8080 10.20.0.0/17", "8080 10.20.128.0/17"], port, &office), "yes");
        assert_eq!(asked(&["8080 sg-lb", "8080 ::/0"], port, &office), "no");
    }

    #[test]
    fn the_rules_that_allow_it_are_named_once() {
        let nodes = Peer { groups: BTreeSet::new(), blocks: blocks(&["10.0.1.0/24", "10.0.2.0/25"]) };
        let rules = rules(&["8080 pl-near", "8080 192.168.0.0/16"]);
        let found = passage(&rules, Transport::Tcp, PortRange::one(8080), &nodes, &lists());
        assert_eq!(found, Passage::Open("sgr-0 (tcp 8080 pl-near)".to_owned()));
    }

    #[test]
    fn an_unread_list_may_name_any_address() {
        let near = blocks(&["10.0.1.0/24"]);
        for (text, may) in [
            ("8080 10.0.1.7/32", true),
            ("8080 0.0.0.0/0", true),
            ("8080 10.0.2.0/24", false),
            ("8080 sg-lb", false),
            ("8080 pl-near", true),
            ("8080 pl-far", false),
            ("8080 pl-denied", true),
            ("9090 pl-denied", false),
        ] {
            assert_eq!(may_name_address(&rules(&[text]), Transport::Tcp, 8080, &near, &lists()), may, "{text}");
        }
        assert!(may_name_address(&rules(&["8080 10.0.2.0/24"]), Transport::Tcp, 8080, &[], &lists()));
        assert!(!may_name_address(&rules(&["8080 sg-lb"]), Transport::Tcp, 8080, &[], &lists()));
    }
}
