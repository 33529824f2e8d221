//! What Portolan looks up and never writes: VPCs, subnets, load balancers; and the one way to find a thing by
//! the name that a manifest gives.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::id::{GroupId, LoadBalancerArn, SubnetId, VpcId};

/// A VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    /// `vpc-…`
    pub id: VpcId,
    /// The `Name` tag.
    pub name: Option<String>,
    /// Every associated block, IPv4 and IPv6.
    pub cidrs: BTreeSet<IpNet>,
    /// The account that owns the VPC; differs from the caller's in a shared VPC.
    pub owner: Option<String>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`
    pub id: SubnetId,
    /// The `Name` tag.
    pub name: Option<String>,
    /// The VPC it is in.
    pub vpc: VpcId,
    /// Its blocks, IPv4 and IPv6.
    pub cidrs: BTreeSet<IpNet>,
    /// Its availability zone.
    pub zone: Option<String>,
}

/// The kind of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadBalancerKind {
    /// HTTP and HTTPS, rules with conditions.
    Application,
    /// TCP, TLS, UDP; one action per listener.
    Network,
    /// Not handled.
    Gateway,
}

/// The families of the addresses that a load balancer's name leads to (ELBv2 `IpAddressType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum IpAddressType {
    /// `ipv4`
    #[default]
    Ipv4,
    /// `dualstack`
    Dualstack,
    /// `dualstack-without-public-ipv4`: application load balancers alone; clients of the internet come by IPv6.
    DualstackWithoutPublicIpv4,
}

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Its ARN.
    pub arn: LoadBalancerArn,
    /// Its name.
    pub name: String,
    /// Application, network, or gateway.
    pub kind: LoadBalancerKind,
    /// The VPC it is in.
    pub vpc: Option<VpcId>,
    /// Its security groups; empty on a network load balancer that was made without any.
    pub security_groups: BTreeSet<GroupId>,
    /// The subnets of its nodes.
    pub subnets: BTreeSet<SubnetId>,
    /// The families of its addresses.
    pub ip_address_type: IpAddressType,
    /// `Scheme: internal`: its name leads to private addresses only.
    pub internal: bool,
    /// Whether its security groups filter the clients of AWS PrivateLink too
    /// (`EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic`, on by default).
    pub filters_private_link: bool,
    /// `State.Code`, such as `active`; empty where AWS does not say.
    pub state: String,
}

impl LoadBalancer {
    /// What it may be called.
    pub fn names(&self) -> Names<'_> {
        Names { id: self.arn.as_str(), name: Some(&self.name), name_tag: None }
    }
}

/// The answer to looking a name up: the first kind of name that matches decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<'a, T> {
    /// Nothing has that name.
    None,
    /// Exactly one.
    One(&'a T),
    /// Several: the ids or ARNs of the candidates.
    Several(Vec<String>),
}

/// Looks `name` up by id or ARN, then by name, then by `Name` tag; the first of these that matches anything decides.
pub fn look_up<'a, T>(
    all: impl IntoIterator<Item = &'a T> + Clone,
    name: &str,
    names: impl Fn(&T) -> Names<'_>,
) -> Lookup<'a, T> {
    type Pick = for<'n> fn(&Names<'n>) -> Option<&'n str>;
    let kinds: [Pick; 3] = [|n| Some(n.id), |n| n.name, |n| n.name_tag];
    for pick in kinds {
        let mut found = all.clone().into_iter().filter(|item| pick(&names(item)) == Some(name));
        match (found.next(), found.next()) {
            (None, _) => {}
            (Some(one), None) => return Lookup::One(one),
            (Some(one), Some(another)) => {
                let several = [one, another].into_iter().chain(found);
                return Lookup::Several(several.map(|item| names(item).id.to_owned()).collect());
            }
        }
    }
    Lookup::None
}

/// The names that a thing answers to, in the order in which they are tried.
pub struct Names<'a> {
    /// Its id or ARN.
    pub id: &'a str,
    /// Its own name, where the kind has one.
    pub name: Option<&'a str>,
    /// Its `Name` tag.
    pub name_tag: Option<&'a str>,
}

impl<'a> Names<'a> {
    /// Each of them once.
    pub fn all(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let Self { id, name, name_tag } = *self;
        let name = name.filter(|name| *name != id);
        let name_tag = name_tag.filter(|tag| *tag != id && Some(*tag) != name);
        [Some(id), name, name_tag].into_iter().flatten()
    }
}
