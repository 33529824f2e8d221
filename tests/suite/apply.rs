//! The walk of a plan's graph: order, failures, interruption, and a result for every step.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use portolan::apply::{AwsError, DEFAULT_LIMIT, ErrorKind, Event, Outcome, Outputs, Perform, Performed, StepResult};
use portolan::model::{ObjectRef, RuleActions, RuleArn, Serve, Tags, TargetGroupArn};
use portolan::plan::{Action, DeletedRuleBelief, Output, Plan, Receivers, RuleBelief, Step, StepId};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

/// How the fake AWS answers a step; everything not listed is done.
enum Answer {
    Output(Output),
    Stale,
    Fail(ErrorKind),
    /// Done, but the run is interrupted while it is under way.
    Interrupt(CancellationToken),
}

/// An AWS that notes what it was asked, by the step's number, which stands in the action.
#[derive(Default)]
struct Aws {
    answers: BTreeMap<usize, Answer>,
    /// `+n` when step n starts, `-n` when it ends.
    journal: RefCell<Vec<String>>,
    under_way: Cell<usize>,
    most_under_way: Cell<usize>,
    outputs_seen: RefCell<BTreeMap<usize, Outputs>>,
    /// Target groups without a healthy target.
    idle: BTreeSet<TargetGroupArn>,
}

impl Aws {
    fn answering(answers: impl IntoIterator<Item = (usize, Answer)>) -> Self {
        Self { answers: answers.into_iter().collect(), ..Self::default() }
    }

    fn journal(&self) -> String {
        self.journal.borrow().join(" ")
    }
}

impl Perform for Aws {
    async fn idle<'a>(&self, receivers: &'a Receivers) -> Result<Option<&'a BTreeSet<TargetGroupArn>>, AwsError> {
        Ok(receivers.iter().find(|groups| groups.is_subset(&self.idle)))
    }

    async fn perform(&self, action: &Action, outputs: &Outputs) -> Result<Performed, AwsError> {
        let Action::DeleteRule { rule, .. } = action else { panic!("unexpected {action:?}") };
        let number: usize = rule.as_str().parse().expect("the number of the step");
        self.journal.borrow_mut().push(format!("+{number}"));
        self.outputs_seen.borrow_mut().insert(number, outputs.clone());
        self.under_way.set(self.under_way.get() + 1);
        self.most_under_way.set(self.most_under_way.get().max(self.under_way.get()));
        // Lower numbers take longer, so that ends do not simply follow starts.
        for _ in 0..(7 - number % 7) {
            tokio::task::yield_now().await;
        }
        self.under_way.set(self.under_way.get() - 1);
        self.journal.borrow_mut().push(format!("-{number}"));
        match self.answers.get(&number) {
            None => Ok(Performed::Done(None)),
            Some(Answer::Output(output)) => Ok(Performed::Done(Some(output.clone()))),
            Some(Answer::Stale) => Ok(Performed::Stale("it was edited".to_owned())),
            Some(Answer::Fail(kind)) => Err(refusal(*kind)),
            Some(Answer::Interrupt(token)) => {
                token.cancel();
                Ok(Performed::Done(None))
            }
        }
    }
}

fn refusal(kind: ErrorKind) -> AwsError {
    AwsError {
        call: "elasticloadbalancing:DeleteRule".to_owned(),
        kind,
        code: "Refused".to_owned(),
        message: "no".to_owned(),
        request_id: None,
    }
}

/// What a removal expects is the writer's to compare.
fn belief() -> DeletedRuleBelief {
    DeletedRuleBelief {
        rule: RuleBelief {
            priority: 1,
            conditions: Default::default(),
            actions: RuleActions {
                login: false,
                token: false,
                serve: Serve::Redirect("https://#{host}:443/#{path}".to_owned()),
            },
        },
        idle: Default::default(),
    }
}

/// A plan from the `after` of each step; each step is for an object of its own.
fn plan_of(edges: &[&[usize]]) -> Plan {
    let step = |(number, after): (usize, &&[usize])| Step {
        id: StepId(number),
        action: Action::DeleteRule { rule: RuleArn::from(number.to_string()), mark: Tags::new(), expect: belief() },
        object: ObjectRef::service(&format!("object-{number}")),
        target: "rule".to_owned(),
        summary: "delete a rule".to_owned(),
        reason: "for the test".to_owned(),
        changes: Vec::new(),
        after: after.iter().copied().map(StepId).collect(),
        redeploys: false,
        removes: true,
        receivers: Receivers::new(),
    };
    Plan { steps: edges.iter().enumerate().map(step).collect(), ..Plan::default() }
}

fn limit(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("not 0")
}

async fn walk(plan: &Plan, aws: &Aws) -> Outcome {
    portolan::apply::apply(plan, aws, DEFAULT_LIMIT, &CancellationToken::new(), |_| {}).await
}

fn skipped(because: usize) -> StepResult {
    StepResult::Skipped { because: StepId(because) }
}

fn results(outcome: &Outcome) -> Vec<StepResult> {
    outcome.results.values().cloned().collect()
}

#[tokio::test]
async fn an_empty_plan_has_an_empty_outcome() {
    assert_eq!(walk(&Plan::default(), &Aws::default()).await, Outcome::default());
}

#[tokio::test]
async fn a_step_starts_only_when_everything_before_it_is_done() {
    let aws = Aws::default();
    let outcome = walk(&plan_of(&[&[], &[0], &[1], &[2]]), &aws).await;
    assert_eq!(aws.journal(), "+0 -0 +1 -1 +2 -2 +3 -3");
    assert_eq!(results(&outcome), vec![StepResult::Done; 4]);
}

#[tokio::test]
async fn the_numbers_of_steps_give_no_order_of_their_own() {
    let aws = Aws::default();
    let outcome = walk(&plan_of(&[&[2], &[0], &[]]), &aws).await;
    assert_eq!(aws.journal(), "+2 -2 +0 -0 +1 -1");
    assert_eq!(results(&outcome), vec![StepResult::Done; 3]);
}

#[tokio::test]
async fn independent_steps_run_at_the_same_time() {
    let aws = Aws::default();
    let outcome = walk(&plan_of(&[&[], &[], &[0, 1]]), &aws).await;
    assert_eq!(aws.journal(), "+0 +1 -1 -0 +2 -2");
    assert_eq!(results(&outcome), vec![StepResult::Done; 3]);
}

#[tokio::test]
async fn no_more_steps_than_the_limit_are_under_way() {
    for (most, expected) in [(1, 1), (3, 3), (50, 12)] {
        let aws = Aws::default();
        let plan = plan_of(&[&[] as &[usize]; 12]);
        let outcome = portolan::apply::apply(&plan, &aws, limit(most), &CancellationToken::new(), |_| {}).await;
        assert_eq!(aws.most_under_way.get(), expected, "limit {most}");
        assert_eq!(results(&outcome), vec![StepResult::Done; 12]);
    }
}

#[tokio::test]
async fn what_a_step_answers_reaches_the_steps_after_it() {
    let made = Output::TargetGroup(TargetGroupArn::from("arn:made"));
    let aws = Aws::answering([(0, Answer::Output(made.clone()))]);
    assert_eq!(results(&walk(&plan_of(&[&[], &[0], &[1]]), &aws).await), vec![StepResult::Done; 3]);
    let seen = aws.outputs_seen.borrow();
    assert_eq!(seen[&0], Outputs::new());
    let expected = Outputs::from([(ObjectRef::service("object-0"), made)]);
    assert_eq!((&seen[&1], &seen[&2]), (&expected, &expected));
}

#[tokio::test]
async fn a_failure_skips_what_hangs_on_it_and_nothing_else() {
    let aws = Aws::answering([(0, Answer::Fail(ErrorKind::Denied))]);
    let outcome = walk(&plan_of(&[&[], &[0], &[1], &[], &[3], &[2, 4]]), &aws).await;
    let failed = StepResult::Failed(refusal(ErrorKind::Denied));
    let expected = vec![failed, skipped(0), skipped(0), StepResult::Done, StepResult::Done, skipped(0)];
    assert_eq!(results(&outcome), expected);
    for never in ["+1", "+2", "+5"] {
        assert!(!aws.journal().contains(never), "{}", aws.journal());
    }
}

#[tokio::test]
async fn a_removal_does_not_start_when_something_before_it_failed_while_others_are_still_under_way() {
    // 6 ends long before 0 does; the removal needs both.
    let aws = Aws::answering([(6, Answer::Fail(ErrorKind::Invalid))]);
    let outcome = walk(&plan_of(&[&[], &[0, 6], &[], &[], &[], &[], &[]]), &aws).await;
    assert_eq!(outcome.results[&StepId(1)], skipped(6));
    assert_eq!(outcome.results[&StepId(0)], StepResult::Done);
    assert!(!aws.journal().contains("+1"));
}

#[tokio::test]
async fn a_stale_step_skips_what_hangs_on_it() {
    let aws = Aws::answering([(0, Answer::Stale)]);
    let outcome = walk(&plan_of(&[&[], &[0], &[]]), &aws).await;
    assert_eq!(results(&outcome), vec![StepResult::Stale("it was edited".to_owned()), skipped(0), StepResult::Done]);
}

#[tokio::test]
async fn a_call_with_an_unknown_effect_holds_back_the_other_steps_of_its_object() {
    for (kind, expected) in [(ErrorKind::Transient, skipped(0)), (ErrorKind::Denied, StepResult::Done)] {
        let mut plan = plan_of(&[&[], &[], &[], &[1]]);
        plan.steps[1].object = plan.steps[0].object.clone();
        let aws = Aws::answering([(0, Answer::Fail(kind))]);
        let outcome = portolan::apply::apply(&plan, &aws, limit(1), &CancellationToken::new(), |_| {}).await;
        let failed = StepResult::Failed(refusal(kind));
        assert_eq!(results(&outcome), vec![failed, expected.clone(), StepResult::Done, expected]);
    }
}

#[tokio::test]
async fn after_an_interruption_nothing_starts_and_what_runs_is_finished() {
    let token = CancellationToken::new();
    let aws = Aws::answering([(1, Answer::Interrupt(token.clone()))]);
    let plan = plan_of(&[&[], &[], &[0], &[2], &[]]);
    let outcome = portolan::apply::apply(&plan, &aws, limit(2), &token, |_| {}).await;
    assert_eq!(aws.journal(), "+0 +1 -1 -0");
    let cancelled = StepResult::Cancelled;
    let expected = vec![StepResult::Done, StepResult::Done, cancelled.clone(), cancelled.clone(), cancelled];
    assert_eq!(results(&outcome), expected);
}

#[tokio::test]
async fn an_interruption_before_the_start_sends_nothing() {
    let token = CancellationToken::new();
    token.cancel();
    let aws = Aws::default();
    let outcome = portolan::apply::apply(&plan_of(&[&[], &[0]]), &aws, DEFAULT_LIMIT, &token, |_| {}).await;
    assert_eq!(aws.journal(), "");
    assert_eq!(results(&outcome), vec![StepResult::Cancelled; 2]);
}

#[tokio::test]
async fn a_step_that_waits_for_what_the_plan_does_not_have_is_skipped() {
    let aws = Aws::default();
    let outcome = walk(&plan_of(&[&[], &[9], &[3], &[2]]), &aws).await;
    assert_eq!(results(&outcome), vec![StepResult::Done, skipped(9), skipped(3), skipped(2)]);
    assert_eq!(aws.journal(), "+0 -0");
}

#[tokio::test]
async fn every_step_finishes_once_and_only_sent_ones_start() {
    let aws = Aws::answering([(0, Answer::Fail(ErrorKind::Quota))]);
    let mut events = Vec::new();
    let plan = plan_of(&[&[], &[0], &[]]);
    let token = CancellationToken::new();
    let walk = portolan::apply::apply(&plan, &aws, limit(1), &token, |event| {
        events.push(match event {
            Event::Started(step) => format!("{} starts", step.id),
            Event::Finished(step, StepResult::Done) => format!("{} is done", step.id),
            Event::Finished(step, StepResult::Skipped { because }) => format!("{} skipped for {because}", step.id),
            Event::Finished(step, _) => format!("{} ends", step.id),
        });
    });
    let outcome = walk.await;
    assert_eq!(outcome.results.len(), 3);
    assert_eq!(events, ["s0 starts", "s0 ends", "s1 skipped for s0", "s2 starts", "s2 is done"]);
}

/// A graph without cycles whose numbers say nothing about its order, and what AWS answers.
fn graphs() -> impl Strategy<Value = (Vec<BTreeSet<usize>>, Vec<u8>, usize)> {
    (1_usize..24).prop_flat_map(|size| {
        let edges = proptest::collection::vec(any::<prop::sample::Index>(), 0..size * 2);
        let order = Just((0..size).collect::<Vec<_>>()).prop_shuffle();
        let answers = proptest::collection::vec(0_u8..10, size);
        (edges, order, answers, 1_usize..6).prop_map(move |(edges, order, answers, limit)| {
            let mut after = vec![BTreeSet::new(); size];
            for pair in edges.chunks_exact(2) {
                let (one, other) = (pair[0].index(size), pair[1].index(size));
                if one != other {
                    after[order[one.max(other)]].insert(order[one.min(other)]);
                }
            }
            (after, answers, limit)
        })
    })
}

fn answer_of(draw: u8, token: &CancellationToken) -> Option<Answer> {
    match draw {
        0 => Some(Answer::Fail(ErrorKind::Denied)),
        1 => Some(Answer::Stale),
        2 => Some(Answer::Fail(ErrorKind::Transient)),
        3 => Some(Answer::Interrupt(token.clone())),
        _ => None,
    }
}

fn was_sent(result: &StepResult) -> bool {
    match result {
        StepResult::Done | StepResult::Failed(_) | StepResult::Stale(_) => true,
        StepResult::Skipped { .. } | StepResult::Cancelled => false,
    }
}

proptest! {
    #[test]
    fn any_graph_ends_with_a_result_for_every_step_and_no_step_too_early((after, draws, most) in graphs()) {
        let token = CancellationToken::new();
        let answers = draws.iter().enumerate().filter_map(|(number, draw)| Some((number, answer_of(*draw, &token)?)));
        let aws = Aws::answering(answers);
        let lists: Vec<Vec<usize>> = after.iter().map(|set| set.iter().copied().collect()).collect();
        let plan = plan_of(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let outcome = runtime.block_on(portolan::apply::apply(&plan, &aws, limit(most), &token, |_| {}));

        prop_assert_eq!(outcome.results.keys().copied().collect::<Vec<_>>(), (0..after.len()).map(StepId).collect::<Vec<_>>());
        prop_assert!(aws.most_under_way.get() <= most);
        let journal = aws.journal.borrow();
        let position = |mark: String| journal.iter().position(|entry| *entry == mark);
        let done = |number: usize| outcome.results[&StepId(number)] == StepResult::Done;
        for (number, before) in after.iter().enumerate() {
            match position(format!("+{number}")) {
                Some(start) => for earlier in before {
                    prop_assert!(done(*earlier));
                    let end = position(format!("-{earlier}")).expect("it ended");
                    prop_assert!(end < start);
                },
                None => prop_assert!(!was_sent(&outcome.results[&StepId(number)])),
            }
            if let StepResult::Skipped { because } = outcome.results[&StepId(number)] {
                prop_assert!(was_sent(&outcome.results[&because]) && !done(because.0));
            }
        }
    }
}

#[tokio::test]
async fn requests_do_not_move_to_what_has_no_healthy_target_any_more() {
    let group = |name: &str| BTreeSet::from([TargetGroupArn::from(name)]);
    let aws = Aws { idle: group("arn:targetgroup/empty/1"), ..Aws::default() };
    let mut plan = plan_of(&[&[], &[], &[1]]);
    plan.steps[0].receivers = Receivers::from([group("arn:targetgroup/full/2")]);
    plan.steps[1].receivers = Receivers::from([group("arn:targetgroup/full/2"), group("arn:targetgroup/empty/1")]);
    let outcome = walk(&plan, &aws).await;
    assert_eq!(aws.journal(), "+0 -0");
    let StepResult::Stale(why) = &outcome.results[&StepId(1)] else { panic!("{outcome:?}") };
    assert_eq!(why, "empty has no healthy target now; it had one when it was read");
    assert!(matches!(outcome.results[&StepId(2)], StepResult::Skipped { .. }), "{outcome:?}");
}
