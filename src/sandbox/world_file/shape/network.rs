//! VPCs and what is in them.

use super::value::{Count, List, OrDefault, Ports, Texts};
use crate::yaml::{At, mapping};

mapping! {
    struct Vpc in "vpcs" {
        name as "name": At<String>,
        cidr as "cidr": At<String>,
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

mapping! {
    /// `{ports: 80, from: lb}`: the other side is a CIDR, or a group or prefix list by name. Of egress it is `to`.
    struct GroupRule in "a rule of a security group" {
        ports as "ports": At<Ports>,
        /// `tcp` where it is absent.
        protocol as "protocol": Option<At<String>>,
        from as "from": Option<At<String>>,
        to as "to": Option<At<String>>,
        description as "description": Option<At<String>>,
        tags as "tags": Texts,
    }
}

impl GroupRule {
    /// The other side, if there is exactly one.
    pub fn other(&self) -> Option<&At<String>> {
        match (&self.from, &self.to) {
            (Some(other), None) | (None, Some(other)) => Some(other),
            _ => None,
        }
    }

    /// As [`Self::other`], in a file that was checked.
    pub fn peer(&self) -> &str {
        self.other().map_or("", |other| other.as_str())
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
