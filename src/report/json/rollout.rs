//! Deployments that a run has followed, as JSON.

use serde::Serialize;

use crate::model::{StoppedContainer, StoppedTask, TaskCounts};
use crate::report::{Rollout, RolloutState};

/// A deployment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireRollout<'a> {
    object: String,
    service: String,
    deployment: &'a str,
    task_definition: &'a str,
    /// AWS's word for the service deployment, or `unknown`.
    status: &'static str,
    /// A newer deployment took its place.
    superseded: bool,
    /// Why the status is `rolloutState`; left out where it is that of the service deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_rollout_state: Option<&'a str>,
    reason: Option<&'a str>,
    since: Option<String>,
    tasks: Vec<WireTasks<'a>>,
    targets: Option<WireTargets>,
    failed_tasks: Vec<WireTask<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireTasks<'a> {
    task_definition: &'a str,
    desired: u32,
    running: u32,
    pending: u32,
    failed: u32,
}

#[derive(Serialize)]
struct WireTargets {
    healthy: usize,
    registered: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireTask<'a> {
    task: &'a str,
    at: Option<String>,
    reason: &'a str,
    containers: Vec<WireContainer<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireContainer<'a> {
    name: &'a str,
    exit_code: Option<i32>,
    reason: Option<&'a str>,
}

impl<'a> WireRollout<'a> {
    pub(super) fn of(rollout: &'a Rollout) -> Self {
        let Rollout {
            object,
            service,
            id,
            revision,
            state,
            asked: _,
            by_rollout_state,
            reason,
            since,
            tasks,
            targets,
            failed_tasks,
        } = rollout;
        Self {
            object: object.to_string(),
            service: service.to_string(),
            deployment: id,
            task_definition: revision,
            status: state.as_str(),
            superseded: *state == RolloutState::Superseded,
            by_rollout_state: by_rollout_state.as_deref(),
            reason: reason.as_deref(),
            since: since.map(|at| at.to_string()),
            tasks: tasks.iter().map(tasks_of).collect(),
            targets: targets.map(|(healthy, registered)| WireTargets { healthy, registered }),
            failed_tasks: failed_tasks.iter().map(task).collect(),
        }
    }
}

fn tasks_of((task_definition, tasks): &(String, TaskCounts)) -> WireTasks<'_> {
    let TaskCounts { desired, running, pending, failed } = *tasks;
    WireTasks { task_definition, desired, running, pending, failed }
}

fn task(task: &StoppedTask) -> WireTask<'_> {
    let StoppedTask { id, started_by: _, at, cause: _, reason, containers } = task;
    let containers = containers.iter().map(|StoppedContainer { name, exit_code, reason }| WireContainer {
        name,
        exit_code: *exit_code,
        reason: reason.as_deref(),
    });
    WireTask { task: id, at: at.map(|at| at.to_string()), reason, containers: containers.collect() }
}
