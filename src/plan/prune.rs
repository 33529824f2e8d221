//! With `removal.prune`: marked things that the manifest no longer names. Nothing unmarked, nothing of another fleet,
//! nothing in use, and nothing whose replacement does not stand yet.

mod ingress;
mod rule;
pub(super) mod service;
mod target_group;

use std::collections::BTreeSet;

use crate::model::{Desired, Given, ObjectRef, Owner, Tags, TargetGroupArn};

use super::Policy;
use super::action::Action;
use super::draft::{Draft, DraftId, Drafts};
use super::reason::Reason;
use super::security_group::WantedIngress;

pub(super) fn plan_prune(given: &Given<'_>, policy: &Policy, wanted: &WantedIngress, drafts: &mut Drafts) {
    // R11: an empty desired set removes nothing.
    if !given.desired.fleet.removal.prune
        || (given.desired.services.is_empty() && given.desired.target_groups.is_empty())
    {
        return;
    }
    let mut deleted = rule::prune_rules(given, drafts);
    deleted.extend(rule::temporary_rules(given, drafts));
    service::prune_services(given, policy, &deleted, drafts);
    target_group::prune_target_groups(given, &deleted, drafts);
    ingress::prune_ingress(given, wanted, drafts);
}

/// The mark alone, without other tags.
pub(super) fn mark_of(tags: &Tags) -> Tags {
    let keys = [crate::model::owner::FLEET_TAG, crate::model::owner::OBJECT_TAG];
    tags.iter()
        .filter(|(key, _)| keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Whether people have said that a thing stays, whatever the manifest says.
fn is_protected(tags: &Tags) -> bool {
    tags.contains_key(crate::model::owner::PROTECT_TAG)
}

/// Why it stays.
fn protected() -> Reason {
    Reason::new("it has the tag portolan.dev/protect", "remove the tag to allow the removal")
}

/// `Kind/key` of a marked thing of this fleet.
fn marked_for(tags: Option<&Tags>, fleet: &str) -> Option<String> {
    match Owner::of(tags?, fleet) {
        Owner::Ours(object) => Some(object),
        Owner::Unmarked | Owner::AnotherFleet(_) => None,
    }
}

fn removal(desired: &Desired, action: Action, also: BTreeSet<ObjectRef>, words: Words) -> Draft {
    Draft {
        action,
        object: ObjectRef::fleet(&desired.fleet.name),
        also,
        target: words.target,
        summary: words.summary,
        reason: words.reason,
        changes: Vec::new(),
        after: BTreeSet::new(),
        redeploys: false,
        removes: true,
        held: None,
        receivers: Default::default(),
    }
}

/// What a removal says of itself.
struct Words {
    target: String,
    summary: String,
    reason: String,
}

/// A rule that goes in this plan, or a default action that no longer names some target groups.
struct DeletedRule {
    step: DraftId,
    forwards_to: BTreeSet<TargetGroupArn>,
}
