//! The one line that says it all.

use crate::plan::{Blocked, Step, WaitingOn};
use crate::report::{Report, Tally, count, steps};

use super::step::symbol;

/// Such as `Plan: 2 to create, 2 to change, 0 to remove; 1 blocked, 1 deferred, 3 unchanged.`
pub fn render_summary(report: &Report) -> String {
    let plan = &report.plan;
    let rest = rest(report);
    let with_rest = |lead: String| match rest.as_str() {
        "" => format!("{lead}."),
        rest => format!("{lead}; {rest}."),
    };
    match (&report.outcome, plan.steps.is_empty()) {
        (_, true) if is_silent(report) => silence(plan.unchanged.len()),
        (_, true) => with_rest("Nothing to apply".to_owned()),
        (None, false) => {
            let of = |wanted: &str| plan.steps.iter().filter(|step| symbol(&step.action).0 == wanted).count();
            let lead = format!("Plan: {} to create, {} to change, {} to remove", of("+"), of("~"), of("-"));
            with_rest(lead) + &deployments(&plan.steps)
        }
        (Some(_), false) => with_rest(results(report)),
    }
}

/// Such as `1 path is broken; run portolan trace.`. With steps there is none: a step says itself which broken path it repairs.
pub fn render_broken(report: &Report) -> Option<String> {
    match report.unrepaired().len() {
        0 => None,
        1 => Some("1 path is broken; run portolan trace.".to_owned()),
        number => Some(format!("{number} paths are broken; run portolan trace.")),
    }
}

fn is_silent(report: &Report) -> bool {
    report.plan.blocked.is_empty()
        && report.plan.planned.is_empty()
        && report.plan.deferred.is_empty()
        && report.plan.gaps.is_empty()
}

fn silence(unchanged: usize) -> String {
    match unchanged {
        0 => "In sync. No changes needed.".to_owned(),
        number => format!("In sync. Checked {}; no changes needed.", count(number, "object", "objects")),
    }
}

fn results(report: &Report) -> String {
    let Tally { done, failed, skipped, stale, cancelled } = Tally::of(report);
    let all = report.plan.steps.len();
    if done == all {
        return format!("Applied: {} done", steps(all));
    }
    let parts = [(failed, "failed"), (skipped, "skipped"), (stale, "stale"), (cancelled, "not run")];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}"));
    let parts = parts.collect::<Vec<_>>().join(", ");
    match done {
        0 => format!("Nothing was applied: {parts}"),
        _ => format!("Applied in part: {done} of {} done, {parts}", steps(all)),
    }
}

/// Everything that is no step; what there is none of is left out.
fn rest(report: &Report) -> String {
    let plan = &report.plan;
    let is_observed = |entry: &&Blocked| entry.waiting_on == WaitingOn::ObserveMode;
    let observed = plan.blocked.iter().filter(is_observed).count();
    let parts = [
        (plan.blocked.len() - observed, "blocked"),
        (observed, "observed only"),
        (plan.planned.len(), "planned for later"),
        (plan.deferred.len(), "deferred"),
        (plan.gaps.len(), "not read"),
        (plan.unchanged.len(), "unchanged"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}"));
    parts.collect::<Vec<_>>().join(", ")
}

fn deployments(all: &[Step]) -> String {
    match all.iter().filter(|step| step.redeploys).count() {
        0 => String::new(),
        1 => " 1 step starts an ECS deployment.".to_owned(),
        number => format!(" {number} steps start ECS deployments."),
    }
}
