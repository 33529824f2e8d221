//! VPCs and what is in them.

use portolan_yaml::{At, Decode, Node, Problems, mapping};

use super::value::{Count, List, OrDefault, Ports, Texts};

mapping! {
    struct Vpc in "vpcs" {
        name as "name": At<String>,
        cidr as "cidr": At<String>,
        /// VPCs before this one that it is peered with, with routes both ways.
        peers as "peers": List<String>,
        subnets as "subnets": List<Subnet>,
        security_groups as "securityGroups": List<SecurityGroup>,
        network_acls as "networkAcls": List<NetworkAcl>,
        prefix_lists as "prefixLists": List<PrefixList>,
    }
}

mapping! {
    struct Subnet in "vpcs.subnets" {
        name as "name": At<String>,
        cidr as "cidr": At<String>,
        /// The last letter of the zone.
        zone as "zone": At<String>,
        /// Has a route to an internet gateway.
        public as "public": OrDefault<bool>,
    }
}

mapping! {
    struct SecurityGroup in "vpcs.securityGroups" {
        name as "name": At<String>,
        ingress as "ingress": List<GroupRule>,
        /// Everything may leave, where this is absent.
        egress as "egress": Option<At<Vec<At<GroupRule>>>>,
    }
}

/// `{ports: 80, from: lb}`
#[derive(Clone, Debug)]
pub(crate) struct GroupRule {
    pub ports: Ports,
    /// `tcp` where it is absent.
    pub protocol: Option<At<String>>,
    /// The other side: a CIDR, or a group or prefix list by name.
    pub peer: At<String>,
    pub description: Option<At<String>>,
    pub tags: Texts,
}

mapping! {
    struct WrittenRule in "a rule of a security group" {
        ports as "ports": At<Ports>,
        protocol as "protocol": Option<At<String>>,
        from as "from": Option<At<String>>,
        to as "to": Option<At<String>>,
        description as "description": Option<At<String>>,
        tags as "tags": Texts,
    }
}

impl Decode for GroupRule {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let WrittenRule { ports, protocol, from, to, description, tags } = Decode::decode(node, name, problems)?;
        let peer = match (from, to) {
            (Some(peer), None) | (None, Some(peer)) => peer,
            (Some(_), Some(_)) | (None, None) => {
                let hint = "ingress is from, egress is to: a CIDR, a security group or a prefix list";
                problems.add_hint(node.at, "a rule of a security group has one of from and to", hint);
                return None;
            }
        };
        Some(Self { ports: *ports, protocol, peer, description, tags })
    }
}

mapping! {
    struct NetworkAcl in "vpcs.networkAcls" {
        name as "name": At<String>,
        subnets as "subnets": At<Vec<At<String>>>,
        entries as "entries": At<Vec<At<AclEntry>>>,
    }
}

mapping! {
    struct AclEntry in "vpcs.networkAcls.entries" {
        number as "number": At<Count>,
        egress as "egress": OrDefault<bool>,
        deny as "deny": OrDefault<bool>,
        /// `tcp` where it is absent and ports are named.
        protocol as "protocol": Option<At<String>>,
        ports as "ports": At<Ports>,
        cidr as "cidr": At<String>,
    }
}

mapping! {
    struct PrefixList in "vpcs.prefixLists" {
        name as "name": At<String>,
        entries as "entries": At<Vec<At<String>>>,
    }
}
