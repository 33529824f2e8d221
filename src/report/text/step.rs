//! One step: its headline with the AWS operation, its fields, why it is there and what it disturbs.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::StepResult;
use crate::columns::{columns, pad};
use crate::model::arn::resource;
use crate::plan::{Action, Deed, Mend, Step, StepId};

use super::advice::advice;
use super::line::Block;
use super::paint::{Paint, Tone};
use crate::report::Report;
use crate::sanitize::plain;

/// Steps that are named in `after`; a removal at the end may wait for all of them.
const NAMED_AFTER: usize = 6;
/// Paths that are named where a step repairs several.
const NAMED_PATHS: usize = 3;

/// What all steps of a report share: its steps by number, and the widths of the page.
pub(super) struct Page<'a> {
    report: &'a Report,
    steps: BTreeMap<StepId, &'a Step>,
    id: usize,
    result: usize,
}

impl<'a> Page<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let steps = &report.plan.steps;
        let words = steps.iter().filter_map(|step| report.result_of(step));
        Self {
            report,
            steps: steps.iter().map(|step| (step.id, step)).collect(),
            id: steps.iter().map(|step| columns(&step.id.to_string())).max().unwrap_or(0),
            result: words.map(|result| columns(word(result).0)).max().unwrap_or(0),
        }
    }

    /// Where everything below the headline starts.
    fn body(&self) -> usize {
        2 + 2 + self.id + 2
    }

    /// The steps right before this one: those that another one of its `after` implies say nothing new.
    fn after(&self, step: &Step) -> Option<String> {
        let mut implied = BTreeSet::new();
        let mut open: Vec<StepId> = step.after.iter().copied().collect();
        while let Some(id) = open.pop() {
            let before = self.steps.get(&id).into_iter().flat_map(|step| &step.after);
            open.extend(before.filter(|before| implied.insert(**before)));
        }
        let direct: Vec<StepId> = step.after.difference(&implied).copied().collect();
        let named = direct.iter().take(NAMED_AFTER).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match direct.len() {
            0 => None,
            number if number > NAMED_AFTER => Some(format!("{named} and {} more", number - NAMED_AFTER)),
            _ => Some(named),
        }
    }
}

/// The symbol of an action and its tone: `+` create, `~` change, `-` remove.
pub fn symbol(action: &Action) -> (&'static str, Tone) {
    match action.facts().deed {
        Deed::Create => ("+", Tone::Create),
        Deed::Change => ("~", Tone::Change),
        Deed::Remove => ("-", Tone::Remove),
    }
}

fn word(result: &StepResult) -> (&'static str, Tone) {
    match result {
        StepResult::Done => ("done", Tone::Good),
        StepResult::Failed(_) => ("failed", Tone::Bad),
        StepResult::Skipped { .. } => ("skipped", Tone::Blocked),
        StepResult::Stale(_) => ("stale", Tone::Blocked),
        StepResult::Cancelled => ("not run", Tone::Blocked),
    }
}

/// The end of a step on one line, for those who watch: `done  CreateRule on … (TargetGroup/checkout-http)`.
pub fn render_result(step: &Step, result: &StepResult, paint: Paint) -> String {
    let (text, tone) = word(result);
    let what = format!("{} {} on {} ({})", step.id, step.action.operation(), resource(&step.target), step.object);
    let what = plain(&what);
    let why = match result {
        StepResult::Done | StepResult::Cancelled => String::new(),
        StepResult::Failed(error) => format!(": {}", plain(&error.to_string())),
        StepResult::Skipped { because } => format!(": {because} was not done"),
        StepResult::Stale(why) => format!(": {}", plain(why)),
    };
    format!("{} {what}{why}", paint.tone(tone, &pad(text, 7)))
}

pub(super) fn render_step(block: &mut Block, step: &Step, page: &Page<'_>) {
    let paint = block.paint();
    // The object is the heading; `after`, `redeploys` and `removes` are asked of the whole step.
    let Step {
        id,
        action,
        object: _,
        target,
        summary,
        reason,
        changes,
        after: _,
        redeploys: _,
        removes: _,
        receivers: _,
    } = step;
    let (symbol, tone) = symbol(action);
    let result = page.report.result_of(step);
    let mends = page.report.plan.mends.get(id).into_iter().flatten();
    let id = pad(&id.to_string(), page.id);
    let mut head = format!("{} {id}  ", paint.tone(tone, symbol));
    if let Some(result) = result {
        let (text, tone) = word(result);
        head.push_str(&paint.tone(tone, &pad(text, page.result)));
        head.push_str("  ");
    }
    head.push_str(&paint.tone(tone, action.operation()));
    head.push_str(" · ");
    let body = page.body();
    block.pair(2, &head, body, &plain(resource(target)));

    render_outcome(block, body, result);
    block.sentence(body, summary, None);
    block.changes(body + 2, changes);
    block.labelled(body, "because", reason, Tone::Plain);
    for mend in mends {
        block.labelled(body, "repairs", &render_mend(mend), Tone::Good);
    }
    if let Some(after) = page.after(step) {
        block.labelled(body, "after", &after, Tone::Quiet);
    }
    if let Some(note) = disturbance(step) {
        block.labelled(body, "note", note, Tone::Change);
    }
}

/// Such as `M01 target-security-group-blocks-load-balancer: … (on public:80 → checkout → checkout/http)`.
fn render_mend(mend: &Mend) -> String {
    let Mend { codes, name, hop: _, evidence, paths } = mend;
    let codes = if codes.is_empty() { String::new() } else { format!("{} ", codes.join(" or ")) };
    let mut named: Vec<String> = paths.iter().take(NAMED_PATHS).map(ToString::to_string).collect();
    if paths.len() > NAMED_PATHS {
        named.push(format!("{} more", paths.len() - NAMED_PATHS));
    }
    format!("{codes}{name}: {evidence} (on {})", named.join(" and "))
}

/// What AWS said and what to do about it; nothing for a step that is done or only planned.
fn render_outcome(block: &mut Block, body: usize, result: Option<&StepResult>) {
    match result {
        None | Some(StepResult::Done) => {}
        Some(StepResult::Failed(error)) => {
            block.labelled(body, "error", &error.to_string(), Tone::Bad);
            block.labelled(body, "next", &advice(error), Tone::Heading);
        }
        Some(StepResult::Skipped { because }) => {
            block.labelled(body, "cause", &format!("{because} was not done"), Tone::Blocked);
        }
        Some(StepResult::Stale(why)) => {
            block.labelled(body, "cause", why, Tone::Blocked);
            block.labelled(
                body,
                "next",
                "run again: nothing was sent for this step, and the next pass reads the resource again",
                Tone::Heading,
            );
        }
        Some(StepResult::Cancelled) => {
            block.labelled(body, "cause", "the run was interrupted before this step", Tone::Blocked);
        }
    }
}

fn disturbance(step: &Step) -> Option<&'static str> {
    let shows_removal = symbol(&step.action).0 == "-";
    match (step.redeploys, step.removes && !shows_removal) {
        (true, true) => Some("starts an ECS deployment and removes something"),
        (true, false) => Some("starts an ECS deployment"),
        (false, true) => Some("removes something"),
        (false, false) => None,
    }
}
