//! A service and its network.

use super::{Scene, check_once, definition, deployment, fleet, name, port};
use crate::manifest::document::{Count, NetworkSpec, ServiceDocument, ServiceSpec};
use crate::model::{NetworkMode, Registrar};
use crate::yaml::{At, Problems, quoted};

/// What `awsvpcConfiguration` takes.
const MOST_SUBNETS: usize = 16;
const MOST_GROUPS: usize = 5;
/// What `loadBalancers` of a service takes.
const MOST_TARGET_GROUPS: usize = 5;

pub(super) fn check(service: &At<ServiceDocument>, scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let spec = &service.spec;
    check_names(service, scene, problems);
    if let Some(count) = &spec.desired_count
        && let Count::Band(band) = &count.value
        && band.min.0 > band.max.0
    {
        problems.add(count.at, format!("desiredCount: min {} is above max {}", band.min.0, band.max.0));
    }
    if let Some(network) = &spec.network {
        check_network(network, spec, problems);
    }
    if let Some(rollout) = &spec.rollout
        && let (None, Some(on_timeout)) = (&rollout.timeout, &rollout.on_timeout)
        && scene.fleet.as_ref().is_none_or(|fleet| fleet.rollout.timeout.is_none())
    {
        problems.add_hint(on_timeout.at, fleet::NO_TIMEOUT, "write rollout.timeout, such as 30m");
    }
    check_target_group_count(spec, problems);
    port::check(spec, scene, problems);
    deployment::check(spec, problems);
    definition::check(spec, problems);
}

fn check_names(service: &At<ServiceDocument>, scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let spec = &service.spec;
    let key = &service.metadata.name;
    match &spec.name {
        Some(name) => name::check_ecs(name, name.at, "an ECS service", problems),
        None if key.0.contains('.') => {
            let message = format!("{} is not a valid ECS service name", quoted(&key.0));
            problems.add_hint(key.at, message, "set spec.name to the service's name");
        }
        None => {}
    }
    match (&spec.cluster, &scene.fleet) {
        (Some(cluster), _) => name::check_ecs(cluster, cluster.at, "a cluster", problems),
        (None, Some(fleet)) if fleet.cluster.is_none() && !fleet_is_flawed(scene) && !spec.flawed => {
            let message = format!("Service {} has no cluster, and the Fleet sets none", quoted(&key.0));
            problems.add_hint(spec.at, message, "add cluster here, or to the Fleet for all services");
        }
        (None, _) => {}
    }
}

/// Whether the fleet's cluster may be absent because it was misspelt.
fn fleet_is_flawed(scene: &Scene<'_>) -> bool {
    scene.documents.fleet.as_ref().is_some_and(|fleet| fleet.flawed)
}

fn check_network(network: &At<NetworkSpec>, spec: &ServiceSpec, problems: &mut Problems<'_>) {
    let on_instances = match network.mode.as_ref().map(|mode| mode.value) {
        Some(mode @ (NetworkMode::Bridge | NetworkMode::Host)) => Some(mode),
        Some(NetworkMode::Awsvpc | NetworkMode::None) | None => None,
    };
    if let Some(subnets) = &network.subnets {
        check_once(&subnets.0, "subnets", problems);
        subnets.0.iter().for_each(|subnet| name::check_lookup(subnet, "subnets", problems));
        if subnets.0.len() > MOST_SUBNETS {
            problems.add(subnets.at, format!("{} subnets; ECS takes at most {MOST_SUBNETS}", subnets.0.len()));
        }
    }
    if let Some(mode) = on_instances {
        check_awsvpc_fields(network, mode.as_str(), problems);
    }
    let Some(groups) = &network.security_groups else {
        if let Some(group) = network.ingress_group.as_ref().filter(|_| !network.flawed) {
            let hint = "list the service's groups under securityGroups";
            problems.add_hint(group.at, "ingressGroup must be one of securityGroups", hint);
        }
        return;
    };
    check_once(&groups.0, "securityGroups", problems);
    groups.0.iter().for_each(|group| name::check_lookup(group, "securityGroups", problems));
    if groups.0.len() > MOST_GROUPS && on_instances.is_none() {
        problems.add(groups.at, format!("{} security groups; ECS takes at most {MOST_GROUPS}", groups.0.len()));
    }
    match &network.ingress_group {
        Some(group) if !groups.flawed && !groups.0.iter().any(|listed| listed.value == group.value) => {
            problems.add(group.at, format!("ingressGroup {} is not one of securityGroups", quoted(group)));
        }
        None if groups.0.len() > 1 && !network.flawed && has_target_groups(spec) => {
            let message =
                "several securityGroups but no ingressGroup: one of them must receive the load balancer's ingress";
            problems.add_hint(groups.at, message, format!("such as ingressGroup: {}", groups.0[0].value));
        }
        Some(_) | None => {}
    }
}

/// Reports what only tasks with a network interface of their own have.
pub(super) fn check_awsvpc_fields(network: &NetworkSpec, mode: &str, problems: &mut Problems<'_>) {
    if let Some(subnets) = &network.subnets {
        let hint = "remove them: such tasks use the subnets of their instances";
        problems.add_hint(subnets.at, format!("subnets are for awsvpc, not for {mode} mode"), hint);
    }
    if let Some(public) = &network.assign_public_ip {
        problems.add(public.at, format!("assignPublicIp is for awsvpc, not for {mode} mode"));
    }
}

fn has_target_groups(spec: &ServiceSpec) -> bool {
    let mut ports = spec.ports.iter().flat_map(|ports| &ports.0);
    ports.any(|port| port.target_groups.as_ref().is_some_and(|groups| !groups.is_empty()))
}

fn check_target_group_count(spec: &ServiceSpec, problems: &mut Problems<'_>) {
    let ports = spec.ports.iter().flat_map(|ports| &ports.0);
    // ECS counts those of its own block; where Portolan registers, there is no such limit.
    let of_ecs = ports.filter(|port| port::registrar(port) == Registrar::Ecs);
    let mut listed = of_ecs.flat_map(|port| port.target_groups.iter().flat_map(|groups| &groups.value));
    if let Some(sixth) = listed.nth(MOST_TARGET_GROUPS) {
        problems.add(sixth.at, format!("a service has at most {MOST_TARGET_GROUPS} target groups"));
    }
}
