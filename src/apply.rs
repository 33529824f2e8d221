//! Carries a plan out: a walk of its graph, with a result for every step and no decision about a resource.
//!
//! The edges of the plan are the only order there is. Steps that are ready run concurrently in one task, up to a
//! limit: the work is waiting for AWS, so nothing is spawned and a step borrows the plan and the port.

pub mod outcome;
pub mod port;
mod walk;

use std::num::NonZeroUsize;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::model::TargetGroupArn;
use crate::plan::{Plan, Step};

pub use outcome::{Outcome, StepResult};
pub use port::{Answers, AwsError, ErrorKind, Outputs, Perform, Performed, Read};

use walk::Walk;

/// Most steps under way together. AWS limits mutating calls per account and second to about this many, and a
/// smaller number would let one slow call hold everything up.
pub const DEFAULT_LIMIT: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not 0");

/// What happens while a plan is carried out. Every step finishes exactly once; only those that were sent start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The step is about to be sent.
    Started(&'a Step),
    /// The step has its result.
    Finished(&'a Step, &'a StepResult),
}

/// Carries `plan` out and returns a result for every one of its steps.
///
/// A step starts when everything in its `after` is done. If that was not done, the step and what hangs on
/// it are skipped, and the rest goes on. Once `shutdown` is cancelled nothing new starts; what was sent already is
/// awaited, because a call that is dropped half-way has an unknown effect.
pub async fn apply(
    plan: &Plan,
    perform: &impl Perform,
    limit: NonZeroUsize,
    shutdown: &CancellationToken,
    mut on_event: impl FnMut(Event<'_>),
) -> Outcome {
    let mut walk = Walk::new(plan);
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < limit.get() && !shutdown.is_cancelled() {
            let Some(step) = walk.next_ready() else { break };
            log_start(step);
            on_event(Event::Started(step));
            let outputs = walk.outputs().clone();
            running.push(async move { (step, perform_step(perform, step, &outputs).await) });
        }
        let Some((step, answer)) = running.next().await else { break };
        report_results(&walk.settle(step, answer), &mut on_event);
    }
    report_results(&walk.close(), &mut on_event);
    walk.into_outcome()
}

/// Requests move only to where they are still answered: that is asked as late as can be.
async fn perform_step(perform: &impl Perform, step: &Step, outputs: &Outputs) -> Result<Performed, AwsError> {
    if let Some(groups) = perform.idle(&step.receivers).await? {
        let names: Vec<&str> = groups.iter().map(TargetGroupArn::name).collect();
        let names = names.join(", ");
        return Ok(Performed::Stale(format!("{names} has no healthy target now; it had one when it was read")));
    }
    perform.perform(&step.action, outputs).await
}

fn report_results(results: &[(&Step, StepResult)], on_event: &mut impl FnMut(Event<'_>)) {
    for (step, result) in results {
        log_result(step, result);
        on_event(Event::Finished(step, result));
    }
}

/// The fields before and after on one line, for the log.
fn changes_of(step: &Step) -> String {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let changes = step.changes.iter();
    changes.map(|c| format!("{}: {} -> {}", c.field, shown(&c.live), shown(&c.desired))).collect::<Vec<_>>().join("; ")
}

/// Rule R12: logged before it is sent, with what stood before. Strings are recorded as such, so that the
/// subscriber escapes what others wrote into names and descriptions.
fn log_start(step: &Step) {
    tracing::info!(
        step = step.id.to_string(),
        operation = step.action.operation(),
        object = step.object.to_string(),
        resource = step.target.as_str(),
        reason = step.reason.as_str(),
        changes = changes_of(step),
        "sending",
    );
}

fn log_result(step: &Step, result: &StepResult) {
    let (id, operation, object) = (step.id.to_string(), step.action.operation(), step.object.to_string());
    match result {
        StepResult::Done => tracing::info!(step = id, operation, object, "done"),
        StepResult::Failed(error) => {
            tracing::warn!(step = id, operation, object, error = error.to_string(), "failed");
        }
        StepResult::Stale(why) => tracing::warn!(step = id, operation, object, why = why.as_str(), "stale"),
        StepResult::Skipped { because } => {
            tracing::info!(step = id, operation, object, because = because.to_string(), "skipped");
        }
        StepResult::Cancelled => tracing::info!(step = id, operation, object, "not started: interrupted"),
    }
}
