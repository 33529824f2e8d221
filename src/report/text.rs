//! A pass as people want to read it: grouped by object, one block for each step, one summary line at the end.
//!
//! `+` create, `~` change, `-` remove (or *observed only*), `!` blocked, `…` planned for a later run, `»` left to its owner, `=` unchanged, `?` not read. The words
//! say the same as the symbols, and the symbols the same as the colours, so nothing is lost without colour.

use std::collections::BTreeMap;

use crate::columns::{columns, pad};
use crate::model::ObjectRef;
use crate::plan::{Blocked, Deferred, Finding, Plan, Planned, Step, WaitingOn};

use super::Report;

mod advice;
mod line;
mod paint;
mod rollout;
mod step;
mod style;
mod summary;
mod trace;

pub use crate::sanitize::plain;
pub use paint::{Paint, Tone};
pub use step::{render_result, symbol};
pub use style::Style;
pub use summary::{render_broken, render_summary};
pub use trace::{render_trace, trace_summary};

use line::Block;

/// What is under a blocked entry: why, and the way out.
const BECAUSE: &str = "because";
const UNBLOCK: &str = "to unblock";
/// Most unchanged objects that are named; of a large fleet the number says more.
const NAMED_UNCHANGED: usize = 12;

/// The whole text of a pass: the plan, or what became of it.
pub fn render(report: &Report, style: impl Into<Style>) -> String {
    let style = style.into();
    let mut sections = Vec::new();
    let groups = group(&report.plan);
    if !report.heading.is_empty() && has_something_to_say(report) {
        let mut heading = Block::new(style);
        heading.sentence(0, &report.heading, Some(Tone::Quiet));
        sections.push(heading.into_text());
    }
    let page = step::Page::of(report);
    sections.extend(groups.iter().map(|(object, group)| render_group(object, group, &page, style)));
    sections.extend(rollout::render(&report.rollouts, style));
    if has_something_to_say(report) {
        sections.extend(render_gaps(&report.plan, style));
        sections.extend(render_unchanged(&report.plan, style));
    }
    let mut summary = Block::new(style);
    summary.sentence(0, &render_summary(report), Some(Tone::Heading));
    if let Some(broken) = render_broken(report) {
        summary.sentence(0, &broken, Some(Tone::Bad));
    }
    sections.push(summary.into_text());
    sections.join("\n")
}

/// A fleet that is silent gets its one line and nothing else.
fn has_something_to_say(report: &Report) -> bool {
    let Plan { steps, blocked, planned, deferred, unchanged: _, findings, gaps, gaps_around: _, mends: _ } =
        &report.plan;
    let differs = !(steps.is_empty() && blocked.is_empty() && planned.is_empty());
    differs || !(deferred.is_empty() && findings.is_empty() && gaps.is_empty())
}

/// What a plan says about one object.
#[derive(Default)]
struct Group<'a> {
    steps: Vec<&'a Step>,
    blocked: Vec<&'a Blocked>,
    planned: Vec<&'a Planned>,
    deferred: Vec<&'a Deferred>,
    findings: Vec<&'a Finding>,
}

fn group(plan: &Plan) -> BTreeMap<&ObjectRef, Group<'_>> {
    let mut groups: BTreeMap<&ObjectRef, Group<'_>> = BTreeMap::new();
    for step in &plan.steps {
        groups.entry(&step.object).or_default().steps.push(step);
    }
    for blocked in &plan.blocked {
        groups.entry(&blocked.object).or_default().blocked.push(blocked);
    }
    for planned in &plan.planned {
        groups.entry(&planned.object).or_default().planned.push(planned);
    }
    for deferred in &plan.deferred {
        groups.entry(&deferred.object).or_default().deferred.push(deferred);
    }
    for finding in &plan.findings {
        groups.entry(&finding.object).or_default().findings.push(finding);
    }
    groups
}

fn render_group(object: &ObjectRef, group: &Group<'_>, page: &step::Page<'_>, style: Style) -> String {
    let mut block = Block::of_plan(style);
    block.line(0, &style.paint.tone(Tone::Heading, &plain(&object.to_string())));
    for step in &group.steps {
        step::render_step(&mut block, step, page);
    }
    for blocked in &group.blocked {
        render_blocked(&mut block, blocked);
    }
    for Planned { object: _, what, because } in &group.planned {
        block.marked("…", Tone::Quiet, "later:", what);
        block.labelled(4, "because", because, Tone::Plain);
    }
    for Deferred { object: _, what, owner } in &group.deferred {
        block.marked("»", Tone::Defer, "deferred:", what);
        block.labelled(4, "owner", owner, Tone::Quiet);
    }
    for Finding { object: _, what } in &group.findings {
        block.marked("i", Tone::Quiet, "note:", what);
    }
    block.into_text()
}

fn render_blocked(block: &mut Block, blocked: &Blocked) {
    let Blocked { object: _, what, waiting_on, action, changes } = blocked;
    if let (WaitingOn::ObserveMode, Some(action)) = (waiting_on, action) {
        let (symbol, tone) = symbol(action);
        block.marked(symbol, tone, "observed only:", what);
        block.changes(6, changes);
        return;
    }
    block.marked("!", Tone::Blocked, "blocked:", what);
    block.changes(6, changes);
    let way_out = waiting_on.to_unblock();
    let width = if way_out.is_some() { columns(UNBLOCK) } else { columns(BECAUSE) };
    block.wrapped(4, &format!("{}  ", pad(BECAUSE, width)), width + 2, &waiting_on.because(), Tone::Plain);
    if let Some(way_out) = way_out {
        block.wrapped(4, &format!("{UNBLOCK}  "), width + 2, &way_out, Tone::Plain);
    }
}

/// What could not be read, each call once with the objects that miss it.
fn render_gaps(plan: &Plan, style: Style) -> Option<String> {
    let mut objects: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (object, gap) in &plan.gaps {
        objects.entry((&gap.call, &gap.why)).or_default().push(object);
    }
    if objects.is_empty() {
        return None;
    }
    let mut block = Block::new(style);
    block.line(0, &style.paint.tone(Tone::Heading, "Could not be read"));
    for ((call, why), objects) in objects {
        block.marked("?", Tone::Blocked, &format!("{}:", plain(call)), why);
        block.labelled(4, "for", &shorten(&objects), Tone::Quiet);
    }
    Some(block.into_text())
}

fn render_unchanged(plan: &Plan, style: Style) -> Option<String> {
    if plan.unchanged.is_empty() {
        return None;
    }
    let names: Vec<String> = plan.unchanged.iter().map(ToString::to_string).collect();
    let mut block = Block::new(style);
    block.line(0, &style.paint.tone(Tone::Heading, "Unchanged"));
    block.marked("=", Tone::Quiet, "", &shorten(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    Some(block.into_text())
}

fn shorten(names: &[&str]) -> String {
    let named = names.iter().take(NAMED_UNCHANGED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED_UNCHANGED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
