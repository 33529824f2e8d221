//! What tracing needs to know in addition to what planning does: the network around the paths. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{
    Conduct, Desired, DesiredService, DesiredTargetGroup, GroupId, InstanceId, LoadBalancer, LoadBalancerArn,
    LoadBalancerKind, Observed, Placement, Query, RuleSource, Seen, ServiceId, TargetGroup, TargetGroupArn,
    TargetState, Task, VpcId,
};

/// The objects that paths lead through, as far as planning has read them. Small beside that reading, so that who reads slowly
/// need not keep it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// VPCs of load balancers and target groups; where there is none, there is nothing around.
    vpcs: BTreeSet<VpcId>,
    balancers: BTreeSet<LoadBalancerArn>,
    /// Groups of the load balancers and of the services.
    security_groups: BTreeSet<GroupId>,
    target_groups: BTreeSet<TargetGroupArn>,
    /// The target groups behind network load balancers, by these.
    behind_network: BTreeMap<LoadBalancerArn, Vec<TargetGroup>>,
    /// Network load balancers whose security groups do not filter the clients of AWS PrivateLink.
    open_to_private_link: BTreeSet<LoadBalancerArn>,
    /// Addresses of tasks, and those that are registered or declared.
    addresses: BTreeSet<IpAddr>,
    /// Instances that carry tasks, and those that are registered or declared.
    instances: BTreeSet<InstanceId>,
    /// Container instances of tasks with addresses of their own.
    container_instances: BTreeSet<String>,
    /// The clusters of the manifest.
    clusters: BTreeSet<String>,
    /// Services that lack tasks or healthy targets: why their tasks stop has to be known.
    troubled: BTreeSet<ServiceId>,
    /// Some registered address or instance is not that of a known task.
    has_strangers: bool,
}

/// Whose paths are traced.
#[derive(Clone, Copy, Debug)]
pub enum Chosen<'a> {
    /// The paths of all that a manifest declares.
    All,
    /// Those of the target groups with these keys.
    TargetGroups(&'a BTreeSet<String>),
}

impl Chosen<'_> {
    fn has(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::TargetGroups(keys) => keys.contains(key),
        }
    }

    fn has_service(&self, service: &DesiredService) -> bool {
        let mut keys = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
        match self {
            Self::All => true,
            Self::TargetGroups(_) => keys.any(|key| self.has(key)),
        }
    }

    fn target_groups<'d>(&self, desired: &'d Desired) -> impl Iterator<Item = &'d DesiredTargetGroup> {
        desired.target_groups.values().filter(|group| self.has(&group.key))
    }
}

/// What tracing needs to know of the chosen paths of a fleet, given what is known so far.
pub fn trace_needs(desired: &Desired, observed: &Observed, chosen: &Chosen<'_>) -> BTreeSet<Query> {
    Subjects::of(desired, observed, chosen).needs(observed)
}

impl Subjects {
    /// The objects behind the chosen paths.
    pub fn of(desired: &Desired, observed: &Observed, chosen: &Chosen<'_>) -> Self {
        let services: Vec<&DesiredService> =
            desired.services.values().filter(|service| chosen.has_service(service)).collect();
        let clusters = services.iter().map(|service| service.id.cluster.clone()).chain(desired.fleet.cluster.clone());
        let mut subjects = Self { clusters: clusters.collect(), ..Self::default() };
        let groups: Vec<&DesiredTargetGroup> = chosen.target_groups(desired).collect();
        subjects.add_balancers(&groups, observed);
        subjects.add_target_groups(&groups, observed);
        let registered = (subjects.addresses.clone(), subjects.instances.clone());
        let declared = groups.iter().flat_map(|group| group.targets.iter().flatten());
        declared.for_each(|target| subjects.add_target(&target.key.id));
        for service in &services {
            let network = observed.service(&service.id).present().and_then(|live| live.network.as_ref());
            let groups = network.into_iter().flat_map(|network| network.security_groups.iter().cloned());
            subjects.security_groups.extend(groups);
            observed.tasks_of(&service.id).present().into_iter().flatten().for_each(|task| subjects.add_task(task));
        }
        let ids = services.iter().map(|service| &service.id);
        subjects.troubled = ids.filter(|id| is_troubled(observed, id)).cloned().collect();
        let mut of_tasks = Self::default();
        let tasks = observed.tasks.values().filter_map(|seen| seen.as_ref().present()).flatten();
        tasks.for_each(|task| of_tasks.add_task(task));
        subjects.has_strangers =
            !registered.0.is_subset(&of_tasks.addresses) || !registered.1.is_subset(&of_tasks.instances);
        subjects
    }

    /// What has to be known of them, given what is known so far of the network around.
    pub fn needs(&self, observed: &Observed) -> BTreeSet<Query> {
        if self.vpcs.is_empty() {
            // There is neither a load balancer nor a target group.
            return BTreeSet::new();
        }
        let mut needs = BTreeSet::new();
        needs.extend(self.vpcs.iter().cloned().map(Query::NetworkAcls));
        needs.extend(self.vpcs.iter().cloned().map(Query::RouteTables));
        needs.extend(self.addresses.iter().copied().map(Query::Interface));
        needs.extend(self.balancers.iter().filter(|arn| arn.is_network()).cloned().map(Query::Nodes));
        needs.extend(self.container_instances.iter().cloned().map(Query::ContainerInstance));
        needs.extend(self.balancers.iter().cloned().map(Query::LoadBalancerAttributes));
        needs.extend(self.target_groups.iter().cloned().map(Query::Attributes));
        needs.extend(self.troubled.iter().cloned().map(Query::StoppedTasks));
        if self.needs_endpoint_services(observed) {
            needs.insert(Query::EndpointServices);
        }
        if self.has_strangers {
            needs.extend(self.clusters.iter().cloned().map(Query::ClusterServices));
        }
        let carriers = self.container_instances.iter().filter_map(|arn| observed.container_instances.get(arn));
        let carriers = carriers.filter_map(|seen| seen.as_ref().present()).cloned();
        needs.extend(self.instances.iter().cloned().chain(carriers).map(Query::Host));
        let groups = self.groups(observed);
        needs.extend(lists_of(&groups, observed).map(Query::PrefixList));
        needs.extend(groups.into_iter().map(Query::SecurityGroupRules));
        needs
    }

    /// Whether a task is at an address or on an instance that was not asked about.
    pub fn has_news(observed: &Observed) -> bool {
        let tasks = observed.tasks.values().filter_map(|seen| seen.as_ref().present()).flatten();
        let is_new = |task: &Task| match &task.placement {
            Placement::Address(address) => !observed.interfaces.contains_key(address),
            Placement::Instance { instance, .. } => !observed.hosts.contains_key(instance),
            Placement::Unknown => false,
        };
        tasks.into_iter().any(is_new)
    }

    /// Groups of load balancers and services, and those that interfaces and instances really have.
    fn groups(&self, observed: &Observed) -> BTreeSet<GroupId> {
        let interfaces = self.addresses.iter().filter_map(|address| observed.interface(address).present());
        let interfaces = interfaces.flat_map(|interface| interface.security_groups.iter().cloned());
        let carriers = self.container_instances.iter().filter_map(|arn| observed.container_instances.get(arn));
        let carriers = carriers.filter_map(|seen| seen.as_ref().present());
        let hosts = self.instances.iter().chain(carriers).filter_map(|id| observed.host(id).present());
        let hosts = hosts.flat_map(|host| host.security_groups.iter().cloned());
        self.security_groups.iter().cloned().chain(interfaces).chain(hosts).collect()
    }

    fn add_balancers(&mut self, declared: &[&DesiredTargetGroup], observed: &Observed) {
        let names: BTreeSet<&str> = declared.iter().filter_map(|group| group.load_balancer.as_deref()).collect();
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

    fn add_target_groups(&mut self, declared: &[&DesiredTargetGroup], observed: &Observed) {
        let names: BTreeSet<&str> = declared.iter().map(|group| group.name.as_str()).collect();
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
    fn needs_endpoint_services(&self, observed: &Observed) -> bool {
        let keeps = |group: &TargetGroup| match observed.attributes_of(&group.arn) {
            _ if group.always_keeps_client_addresses() => true,
            Seen::Present(attributes) => group.keeps_client_addresses(attributes),
            Seen::Absent | Seen::Unknown(_) => false,
        };
        !self.open_to_private_link.is_empty() || self.behind_network.values().flatten().any(keeps)
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
                self.container_instances.extend(task.container_instance.clone());
            }
            Placement::Instance { instance, .. } => {
                self.instances.insert(instance.clone());
            }
            Placement::Unknown => {}
        }
    }
}

/// The prefix lists that rules of these groups name.
fn lists_of<'a>(groups: &'a BTreeSet<GroupId>, observed: &'a Observed) -> impl Iterator<Item = String> + use<'a> {
    let of_group = |group| [observed.ingress.get(group), observed.egress.get(group)];
    let rules = groups.iter().flat_map(of_group).flatten().filter_map(|seen| seen.as_ref().present()).flatten();
    rules.filter_map(|rule| match &rule.source {
        RuleSource::PrefixList(id) => Some(id.clone()),
        RuleSource::Cidr(_) | RuleSource::Group(_) | RuleSource::Unknown => None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Answer, Attributes, Listener, TargetKey};
    use crate::trace::fixture::{Stand, TASKS, address, balancer_arn, gap, listener_arn};

    fn subjects(stand: &Stand) -> Subjects {
        Subjects::of(&stand.desired, &stand.observed, &Chosen::All)
    }

    #[test]
    fn tasks_and_what_is_declared_are_no_strangers() {
        let mut stand = Stand::sound();
        let sound = subjects(&stand);
        assert!(!sound.has_strangers && sound.addresses == TASKS.into_iter().map(address).collect());
        stand.wanted().targets.clone_from(&Stand::without_service().wanted().targets);
        assert!(!subjects(&stand).has_strangers, "declared, and not registered");
        stand.targets()[0].key = TargetKey { id: "10.0.10.99".to_owned(), port: 80 };
        assert!(subjects(&stand).has_strangers);
    }

    #[test]
    fn registered_addresses_are_strangers_while_no_task_is_known() {
        let mut stand = Stand::sound();
        let id = stand.desired.services["shop"].id.clone();
        stand.observed.tasks.insert(id, Seen::Unknown(gap("ecs:ListTasks")));
        assert!(subjects(&stand).has_strangers);
    }

    #[test]
    fn the_groups_of_an_interface_are_needed_once_it_is_known() {
        let mut stand = Stand::sound();
        let needs = |stand: &Stand, id: &str| {
            trace_needs(&stand.desired, &stand.observed, &Chosen::All)
                .contains(&Query::SecurityGroupRules(GroupId::from(id)))
        };
        let Some(Seen::Present(interface)) = stand.observed.interfaces.get_mut(&address(TASKS[0])) else {
            panic!("no interface")
        };
        interface.security_groups.insert(GroupId::from("sg-late"));
        assert!(needs(&stand, "sg-late") && needs(&stand, "sg-lb"));
        stand.observed.interfaces.clear();
        assert!(!needs(&stand, "sg-late") && needs(&stand, "sg-lb"));
    }

    #[test]
    fn what_is_known_is_taken_along_and_failures_are_not() {
        let mut stand = Stand::sound();
        let arn = TargetGroupArn::from("targetgroup/shop/1");
        let query = Query::Attributes(arn.clone());
        let known = stand.observed.only(|one| *one == query);
        assert_eq!(known.attributes[&arn], Seen::Present(Attributes::default()));
        assert!(known.answered.contains(&query) && known.targets.is_empty());
        let failed = Seen::Unknown(gap("elasticloadbalancing:DescribeTargetGroupAttributes"));
        stand.observed.attributes.insert(arn, failed);
        assert!(stand.observed.only(|one| *one == query).answered.is_empty());
    }

    #[test]
    fn only_a_load_balancer_that_is_known_to_have_no_rules_has_none() {
        let listeners = |stand: &Stand| -> Seen<Vec<Listener>> { stand.observed.listeners[&balancer_arn()].clone() };
        for (mut stand, expected) in
            [(Stand::behind_network(), Some(Seen::Present(Vec::new()))), (Stand::sound(), None)]
        {
            let answer = Answer::Listeners(balancer_arn(), listeners(&stand));
            stand.observed.rules.clear();
            stand.observed.take(answer.clone());
            assert_eq!(stand.observed.rules.get(&listener_arn()), expected.as_ref());
            stand.observed.rules.clear();
            stand.observed.load_balancers = Seen::Absent;
            stand.observed.take(answer);
            assert_eq!(stand.observed.rules.get(&listener_arn()), None, "its kind is not known");
        }
    }
}
