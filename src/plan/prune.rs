//! With `removal.prune`: marked things that the manifest no longer names. Nothing unmarked, nothing of another fleet,
//! nothing in use.

use std::collections::BTreeSet;

use crate::model::{
    Desired, GroupId, IngressRule, ObjectRef, Observed, Owner, Placement, PortRange, Rule, RuleSource, Seen, Serve,
    Tags, TargetGroup, TargetGroupArn, Task,
};

use super::action::Action;
use super::change::WaitingOn;
use super::draft::{Draft, DraftId, Drafts};
use super::listener_rule::describe_conditions;
use super::rule_match::{Match, match_rules, routes_by_listener};
use super::security_group::WantedIngress;

pub(super) fn plan_prune(desired: &Desired, observed: &Observed, wanted: &WantedIngress, drafts: &mut Drafts) {
    // R11: an empty desired set removes nothing.
    if !desired.fleet.removal.prune || (desired.services.is_empty() && desired.target_groups.is_empty()) {
        return;
    }
    let deleted = prune_rules(desired, observed, drafts);
    prune_target_groups(desired, observed, &deleted, drafts);
    prune_ingress(desired, observed, wanted, drafts);
}

fn mark_of(tags: &Tags) -> Tags {
    let keys = [crate::model::owner::FLEET_TAG, crate::model::owner::OBJECT_TAG];
    tags.iter()
        .filter(|(key, _)| keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// `Kind/key` of a marked thing of this fleet.
fn marked_for(tags: Option<&Tags>, fleet: &str) -> Option<String> {
    match Owner::of(tags?, fleet) {
        Owner::Ours(object) => Some(object),
        Owner::Unmarked | Owner::AnotherFleet(_) => None,
    }
}

struct DeletedRule {
    step: DraftId,
    forwards_to: BTreeSet<TargetGroupArn>,
}

fn prune_rules(desired: &Desired, observed: &Observed, drafts: &mut Drafts) -> Vec<DeletedRule> {
    let routes = routes_by_listener(desired, observed);
    let mut deleted = Vec::new();
    for (listener, seen) in &observed.rules {
        let Seen::Present(rules) = seen else { continue };
        let here: Vec<_> =
            routes.get(listener).into_iter().flatten().copied().filter(|route| !route.route.default).collect();
        let matches = match_rules(desired, observed, &here, rules);
        let kept: BTreeSet<_> = matches
            .iter()
            .flat_map(|found| match found {
                Match::Rule(rule) => vec![rule.arn.to_string()],
                Match::Tie(arns) => arns.clone(),
                Match::None | Match::Unknown(_) => Vec::new(),
            })
            .collect();
        for rule in rules.iter().filter(|rule| !kept.contains(rule.arn.as_str())) {
            let Some(object) = marked_for(rule.tags.as_ref().present(), &desired.fleet.name) else { continue };
            if !routes_are_unmanaged(desired, &object) {
                deleted.push(delete_rule(desired, rule, &object, drafts));
            }
        }
    }
    deleted
}

/// A target group whose `routes` are absent has unmanaged routes: its rules stay.
fn routes_are_unmanaged(desired: &Desired, object: &str) -> bool {
    desired
        .target_groups
        .values()
        .any(|group| ObjectRef::target_group(&group.key).to_string() == object && group.routes.is_none())
}

fn delete_rule(desired: &Desired, rule: &Rule, object: &str, drafts: &mut Drafts) -> DeletedRule {
    let tags = rule.tags.as_ref().present().cloned().unwrap_or_default();
    let step = drafts.push(removal(
        desired,
        Action::DeleteRule { rule: rule.arn.clone(), mark: mark_of(&tags) },
        rule.arn.to_string(),
        format!("delete rule {} ({})", rule.priority, describe_conditions(&rule.conditions)),
        format!("this fleet made it for {object}, and the manifest no longer has that route"),
    ));
    let forwards_to = match &rule.actions.serve {
        Serve::Forward(forward) => forward.weights.keys().cloned().collect(),
        Serve::Redirect | Serve::FixedResponse(_) | Serve::Other(_) => BTreeSet::new(),
    };
    DeletedRule { step, forwards_to }
}

fn removal(desired: &Desired, action: Action, target: String, summary: String, reason: String) -> Draft {
    Draft {
        action,
        object: ObjectRef::fleet(&desired.fleet.name),
        also: BTreeSet::new(),
        target,
        summary,
        reason,
        changes: Vec::new(),
        after: BTreeSet::new(),
        redeploys: false,
        removes: true,
    }
}

fn prune_target_groups(desired: &Desired, observed: &Observed, deleted: &[DeletedRule], drafts: &mut Drafts) {
    let Seen::Present(all) = &observed.target_groups else { return };
    let declared: BTreeSet<&str> = desired.target_groups.values().map(|group| group.name.as_str()).collect();
    for live in all {
        if declared.contains(live.name.as_str()) || declared.contains(live.arn.as_str()) {
            continue;
        }
        let Some(object) = marked_for(live.tags.as_ref().present(), &desired.fleet.name) else { continue };
        // An object that only changed its AWS name is still wanted by somebody: never delete and create in one plan.
        if desired.target_groups.keys().any(|key| ObjectRef::target_group(key).to_string() == object) {
            drafts.block_on(
                &ObjectRef::fleet(&desired.fleet.name),
                format!("delete target group {}", live.name),
                format!(
                    "{object} still stands in the manifest under another AWS name; delete the old target group yourself"
                ),
            );
            continue;
        }
        prune_target_group(desired, observed, live, &object, deleted, drafts);
    }
}

fn prune_target_group(
    desired: &Desired,
    observed: &Observed,
    live: &TargetGroup,
    object: &str,
    deleted: &[DeletedRule],
    drafts: &mut Drafts,
) {
    let fleet = ObjectRef::fleet(&desired.fleet.name);
    let what = format!("delete target group {}", live.name);
    if let Some(user) = users(observed, live, deleted) {
        return drafts.block_on(&fleet, what, user);
    }
    match observed.targets_of(&live.arn) {
        Seen::Present(targets) if targets.is_empty() => {}
        Seen::Present(targets) => {
            return drafts.block_on(&fleet, what, format!("targets registered in it: {}", targets.len()));
        }
        Seen::Absent => return,
        Seen::Unknown(gap) => return drafts.block(&fleet, what, WaitingOn::Gap(gap)),
    }
    let mark = mark_of(live.tags.as_ref().present().unwrap_or(&Tags::new()));
    let mut draft = removal(
        desired,
        Action::DeleteTargetGroup { target_group: live.arn.clone(), mark },
        live.arn.to_string(),
        format!("delete target group {}", live.name),
        format!("this fleet made it for {object}, which the manifest no longer names; nothing uses it"),
    );
    draft.after = deleted.iter().filter(|rule| rule.forwards_to.contains(&live.arn)).map(|rule| rule.step).collect();
    drafts.push(draft);
}

/// Who still uses a target group, apart from the rules that go in the same plan.
fn users(observed: &Observed, live: &TargetGroup, deleted: &[DeletedRule]) -> Option<String> {
    let names_it = |service: &crate::model::Service| service.target_groups().any(|arn| *arn == live.arn);
    let services = observed.services.values().filter_map(|seen| seen.as_ref().present());
    if let Some(service) = services.clone().find(|service| names_it(service)) {
        return Some(format!("service {} still names it in its loadBalancers", service.id));
    }
    if live.load_balancers.is_empty() {
        return None;
    }
    let going = deleted.iter().filter(|rule| rule.forwards_to.contains(&live.arn)).count();
    let rules = observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let forwarding = rules
        .filter(
            |rule| matches!(&rule.actions.serve, Serve::Forward(forward) if forward.weights.contains_key(&live.arn)),
        )
        .count();
    if going > 0 && going == forwarding {
        return None;
    }
    let balancers: Vec<_> = live.load_balancers.iter().map(|arn| arn.name()).collect();
    Some(format!("a rule or listener of {} still forwards to it", balancers.join(", ")))
}

fn prune_ingress(desired: &Desired, observed: &Observed, wanted: &WantedIngress, drafts: &mut Drafts) {
    let fleet = ObjectRef::fleet(&desired.fleet.name);
    let marked = match &observed.marked_ingress {
        Seen::Present(marked) => marked,
        Seen::Absent => return,
        Seen::Unknown(gap) => {
            return drafts.block(
                &fleet,
                "revoke marked ingress that the manifest no longer names",
                WaitingOn::Gap(gap.clone()),
            );
        }
    };
    for rule in marked {
        let Some(object) = marked_for(Some(&rule.tags), &desired.fleet.name) else { continue };
        if is_wanted(rule, wanted) || wanted.keep.contains(&object) || ports_are_unmanaged(desired, &object) {
            continue;
        }
        let what = format!("revoke {} from {}", rule.id, rule.group);
        match in_use(desired, observed, rule) {
            Ok(None) => {
                drafts.push(removal(
                    desired,
                    Action::RevokeSecurityGroupIngress { group: rule.group.clone(), rule: rule.id.clone(), mark: mark_of(&rule.tags) },
                    rule.group.to_string(),
                    format!("revoke {} {} from {}", rule.protocol, describe_ports(rule.ports), rule.source),
                    format!("this fleet made it for {object}, and the manifest no longer needs it; no live task or target uses the port"),
                ));
            }
            Ok(Some(user)) => drafts.block_on(&fleet, what, user),
            Err(gap) => drafts.block(&fleet, what, WaitingOn::Gap(gap)),
        }
    }
}

fn describe_ports(ports: Option<PortRange>) -> String {
    ports.map_or_else(|| "all ports".to_owned(), |ports| ports.to_string())
}

fn is_wanted(rule: &IngressRule, wanted: &WantedIngress) -> bool {
    wanted.flows.iter().any(|(group, flow)| {
        *group == rule.group
            && rule.protocol == flow.transport.into()
            && rule.ports.is_none_or(|ports| ports.covers(flow.ports))
            && match (&rule.source, &flow.source) {
                (RuleSource::Cidr(live), RuleSource::Cidr(wanted)) => live.contains(wanted),
                (live, wanted) => live == wanted,
            }
    })
}

/// A service whose `ports` are absent has unmanaged ports: its ingress stays.
fn ports_are_unmanaged(desired: &Desired, object: &str) -> bool {
    desired
        .services
        .values()
        .any(|service| ObjectRef::service(&service.key).to_string() == object && service.ports.is_none())
}

/// A live task or target that uses the port of a rule, if any.
fn in_use(desired: &Desired, observed: &Observed, rule: &IngressRule) -> Result<Option<String>, crate::model::Gap> {
    let covers = |port: u16| rule.ports.is_none_or(|ports| ports.covers(PortRange::one(port)));
    for service in desired.services.values() {
        let tasks = match observed.tasks_of(&service.id) {
            Seen::Present(tasks) => tasks,
            Seen::Absent => continue,
            Seen::Unknown(gap) => return Err(gap),
        };
        if !tasks.iter().any(|task| has_group(observed, task, &service.id, &rule.group)) {
            continue;
        }
        for port in service.ports.iter().flatten() {
            let endpoints = tasks.iter().filter_map(|task| task.endpoint(&port.container, port.container_port));
            if let Some(key) = endpoints.map(|key| key.port).find(|port| covers(*port)) {
                return Ok(Some(format!("a task of service {} listens on port {key}", service.id)));
            }
        }
    }
    for (arn, seen) in &observed.targets {
        let targets = match seen {
            Seen::Present(targets) => targets,
            Seen::Absent => continue,
            Seen::Unknown(gap) => return Err(gap.clone()),
        };
        if let Some(target) = targets.iter().find(|target| covers(target.key.port)) {
            return Ok(Some(format!("target {} of {} uses the port", target.key, arn.name())));
        }
    }
    Ok(None)
}

fn has_group(observed: &Observed, task: &Task, service: &crate::model::ServiceId, group: &GroupId) -> bool {
    match &task.placement {
        Placement::Instance { instance, .. } => {
            observed.host(instance).present().is_none_or(|host| host.security_groups.contains(group))
        }
        Placement::Address(_) | Placement::Unknown => {
            let network = observed.service(service).present().and_then(|live| live.network.as_ref());
            network.is_none_or(|network| network.security_groups.contains(group))
        }
    }
}
