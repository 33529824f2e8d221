//! Where a task goes: to a subnet on Fargate, to an instance with room for it on EC2.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::ec2::interface;
use crate::input::Input;
use crate::state::compute::Binding;
use crate::state::{ContainerInstance, InterfaceOwner, State, Task, TaskDefinition};

/// What a task is placed with.
pub struct Wanted<'a> {
    pub definition: &'a TaskDefinition,
    /// ARN.
    pub cluster: &'a str,
    /// `FARGATE`, `EC2`, `EXTERNAL`
    pub launch_type: &'a str,
    /// `{"awsvpcConfiguration": …}`
    pub network: Input<'a>,
    /// On this container instance and no other.
    pub only_on: Option<&'a str>,
}

/// A place.
#[derive(Default)]
pub struct Place {
    pub container_instance: Option<String>,
    pub interface: Option<String>,
    pub bindings: Vec<Binding>,
}

/// Finds a place for a task, or says why there is none, in the words of ECS's events.
pub fn place(state: &mut State, task: &str, wanted: &Wanted) -> Result<Place, String> {
    let mode = wanted.definition.network_mode.as_str();
    if wanted.launch_type == "FARGATE" {
        let subnet = subnet(state, wanted, None)?;
        let interface = attach(state, task, &subnet, wanted.network)?;
        return Ok(Place { interface: Some(interface), ..Place::default() });
    }
    let instance = instance(state, wanted)?;
    let container_instance = Some(instance.arn.clone());
    if mode == "awsvpc" {
        let subnet = subnet(state, wanted, Some(&instance))?;
        let interface = attach(state, task, &subnet, wanted.network)?;
        return Ok(Place { container_instance, interface: Some(interface), ..Place::default() });
    }
    let bindings = bind(state, wanted.definition, &instance).ok_or_else(|| unable(&Want::Port, &instance))?;
    Ok(Place { container_instance, bindings, ..Place::default() })
}

fn awsvpc(network: Input) -> Option<Input> {
    network.get("awsvpcConfiguration")
}

fn attach(state: &mut State, task: &str, subnet: &str, network: Input) -> Result<String, String> {
    let groups = awsvpc(network).map(|config| config.texts("securityGroups")).unwrap_or_default();
    let groups: Vec<String> = groups.into_iter().map(str::to_owned).collect();
    let description = format!("arn:aws:ecs:{}:{}:attachment/{}", state.region, state.account, state.ids.uuid());
    interface::attach(state, subnet, &groups, InterfaceOwner::Task(task.to_owned()), &description)
        .map_err(|refusal| format!("was unable to place a task. Reason: {}.", refusal.message))
}

/// The subnet with the fewest tasks of this service's definition, so that they spread over zones.
fn subnet(state: &State, wanted: &Wanted, on: Option<&ContainerInstance>) -> Result<String, String> {
    let listed = awsvpc(wanted.network).map(|config| config.texts("subnets")).unwrap_or_default();
    let zone = on
        .and_then(|instance| state.instances.get(&instance.instance))
        .and_then(|instance| state.subnets.get(&instance.subnet).map(|subnet| subnet.zone.clone()));
    let fits = |id: &&&str| {
        state.subnets.get(**id).is_some_and(|subnet| zone.as_ref().is_none_or(|zone| subnet.zone == *zone))
    };
    let mut here: BTreeMap<&str, usize> = BTreeMap::new();
    for task in state.tasks.values().filter(|task| task.is_alive() && !task.stopping) {
        if task.task_definition == wanted.definition.arn {
            *here.entry(task.subnet.as_deref().unwrap_or_default()).or_default() += 1;
        }
    }
    let chosen = listed.iter().filter(fits).min_by_key(|id| here.get(**id).copied().unwrap_or(0));
    chosen.map(|id| (*id).to_owned()).ok_or_else(|| {
        "was unable to place a task because no container instance met all of its requirements. Reason: No Container \
         Instances were found in the Availability Zones of the task's subnets."
            .to_owned()
    })
}

/// Why an instance has no room.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Want {
    Port,
    Interface,
    Memory,
    Cpu,
}

/// The instance with room for the task that has the fewest tasks.
fn instance(state: &State, wanted: &Wanted) -> Result<ContainerInstance, String> {
    let in_cluster = |instance: &&ContainerInstance| wanted.only_on.is_none_or(|only| instance.arn == only);
    let mut closest = None;
    let mut best: Option<(usize, &ContainerInstance)> = None;
    for instance in active_in(state, wanted.cluster).filter(in_cluster) {
        match lacks(state, instance, wanted.definition) {
            Some(want) => closest = Some((want, instance)),
            None => {
                let tasks = tasks_on(state, instance).count();
                if best.is_none_or(|(fewest, _)| tasks < fewest) {
                    best = Some((tasks, instance));
                }
            }
        }
    }
    if let Some((_, instance)) = best {
        return Ok(instance.clone());
    }
    Err(match closest {
        None => format!("{UNABLE} Reason: No Container Instances were found in your cluster."),
        Some((want, instance)) => unable(&want, instance),
    })
}

const UNABLE: &str = "was unable to place a task because no container instance met all of its requirements.";

fn unable(want: &Want, instance: &ContainerInstance) -> String {
    let id = instance.arn.rsplit('/').next().unwrap_or_default();
    let why = match want {
        Want::Port => "is already using a port required by your task",
        Want::Interface => "encountered error \"RESOURCE:ENI\"",
        Want::Memory => "has insufficient memory available",
        Want::Cpu => "has insufficient CPU units available",
    };
    format!("{UNABLE} The closest matching (container-instance {id}) {why}.")
}

/// The container instances of a cluster that take tasks: those with an agent that is connected.
pub fn active_in<'a>(state: &'a State, cluster: &'a str) -> impl Iterator<Item = &'a ContainerInstance> {
    state.container_instances.values().filter(move |one| one.cluster == cluster && is_connected(state, one))
}

/// Whether the agent of a container instance is connected: it is while its EC2 instance runs.
pub fn is_connected(state: &State, instance: &ContainerInstance) -> bool {
    state.instances.get(&instance.instance).is_none_or(|host| host.status == "running")
}

/// The tasks that hold resources of an instance.
pub fn tasks_on<'a>(state: &'a State, instance: &'a ContainerInstance) -> impl Iterator<Item = &'a Task> {
    state.tasks.values().filter(|task| task.is_alive() && task.container_instance.as_ref() == Some(&instance.arn))
}

/// The host ports in use on an instance, by protocol.
pub fn ports_on(state: &State, instance: &ContainerInstance, protocol: &str) -> BTreeSet<u16> {
    let bindings = tasks_on(state, instance).flat_map(|task| &task.bindings);
    let taken = bindings.filter(|binding| binding.protocol == protocol).map(|binding| binding.host_port);
    let reserved = if protocol == "tcp" { instance.reserved_ports.clone() } else { BTreeSet::new() };
    reserved.into_iter().chain(taken).collect()
}

/// CPU units and MiB that are left on an instance.
pub fn room_on(state: &State, instance: &ContainerInstance) -> (i64, i64) {
    let definitions = tasks_on(state, instance).filter_map(|task| state.task_definitions.get(&task.task_definition));
    definitions.fold((instance.cpu, instance.memory), |(cpu, memory), definition| {
        (cpu - definition.cpu, memory - definition.memory)
    })
}

fn lacks(state: &State, instance: &ContainerInstance, definition: &TaskDefinition) -> Option<Want> {
    let (cpu, memory) = room_on(state, instance);
    if definition.network_mode != "awsvpc" && !has_ports(state, instance, definition) {
        return Some(Want::Port);
    }
    let interfaces = tasks_on(state, instance).filter(|task| task.interface.is_some()).count();
    if definition.network_mode == "awsvpc" && interfaces >= instance.task_interfaces {
        return Some(Want::Interface);
    }
    if memory < definition.memory {
        return Some(Want::Memory);
    }
    (cpu < definition.cpu).then_some(Want::Cpu)
}

/// Whether an instance has the ports that a task is to have: the fixed ones, and as many others as it has dynamic ones.
fn has_ports(state: &State, instance: &ContainerInstance, definition: &TaskDefinition) -> bool {
    ["tcp", "udp"].into_iter().all(|protocol| {
        let mut taken = ports_on(state, instance, protocol);
        let (dynamic, fixed): (Vec<u16>, Vec<u16>) = host_ports(definition, protocol).partition(|port| *port == 0);
        if fixed.into_iter().any(|port| !taken.insert(port)) {
            return false;
        }
        let range = dynamic_ports(state, instance);
        let free = range.len() - taken.iter().filter(|port| range.contains(port)).count();
        dynamic.len() <= free
    })
}

fn host_ports(definition: &TaskDefinition, protocol: &str) -> impl Iterator<Item = u16> {
    let mappings = definition.containers.iter().flat_map(|container| &container.ports);
    mappings.filter(move |mapping| mapping.protocol == protocol).map(|mapping| mapping.host_port)
}

/// The ports that the instance's kernel gives out.
fn dynamic_ports(state: &State, instance: &ContainerInstance) -> RangeInclusive<u16> {
    state.instances.get(&instance.instance).map_or(32768..=60999, |host| host.dynamic_ports.clone())
}

/// Binds ports: the ones that are fixed, and dynamic ones out of the instance's own range. Nothing, where that has none
/// left.
fn bind(state: &mut State, definition: &TaskDefinition, instance: &ContainerInstance) -> Option<Vec<Binding>> {
    let mut bindings: Vec<Binding> = Vec::new();
    for container in &definition.containers {
        for mapping in &container.ports {
            let mut taken = ports_on(state, instance, &mapping.protocol);
            taken.extend(host_ports(definition, &mapping.protocol));
            let mine = bindings.iter().filter(|binding| binding.protocol == mapping.protocol);
            taken.extend(mine.map(|binding| binding.host_port));
            let host_port = if mapping.host_port == 0 { dynamic(state, instance, &taken)? } else { mapping.host_port };
            bindings.push(Binding {
                container: container.name.clone(),
                container_port: mapping.container_port,
                host_port,
                protocol: mapping.protocol.clone(),
            });
        }
    }
    Some(bindings)
}

fn dynamic(state: &mut State, instance: &ContainerInstance, taken: &BTreeSet<u16>) -> Option<u16> {
    let range = dynamic_ports(state, instance);
    let (low, high) = (u64::from(*range.start()), u64::from(*range.end()));
    let start = state.ids.below(high - low + 1);
    let round = (0..=high - low).map(|step| low + (start + step) % (high - low + 1));
    let mut ports = round.filter_map(|port| u16::try_from(port).ok());
    ports.find(|port| !taken.contains(port))
}
