//! The fleet of the week: many services alike, and the three other ways to be reached.

use crate::fleet::{self, Fleet, World};

/// Seconds that targets drain.
const DRAIN: Option<u32> = Some(60);

/// How many services, and what else.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Fargate services of two tasks each, `svc-0` and on, with a target group, a rule and a security group of their own.
    pub services: usize,
    /// Three more: `bridge` on instances with dynamic ports, `relay` whose second target group Portolan feeds, and
    /// `ledger`, a target group of static targets.
    pub more: bool,
}

impl Size {
    fn fleet(self) -> Fleet {
        let names = (0..self.services).map(|number| format!("svc-{number}")).collect();
        Fleet { names, own_groups: true, drain: DRAIN, ..Fleet::of(0) }
    }
}

/// The world, settled.
pub fn world(size: Size) -> String {
    let fleet = size.fleet();
    let mut world = fleet.world();
    if size.more {
        add(&mut world);
    }
    format!("{world}settle: 900\n")
}

fn add(world: &mut World) {
    world.apps += "hosts:\n  10.0.4.9: {listens: [{port: 8080}]}\n";
    world.security_groups += "      - {name: nodes, ingress: [{ports: 32768-65535, from: lb}]}\n";
    world.clusters = INSTANCES.to_owned();
    world.task_definitions += &fleet::task_definition("relay");
    world.task_definitions += BRIDGE_DEFINITION;
    world.load_balancers += &fleet::load_balancer("more");
    let groups = [
        ("bridge", "3000, targetType: instance"),
        ("relay", "8080"),
        ("relay-2", "8080"),
        ("ledger", "8080, targets: [{id: 10.0.4.9, port: 8080}]"),
    ];
    for (number, (name, port)) in groups.into_iter().enumerate() {
        world.target_groups += &fleet::target_group(name, port, DRAIN);
        world.load_balancers += &fleet::rule(number + 1, name);
    }
    world.services += &shared().service("relay");
    world.services += BRIDGE;
}

/// A fleet whose services share a security group.
fn shared() -> Fleet {
    Fleet { drain: DRAIN, ..Fleet::of(0) }
}

/// The manifest.
pub fn manifest(size: Size) -> String {
    let mut text = size.fleet().manifest(", redeploy: allow, autoscaling: none");
    if size.more {
        let fleet = shared();
        let second =
            "    - {name: again, container: app, containerPort: 8080, targetGroups: [relay-2], registrar: portolan}\n";
        text += &fleet.declared_service("relay", "tasks", second);
        text += DECLARED_BRIDGE;
        text += &fleet.declared_group("bridge", "more", 1, "");
        text += &fleet.declared_group("relay", "more", 2, "");
        text += &fleet.declared_group("relay-2", "more", 3, "");
        text += &fleet.declared_group("ledger", "more", 4, "  targets: [{address: 10.0.4.9, port: 8080}]\n");
    }
    text
}

const INSTANCES: &str = "instances:
  - {name: node-1, subnet: machines, securityGroups: [nodes]}
  - {name: node-2, subnet: private-b, securityGroups: [nodes]}
clusters: [prod]
containerInstances:
  - {cluster: prod, instance: node-1}
  - {cluster: prod, instance: node-2}
";

const BRIDGE_DEFINITION: &str = "  - {family: bridge, networkMode: bridge, containers: [{name: app, image: example/bridge, ports: [{port: 3000}]}]}\n";

const BRIDGE: &str = "  - {name: bridge, cluster: prod, taskDefinition: bridge, launchType: EC2, desiredCount: 2, \
loadBalancers: [{targetGroup: bridge, container: app, port: 3000}], grace: 86400}
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
