//! A fault at a hop: the catalogue codes that the evidence leaves open, the evidence, and the fix.

use std::collections::BTreeSet;

use crate::model::TargetKey;

use super::catalogue::{self, Code, Named, named};
use super::end::End;

/// Several things in one text.
pub(super) fn list<T: ToString>(all: &BTreeSet<T>) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a finding does to the requests of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Some of them fail, or reach the wrong app.
    Breaks,
    /// All are answered, but with less capacity than desired.
    Degrades,
}

impl Effect {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Breaks => "breaks",
            Self::Degrades => "degrades",
        }
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The codes that the evidence cannot tell apart; empty: the fault has no number.
    pub codes: BTreeSet<Code>,
    /// The name of the first code, or of the fault without a number.
    pub name: &'static str,
    /// Live values and ids that prove the fault.
    pub evidence: String,
    /// What to do.
    pub fix: String,
    /// The step of the plan that repairs it; tracing knows no plan, so the caller sets it.
    pub step: Option<String>,
    /// How it affects requests.
    pub effect: Effect,
    /// The affected targets; `None`: all requests of the path; empty: targets that are missing. If other targets answer every
    /// request, the finding only degrades the path.
    pub(super) only: Option<BTreeSet<TargetKey>>,
}

impl Finding {
    /// One code: the evidence excludes all others.
    pub(super) fn of(code: Code, evidence: impl Into<String>) -> Self {
        Self::among([code], evidence)
    }

    /// Several codes that the evidence cannot tell apart; the first one gives the name.
    pub(super) fn among<const N: usize>(codes: [Code; N], evidence: impl Into<String>) -> Self {
        Self::among_all(codes.to_vec(), evidence)
    }

    /// As [`Self::among`], for a list; an empty list has the name `unnamed`.
    pub(super) fn among_all(codes: Vec<Code>, evidence: impl Into<String>) -> Self {
        let name = codes.first().map_or("unnamed", |code| code.entry().name);
        let fix = match codes.as_slice() {
            [only] => only.entry().fix.to_owned(),
            several => several
                .iter()
                .map(|code| format!("{code} {}: {}", code.entry().name, code.entry().fix))
                .collect::<Vec<_>>()
                .join("; or "),
        };
        Self { codes: codes.into_iter().collect(), ..Self::new(name, evidence.into(), fix) }
    }

    /// A fault without a number, with a fix that is more specific than the catalogue's.
    pub(super) fn unnumbered(fault: &'static Named, evidence: impl Into<String>, fix: &str) -> Self {
        Self::new(fault.name, evidence.into(), fix.to_owned())
    }

    fn new(name: &'static str, evidence: String, fix: String) -> Self {
        Self { codes: BTreeSet::new(), name, evidence, fix, step: None, effect: Effect::Breaks, only: None }
    }

    /// The names of all its codes; the name of the fault if it has no number.
    pub fn names(&self) -> Vec<&'static str> {
        let names: Vec<_> = self.codes.iter().map(|code| code.entry().name).collect();
        if names.is_empty() { vec![self.name] } else { names }
    }

    /// Former names of [`Self::name`], for programs that match an old name.
    pub fn aliases(&self) -> &'static [&'static str] {
        catalogue::aliases(self.name)
    }

    /// The AWS operations with which a plan repairs it.
    pub fn repaired_by(&self) -> Vec<&'static str> {
        let by_codes = self.codes.iter().flat_map(|code| code.entry().repaired_by);
        let by_name =
            if self.codes.is_empty() { named(self.name).map_or(&[][..], |entry| entry.repaired_by) } else { &[] };
        by_codes.chain(by_name).copied().collect()
    }

    /// Whether it concerns every request of the path, and not those to some targets alone. Such a finding only degrades a path
    /// whose requests do not take it, and are answered elsewhere.
    pub fn concerns_all(&self) -> bool {
        self.only.is_none()
    }

    /// Limits it to these targets.
    pub(super) fn about(mut self, targets: impl IntoIterator<Item = TargetKey>) -> Self {
        self.only = Some(targets.into_iter().collect());
        self
    }

    /// Limits it to one receiver; while no task runs, it concerns every receiver.
    pub(super) fn about_end(mut self, end: &End) -> Self {
        self.only = end.key.clone().map(|key| [key].into());
        self
    }

    /// Limits it to tasks or targets that are missing.
    pub(super) fn about_missing(self) -> Self {
        self.about([])
    }

    /// Replaces the catalogue's fix by a more specific one.
    pub(super) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }
}

/// Adds a finding. If one with the same codes exists, it stays and covers the targets of both.
pub(super) fn add(findings: &mut Vec<Finding>, finding: Finding) {
    let Some(known) = findings.iter_mut().find(|known| known.codes == finding.codes) else {
        findings.push(finding);
        return;
    };
    known.only = match (known.only.take(), finding.only) {
        (Some(known), Some(more)) => Some(known.union(&more).cloned().collect()),
        (None, _) | (_, None) => None,
    };
}
