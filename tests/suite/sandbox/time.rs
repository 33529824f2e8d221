//! Time, chance and misbehaviour of a world.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::json;

use super::fleet::{advance, call, text, world};

#[test]
fn the_same_seed_and_the_same_calls_make_the_same_trace() {
    let run = |seed: &str| {
        let mut world = world(&text(&["cart", "catalog"]).replace("seed: 3", seed));
        advance(&mut world, 900);
        call(&mut world, "ecs:UpdateService", &json!({"cluster": "prod", "service": "cart", "desiredCount": 5}));
        advance(&mut world, 900);
        call(
            &mut world,
            "ecs:UpdateService",
            &json!({"cluster": "prod", "service": "cart", "forceNewDeployment": true}),
        );
        advance(&mut world, 3600);
        world.trace().join("\n")
    };
    let first = run("seed: 3");
    assert_eq!(first, run("seed: 3"));
    assert_ne!(first, run("seed: 4"));
}

#[test]
fn ten_thousand_minutes_of_a_quiet_fleet_are_quiet() {
    let names: Vec<String> = (0..20).map(|number| format!("s{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = world(&text(&names));
    advance(&mut world, 1200);
    let settled = world.trace().len();
    advance(&mut world, 10_000 * 60);
    assert_eq!(world.trace()[settled..], [""; 0]);
    assert_eq!(world.now().duration_since("2026-01-01T00:00:00Z".parse().expect("a time")).as_mins(), 10_000 + 20 + 3);
}

#[test]
fn a_fleet_whose_group_is_closed_never_comes_to_rest_and_never_fills_up() {
    let mut world = world(&text(&["cart"]).replace("{ports: 8080, from: lb}", "{ports: 8081, from: lb}"));
    advance(&mut world, 1000 * 60);
    let tasks = call(&mut world, "ecs:ListTasks", &json!({"cluster": "prod"}));
    assert_eq!(tasks["taskArns"].as_array().map(Vec::len), Some(2));
    let unhealthy = world.trace().iter().filter(|line| line.contains("is unhealthy in")).count();
    assert!(unhealthy > 100, "ECS replaces unhealthy tasks without end, {unhealthy} times here");
}

#[test]
fn a_lagging_read_tells_what_was() {
    let mut world = world(&text(&[]));
    world.settings.lag = SignedDuration::from_secs(5);
    let names = |world: &mut portolan::sandbox::World| {
        let answer = call(world, "ecs:ListClusters", &json!({}));
        answer["clusterArns"].as_array().map_or(0, Vec::len)
    };
    advance(&mut world, 60);
    call(&mut world, "ecs:CreateCluster", &json!({"clusterName": "second"}));
    assert_eq!(names(&mut world), 1);
    advance(&mut world, 3);
    call(&mut world, "ecs:CreateCluster", &json!({"clusterName": "third"}));
    advance(&mut world, 2);
    assert_eq!(names(&mut world), 2);
    advance(&mut world, 3);
    assert_eq!(names(&mut world), 3);
}

#[test]
fn buckets_refuse_what_is_too_much_and_fill_up_again() {
    let mut world = world(&text(&["cart"]));
    world.settings.buckets = true;
    let taken = |world: &mut portolan::sandbox::World, times: usize| {
        let calls = (0..times).map(|_| world.call("elasticloadbalancing:DescribeLoadBalancers", &json!({})));
        calls.filter(Result::is_ok).count()
    };
    assert_eq!(taken(&mut world, 60), 40);
    let refusal =
        world.call("elasticloadbalancing:DescribeRules", &json!({})).expect_err("the account's bucket is empty");
    assert_eq!((refusal.code.as_str(), refusal.status), ("Throttling", 400));
    advance(&mut world, 2);
    assert_eq!(taken(&mut world, 60), 20);
    assert!(world.call("ecs:ListClusters", &json!({})).is_ok(), "ECS has buckets of its own");
}

#[test]
fn what_a_world_refuses_on_purpose_has_the_code_that_it_says_and_a_status_that_fits() {
    let mut world = world(&format!(
        "{}settings: {{lag: 7, rateLimits: true, refused: {{ecs:ListClusters: ServerException, \
                                    ec2:DescribeVpcs: Unavailable, ecs:DescribeServices: ClientException}}}}\n",
        text(&[])
    ));
    assert_eq!((world.settings.lag, world.settings.buckets), (SignedDuration::from_secs(7), true));
    let told = ["ecs:ListClusters", "ec2:DescribeVpcs", "ecs:DescribeServices"].map(|call| {
        let refusal = world.call(call, &json!({})).expect_err("refused");
        (refusal.code, refusal.status)
    });
    let expected = [("ServerException", 500), ("Unavailable", 503), ("ClientException", 400)];
    assert_eq!(told, expected.map(|(code, status)| (code.to_owned(), status)));
}

#[test]
fn what_is_denied_is_denied_in_the_words_of_its_service() {
    let mut world = world(&text(&[]));
    let calls = ["ecs:ListClusters", "ec2:DescribeVpcs", "elasticloadbalancing:DescribeTags"];
    world.settings.denied = calls.iter().map(|call| (*call).to_owned()).collect();
    let codes: BTreeSet<_> = calls
        .iter()
        .map(|call| {
            let refusal = world.call(call, &json!({})).expect_err("denied");
            (refusal.code, refusal.status)
        })
        .collect();
    let expected = [("AccessDeniedException", 400), ("UnauthorizedOperation", 403), ("AccessDenied", 403)]
        .map(|(code, status)| (code.to_owned(), status));
    assert_eq!(codes, BTreeSet::from(expected));
}

#[test]
fn a_dry_run_of_ec2_changes_nothing_and_says_what_would_be() {
    let mut world = world(&text(&[]));
    let before = world.trace().len();
    let refusal = world.call("ec2:CreateVpc", &json!({"CidrBlock": "10.9.0.0/16", "DryRun": "true"})).expect_err("dry");
    assert_eq!((refusal.code.as_str(), refusal.status), ("DryRunOperation", 412));
    assert_eq!(world.trace().len(), before);
}
