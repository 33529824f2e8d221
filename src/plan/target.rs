//! Registrations: what is missing is added; a stale one is removed on proof only (R4), a last healthy one never.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{
    DesiredService, DesiredTargetGroup, Given, InstanceId, ObjectRef, Observed, Owner, Placement, Seen, Service,
    ServiceId, Target, TargetGroup, TargetKey, TargetState, Task,
};

use super::action::{Action, RegistrationBelief};
use super::change::{Change, WaitingOn};
use super::draft::{Draft, Drafts, Obstacle};
use super::{registrar, resolve, target_group};

pub(super) fn plan_targets(given: &Given<'_>, wanted: &DesiredTargetGroup, drafts: &mut Drafts) {
    let object = ObjectRef::target_group(&wanted.key);
    match resolve::target_group(given, wanted) {
        // Why it is unknown is said where the target group itself is planned.
        Seen::Unknown(_) => {}
        Seen::Absent => registrar::register_in_new(given, wanted, drafts),
        Seen::Present(live) => {
            if let Err(obstacle) = registrar::register_missing(given, wanted, live, drafts) {
                obstacle.block(drafts, &object);
            }
            for group in standing_groups(given, wanted) {
                if let Err(obstacle) = deregister_stale(given, wanted, group, drafts) {
                    obstacle.block(drafts, &object);
                }
            }
        }
    }
}

fn is_managed(given: &Given<'_>, wanted: &DesiredTargetGroup) -> bool {
    wanted.targets.is_some() || given.ports_of(&wanted.key).next().is_some()
}

/// The live tasks that could be behind a target group, with the endpoints that they have in it.
struct Behind<'a> {
    endpoints: BTreeSet<TargetKey>,
    /// Addresses of tasks while their service is being deployed: a task of the old revision may listen on another port
    /// than the one that is wired now, and ECS registered it with that.
    moving: BTreeSet<String>,
    /// Tasks of these services whose address AWS does not tell, or that are not known.
    unknown: bool,
    services: BTreeSet<&'a ServiceId>,
}

impl Behind<'_> {
    /// Whether some task may be behind the target group that is not among the endpoints. A service that was not read may name
    /// any target group.
    fn is_open(&self, given: &Given<'_>) -> bool {
        let is_unread = |service: &DesiredService| matches!(given.observed.service(&service.id), Seen::Unknown(_));
        self.unknown || given.desired.services.values().any(is_unread)
    }
}

/// A task may be behind a target group by declaration, or because the live service names it or the other one of its
/// blue/green pair.
fn behind<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup, live: &TargetGroup) -> Behind<'a> {
    let mut found =
        Behind { endpoints: BTreeSet::new(), moving: BTreeSet::new(), unknown: false, services: BTreeSet::new() };
    let mut by_service: BTreeMap<&ServiceId, BTreeSet<(&str, u16)>> = BTreeMap::new();
    for (service, port) in given.ports_of(&wanted.key) {
        by_service.entry(&service.id).or_default().insert((&port.container, port.container_port));
    }
    for service in given.services_feeding(&live.arn).iter().filter_map(|fed| given.declared_service(&fed.id)) {
        by_service.entry(&service.id).or_default();
    }
    for (id, mut doors) in by_service {
        match given.observed.service(id) {
            Seen::Present(standing) => {
                let entries = standing.entries_behind(&live.arn);
                doors.extend(entries.map(|entry| (entry.container.as_str(), entry.container_port)));
            }
            Seen::Absent => continue,
            Seen::Unknown(_) => {}
        }
        found.services.insert(id);
        match given.observed.tasks_of(id) {
            Seen::Present(tasks) => {
                if given.observed.service(id).present().is_some_and(Service::is_deploying) {
                    let addresses = tasks.iter().filter_map(|task| match &task.placement {
                        Placement::Address(address) => Some(address.to_string()),
                        Placement::Instance { .. } | Placement::Unknown => None,
                    });
                    found.moving.extend(addresses);
                }
                collect(tasks, &doors, &mut found);
            }
            Seen::Absent => {}
            Seen::Unknown(_) => found.unknown = true,
        }
    }
    found
}

fn collect(tasks: &[Task], doors: &BTreeSet<(&str, u16)>, found: &mut Behind<'_>) {
    for task in tasks {
        for (container, port) in doors {
            match task.endpoint(container, *port) {
                Some(key) => {
                    found.endpoints.insert(key);
                }
                None => found.unknown = true,
            }
        }
    }
}

/// The live groups that stand for a declared one: itself, and the other one of its blue/green pair.
fn standing_groups<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup) -> Vec<&'a TargetGroup> {
    let arns = resolve::stand_ins(given, &wanted.key);
    arns.iter().filter_map(|arn| given.target_group(arn.as_str()).present()).collect()
}

/// Registrations that no known task and no declared target explains, in a declared group and the other one of its
/// blue/green pair; none while an address of a task is unknown.
pub(super) fn strays<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup) -> Vec<&'a Target> {
    let groups = standing_groups(given, wanted);
    groups.into_iter().flat_map(|live| strays_in(given, wanted, live)).collect()
}

/// The registrations of one live group that no known task explains; `None` while the address of some task is not known.
pub(super) fn unexplained<'a>(
    given: &Given<'a>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
) -> Option<Vec<&'a Target>> {
    let is_open = behind(given, wanted, live).is_open(given);
    (!is_open).then(|| strays_in(given, wanted, live))
}

fn strays_in<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup, live: &TargetGroup) -> Vec<&'a Target> {
    if !is_managed(given, wanted) {
        return Vec::new();
    }
    let Seen::Present(targets) = given.observed.targets_of(&live.arn) else { return Vec::new() };
    let behind = behind(given, wanted, live);
    let declared: BTreeSet<_> = wanted.targets.iter().flatten().map(|target| &target.key).collect();
    let explained = |target: &&Target| {
        behind.endpoints.contains(&target.key)
            || behind.moving.contains(&target.key.id)
            || declared.contains(&target.key)
    };
    let strays = targets.iter().filter(|target| target.health.state != TargetState::Draining && !explained(target));
    let strays: Vec<_> = strays.collect();
    // Last, for it looks every service up.
    if strays.is_empty() || behind.is_open(given) { Vec::new() } else { strays }
}

fn deregister_stale(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
    let object = ObjectRef::target_group(&wanted.key);
    let strays = strays_in(given, wanted, live);
    let mut stale: BTreeMap<TargetKey, String> = BTreeMap::new();
    for stray in strays {
        match proof(given, wanted, live, stray) {
            Ok(Some(proof)) => {
                stale.insert(stray.key.clone(), proof);
            }
            Ok(None) => drafts.find(
                &object,
                format!("registration {} is explained by no known task and no declared target; left alone, since nothing proves it stale", stray.key),
            ),
            Err(gap) => drafts.block(&object, format!("registration {} may be stale", stray.key), WaitingOn::Gap(gap)),
        }
    }
    keep_last_healthy(given.observed, live, &mut stale, drafts, &object);
    if stale.is_empty() {
        return Ok(());
    }
    target_group::may_touch(&given.desired.fleet.name, live)?;
    let listed: Vec<_> = stale.keys().map(ToString::to_string).collect();
    let proofs: BTreeSet<_> = stale.values().cloned().collect();
    drafts.push(Draft {
        changes: listed.iter().map(|key| Change::of("targets", Some(key.clone()), None)).collect(),
        action: Action::DeregisterTargets {
            target_group: live.arn.clone(),
            expect: belief(given.observed, live, &stale),
            targets: stale.into_keys().collect(),
        },
        object,
        also: BTreeSet::new(),
        target: live.arn.to_string(),
        summary: format!("deregister {} from {}", listed.join(", "), live.name),
        reason: format!(
            "no live task and no declared target has it, and {}",
            proofs.into_iter().collect::<Vec<_>>().join("; ")
        ),
        after: BTreeSet::new(),
        redeploys: false,
        removes: true,
        held: None,
        receivers: Default::default(),
    });
    Ok(())
}

/// What the removal of these registrations rests on.
fn belief(observed: &Observed, live: &TargetGroup, stale: &BTreeMap<TargetKey, String>) -> RegistrationBelief {
    let targets = observed.targets_of(&live.arn).present().into_iter().flatten();
    let healthy = targets.filter(|target| target.health.state == TargetState::Healthy);
    let addresses = stale.keys().filter_map(|key| key.id.parse().ok());
    RegistrationBelief {
        healthy: healthy.filter(|target| stale.contains_key(&target.key)).map(|target| target.key.clone()).collect(),
        vacant: addresses.filter(|address| observed.interface(address) == Seen::Absent).collect(),
    }
}

/// The last healthy target is never removed.
fn keep_last_healthy(
    observed: &Observed,
    live: &TargetGroup,
    stale: &mut BTreeMap<TargetKey, String>,
    drafts: &mut Drafts,
    object: &ObjectRef,
) {
    let Seen::Present(targets) = observed.targets_of(&live.arn) else { return };
    let healthy: Vec<_> = targets.iter().filter(|target| target.health.state == TargetState::Healthy).collect();
    if healthy.is_empty() || healthy.iter().any(|target| !stale.contains_key(&target.key)) {
        return;
    }
    for target in healthy {
        stale.remove(&target.key);
        drafts.block_on(
            object,
            format!("deregister {}", target.key),
            "it is stale, but no other target of the group is healthy; it goes when another one is",
        );
    }
}

/// What proves a stray stale, if anything (R4).
fn proof(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
    stray: &Target,
) -> Result<Option<String>, crate::model::Gap> {
    if let Some(other) = task_of_another_service(given, wanted, live, stray) {
        return Ok(Some(other));
    }
    let own_vpc = match (live.vpc.as_ref().map(|id| given.observed.vpc(id.as_str())), given.observed.account.as_ref()) {
        (Some(Seen::Present(crate::model::Lookup::One(vpc))), Seen::Present(account)) => {
            (vpc.owner.as_ref() == Some(account)).then_some(vpc)
        }
        (Some(Seen::Unknown(gap)), _) | (_, Seen::Unknown(gap)) => return Err(gap),
        (Some(Seen::Present(_) | Seen::Absent) | None, Seen::Present(_) | Seen::Absent) => None,
    };
    let Some(vpc) = own_vpc else { return Ok(None) };
    match stray.key.id.parse::<IpAddr>() {
        Ok(address) if vpc.cidrs.iter().any(|cidr| cidr.contains(&address)) => match given.observed.interface(&address)
        {
            Seen::Absent => Ok(Some(format!("no network interface in {} has its address", vpc.id))),
            Seen::Present(()) => Ok(None),
            Seen::Unknown(gap) => Err(gap),
        },
        Ok(_) => Ok(None),
        Err(_) if stray.key.id.starts_with("i-") => {
            match given.observed.host(&InstanceId::from(stray.key.id.as_str())) {
                Seen::Absent => Ok(Some("the instance does not exist any more".to_owned())),
                Seen::Present(host) if host.terminated => Ok(Some("the instance is terminated".to_owned())),
                Seen::Present(_) => Ok(None),
                Seen::Unknown(gap) => Err(gap),
            }
        }
        Err(_) => Ok(None),
    }
}

/// The other proof: the target group bears our mark, and the address is that of another service's task.
fn task_of_another_service(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
    stray: &Target,
) -> Option<String> {
    let tags = live.tags.as_ref().present()?;
    if !matches!(Owner::of(tags, &given.desired.fleet.name), Owner::Ours(_)) {
        return None;
    }
    let own = behind(given, wanted, live).services;
    let others = given.desired.services.values().filter(|service| !own.contains(&service.id));
    let has_address = |task: &Task| match &task.placement {
        Placement::Address(address) => address.to_string() == stray.key.id,
        Placement::Instance { instance, bindings } => {
            instance.as_str() == stray.key.id && bindings.iter().any(|binding| binding.host_port == stray.key.port)
        }
        Placement::Unknown => false,
    };
    others
        .filter_map(|service| given.observed.tasks_of(&service.id).present().map(|tasks| (service, tasks)))
        .find(|(_, tasks)| tasks.iter().any(has_address))
        .map(|(service, _)| format!("its address is that of a task of service {}", service.id))
}
