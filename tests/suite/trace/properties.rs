//! Entries, groups and patterns against the slowest and most obvious implementation of the same.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use portolan::model::pattern::{Outside, matches, outside};
use portolan::model::{
    AclEntry, AddressSet, Conditions, Gap, GroupId, GroupRuleId, HeaderCondition, IngressRule, IpProtocol, NetworkAcl,
    Passage, Peer, PortRange, QueryCondition, Request, RequestSet, RuleSource, Seen, Share, Taken, Transport, VpcId,
    passage,
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

/// Ranges of ports around those that answers go to.
fn answer_ports() -> impl Strategy<Value = PortRange> {
    (0..EDGES.len(), 0..EDGES.len()).prop_map(move |(a, b)| PortRange { from: EDGES[a.min(b)], to: EDGES[a.max(b)] })
}

const EDGES: [u16; 11] = [0, 1023, 1024, 4000, 4248, 4249, 32_767, 32_768, 60_999, 61_000, u16::MAX];

/// Whether an address gets answers, port by port: between two edges all ports are decided alike.
fn is_answered(acl: &NetworkAcl, egress: bool, address: IpAddr) -> bool {
    let starts: BTreeSet<u32> = EDGES.iter().flat_map(|edge| [u32::from(*edge), u32::from(*edge) + 1]).collect();
    let starts: Vec<u32> = starts.into_iter().filter(|start| (1024..=65_535).contains(start)).collect();
    let ends = starts.iter().skip(1).copied().chain([65_536]);
    let mut denied = 0;
    for (start, end) in starts.iter().zip(ends) {
        let port = u16::try_from(*start).expect("a port");
        if !first_match(acl, egress, address, port) {
            if (32_768..=60_999).contains(start) {
                return false;
            }
            denied += end - start;
        }
    }
    f64::from(denied) <= 0.05 * 64_512.0
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
        if number > 20 {
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

/// None, one or two.
fn few<T: Ord + std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = BTreeSet<T>> {
    proptest::collection::btree_set(of, 0..3)
}

/// Canonical, as both sides of planning have them: hosts and names of headers in lower case.
fn conditions() -> impl Strategy<Value = Conditions> {
    let header = ("x-[ab]", few("[aB*?]{1,3}")).prop_map(|(name, values)| HeaderCondition { name, values });
    let pair = (proptest::option::of("[aB*]{1,2}"), "[aB*?]{1,3}");
    let query = few(pair).prop_map(|pairs| QueryCondition { pairs });
    let methods = prop_oneof![Just("GET"), Just("POST"), Just("get")].prop_map(str::to_owned);
    let unsayable = prop_oneof![5 => Just(Vec::new()), 1 => Just(vec!["path-regex ^/a".into()])];
    (few("[ab*?]{1,3}"), few("/[aB*?]{0,3}"), few(methods), few(block()), few(header), few(query), unsayable).prop_map(
        |(hosts, paths, methods, source_ips, headers, queries, unsayable)| Conditions {
            hosts,
            paths,
            methods,
            source_ips,
            // AWS refuses a condition without a value.
            headers: headers.into_iter().filter(|header| !header.values.is_empty()).collect(),
            queries: queries.into_iter().filter(|query| !query.pairs.is_empty()).collect(),
            unsayable,
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let method = prop_oneof![3 => Just("GET"), 1 => Just("POST")].prop_map(str::to_owned);
    let host = ("[aAbB]{1,3}", any::<bool>()).prop_map(|(host, port)| if port { format!("{host}:80") } else { host });
    let headers = proptest::collection::btree_map("X-[ab]", "[aAbB]{1,3}", 0..3);
    let query = proptest::collection::vec(("[aAbB]{1,2}", "[aAbB]{1,3}"), 0..3);
    let from = proptest::option::of((0_u8..16).prop_map(|last| IpAddr::from(Ipv4Addr::new(10, 0, 0, last))));
    (method, host, "/[aAbB]{0,3}", query, headers, from)
        .prop_map(|(method, host, path, query, headers, from)| Request { method, host, path, query, headers, from })
}

fn letters(text: &str, ignores_case: bool) -> Vec<char> {
    text.chars().map(|letter| if ignores_case { letter.to_ascii_lowercase() } else { letter }).collect()
}

fn fits(pattern: &str, text: &str, ignores_case: bool) -> bool {
    reads(&letters(pattern, ignores_case), &letters(text, ignores_case))
}

/// The conditions of a rule that a request does not meet, each asked by itself, value by value (ELBv2 user guide,
/// condition types for listener rules).
fn unmet(rule: &Conditions, request: &Request, from: IpAddr) -> Vec<&'static str> {
    let mut unmet = Vec::new();
    let mut ask = |name: &'static str, asked: bool, answers: Vec<bool>| {
        if asked && !answers.contains(&true) {
            unmet.push(name);
        }
    };
    let (host, _) = request.host.split_once(':').unwrap_or((&request.host, ""));
    ask("host", !rule.hosts.is_empty(), rule.hosts.iter().map(|pattern| fits(pattern, host, true)).collect());
    let paths = rule.paths.iter().map(|pattern| fits(pattern, &request.path, false));
    ask("path", !rule.paths.is_empty(), paths.collect());
    ask("method", !rule.methods.is_empty(), rule.methods.iter().map(|method| *method == request.method).collect());
    let sources = rule.source_ips.iter().map(|block| addresses(block).contains(&from));
    ask("source address", !rule.source_ips.is_empty(), sources.collect());
    for header in &rule.headers {
        let mut answers = Vec::new();
        for (name, text) in &request.headers {
            for value in &header.values {
                answers.push(letters(name, true) == letters(&header.name, true) && fits(value, text, true));
            }
        }
        ask("header", true, answers);
    }
    for query in &rule.queries {
        let mut answers = Vec::new();
        for (key, value) in &query.pairs {
            for (name, text) in &request.query {
                answers.push(key.as_ref().is_none_or(|key| fits(key, name, true)) && fits(value, text, true));
            }
        }
        ask("query string", true, answers);
    }
    unmet
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES / 10))]

    #[test]
    fn an_acl_lets_through_and_answers_the_addresses_that_it_does_one_by_one(
        acl in acl(), more in proptest::collection::vec((any::<bool>(), block(), answer_ports()), 0..7),
        egress in any::<bool>(), peers in proptest::collection::vec(block(), 1..3), port in 0_u16..12
    ) {
        let mut acl = acl;
        acl.entries.extend(more.into_iter().zip(10..).map(|((allow, cidr, ports), number)| {
            AclEntry { number, egress, allow, protocol: IpProtocol::Tcp, cidr, ports: Some(ports) }
        }));
        let set = AddressSet::of(peers.iter().copied());
        let holds = |set: &AddressSet, address: &IpAddr| set.blocks().iter().any(|block| block.contains(address));
        let passed = acl.lets_through(egress, &set, Transport::Tcp, port);
        let (unanswered, denial) = acl.unanswered(egress, &set, Transport::Tcp);
        for address in (0..16).map(|last| IpAddr::from(Ipv4Addr::new(10, 0, 0, last))) {
            let is_asked = peers.iter().any(|block| block.contains(&address));
            prop_assert_eq!(holds(&passed, &address), is_asked && first_match(&acl, egress, address, port));
            let lacks = is_asked && !is_answered(&acl, egress, address);
            prop_assert_eq!(holds(&unanswered, &address), lacks, "{}", address);
        }
        prop_assert_eq!(denial.is_some(), !unanswered.is_empty());
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
    fn groups_add_up_address_by_address_and_port_by_port(
        rules in proptest::collection::vec(rule(), 0..6),
        asked in ports(),
        blocks in proptest::collection::vec(block(), 1..3),
        list in proptest::collection::btree_set(block(), 0..3),
        is_read in any::<bool>(),
        is_member in any::<bool>(),
    ) {
        let groups: BTreeSet<GroupId> = is_member.then(|| GroupId::from("sg-lb")).into_iter().collect();
        let peer = Peer { groups: groups.clone(), blocks: blocks.clone() };
        let gap = Gap { call: "ec2:GetManagedPrefixListEntries".to_owned(), why: "AccessDenied".to_owned() };
        let seen = if is_read { Seen::Present(list.clone()) } else { Seen::Unknown(gap.clone()) };
        let lists = BTreeMap::from([("pl-1".to_owned(), seen)]);
        let opens = |rule: &IngressRule, port: u16| match rule.protocol {
            IpProtocol::All => true,
            IpProtocol::Tcp => rule.ports.is_none_or(|ports| ports.from <= port && port <= ports.to),
            _ => false,
        };
        let allowed = |is_listed: &dyn Fn(&IpAddr) -> bool| {
            let lets = |address: &IpAddr, port: u16| rules.iter().any(|rule| opens(rule, port) && match &rule.source {
                RuleSource::Cidr(cidr) => cidr.contains(address),
                RuleSource::PrefixList(_) => is_listed(address),
                RuleSource::Group(id) => groups.contains(id),
                RuleSource::Unknown => false,
            });
            let mut ports = asked.from..=asked.to;
            ports.all(|port| blocks.iter().all(|block| addresses(block).iter().all(|address| lets(address, port))))
        };
        // What an unread list holds may be anything.
        let (least, most) = match is_read {
            true => {
                let answer = allowed(&|address| list.iter().any(|cidr| cidr.contains(address)));
                (answer, answer)
            }
            false => (allowed(&|_| false), allowed(&|_| true)),
        };
        let found = passage(&rules, Transport::Tcp, asked, &peer, &lists);
        match found {
            Passage::Open(_) => prop_assert!(least),
            Passage::Closed => prop_assert!(!most),
            Passage::Unknown(found) => {
                prop_assert!(most && !least);
                prop_assert_eq!(found, gap);
            }
        }
    }

    #[test]
    fn a_rule_takes_what_meets_every_condition_and_says_which_one_fails(rule in conditions(), request in request()) {
        // Who the client is may be left open: then it may be anybody, from in here or from far away.
        let anybody = (0..16).chain([200]).map(|last| IpAddr::from(Ipv4Addr::new(10, 0, 0, last)));
        let clients: Vec<IpAddr> = request.from.map_or_else(|| anybody.collect(), |from| vec![from]);
        let outcomes: Vec<Vec<&str>> = clients.iter().map(|from| unmet(&rule, &request, *from)).collect();
        match rule.takes(&request) {
            Taken::Yes => {
                prop_assert!(rule.unsayable.is_empty());
                prop_assert!(outcomes.iter().all(Vec::is_empty), "{:?}", outcomes);
            }
            Taken::No(condition) => {
                prop_assert!(outcomes.iter().all(|unmet| unmet.contains(&condition)), "{} {:?}", condition, outcomes);
            }
            Taken::Perhaps(_) => {
                prop_assert!(outcomes.iter().any(Vec::is_empty), "{:?}", outcomes);
                let is_open = outcomes.iter().any(|unmet| !unmet.is_empty());
                prop_assert!(is_open || !rule.unsayable.is_empty(), "{:?}", outcomes);
            }
        }
    }

    #[test]
    fn a_pattern_takes_what_it_can_be_read_as(pattern in "[abé*?]{0,7}", text in "[abcé]{0,7}") {
        let (symbols, letters): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        prop_assert_eq!(matches(&pattern, &text), reads(&symbols, &letters));
    }
}

proptest! {
    // Each of these tries many clients or many texts.
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_rule_takes_all_or_none_of_a_set_as_it_takes_each_request_of_it(
        wanted in conditions(), rule in conditions(), request in request()
    ) {
        let anybody = (0..16).map(|last| IpAddr::from(Ipv4Addr::new(10, 0, 0, last)));
        let clients: Vec<IpAddr> = request.from.map_or_else(|| anybody.collect(), |from| vec![from]);
        for set in RequestSet::all_of(&wanted, None) {
            let meets = |from: &IpAddr| {
                let only = |text: &String| BTreeSet::from([text.clone()]);
                let set = Conditions {
                    hosts: only(&set.host),
                    paths: only(&set.path),
                    methods: only(&set.method),
                    source_ips: set.from.into_iter().collect(),
                    ..wanted.clone()
                };
                unmet(&set, &request, *from).is_empty()
            };
            for from in clients.iter().filter(|from| meets(from)) {
                let unmet = unmet(&rule, &request, *from);
                match rule.share_of(&set) {
                    Share::All => prop_assert_eq!(unmet, Vec::<&str>::new(), "{} {}", set, request),
                    Share::None(condition) => prop_assert!(unmet.contains(&condition), "{} {:?}", condition, unmet),
                    Share::Some { .. } => {}
                    Share::Unknown(_) => {
                        let is_open = !rule.unsayable.is_empty() || !wanted.unsayable.is_empty();
                        prop_assert!(is_open);
                    }
                }
            }
        }
    }

    #[test]
    fn conditions_cover_others_only_if_they_take_whatever_these_take(
        wide in conditions(), narrow in conditions(), request in request()
    ) {
        let anybody = (0..16).chain([200]).map(|last| IpAddr::from(Ipv4Addr::new(10, 0, 0, last)));
        let clients: Vec<IpAddr> = request.from.map_or_else(|| anybody.collect(), |from| vec![from]);
        if wide.covers(&narrow) {
            for from in clients.iter().filter(|from| unmet(&narrow, &request, **from).is_empty()) {
                prop_assert_eq!(unmet(&wide, &request, *from), Vec::<&str>::new());
            }
        }
        let meets_both = clients.iter().any(|from| {
            unmet(&wide, &request, *from).is_empty() && unmet(&narrow, &request, *from).is_empty()
        });
        prop_assert!(wide.may_overlap(&narrow) || !meets_both);
    }

    #[test]
    fn a_pattern_has_beside_others_the_shortest_text_that_no_other_takes(
        pattern in "[ab*?]{0,5}", others in proptest::collection::vec("[ab*?]{0,5}", 0..3)
    ) {
        let takes = |pattern: &str, text: &str| reads(&letters(pattern, false), &letters(text, false));
        let is_beside = |text: &&String| takes(&pattern, text) && !others.iter().any(|other| takes(other, text));
        // No pattern has the third letter: it stands for all that they leave out.
        let mut texts: Vec<String> = vec![String::new()];
        let mut shortest = texts.iter().find(is_beside).cloned();
        for _ in 0..5 {
            texts = texts.iter().flat_map(|text| ["a", "b", "c"].map(|letter| format!("{text}{letter}"))).collect();
            shortest = shortest.or_else(|| texts.iter().find(is_beside).cloned());
        }
        match outside(&pattern, others.iter().map(String::as_str)) {
            Outside::Nothing => prop_assert_eq!(shortest, None),
            Outside::Text(text) => {
                prop_assert!(is_beside(&&text), "{}", text);
                prop_assert!(shortest.is_none_or(|known| known.len() == text.len()), "{}", text);
            }
            Outside::Undecided => return Err(TestCaseError::fail("so few states can be looked at")),
        }
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
    let found = passage([&rule], Transport::Tcp, PortRange::one(80), &peer, &BTreeMap::new());
    assert!(matches!(found, Passage::Unknown(_)), "{found:?}");
}
