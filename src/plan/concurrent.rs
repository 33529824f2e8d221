//! R15: no more deployments at a time in the fleet than its manifest allows. The others follow in later passes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{DeploymentController, Given, ObjectRef, Seen, Service};

use super::action::Action;
use super::change::{Planned, WaitingOn};
use super::draft::{Draft, DraftId, Drafts};

/// A deployment that has taken longer is not waited for: without a circuit breaker, ECS tries endlessly.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// Puts off the deployments that are too many, with the revisions that are registered for them.
pub(super) fn put_off(
    given: &Given<'_>,
    now: Timestamp,
    drafts: &Drafts,
    held: &mut BTreeMap<DraftId, WaitingOn>,
    later: &mut BTreeMap<DraftId, Planned>,
) {
    let services = given.desired.services.values().filter_map(|wanted| given.observed.service(&wanted.id).present());
    let (mut all, mut under_way) = (0, 0);
    for live in services.filter(|live| live.controller == DeploymentController::Ecs) {
        all += 1;
        under_way += usize::from(counts(live, now));
    }
    let most = given.desired.fleet.concurrent_rollouts.allows(all);
    let mut free = most.saturating_sub(under_way);
    let mut waiting: BTreeSet<&ObjectRef> = BTreeSet::new();
    let starts = |draft: &Draft| draft.redeploys && !is_under_way(given, &draft.object);
    for (_, draft) in drafts.steps.iter().enumerate().filter(|(id, draft)| starts(draft) && !held.contains_key(id)) {
        if free > 0 {
            free -= 1;
        } else {
            waiting.insert(&draft.object);
        }
    }
    let allowed = format!(
        "rollout.concurrent allows deployments of {most} of {all} services at a time; in progress now: {under_way}"
    );
    let because = if most > under_way { format!("{allowed}, and others of this plan come first") } else { allowed };
    for (id, draft) in drafts.steps.iter().enumerate() {
        let is_its = draft.redeploys || matches!(draft.action, Action::RegisterTaskDefinition { .. });
        if !is_its || held.contains_key(&id) || !waiting.contains(&draft.object) {
            continue;
        }
        held.insert(id, WaitingOn::difference(because.clone()));
        let (object, what) = (draft.object.clone(), draft.summary.clone());
        later.insert(id, Planned { object, what, because: because.clone() });
    }
}

/// Whether a service is being deployed. A deployment that does not end must not hold the fleet back endlessly.
fn counts(live: &Service, now: Timestamp) -> bool {
    live.is_deploying()
        && !live.has_given_up()
        && live.primary().and_then(|primary| primary.created).is_none_or(|began| is_young(began, now))
}

fn is_young(began: Timestamp, now: Timestamp) -> bool {
    now.duration_since(began) < LONGEST
}

/// A deployment that takes the place of one in progress makes none more.
fn is_under_way(given: &Given<'_>, object: &ObjectRef) -> bool {
    let wanted = given.desired.services.get(&object.key);
    matches!(wanted.map(|wanted| given.observed.service(&wanted.id)), Some(Seen::Present(live)) if live.is_deploying())
}

#[cfg(test)]
mod tests {
    use super::is_young;

    #[test]
    fn a_deployment_counts_for_an_hour() {
        let is_young_at_noon =
            |began: &str| is_young(began.parse().expect("a time"), "2026-11-20T12:00:00Z".parse().expect("a time"));
        assert!(is_young_at_noon("2026-11-20T11:01:00Z"));
        assert!(!is_young_at_noon("2026-11-20T10:59:00Z"));
    }
}
