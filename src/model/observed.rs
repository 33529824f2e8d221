//! One reading of AWS, with its gaps.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::group_rules::PrefixLists;
use super::id::{
    GroupId, InstanceId, ListenerArn, LoadBalancerArn, ServiceId, SubnetId, TargetGroupArn, TaskDefinitionArn, VpcId,
};
use super::listener_rule::{Listener, Rule};
use super::network::{LoadBalancer, Lookup, Names, Subnet, Vpc, look_up};
use super::security_group::{IngressRule, SecurityGroup};
use super::seen::{Gap, Seen};
use super::service::{PastDeployment, Revision, Service, UnderWay};
use super::surroundings::{AddressOwner, Nodes};
use super::target::{Host, Target, Task};
use super::target_group::{Attributes, TargetGroup};
use super::task_definition::TaskDefinition;

/// An ECS cluster that is ACTIVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
}

/// A scalable target of Application Auto Scaling for `ecs:service:DesiredCount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalableTarget {
    /// Fewest tasks.
    pub min: u32,
    /// Most tasks.
    pub max: u32,
    /// All three kinds of scaling are suspended: it does nothing.
    pub suspended: bool,
}

/// Quotas in force (`elasticloadbalancing:DescribeAccountLimits`), by AWS's names, such as
/// `rules-per-application-load-balancer`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountLimits(pub BTreeMap<String, u32>);

/// What AWS answered in one pass.
///
/// Maps are keyed by what the manifest names or by ARN; a key that is missing was not asked for, and reads as
/// unknown through the accessors. Lists that are `Seen` as a whole are complete when present: a page that failed
/// makes the list unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The account of the credentials (`sts:GetCallerIdentity`).
    pub account: Seen<String>,
    /// The region that was asked.
    pub region: String,
    /// Clusters by the name in the manifest.
    pub clusters: BTreeMap<String, Seen<Cluster>>,
    /// Services of the manifest.
    pub services: BTreeMap<ServiceId, Seen<Service>>,
    /// Task definitions by ARN.
    pub task_definitions: BTreeMap<TaskDefinitionArn, Seen<TaskDefinition>>,
    /// Tasks from PROVISIONING to STOPPING of the manifest's services.
    pub tasks: BTreeMap<ServiceId, Seen<Vec<Task>>>,
    /// Running tasks of the same clusters that belong to no service of the manifest, at addresses and instances that are
    /// registered and that no task of the manifest's services explains.
    pub other_tasks: Vec<Task>,
    /// Revisions of services; asked only where a task of an older deployment has a registration that the live wiring does
    /// not explain.
    pub revisions: BTreeMap<ServiceId, Seen<Vec<Revision>>>,
    /// Newest first; asked only for services whose wiring, ports or network differ.
    pub past_deployments: BTreeMap<ServiceId, Seen<Vec<PastDeployment>>>,
    /// What becomes of deployments in progress; asked only for services whose wiring, ports or network differ meanwhile.
    pub under_way: BTreeMap<ServiceId, Seen<UnderWay>>,
    /// Scalable targets; absent means that there is none.
    pub scalable_targets: BTreeMap<ServiceId, Seen<ScalableTarget>>,
    /// Instances that carry tasks or are registered as targets.
    pub hosts: BTreeMap<InstanceId, Seen<Host>>,
    /// Addresses of targets that no task explains: whose network interface has that address, if any.
    pub interfaces: BTreeMap<IpAddr, Seen<AddressOwner>>,
    /// All VPCs of the region.
    pub vpcs: Seen<Vec<Vpc>>,
    /// Where the route tables of a VPC lead, the default routes apart; asked where a rule may be made parked.
    pub routes: BTreeMap<VpcId, Seen<BTreeSet<IpNet>>>,
    /// All subnets of the fleet's VPCs.
    pub subnets: Seen<Vec<Subnet>>,
    /// Addresses of the nodes of network load balancers; asked where rules by address may allow them.
    pub nodes: Nodes,
    /// All security groups of the fleet's VPCs.
    pub security_groups: Seen<Vec<SecurityGroup>>,
    /// Ingress rules of the groups that the manifest names, by group.
    pub ingress: BTreeMap<GroupId, Seen<Vec<IngressRule>>>,
    /// Entries of prefix lists that these rules name; asked where a list may allow a wanted flow that no other rule allows.
    pub prefix_lists: PrefixLists,
    /// Ingress rules that bear this fleet's mark, in any group; asked only with prune.
    pub marked_ingress: Seen<Vec<IngressRule>>,
    /// All load balancers of the region.
    pub load_balancers: Seen<Vec<LoadBalancer>>,
    /// Listeners of the load balancers that the manifest names.
    pub listeners: BTreeMap<LoadBalancerArn, Seen<Vec<Listener>>>,
    /// Rules, the default ones left out, of these listeners.
    pub rules: BTreeMap<ListenerArn, Seen<Vec<Rule>>>,
    /// All target groups of the region. Tags are read for the manifest's, with prune for all.
    pub target_groups: Seen<Vec<TargetGroup>>,
    /// Attributes of the manifest's target groups.
    pub attributes: BTreeMap<TargetGroupArn, Seen<Attributes>>,
    /// Registrations and their health.
    pub targets: BTreeMap<TargetGroupArn, Seen<Vec<Target>>>,
    /// Addresses of the network interfaces that carry a group; asked for groups with marked ingress, with prune.
    pub carriers: BTreeMap<GroupId, Seen<BTreeSet<IpAddr>>>,
    /// Target groups that any service of a cluster names, with these services, by cluster; asked when a target group may have
    /// to go or is replaced.
    pub named_target_groups: BTreeMap<String, Seen<BTreeMap<TargetGroupArn, BTreeSet<ServiceId>>>>,
    /// Quotas.
    pub limits: Seen<AccountLimits>,
    /// Everything that could not be read, with the object it was for (`Kind/key`, or an AWS name).
    pub gaps: BTreeSet<(String, Gap)>,
}

fn not_asked(call: &str) -> Gap {
    Gap { call: call.to_owned(), why: "not asked".to_owned() }
}

/// Reads a map of observations: a missing key was not asked for, hence unknown.
fn asked<'a, K: Ord, T>(map: &'a BTreeMap<K, Seen<T>>, key: &K, call: &str) -> Seen<&'a T> {
    map.get(key).map_or_else(|| Seen::Unknown(not_asked(call)), Seen::as_ref)
}

impl Observed {
    /// Whether a gap hides a part of what stands, so that nothing may be removed (rule R11). The quotas are no such part:
    /// they hold back what is added, and where they are unknown AWS says no itself. Neither are routes, which hold back
    /// parked rules, nor prefix lists, which hold back the rules of security groups.
    pub fn hides_what_stands(&self, gap: &Gap) -> bool {
        let in_routes = self.routes.values().any(|seen| seen.gap() == Some(gap));
        let in_lists = self.prefix_lists.values().any(|seen| seen.gap() == Some(gap));
        self.limits.gap() != Some(gap) && !in_routes && !in_lists
    }

    /// A reading in which nothing was asked.
    pub fn unasked(region: &str) -> Self {
        let gap = |call: &str| not_asked(call);
        Self {
            account: Seen::Unknown(gap("sts:GetCallerIdentity")),
            region: region.to_owned(),
            clusters: BTreeMap::new(),
            services: BTreeMap::new(),
            task_definitions: BTreeMap::new(),
            tasks: BTreeMap::new(),
            other_tasks: Vec::new(),
            revisions: BTreeMap::new(),
            past_deployments: BTreeMap::new(),
            under_way: BTreeMap::new(),
            scalable_targets: BTreeMap::new(),
            hosts: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            vpcs: Seen::Unknown(gap("ec2:DescribeVpcs")),
            routes: BTreeMap::new(),
            subnets: Seen::Unknown(gap("ec2:DescribeSubnets")),
            nodes: BTreeMap::new(),
            security_groups: Seen::Unknown(gap("ec2:DescribeSecurityGroups")),
            ingress: BTreeMap::new(),
            prefix_lists: PrefixLists::new(),
            marked_ingress: Seen::Unknown(gap("ec2:DescribeSecurityGroupRules")),
            load_balancers: Seen::Unknown(gap("elasticloadbalancing:DescribeLoadBalancers")),
            listeners: BTreeMap::new(),
            rules: BTreeMap::new(),
            target_groups: Seen::Unknown(gap("elasticloadbalancing:DescribeTargetGroups")),
            attributes: BTreeMap::new(),
            targets: BTreeMap::new(),
            carriers: BTreeMap::new(),
            named_target_groups: BTreeMap::new(),
            limits: Seen::Unknown(gap("elasticloadbalancing:DescribeAccountLimits")),
            gaps: BTreeSet::new(),
        }
    }

    /// A service of the manifest.
    pub fn service(&self, id: &ServiceId) -> Seen<&Service> {
        asked(&self.services, id, "ecs:DescribeServices")
    }

    /// A task definition.
    pub fn task_definition(&self, arn: &TaskDefinitionArn) -> Seen<&TaskDefinition> {
        asked(&self.task_definitions, arn, "ecs:DescribeTaskDefinition")
    }

    /// The live tasks of a service.
    pub fn tasks_of(&self, id: &ServiceId) -> Seen<&Vec<Task>> {
        asked(&self.tasks, id, "ecs:ListTasks")
    }

    /// The revisions of a service.
    pub fn revisions_of(&self, id: &ServiceId) -> Seen<&Vec<Revision>> {
        asked(&self.revisions, id, "ecs:DescribeServiceRevisions")
    }

    /// Finished deployments of a service, newest first.
    pub fn past_deployments_of(&self, id: &ServiceId) -> Seen<&Vec<PastDeployment>> {
        asked(&self.past_deployments, id, "ecs:ListServiceDeployments")
    }

    /// What becomes of the deployment of a service that is in progress.
    pub fn under_way(&self, id: &ServiceId) -> Seen<&UnderWay> {
        asked(&self.under_way, id, "ecs:ListServiceDeployments")
    }

    /// The scalable target of a service.
    pub fn scalable_target(&self, id: &ServiceId) -> Seen<&ScalableTarget> {
        asked(&self.scalable_targets, id, "application-autoscaling:DescribeScalableTargets")
    }

    /// An instance.
    pub fn host(&self, id: &InstanceId) -> Seen<&Host> {
        asked(&self.hosts, id, "ec2:DescribeInstances")
    }

    /// Whose network interface has that address.
    pub fn interface(&self, address: &IpAddr) -> Seen<&AddressOwner> {
        asked(&self.interfaces, address, "ec2:DescribeNetworkInterfaces")
    }

    /// The addresses of the network interfaces that carry a group.
    pub fn carriers_of(&self, group: &GroupId) -> Seen<&BTreeSet<IpAddr>> {
        asked(&self.carriers, group, "ec2:DescribeNetworkInterfaces")
    }

    /// The addresses of a network load balancer's nodes, by subnet; absent where no interface is one.
    pub fn nodes_of(&self, arn: &LoadBalancerArn) -> Seen<&BTreeMap<SubnetId, BTreeSet<IpAddr>>> {
        asked(&self.nodes, arn, "ec2:DescribeNetworkInterfaces")
    }

    /// The target groups that any service of a cluster names, with these services.
    pub fn named_target_groups_of(&self, cluster: &String) -> Seen<&BTreeMap<TargetGroupArn, BTreeSet<ServiceId>>> {
        asked(&self.named_target_groups, cluster, "ecs:ListServices")
    }

    /// The ingress rules of a group.
    pub fn ingress_of(&self, group: &GroupId) -> Seen<&Vec<IngressRule>> {
        asked(&self.ingress, group, "ec2:DescribeSecurityGroupRules")
    }

    /// The listeners of a load balancer.
    pub fn listeners_of(&self, arn: &LoadBalancerArn) -> Seen<&Vec<Listener>> {
        asked(&self.listeners, arn, "elasticloadbalancing:DescribeListeners")
    }

    /// The rules of a listener, without its default.
    pub fn rules_of(&self, arn: &ListenerArn) -> Seen<&Vec<Rule>> {
        asked(&self.rules, arn, "elasticloadbalancing:DescribeRules")
    }

    /// The attributes of a target group.
    pub fn attributes_of(&self, arn: &TargetGroupArn) -> Seen<&Attributes> {
        asked(&self.attributes, arn, "elasticloadbalancing:DescribeTargetGroupAttributes")
    }

    /// Where the route tables of a VPC lead, the default routes apart.
    pub fn routes_of(&self, vpc: &VpcId) -> Seen<&BTreeSet<IpNet>> {
        asked(&self.routes, vpc, "ec2:DescribeRouteTables")
    }

    /// The registrations of a target group.
    pub fn targets_of(&self, arn: &TargetGroupArn) -> Seen<&Vec<Target>> {
        asked(&self.targets, arn, "elasticloadbalancing:DescribeTargetHealth")
    }

    /// A VPC by id or `Name` tag.
    pub fn vpc(&self, name: &str) -> Seen<Lookup<'_, Vpc>> {
        find(&self.vpcs, name, |_| true, |vpc| Names { id: vpc.id.as_str(), name: None, name_tag: vpc.name.as_deref() })
    }

    /// A subnet of a VPC by id or `Name` tag.
    pub fn subnet(&self, vpc: &VpcId, name: &str) -> Seen<Lookup<'_, Subnet>> {
        find(
            &self.subnets,
            name,
            |subnet| subnet.vpc == *vpc,
            |subnet| Names { id: subnet.id.as_str(), name: None, name_tag: subnet.name.as_deref() },
        )
    }
}

fn find<'a, T>(
    all: &'a Seen<Vec<T>>,
    name: &str,
    inside: impl Fn(&T) -> bool,
    names: impl Fn(&T) -> Names<'_>,
) -> Seen<Lookup<'a, T>> {
    match all {
        Seen::Present(all) => {
            let inside: Vec<&T> = all.iter().filter(|item| inside(item)).collect();
            Seen::Present(look_up(inside.iter().copied(), name, names))
        }
        Seen::Absent => Seen::Present(Lookup::None),
        Seen::Unknown(gap) => Seen::Unknown(gap.clone()),
    }
}
