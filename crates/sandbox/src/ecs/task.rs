//! Tasks.

use serde_json::{Value, json};

use super::service_check::Scheduling;
use super::{batch, cluster, compact, epoch, includes, last, list_page, missing, optional_epoch, tag, tag_list};
use crate::ec2::network_interface;
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::scheduler::task::{self, Start};
use crate::state::{State, Task, TaskStatus};

pub fn run(state: &mut State, input: Input) -> Answer {
    let cluster = cluster(state, input)?;
    let (default, cluster) = (json!(cluster.default_strategy), cluster.arn.clone());
    let definition = super::task_definition::resolve(state, input.text("taskDefinition").unwrap_or_default())?;
    let count = input.int("count").unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(Refusal::invalid("count must be between 1 and 10"));
    }
    let network = input.get("networkConfiguration").map_or(Value::Null, |network| network.0.clone());
    super::service_check::network(state, &definition, &network)?;
    let scheduling = Scheduling::read(input, &default);
    scheduling.check(&definition)?;
    super::service_check::place(input, scheduling.starts_on())?;
    let tags = tag::read(input)?;
    let family = format!("family:{}", definition.family);
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let start = Start {
            cluster: &cluster,
            task_definition: &definition.arn,
            group: input.text("group").unwrap_or(&family).to_owned(),
            service: None,
            launch_type: scheduling.starts_on(),
            network: &network,
            platform_version: input.text("platformVersion").unwrap_or(LATEST),
            only_on: None,
            tags: tags.clone(),
        };
        match task::start(state, start) {
            Ok(arn) => tasks.extend(state.tasks.get(&arn).map(|task| shown(state, task, true))),
            Err(why) => failures.push(json!({"arn": cluster, "reason": resource_of(&why)})),
        }
    }
    Ok(object! {"tasks" => tasks, "failures" => failures})
}

/// The reason that `RunTask` gives for what an event would say in words.
fn resource_of(why: &str) -> &'static str {
    match why {
        why if why.contains("port required") => "RESOURCE:PORTS",
        why if why.contains("RESOURCE:ENI") => "RESOURCE:ENI",
        why if why.contains("memory") => "RESOURCE:MEMORY",
        why if why.contains("CPU") => "RESOURCE:CPU",
        why if why.contains("free addresses") => "RESOURCE:ENI",
        _ => "No Container Instances were found in your cluster.",
    }
}

pub fn stop(state: &mut State, input: Input) -> Answer {
    let cluster = cluster(state, input)?.arn.clone();
    let id = last(input.text("task").unwrap_or_default());
    let found = state.tasks.values().find(|task| task.cluster == cluster && task.id() == id);
    let arn = found.map(|task| task.arn.clone());
    let arn = arn.ok_or_else(|| Refusal::invalid("The referenced task was not found."))?;
    let reason = input.text("reason").unwrap_or("Task stopped by user");
    // Connections are not drained first (aws-facts 2.8).
    task::stop(state, &arn, "UserInitiated", reason, false);
    Ok(json!({"task": state.tasks.get(&arn).map(|task| shown(state, task, true))}))
}

pub fn list(state: &State, input: Input) -> Answer {
    let cluster = cluster(state, input)?;
    let wants_stopped = input.text("desiredStatus") == Some("STOPPED");
    if let Some(name) = input.text("serviceName").map(last) {
        let is_it = |service: &&crate::state::Service| service.cluster == cluster.arn && service.name == name;
        if !state.services.values().any(|service| is_it(&service)) {
            return Err(Refusal::new("ServiceNotFoundException", "Service not found."));
        }
    }
    let fits = |task: &&Task| {
        let by_service = input.text("serviceName").is_none_or(|name| task.group == format!("service:{}", last(name)));
        let family = |task: &Task| state.task_definitions.get(&task.task_definition).map(|one| one.family.clone());
        let by_family = input.text("family").is_none_or(|name| family(task).as_deref() == Some(name));
        let by_host = input
            .text("containerInstance")
            .is_none_or(|name| task.container_instance.as_deref().map(last) == Some(last(name)));
        let by_type = input.text("launchType").is_none_or(|name| task.launch_type == name);
        task.cluster == cluster.arn && task.stopping == wants_stopped && by_service && by_family && by_host && by_type
    };
    let arns = state.tasks.values().filter(fits).map(|task| task.arn.clone()).collect();
    list_page(state, input, "taskArns", arns, 100)
}

pub fn describe(state: &State, input: Input) -> Answer {
    let cluster = cluster(state, input)?;
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for name in batch(input, "tasks", 100)? {
        let mut here = state.tasks.values().filter(|task| task.cluster == cluster.arn);
        match here.find(|task| task.id() == last(name)) {
            Some(task) => tasks.push(shown(state, task, includes(input, "TAGS"))),
            None => failures.push(missing(state.arn("ecs", &format!("task/{}/{}", cluster.name, last(name))))),
        }
    }
    Ok(object! {"tasks" => tasks, "failures" => failures})
}

fn shown(state: &State, task: &Task, with_tags: bool) -> Value {
    let definition = state.task_definitions.get(&task.task_definition);
    let containers = definition.into_iter().flat_map(|definition| &definition.containers);
    let containers: Vec<Value> = containers.map(|container| shown_container(task, container)).collect();
    let has_check = definition.is_some_and(|one| one.containers.iter().any(|container| container.has_health_check));
    let is_healthy = has_check && task.status == TaskStatus::Running;
    compact(json!({
        "taskArn": task.arn,
        "clusterArn": task.cluster,
        "taskDefinitionArn": task.task_definition,
        "containerInstanceArn": task.container_instance,
        "group": task.group,
        "launchType": task.launch_type,
        "platformVersion": task.platform_version,
        "platformFamily": task.platform_version.as_ref().map(|_| "Linux"),
        "lastStatus": task.status.word(),
        "desiredStatus": if task.stopping { "STOPPED" } else { "RUNNING" },
        "startedBy": task.deployment,
        "availabilityZone": task.zone,
        "connectivity": "CONNECTED",
        "healthStatus": if is_healthy { "HEALTHY" } else { "UNKNOWN" },
        "attachments": attachments(state, task),
        "containers": containers,
        "overrides": {"containerOverrides": []},
        "attributes": [],
        "cpu": definition.map(|one| one.cpu.to_string()),
        "memory": definition.map(|one| one.memory.to_string()),
        "createdAt": epoch(task.created),
        "startedAt": optional_epoch(task.started.filter(|_| task.status >= TaskStatus::Running)),
        "stoppingAt": optional_epoch(task.stopping_at),
        "stoppedAt": optional_epoch(task.stopped),
        "stopCode": task.stop_code,
        "stoppedReason": task.stopped_reason,
        "version": version(task),
        "tags": if with_tags { tag_list(&task.tags) } else { json!([]) },
    }))
}

/// Whether a task has come so far that it has its interface.
fn has_interface(task: &Task) -> bool {
    task.address.is_some() && task.status != TaskStatus::Provisioning
}

/// Counts up with each station: readers put what they hear late into its order by it.
fn version(task: &Task) -> i64 {
    let first = if task.address.is_some() { TaskStatus::Provisioning } else { TaskStatus::Pending };
    1 + task.status as i64 - first as i64
}

/// The version of the platform that a service or a call gets for what it asks for.
pub fn platform_version(asked: &str) -> &str {
    if asked == LATEST { NEWEST } else { asked }
}

/// What stands for the newest version.
pub const LATEST: &str = "LATEST";
const NEWEST: &str = "1.4.0";

fn attachments(state: &State, task: &Task) -> Value {
    let (Some(address), Some(subnet)) = (task.address, &task.subnet) else { return json!([]) };
    let detail = |name: &str, value: &str| json!({"name": name, "value": value});
    let mut details = vec![detail("subnetId", subnet)];
    // Before the interface is made nothing is known of it but where it will be.
    if has_interface(task) {
        details.extend(task.interface.as_ref().map(|interface| detail("networkInterfaceId", interface)));
        details.push(detail("macAddress", &network_interface::mac_address(address)));
        details.push(detail("privateDnsName", &network_interface::private_name(state, address)));
        details.push(detail("privateIPv4Address", &address.to_string()));
    }
    let status = match task.status {
        TaskStatus::Provisioning => "PRECREATED",
        TaskStatus::Stopped => "DELETED",
        _ => "ATTACHED",
    };
    let id = &task.attachment;
    json!([compact(json!({"id": id, "type": "ElasticNetworkInterface", "status": status, "details": details}))])
}

fn shown_container(task: &Task, container: &crate::state::Container) -> Value {
    let is_up = task.has_containers();
    let bound = task.bindings.iter().filter(|binding| binding.container == container.name && is_up);
    let bindings: Vec<Value> = bound
        .map(|binding| {
            json!({
                "bindIP": "0.0.0.0",
                "containerPort": binding.container_port,
                "hostPort": binding.host_port,
                "protocol": binding.protocol,
            })
        })
        .collect();
    let interfaces = task
        .address
        .filter(|_| has_interface(task))
        .map(|address| json!([{"attachmentId": task.attachment, "privateIpv4Address": address.to_string()}]));
    let status = match task.status {
        TaskStatus::Activating | TaskStatus::Running | TaskStatus::Deactivating => "RUNNING",
        TaskStatus::Provisioning | TaskStatus::Pending => "PENDING",
        _ => "STOPPED",
    };
    let has_ended = status == "STOPPED";
    let code = (task.stop_code.as_deref() == Some("EssentialContainerExited") && has_ended).then_some(1);
    let reason = task.stopped_reason.as_ref().filter(|_| task.stop_code.as_deref() == Some("TaskFailedToStart"));
    compact(json!({
        "containerArn": format!("{}/{}", task.arn.replace(":task/", ":container/"), container.name),
        "taskArn": task.arn,
        "name": container.name,
        "image": container.image,
        "lastStatus": status,
        "healthStatus": if container.has_health_check && status == "RUNNING" { "HEALTHY" } else { "UNKNOWN" },
        "networkBindings": bindings,
        "networkInterfaces": interfaces.unwrap_or_else(|| json!([])),
        "exitCode": code,
        "reason": reason.filter(|_| has_ended),
    }))
}
