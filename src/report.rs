//! What a pass tells people and programs: one verdict, and everything behind it.
//!
//! Nothing here prints. [`text`], [`json`], [`junit`], [`sarif`], [`github`] and [`markdown`] turn a [`Report`] into a
//! `String`; all are pure and give the same bytes for the same report.

use std::collections::BTreeMap;

use crate::apply::{Outcome, StepResult};
use crate::model::{Place, without_user_info};
use crate::plan::{Plan, Step, Verdict};

mod broken;
mod entry;
mod fingerprint;
pub mod github;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod place;
mod rollout;
pub mod sarif;
pub mod text;
mod traced;

pub use broken::BrokenPath;
pub use place::{Item, locate};
pub use rollout::{Rollout, RolloutState};
pub use traced::Traced;

/// What went wrong outside of the plan's steps: a manifest, the credentials, the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Error {
    /// The file it is in.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Error {
    /// An error that no file is to blame for.
    pub fn new(message: impl Into<String>, hint: Option<String>) -> Self {
        Self { message: without_user_info(&message.into()).into_owned(), hint, ..Self::default() }
    }
}

/// What one pass found, would do, and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Which fleet and where, as the first line of the text; empty leaves it out.
    pub heading: String,
    /// The plan.
    pub plan: Plan,
    /// What became of it; `None` when it was only shown.
    pub outcome: Option<Outcome>,
    /// Paths that were broken when the pass read them. A pass reads little of the network around paths, so there may be more;
    /// `None`: the paths were not traced.
    pub broken_paths: Option<Vec<BrokenPath>>,
    /// What else went wrong, such as a wait that ran out of time.
    pub errors: Vec<Error>,
    /// The calls that were sent, by their IAM names.
    pub calls: BTreeMap<String, u64>,
    /// Deployments that the run has followed.
    pub rollouts: Vec<Rollout>,
    /// Where the manifest has what the plan says; empty for those who do not show it.
    pub places: BTreeMap<Item, Place>,
    /// What was checked, where that is all: the manifest alone, without AWS.
    pub validated: Option<Validated>,
}

/// A manifest that was checked without AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validated {
    /// The files that it was read from.
    pub files: Vec<String>,
    /// What it declares, in one line.
    pub summary: String,
}

impl Report {
    /// Of a run that did not get as far as a plan.
    pub fn of_errors(errors: &[Error]) -> Self {
        Self { errors: errors.to_vec(), ..Self::default() }
    }

    /// What the pass amounts to; the first that applies.
    pub fn verdict(&self) -> Verdict {
        if !self.errors.is_empty() {
            return Verdict::Failed;
        }
        let Some(outcome) = &self.outcome else { return self.plan.verdict() };
        let results = || self.plan.steps.iter().map(|step| outcome.results.get(&step.id));
        if results().any(|result| matches!(result, Some(StepResult::Failed(_)))) {
            Verdict::Failed
        } else if results().any(|result| result != Some(&StepResult::Done)) || !self.plan.planned.is_empty() {
            Verdict::Pending
        } else if let Some(verdict) = self.plan.verdict_without_steps() {
            verdict
        } else if self.plan.steps.is_empty() {
            Verdict::InSync
        } else {
            Verdict::Applied
        }
    }

    /// The verdict and its size in a few words, such as `pending: 4 steps to apply`.
    pub fn headline(&self) -> String {
        match self.valid() {
            Some(_) => "valid".to_owned(),
            None => format!("{}: {}", self.verdict().as_str(), self.explain(self.verdict())),
        }
    }

    /// The verdict's word. A manifest that was only checked is valid; whether the fleet is in sync is another question.
    fn verdict_word(&self) -> &'static str {
        if self.valid().is_some() { "valid" } else { self.verdict().as_str() }
    }

    /// The check of a manifest that found nothing.
    fn valid(&self) -> Option<&Validated> {
        self.validated.as_ref().filter(|_| self.errors.is_empty())
    }

    /// The verb that the documents for CI are named after.
    fn verb(&self) -> &'static str {
        if self.validated.is_some() { "validate" } else { "drift" }
    }

    /// The last line of a document: what it amounts to.
    fn closing(&self) -> String {
        match self.valid() {
            Some(validated) => validated.summary.clone(),
            None if self.errors.is_empty() => match text::render_broken(self) {
                Some(broken) => format!("{} {broken}", text::render_summary(self)),
                None => text::render_summary(self),
            },
            None => self.headline(),
        }
    }

    /// What an interrupted run did, in a few words.
    pub fn progress(&self) -> String {
        let done = Tally::of(self).done;
        match self.plan.steps.len() - done {
            0 if done == 0 => "no changes were needed".to_owned(),
            0 => format!("{} done", steps(done)),
            left => format!("{} done, {left} not done", steps(done)),
        }
    }

    fn explain(&self, verdict: Verdict) -> String {
        let tally = Tally::of(self);
        let all = self.plan.steps.len();
        match verdict {
            Verdict::Failed if tally.failed > 0 => match tally.skipped {
                0 => format!("{} of {} failed", tally.failed, steps(all)),
                skipped => format!("{} of {} failed, {skipped} skipped", tally.failed, steps(all)),
            },
            Verdict::Failed => count(self.errors.len(), "error", "errors"),
            Verdict::Pending if tally.done == all && !self.plan.planned.is_empty() => {
                let later = format!("{} left to later runs", count(self.plan.planned.len(), "change", "changes"));
                if all == 0 { later } else { format!("{} applied, {later}", steps(all)) }
            }
            Verdict::Pending if self.outcome.is_none() => format!("{} to apply", steps(all)),
            Verdict::Pending => format!("{} of {} not applied", all - tally.done, steps(all)),
            Verdict::Blocked => {
                let left = count(self.plan.blocked.len(), "difference", "differences");
                if tally.done == 0 { format!("{left} left") } else { format!("{} applied, {left} left", steps(all)) }
            }
            Verdict::Incomplete => {
                let unread = self.plan.gaps.len().max(self.plan.blocked.len());
                format!("{} could not be read", count(unread, "thing", "things"))
            }
            Verdict::Applied => steps(all),
            Verdict::InSync => "no changes needed".to_owned(),
        }
    }

    fn result_of(&self, step: &Step) -> Option<&StepResult> {
        self.outcome.as_ref()?.results.get(&step.id)
    }
}

/// How many steps came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    done: usize,
    failed: usize,
    skipped: usize,
    stale: usize,
    cancelled: usize,
}

impl Tally {
    fn of(report: &Report) -> Self {
        let mut tally = Self::default();
        for step in &report.plan.steps {
            match report.result_of(step) {
                Some(StepResult::Done) => tally.done += 1,
                Some(StepResult::Failed(_)) => tally.failed += 1,
                Some(StepResult::Skipped { .. }) => tally.skipped += 1,
                Some(StepResult::Stale(_)) => tally.stale += 1,
                Some(StepResult::Cancelled) => tally.cancelled += 1,
                None => {}
            }
        }
        tally
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

fn steps(number: usize) -> String {
    count(number, "step", "steps")
}
