//! How a deployment ends without success: by the circuit breaker, or because somebody stops it. Then ECS goes back to the last
//! deployment that completed, if there is one (aws-facts 2.5).

use super::event::say;
use super::rollout::begin;
use crate::due::Due;
use crate::input::Input;
use crate::state::{Deployment, Service, State};

/// So many failed tasks open the circuit breaker: a number, or a share of the wanted tasks, which is three at least and two
/// hundred at most unless it is unbounded.
pub fn threshold(service: &Service, wanted: i64) -> i64 {
    let breaker = Input(&service.deployment).get("deploymentCircuitBreaker");
    let configured = breaker.and_then(|breaker| breaker.get("thresholdConfiguration"));
    let kind = configured.and_then(|threshold| threshold.text("type")).unwrap_or("BOUNDED_PERCENT");
    let value = configured.and_then(|threshold| threshold.int("value")).unwrap_or(50);
    let share = (wanted * value + 99) / 100;
    match kind {
        "COUNT" => value,
        "UNBOUNDED_PERCENT" => share.max(1),
        _ => share.clamp(3, 200),
    }
}

/// Whether a healthy task makes the circuit breaker count again from 0.
pub fn resets_on_healthy_task(service: &Service) -> bool {
    let breaker = Input(&service.deployment).get("deploymentCircuitBreaker");
    breaker.and_then(|breaker| breaker.flag("resetOnHealthyTask")).unwrap_or(true)
}

/// Whether the circuit breaker opens.
pub fn is_hopeless(service: &Service, primary: &Deployment, wanted: i64) -> bool {
    service.breaker && primary.rollout == "IN_PROGRESS" && primary.failed_tasks >= threshold(service, wanted)
}

/// The circuit breaker opens: the deployment has failed, and is rolled back where that is configured.
pub fn give_up(state: &mut State, arn: &str) {
    let rolls_back = state.services.get(arn).is_some_and(|service| service.rollback);
    let said = "deployment failed: tasks failed to start.";
    end(state, arn, "tasks failed to start.", said, rolls_back);
}

/// Somebody asks to stop the deployment that is in progress and to go back.
pub fn request(service: &mut Service) {
    if let Some(primary) = service.deployments.first_mut() {
        primary.status = "ROLLBACK_REQUESTED".to_owned();
        primary.reason = "Rollback requested by user.".to_owned();
    }
}

/// Carries out what was requested.
pub fn carry_out(state: &mut State, arn: &str) {
    end(state, arn, "Rollback requested by user.", "deployment stopped: rollback requested by user.", true);
}

fn end(state: &mut State, arn: &str, reason: &str, said: &str, rolls_back: bool) {
    let now = state.now;
    let Some(service) = state.services.get_mut(arn) else { return };
    let before = service.deployments.iter().skip(1).find(|old| old.rollout == "COMPLETED");
    let before = before.filter(|_| rolls_back).map(|old| (old.revision.clone(), old.revision_arn.clone()));
    let Some(primary) = service.deployments.first_mut() else { return };
    let (id, is_rollback) = (primary.id.clone(), primary.is_rollback);
    primary.rollout = "FAILED".to_owned();
    primary.reason = reason.to_owned();
    (primary.updated, primary.finished) = (now, Some(now));
    say(state, arn, &format!("(deployment {id}) {said}"));
    let Some(service) = state.services.get_mut(arn) else { return };
    if is_rollback {
        // What was before cannot be brought back either: nothing more is tried.
        for old in service.deployments.iter_mut().filter(|old| old.status == "ROLLBACK_IN_PROGRESS") {
            old.status = "ROLLBACK_FAILED".to_owned();
            old.finished = Some(now);
        }
        return;
    }
    let Some(primary) = service.deployments.first_mut() else { return };
    primary.status = match (&before, rolls_back) {
        (Some(_), _) => "ROLLBACK_IN_PROGRESS",
        (None, true) => "ROLLBACK_FAILED",
        (None, false) => "STOPPED",
    }
    .to_owned();
    let Some((revision, revision_arn)) = before else { return };
    primary.finished = None;
    primary.rolled_back_to = Some((now, revision_arn));
    say(state, arn, &format!("rolling back to {}.", revision.task_definition));
    begin(state, arn, revision, true);
    state.after(1, Due::Service(arn.to_owned()));
}
