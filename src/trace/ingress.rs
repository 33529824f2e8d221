//! Whether the groups on the target's interface let requests and health checks in.

use std::collections::BTreeSet;

use crate::model::{Gap, IngressRule, LoadBalancer, Lookup, Passage, Peer, RuleSource, Transport, passage};

use super::catalogue::Code;
use super::client;
use super::end::End;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::load_balancer::{is_inside, list};
use super::way::Way;

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let (balancer, ends) = match (way.balancer(), &way.ends) {
        (Ok(balancer), Ok(ends)) => (balancer, ends),
        (Err(lack), _) => return lack.skip(),
        (_, Err(lack)) => return lack.clone().skip(),
    };
    if ends.is_empty() {
        return Examined::skipped("there is no target");
    }
    let inside: Vec<&End> = ends.iter().filter(|end| !end.is_outside).collect();
    if inside.is_empty() {
        return Examined::skipped("the targets are outside of the VPC: what filters there cannot be seen from here");
    }
    let keeps = match client::keeps_addresses(way) {
        Ok(keeps) => keeps,
        Err(gap) => return Examined::unknown(gap),
    };
    let (mut findings, mut gap, mut by) = (Vec::<Finding>::new(), None, BTreeSet::new());
    for end in inside {
        match check(way, balancer, end, keeps) {
            Ok(Verdict::Open(words)) => {
                by.insert(words);
            }
            Ok(Verdict::Closed(found)) => {
                let is_new = |found: &Finding| !findings.iter().any(|known| known.codes == found.codes);
                let new: Vec<Finding> = found.into_iter().filter(is_new).collect();
                findings.extend(new);
            }
            Err(why) => gap = Some(why),
        }
    }
    Examined::of(findings, gap, format!("let in by {}", list(&by)))
}

enum Verdict {
    Open(String),
    Closed(Vec<Finding>),
}

fn check(way: &Way<'_>, balancer: &LoadBalancer, end: &End, keeps: bool) -> Result<Verdict, Gap> {
    let groups = end.groups.clone()?;
    let rules = way.around.rules(&groups, false)?;
    let node = Peer { groups: balancer.security_groups.clone(), blocks: way.homes(balancer) };
    let ask = |transport, port, peer: &Peer| {
        let passed = passage(rules.iter().copied(), transport, port, peer, &way.around.prefix_lists);
        // Where the nodes are was not read: a rule by addresses may admit them.
        match (passed, way.given.observed.subnets.gap()) {
            (Passage::Closed(_), Some(gap)) => Passage::Unknown(gap.clone()),
            (passed, _) => passed,
        }
    };
    let mut findings = Vec::new();
    let traffic = if keeps && balancer.security_groups.is_empty() {
        from_clients(way, balancer, end, &rules)?
    } else {
        ask(way.transport(), end.port, &node)
    };
    let words = match traffic {
        Passage::Open(words) => words,
        Passage::Unknown(gap) => return Err(gap),
        Passage::Closed(_) => {
            let checks_pass = matches!(ask(Transport::Tcp, end.health_port, &node), Passage::Open(_));
            findings.push(closed(way, balancer, end, &rules, keeps && checks_pass));
            String::new()
        }
    };
    let is_apart = (Transport::Tcp, end.health_port) != (way.transport(), end.port);
    if is_apart || (keeps && findings.is_empty()) {
        match ask(Transport::Tcp, end.health_port, &node) {
            Passage::Open(_) => {}
            Passage::Unknown(gap) => return Err(gap),
            Passage::Closed(_) => {
                let what = format!(
                    "no rule of {} admits health checks of {} on tcp {} at {}",
                    end.group_list(),
                    balancer.name,
                    end.health_port,
                    end.name
                );
                let code = if is_apart { Code(3) } else { Code(1) };
                findings.push(Finding::of(code, what));
            }
        }
    }
    Ok(if findings.is_empty() { Verdict::Open(words) } else { Verdict::Closed(findings) })
}

/// Targets see the clients: the client that was asked about, or anybody who does not come from where the nodes are.
fn from_clients(way: &Way<'_>, balancer: &LoadBalancer, end: &End, rules: &[&IngressRule]) -> Result<Passage, Gap> {
    let lists = &way.around.prefix_lists;
    if let Some(client) = way.asked.client {
        let peer = Peer { groups: BTreeSet::new(), blocks: vec![client] };
        return Ok(passage(rules.iter().copied(), way.transport(), end.port, &peer, lists));
    }
    let is_foreign =
        |block: &ipnet::IpNet| balancer.internal || balancer.vpc.as_ref().is_none_or(|vpc| !is_inside(way, vpc, block));
    let admits = |rule: &&&IngressRule| match &rule.source {
        RuleSource::Cidr(cidr) => is_foreign(cidr),
        RuleSource::PrefixList(list) => way.around.blocks_of(list).any(is_foreign),
        RuleSource::Group(_) => balancer.internal,
        RuleSource::Unknown => false,
    };
    let mut open = rules.iter().filter(|rule| rule.lets_in(way.transport(), end.port));
    let unread = way.given.observed.vpcs.gap().filter(|_| !balancer.internal);
    match (open.clone().find(admits), unread) {
        // Whether the addresses that a rule names are outside of the VPC, where clients are, was not read.
        (Some(_), Some(gap)) if !open.any(|rule| names_everybody(rule)) => Ok(Passage::Unknown(gap.clone())),
        (Some(rule), _) => Ok(Passage::Open(format!("{} ({})", rule.id, rule.source))),
        (None, _) => Ok(Passage::Closed(None)),
    }
}

fn names_everybody(rule: &IngressRule) -> bool {
    matches!(&rule.source, RuleSource::Cidr(cidr) if cidr.prefix_len() == 0)
}

/// Which of the codes a closed port is.
fn closed(way: &Way<'_>, balancer: &LoadBalancer, end: &End, rules: &[&IngressRule], checks_pass: bool) -> Finding {
    let (transport, port, groups) = (way.transport(), end.port, end.group_list());
    let what = format!("no rule of {groups} admits {} on {transport} {port} at {}", who(balancer), end.name);
    let open: Vec<&&IngressRule> = rules.iter().filter(|rule| rule.lets_in(transport, port)).collect();
    if balancer.security_groups.is_empty() {
        if checks_pass {
            let shown: BTreeSet<String> = open.iter().map(|rule| rule.source.to_string()).collect();
            let what = format!(
                "{} keeps client addresses, and {groups} admits {} alone on {transport} {port}",
                balancer.name,
                list(&shown)
            );
            return Finding::of(Code(12), what);
        }
        let by_group = open.iter().find(|rule| matches!(rule.source, RuleSource::Group(_)));
        return match by_group {
            Some(rule) => {
                let name = &balancer.name;
                Finding::of(Code(14), format!("{name} has no group, and {} admits {} alone", rule.id, rule.source))
            }
            None => Finding::of(Code(1), what),
        };
    }
    if is_default_group(way, end) {
        return Finding::of(Code(6), format!("{what}; it is the VPC's default group"));
    }
    if let Some(carrier) = end.carrier.as_ref().filter(|carrier| admitted(way, balancer, end, carrier)) {
        return Finding::of(Code(5), format!("{what}; the groups of its instance do ({})", list(carrier)));
    }
    if is_dynamic(way) {
        let opened: BTreeSet<String> =
            rules.iter().filter_map(|rule| rule.ports.map(|ports| format!("{ports} from {}", rule.source))).collect();
        let opened = if opened.is_empty() { "nothing".to_owned() } else { list(&opened) };
        return Finding::of(Code(4), format!("{what}, a port that Docker gave out; admitted: {opened}"));
    }
    Finding::of(Code(1), what)
}

fn who(balancer: &LoadBalancer) -> String {
    match balancer.security_groups.len() {
        0 => format!("load balancer {}", balancer.name),
        _ => format!("{} of load balancer {}", list(&balancer.security_groups), balancer.name),
    }
}

/// The service names no groups, and its tasks have the one called `default`.
fn is_default_group(way: &Way<'_>, end: &End) -> bool {
    let Ok(service) = way.live_service() else { return false };
    if !service.network.as_ref().is_some_and(|network| network.security_groups.is_empty()) {
        return false;
    }
    let vpc = way.live_group().ok().and_then(|group| group.vpc.as_ref());
    let default = vpc.and_then(|vpc| way.given.security_group(vpc, "default").present());
    matches!((default, &end.groups), (Some(Lookup::One(group)), Ok(groups)) if groups.contains(&group.id))
}

fn admitted(way: &Way<'_>, balancer: &LoadBalancer, end: &End, groups: &BTreeSet<crate::model::GroupId>) -> bool {
    let Ok(rules) = way.around.rules(groups, false) else { return false };
    let node = Peer { groups: balancer.security_groups.clone(), blocks: way.homes(balancer) };
    let passed = passage(rules.iter().copied(), way.transport(), end.port, &node, &way.around.prefix_lists);
    matches!(passed, Passage::Open(_))
}

/// Whether Docker gives the host port out.
fn is_dynamic(way: &Way<'_>) -> bool {
    let (Some((container, port)), Ok(definition)) = (way.door(), way.definition()) else { return false };
    let mapping = definition
        .containers
        .get(container)
        .and_then(|container| container.ports.iter().find(|mapping| mapping.container_port == port));
    mapping.is_some_and(|mapping| mapping.host_port == Some(0))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{PORT, Stand, address, block, from_block, from_group, gap, rule};
    use crate::model::{
        Attributes, GroupId, HealthPort, Host, InstanceId, IpProtocol, PortRange, RuleSource, SecurityGroup, Seen,
        TargetGroupArn, VpcId,
    };
    use crate::trace::HopId;

    const HOP: HopId = HopId::TargetSecurityGroup;

    fn on(port: u16, source: RuleSource) -> crate::model::IngressRule {
        rule("sg-tasks", Some(PortRange::one(port)), source)
    }

    fn keep_addresses(stand: &mut Stand) {
        let kept = ("preserve_client_ip.enabled".to_owned(), "true".to_owned());
        stand
            .around
            .group_attributes
            .insert(TargetGroupArn::from("targetgroup/shop/1"), Seen::Present(Attributes::new([kept].into())));
    }

    #[test]
    fn a_rule_by_group_by_address_or_by_prefix_list_lets_in() {
        let mut stand = Stand::sound();
        assert_eq!(stand.hop(HOP).evidence, "let in by sgr-1 (tcp 8080 sg-lb)");
        for source in [from_block("10.0.0.0/23"), from_block("0.0.0.0/0"), RuleSource::PrefixList("pl-1".to_owned())] {
            *stand.ingress("sg-tasks") = vec![on(PORT, source.clone())];
            stand.around.prefix_lists.insert("pl-1".to_owned(), Seen::Present([block("10.0.0.0/23")].into()));
            assert_eq!(stand.state(HOP), "ok", "{source}");
        }
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("10.0.0.0/24")), on(PORT, from_block("10.0.1.0/24"))];
        assert_eq!(stand.state(HOP), "ok", "several rules add up");
        stand.ingress("sg-tasks").pop();
        assert_eq!(stand.found(HOP), ["M01"], "one of two subnets of nodes");
    }

    #[test]
    fn a_closed_port_is_closed_whatever_else_is_open() {
        let mut stand = Stand::sound();
        for rules in [vec![], vec![on(80, from_group("sg-lb"))], vec![on(PORT, from_group("sg-office"))]] {
            *stand.ingress("sg-tasks") = rules;
            assert_eq!(stand.found(HOP), ["M01"]);
        }
        let udp = crate::model::IngressRule { protocol: IpProtocol::Udp, ..on(PORT, from_group("sg-lb")) };
        *stand.ingress("sg-tasks") = vec![udp];
        assert_eq!(stand.found(HOP), ["M01"]);
    }

    #[test]
    fn health_checks_on_a_port_of_their_own_must_come_in_as_well() {
        let mut stand = Stand::sound();
        stand.group().health_check.port = Some(HealthPort::Fixed(9090));
        assert_eq!(stand.found(HOP), ["M03"]);
        stand.ingress("sg-tasks").push(on(9090, from_group("sg-lb")));
        assert_eq!(stand.state(HOP), "ok");
        stand.ingress("sg-tasks").remove(0);
        assert_eq!(stand.found(HOP), ["M01"]);
    }

    #[test]
    fn ports_that_docker_gave_out_are_checked_as_they_are() {
        let mut stand = Stand::on_instances();
        assert_eq!(stand.state(HOP), "ok");
        *stand.ingress("sg-tasks") = vec![on(PORT, from_group("sg-lb"))];
        assert_eq!(stand.found(HOP), ["M04"]);
        assert!(stand.hop(HOP).evidence.ends_with("admitted: 8080 from sg-lb"), "{}", stand.hop(HOP).evidence);
        // The range may be narrow, as long as it holds what was given out.
        let range = Some(PortRange { from: 32_771, to: 32_772 });
        *stand.ingress("sg-tasks") = vec![rule("sg-tasks", range, from_group("sg-lb"))];
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn the_groups_of_the_instance_do_not_help_a_task_with_an_interface_of_its_own() {
        let mut stand = Stand::sound();
        *stand.ingress("sg-tasks") = Vec::new();
        let rules = vec![rule("sg-host", Some(PortRange::one(PORT)), from_group("sg-lb"))];
        stand.around.ingress.insert(GroupId::from("sg-host"), Seen::Present(rules));
        for task in stand.tasks() {
            task.container_instance = Some("ci".to_owned());
        }
        let instance = InstanceId::from("i-a");
        stand.around.carriers.insert("ci".to_owned(), Seen::Present(instance.clone()));
        let host = Host {
            instance: instance.clone(),
            terminated: false,
            security_groups: [GroupId::from("sg-host")].into(),
            addresses: [address("10.0.10.5")].into(),
            subnet: None,
        };
        stand.around.hosts.insert(instance, Seen::Present(host));
        assert_eq!(stand.found(HOP), ["M05"]);
    }

    #[test]
    fn a_service_that_names_no_group_has_the_default_one() {
        let mut stand = Stand::sound();
        *stand.ingress("sg-tasks") = vec![rule("sg-tasks", None, from_group("sg-tasks"))];
        stand.service().network.as_mut().expect("a network").security_groups.clear();
        let id = GroupId::from("sg-tasks");
        let default = SecurityGroup { id, name: "default".to_owned(), name_tag: None, vpc: VpcId::from("vpc-1") };
        stand.observed.security_groups = Seen::Present(vec![default]);
        assert_eq!(stand.found(HOP), ["M06"]);
    }

    #[test]
    fn a_load_balancer_without_groups_is_admitted_by_address_only() {
        let mut stand = Stand::behind_network();
        assert_eq!(stand.state(HOP), "ok");
        *stand.ingress("sg-tasks") = vec![on(PORT, from_group("sg-lb"))];
        assert_eq!(stand.found(HOP), ["M14"]);
        stand.ingress("sg-tasks").clear();
        assert_eq!(stand.found(HOP), ["M01"]);
    }

    #[test]
    fn targets_that_see_the_clients_admit_the_clients() {
        let mut stand = Stand::behind_network();
        keep_addresses(&mut stand);
        assert_eq!(stand.found(HOP), ["M12"], "the VPC alone comes in");
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("0.0.0.0/0"))];
        assert_eq!(stand.state(HOP), "ok");
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("192.0.2.0/24")), on(PORT, from_block("10.0.0.0/16"))];
        assert_eq!(stand.state(HOP), "ok", "some clients are enough");
        stand.asked.client = Some(block("198.51.100.7/32"));
        assert_eq!(stand.found(HOP), ["M12"]);
        // Health checks do not come from clients.
        stand.asked.client = None;
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("192.0.2.0/24"))];
        assert_eq!(stand.found(HOP), ["M01"]);
        assert!(stand.hop(HOP).evidence.contains("health checks"), "{}", stand.hop(HOP).evidence);
    }

    #[test]
    fn what_was_not_read_leaves_it_open() {
        let mut stand = Stand::sound();
        stand.around.interfaces.clear();
        assert_eq!(stand.state(HOP), "unknown");
        let mut stand = Stand::sound();
        stand.around.ingress.remove(&GroupId::from("sg-tasks"));
        assert_eq!(stand.state(HOP), "unknown");
        let mut stand = Stand::sound();
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("10.0.0.0/16"))];
        stand.observed.subnets = Seen::Unknown(gap("ec2:DescribeSubnets"));
        assert_eq!(stand.state(HOP), "unknown", "nobody knows where the nodes are");
        let mut stand = Stand::behind_network();
        stand.around.group_attributes.clear();
        assert_eq!(stand.state(HOP), "unknown", "nor whom the targets see");
    }

    #[test]
    fn while_no_task_runs_the_services_own_groups_are_asked() {
        let mut stand = Stand::sound();
        stand.tasks().clear();
        assert_eq!(stand.state(HOP), "ok");
        stand.ingress("sg-tasks").clear();
        assert_eq!(stand.found(HOP), ["M01"]);
        let mut stand = Stand::on_instances();
        stand.tasks().clear();
        assert_eq!(stand.state(HOP), "skipped", "no host port is known");
    }
}
