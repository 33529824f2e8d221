//! A plan while it is being drawn up: steps without numbers, and everything the plan leaves.

use std::collections::BTreeSet;

use crate::model::{Gap, GroupId, ObjectRef, Seen, TargetGroupArn};

use super::action::{Action, Ref};
use super::change::{Blocked, Change, Deferred, Finding, Planned, Receivers, WaitingOn};
use super::reason::Reason;

/// Position of a draft in [`Drafts::steps`].
pub(super) type DraftId = usize;

/// A step without a number.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) action: Action,
    pub(super) object: ObjectRef,
    /// Other objects that the step concerns: what holds one of them back holds the step back.
    pub(super) also: BTreeSet<ObjectRef>,
    pub(super) target: String,
    pub(super) summary: String,
    pub(super) reason: String,
    pub(super) changes: Vec<Change>,
    /// Steps that must be done before, in addition to those whose output the action names.
    pub(super) after: BTreeSet<DraftId>,
    pub(super) redeploys: bool,
    pub(super) removes: bool,
    /// Why it must wait, where that was found after it was drawn up.
    pub(super) held: Option<WaitingOn>,
    /// Who gets requests by it that something serves now.
    pub(super) receivers: Receivers,
}

/// Everything that the kinds contribute.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) steps: Vec<Draft>,
    pub(super) blocked: Vec<Blocked>,
    pub(super) planned: Vec<Planned>,
    pub(super) deferred: Vec<Deferred>,
    pub(super) findings: Vec<Finding>,
}

impl Drafts {
    pub(super) fn push(&mut self, draft: Draft) -> DraftId {
        self.steps.push(draft);
        self.steps.len() - 1
    }

    pub(super) fn block(&mut self, object: &ObjectRef, what: impl Into<String>, waiting_on: WaitingOn) {
        let entry =
            Blocked { object: object.clone(), what: what.into(), waiting_on, action: None, changes: Vec::new() };
        if !self.blocked.contains(&entry) {
            self.blocked.push(entry);
        }
    }

    pub(super) fn block_on(&mut self, object: &ObjectRef, what: impl Into<String>, reason: impl Into<Reason>) {
        self.block(object, what, WaitingOn::difference(reason));
    }

    pub(super) fn plan_later(&mut self, object: &ObjectRef, what: impl Into<String>, because: impl Into<String>) {
        let entry = Planned { object: object.clone(), what: what.into(), because: because.into() };
        if !self.planned.contains(&entry) {
            self.planned.push(entry);
        }
    }

    pub(super) fn defer(&mut self, object: &ObjectRef, what: impl Into<String>, owner: &str) {
        self.deferred.push(Deferred { object: object.clone(), what: what.into(), owner: owner.to_owned() });
    }

    pub(super) fn find(&mut self, object: &ObjectRef, what: impl Into<String>) {
        let finding = Finding { object: object.clone(), what: what.into() };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Steps that open ports of these groups.
    pub(super) fn opening(&self, groups: &BTreeSet<GroupId>) -> BTreeSet<DraftId> {
        let opens = |action: &Action| matches!(action, Action::AuthorizeSecurityGroupIngress { group, .. } if groups.contains(group));
        self.steps.iter().enumerate().filter(|(_, draft)| opens(&draft.action)).map(|(id, _)| id).collect()
    }

    /// Steps that set attributes of these target groups.
    pub(super) fn setting_attributes(&self, groups: &BTreeSet<&TargetGroupArn>) -> BTreeSet<DraftId> {
        let sets = |action: &Action| matches!(action, Action::ModifyTargetGroupAttributes { target_group: Ref::Known(arn), .. } if groups.contains(arn));
        self.steps.iter().enumerate().filter(|(_, draft)| sets(&draft.action)).map(|(id, _)| id).collect()
    }

    /// Steps that make or repair a way from a load balancer to a target group.
    pub(super) fn attaching(&self, target_group: &ObjectRef) -> BTreeSet<DraftId> {
        let matching = |(_, draft): &(usize, &Draft)| draft.object == *target_group && draft.action.facts().attaches;
        self.steps.iter().enumerate().filter(matching).map(|(id, _)| id).collect()
    }
}

/// Why something cannot be planned, before it is known for which object.
#[derive(Clone, Debug)]
pub(super) struct Obstacle {
    pub(super) what: String,
    pub(super) waiting_on: WaitingOn,
}

impl Obstacle {
    pub(super) fn difference(what: impl Into<String>, reason: impl Into<Reason>) -> Self {
        Self { what: what.into(), waiting_on: WaitingOn::difference(reason) }
    }

    pub(super) fn gap(what: impl Into<String>, gap: Gap) -> Self {
        Self { what: what.into(), waiting_on: WaitingOn::Gap(gap) }
    }

    pub(super) fn block(self, drafts: &mut Drafts, object: &ObjectRef) {
        drafts.block(object, self.what, self.waiting_on);
    }
}

/// A known value, or the obstacle that it is absent or unknown.
pub(super) fn need<T, R: Into<Reason>>(
    seen: Seen<T>,
    what: impl FnOnce() -> String,
    absent: impl FnOnce() -> R,
) -> Result<T, Obstacle> {
    match seen {
        Seen::Present(value) => Ok(value),
        Seen::Absent => Err(Obstacle::difference(what(), absent())),
        Seen::Unknown(gap) => Err(Obstacle::gap(what(), gap)),
    }
}
