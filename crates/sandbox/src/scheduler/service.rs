//! ECS's scheduler looks at one service.

use jiff::SignedDuration;

use super::event::say;
use super::{placement, registrar, rollout, task};
use crate::due::Due;
use crate::registration::health_of;
use crate::state::{Service, State, Task, TaskStatus};

/// Seconds after which a service that could not place a task tries again.
pub const TRY_AGAIN: i64 = 30;

/// Looks at a service and does what is to be done now. Whatever takes time is due later.
pub fn look(state: &mut State, arn: &str) {
    let Some(service) = state.services.get(arn) else { return };
    match (service.status.as_str(), service.controller.as_str()) {
        ("ACTIVE", "EXTERNAL") => {}
        ("ACTIVE", _) => {
            put_back(state, arn);
            replace_unhealthy(state, arn);
            rollout::roll(state, arn);
        }
        ("DRAINING", _) => drain(state, arn),
        _ => {}
    }
}

/// The tasks of a service that have not ended, the oldest first.
pub fn tasks<'a>(state: &'a State, arn: &'a str) -> Vec<&'a Task> {
    let mut tasks: Vec<&Task> = living(state, arn).collect();
    tasks.sort_by(|left, right| (left.created, &left.arn).cmp(&(right.created, &right.arn)));
    tasks
}

/// The same in no order, to be counted.
pub fn living<'a>(state: &'a State, arn: &'a str) -> impl Iterator<Item = &'a Task> {
    state.tasks.values().filter(move |task| task.is_alive() && task.service.as_deref() == Some(arn))
}

/// Registers again what another client deregistered.
fn put_back(state: &mut State, arn: &str) {
    let is_up = |task: &&Task| matches!(task.status, TaskStatus::Activating | TaskStatus::Running) && !task.stopping;
    for task in arns(tasks(state, arn).into_iter().filter(is_up)) {
        registrar::register_task(state, &task);
    }
}

fn arns<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Vec<String> {
    tasks.into_iter().map(|task| task.arn.clone()).collect()
}

/// How a task does in the eyes of its target groups: it counts when it is healthy in all of them (aws-facts 2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitness {
    Healthy,
    /// It is not known yet.
    Waiting,
    /// Unhealthy in this target group, for this reason.
    Unhealthy {
        group: String,
        port: u16,
        why: String,
    },
}

/// How a task does.
pub fn fitness(state: &State, task: &Task) -> Fitness {
    if task.status != TaskStatus::Running || task.stopping {
        return Fitness::Waiting;
    }
    let mut fitness = Fitness::Healthy;
    for seat in registrar::seats(state, task) {
        let Some(group) = state.target_groups.get(&seat.group) else { return Fitness::Waiting };
        let Some(target) = group.targets.get(&(seat.id.clone(), seat.port)) else { return Fitness::Waiting };
        let health = health_of(state, group, target);
        match health.state {
            "healthy" => {}
            "unhealthy" => {
                let why = health.description.unwrap_or_default();
                return Fitness::Unhealthy { group: seat.group, port: seat.port, why };
            }
            _ => fitness = Fitness::Waiting,
        }
    }
    fitness
}

/// Stops tasks that a target group calls unhealthy, once their grace period is over.
fn replace_unhealthy(state: &mut State, arn: &str) {
    let Some(grace) = state.services.get(arn).map(|service| service.grace) else { return };
    for task in arns(tasks(state, arn)) {
        let Some(found) = state.tasks.get(&task) else { continue };
        let Fitness::Unhealthy { group, port, why } = fitness(state, found) else { continue };
        if task::age(state, found) < grace {
            let left = task::when_old(state, found, grace);
            state.after(left, Due::Service(arn.to_owned()));
            continue;
        }
        let id = found.id().to_owned();
        let what = format!("(port {port}) is unhealthy in (target-group {group}) due to (reason {why})");
        say(state, arn, &what);
        let reason = format!("Task failed ELB health checks in (target-group {group})");
        task::stop(state, &task, "ServiceSchedulerInitiated", &reason, true);
        say(state, arn, &format!("has stopped 1 running tasks: (task {id})."));
    }
}

/// A deleted service stops its tasks and is gone when they are.
fn drain(state: &mut State, arn: &str) {
    let tasks = arns(tasks(state, arn));
    for task in &tasks {
        task::stop(state, task, "ServiceSchedulerInitiated", "Service was deleted", true);
    }
    if let (true, Some(service)) = (tasks.is_empty(), state.services.get_mut(arn)) {
        service.status = "INACTIVE".to_owned();
        service.deployments.clear();
    }
}

/// Takes note of a task that a deployment failed with: it did not come up, crashed, or was found unhealthy.
pub fn count_failure(state: &mut State, task: &str) {
    let now = state.now;
    let Some(task) = state.tasks.get(task) else { return };
    let never_ran = task.started.is_none();
    let is_failure = match task.stop_code.as_deref() {
        Some("TaskFailedToStart" | "EssentialContainerExited") => true,
        _ => task.stopped_reason.as_deref().is_some_and(|reason| reason.contains("failed ELB health checks")),
    };
    let (Some(arn), Some(deployment)) = (task.service.clone(), task.deployment.clone()) else { return };
    let Some(service) = state.services.get_mut(&arn).filter(|_| is_failure) else { return };
    for one in service.deployments.iter_mut().filter(|one| one.id == deployment) {
        one.failed_tasks += 1;
    }
    // Tasks that never ran are tried again ever more slowly, up to a quarter of an hour; those that ran, immediately.
    if never_ran {
        service.failures_in_a_row = (service.failures_in_a_row + 1).min(10);
        let wait = (10i64 << service.failures_in_a_row).min(900);
        service.not_before = now + SignedDuration::from_secs(wait);
        if service.failures_in_a_row >= 3 {
            say(state, &arn, "is unable to consistently start tasks successfully.");
        }
    }
}

/// How many tasks a service is to have: a daemon has one on each active instance.
pub fn wanted(state: &State, service: &Service) -> i64 {
    if service.scheduling != "DAEMON" {
        return service.desired_count;
    }
    placement::active_in(state, &service.cluster).count() as i64
}
