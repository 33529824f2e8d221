//! Paths as a map: a line for each hop, marks, the evidence under what is broken, the fix last.
//!
//! `✓` ok, `✗` broken, `?` could not be read, `·` nothing to examine.

use std::collections::BTreeSet;

use crate::model::Gap;
use crate::trace::{Finding, Hop, Path, State, Trace, Unrouted, Verdict, Witness};

use super::line::Block;
use super::paint::{Paint, Tone};
use crate::plain::plain;

/// Width of the names of hops.
const HOP: usize = 21;

/// Width of the labels under a request that no path takes.
const UNROUTED: usize = 8;

/// All paths, the broken ones first, and one line that says it all.
pub fn render_trace(trace: &Trace, gaps: &BTreeSet<(String, Gap)>, paint: Paint) -> String {
    let mut sections: Vec<String> = Vec::new();
    let mut paths: Vec<&Path> = trace.paths.iter().collect();
    paths.sort_by_key(|path| path.verdict());
    sections.extend(paths.iter().map(|path| render_path(path, paint)));
    sections.extend(trace.unrouted.iter().map(|unrouted| render_unrouted(unrouted, paint)));
    if !gaps.is_empty() {
        let mut block = Block::new(paint);
        block.line(0, &paint.tone(Tone::Heading, "Could not be read"));
        for (name, gap) in gaps {
            block.marked("?", Tone::Blocked, &format!("{}:", plain(&gap.call)), &format!("{} (for {name})", gap.why));
        }
        sections.push(block.into_text());
    }
    let mut summary = Block::new(paint);
    summary.sentence(0, &trace_summary(trace), Some(Tone::Heading));
    sections.push(summary.into_text());
    sections.join("\n")
}

/// Such as `3 paths: 1 broken, 2 reachable.`
pub fn trace_summary(trace: &Trace) -> String {
    let of = |verdict: Verdict| trace.paths.iter().filter(|path| path.verdict() == verdict).count();
    let words =
        [(of(Verdict::Broken), "broken"), (of(Verdict::Unknown), "unknown"), (of(Verdict::Reachable), "reachable")];
    let some: Vec<String> =
        words.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    match trace.paths.len() {
        0 if !trace.unrouted.is_empty() => "No path takes this request.".to_owned(),
        0 => "No path: no service port has a target group.".to_owned(),
        1 => format!("1 path: {}.", some.join(", ")),
        number => format!("{number} paths: {}.", some.join(", ")),
    }
}

/// A request that no path is for.
fn render_unrouted(unrouted: &Unrouted, paint: Paint) -> String {
    let Unrouted { request, at, taken_by, gap, nearest } = unrouted;
    let mut block = Block::new(paint);
    let (word, tone) = if gap.is_none() { ("no path takes it", Tone::Bad) } else { ("unknown", Tone::Blocked) };
    let name = paint.tone(Tone::Heading, &plain(&format!("{request} at {at}")));
    block.line(0, &format!("{name}  {}", paint.tone(tone, word)));
    for (label, text) in [("taken by", Some(taken_by)), ("nearest", nearest.as_ref())] {
        if let Some(text) = text {
            block.wrapped(2, &format!("{label:<UNROUTED$}  "), UNROUTED + 2, text, Tone::Plain);
        }
    }
    block.into_text()
}

fn render_path(path: &Path, paint: Paint) -> String {
    let mut block = Block::new(paint);
    let (word, tone) = match path.broken_hop() {
        Some(hop) => (format!("broken at {}", hop.id.as_str()), Tone::Bad),
        None if path.verdict() == Verdict::Unknown => ("unknown".to_owned(), Tone::Blocked),
        None => ("reachable".to_owned(), Tone::Good),
    };
    let name = paint.tone(Tone::Heading, &plain(&path.name.to_string()));
    block.line(0, &format!("{name}  {}", paint.tone(tone, &word)));
    let first = path.broken_hop().map(|hop| hop.id);
    for hop in &path.hops {
        render_hop(&mut block, hop, first == Some(hop.id), paint);
    }
    let (witness, words) = &path.witness;
    let agrees = match witness {
        Witness::Agrees => "health agrees",
        Witness::Contradicts => "health contradicts",
        Witness::FailsOpen => "fails open",
        Witness::Silent => "health is silent",
    };
    block.labelled(2, "", &format!("{agrees}: {words}"), Tone::Quiet);
    block.into_text()
}

fn render_hop(block: &mut Block, hop: &Hop, is_verdict: bool, paint: Paint) {
    let (mark, tone) = match &hop.state {
        State::Ok => ("✓", Tone::Good),
        State::Broken => ("✗", Tone::Bad),
        State::Unknown(_) => ("?", Tone::Blocked),
        State::Skipped(_) => ("·", Tone::Quiet),
    };
    let name = format!("{:<HOP$}", hop.id.as_str());
    if hop.state != State::Broken {
        let line = format!("{} {name}  ", paint.tone(tone, mark));
        block.wrapped(2, &line, 2 + HOP + 2, &hop.evidence, Tone::Quiet);
        return;
    }
    let lead = if is_verdict { "" } else { "  (behind the first)" };
    block.line(2, &format!("{} {}{lead}", paint.tone(tone, mark), paint.tone(tone, name.trim_end())));
    for finding in &hop.findings {
        render_finding(block, finding);
    }
}

fn render_finding(block: &mut Block, finding: &Finding) {
    let codes: Vec<String> = finding.codes.iter().map(ToString::to_string).collect();
    let codes = if codes.is_empty() { String::new() } else { format!("{}  ", codes.join(" or ")) };
    block.line(6, &plain(&format!("{codes}{}", finding.name)));
    block.labelled(8, "why", &finding.evidence, Tone::Quiet);
    block.labelled(8, "fix", &finding.fix, Tone::Heading);
    if let Some(step) = &finding.step {
        block.labelled(8, "step", &format!("{step} of the plan mends it: portolan reconcile"), Tone::Good);
    }
}
