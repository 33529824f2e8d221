//! What planning and tracing are given: a manifest and a reading, with who belongs to whom worked out once.
//!
//! Who feeds a target group, which ports name it, what has a name: each is asked of nearly every object, and a look
//! through the whole fleet each time would make the work grow with its square.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Map;
use std::slice;
use std::sync::OnceLock;

use super::desired::{Desired, DesiredPort, DesiredService, DesiredTargetGroup, Registrar};
use super::id::{ListenerArn, RuleArn, ServiceId, TargetGroupArn, VpcId};
use super::listener_rule::Rule;
use super::network::{LoadBalancer, Lookup, Names, look_up};
use super::observed::Observed;
use super::security_group::SecurityGroup;
use super::seen::Seen;
use super::service::Service;
use super::target_group::TargetGroup;

/// Of each listener, the places of the rules that each route has: by the key of its target group, and its place among the routes
/// there.
pub(crate) type RulesOfRoutes = BTreeMap<ListenerArn, BTreeMap<(String, usize), Vec<usize>>>;

static NONE: BTreeSet<TargetGroupArn> = BTreeSet::new();

/// The things of a key.
type Things<'g, K, T> = Map<slice::Iter<'g, (K, T)>, fn(&(K, T)) -> T>;

/// Things by a key that several may have, in the order in which they were added. One list: most keys have one thing.
#[derive(Debug)]
struct Grouped<K, T>(Vec<(K, T)>);

impl<K: Ord, T: Copy> Grouped<K, T> {
    fn of(things: impl IntoIterator<Item = (K, T)>) -> Self {
        let mut things: Vec<(K, T)> = things.into_iter().collect();
        things.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self(things)
    }

    fn get<Q: PartialOrd<K>>(&self, key: Q) -> Things<'_, K, T> {
        let from = self.0.partition_point(|(other, _)| key > *other);
        let number = self.0[from..].iter().take_while(|(other, _)| key == *other).count();
        self.0[from..from + number].iter().map(|(_, thing)| *thing)
    }
}

/// A manifest and a reading. Built again whenever one of them has changed.
#[derive(Debug)]
pub struct Given<'a> {
    /// What the manifest says.
    pub desired: &'a Desired,
    /// What AWS said.
    pub observed: &'a Observed,
    /// A manifest has each of them once.
    services: BTreeMap<&'a ServiceId, &'a DesiredService>,
    /// By the key of the target group.
    ports: Grouped<&'a str, (&'a DesiredService, &'a DesiredPort)>,
    /// By name or ARN, as the manifest has it.
    declared: Grouped<&'a str, &'a DesiredTargetGroup>,
    /// By name and by ARN.
    standing: BTreeMap<&'a str, &'a TargetGroup>,
    /// By the target groups that they feed, as primary or as alternate.
    feeding: BTreeMap<&'a TargetGroupArn, Vec<&'a Service>>,
    /// The live groups that stand for each declared one, by its key; none where it is not live.
    stand_ins: BTreeMap<&'a str, BTreeSet<TargetGroupArn>>,
    /// Whether some declared service could not be read, or was not asked about.
    pub has_unread_service: bool,
    /// Rules that no request matches, by their listeners.
    parked_rules: BTreeMap<&'a ListenerArn, Vec<&'a Rule>>,
    /// ARNs of rules and listeners that deployments move traffic with.
    deployment_rules: BTreeSet<&'a str>,
    /// By everything that a load balancer may be called.
    balancers: Grouped<&'a str, &'a LoadBalancer>,
    /// By everything that a security group may be called.
    security_groups: Grouped<(&'a VpcId, &'a str), &'a SecurityGroup>,
    /// Worked out by [`crate::plan`] when it is asked for the first time.
    pub(crate) rules_of_routes: OnceLock<RulesOfRoutes>,
}

impl<'a> Given<'a> {
    /// Looks through both once.
    pub fn new(desired: &'a Desired, observed: &'a Observed) -> Self {
        let live = || observed.services.values().filter_map(|seen| seen.as_ref().present());
        let is_unread = |service: &DesiredService| matches!(observed.service(&service.id), Seen::Unknown(_));
        let mut given = Self {
            desired,
            observed,
            services: services(desired),
            ports: ports(desired),
            declared: declared(desired),
            standing: standing(observed),
            feeding: feeding(live()),
            stand_ins: BTreeMap::new(),
            has_unread_service: desired.services.values().any(is_unread),
            parked_rules: parked_rules(observed),
            deployment_rules: live().flat_map(Service::deployment_rules).collect(),
            balancers: balancers(observed),
            security_groups: security_groups(observed),
            rules_of_routes: OnceLock::new(),
        };
        let groups = desired.target_groups.iter().map(|(key, wanted)| (key.as_str(), given.target_group(&wanted.name)));
        let live = groups.filter_map(|(key, seen)| Some((key, given.stand_ins(seen.present()?))));
        given.stand_ins = live.collect();
        given
    }

    /// The declared service of an id.
    pub fn declared_service(&self, id: &ServiceId) -> Option<&'a DesiredService> {
        self.services.get(id).copied()
    }

    /// The ports that name a target group by its key, with their services.
    pub fn ports_of(
        &self,
        target_group: &str,
    ) -> impl Iterator<Item = (&'a DesiredService, &'a DesiredPort)> + use<'a, '_> {
        self.ports.get(target_group)
    }

    /// As [`Self::ports_of`], those whose tasks Portolan itself registers.
    pub fn ports_registered_by_portolan(
        &self,
        target_group: &str,
    ) -> impl Iterator<Item = (&'a DesiredService, &'a DesiredPort)> + use<'a, '_> {
        self.ports_of(target_group).filter(|(_, port)| port.registrar == Registrar::Portolan)
    }

    /// The declared target groups that a live one is.
    pub fn declared_as(&self, live: &TargetGroup) -> impl Iterator<Item = &'a DesiredTargetGroup> + use<'a, '_> {
        self.declared.get(live.name.as_str()).chain(self.declared.get(live.arn.as_str()))
    }

    /// A live target group by ARN or name; absent when the complete list has none of that name.
    pub fn target_group(&self, name: &str) -> Seen<&'a TargetGroup> {
        match &self.observed.target_groups {
            Seen::Present(_) => self.standing.get(name).map_or(Seen::Absent, |group| Seen::Present(*group)),
            Seen::Absent => Seen::Absent,
            Seen::Unknown(gap) => Seen::Unknown(gap.clone()),
        }
    }

    /// A load balancer by ARN or name.
    pub fn load_balancer(&self, name: &str) -> Seen<Lookup<'a, LoadBalancer>> {
        let called = self.balancers.get(name);
        look_up_in(&self.observed.load_balancers, called, name, LoadBalancer::names)
    }

    /// A security group of a VPC by id, name or `Name` tag.
    pub fn security_group(&self, vpc: &VpcId, name: &str) -> Seen<Lookup<'a, SecurityGroup>> {
        let called = self.security_groups.get((vpc, name));
        look_up_in(&self.observed.security_groups, called, name, SecurityGroup::names)
    }

    /// The live services that feed a target group now, as primary or as alternate.
    pub fn services_feeding(&self, arn: &TargetGroupArn) -> &[&'a Service] {
        self.feeding.get(arn).map_or(&[], Vec::as_slice)
    }

    /// A live target group and, where ECS deploys blue/green with it, the other one of the pair: both count as the declared
    /// one.
    pub fn stand_ins(&self, live: &TargetGroup) -> BTreeSet<TargetGroupArn> {
        let entries = self.services_feeding(&live.arn).iter().flat_map(|service| service.entries_behind(&live.arn));
        entries.flat_map(|entry| entry.target_groups()).cloned().chain([live.arn.clone()]).collect()
    }

    /// The same for a declared target group, by its key.
    pub fn stand_ins_of(&self, key: &str) -> &BTreeSet<TargetGroupArn> {
        self.stand_ins.get(key).unwrap_or(&NONE)
    }

    /// The rules of a listener that no request matches.
    pub fn parked_rules(&self, listener: &ListenerArn) -> &[&'a Rule] {
        self.parked_rules.get(listener).map_or(&[], Vec::as_slice)
    }

    /// Whether a blue/green service names a rule for its production or test traffic: then its weights are ECS's.
    pub fn is_deployment_rule(&self, rule: &RuleArn) -> bool {
        self.deployment_rules.contains(rule.as_str())
    }
}

fn services(desired: &Desired) -> BTreeMap<&ServiceId, &DesiredService> {
    desired.services.values().map(|service| (&service.id, service)).collect()
}

fn ports(desired: &Desired) -> Grouped<&str, (&DesiredService, &DesiredPort)> {
    let mut all = Vec::new();
    for service in desired.services.values() {
        for port in service.ports.iter().flatten() {
            let groups = port.target_groups.iter().flatten();
            all.extend(groups.map(|key| (key.as_str(), (service, port))));
        }
    }
    let mut ports = Grouped::of(all);
    // Named twice by one port, a target group has it once.
    ports.0.dedup_by(|(a, (_, one)), (b, (_, other))| a == b && std::ptr::eq(*one, *other));
    ports
}

fn declared(desired: &Desired) -> Grouped<&str, &DesiredTargetGroup> {
    Grouped::of(desired.target_groups.values().map(|group| (group.name.as_str(), group)))
}

fn standing(observed: &Observed) -> BTreeMap<&str, &TargetGroup> {
    let groups = observed.target_groups.as_ref().present().map_or(&[][..], Vec::as_slice);
    // Of several with a name, the first one counts: a map keeps the last.
    let all = groups.iter().rev().flat_map(|group| [(group.arn.as_str(), group), (group.name.as_str(), group)]);
    all.collect()
}

fn feeding<'a>(live: impl Iterator<Item = &'a Service>) -> BTreeMap<&'a TargetGroupArn, Vec<&'a Service>> {
    let mut feeding: BTreeMap<_, Vec<&Service>> = BTreeMap::new();
    for service in live {
        for arn in service.target_groups() {
            let services = feeding.entry(arn).or_default();
            // Named twice by one service, a target group has it once.
            if services.last().is_none_or(|last| !std::ptr::eq(*last, service)) {
                services.push(service);
            }
        }
    }
    feeding
}

fn parked_rules(observed: &Observed) -> BTreeMap<&ListenerArn, Vec<&Rule>> {
    let mut parked: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (listener, seen) in &observed.rules {
        let rules = seen.as_ref().present().into_iter().flatten();
        for rule in rules.filter(|rule| rule.conditions.is_parked()) {
            parked.entry(listener).or_default().push(rule);
        }
    }
    parked
}

fn balancers(observed: &Observed) -> Grouped<&str, &LoadBalancer> {
    let all = observed.load_balancers.as_ref().present().into_iter().flatten();
    Grouped::of(all.flat_map(|balancer| balancer.names().all().map(move |name| (name, balancer))))
}

fn security_groups(observed: &Observed) -> Grouped<(&VpcId, &str), &SecurityGroup> {
    let all = observed.security_groups.as_ref().present().into_iter().flatten();
    Grouped::of(all.flat_map(|group| group.names().all().map(move |name| ((&group.vpc, name), group))))
}

/// Looks a name up among those things of a list that are called so in some way.
fn look_up_in<'a, T>(
    all: &Seen<Vec<T>>,
    called: impl Iterator<Item = &'a T> + Clone,
    name: &str,
    names: impl Fn(&T) -> Names<'_>,
) -> Seen<Lookup<'a, T>> {
    match all {
        Seen::Present(_) => Seen::Present(look_up(called, name, names)),
        Seen::Absent => Seen::Present(Lookup::None),
        Seen::Unknown(gap) => Seen::Unknown(gap.clone()),
    }
}
