//! The removal budget: most removals of one kind in a pass (R5, R9).

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Given, Owner, Seen, Tags};

use super::action::Action;
use super::change::{Blocked, WaitingOn};
use super::draft::{Draft, DraftId, Drafts};
use super::reason::Reason;
use super::resolve;

/// The kinds that a budget counts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Budgeted {
    Registrations,
    Rules,
    TargetGroups,
    Ingress,
    Services,
}

impl Budgeted {
    fn words(self) -> &'static str {
        match self {
            Self::Registrations => "registrations",
            Self::Rules => "listener rules",
            Self::TargetGroups => "target groups",
            Self::Ingress => "ingress rules",
            Self::Services => "services",
        }
    }
}

/// Kind and number of things that a step removes.
fn cost(draft: &Draft) -> Option<(Budgeted, usize)> {
    draft.action.facts().budgeted.filter(|_| draft.removes)
}

/// How many of a kind this fleet has, as far as it was read.
fn total(given: &Given<'_>, kind: Budgeted) -> usize {
    let ours = |tags: Option<&Tags>| {
        tags.is_some_and(|tags| matches!(Owner::of(tags, &given.desired.fleet.name), Owner::Ours(_)))
    };
    match kind {
        Budgeted::Registrations => {
            let declared = given.desired.target_groups.keys().flat_map(|key| resolve::stand_ins(given, key));
            let arns: BTreeSet<_> = declared.collect();
            arns.iter().filter_map(|arn| given.observed.targets_of(arn).present()).map(Vec::len).sum()
        }
        Budgeted::Rules => {
            let rules = given.observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
            rules.filter(|rule| ours(rule.tags.as_ref().present())).count()
        }
        Budgeted::TargetGroups => {
            let groups = given.observed.target_groups.as_ref().present().into_iter().flatten();
            groups.filter(|group| ours(group.tags.as_ref().present())).count()
        }
        Budgeted::Ingress => given.observed.marked_ingress.as_ref().present().map_or(0, Vec::len),
        Budgeted::Services => given
            .desired
            .services
            .values()
            .filter(|service| matches!(given.observed.service(&service.id), Seen::Present(_)))
            .count(),
    }
}

/// Holds back what the budget does not allow, in the order of the drafts. Of a list of registrations as many go as the
/// budget still allows.
pub(super) fn hold_over_budget(given: &Given<'_>, drafts: &mut Drafts, held: &mut BTreeMap<DraftId, WaitingOn>) {
    let mut spent: BTreeMap<Budgeted, usize> = BTreeMap::new();
    for id in 0..drafts.steps.len() {
        let cost = cost(&drafts.steps[id]).filter(|_| !held.contains_key(&id));
        let Some((kind, number)) = cost else { continue };
        let total = total(given, kind);
        let allowed = given.desired.fleet.removal.budget.allows(total);
        let so_far = spent.entry(kind).or_default();
        let left = allowed.saturating_sub(*so_far);
        if number <= left {
            *so_far += number;
            continue;
        }
        let why = WaitingOn::difference(Reason::new(
            format!("the removal budget allows {allowed} of {total} {} in a pass", kind.words()),
            "wait for the next pass, which removes more, or raise removal.budget, or use --force",
        ));
        match cut(&mut drafts.steps[id], left) {
            Some(rest) => {
                *so_far += left;
                drafts.blocked.push(Blocked { waiting_on: why, ..rest });
            }
            None => {
                held.insert(id, why);
            }
        }
    }
}

/// Keeps the first `left` registrations of a list; the rest is reported as blocked. `None` where nothing can be cut.
fn cut(draft: &mut Draft, left: usize) -> Option<Blocked> {
    let Action::DeregisterTargets { targets, .. } = &mut draft.action else { return None };
    if left == 0 {
        return None;
    }
    let rest: Vec<String> = targets.iter().skip(left).map(ToString::to_string).collect();
    *targets = std::mem::take(targets).into_iter().take(left).collect();
    let kept: Vec<String> = targets.iter().map(ToString::to_string).collect();
    draft.summary = format!("deregister {} (of {})", kept.join(", "), kept.len() + rest.len());
    let changes = draft.changes.split_off(left);
    Some(Blocked {
        object: draft.object.clone(),
        what: format!("deregister {}", rest.join(", ")),
        waiting_on: WaitingOn::difference(""),
        action: None,
        changes,
    })
}
