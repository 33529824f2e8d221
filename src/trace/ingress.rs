//! Whether the security groups on the target's interface allow inbound requests and health checks.
//!
//! Requests come from the load balancer's nodes. If a network load balancer preserves client IP addresses, they come from the
//! clients instead, with two exceptions: a rule that names the load balancer's security group allows them all, and clients of
//! the other address family or of PrivateLink come from the nodes. Health checks always come from the nodes.

use std::collections::BTreeSet;

use crate::model::{Gap, Passage, Transport};

use super::catalogue::codes;
use super::client;
use super::clients_of_private_link::{Judged, judge};
use super::closed_port;
use super::end::End;
use super::finding::{self, Finding, list};
use super::hop::{Examined, Hop};
use super::receiver::Receiver;
use super::way::Way;

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let (balancer, ends) = match (way.balancer(), &way.ends) {
        (Ok(balancer), Ok(ends)) => (balancer, ends),
        (Err(lack), _) => return lack.skip(),
        (_, Err(lack)) => return lack.clone().skip(),
    };
    if ends.is_empty() {
        return Examined::skipped("no target to check");
    }
    let inside: Vec<&End> = ends.iter().filter(|end| !end.is_outside).collect();
    if inside.is_empty() {
        return Examined::skipped("the targets are outside the VPC, so their firewall rules cannot be read");
    }
    let keeps = match client::keeps_addresses(way) {
        Ok(keeps) => keeps,
        Err(gap) => return Examined::unknown(gap),
    };
    let mut checked = Checked::default();
    for end in inside {
        let groups = end.groups.clone();
        match groups.and_then(|groups| Receiver::behind(way, balancer, end, keeps, &groups)) {
            Ok(receiver) => receiver.check(&mut checked),
            Err(gap) => checked.gap = Some(gap),
        }
    }
    if let (true, None, Some(first)) = (checked.findings.is_empty(), &checked.gap, checked.undecided.first()) {
        let evidence = first.evidence.clone();
        return Examined { findings: checked.undecided, ..Examined::undecided(evidence) };
    }
    Examined::of(checked.findings, checked.gap, format!("allowed by {}", list(&checked.by)))
}

/// The result for all receivers.
#[derive(Default)]
struct Checked {
    findings: Vec<Finding>,
    /// Findings that concern only clients that may not exist.
    undecided: Vec<Finding>,
    gap: Option<Gap>,
    /// The rules that allow requests.
    by: BTreeSet<String>,
}

impl Receiver<'_, '_> {
    fn check(&self, checked: &mut Checked) {
        let mut add = |finding: Finding| finding::add(&mut checked.findings, finding.about_end(self.end));
        let undecided = &mut checked.undecided;
        let mut tcp_is_closed = false;
        for transport in self.way.transports() {
            let judged = self.requests(*transport).map(|passage| judge(self, *transport, passage));
            match judged {
                Ok(Judged::As(Passage::Open(words))) => {
                    checked.by.insert(words);
                }
                Ok(Judged::As(Passage::Unknown(gap))) | Err(gap) => checked.gap = Some(gap),
                Ok(Judged::As(Passage::Closed)) => {
                    tcp_is_closed |= *transport == Transport::Tcp;
                    add(closed_port::to_requests(self, *transport));
                }
                Ok(Judged::Blocked(finding)) => add(finding),
                Ok(Judged::Undecided(finding)) => finding::add(undecided, finding.about_end(self.end)),
            }
        }
        let is_apart = self.way.is_checked_apart(self.end);
        if is_apart || (self.keeps && !tcp_is_closed) {
            match self.passage_of_nodes(Transport::Tcp, self.end.health_port) {
                Passage::Open(_) => {}
                Passage::Unknown(gap) => checked.gap = Some(gap),
                Passage::Closed => add(closed_port::to_checks(
                    self,
                    if is_apart {
                        codes::HEALTH_CHECK_PORT_BLOCKED
                    } else {
                        codes::TARGET_SECURITY_GROUP_BLOCKS_LOAD_BALANCER
                    },
                )),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{PORT, Stand, address, block, from_block, from_group, gap, rule};
    use crate::model::{
        Attributes, GroupId, HealthPort, Host, InstanceId, IpProtocol, PortRange, Protocol, RuleSource, SecurityGroup,
        Seen, SubnetId, TargetGroupArn, VpcId,
    };
    use crate::trace::HopId;

    const HOP: HopId = HopId::TargetSecurityGroup;

    fn on(port: u16, source: RuleSource) -> crate::model::IngressRule {
        rule("sg-tasks", Some(PortRange::one(port)), source)
    }

    fn keep_addresses(stand: &mut Stand) {
        let kept = ("preserve_client_ip.enabled".to_owned(), "true".to_owned());
        stand
            .observed
            .attributes
            .insert(TargetGroupArn::from("targetgroup/shop/1"), Seen::Present(Attributes::new([kept].into())));
    }

    #[test]
    fn a_rule_by_group_by_address_or_by_prefix_list_lets_in() {
        let mut stand = Stand::sound();
        assert_eq!(stand.hop(HOP).evidence, "allowed by sgr-1 (tcp 8080 sg-lb)");
        for source in [from_block("10.0.0.0/23"), from_block("0.0.0.0/0"), RuleSource::PrefixList("pl-1".to_owned())] {
            *stand.ingress("sg-tasks") = vec![on(PORT, source.clone())];
            stand.observed.prefix_lists.insert("pl-1".to_owned(), Seen::Present([block("10.0.0.0/23")].into()));
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
        assert!(stand.hop(HOP).evidence.ends_with("allowed: 8080 from sg-lb"), "{}", stand.hop(HOP).evidence);
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
        stand.observed.ingress.insert(GroupId::from("sg-host"), Seen::Present(rules));
        for task in stand.tasks() {
            task.container_instance = Some("ci".to_owned());
        }
        let instance = InstanceId::from("i-a");
        stand.observed.container_instances.insert("ci".to_owned(), Seen::Present(instance.clone()));
        let host = Host {
            instance: instance.clone(),
            terminated: false,
            security_groups: [GroupId::from("sg-host")].into(),
            addresses: [address("10.0.10.5")].into(),
            subnet: None,
        };
        stand.observed.hosts.insert(instance, Seen::Present(host));
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
    fn private_addresses_admit_no_client_of_the_internet() {
        let mut stand = Stand::behind_network();
        keep_addresses(&mut stand);
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("10.0.0.0/8"))];
        assert_eq!(stand.found(HOP), ["M12"]);
        stand.balancer().internal = true;
        assert_eq!(stand.state(HOP), "ok", "clients of an internal one are there");
        stand.balancer().internal = false;
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("::/0")), on(PORT, from_block("10.0.0.0/8"))];
        assert_eq!(stand.found(HOP), ["M12"], "no client has an IPv6 address");
        stand.asked.client = Some(block("10.7.0.1/32"));
        assert_eq!(stand.state(HOP), "ok", "this one was asked about");
    }

    #[test]
    fn a_rule_that_names_the_load_balancers_group_passes_whatever_the_clients_are() {
        let mut stand = Stand::behind_network();
        keep_addresses(&mut stand);
        stand.balancer().security_groups = [GroupId::from("sg-lb")].into();
        *stand.ingress("sg-tasks") = vec![on(PORT, from_group("sg-lb"))];
        assert_eq!(stand.state(HOP), "ok");
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("10.0.0.0/16"))];
        assert_eq!(stand.found(HOP), ["M12"], "the addresses of its nodes do not");
        let finding = &stand.hop(HOP).findings[0];
        assert!(finding.fix.starts_with("allow tcp 8080 from sg-lb of load balancer public"), "{}", finding.fix);
        // A group of clients is not seen behind a load balancer, and the clients must pass both groups.
        *stand.ingress("sg-lb") = vec![on(80, from_block("192.0.2.0/24"))];
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("198.51.100.0/24")), on(PORT, from_block("10.0.0.0/16"))];
        assert_eq!(stand.found(HOP), ["M12"]);
        stand.ingress("sg-tasks").push(on(PORT, from_block("192.0.0.0/16")));
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn clients_of_the_other_family_come_from_the_nodes() {
        let mut stand = Stand::behind_network();
        keep_addresses(&mut stand);
        stand.asked.client = Some(block("2001:db8::7/128"));
        assert_eq!(stand.state(HOP), "ok", "the targets have IPv4 addresses, and admit the VPC");
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("::/0"))];
        assert_eq!(stand.found(HOP), ["M01"]);
    }

    #[test]
    fn tcp_and_udp_are_asked_apart() {
        let mut stand = Stand::behind_network();
        stand.listeners()[0].protocol = Protocol::TcpUdp;
        stand.group().protocol = Protocol::TcpUdp;
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("0.0.0.0/0"))];
        assert_eq!(stand.found(HOP), ["M01"], "nothing opens UDP");
        assert!(stand.hop(HOP).evidence.contains("on udp 8080"), "{}", stand.hop(HOP).evidence);
        let udp = |source| crate::model::IngressRule { protocol: IpProtocol::Udp, ..on(PORT, source) };
        stand.ingress("sg-tasks").push(udp(from_block("10.0.0.0/16")));
        assert_eq!(stand.found(HOP), ["M12"]);
        let fix = stand.hop(HOP).findings[0].fix.clone();
        assert!(fix.ends_with("AWS always preserves client IP addresses for UDP"), "{fix}");
        stand.ingress("sg-tasks").push(udp(from_block("0.0.0.0/0")));
        assert_eq!(stand.state(HOP), "ok");
        // A listener of TCP brings TCP alone to such a target group.
        stand.ingress("sg-tasks").truncate(1);
        stand.listeners()[0].protocol = Protocol::Tcp;
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn nodes_whose_addresses_are_known_may_be_admitted_one_by_one() {
        let mut stand = Stand::behind_network();
        let node = |subnet: &str, place: &str| (SubnetId::from(subnet), [address(place)].into());
        let nodes = [node("public-a", "10.0.0.4"), node("public-b", "10.0.1.9")].into();
        stand.observed.nodes.insert("lb/public".into(), Seen::Present(nodes));
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("10.0.0.4/32")), on(PORT, from_block("10.0.1.9/32"))];
        assert_eq!(stand.state(HOP), "ok");
        stand.ingress("sg-tasks").pop();
        assert_eq!(stand.found(HOP), ["M01"]);
        stand.observed.nodes.insert("lb/public".into(), Seen::Unknown(gap("ec2:DescribeNetworkInterfaces")));
        assert_eq!(stand.state(HOP), "unknown", "one address may be all that there is");
        stand.ingress("sg-tasks").clear();
        assert_eq!(stand.found(HOP), ["M01"]);
    }

    #[test]
    fn a_load_balancer_without_groups_has_the_same_codes_for_the_same_faults() {
        let mut stand = Stand::on_instances();
        let network = Stand::behind_network();
        stand.observed.load_balancers = network.observed.load_balancers.clone();
        let without = ("preserve_client_ip.enabled".to_owned(), "false".to_owned());
        let attributes = Seen::Present(Attributes::new([without].into()));
        stand.observed.attributes.insert(TargetGroupArn::from("targetgroup/shop/1"), attributes);
        let low = PortRange { from: 1024, to: 32_000 };
        *stand.ingress("sg-tasks") = vec![rule("sg-tasks", Some(low), from_block("10.0.0.0/16"))];
        assert_eq!(stand.found(HOP), ["M04"]);
        let fix = stand.hop(HOP).findings[0].fix.clone();
        assert_eq!(fix, "allow tcp 32768-65535 from 10.0.0.0/24, 10.0.1.0/24 in sg-tasks");
    }

    #[test]
    fn what_was_not_read_leaves_it_open() {
        let mut stand = Stand::sound();
        stand.observed.interfaces.clear();
        assert_eq!(stand.state(HOP), "unknown");
        let mut stand = Stand::sound();
        stand.observed.ingress.remove(&GroupId::from("sg-tasks"));
        assert_eq!(stand.state(HOP), "unknown");
        let mut stand = Stand::sound();
        *stand.ingress("sg-tasks") = vec![on(PORT, from_block("10.0.0.0/16"))];
        stand.observed.subnets = Seen::Unknown(gap("ec2:DescribeSubnets"));
        assert_eq!(stand.state(HOP), "unknown", "nobody knows where the nodes are");
        let mut stand = Stand::behind_network();
        stand.observed.attributes.clear();
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
