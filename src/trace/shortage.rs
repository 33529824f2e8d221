//! Why fewer tasks of a service run than desired, and why a deployment does not complete.

use crate::model::{Conduct, Rollout, Scheduling, Service};

use super::catalogue::{codes, named};
use super::finding::Finding;
use super::kill_loop::kills;
use super::progress::{Progress, progress, running};
use super::serving::Serving;
use super::way::Way;

/// Why tasks do not run. If other tasks serve, this only degrades the path.
pub(super) fn findings(way: &Way<'_>, service: &Service) -> Vec<Finding> {
    let mut findings: Vec<Finding> = scaled_to_zero(way, service).into_iter().collect();
    findings.extend(not_placed(way, service));
    findings.extend(stuck(service));
    if findings.is_empty() && way.serving() == Serving::Healthy && kills(way).times < 2 {
        findings.extend(not_completing(way, service));
    }
    findings.into_iter().map(Finding::about_missing).collect()
}

/// M49, unless the manifest declares 0 tasks, or declares no count and other targets serve.
fn scaled_to_zero(way: &Way<'_>, service: &Service) -> Option<Finding> {
    let is_zero = service.scheduling == Scheduling::Replica && service.desired_count == 0 && service.running_count == 0;
    let is_wanted = way.is_declared && way.service.is_some_and(|(declared, _)| declared.desired_count.is_some());
    let is_idle = way.without_weight().is_some() || (!is_wanted && way.serving() == Serving::Healthy);
    if !is_zero || way.no_tasks_declared().is_some() || is_idle {
        return None;
    }
    Some(Finding::of(codes::SCALED_TO_ZERO, format!("service {} has a desired count of 0", service.id)))
}

/// M52, M53 and others: ECS reports that it cannot place a task.
fn not_placed(way: &Way<'_>, service: &Service) -> Option<Finding> {
    let is_short = service.running_count < service.desired_count;
    let of_deployment = is_rolling(service) && !starts_after_refusal(service);
    let event = service.conduct.fresh_events().find(|event| is_refusal(event))?;
    if !is_short && !of_deployment {
        return None;
    }
    let short = match is_short {
        true => running(service),
        false => format!("{}, but the deployment cannot start new ones", running(service)),
    };
    let code = if event.contains("already using a port") {
        codes::HOST_PORT_IN_USE
    } else if ["RESOURCE:ENI", "free address", "FreeAddresses"].iter().any(|word| event.contains(word)) {
        codes::NETWORK_INTERFACES_EXHAUSTED
    } else {
        let fix = match waiting_instances(way) {
            true => "add a running, registered container instance to the cluster",
            false => "add the capacity that the event asks for",
        };
        return Some(Finding::unnumbered(&named::TASK_NOT_PLACED, format!("{short}: {event}"), fix));
    };
    Some(Finding::of(code, format!("{short}: {event}")))
}

fn is_refusal(event: &str) -> bool {
    event.contains("unable to place a task")
}

/// Whether ECS placed a task after its last failure to do so.
fn starts_after_refusal(service: &Service) -> bool {
    let mut telling = service.conduct.fresh_events().filter(|event| is_refusal(event) || Conduct::is_start(event));
    telling.next().is_some_and(|newest| Conduct::is_start(newest))
}

fn waiting_instances(way: &Way<'_>) -> bool {
    let events = way.live_service().ok().into_iter().flat_map(|service| service.conduct.fresh_events());
    events.into_iter().any(|event| event.contains("No Container Instances were found"))
}

/// Whether a deployment is in progress while an older one still exists.
fn is_rolling(service: &Service) -> bool {
    service.deployments.len() > 1 && service.primary().is_some_and(|one| one.rollout != Some(Rollout::Completed))
}

/// M50: the deployment limits allow no change: `ceil(desired × minimum %)` and `floor(desired × maximum %)`.
fn stuck(service: &Service) -> Option<Finding> {
    if service.deployments.len() < 2 {
        return None;
    }
    let (minimum, maximum) = (service.conduct.minimum_percent?, service.conduct.maximum_percent?);
    let lower = (service.desired_count * minimum).div_ceil(100);
    let upper = service.desired_count * maximum / 100;
    let what = format!(
        "{} has {} deployments; of {} desired tasks, at least {lower} must and at most {upper} may run \
         (minimumHealthyPercent {minimum}, maximumPercent {maximum})",
        service.id,
        service.deployments.len(),
        service.desired_count
    );
    (service.desired_count > 0 && lower >= upper).then(|| Finding::of(codes::DEPLOYMENT_STUCK, what))
}

/// A deployment or a scale-out that does not complete while older tasks serve.
fn not_completing(way: &Way<'_>, service: &Service) -> Option<Finding> {
    let is_short = service.running_count < service.desired_count;
    if !is_short && !is_rolling(service) {
        return None;
    }
    let Progress::Failing(why) = progress(way, service, true) else { return None };
    let fix = "find out why its tasks stop and fix that";
    Some(match is_rolling(service) {
        true => {
            Finding::unnumbered(&named::DEPLOYMENT_DOES_NOT_COMPLETE, format!("older tasks still serve; {why}"), fix)
        }
        false => Finding::unnumbered(&named::FEWER_TASKS_THAN_DESIRED, why, fix),
    })
}
