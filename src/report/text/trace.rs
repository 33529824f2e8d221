//! Paths as a map: a line for each hop, marks, the evidence under what is broken, the fix last.
//!
//! `✓` ok, `!` degraded, `✗` broken, `?` could not be read or is starting, `·` nothing to examine.

use std::collections::BTreeSet;

use crate::model::Gap;
use crate::trace::{Effect, Finding, Hop, Path, State, Trace, Verdict, Witness};

use super::line::Block;
use super::paint::{Paint, Tone};
use crate::plain::plain;

/// Width of the names of hops.
const HOP: usize = 21;

/// All paths, the broken ones first, and one line that says it all.
pub fn render_trace(trace: &Trace, gaps: &BTreeSet<(String, Gap)>, paint: Paint) -> String {
    let mut sections: Vec<String> = Vec::new();
    let mut paths: Vec<&Path> = trace.paths.iter().collect();
    paths.sort_by_key(|path| (path.verdict(), !path.is_degraded()));
    sections.extend(paths.iter().map(|path| render_path(path, paint)));
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
    let of = |word: &str| trace.paths.iter().filter(|path| word_of(path).0 == word).count();
    let words = ["broken", "starting", "unknown", "degraded", "reachable", "standby"].map(|word| (of(word), word));
    let some: Vec<String> =
        words.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    match trace.paths.len() {
        0 => "No path: no port of the manifest has a target group.".to_owned(),
        1 => format!("1 path: {}.", some.join(", ")),
        number => format!("{number} paths: {}.", some.join(", ")),
    }
}

/// What a path comes to, for people.
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

fn render_path(path: &Path, paint: Paint) -> String {
    let mut block = Block::new(paint);
    let (word, tone) = word_of(path);
    let word = path.broken_hop().map_or_else(|| word.to_owned(), |hop| format!("{word} at {}", hop.id.as_str()));
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
    let is_degraded = hop.findings.iter().any(|finding| finding.effect == Effect::Degrades);
    let (mark, tone) = match &hop.state {
        State::Ok if is_degraded => ("!", Tone::Change),
        State::Ok => ("✓", Tone::Good),
        State::Broken => ("✗", Tone::Bad),
        State::Unknown(_) | State::Starting(_) => ("?", Tone::Blocked),
        State::Skipped(_) => ("·", Tone::Quiet),
    };
    let name = format!("{:<HOP$}", hop.id.as_str());
    if hop.state != State::Broken && !is_degraded {
        let line = format!("{} {name}  ", paint.tone(tone, mark));
        block.wrapped(2, &line, 2 + HOP + 2, &hop.evidence, Tone::Quiet);
        return;
    }
    let lead = if is_verdict || hop.state != State::Broken { "" } else { "  (behind the first)" };
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
