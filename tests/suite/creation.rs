//! Services that do not exist are created: on the sandbox in this process, by the real reader, planner and writer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;

use jiff::SignedDuration;
use portolan::plan::{Command, Plan, Policy};
use portolan::sandbox::Sent;
use serde_json::{Value, json};

use crate::faults::worlds::Place;
use crate::in_process::InProcess;

const WORLD: &str = include_str!("creation/world.yaml");
const NAMES: [&str; 4] = ["cart", "checkout", "search", "shop"];

fn fleet_of(more: &str) -> String {
    format!(
        "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {{name: store}}
spec:
  region: eu-west-1
  account: \"123456789012\"
  cluster: prod
  vpc: main
  mode: enforce
  redeploy: allow
  tags: [{{key: team, value: store}}]
{more}"
    )
}

/// A service with its target group behind the path of its name.
fn web(name: &str, priority: usize) -> String {
    format!(
        "---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {{name: {name}}}
spec:
  desiredCount: 2
  launchType: FARGATE
  network: {{mode: awsvpc, subnets: [priv-a, priv-b], securityGroups: [apps]}}
  ports: [{{name: http, container: app, containerPort: 8080, targetGroups: [{name}]}}]
  taskDefinition:
    requiresCompatibilities: [FARGATE]
    cpu: 256
    memory: 512
    executionRoleArn: ecsTaskExecutionRole
    containerDefinitions: [{{name: app, image: \"registry.test/{name}:1\"}}]
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {{name: {name}}}
spec:
  loadBalancer: edge
  protocol: HTTP
  healthCheck: {{path: /, interval: 10s, healthyThreshold: 2}}
  routes: [{{listener: 80, priority: {priority}, paths: [\"/{name}/*\"]}}]
"
    )
}

const WORKER: &str = "---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: worker}
spec:
  desiredCount: 1
  capacityProviderStrategy: [{capacityProvider: FARGATE_SPOT, weight: 1}]
  network: {mode: awsvpc, subnets: [priv-a], securityGroups: [apps], assignPublicIp: DISABLED}
  deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true}}
  tags: [{key: tier, value: batch}]
  taskDefinition:
    requiresCompatibilities: [FARGATE]
    cpu: 256
    memory: 512
    executionRoleArn: ecsTaskExecutionRole
    containerDefinitions: [{name: app, image: \"registry.test/worker:1\"}]
";

fn five() -> String {
    let mut text = fleet_of("");
    for (place, name) in NAMES.into_iter().enumerate() {
        write!(text, "{}", web(name, 10 + place)).unwrap();
    }
    text + WORKER
}

fn one(name: &str) -> String {
    fleet_of("") + &web(name, 10)
}

/// The world with what each test declares, with a name.
pub fn places() -> Vec<Place> {
    let gone = format!("{WORLD}{OLD}");
    let removal = fleet_of("  removal: {prune: true, services: allow}\n") + &web("shop", 10);
    let mut places =
        vec![Place::of("creation".to_owned(), WORLD, &five()), Place::of("removal".to_owned(), &gone, &removal)];
    let arn = "arn:aws:ecs:eu-west-1:123456789012:service/prod/old";
    let mark = [("portolan.dev/fleet", "store"), ("portolan.dev/object", "Service/old")];
    let mark: Vec<Value> = mark.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    places[1].world.call("ecs:TagResource", &json!({"resourceArn": arn, "tags": mark})).unwrap();
    places
}

/// A service without tasks.
const OLD: &str = "taskDefinitions: [{family: old, containers: [{name: app, image: \"old:1\"}]}]
services:
  - {name: old, cluster: prod, taskDefinition: old, desiredCount: 0, subnets: [priv-a], securityGroups: [apps]}
";

fn operations(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| step.action.operation()).collect()
}

fn services(fleet: &InProcess) -> usize {
    fleet.call("ecs:ListServices", &json!({"cluster": "prod", "maxResults": 100}))["serviceArns"]
        .as_array()
        .unwrap()
        .len()
}

fn described(fleet: &InProcess, name: &str) -> Value {
    let input = json!({"cluster": "prod", "services": [name], "include": ["TAGS"]});
    fleet.call("ecs:DescribeServices", &input)["services"][0].clone()
}

fn blocked(plan: &Plan) -> String {
    let lines = plan.blocked.iter().map(|entry| format!("{}: {}", entry.what, entry.waiting_on));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_fleet_of_five_is_made_in_one_pass_and_answers() {
    let fleet = InProcess::new(WORLD, five(), false);
    let plan = fleet.pass(usize::MAX).await;
    assert_eq!(blocked(&plan), "");
    assert_eq!(operations(&plan).iter().filter(|name| **name == "CreateService").count(), 5);
    assert_eq!(services(&fleet), 5);
    fleet.shared.world().advance(SignedDuration::from_mins(10));
    for name in NAMES {
        let answer = fleet.shared.world().request(&Sent::get("", &format!("/{name}/")));
        assert_eq!(answer.code, Some(200), "{name}");
    }
    let next = fleet.pass(usize::MAX).await;
    assert_eq!((operations(&next), blocked(&next)), (vec![], String::new()), "the next pass is silent");
    let worker = described(&fleet, "worker");
    assert_eq!(worker["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT");
    assert_eq!(worker["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"], true);
    let mut tags: Vec<(&str, &str)> = worker["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| (tag["key"].as_str().unwrap(), tag["value"].as_str().unwrap()))
        .collect();
    tags.sort();
    let expected = [
        ("portolan.dev/fleet", "store"),
        ("portolan.dev/object", "Service/worker"),
        ("team", "store"),
        ("tier", "batch"),
    ];
    assert_eq!(tags, expected);
}

/// Wherever the first run ends, the next ones make what is left, and nothing twice.
#[tokio::test]
async fn a_run_that_is_cut_off_anywhere_is_finished_by_the_next_one() {
    let steps = InProcess::new(WORLD, one("shop"), false).pass(usize::MAX).await.steps.len();
    assert!(steps >= 4, "{steps}");
    for done in 0..steps {
        let fleet = InProcess::new(WORLD, one("shop"), false);
        let _ = fleet.pass(done).await;
        let _ = fleet.pass(usize::MAX).await;
        fleet.shared.world().advance(SignedDuration::from_mins(5));
        assert_eq!(fleet.pass(usize::MAX).await.steps.len(), 0, "after {done}");
        assert_eq!(services(&fleet), 1);
        let revisions = fleet.call("ecs:ListTaskDefinitions", &json!({"familyPrefix": "shop"}));
        assert_eq!(revisions["taskDefinitionArns"].as_array().unwrap().len(), 1, "after {done}");
    }
}

#[tokio::test]
async fn a_service_that_looks_like_it_is_named_and_nothing_is_created() {
    for (live, says) in [("shopp", "nearly the same name"), ("boutique", "this fleet's tags")] {
        let fleet = InProcess::new(WORLD, one(live), false);
        let _ = fleet.pass(usize::MAX).await;
        fleet.shared.world().advance(SignedDuration::from_mins(5));
        if live == "shopp" {
            let arn = described(&fleet, live)["serviceArn"].clone();
            let keys = json!(["portolan.dev/fleet", "portolan.dev/object"]);
            fleet.call("ecs:UntagResource", &json!({"resourceArn": arn, "tagKeys": keys}));
        }
        let renamed = InProcess { desired: crate::in_process::load(&one("shop")), text: one("shop"), ..fleet };
        let plan = renamed.pass(usize::MAX).await;
        assert!(!operations(&plan).contains(&"CreateService") && services(&renamed) == 1);
        let blocked = blocked(&plan);
        assert!(blocked.contains(says) && blocked.contains(&format!("prod/{live}")), "{blocked}");
    }
}

#[tokio::test]
async fn the_name_of_a_deleted_service_is_used_again() {
    let fleet = InProcess::new(WORLD, one("shop"), false);
    let _ = fleet.pass(usize::MAX).await;
    fleet.shared.world().advance(SignedDuration::from_mins(5));
    fleet.call("ecs:DeleteService", &json!({"cluster": "prod", "service": "shop", "force": true}));
    assert_eq!(operations(&fleet.pass(0).await), Vec::<&str>::new(), "it is DRAINING");
    fleet.shared.world().advance(SignedDuration::from_mins(15));
    let before = described(&fleet, "shop")["createdAt"].clone();
    let _ = fleet.pass(usize::MAX).await;
    let after = described(&fleet, "shop");
    assert_eq!(after["status"], "ACTIVE");
    assert_ne!(after["createdAt"], before);
}

#[tokio::test(start_paused = true)]
async fn the_controller_creates_what_two_passes_miss() {
    let fleet = InProcess::new(WORLD, one("shop"), true);
    let seen = std::cell::RefCell::new(Vec::new());
    fleet.run(60, || seen.borrow_mut().push(services(&fleet))).await;
    let seen = seen.into_inner();
    assert_eq!((seen[0], seen.last()), (0, Some(&1)), "{seen:?}");
}

/// What the manifest names no longer goes in three passes, and nothing else does.
#[tokio::test]
async fn a_service_that_the_fleet_created_goes_in_steps() {
    let removal = "  removal: {prune: true, services: allow, budget: 100%}\n";
    let both = fleet_of(removal) + &web("cart", 10) + &web("shop", 11);
    let fleet = InProcess::new(WORLD, both, false);
    let _ = fleet.pass(usize::MAX).await;
    fleet.shared.world().advance(SignedDuration::from_mins(10));
    let fewer = fleet_of(removal) + &web("cart", 10);
    let fleet = InProcess { desired: crate::in_process::load(&fewer), text: fewer, ..fleet };
    assert!(blocked(&fleet.pass(usize::MAX).await).contains("healthy targets of shop are its tasks"));
    let mut seen = Vec::new();
    for _ in 0..6 {
        let plan = fleet.pass_with_consent(usize::MAX).await;
        seen.push(operations(&plan));
        fleet.shared.world().advance(SignedDuration::from_mins(10));
        assert_eq!(fleet.shared.world().request(&Sent::get("", "/cart/")).code, Some(200));
    }
    assert_eq!(seen[0], ["DeleteRule", "UpdateService"], "its rule goes before its tasks do");
    assert_eq!(seen[1], ["DeleteService"]);
    assert!(seen[2..].iter().flatten().any(|name| *name == "DeleteTargetGroup"), "{seen:?}");
    assert_eq!((seen.last().unwrap().len(), services(&fleet)), (0, 1));
}

/// Files of ecspresso are all that a service needs.
#[tokio::test]
async fn a_service_is_created_from_the_files_of_ecspresso() {
    let text =
        include_str!("../../manifests/ecspresso/fleet.yaml").replace("loadBalancer: public", "loadBalancer: edge");
    let text = text.replace("listener: 443", "listener: 80");
    let fleet = InProcess::new(WORLD, one("shop"), false);
    let ids = |call: &str, list: &str, id: &str| {
        let found = fleet.call(call, &json!({}));
        let all = found[list].as_array().unwrap().iter().filter(|one| named(one));
        all.map(|one| one[id].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (subnets, groups) = (
        ids("ec2:DescribeSubnets", "subnetSet", "subnetId"),
        ids("ec2:DescribeSecurityGroups", "securityGroupInfo", "groupId"),
    );
    let service = include_str!("../../manifests/ecspresso/ecs-service-def.json")
        .replace("subnet-0a1b2c3d4e5f60718", &subnets[0])
        .replace("subnet-1a1b2c3d4e5f60718", &subnets[1])
        .replace("sg-0a1b2c3d4e5f60718", &groups[0]);
    let files = [
        ("ecs-service-def.json", service),
        ("ecs-task-def.json", include_str!("../../manifests/ecspresso/ecs-task-def.json").to_owned()),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), Ok(text))).into();
    let source = portolan::manifest::Source { name: "fleet.yaml".to_owned(), text, files };
    let desired = portolan::manifest::load(&[source]).unwrap_or_else(|problems| panic!("{problems:?}"));
    let fleet = InProcess { desired, ..fleet };
    let plan = fleet.pass(usize::MAX).await;
    assert_eq!(blocked(&plan), "");
    fleet.shared.world().advance(SignedDuration::from_mins(10));
    assert_eq!(fleet.shared.world().request(&Sent::get("shop.example.com", "/")).code, Some(200));
    let made = described(&fleet, "web");
    assert_eq!((&made["desiredCount"], &made["healthCheckGracePeriodSeconds"]), (&json!(2), &json!(30)));
    let next = fleet.pass(usize::MAX).await;
    assert_eq!((operations(&next), blocked(&next)), (vec![], String::new()), "the next pass is silent");
}

/// Private subnets, and the security group of the tasks.
fn named(one: &Value) -> bool {
    let tag = one["tagSet"].as_array().into_iter().flatten().find(|tag| tag["key"] == "Name");
    let name = tag.map_or(&one["groupName"], |tag| &tag["value"]).as_str().unwrap_or_default();
    name.starts_with("priv-") || name == "apps"
}

/// A service's first deployment has nothing behind it: to stop it "with a rollback" would promise what cannot be.
#[tokio::test]
async fn a_first_deployment_is_not_rolled_back() {
    let fleet = InProcess::new(WORLD, one("shop"), false);
    let _ = fleet.pass(usize::MAX).await;
    let policy = Policy { command: Some(Command::Rollback("shop".to_owned())), ..Policy::default() };
    let plan = fleet.pass_under(&policy, usize::MAX).await;
    assert_eq!(operations(&plan), Vec::<&str>::new());
    assert!(blocked(&plan).contains("ECS has nothing to roll back to"), "{}", blocked(&plan));
}
