//! Registrations that have to be added: static targets, and the tasks of services for which Portolan is the registrar
//! (`registrar: portolan`). What goes is up to [`super::target`], whichever tool registered it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{
    DesiredPort, DesiredService, DesiredTargetGroup, Gap, Given, LoadBalancerArn, LoadBalancerKind, Lookup, Mode,
    ObjectRef, Observed, Placement, Seen, StaticTarget, Target, TargetGroup, TargetGroupArn, TargetKey, TargetState,
    TargetType, Task, VpcId,
};

use super::action::{Action, Ref};
use super::change::{Change, WaitingOn};
use super::draft::{Draft, Drafts, Obstacle, need};
use super::field::Field;
use super::reason::Reason;
use super::service::live_service;
use super::{resolve, target_group};

/// AWS's own names of the quotas.
const APPLICATION_QUOTA: &str = "targets-per-application-load-balancer";
const NETWORK_QUOTA: &str = "targets-per-network-load-balancer";

/// A target group to register in, standing or about to be made.
struct Group<'a> {
    wanted: &'a DesiredTargetGroup,
    target: Ref<TargetGroupArn>,
    target_type: TargetType,
    vpc: Option<VpcId>,
}

/// A registration that should stand.
struct Addition<'a> {
    target: StaticTarget,
    /// The service whose task it is; `None`: it is declared as a static target.
    service: Option<&'a DesiredService>,
}

/// Registers in a target group that the same plan creates.
pub(super) fn register_in_new(given: &Given<'_>, wanted: &DesiredTargetGroup, drafts: &mut Drafts) {
    let object = ObjectRef::target_group(&wanted.key);
    let new = drafts
        .steps
        .iter()
        .filter(|draft| draft.object == object)
        .find_map(|draft| if let Action::CreateTargetGroup(new) = &draft.action { Some(new) } else { None });
    let Some(new) = new else { return };
    let (target_type, vpc) = (new.target_type.clone(), Some(new.vpc.clone()));
    let group = Group { wanted, target: Ref::Output(object), target_type, vpc };
    let mut additions = additions(given, &group, drafts);
    hold_outside(given.observed, &group, &mut additions, drafts);
    push_registrations(&group, additions, drafts);
}

/// Registers what is missing in an existing target group.
pub(super) fn register_missing(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
    let target = Ref::Known(live.arn.clone());
    let group = Group { wanted, target, target_type: live.target_type.clone(), vpc: live.vpc.clone() };
    let mut additions = additions(given, &group, drafts);
    if additions.is_empty() {
        return Ok(());
    }
    let kind = if additions.values().any(|addition| addition.service.is_some()) { "targets" } else { "static targets" };
    let what = || format!("{kind} of {}", live.arn);
    let standing = need(given.observed.targets_of(&live.arn), what, || "it has gone".to_owned())?;
    for Target { key, health, .. } in standing {
        if additions.remove(key).is_some() && health.state == TargetState::Draining {
            drafts.block_on(
                &ObjectRef::target_group(&wanted.key),
                format!("register {key}"),
                Reason::new("it is still draining", "wait: it can be registered once the deregistration delay is over"),
            );
        }
    }
    if additions.is_empty() {
        return Ok(());
    }
    hold_outside(given.observed, &group, &mut additions, drafts);
    target_group::may_touch(&given.desired.fleet.name, live)?;
    keep_within_quota(given, &group, live, &mut additions, drafts);
    push_registrations(&group, additions, drafts);
    Ok(())
}

/// R9: as many as the load balancer may have, for AWS takes all targets of a call or none. A quota or a target that could
/// not be read holds nothing back: AWS says no itself.
fn keep_within_quota(
    given: &Given<'_>,
    group: &Group<'_>,
    live: &TargetGroup,
    additions: &mut BTreeMap<TargetKey, Addition<'_>>,
    drafts: &mut Drafts,
) {
    let Seen::Present(limits) = &given.observed.limits else { return };
    for arn in &live.load_balancers {
        let Seen::Present(Lookup::One(balancer)) = given.load_balancer(arn.as_str()) else { continue };
        let quota = match balancer.kind {
            LoadBalancerKind::Application => APPLICATION_QUOTA,
            LoadBalancerKind::Network => NETWORK_QUOTA,
            LoadBalancerKind::Gateway => continue,
        };
        let Some(limit) = limits.0.get(quota) else { continue };
        let room = (*limit as usize).saturating_sub(targets_of_balancer(given.observed, arn, drafts));
        let Some(first) = additions.keys().nth(room).cloned() else { continue };
        let over: Vec<_> = additions.split_off(&first).keys().map(ToString::to_string).collect();
        drafts.block_on(
            &ObjectRef::target_group(&group.wanted.key),
            format!("register {} in {}", over.join(", "), live.name),
            Reason::new(
                format!("the quota of {limit} targets of load balancer {} is reached", balancer.name),
                "request an increase",
            ),
        );
    }
}

/// The targets that a load balancer has, as far as they were read, and those that this plan adds.
fn targets_of_balancer(observed: &Observed, balancer: &LoadBalancerArn, drafts: &Drafts) -> usize {
    let all = observed.target_groups.as_ref().present().into_iter().flatten();
    let groups: BTreeSet<_> =
        all.filter(|group| group.load_balancers.contains(balancer)).map(|group| &group.arn).collect();
    let standing: usize = groups.iter().filter_map(|arn| observed.targets_of(arn).present()).map(Vec::len).sum();
    let added = drafts.steps.iter().filter_map(|draft| {
        let Action::RegisterTargets { target_group: Ref::Known(arn), targets } = &draft.action else { return None };
        groups.contains(arn).then_some(targets.len())
    });
    standing + added.sum::<usize>()
}

/// Everything that should be registered in a group by Portolan, by what identifies it.
fn additions<'a>(given: &Given<'a>, group: &Group<'a>, drafts: &mut Drafts) -> BTreeMap<TargetKey, Addition<'a>> {
    let mut additions = BTreeMap::new();
    for (service, port) in given.ports_registered_by_portolan(&group.wanted.key) {
        match tasks_to_register(given.observed, group, service, port, drafts) {
            Ok(targets) => additions.extend(
                targets.into_iter().map(|target| (target.key.clone(), Addition { target, service: Some(service) })),
            ),
            Err(obstacle) => obstacle.block(drafts, &ObjectRef::target_group(&group.wanted.key)),
        }
    }
    // What the manifest writes down itself, its zone included, is what counts.
    let declared = group.wanted.targets.iter().flatten();
    additions.extend(declared.map(|target| (target.key.clone(), Addition { target: target.clone(), service: None })));
    additions
}

/// The places of a service's running tasks in a group. The tasks that count are those that the service started: no name
/// in a manifest stands for what RunTask starts.
fn tasks_to_register(
    observed: &Observed,
    group: &Group<'_>,
    service: &DesiredService,
    port: &DesiredPort,
    drafts: &mut Drafts,
) -> Result<Vec<StaticTarget>, Obstacle> {
    let what = || format!("register the tasks of service {} in {}", service.id, group.wanted.name);
    let live = match live_service(observed, service) {
        Ok(live) => live,
        Err(Obstacle { waiting_on: WaitingOn::Gap(gap), .. }) => return Err(Obstacle::gap(what(), gap)),
        // It is not there, or is going: that is said where the service itself is planned.
        Err(_) => return Ok(Vec::new()),
    };
    if let Ref::Known(arn) = &group.target
        && live.entries_behind(arn).next().is_some()
    {
        return Err(Obstacle::difference(
            what(),
            Reason::new(
                format!(
                    "ECS registers them: the live service names {} in its loadBalancers, and Portolan does not \
                     compete with it",
                    group.wanted.name
                ),
                format!(
                    "write registrar: ecs on port {}, or give the port another target group, wait until its \
                     targets are healthy, and then take this one out of the service's loadBalancers",
                    port.name
                ),
            ),
        ));
    }
    let mode = resolve::network_mode(observed, service).map_err(|why| Obstacle { what: what(), ..why })?;
    if mode.target_type() != group.target_type {
        return Err(Obstacle::difference(
            what(),
            Reason::new(
                format!(
                    "{} has target type {}, and tasks in network mode {mode} are registered by {}",
                    group.wanted.name,
                    group.target_type.as_str(),
                    if mode.target_type() == TargetType::Ip { "their address" } else { "their instance" }
                ),
                format!("declare another target group with targetType: {}", mode.target_type().as_str()),
            ),
        ));
    }
    let tasks = need(observed.tasks_of(&service.id), what, || "the service has gone".to_owned())?;
    Ok(places(observed, group, service, port, tasks, drafts))
}

/// Where the running tasks are; those that have no place to register are reported.
fn places(
    observed: &Observed,
    group: &Group<'_>,
    service: &DesiredService,
    port: &DesiredPort,
    tasks: &[Task],
    drafts: &mut Drafts,
) -> Vec<StaticTarget> {
    let mut found = Vec::new();
    let (mut unknown, mut unbound, mut outside) = (Vec::new(), Vec::new(), BTreeSet::new());
    for task in tasks.iter().filter(|task| task.runs() && has_container(observed, task, &port.container)) {
        let key = task.endpoint(&port.container, port.container_port);
        match (&task.placement, key) {
            (Placement::Unknown, _) => unknown.push(task.arn.id()),
            (Placement::Instance { .. }, None) => unbound.push(task.arn.id()),
            // Machines outside AWS have an id of Systems Manager, which ELB does not take.
            (Placement::Instance { instance, .. }, Some(key)) if !instance.as_str().starts_with("i-") => {
                outside.insert(key.to_string());
            }
            (Placement::Instance { .. }, Some(key)) if group.target_type == TargetType::Instance => {
                found.push(StaticTarget { key, zone: None });
            }
            (Placement::Address(address), Some(key)) if group.target_type == TargetType::Ip => {
                found.push(StaticTarget { key, zone: zone_of(observed, group, address) });
            }
            // A task of a revision in another network mode: it goes with its deployment.
            (Placement::Instance { .. } | Placement::Address(_), _) => {}
        }
    }
    let object = ObjectRef::target_group(&group.wanted.key);
    let what = |which: &str| format!("register {which} of service {} in {}", service.id, group.wanted.name);
    if !unknown.is_empty() {
        let why = "AWS reports no address or host port".to_owned();
        let gap = Gap { call: "ecs:DescribeTasks".to_owned(), why };
        drafts.block(&object, what(&several("task", &unknown)), WaitingOn::Gap(gap));
    }
    if !unbound.is_empty() {
        let sentence = Reason::new(
            format!("no host port leads to {}:{}, so no load balancer can", port.container, port.container_port),
            "the task definition must map it",
        );
        drafts.block_on(&object, what(&several("task", &unbound)), sentence);
    }
    if !outside.is_empty() {
        let listed: Vec<_> = outside.into_iter().collect();
        drafts.block_on(
            &object,
            what(&listed.join(", ")),
            "these machines are outside of EC2, and ECS does not report their addresses: take the target \
                 group off this port, give it targetType: ip, and list each machine's address and a fixed \
                 host port under its targets",
        );
    }
    found
}

/// A container that the manifest misspells is said where port mappings are compared; nothing is registered for it.
fn has_container(observed: &Observed, task: &Task, container: &str) -> bool {
    let definition = observed.task_definition(&task.task_definition).present();
    definition.is_none_or(|definition| definition.containers.contains_key(container))
}

fn several(word: &str, names: &[&str]) -> String {
    format!("{word}{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
}

/// Holds back declared addresses outside of the VPC that name no zone: AWS refuses them, and all others of the call.
fn hold_outside(
    observed: &Observed,
    group: &Group<'_>,
    additions: &mut BTreeMap<TargetKey, Addition<'_>>,
    drafts: &mut Drafts,
) {
    let is_outside = |addition: &Addition<'_>| {
        let address = addition.target.key.id.parse::<IpAddr>().ok();
        let is_static = addition.service.is_none() && addition.target.zone.is_none();
        is_static && address.is_some_and(|address| zone_of(observed, group, &address).is_some())
    };
    let outside: Vec<TargetKey> =
        additions.iter().filter(|(_, addition)| is_outside(addition)).map(|(key, _)| key.clone()).collect();
    if outside.is_empty() {
        return;
    }
    additions.retain(|key, _| !outside.contains(key));
    let listed: Vec<_> = outside.iter().map(ToString::to_string).collect();
    let vpc = group.vpc.as_ref().map(ToString::to_string).unwrap_or_default();
    drafts.block_on(
        &ObjectRef::target_group(&group.wanted.key),
        format!("register {} in {}", listed.join(", "), group.wanted.name),
        format!("the address is outside of {vpc}, and AWS needs that stated: write availabilityZone: all"),
    );
}

/// ELB finds the zone of an address inside the VPC, and needs to be told that one is outside, as in a peered VPC.
fn zone_of(observed: &Observed, group: &Group<'_>, address: &IpAddr) -> Option<String> {
    let Seen::Present(Lookup::One(vpc)) = observed.vpc(group.vpc.as_ref()?.as_str()) else { return None };
    (!vpc.cidrs.iter().any(|cidr| cidr.contains(address))).then(|| "all".to_owned())
}

/// One step for the group; tasks of a service that is only observed are kept apart, for they hold back nothing else.
fn push_registrations(group: &Group<'_>, additions: BTreeMap<TargetKey, Addition<'_>>, drafts: &mut Drafts) {
    let mut parts: BTreeMap<Option<ObjectRef>, Vec<Addition<'_>>> = BTreeMap::new();
    for addition in additions.into_values() {
        let observed_only = addition.service.filter(|service| service.mode == Mode::Observe);
        parts.entry(observed_only.map(|service| ObjectRef::service(&service.key))).or_default().push(addition);
    }
    for (service, part) in parts {
        drafts.push(registration(group, service, part));
    }
}

fn registration(group: &Group<'_>, observed_only: Option<ObjectRef>, part: Vec<Addition<'_>>) -> Draft {
    let services: BTreeSet<String> =
        part.iter().filter_map(|addition| Some(addition.service?.id.to_string())).collect();
    let mut reasons = Vec::new();
    if part.iter().any(|addition| addition.service.is_none()) {
        reasons.push("declared as static targets, and not registered".to_owned());
    }
    if !services.is_empty() {
        let listed: Vec<_> = services.into_iter().collect();
        reasons.push(format!(
            "running tasks of service {} are not registered, and the manifest says registrar: portolan",
            listed.join(", ")
        ));
    }
    let targets: Vec<StaticTarget> = part.into_iter().map(|addition| addition.target).collect();
    let listed: Vec<_> = targets.iter().map(|target| target.key.to_string()).collect();
    let changes = targets.iter().map(|target| {
        let zone = target.zone.iter().map(|zone| format!(" in zone {zone}"));
        Change::of(Field::Targets, None, Some(zone.fold(target.key.to_string(), |text, zone| text + &zone)))
    });
    let target = match &group.target {
        Ref::Known(arn) => arn.to_string(),
        Ref::Output(_) => group.wanted.name.clone(),
    };
    Draft {
        changes: changes.collect(),
        action: Action::RegisterTargets { target_group: group.target.clone(), targets },
        object: ObjectRef::target_group(&group.wanted.key),
        also: observed_only.into_iter().collect(),
        target,
        summary: format!("register {} in {}", listed.join(", "), group.wanted.name),
        reason: reasons.join("; "),
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    }
}
