//! Registering targets and letting them drain: one way for callers and for ECS. What may be registered is checked
//! before.

use std::net::Ipv4Addr;

use jiff::SignedDuration;

use super::due::Due;
use super::routing::forwarding_to;
use super::state::{Health, State, Target, TargetGroup};

/// Seconds from a registration to the first check.
const FIRST_CHECK: i64 = 5;

/// Registers a target, or takes note of its zone where it is registered already. `by_service` is the ARN of the ECS
/// service whose task it is. A target that still drains comes back when it has drained (aws-facts 2.9).
pub fn register(state: &mut State, group: &str, id: &str, port: u16, zone: Option<&str>, by_service: Option<&str>) {
    let now = state.now;
    let Some(target_group) = state.target_groups.get_mut(group) else { return };
    let zone = zone.map(str::to_owned);
    if let Some(target) = target_group.targets.get_mut(&(id.to_owned(), port)) {
        target.returns = target.draining_until.is_some();
        target.zone = zone.or(target.zone.take());
        target.by_service = by_service.map(str::to_owned).or(target.by_service.take());
        return;
    }
    let target = Target {
        id: id.to_owned(),
        port,
        zone,
        health: initial(),
        registered: now,
        draining_until: None,
        returns: false,
        passed: 0,
        failed: 0,
        was_healthy: false,
        by_service: by_service.map(str::to_owned),
    };
    target_group.targets.insert((id.to_owned(), port), target);
    let name = target_group.name.clone();
    state.note(&format!("{name}: {id}:{port} registered"));
    state.after(FIRST_CHECK, Due::Check(group.to_owned(), id.to_owned(), port));
}

/// Lets a target drain for the deregistration delay of its group. An absent one is deregistered already, and one that
/// no load balancer uses has nothing to drain.
pub fn deregister(state: &mut State, group: &str, id: &str, port: u16) {
    let is_used = forwarding_to(state, group).next().is_some();
    let now = state.now;
    let Some(target_group) = state.target_groups.get_mut(group) else { return };
    let delay = target_group.deregistration_delay();
    let key = (id.to_owned(), port);
    let Some(target) = target_group.targets.get_mut(&key) else { return };
    target.returns = false;
    if target.draining_until.is_some() {
        return;
    }
    let name = target_group.name.clone();
    if !is_used || delay == 0 {
        let service = target_group.targets.remove(&key).and_then(|target| target.by_service);
        look_soon(state, service);
        state.note(&format!("{name}: {id}:{port} deregistered"));
        return;
    }
    target.draining_until = Some(now + SignedDuration::from_secs(delay));
    let service = target.by_service.clone();
    state.note(&format!("{name}: {id}:{port} drains"));
    state.after(delay, Due::Drained(group.to_owned(), id.to_owned(), port));
    look_soon(state, service);
}

/// Seconds until ECS notices that a target of its own was deregistered.
const NOTICED: i64 = 10;

fn look_soon(state: &mut State, service: Option<String>) {
    if let Some(service) = service {
        state.after(NOTICED, Due::Service(service));
    }
}

/// A target has drained: it is gone, or back.
pub fn drained(state: &mut State, group: &str, id: &str, port: u16) {
    let Some(target_group) = state.target_groups.get_mut(group) else { return };
    let Some(target) = target_group.targets.remove(&(id.to_owned(), port)) else { return };
    let name = target_group.name.clone();
    state.note(&format!("{name}: {id}:{port} drained"));
    if target.returns {
        register(state, group, id, port, target.zone.as_deref(), target.by_service.as_deref());
    }
}

/// What a target is before its first check.
pub fn initial() -> Health {
    Health {
        state: "initial",
        reason: Some("Elb.InitialHealthChecking"),
        description: Some("Initial health checks in progress".to_owned()),
    }
}

/// The state of a target as `DescribeTargetHealth` tells it (aws-facts 3.4).
pub fn health_of(state: &State, group: &TargetGroup, target: &Target) -> Health {
    if target.draining_until.is_some() {
        return said("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress");
    }
    if let Some(why) = unused(state, group, target) {
        return why;
    }
    let is_new = state.now.duration_since(target.registered) < SignedDuration::from_secs(2);
    if is_new && target.health.state == "initial" {
        return said("initial", "Elb.RegistrationInProgress", "Target registration is in progress");
    }
    target.health.clone()
}

/// Why a target is not checked: its group is in no rule, its zone is not enabled, its instance does not run, or its
/// address is a load balancer's.
pub fn unused(state: &State, group: &TargetGroup, target: &Target) -> Option<Health> {
    let instance = state.instances.get(&target.id);
    if group.target_type == "instance" && instance.is_none_or(|instance| instance.status != "running") {
        let status = instance.map_or("terminated", |instance| &instance.status);
        return Some(said("unused", "Target.InvalidState", &format!("Target is in the {status} state")));
    }
    let Some(balancer) = balancer_of(state, &group.arn) else {
        let why = "Target group is not configured to receive traffic from the load balancer";
        return Some(said("unused", "Target.NotInUse", why));
    };
    let zone = zone_of(state, group, target);
    let zones = balancer.interfaces.keys().filter_map(|subnet| state.subnets.get(subnet)).map(|subnet| &subnet.zone);
    match zone {
        Some(zone) if zone != "all" && !zones.into_iter().any(|enabled| *enabled == zone) => {
            let why = "Target is in an Availability Zone that is not enabled for the load balancer";
            Some(said("unused", "Target.NotInUse", why))
        }
        _ => None,
    }
}

/// The load balancer that a group belongs to; a group has one at most.
pub fn balancer_of<'a>(state: &'a State, group: &'a str) -> Option<&'a super::state::LoadBalancer> {
    forwarding_to(state, group).find_map(|arn| state.load_balancers.get(arn))
}

/// The zone that a target is in: that of its instance or address, or the one it was registered with.
pub fn zone_of(state: &State, group: &TargetGroup, target: &Target) -> Option<String> {
    zone_of_id(state, group, &target.id).map(str::to_owned).or_else(|| target.zone.clone())
}

/// The zone that an instance or an address is in, as far as the VPC of a group tells.
pub fn zone_of_id<'a>(state: &'a State, group: &TargetGroup, id: &str) -> Option<&'a str> {
    let subnet = match state.instances.get(id) {
        Some(instance) => state.subnets.get(&instance.subnet),
        None => {
            let address: Option<Ipv4Addr> = id.parse().ok();
            let here = |address| {
                state.subnets.values().find(|subnet| subnet.vpc == group.vpc && subnet.cidr.contains(&address))
            };
            address.and_then(here)
        }
    };
    subnet.map(|subnet| subnet.zone.as_str())
}

/// A state with its reason.
pub fn said(state: &'static str, reason: &'static str, description: &str) -> Health {
    Health { state, reason: Some(reason), description: Some(description.to_owned()) }
}
