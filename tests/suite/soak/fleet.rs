//! The fleet of the soak: some dozens of services of two tasks behind one load balancer, each with its own security group.

use std::fmt::Write;

/// Services of the fleet.
pub const SERVICES: usize = 36;
/// Seconds that a target drains, and so the least that a removal waits.
pub const DRAIN: u32 = 10;

/// The name of a service, its target group and its security group.
pub fn name(index: usize) -> String {
    format!("s{index:02}")
}

/// The priority of its rule.
pub fn priority(index: usize) -> usize {
    10 + index
}

/// The manifest.
pub fn manifest() -> String {
    let mut text = "
apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: soak}
spec: {region: eu-west-1, cluster: prod, vpc: main, mode: enforce}
"
    .to_owned();
    for index in 0..SERVICES {
        let (name, priority) = (name(index), priority(index));
        let _ = write!(
            text,
            "---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {{name: {name}}}
spec:
  desiredCount: 2
  network: {{mode: awsvpc, subnets: [private-a, private-b], securityGroups: [{name}]}}
  ports: [{{name: http, container: app, containerPort: 8080, targetGroups: [{name}]}}]
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {{name: {name}}}
spec:
  loadBalancer: public
  protocol: HTTP
  healthCheck: {{path: /healthz}}
  attributes: {{deregistration_delay.timeout_seconds: \"{DRAIN}\"}}
  routes: [{{listener: 80, priority: {priority}, paths: [\"/{name}/*\"]}}]
"
        );
    }
    text
}

/// The world, as declared.
pub fn world() -> String {
    let each = |line: &dyn Fn(&str, usize) -> String| {
        (0..SERVICES).fold(String::new(), |text, index| text + &line(&name(index), priority(index)) + "\n")
    };
    let groups = each(&|name, _| format!("      - {{name: {name}, ingress: [{{ports: 8080, from: lb}}]}}"));
    let families = each(&|name, _| {
        format!(
            "  - {{family: {name}, containers: [{{name: app, image: \"soak/{name}:1\", ports: [{{port: 8080}}]}}]}}"
        )
    });
    let target_groups = each(&|name, _| {
        format!(
            "  - {{name: {name}, vpc: main, protocol: HTTP, port: 8080, healthCheck: {{path: /healthz, interval: 10}}, \
             attributes: {{deregistration_delay.timeout_seconds: \"{DRAIN}\"}}}}"
        )
    });
    let rules = each(&|name, priority| {
        format!("          - {{priority: {priority}, paths: [\"/{name}/*\"], action: {{forward: {name}}}}}")
    });
    let services = each(&|name, _| {
        format!(
            "  - {{name: {name}, cluster: prod, taskDefinition: {name}, desiredCount: 2, subnets: [private-a, private-b], \
             securityGroups: [{name}], loadBalancers: [{{targetGroup: {name}, container: app, port: 8080}}]}}"
        )
    });
    format!(
        "seed: 36
vpcs:
  - name: main
    cidr: 10.0.0.0/16
    subnets:
      - {{name: public-a, cidr: 10.0.0.0/24, zone: a, public: true}}
      - {{name: public-b, cidr: 10.0.1.0/24, zone: b, public: true}}
      - {{name: private-a, cidr: 10.0.10.0/24, zone: a}}
      - {{name: private-b, cidr: 10.0.11.0/24, zone: b}}
    securityGroups:
      - {{name: lb, ingress: [{{ports: 80, from: 0.0.0.0/0}}]}}
{groups}clusters: [prod]
taskDefinitions:
{families}targetGroups:
{target_groups}loadBalancers:
  - name: public
    subnets: [public-a, public-b]
    securityGroups: [lb]
    listeners:
      - port: 80
        default: {{fixedResponse: 404}}
        rules:
{rules}services:
{services}settle: 900
"
    )
}
