//! A service.

use super::{Scene, definition, deployment, fleet, name, network, port, service_file};
use crate::manifest::document::{Count, ServiceDocument, ServiceSpec};
use crate::manifest::lower;
use crate::model::Registrar;
use crate::yaml::{At, Problems, quoted};

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
        network::check(network, spec, problems);
    }
    if let Some(rollout) = &spec.rollout
        && let (None, Some(on_timeout)) = (&rollout.timeout, &rollout.on_timeout)
        && scene.fleet.as_ref().is_none_or(|fleet| fleet.rollout.timeout.is_none())
    {
        problems.add_hint(on_timeout.at, fleet::NO_TIMEOUT, "write rollout.timeout, such as 30m");
    }
    check_target_group_count(spec, problems);
    if let (Some(file), Some(fleet)) = (&spec.file, &scene.fleet) {
        let own = lower::service(service, fleet);
        service_file::check(file, spec, &lower::without_file(service, fleet), problems);
        service_file::check_load_balancers(file, &own, |name| scene.target_group_called(name), problems);
    }
    port::check(spec, scene, problems);
    deployment::check(spec, problems);
    definition::check(spec, problems);
}

fn check_names(service: &At<ServiceDocument>, scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let spec = &service.spec;
    let key = &service.metadata.name;
    match &spec.name {
        Some(name) => name::check_ecs(name, name.at, "an ECS service", problems),
        None if key.0.contains('.') && spec.own_name().is_none() => {
            let message = format!("{} is not a valid ECS service name", quoted(&key.0));
            problems.add_hint(key.at, message, "set spec.name to the service's name");
        }
        None => {}
    }
    match (&spec.cluster, &scene.fleet) {
        (Some(cluster), _) => name::check_ecs(cluster, cluster.at, "a cluster", problems),
        (None, Some(fleet))
            if fleet.cluster.is_none() && spec.own_cluster().is_none() && !fleet_is_flawed(scene) && !spec.flawed =>
        {
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

fn check_target_group_count(spec: &ServiceSpec, problems: &mut Problems<'_>) {
    let ports = spec.ports.iter().flat_map(|ports| &ports.0);
    // ECS counts those of its own block; where Portolan registers, there is no such limit.
    let of_ecs = ports.filter(|port| port::registrar(port) == Registrar::Ecs);
    let mut listed = of_ecs.flat_map(|port| port.target_groups.iter().flat_map(|groups| &groups.value));
    if let Some(sixth) = listed.nth(MOST_TARGET_GROUPS) {
        problems.add(sixth.at, format!("a service has at most {MOST_TARGET_GROUPS} target groups"));
    }
}
