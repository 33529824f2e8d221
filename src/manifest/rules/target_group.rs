//! A target group: its names, its protocol, and the parts that have rules of their own.

use super::name::{self, Elb};
use super::{Scene, attribute, health_check, route, target};
use crate::manifest::document::{TargetGroupDocument, TargetGroupSpec};
use crate::yaml::{At, Problems, quoted};

pub(super) fn check(group: &At<TargetGroupDocument>, scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let spec = &group.spec;
    let (key, fleet) = (&group.metadata.name, scene.fleet.as_ref());
    match &spec.name {
        Some(name) => name::check_elb(name, name.at, Elb::TargetGroup, fleet, problems),
        None if key.0.len() > 32 || key.0.contains('.') || key.0.starts_with('-') || key.0.ends_with('-') => {
            let message = format!("{} is not a valid target group name", quoted(&key.0));
            let hint = "set spec.name: at most 32 letters, digits and hyphens, no hyphen at either end";
            problems.add_hint(key.at, message, hint);
        }
        None => {}
    }
    if let Some(balancer) = &spec.load_balancer {
        name::check_elb(balancer, balancer.at, Elb::LoadBalancer, fleet, problems);
    }
    if let Some(vpc) = &spec.vpc {
        name::check_lookup(vpc, "vpc", problems);
    }
    check_version(spec, problems);
    health_check::check(spec, problems);
    attribute::check(spec, problems);
    route::check(spec, problems);
    target::check(spec, problems);
}

fn check_version(spec: &TargetGroupSpec, problems: &mut Problems<'_>) {
    if let (Some(version), Some(protocol)) = (&spec.protocol_version, &spec.protocol)
        && !protocol.is_http()
    {
        let message = format!("protocolVersion is only for HTTP and HTTPS, not for {}", protocol.value);
        problems.add_hint(version.at, message, "remove it");
    }
}
