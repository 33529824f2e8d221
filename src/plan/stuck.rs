//! The one exception of R7: a rolling deployment that cannot end because of what a step puts right. Waiting for it would be
//! waiting endlessly: ECS starts task after task, and none becomes healthy.

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Deployment, DeploymentController, Given, Placement, Rollout, Seen, Service, Strategy, Target, TargetState, Task,
};

use super::action::Action;
use super::by_resource::{ByResource, ServiceChange};
use super::draft::Draft;

/// The shortest time after which a deployment without a healthy task cannot end by itself.
const LEAST: SignedDuration = SignedDuration::from_mins(15);
/// So many tasks that failed are proof before that time: one may have failed by chance.
const FAILED_TASKS: u32 = 2;

/// A deployment that a step may have to end: what it repairs is what keeps tasks from becoming healthy.
struct Stuck {
    since: Timestamp,
    failed_tasks: u32,
    /// When the step goes at the latest.
    until: Timestamp,
}

impl Stuck {
    /// `None`: the deployment gets on, is taken back, or has nothing to do with the step.
    fn find(given: &Given<'_>, live: &Service, draft: &Draft) -> Option<Self> {
        let is_its = matches!(live.controller, DeploymentController::Ecs) && live.strategy == Strategy::Rolling;
        if draft.removes || !is_its || live.task_sets_move || !repairs(live, &draft.action) {
            return None;
        }
        let primary = live.deployments.iter().find(|deployment| deployment.primary)?;
        // One that has failed beside it is being rolled back.
        let is_rolled_back = live.deployments.iter().any(|other| other.rollout == Some(Rollout::Failed));
        if primary.rollout != Some(Rollout::InProgress) || is_rolled_back || has_healthy_task(given, live, primary)? {
            return None;
        }
        let under_way = given.observed.under_way(&live.id).present().filter(|under_way| !under_way.is_taken_back)?;
        let since = primary.created?;
        let until = since + LEAST.max(start_time(given, live, primary)?);
        Some(Self { since, failed_tasks: under_way.failed_tasks, until })
    }
}

/// Why a step does not wait for the deployment of a service that is in progress; `None`: it waits.
pub(super) fn why_not_wait(given: &Given<'_>, live: &Service, draft: &Draft, now: Timestamp) -> Option<String> {
    let Stuck { since, failed_tasks, until } = Stuck::find(given, live, draft)?;
    if failed_tasks >= FAILED_TASKS {
        return Some(told(since, &format!("{failed_tasks} of its tasks have failed and none is healthy")));
    }
    (now >= until).then(|| told(since, "none of its tasks has become healthy"))
}

/// The way out of waiting for a deployment.
pub(super) fn way_out(given: &Given<'_>, live: &Service, draft: &Draft) -> String {
    match Stuck::find(given, live, draft) {
        Some(Stuck { until, .. }) => format!(
            "wait: if the deployment cannot end without this step, Portolan sends it once {FAILED_TASKS} of its tasks have \
             failed, or after {until:.0}"
        ),
        None => "wait for it to end: the next pass decides".to_owned(),
    }
}

fn told(since: Timestamp, what: &str) -> String {
    format!(
        "the deployment that is in progress since {since:.0} cannot end without this step, so it is not waited for: {what}"
    )
}

/// Whether a step changes what keeps the tasks of a service from becoming healthy: ports, load balancers, security groups.
fn repairs(live: &Service, action: &Action) -> bool {
    let ByResource::Service(change) = action.by_resource() else { return false };
    match change {
        ServiceChange::RegisterTaskDefinition { source } => source.as_ref() == Some(&live.task_definition),
        ServiceChange::UpdateService { service, task_definition, load_balancers, network } => {
            let groups = |network: &crate::model::Awsvpc| network.security_groups.clone();
            let other_groups = network.is_some() && network.as_ref().map(groups) != live.network.as_ref().map(groups);
            *service == live.id && (task_definition.is_some() || load_balancers.is_some() || other_groups)
        }
        ServiceChange::Create
        | ServiceChange::Remove
        | ServiceChange::UpdateServiceCount
        | ServiceChange::StopServiceDeployment
        | ServiceChange::InPlace => false,
    }
}

/// Whether a task of a deployment runs and is healthy in every target group of the service: then the deployment gets on.
/// `None` where that cannot be told.
fn has_healthy_task(given: &Given<'_>, live: &Service, deployment: &Deployment) -> Option<bool> {
    let Seen::Present(tasks) = given.observed.tasks_of(&live.id) else { return None };
    let mut lists: Vec<&Vec<Target>> = Vec::new();
    for arn in live.target_groups() {
        lists.push(given.observed.targets_of(arn).present()?);
    }
    let mut is_well = false;
    for task in tasks {
        let is_new = is_of(live, deployment, task)?;
        let is_healthy = |targets: &&Vec<Target>| {
            targets.iter().any(|target| target.health.state == TargetState::Healthy && is_at(task, target))
        };
        is_well |= is_new && task.runs() && task.healthy != Some(false) && lists.iter().all(is_healthy);
    }
    Some(is_well)
}

/// Whether a deployment has started a task: by its word, or by a revision that no other deployment runs.
fn is_of(live: &Service, deployment: &Deployment, task: &Task) -> Option<bool> {
    if let Some(by) = task.started_by.as_ref().filter(|_| !deployment.id.is_empty()) {
        return Some(*by == deployment.id);
    }
    let others = live.deployments.iter().filter(|other| !other.primary);
    let is_shared = others.into_iter().any(|other| other.task_definition == deployment.task_definition);
    (!is_shared).then(|| task.task_definition == deployment.task_definition)
}

fn is_at(task: &Task, target: &Target) -> bool {
    match &task.placement {
        Placement::Address(address) => address.to_string() == target.key.id,
        Placement::Instance { instance, bindings } => {
            instance.as_str() == target.key.id && bindings.iter().any(|binding| binding.host_port == target.key.port)
        }
        Placement::Unknown => false,
    }
}

/// How long a task may take to become healthy: the grace period, its containers' own checks, and the load balancers'.
fn start_time(given: &Given<'_>, live: &Service, deployment: &Deployment) -> Option<SignedDuration> {
    let definition = given.observed.task_definition(&deployment.task_definition).present()?;
    let own = definition.containers.values().map(|container| container.start_time).max().unwrap_or(0);
    let checks = live.target_groups().filter_map(|arn| given.target_group(arn.as_str()).present()).map(|group| {
        let check = &group.health_check;
        check.interval.unwrap_or(30).saturating_mul(check.healthy_threshold.unwrap_or(5))
    });
    let seconds = i64::from(live.conduct.grace) + i64::from(own) + i64::from(checks.max().unwrap_or(0));
    Some(SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn times_are_said_in_whole_seconds() {
        let since = "2026-01-01T00:13:11.02699995Z".parse().expect("a time");
        assert!(told(since, "none is healthy").contains("since 2026-01-01T00:13:11Z cannot end"));
    }
}
