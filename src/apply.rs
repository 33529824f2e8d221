//! Carries a plan out: a walk of its graph, with a result for every step and no decision about a resource.

pub mod outcome;
pub mod port;

pub use outcome::{Outcome, StepResult};
pub use port::{AwsError, ErrorKind, Observe, Outputs, Perform, Performed};
