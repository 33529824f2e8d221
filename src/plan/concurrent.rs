//! R15: no more deployments at a time in the fleet than its manifest allows. The others follow in later passes.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{DeploymentController, Given, ObjectRef, Seen};

use super::action::Action;
use super::change::{Planned, WaitingOn};
use super::draft::{Draft, DraftId, Drafts};

/// Puts off the deployments that are too many, with the revisions that are registered for them.
pub(super) fn put_off(
    given: &Given<'_>,
    drafts: &Drafts,
    held: &mut BTreeMap<DraftId, WaitingOn>,
    later: &mut BTreeMap<DraftId, Planned>,
) {
    let services = given.desired.services.values().filter_map(|wanted| given.observed.service(&wanted.id).present());
    let (mut all, mut under_way) = (0, 0);
    for live in services.filter(|live| live.controller == DeploymentController::Ecs) {
        all += 1;
        under_way += usize::from(live.is_deploying());
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
    let because = format!(
        "rollout.concurrent allows {most} of {all} services to be deployed at a time; {under_way} are now, and others of this plan \
         come first"
    );
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

/// A deployment that takes the place of one in progress makes none more.
fn is_under_way(given: &Given<'_>, object: &ObjectRef) -> bool {
    let wanted = given.desired.services.get(&object.key);
    matches!(wanted.map(|wanted| given.observed.service(&wanted.id)), Some(Seen::Present(live)) if live.is_deploying())
}
