//! How far a service is with starting its desired tasks: they may still start, or they fail.

use jiff::{SignedDuration, Timestamp};

use crate::model::{LoadBalancerKind, Rollout, Seen, Service, StopCause, StoppedTask};

use super::way::Way;

/// The shortest start limit.
const LEAST: SignedDuration = SignedDuration::from_mins(15);
/// The longest part of a health-check grace period that counts.
const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// The additional time that a network load balancer needs before it uses a new target.
const NETWORK: SignedDuration = SignedDuration::from_mins(5);
/// This number of failed tasks means that a deployment fails.
const FAILED_TASKS: usize = 3;

/// The state of the tasks that a service should start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// They may still start: since when, and the limit.
    Starting(String),
    /// Running tasks have stopped, and ECS starts replacements.
    Replacing(String),
    /// They do not start, and why.
    Failing(String),
}

/// Such as `1 of 2 tasks is running`.
pub(super) fn running(service: &Service) -> String {
    let (running, desired) = (service.running_count, service.desired_count);
    let noun = if desired == 1 { "task" } else { "tasks" };
    let verb = if running == 1 || desired == 1 { "is" } else { "are" };
    format!("{running} of {desired} {noun} {verb} running")
}

/// The progress of a service's tasks. `is_late`: the start limit applies.
pub(super) fn progress(way: &Way<'_>, service: &Service, is_late: bool) -> Progress {
    let running = running(service);
    let in_progress = service.primary().is_some_and(|primary| primary.rollout != Some(Rollout::Completed));
    let stopped = stopped(way, service, in_progress);
    let failed = stopped.iter().filter(|task| task.cause == StopCause::Failed).count();
    let failed = failed.max(service.conduct.failed_tasks as usize);
    let newest = newest_reason(&stopped, service);
    if failed >= FAILED_TASKS || service.primary().is_some_and(|primary| primary.rollout == Some(Rollout::Failed)) {
        return Progress::Failing(format!(
            "{running}; failed tasks of the deployment: {failed}; last reason: {newest}"
        ));
    }
    if !in_progress && stopped.iter().any(|task| task.cause != StopCause::NotNeeded) {
        return Progress::Replacing(format!("{running}; the last task stopped: {newest}"));
    }
    let limit = limit(way, service);
    let Some(since) = began(service, in_progress) else {
        return match in_progress || !is_late {
            true => Progress::Starting(format!("starting; {running}")),
            false => Progress::Failing(format!("{running}: {newest}")),
        };
    };
    let until = since + limit;
    if way.now < until || !is_late {
        let late = if is_late { format!("; broken if no target answers by {until}") } else { String::new() };
        return Progress::Starting(format!("starting since {since:.0}: {running}{late}"));
    }
    if let Some(providers) = waits_for_capacity(way, service) {
        return Progress::Starting(format!(
            "starting since {since:.0}: {running}; tasks are PROVISIONING, waiting for instances of capacity provider {providers}"
        ));
    }
    let minutes = limit.as_mins();
    Progress::Failing(format!(
        "{running}; none started successfully since {since:.0} (limit: {minutes} minutes): {newest}"
    ))
}

/// The tasks of the current deployment that stopped since the service was last steady; empty if they could not be read.
fn stopped<'a>(way: &'a Way<'_>, service: &Service, in_progress: bool) -> Vec<&'a StoppedTask> {
    let Seen::Present(all) = way.given.observed.stopped_tasks_of(&service.id) else { return Vec::new() };
    let id = service.primary().map(|primary| primary.id.as_str()).filter(|id| !id.is_empty());
    let is_its = |task: &&StoppedTask| id.is_none() || task.started_by.as_deref() == id;
    let steady = service.conduct.steady_at.filter(|_| !in_progress);
    let is_fresh = |task: &&StoppedTask| steady.is_none_or(|steady| task.at.is_none_or(|at| at > steady));
    all.iter().filter(is_its).filter(is_fresh).collect()
}

/// Why the last task stopped; otherwise the newest event of the service.
fn newest_reason(stopped: &[&StoppedTask], service: &Service) -> String {
    let telling = stopped.iter().filter(|task| task.cause != StopCause::NotNeeded);
    let newest = telling.max_by_key(|task| task.at).map(|task| task.reason.clone());
    newest.or_else(|| service.conduct.events.first().cloned()).unwrap_or_else(|| "ECS gives no reason".to_owned())
}

/// When the missing tasks began to start: with the deployment, or after the service was last steady.
fn began(service: &Service, in_progress: bool) -> Option<Timestamp> {
    let created = service.primary().and_then(|primary| primary.created);
    if in_progress {
        return created;
    }
    let conduct = &service.conduct;
    let since = conduct.unsteady_since.or(conduct.steady_at);
    since.max(created)
}

/// The start limit: how long tasks may take until one is healthy.
fn limit(way: &Way<'_>, service: &Service) -> SignedDuration {
    let grace = SignedDuration::from_secs(i64::from(service.conduct.grace)).min(GRACE);
    let containers = way.definition().ok().into_iter().flat_map(|definition| definition.containers.values());
    let start = containers.map(|container| container.start_period).max().unwrap_or(0);
    let check = way.live_group().ok().map(|group| &group.health_check);
    let checks =
        check.map_or(0, |check| check.interval.unwrap_or(30).saturating_mul(check.healthy_threshold.unwrap_or(5)));
    let start = grace + SignedDuration::from_secs(i64::from(start) + i64::from(checks));
    let is_network = way.balancer().is_ok_and(|balancer| balancer.kind == LoadBalancerKind::Network);
    LEAST.max(start) + if is_network { NETWORK } else { SignedDuration::ZERO }
}

/// The capacity providers that must start instances, if every task of the service waits for one.
fn waits_for_capacity(way: &Way<'_>, service: &Service) -> Option<String> {
    let tasks = way.tasks().ok()?;
    let waits = !tasks.is_empty() && tasks.iter().all(|task| task.status == "PROVISIONING");
    let providers = &service.conduct.capacity_providers;
    let names = || providers.iter().cloned().collect::<Vec<_>>().join(", ");
    (waits && !providers.is_empty()).then(names)
}
