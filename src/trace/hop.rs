//! The hops of a path in the order in which a request passes them, and the result of each.

use std::collections::BTreeSet;

use crate::model::{Gap, TargetKey};

use super::finding::{Effect, Finding};
pub use super::hop_id::HopId;

/// The result of a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Examined, without findings.
    Ok,
    /// A fault; the findings describe it.
    Broken,
    /// Unknown because of a failed read.
    Unknown(Gap),
    /// Tasks are starting and no target can answer yet; since when, and the limit.
    Starting(String),
    /// Not examined, and why.
    Skipped(String),
}

impl State {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Broken => "broken",
            Self::Unknown(_) | Self::Starting(_) => "unknown",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// A hop as examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Its place on the path.
    pub id: HopId,
    /// The result.
    pub state: State,
    /// Live values and ids that show it.
    pub evidence: String,
    /// The faults, the likeliest first.
    pub findings: Vec<Finding>,
}

/// A result that is not yet assigned to a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Examined {
    pub(super) state: State,
    pub(super) evidence: String,
    pub(super) findings: Vec<Finding>,
    /// A failed read in addition to the findings.
    pub(super) gap: Option<Gap>,
}

impl Examined {
    pub(super) fn ok(evidence: impl Into<String>) -> Self {
        Self { state: State::Ok, evidence: evidence.into(), findings: Vec::new(), gap: None }
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        let why = why.into();
        Self { state: State::Skipped(why.clone()), evidence: why, findings: Vec::new(), gap: None }
    }

    pub(super) fn unknown(gap: Gap) -> Self {
        let evidence = format!("{} could not be read ({})", gap.call, gap.why);
        Self { state: State::Unknown(gap), evidence, findings: Vec::new(), gap: None }
    }

    pub(super) fn starting(since: impl Into<String>) -> Self {
        let evidence = since.into();
        Self { state: State::Starting(evidence.clone()), evidence, findings: Vec::new(), gap: None }
    }

    /// Every read succeeded, but the result cannot be determined.
    pub(super) fn undecided(why: impl Into<String>) -> Self {
        let why = why.into();
        let gap = Gap { call: "rules".to_owned(), why: why.clone() };
        Self { state: State::Unknown(gap), evidence: why, findings: Vec::new(), gap: None }
    }

    pub(super) fn broken(finding: Finding) -> Self {
        Self { state: State::Broken, evidence: finding.evidence.clone(), findings: vec![finding], gap: None }
    }

    /// Broken if there are findings, otherwise unknown if a read failed, otherwise ok.
    pub(super) fn of(findings: Vec<Finding>, gap: Option<Gap>, evidence: impl Into<String>) -> Self {
        match (findings.first(), gap) {
            (Some(first), gap) => Self { state: State::Broken, evidence: first.evidence.clone(), findings, gap },
            (None, Some(gap)) => Self::unknown(gap),
            (None, None) => Self::ok(evidence),
        }
    }
}

impl Examined {
    /// No request needs this hop, so its findings only degrade the path.
    pub(super) fn answered_all_the_same(mut self) -> Self {
        self.findings.iter_mut().for_each(|finding| finding.effect = Effect::Degrades);
        self
    }

    /// Sets the effect of the findings: those about targets that no request needs only degrade the path.
    pub(super) fn weighed(mut self, is_answered_without: impl Fn(&BTreeSet<TargetKey>) -> bool) -> Self {
        for finding in &mut self.findings {
            if finding.only.as_ref().is_some_and(&is_answered_without) {
                finding.effect = Effect::Degrades;
            }
        }
        let breaks = self.findings.iter().any(|finding| finding.effect == Effect::Breaks);
        if self.state == State::Broken && !breaks {
            self.state = self.gap.take().map_or(State::Ok, State::Unknown);
        }
        self
    }
}

/// Whether a hop of the list is broken.
pub(super) fn is_broken(hops: &[Hop], id: HopId) -> bool {
    hops.iter().any(|hop| hop.id == id && hop.state == State::Broken)
}
