//! The two ports to the world, at the level of the domain: one that reads and one that writes. A dry run is the
//! absence of the second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::model::{
    Desired, GroupId, ObjectRef, Observed, Question, Scope, Seen, Standing, Target, TargetGroupArn, Vicinity,
};
use crate::plan::{Action, Output, Receivers};

/// Reads AWS.
pub trait Observe {
    /// Reads everything that planning `desired` needs. Never fails: what could not be read is a gap.
    fn observe(&self, desired: &Desired) -> impl Future<Output = Observed>;

    /// Reads the network around everything that `desired` leads to, which tracing needs besides; `observed` is what was
    /// read already. Never fails either. A reader that reads nothing here leaves every path unknown.
    fn surroundings(&self, desired: &Desired, observed: &Observed) -> impl Future<Output = Observed> {
        let _ = desired;
        std::future::ready(Observed::unasked(&observed.region))
    }
}

/// Reads AWS for those who have no manifest yet.
pub trait Find: Observe {
    /// The services of clusters, and the target groups that they may name.
    fn standing(&self, scope: &Scope) -> impl Future<Output = Standing>;

    /// Adds the ingress of further groups to a reading: those of instances are known only when the instances are.
    fn ingress_too(&self, groups: &BTreeSet<GroupId>, observed: &mut Observed) -> impl Future<Output = ()>;
}

/// Reads AWS again and again.
pub trait Watch: Observe {
    /// Reads what [`Observe::observe`] reads. A question whose answer is known from before is asked again only when it
    /// is among `renew`.
    fn watch(&self, desired: &Desired, renew: &BTreeSet<Question>) -> impl Future<Output = Watched>;

    /// Asks these questions again, puts their answers in place, and asks what follows from them.
    fn renew(
        &self,
        desired: &Desired,
        watched: &mut Watched,
        questions: &BTreeSet<Question>,
    ) -> impl Future<Output = ()>;

    /// Asks the health of these target groups, and keeps it for the next [`Self::watch`].
    fn ask_health(
        &self,
        groups: &BTreeSet<TargetGroupArn>,
    ) -> impl Future<Output = BTreeMap<TargetGroupArn, Seen<Vec<Target>>>>;
}

/// What one of many looks showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The reading.
    pub observed: Observed,
    /// For each kept answer in it, how long ago it arrived.
    pub ages: BTreeMap<Question, Duration>,
    /// Calls of Elastic Load Balancing that the last reading or renewal took: all draw on one bucket of the account.
    pub balancing_calls: u64,
}

/// Reads AWS for those who trace again and again, without getting in the way of those who plan.
pub trait Surround {
    /// Reads the network around. What the vicinity knows already is not asked; attributes of the other load balancers and
    /// target groups are asked for one a second.
    fn around(&self, vicinity: Vicinity) -> impl Future<Output = Observed>;
}

/// Writes AWS.
pub trait Perform {
    /// Sends one action. Removals, and edits of a thing that somebody else may have changed meanwhile, are read
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
    /// It is there already, or somebody changed it at the same time.
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
