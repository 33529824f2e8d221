//! Container instances: EC2 instances with an agent.

use serde_json::{Value, json};

use super::{batch, cluster, epoch, includes, last, list_page, missing, tag, tag_list};
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::scheduler::host;
use crate::scheduler::placement::{is_connected, ports_on, room_on, tasks_on};
use crate::state::{ContainerInstance, State, TaskStatus};

/// What the agent keeps for itself and for others: SSH, Docker, its own ports (aws-facts 1.2).
const RESERVED_PORTS: [u16; 6] = [22, 2375, 2376, 51678, 51679, 51680];

/// What the agent does when it starts: the identity document says which instance it is. An instance that is registered
/// already, as after a restart, is the same container instance again.
pub fn register(state: &mut State, input: Input) -> Answer {
    let cluster = cluster(state, input)?.clone();
    let document: Value = input
        .text("instanceIdentityDocument")
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| Refusal::invalid("instanceIdentityDocument is not a document."))?;
    let instance = Input(&document).text("instanceId").unwrap_or_default().to_owned();
    let Some(host) = state.instances.get(&instance) else {
        return Err(Refusal::client(format!("The instance {instance} does not exist.")));
    };
    let (interfaces, cpu, memory) = size_of(&host.instance_type);
    let resource = |name: &str| {
        let mut resources = input.list("totalResources");
        resources.find(|resource| resource.text("name") == Some(name)).and_then(|resource| resource.int("integerValue"))
    };
    let (cpu, memory) = (resource("CPU").unwrap_or(cpu), resource("MEMORY").unwrap_or(memory));
    let tags = tag::read(input)?;
    let known = state.container_instances.values().find(|one| one.instance == instance).cloned();
    if known.as_ref().is_some_and(|known| known.cluster != cluster.arn) {
        return Err(Refusal::client(format!("The instance {instance} is registered with another cluster.")));
    }
    if input.text("containerInstanceArn").is_some_and(|arn| known.as_ref().is_none_or(|known| known.arn != arn)) {
        return Err(Refusal::client(format!("The instance {instance} is not that container instance.")));
    }
    let registered = known.unwrap_or_else(|| {
        let id = state.ids.long();
        ContainerInstance {
            arn: state.arn("ecs", &format!("container-instance/{}/{id}", cluster.name)),
            cluster: cluster.arn.clone(),
            instance,
            memory,
            cpu,
            reserved_ports: RESERVED_PORTS.into(),
            task_interfaces: interfaces,
            registered: state.now,
            tags,
        }
    });
    let answer = json!({"containerInstance": shown(state, &registered, true)});
    state.container_instances.insert(registered.arn.clone(), registered);
    host::look_again(state, &cluster.arn);
    Ok(answer)
}

pub fn deregister(state: &mut State, input: Input) -> Answer {
    let cluster = cluster(state, input)?.arn.clone();
    let id = last(input.text("containerInstance").unwrap_or_default());
    let found = state.container_instances.values().find(|one| one.cluster == cluster && last(&one.arn) == id).cloned();
    let found = found.ok_or_else(|| Refusal::invalid("Referenced container instance not found."))?;
    if tasks_on(state, &found).any(|task| task.status == TaskStatus::Running) && input.flag("force") != Some(true) {
        return Err(Refusal::invalid("Found running tasks on the instance."));
    }
    // Tasks that are left go on without ECS: to it they have ended.
    host::lose(state, &found, "Container instance was deregistered.");
    state.container_instances.remove(&found.arn);
    let mut answer = shown(state, &found, true);
    answer["status"] = json!("INACTIVE");
    Ok(json!({"containerInstance": answer}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    let cluster = cluster(state, input)?;
    let (mut shown_ones, mut failures) = (Vec::new(), Vec::new());
    for name in batch(input, "containerInstances", 100)? {
        let mut here = state.container_instances.values().filter(|one| one.cluster == cluster.arn);
        match here.find(|one| last(&one.arn) == last(name)) {
            Some(found) => shown_ones.push(shown(state, found, includes(input, "TAGS"))),
            None => failures.push(missing(state.arn("ecs", &format!("container-instance/{}", last(name))))),
        }
    }
    Ok(object! {"containerInstances" => shown_ones, "failures" => failures})
}

pub fn list(state: &State, input: Input) -> Answer {
    let cluster = cluster(state, input)?;
    let here = state.container_instances.values().filter(|one| one.cluster == cluster.arn);
    list_page(state, input, "containerInstanceArns", here.map(|one| one.arn.clone()).collect(), 100)
}

/// Tasks with an interface of their own, CPU units and MiB of an instance type: one interface is the instance's
/// (aws-facts 4.8). Types that are not listed count as a `c5.large`.
fn size_of(instance_type: &str) -> (usize, i64, i64) {
    match instance_type {
        "t3.micro" => (1, 2048, 943),
        "t3.medium" => (2, 2048, 3884),
        "c5.xlarge" | "m5.xlarge" => (3, 4096, 15_500),
        _ => (2, 2048, 3884),
    }
}

fn shown(state: &State, instance: &ContainerInstance, with_tags: bool) -> Value {
    let running = |wanted: TaskStatus| tasks_on(state, instance).filter(|task| task.status == wanted).count();
    let (cpu, memory) = room_on(state, instance);
    let resources = |cpu: i64, memory: i64, ports: Vec<u16>, udp: Vec<u16>| {
        let texts = |ports: Vec<u16>| ports.iter().map(u16::to_string).collect::<Vec<_>>();
        let integer = |name: &str, value: i64| json!({"name": name, "type": "INTEGER", "integerValue": value});
        let set = |name: &str, ports| json!({"name": name, "type": "STRINGSET", "stringSetValue": texts(ports)});
        json!([integer("CPU", cpu), integer("MEMORY", memory), set("PORTS", ports), set("PORTS_UDP", udp)])
    };
    let reserved = instance.reserved_ports.iter().copied().collect();
    let taken = |protocol: &str| ports_on(state, instance, protocol).into_iter().collect();
    let host = state.instances.get(&instance.instance);
    let zone = host.and_then(|host| state.subnets.get(&host.subnet)).map(|subnet| &subnet.zone);
    json!({
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.instance,
        "version": 1,
        "versionInfo": {"agentVersion": "1.98.0"},
        "remainingResources": resources(cpu, memory, taken("tcp"), taken("udp")),
        "registeredResources": resources(instance.cpu, instance.memory, reserved, Vec::new()),
        "status": "ACTIVE",
        "agentConnected": is_connected(state, instance),
        "runningTasksCount": running(TaskStatus::Running),
        "pendingTasksCount": running(TaskStatus::Pending),
        "attributes": [
            {"name": "ecs.availability-zone", "value": zone},
            {"name": "ecs.instance-type", "value": host.map(|host| &host.instance_type)},
        ],
        "attachments": [],
        "registeredAt": epoch(instance.registered),
        "tags": if with_tags { tag_list(&instance.tags) } else { json!([]) },
    })
}
