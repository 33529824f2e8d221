//! The state of a walk: what is ready, what waits for what, and what every step came to.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Output, Plan, Step, StepId};

use super::outcome::{Outcome, StepResult};
use super::port::{AwsError, ErrorKind, Outputs, Performed};

/// The results that became known together: of a step, and of those that cannot run because of it.
pub(super) type Settled<'p> = Vec<(&'p Step, StepResult)>;

/// The bookkeeping of one walk. Pure: it neither sends nor waits.
pub(super) struct Walk<'p> {
    /// Not started and without a result.
    waiting: BTreeMap<StepId, &'p Step>,
    /// The part of `waiting` that may start.
    ready: BTreeSet<StepId>,
    /// For each waiting step, what of its `after` is not done yet.
    unmet: BTreeMap<StepId, BTreeSet<StepId>>,
    /// The steps that name this one in their `after`.
    dependents: BTreeMap<StepId, Vec<StepId>>,
    outputs: Outputs,
    results: BTreeMap<StepId, StepResult>,
}

impl<'p> Walk<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let mut dependents: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
        for step in &plan.steps {
            for before in &step.after {
                dependents.entry(*before).or_default().push(step.id);
            }
        }
        Self {
            waiting: plan.steps.iter().map(|step| (step.id, step)).collect(),
            ready: plan.steps.iter().filter(|step| step.after.is_empty()).map(|step| step.id).collect(),
            unmet: plan.steps.iter().map(|step| (step.id, step.after.clone())).collect(),
            dependents,
            outputs: Outputs::new(),
            results: BTreeMap::new(),
        }
    }

    /// Takes the first step that may start now.
    pub(super) fn next_ready(&mut self) -> Option<&'p Step> {
        let id = self.ready.pop_first()?;
        self.waiting.remove(&id)
    }

    /// What the steps so far answered.
    pub(super) fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Books the answer to a step that was sent, and what follows from it.
    pub(super) fn settle(&mut self, step: &'p Step, answer: Result<Performed, AwsError>) -> Settled<'p> {
        let mut settled = Settled::new();
        match answer {
            Ok(Performed::Done(output)) => {
                if let Some(output) = output {
                    self.outputs.insert(step.object.clone(), output);
                }
                self.book(step, StepResult::Done, &mut settled);
                self.release_dependents(step.id);
            }
            Ok(Performed::Stale(why)) => {
                self.book(step, StepResult::Stale(why), &mut settled);
                self.skip_dependents(step.id, &mut settled);
            }
            Err(error) => {
                let is_ambiguous = error.kind == ErrorKind::Transient;
                self.book(step, StepResult::Failed(error), &mut settled);
                self.skip_dependents(step.id, &mut settled);
                if is_ambiguous {
                    self.skip_same_object(step, &mut settled);
                }
            }
        }
        settled
    }

    /// Gives every step that never started its result. Only an interruption leaves steps that could have started,
    /// and what hangs on them; anything else that is left waits for a step which this plan does not have.
    pub(super) fn close(&mut self) -> Settled<'p> {
        let mut settled = Settled::new();
        let mut cancelled: Vec<StepId> = self.ready.iter().copied().collect();
        while let Some(id) = cancelled.pop() {
            if let Some(step) = self.waiting.remove(&id) {
                self.book(step, StepResult::Cancelled, &mut settled);
                cancelled.extend(self.dependents.get(&id).into_iter().flatten());
            }
        }
        while let Some((id, step)) = self.waiting.pop_first() {
            let because = self.unmet.get(&id).and_then(BTreeSet::first).copied().unwrap_or(id);
            self.book(step, StepResult::Skipped { because }, &mut settled);
        }
        settled.sort_by_key(|(step, _)| step.id);
        settled
    }

    pub(super) fn into_outcome(self) -> Outcome {
        let begun = self.outputs.into_iter().filter_map(|(object, output)| match output {
            Output::Deployment(id) => Some((object, id)),
            Output::TargetGroup(_) | Output::TaskDefinition(_) => None,
        });
        Outcome { results: self.results, deployments: begun.collect() }
    }

    fn book(&mut self, step: &'p Step, result: StepResult, settled: &mut Settled<'p>) {
        self.ready.remove(&step.id);
        self.results.insert(step.id, result.clone());
        settled.push((step, result));
    }

    fn release_dependents(&mut self, id: StepId) {
        for dependent in self.dependents.get(&id).into_iter().flatten() {
            let Some(unmet) = self.unmet.get_mut(dependent) else { continue };
            unmet.remove(&id);
            if unmet.is_empty() && self.waiting.contains_key(dependent) {
                self.ready.insert(*dependent);
            }
        }
    }

    /// Skips everything that hangs on `root`, directly or not, and names `root` as the cause.
    fn skip_dependents(&mut self, root: StepId, settled: &mut Settled<'p>) {
        self.skip(self.dependents.get(&root).cloned().unwrap_or_default(), root, settled);
    }

    /// Whether a call took effect may be open. Then nothing else is sent for that object before it was read again
    /// (invariant I10), which is what the next pass does.
    fn skip_same_object(&mut self, root: &Step, settled: &mut Settled<'p>) {
        let same = self.waiting.values().filter(|step| step.object == root.object);
        let same = same.map(|step| step.id).collect();
        self.skip(same, root.id, settled);
    }

    fn skip(&mut self, mut ids: Vec<StepId>, because: StepId, settled: &mut Settled<'p>) {
        while let Some(id) = ids.pop() {
            if let Some(step) = self.waiting.remove(&id) {
                self.book(step, StepResult::Skipped { because }, settled);
                ids.extend(self.dependents.get(&id).into_iter().flatten());
            }
        }
    }
}
