//! Whether clients reach the load balancer's nodes: state, security groups, routes.

use std::collections::BTreeSet;

use crate::model::{Gap, IngressRule, LoadBalancer, Passage, Peer, PortRange, RuleSource, Seen, Transport, passage};

use super::catalogue::{codes, named};
use super::client;
use super::finding::{Finding, list};
use super::hop::{Examined, Hop};
use super::private_link;
use super::way::{Lack, Way};

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let balancer = match way.balancer() {
        Ok(balancer) => balancer,
        Err(Lack::Unknown(gap)) => return Examined::unknown(gap),
        // The manifest declares no load balancer and no route: a later hop reports what is missing.
        Err(Lack::Missing(why)) if way.group.load_balancer.is_none() && way.route.is_none() => {
            return Examined::skipped(why);
        }
        Err(Lack::Missing(why)) => {
            let fix = "create the load balancer, or correct its name in the manifest";
            return Examined::broken(Finding::unnumbered(&named::NO_LOAD_BALANCER, why, fix));
        }
    };
    let mut findings = Vec::new();
    let mut gaps = Vec::new();
    if !matches!(balancer.state.as_str(), "" | "active" | "active_impaired") {
        let what = format!("load balancer {} is {}", balancer.name, balancer.state);
        findings.push(Finding::unnumbered(
            &named::LOAD_BALANCER_NOT_ACTIVE,
            what,
            "wait until the load balancer is active",
        ));
    }
    match blocked_clients(way, balancer) {
        Ok(finding) => findings.extend(finding),
        Err(gap) => gaps.push(gap),
    }
    match without_internet(way, balancer) {
        Ok(finding) => findings.extend(finding),
        Err(gap) => gaps.push(gap),
    }
    let scheme = if balancer.internal { "internal" } else { "internet-facing" };
    let groups = match balancer.security_groups.len() {
        0 => "no security groups".to_owned(),
        _ => format!("security groups: {}", list(&balancer.security_groups)),
    };
    let passing = private_link::unfiltered(way, balancer).ok().filter(|services| !services.is_empty());
    let passing = passing.map(|services| format!("; they do not filter {}", private_link::words(&services)));
    let evidence = format!("{} is {scheme}; {groups}{}", balancer.name, passing.unwrap_or_default());
    Examined::of(findings, gaps.into_iter().next(), evidence)
}

/// M09: the security groups allow no client on the listener's port, or not the client that was asked about.
fn blocked_clients(way: &Way<'_>, balancer: &LoadBalancer) -> Result<Option<Finding>, Gap> {
    let Some(port) = way.route.as_ref().map(|route| route.listener) else { return Ok(None) };
    if balancer.security_groups.is_empty() {
        return Ok(None);
    }
    let rules = way.given.observed.rules(&balancer.security_groups, false)?;
    let (mut closed, mut gap) = (None, None);
    for transport in way.transports() {
        match allows_clients(way, balancer, &rules, *transport, port) {
            Ok(true) => {}
            Ok(false) => closed = closed.or(Some(*transport)),
            Err(why) => gap = Some(why),
        }
    }
    let Some(transport) = closed else { return gap.map_or(Ok(None), Err) };
    if !private_link::unfiltered(way, balancer)?.is_empty() {
        return Ok(None);
    }
    let who = match way.asked.client {
        Some(client) => client.to_string(),
        None if balancer.internal => "any client".to_owned(),
        None => "any internet client".to_owned(),
    };
    let groups = list(&balancer.security_groups);
    let what = format!(
        "no ingress rule of {}'s security groups ({groups}) allows {who} on {transport} {port}; allowed: {}",
        balancer.name,
        opened(&rules, transport)
    );
    Ok(Some(Finding::of(codes::CLIENTS_BLOCKED, what)))
}

fn allows_clients(
    way: &Way<'_>,
    balancer: &LoadBalancer,
    rules: &[&IngressRule],
    transport: Transport,
    port: u16,
) -> Result<bool, Gap> {
    let Some(client) = way.asked.client else {
        let clients = client::clients(way, balancer, transport)?;
        let by_group = |rule: &&IngressRule| matches!(rule.source, RuleSource::Group(_));
        let is_open =
            !clients.addresses.is_empty() || rules.iter().filter(|rule| rule.lets_in(transport, port)).any(by_group);
        return match clients.may_be_more {
            Some(gap) if !is_open => Err(gap),
            _ => Ok(is_open),
        };
    };
    let (ports, lists) = (PortRange::one(port), &way.given.observed.prefix_lists);
    match passage(rules.iter().copied(), transport, ports, &Peer::block(client), lists) {
        Passage::Open(_) => Ok(true),
        Passage::Closed => Ok(false),
        Passage::Unknown(gap) => Err(gap),
    }
}

fn opened(rules: &[&IngressRule], transport: Transport) -> String {
    let shown = rules.iter().filter(|rule| rule.opens_any(transport)).map(|rule| {
        let ports = rule.ports.map_or_else(|| "all ports".to_owned(), |ports| ports.to_string());
        format!("{ports} from {}", rule.source)
    });
    let shown: BTreeSet<String> = shown.collect();
    if shown.is_empty() { "nothing".to_owned() } else { list(&shown) }
}

/// M10: internet clients cannot reach nodes in subnets without a route to an internet gateway.
fn without_internet(way: &Way<'_>, balancer: &LoadBalancer) -> Result<Option<Finding>, Gap> {
    let Some(vpc) = &balancer.vpc else { return Ok(None) };
    if balancer.internal || way.asked.client.is_some_and(|client| way.is_in_vpc(vpc, &client)) {
        return Ok(None);
    }
    let mut private = BTreeSet::new();
    for subnet in &balancer.subnets {
        match way.given.observed.route_table_of(subnet, vpc) {
            Seen::Present(table) if table.to_internet => {}
            Seen::Present(table) => {
                private.insert(format!("{subnet} ({})", table.id));
            }
            Seen::Absent => {
                private.insert(subnet.to_string());
            }
            Seen::Unknown(gap) => return Err(gap),
        }
    }
    let what = format!(
        "{} is internet-facing, but the route tables of these subnets have no route to an internet gateway: {}",
        balancer.name,
        list(&private)
    );
    Ok((!private.is_empty()).then(|| Finding::of(codes::PUBLIC_LOAD_BALANCER_IN_PRIVATE_SUBNETS, what)))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, block, from_block, gap, rule};
    use crate::model::{PortRange, Seen};
    use crate::trace::HopId;

    const HOP: HopId = HopId::LoadBalancer;

    #[test]
    fn a_sound_one_shows_its_scheme_and_security_groups() {
        assert_eq!(Stand::sound().hop(HOP).evidence, "public is internet-facing; security groups: sg-lb");
        assert_eq!(Stand::behind_network().hop(HOP).evidence, "public is internet-facing; no security groups");
    }

    #[test]
    fn one_that_is_missing_or_not_up_is_broken() {
        let mut stand = Stand::sound();
        stand.balancer().state = "provisioning".to_owned();
        assert_eq!(stand.found(HOP), ["load-balancer-not-active"]);
        stand.balancer().name = "other".to_owned();
        stand.group().load_balancers.clear();
        assert_eq!(stand.found(HOP), ["no-load-balancer"]);
        stand.observed.load_balancers = Seen::Unknown(gap("elasticloadbalancing:DescribeLoadBalancers"));
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn the_security_groups_must_allow_clients_on_the_listeners_port() {
        let mut stand = Stand::sound();
        *stand.ingress("sg-lb") = vec![rule("sg-lb", Some(PortRange::one(443)), from_block("0.0.0.0/0"))];
        assert_eq!(stand.found(HOP), ["M09"]);
        // One client is enough, unless another one is asked about.
        *stand.ingress("sg-lb") = vec![rule("sg-lb", Some(PortRange::one(80)), from_block("192.0.2.0/24"))];
        assert_eq!(stand.state(HOP), "ok");
        stand.asked.client = Some(block("198.51.100.7/32"));
        assert_eq!(stand.found(HOP), ["M09"]);
        stand.asked.client = Some(block("192.0.2.7/32"));
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn rules_for_other_addresses_allow_no_client() {
        let mut stand = Stand::sound();
        for (cidr, found) in [("::/0", true), ("10.0.0.0/8", true), ("192.168.0.0/16", true), ("0.0.0.0/0", false)] {
            *stand.ingress("sg-lb") = vec![rule("sg-lb", Some(PortRange::one(80)), from_block(cidr))];
            assert_eq!(!stand.found(HOP).is_empty(), found, "{cidr}");
        }
        *stand.ingress("sg-lb") = vec![rule("sg-lb", Some(PortRange::one(80)), from_block("::/0"))];
        stand.balancer().ip_address_type = crate::model::IpAddressType::Dualstack;
        assert_eq!(stand.state(HOP), "ok");
        *stand.ingress("sg-lb") = vec![rule("sg-lb", Some(PortRange::one(80)), from_block("0.0.0.0/0"))];
        stand.balancer().ip_address_type = crate::model::IpAddressType::DualstackWithoutPublicIpv4;
        assert_eq!(stand.found(HOP), ["M09"]);
        let mut stand = Stand::sound();
        stand.balancer().internal = true;
        *stand.ingress("sg-lb") = vec![rule("sg-lb", Some(PortRange::one(80)), from_block("10.0.0.0/8"))];
        assert_eq!(stand.state(HOP), "ok");
        // Where the clients have that group is not known, and they are there.
        stand.balancer().internal = false;
        *stand.ingress("sg-lb") =
            vec![rule("sg-lb", Some(PortRange::one(80)), super::super::fixture::from_group("sg-1"))];
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn clients_of_the_internet_need_a_way_from_it() {
        let mut stand = Stand::sound();
        stand.balancer().subnets = ["private-a", "public-b"].map(crate::model::SubnetId::from).into();
        assert_eq!(stand.found(HOP), ["M10"]);
        assert!(stand.hop(HOP).evidence.contains("private-a (rtb-main)"), "{}", stand.hop(HOP).evidence);
        stand.asked.client = Some(block("10.0.10.9/32"));
        assert_eq!(stand.state(HOP), "ok", "a client inside needs none");
        stand.asked.client = None;
        stand.balancer().internal = true;
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn groups_and_routes_that_were_not_read_leave_it_open() {
        let mut stand = Stand::sound();
        stand.observed.route_tables.clear();
        assert_eq!(stand.state(HOP), "unknown");
        let mut stand = Stand::sound();
        stand.observed.ingress.clear();
        assert_eq!(stand.state(HOP), "unknown");
    }
}
