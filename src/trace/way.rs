//! One path with everything that is known about it: the declaration, the live state and the addresses of its tasks.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use jiff::Timestamp;

use crate::model::block::overlap;
use crate::model::{
    AddressFamily, Conditions, DeploymentController, DesiredPort, DesiredService, DesiredTargetGroup, Gap, Given,
    HealthPort, Listener, LoadBalancer, LoadBalancerEntry, LoadBalancerKind, Lookup, NetworkMode, Protocol, Registrar,
    RequestSet, Route, Rule, RuleActions, Seen, Serve, Service, Share, Target, TargetGroup, TargetGroupArn, TargetKey,
    TargetState, Task, TaskDefinition, Transport, VpcId,
};

use super::asked::Asked;
use super::end::End;
use super::hop::Examined;

/// Why a required object is not available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// It does not exist.
    Missing(String),
    /// It could not be read.
    Unknown(Gap),
}

impl Lack {
    /// Skips a hop that needs the object, because the object's own hop reports why it is missing.
    pub(super) fn skip(self) -> Examined {
        match self {
            Self::Missing(why) => Examined::skipped(why),
            Self::Unknown(gap) => Examined::unknown(gap),
        }
    }
}

pub(super) type Found<T> = Result<T, Lack>;

fn need<T>(seen: Seen<T>, missing: impl FnOnce() -> String) -> Found<T> {
    match seen {
        Seen::Present(value) => Ok(value),
        Seen::Absent => Err(Lack::Missing(missing())),
        Seen::Unknown(gap) => Err(Lack::Unknown(gap)),
    }
}

/// A path, and everything that is known about it.
pub(super) struct Way<'a> {
    pub(super) given: &'a Given<'a>,
    pub(super) asked: &'a Asked,
    pub(super) now: Timestamp,
    /// The service and its port; `None`: the target group has only declared targets.
    pub(super) service: Option<(&'a DesiredService, &'a DesiredPort)>,
    pub(super) group: &'a DesiredTargetGroup,
    /// The route; `None`: none is declared and none exists.
    pub(super) route: Option<Route>,
    /// The path comes from a manifest, so the live state can differ from it.
    pub(super) is_declared: bool,
    live_group: Found<&'a TargetGroup>,
    live_service: Found<&'a Service>,
    balancer: Found<&'a LoadBalancer>,
    /// Where requests arrive, or why that is unknown.
    pub(super) ends: Found<Vec<End>>,
    /// The target group and the other one of its blue/green pair: both count as the declared one.
    pub(super) stand_ins: BTreeSet<TargetGroupArn>,
    /// The target groups that get the path's requests, with their weights; empty if no forward includes this target group.
    pub(super) receivers: BTreeMap<TargetGroupArn, u32>,
}

/// Every path of the manifest: each port to each of its target groups by each route, and target groups without a port.
/// [`Way::with_ends`] adds where they end.
pub(super) fn ways<'a>(given: &'a Given<'a>, asked: &'a Asked, now: Timestamp) -> impl Iterator<Item = Way<'a>> {
    let ports = given.desired.services.values().flat_map(|service| {
        let ports = service.ports.iter().flatten();
        ports.flat_map(move |port| port.target_groups.iter().flatten().map(move |key| (service, port, key)))
    });
    let of_ports = ports.filter_map(|(service, port, key)| {
        given.desired.target_groups.get(key).map(|group| (Some((service, port)), group))
    });
    let alone =
        given.desired.target_groups.values().filter(|group| {
            given.ports_of(&group.key).next().is_none() && group.targets.iter().flatten().next().is_some()
        });
    of_ports.chain(alone.map(|group| (None, group))).flat_map(move |(service, group)| {
        let live_group =
            need(given.target_group(&group.name), || format!("target group {} does not exist", group.name));
        let live = live_group.as_ref().ok();
        let way = Way {
            given,
            asked,
            now,
            service,
            group,
            route: None,
            is_declared: asked.is_manifest,
            live_service: live_service(given, service),
            balancer: balancer(given, group, live.copied()),
            ends: Ok(Vec::new()),
            receivers: BTreeMap::new(),
            stand_ins: live.map(|live| stand_ins(given, service, live)).unwrap_or_default(),
            live_group,
        };
        let routes = routes(&way).into_iter();
        routes.map(move |route| way.with_route(route))
    })
}

/// The declared load balancer of a target group; where none is declared, the one it is attached to.
fn balancer<'a>(
    given: &Given<'a>,
    group: &DesiredTargetGroup,
    live: Option<&'a TargetGroup>,
) -> Found<&'a LoadBalancer> {
    let attached = live.and_then(|live| live.load_balancers.first());
    let Some(name) = group.load_balancer.as_deref().or(attached.map(|arn| arn.as_str())) else {
        return Err(Lack::Missing(format!("target group {} is not attached to a load balancer", group.name)));
    };
    let missing = || format!("load balancer {name} does not exist");
    match need(given.load_balancer(name), missing)? {
        Lookup::One(found) => Ok(found),
        Lookup::None => Err(Lack::Missing(missing())),
        Lookup::Several(_) => Err(Lack::Missing(format!("several load balancers have the name {name}"))),
    }
}

fn live_service<'a>(given: &Given<'a>, service: Option<(&'a DesiredService, &'a DesiredPort)>) -> Found<&'a Service> {
    let Some((service, _)) = service else {
        return Err(Lack::Missing("no service, only declared targets".to_owned()));
    };
    need(given.observed.service(&service.id), || format!("service {} does not exist", service.id))
}

/// The target groups that count as the declared one. With CodeDeploy these are all that its task sets use with the same port,
/// because CodeDeploy moves the traffic between two target groups and changes the service to the other one.
fn stand_ins(
    given: &Given<'_>,
    service: Option<(&DesiredService, &DesiredPort)>,
    live: &TargetGroup,
) -> BTreeSet<TargetGroupArn> {
    let mut all = given.stand_ins(live);
    let Some((service, port)) = service else { return all };
    let Seen::Present(wired) = given.observed.service(&service.id) else { return all };
    if wired.controller == DeploymentController::CodeDeploy {
        let is_it = |entry: &&LoadBalancerEntry| {
            entry.container == port.container && entry.container_port == port.container_port
        };
        all.extend(wired.load_balancers.iter().filter(is_it).filter_map(|entry| entry.target_group.clone()));
    }
    all
}

/// The declared routes; if none is declared, the live ones.
fn routes(way: &Way<'_>) -> Vec<Option<Route>> {
    let declared: Vec<Option<Route>> = way.group.routes.iter().flatten().cloned().map(Some).collect();
    if !declared.is_empty() {
        return declared;
    }
    let Ok(balancer) = way.balancer() else { return vec![None] };
    let listeners = way.given.observed.listeners_of(&balancer.arn).present().into_iter().flatten();
    let ours = &way.stand_ins;
    let mut standing = Vec::new();
    for listener in listeners {
        let rules: &[Rule] = way.given.observed.rules_of(&listener.arn).present().map_or(&[], Vec::as_slice);
        let own = rules.iter().filter(|rule| names(&rule.actions, ours)).map(|rule| Route {
            listener: listener.port,
            default: false,
            priority: Some(rule.priority),
            conditions: rule.conditions.clone(),
            login: rule.actions.login,
        });
        let default = names(&listener.default_actions, ours).then(|| {
            let (port, login) = (listener.port, listener.default_actions.login);
            Route { listener: port, default: true, priority: None, conditions: Conditions::default(), login }
        });
        standing.extend(own.chain(default).map(|route| (is_redirected(rules, &route), route)));
    }
    // A redirect sends the requests to the other route on purpose, so no request reaches the rules behind it.
    if standing.iter().any(|(is_dead, _)| !is_dead) {
        standing.retain(|(is_dead, _)| !is_dead);
    }
    if standing.is_empty() { vec![None] } else { standing.into_iter().map(|(_, route)| Some(route)).collect() }
}

/// Whether redirects match every request of a live route before the route's own rule.
fn is_redirected(rules: &[Rule], route: &Route) -> bool {
    let is_before = |rule: &&Rule| route.priority.is_none_or(|priority| rule.priority < priority);
    let redirects = rules.iter().filter(|rule| matches!(rule.actions.serve, Serve::Redirect(_))).filter(is_before);
    let redirects: Vec<&Conditions> = redirects.map(|rule| &rule.conditions).collect();
    let requests = RequestSet::all_of(&route.conditions, None);
    let is_taken = |set: &RequestSet| redirects.iter().any(|redirect| redirect.share_of(set) == Share::All);
    !requests.is_empty() && requests.iter().all(is_taken)
}

/// Whether actions forward to one of these target groups, with any weight.
pub(super) fn names(actions: &RuleActions, groups: &BTreeSet<TargetGroupArn>) -> bool {
    matches!(&actions.serve, Serve::Forward(forward) if forward.weights.keys().any(|arn| groups.contains(arn)))
}

impl<'a> Way<'a> {
    /// The same path with a route, without its ends.
    fn with_route(&self, route: Option<Route>) -> Self {
        let (live_group, live_service, balancer) = (self.live_group(), self.live_service(), self.balancer());
        let (ends, stand_ins, receivers) = (Ok(Vec::new()), self.stand_ins.clone(), BTreeMap::new());
        Self { route, live_group, live_service, balancer, ends, stand_ins, receivers, ..*self }
    }

    /// Whether a block lies in a VPC.
    pub(super) fn is_in_vpc(&self, vpc: &VpcId, block: &IpNet) -> bool {
        let all = self.given.observed.vpcs.as_ref().present().into_iter().flatten();
        let mut cidrs = all.filter(|known| known.id == *vpc).flat_map(|known| &known.cidrs);
        cidrs.any(|cidr| overlap(cidr, block) == Some(*block))
    }

    pub(super) fn balancer(&self) -> Found<&'a LoadBalancer> {
        self.balancer.clone()
    }

    /// A failed read of listeners or rules, because of which a live route may be missing.
    pub(super) fn unread(&self) -> Option<Gap> {
        let Ok(balancer) = self.balancer() else { return None };
        let listeners = self.given.observed.listeners_of(&balancer.arn);
        let rules = |listener: &Listener| self.given.observed.rules_of(&listener.arn).gap().cloned();
        listeners.gap().cloned().or_else(|| listeners.present().into_iter().flatten().find_map(rules))
    }

    pub(super) fn listener(&self) -> Found<&'a Listener> {
        let balancer = self.balancer()?;
        let Some(route) = &self.route else {
            return Err(Lack::Missing("no rule or default action forwards to it".into()));
        };
        let missing = || format!("{} has no listener on port {}", balancer.name, route.listener);
        let all = need(self.given.observed.listeners_of(&balancer.arn), missing)?;
        all.iter().find(|listener| listener.port == route.listener).ok_or_else(|| Lack::Missing(missing()))
    }

    /// Rules of the listener by priority.
    pub(super) fn rules(&self, listener: &Listener) -> Found<Vec<&'a Rule>> {
        let rules = need(self.given.observed.rules_of(&listener.arn), || "the listener no longer exists".to_owned())?;
        let mut rules: Vec<&Rule> = rules.iter().collect();
        rules.sort_by_key(|rule| rule.priority);
        Ok(rules)
    }

    pub(super) fn live_group(&self) -> Found<&'a TargetGroup> {
        self.live_group.clone()
    }

    pub(super) fn live_service(&self) -> Found<&'a Service> {
        self.live_service.clone()
    }

    /// The entry of the service's loadBalancers that includes the target group.
    pub(super) fn entry(&self) -> Option<&'a LoadBalancerEntry> {
        self.live_group().ok()?;
        let live = self.live_service().ok()?;
        let all: Vec<_> = self.stand_ins.iter().flat_map(|arn| live.entries_behind(arn)).collect();
        let (_, port) = self.service?;
        let is_it = |entry: &&&LoadBalancerEntry| {
            entry.container == port.container && entry.container_port == port.container_port
        };
        all.iter().find(is_it).or(all.first()).copied()
    }

    /// The container and port in the service's loadBalancers; the declared ones if the service has no entry.
    pub(super) fn container_port(&self) -> Option<(&'a str, u16)> {
        let (_, port) = self.service?;
        let wired = self.entry().map(|entry| (entry.container.as_str(), entry.container_port));
        Some(wired.unwrap_or((&port.container, port.container_port)))
    }

    /// The targets that a task should have in the target group, by its revision; `None` if the revision was not read, as in an
    /// older deployment.
    pub(super) fn endpoints_of(&self, task: &Task) -> Option<Vec<TargetKey>> {
        let (service, port) = self.service?;
        let current = self.container_port().into_iter().collect();
        let ports = match port.registrar {
            Registrar::Portolan => current,
            Registrar::Ecs => self.given.ports_of_task(&service.id, task, &self.stand_ins, &current)?,
        };
        Some(task.endpoints(&ports).collect())
    }

    /// Where a task receives requests; for a task whose revision was not read, where it is registered.
    pub(super) fn endpoint_of(&self, task: &Task) -> Option<TargetKey> {
        let targets = self.targets().unwrap_or_default();
        match self.endpoints_of(task) {
            Some(keys) => {
                let is_registered = |key: &&TargetKey| targets.iter().any(|target| target.key == **key);
                keys.iter().find(is_registered).or(keys.first()).cloned()
            }
            None => {
                let registered = targets.iter().find(|target| task.has(&target.key)).map(|target| target.key.clone());
                let (container, port) = self.container_port()?;
                registered.or_else(|| task.endpoint(container, port))
            }
        }
    }

    pub(super) fn definition(&self) -> Found<&'a TaskDefinition> {
        let service = self.live_service()?;
        need(self.given.observed.task_definition(&service.task_definition), || {
            format!("task definition {} does not exist", service.task_definition.name())
        })
    }

    pub(super) fn mode(&self) -> Option<NetworkMode> {
        let declared = self.service.and_then(|(service, _)| service.network.as_ref()?.mode);
        self.definition().ok().map(|definition| definition.network_mode).or(declared)
    }

    /// Live tasks of the service.
    pub(super) fn tasks(&self) -> Found<&'a Vec<Task>> {
        match self.service {
            None => Err(Lack::Missing("no service".to_owned())),
            Some((service, _)) => need(self.given.observed.tasks_of(&service.id), || "no tasks".to_owned()),
        }
    }

    /// Registrations in the target group and the other one of its pair.
    pub(super) fn targets(&self) -> Found<Vec<&'a Target>> {
        let mut all = Vec::new();
        let live = self.live_group()?;
        for arn in &self.stand_ins {
            match self.given.observed.targets_of(arn) {
                Seen::Present(list) => all.extend(list),
                Seen::Absent => {}
                // Planning reads the other group of a pair only while ECS names it.
                Seen::Unknown(_) if *arn != live.arn => {}
                Seen::Unknown(gap) => return Err(Lack::Unknown(gap)),
            }
        }
        Ok(all)
    }

    /// The transports of requests, from the listener's protocol, otherwise the target group's. TCP_UDP has both.
    pub(super) fn transports(&self) -> &'static [Transport] {
        let of_listener = self.listener().map(|listener| &listener.protocol);
        let protocol = of_listener.or_else(|_| self.live_group().map(|group| &group.protocol));
        protocol.map_or(&[Transport::Tcp], Protocol::transports)
    }

    /// Whether health checks, which use TCP, go to another port than requests.
    pub(super) fn is_checked_apart(&self, end: &End) -> bool {
        end.health_port != end.port || !self.transports().contains(&Transport::Tcp)
    }

    /// The ports of a receiver to which the load balancer's nodes connect: for requests and for health checks.
    pub(super) fn ports_of(&self, end: &End) -> Vec<(Transport, u16)> {
        let mut ports: Vec<_> = self.transports().iter().map(|transport| (*transport, end.port)).collect();
        if self.is_checked_apart(end) {
            ports.push((Transport::Tcp, end.health_port));
        }
        ports
    }

    /// The address family of the targets.
    pub(super) fn family(&self) -> AddressFamily {
        self.live_group().map_or(AddressFamily::Ipv4, |group| group.family)
    }

    /// The port to which health checks of a target go. The target-group hop reports a port on which no task can listen, so the
    /// other hops ignore it.
    pub(super) fn health_port(&self, traffic: u16) -> u16 {
        match self.live_group().ok().and_then(|group| group.health_check.port) {
            Some(HealthPort::Fixed(port)) if self.unanswerable_check() != Some(port) => port,
            Some(HealthPort::Fixed(_) | HealthPort::Traffic) | None => traffic,
        }
    }

    /// The fixed port of the health checks, where the tasks get dynamic host ports, nothing that is known has this one, and
    /// no target is healthy.
    pub(super) fn unanswerable_check(&self) -> Option<u16> {
        let Some(HealthPort::Fixed(number)) = self.live_group().ok()?.health_check.port else { return None };
        let (service, _) = self.service?;
        let (container, port) = self.container_port()?;
        let definition = self.definition().ok().filter(|definition| definition.network_mode == NetworkMode::Bridge)?;
        let mut mappings = definition.containers.get(container)?.ports.iter();
        let mapping = mappings.find(|mapping| mapping.container_port == port)?;
        let all = definition.containers.values().flat_map(|container| &container.ports);
        let declared = service.ports.iter().flatten().filter_map(|port| port.host_port);
        let has_it = all.filter_map(|mapping| mapping.host_port).chain(declared).any(|host| host == number);
        let is_dynamic = matches!(mapping.host_port, None | Some(0));
        let is_healthy = |target: &&Target| target.health.state == TargetState::Healthy;
        let is_answered = self.targets().ok()?.iter().any(is_healthy);
        (is_dynamic && !has_it && !is_answered).then_some(number)
    }

    pub(super) fn is_network(&self) -> bool {
        self.balancer().is_ok_and(|balancer| balancer.kind == LoadBalancerKind::Network)
    }

    /// The subnet's VPC.
    pub(super) fn vpc_of(&self, subnet: &crate::model::SubnetId) -> Option<&'a VpcId> {
        let all = self.given.observed.subnets.as_ref().present()?;
        all.iter().find(|known| known.id == *subnet).map(|known| &known.vpc)
    }

    pub(super) fn zone_of(&self, subnet: &crate::model::SubnetId) -> Option<&'a str> {
        let all = self.given.observed.subnets.as_ref().present()?;
        all.iter().find(|known| known.id == *subnet)?.zone.as_deref()
    }

    pub(super) fn blocks_of(&self, subnet: &crate::model::SubnetId) -> Vec<IpNet> {
        let all = self.given.observed.subnets.as_ref().present().into_iter().flatten();
        all.filter(|known| known.id == *subnet).flat_map(|known| known.cidrs.iter().copied()).collect()
    }

    /// The blocks of the load balancer's VPC.
    pub(super) fn vpc_blocks(&self, balancer: &LoadBalancer) -> Vec<IpNet> {
        let all = self.given.observed.vpcs.as_ref().present().into_iter().flatten();
        all.filter(|vpc| balancer.vpc.as_ref() == Some(&vpc.id)).flat_map(|vpc| vpc.cidrs.iter().copied()).collect()
    }

    /// The known addresses of the load balancer's nodes.
    pub(super) fn node_addresses(&self, balancer: &LoadBalancer) -> Vec<IpNet> {
        let nodes = balancer.subnets.iter().flat_map(|subnet| self.given.observed.nodes_in(&balancer.arn, subnet));
        nodes.copied().map(IpNet::from).collect()
    }

    /// The addresses from which the load balancer's nodes connect to targets.
    pub(super) fn homes(&self, balancer: &LoadBalancer) -> Vec<IpNet> {
        balancer.subnets.iter().flat_map(|subnet| self.homes_in(balancer, subnet)).collect()
    }

    /// The same for one subnet: the node's addresses, or the whole subnet if they are unknown or may change.
    pub(super) fn homes_in(&self, balancer: &LoadBalancer, subnet: &crate::model::SubnetId) -> Vec<IpNet> {
        let nodes = self.given.observed.nodes_in(&balancer.arn, subnet).copied().map(IpNet::from);
        let nodes = self.family().only(nodes);
        if nodes.is_empty() { self.family().only(self.blocks_of(subnet)) } else { nodes }
    }
}
