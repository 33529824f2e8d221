//! Small worlds for the tests beside this file.

use std::fmt::Write;

use jiff::SignedDuration;
use portolan::sandbox::{World, world_file};
use serde_json::{Value, json};

/// A network with a load balancer and one awsvpc service of two tasks for each name.
pub fn text(names: &[&str]) -> String {
    let mut text = "seed: 3
vpcs:
  - name: main
    cidr: 10.0.0.0/16
    subnets:
      - {name: public-a, cidr: 10.0.0.0/24, zone: a, public: true}
      - {name: public-b, cidr: 10.0.1.0/24, zone: b, public: true}
      - {name: private-a, cidr: 10.0.10.0/24, zone: a}
      - {name: private-b, cidr: 10.0.11.0/24, zone: b}
    securityGroups:
      - {name: lb, ingress: [{ports: 80, from: 0.0.0.0/0}]}
      - {name: tasks, ingress: [{ports: 8080, from: lb}]}
clusters: [prod]
"
    .to_owned();
    let mut list = |head: &str, entry: &dyn Fn(usize, &str) -> String| {
        let _ = writeln!(text, "{head}");
        for (number, name) in names.iter().enumerate() {
            let _ = writeln!(text, "{}", entry(number, name));
        }
    };
    list("taskDefinitions:", &|_, name| {
        format!("  - {{family: {name}, containers: [{{name: app, image: example/{name}, ports: [{{port: 8080}}]}}]}}")
    });
    list("targetGroups:", &|_, name| format!("  - {{name: {name}, vpc: main, protocol: HTTP, port: 8080}}"));
    list(
        "loadBalancers:
  - name: public
    subnets: [public-a, public-b]
    securityGroups: [lb]
    listeners:
      - port: 80
        default: {fixedResponse: 404}
        rules:",
        &|number, name| {
            format!("          - {{priority: {}, paths: [/{name}], action: {{forward: {name}}}}}", number + 1)
        },
    );
    list("services:", &|_, name| {
        format!(
            "  - {{name: {name}, cluster: prod, taskDefinition: {name}, desiredCount: 2, subnets: [private-a, private-b], \
             securityGroups: [tasks], loadBalancers: [{{targetGroup: {name}, container: app, port: 8080}}]}}"
        )
    });
    text
}

/// The world of a text.
pub fn world(text: &str) -> World {
    world_file::load("world.yaml", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Lets seconds pass.
pub fn advance(world: &mut World, seconds: i64) {
    world.advance(SignedDuration::from_secs(seconds));
}

/// A service as it is described.
pub fn service(world: &mut World, name: &str) -> Value {
    let answer = call(world, "ecs:DescribeServices", &json!({"cluster": "prod", "services": [name]}));
    answer["services"][0].clone()
}

/// A call that succeeds.
pub fn call(world: &mut World, call: &str, input: &Value) -> Value {
    world.call(call, input).unwrap_or_else(|refusal| panic!("{call}: {refusal}"))
}

/// The messages of a service's events.
pub fn events(world: &mut World, name: &str) -> Vec<String> {
    let service = service(world, name);
    let events = service["events"].as_array().cloned().unwrap_or_default();
    events.iter().filter_map(|event| event["message"].as_str()).map(str::to_owned).collect()
}
