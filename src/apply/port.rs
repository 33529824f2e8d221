//! The two ports to the world, at the level of the domain: one that reads and one that writes. A dry run is the
//! absence of the second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;

use futures_util::stream::LocalBoxStream;

use crate::model::{Answer, ObjectRef, Observed, Queries, TargetGroupArn};
use crate::plan::{Action, Output, Receivers};

/// Reads AWS.
pub trait Read {
    /// The region that is asked.
    fn region(&self) -> &str;

    /// Asks questions of one kind, in as few calls as AWS allows. Answers come as they arrive, in any order; what comes along with
    /// them is answered, too. Never fails: what could not be read is unknown. `known` is what was answered before: some questions
    /// take that.
    fn read<'r>(&'r self, queries: Queries, known: &Observed) -> Answers<'r>;

    /// Calls of Elastic Load Balancing so far: all draw on one bucket of the account.
    fn balancing_calls(&self) -> u64;
}

/// Answers, as they arrive.
pub type Answers<'r> = LocalBoxStream<'r, Answer>;

/// Writes AWS.
pub trait Perform {
    /// Sends one action. Removals, and edits of a thing that another client may have changed meanwhile, are read
    /// again first.
    fn perform(&self, action: &Action, outputs: &Outputs) -> impl Future<Output = Result<Performed, AwsError>>;

    /// The first of these sets of target groups of which none has a healthy target any more, if there is one.
    fn idle<'a>(
        &self,
        receivers: &'a Receivers,
    ) -> impl Future<Output = Result<Option<&'a BTreeSet<TargetGroupArn>>, AwsError>>;
}

/// What earlier steps answered, by the object they were for.
pub type Outputs = BTreeMap<ObjectRef, Output>;

/// The end of a step that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Performed {
    /// Sent and accepted, or found to stand already.
    Done(Option<Output>),
    /// The thing is no longer what the planner saw: nothing was sent, the next pass decides.
    Stale(String),
}

/// What an AWS error means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// Too many calls.
    Throttled,
    /// A server error, a time-out or a broken connection; whether a write took effect is open.
    Transient,
    /// The thing is not there.
    NotFound,
    /// It exists already, or another client changed it at the same time.
    Conflict,
    /// Something still uses it.
    InUse,
    /// Not allowed.
    Denied,
    /// No credentials, or expired ones.
    Credentials,
    /// AWS does not take these values.
    Invalid,
    /// A quota is reached.
    Quota,
    /// Anything else.
    Other,
}

/// An error of AWS as data. Holds no request and no answer, so that nothing secret can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// The call with its IAM prefix, such as `ecs:UpdateService`.
    pub call: String,
    /// What it means.
    pub kind: ErrorKind,
    /// AWS's error code, such as `AccessDeniedException`; `Timeout` or `Dispatch` where none arrived.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// AWS's request id.
    pub request_id: Option<String>,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for AwsError {}
