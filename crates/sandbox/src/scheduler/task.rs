//! The life of a task.

use std::collections::BTreeSet;

use serde_json::Value;

use super::placement::{self, Place, Wanted};
use super::{host, registrar, service};
use crate::due::Due;
use crate::ec2::interface;
use crate::ecs::platform_version;
use crate::input::Input;
use crate::state::{State, Tags, Task, TaskStatus};

/// Seconds that a stopped task is still described.
const REMEMBERED: i64 = 3600;

/// What a task is started for.
pub struct Start<'a> {
    pub cluster: &'a str,
    pub task_definition: &'a str,
    pub group: String,
    /// ARN of the service and id of its deployment.
    pub service: Option<(&'a str, &'a str)>,
    pub launch_type: &'a str,
    pub network: &'a Value,
    /// What is asked for on Fargate.
    pub platform_version: &'a str,
    pub only_on: Option<&'a str>,
    pub tags: Tags,
}

/// Starts a task, or says why it finds no place.
pub fn start(state: &mut State, start: Start) -> Result<String, String> {
    let Some(definition) = state.task_definitions.get(start.task_definition).cloned() else {
        return Err("was unable to start a task: its task definition does not exist.".to_owned());
    };
    let cluster_name = state.clusters.get(start.cluster).map(|cluster| cluster.name.clone()).unwrap_or_default();
    let id = state.ids.long();
    let arn = state.arn("ecs", &format!("task/{cluster_name}/{id}"));
    let network = Input(start.network);
    let Start { cluster, launch_type, only_on, .. } = start;
    let place =
        placement::place(state, &arn, &Wanted { definition: &definition, cluster, launch_type, network, only_on })?;
    publish(state, &place, network, launch_type);
    let interface = place.interface.as_ref().and_then(|id| state.interfaces.get(id));
    let attachment = interface.and_then(|interface| interface.description.rsplit('/').next()).map(str::to_owned);
    let subnet = interface.map(|interface| interface.subnet.clone()).or_else(|| {
        let instance = place.container_instance.as_ref().and_then(|arn| state.container_instances.get(arn));
        instance.and_then(|instance| state.instances.get(&instance.instance)).map(|host| host.subnet.clone())
    });
    let zone = subnet.as_ref().and_then(|id| state.subnets.get(id)).map(|subnet| subnet.zone.clone());
    let address = interface.map(|interface| interface.address);
    let task = Task {
        arn: arn.clone(),
        cluster: start.cluster.to_owned(),
        group: start.group,
        service: start.service.map(|(service, _)| service.to_owned()),
        deployment: start.service.map(|(_, deployment)| deployment.to_owned()),
        task_definition: definition.arn.clone(),
        status: if place.interface.is_some() { TaskStatus::Provisioning } else { TaskStatus::Pending },
        stopping: false,
        launch_type: start.launch_type.to_owned(),
        container_instance: place.container_instance,
        subnet: place.interface.as_ref().and(subnet),
        interface: place.interface,
        attachment,
        platform_version: (launch_type == "FARGATE").then(|| platform_version(start.platform_version).to_owned()),
        address,
        zone,
        bindings: place.bindings,
        created: state.now,
        started: None,
        stopping_at: None,
        stopped: None,
        stop_code: None,
        stopped_reason: None,
        tags: start.tags,
    };
    let wait = if task.interface.is_some() { 10 } else { 8 };
    note(state, &task);
    state.tasks.insert(arn.clone(), task);
    state.after(wait, Due::Task(arn.clone()));
    Ok(arn)
}

/// A task on Fargate has a public address where its network asks for one.
fn publish(state: &mut State, place: &Place, network: Input, launch_type: &str) {
    let config = network.get("awsvpcConfiguration");
    let is_public = config.and_then(|config| config.text("assignPublicIp")) == Some("ENABLED");
    if let Some(interface) = place.interface.as_ref().filter(|_| is_public && launch_type == "FARGATE") {
        interface::publish(state, interface);
    }
}

fn note(state: &mut State, task: &Task) {
    state.note(&format!("{} task {} {}", task.group, task.id(), task.status.word()));
}

/// Moves a task on to its next station.
pub fn go_on(state: &mut State, arn: &str) {
    let Some(task) = state.tasks.get(arn) else { return };
    match task.status {
        TaskStatus::Provisioning => enter(state, arn, TaskStatus::Pending, Some(8)),
        TaskStatus::Pending if never_starts(state, task) => {
            let why = "CannotPullContainerError: image does not exist or access is denied";
            stop(state, arn, "TaskFailedToStart", why, false);
        }
        TaskStatus::Pending => begin(state, arn),
        TaskStatus::Activating => enter(state, arn, TaskStatus::Running, None),
        TaskStatus::Running => {}
        TaskStatus::Deactivating => enter(state, arn, TaskStatus::Stopping, Some(2)),
        TaskStatus::Stopping => enter(state, arn, TaskStatus::Deprovisioning, Some(3)),
        TaskStatus::Deprovisioning => end(state, arn),
        TaskStatus::Stopped => {
            state.tasks.remove(arn);
            return;
        }
    }
    tell_service(state, arn);
}

fn tell_service(state: &mut State, arn: &str) {
    if let Some(service) = state.tasks.get(arn).and_then(|task| task.service.clone()) {
        state.after(1, Due::Service(service));
    }
}

fn enter(state: &mut State, arn: &str, status: TaskStatus, wait: Option<i64>) {
    let Some(task) = state.tasks.get_mut(arn) else { return };
    task.status = status;
    let task = task.clone();
    note(state, &task);
    if let Some(wait) = wait {
        state.after(wait, Due::Task(arn.to_owned()));
    }
}

/// The containers start; ECS registers them before it calls the task running (aws-facts 2.8).
fn begin(state: &mut State, arn: &str) {
    let now = state.now;
    enter(state, arn, TaskStatus::Activating, Some(2));
    let Some(task) = state.tasks.get_mut(arn) else { return };
    task.started = Some(now);
    let images = images(state, arn);
    let apps: Vec<_> = images.iter().filter_map(|image| state.apps.get(image)).cloned().collect();
    for app in apps {
        if app.starts_after > 0 {
            state.after(app.starts_after, Due::AppUp);
        }
        if let Some(after) = app.crashes_after {
            state.after(after, Due::Crash(arn.to_owned()));
        }
    }
    registrar::register_task(state, arn);
}

fn images(state: &State, arn: &str) -> BTreeSet<String> {
    let definition = state.tasks.get(arn).and_then(|task| state.task_definitions.get(&task.task_definition));
    definition.into_iter().flat_map(|definition| &definition.containers).map(|one| one.image.clone()).collect()
}

fn never_starts(state: &State, task: &Task) -> bool {
    images(state, &task.arn).iter().any(|image| state.apps.get(image).is_some_and(|app| app.cannot_start))
}

/// The app of a task ends by itself.
pub fn crash(state: &mut State, arn: &str) {
    if state.tasks.get(arn).is_some_and(|task| task.has_containers() && !task.stopping) {
        stop(state, arn, "EssentialContainerExited", "Essential container in task exited", false);
        tell_service(state, arn);
    }
}

/// Takes a task out of service: it is deregistered, its connections drain if `drains`, and then it stops.
pub fn stop(state: &mut State, arn: &str, stop_code: &str, reason: &str, drains: bool) {
    let now = state.now;
    let delay = if drains { registrar::drain_time(state, arn) } else { 0 };
    let Some(task) = state.tasks.get_mut(arn) else { return };
    if task.stopping || !task.is_alive() {
        return;
    }
    let had_started = task.has_containers();
    task.stopping = true;
    task.stopping_at = Some(now);
    task.stop_code = Some(stop_code.to_owned());
    task.stopped_reason = Some(reason.to_owned());
    if !had_started || matches!(stop_code, "EssentialContainerExited" | host::GONE) {
        enter(state, arn, TaskStatus::Deprovisioning, Some(3));
    } else {
        enter(state, arn, TaskStatus::Deactivating, Some(delay.max(1)));
    }
    registrar::deregister_task(state, arn);
    service::count_failure(state, arn);
}

/// The task has ended; its interface and its ports are free.
fn end(state: &mut State, arn: &str) {
    let now = state.now;
    enter(state, arn, TaskStatus::Stopped, Some(REMEMBERED));
    let Some(task) = state.tasks.get_mut(arn) else { return };
    task.stopped = Some(now);
    if let Some(interface) = task.interface.take() {
        interface::detach(state, &interface);
    }
}

/// Seconds since the containers of a task started.
pub fn age(state: &State, task: &Task) -> i64 {
    task.started.map_or(0, |started| state.now.duration_since(started).as_secs())
}

/// Seconds until a task is that old.
pub fn when_old(state: &State, task: &Task, seconds: i64) -> i64 {
    (seconds - age(state, task)).max(1)
}
