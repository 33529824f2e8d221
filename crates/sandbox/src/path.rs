//! The way from one address to a port of another: what drops it, what refuses it, or what answers.

use std::net::Ipv4Addr;

use jiff::SignedDuration;

use super::ec2::route_table::is_behind_peering;
use super::filter::{End, Traffic, acl_admits, groups_admit};
use super::state::{App, InterfaceOwner, Listen, NetworkInterface, State, Task};

/// What becomes of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Nothing comes back. Names what swallowed it.
    Dropped(&'static str),
    /// Something is there, and nothing listens on that port and interface.
    Refused,
    /// Something listens.
    Open(Box<Open>),
}

/// A port that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub listen: Listen,
    /// Whose it is: the group of a task, an instance, or an address.
    pub owner: String,
}

/// Follows a connection. `from` has groups where its own egress is filtered.
pub fn follow(state: &State, from: &End, to: Ipv4Addr, traffic: Traffic) -> Reached {
    let vpc = from.subnet.as_ref().and_then(|subnet| state.subnets.get(subnet)).map(|subnet| &subnet.vpc);
    let has_it = |one: &&NetworkInterface| one.address == to;
    let inside = state.interfaces.values().find(|one| has_it(one) && Some(&one.vpc) == vpc);
    let behind_peering = || {
        let subnet = from.subnet.as_ref().filter(|subnet| is_behind_peering(state, subnet, to));
        subnet.and_then(|_| state.interfaces.values().find(has_it))
    };
    let inside = inside.or_else(behind_peering);
    let end = match inside {
        Some(interface) => end_of(interface),
        None => End { address: to, groups: Default::default(), subnet: None },
    };
    if !from.groups.is_empty() && !groups_admit(state, &from.groups, true, &end, traffic) {
        return Reached::Dropped("egress of the sender's security groups");
    }
    if from.subnet != end.subnet {
        if from.subnet.as_ref().is_some_and(|subnet| !acl_admits(state, subnet, true, to, traffic)) {
            return Reached::Dropped("network ACL of the sender's subnet");
        }
        if end.subnet.as_ref().is_some_and(|subnet| !acl_admits(state, subnet, false, from.address, traffic)) {
            return Reached::Dropped("network ACL of the receiver's subnet");
        }
    }
    let Some(interface) = inside else { return outside(state, to, traffic) };
    if !groups_admit(state, &interface.groups, false, from, traffic) {
        return Reached::Dropped("ingress of the receiver's security groups");
    }
    arrive(state, interface, traffic)
}

/// An interface as an end.
pub fn end_of(interface: &NetworkInterface) -> End {
    End { address: interface.address, groups: interface.groups.clone(), subnet: Some(interface.subnet.clone()) }
}

fn outside(state: &State, to: Ipv4Addr, traffic: Traffic) -> Reached {
    match state.hosts.get(&to) {
        Some(app) => open(app.on(traffic.port).cloned(), || to.to_string()),
        None => Reached::Dropped("nothing has this address"),
    }
}

/// Behind the interface's groups.
fn arrive(state: &State, interface: &NetworkInterface, traffic: Traffic) -> Reached {
    match &interface.owner {
        InterfaceOwner::Task(arn) => match state.tasks.get(arn) {
            Some(task) => open(in_task(state, task, traffic.port), || task.group.clone()),
            None => Reached::Dropped("nothing has this address"),
        },
        InterfaceOwner::Instance(id) => match state.instances.get(id) {
            Some(instance) if instance.status == "running" => {
                let bound = on_host(state, id, traffic);
                let (found, owner) = bound.unwrap_or_else(|| (instance.app.on(traffic.port).cloned(), id.clone()));
                open(found, || owner)
            }
            _ => Reached::Dropped("the instance does not run"),
        },
        InterfaceOwner::LoadBalancer(_) | InterfaceOwner::Nobody => Reached::Dropped("nothing runs there"),
    }
}

fn open(listen: Option<Listen>, owner: impl FnOnce() -> String) -> Reached {
    match listen {
        Some(listen) if !listen.loopback => Reached::Open(Box::new(Open { listen, owner: owner() })),
        _ => Reached::Refused,
    }
}

/// What listens on a port of a task with an interface of its own: its containers share it.
fn in_task(state: &State, task: &Task, port: u16) -> Option<Listen> {
    let definition = state.task_definitions.get(&task.task_definition)?;
    definition.containers.iter().find_map(|container| listening(state, task, &container.name, port))
}

/// The task that is bound to a port of an instance, and what listens behind it. `None` where none is.
fn on_host(state: &State, instance: &str, traffic: Traffic) -> Option<(Option<Listen>, String)> {
    let is_here = |task: &&Task| {
        let place = task.container_instance.as_ref().and_then(|arn| state.container_instances.get(arn));
        task.is_alive() && place.is_some_and(|place| place.instance == instance)
    };
    let protocol = if traffic.is_udp { "udp" } else { "tcp" };
    state.tasks.values().filter(is_here).find_map(|task| {
        let bound = |binding: &&super::state::compute::Binding| {
            binding.host_port == traffic.port && binding.protocol == protocol
        };
        let binding = task.bindings.iter().find(bound)?;
        Some((listening(state, task, &binding.container, binding.container_port), task.group.clone()))
    })
}

/// What a container of a task listens on by now.
fn listening(state: &State, task: &Task, container: &str, port: u16) -> Option<Listen> {
    let definition = state.task_definitions.get(&task.task_definition)?;
    let container = definition.containers.iter().find(|one| one.name == container)?;
    if !task.has_containers() {
        return None;
    }
    match state.apps.get(&container.image) {
        Some(app) => is_up(state, task, app).then(|| app.on(port).cloned()).flatten(),
        None => container.ports.iter().any(|mapping| mapping.container_port == port).then(|| Listen::ok(port)),
    }
}

/// Whether an app had the time to start.
fn is_up(state: &State, task: &Task, app: &App) -> bool {
    task.started.is_some_and(|started| state.now >= started + SignedDuration::from_secs(app.starts_after))
        || app.starts_after == 0
}
