//! The removal budget: most removals of one kind in a pass (R5, R9).

use std::collections::BTreeMap;

use crate::model::{Desired, Observed, Owner, Seen, Tags};

use super::action::Action;
use super::change::WaitingOn;
use super::draft::{Draft, DraftId};

/// The kinds that a budget counts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Registrations,
    Rules,
    TargetGroups,
    Ingress,
    Services,
}

impl Kind {
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

/// Kind and number of things that an action removes.
fn cost(draft: &Draft) -> Option<(Kind, usize)> {
    if !draft.removes {
        return None;
    }
    match &draft.action {
        Action::DeregisterTargets { targets, .. } => Some((Kind::Registrations, targets.len())),
        Action::DeleteRule { .. } => Some((Kind::Rules, 1)),
        Action::DeleteTargetGroup { .. } => Some((Kind::TargetGroups, 1)),
        Action::RevokeSecurityGroupIngress { .. } => Some((Kind::Ingress, 1)),
        Action::UpdateServiceCount { .. } | Action::UpdateService { .. } => Some((Kind::Services, 1)),
        Action::RegisterTaskDefinition { .. }
        | Action::CreateTargetGroup(_)
        | Action::ModifyTargetGroup { .. }
        | Action::ModifyTargetGroupAttributes { .. }
        | Action::CreateRule { .. }
        | Action::ModifyRule { .. }
        | Action::SetRulePriorities { .. }
        | Action::ModifyListener { .. }
        | Action::RegisterTargets { .. }
        | Action::AuthorizeSecurityGroupIngress { .. } => None,
    }
}

/// How many of a kind this fleet has, as far as it was read.
fn total(desired: &Desired, observed: &Observed, kind: Kind) -> usize {
    let ours =
        |tags: Option<&Tags>| tags.is_some_and(|tags| matches!(Owner::of(tags, &desired.fleet.name), Owner::Ours(_)));
    match kind {
        Kind::Registrations => observed.targets.values().filter_map(|seen| seen.as_ref().present()).map(Vec::len).sum(),
        Kind::Rules => {
            let rules = observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
            rules.filter(|rule| ours(rule.tags.as_ref().present())).count()
        }
        Kind::TargetGroups => {
            let groups = observed.target_groups.as_ref().present().into_iter().flatten();
            groups.filter(|group| ours(group.tags.as_ref().present())).count()
        }
        Kind::Ingress => observed.marked_ingress.as_ref().present().map_or(0, Vec::len),
        Kind::Services => desired
            .services
            .values()
            .filter(|service| matches!(observed.service(&service.id), Seen::Present(_)))
            .count(),
    }
}

/// Holds back what the budget does not allow, in the order of the drafts.
pub(super) fn hold_over_budget(
    desired: &Desired,
    observed: &Observed,
    steps: &[Draft],
    held: &mut BTreeMap<DraftId, WaitingOn>,
) {
    let mut spent: BTreeMap<Kind, usize> = BTreeMap::new();
    for (id, draft) in steps.iter().enumerate().filter(|(id, _)| !held.contains_key(id)).collect::<Vec<_>>() {
        let Some((kind, number)) = cost(draft) else { continue };
        let total = total(desired, observed, kind);
        let allowed = desired.fleet.removal.budget.allows(total);
        let so_far = spent.entry(kind).or_default();
        if *so_far + number > allowed {
            held.insert(
                id,
                WaitingOn::Difference(format!(
                    "the removal budget allows {allowed} of {total} {} in a pass, and this would make {}; raise removal.budget or use --force",
                    kind.words(),
                    *so_far + number
                )),
            );
        } else {
            *so_far += number;
        }
    }
}
