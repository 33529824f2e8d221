//! What ECS's scheduler does by itself.

use portolan::sandbox::World;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fleet::{advance, call, events, service, text, world};

/// Every second of a deployment: running tasks, and tasks that are not on their way out.
fn watch(world: &mut World, seconds: i64, mut look: impl FnMut(i64, i64)) {
    for _ in 0..seconds {
        advance(world, 1);
        let service = service(world, "cart");
        let count = |member: &str| service[member].as_i64().unwrap_or_default();
        let staying = call(world, "ecs:ListTasks", &json!({"cluster": "prod", "serviceName": "cart"}));
        let staying = staying["taskArns"].as_array().map_or(0, Vec::len) as i64;
        look(count("runningCount"), staying);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_rolling_deployment_stays_within_its_bounds(count in 1i64..7, low in 0i64..=100, high in 101i64..=250) {
        let service_of = |text: String| text.replace(
            "desiredCount: 2",
            &format!("desiredCount: {count}, minimumPercent: {low}, maximumPercent: {high}"),
        );
        let mut world = world(&service_of(text(&["cart"])));
        advance(&mut world, 900);
        call(&mut world, "ecs:UpdateService", &json!({"cluster": "prod", "service": "cart", "forceNewDeployment": true}));
        let (lower, upper) = ((count * low + 99) / 100, count * high / 100);
        watch(&mut world, 120, |running, staying| {
            assert!(running >= lower, "{running} of {count} run, {low} percent must");
            assert!(staying <= upper.max(count), "{staying} of {count}, {high} percent may");
        });
        advance(&mut world, 3600);
        // Where nothing may be started beside and nothing stopped before, the deployment waits for ever.
        let is_stuck = upper <= count && lower >= count;
        let deployments = service(&mut world, "cart")["deployments"].clone();
        prop_assert_eq!(deployments.as_array().map(Vec::len), Some(if is_stuck { 2 } else { 1 }));
        let said = events(&mut world, "cart").iter().any(|event| event.contains("unable to stop or start tasks"));
        prop_assert_eq!(said, is_stuck);
    }
}

#[test]
fn the_circuit_breaker_opens_and_goes_back() {
    let mut world = world(&format!(
        "{}settle: 900\nthen:\n  - call: ecs:RegisterTaskDefinition\n    with: {{family: cart, networkMode: awsvpc, \
         requiresCompatibilities: [FARGATE], cpu: \"256\", memory: \"512\", containerDefinitions: \
         [{{name: app, image: example/broken, portMappings: [{{containerPort: 8080}}]}}]}}\n  - app: {{example/broken: \
         {{cannotStart: true}}}}\n  - call: ecs:UpdateService\n    with: {{cluster: prod, service: cart, taskDefinition: cart}}\n",
        text(&["cart"]).replace("desiredCount: 2", "desiredCount: 2, circuitBreaker: true")
    ));
    advance(&mut world, 3600);
    let service = service(&mut world, "cart");
    assert!(service["taskDefinition"].as_str().is_some_and(|arn| arn.ends_with("cart:1")), "{service}");
    assert_eq!(
        (&service["runningCount"], &service["deployments"][0]["rolloutState"]),
        (&json!(2), &json!("COMPLETED"))
    );
    let listed = call(&mut world, "ecs:ListServiceDeployments", &json!({"cluster": "prod", "service": "cart"}));
    let statuses: Vec<_> =
        listed["serviceDeployments"].as_array().into_iter().flatten().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    assert!(events(&mut world, "cart").iter().any(|event| event.contains("rolling back to")));
}

#[test]
fn tasks_that_find_no_port_no_memory_or_no_interface_wait_and_say_why() {
    let bridge = |ports: &str, memory: &str, mode: &str, network: &str| {
        format!(
            "seed: 1\nvpcs:\n  - name: main\n    cidr: 10.0.0.0/16\n    subnets: [{{name: a, cidr: 10.0.1.0/24, zone: a}}]\n    \
             securityGroups: [{{name: nodes}}]\ninstances: [{{name: node, subnet: a, securityGroups: [nodes]}}]\n\
             clusters: [prod]\ncontainerInstances: [{{cluster: prod, instance: node}}]\ntaskDefinitions:\n  - {{family: cart, \
             networkMode: {mode}, memory: \"{memory}\", containers: [{{name: app, image: x, ports: [{ports}]}}]}}\n\
             services: [{{name: cart, cluster: prod, taskDefinition: cart, launchType: EC2, desiredCount: 4{network}}}]\n\
             settle: 300\n"
        )
    };
    let awsvpc = ", subnets: [a], securityGroups: [nodes]";
    for (text, running, why) in [
        (bridge("{port: 80, host: 8080}", "128", "bridge", ""), 1, "already using a port required by your task"),
        (bridge("{port: 80}", "1500", "bridge", ""), 2, "insufficient memory"),
        (bridge("{port: 80}", "512", "awsvpc", awsvpc), 2, "RESOURCE:ENI"),
        (bridge("{port: 80, host: 22}", "128", "bridge", ""), 0, "already using a port required by your task"),
    ] {
        let mut world = world(&text);
        assert_eq!(service(&mut world, "cart")["runningCount"], json!(running), "{why}");
        assert!(
            events(&mut world, "cart").iter().any(|event| event.contains(why)),
            "{why}: {:?}",
            events(&mut world, "cart")
        );
    }
}

/// Instances of a cluster, and services on them of tasks with a dynamic port (`cart`) of tasks with one
/// that is fixed too (`mixed`), or of tasks that fill one (`big`).
fn hosts(names: &[&str], dynamic_ports: &str, services: &str) -> String {
    let instance = |name: &&str| {
        format!("  - {{name: {name}, subnet: a, securityGroups: [nodes], dynamicPorts: {dynamic_ports}}}\n")
    };
    let registered = |name: &&str| format!("  - {{cluster: prod, instance: {name}}}\n");
    let (instances, registered): (String, String) =
        (names.iter().map(instance).collect(), names.iter().map(registered).collect());
    format!(
        "seed: 1
vpcs:
  - name: main
    cidr: 10.0.0.0/16
    subnets: [{{name: a, cidr: 10.0.1.0/24, zone: a}}]
    securityGroups: [{{name: nodes}}]
instances:
{instances}clusters: [prod]
containerInstances:
{registered}taskDefinitions:
  - {{family: cart, networkMode: bridge, memory: \"128\", containers: [{{name: app, image: x, ports: [{{port: 80}}]}}]}}
  - {{family: mixed, networkMode: bridge, memory: \"128\", containers: [{{name: app, image: x,
      ports: [{{port: 80}}, {{port: 81}}, {{port: 82}}, {{port: 83, host: 40000}}]}}]}}
  - {{family: big, networkMode: bridge, memory: \"3800\", containers: [{{name: app, image: x}}]}}
services:
{services}settle: 120
"
    )
}

/// The tasks of the cluster that are not on their way out.
fn tasks(world: &mut World) -> Vec<Value> {
    let arns = call(world, "ecs:ListTasks", &json!({"cluster": "prod"}))["taskArns"].clone();
    let tasks = call(world, "ecs:DescribeTasks", &json!({"cluster": "prod", "tasks": arns}));
    tasks["tasks"].as_array().cloned().unwrap_or_default()
}

fn host_ports(world: &mut World) -> Vec<i64> {
    let bindings = |task: &Value| task["containers"][0]["networkBindings"].as_array().cloned().unwrap_or_default();
    let bound = tasks(world);
    let mut ports: Vec<i64> = bound.iter().flat_map(bindings).filter_map(|one| one["hostPort"].as_i64()).collect();
    ports.sort_unstable();
    ports
}

#[test]
fn dynamic_ports_come_from_the_instances_own_range_and_never_twice() {
    let cart = "  - {name: cart, cluster: prod, taskDefinition: cart, launchType: EC2, desiredCount: 6}\n";
    let mut world = world(&hosts(&["node"], "40000-40005", cart));
    assert_eq!(host_ports(&mut world), (40000..=40005).collect::<Vec<_>>());
}

#[test]
fn a_range_of_dynamic_ports_that_is_used_up_gives_none_more() {
    let cart = "  - {name: cart, cluster: prod, taskDefinition: cart, launchType: EC2, desiredCount: 4}\n";
    let mut world = world(&hosts(&["node"], "40000-40001", cart));
    assert_eq!(host_ports(&mut world), [40000, 40001]);
    let said = events(&mut world, "cart");
    assert!(said.iter().any(|event| event.contains("already using a port required by your task")), "{said:?}");
    let run = call(&mut world, "ecs:RunTask", &json!({"cluster": "prod", "taskDefinition": "cart"}));
    assert_eq!((&run["tasks"], &run["failures"][0]["reason"]), (&json!([]), &json!("RESOURCE:PORTS")));
}

#[test]
fn a_dynamic_port_is_none_that_another_container_port_of_the_task_is_fixed_to() {
    let mixed = "  - {name: mixed, cluster: prod, taskDefinition: mixed, launchType: EC2, desiredCount: 1}\n";
    let mut world = world(&hosts(&["node"], "40000-40003", mixed));
    assert_eq!(host_ports(&mut world), (40000..=40003).collect::<Vec<_>>());
}

#[test]
fn a_daemon_is_on_each_instance_and_nowhere_twice() {
    let services = "  - {name: big, cluster: prod, taskDefinition: big, launchType: EC2, desiredCount: 1}\n  \
                    - {name: cart, cluster: prod, taskDefinition: cart, launchType: EC2, daemon: true}\n";
    let mut world = world(&hosts(&["one", "two"], "40000-40005", services));
    // One instance is full: its daemon waits, and starts nowhere else.
    let cart = service(&mut world, "cart");
    assert_eq!((&cart["desiredCount"], &cart["runningCount"]), (&json!(2), &json!(1)));
    assert!(events(&mut world, "cart").iter().any(|event| event.contains("insufficient memory")));
    call(&mut world, "ecs:UpdateService", &json!({"cluster": "prod", "service": "big", "desiredCount": 0}));
    advance(&mut world, 120);
    let again = json!({"cluster": "prod", "service": "cart", "forceNewDeployment": true});
    call(&mut world, "ecs:UpdateService", &again);
    advance(&mut world, 300);
    let mut places: Vec<String> =
        tasks(&mut world).iter().map(|task| task["containerInstanceArn"].to_string()).collect();
    places.sort_unstable();
    let count = places.len();
    places.dedup();
    assert_eq!((count, places.len()), (2, 2));
    assert_eq!(service(&mut world, "cart")["deployments"].as_array().map(Vec::len), Some(1));
}
