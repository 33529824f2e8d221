//! EC2: networks, security groups, interfaces, instances.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::{Ipv4Net, Ipv6Net};
use jiff::Timestamp;

use super::{App, Tags};

#[derive(Clone, Debug)]
pub struct Vpc {
    pub id: String,
    pub cidr: Ipv4Net,
    pub is_default: bool,
    pub default_group: String,
    pub default_acl: String,
    pub main_route_table: String,
    /// `enableDnsSupport`, `enableDnsHostnames`
    pub attributes: BTreeMap<String, bool>,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct Subnet {
    pub id: String,
    pub vpc: String,
    pub cidr: Ipv4Net,
    /// Such as `eu-west-1a`.
    pub zone: String,
    pub acl: String,
    /// `aclassoc-…` of the current ACL.
    pub acl_association: String,
    /// The route table that it is associated with; the VPC's main one where absent.
    pub route_table: Option<String>,
    pub map_public_ip: bool,
    /// Offset of the next address to try: EC2 does not reuse an address immediately.
    pub next_address: u32,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct RouteTable {
    pub id: String,
    pub vpc: String,
    pub is_main: bool,
    pub routes: Vec<Route>,
    /// Subnet by `rtbassoc-…`.
    pub associations: BTreeMap<String, String>,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct Route {
    pub destination: String,
    /// `local`, `igw-…`, `nat-…`, `pcx-…`
    pub target: String,
}

#[derive(Clone, Debug)]
pub struct Gateway {
    pub id: String,
    pub vpc: Option<String>,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct NetworkAcl {
    pub id: String,
    pub vpc: String,
    pub is_default: bool,
    /// By direction (`true` is egress) and number; 32767 is the last resort and denies.
    pub entries: BTreeMap<(bool, u16), AclEntry>,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct AclEntry {
    /// A protocol number, or `-1`.
    pub protocol: String,
    pub cidr: Ipv4Net,
    pub ports: Option<RangeInclusive<u16>>,
    pub allow: bool,
}

#[derive(Clone, Debug)]
pub struct SecurityGroup {
    pub id: String,
    pub name: String,
    pub description: String,
    pub vpc: String,
    pub tags: Tags,
}

/// A rule of a group; its identity is everything but id, description and tags.
#[derive(Clone, Debug)]
pub struct GroupRule {
    pub id: String,
    pub group: String,
    pub is_egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, or a number.
    pub protocol: String,
    /// -1 where the protocol has no ports.
    pub from: i64,
    pub to: i64,
    pub source: Source,
    pub description: Option<String>,
    pub tags: Tags,
}

impl GroupRule {
    /// Whether it is the same rule to EC2.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.group, self.is_egress, &self.protocol, self.from, self.to, &self.source)
            == (&other.group, other.is_egress, &other.protocol, other.from, other.to, &other.source)
    }
}

/// The one source (or destination) of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Cidr4(Ipv4Net),
    Cidr6(Ipv6Net),
    PrefixList(String),
    Group { id: String, account: String },
}

#[derive(Clone, Debug)]
pub struct PrefixList {
    pub id: String,
    pub name: String,
    pub max_entries: i64,
    pub entries: Vec<(Ipv4Net, String)>,
    pub owner: String,
    pub version: i64,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct EndpointService {
    pub id: String,
    /// Network load balancers, by ARN.
    pub load_balancers: Vec<String>,
    pub acceptance_required: bool,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct NetworkInterface {
    pub id: String,
    pub vpc: String,
    pub subnet: String,
    pub address: Ipv4Addr,
    pub public_address: Option<Ipv4Addr>,
    pub groups: BTreeSet<String>,
    pub description: String,
    pub owner: InterfaceOwner,
    pub tags: Tags,
}

/// What an interface belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterfaceOwner {
    /// ARN of the task.
    Task(String),
    /// Id of the instance.
    Instance(String),
    /// ARN of the load balancer.
    LoadBalancer(String),
    /// Nothing that runs.
    Nobody,
}

#[derive(Clone, Debug)]
pub struct Instance {
    pub id: String,
    /// `running`, `stopped`, `terminated`
    pub status: String,
    pub instance_type: String,
    /// `ami-…`
    pub image: String,
    /// `r-…` of the call that launched it.
    pub reservation: String,
    pub launched: Timestamp,
    pub vpc: String,
    pub subnet: String,
    pub interface: String,
    pub address: Ipv4Addr,
    /// From which dynamic host ports are taken: the instance's `ip_local_port_range`, which no API tells.
    pub dynamic_ports: RangeInclusive<u16>,
    /// What runs on it beside containers.
    pub app: App,
    pub tags: Tags,
}
