//! The network ACLs of the load balancer's and the target's subnets, in both directions. Network ACLs are stateless: responses
//! need their own entries, for the ports that connections come from.
//!
//! If the targets see the clients' addresses, so does the network ACL of their subnet. Health checks still come from the load
//! balancer's nodes.

use ipnet::IpNet;

use crate::model::{AddressSet, Gap, LoadBalancer, NetworkAcl, Piece, PortRange, Seen, SubnetId, Transport};

use super::catalogue::codes;
use super::client::{self, Clients};
use super::end::End;
use super::finding::{self, Finding, list};
use super::hop::{Examined, Hop};
use super::private_link;
use super::way::{Lack, Way};

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let balancer = match way.balancer() {
        Ok(balancer) => balancer,
        Err(lack) => return lack.skip(),
    };
    let (mut findings, mut gap) = (Vec::new(), None);
    let mut note = |result: Result<Option<Finding>, Gap>| match result {
        Ok(Some(finding)) => finding::add(&mut findings, finding),
        Ok(None) => {}
        Err(why) => gap = Some(why),
    };
    let keeps = client::keeps_addresses(way);
    for home in &balancer.subnets {
        for transport in way.transports() {
            note(towards_clients(way, balancer, home, *transport));
        }
        for end in way.ends.as_ref().ok().into_iter().flatten() {
            let Some(subnet) = end.subnet.as_ref().filter(|subnet| *subnet != home) else { continue };
            note(leaving(way, home, end));
            let edge = Edge { way, balancer, home, subnet, end };
            for transport in way.transports() {
                note(keeps.clone().and_then(|keeps| edge.requests(*transport, keeps)));
            }
            note(edge.checks());
        }
    }
    // Without the targets' subnets their network ACLs are unknown.
    if let Err(Lack::Unknown(why)) = &way.ends {
        gap = gap.or_else(|| Some(why.clone()));
    }
    Examined::of(
        findings,
        gap,
        format!("the network ACLs of {} and of the targets' subnets allow it", list(&balancer.subnets)),
    )
}

fn acl<'a>(way: &Way<'a>, subnet: &SubnetId) -> Result<Option<&'a NetworkAcl>, Gap> {
    match way.given.observed.acl_of(subnet) {
        Seen::Present(acl) => Ok(Some(acl)),
        Seen::Absent => Ok(None),
        Seen::Unknown(gap) => Err(gap),
    }
}

/// M08: no client can send requests and get responses. Some clients are enough.
fn towards_clients(
    way: &Way<'_>,
    balancer: &LoadBalancer,
    home: &SubnetId,
    transport: Transport,
) -> Result<Option<Finding>, Gap> {
    let (Some(acl), Some(route)) = (acl(way, home)?, &way.route) else { return Ok(None) };
    let clients = client::clients(way, balancer, transport)?;
    let what = kept_from(acl, &clients, &clients.addresses, transport, route.listener);
    match (what, clients.may_be_more) {
        (Some(_), Some(gap)) => Err(gap),
        (what, _) => Ok(what
            .map(|what| Finding::of(codes::LOAD_BALANCER_NETWORK_ACL_DENIES, format!("{} of {home} {what}", acl.id)))),
    }
}

/// How a network ACL blocks clients at `addresses` that connect to a port behind it: it allows none, or denies the responses.
fn kept_from(
    acl: &NetworkAcl,
    clients: &Clients,
    addresses: &AddressSet,
    transport: Transport,
    port: u16,
) -> Option<String> {
    if addresses.is_empty() {
        return None;
    }
    let who = &clients.words;
    let allowed = acl.lets_through(false, addresses, transport, port);
    if allowed.is_empty() {
        return Some(format!("allows no client on {transport} {port} ({who})"));
    }
    let (unanswered, denial) = acl.unanswered(true, &allowed, transport);
    let is_lacking =
        if clients.is_asked { !unanswered.is_empty() } else { allowed.without(unanswered.blocks()).is_empty() };
    let why = denial.map(|piece| denial_words(&piece)).unwrap_or_default();
    is_lacking.then(|| {
        format!(
            "allows requests from clients ({who}), but denies the responses (outbound {transport} 1024-65535): {why}"
        )
    })
}

/// The number of the last entry of each network ACL, which AWS adds and which denies everything.
const LAST_ENTRY: u32 = 32_767;

/// The entry that denies the traffic. Traffic that matches no entry is denied too.
fn denial_words(piece: &Piece) -> String {
    match piece.number {
        Some(number) if number != LAST_ENTRY => piece.to_string(),
        Some(_) | None => format!("no entry allows ports {}", piece.ports),
    }
}

/// M08: requests and health checks from the node to a target, and the responses.
fn leaving(way: &Way<'_>, home: &SubnetId, end: &End) -> Result<Option<Finding>, Gap> {
    let Some(acl) = acl(way, home)? else { return Ok(None) };
    let denied = end.blocks.iter().find_map(|block| {
        let mut ports = way.ports_of(end).into_iter();
        ports.find_map(|(transport, port)| both_ways(acl, true, *block, transport, port))
    });
    Ok(denied.map(|what| {
        Finding::of(codes::LOAD_BALANCER_NETWORK_ACL_DENIES, format!("{} of {home}, to {}: {what}", acl.id, end.name))
            .about_end(end)
    }))
}

/// From a node of the load balancer into the subnet of a target.
struct Edge<'w, 'a> {
    way: &'w Way<'a>,
    balancer: &'w LoadBalancer,
    home: &'w SubnetId,
    subnet: &'w SubnetId,
    end: &'w End,
}

impl Edge<'_, '_> {
    /// M07: requests, from client addresses or from the node, and the responses.
    fn requests(&self, transport: Transport, keeps: bool) -> Result<Option<Finding>, Gap> {
        let Self { way, balancer, home, subnet, end } = *self;
        let Some(acl) = acl(way, subnet)? else { return Ok(None) };
        if !keeps {
            return Ok(self.denied_to_node(acl, transport, end.port));
        }
        let clients = client::clients(way, balancer, transport)?;
        // Requests from clients of the other address family have the node's address.
        let seen = clients.addresses.of_family(way.family());
        if seen.is_empty() {
            return Ok(self.denied_to_node(acl, transport, end.port));
        }
        let port = way.route.as_ref().map_or(0, |route| route.listener);
        let before = self::acl(way, home)?.map(|acl| acl.serves(&seen, transport, port));
        let seen = client::narrowed(seen, before);
        let what = kept_from(acl, &clients, &seen, transport, end.port);
        if what.is_none() && way.asked.client.is_none() {
            return self.of_private_link(acl, transport);
        }
        match (what, clients.may_be_more) {
            (Some(_), Some(gap)) => Err(gap),
            (what, _) => Ok(what.map(|what| {
                let name = &balancer.name;
                Finding::of(
                    codes::TARGET_NETWORK_ACL_DENIES,
                    format!("{name} preserves client IP addresses, and {} of {subnet} {what}", acl.id),
                )
                .about_end(end)
            })),
        }
    }

    /// M07: requests of clients of AWS PrivateLink, which have the node's address.
    fn of_private_link(&self, acl: &NetworkAcl, transport: Transport) -> Result<Option<Finding>, Gap> {
        let Some(finding) = self.denied_to_node(acl, transport, self.end.port) else { return Ok(None) };
        let services = private_link::services(self.way, self.balancer)?;
        Ok((!services.is_empty()).then_some(finding))
    }

    /// M07: health checks and their responses.
    fn checks(&self) -> Result<Option<Finding>, Gap> {
        let acl = acl(self.way, self.subnet)?;
        Ok(acl.and_then(|acl| self.denied_to_node(acl, Transport::Tcp, self.end.health_port)))
    }

    fn denied_to_node(&self, acl: &NetworkAcl, transport: Transport, port: u16) -> Option<Finding> {
        let mut blocks = self.way.homes_in(self.balancer, self.home).into_iter();
        let denied = blocks.find_map(|block| both_ways(acl, false, block, transport, port))?;
        let what = format!("{} of {}, from {}: {denied}", acl.id, self.subnet, self.home);
        Some(Finding::of(codes::TARGET_NETWORK_ACL_DENIES, what).about_end(self.end))
    }
}

/// The text for an entry that denies a connection to a port, or its responses; `egress`: the connection leaves the subnet.
fn both_ways(acl: &NetworkAcl, egress: bool, peer: IpNet, transport: Transport, port: u16) -> Option<String> {
    let pieces = acl.decide(egress, peer, transport, PortRange::one(port));
    if let Some(piece) = pieces.into_iter().find(|piece| !piece.allow) {
        let direction = if egress { "outbound" } else { "inbound" };
        return Some(format!("{direction} {transport}, {piece}"));
    }
    let (_, denial) = acl.unanswered(!egress, &AddressSet::of([peer]), transport);
    let direction = if egress { "inbound" } else { "outbound" };
    denial.map(|piece| format!("responses: {direction} {transport}, {piece}"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{PORT, Stand, block, entry, gap, rule};
    use crate::model::{PortRange, Seen, SubnetId};
    use crate::trace::HopId;

    const HOP: HopId = HopId::NetworkAcl;

    #[test]
    fn requests_pass_into_the_subnets_of_the_targets_and_answers_out() {
        let mut stand = Stand::sound();
        assert_eq!(stand.state(HOP), "ok");
        stand.acl("acl-private").push(entry(50, false, false, "10.0.1.0/24", Some(PortRange::one(PORT))));
        assert_eq!(stand.found(HOP), ["M07"]);
        assert!(stand.hop(HOP).evidence.contains("entry 50 denies 10.0.1.0/24"), "{}", stand.hop(HOP).evidence);
        stand.acl("acl-private").pop();
        stand.acl("acl-private").push(entry(50, true, false, "10.0.0.0/16", None));
        assert_eq!(stand.found(HOP), ["M07"]);
        assert!(stand.hop(HOP).evidence.contains("responses: "), "{}", stand.hop(HOP).evidence);
    }

    #[test]
    fn requests_pass_out_of_the_subnets_of_the_load_balancer_and_answers_in() {
        for (egress, cidr) in [(true, "10.0.10.11/32"), (false, "10.0.10.0/24")] {
            let mut stand = Stand::sound();
            stand.acl("acl-public").push(entry(50, egress, false, cidr, None));
            assert_eq!(stand.found(HOP), ["M08"], "{egress} {cidr}");
        }
    }

    #[test]
    fn clients_come_in_and_get_an_answer() {
        let mut stand = Stand::sound();
        stand.acl("acl-public").push(entry(50, false, false, "0.0.0.0/0", Some(PortRange::one(80))));
        assert_eq!(stand.found(HOP), ["M08"]);
        // Some clients are enough, unless one is asked about.
        *stand.acl("acl-public") = vec![
            entry(50, false, false, "192.0.2.0/24", None),
            entry(100, false, true, "0.0.0.0/0", None),
            entry(100, true, true, "0.0.0.0/0", None),
        ];
        assert_eq!(stand.state(HOP), "ok");
        stand.asked.client = Some(block("192.0.2.7/32"));
        assert_eq!(stand.found(HOP), ["M08"]);
    }

    #[test]
    fn a_few_denied_ports_among_those_of_answers_break_nothing() {
        let mut stand = Stand::sound();
        let few = PortRange { from: 3389, to: 3389 + 60 };
        stand.acl("acl-private").push(entry(50, true, false, "0.0.0.0/0", Some(few)));
        assert_eq!(stand.state(HOP), "ok");
        let many = PortRange { from: 32_768, to: 61_000 };
        stand.acl("acl-private").push(entry(51, true, false, "0.0.0.0/0", Some(many)));
        assert_eq!(stand.found(HOP), ["M07"]);
    }

    fn keep_addresses(stand: &mut Stand) {
        let kept = ("preserve_client_ip.enabled".to_owned(), "true".to_owned());
        let attributes = Seen::Present(crate::model::Attributes::new([kept].into()));
        stand.observed.attributes.insert("targetgroup/shop/1".into(), attributes);
    }

    fn only(egress: bool, cidr: &str, ports: Option<PortRange>) -> Vec<crate::model::AclEntry> {
        vec![entry(90, egress, true, cidr, ports), entry(100, !egress, true, "0.0.0.0/0", None)]
    }

    #[test]
    fn those_who_are_let_in_are_those_who_get_answers() {
        let mut stand = Stand::sound();
        *stand.acl("acl-public") = only(true, "10.0.0.0/16", None);
        assert_eq!(stand.found(HOP), ["M08"], "clients of the internet get none");
        stand.balancer().internal = true;
        assert_eq!(stand.state(HOP), "ok", "those of the VPC do");
        stand.balancer().internal = false;
        // One network comes in, and another one would get answers.
        let from = |cidr: &str| rule("sg-lb", Some(PortRange::one(80)), super::super::fixture::from_block(cidr));
        *stand.ingress("sg-lb") = vec![from("198.51.100.0/24")];
        stand.acl("acl-public").push(entry(95, true, true, "192.0.2.0/24", None));
        assert_eq!(stand.found(HOP), ["M08"]);
        stand.ingress("sg-lb").push(from("192.0.2.0/24"));
        assert_eq!(stand.state(HOP), "ok", "some clients are enough");
        stand.asked.client = Some(block("198.51.100.7/32"));
        assert_eq!(stand.found(HOP), ["M08"], "and this one is not among them");
    }

    #[test]
    fn answers_go_to_every_port_that_clients_have_and_to_nearly_all_others() {
        for (from, to, found) in [
            (1024, 65_535, false),
            (1024, 62_310, false),
            (1024, 62_309, true),
            (4249, 65_535, false),
            (4250, 65_535, true),
            (32_768, 65_535, true),
            (1024, 60_998, true),
        ] {
            let mut stand = Stand::sound();
            stand.acl("acl-public").retain(|entry| !entry.egress);
            stand.acl("acl-public").push(entry(10, true, true, "10.0.0.0/16", None));
            stand.acl("acl-public").push(entry(20, true, true, "0.0.0.0/0", Some(PortRange { from, to })));
            assert_eq!(!stand.found(HOP).is_empty(), found, "{from}-{to}");
        }
    }

    #[test]
    fn the_acl_of_the_targets_sees_the_clients_where_their_addresses_are_kept() {
        let mut stand = Stand::behind_network();
        *stand.acl("acl-private") = only(false, "10.0.0.0/16", None);
        assert_eq!(stand.state(HOP), "ok", "the nodes are in the VPC");
        keep_addresses(&mut stand);
        assert_eq!(stand.found(HOP), ["M07"]);
        assert!(stand.hop(HOP).evidence.contains("preserves client IP addresses"), "{}", stand.hop(HOP).evidence);
        *stand.acl("acl-private") = only(true, "10.0.0.0/16", None);
        assert_eq!(stand.found(HOP), ["M07"], "answers go to clients");
        // A rule that names the load balancer's group does not help against an ACL.
        stand.balancer().security_groups = ["sg-lb".into()].into();
        assert_eq!(stand.found(HOP), ["M07"]);
        *stand.acl("acl-private") = only(false, "0.0.0.0/1", None);
        stand.acl("acl-private").push(entry(91, false, true, "128.0.0.0/1", Some(PortRange::one(9090))));
        assert_eq!(stand.state(HOP), "ok", "some clients are enough");
        // Health checks come from the nodes all the same.
        stand.acl("acl-private").push(entry(10, false, false, "10.0.1.0/24", None));
        assert_eq!(stand.found(HOP), ["M07"]);
        assert!(stand.hop(HOP).evidence.contains("from public-b"), "{}", stand.hop(HOP).evidence);
    }

    #[test]
    fn within_one_subnet_no_acl_is_asked() {
        let mut stand = Stand::sound();
        stand.balancer().subnets = [SubnetId::from("private-a"), SubnetId::from("private-b")].into();
        stand.acl("acl-private").push(entry(50, false, false, "10.0.10.11/32", None));
        assert_eq!(stand.found(HOP), ["M07", "M08"], "between the two they are, each way");
        let subnet = SubnetId::from("private-a");
        stand.balancer().subnets = [subnet].into();
        stand.tasks().truncate(1);
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn acls_that_were_not_read_leave_it_open() {
        let mut stand = Stand::sound();
        stand.observed.network_acls.insert("vpc-1".into(), Seen::Unknown(gap("ec2:DescribeNetworkAcls")));
        assert_eq!(stand.state(HOP), "unknown");
    }
}
