//! Clients of AWS PrivateLink beside those that connect to the load balancer itself: one answer for both.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::model::{LoadBalancer, Passage, RuleSource, Transport};

use super::closed_port;
use super::finding::Finding;
use super::private_link::{services, unfiltered, words};
use super::receiver::Receiver;
use super::way::Way;

/// What holds for all clients of a port.
pub(super) enum Judged {
    /// One answer for every client.
    As(Passage),
    /// Clients of AWS PrivateLink are blocked, although others are allowed.
    Blocked(Finding),
    /// Only clients of AWS PrivateLink are allowed, and whether there are others is unknown.
    Undecided(Finding),
}

/// The result for clients that connect to the load balancer itself, joined with that for clients of AWS PrivateLink. A client
/// that was asked about connects itself.
pub(super) fn judge(receiver: &Receiver<'_, '_>, transport: Transport, direct: Passage) -> Judged {
    let Receiver { way, balancer, end, .. } = receiver;
    let clients = match receiver.direct_clients(transport) {
        Ok(Some(clients)) if way.asked.client.is_none() => clients,
        Ok(_) | Err(_) => return Judged::As(direct),
    };
    if clients.addresses.is_empty() {
        return Judged::As(for_them_alone(way, balancer, direct));
    }
    if clients.addresses.of_family(way.family()).is_empty() {
        return Judged::As(direct);
    }
    let services = services(way, balancer);
    if services.as_ref().is_ok_and(BTreeSet::is_empty) {
        return Judged::As(direct);
    }
    match (&direct, receiver.passage_of_nodes(transport, end.port), services) {
        (Passage::Open(_), Passage::Closed, Ok(services)) => {
            Judged::Blocked(closed_port::to_private_link(receiver, transport, &services))
        }
        (Passage::Closed, Passage::Open(_), services) if !are_others_proven(receiver, transport) => match services {
            Ok(services) => Judged::Undecided(closed_port::to_all_but_private_link(receiver, transport, &services)),
            Err(gap) => Judged::As(Passage::Unknown(gap)),
        },
        (Passage::Open(_), Passage::Closed, Err(gap)) | (Passage::Open(_), Passage::Unknown(gap), _) => {
            Judged::As(Passage::Unknown(gap))
        }
        (Passage::Open(_), Passage::Open(_), _) | (Passage::Closed | Passage::Unknown(_), _, _) => Judged::As(direct),
    }
}

/// The load balancer's security groups allow no client, but they do not filter those of AWS PrivateLink.
fn for_them_alone(way: &Way<'_>, balancer: &LoadBalancer, passage: Passage) -> Passage {
    match (passage, unfiltered(way, balancer)) {
        (Passage::Open(by), Ok(services)) if !services.is_empty() => {
            Passage::Open(format!("{by}, for {} alone", words(&services)))
        }
        (passage, _) => passage,
    }
}

/// Whether clients are meant to connect to the load balancer itself. An internet-facing one is for clients of the internet.
/// On an internal one, security groups tell: a rule for its own VPC is for clients there, and if the groups do not filter
/// clients of AWS PrivateLink, every rule is for others. Any other rule may be for clients of AWS PrivateLink.
fn are_others_proven(receiver: &Receiver<'_, '_>, transport: Transport) -> bool {
    let Receiver { way, balancer, .. } = receiver;
    if !balancer.internal {
        return true;
    }
    let port = way.route.as_ref().map_or(0, |route| route.listener);
    let Ok(rules) = way.given.observed.rules(&balancer.security_groups, false) else { return false };
    let own = way.vpc_blocks(balancer);
    let is_own = |block: &IpNet| own.iter().any(|vpc| vpc.contains(block));
    rules.iter().filter(|rule| rule.lets_in(transport, port)).any(|rule| match &rule.source {
        _ if !balancer.filters_private_link => true,
        RuleSource::Group(_) => true,
        source @ (RuleSource::Cidr(_) | RuleSource::PrefixList(_) | RuleSource::Unknown) => {
            source.blocks(&way.given.observed.prefix_lists).is_ok_and(|blocks| blocks.iter().any(is_own))
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::fixture::{PORT, Stand, address, balancer_arn, block, entry, from_block, gap, rule};
    use crate::model::{Attributes, EndpointServices, HealthPort, PortRange, Seen, SubnetId};
    use crate::trace::{HopId, Verdict};

    const HOP: HopId = HopId::TargetSecurityGroup;

    fn services() -> EndpointServices {
        [(balancer_arn(), BTreeSet::from(["vpce-svc-1".to_owned()]))].into()
    }

    fn allow(stand: &mut Stand, rules: &[(u16, &str)]) {
        let rules = rules.iter().map(|(port, from)| rule("sg-tasks", Some(PortRange::one(*port)), from_block(from)));
        *stand.ingress("sg-tasks") = rules.collect();
    }

    const NODES: [&str; 2] = ["10.0.0.4/32", "10.0.1.9/32"];

    /// An internal network load balancer that preserves client IP addresses. The tasks allow its nodes alone.
    fn preserving() -> Stand {
        let mut stand = Stand::behind_network();
        stand.balancer().internal = true;
        let kept = ("preserve_client_ip.enabled".to_owned(), "true".to_owned());
        let attributes = Seen::Present(Attributes::new([kept].into()));
        stand.observed.attributes.insert("targetgroup/shop/1".into(), attributes);
        let node = |subnet: &str, place: &str| (SubnetId::from(subnet), [address(place)].into());
        let nodes = [node("public-a", "10.0.0.4"), node("public-b", "10.0.1.9")].into();
        stand.observed.nodes.insert(balancer_arn(), Seen::Present(nodes));
        allow(&mut stand, &NODES.map(|node| (PORT, node)));
        stand
    }

    #[test]
    fn rules_for_the_nodes_allow_clients_of_private_link_and_no_other() {
        let mut stand = preserving();
        assert_eq!(stand.found(HOP), ["M12"], "there is no endpoint service");
        assert!(stand.hop(HOP).evidence.ends_with("which includes no client"), "{}", stand.hop(HOP).evidence);
        stand.observed.endpoint_services = Seen::Present(services());
        assert_eq!((stand.found(HOP), stand.state(HOP)), (vec!["M12".to_owned()], "unknown"));
        let evidence = stand.hop(HOP).evidence;
        assert!(evidence.contains("sg-tasks allows clients of AWS PrivateLink (vpce-svc-1) on tcp 8080"), "{evidence}");
        stand.balancer().internal = false;
        assert_eq!((stand.found(HOP), stand.state(HOP)), (vec!["M12".to_owned()], "broken"), "it is for the internet");
        let evidence = stand.hop(HOP).evidence;
        assert!(evidence.contains("no client except clients of AWS PrivateLink (vpce-svc-1)"), "{evidence}");
    }

    #[test]
    fn the_groups_of_the_load_balancer_tell_whether_others_are_meant() {
        for (filters, from, state) in [
            (true, Some("10.0.0.0/16"), "broken"),
            (true, Some("172.20.0.0/16"), "unknown"),
            (true, Some("0.0.0.0/0"), "unknown"),
            (false, Some("172.20.0.0/16"), "broken"),
            (false, None, "ok"),
        ] {
            let mut stand = preserving();
            stand.observed.endpoint_services = Seen::Present(services());
            stand.balancer().security_groups = ["sg-lb".into()].into();
            stand.balancer().filters_private_link = filters;
            let rules = from.map(|from| rule("sg-lb", Some(PortRange::one(80)), from_block(from)));
            *stand.ingress("sg-lb") = rules.into_iter().collect();
            assert_eq!(stand.state(HOP), state, "{filters} {from:?}");
            assert_eq!(stand.state(HopId::LoadBalancer), "ok", "{filters} {from:?}");
        }
    }

    #[test]
    fn where_no_other_client_can_be_they_are_named() {
        let mut stand = preserving();
        stand.balancer().security_groups = ["sg-lb".into()].into();
        stand.ingress("sg-lb").clear();
        stand.balancer().filters_private_link = false;
        assert_eq!(stand.found(HopId::LoadBalancer), ["M09"], "there is no endpoint service");
        stand.observed.endpoint_services = Seen::Present(services());
        assert_eq!(stand.path().verdict(), Verdict::Reachable);
        let evidence = stand.hop(HopId::LoadBalancer).evidence;
        assert!(evidence.ends_with("they do not filter clients of AWS PrivateLink (vpce-svc-1)"), "{evidence}");
        let evidence = stand.hop(HOP).evidence;
        assert!(evidence.ends_with("for clients of AWS PrivateLink (vpce-svc-1) alone"), "{evidence}");
        stand.balancer().filters_private_link = true;
        assert_eq!(stand.found(HopId::LoadBalancer), ["M09"], "the groups filter these as well");
    }

    #[test]
    fn clients_of_private_link_need_the_nodes_allowed_on_the_port_of_requests() {
        let mut stand = preserving();
        stand.group().health_check.port = Some(HealthPort::Fixed(9090));
        allow(&mut stand, &[(PORT, "10.0.64.0/18"), (9090, NODES[0]), (9090, NODES[1])]);
        assert_eq!(stand.state(HOP), "ok", "others connect directly");
        stand.observed.endpoint_services = Seen::Present(services());
        assert_eq!((stand.found(HOP), stand.state(HOP)), (vec!["M12".to_owned()], "broken"));
        let finding = stand.hop(HOP).findings[0].clone();
        assert!(
            finding.evidence.starts_with("clients of AWS PrivateLink (vpce-svc-1) come from the addresses of public")
        );
        assert_eq!(finding.fix, "allow tcp 8080 from 10.0.0.4/32, 10.0.1.9/32 in sg-tasks");
        stand.asked.client = Some(block("10.0.64.7/32"));
        assert_eq!(stand.state(HOP), "ok", "this client connects directly");
        stand.asked.client = None;
        let more = NODES.map(|node| rule("sg-tasks", Some(PortRange::one(PORT)), from_block(node)));
        stand.ingress("sg-tasks").extend(more);
        assert_eq!(stand.state(HOP), "ok", "both");
    }

    #[test]
    fn their_requests_pass_the_acl_of_the_targets_with_the_nodes_addresses() {
        let mut stand = preserving();
        stand.group().health_check.port = Some(HealthPort::Fixed(9090));
        stand.acl("acl-private").push(entry(50, false, false, "10.0.0.0/24", Some(PortRange::one(PORT))));
        assert_eq!(stand.state(HopId::NetworkAcl), "ok", "clients have other addresses");
        stand.observed.endpoint_services = Seen::Present(services());
        assert_eq!(stand.found(HopId::NetworkAcl), ["M07"]);
    }

    #[test]
    fn a_failed_read_leaves_open_only_what_depends_on_it() {
        let unread = || Seen::Unknown(gap("ec2:DescribeVpcEndpointServiceConfigurations"));
        let mut stand = preserving();
        stand.observed.endpoint_services = unread();
        assert_eq!((stand.state(HOP), stand.found(HOP).len()), ("unknown", 0));
        stand.balancer().internal = false;
        assert_eq!(stand.found(HOP), ["M12"], "clients of the internet are blocked in any case");
        stand.balancer().internal = true;
        allow(&mut stand, &[(PORT, "10.0.0.0/16")]);
        assert_eq!((stand.state(HOP), stand.state(HopId::NetworkAcl)), ("ok", "ok"), "all are allowed");
        allow(&mut stand, &[]);
        assert_eq!(stand.state(HOP), "broken", "none is");
    }
}
