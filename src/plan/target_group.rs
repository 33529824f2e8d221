//! Target groups: create what is missing, put health checks and attributes right, and say plainly what can never be
//! changed in place (R8).

use std::collections::BTreeSet;

use crate::model::{
    DesiredPort, DesiredService, DesiredTargetGroup, Given, HealthCheck, LoadBalancerArn, ObjectRef, Observed, Owner,
    Protocol, Seen, TargetGroup, TargetType, is_arn,
};

use super::action::{Action, NewTargetGroup, Ref};
use super::change::{Blocked, Change, WaitingOn};
use super::draft::{Draft, Drafts, Obstacle, need};
use super::field::Field;
use super::form::{self, Edits};
use super::parked::dns_failover;
use super::reason::Reason;
use super::security_group::ServiceIngress;
use super::{handover, health_check, health_port, orphan, resolve};

/// AWS's default quota, used only where the account's own could not be told (R9).
const TARGET_GROUPS_QUOTA: &str = "target-groups";

pub(super) fn plan_target_group(given: &Given<'_>, wanted: &DesiredTargetGroup, drafts: &mut Drafts) {
    let object = ObjectRef::target_group(&wanted.key);
    match resolve::target_group(given, wanted) {
        Seen::Unknown(gap) => drafts.block(&object, format!("target group {}", wanted.name), WaitingOn::Gap(gap)),
        Seen::Absent => {
            if let Err(obstacle) = create(given, wanted, drafts) {
                obstacle.block(drafts, &object);
            }
        }
        Seen::Present(live) => correct(given, wanted, live, drafts),
    }
}

fn create(given: &Given<'_>, wanted: &DesiredTargetGroup, drafts: &mut Drafts) -> Result<(), Obstacle> {
    let object = ObjectRef::target_group(&wanted.key);
    if let Some(obstacle) = handover::refused(given, &wanted.key) {
        return Err(obstacle);
    }
    let what = format!("create target group {}", wanted.name);
    let blocked = |reason: Reason| Obstacle::difference(what.clone(), reason);
    if is_arn(&wanted.name) {
        return Err(blocked(Reason::new("no target group has that ARN", "to have one created, write a name instead")));
    }
    let refusals = [orphan::without_service(given, wanted), orphan::without_priority(wanted)];
    if let Some(sentence) = refusals.into_iter().flatten().next().or_else(|| health_port::unanswered(given, wanted)) {
        return Err(blocked(sentence));
    }
    let vpc = resolve::vpc_of_target_group(given, wanted)?;
    let protocol = wanted.protocol.clone().ok_or_else(|| blocked("declare its protocol".into()))?;
    let mut ports = given.ports_of(&wanted.key);
    let first = ports.next();
    let port = new_port(wanted, first);
    let target_type = resolve::new_target_type(given.observed, wanted, first.map(|(service, _)| service))?;
    let port =
        port.ok_or_else(|| blocked("declare its port: no service names it whose container port could be used".into()))?;
    within_quota(given.observed, &what, drafts)?;
    let tags =
        given.desired.fleet.tags_for(&object).into_iter().chain(handover::record_of_new(given, &wanted.key)).collect();
    let new = NewTargetGroup {
        name: wanted.name.clone(),
        vpc: vpc.id.clone(),
        protocol,
        protocol_version: wanted.protocol_version.clone(),
        port,
        target_type,
        health_check: wanted.health_check.clone(),
        tags,
    };
    drafts.push(Draft {
        object: object.clone(),
        also: BTreeSet::new(),
        target: wanted.name.clone(),
        summary: format!(
            "create target group {} ({} {port}, targets by {})",
            new.name,
            new.protocol,
            new.target_type.as_str()
        ),
        reason: "no target group in this region has that name".to_owned(),
        changes: creation_changes(&new),
        action: Action::CreateTargetGroup(new),
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    });
    let attributes: Vec<_> = wanted.attributes.iter().collect();
    if !attributes.is_empty() {
        let changes = attributes
            .iter()
            .map(|(key, value)| Change::of(Field::Attribute((*key).clone()), None, Some((*value).clone())));
        push_attributes(
            drafts,
            wanted,
            Ref::Output(object),
            changes.collect(),
            "they were declared for the new target group",
        );
    }
    Ok(())
}

fn new_port(wanted: &DesiredTargetGroup, first: Option<(&DesiredService, &DesiredPort)>) -> Option<u16> {
    wanted.port.or(first.map(|(_, port)| port.container_port)).or(wanted
        .targets
        .iter()
        .flatten()
        .map(|target| target.key.port)
        .next())
}

/// R9: the region's quota, as the account has it. One that could not be read holds nothing back: AWS says no itself.
fn within_quota(observed: &Observed, what: &str, drafts: &Drafts) -> Result<(), Obstacle> {
    let (Seen::Present(limits), Seen::Present(all)) = (&observed.limits, &observed.target_groups) else {
        return Ok(());
    };
    let Some(limit) = limits.0.get(TARGET_GROUPS_QUOTA) else { return Ok(()) };
    let creations = drafts.steps.iter().filter(|draft| matches!(draft.action, Action::CreateTargetGroup(_))).count();
    if all.len() + creations < *limit as usize {
        return Ok(());
    }
    Err(Obstacle::difference(
        what,
        Reason::new(format!("the region's quota of {limit} target groups is reached"), "request an increase"),
    ))
}

fn creation_changes(new: &NewTargetGroup) -> Vec<Change> {
    // Its name and its VPC are in the step, its tags say whose it is.
    let NewTargetGroup { name: _, vpc: _, protocol, protocol_version, port, target_type, health_check, tags: _ } = new;
    let mut changes = vec![
        Change::of(Field::Protocol, None, Some(protocol.to_string())),
        Change::of(Field::Port, None, Some(port.to_string())),
        Change::of(Field::TargetType, None, Some(target_type.as_str().to_owned())),
    ];
    if let Some(version) = protocol_version {
        changes.push(Change::of(Field::ProtocolVersion, None, Some(version.as_str().to_owned())));
    }
    changes.extend(health_check::differing(health_check, &HealthCheck::default()).1);
    changes
}

fn correct(given: &Given<'_>, wanted: &DesiredTargetGroup, live: &TargetGroup, drafts: &mut Drafts) {
    // Each declared field is compared: here, in what is called here, or, as routes and targets are, in files of their own.
    let DesiredTargetGroup {
        key,
        name: _,
        mode: _,
        load_balancer: _,
        vpc: _,
        protocol: _,
        protocol_version: _,
        port: _,
        target_type: _,
        health_check: declared,
        attributes: _,
        routes: _,
        targets: _,
    } = wanted;
    let object = ObjectRef::target_group(key);
    let differing = report_immutable(given, wanted, live, drafts);
    report_other_load_balancer(given, wanted, live, drafts);
    let (health_check, changes) = health_check::differing(declared, &live.health_check);
    let changes = answered(given, wanted, live, changes, drafts);
    let attributes = match diff_attributes(given, wanted, live) {
        Ok(changes) => changes,
        Err(obstacle) => {
            obstacle.block(drafts, &object);
            Vec::new()
        }
    };
    if changes.is_empty() && attributes.is_empty() {
        return;
    }
    if let Err(obstacle) = may_touch(&given.desired.fleet.name, live) {
        return obstacle.block(drafts, &object);
    }
    let edits = Edits { health_check: changes, attributes };
    let kept = form::withhold(&object, live, declared, &differing, edits, drafts);
    let Edits { health_check: changes, attributes } = kept;
    if !changes.is_empty() {
        drafts.push(Draft {
            action: Action::ModifyTargetGroup { target_group: live.arn.clone(), health_check },
            object: object.clone(),
            also: BTreeSet::new(),
            target: live.arn.to_string(),
            summary: format!("correct the health check of {}", live.name),
            reason: "these fields of the health check differ from the manifest".to_owned(),
            changes,
            after: BTreeSet::new(),
            redeploys: false,
            removes: false,
            held: None,
            receivers: Default::default(),
        });
    }
    if !attributes.is_empty() {
        let reason = "these attributes differ from the manifest";
        push_attributes(drafts, wanted, Ref::Known(live.arn.clone()), attributes, reason);
    }
}

/// The changes of a health check that the tasks can answer; else none, and why. One that is live already only gets a
/// remark: something that is not declared may answer it.
fn answered(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
    changes: Vec<Change>,
    drafts: &mut Drafts,
) -> Vec<Change> {
    let Some(sentence) = health_port::unanswered(given, wanted) else { return changes };
    let object = ObjectRef::target_group(&wanted.key);
    if live.health_check.port == wanted.health_check.port {
        drafts.find(&object, format!("health checks of {}: {sentence}", live.name));
        return changes;
    }
    let what = format!("correct the health check of {}", live.name);
    let waiting_on = WaitingOn::difference(sentence);
    drafts.blocked.push(Blocked { object, what, waiting_on, action: None, changes });
    Vec::new()
}

/// What another fleet has marked is never touched; whose it is must be known.
pub(super) fn may_touch(fleet: &str, live: &TargetGroup) -> Result<(), Obstacle> {
    let what = || format!("target group {}", live.name);
    let tags = need(live.tags.as_ref(), what, || "it has gone".to_owned())?;
    match Owner::of(tags, fleet) {
        Owner::Unmarked | Owner::Ours(_) => Ok(()),
        Owner::AnotherFleet(other) => Err(Obstacle::difference(
            what(),
            Reason::new(format!("fleet {other} made it (tag portolan.dev/fleet)"), "change it there"),
        )),
    }
}

fn push_attributes(
    drafts: &mut Drafts,
    wanted: &DesiredTargetGroup,
    target_group: Ref<crate::model::TargetGroupArn>,
    changes: Vec<Change>,
    reason: &str,
) {
    let named =
        |key: &String| changes.iter().any(|change| matches!(&change.field, Field::Attribute(own) if own == key));
    let attributes =
        wanted.attributes.iter().filter(|(key, _)| named(key)).map(|(key, value)| (key.clone(), value.clone()));
    let attributes = attributes.collect();
    let target = match &target_group {
        Ref::Known(arn) => arn.to_string(),
        Ref::Output(_) => wanted.name.clone(),
    };
    drafts.push(Draft {
        action: Action::ModifyTargetGroupAttributes { target_group, attributes },
        object: ObjectRef::target_group(&wanted.key),
        also: BTreeSet::new(),
        target,
        summary: format!("set attributes of {}", wanted.name),
        reason: reason.to_owned(),
        changes,
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    });
}

fn diff_attributes(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
) -> Result<Vec<Change>, Obstacle> {
    if wanted.attributes.is_empty() {
        return Ok(Vec::new());
    }
    let what = || format!("attributes of {}", live.arn);
    let attributes = need(given.observed.attributes_of(&live.arn), what, || "it has gone".to_owned())?;
    let is_free = |key: &str| key == dns_failover::COUNT && dns_failover::is_young(given, &wanted.key, live);
    let own = wanted.attributes.iter().filter(|(key, _)| !is_free(key));
    let differing = own.filter(|(key, value)| attributes.get(*key) != Some(value));
    Ok(differing
        .map(|(key, value)| {
            Change::of(Field::Attribute(key.clone()), attributes.get(key).cloned(), Some(value.clone()))
        })
        .collect())
}

/// Fields that no call can change; the recipe is in words. Gives the fields that differ: what belongs to them waits.
fn report_immutable(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
    drafts: &mut Drafts,
) -> Vec<&'static str> {
    let object = ObjectRef::target_group(&wanted.key);
    let (mut fields, mut differs) = (Vec::new(), Vec::new());
    let mut compare = |field: &'static str, declared: Option<&str>, live: Option<&str>| {
        if let Some(declared) = declared.filter(|declared| live != Some(declared)) {
            fields.push(field);
            differs.push(format!("{field} is {}, declared {declared}", live.unwrap_or("not set")));
        }
    };
    compare("protocol", wanted.protocol.as_ref().map(Protocol::as_str), Some(live.protocol.as_str()));
    let version = live.protocol_version.as_ref().map(crate::model::ProtocolVersion::as_str);
    compare("protocolVersion", wanted.protocol_version.as_ref().map(crate::model::ProtocolVersion::as_str), version);
    compare("targetType", wanted.target_type.as_ref().map(TargetType::as_str), Some(live.target_type.as_str()));
    if wanted.vpc.is_some() || given.desired.fleet.vpc.is_some() {
        match resolve::vpc_of_target_group(given, wanted) {
            Ok(vpc) => compare("vpc", Some(vpc.id.as_str()), live.vpc.as_ref().map(crate::model::VpcId::as_str)),
            Err(obstacle) => obstacle.block(drafts, &object),
        }
    }
    if !differs.is_empty() {
        drafts.block_on(&object, format!("{}: {}", live.name, differs.join("; ")), replacement(given, wanted, live));
    }
    fields.extend(report_port(given, wanted, live, drafts));
    fields
}

/// What to write to have a target group replaced, and what prevents that.
fn replacement(given: &Given<'_>, wanted: &DesiredTargetGroup, live: &TargetGroup) -> Reason {
    const IN_PLACE: &str = "AWS cannot change this in place";
    if given.ports_of(&wanted.key).next().is_none() {
        let recipe = "declare a second TargetGroup under a new key and name with its own route, wait until its targets are \
                      healthy, then drop the old one";
        return Reason::new(IN_PLACE, recipe);
    }
    let recipe = "give this TargetGroup a new key and name, keep its routes, name the new key in the port's targetGroups, \
                  and write redeploy: allow in the Fleet. Portolan then makes the new target group, fills it, moves the \
                  requests to it and takes the old one out of the service";
    match handover::of_replacement(given, live, wanted).map_err(|obstacle| obstacle.waiting_on) {
        Err(WaitingOn::Difference(refused)) => {
            Reason::new(IN_PLACE, format!("{recipe}. As it is declared now that is refused: {refused}"))
        }
        Ok(()) | Err(_) => Reason::new(IN_PLACE, recipe),
    }
}

/// Gives the field where it differs and matters.
fn report_port(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
    drafts: &mut Drafts,
) -> Option<&'static str> {
    let object = ObjectRef::target_group(&wanted.key);
    let (declared, port) = (wanted.port?, live.port?);
    if declared == port {
        return None;
    }
    if given.ports_of(&wanted.key).next().is_some() {
        drafts.find(&object, format!(
            "port is {port}, declared {declared}: without effect, since every task is registered with its own port, and AWS cannot change it"
        ));
        None
    } else {
        drafts.block_on(
            &object,
            format!("{}: port is {port}, declared {declared}", live.name),
            "AWS cannot change the port in place, and targets that name their own port are not affected",
        );
        Some("port")
    }
}

/// A target group serves one load balancer.
fn report_other_load_balancer(given: &Given<'_>, wanted: &DesiredTargetGroup, live: &TargetGroup, drafts: &mut Drafts) {
    let object = ObjectRef::target_group(&wanted.key);
    if let Some(others) = other_load_balancers(given, wanted, live) {
        let others: Vec<_> = others.iter().map(|arn| arn.name()).collect();
        drafts.block_on(
            &object,
            format!("{} is attached to {}", live.name, others.join(", ")),
            "a target group serves one load balancer: remove its rules there, or declare another target group for this one",
        );
    }
}

/// The load balancers that a target group is attached to, if the declared one is not among them.
pub(super) fn other_load_balancers<'a>(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &'a TargetGroup,
) -> Option<&'a BTreeSet<LoadBalancerArn>> {
    let name = wanted.load_balancer.as_ref()?;
    let balancer = resolve::load_balancer(given, name).ok()?;
    (!live.load_balancers.is_empty() && !live.load_balancers.contains(&balancer.arn)).then_some(&live.load_balancers)
}

/// Health checks move to another port only when the service's groups allow them there.
pub(super) fn check_only_open_ports(service: &DesiredService, ingress: &ServiceIngress, drafts: &mut Drafts) {
    let keys: BTreeSet<&String> =
        service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten()).collect();
    let moves = |draft: &Draft| {
        let moves_checks =
            matches!(&draft.action, Action::ModifyTargetGroup { health_check, .. } if health_check.port.is_some());
        moves_checks && keys.contains(&draft.object.key)
    };
    let opening = drafts.opening(&ingress.groups);
    for id in 0..drafts.steps.len() {
        if !moves(&drafts.steps[id]) {
            continue;
        }
        drafts.steps[id].after.extend(&opening);
        if ingress.is_blocked {
            let sentence = format!("the ingress of service {} cannot be opened yet: checks would fail", service.id);
            drafts.steps[id].held = Some(WaitingOn::difference(sentence));
        }
    }
}
