//! Fleets of any size, as a world and as the manifest that it is in sync with.

use std::fmt;

/// Fargate services behind application load balancers, each with a target group and a rule of its own. Everything is
/// sound.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The services, and their target groups.
    pub names: Vec<String>,
    /// Tasks of a service.
    pub tasks: usize,
    /// Services behind one load balancer. These are `public-0` and on.
    pub behind_one: usize,
    /// The tasks of each service have a security group of the service's name; otherwise they share `tasks`.
    pub own_groups: bool,
    /// For fleets that somebody breaks: targets drain for so many seconds and are checked at `/healthz` every ten, and ECS
    /// leaves unhealthy tasks alone. Otherwise all is as AWS has it.
    pub drain: Option<u32>,
}

/// A world file, section by section.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub apps: String,
    pub security_groups: String,
    /// Sections that come before the task definitions.
    pub clusters: String,
    pub task_definitions: String,
    pub target_groups: String,
    pub load_balancers: String,
    pub services: String,
}

impl Fleet {
    /// So many services of two tasks, `s000` and on, behind one load balancer.
    pub fn of(services: usize) -> Self {
        let names = (0..services).map(|number| format!("s{number:03}")).collect();
        Self { names, tasks: 2, behind_one: 100, own_groups: false, drain: None }
    }

    /// The live state.
    pub fn world(&self) -> World {
        let mut world = World { clusters: "clusters: [prod]\n".to_owned(), ..World::default() };
        for (number, name) in self.names.iter().enumerate() {
            if self.own_groups {
                world.security_groups += &format!("      - {{name: {name}, ingress: [{{ports: 8080, from: lb}}]}}\n");
            }
            world.task_definitions += &task_definition(name);
            world.target_groups += &target_group(name, "8080", self.drain);
            if number % self.behind_one == 0 {
                world.load_balancers += &load_balancer(&self.balancer(number));
            }
            world.load_balancers += &rule(self.priority(number), name);
            world.services += &self.service(name);
        }
        world
    }

    /// The declared state.
    pub fn manifest(&self, spec: &str) -> String {
        let mut text = format!("{FLEET}spec: {{region: eu-west-1, cluster: prod, vpc: main, mode: enforce{spec}}}\n");
        for (number, name) in self.names.iter().enumerate() {
            text += &self.declared_service(name, self.group(name), "");
            text += &self.declared_group(name, &self.balancer(number), self.priority(number), "");
        }
        text
    }

    /// The priority of a service's rule.
    pub fn priority(&self, number: usize) -> usize {
        number % self.behind_one + 1
    }

    /// The load balancer that a service is behind.
    pub fn balancer(&self, number: usize) -> String {
        format!("public-{}", number / self.behind_one)
    }

    /// The security group of a service's tasks.
    pub fn group<'a>(&self, name: &'a str) -> &'a str {
        if self.own_groups { name } else { "tasks" }
    }

    /// A line of `services`.
    pub fn service(&self, name: &str) -> String {
        let (tasks, group) = (self.tasks, self.group(name));
        format!(
            "  - {{name: {name}, cluster: prod, taskDefinition: {name}, desiredCount: {tasks}, subnets: [private-a, private-b], \
             securityGroups: [{group}], loadBalancers: [{{targetGroup: {name}, container: app, port: 8080}}]{}}}\n",
            grace(self.drain)
        )
    }

    /// The document of a service; `more` are further ports.
    pub fn declared_service(&self, name: &str, group: &str, more: &str) -> String {
        format!(
            "---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {{name: {name}}}
spec:
  desiredCount: {}
  network: {{mode: awsvpc, subnets: [private-a, private-b], securityGroups: [{group}]}}
  ports:
    - {{name: http, container: app, containerPort: 8080, targetGroups: [{name}]}}
{more}",
            self.tasks
        )
    }

    /// The document of a target group; `more` are further members of its `spec`.
    pub fn declared_group(&self, name: &str, balancer: &str, priority: usize, more: &str) -> String {
        let checked = match self.drain {
            Some(seconds) => {
                format!("{{path: /healthz}}\n  attributes: {{deregistration_delay.timeout_seconds: \"{seconds}\"}}")
            }
            None => "{path: /}".to_owned(),
        };
        format!(
            "---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {{name: {name}}}
spec:
  loadBalancer: {balancer}
  protocol: HTTP
  healthCheck: {checked}
  routes: [{{listener: 80, priority: {priority}, paths: [/{name}]}}]
{more}"
        )
    }
}

/// A line of `taskDefinitions`.
pub fn task_definition(name: &str) -> String {
    format!("  - {{family: {name}, containers: [{{name: app, image: example/{name}, ports: [{{port: 8080}}]}}]}}\n")
}

/// A line of `targetGroups`; `port` may have further members behind it.
pub fn target_group(name: &str, port: &str, drain: Option<u32>) -> String {
    let checked = drain.map(|seconds| {
        format!(
            ", healthCheck: {{path: /healthz, interval: 10, healthyThreshold: 2}}, \
             attributes: {{deregistration_delay.timeout_seconds: \"{seconds}\"}}"
        )
    });
    format!("  - {{name: {name}, vpc: main, protocol: HTTP, port: {port}{}}}\n", checked.unwrap_or_default())
}

/// Members of a service that make ECS leave unhealthy tasks alone, for fleets that somebody breaks.
pub fn grace(drain: Option<u32>) -> &'static str {
    if drain.is_some() { ", grace: 86400" } else { "" }
}

/// An entry of `loadBalancers`, which ends where its rules begin.
pub fn load_balancer(name: &str) -> String {
    format!(
        "  - name: {name}
    subnets: [public-a, public-b]
    securityGroups: [lb]
    listeners:
      - port: 80
        default: {{fixedResponse: 404}}
        rules:
"
    )
}

/// A line of a load balancer's rules.
pub fn rule(priority: usize, name: &str) -> String {
    format!("          - {{priority: {priority}, paths: [/{name}], action: {{forward: {name}}}}}\n")
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed: 3\n{}{NETWORK}{}{}", self.apps, self.security_groups, self.clusters)?;
        let sections = [
            ("taskDefinitions", &self.task_definitions),
            ("targetGroups", &self.target_groups),
            ("loadBalancers", &self.load_balancers),
            ("services", &self.services),
        ];
        sections.iter().try_for_each(|(name, lines)| write!(f, "{name}:\n{lines}"))
    }
}

const NETWORK: &str = "vpcs:
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
";

const FLEET: &str = "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: harbour}
";
