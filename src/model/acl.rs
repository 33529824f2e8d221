//! Network ACLs: stateless, the lowest number that matches decides, and nothing that matches is a denial
//! (EC2 `DescribeNetworkAcls`).

use std::collections::BTreeSet;
use std::fmt;

use ipnet::IpNet;

use super::id::{PortRange, SubnetId, Transport, VpcId};
use super::security_group::{IpProtocol, contains};

/// The ports that whoever opens a connection may pick, and that answers come back to.
pub const EPHEMERAL: PortRange = PortRange { from: 1024, to: u16::MAX };

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
}

/// What two blocks share: blocks are nested or apart.
pub fn overlap(a: &IpNet, b: &IpNet) -> Option<IpNet> {
    if contains(a, b) {
        Some(*b)
    } else if contains(b, a) {
        Some(*a)
    } else {
        None
    }
}

/// The rest of `outer` without `inner`, which it contains: at each level the half that `inner` is not in.
fn around(outer: &IpNet, inner: &IpNet) -> Vec<IpNet> {
    let mut rest = Vec::new();
    let mut here = *inner;
    while here.prefix_len() > outer.prefix_len() {
        let Some(above) = here.supernet() else { break };
        let halves = above.subnets(here.prefix_len());
        rest.extend(halves.into_iter().flatten().filter(|half| *half != here));
        here = above;
    }
    rest
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
