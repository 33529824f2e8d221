//! What tracing costs in calls: the fleet of the benchmark, counted exactly.

use std::collections::BTreeMap;

use portolan::pass;
use portolan::plan::{Policy, Verdict};
use portolan::sandbox::{World, world_file};
use portolan::trace;
use serde_json::{Value, json};

use super::stage::{Stage, everything};
use crate::fleet::Fleet;

const SERVICES: usize = 100;
const TASKS: usize = 10;
const BALANCERS: usize = 4;

fn stage() -> Stage {
    let fleet = Fleet { tasks: TASKS, behind_one: SERVICES / BALANCERS, ..Fleet::of(SERVICES) };
    let text = format!("{}settle: 600\n", fleet.world());
    let world = world_file::load("world.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
    Stage::of(world, &fleet.manifest("")).unwrap_or_else(|why| panic!("{why}"))
}

type Calls = BTreeMap<String, u64>;

fn calls(list: &[(&str, usize)]) -> Calls {
    list.iter().map(|(call, number)| ((*call).to_owned(), *number as u64)).collect()
}

/// The formula of `docs/aws.md`: what planning asks.
fn of_planning() -> Calls {
    calls(&[
        ("application-autoscaling:DescribeScalableTargets", SERVICES.div_ceil(50)),
        ("ec2:DescribeSecurityGroupRules", 1),
        ("ec2:DescribeSecurityGroups", 1),
        ("ec2:DescribeSubnets", 1),
        ("ec2:DescribeVpcs", 1),
        ("ecs:DescribeClusters", 1),
        ("ecs:DescribeServices", SERVICES / 10),
        ("ecs:DescribeTaskDefinition", SERVICES),
        ("ecs:DescribeTasks", SERVICES * TASKS / 100),
        ("ecs:ListTasks", SERVICES * TASKS / 100),
        ("elasticloadbalancing:DescribeAccountLimits", 1),
        ("elasticloadbalancing:DescribeListeners", BALANCERS),
        ("elasticloadbalancing:DescribeLoadBalancers", 1),
        ("elasticloadbalancing:DescribeRules", BALANCERS),
        ("elasticloadbalancing:DescribeTags", 2 * SERVICES / 20),
        ("elasticloadbalancing:DescribeTargetGroups", 1),
        ("elasticloadbalancing:DescribeTargetHealth", SERVICES),
        ("sts:GetCallerIdentity", 1),
    ])
}

/// What tracing so many of the services asks besides.
fn of_tracing(services: usize, balancers: usize) -> Calls {
    calls(&[
        ("ec2:DescribeNetworkAcls", 1),
        ("ec2:DescribeNetworkInterfaces", (services * TASKS).div_ceil(200)),
        ("ec2:DescribeRouteTables", 1),
        ("ec2:DescribeSecurityGroupRules", 1),
        ("elasticloadbalancing:DescribeLoadBalancerAttributes", balancers),
        ("elasticloadbalancing:DescribeTargetGroupAttributes", services),
    ])
}

fn sum(one: Calls, other: Calls) -> Calls {
    other.into_iter().fold(one, |mut all, (call, number)| {
        *all.entry(call).or_default() += number;
        all
    })
}

#[tokio::test(start_paused = true)]
async fn a_hundred_services_are_traced_in_one_run_in_batches() {
    let stage = stage();
    let looked = pass::look_around(&stage.desired, &stage.reader, &Policy::default(), stage.now()).await;
    let look = looked.unwrap_or_else(|errors| panic!("{errors:?}"));
    let traced = trace::trace(&stage.desired, &look.observed, &everything(), stage.now());
    assert_eq!((traced.paths.len(), traced.verdict()), (SERVICES, trace::Verdict::Reachable));
    assert_eq!(look.observed.tasks.values().filter_map(|seen| seen.as_ref().present()).flatten().count(), 1000);
    assert_eq!(stage.clients.calls().snapshot(), sum(of_planning(), of_tracing(SERVICES, BALANCERS)));
}

fn edit_health_check(world: &mut World, name: &str) {
    let mut call = |call: &str, input: &Value| world.call(call, input).unwrap_or_else(|refusal| panic!("{refusal}"));
    let found = call("elasticloadbalancing:DescribeTargetGroups", &json!({"Names": [name]}));
    let arn = &found["TargetGroups"][0]["TargetGroupArn"];
    call("elasticloadbalancing:ModifyTargetGroup", &json!({"TargetGroupArn": arn, "HealthCheckPath": "/elsewhere"}));
}

#[tokio::test(start_paused = true)]
async fn a_pass_pays_for_the_paths_that_its_steps_touch_and_for_no_other() {
    let stage = stage();
    let look = stage.look(false).await.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(look.plan.verdict(), Verdict::InSync);
    let silent = stage.clients.calls().snapshot();
    assert_eq!(silent, of_planning(), "nothing to do, nothing further to read");

    edit_health_check(&mut stage.shared.world(), "s042");
    let look = stage.look(false).await.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((look.plan.steps.len(), look.plan.verdict()), (1, Verdict::Pending));
    let mut again = of_planning();
    again.remove("ecs:DescribeTaskDefinition");
    assert_eq!(stage.clients.calls().snapshot(), sum(silent, sum(again, of_tracing(1, 1))));
}
