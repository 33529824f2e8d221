//! The plan as a value: what to do, what not to do and why, and what it all amounts to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::{Gap, ObjectRef, PathName, TargetGroupArn};

use super::action::Action;
use super::field::Field;
use super::reason::Reason;

/// Number of a step in its plan, written `s0`, `s1`, …; steps are numbered in an order in which they may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepId(pub usize);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// One differing field, as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The field, in the manifest's words, such as `healthCheck.path`.
    pub field: Field,
    /// What stands; `None`: nothing.
    pub live: Option<String>,
    /// What should stand; `None`: nothing.
    pub desired: Option<String>,
}

impl Change {
    /// A field that is `live` and should be `desired`.
    pub(super) fn of(field: Field, live: Option<String>, desired: Option<String>) -> Self {
        Self { field, live, desired }
    }
}

/// One mutating call of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// The call.
    pub action: Action,
    /// The object of the manifest it is for; the Fleet, for what no object names any more.
    pub object: ObjectRef,
    /// The AWS resource it changes: id, ARN or name.
    pub target: String,
    /// What it does, in one line.
    pub summary: String,
    /// Why, with the evidence.
    pub reason: String,
    /// The fields that change.
    pub changes: Vec<Change>,
    /// The steps that must be done before.
    pub after: BTreeSet<StepId>,
    /// It starts an ECS deployment.
    pub redeploys: bool,
    /// It removes something, or lowers a count.
    pub removes: bool,
    /// Who gets requests by it that something serves now.
    pub receivers: Receivers,
}

/// Receivers of requests: of the target groups in each of these sets, one had a healthy target when the plan was made, which
/// is why traffic may move to it (R2a). It is asked again just before the call.
pub type Receivers = BTreeSet<BTreeSet<TargetGroupArn>>;

/// What a blocked entry waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitingOn {
    /// Something that could not be read: counts as incomplete, not as a difference.
    Gap(Gap),
    /// As [`Self::Gap`], of a step that could take something away: `cost` says what is not known without it.
    Unread {
        /// What could not be read.
        gap: Gap,
        /// A clause, such as `until it is read, nobody knows whether this step breaks …`.
        cost: String,
    },
    /// The object's `mode: observe`: a known difference that is shown and not repaired.
    ObserveMode,
    /// Anything else: a known difference that no step repairs now.
    Difference(Reason),
}

impl fmt::Display for WaitingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap(gap) => f.write_str(&unread(gap)),
            Self::Unread { gap, cost } => write!(f, "{}; {cost}", unread(gap)),
            Self::ObserveMode => f.write_str("mode is observe: differences are shown, not repaired"),
            Self::Difference(reason) => reason.fmt(f),
        }
    }
}

impl WaitingOn {
    /// A known difference that no step repairs now.
    pub fn difference(reason: impl Into<Reason>) -> Self {
        Self::Difference(reason.into())
    }

    /// Whether it is known that something differs.
    pub fn is_difference(&self) -> bool {
        match self {
            Self::ObserveMode | Self::Difference(_) => true,
            Self::Gap(_) | Self::Unread { .. } => false,
        }
    }

    /// The reason.
    pub fn because(&self) -> String {
        match self {
            Self::Gap(gap) => not_read(gap),
            Self::Unread { gap, cost } => format!("{}; {cost}", not_read(gap)),
            Self::ObserveMode => self.to_string(),
            Self::Difference(reason) => reason.because.clone(),
        }
    }

    /// The way out, where the entry knows one.
    pub fn to_unblock(&self) -> Option<String> {
        match self {
            Self::Gap(gap) | Self::Unread { gap, .. } => gap.permission().map(allow),
            Self::ObserveMode => None,
            Self::Difference(reason) => reason.to_unblock.clone(),
        }
    }
}

/// Such as `ecs:DescribeServices could not be read (AccessDeniedException); allow the IAM action ecs:DescribeServices`.
fn unread(gap: &Gap) -> String {
    let permission = gap.permission().map(|action| format!("; {}", allow(action)));
    format!("{}{}", not_read(gap), permission.unwrap_or_default())
}

fn not_read(gap: &Gap) -> String {
    format!("{} could not be read ({})", gap.call, gap.why)
}

fn allow(action: &str) -> String {
    format!("allow the IAM action {action}")
}

/// A difference that the plan leaves, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The object.
    pub object: ObjectRef,
    /// What is different, or what would have been done.
    pub what: String,
    /// What has to happen first.
    pub waiting_on: WaitingOn,
    /// The call of a step that was withheld.
    pub action: Option<Action>,
    /// The fields of a step that was withheld.
    pub changes: Vec<Change>,
}

/// What a later pass does by itself, once something has happened that no step brings about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The object.
    pub object: ObjectRef,
    /// What will be done.
    pub what: String,
    /// What it waits for.
    pub because: String,
}

/// What is left to its rightful owner; counts as in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deferred {
    /// The object.
    pub object: ObjectRef,
    /// What is left alone.
    pub what: String,
    /// Whose it is, such as `application-autoscaling`.
    pub owner: String,
}

/// Something worth knowing that is no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The object.
    pub object: ObjectRef,
    /// The sentence.
    pub what: String,
}

/// What tracing found broken and a step mends. The planner knows nothing of it: [`crate::pass`] fills it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// The codes that the evidence leaves, such as `M01`; none: the catalogue has no number for it.
    pub codes: Vec<String>,
    /// The name of the first code, such as `target-group-closed-to-load-balancer`.
    pub name: String,
    /// The hop at which it shows, such as `target-security-group`.
    pub hop: String,
    /// Live values and ids that prove it.
    pub evidence: String,
    /// The paths that it breaks.
    pub paths: BTreeSet<PathName>,
}

/// What one pass found and would do. Zero steps alone never means "in sync".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "an unread plan is not actionable"]
pub struct Plan {
    /// In an order in which they may run; `after` says which orders are allowed.
    pub steps: Vec<Step>,
    /// Differences that stay, and why.
    pub blocked: Vec<Blocked>,
    /// What later passes do.
    pub planned: Vec<Planned>,
    /// What is left to others.
    pub deferred: Vec<Deferred>,
    /// Objects that were looked at and are fine.
    pub unchanged: Vec<ObjectRef>,
    /// Remarks.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub gaps: Vec<(String, Gap)>,
    /// Those of `gaps` that are of the network around the paths alone, which only [`crate::pass`] reads: they hide nothing of
    /// what may be removed.
    pub gaps_around: Vec<(String, Gap)>,
    /// What is broken now and mended by a step, as far as paths were traced.
    pub mends: BTreeMap<StepId, Vec<Mend>>,
}

/// What a pass amounts to; the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A step failed.
    Failed,
    /// There are steps that were not carried out, or that a later pass takes.
    Pending,
    /// A known difference that no step mends.
    Blocked,
    /// Something could not be read, and nothing else differs.
    Incomplete,
    /// Everything was carried out.
    Applied,
    /// Nothing to do.
    InSync,
}

impl Verdict {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Incomplete => "incomplete",
            Self::Applied => "applied",
            Self::InSync => "in-sync",
        }
    }
}

impl Plan {
    /// The verdict of a plan that is not carried out.
    pub fn verdict(&self) -> Verdict {
        if !self.steps.is_empty() || !self.planned.is_empty() {
            return Verdict::Pending;
        }
        self.verdict_without_steps().unwrap_or(Verdict::InSync)
    }

    /// What stays besides the steps and what is planned: blocked, incomplete, or nothing.
    pub fn verdict_without_steps(&self) -> Option<Verdict> {
        let differs = |entry: &Blocked| entry.waiting_on.is_difference();
        if self.blocked.iter().any(differs) {
            Some(Verdict::Blocked)
        } else if !self.blocked.is_empty() || !self.gaps.is_empty() {
            Some(Verdict::Incomplete)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_and_its_way_out_are_kept_apart_whatever_is_in_them() {
        let suspended = WaitingOn::difference("suspended until Monday: moving; ask Kim");
        assert_eq!(suspended.because(), "suspended until Monday: moving; ask Kim");
        assert_eq!(suspended.to_unblock(), None);
        let taken =
            WaitingOn::difference(Reason::new("priority 10 is taken", "choose another one; or delete that one"));
        assert_eq!(taken.because(), "priority 10 is taken");
        assert_eq!(taken.to_unblock().as_deref(), Some("choose another one; or delete that one"));
        assert_eq!(taken.to_string(), "priority 10 is taken; choose another one; or delete that one");
    }

    #[test]
    fn what_was_not_read_names_the_action_to_allow_apart_from_the_reason() {
        let gap = Gap { call: "ecs:DescribeServices".to_owned(), why: "AccessDenied".to_owned() };
        let unread = WaitingOn::Unread { gap, cost: "until it is read, nobody knows".to_owned() };
        assert_eq!(
            unread.because(),
            "ecs:DescribeServices could not be read (AccessDenied); until it is read, nobody knows"
        );
        assert_eq!(unread.to_unblock().as_deref(), Some("allow the IAM action ecs:DescribeServices"));
        assert!(!unread.is_difference() && WaitingOn::ObserveMode.is_difference());
    }
}
