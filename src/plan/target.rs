//! Registrations: what is missing is added; a stale one is removed on proof only (R4), a last healthy one never.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{
    Behind, DesiredTargetGroup, Gap, Given, InstanceId, ObjectRef, Observed, Owner, Placement, Seen, ServiceId, Target,
    TargetGroup, TargetKey, TargetState, Task, TaskArn, task_owner,
};

use super::action::{Action, RegistrationBelief};
use super::change::{Change, WaitingOn};
use super::draft::{Draft, Drafts, Obstacle};
use super::field::Field;
use super::reason::Reason;
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

/// A registration that the tasks behind its target group and the declared targets do not explain.
#[derive(Clone, Debug)]
pub struct Unknown<'a> {
    /// The registration.
    pub target: &'a Target,
    /// Whose it is.
    pub behind: Behind<'a>,
}

/// The live groups that stand for a declared one: itself, and the other one of its blue/green pair.
fn standing_groups<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup) -> Vec<&'a TargetGroup> {
    let arns = resolve::stand_ins(given, &wanted.key);
    arns.iter().filter_map(|arn| given.target_group(arn.as_str()).present()).collect()
}

/// The unknown registrations in a declared group and the other one of its blue/green pair; none while an address of a task is
/// unknown.
pub(super) fn unknown_targets<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup) -> Vec<Unknown<'a>> {
    let groups = standing_groups(given, wanted);
    groups.into_iter().flat_map(|live| unknown_in(given, wanted, live).unwrap_or_default()).collect()
}

/// The registrations that no task explains, whether the manifest manages the targets or not.
pub(super) fn unregistered_targets<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup) -> Vec<Unknown<'a>> {
    let groups = standing_groups(given, wanted);
    groups.into_iter().flat_map(|live| unregistered_in(given, wanted, live).unwrap_or_default()).collect()
}

/// The unknown registrations of one live group; `None` while the address of some task is not known.
pub(super) fn unknown_in<'a>(
    given: &Given<'a>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
) -> Option<Vec<Unknown<'a>>> {
    if is_managed(given, wanted) { unregistered_in(given, wanted, live) } else { Some(Vec::new()) }
}

/// The same of a target group whose targets the manifest need not manage.
pub(super) fn unregistered_in<'a>(
    given: &Given<'a>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
) -> Option<Vec<Unknown<'a>>> {
    let arns = given.stand_ins(live);
    let registrants = given.registrants(wanted, &arns);
    let targets = given.observed.targets_of(&live.arn).present().into_iter().flatten();
    let targets = targets.filter(|target| target.health.state != TargetState::Draining);
    let all = targets.map(|target| Unknown { target, behind: registrants.behind(&target.key) });
    let is_unknown = |one: &Unknown<'_>| !matches!(one.behind, Behind::Expected | Behind::OlderTask(_));
    let unknown: Vec<_> = all.filter(is_unknown).collect();
    let is_gap = registrants.gap.is_some() || registrants.uncounted().is_some();
    // A service that was not read may name any target group.
    let is_open = registrants.has_unknown_address || is_gap || given.has_unread_service;
    (!is_open).then_some(unknown)
}

fn deregister_stale(
    given: &Given<'_>,
    wanted: &DesiredTargetGroup,
    live: &TargetGroup,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
    let object = ObjectRef::target_group(&wanted.key);
    let mut stale: BTreeMap<TargetKey, Proof> = BTreeMap::new();
    for unknown in unknown_in(given, wanted, live).unwrap_or_default() {
        let key = &unknown.target.key;
        match proof(given, live, &unknown) {
            Ok(Some(proof)) => {
                stale.insert(key.clone(), proof);
            }
            Ok(None) => drafts.find(&object, left_alone(given, &unknown)),
            Err(gap) => drafts.block(&object, format!("registration {key} may be stale"), WaitingOn::Gap(gap)),
        }
    }
    keep_last_healthy(given.observed, live, &mut stale, drafts, &object);
    if stale.is_empty() {
        return Ok(());
    }
    target_group::may_touch(&given.desired.fleet.name, live)?;
    let listed: Vec<_> = stale.keys().map(ToString::to_string).collect();
    drafts.push(Draft {
        changes: listed.iter().map(|key| Change::of(Field::Targets, Some(key.clone()), None)).collect(),
        action: Action::DeregisterTargets {
            target_group: live.arn.clone(),
            expect: belief(given.observed, live, &stale),
            targets: stale.keys().cloned().collect(),
        },
        object,
        also: BTreeSet::new(),
        target: live.arn.to_string(),
        summary: format!("deregister {} from {}", listed.join(", "), live.name),
        reason: reason(stale.values()),
        after: BTreeSet::new(),
        redeploys: false,
        removes: true,
        held: None,
        receivers: Default::default(),
    });
    Ok(())
}

/// Why an unknown registration stays.
fn left_alone(given: &Given<'_>, unknown: &Unknown<'_>) -> String {
    let key = &unknown.target.key;
    match unknown.behind {
        Behind::OtherPort(id) => format!(
            "registration {key} is another port of a task of service {id}, which is not wired to it; left alone, since the \
             task runs: declare it or deregister it"
        ),
        Behind::OtherTask(id, _) if given.declared_service(id).is_none() => format!(
            "registration {key} is the address of a task of {}; left alone, since this manifest does not declare that \
             service",
            task_owner(id)
        ),
        Behind::OtherTask(id, _) => format!(
            "registration {key} is the address of a task of {}, at a port that its task definition does not map; left \
             alone, since nothing proves it stale",
            task_owner(id)
        ),
        Behind::Expected | Behind::OlderTask(_) | Behind::NoTask => format!(
            "registration {key} is explained by no known task and no declared target; left alone, since nothing proves it \
             stale"
        ),
    }
}

/// Why the registrations go, each proof once.
fn reason<'a>(proofs: impl Iterator<Item = &'a Proof>) -> String {
    let (others, gone): (BTreeSet<&Proof>, BTreeSet<&Proof>) = proofs.partition(|proof| proof.task.is_some());
    let list = |proofs: &BTreeSet<&Proof>| {
        let sentences: BTreeSet<&str> = proofs.iter().map(|proof| proof.sentence.as_str()).collect();
        sentences.into_iter().collect::<Vec<_>>().join("; ")
    };
    let mut reasons = Vec::new();
    if !gone.is_empty() {
        reasons.push(format!("no live task and no declared target has it, and {}", list(&gone)));
    }
    if !others.is_empty() {
        reasons.push(format!("it is not declared, and {}", list(&others)));
    }
    reasons.join("; ")
}

/// What proves a registration stale.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Proof {
    sentence: String,
    /// The task of another service that has it, with its cluster.
    task: Option<(String, TaskArn)>,
}

impl Proof {
    fn of(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), task: None }
    }
}

/// What the removal of these registrations rests on.
fn belief(observed: &Observed, live: &TargetGroup, stale: &BTreeMap<TargetKey, Proof>) -> RegistrationBelief {
    let targets = observed.targets_of(&live.arn).present().into_iter().flatten();
    let healthy = targets.filter(|target| target.health.state == TargetState::Healthy);
    let vacated = stale.iter().filter(|(_, proof)| proof.task.is_none());
    let addresses = vacated.filter_map(|(key, _)| key.id.parse().ok());
    RegistrationBelief {
        healthy: healthy.filter(|target| stale.contains_key(&target.key)).map(|target| target.key.clone()).collect(),
        vacant: addresses.filter(|address| observed.address_owner(address) == Seen::Absent).collect(),
        tasks: stale.values().filter_map(|proof| proof.task.clone()).collect(),
    }
}

/// The last healthy target is never removed.
fn keep_last_healthy(
    observed: &Observed,
    live: &TargetGroup,
    stale: &mut BTreeMap<TargetKey, Proof>,
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
            Reason::new(
                "it is stale, but no other target of the group is healthy",
                "wait: it is deregistered once another one is healthy",
            ),
        );
    }
}

/// What proves an unknown registration stale, if anything (R4).
fn proof(given: &Given<'_>, live: &TargetGroup, unknown: &Unknown<'_>) -> Result<Option<Proof>, Gap> {
    match unknown.behind {
        Behind::Expected | Behind::OlderTask(_) | Behind::OtherPort(_) => Ok(None),
        Behind::OtherTask(id, task) => Ok(task_of_another_service(given, live, (id, task), &unknown.target.key)),
        Behind::NoTask => vacancy(given, live, &unknown.target.key),
    }
}

/// Whether nothing has the address: no network interface, or the instance is gone.
fn vacancy(given: &Given<'_>, live: &TargetGroup, key: &TargetKey) -> Result<Option<Proof>, Gap> {
    let own_vpc = match (live.vpc.as_ref().map(|id| given.observed.vpc(id.as_str())), given.observed.account.as_ref()) {
        (Some(Seen::Present(crate::model::Lookup::One(vpc))), Seen::Present(account)) => {
            (vpc.owner.as_ref() == Some(account)).then_some(vpc)
        }
        (Some(Seen::Unknown(gap)), _) | (_, Seen::Unknown(gap)) => return Err(gap),
        (Some(Seen::Present(_) | Seen::Absent) | None, Seen::Present(_) | Seen::Absent) => None,
    };
    let Some(vpc) = own_vpc else { return Ok(None) };
    match key.id.parse::<IpAddr>() {
        Ok(address) if vpc.cidrs.iter().any(|cidr| cidr.contains(&address)) => {
            match given.observed.address_owner(&address) {
                Seen::Absent => Ok(Some(Proof::of(format!("no network interface in {} has its address", vpc.id)))),
                Seen::Present(_) => Ok(None),
                Seen::Unknown(gap) => Err(gap),
            }
        }
        Ok(_) => Ok(None),
        Err(_) if key.id.starts_with("i-") => match given.observed.host(&InstanceId::from(key.id.as_str())) {
            Seen::Absent => Ok(Some(Proof::of("the instance does not exist any more"))),
            Seen::Present(host) if host.terminated => Ok(Some(Proof::of("the instance is terminated"))),
            Seen::Present(_) => Ok(None),
            Seen::Unknown(gap) => Err(gap),
        },
        Err(_) => Ok(None),
    }
}

/// The other proof: a task of another service of the manifest has the address, and serves that service at this very port. In
/// a target group with our mark the address is enough.
fn task_of_another_service(
    given: &Given<'_>,
    live: &TargetGroup,
    (id, task): (&ServiceId, &Task),
    key: &TargetKey,
) -> Option<Proof> {
    let service = given.declared_service(id)?;
    let owner = live.tags.as_ref().present().map(|tags| Owner::of(tags, &given.desired.fleet.name));
    let is_marked = matches!(owner, Some(Owner::Ours(_)));
    if !is_marked && !serves_at(given, task, key) {
        return None;
    }
    let sentence = format!("its address is that of a task of service {}", service.id);
    Some(Proof { sentence, task: Some((id.cluster.clone(), task.arn.clone())) })
}

/// Whether a task serves its own service at the port of a registration: a host port that it has bound, or a port that its
/// task definition maps.
fn serves_at(given: &Given<'_>, task: &Task, key: &TargetKey) -> bool {
    match &task.placement {
        Placement::Instance { .. } => task.has(key),
        Placement::Address(_) => {
            let definition = given.observed.task_definition(&task.task_definition).present();
            let containers = definition.into_iter().flat_map(|definition| definition.containers.values());
            containers.flat_map(|container| &container.ports).any(|mapping| mapping.container_port == key.port)
        }
        Placement::Unknown => false,
    }
}
