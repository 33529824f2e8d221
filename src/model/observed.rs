//! Everything that is known of AWS, with its gaps.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::acl::NetworkAcl;
use super::cluster::{AccountLimits, Cluster, ScalableTarget};
use super::deployment::{PastDeployment, ServiceDeployment};
use super::group_rules::PrefixLists;
use super::id::{
    GroupId, InstanceId, ListenerArn, LoadBalancerArn, ServiceId, SubnetId, TargetGroupArn, TaskDefinitionArn, VpcId,
};
use super::interface::{AddressOwner, EndpointServices, Interface, Nodes, RouteTable};
use super::listener_rule::{Listener, Rule};
use super::network::{LoadBalancer, Lookup, Names, Subnet, Vpc, look_up};
use super::owner::Tags;
use super::query::{Kind, Query};
use super::security_group::{IngressRule, SecurityGroup};
use super::seen::{Gap, Seen};
use super::service::{Revision, Service, ServiceOutline, StoppedTask, UnderWay};
use super::target::{Host, Target, Task};
use super::target_group::{Attributes, TargetGroup};
use super::task_definition::TaskDefinition;

/// What AWS answered.
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
    /// The clusters of the region; asked where one that was named is absent.
    pub cluster_names: Seen<Vec<String>>,
    /// The names of all services of a cluster; asked where there is no manifest.
    pub service_names: BTreeMap<String, Seen<Vec<String>>>,
    /// Clusters by the name in the manifest.
    pub clusters: BTreeMap<String, Seen<Cluster>>,
    /// Services of the manifest.
    pub services: BTreeMap<ServiceId, Seen<Service>>,
    /// Task definitions by ARN.
    pub task_definitions: BTreeMap<TaskDefinitionArn, Seen<TaskDefinition>>,
    /// Tasks from PROVISIONING to STOPPING of the manifest's services.
    pub tasks: BTreeMap<ServiceId, Seen<Vec<Task>>>,
    /// By cluster: its running tasks that belong to no service of the manifest, at addresses and instances that are registered
    /// and that no task of the manifest's services explains.
    pub other_tasks: BTreeMap<String, Seen<Vec<Task>>>,
    /// By cluster: whether the instances are known that carry its tasks.
    pub task_placements: BTreeMap<String, Seen<()>>,
    /// By cluster: the tasks that ECS lists as STOPPED before they are. They stand among the others, too.
    pub stopping_tasks: BTreeMap<String, Seen<BTreeMap<ServiceId, Vec<Task>>>>,
    /// Revisions of services; asked only where a task of an older deployment has a registration that the live wiring does
    /// not explain.
    pub revisions: BTreeMap<ServiceId, Seen<Vec<Revision>>>,
    /// Newest first; asked only for services whose wiring, ports or network differ.
    pub past_deployments: BTreeMap<ServiceId, Seen<Vec<PastDeployment>>>,
    /// The newest deployments of services, newest first; absent where the endpoint cannot list any. Asked where a deployment is
    /// followed, limited or taken back.
    pub service_deployments: BTreeMap<ServiceId, Seen<Vec<ServiceDeployment>>>,
    /// What becomes of deployments in progress; asked only for services whose wiring, ports or network differ meanwhile.
    pub under_way: BTreeMap<ServiceId, Seen<UnderWay>>,
    /// Tasks that have stopped, of services that lack tasks or healthy targets; asked for tracing.
    pub stopped_tasks: BTreeMap<ServiceId, Seen<Vec<StoppedTask>>>,
    /// Scalable targets; absent means that there is none.
    pub scalable_targets: BTreeMap<ServiceId, Seen<ScalableTarget>>,
    /// Instances by the ARN of their container instance, for tasks with an interface of their own; asked for tracing.
    pub container_instances: BTreeMap<String, Seen<InstanceId>>,
    /// Instances that carry tasks or are registered as targets.
    pub hosts: BTreeMap<InstanceId, Seen<Host>>,
    /// Addresses of targets that no task explains: whose network interface has that address, if any.
    pub address_owners: BTreeMap<IpAddr, Seen<AddressOwner>>,
    /// Interfaces by address, those of tasks and of registered addresses; asked for tracing.
    pub interfaces: BTreeMap<IpAddr, Seen<Interface>>,
    /// All VPCs of the region.
    pub vpcs: Seen<Vec<Vpc>>,
    /// Where the route tables of a VPC lead, the default routes apart; asked where a rule may be made parked.
    pub routes: BTreeMap<VpcId, Seen<BTreeSet<IpNet>>>,
    /// Route tables by VPC; asked for tracing.
    pub route_tables: BTreeMap<VpcId, Seen<Vec<RouteTable>>>,
    /// Network ACLs by VPC; asked for tracing.
    pub network_acls: BTreeMap<VpcId, Seen<Vec<NetworkAcl>>>,
    /// All subnets of the fleet's VPCs.
    pub subnets: Seen<Vec<Subnet>>,
    /// Addresses of the nodes of network load balancers, by subnet; asked for tracing, and where rules by address may allow
    /// them.
    pub nodes: Nodes,
    /// Endpoint services of network load balancers, by their ids (`vpce-svc-…`): clients of AWS PrivateLink connect through
    /// them. Asked for tracing.
    pub endpoint_services: Seen<EndpointServices>,
    /// All security groups of the fleet's VPCs.
    pub security_groups: Seen<Vec<SecurityGroup>>,
    /// Ingress rules by group: of those that the manifest names, and for tracing of all on a path.
    pub ingress: BTreeMap<GroupId, Seen<Vec<IngressRule>>>,
    /// Egress rules by group, their source is the destination; asked for tracing.
    pub egress: BTreeMap<GroupId, Seen<Vec<IngressRule>>>,
    /// Entries of prefix lists that rules name; planning asks where a list may allow a wanted flow that no other rule allows.
    pub prefix_lists: PrefixLists,
    /// Ingress rules that bear this fleet's mark, in any group; asked only with prune.
    pub marked_ingress: Seen<Vec<IngressRule>>,
    /// All load balancers of the region.
    pub load_balancers: Seen<Vec<LoadBalancer>>,
    /// Attributes of load balancers; asked for tracing.
    pub balancer_attributes: BTreeMap<LoadBalancerArn, Seen<Attributes>>,
    /// Listeners of the load balancers that the manifest names.
    pub listeners: BTreeMap<LoadBalancerArn, Seen<Vec<Listener>>>,
    /// Rules, the default ones left out, of these listeners.
    pub rules: BTreeMap<ListenerArn, Seen<Vec<Rule>>>,
    /// All target groups of the region. Tags are read for the manifest's, with prune for all.
    pub target_groups: Seen<Vec<TargetGroup>>,
    /// Tags of rules and target groups by their ARNs. They stand with these, too.
    pub tags: BTreeMap<String, Seen<Tags>>,
    /// Attributes of target groups: those that are declared, and for tracing all.
    pub attributes: BTreeMap<TargetGroupArn, Seen<Attributes>>,
    /// Registrations and their health.
    pub targets: BTreeMap<TargetGroupArn, Seen<Vec<Target>>>,
    /// Addresses of the network interfaces that carry a group; asked for groups with marked ingress, with prune.
    pub group_addresses: BTreeMap<GroupId, Seen<BTreeSet<IpAddr>>>,
    /// All services of a cluster, by cluster; asked when a service may have to be created or to go, and when a target group may
    /// have to go or is replaced.
    pub cluster_services: BTreeMap<String, Seen<Vec<ServiceOutline>>>,
    /// Quotas.
    pub limits: Seen<AccountLimits>,
    /// The questions that were answered, be it with a failure.
    pub answered: BTreeSet<Query>,
    /// Everything that could not be read, with the object it was for (`Kind/key`, or an AWS name).
    pub gaps: BTreeSet<(String, Gap)>,
    /// The same of what only tracing needs: a path that is not known holds back no removal.
    pub gaps_around: BTreeSet<(String, Gap)>,
}

fn not_asked<T>(kind: Kind) -> Seen<T> {
    Seen::Unknown(Gap::not_asked(kind.call()))
}

/// Reads a map of observations: a missing key was not asked for, so it is unknown.
fn asked<'a, K: Borrow<Q> + Ord, Q: Ord + ?Sized, T>(
    map: &'a BTreeMap<K, Seen<T>>,
    key: &Q,
    kind: Kind,
) -> Seen<&'a T> {
    map.get(key).map_or_else(|| not_asked(kind), Seen::as_ref)
}

/// The first thing in the lists of all VPCs that were asked about; absent only if all of them are known.
fn in_some_vpc<T>(lists: &BTreeMap<VpcId, Seen<Vec<T>>>, kind: Kind, is_it: impl Fn(&T) -> bool) -> Seen<&T> {
    let known = lists.values().filter_map(|seen| seen.as_ref().present()).flatten();
    if let Some(found) = known.into_iter().find(|one| is_it(one)) {
        return Seen::Present(found);
    }
    match lists.values().find_map(Seen::gap) {
        Some(gap) => Seen::Unknown(gap.clone()),
        None if lists.is_empty() => not_asked(kind),
        None => Seen::Absent,
    }
}

impl Observed {
    /// Whether a gap hides a part of the live state, so that nothing may be removed (rule R11). The quotas are no such part:
    /// they hold back what is added, and where they are unknown AWS says no itself. Neither are routes, which hold back
    /// parked rules, nor prefix lists, which hold back the rules of security groups.
    pub fn hides_what_stands(&self, gap: &Gap) -> bool {
        let in_routes = self.routes.values().any(|seen| seen.gap() == Some(gap));
        let in_lists = self.prefix_lists.values().any(|seen| seen.gap() == Some(gap));
        self.limits.gap() != Some(gap) && !in_routes && !in_lists
    }

    /// Those of these questions that have no answer.
    pub fn unanswered(&self, queries: &BTreeSet<Query>) -> BTreeSet<Query> {
        // Both are sorted, and long: they are walked through together.
        queries.difference(&self.answered).cloned().collect()
    }

    /// Every task that was read, with its service: those of the manifest's services, and others at registered addresses.
    pub fn all_tasks(&self) -> impl Iterator<Item = (&ServiceId, &Task)> {
        let known = self.tasks.iter().filter_map(|(id, seen)| Some((id, seen.as_ref().present()?)));
        let known = known.flat_map(|(id, tasks)| tasks.iter().map(move |task| (id, task)));
        known.chain(self.other_tasks().map(|task| (&task.service, task)))
    }

    /// A reading in which nothing was asked.
    pub fn unasked(region: &str) -> Self {
        Self {
            account: not_asked(Kind::Account),
            region: region.to_owned(),
            cluster_names: not_asked(Kind::ClusterNames),
            service_names: BTreeMap::new(),
            clusters: BTreeMap::new(),
            services: BTreeMap::new(),
            task_definitions: BTreeMap::new(),
            tasks: BTreeMap::new(),
            other_tasks: BTreeMap::new(),
            task_placements: BTreeMap::new(),
            stopping_tasks: BTreeMap::new(),
            revisions: BTreeMap::new(),
            past_deployments: BTreeMap::new(),
            service_deployments: BTreeMap::new(),
            under_way: BTreeMap::new(),
            stopped_tasks: BTreeMap::new(),
            container_instances: BTreeMap::new(),
            scalable_targets: BTreeMap::new(),
            hosts: BTreeMap::new(),
            address_owners: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            vpcs: not_asked(Kind::Vpcs),
            routes: BTreeMap::new(),
            route_tables: BTreeMap::new(),
            network_acls: BTreeMap::new(),
            subnets: not_asked(Kind::Subnets),
            nodes: BTreeMap::new(),
            endpoint_services: not_asked(Kind::EndpointServices),
            security_groups: not_asked(Kind::SecurityGroups),
            ingress: BTreeMap::new(),
            egress: BTreeMap::new(),
            prefix_lists: BTreeMap::new(),
            marked_ingress: not_asked(Kind::MarkedIngress),
            load_balancers: not_asked(Kind::LoadBalancers),
            balancer_attributes: BTreeMap::new(),
            listeners: BTreeMap::new(),
            rules: BTreeMap::new(),
            target_groups: not_asked(Kind::TargetGroups),
            tags: BTreeMap::new(),
            attributes: BTreeMap::new(),
            targets: BTreeMap::new(),
            group_addresses: BTreeMap::new(),
            cluster_services: BTreeMap::new(),
            limits: not_asked(Kind::Limits),
            answered: BTreeSet::new(),
            gaps: BTreeSet::new(),
            gaps_around: BTreeSet::new(),
        }
    }

    /// A cluster by the name in the manifest.
    pub fn cluster(&self, name: &str) -> Seen<&Cluster> {
        asked(&self.clusters, name, Kind::Cluster)
    }

    /// A service of the manifest.
    pub fn service(&self, id: &ServiceId) -> Seen<&Service> {
        asked(&self.services, id, Kind::Service)
    }

    /// A task definition.
    pub fn task_definition(&self, arn: &TaskDefinitionArn) -> Seen<&TaskDefinition> {
        asked(&self.task_definitions, arn, Kind::TaskDefinition)
    }

    /// The live tasks of a service.
    pub fn tasks_of(&self, id: &ServiceId) -> Seen<&Vec<Task>> {
        asked(&self.tasks, id, Kind::Tasks)
    }

    /// The revisions of a service.
    pub fn revisions_of(&self, id: &ServiceId) -> Seen<&Vec<Revision>> {
        asked(&self.revisions, id, Kind::Revisions)
    }

    /// Finished deployments of a service, newest first.
    pub fn past_deployments_of(&self, id: &ServiceId) -> Seen<&Vec<PastDeployment>> {
        asked(&self.past_deployments, id, Kind::PastDeployments)
    }

    /// The newest deployments of a service, newest first.
    pub fn service_deployments_of(&self, id: &ServiceId) -> Seen<&Vec<ServiceDeployment>> {
        asked(&self.service_deployments, id, Kind::ServiceDeployments)
    }

    /// What becomes of the deployment of a service that is in progress.
    pub fn under_way(&self, id: &ServiceId) -> Seen<&UnderWay> {
        asked(&self.under_way, id, Kind::UnderWay)
    }

    /// The scalable target of a service.
    pub fn scalable_target(&self, id: &ServiceId) -> Seen<&ScalableTarget> {
        asked(&self.scalable_targets, id, Kind::ScalableTarget)
    }

    /// Tasks of the manifest's clusters that belong to no service of it.
    pub fn other_tasks(&self) -> impl Iterator<Item = &Task> {
        self.other_tasks.values().filter_map(|seen| seen.as_ref().present()).flatten()
    }

    /// An instance.
    pub fn host(&self, id: &InstanceId) -> Seen<&Host> {
        asked(&self.hosts, id, Kind::Host)
    }

    /// Whose network interface has that address.
    pub fn address_owner(&self, address: &IpAddr) -> Seen<&AddressOwner> {
        asked(&self.address_owners, address, Kind::AddressOwner)
    }

    /// The addresses of the network interfaces that carry a group.
    pub fn addresses_with(&self, group: &GroupId) -> Seen<&BTreeSet<IpAddr>> {
        asked(&self.group_addresses, group, Kind::GroupAddresses)
    }

    /// The addresses of a network load balancer's nodes, by subnet; absent where no interface is one.
    pub fn nodes_of(&self, arn: &LoadBalancerArn) -> Seen<&BTreeMap<SubnetId, BTreeSet<IpAddr>>> {
        asked(&self.nodes, arn, Kind::Nodes)
    }

    /// All services of a cluster, those included that the manifest does not know.
    pub fn cluster_services_of(&self, cluster: &String) -> Seen<&Vec<ServiceOutline>> {
        asked(&self.cluster_services, cluster, Kind::ClusterServices)
    }

    /// The ingress rules of a group.
    pub fn ingress_of(&self, group: &GroupId) -> Seen<&Vec<IngressRule>> {
        asked(&self.ingress, group, Kind::SecurityGroupRules)
    }

    /// The listeners of a load balancer.
    pub fn listeners_of(&self, arn: &LoadBalancerArn) -> Seen<&Vec<Listener>> {
        asked(&self.listeners, arn, Kind::Listeners)
    }

    /// The rules of a listener, without its default.
    pub fn rules_of(&self, arn: &ListenerArn) -> Seen<&Vec<Rule>> {
        asked(&self.rules, arn, Kind::Rules)
    }

    /// The attributes of a target group.
    pub fn attributes_of(&self, arn: &TargetGroupArn) -> Seen<&Attributes> {
        asked(&self.attributes, arn, Kind::Attributes)
    }

    /// Where the route tables of a VPC lead, the default routes apart.
    pub fn routes_of(&self, vpc: &VpcId) -> Seen<&BTreeSet<IpNet>> {
        asked(&self.routes, vpc, Kind::Routes)
    }

    /// The registrations of a target group.
    pub fn targets_of(&self, arn: &TargetGroupArn) -> Seen<&Vec<Target>> {
        asked(&self.targets, arn, Kind::Health)
    }

    /// The stopped tasks of a service.
    pub fn stopped_tasks_of(&self, id: &ServiceId) -> Seen<&Vec<StoppedTask>> {
        asked(&self.stopped_tasks, id, Kind::StoppedTasks)
    }

    /// The rules of all these groups in one direction.
    pub fn rules<'a>(&'a self, groups: &BTreeSet<GroupId>, egress: bool) -> Result<Vec<&'a IngressRule>, Gap> {
        let map = if egress { &self.egress } else { &self.ingress };
        let mut rules = Vec::new();
        for group in groups {
            match asked(map, group, Kind::SecurityGroupRules) {
                Seen::Present(list) => rules.extend(list),
                Seen::Absent => {}
                Seen::Unknown(gap) => return Err(gap),
            }
        }
        Ok(rules)
    }

    /// The ACL that guards a subnet.
    pub fn acl_of(&self, subnet: &SubnetId) -> Seen<&NetworkAcl> {
        in_some_vpc(&self.network_acls, Kind::NetworkAcls, |acl| acl.subnets.contains(subnet))
    }

    /// The route table of a subnet: its own, or its VPC's main one.
    pub fn route_table_of(&self, subnet: &SubnetId, vpc: &VpcId) -> Seen<&RouteTable> {
        match in_some_vpc(&self.route_tables, Kind::RouteTables, |table| table.subnets.contains(subnet)) {
            Seen::Absent => in_some_vpc(&self.route_tables, Kind::RouteTables, |table| table.main && table.vpc == *vpc),
            known @ (Seen::Present(_) | Seen::Unknown(_)) => known,
        }
    }

    /// The endpoint services that lead to a load balancer; absent where there is none.
    pub fn endpoint_services_of(&self, arn: &LoadBalancerArn) -> Seen<&BTreeSet<String>> {
        match self.endpoint_services.as_ref() {
            Seen::Present(all) => all.get(arn).map_or(Seen::Absent, Seen::Present),
            Seen::Absent => Seen::Absent,
            Seen::Unknown(gap) => Seen::Unknown(gap),
        }
    }

    /// The interface with an address.
    pub fn interface(&self, address: &IpAddr) -> Seen<&Interface> {
        asked(&self.interfaces, address, Kind::Interface)
    }

    /// The attributes of a load balancer.
    pub fn balancer_attributes_of(&self, arn: &LoadBalancerArn) -> Seen<&Attributes> {
        asked(&self.balancer_attributes, arn, Kind::LoadBalancerAttributes)
    }

    /// The addresses of a load balancer's node in a subnet; empty where they are not known.
    pub fn nodes_in(&self, balancer: &LoadBalancerArn, subnet: &SubnetId) -> impl Iterator<Item = &IpAddr> {
        let nodes = self.nodes.get(balancer).and_then(|seen| seen.as_ref().present());
        nodes.and_then(|nodes| nodes.get(subnet)).into_iter().flatten()
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
