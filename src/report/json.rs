//! A pass as one JSON document, version 1. These are wire types: the model may change, they stay. Fields may be
//! added, and every list and field is there even when it is empty, except what only some results have.

mod rollout;
mod trace;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::apply::StepResult;
use crate::model::{Gap, PathName, Place};
use crate::plan::{Change, Mend, Plan, Step, Verdict};
use crate::trace::catalogue;

use super::{Error, Item, Report};

use rollout::WireRollout;
pub use trace::render_trace;

/// The version of the documents.
const SCHEMA_VERSION: u32 = 1;

/// The document of a pass, with a line feed at its end.
pub fn render(report: &Report) -> String {
    // `gaps` has those around the paths; what a step repairs is in its own entry.
    let Plan { steps, blocked, planned, deferred, unchanged, findings, gaps, gaps_around: _, mends: _ } = &report.plan;
    let at = |item: Item| report.places.get(&item).map(WirePlace::of);
    to_text(&Document {
        schema_version: SCHEMA_VERSION,
        verdict: report.verdict().as_str(),
        steps: steps
            .iter()
            .map(|step| WireStep { at: at(Item::Step(step.id)), ..WireStep::of(step, report) })
            .collect(),
        blocked: numbered(blocked, |n, entry| WireBlocked { at: at(Item::Blocked(n)), ..WireBlocked::of(entry) }),
        planned: numbered(planned, |n, entry| WirePlanned::of(entry, at(Item::Planned(n)))),
        deferred: numbered(deferred, |n, entry| WireDeferred::of(entry, at(Item::Deferred(n)))),
        unchanged: unchanged.iter().map(ToString::to_string).collect(),
        findings: numbered(findings, |n, entry| WireFinding::of(entry, at(Item::Finding(n)))),
        gaps: numbered(gaps, |n, (object, Gap { call, why })| WireGap { object, call, why, at: at(Item::Gap(n)) }),
        broken_paths: report.broken_paths.as_ref().map(Vec::len),
        deployments: report.rollouts.iter().map(WireRollout::of).collect(),
        errors: report.errors.iter().map(WireError::of).collect(),
        calls: report.calls.clone(),
    })
}

/// The document of a pass that did not get as far as a plan.
pub fn render_errors(errors: &[Error]) -> String {
    to_text(&Document {
        schema_version: SCHEMA_VERSION,
        verdict: Verdict::Failed.as_str(),
        errors: errors.iter().map(WireError::of).collect(),
        ..Document::default()
    })
}

/// The document of `portolan validate`.
pub fn render_validation(errors: &[Error]) -> String {
    let errors: Vec<_> = errors.iter().map(WireError::of).collect();
    to_text(&Validation { schema_version: SCHEMA_VERSION, valid: errors.is_empty(), errors })
}

fn numbered<'a, T, W>(list: &'a [T], wire: impl Fn(usize, &'a T) -> W) -> Vec<W> {
    list.iter().enumerate().map(|(number, entry)| wire(number, entry)).collect()
}

fn to_text(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("strings, numbers and lists have a JSON form");
    text.push('\n');
    text
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    verdict: &'a str,
    steps: Vec<WireStep<'a>>,
    blocked: Vec<WireBlocked<'a>>,
    planned: Vec<WirePlanned<'a>>,
    deferred: Vec<WireDeferred<'a>>,
    unchanged: Vec<String>,
    findings: Vec<WireFinding<'a>>,
    gaps: Vec<WireGap<'a>>,
    /// Paths that were broken when the pass read them; null: not traced.
    broken_paths: Option<usize>,
    /// Deployments that `--wait` has followed; left out where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deployments: Vec<WireRollout<'a>>,
    errors: Vec<WireError<'a>>,
    calls: BTreeMap<String, u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation<'a> {
    schema_version: u32,
    valid: bool,
    errors: Vec<WireError<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireStep<'a> {
    id: String,
    action: &'a str,
    object: String,
    target: &'a str,
    summary: &'a str,
    reason: &'a str,
    changes: Vec<WireChange<'a>>,
    after: Vec<String>,
    redeploys: bool,
    removes: bool,
    mends: Vec<WireMend<'a>>,
    result: &'a str,
    /// What AWS said; failed steps only.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The step that was not done; skipped steps only.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// What had changed, or that the run was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<WirePlace<'a>>,
}

impl<'a> WireStep<'a> {
    fn of(step: &'a Step, report: &'a Report) -> Self {
        let Step { id, action, object, target, summary, reason, changes, after, redeploys, removes, receivers: _ } =
            step;
        let (word, error, because, note) = match report.result_of(step) {
            None => ("planned", None, None, None),
            Some(StepResult::Done) => ("done", None, None, None),
            Some(StepResult::Failed(error)) => ("failed", Some(error.to_string()), None, None),
            Some(StepResult::Skipped { because }) => ("skipped", None, Some(because.to_string()), None),
            Some(StepResult::Stale(why)) => ("stale", None, None, Some(why.as_str())),
            Some(StepResult::Cancelled) => ("skipped", None, None, Some("interrupted")),
        };
        Self {
            id: id.to_string(),
            action: action.operation(),
            object: object.to_string(),
            target,
            summary,
            reason,
            changes: changes.iter().map(WireChange::of).collect(),
            after: after.iter().map(ToString::to_string).collect(),
            redeploys: *redeploys,
            removes: *removes,
            mends: report.plan.mends.get(id).into_iter().flatten().map(WireMend::of).collect(),
            result: word,
            error,
            because,
            note,
            at: None,
        }
    }
}

#[derive(Serialize)]
struct WireMend<'a> {
    codes: &'a [String],
    name: &'a str,
    /// Former names.
    aliases: &'a [&'a str],
    hop: &'a str,
    evidence: &'a str,
    paths: Vec<WirePathName<'a>>,
}

impl<'a> WireMend<'a> {
    fn of(mend: &'a Mend) -> Self {
        let Mend { codes, name, hop, evidence, paths } = mend;
        let aliases = catalogue::aliases(name);
        Self { codes, name, aliases, hop, evidence, paths: paths.iter().map(WirePathName::of).collect() }
    }
}

/// Which path, as in the JSON of a trace.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WirePathName<'a> {
    cluster: Option<&'a str>,
    service: Option<&'a str>,
    port: Option<&'a str>,
    load_balancer: Option<&'a str>,
    listener: Option<u16>,
    target_group: &'a str,
}

impl<'a> WirePathName<'a> {
    fn of(name: &'a PathName) -> Self {
        let PathName { load_balancer, listener, target_group, cluster, service, port } = name;
        Self {
            cluster: cluster.as_deref(),
            service: service.as_deref(),
            port: port.as_deref(),
            load_balancer: load_balancer.as_deref(),
            listener: *listener,
            target_group,
        }
    }
}

#[derive(Serialize)]
struct WireChange<'a> {
    field: String,
    live: Option<&'a str>,
    desired: Option<&'a str>,
}

impl<'a> WireChange<'a> {
    fn of(change: &'a Change) -> Self {
        let Change { field, live, desired } = change;
        Self { field: field.to_string(), live: live.as_deref(), desired: desired.as_deref() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireBlocked<'a> {
    object: String,
    what: &'a str,
    waiting_on: String,
    /// The object's mode is observe: it is shown, and nothing has to be unblocked.
    observed_only: bool,
    changes: Vec<WireChange<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<WirePlace<'a>>,
}

impl<'a> WireBlocked<'a> {
    fn of(blocked: &'a crate::plan::Blocked) -> Self {
        let crate::plan::Blocked { object, what, waiting_on, action: _, changes } = blocked;
        let observed_only = *waiting_on == crate::plan::WaitingOn::ObserveMode;
        let changes = changes.iter().map(WireChange::of).collect();
        let waiting_on = waiting_on.to_string();
        Self { object: object.to_string(), what, waiting_on, observed_only, changes, at: None }
    }
}

#[derive(Serialize)]
struct WirePlanned<'a> {
    object: String,
    what: &'a str,
    because: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<WirePlace<'a>>,
}

impl<'a> WirePlanned<'a> {
    fn of(planned: &'a crate::plan::Planned, at: Option<WirePlace<'a>>) -> Self {
        let crate::plan::Planned { object, what, because } = planned;
        Self { object: object.to_string(), what, because, at }
    }
}

#[derive(Serialize)]
struct WireDeferred<'a> {
    object: String,
    what: &'a str,
    owner: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<WirePlace<'a>>,
}

impl<'a> WireDeferred<'a> {
    fn of(deferred: &'a crate::plan::Deferred, at: Option<WirePlace<'a>>) -> Self {
        let crate::plan::Deferred { object, what, owner } = deferred;
        Self { object: object.to_string(), what, owner, at }
    }
}

#[derive(Serialize)]
struct WireFinding<'a> {
    object: String,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<WirePlace<'a>>,
}

impl<'a> WireFinding<'a> {
    fn of(finding: &'a crate::plan::Finding, at: Option<WirePlace<'a>>) -> Self {
        let crate::plan::Finding { object, what } = finding;
        Self { object: object.to_string(), what, at }
    }
}

#[derive(Serialize)]
struct WireGap<'a> {
    object: &'a str,
    call: &'a str,
    why: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<WirePlace<'a>>,
}

/// Where the manifest has it; left out where that is not known.
#[derive(Serialize)]
struct WirePlace<'a> {
    file: &'a str,
    line: usize,
    column: usize,
}

impl<'a> WirePlace<'a> {
    fn of(place: &'a Place) -> Self {
        let Place { file, line, column } = place;
        Self { file, line: *line, column: *column }
    }
}

#[derive(Serialize)]
struct WireError<'a> {
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> WireError<'a> {
    fn of(error: &'a Error) -> Self {
        let Error { file, line, column, message, hint } = error;
        Self { file: file.as_deref(), line: *line, column: *column, message, hint: hint.as_deref() }
    }
}
