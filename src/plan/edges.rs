//! What must be done before what: derived from the outputs that an action names, and from the rule that removals come
//! last (R2). The same edges hold dependents back, drive execution, and are printed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ObjectRef;

use super::change::{Step, StepId, WaitingOn};
use super::draft::{Draft, DraftId};
use super::facts::Product;

fn provider(steps: &[Draft], product: Product, object: &ObjectRef) -> Option<DraftId> {
    steps.iter().position(|draft| draft.object == *object && draft.action.facts().produces == Some(product))
}

/// Everything that a draft must wait for, removals apart.
fn predecessors(steps: &[Draft], draft: &Draft) -> BTreeSet<DraftId> {
    let outputs = draft.action.names().outputs.into_iter();
    let provided = outputs.filter_map(|(product, object)| provider(steps, product, object));
    draft.after.iter().copied().chain(provided).collect()
}

/// Holds back everything that waits for a step held back, or for an output that no step gives; and a copy of a task
/// definition that nothing will use.
pub(super) fn hold_dependents(steps: &[Draft], held: &mut BTreeMap<DraftId, WaitingOn>) {
    loop {
        let mut more = BTreeMap::new();
        for (id, draft) in steps.iter().enumerate().filter(|(id, _)| !held.contains_key(id)) {
            let mut outputs = draft.action.names().outputs.into_iter();
            let missing = outputs.find(|(product, object)| provider(steps, *product, object).is_none());
            let waits =
                predecessors(steps, draft).into_iter().find_map(|before| held.get(&before).map(|why| (before, why)));
            let why = match (missing, waits) {
                (Some((_, object)), _) => {
                    Some(WaitingOn::difference(format!("it needs {object}, which cannot be made yet")))
                }
                (None, Some((_, WaitingOn::Gap(gap) | WaitingOn::Unread { gap, .. }))) => {
                    Some(WaitingOn::Gap(gap.clone()))
                }
                (None, Some((before, WaitingOn::ObserveMode | WaitingOn::Difference(_)))) => Some(
                    WaitingOn::difference(format!("it comes after \"{}\", which is blocked", steps[before].summary)),
                ),
                (None, None) => unused_copy(steps, draft, held),
            };
            if let Some(why) = why {
                more.insert(id, why);
            }
        }
        if more.is_empty() {
            return;
        }
        held.extend(more);
    }
}

fn unused_copy(steps: &[Draft], draft: &Draft, held: &BTreeMap<DraftId, WaitingOn>) -> Option<WaitingOn> {
    if draft.action.facts().produces != Some(Product::TaskDefinition) {
        return None;
    }
    let uses = |other: &Draft| other.action.names().outputs.contains(&(Product::TaskDefinition, &draft.object));
    steps.iter().enumerate().filter(|(_, other)| uses(other)).find_map(|(id, _)| held.get(&id).cloned())
}

/// These drafts and everything they wait for.
pub(super) fn with_providers(steps: &[Draft], mut wanted: BTreeSet<DraftId>) -> BTreeSet<DraftId> {
    loop {
        let before: BTreeSet<DraftId> = wanted.iter().flat_map(|id| predecessors(steps, &steps[*id])).collect();
        if before.is_subset(&wanted) {
            return wanted;
        }
        wanted.extend(before);
    }
}

/// Whether a draft has to be done, directly or not, before another one.
pub(super) fn leads_to(steps: &[Draft], first: DraftId, then: DraftId) -> bool {
    with_providers(steps, BTreeSet::from([then])).contains(&first)
}

/// Numbers the drafts in an order in which they may run: additions before removals, else as they were drawn up.
pub(super) fn number(drafts: Vec<Draft>, is_related: impl Fn(&ObjectRef, &ObjectRef) -> bool) -> Vec<Step> {
    let mut before: Vec<BTreeSet<DraftId>> = drafts.iter().map(|draft| predecessors(&drafts, draft)).collect();
    for (id, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.removes) {
        let additions = drafts.iter().enumerate().filter(|(other, addition)| {
            *other != id && !addition.removes && is_related(&draft.object, &addition.object)
        });
        // A step that something else waits for is no removal to put off: its own successors come after it.
        let later = successors(&before, id);
        before[id].extend(additions.map(|(other, _)| other).filter(|other| !later.contains(other)));
    }
    let order = sort(&drafts, &before);
    let numbers: BTreeMap<DraftId, StepId> =
        order.iter().enumerate().map(|(number, id)| (*id, StepId(number))).collect();
    let mut steps: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    let numbered = order.iter().filter_map(|id| {
        let draft = steps[*id].take()?;
        let after = before[*id].iter().map(|other| numbers[other]).collect();
        Some(finish(numbers[id], draft, after))
    });
    numbered.collect()
}

/// Everything that waits for a draft, directly or not.
fn successors(before: &[BTreeSet<DraftId>], of: DraftId) -> BTreeSet<DraftId> {
    let mut found = BTreeSet::from([of]);
    loop {
        let more: BTreeSet<DraftId> =
            (0..before.len()).filter(|id| !found.contains(id) && !before[*id].is_disjoint(&found)).collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// A topological order; among those that may run, additions first, then by number. Edges form no cycle: they lead from
/// later kinds to earlier ones, and from removals to additions that do not wait for them.
fn sort(drafts: &[Draft], before: &[BTreeSet<DraftId>]) -> Vec<DraftId> {
    let mut order: Vec<DraftId> = Vec::with_capacity(drafts.len());
    let mut waits: Vec<usize> = before.iter().map(BTreeSet::len).collect();
    let mut followers: Vec<Vec<DraftId>> = vec![Vec::new(); drafts.len()];
    for (id, before) in before.iter().enumerate() {
        before.iter().for_each(|first| followers[*first].push(id));
    }
    let place = |id: DraftId| (drafts[id].removes, id);
    let mut ready: BTreeSet<(bool, DraftId)> = (0..drafts.len()).filter(|id| waits[*id] == 0).map(place).collect();
    while let Some((_, next)) = ready.pop_first() {
        order.push(next);
        for id in &followers[next] {
            waits[*id] -= 1;
            if waits[*id] == 0 {
                ready.insert(place(*id));
            }
        }
    }
    debug_assert_eq!(order.len(), drafts.len(), "a plan's edges form a cycle");
    order
}

fn finish(id: StepId, draft: Draft, after: BTreeSet<StepId>) -> Step {
    let Draft { action, object, target, summary, reason, changes, redeploys, removes, receivers, .. } = draft;
    Step { id, action, object, target, summary, reason, changes, after, redeploys, removes, receivers }
}
