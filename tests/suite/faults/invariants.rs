//! What holds whatever goes wrong.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use portolan::apply::StepResult;
use portolan::cli::exit::Exit;
use portolan::plan::Verdict;
use portolan::sandbox::World;
use serde_json::json;

use super::pass::{End, Ended};
use super::run::{Plot, Story, live, losses};
use super::service::{LeftAlone, Probe, list, probes};
use super::wire::Exchange;
use super::worlds::Place;

/// What did not hold, and how it shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub of: &'static str,
    pub how: String,
}

fn violation(of: &'static str, how: impl Into<String>) -> Violation {
    Violation { of, how: how.into() }
}

/// The clean run of a world: what every other one is held against.
pub struct Clean {
    pub probes: Vec<Probe>,
    pub story: Story,
    /// Probes that the clean run itself takes something from: the manifest says so.
    pub given_up: BTreeSet<usize>,
    writes: BTreeSet<String>,
    known: BTreeSet<String>,
    /// Targets that were registered before the first pass.
    registered: BTreeSet<String>,
    steps: BTreeSet<String>,
    left: Mutex<LeftAlone>,
}

impl Clean {
    pub fn of(place: &Place) -> Self {
        let probes = probes(&place.world);
        let story = live(place, &probes, &Plot::Clean);
        let mut left = LeftAlone::new(place.world.clone(), probes.clone());
        let given_up = losses(&story, &mut left).into_iter().map(|(probe, _)| probe).collect();
        let known = ids(&format!("{:?}", place.world));
        let registered = registered(&place.world);
        let canonical = |call: &Exchange| canonical(call, &known, &registered);
        let writes = taken(&story.calls).map(canonical).collect();
        let steps = planned(&story);
        Self { probes, story, given_up, writes, known, registered, steps, left: Mutex::new(left) }
    }

    /// Whether the clean run sent it too.
    fn sent(&self, call: &Exchange) -> bool {
        self.writes.contains(&canonical(call, &self.known, &self.registered))
    }

    /// The attempts of a pass.
    pub fn calls(&self, pass: usize) -> Vec<&Exchange> {
        self.story.calls.iter().filter(|call| call.pass == pass).collect()
    }
}

/// Everything that a run planned in any pass.
fn planned(story: &Story) -> BTreeSet<String> {
    story.ends.iter().filter_map(End::ended).flat_map(|ended| ended.steps(|_| true)).collect()
}

fn taken(calls: &[Exchange]) -> impl Iterator<Item = &Exchange> {
    calls.iter().filter(|call| call.is_write && call.is_done)
}

/// Whether a call removes something.
fn destroys(call: &str) -> bool {
    ["Delete", "Deregister", "Revoke"].iter().any(|verb| call.contains(&format!(":{verb}")))
}

/// The ids in a text: what AWS makes up. In ARNs of Elastic Load Balancing they are sixteen hexadecimal digits, in EC2
/// seventeen.
fn ids(text: &str) -> BTreeSet<String> {
    let is_hex = |part: &&str| part.len() >= 16 && part.chars().all(|c| c.is_ascii_hexdigit());
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_hex).map(str::to_owned).collect()
}

/// Every target with its group, as a call names them.
fn registered(world: &World) -> BTreeSet<String> {
    let mut world = world.clone();
    let mut registered = BTreeSet::new();
    for group in list(&mut world, "DescribeTargetGroups", &json!({"PageSize": 400}), "TargetGroups") {
        let group = group["TargetGroupArn"].as_str().unwrap_or_default();
        let of_group = json!({"TargetGroupArn": group});
        for target in list(&mut world, "DescribeTargetHealth", &of_group, "TargetHealthDescriptions") {
            let (id, port) = (target["Target"]["Id"].as_str().unwrap_or_default(), &target["Target"]["Port"]);
            registered.insert(format!("{group} {id} {port}"));
        }
    }
    registered
}

/// The targets of a registration that were not registered at first: another registration of the others changes nothing.
fn registration(asked: &str, registered: &BTreeSet<String>) -> String {
    let field = |name: &str| asked.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default();
    let group = field("TargetGroupArn=");
    let target = |number: usize| {
        let id = field(&format!("Targets.member.{number}.Id="));
        (!id.is_empty()).then(|| format!("{group} {id} {}", field(&format!("Targets.member.{number}.Port="))))
    };
    let targets: BTreeSet<String> = (1..).map_while(target).filter(|target| !registered.contains(target)).collect();
    format!("{targets:?}")
}

/// A call without the ids of what did not stand at first, and without numbers of revisions.
fn canonical(call: &Exchange, known: &BTreeSet<String>, registered: &BTreeSet<String>) -> String {
    let mut asked = call.asked.replace("%2F", "/").replace("%3A", ":");
    if call.operation.ends_with(":RegisterTargets") {
        asked = registration(&asked, registered);
    }
    let mut text = ids(&asked).difference(known).fold(asked, |text, id| text.replace(id, "NEW"));
    if let Some((before, after)) = text.split_once(":task-definition/") {
        let end = after.find('"').unwrap_or(after.len());
        let family = after[..end].split(':').next().unwrap_or_default();
        text = format!("{before}:task-definition/{family}{}", &after[end..]);
    }
    format!("{} {text}", call.operation)
}

/// Holds a run with a fault against the clean one.
pub fn check(clean: &Clean, faulty: usize, fails: bool, story: &Story) -> Vec<Violation> {
    let mut found = Vec::new();
    found.extend(service(clean, story));
    for call in taken(&story.calls).filter(|call| !call.is_idle && !clean.sent(call)) {
        let of = if destroys(&call.operation) { "destroyed" } else { "not-sent-clean" };
        found.push(violation(of, format!("{} {}", call.operation, short(&call.asked))));
    }
    if let Some(end) = story.ends.get(faulty) {
        found.extend(exit(end, story, faulty, clean, fails));
        if fails {
            found.extend(gaps(end, story, faulty));
        }
    }
    found.extend(convergence(story, faulty, Some(clean)));
    found
}

/// Never less service than before.
fn service(clean: &Clean, story: &Story) -> Vec<Violation> {
    let mut left = clean.left.lock().unwrap_or_else(PoisonError::into_inner);
    let lost = losses(story, &mut left).into_iter().filter(|(probe, _)| !clean.given_up.contains(probe));
    let mut lost = lost.map(|(probe, how)| violation("service", format!("{}: {how}", clean.probes[probe].name)));
    lost.next().into_iter().collect()
}

/// The exit code says what is so, as far as anybody told: who is told what was knows no better.
fn exit(end: &End, story: &Story, faulty: usize, clean: &Clean, fails: bool) -> Vec<Violation> {
    let Some(ended) = end.ended() else { return Vec::new() };
    let mut found = Vec::new();
    let unsound = ended.steps(|result| result != Some(&StepResult::Done));
    if ended.exit == Exit::Sound && !unsound.is_empty() {
        found.push(violation("exit", format!("0, and not done: {unsound:?}")));
    }
    let next = story.ends.get(faulty + 1).and_then(End::ended);
    // What was not planned, although the clean run planned it, was silently left out.
    let says_all = matches!(ended.verdict, Verdict::Applied | Verdict::InSync);
    if says_all && fails && faulty == 0 {
        let first = clean.story.ends.first().and_then(End::ended);
        let first = first.map(|ended| ended.steps(|_| true)).unwrap_or_default();
        let left: Vec<_> = match next {
            Some(next) => next.steps(|_| true).intersection(&first).cloned().collect(),
            None => first.into_iter().collect(),
        };
        if !left.is_empty() {
            found.push(violation("exit", format!("{}, and left: {left:?}", ended.verdict.as_str())));
        }
    }
    if let Some(next) = next {
        let done = ended.steps(|result| result == Some(&StepResult::Done));
        let again: Vec<_> = next.steps(|_| true).intersection(&done).cloned().collect();
        if !again.is_empty() && !says_all {
            found.push(violation("exit", format!("said done, planned again: {again:?}")));
        }
    }
    found
}

/// Every read that failed is told.
fn gaps(end: &End, story: &Story, faulty: usize) -> Vec<Violation> {
    let Some(ended) = end.ended() else { return Vec::new() };
    let (told, failed) = (ended.gaps(), failed(&story.calls, faulty));
    let all_done = ended.results.values().all(|result| *result == StepResult::Done);
    let in_steps = results(ended);
    let is_told = |call: &String| told.contains(call) || !all_done && in_steps.contains(call.as_str());
    let untold = failed.into_iter().filter(|call| !is_told(call) && !in_steps.contains("stale"));
    untold.map(|call| violation("gaps", format!("{call} failed, and gaps are {told:?}"))).collect()
}

/// What the steps that were not done say.
fn results(ended: &Ended) -> String {
    let said = |result: &StepResult| match result {
        StepResult::Failed(error) => error.to_string(),
        StepResult::Stale(why) => format!("stale {why}"),
        StepResult::Done | StepResult::Skipped { .. } | StepResult::Cancelled => String::new(),
    };
    ended.results.values().map(said).collect::<Vec<_>>().join("; ")
}

/// The reads whose last attempt went wrong.
fn failed(calls: &[Exchange], pass: usize) -> BTreeSet<String> {
    let of_pass = || calls.iter().filter(|call| call.pass == pass && !call.is_write);
    let mut failed = BTreeSet::new();
    for call in of_pass().filter(|call| call.fault.is_some()) {
        let last = of_pass().rev().find(|other| (&other.operation, &other.asked) == (&call.operation, &call.asked));
        if last.is_some_and(|last| last.fault.is_some()) {
            failed.insert(call.operation.clone());
        }
    }
    failed
}

/// Converged, and silent afterwards.
fn convergence(story: &Story, faulty: usize, clean: Option<&Clean>) -> Vec<Violation> {
    if story.is_untouched || story.ends.len() <= faulty + 1 {
        return Vec::new();
    }
    let Some(last) = story.ends.last() else { return Vec::new() };
    let clean_end = clean.and_then(|clean| clean.story.ends.last());
    if !last.is_silent() && clean_end.is_none_or(End::is_silent) {
        let how = match last {
            End::Ended(ended) => format!("{:?} {:?}", ended.steps(|_| true), ended.gaps()),
            End::Refused(why) => why.clone(),
            End::Killed => "killed".to_owned(),
        };
        return vec![violation("converged", how)];
    }
    let Some(clean) = clean else { return Vec::new() };
    let (now, then): (BTreeSet<_>, BTreeSet<_>) =
        (story.summary.iter().collect(), clean.story.summary.iter().collect());
    if now == then {
        return Vec::new();
    }
    let (more, less) = (now.difference(&then), then.difference(&now));
    let lines: Vec<String> = more.map(|line| format!("+ {line}")).chain(less.map(|line| format!("- {line}"))).collect();
    vec![violation("same-end", lines.join("\n        "))]
}

/// Holds a run in which somebody else changed the world against the world that they made, left alone and worked on.
pub fn check_meddled(place: &Place, clean: &Clean, story: &Story) -> Vec<Violation> {
    let Some(changed) = &story.changed else { return Vec::new() };
    let again =
        Place { name: place.name.clone(), desired: place.desired.clone(), world: changed.clone(), earlier: None };
    let reference = live(&again, &clean.probes, &Plot::Clean);
    let mut left = LeftAlone::new(changed.clone(), clean.probes.clone());
    let given_up: BTreeSet<usize> = losses(&reference, &mut left).into_iter().map(|(probe, _)| probe).collect();
    let since = after(story, changed);
    let lost = since.into_iter().flat_map(|moment| {
        let alone = left.at(moment.when).clone();
        let worse = alone.into_iter().zip(&moment.answers).enumerate().filter_map(|(probe, (alone, now))| {
            super::service::is_worse(&alone, now)
                .then(|| (probe, format!("{}: {now:?} instead of {alone:?}", moment.what)))
        });
        worse.collect::<Vec<_>>()
    });
    let mut found: Vec<Violation> = lost
        .filter(|(probe, _)| !clean.given_up.contains(probe) && !given_up.contains(probe))
        .map(|(probe, how)| violation("service", format!("{}: {how}", clean.probes[probe].name)))
        .take(1)
        .collect();
    let (known, registered) = (ids(&format!("{changed:?}")), registered(changed));
    let canonical = |call: &Exchange| canonical(call, &known, &registered);
    let both: BTreeSet<String> = taken(&reference.calls).chain(taken(&clean.story.calls)).map(canonical).collect();
    for call in taken(&story.calls).filter(|call| destroys(&call.operation)) {
        if !both.contains(&canonical(call)) {
            found.push(violation("destroyed", format!("{} {}", call.operation, short(&call.asked))));
        }
    }
    if let Some(ended) = story.ends.first().and_then(End::ended) {
        let unsound = ended.steps(|result| result != Some(&StepResult::Done));
        if ended.exit == Exit::Sound && !unsound.is_empty() {
            found.push(violation("exit", format!("0, and not done: {unsound:?}")));
        }
    }
    let is_still = reference.ends.last().is_none_or(End::is_silent);
    if is_still {
        found.extend(convergence(story, 0, None));
    }
    found
}

fn after<'a>(story: &'a Story, changed: &World) -> Vec<&'a super::run::Moment> {
    story.moments.iter().filter(|moment| moment.when >= changed.now()).collect()
}

/// Enough of a request to know it by.
fn short(asked: &str) -> String {
    asked.replace("%2F", "/").replace("%3A", ":").chars().take(400).collect()
}

/// The steps of the clean run, for whoever chooses among them.
pub fn has_steps(clean: &Clean) -> usize {
    clean.steps.len()
}
