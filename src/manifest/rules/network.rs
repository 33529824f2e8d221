//! The network of a service.

use super::{check_once, name};
use crate::manifest::document::{NetworkSpec, ServiceSpec};
use crate::model::NetworkMode;
use crate::yaml::{At, Problems, quoted};

/// What `awsvpcConfiguration` takes.
const MOST_SUBNETS: usize = 16;
const MOST_GROUPS: usize = 5;

pub(super) fn check(network: &At<NetworkSpec>, spec: &ServiceSpec, problems: &mut Problems<'_>) {
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
