//! A Service document.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Autoscaling, Awsvpc, DeploymentController, DesiredService, GroupId, NetworkMode, ObjectRef, RuleSource, Scheduling,
    Seen, Service, ServiceStatus, Strategy, SubnetId, TaskDefinition, VpcId,
};
use crate::survey::groups_of_instances;

use super::page::{Entry, Page, Value};
use super::{Scene, definition, members, names, page_of, port};

pub(super) fn page(scene: &Scene<'_>, service: &DesiredService) -> Page {
    let object = ObjectRef::service(&service.key);
    let mut notes = scene.gaps(&object);
    let mut spec = Vec::new();
    let mut files = BTreeMap::new();
    if service.key != service.id.name {
        spec.push(Entry::text("name", &service.id.name));
    }
    if scene.outline.fleet.cluster.as_ref() != Some(&service.id.cluster) {
        spec.push(Entry::text("cluster", &service.id.cluster));
    }
    if let Seen::Present(live) = scene.observed.service(&service.id) {
        notes.extend(owners(live));
        // What ECS makes and keeps by itself has nothing for a manifest to say.
        if !live.managed_by_ecs {
            spec.push(count(scene, service, live));
            spec.extend(network(scene, service, live));
            spec.extend(members::entries(live));
            spec.extend(port::ports(scene, service, live));
            spec.extend(definition::entry(scene, service, live, &mut files));
        }
    }
    if spec.is_empty() {
        spec.push(Entry::note("Portolan manages nothing of it."));
    }
    Page { files, ..page_of(&object, notes, spec) }
}

/// Whose parts of the service are, where they are not the manifest's.
fn owners(live: &Service) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |text: &str| notes.push(text.to_owned());
    if live.managed_by_ecs {
        note("ECS owns this service and its load balancing (Express Mode or a gateway), so nothing more is written.");
    }
    if live.status == ServiceStatus::Draining {
        note("It is being deleted (DRAINING).");
    }
    match live.controller {
        DeploymentController::Ecs => {}
        DeploymentController::CodeDeploy => note(
            "CodeDeploy deploys it and owns its rule weights, load balancer configuration and revision. Desired count, \
             health checks and ingress can be managed here.",
        ),
        DeploymentController::External => {
            note("An EXTERNAL deployment controller owns its task sets, load balancer configuration and desired count.")
        }
    }
    let strategy = match live.strategy {
        Strategy::Rolling => None,
        Strategy::BlueGreen => Some("blue/green"),
        Strategy::Linear => Some("linear"),
        Strategy::Canary => Some("canary"),
    };
    if let Some(strategy) = strategy {
        let others = live.load_balancers.iter().filter_map(|entry| entry.advanced.as_ref());
        let others = others.filter_map(|advanced| advanced.alternate_target_group.as_ref());
        let others: Vec<&str> = others.map(|arn| arn.name()).collect();
        let also = if others.is_empty() {
            String::new()
        } else {
            format!(" The alternate target group ({}) is read from ECS and not written.", others.join(", "))
        };
        note(&format!("ECS deploys it {strategy} and owns the weights of its rules.{also}"));
    }
    if live.is_deploying() {
        note("A deployment was in progress when this was read.");
    }
    for classic in live.load_balancers.iter().filter_map(|entry| entry.classic.as_ref()) {
        note(&format!("It is also behind the Classic Load Balancer {classic}, which Portolan does not handle."));
    }
    notes
}

fn count(scene: &Scene<'_>, service: &DesiredService, live: &Service) -> Entry {
    if live.scheduling == Scheduling::Daemon {
        return Entry::note("No desiredCount: it is a DAEMON, one task on every instance.");
    }
    if live.controller == DeploymentController::External {
        return Entry::note(format!(
            "No desiredCount ({} now): its deployment controller sets it.",
            live.desired_count
        ));
    }
    debug_assert_eq!(
        scene.outline.fleet.autoscaling,
        Autoscaling::Check,
        "an outline lets scalable targets be asked for"
    );
    match scene.observed.scalable_target(&service.id) {
        Seen::Absent => Entry::word("desiredCount", live.desired_count),
        Seen::Present(target) => {
            let pause = if target.suspended { "; its scaling is suspended now" } else { "" };
            Entry::note(format!(
                "No desiredCount ({} now): Application Auto Scaling keeps it between {} and {}{pause}.",
                live.desired_count, target.min, target.max
            ))
        }
        Seen::Unknown(_) => Entry::note(format!(
            "desiredCount is left out ({} now): whether it is autoscaled could not be read.",
            live.desired_count
        )),
    }
}

fn network(scene: &Scene<'_>, service: &DesiredService, live: &Service) -> Option<Entry> {
    let definition = scene.observed.task_definition(&live.task_definition).present();
    let keys = port::target_groups(scene, service);
    let mut fields = Vec::new();
    match definition.map(|definition| definition.network_mode) {
        Some(NetworkMode::None) => fields.push(Entry::note("Network mode none: its tasks cannot be reached.")),
        Some(mode) => fields.push(Entry::word("mode", mode)),
        None => fields.push(Entry::note("The network mode could not be read.")),
    }
    let vpc = scene.vpc_of(&keys);
    match (&live.network, vpc) {
        (Some(awsvpc), Some(vpc)) => fields.extend(awsvpc_fields(scene, vpc, awsvpc, &keys)),
        (Some(_), None) => fields.push(Entry::note("subnets and securityGroups are left out: their VPC is not known.")),
        (None, vpc) => fields.extend(instance_fields(scene, service, definition, vpc, &keys)),
    }
    Some(Entry::field("network", Value::Map(fields)))
}

fn awsvpc_fields(scene: &Scene<'_>, vpc: &VpcId, awsvpc: &Awsvpc, keys: &[String]) -> Vec<Entry> {
    let subnets = scene.observed.subnets.as_ref().present();
    let elsewhere =
        |id: &SubnetId| subnets.is_some_and(|all| all.iter().any(|subnet| subnet.id == *id && subnet.vpc != *vpc));
    if awsvpc.subnets.iter().any(elsewhere) {
        return vec![Entry::note(format!(
            "subnets and securityGroups are left out: they are not in {vpc}, where a manifest looks for this service's names."
        ))];
    }
    let mut fields =
        vec![Entry::texts("subnets", sorted(awsvpc.subnets.iter().map(|id| names::subnet(scene.observed, vpc, id))))];
    if awsvpc.security_groups.is_empty() {
        fields.push(Entry::note("No securityGroups: its tasks have the VPC's default group."));
    }
    fields.extend(groups(scene, vpc, &awsvpc.security_groups, keys));
    fields
}

/// bridge and host: the groups that the instances have in common, which are only checked.
fn instance_fields(
    scene: &Scene<'_>,
    service: &DesiredService,
    definition: Option<&TaskDefinition>,
    vpc: Option<&VpcId>,
    keys: &[String],
) -> Vec<Entry> {
    let on_instances =
        definition.is_some_and(|definition| matches!(definition.network_mode, NetworkMode::Bridge | NetworkMode::Host));
    if !on_instances || keys.is_empty() {
        return Vec::new();
    }
    let found = groups_of_instances(scene.observed, &service.id).filter(|groups| !groups.is_empty());
    match (found, vpc) {
        (Some(found), Some(vpc)) => groups(scene, vpc, &found, keys),
        _ => vec![Entry::note(
            "securityGroups is left out: no instance that runs its tasks is known, or these instances have no group in common. \
             List the instances' groups to let Portolan derive ingress from the load balancer.",
        )],
    }
}

fn groups(scene: &Scene<'_>, vpc: &VpcId, ids: &BTreeSet<GroupId>, keys: &[String]) -> Vec<Entry> {
    if ids.is_empty() {
        return Vec::new();
    }
    let name = |id| names::security_group(&scene.given, vpc, id);
    let mut fields = vec![Entry::texts("securityGroups", sorted(ids.iter().map(name)))];
    if ids.len() > 1 && !keys.is_empty() {
        let (id, why) = ingress_group(scene, ids, keys);
        if let Some(id) = id {
            fields.push(Entry::text("ingressGroup", name(id)).with_note(why));
        }
    }
    fields
}

/// The group that gets derived ingress: the one that a load balancer of the service is let into today.
fn ingress_group<'a>(
    scene: &Scene<'_>,
    ids: &'a BTreeSet<GroupId>,
    keys: &[String],
) -> (Option<&'a GroupId>, &'static str) {
    let balancers = scene.observed.load_balancers.as_ref().present().into_iter().flatten();
    let arns: BTreeSet<_> =
        keys.iter().filter_map(|key| scene.live(key)).flat_map(|group| &group.load_balancers).collect();
    let sources: BTreeSet<&GroupId> = balancers
        .filter(|balancer| arns.contains(&balancer.arn))
        .flat_map(|balancer| &balancer.security_groups)
        .collect();
    let lets_in = |id: &&GroupId| {
        let rules = scene.observed.ingress_of(id).present();
        rules
            .into_iter()
            .flatten()
            .any(|rule| matches!(&rule.source, RuleSource::Group(from) if sources.contains(from)))
    };
    match ids.iter().find(lets_in) {
        Some(id) => (Some(id), "the group that gets ingress from load balancers: it allows one today"),
        None => {
            (ids.first(), "the group that gets ingress from load balancers; choose the one that only this service uses")
        }
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.collect()
}
