//! Repairs on an AWS that misbehaves as AWS may: reads that tell what was, and reads that fail.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use portolan::apply::{StepResult, apply};
use portolan::aws::{Reader, Writer};
use portolan::pass;
use portolan::plan::{Plan, Policy, Verdict};
use portolan::sandbox::{Sent, Shared, world_file};
use tokio_util::sync::CancellationToken;

use crate::trace::stage::Stage;

/// Seconds: longer than a pass takes at AWS's rates, shorter than a step waits for what it has made to be seen.
const LAG: i64 = 20;
const WAYS: [&str; 8] = ["cart", "catalog", "checkout", "ledger", "orders", "payments", "reports", "search"];

/// The fleet of the demonstration, seven of whose eight services are broken, and what else is done to it; its time is Tokio's.
fn harbour(settings: &str, done: &str) -> Stage {
    let world = include_str!("../../src/cli/demo/world.yaml");
    let world = world_file::load("world.yaml", &format!("settings: {settings}\n{world}{done}"));
    let world = world.unwrap_or_else(|error| panic!("{error}"));
    Stage::on(Shared::following(world, 1.0), include_str!("../../manifests/harbour/fleet.yaml")).expect("a stage")
}

async fn plan(stage: &Stage) -> Plan {
    stage.look(false).await.expect("a look").plan
}

async fn carried_out(stage: &Stage, plan: &Plan) {
    let outcome = apply(plan, &Writer::new(&stage.clients), NonZeroUsize::MIN, &CancellationToken::new(), |_| {}).await;
    assert!(outcome.results.values().all(|result| *result == StepResult::Done), "{:?}", outcome.results);
}

fn refusals(stage: &Stage) -> BTreeSet<String> {
    let world = stage.shared.world();
    let told = world.trace().iter().filter_map(|line| line.split_once(" refused: "));
    told.map(|(call, code)| format!("{} {code}", call.rsplit(' ').next().unwrap_or(call))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_is_not_seen_yet_is_sent_again_and_harms_nothing() {
    let stage = harbour(&format!("{{lag: {LAG}, rateLimits: true}}"), "");
    tokio::time::advance(Duration::from_secs(60)).await;
    let first = plan(&stage).await;
    assert_eq!(first.steps.len(), 7);
    carried_out(&stage, &first).await;

    let unseen = plan(&stage).await;
    assert_eq!(unseen.steps, first.steps, "reads still tell what was");
    carried_out(&stage, &unseen).await;
    let expected = BTreeSet::from(["ec2:AuthorizeSecurityGroupIngress InvalidPermission.Duplicate".to_owned()]);
    assert_eq!(refusals(&stage), expected);

    tokio::time::advance(Duration::from_secs(300)).await;
    let seen = plan(&stage).await;
    assert_eq!(seen.verdict(), Verdict::InSync, "{:?}", seen.steps);
    let mut world = stage.shared.world();
    for name in WAYS {
        assert_eq!(world.request(&Sent::get("", &format!("/{name}/1"))).code, Some(200), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_just_made_is_waited_for() {
    let gone = "  - {call: elasticloadbalancing:DeleteRule, with: {RuleArn: $rule/public:80/80}}
  - {call: elasticloadbalancing:DeleteTargetGroup, with: {TargetGroupArn: $targetGroup/ledger}}
";
    let stage = harbour(&format!("{{lag: {LAG}}}"), gone);
    tokio::time::advance(Duration::from_secs(60)).await;
    let made = plan(&stage).await;
    let of_ledger = made.steps.iter().filter(|step| step.object.key == "ledger").map(|step| step.action.operation());
    assert_eq!(of_ledger.collect::<Vec<_>>(), ["CreateTargetGroup", "CreateRule", "RegisterTargets"]);
    carried_out(&stage, &made).await;
    let unseen = refusals(&stage);
    assert!(unseen.iter().all(|refusal| refusal.ends_with(" TargetGroupNotFound")) && !unseen.is_empty(), "{unseen:?}");
    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(plan(&stage).await.verdict(), Verdict::InSync);
    assert_eq!(stage.shared.world().request(&Sent::get("", "/ledger/1")).code, Some(200));
}

#[tokio::test(start_paused = true)]
async fn a_target_is_only_removed_where_all_that_may_have_its_address_was_read() {
    let stage = harbour("{}", "");
    let removals = |plan: &Plan| plan.steps.iter().filter(|step| step.removes).count();
    assert_eq!(removals(&plan(&stage).await), 1);
    let asked: BTreeSet<String> = stage.clients.calls().snapshot().into_keys().collect();
    let mut needless = BTreeSet::new();
    for call in asked {
        stage.shared.world().settings.refused = [(call.clone(), "InternalFailure".to_owned())].into();
        // A new reader: what is kept of task definitions is not asked again.
        let reader = Reader::new(&stage.clients);
        let look = pass::look(&stage.desired, &reader, &Policy::default(), stage.now()).await;
        if look.is_ok_and(|look| removals(&look.plan) > 0) {
            needless.insert(call);
        }
    }
    // The network around its path, quotas, attributes, and services that the manifest does not name: none of them has addresses.
    let expected = [
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeRouteTables",
        "ecs:ListServices",
        "elasticloadbalancing:DescribeAccountLimits",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
    ];
    assert_eq!(needless.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
