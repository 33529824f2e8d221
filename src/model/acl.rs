//! Network ACLs: stateless, the lowest number that matches decides, and nothing that matches is a denial
//! (EC2 `DescribeNetworkAcls`).

use std::collections::BTreeSet;
use std::fmt;

use ipnet::IpNet;

use super::address::{AddressFamily, AddressSet};
use super::block::{around, contains, overlap};
use super::id::{PortRange, SubnetId, Transport, VpcId};
use super::security_group::IpProtocol;

/// The ports that a client may open a connection from, and that answers go to (ELB user guides, network ACLs).
pub const EPHEMERAL: PortRange = PortRange { from: 1024, to: u16::MAX };

/// The part of them that Linux uses (`net.ipv4.ip_local_port_range`): most clients have no other ports.
pub const EPHEMERAL_OF_LINUX: PortRange = PortRange { from: 32_768, to: 60_999 };

/// So many of [`EPHEMERAL`] may be denied, outside of [`EPHEMERAL_OF_LINUX`]: 5 % of them. A hardened ACL denies some by name.
pub const EPHEMERAL_DENIED_AT_MOST: u32 = 3_225;

/// A network ACL with the subnets it guards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAcl {
    /// `acl-…`
    pub id: String,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its subnets; each subnet has exactly one ACL.
    pub subnets: BTreeSet<SubnetId>,
    /// Its entries, in any order.
    pub entries: Vec<AclEntry>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// 1–32766, and 32767 for the denial at the end.
    pub number: u32,
    /// Whether it is about what leaves the subnet.
    pub egress: bool,
    /// Whether what matches may pass.
    pub allow: bool,
    /// The protocol.
    pub protocol: IpProtocol,
    /// The other side.
    pub cidr: IpNet,
    /// The ports; `None` is every port.
    pub ports: Option<PortRange>,
}

/// A part of what was asked about, and the entry that decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The other side.
    pub cidr: IpNet,
    /// The ports.
    pub ports: PortRange,
    /// Whether it may pass.
    pub allow: bool,
    /// The number of the entry; `None`: none matches, which denies.
    pub number: Option<u32>,
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cidr, ports, allow, number } = self;
        let verb = if *allow { "allows" } else { "denies" };
        match number {
            Some(number) => write!(f, "entry {number} {verb} {cidr} ports {ports}"),
            None => write!(f, "no entry allows {cidr} ports {ports}"),
        }
    }
}

impl NetworkAcl {
    /// Who decides about each part of `ports` of `peer`: the parts are disjoint, and together all that was asked about.
    pub fn decide(&self, egress: bool, peer: IpNet, transport: Transport, ports: PortRange) -> Vec<Piece> {
        let mut entries: Vec<&AclEntry> = self.entries.iter().filter(|entry| entry.egress == egress).collect();
        entries.sort_by_key(|entry| entry.number);
        let mut open = vec![(peer, ports)];
        let mut decided = Vec::new();
        for entry in entries {
            let Some(range) = entry.protocol.covers(entry.ports, transport) else { continue };
            let mut left = Vec::new();
            for (cidr, ports) in open {
                match (overlap(&cidr, &entry.cidr), common(ports, range)) {
                    (Some(inside), Some(shared)) => {
                        let number = Some(entry.number);
                        decided.push(Piece { cidr: inside, ports: shared, allow: entry.allow, number });
                        left.extend(around(&cidr, &inside).into_iter().map(|cidr| (cidr, ports)));
                        left.extend(beside(ports, shared).into_iter().map(|ports| (inside, ports)));
                    }
                    _ => left.push((cidr, ports)),
                }
            }
            open = left;
        }
        let rest = open.into_iter().map(|(cidr, ports)| Piece { cidr, ports, allow: false, number: None });
        decided.extend(rest);
        decided
    }

    /// The part of some addresses that may pass with one port.
    pub fn lets_through(&self, egress: bool, peers: &AddressSet, transport: Transport, port: u16) -> AddressSet {
        let pieces = self.decide_for(egress, peers, transport, PortRange::one(port));
        let allowed: Vec<IpNet> = pieces.into_iter().filter(|piece| piece.allow).map(|piece| piece.cidr).collect();
        peers.and(&allowed)
    }

    /// The part of some addresses that do not get answers at enough of the ports that they may have come from, and the piece
    /// that denies most of these.
    pub fn unanswered(&self, egress: bool, peers: &AddressSet, transport: Transport) -> (AddressSet, Option<Piece>) {
        let pieces = self.decide_for(egress, peers, transport, EPHEMERAL);
        let denied: Vec<Piece> = pieces.into_iter().filter(|piece| !piece.allow).collect();
        // Inside of a block everything is denied that is denied to the blocks around it.
        let lacks = |cidr: &IpNet| {
            let around = denied.iter().filter(|piece| contains(&piece.cidr, cidr));
            lacks_ports(around.map(|piece| piece.ports))
        };
        let blocks: BTreeSet<IpNet> = denied.iter().map(|piece| piece.cidr).filter(lacks).collect();
        let unanswered = peers.and(&blocks);
        let touches = |piece: &&Piece| unanswered.blocks().iter().any(|block| overlap(block, &piece.cidr).is_some());
        let worst = denied.iter().filter(touches).max_by_key(|piece| piece.ports.count()).cloned();
        (unanswered, worst)
    }

    /// The part of some clients that may connect to a port behind the ACL, and that get answers.
    pub fn serves(&self, clients: &AddressSet, transport: Transport, port: u16) -> AddressSet {
        let let_in = self.lets_through(false, clients, transport, port);
        let (unanswered, _) = self.unanswered(true, &let_in, transport);
        let_in.without(unanswered.blocks())
    }

    /// As [`Self::decide`], about every address of the families that the peers have: few pieces, whatever the peers are.
    fn decide_for(&self, egress: bool, peers: &AddressSet, transport: Transport, ports: PortRange) -> Vec<Piece> {
        let has = |family: &AddressFamily| peers.blocks().iter().any(|block| AddressFamily::of(block) == *family);
        let families = AddressFamily::ALL.into_iter().filter(has);
        families.flat_map(|family| self.decide(egress, family.every_address(), transport, ports)).collect()
    }
}

/// Whether these ports, which are disjoint and denied, are more than answers can do without.
fn lacks_ports(denied: impl Iterator<Item = PortRange>) -> bool {
    let mut total = 0;
    for ports in denied {
        if common(ports, EPHEMERAL_OF_LINUX).is_some() {
            return true;
        }
        total += ports.count();
    }
    total > EPHEMERAL_DENIED_AT_MOST
}

fn common(a: PortRange, b: PortRange) -> Option<PortRange> {
    let (from, to) = (a.from.max(b.from), a.to.min(b.to));
    (from <= to).then_some(PortRange { from, to })
}

/// The rest of `all` without `part`, which lies inside.
fn beside(all: PortRange, part: PortRange) -> Vec<PortRange> {
    let below = (all.from < part.from).then(|| PortRange { from: all.from, to: part.from - 1 });
    let above = (part.to < all.to).then(|| PortRange { from: part.to + 1, to: all.to });
    below.into_iter().chain(above).collect()
}
