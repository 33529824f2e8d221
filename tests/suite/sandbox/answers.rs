//! What clients hear where load balancer, target group and app do not all speak HTTP, or do not stand in one VPC.

use portolan::sandbox::{Sent, World, world_file};
use serde_json::json;

/// One task behind one load balancer, after ten quiet minutes.
fn world(speaks: &str, group: &str, balancer: &str, listener: &str) -> World {
    let text = format!(
        "
apps: {{app: {{listens: [{{port: 8080, speaks: {speaks}}}]}}}}
vpcs:
  - name: main
    cidr: 10.0.0.0/16
    subnets:
      - {{name: a, cidr: 10.0.0.0/24, zone: a, public: true}}
      - {{name: b, cidr: 10.0.1.0/24, zone: b, public: true}}
    securityGroups: [{{name: all, ingress: [{{ports: all, from: 0.0.0.0/0}}]}}]
  - name: other
    cidr: 10.1.0.0/16
    subnets: [{{name: far, cidr: 10.1.0.0/24, zone: a}}]
    securityGroups: [{{name: far, ingress: [{{ports: all, from: 0.0.0.0/0}}]}}]
clusters: [prod]
taskDefinitions: [{{family: web, containers: [{{name: app, image: app, ports: [{{port: 8080}}]}}]}}]
targetGroups: [{{name: web, vpc: main, port: 8080, {group}}}]
loadBalancers:
  - name: edge
    kind: {balancer}
    subnets: [a, b]
    securityGroups: [all]
    listeners: [{{port: 443, protocol: {listener}, default: {{forward: web}}}}]
services:
  - name: web
    cluster: prod
    taskDefinition: web
    subnets: [b]
    securityGroups: [all]
    loadBalancers: [{{targetGroup: web, container: app, port: 8080}}]
settle: 600
"
    );
    world_file::load("world.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

fn answer(world: &mut World) -> Option<u16> {
    world.request(&Sent { port: 443, ..Sent::get("www.example.com", "/") }).code
}

#[test]
fn a_call_of_grpc_is_answered_by_http_with_200_whatever_its_status() {
    let group = "protocol: HTTP, protocolVersion: GRPC, healthCheck: {matcher: \"0\"}";
    assert_eq!(answer(&mut world("grpc", group, "application", "HTTPS")), Some(200));
}

#[test]
fn a_network_load_balancer_passes_on_what_client_and_app_speak_and_says_nothing_of_its_own() {
    let cross_zone = "protocol: TCP, attributes: {load_balancing.cross_zone.enabled: \"true\"}";
    for (speaks, code) in [("http", Some(200)), ("https", Some(200)), ("tcp", None)] {
        assert_eq!(answer(&mut world(speaks, cross_zone, "network", "TCP")), code, "{speaks}");
    }
}

#[test]
fn tasks_of_another_vpc_are_not_registered_and_the_service_says_so() {
    let mut world = world("http", "protocol: HTTP", "application", "HTTPS");
    let find = |world: &mut World, kind: &str, name: &str| {
        let (call, list, id) = match kind {
            "subnet" => ("ec2:DescribeSubnets", "/subnetSet/0/subnetId", "tag:Name"),
            _ => ("ec2:DescribeSecurityGroups", "/securityGroupInfo/0/groupId", "group-name"),
        };
        let found = world.call(call, &json!({"Filter": [{"Name": id, "Value": [name]}]})).expect(call);
        found.pointer(list).cloned().expect("it is there")
    };
    let (subnet, group) = (find(&mut world, "subnet", "far"), find(&mut world, "group", "far"));
    let network = json!({"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}});
    let moved = json!({"cluster": "prod", "service": "web", "networkConfiguration": network});
    world.call("ecs:UpdateService", &moved).expect("ECS takes it");
    world.advance(jiff::SignedDuration::from_secs(600));
    let found =
        world.call("ecs:DescribeServices", &json!({"cluster": "prod", "services": ["web"]})).expect("a service");
    let said = found["services"][0]["events"].to_string();
    assert!(said.contains("failed to register targets in (target-group"), "{said}");
    assert_eq!(found["services"][0]["deployments"][0]["rolloutState"], json!("IN_PROGRESS"));
}
