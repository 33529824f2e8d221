//! Marked ingress that the manifest no longer needs: revoked only when everything that carries the group is known, and
//! nothing of it uses the port.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::{
    DesiredService, Gap, Given, HealthPort, IngressRule, InstanceId, LoadBalancerKind, ObjectRef, Observed, Passage,
    Placement, PortRange, PrefixLists, RuleSource, Seen, Target, TargetGroupArn, Task, passage,
};

use super::super::action::Action;
use super::super::change::WaitingOn;
use super::super::draft::Drafts;
use super::super::resolve;
use super::super::security_group::{WantedFlow, WantedIngress};
use super::{Words, is_protected, mark_of, marked_for, protected, removal};

pub(super) fn prune_ingress(given: &Given<'_>, wanted: &WantedIngress, drafts: &mut Drafts) {
    let fleet = ObjectRef::fleet(&given.desired.fleet.name);
    let marked = match &given.observed.marked_ingress {
        Seen::Present(marked) => marked,
        Seen::Absent => return,
        Seen::Unknown(gap) => {
            let what = "revoke marked ingress that the manifest no longer needs";
            return drafts.block(&fleet, what, WaitingOn::Gap(gap.clone()));
        }
    };
    let mut revoked: Vec<&IngressRule> = Vec::new();
    for rule in marked {
        let Some(object) = marked_for(Some(&rule.tags), &given.desired.fleet.name) else { continue };
        if wanted.keep.contains(&object) || is_unmanaged(given, &object, rule) {
            continue;
        }
        if wanted.flows.iter().any(|flow| is_exactly(rule, flow)) {
            continue;
        }
        if is_protected(&rule.tags) {
            drafts.block_on(&fleet, format!("revoke ingress rule {} of {}", rule.id, rule.group), protected());
            continue;
        }
        let rests = wanted.flows.iter().map(|flow| rests_on(given.observed, flow, rule, &revoked));
        let rests: Vec<Rests> = rests.collect();
        if rests.contains(&Rests::Yes) {
            continue;
        }
        let unread = rests.into_iter().find_map(|rests| match rests {
            Rests::Unknown(gap) => Some(WaitingOn::Gap(gap)),
            Rests::Yes | Rests::No => None,
        });
        match unread.map_or_else(|| in_use(given, rule), Err) {
            Ok(()) => {
                revoke(given, rule, &object, drafts);
                revoked.push(rule);
            }
            Err(waiting_on) => drafts.block(&fleet, format!("revoke {} from {}", rule.id, rule.group), waiting_on),
        }
    }
}

fn revoke(given: &Given<'_>, rule: &IngressRule, object: &str, drafts: &mut Drafts) {
    let desired = given.desired;
    let carriers = given.observed.addresses_with(&rule.group).present().cloned().unwrap_or_default();
    let ports = rule.ports.map_or_else(|| "all ports".to_owned(), |ports| ports.to_string());
    drafts.push(removal(
        desired,
        Action::RevokeSecurityGroupIngress {
            group: rule.group.clone(),
            rule: rule.id.clone(),
            mark: mark_of(&rule.tags),
            carriers,
        },
        resolve::declared_object(desired, object).into_iter().collect(),
        Words {
            target: rule.group.to_string(),
            summary: format!("revoke {} {ports} from {}", rule.protocol, rule.source),
            reason: format!(
                "this fleet made it for {object}, and the manifest no longer needs it; nothing with the security group uses the port"
            ),
        },
    ));
}

/// What the manifest leaves out it does not manage: ports, their target groups, or, for a rule that does not come from a
/// load balancer, their `allowFrom`.
fn is_unmanaged(given: &Given<'_>, object: &str, rule: &IngressRule) -> bool {
    let Some(service) =
        given.desired.services.values().find(|service| ObjectRef::service(&service.key).to_string() == object)
    else {
        return false;
    };
    let Some(ports) = &service.ports else { return true };
    if ports.iter().any(|port| port.target_groups.is_none()) {
        return true;
    }
    let from_balancer = match &rule.source {
        RuleSource::Group(id) => {
            let balancers = given.observed.load_balancers.as_ref().present().into_iter().flatten();
            balancers
                .filter(|balancer| balancer.kind != LoadBalancerKind::Gateway)
                .any(|balancer| balancer.security_groups.contains(id))
        }
        RuleSource::Cidr(_) | RuleSource::PrefixList(_) | RuleSource::Unknown => false,
    };
    let leads_nowhere =
        |key: &String| given.desired.target_groups.get(key).is_some_and(|group| group.load_balancer.is_none());
    let mut named = ports.iter().flat_map(|port| port.target_groups.iter().flatten());
    if from_balancer && named.any(leads_nowhere) {
        return true;
    }
    !from_balancer && ports.iter().any(|port| port.allow_from.is_none())
}

/// Whether a rule is just what a flow asks for.
fn is_exactly(rule: &IngressRule, wanted: &WantedFlow) -> bool {
    let IngressRule { id: _, group, protocol, ports, source, description: _, tags: _ } = rule;
    let flow = &wanted.flow;
    wanted.ingress_group == *group
        && *protocol == flow.transport.into()
        && *ports == Some(flow.ports)
        && *source == flow.source
}

/// Whether a wanted flow needs a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rests {
    No,
    Yes,
    /// It may, by what could not be read.
    Unknown(Gap),
}

/// Whether a flow is allowed now, and would not be without a rule and those that already go. What remains has to allow it by
/// itself: a prefix list, whose entries its owner may change at any time, does not stand in for the rule.
fn rests_on(observed: &Observed, wanted: &WantedFlow, rule: &IngressRule, revoked: &[&IngressRule]) -> Rests {
    let all: Vec<&IngressRule> =
        wanted.groups.iter().filter_map(|group| observed.ingress_of(group).present()).flatten().collect();
    let goes = |other: &IngressRule| other.id == rule.id || revoked.iter().any(|gone| gone.id == other.id);
    let flow = &wanted.flow;
    let Some(peer) = flow.peer().filter(|_| rule.opens_some(flow.transport, flow.ports)) else { return Rests::No };
    let left = all.iter().copied().filter(|other| !goes(other));
    if matches!(passage(left, flow.transport, flow.ports, &peer, &PrefixLists::new()), Passage::Open(_)) {
        return Rests::No;
    }
    match passage(all, flow.transport, flow.ports, &peer, &observed.prefix_lists) {
        Passage::Open(_) => Rests::Yes,
        Passage::Closed => Rests::No,
        Passage::Unknown(gap) => Rests::Unknown(gap),
    }
}

/// Whether something that carries the group uses a port of the rule, or might.
fn in_use(given: &Given<'_>, rule: &IngressRule) -> Result<(), WaitingOn> {
    let carriers = match given.observed.addresses_with(&rule.group) {
        Seen::Present(carriers) => carriers,
        Seen::Absent => return Ok(()),
        Seen::Unknown(gap) => return Err(WaitingOn::Gap(gap)),
    };
    let mut explained: BTreeSet<IpAddr> = BTreeSet::new();
    for service in given.desired.services.values() {
        for task in given.observed.tasks_of(&service.id).present().into_iter().flatten() {
            explained.extend(explain(given.observed, service, task, carriers, rule)?);
        }
    }
    if let Some(unexplained) = carriers.difference(&explained).next() {
        return Err(WaitingOn::difference(format!(
            "network interface {unexplained} has {}, and what listens there is unknown",
            rule.group
        )));
    }
    match given.observed.targets.iter().find_map(|(arn, seen)| used_by_group(given, arn, seen, carriers, rule)) {
        Some(why) => Err(why),
        None => checked_by_unread_group(given, carriers, rule),
    }
}

/// Whether a target group sends traffic or health checks to a carrier on a port of the rule.
fn used_by_group(
    given: &Given<'_>,
    arn: &TargetGroupArn,
    seen: &Seen<Vec<Target>>,
    carriers: &BTreeSet<IpAddr>,
    rule: &IngressRule,
) -> Option<WaitingOn> {
    let Seen::Present(targets) = seen else { return None };
    let checked = match given.target_group(arn.as_str()).present().and_then(|group| group.health_check.port) {
        Some(HealthPort::Fixed(port)) => covers(rule, port),
        Some(HealthPort::Traffic) | None => false,
    };
    let here = |target: &&Target| match target.key.id.parse::<IpAddr>() {
        Ok(address) => carriers.contains(&address),
        // An instance that is not known may be any of them.
        Err(_) => {
            let host = given.observed.host(&InstanceId::from(target.key.id.as_str())).present();
            host.is_none_or(|host| host.addresses.iter().any(|address| carriers.contains(address)))
        }
    };
    let mut using = targets.iter().filter(here).filter(|target| checked || covers(rule, target.key.port));
    let target = using.next()?;
    Some(WaitingOn::difference(format!("target {} of {} uses the port", target.key, arn.name())))
}

/// Whether a target group that a declared service names, and whose targets were not asked for, checks a port of the rule.
fn checked_by_unread_group(
    given: &Given<'_>,
    carriers: &BTreeSet<IpAddr>,
    rule: &IngressRule,
) -> Result<(), WaitingOn> {
    let services = given.observed.services.values().filter_map(|seen| seen.as_ref().present());
    let unread =
        services.flat_map(|service| service.target_groups()).filter(|arn| !given.observed.targets.contains_key(*arn));
    for arn in unread.filter(|_| !carriers.is_empty()) {
        match given.target_group(arn.as_str()) {
            Seen::Present(group) => {
                if matches!(group.health_check.port, Some(HealthPort::Fixed(port)) if covers(rule, port)) {
                    let sentence = format!("target group {} is checked at the port", group.name);
                    return Err(WaitingOn::difference(sentence));
                }
            }
            Seen::Absent => {}
            Seen::Unknown(gap) => return Err(WaitingOn::Gap(gap)),
        }
    }
    Ok(())
}

fn covers(rule: &IngressRule, port: u16) -> bool {
    rule.ports.is_none_or(|ports| ports.covers(PortRange::one(port)))
}

fn listens(service: &DesiredService, port: u16) -> WaitingOn {
    WaitingOn::difference(format!("a task of service {} listens on port {port}", service.id))
}

/// The addresses among the carriers that a task explains; an error when the task uses a port of the rule. A task uses
/// every port that its task definition maps.
fn explain(
    observed: &Observed,
    service: &DesiredService,
    task: &Task,
    carriers: &BTreeSet<IpAddr>,
    rule: &IngressRule,
) -> Result<Vec<IpAddr>, WaitingOn> {
    let (addresses, ports) = match &task.placement {
        Placement::Unknown => return Ok(Vec::new()),
        Placement::Address(address) => {
            let definition = match observed.task_definition(&task.task_definition) {
                Seen::Present(definition) => definition,
                Seen::Absent => return Ok(Vec::new()),
                Seen::Unknown(gap) => return Err(WaitingOn::Gap(gap)),
            };
            let containers = definition.containers.values();
            if containers.clone().any(|container| !container.port_ranges.is_empty()) {
                return Ok(Vec::new());
            }
            let ports = containers.flat_map(|container| container.ports.iter().map(|mapping| mapping.container_port));
            (vec![*address], ports.collect::<BTreeSet<u16>>())
        }
        // What else runs on an instance is not known: a task there proves use, never the absence of it.
        Placement::Instance { instance, bindings } => {
            let host = observed.host(instance).present();
            let is_here = host.is_none_or(|host| host.addresses.iter().any(|address| carriers.contains(address)));
            let mut used = bindings.iter().map(|binding| binding.host_port).filter(|port| covers(rule, *port));
            return match used.next().filter(|_| is_here) {
                Some(port) => Err(listens(service, port)),
                None => Ok(Vec::new()),
            };
        }
    };
    let here: Vec<IpAddr> = addresses.into_iter().filter(|address| carriers.contains(address)).collect();
    match ports.into_iter().find(|port| !here.is_empty() && covers(rule, *port)) {
        Some(port) => Err(listens(service, port)),
        None => Ok(here),
    }
}
