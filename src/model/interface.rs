//! Network interfaces and routes: what the network around load balancers and targets is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::arn::Arn;
use super::id::{GroupId, LoadBalancerArn, SubnetId, VpcId};
use super::seen::Seen;

/// A network interface (EC2 `DescribeNetworkInterfaces`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `eni-…`
    pub id: String,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its groups.
    pub security_groups: BTreeSet<GroupId>,
    /// Its description, by AWS or its creator: whose it is.
    pub description: String,
}

impl Interface {
    /// Whether ECS attached it to a task.
    pub fn is_of_task(&self) -> bool {
        is_of_task(&self.description)
    }
}

/// Whether a network interface with this description is an ECS task's: ECS writes the ARN of its attachment there.
pub fn is_of_task(description: &str) -> bool {
    Arn::parse(description).is_some_and(|arn| arn.service == "ecs")
}

/// Whose network interface has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressOwner {
    /// An ECS task's.
    Task,
    /// Anything else's.
    Other,
}

/// A route table (EC2 `DescribeRouteTables`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// `rtb-…`
    pub id: String,
    /// Its VPC.
    pub vpc: VpcId,
    /// Whether subnets without a table of their own use it.
    pub main: bool,
    /// The subnets that are associated with it.
    pub subnets: BTreeSet<SubnetId>,
    /// Whether `0.0.0.0/0` leads to an internet gateway.
    pub to_internet: bool,
}

/// Addresses of the nodes of load balancers, by subnet.
pub type Nodes = BTreeMap<LoadBalancerArn, Seen<BTreeMap<SubnetId, BTreeSet<IpAddr>>>>;

/// Endpoint services by the load balancer that they lead to.
pub type EndpointServices = BTreeMap<LoadBalancerArn, BTreeSet<String>>;
