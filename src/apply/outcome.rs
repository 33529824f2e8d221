//! What became of every step.

use std::collections::BTreeMap;

use crate::model::ObjectRef;
use crate::plan::StepId;

use super::port::AwsError;

/// The end of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// AWS took it.
    Done,
    /// AWS refused it.
    Failed(AwsError),
    /// A step before it was not done.
    Skipped {
        /// That step.
        because: StepId,
    },
    /// The thing had changed since it was read: nothing was sent.
    Stale(String),
    /// The run was interrupted before it.
    Cancelled,
}

/// A result for every step of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a failed step is only known from here"]
pub struct Outcome {
    /// By step.
    pub results: BTreeMap<StepId, StepResult>,
    /// The deployments that steps began, by service: `ecs-svc/…`.
    pub deployments: BTreeMap<ObjectRef, String>,
}
