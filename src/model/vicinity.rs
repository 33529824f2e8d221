//! What the paths of a fleet lead through, as far as planning has read it: what there is to ask about the network around.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::desired::Desired;
use super::id::{GroupId, InstanceId, LoadBalancerArn, ServiceId, TargetGroupArn, VpcId};
use super::interface::Nodes;
use super::network::{LoadBalancer, LoadBalancerKind};
use super::observed::Observed;
use super::seen::Seen;
use super::service::Conduct;
use super::target::{Host, Placement, TargetState, Task};
use super::target_group::{Attributes, TargetGroup};

/// What the paths lead through, and what need not be asked about it. Small beside the reading it is made from, so that a
/// reading at leisure, which may take half an hour, does not hold that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vicinity {
    /// VPCs of load balancers and target groups; where there is none, there is nothing around.
    pub vpcs: BTreeSet<VpcId>,
    /// The load balancers.
    pub balancers: BTreeSet<LoadBalancerArn>,
    /// Groups of the load balancers and of the services.
    pub security_groups: BTreeSet<GroupId>,
    /// The target groups.
    pub target_groups: BTreeSet<TargetGroupArn>,
    /// Those behind network load balancers, by these.
    pub behind_network: BTreeMap<LoadBalancerArn, Vec<TargetGroup>>,
    /// Network load balancers whose security groups do not filter the clients of AWS PrivateLink.
    pub open_to_private_link: BTreeSet<LoadBalancerArn>,
    /// Addresses of tasks, and those that are registered or declared.
    pub addresses: BTreeSet<IpAddr>,
    /// Instances that carry tasks, and those that are registered or declared.
    pub instances: BTreeSet<InstanceId>,
    /// Container instances of tasks with addresses of their own, by cluster.
    pub container_instances: BTreeMap<String, BTreeSet<String>>,
    /// The clusters of the manifest.
    pub clusters: BTreeSet<String>,
    /// Services that lack tasks or healthy targets: why their tasks stop has to be known.
    pub troubled: BTreeSet<ServiceId>,
    /// Some registered address or instance is not that of a known task.
    pub has_strangers: bool,
    /// Instances that are known already.
    pub hosts: BTreeMap<InstanceId, Seen<Host>>,
    /// Addresses of nodes of load balancers that are known already.
    pub nodes: Nodes,
    /// Attributes of load balancers that are known already.
    pub balancer_attributes: BTreeMap<LoadBalancerArn, Seen<Attributes>>,
    /// Attributes of target groups that are known already.
    pub group_attributes: BTreeMap<TargetGroupArn, Seen<Attributes>>,
}

/// Whether a service wants tasks and lacks some, or a target group that it feeds has no healthy target.
fn is_troubled(observed: &Observed, id: &ServiceId) -> bool {
    let Some(live) = observed.service(id).present().filter(|live| live.desired_count > 0) else { return false };
    let has_healthy = |arn: &TargetGroupArn| {
        let targets = observed.targets_of(arn).present();
        targets.is_none_or(|list| list.iter().any(|target| target.health.state == TargetState::Healthy))
    };
    let restarts = live.conduct.fresh_events().any(|event| Conduct::is_start(event));
    live.running_count < live.desired_count || restarts || !live.target_groups().all(has_healthy)
}

impl Vicinity {
    /// The vicinity of everything that a manifest leads to. Attributes that are `known` are not to be asked.
    pub fn of(desired: &Desired, observed: &Observed, known: &Observed) -> Self {
        let mut vicinity = Self { clusters: desired.clusters(), ..Self::default() };
        vicinity.add_balancers(desired, observed);
        vicinity.add_target_groups(desired, observed);
        let registered = (vicinity.addresses.clone(), vicinity.instances.clone());
        let declared = desired.target_groups.values().flat_map(|group| group.targets.iter().flatten());
        declared.for_each(|target| vicinity.add_target(&target.key.id));
        for service in desired.services.values() {
            let network = observed.service(&service.id).present().and_then(|live| live.network.as_ref());
            let groups = network.into_iter().flat_map(|network| network.security_groups.iter().cloned());
            vicinity.security_groups.extend(groups);
            observed.tasks_of(&service.id).present().into_iter().flatten().for_each(|task| vicinity.add_task(task));
        }
        vicinity.troubled = desired
            .services
            .values()
            .map(|service| &service.id)
            .filter(|id| is_troubled(observed, id))
            .cloned()
            .collect();
        let mut of_tasks = Self::default();
        let tasks = observed.tasks.values().filter_map(|seen| seen.as_ref().present()).flatten();
        tasks.for_each(|task| of_tasks.add_task(task));
        vicinity.has_strangers =
            !registered.0.is_subset(&of_tasks.addresses) || !registered.1.is_subset(&of_tasks.instances);
        vicinity.know(observed, known);
        vicinity
    }

    fn add_balancers(&mut self, desired: &Desired, observed: &Observed) {
        let names: BTreeSet<&str> =
            desired.target_groups.values().filter_map(|group| group.load_balancer.as_deref()).collect();
        let is_named = |one: &&LoadBalancer| names.contains(one.name.as_str()) || names.contains(one.arn.as_str());
        let balancers = observed.load_balancers.as_ref().present().into_iter().flatten();
        for balancer in balancers.filter(is_named) {
            self.vpcs.extend(balancer.vpc.clone());
            self.balancers.insert(balancer.arn.clone());
            self.security_groups.extend(balancer.security_groups.iter().cloned());
            if balancer.kind == LoadBalancerKind::Network {
                self.behind_network.insert(balancer.arn.clone(), Vec::new());
                if !balancer.filters_private_link {
                    self.open_to_private_link.insert(balancer.arn.clone());
                }
            }
        }
    }

    fn add_target_groups(&mut self, desired: &Desired, observed: &Observed) {
        let names: BTreeSet<&str> = desired.target_groups.values().map(|group| group.name.as_str()).collect();
        let is_named = |one: &&TargetGroup| names.contains(one.name.as_str()) || names.contains(one.arn.as_str());
        for group in observed.target_groups.as_ref().present().into_iter().flatten().filter(is_named) {
            self.vpcs.extend(group.vpc.clone());
            self.target_groups.insert(group.arn.clone());
            for arn in &group.load_balancers {
                if let Some(groups) = self.behind_network.get_mut(arn) {
                    groups.push(group.clone());
                }
            }
            let targets = observed.targets_of(&group.arn).present().into_iter().flatten();
            targets.for_each(|target| self.add_target(&target.key.id));
        }
    }

    /// Whether it matters if clients of AWS PrivateLink connect: targets would see the load balancer's addresses instead of
    /// the clients', or its security groups would not filter them.
    pub fn needs_endpoint_services(&self, attributes: &BTreeMap<TargetGroupArn, Seen<Attributes>>) -> bool {
        let keeps = |group: &TargetGroup| match attributes.get(&group.arn) {
            _ if group.always_keeps_client_addresses() => true,
            Some(Seen::Present(attributes)) => group.keeps_client_addresses(attributes),
            Some(Seen::Absent | Seen::Unknown(_)) | None => false,
        };
        !self.open_to_private_link.is_empty() || self.behind_network.values().flatten().any(keeps)
    }

    /// Keeps what need not be asked.
    fn know(&mut self, observed: &Observed, known: &Observed) {
        let is_known = |seen: &Seen<Host>| seen.gap().is_none();
        let hosts = observed.hosts.iter().filter(|(_, seen)| is_known(seen));
        self.hosts = hosts.map(|(id, seen)| (id.clone(), seen.clone())).collect();
        let nodes = observed.nodes.iter().filter(|(_, seen)| seen.gap().is_none());
        self.nodes = nodes.map(|(arn, seen)| (arn.clone(), seen.clone())).collect();
        self.balancer_attributes.clone_from(&known.balancer_attributes);
        self.group_attributes.clone_from(&known.attributes);
        // Attributes that are declared have been read: planning compares them.
        let read = observed.attributes.iter().filter(|(_, seen)| seen.gap().is_none());
        self.group_attributes.extend(read.map(|(arn, seen)| (arn.clone(), seen.clone())));
    }

    fn add_target(&mut self, id: &str) {
        match id.parse::<IpAddr>() {
            Ok(address) => {
                self.addresses.insert(address);
            }
            Err(_) => {
                self.instances.insert(InstanceId::from(id));
            }
        }
    }

    fn add_task(&mut self, task: &Task) {
        match &task.placement {
            Placement::Address(address) => {
                self.addresses.insert(*address);
                if let Some(arn) = &task.container_instance {
                    self.container_instances.entry(task.service.cluster.clone()).or_default().insert(arn.clone());
                }
            }
            Placement::Instance { instance, .. } => {
                self.instances.insert(instance.clone());
            }
            Placement::Unknown => {}
        }
    }
}
