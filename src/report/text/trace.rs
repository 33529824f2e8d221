//! Paths as text: a line for each hop with a mark; broken hops have evidence and fix below.
//!
//! `✓` ok, `!` degraded, `✗` broken, `?` unknown or starting, `·` skipped.

use std::collections::{BTreeMap, BTreeSet};

use crate::columns::{columns, pad};
use crate::model::Gap;
use crate::trace::{Effect, Finding, Hop, Path, State, Trace, Unrouted, Verdict, Witness};

use super::line::Block;
use super::paint::Tone;
use super::style::Style;
use crate::report::Traced;
use crate::sanitize::plain;

/// Width of the column with the hops' names.
const HOP: usize = 21;

/// Width of the labels under a request that no path matches.
const UNROUTED: usize = 10;

/// The paths, the broken ones first, and a summary line.
pub fn render_trace<'a>(
    traced: impl Into<Traced<'a>>,
    gaps: &BTreeSet<(String, Gap)>,
    style: impl Into<Style>,
) -> String {
    let (style, traced) = (style.into(), traced.into());
    let Traced { trace, mut paths, left_out } = traced;
    let mut sections: Vec<String> = Vec::new();
    paths.sort_by_key(|path| (path.verdict(), !path.is_degraded()));
    sections.extend(paths.iter().map(|path| render_path(path, style)));
    sections.extend(trace.unrouted.iter().map(|unrouted| render_unrouted(unrouted, style)));
    if !gaps.is_empty() {
        let mut block = Block::new(style);
        block.line(0, &style.paint.tone(Tone::Heading, "Could not be read"));
        for (name, gap) in gaps {
            block.marked("?", Tone::Blocked, &format!("{}:", plain(&gap.call)), &format!("{} (for {name})", gap.why));
        }
        sections.push(block.into_text());
    }
    let mut summary = Block::new(style);
    let not_shown = left_out.as_ref().map(not_shown).unwrap_or_default();
    summary.sentence(0, &format!("{}{not_shown}", trace_summary(trace)), Some(Tone::Heading));
    sections.push(summary.into_text());
    sections.join("\n")
}

/// Such as `3 paths: 1 broken, 2 reachable.`
pub fn trace_summary(trace: &Trace) -> String {
    let of = |word: &str| trace.paths.iter().filter(|path| word_of(path).0 == word).count();
    let words = ["broken", "starting", "unknown", "degraded", "reachable", "standby"].map(|word| (of(word), word));
    let some: Vec<String> =
        words.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    match trace.paths.len() {
        0 if !trace.unrouted.is_empty() => "No path matches this request.".to_owned(),
        0 => "No paths: no service port has a target group.".to_owned(),
        1 => format!("1 path: {}.", some.join(", ")),
        number => format!("{number} paths: {}.", some.join(", ")),
    }
}

/// Such as ` Not shown: 2 reachable.`
fn not_shown(left_out: &BTreeMap<&'static str, usize>) -> String {
    let parts: Vec<String> = left_out.iter().map(|(word, number)| format!("{number} {word}")).collect();
    if parts.is_empty() { " All paths are shown.".to_owned() } else { format!(" Not shown: {}.", parts.join(", ")) }
}

/// The result of a path as a word.
fn word_of(path: &Path) -> (&'static str, Tone) {
    match path.verdict() {
        Verdict::Broken => ("broken", Tone::Bad),
        Verdict::Unknown if path.is_starting() => ("starting", Tone::Blocked),
        Verdict::Unknown => ("unknown", Tone::Blocked),
        Verdict::Reachable if path.is_degraded() => ("degraded", Tone::Change),
        Verdict::Reachable => ("reachable", Tone::Good),
        Verdict::Standby => ("standby", Tone::Quiet),
    }
}

/// A request that no path matches.
fn render_unrouted(unrouted: &Unrouted, style: Style) -> String {
    let Unrouted { request, at, taken_by, gap, nearest } = unrouted;
    let mut block = Block::new(style);
    let (word, tone) = if gap.is_none() { ("no path matches", Tone::Bad) } else { ("unknown", Tone::Blocked) };
    block.title(&format!("{request} at {at}"), (word, tone));
    for (label, text) in [("handled by", Some(taken_by)), ("nearest", nearest.as_ref())] {
        if let Some(text) = text {
            block.wrapped(2, &format!("{}  ", pad(label, UNROUTED)), UNROUTED + 2, text, Tone::Plain);
        }
    }
    block.into_text()
}

fn render_path(path: &Path, style: Style) -> String {
    let mut block = Block::new(style);
    let (word, tone) = word_of(path);
    let word = path.broken_hop().map_or_else(|| word.to_owned(), |hop| format!("{word} at {}", hop.id.as_str()));
    block.title(&path.name.to_string(), (&word, tone));
    let first = path.broken_hop().map(|hop| hop.id);
    for hop in &path.hops {
        render_hop(&mut block, hop, first == Some(hop.id));
    }
    let (witness, words) = &path.witness;
    let agrees = match witness {
        Witness::Agrees => "health agrees",
        Witness::Contradicts => "health contradicts",
        Witness::FailsOpen => "fails open",
        Witness::Silent => "no health data",
    };
    block.labelled(2, "", &format!("{agrees}: {words}"), Tone::Quiet);
    block.into_text()
}

fn render_hop(block: &mut Block, hop: &Hop, is_verdict: bool) {
    let paint = block.paint();
    let is_degraded = hop.findings.iter().any(|finding| finding.effect == Effect::Degrades);
    let (mark, tone) = match &hop.state {
        State::Ok if is_degraded => ("!", Tone::Change),
        State::Ok => ("✓", Tone::Good),
        State::Broken => ("✗", Tone::Bad),
        State::Unknown(_) | State::Starting(_) => ("?", Tone::Blocked),
        State::Skipped(_) => ("·", Tone::Quiet),
    };
    let name = pad(hop.id.as_str(), HOP);
    if hop.state != State::Broken && !is_degraded {
        let line = format!("{} {name}  ", paint.tone(tone, mark));
        // The reason for an unknown hop is important; the evidence of a working hop is not.
        let evidence = if tone == Tone::Blocked { Tone::Plain } else { Tone::Quiet };
        block.wrapped(2, &line, 2 + HOP + 2, &hop.evidence, evidence);
        return;
    }
    let lead = if is_verdict || hop.state != State::Broken { "" } else { "  (after the first broken hop)" };
    block.line(2, &format!("{} {}{lead}", paint.tone(tone, mark), paint.tone(tone, name.trim_end())));
    for finding in &hop.findings {
        render_finding(block, finding);
    }
}

fn render_finding(block: &mut Block, finding: &Finding) {
    let codes: Vec<String> = finding.codes.iter().map(ToString::to_string).collect();
    let codes = if codes.is_empty() { String::new() } else { format!("{}  ", codes.join(" or ")) };
    block.wrapped(6, &codes, columns(&codes), finding.name, Tone::Plain);
    block.labelled(8, "why", &finding.evidence, Tone::Plain);
    block.labelled(8, "fix", &finding.fix, Tone::Heading);
    if let Some(step) = &finding.step {
        block.labelled(8, "step", &format!("{step} of the plan repairs this: run portolan reconcile"), Tone::Good);
    }
}
