//! Small fleets for the tests of the hops: each stands and is sound, and a test breaks one thing.

mod parts;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Asked, Hop, HopId, Path, Trace, trace};
use crate::model::{
    AclEntry, Desired, DesiredPort, DesiredTargetGroup, GroupId, HealthCheck, Host, IngressRule, InstanceId, Listener,
    LoadBalancer, LoadBalancerKind, NetworkMode, Observed, Placement, PortRange, Protocol, Route, Rule, Seen, Service,
    StaticTarget, SubnetId, Target, TargetGroup, TargetGroupArn, TargetHealth, TargetState, TargetType, Task,
    TaskDefinition, TaskDefinitionArn,
};

pub(crate) use parts::*;

/// A load balancer in two public subnets of zones a and b, one service of two tasks in private ones, one target group.
pub(crate) struct Stand {
    pub(crate) desired: Desired,
    pub(crate) observed: Observed,
    pub(crate) asked: Asked,
}

const NOW: &str = "2026-11-20T12:00:00Z";

impl Stand {
    /// Fargate behind an application load balancer: `public:80`, `/shop/*`, tasks of one interface each.
    pub(crate) fn sound() -> Self {
        let mut observed = around(network());
        observed.load_balancers = Seen::Present(vec![balancer(LoadBalancerKind::Application)]);
        observed.listeners.insert(balancer_arn(), Seen::Present(vec![listener(Protocol::Http)]));
        let rules = vec![listener_rule(10, paths(&["/shop/*"]), forward("targetgroup/shop/1"))];
        observed.rules.insert(listener_arn(), Seen::Present(rules));
        observed.target_groups = Seen::Present(vec![target_group()]);
        observed
            .targets
            .insert(TargetGroupArn::from("targetgroup/shop/1"), Seen::Present(TASKS.map(|id| target(id, PORT)).into()));
        let mut stand = Self { desired: desired(), observed, asked: asked() };
        stand.observed.services.insert(id(), Seen::Present(service()));
        stand.observed.task_definitions.insert("shop:1".into(), Seen::Present(definition()));
        let tasks = TASKS.map(|place| task(place, Placement::Address(address(place))));
        stand.observed.tasks.insert(id(), Seen::Present(tasks.into()));
        stand
    }

    /// The same behind a network load balancer without groups: the tasks allow the VPC.
    pub(crate) fn behind_network() -> Self {
        let mut stand = Self::sound();
        let edge = LoadBalancer { security_groups: BTreeSet::new(), ..balancer(LoadBalancerKind::Network) };
        stand.observed.load_balancers = Seen::Present(vec![edge]);
        let plain = Listener { default_actions: forward("targetgroup/shop/1"), ..listener(Protocol::Tcp) };
        stand.observed.listeners.insert(balancer_arn(), Seen::Present(vec![plain]));
        stand.observed.rules.insert(listener_arn(), Seen::Present(Vec::new()));
        stand.group().protocol = Protocol::Tcp;
        stand.group().protocol_version = None;
        stand.group().health_check = HealthCheck { protocol: Some(Protocol::Tcp), ..HealthCheck::default() };
        let wanted = stand.wanted();
        wanted.protocol = Some(Protocol::Tcp);
        wanted.routes =
            Some(vec![Route { listener: 80, default: true, priority: None, conditions: paths(&[]), login: false }]);
        *stand.ingress("sg-tasks") = vec![rule("sg-tasks", Some(PortRange::one(PORT)), from_block("10.0.0.0/16"))];
        stand
    }

    /// Two instances in bridge mode, with host ports that Docker gave out.
    pub(crate) fn on_instances() -> Self {
        let mut stand = Self::sound();
        stand.group().target_type = TargetType::Instance;
        stand.service().network = None;
        let definition = stand.definition();
        definition.network_mode = NetworkMode::Bridge;
        Arc::make_mut(&mut definition.containers).entry("app".to_owned()).or_default().ports[0].host_port = Some(0);
        let places = [0, 1].map(|one| (INSTANCES[one], HOST_PORTS[one]));
        *stand.targets() = places.map(|(instance, port)| target(instance, port)).into();
        *stand.tasks() = places.map(|(instance, port)| task(instance, bound(instance, "app", port))).into();
        let dynamic = PortRange { from: 32_768, to: 65_535 };
        *stand.ingress("sg-tasks") = vec![rule("sg-tasks", Some(dynamic), from_group("sg-lb"))];
        for ((instance, place), subnet) in INSTANCES.into_iter().zip(TASKS).zip(["private-a", "private-b"]) {
            let host = Host {
                instance: InstanceId::from(instance),
                terminated: false,
                security_groups: [GroupId::from("sg-tasks")].into(),
                addresses: [address(place)].into(),
                subnet: Some(SubnetId::from(subnet)),
            };
            stand.observed.hosts.insert(InstanceId::from(instance), Seen::Present(host));
        }
        stand
    }

    /// Declared targets alone, without a service.
    pub(crate) fn without_service() -> Self {
        let mut stand = Self::sound();
        stand.desired.services.clear();
        let targets = TASKS.map(|id| StaticTarget { key: key(id, PORT), zone: None });
        stand.wanted().targets = Some(targets.into());
        stand
    }

    pub(crate) fn trace(&self) -> Trace {
        let now: Timestamp = NOW.parse().expect("a time");
        trace(&self.desired, &self.observed, &self.asked, now)
    }

    /// The only path.
    pub(crate) fn path(&self) -> Path {
        let mut traced = self.trace();
        assert_eq!(traced.paths.len(), 1, "one path");
        traced.paths.remove(0)
    }

    pub(crate) fn hop(&self, id: HopId) -> Hop {
        self.path().hops.into_iter().find(|hop| hop.id == id).expect("every hop is examined")
    }

    /// The findings of a hop, such as `M40` or `M16|M17`; those without a number by their names.
    pub(crate) fn found(&self, id: HopId) -> Vec<String> {
        let hop = self.hop(id);
        let codes = |codes: &BTreeSet<super::catalogue::Code>| {
            codes.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
        };
        let name = |finding: &super::Finding| match finding.codes.is_empty() {
            true => finding.name.to_owned(),
            false => codes(&finding.codes),
        };
        hop.findings.iter().map(name).collect()
    }

    pub(crate) fn state(&self, id: HopId) -> &'static str {
        self.hop(id).state.as_str()
    }

    pub(crate) fn wanted(&mut self) -> &mut DesiredTargetGroup {
        self.desired.target_groups.get_mut("shop").expect("shop")
    }

    pub(crate) fn port(&mut self) -> &mut DesiredPort {
        let service = self.desired.services.get_mut("shop").expect("shop");
        &mut service.ports.as_mut().expect("ports")[0]
    }

    pub(crate) fn balancer(&mut self) -> &mut LoadBalancer {
        &mut known(&mut self.observed.load_balancers)[0]
    }

    pub(crate) fn listeners(&mut self) -> &mut Vec<Listener> {
        known(self.observed.listeners.get_mut(&balancer_arn()).expect("listeners"))
    }

    pub(crate) fn rules(&mut self) -> &mut Vec<Rule> {
        known(self.observed.rules.get_mut(&listener_arn()).expect("rules"))
    }

    pub(crate) fn group(&mut self) -> &mut TargetGroup {
        &mut known(&mut self.observed.target_groups)[0]
    }

    pub(crate) fn service(&mut self) -> &mut Service {
        known(self.observed.services.get_mut(&id()).expect("a service"))
    }

    pub(crate) fn definition(&mut self) -> &mut TaskDefinition {
        known(self.observed.task_definitions.get_mut(&TaskDefinitionArn::from("shop:1")).expect("a definition"))
    }

    pub(crate) fn tasks(&mut self) -> &mut Vec<Task> {
        known(self.observed.tasks.get_mut(&id()).expect("tasks"))
    }

    pub(crate) fn targets(&mut self) -> &mut Vec<Target> {
        known(self.observed.targets.get_mut(&TargetGroupArn::from("targetgroup/shop/1")).expect("targets"))
    }

    /// All targets get this state and reason.
    pub(crate) fn all_are(&mut self, state: TargetState, reason: &str, said: &str) {
        for target in self.targets() {
            target.health = TargetHealth { state, reason: Some(reason.to_owned()), description: Some(said.to_owned()) };
        }
    }

    pub(crate) fn ingress(&mut self, group: &str) -> &mut Vec<IngressRule> {
        known(self.observed.ingress.get_mut(&GroupId::from(group)).expect("a group"))
    }

    pub(crate) fn egress(&mut self, group: &str) -> &mut Vec<IngressRule> {
        known(self.observed.egress.get_mut(&GroupId::from(group)).expect("a group"))
    }

    /// Entries of the ACL of the public or of the private subnets.
    pub(crate) fn acl(&mut self, id: &str) -> &mut Vec<AclEntry> {
        let all = known(self.observed.network_acls.get_mut(&"vpc-1".into()).expect("ACLs"));
        &mut all.iter_mut().find(|acl| acl.id == id).expect("an ACL").entries
    }
}

fn known<T>(seen: &mut Seen<T>) -> &mut T {
    match seen {
        Seen::Present(value) => value,
        Seen::Absent | Seen::Unknown(_) => panic!("it is there in every fixture"),
    }
}
