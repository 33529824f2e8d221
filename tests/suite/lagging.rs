//! Repairs on an AWS whose reads tell what was some seconds ago: nothing is done that harms, however often it is looked.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use jiff::SignedDuration;
use portolan::apply::{Outcome, StepResult, apply};
use portolan::aws::Writer;
use portolan::plan::{Plan, Verdict};
use portolan::sandbox::{Sent, world_file};
use tokio_util::sync::CancellationToken;

use crate::trace::stage::Stage;

const LAG: i64 = 5;
const WAYS: [&str; 8] = ["cart", "catalog", "checkout", "ledger", "orders", "payments", "reports", "search"];

/// The fleet of the demonstration: seven of its eight services are broken.
fn harbour() -> Stage {
    let mut world = world_file::load("world.yaml", include_str!("../../src/cli/demo/world.yaml")).expect("a world");
    world.settings.lag = SignedDuration::from_secs(LAG);
    Stage::of(world, include_str!("../../manifests/harbour/fleet.yaml")).expect("a stage")
}

async fn carried_out(stage: &Stage, plan: &Plan) -> Outcome {
    apply(plan, &Writer::new(&stage.clients), NonZeroUsize::MIN, &CancellationToken::new(), |_| {}).await
}

fn pass(stage: &Stage, seconds: i64) {
    stage.shared.world().advance(SignedDuration::from_secs(seconds));
}

fn refusals(stage: &Stage) -> BTreeSet<String> {
    let world = stage.shared.world();
    let told = world.trace().iter().filter_map(|line| line.split_once(" refused: "));
    told.map(|(call, code)| format!("{} {code}", call.rsplit(' ').next().unwrap_or(call))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_is_not_seen_yet_is_sent_again_and_harms_nothing() {
    let stage = harbour();
    pass(&stage, 60);
    let first = stage.look(false).await.expect("a look").plan;
    assert_eq!(first.steps.len(), 7);
    let outcome = carried_out(&stage, &first).await;
    assert!(outcome.results.values().all(|result| *result == StepResult::Done), "{:?}", outcome.results);

    pass(&stage, LAG - 1);
    let unseen = stage.look(false).await.expect("a look").plan;
    assert_eq!(unseen.steps, first.steps, "reads still tell what was");
    let outcome = carried_out(&stage, &unseen).await;
    assert!(outcome.results.values().all(|result| *result == StepResult::Done), "{:?}", outcome.results);
    let expected = BTreeSet::from(["ec2:AuthorizeSecurityGroupIngress InvalidPermission.Duplicate".to_owned()]);
    assert_eq!(refusals(&stage), expected);

    pass(&stage, 300);
    let seen = stage.look(false).await.expect("a look").plan;
    assert_eq!(seen.verdict(), Verdict::InSync, "{:?}", seen.steps);
    let mut world = stage.shared.world();
    for name in WAYS {
        assert_eq!(world.request(&Sent::get("", &format!("/{name}/1"))).code, Some(200), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_read_of_any_call_of_a_pass_removes_nothing() {
    let stage = harbour();
    pass(&stage, 60);
    let asked: Vec<String> = {
        stage.look(false).await.expect("a look");
        stage.clients.calls().snapshot().into_keys().collect()
    };
    assert!(asked.len() > 15, "{asked:?}");
    for call in asked {
        stage.shared.world().settings.refused = [(call.clone(), "InternalFailure".to_owned())].into();
        let plan = stage.look(false).await.expect("a look").plan;
        let removals = plan.steps.iter().filter(|step| step.action.operation() == "DeregisterTargets").count();
        // What is left of the reading shows that the address is nobody's only where everything that could have it was read.
        let needed = !matches!(
            call.as_str(),
            "application-autoscaling:DescribeScalableTargets"
                | "ec2:DescribeSecurityGroupRules"
                | "sts:GetCallerIdentity"
        );
        assert!(removals == 0 || !needed, "{call}: {:?}", plan.steps);
    }
}
