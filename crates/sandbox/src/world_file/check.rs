//! What is wrong with a world before anything of it is made: names of nothing, and steps that do nothing.

use std::collections::BTreeSet;

use portolan_yaml::{At, Position, Problems, nearest, quoted};

use super::shape::{Act, Action, Deed, GroupRule, LoadBalancer, Service, Vpc, World};
use crate::operation;

/// Checks a whole file.
pub fn check(world: &World, problems: &mut Problems<'_>) {
    let names = &Names::of(world);
    let mut check = Check { names, problems };
    for vpc in world.vpcs.iter() {
        check.vpc(vpc);
    }
    for instance in world.instances.iter() {
        check.subnet(&instance.subnet);
        instance.security_groups.iter().for_each(|group| check.group(group));
    }
    for instance in world.container_instances.iter() {
        check.cluster(&instance.cluster);
        check.name("instance", &instance.instance, &names.instances);
    }
    for group in world.target_groups.iter() {
        check.name("vpc", &group.vpc, &names.vpcs);
    }
    world.load_balancers.iter().for_each(|balancer| check.load_balancer(balancer));
    world.services.iter().for_each(|service| check.service(service));
    for target in world.scalable_targets.iter() {
        check.name("service", &target.service, &names.services);
    }
    world.settings.denied.iter().for_each(|call| check.call(call, call.at));
    world.settings.refused.iter().for_each(|(call, code)| check.call(call, code.at));
    world.then.iter().for_each(|deed| check.deed(deed));
}

type Set = BTreeSet<String>;

/// What the file names, by kind.
struct Names {
    vpcs: Set,
    subnets: Set,
    groups: Set,
    prefix_lists: Set,
    instances: Set,
    clusters: Set,
    families: Set,
    target_groups: Set,
    services: Set,
}

impl Names {
    fn of(world: &World) -> Self {
        fn all<'a>(names: impl Iterator<Item = &'a At<String>>) -> Set {
            names.map(|name| name.value.clone()).collect()
        }
        let vpcs = || world.vpcs.iter();
        let mut groups = all(vpcs().flat_map(|vpc| vpc.security_groups.iter()).map(|group| &group.name));
        // It comes with a VPC.
        groups.insert("default".to_owned());
        Self {
            vpcs: all(vpcs().map(|vpc| &vpc.name)),
            subnets: all(vpcs().flat_map(|vpc| vpc.subnets.iter()).map(|subnet| &subnet.name)),
            groups,
            prefix_lists: all(vpcs().flat_map(|vpc| vpc.prefix_lists.iter()).map(|list| &list.name)),
            instances: all(world.instances.iter().map(|instance| &instance.name)),
            clusters: all(world.clusters.iter()),
            families: all(world.task_definitions.iter().map(|definition| &definition.family)),
            target_groups: all(world.target_groups.iter().map(|group| &group.name)),
            services: world.services.iter().map(|service| format!("{}/{}", service.cluster, service.name)).collect(),
        }
    }
}

/// Most names that a hint lists.
const LISTED: usize = 10;

/// What a name that nothing has may have been meant for.
fn meant(name: &str, known: &Set) -> Option<String> {
    if let Some(near) = nearest(name, known.iter().map(String::as_str)) {
        return Some(format!("did you mean {}?", quoted(near)));
    }
    let all = || known.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    (1..=LISTED).contains(&known.len()).then(|| format!("known: {}", all()))
}

struct Check<'c, 'p> {
    names: &'c Names,
    problems: &'c mut Problems<'p>,
}

impl Check<'_, '_> {
    /// That something of this kind has this name.
    fn name(&mut self, kind: &str, name: &At<String>, known: &Set) {
        self.named(kind, name, name.at, known);
    }

    fn named(&mut self, kind: &str, name: &str, at: Position, known: &Set) {
        if known.contains(name) {
            return;
        }
        let hint = self.problems.wants_suggestions().then(|| meant(name, known)).flatten();
        self.problems.push_hint(at, format!("unknown {kind} {}", quoted(name)), hint);
    }

    fn subnet(&mut self, name: &At<String>) {
        self.name("subnet", name, &self.names.subnets);
    }

    fn group(&mut self, name: &At<String>) {
        self.name("security group", name, &self.names.groups);
    }

    /// A name, or an ARN, which the calls take as well.
    fn cluster(&mut self, name: &At<String>) {
        if !name.starts_with("arn:") {
            self.name("cluster", name, &self.names.clusters);
        }
    }

    fn vpc(&mut self, vpc: &Vpc) {
        for group in vpc.security_groups.iter() {
            group.ingress.iter().for_each(|rule| self.group_rule(rule));
            group.egress.iter().flat_map(|rules| rules.iter()).for_each(|rule| self.group_rule(rule));
        }
        vpc.network_acls.iter().flat_map(|acl| acl.subnets.iter()).for_each(|name| self.subnet(name));
    }

    fn group_rule(&mut self, rule: &GroupRule) {
        if !rule.peer.contains('/') && !self.names.prefix_lists.contains(rule.peer.as_str()) {
            self.name("security group or prefix list", &rule.peer, &self.names.groups);
        }
    }

    fn load_balancer(&mut self, balancer: &LoadBalancer) {
        balancer.subnets.iter().for_each(|name| self.subnet(name));
        balancer.security_groups.iter().for_each(|name| self.group(name));
        for listener in balancer.listeners.iter() {
            self.action(&listener.default);
            listener.rules.iter().for_each(|rule| self.action(&rule.action));
        }
    }

    fn action(&mut self, action: &Action) {
        if let Act::Forward(forward) = &action.act {
            for (group, weight) in forward.iter() {
                self.named("target group", group, weight.at, &self.names.target_groups);
            }
        }
    }

    fn service(&mut self, service: &Service) {
        self.cluster(&service.cluster);
        let definition = &service.task_definition;
        if !definition.starts_with("arn:") {
            let family = definition.split(':').next().unwrap_or_default();
            self.named("task definition", family, definition.at, &self.names.families);
        }
        service.subnets.iter().for_each(|name| self.subnet(name));
        service.security_groups.iter().for_each(|name| self.group(name));
        for entry in service.load_balancers.iter() {
            self.name("target group", &entry.target_group, &self.names.target_groups);
        }
    }

    fn call(&mut self, call: &str, at: Position) {
        if let Err(refusal) = operation::find_call(call) {
            let hint = "write calls with their IAM names, such as ecs:DescribeTasks";
            self.problems.add_hint(at, format!("unknown call {}: {}", quoted(call), refusal.message), hint);
        }
    }

    fn deed(&mut self, deed: &At<Deed>) {
        deed.call.iter().for_each(|call| self.call(call, call.at));
        match &deed.with {
            Some(with) if deed.call.is_none() => self.problems.add(with.at, "with: parameters without a call"),
            None if deed.call.is_none() && deed.advance.is_none() && deed.app.is_empty() => {
                let hint = self.problems.format().shape("a step of then");
                self.problems.push_hint(deed.at, "this step does nothing", hint);
            }
            Some(_) | None => {}
        }
    }
}
