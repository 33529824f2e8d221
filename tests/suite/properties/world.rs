//! Random fleets as a manifest text and a reading of AWS that agree, then broken in random places.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use crate::observed::{
    Balancer, Does, Entry, GapFile, Group, HealthCheck, Ingress, Instance, Listener, Marked, ObservedFile, Rule,
    Scaling, Service, TargetGroup, Task, TaskDefinition,
};

/// The fleet of every random world.
pub const FLEET: &str = "payments-prod";
/// The container port of every service.
pub const PORT: u16 = 8080;

/// How a manifest is written down.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Documents and lists the other way round.
    pub reversed: bool,
    /// Defaults written out.
    pub defaults: bool,
    /// `rollout.concurrent`
    pub concurrent: &'static str,
}

impl Default for Style {
    fn default() -> Self {
        Self { reversed: false, defaults: false, concurrent: "100%" }
    }
}

#[derive(Clone, Debug)]
pub struct Spec {
    pub services: Vec<ServiceSpec>,
    pub prune: bool,
    pub redeploy: bool,
    pub breaks: Vec<(usize, Break)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    Awsvpc,
    Dynamic,
    Static,
    Host,
}

#[derive(Clone, Debug)]
pub struct ServiceSpec {
    net: Net,
    tasks: u8,
    count: Option<u32>,
    marked: bool,
    autoscaled: bool,
    statics: u8,
    paths: u8,
    /// Portolan registers the tasks, not ECS.
    portolan: bool,
    /// Health checks go to a declared port of their own, where tasks have one.
    checked_apart: bool,
}

/// A port that health checks were sent to by hand; no manifest declares it.
pub const BY_HAND: u16 = 9999;

#[derive(Clone, Copy, Debug)]
pub enum Break {
    IngressGone,
    CountOff,
    HealthPath,
    RuleConditions,
    RuleElsewhere,
    RulePriority,
    RuleGone,
    GroupGone,
    WiringGone,
    MappingGone,
    Stale,
    Unhealthy,
    StaticGone,
    Deploying,
    TaskUnknown,
    TaskLeaves,
    TargetGone,
    TargetDrains,
    Wired,
    ForeignRule,
    ForeignIngress,
    OtherFleetRule,
    OtherFleetGroup,
    LeftOverRule,
    LeftOverGroup,
    LeftOverIngress,
    DefaultServes,
    HealthPortByHand,
    HealthPortToTraffic,
    HealthPortClosed,
    ByHandOpened,
}

const BREAKS: [Break; 31] = [
    Break::DefaultServes,
    Break::HealthPortByHand,
    Break::HealthPortToTraffic,
    Break::HealthPortClosed,
    Break::ByHandOpened,
    Break::IngressGone,
    Break::CountOff,
    Break::HealthPath,
    Break::RuleConditions,
    Break::RuleElsewhere,
    Break::RulePriority,
    Break::RuleGone,
    Break::GroupGone,
    Break::WiringGone,
    Break::MappingGone,
    Break::Stale,
    Break::Unhealthy,
    Break::StaticGone,
    Break::Deploying,
    Break::TaskUnknown,
    Break::TaskLeaves,
    Break::TargetGone,
    Break::TargetDrains,
    Break::Wired,
    Break::ForeignRule,
    Break::ForeignIngress,
    Break::OtherFleetRule,
    Break::OtherFleetGroup,
    Break::LeftOverRule,
    Break::LeftOverGroup,
    Break::LeftOverIngress,
];

pub fn any_spec() -> impl Strategy<Value = Spec> {
    let service = (
        select(vec![Net::Awsvpc, Net::Awsvpc, Net::Dynamic, Net::Static, Net::Host]),
        0_u8..3,
        proptest::option::of(0_u32..4),
        any::<bool>(),
        any::<bool>(),
        0_u8..3,
        0_u8..3,
        any::<bool>(),
        any::<bool>(),
    );
    let service =
        service.prop_map(|(net, tasks, count, marked, autoscaled, statics, paths, portolan, apart)| ServiceSpec {
            net,
            tasks,
            count,
            marked,
            autoscaled,
            statics: if net == Net::Awsvpc { statics } else { 0 },
            paths,
            portolan,
            checked_apart: apart && matches!(net, Net::Awsvpc | Net::Host),
        });
    let services = proptest::collection::vec(service, 1..4);
    let breaks = proptest::collection::vec((0_usize..3, select(BREAKS.to_vec())), 0..6);
    (services, any::<bool>(), any::<bool>(), breaks).prop_map(|(services, prune, redeploy, breaks)| Spec {
        services,
        prune,
        redeploy,
        breaks,
    })
}

/// Random fleets that nothing is the matter with.
pub fn any_sound_spec() -> impl Strategy<Value = Spec> {
    any_spec().prop_map(|spec| Spec { breaks: Vec::new(), ..spec })
}

pub fn any_gap() -> impl Strategy<Value = GapFile> {
    let calls = vec![
        "ecs:DescribeServices",
        "ecs:ListTasks",
        "ecs:DescribeTaskDefinition",
        "application-autoscaling:DescribeScalableTargets",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTags",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeNetworkInterfaces",
    ];
    select(calls).prop_map(|call| GapFile {
        object: "Service/s0".to_owned(),
        call: call.to_owned(),
        why: "AccessDenied".to_owned(),
    })
}

fn list(mut items: Vec<String>, style: Style) -> String {
    if style.reversed {
        items.reverse();
    }
    format!("[{}]", items.join(", "))
}

impl Spec {
    /// The manifest as text.
    pub fn manifest(&self, style: Style) -> String {
        let defaults = if style.defaults { ", autoscaling: check, dynamicPorts: 32768-65535" } else { "" };
        let redeploy = if self.redeploy { "allow" } else { "deny" };
        let mut documents = vec![format!(
            "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {{name: {FLEET}}}\nspec: {{region: eu-west-1, cluster: prod, \
             vpc: main, mode: enforce, redeploy: {redeploy}, rollout: {{concurrent: {}}}, removal: {{prune: {}, budget: 100%}}{defaults}}}\n",
            style.concurrent, self.prune
        )];
        for (number, service) in self.services.iter().enumerate() {
            documents.push(service.service_document(number, style));
            documents.push(service.group_document(number, style));
        }
        if style.reversed {
            documents.reverse();
        }
        documents.join("---\n")
    }

    /// What AWS answers.
    pub fn observed(&self) -> ObservedFile {
        let mut file = ObservedFile {
            security_groups: vec![group("sg-lb", "public-lb")],
            load_balancers: vec![Balancer {
                nodes: Default::default(),
                name: "public".to_owned(),
                kind: "application".to_owned(),
                security_groups: vec!["sg-lb".to_owned()],
                subnets: vec!["subnet-a".to_owned(), "subnet-b".to_owned()],
                listeners: vec![Listener { port: 443, protocol: "HTTPS".to_owned(), default: None, rules: Vec::new() }],
            }],
            target_groups: vec![TargetGroup {
                name: "elsewhere".to_owned(),
                targets: vec!["10.0.9.9:80 healthy".to_owned()],
                ..TargetGroup::default()
            }],
            ..ObservedFile::default()
        };
        for (number, service) in self.services.iter().enumerate() {
            service.stand(number, &mut file);
        }
        for (index, what) in &self.breaks {
            let number = index % self.services.len().max(1);
            if let Some(service) = self.services.get(number) {
                break_it(*what, number, service, &mut file);
            }
        }
        file
    }
}

impl ServiceSpec {
    fn mode(&self) -> &'static str {
        match self.net {
            Net::Awsvpc => "awsvpc",
            Net::Dynamic | Net::Static => "bridge",
            Net::Host => "host",
        }
    }

    fn service_document(&self, number: usize, style: Style) -> String {
        let count = self.count.map_or_else(String::new, |count| format!("  desiredCount: {count}\n"));
        let subnets = match self.net {
            Net::Awsvpc => format!(", subnets: {}", list(vec!["private-a".into(), "private-b".into()], style)),
            Net::Dynamic | Net::Static | Net::Host => String::new(),
        };
        let host_port = match self.net {
            Net::Static => format!(", hostPort: {}", 9000 + number),
            Net::Dynamic if style.defaults => ", hostPort: 0".to_owned(),
            Net::Dynamic | Net::Awsvpc | Net::Host => String::new(),
        };
        let defaults = if style.defaults { ", protocol: tcp" } else { "" };
        let registrar = match (self.portolan, style.defaults) {
            (true, _) => ", registrar: portolan",
            (false, true) => ", registrar: ecs",
            (false, false) => "",
        };
        let named = if style.defaults {
            format!("  name: s{number}\n  cluster: prod\n  mode: enforce\n")
        } else {
            String::new()
        };
        let port = container_port(self.net, number);
        format!(
            "apiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {{name: s{number}}}\nspec:\n{named}{count}  network: {{mode: {}, \
             securityGroups: [tasks-{number}]{subnets}}}\n  ports:\n    - {{name: http, container: app, containerPort: {port}{host_port}, \
             targetGroups: [t{number}]{defaults}{registrar}}}\n",
            self.mode()
        )
    }

    fn group_document(&self, number: usize, style: Style) -> String {
        let statics: Vec<_> = (0..self.statics)
            .map(|host| format!("{{address: 10.0.40.{}, port: 80}}", 10 * number + usize::from(host)))
            .collect();
        let statics = if statics.is_empty() { String::new() } else { format!("  targets: {}\n", list(statics, style)) };
        let paths: Vec<_> = (0..self.paths).map(|path| format!("/p{path}/*")).collect();
        let paths = if paths.is_empty() { String::new() } else { format!(", paths: {}", list(paths, style)) };
        let named = if style.defaults { format!("  name: t{number}\n  vpc: main\n") } else { String::new() };
        let checked = self.health_port(number).map_or_else(String::new, |port| format!(", port: {port}"));
        format!(
            "apiVersion: portolan.dev/v1alpha1\nkind: TargetGroup\nmetadata: {{name: t{number}}}\nspec:\n{named}  loadBalancer: public\n  \
             protocol: HTTP\n  healthCheck: {{path: /healthz{checked}}}\n  routes:\n    - {{listener: 443, priority: {}, hosts: \
             [h{number}.example.com]{paths}}}\n{statics}",
            priority(number)
        )
    }

    /// The declared port of the health checks, if it is not the traffic port.
    fn health_port(&self, number: usize) -> Option<u16> {
        self.checked_apart.then(|| 9100 + u16::try_from(number).expect("a small number"))
    }

    fn stand(&self, number: usize, file: &mut ObservedFile) {
        let mark = |object: String| self.marked.then(|| Marked { fleet: FLEET.to_owned(), object });
        let port = container_port(self.net, number);
        let (open, mapping) = match self.net {
            Net::Awsvpc | Net::Host => (format!("tcp {port}"), format!("{port}")),
            Net::Dynamic => ("tcp 32768-65535".to_owned(), format!("{port}->0")),
            Net::Static => (format!("tcp {}", 9000 + number), format!("{port}->{}", 9000 + number)),
        };
        let mut tasks_group = group(&format!("sg-{number}"), &format!("tasks-{number}"));
        tasks_group.ingress.push(Ingress {
            id: None,
            allow: open,
            from: "sg-lb".to_owned(),
            mark: mark(format!("Service/s{number}")),
        });
        if let Some(port) = self.health_port(number) {
            tasks_group.ingress.push(Ingress {
                id: None,
                allow: format!("tcp {port}"),
                from: "sg-lb".to_owned(),
                mark: mark(format!("Service/s{number}")),
            });
        }
        file.security_groups.push(tasks_group);
        let (tasks, targets) = self.tasks(number, file);
        // Something has the address of a static target.
        file.interfaces.extend((0..self.statics).map(|host| format!("10.0.40.{}", 10 * number + usize::from(host))));
        let statics = (0..self.statics).map(|host| format!("10.0.40.{}:80 healthy", 10 * number + usize::from(host)));
        file.target_groups.push(TargetGroup {
            name: format!("t{number}"),
            port,
            target_type: if self.net == Net::Awsvpc { "ip" } else { "instance" }.to_owned(),
            health_check: HealthCheck {
                path: "/healthz".to_owned(),
                port: self.health_port(number).map_or_else(|| HealthCheck::default().port, |port| port.to_string()),
                ..HealthCheck::default()
            },
            mark: mark(format!("TargetGroup/t{number}")),
            targets: targets.into_iter().chain(statics).collect(),
            ..TargetGroup::default()
        });
        file.load_balancers[0].listeners[0].rules.push(Rule {
            priority: priority(number),
            hosts: vec![format!("h{number}.example.com")],
            paths: (0..self.paths).map(|path| format!("/p{path}/*")).collect(),
            unsayable: Vec::new(),
            does: Does { forward: BTreeMap::from([(format!("t{number}"), 1)]), ..Does::default() },
            mark: mark(format!("TargetGroup/t{number}")),
            source_ips: Vec::new(),
            tags: BTreeMap::new(),
        });
        file.task_definitions.push(TaskDefinition {
            name: format!("s{number}:1"),
            mode: self.mode().to_owned(),
            active: true,
            containers: BTreeMap::from([("app".to_owned(), vec![mapping])]),
            tags: BTreeMap::new(),
            content: Default::default(),
            asked: None,
            more: Default::default(),
        });
        file.services.push(Service {
            name: format!("s{number}"),
            desired: self.count.unwrap_or(2),
            task_definition: format!("s{number}:1"),
            load_balancers: if self.portolan { Vec::new() } else { vec![wired(number, port)] },
            security_groups: if self.net == Net::Awsvpc { vec![format!("sg-{number}")] } else { Vec::new() },
            scaling: self.autoscaled.then_some(Scaling { min: 1, max: 9, suspended: false }),
            tasks,
            ..Service::default()
        });
    }

    fn tasks(&self, number: usize, file: &mut ObservedFile) -> (Vec<Task>, Vec<String>) {
        let port = container_port(self.net, number);
        let mut tasks = Vec::new();
        let mut targets = Vec::new();
        for copy in 0..self.tasks {
            let instance = format!("i-{number}{copy}");
            let host_port = match self.net {
                Net::Awsvpc => {
                    let address = format!("10.0.1.{}", 20 * number + usize::from(copy) + 5);
                    targets.push(format!("{address}:{port} healthy"));
                    tasks.push(Task { address: Some(address), ..Task::default() });
                    continue;
                }
                Net::Dynamic => 32768 + u16::from(copy),
                Net::Static => 9000 + u16::try_from(number).expect("a small number"),
                Net::Host => port,
            };
            file.instances.push(Instance {
                id: instance.clone(),
                address: Some(format!("10.0.8.{}", 10 * number + usize::from(copy))),
                terminated: false,
                security_groups: vec![format!("sg-{number}")],
            });
            targets.push(format!("{instance}:{host_port} healthy"));
            let bindings = vec![format!("app {port}->{host_port}")];
            tasks.push(Task { instance: Some(instance), bindings, ..Task::default() });
        }
        (tasks, targets)
    }
}

/// The entry by which ECS registers a service's tasks.
fn wired(number: usize, port: u16) -> Entry {
    Entry { target_group: format!("t{number}"), container: "app".to_owned(), port, alternate: None }
}

/// Host mode services of one fleet need ports of their own.
fn container_port(net: Net, number: usize) -> u16 {
    if net == Net::Host { 7000 + u16::try_from(number).expect("a small number") } else { PORT }
}

fn priority(number: usize) -> u32 {
    10 * (u32::try_from(number).expect("a small number") + 1)
}

fn group(id: &str, name: &str) -> Group {
    Group { id: id.to_owned(), name: name.to_owned(), vpc: "vpc-main".to_owned(), ingress: Vec::new() }
}

fn forward(name: &str) -> Does {
    Does { forward: BTreeMap::from([(name.to_owned(), 1)]), ..Does::default() }
}

fn marked(fleet: &str, object: &str) -> Option<Marked> {
    Some(Marked { fleet: fleet.to_owned(), object: object.to_owned() })
}

/// Sends the health checks of a target group to another port.
fn checks(groups: &mut [TargetGroup], name: &str, port: &str) {
    groups.iter_mut().filter(|group| group.name == name).for_each(|group| group.health_check.port = port.to_owned());
}

fn break_it(what: Break, number: usize, service: &ServiceSpec, file: &mut ObservedFile) {
    let name = format!("t{number}");
    let host = format!("h{number}.example.com");
    let rules = &mut file.load_balancers[0].listeners[0].rules;
    let own = |rule: &&mut Rule| rule.hosts == [host.clone()];
    let live = file.services.iter_mut().find(|live| live.name == format!("s{number}"));
    let live = live.expect("every service of the spec stands");
    let groups = &mut file.target_groups;
    let tasks_group =
        file.security_groups.iter_mut().find(|group| group.id == format!("sg-{number}")).expect("it stands");
    let free = |rules: &[Rule], from: u32| {
        (from..).find(|at| rules.iter().all(|rule| rule.priority != *at)).expect("one is free")
    };
    let stranger = |rules: &mut Vec<Rule>, from: u32, does: Does, mark: Option<Marked>| {
        let priority = free(rules, from);
        let hosts = vec![format!("x{priority}.example.com")];
        rules.push(Rule {
            priority,
            hosts,
            paths: Vec::new(),
            unsayable: Vec::new(),
            does,
            mark,
            source_ips: Vec::new(),
            tags: BTreeMap::new(),
        });
    };
    match what {
        Break::IngressGone => {
            tasks_group.ingress.retain(|rule| rule.mark.as_ref().is_some_and(|mark| mark.fleet != FLEET))
        }
        Break::CountOff => live.desired += 1,
        Break::HealthPath => {
            groups.iter_mut().filter(|group| group.name == name).for_each(|group| group.health_check.path = "/".into())
        }
        Break::DefaultServes => file.load_balancers[0].listeners[0].default = Some(forward("elsewhere")),
        Break::HealthPortByHand => checks(groups, &name, &BY_HAND.to_string()),
        Break::HealthPortToTraffic => checks(groups, &name, "traffic-port"),
        Break::HealthPortClosed => tasks_group.ingress.retain(|rule| !rule.allow.starts_with("tcp 91")),
        Break::ByHandOpened => {
            let id = Some(format!("sgr-hand-{number}-{}", tasks_group.ingress.len()));
            let mark = marked(FLEET, &format!("Service/s{number}"));
            tasks_group.ingress.push(Ingress { id, allow: format!("tcp {BY_HAND}"), from: "sg-lb".into(), mark });
        }
        Break::RuleConditions => rules.iter_mut().filter(own).for_each(|rule| rule.paths = vec!["/edited".into()]),
        Break::RuleElsewhere => rules.iter_mut().filter(own).for_each(|rule| rule.does = forward("elsewhere")),
        Break::RulePriority => {
            let to = free(rules, 500);
            rules.iter_mut().filter(own).for_each(|rule| rule.priority = to);
        }
        Break::RuleGone => rules.retain(|rule| rule.hosts != [host.clone()]),
        Break::GroupGone => {
            rules.retain(|rule| rule.hosts != [host.clone()]);
            live.load_balancers.clear();
            groups.retain(|group| group.name != name);
        }
        Break::WiringGone => live.load_balancers.clear(),
        Break::MappingGone => {
            let definition =
                file.task_definitions.iter_mut().find(|definition| definition.name == format!("s{number}:1"));
            definition.expect("it stands").containers.insert("app".into(), vec!["1".into()]);
        }
        Break::Stale => {
            let target = if service.net == Net::Awsvpc {
                format!("10.0.7.{number}:{PORT} unhealthy")
            } else {
                format!("i-gone{number}:40000 unused")
            };
            groups
                .iter_mut()
                .filter(|group| group.name == name && !group.targets.contains(&target))
                .for_each(|group| group.targets.push(target.clone()));
        }
        Break::Unhealthy => {
            let sick = |target: &mut String| *target = target.replace(" healthy", " unhealthy");
            groups
                .iter_mut()
                .filter(|group| group.name == name)
                .for_each(|group| group.targets.iter_mut().for_each(sick));
        }
        Break::StaticGone => groups
            .iter_mut()
            .filter(|group| group.name == name)
            .for_each(|group| group.targets.retain(|target| !target.starts_with("10.0.40."))),
        Break::Deploying => live.deployments = vec!["IN_PROGRESS".into(), "COMPLETED".into()],
        Break::TaskUnknown => live.tasks.push(Task { status: Some("PROVISIONING".into()), ..Task::default() }),
        Break::TaskLeaves => {
            live.tasks.push(Task { address: Some(format!("10.0.6.{number}")), leaves: true, ..Task::default() });
        }
        Break::TargetGone => groups.iter_mut().filter(|group| group.name == name).for_each(|group| {
            group.targets = group.targets.iter().skip(1).cloned().collect();
        }),
        Break::TargetDrains => groups.iter_mut().filter(|group| group.name == name).for_each(|group| {
            if let Some(first) = group.targets.first_mut() {
                *first = first.replace(" healthy", " draining");
            }
        }),
        // ECS has still to register the first one.
        Break::Wired if live.load_balancers.is_empty() => {
            for group in groups.iter_mut().filter(|group| group.name == name) {
                live.load_balancers.push(wired(number, container_port(service.net, number)));
                group.targets = group.targets.iter().skip(1).cloned().collect();
            }
        }
        Break::Wired => {}
        Break::ForeignRule => stranger(rules, 10, forward("elsewhere"), None),
        Break::OtherFleetRule => stranger(rules, 10, forward("elsewhere"), marked("other-team", "TargetGroup/t0")),
        Break::LeftOverRule => stranger(rules, 700, forward("elsewhere"), marked(FLEET, "TargetGroup/gone")),
        Break::ForeignIngress => {
            tasks_group.ingress.push(Ingress { id: None, allow: "tcp 22".into(), from: "0.0.0.0/0".into(), mark: None })
        }
        Break::LeftOverIngress => {
            let id = Some(format!("sgr-left-{number}-{}", tasks_group.ingress.len()));
            tasks_group.ingress.push(Ingress {
                id,
                allow: "tcp 6060".into(),
                from: "sg-lb".into(),
                mark: marked(FLEET, &format!("Service/s{number}")),
            });
        }
        Break::OtherFleetGroup => groups
            .iter_mut()
            .filter(|group| group.name == name)
            .for_each(|group| group.mark = marked("other-team", "TargetGroup/t0")),
        Break::LeftOverGroup if groups.iter().all(|group| group.name != "gone") => {
            groups.push(TargetGroup {
                name: "gone".into(),
                mark: marked(FLEET, "TargetGroup/gone"),
                ..TargetGroup::default()
            });
        }
        Break::LeftOverGroup => {}
    }
}
