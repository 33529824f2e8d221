//! How far a service is with starting the tasks that it wants: whether they may still come up, or do not.

use jiff::{SignedDuration, Timestamp};

use crate::model::{LoadBalancerKind, Rollout, Seen, Service, StopCause, StoppedTask};

use super::way::Way;

/// The shortest time in which a start is given up.
const LEAST: SignedDuration = SignedDuration::from_mins(15);
/// The most of a grace period that counts.
const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// How much longer a network load balancer may take to begin with a target.
const NETWORK: SignedDuration = SignedDuration::from_mins(5);
/// So many failed tasks of a deployment are no accident.
const FAILED_TASKS: usize = 3;

/// What becomes of the tasks that a service wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// They may come up: since when, and when that is too long.
    Starting(String),
    /// Tasks that ran are gone, and their replacements are coming.
    Replacing(String),
    /// They do not come up; why.
    Failing(String),
}

/// How the tasks of a service get on. `is_late`: the time that a start may take counts.
pub(super) fn progress(way: &Way<'_>, service: &Service, is_late: bool) -> Progress {
    let running = format!("{} of {} tasks run", service.running_count, service.desired_count);
    let in_progress = service.primary().is_some_and(|primary| primary.rollout != Some(Rollout::Completed));
    let stopped = stopped(way, service, in_progress);
    let failed = stopped.iter().filter(|task| task.cause == StopCause::Failed).count();
    let failed = failed.max(service.conduct.failed_tasks as usize);
    let newest = newest_reason(&stopped, service);
    if failed >= FAILED_TASKS || service.primary().is_some_and(|primary| primary.rollout == Some(Rollout::Failed)) {
        return Progress::Failing(format!("{running}, and {failed} tasks of the deployment have failed: {newest}"));
    }
    if !in_progress && stopped.iter().any(|task| task.cause != StopCause::NotNeeded) {
        return Progress::Replacing(format!("{running}; the last one stopped: {newest}"));
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
        let late = if is_late { format!("; it is broken if no target answers by {until}") } else { String::new() };
        return Progress::Starting(format!("starting since {since}: {running}{late}"));
    }
    if let Some(providers) = waits_for_capacity(way, service) {
        return Progress::Starting(format!(
            "starting since {since}: {running}; tasks are PROVISIONING until capacity provider {providers} has instances"
        ));
    }
    let minutes = limit.as_mins();
    Progress::Failing(format!(
        "{running}; none has come up since {since}, and a start may take {minutes} minutes: {newest}"
    ))
}

/// The tasks of the current deployment that have stopped since the service was last steady. Those that could not be read
/// are no evidence.
fn stopped<'a>(way: &'a Way<'_>, service: &Service, in_progress: bool) -> Vec<&'a StoppedTask> {
    let Seen::Present(all) = way.around.stopped_tasks_of(&service.id) else { return Vec::new() };
    let id = service.primary().map(|primary| primary.id.as_str()).filter(|id| !id.is_empty());
    let is_its = |task: &&StoppedTask| id.is_none() || task.started_by.as_deref() == id;
    let steady = service.conduct.steady_at.filter(|_| !in_progress);
    let is_fresh = |task: &&StoppedTask| steady.is_none_or(|steady| task.at.is_none_or(|at| at > steady));
    all.iter().filter(is_its).filter(is_fresh).collect()
}

/// Why the last task stopped; else what the service said last.
fn newest_reason(stopped: &[&StoppedTask], service: &Service) -> String {
    let telling = stopped.iter().filter(|task| task.cause != StopCause::NotNeeded);
    let newest = telling.max_by_key(|task| task.at).map(|task| task.reason.clone());
    newest.or_else(|| service.conduct.events.first().cloned()).unwrap_or_else(|| "ECS gives no reason".to_owned())
}

/// When the tasks that are missing began to start: with the deployment, or after the service was last steady.
fn began(service: &Service, in_progress: bool) -> Option<Timestamp> {
    let created = service.primary().and_then(|primary| primary.created);
    if in_progress {
        return created;
    }
    let conduct = &service.conduct;
    let since = conduct.unsteady_since.or(conduct.steady_at);
    since.max(created)
}

/// How long tasks may take until one is healthy.
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

/// The capacity providers that are to start instances, while every task of the service waits for one.
fn waits_for_capacity(way: &Way<'_>, service: &Service) -> Option<String> {
    let tasks = way.tasks().ok()?;
    let waits = !tasks.is_empty() && tasks.iter().all(|task| task.status == "PROVISIONING");
    let providers = &service.conduct.capacity_providers;
    let names = || providers.iter().cloned().collect::<Vec<_>>().join(", ");
    (waits && !providers.is_empty()).then(names)
}
