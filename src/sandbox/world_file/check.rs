//! What is wrong with a world before anything of it is made: names of nothing, and mappings that say nothing or too much.

use std::collections::BTreeSet;

use super::shape::{Action, Deed, GroupRule, LoadBalancer, Rule, SecurityGroup, Service, TargetGroup, Vpc, World};
use crate::yaml::{At, Position, Problems, nearest, quoted};

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
        check.name("cluster", &instance.cluster, &names.clusters);
        check.name("instance", &instance.instance, &names.instances);
    }
    world.target_groups.iter().for_each(|group| check.target_group(group));
    world.load_balancers.iter().for_each(|balancer| check.load_balancer(balancer));
    world.services.iter().for_each(|service| check.service(service));
    world.then.iter().for_each(|deed| check.deed(deed));
}

type Set<'w> = BTreeSet<&'w str>;

/// What the file names, by kind.
struct Names<'w> {
    vpcs: Set<'w>,
    subnets: Set<'w>,
    groups: Set<'w>,
    prefix_lists: Set<'w>,
    instances: Set<'w>,
    clusters: Set<'w>,
    target_groups: Set<'w>,
}

impl<'w> Names<'w> {
    fn of(world: &'w World) -> Self {
        let vpcs = || world.vpcs.iter();
        Self {
            vpcs: vpcs().map(|vpc| vpc.name.as_str()).collect(),
            subnets: vpcs().flat_map(|vpc| vpc.subnets.iter()).map(|subnet| subnet.name.as_str()).collect(),
            // The group that comes with a VPC.
            groups: vpcs()
                .flat_map(|vpc| vpc.security_groups.iter())
                .map(|group| group.name.as_str())
                .chain(["default"])
                .collect(),
            prefix_lists: vpcs().flat_map(|vpc| vpc.prefix_lists.iter()).map(|list| list.name.as_str()).collect(),
            instances: world.instances.iter().map(|instance| instance.name.as_str()).collect(),
            clusters: world.clusters.iter().map(|name| name.as_str()).collect(),
            target_groups: world.target_groups.iter().map(|group| group.name.as_str()).collect(),
        }
    }
}

struct Check<'c, 'w, 'p> {
    names: &'c Names<'w>,
    problems: &'c mut Problems<'p>,
}

impl Check<'_, '_, '_> {
    /// That something of this kind has this name.
    fn name(&mut self, kind: &str, name: &At<String>, known: &Set<'_>) {
        self.named(kind, name, name.at, known);
    }

    fn named(&mut self, kind: &str, name: &str, at: Position, known: &Set<'_>) {
        if known.contains(name) {
            return;
        }
        let near = self.problems.wants_suggestions().then(|| nearest(name, known.iter().copied())).flatten();
        let hint = near.map(|near| format!("did you mean {}?", quoted(near)));
        self.problems.push_hint(at, format!("there is no {kind} {}", quoted(name)), hint);
    }

    fn subnet(&mut self, name: &At<String>) {
        self.name("subnet", name, &self.names.subnets);
    }

    fn group(&mut self, name: &At<String>) {
        self.name("security group", name, &self.names.groups);
    }

    fn vpc(&mut self, vpc: &Vpc) {
        vpc.security_groups.iter().for_each(|group| self.group_rules(group));
        vpc.network_acls.iter().flat_map(|acl| acl.subnets.iter()).for_each(|name| self.subnet(name));
    }

    fn group_rules(&mut self, group: &SecurityGroup) {
        group.ingress.iter().for_each(|rule| self.group_rule(rule));
        group.egress.iter().flat_map(|rules| rules.iter()).for_each(|rule| self.group_rule(rule));
    }

    fn group_rule(&mut self, rule: &At<GroupRule>) {
        let Some(other) = rule.other() else {
            let hint = "ingress is from, egress is to: a CIDR, a security group or a prefix list";
            return self.problems.add_hint(rule.at, "a rule of a security group has one of from and to", hint);
        };
        if !other.contains('/') && !self.names.prefix_lists.contains(other.as_str()) {
            self.name("security group or prefix list", other, &self.names.groups);
        }
    }

    fn target_group(&mut self, group: &TargetGroup) {
        self.name("vpc", &group.vpc, &self.names.vpcs);
    }

    fn load_balancer(&mut self, balancer: &LoadBalancer) {
        balancer.subnets.iter().for_each(|name| self.subnet(name));
        balancer.security_groups.iter().for_each(|name| self.group(name));
        for listener in balancer.listeners.iter() {
            self.action(&listener.default);
            listener.rules.iter().for_each(|rule| self.rule(rule));
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.action(&rule.action);
        if let Some(rewrite) = rule.rewrite.as_ref().filter(|rewrite| rewrite.len() != 2) {
            self.problems.add(rewrite.at, "rewrite: expected [regex, replacement]");
        }
    }

    fn action(&mut self, action: &At<Action>) {
        let Action { forward, fixed_response, redirect, login: _ } = &action.value;
        let ways = [forward.is_some(), fixed_response.is_some(), redirect.is_some()];
        if ways.iter().filter(|way| **way).count() != 1 {
            self.problems.add(action.at, "an action is one of forward, fixedResponse and redirect");
        }
        for (group, weight) in forward.iter().flat_map(|forward| &forward.0) {
            self.named("target group", group, weight.at, &self.names.target_groups);
        }
    }

    fn service(&mut self, service: &Service) {
        self.name("cluster", &service.cluster, &self.names.clusters);
        service.subnets.iter().for_each(|name| self.subnet(name));
        service.security_groups.iter().for_each(|name| self.group(name));
        for entry in service.load_balancers.iter() {
            self.name("target group", &entry.target_group, &self.names.target_groups);
        }
    }

    fn deed(&mut self, deed: &At<Deed>) {
        match &deed.with {
            Some(with) if deed.call.is_none() => self.problems.add(with.at, "with: parameters of no call"),
            None if deed.call.is_none() && deed.advance.is_none() && deed.app.0.is_empty() => {
                let hint = self.problems.format().shape("then");
                self.problems.push_hint(deed.at, "nothing is done here", hint);
            }
            Some(_) | None => {}
        }
    }
}
