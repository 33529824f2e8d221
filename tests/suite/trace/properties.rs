//! Entries, groups and patterns against the slowest and most obvious implementation of the same.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use portolan::model::request::matches;
use portolan::model::{
    AclEntry, GroupId, GroupRuleId, IngressRule, IpProtocol, NetworkAcl, Passage, Peer, PortRange, RuleSource, Seen,
    Transport, VpcId, passage,
};
use proptest::prelude::*;

const CASES: u32 = 20_000;

/// Blocks of a network of sixteen addresses, so that they nest and meet often.
fn block() -> impl Strategy<Value = IpNet> {
    (0_u8..16, 28_u8..=32).prop_map(|(last, length)| {
        let address = Ipv4Addr::new(10, 0, 0, last);
        IpNet::V4(Ipv4Net::new(address, length).expect("a length").trunc())
    })
}

fn ports() -> impl Strategy<Value = PortRange> {
    (0_u16..12, 0_u16..12).prop_map(|(a, b)| PortRange { from: a.min(b), to: a.max(b) })
}

fn protocol() -> impl Strategy<Value = IpProtocol> {
    prop_oneof![
        4 => Just(IpProtocol::Tcp),
        1 => Just(IpProtocol::Udp),
        1 => Just(IpProtocol::All),
        1 => Just(IpProtocol::Other("1".to_owned())),
    ]
}

fn entry() -> impl Strategy<Value = AclEntry> {
    (1_u32..9, any::<bool>(), any::<bool>(), protocol(), block(), proptest::option::of(ports())).prop_map(
        |(number, egress, allow, protocol, cidr, ports)| AclEntry { number, egress, allow, protocol, cidr, ports },
    )
}

/// AWS has each number once in a direction.
fn acl() -> impl Strategy<Value = NetworkAcl> {
    proptest::collection::vec(entry(), 0..7).prop_map(|entries| {
        let unique: BTreeMap<(bool, u32), AclEntry> =
            entries.into_iter().map(|entry| ((entry.egress, entry.number), entry)).collect();
        NetworkAcl {
            id: "acl-1".to_owned(),
            vpc: VpcId::from("vpc-1"),
            subnets: BTreeSet::new(),
            entries: unique.into_values().rev().collect(),
        }
    })
}

fn addresses(block: &IpNet) -> Vec<IpAddr> {
    (0..16).map(|last| IpAddr::from(Ipv4Addr::new(10, 0, 0, last))).filter(|one| block.contains(one)).collect()
}

/// One packet, one entry after the other.
fn first_match(acl: &NetworkAcl, egress: bool, peer: IpAddr, port: u16) -> bool {
    for number in 0..40_000 {
        for entry in acl.entries.iter().filter(|entry| entry.number == number && entry.egress == egress) {
            let is_all = entry.protocol == IpProtocol::All;
            let in_ports = is_all || entry.ports.is_none_or(|ports| ports.from <= port && port <= ports.to);
            if (is_all || entry.protocol == IpProtocol::Tcp) && entry.cidr.contains(&peer) && in_ports {
                return entry.allow;
            }
        }
        if number > 10 {
            break;
        }
    }
    false
}

fn rule() -> impl Strategy<Value = IngressRule> {
    let source = prop_oneof![
        4 => block().prop_map(RuleSource::Cidr),
        1 => prop_oneof![Just("sg-lb"), Just("sg-other")].prop_map(|id| RuleSource::Group(GroupId::from(id))),
        1 => Just(RuleSource::PrefixList("pl-1".to_owned())),
    ];
    (protocol(), proptest::option::of(ports()), source).prop_map(|(protocol, ports, source)| IngressRule {
        id: GroupRuleId::from("sgr-1"),
        group: GroupId::from("sg-1"),
        protocol,
        ports,
        source,
        description: None,
        tags: BTreeMap::new(),
    })
}

/// Tries every way in which the pattern can read the text.
fn reads(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some(('*', rest)), _) => (0..=text.len()).any(|taken| reads(rest, &text[taken..])),
        (Some(_), None) => false,
        (Some((symbol, rest)), Some((letter, left))) => (*symbol == '?' || symbol == letter) && reads(rest, left),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn an_acl_decides_every_packet_once_and_as_its_first_matching_entry(
        acl in acl(), egress in any::<bool>(), peer in block(), asked in ports()
    ) {
        let pieces = acl.decide(egress, peer, Transport::Tcp, asked);
        for address in addresses(&peer) {
            for port in asked.from..=asked.to {
                let about: Vec<_> = pieces
                    .iter()
                    .filter(|piece| piece.cidr.contains(&address) && piece.ports.from <= port && port <= piece.ports.to)
                    .collect();
                prop_assert_eq!(about.len(), 1, "{} {}", address, port);
                prop_assert_eq!(about[0].allow, first_match(&acl, egress, address, port), "{} {}", address, port);
            }
        }
        prop_assert!(pieces.iter().all(|piece| addresses(&piece.cidr).iter().all(|address| peer.contains(address))));
    }

    #[test]
    fn groups_add_up_address_by_address(
        rules in proptest::collection::vec(rule(), 0..6),
        port in 0_u16..12,
        blocks in proptest::collection::vec(block(), 1..3),
        list in proptest::collection::btree_set(block(), 0..3),
        is_member in any::<bool>(),
    ) {
        let groups: BTreeSet<GroupId> = is_member.then(|| GroupId::from("sg-lb")).into_iter().collect();
        let peer = Peer { groups: groups.clone(), blocks: blocks.clone() };
        let lists = BTreeMap::from([("pl-1".to_owned(), Seen::Present(list.clone()))]);
        let opens = |rule: &IngressRule| match rule.protocol {
            IpProtocol::All => true,
            IpProtocol::Tcp => rule.ports.is_none_or(|ports| ports.from <= port && port <= ports.to),
            _ => false,
        };
        let lets = |address: &IpAddr| rules.iter().any(|rule| opens(rule) && match &rule.source {
            RuleSource::Cidr(cidr) => cidr.contains(address),
            RuleSource::PrefixList(_) => list.iter().any(|cidr| cidr.contains(address)),
            _ => false,
        });
        let by_group = rules.iter().any(|rule| {
            opens(rule) && matches!(&rule.source, RuleSource::Group(id) if groups.contains(id))
        });
        let expected = by_group || blocks.iter().all(|block| addresses(block).iter().all(lets));
        let found = passage(&rules, Transport::Tcp, port, &peer, &lists);
        prop_assert_eq!(matches!(found, Passage::Open(_)), expected, "{:?}", found);
    }

    #[test]
    fn a_pattern_takes_what_it_can_be_read_as(pattern in "[ab*?]{0,7}", text in "[abc]{0,7}") {
        let (symbols, letters): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        prop_assert_eq!(matches(&pattern, &text), reads(&symbols, &letters));
    }
}

#[test]
fn a_prefix_list_that_was_not_read_leaves_the_answer_open() {
    let rule = IngressRule {
        id: GroupRuleId::from("sgr-1"),
        group: GroupId::from("sg-1"),
        protocol: IpProtocol::Tcp,
        ports: None,
        source: RuleSource::PrefixList("pl-1".to_owned()),
        description: None,
        tags: BTreeMap::new(),
    };
    let peer = Peer { groups: BTreeSet::new(), blocks: vec!["10.0.0.0/24".parse().expect("a block")] };
    let found = passage([&rule], Transport::Tcp, 80, &peer, &BTreeMap::new());
    assert!(matches!(found, Passage::Unknown(_)), "{found:?}");
}
