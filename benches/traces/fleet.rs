//! A fleet of any size, with its world of the sandbox: Fargate services behind application load balancers.

use std::fmt::Write;

/// Services behind one load balancer.
pub const BEHIND_ONE: usize = 25;

/// The names of the services.
pub fn names(services: usize) -> impl Iterator<Item = String> {
    (0..services).map(|number| format!("s{number:03}"))
}

/// What stands: every service with so many tasks, and everything sound.
pub fn world(services: usize, tasks: usize) -> String {
    let mut text = "seed: 7
vpcs:
  - name: main
    cidr: 10.0.0.0/16
    subnets:
      - {name: public-a, cidr: 10.0.0.0/24, zone: a, public: true}
      - {name: public-b, cidr: 10.0.1.0/24, zone: b, public: true}
      - {name: private-a, cidr: 10.0.64.0/18, zone: a}
      - {name: private-b, cidr: 10.0.128.0/18, zone: b}
    securityGroups:
      - {name: lb, ingress: [{ports: 80, from: 0.0.0.0/0}]}
      - {name: tasks, ingress: [{ports: 8080, from: lb}]}
clusters: [prod]
"
    .to_owned();
    let mut list = |head: &str, entry: &dyn Fn(usize, &str) -> String| {
        let _ = writeln!(text, "{head}");
        for (number, name) in names(services).enumerate() {
            let _ = writeln!(text, "{}", entry(number, &name));
        }
    };
    list("taskDefinitions:", &|_, name| {
        format!("  - {{family: {name}, containers: [{{name: app, image: app, ports: [{{port: 8080}}]}}]}}")
    });
    list("targetGroups:", &|_, name| format!("  - {{name: {name}, vpc: main, protocol: HTTP, port: 8080}}"));
    list("loadBalancers:", &|number, name| {
        let priority = number % BEHIND_ONE + 1;
        let rule = format!("          - {{priority: {priority}, paths: [\"/{name}/*\"], action: {{forward: {name}}}}}");
        if priority > 1 {
            return rule;
        }
        let balancer = number / BEHIND_ONE;
        format!(
            "  - name: lb{balancer}\n    subnets: [public-a, public-b]\n    securityGroups: [lb]\n    listeners:\n      \
             - port: 80\n        default: {{fixedResponse: 404}}\n        rules:\n{rule}"
        )
    });
    list("services:", &|_, name| {
        format!(
            "  - {{name: {name}, cluster: prod, taskDefinition: {name}, desiredCount: {tasks}, \
             subnets: [private-a, private-b], securityGroups: [tasks], \
             loadBalancers: [{{targetGroup: {name}, container: app, port: 8080}}]}}"
        )
    });
    let _ = writeln!(text, "settle: 600");
    text
}

/// What is declared, and stands.
pub fn manifest(services: usize, tasks: usize) -> String {
    let mut text = "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: harbour}
spec: {region: eu-west-1, cluster: prod, vpc: main, mode: enforce}
"
    .to_owned();
    for (number, name) in names(services).enumerate() {
        let (balancer, priority) = (number / BEHIND_ONE, number % BEHIND_ONE + 1);
        let _ = write!(
            text,
            "---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {{name: {name}}}
spec:
  desiredCount: {tasks}
  network: {{mode: awsvpc, subnets: [private-a, private-b], securityGroups: [tasks]}}
  ports: [{{name: http, container: app, containerPort: 8080, targetGroups: [{name}]}}]
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {{name: {name}}}
spec:
  loadBalancer: lb{balancer}
  protocol: HTTP
  port: 8080
  targetType: ip
  healthCheck: {{path: /}}
  routes: [{{listener: 80, priority: {priority}, paths: [\"/{name}/*\"]}}]
"
        );
    }
    text
}
