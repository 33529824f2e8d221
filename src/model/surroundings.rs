//! What tracing needs to know beyond what planning does: the network around load balancers and targets. Read only when
//! something is traced.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::acl::NetworkAcl;
use super::group_rules::PrefixLists;
use super::id::{GroupId, InstanceId, LoadBalancerArn, ServiceId, SubnetId, TargetGroupArn, VpcId};
use super::security_group::IngressRule;
use super::seen::{Gap, Seen};
use super::service::StoppedTask;
use super::target::Host;
use super::target_group::Attributes;

/// A network interface (EC2 `DescribeNetworkInterfaces`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `eni-…`
    pub id: String,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its groups.
    pub security_groups: BTreeSet<GroupId>,
    /// What AWS or somebody wrote on it: whose it is.
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
    description.contains(":ecs:")
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

/// The network around the paths that are traced. A key that is missing was not asked for, hence unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Ingress rules by group.
    pub ingress: BTreeMap<GroupId, Seen<Vec<IngressRule>>>,
    /// Egress rules by group; their source is the destination.
    pub egress: BTreeMap<GroupId, Seen<Vec<IngressRule>>>,
    /// Entries of the prefix lists that these rules name.
    pub prefix_lists: PrefixLists,
    /// ACLs of the VPCs; `None`: not asked.
    pub acls: Option<Seen<Vec<NetworkAcl>>>,
    /// Route tables of the VPCs; `None`: not asked.
    pub routes: Option<Seen<Vec<RouteTable>>>,
    /// Interfaces by address: those of tasks and of registered addresses.
    pub interfaces: BTreeMap<IpAddr, Seen<Interface>>,
    /// Addresses of the nodes of network load balancers, by subnet: each keeps its addresses for good, so rules may name them.
    pub nodes: Nodes,
    /// Endpoint services of network load balancers, by their ids (`vpce-svc-…`): clients of AWS PrivateLink connect through
    /// them. `None`: not asked.
    pub endpoint_services: Option<Seen<EndpointServices>>,
    /// Instances by the ARN of their container instance, for tasks with an interface of their own.
    pub carriers: BTreeMap<String, Seen<InstanceId>>,
    /// Instances that are registered or that carry tasks.
    pub hosts: BTreeMap<InstanceId, Seen<Host>>,
    /// Services by the target groups that they name, in the clusters of the manifest; asked only where some registered
    /// address is not that of a known task. `None`: not asked.
    pub feeders: Option<Seen<BTreeMap<TargetGroupArn, BTreeSet<ServiceId>>>>,
    /// Tasks that have stopped, of services that lack tasks or healthy targets.
    pub stopped_tasks: BTreeMap<ServiceId, Seen<Vec<StoppedTask>>>,
    /// Attributes of load balancers.
    pub balancer_attributes: BTreeMap<LoadBalancerArn, Seen<Attributes>>,
    /// Attributes of target groups.
    pub group_attributes: BTreeMap<TargetGroupArn, Seen<Attributes>>,
    /// Everything that could not be read, with what it was for.
    pub gaps: BTreeSet<(String, Gap)>,
}

fn asked<'a, K: Ord, T>(map: &'a BTreeMap<K, Seen<T>>, key: &K, call: &str) -> Seen<&'a T> {
    map.get(key).map_or_else(|| not_asked(call), Seen::as_ref)
}

fn not_asked<'a, T>(call: &str) -> Seen<&'a T> {
    Seen::Unknown(Gap { call: call.to_owned(), why: "not asked".to_owned() })
}

impl Surroundings {
    /// The stopped tasks of a service.
    pub fn stopped_tasks_of(&self, id: &ServiceId) -> Seen<&Vec<StoppedTask>> {
        asked(&self.stopped_tasks, id, "ecs:ListTasks")
    }

    /// The rules of all these groups in one direction.
    pub fn rules<'a>(&'a self, groups: &BTreeSet<GroupId>, egress: bool) -> Result<Vec<&'a IngressRule>, Gap> {
        let map = if egress { &self.egress } else { &self.ingress };
        let mut rules = Vec::new();
        for group in groups {
            match asked(map, group, "ec2:DescribeSecurityGroupRules") {
                Seen::Present(list) => rules.extend(list),
                Seen::Absent => {}
                Seen::Unknown(gap) => return Err(gap),
            }
        }
        Ok(rules)
    }

    /// The ACL that guards a subnet.
    pub fn acl_of(&self, subnet: &SubnetId) -> Seen<&NetworkAcl> {
        match self.acls.as_ref().map(Seen::as_ref) {
            Some(Seen::Present(all)) => {
                all.iter().find(|acl| acl.subnets.contains(subnet)).map_or(Seen::Absent, Seen::Present)
            }
            Some(Seen::Absent) => Seen::Absent,
            Some(Seen::Unknown(gap)) => Seen::Unknown(gap),
            None => not_asked("ec2:DescribeNetworkAcls"),
        }
    }

    /// The route table of a subnet: its own, or its VPC's main one.
    pub fn route_table_of(&self, subnet: &SubnetId, vpc: &VpcId) -> Seen<&RouteTable> {
        match self.routes.as_ref().map(Seen::as_ref) {
            Some(Seen::Present(all)) => {
                let own = all.iter().find(|table| table.subnets.contains(subnet));
                let main = || all.iter().find(|table| table.main && table.vpc == *vpc);
                own.or_else(main).map_or(Seen::Absent, Seen::Present)
            }
            Some(Seen::Absent) => Seen::Absent,
            Some(Seen::Unknown(gap)) => Seen::Unknown(gap),
            None => not_asked("ec2:DescribeRouteTables"),
        }
    }

    /// The endpoint services that lead to a load balancer; absent where there is none.
    pub fn endpoint_services_of(&self, arn: &LoadBalancerArn) -> Seen<&BTreeSet<String>> {
        match self.endpoint_services.as_ref().map(Seen::as_ref) {
            Some(Seen::Present(all)) => all.get(arn).map_or(Seen::Absent, Seen::Present),
            Some(Seen::Absent) => Seen::Absent,
            Some(Seen::Unknown(gap)) => Seen::Unknown(gap),
            None => not_asked("ec2:DescribeVpcEndpointServiceConfigurations"),
        }
    }

    /// The interface with an address.
    pub fn interface(&self, address: &IpAddr) -> Seen<&Interface> {
        asked(&self.interfaces, address, "ec2:DescribeNetworkInterfaces")
    }

    /// An instance.
    pub fn host(&self, id: &InstanceId) -> Seen<&Host> {
        asked(&self.hosts, id, "ec2:DescribeInstances")
    }

    /// The attributes of a load balancer.
    pub fn balancer_attributes_of(&self, arn: &LoadBalancerArn) -> Seen<&Attributes> {
        asked(&self.balancer_attributes, arn, "elasticloadbalancing:DescribeLoadBalancerAttributes")
    }

    /// The attributes of a target group.
    pub fn group_attributes_of(&self, arn: &TargetGroupArn) -> Seen<&Attributes> {
        asked(&self.group_attributes, arn, "elasticloadbalancing:DescribeTargetGroupAttributes")
    }

    /// The addresses of a load balancer's node in a subnet; empty where they are not known.
    pub fn nodes_in(&self, balancer: &LoadBalancerArn, subnet: &SubnetId) -> impl Iterator<Item = &IpAddr> {
        let nodes = self.nodes.get(balancer).and_then(|seen| seen.as_ref().present());
        nodes.and_then(|nodes| nodes.get(subnet)).into_iter().flatten()
    }
}
