//! Target groups that no service names: ECS leaves them to whoever registers there.

use portolan::sandbox::{Sent, World};
use serde_json::{Value, json};

use super::fleet::{advance, call, text, world};
use crate::folder;

/// A service whose target group is not in its `loadBalancers`.
fn unwired() -> World {
    let wired = ", loadBalancers: [{targetGroup: cart, container: app, port: 8080}]";
    let mut world = world(&text(&["cart"]).replace(wired, ""));
    advance(&mut world, 600);
    world
}

fn code(world: &mut World) -> Option<u16> {
    world.request(&Sent::get("shop.example.com", "/cart")).code
}

fn group(world: &mut World) -> String {
    let found = call(world, "elasticloadbalancing:DescribeTargetGroups", &json!({"Names": ["cart"]}));
    found["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap_or_default().to_owned()
}

/// What a registrar would register for the running tasks.
fn places(world: &mut World) -> Vec<Value> {
    let arns = call(world, "ecs:ListTasks", &json!({"cluster": "prod", "serviceName": "cart"}))["taskArns"].clone();
    let tasks = call(world, "ecs:DescribeTasks", &json!({"cluster": "prod", "tasks": arns}));
    let address = |task: &Value| task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"].clone();
    let tasks = tasks["tasks"].as_array().cloned().unwrap_or_default();
    tasks.iter().map(|task| json!({"Id": address(task), "Port": 8080})).collect()
}

fn states(world: &mut World) -> Vec<String> {
    let arn = group(world);
    let health = call(world, "elasticloadbalancing:DescribeTargetHealth", &json!({"TargetGroupArn": arn}));
    let health = health["TargetHealthDescriptions"].as_array().cloned().unwrap_or_default();
    let mut states: Vec<String> =
        health.iter().filter_map(|one| one["TargetHealth"]["State"].as_str().map(str::to_owned)).collect();
    states.sort();
    states
}

fn targets(world: &mut World, what: &str, targets: &[Value]) {
    let arn = group(world);
    call(world, &format!("elasticloadbalancing:{what}"), &json!({"TargetGroupArn": arn, "Targets": targets}));
}

#[test]
fn tasks_of_a_service_that_names_no_target_group_answer_once_somebody_registers_them() {
    let mut world = unwired();
    assert_eq!(code(&mut world), Some(503));
    let places = places(&mut world);
    assert_eq!(places.len(), 2);
    targets(&mut world, "RegisterTargets", &places);
    advance(&mut world, 300);
    assert_eq!(states(&mut world), ["healthy", "healthy"]);
    assert_eq!(code(&mut world), Some(200));
}

#[test]
fn ecs_neither_puts_back_nor_takes_out_what_it_does_not_feed() {
    let mut world = unwired();
    let both = places(&mut world);
    targets(&mut world, "RegisterTargets", &both);
    advance(&mut world, 300);
    targets(&mut world, "DeregisterTargets", &both[..1]);
    advance(&mut world, 3600);
    assert_eq!(states(&mut world), ["healthy"], "nobody but the registrar puts a target back");
    targets(&mut world, "RegisterTargets", &both[..1]);
    call(&mut world, "ecs:UpdateService", &json!({"cluster": "prod", "service": "cart", "desiredCount": 1}));
    advance(&mut world, 3600);
    assert_eq!(states(&mut world), ["healthy", "unhealthy"], "the registration of a task outlives it");
    let left = places(&mut world);
    let gone: Vec<Value> = both.into_iter().filter(|place| !left.contains(place)).collect();
    targets(&mut world, "DeregisterTargets", &gone);
    advance(&mut world, 3600);
    assert_eq!(states(&mut world), ["healthy"]);
    assert_eq!(code(&mut world), Some(200));
}

#[test]
fn the_host_ports_of_one_instance_are_targets_of_their_own() {
    let mut world = world(&folder::open_named("cases/world-registrar-bridge").world.expect("a world"));
    let found = call(&mut world, "elasticloadbalancing:DescribeTargetGroups", &json!({"Names": ["reports"]}));
    let arn = found["TargetGroups"][0]["TargetGroupArn"].clone();
    let health = call(&mut world, "elasticloadbalancing:DescribeTargetHealth", &json!({"TargetGroupArn": arn}));
    let one = &health["TargetHealthDescriptions"][0];
    assert_eq!((&one["Target"]["Port"], &one["TargetHealth"]["State"]), (&json!(40000), &json!("healthy")));
    assert_eq!(health["TargetHealthDescriptions"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.request(&Sent::get("shop.example.com", "/reports")).code, Some(200));
}

#[test]
fn a_task_that_ecs_replaced_leaves_its_address_in_a_group_that_it_does_not_feed() {
    let mut world = world(&folder::open_named("cases/world-registrar-task-replaced").world.expect("a world"));
    let mut states = |name: &str| {
        let found = call(&mut world, "elasticloadbalancing:DescribeTargetGroups", &json!({"Names": [name]}));
        let arn = found["TargetGroups"][0]["TargetGroupArn"].clone();
        let health = call(&mut world, "elasticloadbalancing:DescribeTargetHealth", &json!({"TargetGroupArn": arn}));
        let health = health["TargetHealthDescriptions"].as_array().cloned().unwrap_or_default();
        let states = health.iter().filter_map(|one| one["TargetHealth"]["State"].as_str().map(str::to_owned));
        states.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(states("cart"), ["healthy".to_owned()].into());
    assert_eq!(states("cart-backend"), ["healthy".to_owned(), "unhealthy".to_owned()].into());
}
