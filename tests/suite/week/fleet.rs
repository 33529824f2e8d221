//! A fleet of any size, as a world and as the manifest that it is in sync with.

use std::fmt::Write;

/// Services behind one load balancer: it takes a hundred rules.
const BEHIND_ONE: usize = 100;

/// How many services, and what else.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Fargate services of two tasks each, `svc-0` and on, with a target group, a rule and a security group of their own.
    pub services: usize,
    /// Three more: `bridge` on instances with dynamic ports, `relay` whose second target group Portolan feeds, and
    /// `ledger`, a target group of static targets.
    pub more: bool,
}

/// The world, settled.
pub fn world(size: Size) -> String {
    let mut text = NETWORK.to_owned();
    for number in 0..size.services {
        line(&mut text, &format!("      - {{name: tasks-{number}, ingress: [{{ports: 8080, from: lb}}]}}"));
    }
    if size.more {
        text.push_str(INSTANCES);
    }
    text.push_str("clusters: [prod]\n");
    if size.more {
        text.push_str(CONTAINER_INSTANCES);
    }
    text.push_str("taskDefinitions:\n");
    for number in 0..size.services {
        line(
            &mut text,
            &format!(
                "  - {{family: svc-{number}, containers: [{{name: app, image: example/app, ports: [{{port: 8080}}]}}]}}"
            ),
        );
    }
    if size.more {
        text.push_str(MORE_DEFINITIONS);
    }
    text.push_str("targetGroups:\n");
    for number in 0..size.services {
        line(&mut text, &format!("  - {}", group(&format!("svc-{number}"), "8080")));
    }
    if size.more {
        for (name, port) in [
            ("bridge", "3000, targetType: instance"),
            ("relay", "8080"),
            ("relay-2", "8080"),
            ("ledger", "8080, targets: [{id: 10.0.4.9, port: 8080}]"),
        ] {
            line(&mut text, &format!("  - {}", group(name, port)));
        }
    }
    text.push_str("loadBalancers:\n");
    for first in (0..size.services).step_by(BEHIND_ONE) {
        balancer(&mut text, &format!("public-{}", first / BEHIND_ONE));
        for number in first..size.services.min(first + BEHIND_ONE) {
            line(&mut text, &rule(number % BEHIND_ONE + 1, &format!("svc-{number}")));
        }
    }
    if size.more {
        balancer(&mut text, "more");
        for (number, name) in ["bridge", "relay", "relay-2", "ledger"].into_iter().enumerate() {
            line(&mut text, &rule(number + 1, name));
        }
    }
    text.push_str("services:\n");
    for number in 0..size.services {
        let name = format!("svc-{number}");
        line(&mut text, &service(&name, &format!("tasks-{number}")));
    }
    if size.more {
        line(&mut text, &service("relay", "tasks"));
        text.push_str(BRIDGE);
    }
    text.push_str("settle: 900\n");
    text
}

/// The manifest.
pub fn manifest(size: Size) -> String {
    let mut text = FLEET.to_owned();
    for number in 0..size.services {
        let (name, balancer) = (format!("svc-{number}"), format!("public-{}", number / BEHIND_ONE));
        text.push_str(&declared_service(&name, &format!("tasks-{number}"), &format!("[{name}]"), "", ""));
        text.push_str(&declared_group(&name, &balancer, number % BEHIND_ONE + 1, ""));
    }
    if size.more {
        let second =
            "\n    - {name: again, container: app, containerPort: 8080, targetGroups: [relay-2], registrar: portolan}";
        text.push_str(&declared_service("relay", "tasks", "[relay]", second, ""));
        text.push_str(DECLARED_BRIDGE);
        for (number, name, more) in [
            (1, "bridge", ""),
            (2, "relay", ""),
            (3, "relay-2", ""),
            (4, "ledger", "\n  targets: [{address: 10.0.4.9, port: 8080}]"),
        ] {
            text.push_str(&declared_group(name, "more", number, more));
        }
    }
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(text, "{line}");
}

fn group(name: &str, port: &str) -> String {
    format!(
        "{{name: {name}, vpc: main, protocol: HTTP, port: {port}, healthCheck: {{path: /healthz, interval: 10, \
         healthyThreshold: 2}}, attributes: {{deregistration_delay.timeout_seconds: \"60\"}}}}"
    )
}

fn balancer(text: &mut String, name: &str) {
    line(
        text,
        &format!(
            "  - name: {name}\n    subnets: [public-a, public-b]\n    securityGroups: [lb]\n    listeners:\n      - port: 80\n        \
             default: {{fixedResponse: 404}}\n        rules:"
        ),
    );
}

fn rule(priority: usize, name: &str) -> String {
    format!("          - {{priority: {priority}, paths: [/{name}], action: {{forward: {name}}}}}")
}

fn service(name: &str, group: &str) -> String {
    format!(
        "  - {{name: {name}, cluster: prod, taskDefinition: {}, desiredCount: 2, subnets: [private-a, private-b], \
         securityGroups: [{group}], loadBalancers: [{{targetGroup: {name}, container: app, port: 8080}}], grace: 86400}}",
        name
    )
}

fn declared_service(name: &str, group: &str, groups: &str, more_ports: &str, more: &str) -> String {
    format!(
        "---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {{name: {name}}}
spec:
  desiredCount: 2
  network: {{mode: awsvpc, subnets: [private-a, private-b], securityGroups: [{group}]}}
  ports:
    - {{name: http, container: app, containerPort: 8080, targetGroups: {groups}}}{more_ports}{more}
"
    )
}

fn declared_group(name: &str, balancer: &str, priority: usize, more: &str) -> String {
    format!(
        "---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {{name: {name}}}
spec:
  loadBalancer: {balancer}
  protocol: HTTP
  healthCheck: {{path: /healthz}}
  attributes: {{deregistration_delay.timeout_seconds: \"60\"}}
  routes: [{{listener: 80, priority: {priority}, paths: [/{name}]}}]{more}
"
    )
}

const NETWORK: &str = "seed: 11
apps:
  example/app: {listens: [{port: 8080}]}
  example/bridge: {listens: [{port: 3000}]}
hosts:
  10.0.4.9: {listens: [{port: 8080}]}
vpcs:
  - name: main
    cidr: 10.0.0.0/16
    subnets:
      - {name: public-a, cidr: 10.0.0.0/24, zone: a, public: true}
      - {name: public-b, cidr: 10.0.1.0/24, zone: b, public: true}
      - {name: machines, cidr: 10.0.4.0/24, zone: a}
      - {name: private-a, cidr: 10.0.16.0/20, zone: a}
      - {name: private-b, cidr: 10.0.32.0/20, zone: b}
    securityGroups:
      - {name: lb, ingress: [{ports: 80, from: 0.0.0.0/0}]}
      - {name: tasks, ingress: [{ports: 8080, from: lb}]}
      - {name: nodes, ingress: [{ports: 32768-65535, from: lb}]}
";

const INSTANCES: &str = "instances:
  - {name: node-1, subnet: machines, securityGroups: [nodes]}
  - {name: node-2, subnet: private-b, securityGroups: [nodes]}
";

const CONTAINER_INSTANCES: &str = "containerInstances:
  - {cluster: prod, instance: node-1}
  - {cluster: prod, instance: node-2}
";

const MORE_DEFINITIONS: &str =
    "  - {family: relay, containers: [{name: app, image: example/app, ports: [{port: 8080}]}]}
  - {family: bridge, networkMode: bridge, containers: [{name: app, image: example/bridge, ports: [{port: 3000}]}]}
";

const BRIDGE: &str = "  - {name: bridge, cluster: prod, taskDefinition: bridge, launchType: EC2, desiredCount: 2, \
loadBalancers: [{targetGroup: bridge, container: app, port: 3000}], grace: 86400}
";

const FLEET: &str = "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: week}
spec:
  region: eu-west-1
  cluster: prod
  vpc: main
  mode: enforce
  redeploy: allow
  autoscaling: none
";

const DECLARED_BRIDGE: &str = "---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: bridge}
spec:
  desiredCount: 2
  network: {mode: bridge, securityGroups: [nodes]}
  ports:
    - {name: http, container: app, containerPort: 3000, targetGroups: [bridge]}
";
