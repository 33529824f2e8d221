//! Tasks that have stopped, and why: ECS lists them for about an hour.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::ecs::timestamp_from_sdk;
use crate::model::arn::last_part;
use crate::model::{Operation, Seen, ServiceId, StopCause, StoppedContainer, StoppedTask};

use super::concurrency::few_at_once;
use super::{Reader, unknown};

const LIST: Operation = Operation::ListTasks;
const DESCRIBE: Operation = Operation::DescribeTasks;

impl Reader {
    /// The stopped tasks of each of these services.
    pub(super) async fn stopped_tasks(&self, ids: &BTreeSet<ServiceId>) -> BTreeMap<ServiceId, Seen<Vec<StoppedTask>>> {
        let all = ids.iter().map(async |id| {
            let seen = match self.stopped_of(id).await {
                Ok(stopped) => Seen::Present(stopped),
                Err(error) => unknown(&error),
            };
            (id.clone(), seen)
        });
        few_at_once(all).await.into_iter().collect()
    }

    /// A hundred at most, the newest first.
    pub(super) async fn stopped_of(&self, id: &ServiceId) -> Result<Vec<StoppedTask>, AwsError> {
        let request = self.clients.reading.ecs.list_tasks().cluster(&id.cluster).service_name(&id.name);
        let request = request.desired_status(sdk::DesiredStatus::Stopped).set_max_results(LIST.page());
        let arns = self.ask(LIST, request.send()).await?.task_arns.unwrap_or_default();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let request = self.clients.reading.ecs.describe_tasks().cluster(&id.cluster).set_tasks(Some(arns));
        let answer = self.ask(DESCRIBE, request.send()).await?;
        let mut stopped: Vec<StoppedTask> = answer.tasks().iter().map(stopped_from_sdk).collect();
        stopped.sort_by_key(|task| std::cmp::Reverse(task.at));
        Ok(stopped)
    }
}

fn stopped_from_sdk(task: &sdk::Task) -> StoppedTask {
    let at = task.stopping_at().or(task.stopped_at()).and_then(timestamp_from_sdk);
    StoppedTask {
        id: last_part(task.task_arn().unwrap_or_default()).to_owned(),
        started_by: task.started_by().map(str::to_owned),
        at,
        cause: cause(task),
        reason: reason(task),
        containers: failed_containers(task),
    }
}

/// Those that did not start, or ended with another code than 0.
fn failed_containers(task: &sdk::Task) -> Vec<StoppedContainer> {
    let failed = |one: &&sdk::Container| one.reason().is_some() || one.exit_code().is_some_and(|code| code != 0);
    let all = task.containers().iter().filter(failed).map(|one| StoppedContainer {
        name: one.name().unwrap_or_default().to_owned(),
        exit_code: one.exit_code(),
        reason: one.reason().map(str::to_owned),
    });
    all.collect()
}

/// ECS says `Scaling activity initiated by …` of a task that it no longer needs.
fn cause(task: &sdk::Task) -> StopCause {
    let is_scaling = || task.stopped_reason().is_some_and(|reason| reason.starts_with("Scaling activity"));
    match task.stop_code() {
        Some(sdk::TaskStopCode::TaskFailedToStart | sdk::TaskStopCode::EssentialContainerExited) => StopCause::Failed,
        Some(sdk::TaskStopCode::ServiceSchedulerInitiated) if is_scaling() => StopCause::NotNeeded,
        Some(sdk::TaskStopCode::ServiceSchedulerInitiated) => StopCause::Failed,
        _ => StopCause::Other,
    }
}

/// What AWS says of the task, and of the first container that has failed.
fn reason(task: &sdk::Task) -> String {
    let said = task.stopped_reason().unwrap_or("no reason is given").to_owned();
    let of_container = task.containers().iter().find_map(|container| {
        let name = container.name().unwrap_or_default();
        match (container.reason().filter(|reason| !said.contains(reason)), container.exit_code()) {
            (Some(reason), _) => Some(format!("; container {name}: {reason}")),
            (None, Some(code)) if code != 0 => Some(format!("; container {name} exited with code {code}")),
            (None, _) => None,
        }
    });
    said + of_container.as_deref().unwrap_or_default()
}
