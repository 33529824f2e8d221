//! What AWS should answer after a step: the planned state. It serves tests of the fixpoint, and whoever wants to look
//! at the state that a plan would make.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{
    AddressFamily, Attributes, Awsvpc, Conditions, Forward, HealthCheck, Listener, ListenerArn, LoadBalancerEntry,
    Matcher, Observed, Protocol, ProtocolVersion, Rollout, Rule, RuleActions, RuleArn, Seen, Serve, Service, ServiceId,
    StaticTarget, Target, TargetGroup, TargetGroupArn, TargetHealth, TargetState, TaskDefinition, TaskDefinitionArn,
};

use super::action::{Action, NewService, NewTargetGroup, Ref, RuleEdit, WiredEntry};
use super::change::Step;
use super::members;

/// A reference resolved in the planned state: an output becomes a placeholder.
fn planned<T: Clone + From<String>>(reference: &Ref<T>) -> T {
    match reference {
        Ref::Known(value) => value.clone(),
        Ref::Output(object) => T::from(format!("planned:{object}")),
    }
}

fn present<T>(seen: Option<&mut Seen<T>>) -> Option<&mut T> {
    match seen {
        Some(Seen::Present(value)) => Some(value),
        Some(Seen::Absent | Seen::Unknown(_)) | None => None,
    }
}

/// Applies a step to a reading of AWS. Deployments that it starts count as finished.
pub fn apply_effect(step: &Step, observed: &mut Observed) {
    match &step.action {
        Action::RegisterTaskDefinition { service: _, source: _, content, tags, expect: _ } => {
            let arn = TaskDefinitionArn::from(format!("planned:{}", step.object));
            let made = TaskDefinition::new(arn.clone(), true, tags.clone(), content.clone());
            observed.task_definitions.insert(arn, Seen::Present(made));
        }
        Action::CreateService(new) => create_service(observed, new),
        Action::UpdateServiceCount { service, desired_count, from: _, unscaled: _ } => {
            if let Some(live) = present(observed.services.get_mut(service)) {
                live.desired_count = *desired_count;
                live.running_count = *desired_count;
            }
        }
        Action::DrainService { service, from: _, mark: _, idle: _ } => {
            if let Some(live) = present(observed.services.get_mut(service)) {
                (live.desired_count, live.running_count) = (0, 0);
            }
        }
        Action::DeleteService { service, mark: _, idle: _ } => {
            observed.services.insert(service.clone(), Seen::Absent);
            if let Some(all) = present(observed.cluster_services.get_mut(&service.cluster)) {
                all.retain(|other| other.id != *service);
            }
        }
        Action::UpdateServiceMembers { service, members, expect: _ } => {
            if let Some(live) =
                present(observed.services.get_mut(service)).and_then(|live| present(Some(&mut *live.members)))
            {
                live.members_mut().extend(members.members().clone());
            }
        }
        // What ECS goes back to is not known here; that nothing is in progress any more is.
        Action::StopServiceDeployment { service, deployment: _, id } => {
            let live = present(observed.services.get_mut(service));
            for one in live.into_iter().flat_map(|live| &mut live.deployments).filter(|one| one.id == *id) {
                one.rollout = Some(Rollout::Failed);
            }
        }
        Action::TagService { service, arn: _, tags } => {
            if let Some(live) =
                present(observed.services.get_mut(service)).and_then(|live| present(Some(&mut *live.members)))
            {
                members::set_tags(live, tags);
            }
        }
        Action::UpdateService { service, task_definition, load_balancers, network, members, expect: _ } => {
            if let Some(live) =
                present(observed.services.get_mut(service)).and_then(|live| present(Some(&mut *live.members)))
            {
                let sent = members.members().iter().filter(|(name, _)| crate::shape::SERVICE.member(name).is_some());
                live.members_mut().extend(sent.map(|(name, value)| (name.clone(), value.clone())));
            }
            update_service(observed, service, task_definition.as_ref(), load_balancers.as_deref(), network.as_ref());
        }
        Action::CreateTargetGroup(new) => {
            create_target_group(observed, TargetGroupArn::from(format!("planned:{}", step.object)), new)
        }
        Action::ModifyTargetGroup { target_group, health_check } => {
            if let Some(live) = target_group_mut(observed, target_group) {
                merge(health_check, &mut live.health_check);
            }
        }
        Action::ModifyTargetGroupAttributes { target_group, attributes } => {
            let seen = observed.attributes.entry(planned(target_group));
            if let Seen::Present(live) = seen.or_insert_with(|| Seen::Present(Attributes::default())) {
                Arc::make_mut(live).extend(attributes.clone());
            }
        }
        Action::DeleteTargetGroup { target_group, mark: _ } => {
            if let Seen::Present(all) = &mut observed.target_groups {
                all.retain(|live| live.arn != *target_group);
            }
            observed.targets.remove(target_group);
        }
        Action::CreateRule { listener, priority, conditions, target_group, tags } => {
            let rule = Rule {
                arn: RuleArn::from(format!("planned:{listener}:{priority}")),
                priority: *priority,
                conditions: conditions.clone(),
                actions: forward_to(planned(target_group)),
                transforms: Vec::new(),
                tags: Seen::Present(tags.clone()),
            };
            if let Some(rules) = present(observed.rules.get_mut(listener)) {
                rules.push(rule);
            }
            attach(observed, listener, &planned(target_group));
        }
        Action::ModifyRule { rule, edit: RuleEdit { forward, conditions }, expect: _ } => {
            modify_rule(observed, rule, conditions.as_ref(), forward.as_ref());
        }
        Action::SetRulePriorities { listener, priorities, expect: _ } => {
            for rule in present(observed.rules.get_mut(listener)).into_iter().flatten() {
                rule.priority = priorities.get(&rule.arn).copied().unwrap_or(rule.priority);
            }
        }
        Action::DeleteRule { rule, mark: _, expect: _ } => delete_rule(observed, rule),
        Action::AddTags { target_group, tags, mark: _ } => {
            let group = target_group_mut(observed, target_group);
            if let Some(live) = group.and_then(|group| present(Some(&mut group.tags))) {
                live.extend(tags.clone());
            }
        }
        Action::ModifyListener { listener, target_group, idle, expect: _ } => {
            let mut forward = Forward::to(planned(target_group));
            forward.weights.extend(idle.as_ref().map(|idle| (planned(idle), 0)));
            let named: Vec<TargetGroupArn> = forward.weights.keys().cloned().collect();
            let mut lost = BTreeSet::new();
            if let Some(live) = listener_mut(observed, listener) {
                if let Serve::Forward(before) = &live.default_actions.serve {
                    lost.extend(before.weights.keys().filter(|arn| !named.contains(arn)).cloned());
                }
                live.default_actions.serve = Serve::Forward(forward);
            }
            named.iter().for_each(|arn| attach(observed, listener, arn));
            detach(observed, lost);
        }
        Action::RegisterTargets { target_group, targets } => register(observed, &planned(target_group), targets),
        Action::DeregisterTargets { target_group, targets, expect: _ } => {
            if let Some(live) = present(observed.targets.get_mut(target_group)) {
                live.retain(|target| !targets.contains(&target.key));
            }
        }
        Action::AuthorizeSecurityGroupIngress { group, .. } => {
            let rule = step.action.planned_ingress();
            if let Seen::Present(marked) = &mut observed.marked_ingress {
                marked.extend(rule.clone());
            }
            if let Some(rules) = present(observed.ingress.get_mut(group)) {
                rules.extend(rule);
            }
        }
        Action::RevokeSecurityGroupIngress { group, rule, mark: _, carriers: _ } => {
            if let Seen::Present(marked) = &mut observed.marked_ingress {
                marked.retain(|live| live.id != *rule);
            }
            if let Some(rules) = present(observed.ingress.get_mut(group)) {
                rules.retain(|live| live.id != *rule);
            }
        }
    }
}

fn update_service(
    observed: &mut Observed,
    service: &ServiceId,
    task_definition: Option<&Ref<TaskDefinitionArn>>,
    load_balancers: Option<&[WiredEntry]>,
    network: Option<&Awsvpc>,
) {
    let Some(live) = present(observed.services.get_mut(service)) else { return };
    if let Some(reference) = task_definition {
        live.task_definition = planned(reference);
    }
    if let Some(entries) = load_balancers {
        live.load_balancers = sent_entries(entries);
    }
    if let Some(network) = network {
        live.network = Some(network.clone());
    }
}

fn create_service(observed: &mut Observed, new: &NewService) {
    let NewService { service, task_definition, desired_count, load_balancers, network, members, client_token: _ } = new;
    let mut network = network.clone();
    // What AWS shows where nothing was said.
    network.iter_mut().for_each(|block| {
        block.assign_public_ip.get_or_insert_with(|| members::switch(false).to_owned());
    });
    let parts = (*desired_count, sent_entries(load_balancers), network);
    let made = Service::created(service, planned(task_definition), parts, members);
    observed.tasks.insert(service.clone(), Seen::Present(Vec::new()));
    observed.services.insert(service.clone(), Seen::Present(made));
}

/// Entries as AWS shows them.
fn sent_entries(entries: &[WiredEntry]) -> Vec<LoadBalancerEntry> {
    let entry = |(target, entry): &WiredEntry| LoadBalancerEntry {
        target_group: target.as_ref().map(planned),
        ..entry.clone()
    };
    entries.iter().map(entry).collect()
}

fn create_target_group(observed: &mut Observed, arn: TargetGroupArn, new: &NewTargetGroup) {
    let NewTargetGroup { name, vpc, protocol, protocol_version, port, target_type, health_check, tags } = new;
    let group = TargetGroup {
        arn: arn.clone(),
        name: name.clone(),
        protocol: protocol.clone(),
        protocol_version: protocol_version.clone().or(protocol.is_http().then_some(ProtocolVersion::Http1)),
        port: Some(*port),
        vpc: Some(vpc.clone()),
        target_type: target_type.clone(),
        family: AddressFamily::Ipv4,
        health_check: new_health_check(protocol, protocol_version.as_ref(), health_check),
        load_balancers: BTreeSet::new(),
        tags: Seen::Present(tags.clone()),
    };
    if let Seen::Present(all) = &mut observed.target_groups {
        all.push(group);
    }
    observed.targets.insert(arn.clone(), Seen::Present(Vec::new()));
    observed.attributes.insert(arn, Seen::Present(Attributes::default()));
}

/// AWS's defaults (`CreateTargetGroup`), with the declared fields on top.
fn new_health_check(protocol: &Protocol, version: Option<&ProtocolVersion>, declared: &HealthCheck) -> HealthCheck {
    let http = protocol.is_http();
    let grpc = version == Some(&ProtocolVersion::Grpc);
    let mut check = HealthCheck {
        protocol: Some(if http { Protocol::Http } else { Protocol::Tcp }),
        port: Some(crate::model::HealthPort::Traffic),
        path: http.then(|| if grpc { "/AWS.ALB/healthcheck" } else { "/" }.to_owned()),
        matcher: http.then(|| if grpc { Matcher::Grpc("12".to_owned()) } else { Matcher::Http("200".to_owned()) }),
        interval: Some(30),
        timeout: Some(if http { 5 } else { 10 }),
        healthy_threshold: Some(5),
        unhealthy_threshold: Some(2),
    };
    merge(declared, &mut check);
    check
}

fn merge(edit: &HealthCheck, live: &mut HealthCheck) {
    let HealthCheck { protocol, port, path, matcher, interval, timeout, healthy_threshold, unhealthy_threshold } =
        edit.clone();
    live.protocol = protocol.or(live.protocol.take());
    live.port = port.or(live.port);
    live.path = path.or(live.path.take());
    live.matcher = matcher.or(live.matcher.take());
    live.interval = interval.or(live.interval);
    live.timeout = timeout.or(live.timeout);
    live.healthy_threshold = healthy_threshold.or(live.healthy_threshold);
    live.unhealthy_threshold = unhealthy_threshold.or(live.unhealthy_threshold);
}

fn target_group_mut<'a>(observed: &'a mut Observed, arn: &TargetGroupArn) -> Option<&'a mut TargetGroup> {
    present(Some(&mut observed.target_groups))?.iter_mut().find(|live| live.arn == *arn)
}

fn listener_mut<'a>(observed: &'a mut Observed, arn: &ListenerArn) -> Option<&'a mut Listener> {
    observed.listeners.values_mut().filter_map(|seen| present(Some(seen))).flatten().find(|live| live.arn == *arn)
}

fn forward_to(arn: TargetGroupArn) -> RuleActions {
    RuleActions { login: false, token: false, serve: Serve::Forward(Forward::to(arn)) }
}

/// A rule or listener that forwards to a target group attaches it to the load balancer.
fn attach(observed: &mut Observed, listener: &ListenerArn, target_group: &TargetGroupArn) {
    let Some(balancer) = listener_mut(observed, listener).map(|live| live.load_balancer.clone()) else { return };
    if let Some(live) = target_group_mut(observed, target_group) {
        live.load_balancers.insert(balancer);
    }
}

fn modify_rule(
    observed: &mut Observed,
    arn: &RuleArn,
    conditions: Option<&Conditions>,
    forward: Option<&Ref<TargetGroupArn>>,
) {
    let mut attached = None;
    for (listener, seen) in &mut observed.rules {
        let Some(rule) = present(Some(seen)).and_then(|rules| rules.iter_mut().find(|rule| rule.arn == *arn)) else {
            continue;
        };
        if let Some(conditions) = conditions {
            rule.conditions = conditions.clone();
        }
        if let Some(target) = forward {
            rule.actions.serve = Serve::Forward(Forward::to(planned(target)));
            attached = Some((listener.clone(), planned(target)));
        }
    }
    if let Some((listener, target_group)) = attached {
        attach(observed, &listener, &target_group);
    }
}

fn delete_rule(observed: &mut Observed, arn: &RuleArn) {
    let mut lost: BTreeSet<TargetGroupArn> = BTreeSet::new();
    for seen in observed.rules.values_mut() {
        let Some(rules) = present(Some(seen)) else { continue };
        for rule in rules.iter().filter(|rule| rule.arn == *arn) {
            if let Serve::Forward(forward) = &rule.actions.serve {
                lost.extend(forward.weights.keys().cloned());
            }
        }
        rules.retain(|rule| rule.arn != *arn);
    }
    detach(observed, lost);
}

/// Target groups that nothing forwards to any more have no load balancer.
fn detach(observed: &mut Observed, lost: BTreeSet<TargetGroupArn>) {
    let serves = |actions: &RuleActions, group: &TargetGroupArn| matches!(&actions.serve, Serve::Forward(forward) if forward.weights.contains_key(group));
    for group in lost {
        let rules = observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
        let listeners = observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten();
        let mut actions = rules.map(|rule| &rule.actions).chain(listeners.map(|listener| &listener.default_actions));
        if !actions.any(|actions| serves(actions, &group))
            && let Some(live) = target_group_mut(observed, &group)
        {
            live.load_balancers.clear();
        }
    }
}

fn register(observed: &mut Observed, target_group: &TargetGroupArn, targets: &[StaticTarget]) {
    let Some(live) = present(observed.targets.get_mut(target_group)) else { return };
    live.extend(targets.iter().map(|StaticTarget { key, zone }| Target {
        key: key.clone(),
        zone: zone.clone(),
        health: TargetHealth { state: TargetState::Initial, reason: None, description: None },
    }));
}
