//! ECS is the registrar of the target groups that a service names: it registers its tasks, puts back what someone
//! else deregistered, and takes out what it stops. It never removes what it did not register (aws-facts 2.8, 2.9).

use std::net::Ipv4Addr;

use crate::input::Input;
use crate::registration;
use crate::state::{State, Target, Task};

/// A place of a task in a target group.
pub struct Seat {
    pub group: String,
    pub id: String,
    pub port: u16,
}

/// Where a task belongs: the entries of the deployment that started it.
pub fn seats(state: &State, task: &Task) -> Vec<Seat> {
    let service = task.service.as_ref().and_then(|arn| state.services.get(arn));
    let deployment = service.and_then(|service| {
        service.deployments.iter().find(|deployment| Some(&deployment.id) == task.deployment.as_ref())
    });
    let revision = match (deployment, service) {
        (Some(deployment), _) => &deployment.revision,
        (None, Some(service)) => &service.revision,
        (None, None) => return Vec::new(),
    };
    let entries = revision.load_balancers.iter().map(Input);
    entries.filter_map(|entry| seat(state, task, entry)).collect()
}

fn seat(state: &State, task: &Task, entry: Input) -> Option<Seat> {
    let group = entry.text("targetGroupArn")?.to_owned();
    let (container, port) = (entry.text("containerName")?, u16::try_from(entry.int("containerPort")?).ok()?);
    if let Some(address) = task.address {
        return Some(Seat { group, id: address.to_string(), port });
    }
    let host = task.container_instance.as_ref().and_then(|arn| state.container_instances.get(arn))?;
    let bound =
        task.bindings.iter().find(|binding| binding.container == container && binding.container_port == port)?;
    Some(Seat { group, id: host.instance.clone(), port: bound.host_port })
}

/// The target of a seat.
pub fn target<'a>(state: &'a State, seat: &Seat) -> Option<&'a Target> {
    state.target_groups.get(&seat.group)?.targets.get(&(seat.id.clone(), seat.port))
}

/// Registers a task wherever it belongs and is not yet.
pub fn register_task(state: &mut State, arn: &str) -> bool {
    let Some(task) = state.tasks.get(arn) else { return false };
    let service = task.service.clone();
    let mut has_registered = false;
    for seat in seats(state, task) {
        let is_there = target(state, &seat).is_some_and(|target| target.draining_until.is_none() || target.returns);
        if is_there || !state.target_groups.contains_key(&seat.group) {
            continue;
        }
        if let Some(why) = refused(state, &seat) {
            if let Some(service) = &service {
                let what = format!("failed to register targets in (target-group {}) with (error {why})", seat.group);
                super::event::say(state, service, &what);
            }
            continue;
        }
        registration::register(state, &seat.group, &seat.id, seat.port, None, service.as_deref());
        has_registered = true;
        if let Some(service) = &service {
            super::event::say(state, service, &format!("registered 1 targets in (target-group {})", seat.group));
        }
    }
    has_registered
}

/// Why a target group does not take a task: it is in another VPC, and ECS never names the zone `all` that an address
/// from there would need (aws-facts 3.1, M35).
fn refused(state: &State, seat: &Seat) -> Option<String> {
    let group = state.target_groups.get(&seat.group)?;
    if let Some(instance) = state.instances.get(&seat.id) {
        let why = format!("The following targets are not in the target group VPC '{}': '{}'", group.vpc, seat.id);
        return (instance.vpc != group.vpc).then_some(why);
    }
    let address: Ipv4Addr = seat.id.parse().ok()?;
    let mut subnets = state.subnets.values().filter(|subnet| subnet.vpc == group.vpc);
    let is_inside = subnets.any(|subnet| subnet.cidr.contains(&address));
    (!is_inside).then(|| format!("The Availability Zone of the address '{address}' must be 'all' outside of the VPC"))
}

/// Takes a task out of its target groups.
pub fn deregister_task(state: &mut State, arn: &str) {
    let Some(task) = state.tasks.get(arn) else { return };
    let service = task.service.clone();
    for seat in seats(state, task) {
        if target(state, &seat).is_some_and(|target| target.draining_until.is_none()) {
            registration::deregister(state, &seat.group, &seat.id, seat.port);
            if let Some(service) = &service {
                super::event::say(state, service, &format!("deregistered 1 targets in (target-group {})", seat.group));
            }
        }
    }
}

/// Seconds until the connections of a task have drained.
pub fn drain_time(state: &State, arn: &str) -> i64 {
    let Some(task) = state.tasks.get(arn) else { return 0 };
    let seats = seats(state, task).into_iter().filter(|seat| target(state, seat).is_some());
    let groups = seats.filter_map(|seat| state.target_groups.get(&seat.group));
    groups.map(|group| group.deregistration_delay()).max().unwrap_or(0)
}
