//! R13: whether a service that does not exist is to be created, and what its call says. It is where the manifest says all that AWS
//! needs for it, where a new deployment is allowed, and where nothing looks like the service under another name.

mod look_alike;

use serde_json::{Map, Value};

use crate::model::{
    Awsvpc, DesiredCount, DesiredService, Given, Network, NetworkMode, ObjectRef, Redeploy, Seen, Tags,
};
use crate::shape::{SERVICE, Tree, without_outputs};

use super::change::Change;
use super::definition::{self, Move, Origin, Target, movement};
use super::draft::{Obstacle, need};
use super::reason::Reason;
use super::task_definition::diff_ports;
use super::{members, resolve};

/// What the call needs, the load balancers apart: their target groups may be yet to be made.
pub(super) struct CompleteService {
    pub(super) revision: Move,
    /// The definition as people read it, and that of the ports.
    pub(super) changes: Vec<Change>,
    /// The network mode of its definition.
    pub(super) mode: NetworkMode,
    /// `None`: a DAEMON service.
    pub(super) count: Option<u32>,
    pub(super) network: Option<Awsvpc>,
    pub(super) members: Tree,
}

/// Whether a service is to be created: it does not exist, and the manifest says what it runs.
pub(super) fn is_wanted(given: &Given<'_>, wanted: &DesiredService) -> bool {
    wanted.task_definition.is_some()
        && matches!(given.observed.service(&wanted.id), Seen::Absent)
        && !matches!(given.observed.clusters.get(&wanted.id.cluster), Some(Seen::Absent))
}

/// Whether it is to be created with a definition that the manifest has: no revision says more.
pub(super) fn is_declared_anew(given: &Given<'_>, wanted: &DesiredService) -> bool {
    is_wanted(given, wanted) && definition::needed_for_new(wanted).is_none()
}

/// Whether nothing but AWS's answers may hold the creation back: then the services of its cluster are looked at.
pub(super) fn is_consented(given: &Given<'_>, wanted: &DesiredService) -> bool {
    is_wanted(given, wanted) && wanted.redeploy == Redeploy::Allow
}

/// What would be created; or all that is in the way.
pub(super) fn new_service(given: &Given<'_>, wanted: &DesiredService) -> Result<CompleteService, Vec<Obstacle>> {
    let what = || what(wanted);
    let missing = missing(wanted);
    if !missing.is_empty() {
        let sentence = format!("it does not exist, and to create it the manifest lacks {}", missing.join(", "));
        let way_out = "declare that, or create the service with another tool";
        return Err(vec![Obstacle::difference(what(), Reason::new(sentence, way_out))]);
    }
    if wanted.redeploy == Redeploy::Deny {
        let reason = Reason::new(
            "it does not exist, a creation starts a deployment, and the manifest says redeploy: deny",
            "write redeploy: allow to permit it",
        );
        return Err(vec![Obstacle::difference(what(), reason)]);
    }
    if !wanted.unsent.is_empty() {
        let sentence = format!(
            "its service definition has {}, which this release does not send, so the new service would lack it",
            wanted.unsent.join(", ")
        );
        return Err(vec![Obstacle::difference(what(), Reason::new(sentence, "create the service with another tool"))]);
    }
    let all_of = |obstacle: Obstacle| vec![obstacle];
    need(given.observed.cluster(&wanted.id.cluster), what, || "its cluster does not exist").map_err(all_of)?;
    look_alike::refuse(given, wanted).map_err(all_of)?;
    let target = definition::target_of_new(given, wanted).map_err(all_of)?;
    of_target(given, wanted, target)
}

/// How a creation is called where it is blocked.
pub(super) fn what(wanted: &DesiredService) -> String {
    format!("create service {}", wanted.id)
}

fn of_target(given: &Given<'_>, wanted: &DesiredService, target: Target) -> Result<CompleteService, Vec<Obstacle>> {
    let mut obstacles = Vec::new();
    let mode = target.definition.network_mode;
    if let Some(declared) = wanted.network.as_ref().and_then(|network| network.mode).filter(|own| *own != mode) {
        obstacles.push(Obstacle::difference(
            format!("network.mode {declared}"),
            Reason::new(format!("the task definition says {mode}"), "correct one of the two"),
        ));
    }
    let ports = diff_ports(wanted, &target.definition, &|| None, &mut obstacles);
    if target.origin == Origin::Referenced && !ports.fixes.is_empty() {
        obstacles.push(Obstacle::difference(
            what(wanted),
            Reason::new(
                format!("{} does not map the declared ports", target.definition.arn.name()),
                "register a revision that maps them, or declare the task definition",
            ),
        ));
    }
    let network = network(given, wanted, mode).map_err(|obstacle| obstacles.push(obstacle));
    let members = sent_members(given, wanted).map_err(|obstacle| obstacles.push(obstacle));
    match (movement(&target, &ports.fixes), network, members) {
        (Some(revision), Ok(network), Ok(members)) if obstacles.is_empty() => {
            let changes = target.changes.into_iter().chain(ports.changes).collect();
            Ok(CompleteService { revision, changes, mode, count: count(wanted), network, members })
        }
        _ => Err(obstacles),
    }
}

/// What AWS needs for a new service and the manifest does not say.
fn missing(wanted: &DesiredService) -> Vec<&'static str> {
    let has = |name: &str| wanted.members.get(name).is_some();
    let mode = resolve::declared_mode(wanted);
    let subnets = wanted.network.as_ref().and_then(|network| network.subnets.as_ref());
    let lacks = [
        (wanted.desired_count.is_none() && !is_daemon(wanted), "desiredCount"),
        (subnets.is_none() && mode == Some(NetworkMode::Awsvpc), "network.subnets"),
        (!has("launchType") && !has("capacityProviderStrategy"), "launchType or capacityProviderStrategy"),
    ];
    lacks.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what).collect()
}

/// One task on every instance: there is no count.
fn is_daemon(wanted: &DesiredService) -> bool {
    wanted.members.get("schedulingStrategy").and_then(Value::as_str) == Some("DAEMON")
}

fn count(wanted: &DesiredService) -> Option<u32> {
    match wanted.desired_count.filter(|_| !is_daemon(wanted))? {
        DesiredCount::Exact(count) => Some(count),
        DesiredCount::Band { min, max: _ } => Some(min),
    }
}

/// The network of its tasks: only awsvpc has one.
fn network(given: &Given<'_>, wanted: &DesiredService, mode: NetworkMode) -> Result<Option<Awsvpc>, Obstacle> {
    if mode != NetworkMode::Awsvpc {
        return Ok(None);
    }
    let nothing = Network::default();
    let Network { mode: _, subnets, security_groups, ingress_group: _, assign_public_ip } =
        wanted.network.as_ref().unwrap_or(&nothing);
    let Some(subnets) = subnets else {
        let sentence = Reason::new("the task definition has network mode awsvpc", "declare network.subnets");
        return Err(Obstacle::difference("network.subnets", sentence));
    };
    let vpc = resolve::vpc_of_service(given, wanted)?;
    let groups = security_groups.as_ref().map(|names| resolve::security_groups(given, vpc, names)).transpose()?;
    Ok(Some(Awsvpc {
        subnets: resolve::subnets(given.observed, vpc, subnets)?,
        security_groups: groups.unwrap_or_default(),
        assign_public_ip: assign_public_ip.map(|is_public| members::switch(is_public).to_owned()),
    }))
}

/// The members with AWS's names, and the tags that say whose it is.
fn sent_members(given: &Given<'_>, wanted: &DesiredService) -> Result<Tree, Obstacle> {
    if let Some(strategy) = members::declared_strategy(&wanted.members).filter(|strategy| *strategy != "ROLLING") {
        let sentence = Reason::new(
            format!("this release creates no service with the deployment strategy {strategy}"),
            "create the service with another tool, or declare the strategy ROLLING",
        );
        return Err(Obstacle::difference(what(wanted), sentence));
    }
    let is_said = |value: &Value| value.as_array().is_none_or(|entries| !entries.is_empty());
    let members: Map<String, Value> = without_outputs(&SERVICE, wanted.members.members());
    let mut members = Tree::new(members.into_iter().filter(|(_, value)| is_said(value)).collect());
    members::set_tags(&mut members, &tags(given, wanted));
    Ok(members)
}

/// The fleet's tags and the mark. What the service declares itself goes before what the fleet does.
fn tags(given: &Given<'_>, wanted: &DesiredService) -> Tags {
    let declared = members::tags_of(&wanted.members);
    given.desired.fleet.tags_for(&ObjectRef::service(&wanted.key)).into_iter().chain(declared).collect()
}
