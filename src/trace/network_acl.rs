//! The ACLs of the load balancer's and the target's subnets, in both directions. They have no memory: answers need entries
//! of their own, to the ports that connections come from.

use ipnet::IpNet;

use crate::model::acl::EPHEMERAL;
use crate::model::{Gap, LoadBalancer, NetworkAcl, Piece, PortRange, Seen, SubnetId, Transport};

use super::catalogue::Code;
use super::client;
use super::end::End;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::load_balancer::list;
use super::way::{Lack, Way};

/// So many of the ports that answers come back to may be denied: a hardened ACL denies a handful by name, and hardly any
/// connection picks one of them.
const RARE: u32 = 64;

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let balancer = match way.balancer() {
        Ok(balancer) => balancer,
        Err(lack) => return lack.skip(),
    };
    let (mut findings, mut gap) = (Vec::new(), None);
    let mut note = |result: Result<Option<Finding>, Gap>| match result {
        Ok(Some(finding)) if !findings.iter().any(|known: &Finding| known.codes == finding.codes) => {
            findings.push(finding);
        }
        Ok(_) => {}
        Err(why) => gap = Some(why),
    };
    for home in &balancer.subnets {
        note(towards_clients(way, balancer, home));
        for end in way.ends.as_ref().ok().into_iter().flatten() {
            let Some(subnet) = end.subnet.as_ref().filter(|subnet| *subnet != home) else { continue };
            note(leaving(way, home, end));
            note(arriving(way, home, subnet, end));
        }
    }
    // Where the targets are decides which of their ACLs there are.
    if let Err(Lack::Unknown(why)) = &way.ends {
        gap = gap.or_else(|| Some(why.clone()));
    }
    Examined::of(
        findings,
        gap,
        format!("the ACLs of {} and of the targets' subnets let it pass", list(&balancer.subnets)),
    )
}

fn acl<'a>(way: &Way<'a>, subnet: &SubnetId) -> Result<Option<&'a NetworkAcl>, Gap> {
    match way.around.acl_of(subnet) {
        Seen::Present(acl) => Ok(Some(acl)),
        Seen::Absent => Ok(None),
        Seen::Unknown(gap) => Err(gap),
    }
}

/// M08: clients cannot come in, or get no answer. Some of them are enough.
fn towards_clients(way: &Way<'_>, balancer: &LoadBalancer, home: &SubnetId) -> Result<Option<Finding>, Gap> {
    let (Some(acl), Some(route)) = (acl(way, home)?, &way.route) else { return Ok(None) };
    let clients = client::blocks(way, balancer)?;
    if clients.is_empty() {
        return Ok(None);
    }
    let transport = way.transport();
    let passes = |block: &IpNet| {
        let comes_in = some(acl, false, *block, transport, PortRange::one(route.listener));
        comes_in && some(acl, true, *block, transport, EPHEMERAL)
    };
    let what = format!(
        "{} of {home} lets no client in on {} or no answer out to 1024-65535, for {}",
        acl.id,
        route.listener,
        list(&clients)
    );
    Ok((!clients.iter().any(passes)).then(|| Finding::of(Code(8), what)))
}

/// M08: requests from the node to a target, and its answers.
fn leaving(way: &Way<'_>, home: &SubnetId, end: &End) -> Result<Option<Finding>, Gap> {
    let Some(acl) = acl(way, home)? else { return Ok(None) };
    let denied = end.blocks.iter().find_map(|block| {
        let out = ports(way, end).into_iter().find_map(|(transport, port)| denial(acl, true, *block, transport, port));
        out.or_else(|| denial(acl, false, *block, way.transport(), EPHEMERAL).map(|what| format!("answers: {what}")))
    });
    Ok(denied.map(|what| Finding::of(Code(8), format!("{} of {home}, towards {}: {what}", acl.id, end.name))))
}

/// M07: requests from the node into the target's subnet, and its answers.
fn arriving(way: &Way<'_>, home: &SubnetId, subnet: &SubnetId, end: &End) -> Result<Option<Finding>, Gap> {
    let Some(acl) = acl(way, subnet)? else { return Ok(None) };
    let blocks = way.blocks_of(home);
    let blocks = blocks.iter().filter(|block| matches!(block, IpNet::V4(_)));
    let denied = blocks.into_iter().find_map(|block| {
        let come =
            ports(way, end).into_iter().find_map(|(transport, port)| denial(acl, false, *block, transport, port));
        come.or_else(|| denial(acl, true, *block, way.transport(), EPHEMERAL).map(|what| format!("answers: {what}")))
    });
    Ok(denied.map(|what| Finding::of(Code(7), format!("{} of {subnet}, from {home}: {what}", acl.id))))
}

fn ports(way: &Way<'_>, end: &End) -> Vec<(Transport, PortRange)> {
    let mut ports = vec![(way.transport(), PortRange::one(end.port))];
    if (Transport::Tcp, end.health_port) != (way.transport(), end.port) {
        ports.push((Transport::Tcp, PortRange::one(end.health_port)));
    }
    ports
}

fn size(ports: PortRange) -> u32 {
    u32::from(ports.to) - u32::from(ports.from) + 1
}

/// The words of the entry that denies some of it, if that is more than a rare port.
fn denial(acl: &NetworkAcl, egress: bool, peer: IpNet, transport: Transport, ports: PortRange) -> Option<String> {
    let denied: Vec<Piece> =
        acl.decide(egress, peer, transport, ports).into_iter().filter(|piece| !piece.allow).collect();
    let allowance = if size(ports) > RARE { RARE } else { 0 };
    let worst = denied.iter().max_by_key(|piece| size(piece.ports))?;
    let direction = if egress { "outbound" } else { "inbound" };
    let total: u32 = denied.iter().filter(|piece| piece.cidr == worst.cidr).map(|piece| size(piece.ports)).sum();
    (total > allowance).then(|| format!("{direction} {transport}, {worst}"))
}

/// Whether any of it may pass.
fn some(acl: &NetworkAcl, egress: bool, peer: IpNet, transport: Transport, ports: PortRange) -> bool {
    acl.decide(egress, peer, transport, ports).iter().any(|piece| piece.allow)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{PORT, Stand, block, entry, gap};
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
        assert!(stand.hop(HOP).evidence.contains("answers: "), "{}", stand.hop(HOP).evidence);
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
        stand.around.acls = Some(Seen::Unknown(gap("ec2:DescribeNetworkAcls")));
        assert_eq!(stand.state(HOP), "unknown");
    }
}
