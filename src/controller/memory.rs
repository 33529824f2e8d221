//! What a long-lived service knows beyond one pass: which removals it has seen planned before, which fields another writer
//! keeps changing back, and what failed. Pure: a plan and a time go in, and the plan comes back with the steps that
//! must not be sent now as blocked entries.
//!
//! Because a removal must be planned unchanged for a while, what the budget allows in one pass is what it allows in
//! that while, too: the next ones are seen for the first time only when the first ones are gone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::apply::{Outcome, StepResult};
use crate::model::{Gap, ObjectKind, ObjectRef, Observed};
use crate::plan::{Action, Blocked, Plan, Reason, Step, StepId, WaitingOn};
use crate::queue::Backoff;

use super::refusal::Refusals;

/// How far apart the sightings of a removal are where no target group says more.
pub const SIGHTING: SignedDuration = SignedDuration::from_mins(5);
/// Writes of one field within [`WINDOW`] after which it is left alone.
pub const MOST_WRITES: usize = 3;
/// The time in which writes are counted.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// How long a field is left alone that another writer changes back.
pub const TRUCE: SignedDuration = SignedDuration::from_hours(1);

const DELAY: &str = "deregistration_delay.timeout_seconds";

/// A removal or a creation that complete looks have planned, one after the other.
#[derive(Clone, Debug)]
struct Sighting {
    action: Action,
    target: String,
    object: ObjectRef,
    first: Timestamp,
    looks: u32,
}

impl Sighting {
    fn is_of(&self, step: &Step) -> bool {
        // What a service is created with may change between two looks: that it is missing is what counts.
        let is_same = creates_service(step) && creates(&self.action) || self.action == step.action;
        is_same && self.target == step.target && self.object == step.object
    }
}

/// Object, AWS resource and field.
type Field = (ObjectRef, String, String);

/// The memory of a service, empty at its start.
#[derive(Clone, Debug)]
pub struct Memory {
    sightings: Vec<Sighting>,
    writes: BTreeMap<Field, Vec<Timestamp>>,
    /// Fields that are left alone, and until when.
    contended: BTreeMap<Field, Timestamp>,
    backoff: Backoff<ObjectRef>,
    /// Objects with a failed step, and when they are tried again.
    retries: BTreeMap<ObjectRef, Timestamp>,
    /// Marked things that were removed, by operation and summary, and when. One that exists again was created by somebody
    /// else, under this fleet's name: AWS gives it another ARN, so the summary is what stays the same.
    removed: BTreeMap<(String, String), Timestamp>,
    /// Steps that AWS refused by their nature.
    refusals: Refusals,
}

impl Memory {
    /// Nothing was seen yet; the seed decides about the jitter of pauses.
    pub fn new(seed: u64) -> Self {
        Self {
            sightings: Vec::new(),
            writes: BTreeMap::new(),
            contended: BTreeMap::new(),
            backoff: Backoff::new(seed),
            retries: BTreeMap::new(),
            removed: BTreeMap::new(),
            refusals: Refusals::default(),
        }
    }

    /// Holds back what must not be sent yet, and what is `held` for another reason.
    pub fn weigh(
        &mut self,
        mut plan: Plan,
        observed: &Observed,
        held: BTreeMap<StepId, String>,
        now: Timestamp,
    ) -> Plan {
        self.see(&plan, observed, now);
        self.notice_contention(&plan, now);
        let mut held: BTreeMap<StepId, Reason> = held.into_iter().map(|(id, why)| (id, why.into())).collect();
        for step in &plan.steps {
            let why = self
                .by_contention(step)
                .or_else(|| self.by_second_writer(step, now))
                .or_else(|| self.refusals.hold(step, observed))
                .or_else(|| self.by_failure(step, now))
                .or_else(|| self.by_sightings(step, observed, now).map(Reason::from));
            held.extend(why.map(|why| (step.id, why)));
        }
        hold_dependents(&plan.steps, &mut held);
        hold_registrations(&plan.steps, &mut held);
        let steps = std::mem::take(&mut plan.steps);
        for step in steps {
            match held.remove(&step.id) {
                None => plan.steps.push(step),
                Some(why) => plan.blocked.push(Blocked {
                    object: step.object,
                    what: step.summary,
                    waiting_on: WaitingOn::Difference(why),
                    action: Some(step.action),
                    changes: step.changes,
                }),
            }
        }
        plan.blocked.sort_by(|a, b| (&a.object, &a.what).cmp(&(&b.object, &b.what)));
        plan
    }

    /// Learns from what became of a plan that was made from this reading.
    pub fn learn(&mut self, plan: &Plan, outcome: &Outcome, observed: &Observed, now: Timestamp) {
        let mut failed = BTreeSet::new();
        let mut done = BTreeSet::new();
        for step in &plan.steps {
            match outcome.results.get(&step.id) {
                Some(StepResult::Done) => {
                    done.insert(&step.object);
                    if is_pruned(step) {
                        self.removed.insert(removal_of(step), now);
                    }
                    for field in fields(step) {
                        self.writes.entry(field).or_default().push(now);
                    }
                }
                // What AWS refuses by its nature is not tried again, so it delays nothing else of its object.
                Some(StepResult::Failed(error)) if self.refusals.keep(step, error, observed) => {}
                Some(StepResult::Failed(_)) => {
                    failed.insert(&step.object);
                }
                Some(StepResult::Skipped { .. } | StepResult::Stale(_) | StepResult::Cancelled) | None => {}
            }
        }
        for object in done.difference(&failed) {
            self.backoff.forget(object);
            self.retries.remove(*object);
        }
        for object in failed {
            let pause = SignedDuration::try_from(self.backoff.next(object)).unwrap_or(SIGHTING);
            self.retries.insert(object.clone(), now + pause);
        }
    }

    /// When something that failed is tried again.
    pub fn next_retry(&self) -> Option<Timestamp> {
        self.retries.values().min().copied()
    }

    /// The manifest changed: its author may have settled a dispute, or corrected what failed.
    pub fn reconsider(&mut self) {
        self.writes.clear();
        self.contended.clear();
        self.removed.clear();
        self.refusals.clear();
        for object in std::mem::take(&mut self.retries).into_keys() {
            self.backoff.forget(&object);
        }
    }

    /// Only a look without gaps counts; one with gaps neither counts nor breaks the chain, for it plans no removal.
    fn see(&mut self, plan: &Plan, observed: &Observed, now: Timestamp) {
        let is_of_reading = |entry: &&(String, Gap)| !plan.gaps_around.contains(entry);
        if plan.gaps.iter().filter(is_of_reading).any(|(_, gap)| observed.hides_what_stands(gap)) {
            return;
        }
        self.refusals.see(&plan.steps, observed);
        let before = std::mem::take(&mut self.sightings);
        for step in plan.steps.iter().filter(|step| step.removes || creates_service(step)) {
            let seen = before.iter().find(|sighting| sighting.is_of(step)).cloned();
            let mut sighting = seen.unwrap_or_else(|| Sighting {
                action: step.action.clone(),
                target: step.target.clone(),
                object: step.object.clone(),
                first: now,
                looks: 0,
            });
            sighting.looks += 1;
            self.sightings.push(sighting);
        }
    }

    fn by_sightings(&self, step: &Step, observed: &Observed, now: Timestamp) -> Option<String> {
        if creates_service(step) {
            let looks =
                self.sightings.iter().find(|sighting| sighting.is_of(step)).map_or(0, |sighting| sighting.looks);
            return (looks < 2).then(|| "creation delayed until two complete passes find no such service".to_owned());
        }
        if !step.removes {
            return None;
        }
        let apart = apart(&step.action, observed);
        let Some(sighting) = self.sightings.iter().find(|sighting| sighting.is_of(step)) else {
            return Some("removal delayed until two complete passes have planned it".to_owned());
        };
        let is_due = sighting.looks >= 2 && now.duration_since(sighting.first) >= apart;
        (!is_due).then(|| {
            format!(
                "removal delayed until every complete pass for {apart:#} has planned it (first seen {})",
                sighting.first
            )
        })
    }

    /// Rule R10: what was written three times and differs again is another writer's intention.
    fn notice_contention(&mut self, plan: &Plan, now: Timestamp) {
        self.contended.retain(|_, until| *until > now);
        self.writes.retain(|_, times| {
            times.retain(|time| now.duration_since(*time) < WINDOW);
            !times.is_empty()
        });
        for field in plan.steps.iter().flat_map(fields) {
            if self.writes.get(&field).is_some_and(|times| times.len() >= MOST_WRITES) {
                self.contended.entry(field).or_insert(now + TRUCE);
            }
        }
    }

    fn by_contention(&self, step: &Step) -> Option<Reason> {
        let (field, until) = fields(step).into_iter().find_map(|field| {
            let until = self.contended.get(&field)?;
            Some((field.2, until))
        })?;
        Some(Reason::new(
            format!(
                "contended: another writer changed {field} back {MOST_WRITES} times in {WINDOW:#}, so \
                 Portolan does not repair it until {until:.0} or until the manifest changes"
            ),
            "find and stop that writer",
        ))
    }

    fn by_second_writer(&self, step: &Step, now: Timestamp) -> Option<Reason> {
        let at =
            self.removed.get(&removal_of(step)).filter(|at| is_pruned(step) && now.duration_since(**at) < TRUCE)?;
        Some(Reason::new(
            format!(
                "Portolan removed it at {at:.0}, and it exists again with this fleet's tags, so another writer \
                 uses the same fleet name"
            ),
            "give each manifest its own Fleet name",
        ))
    }

    fn by_failure(&self, step: &Step, now: Timestamp) -> Option<Reason> {
        let retry = self.retries.get(&step.object).filter(|retry| **retry > now)?;
        let times = match self.backoff.failures(&step.object) {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        Some(format!("a step of this object failed {times}, so the next attempt is at {retry:.0}").into())
    }
}

/// Whether a step makes a service (rule R13).
fn creates_service(step: &Step) -> bool {
    creates(&step.action)
}

fn creates(action: &Action) -> bool {
    matches!(action, Action::CreateService(_))
}

/// A revision that nothing would use is not registered.
fn hold_registrations(steps: &[Step], held: &mut BTreeMap<StepId, Reason>) {
    let more: Vec<_> = steps
        .iter()
        .filter(|step| matches!(step.action, Action::RegisterTaskDefinition { .. }) && !held.contains_key(&step.id))
        .filter_map(|step| {
            let user = steps.iter().find(|other| creates_service(other) && other.object == step.object)?;
            Some((step.id, held.get(&user.id)?.clone()))
        })
        .collect();
    held.extend(more);
}

/// A removal of what no object of the manifest names: the fleet's own.
fn is_pruned(step: &Step) -> bool {
    step.removes && step.object.kind == ObjectKind::Fleet
}

fn removal_of(step: &Step) -> (String, String) {
    (step.action.operation().to_owned(), step.summary.clone())
}

/// What a step writes; where no field is named, the call itself.
fn fields(step: &Step) -> Vec<Field> {
    let field = |name: &str| (step.object.clone(), step.target.clone(), name.to_owned());
    if step.changes.is_empty() {
        return vec![field(step.action.operation())];
    }
    step.changes.iter().map(|change| field(&change.field.to_string())).collect()
}

/// How far apart two sightings of a removal are: for a target, as long as its group lets connections drain.
fn apart(action: &Action, observed: &Observed) -> SignedDuration {
    let Action::DeregisterTargets { target_group, .. } = action else { return SIGHTING };
    let attributes = observed.attributes_of(target_group);
    let delay = attributes.present().and_then(|attributes| attributes.get(DELAY)?.parse().ok());
    delay.map_or(SIGHTING, SignedDuration::from_secs)
}

/// What comes after a step that is held back is held back, too.
fn hold_dependents(steps: &[Step], held: &mut BTreeMap<StepId, Reason>) {
    loop {
        let more: Vec<_> = steps
            .iter()
            .filter(|step| !held.contains_key(&step.id) && step.after.iter().any(|before| held.contains_key(before)))
            .map(|step| step.id)
            .collect();
        if more.is_empty() {
            return;
        }
        held.extend(more.into_iter().map(|id| (id, "it depends on a step that is blocked".into())));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::apply::{AwsError, ErrorKind};
    use crate::model::{Gap, Seen, ServiceId};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
    }

    /// A count of a service, lowered or raised.
    fn count(id: usize, removes: bool, after: &[usize]) -> Step {
        let service = ServiceId { cluster: "prod".to_owned(), name: format!("svc-{id}") };
        Step {
            id: StepId(id),
            object: ObjectRef::service(&service.name),
            target: service.to_string(),
            action: Action::UpdateServiceCount { service, desired_count: 2, from: 4, unscaled: true },
            summary: "count".to_owned(),
            reason: String::new(),
            changes: Vec::new(),
            after: after.iter().copied().map(StepId).collect::<BTreeSet<_>>(),
            redeploys: false,
            removes,
            receivers: Default::default(),
        }
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan { steps, ..Plan::default() }
    }

    /// The steps that are let through at a time.
    fn sent(memory: &mut Memory, steps: Vec<Step>, seconds: i64) -> Vec<usize> {
        let (before, observed) = (steps.len(), Observed::unasked("eu-west-1"));
        let plan = memory.weigh(plan(steps), &observed, BTreeMap::new(), at(seconds));
        assert_eq!(plan.steps.len() + plan.blocked.len(), before, "what is held back stays visible");
        plan.steps.iter().map(|step| step.id.0).collect()
    }

    fn learn(memory: &mut Memory, step: Step, result: StepResult, seconds: i64) {
        let outcome = Outcome { results: BTreeMap::from([(step.id, result)]), ..Outcome::default() };
        memory.learn(&plan(vec![step]), &outcome, &Observed::unasked("eu-west-1"), at(seconds));
    }

    #[test]
    fn a_removal_goes_at_the_second_sighting_five_minutes_after_the_first() {
        let mut memory = Memory::new(1);
        for (seconds, expected) in [(0, vec![]), (150, vec![]), (299, vec![]), (300, vec![0])] {
            assert_eq!(sent(&mut memory, vec![count(0, true, &[])], seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn a_complete_look_without_the_removal_starts_it_anew_and_one_with_gaps_does_not() {
        let mut memory = Memory::new(1);
        sent(&mut memory, vec![count(0, true, &[])], 0);
        let gap = Gap { call: "ec2:DescribeVpcs".to_owned(), why: "AccessDenied".to_owned() };
        let partial = Plan { gaps: vec![("Fleet/f".to_owned(), gap)], ..Plan::default() };
        let _ = memory.weigh(partial, &Observed::unasked("eu-west-1"), BTreeMap::new(), at(100));
        assert_eq!(sent(&mut memory, vec![count(0, true, &[])], 300), [0]);
        assert!(sent(&mut memory, Vec::new(), 330).is_empty());
        assert!(sent(&mut memory, vec![count(0, true, &[])], 700).is_empty());
    }

    #[test]
    fn unread_quotas_do_not_make_a_look_partial() {
        let mut memory = Memory::new(1);
        let gap =
            Gap { call: "elasticloadbalancing:DescribeAccountLimits".to_owned(), why: "InvalidAction".to_owned() };
        let observed = Observed { limits: Seen::Unknown(gap.clone()), ..Observed::unasked("eu-west-1") };
        let mut look = |seconds| {
            let gaps = vec![("Fleet/f".to_owned(), gap.clone())];
            let plan = Plan { steps: vec![count(0, true, &[])], gaps, ..Plan::default() };
            memory.weigh(plan, &observed, BTreeMap::new(), at(seconds)).steps.len()
        };
        assert_eq!((look(0), look(300)), (0, 1));
    }

    #[test]
    fn what_comes_after_a_removal_waits_with_it_and_the_rest_goes() {
        let steps = vec![count(0, true, &[]), count(1, false, &[0]), count(2, false, &[1]), count(3, false, &[])];
        assert_eq!(sent(&mut Memory::new(1), steps, 0), [3]);
    }

    #[test]
    fn a_field_that_was_written_three_times_is_left_alone_until_the_manifest_changes() {
        let mut memory = Memory::new(1);
        for seconds in [0, 60, 120] {
            assert_eq!(sent(&mut memory, vec![count(0, false, &[])], seconds), [0]);
            learn(&mut memory, count(0, false, &[]), StepResult::Done, seconds);
        }
        assert!(sent(&mut memory, vec![count(0, false, &[])], 180).is_empty());
        assert!(sent(&mut memory, vec![count(0, false, &[])], 1800).is_empty(), "beyond the window, too");
        memory.reconsider();
        assert_eq!(sent(&mut memory, vec![count(0, false, &[])], 1801), [0]);
    }

    fn refused(code: &str, message: &str) -> StepResult {
        StepResult::Failed(AwsError {
            call: "ecs:UpdateService".to_owned(),
            kind: ErrorKind::Invalid,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: None,
        })
    }

    #[test]
    fn what_aws_refuses_by_its_nature_is_sent_once_until_the_manifest_or_the_plan_changes() {
        let mut memory = Memory::new(1);
        assert_eq!(sent(&mut memory, vec![count(0, false, &[])], 0), [0]);
        learn(&mut memory, count(0, false, &[]), refused("InvalidParameterException", "no such port"), 0);
        assert_eq!(memory.next_retry(), None);
        for seconds in [1, 3600, 86_400] {
            let steps = vec![count(0, false, &[]), count(1, false, &[0]), count(2, false, &[])];
            assert_eq!(sent(&mut memory, steps, seconds), [2], "{seconds}");
        }
        let observed = Observed::unasked("eu-west-1");
        let held = memory.weigh(plan(vec![count(0, false, &[])]), &observed, BTreeMap::new(), at(86_401)).blocked;
        let why = held[0].waiting_on.to_string();
        assert!(why.contains("ecs:UpdateService: InvalidParameterException: no such port"), "{why}");
        memory.reconsider();
        assert_eq!(sent(&mut memory, vec![count(0, false, &[])], 86_402), [0]);

        learn(&mut memory, count(0, false, &[]), refused("InvalidParameterException", "no such port"), 86_402);
        let mut other = count(0, false, &[]);
        if let Action::UpdateServiceCount { from, .. } = &mut other.action {
            *from = 3;
        }
        assert_eq!(sent(&mut memory, vec![other], 86_403), [0], "planned from another live state");
        assert_eq!(sent(&mut memory, vec![count(0, false, &[])], 86_404), [0], "and that state is a new one again");
    }

    #[test]
    fn what_passes_or_is_mended_elsewhere_is_tried_again() {
        let passing = [
            ("ThrottlingException", ""),
            ("AccessDeniedException", ""),
            ("ClientException", "Too many concurrent attempts to create a new revision of the specified family."),
            ("InvalidParameterException", "The target group x does not have an associated load balancer."),
            ("InvalidParameterException", "Unable to assume the service linked role."),
            (
                "InvalidParameterException",
                "Please verify that the ECS service role being passed has the proper permissions.",
            ),
        ];
        for (code, message) in passing {
            let mut memory = Memory::new(1);
            learn(&mut memory, count(0, false, &[]), refused(code, message), 0);
            assert!(memory.next_retry().is_some(), "{code} {message}");
            assert_eq!(sent(&mut memory, vec![count(0, false, &[])], 2), [0], "{code} {message}");
        }
    }

    #[test]
    fn what_somebody_makes_again_after_it_was_removed_is_left_alone() {
        let removal = |arn: &str| {
            let action = Action::RevokeSecurityGroupIngress {
                group: "sg".into(),
                rule: arn.into(),
                mark: BTreeMap::new(),
                carriers: BTreeSet::new(),
            };
            let target = arn.to_owned();
            Step {
                object: ObjectRef::fleet("f"),
                action,
                target,
                summary: "revoke tcp 80".to_owned(),
                ..count(0, true, &[])
            }
        };
        let mut memory = Memory::new(1);
        sent(&mut memory, vec![removal("a")], 0);
        assert_eq!(sent(&mut memory, vec![removal("a")], 300), [0]);
        learn(&mut memory, removal("a"), StepResult::Done, 300);
        for seconds in [600, 900, 3_800] {
            assert!(sent(&mut memory, vec![removal("b")], seconds).is_empty(), "{seconds}");
        }
        assert_eq!(sent(&mut memory, vec![removal("b")], 3_900), [0], "an hour later it is tried once more");
    }

    #[test]
    fn an_object_whose_step_failed_waits_and_the_others_go() {
        let mut memory = Memory::new(1);
        let error = AwsError {
            call: "ecs:UpdateService".to_owned(),
            kind: ErrorKind::Denied,
            code: "AccessDenied".to_owned(),
            message: String::new(),
            request_id: None,
        };
        learn(&mut memory, count(0, false, &[]), StepResult::Failed(error), 0);
        assert_eq!(sent(&mut memory, vec![count(0, false, &[]), count(1, false, &[])], 0), [1]);
        assert!(memory.next_retry().is_some_and(|retry| retry > at(0) && retry <= at(2)));
        assert_eq!(sent(&mut memory, vec![count(0, false, &[])], 2), [0]);
        learn(&mut memory, count(0, false, &[]), StepResult::Done, 2);
        assert_eq!(memory.next_retry(), None);
    }
}
