//! What the service tells while it runs, and how a pass ended.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::manifest::Problem;
use crate::model::{Desired, ObjectRef};
use crate::plan::{ScopeError, Verdict};
use crate::report::Report;

use super::event_queue::Tally;
use super::reachability::Reach;
use super::{ForeignChange, Vanished};

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It came to a plan, and as far as it was allowed to.
    Planned(Report),
    /// These credentials or this region do not match the fleet.
    OutOfScope(Vec<ScopeError>),
    /// It took too long; what was planned by then, if anything.
    Overran(Option<Report>),
    /// A bug.
    Panicked,
    /// The service stops: it had not come to a plan yet.
    Interrupted,
}

impl Ended {
    /// The report, if there is one.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Planned(report) | Self::Overran(Some(report)) => Some(report),
            Self::OutOfScope(_) | Self::Overran(None) | Self::Panicked | Self::Interrupted => None,
        }
    }

    /// The word for metrics and the log: the verdict where there is one.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Planned(report) => report.verdict().as_str(),
            Self::OutOfScope(_) => Verdict::Failed.as_str(),
            Self::Overran(_) => "overran",
            Self::Panicked => "panicked",
            Self::Interrupted => "interrupted",
        }
    }

    /// The whole fleet was read, without a gap.
    pub fn is_complete(&self) -> bool {
        self.report().is_some_and(|report| report.plan.gaps.is_empty())
    }
}

/// One pass, when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Counted from 1.
    pub number: u64,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub ended: Ended,
    /// When the events that it took in were sent, those that it settled.
    pub heard: Vec<Timestamp>,
    /// How long it had been due when it began.
    pub waited: Duration,
    /// Requests of the work queue that have not begun, when it ended.
    pub queued: usize,
    /// What the paths of objects came to before its steps; `None` where it traced nothing.
    pub reach: Option<BTreeMap<ObjectRef, Reach>>,
}

/// What the service tells while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A pass is over.
    Passed(&'a Desired, &'a Pass),
    /// The files hold a manifest that is in force, from now on or still; with what it no longer has, if it is another one.
    Reloaded(&'a Desired, Option<&'a Vanished>),
    /// The manifest cannot be used; the last good one stays in force.
    Refused(&'a [Problem]),
    /// Resources that are tagged for this fleet changed, and this service did not change them.
    ChangedByOthers(&'a [ForeignChange]),
    /// Messages of the events queue were read.
    Received(&'a Tally),
}

/// One line for each pass.
pub(super) fn log(pass: &Pass) {
    let (verdict, seconds) = (pass.ended.word(), pass.took.as_secs_f64());
    match &pass.ended {
        Ended::Planned(report) => {
            let gaps = report.plan.gaps.len();
            tracing::info!(verdict, seconds, gaps, summary = report.headline(), "pass finished");
        }
        Ended::OutOfScope(errors) => {
            let first = errors.first().map(|error| error.message.as_str()).unwrap_or_default();
            tracing::error!(verdict, seconds, error = first, "no pass over this fleet was possible");
        }
        Ended::Overran(_) | Ended::Panicked => tracing::error!(verdict, seconds, "pass failed"),
        Ended::Interrupted => tracing::info!(verdict, seconds, "pass interrupted"),
    }
}
