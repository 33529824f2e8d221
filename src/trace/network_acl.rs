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
use super::way::Way;

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
        let ends = way.ends.as_ref().ok().into_iter().flatten();
        for end in ends {
            let Some(subnet) = end.subnet.as_ref().filter(|subnet| *subnet != home) else { continue };
            note(leaving(way, home, end));
            note(arriving(way, home, subnet, end));
        }
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
