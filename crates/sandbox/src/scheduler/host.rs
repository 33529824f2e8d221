//! What becomes of tasks when the host that they run on goes, and of services when one comes.

use super::{placement, task};
use crate::due::Due;
use crate::state::{ContainerInstance, State};

/// The stop code of tasks whose host is gone: their containers cannot be stopped in good order.
pub const GONE: &str = "TerminationNotice";

/// An EC2 instance was started, stopped or terminated. With one that is terminated while its agent is connected, the
/// container instance goes too; one that was stopped before stays, since ECS is not informed.
pub fn changed(state: &mut State, instance: &str, was_connected: bool) {
    let mut all = state.container_instances.values();
    let Some(found) = all.find(|one| one.instance == instance).cloned() else { return };
    let status = state.instances.get(instance).map_or("terminated", |host| host.status.as_str()).to_owned();
    if status == "running" {
        return look_again(state, &found.cluster);
    }
    lose(state, &found, &format!("Host EC2 (instance {instance}) {status}."));
    if status == "terminated" && was_connected {
        state.container_instances.remove(&found.arn);
    }
}

/// ECS no longer accounts for the tasks of a container instance: services start others elsewhere.
pub fn lose(state: &mut State, instance: &ContainerInstance, why: &str) {
    let lost: Vec<String> = placement::tasks_on(state, instance).map(|task| task.arn.clone()).collect();
    for task in lost {
        task::stop(state, &task, GONE, why, false);
    }
    look_again(state, &instance.cluster);
}

/// Services that found no room may have it now, and daemons have fewer or more instances to be on.
pub fn look_again(state: &mut State, cluster: &str) {
    let here = state.services.values().filter(|service| service.cluster == cluster);
    let services: Vec<String> = here.map(|service| service.arn.clone()).collect();
    for service in services {
        state.after(1, Due::Service(service));
    }
}
