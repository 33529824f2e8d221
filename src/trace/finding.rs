//! What is wrong at a hop: the codes of the catalogue that the evidence leaves, the evidence, and the fix.

use std::collections::BTreeSet;

use crate::model::TargetKey;

use super::catalogue::{Code, entry, named};
use super::end::End;

/// What a finding does to the requests of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Some of them fail, or reach a wrong app.
    Breaks,
    /// Every one is answered, with less capacity than is wanted.
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

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The codes that the evidence cannot separate; none: the catalogue has no number for it.
    pub codes: BTreeSet<Code>,
    /// The name of the first code, or of what has no number.
    pub name: &'static str,
    /// Live values and ids that prove it.
    pub evidence: String,
    /// What to do, and whose it is.
    pub fix: String,
    /// The step of the plan that mends it; the caller knows plans.
    pub step: Option<String>,
    /// What it does to requests.
    pub effect: Effect,
    /// The targets that it concerns; `None`: all requests of the path. Where others answer every request, it only degrades
    /// the path. Empty: targets that are missing.
    pub(super) only: Option<BTreeSet<TargetKey>>,
}

impl Finding {
    /// One code: the evidence excludes its siblings.
    pub(super) fn of(code: Code, evidence: impl Into<String>) -> Self {
        Self::among([code], evidence)
    }

    /// A set that the evidence cannot separate; the first names it.
    pub(super) fn among<const N: usize>(codes: [Code; N], evidence: impl Into<String>) -> Self {
        Self::among_all(codes.to_vec(), evidence)
    }

    /// As [`Self::among`]; an empty list is none of the catalogue's.
    pub(super) fn among_all(codes: Vec<Code>, evidence: impl Into<String>) -> Self {
        let entries: Vec<_> = codes.iter().filter_map(|code| entry(*code)).collect();
        let name = entries.first().map_or("unnamed", |entry| entry.name);
        let fix = match entries.as_slice() {
            [only] => only.fix.to_owned(),
            several => several
                .iter()
                .map(|entry| format!("{} {}: {}", entry.code, entry.name, entry.fix))
                .collect::<Vec<_>>()
                .join("; or "),
        };
        let evidence = evidence.into();
        Self { codes: codes.into_iter().collect(), ..Self::unnumbered(name, evidence, &fix) }
    }

    /// Something that the catalogue has no number for. Its name has an entry of its own there.
    pub(super) fn unnumbered(name: &'static str, evidence: impl Into<String>, fix: &str) -> Self {
        Self {
            codes: BTreeSet::new(),
            name,
            evidence: evidence.into(),
            fix: fix.to_owned(),
            step: None,
            effect: Effect::Breaks,
            only: None,
        }
    }

    /// What it is, or each of the things that it may be.
    pub fn names(&self) -> Vec<&'static str> {
        let names: Vec<_> = self.codes.iter().filter_map(|code| entry(*code)).map(|entry| entry.name).collect();
        if names.is_empty() { vec![self.name] } else { names }
    }

    /// The AWS operations that mend it in a plan.
    pub fn mended_by(&self) -> Vec<&'static str> {
        let by_codes = self.codes.iter().filter_map(|code| entry(*code)).flat_map(|entry| entry.mended_by);
        let by_name =
            if self.codes.is_empty() { named(self.name).map_or(&[][..], |entry| entry.mended_by) } else { &[] };
        by_codes.chain(by_name).copied().collect()
    }

    /// Whether it concerns every request of the path, and not those to some targets alone. Such a finding only degrades a path
    /// whose requests do not take it, and are answered elsewhere.
    pub fn concerns_all(&self) -> bool {
        self.only.is_none()
    }

    /// It concerns these targets alone.
    pub(super) fn about(mut self, targets: impl IntoIterator<Item = TargetKey>) -> Self {
        self.only = Some(targets.into_iter().collect());
        self
    }

    /// It concerns requests to one receiver; to all that there may be, while no task runs.
    pub(super) fn about_end(mut self, end: &End) -> Self {
        self.only = end.key.clone().map(|key| [key].into());
        self
    }

    /// It concerns tasks or targets that are missing.
    pub(super) fn about_missing(self) -> Self {
        self.about([])
    }

    /// A fix that knows more than the catalogue's.
    pub(super) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }
}

/// Adds a finding. One with the same codes stays the only one, and is about the targets of both.
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
