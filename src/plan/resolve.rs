//! From the names in a manifest to the things in AWS, or to the reason why not.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::model::{
    Definition, Desired, DesiredService, DesiredTargetGroup, Given, GroupId, Listener, LoadBalancer, Lookup,
    NetworkMode, ObjectRef, Observed, SecurityGroup, Seen, SubnetId, TargetGroup, TargetGroupArn, TargetType,
    TaskDefinition, Vpc, VpcId,
};

use super::definition;
use super::draft::{Obstacle, need};
use super::reason::Reason;

/// One name, found exactly once.
fn one<'a, T>(
    seen: Seen<Lookup<'a, T>>,
    kind: &str,
    name: &str,
    place: impl Fn() -> String,
) -> Result<&'a T, Obstacle> {
    let what = || format!("{kind} {name}");
    match need(seen, what, || format!("no {kind} is called {name}{}", place()))? {
        Lookup::One(found) => Ok(found),
        Lookup::None => Err(Obstacle::difference(
            what(),
            Reason::new(
                format!("no {kind} has the id, name or Name tag {name:?}{}", place()),
                "create it or correct the name",
            ),
        )),
        Lookup::Several(candidates) => Err(Obstacle::difference(
            what(),
            Reason::new(
                format!("several are called {name:?}{}: {}", place(), candidates.join(", ")),
                "write the id of the intended one",
            ),
        )),
    }
}

fn in_region() -> String {
    " in this region".to_owned()
}

pub(super) fn load_balancer<'a>(given: &Given<'a>, name: &str) -> Result<&'a LoadBalancer, Obstacle> {
    one(given.load_balancer(name), "load balancer", name, in_region)
}

pub(super) fn vpc<'a>(observed: &'a Observed, name: &str) -> Result<&'a Vpc, Obstacle> {
    one(observed.vpc(name), "VPC", name, in_region)
}

pub(super) fn security_group<'a>(given: &Given<'a>, vpc: &Vpc, name: &str) -> Result<&'a SecurityGroup, Obstacle> {
    one(given.security_group(&vpc.id, name), "security group", name, || format!(" in {}", vpc.id))
}

pub(super) fn security_groups(given: &Given<'_>, vpc: &Vpc, names: &[String]) -> Result<BTreeSet<GroupId>, Obstacle> {
    names.iter().map(|name| security_group(given, vpc, name).map(|group| group.id.clone())).collect()
}

pub(super) fn subnets(observed: &Observed, vpc: &Vpc, names: &[String]) -> Result<BTreeSet<SubnetId>, Obstacle> {
    let place = || format!(" in {}", vpc.id);
    names
        .iter()
        .map(|name| one(observed.subnet(&vpc.id, name), "subnet", name, place).map(|subnet| subnet.id.clone()))
        .collect()
}

/// The listener of a load balancer on a port.
pub(super) fn listener<'a>(
    observed: &'a Observed,
    balancer: &LoadBalancer,
    port: u16,
) -> Result<&'a Listener, Obstacle> {
    let what = || format!("listener {port} of load balancer {}", balancer.name);
    let missing =
        || Reason::new(format!("load balancer {} has no listener on port {port}", balancer.name), "create it");
    let listeners = need(observed.listeners_of(&balancer.arn), what, missing)?;
    listeners.iter().find(|listener| listener.port == port).ok_or_else(|| Obstacle::difference(what(), missing()))
}

/// The live target group of a declared one; absent when it has to be created.
pub(super) fn target_group<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup) -> Seen<&'a TargetGroup> {
    given.target_group(&wanted.name)
}

/// The VPC of a target group: its own, the fleet's, its load balancer's, or that of the live one.
pub(super) fn vpc_of_target_group<'a>(given: &Given<'a>, wanted: &DesiredTargetGroup) -> Result<&'a Vpc, Obstacle> {
    if let Some(name) = wanted.vpc.as_ref().or(given.desired.fleet.vpc.as_ref()) {
        return vpc(given.observed, name);
    }
    let of_balancer = match &wanted.load_balancer {
        Some(name) => load_balancer(given, name)?.vpc.as_ref(),
        None => target_group(given, wanted).present().and_then(|live| live.vpc.as_ref()),
    };
    match of_balancer {
        Some(id) => vpc(given.observed, id.as_str()),
        None => Err(Obstacle::difference("VPC", "name the VPC in the Fleet or in the target group (vpc:)")),
    }
}

/// The VPC in which a service's groups and subnets are looked up: the fleet's, that of its first target group, or that of its
/// live subnets.
pub(super) fn vpc_of_service<'a>(given: &Given<'a>, service: &DesiredService) -> Result<&'a Vpc, Obstacle> {
    let groups = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
    let mut wanted = groups.filter_map(|key| given.desired.target_groups.get(key));
    match (wanted.next(), &given.desired.fleet.vpc) {
        (Some(group), _) => vpc_of_target_group(given, group),
        (None, Some(name)) => vpc(given.observed, name),
        (None, None) => match vpc_of_live_subnets(given, service) {
            Some(id) => vpc(given.observed, id.as_str()),
            None => Err(Obstacle::difference("VPC", "name the VPC in the Fleet (vpc:)")),
        },
    }
}

fn vpc_of_live_subnets<'a>(given: &Given<'a>, service: &DesiredService) -> Option<&'a VpcId> {
    let live = given.observed.service(&service.id).present()?.network.as_ref()?;
    let all = given.observed.subnets.as_ref().present()?;
    all.iter().find(|subnet| live.subnets.contains(&subnet.id)).map(|subnet| &subnet.vpc)
}

/// The running task definition of a service, where all of it is known.
pub(super) fn task_definition<'a>(observed: &'a Observed, service: &DesiredService) -> Seen<&'a TaskDefinition> {
    match observed.service(&service.id) {
        Seen::Present(live) => observed.task_definition(&live.task_definition),
        Seen::Absent => match definition::needed_for_new(service) {
            Some(referenced) => observed.task_definition(&referenced),
            None => Seen::Absent,
        },
        Seen::Unknown(gap) => Seen::Unknown(gap),
    }
}

/// The network mode that a manifest declares, for the network or in the task definition.
pub(super) fn declared_mode(service: &DesiredService) -> Option<NetworkMode> {
    let of_definition = match &service.task_definition {
        Some(Definition::Content { members, other_containers: _, images: _ }) => members.get("networkMode"),
        Some(Definition::Reference { .. }) | None => None,
    };
    let of_definition = of_definition.and_then(serde_json::Value::as_str).and_then(NetworkMode::of);
    service.network.as_ref().and_then(|network| network.mode).or(of_definition)
}

/// The network mode of a service: declared, or that of the running task definition.
pub(super) fn network_mode(observed: &Observed, service: &DesiredService) -> Result<NetworkMode, Obstacle> {
    let declared = match observed.service(&service.id) {
        Seen::Absent => declared_mode(service),
        Seen::Present(_) | Seen::Unknown(_) => service.network.as_ref().and_then(|network| network.mode),
    };
    let what = || format!("network mode of service {}", service.id);
    match (declared, task_definition(observed, service)) {
        (Some(declared), Seen::Present(live)) if live.network_mode != declared => {
            let sentence = Reason::new(
                format!("{} runs with {}, declared {declared}", live.arn.name(), live.network_mode),
                "the port to open depends on it",
            );
            return Err(Obstacle::difference(what(), sentence));
        }
        (Some(declared), _) => return Ok(declared),
        (None, _) => {}
    }
    let absent =
        || Reason::new(format!("service {} does not exist", service.id), "declare network.mode or create the service");
    need(task_definition(observed, service), what, absent).map(|definition| definition.network_mode)
}

/// The blocks of a load balancer's subnets; none if AWS does not list one of them.
pub(super) fn homes(observed: &Observed, balancer: &LoadBalancer) -> Seen<Vec<IpNet>> {
    let subnets = match &observed.subnets {
        Seen::Present(subnets) => subnets,
        Seen::Absent => return Seen::Present(Vec::new()),
        Seen::Unknown(gap) => return Seen::Unknown(gap.clone()),
    };
    let known: Vec<_> = subnets.iter().filter(|subnet| balancer.subnets.contains(&subnet.id)).collect();
    if known.len() < balancer.subnets.len() {
        return Seen::Present(Vec::new());
    }
    Seen::Present(known.iter().flat_map(|subnet| subnet.cidrs.iter().copied()).collect())
}

/// The services behind a target group: those whose ports name it, and those that feed it now, as primary or alternate.
pub(super) fn services_behind<'a>(given: &Given<'a>, key: &str) -> Vec<&'a DesiredService> {
    // By their keys, each once.
    all_behind(given, key).map(|service| (&service.key, service)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The same in no order, some perhaps twice.
pub(super) fn all_behind<'a>(given: &Given<'a>, key: &str) -> impl Iterator<Item = &'a DesiredService> {
    let live = given.desired.target_groups.get(key).and_then(|group| target_group(given, group).present());
    let feeding = live.into_iter().flat_map(|live| given.services_feeding(&live.arn));
    let feeding = feeding.filter_map(|service| given.declared_service(&service.id));
    given.ports_of(key).map(|(service, _)| service).chain(feeding)
}

/// A target group and, where ECS deploys blue/green with it, the other one of the pair: both count as the declared one.
pub(super) fn stand_ins<'g>(given: &'g Given<'_>, key: &str) -> &'g BTreeSet<TargetGroupArn> {
    given.stand_ins_of(key)
}

/// The objects whose mode, pause or deployment also hold back a step that takes something from them: the one that a mark
/// names, and whatever stands behind these target groups.
pub(super) fn concerned<'a>(
    given: &Given<'_>,
    marked_for: &str,
    arns: impl IntoIterator<Item = &'a TargetGroupArn>,
) -> BTreeSet<ObjectRef> {
    let mut objects: BTreeSet<ObjectRef> = declared_object(given.desired, marked_for).into_iter().collect();
    for arn in arns {
        let live = given.target_group(arn.as_str()).present();
        let declared = live.into_iter().flat_map(|live| given.declared_as(live));
        objects.extend(declared.map(|group| ObjectRef::target_group(&group.key)));
        let services = given.services_feeding(arn).iter().filter_map(|live| given.declared_service(&live.id));
        objects.extend(services.map(|service| ObjectRef::service(&service.key)));
    }
    objects
}

/// The object of the manifest that a mark names (`Kind/key`), if it still stands there.
pub(super) fn declared_object(desired: &Desired, written: &str) -> Option<ObjectRef> {
    let (_, key) = written.split_once('/')?;
    let group = desired.target_groups.get(key).map(|group| ObjectRef::target_group(&group.key));
    let service = desired.services.get(key).map(|service| ObjectRef::service(&service.key));
    group.into_iter().chain(service).find(|object| object.is_written(written))
}

/// How targets will be registered in a target group that has to be created. `first` is the first service that names it.
pub(super) fn new_target_type(
    observed: &Observed,
    wanted: &DesiredTargetGroup,
    first: Option<&DesiredService>,
) -> Result<TargetType, Obstacle> {
    match (&wanted.target_type, first) {
        (Some(declared), _) => Ok(declared.clone()),
        (None, Some(service)) => Ok(network_mode(observed, service)?.target_type()),
        (None, None) => Ok(NetworkMode::Awsvpc.target_type()),
    }
}
