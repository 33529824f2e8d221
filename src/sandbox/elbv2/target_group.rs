//! Target groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::health_check::{self, Family};
use super::listing::{listed, selector};
use super::{find, group_attribute, limit, name, number, tag};
use crate::sandbox::input::Input;
use crate::sandbox::refusal::{Answer, Refusal};
use crate::sandbox::routing;
use crate::sandbox::state::{State, TargetGroup};

/// `CreateTargetGroup`.
pub fn create(state: &mut State, input: Input) -> Answer {
    let wanted = read(state, input)?;
    if let Some(standing) = state.target_groups.values().find(|group| group.name == wanted.name) {
        if is_same(&wanted, standing) {
            return Ok(json!({"TargetGroups": [shown(state, standing)]}));
        }
        let message =
            format!("A target group with the same name '{}' exists, but with different settings", wanted.name);
        return Err(Refusal::new("DuplicateTargetGroupName", message));
    }
    if state.target_groups.len() >= limit::GROUPS {
        let message = format!("The maximum number of target groups '{}' has been reached", limit::GROUPS);
        return Err(Refusal::new("TooManyTargetGroups", message));
    }
    let id = state.ids.short();
    let arn = state.arn("elasticloadbalancing", &format!("targetgroup/{}/{id}", wanted.name));
    let made = TargetGroup { arn: arn.clone(), ..wanted };
    let answer = json!({"TargetGroups": [shown(state, &made)]});
    state.target_groups.insert(arn, made);
    state.version += 1;
    Ok(answer)
}

/// What a call asks for; it has no ARN yet.
fn read(state: &State, input: Input) -> Result<TargetGroup, Refusal> {
    let name = find::need(input, "Name")?.to_owned();
    name::check("target group", &name)?;
    let target_type = input.text("TargetType").unwrap_or("instance");
    if !matches!(target_type, "ip" | "instance") {
        return Err(Refusal::validation(format!("Target type '{target_type}' must be one of 'instance, ip'")));
    }
    if !matches!(input.text("IpAddressType"), None | Some("ipv4")) {
        return Err(Refusal::validation("The VPC has no IPv6 CIDR block: the IP address type must be ipv4"));
    }
    let protocol = find::need(input, "Protocol")?;
    if !matches!(protocol, "HTTP" | "HTTPS" | "TCP" | "TLS" | "UDP" | "TCP_UDP") {
        let words = "HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP";
        return Err(Refusal::validation(format!("Protocol '{protocol}' must be one of '{words}'")));
    }
    let version = version(input, protocol)?;
    let port = number::port(input, "Port")?.ok_or_else(|| Refusal::validation("A port must be specified"))?;
    let vpc = find::need(input, "VpcId")?;
    if !state.vpcs.contains_key(vpc) {
        return Err(Refusal::validation(format!("The VPC ID '{vpc}' is not found")));
    }
    let family = Family { protocol, version: version.as_deref(), target_type };
    Ok(TargetGroup {
        arn: String::new(),
        name,
        health_check: health_check::read(input, family, None)?,
        attributes: group_attribute::defaults(protocol, target_type),
        protocol: protocol.to_owned(),
        protocol_version: version,
        port,
        vpc: vpc.to_owned(),
        target_type: target_type.to_owned(),
        targets: BTreeMap::new(),
        tags: tag::read(input)?,
    })
}

/// Only HTTP comes in versions.
fn version(input: Input, protocol: &str) -> Result<Option<String>, Refusal> {
    let is_http = matches!(protocol, "HTTP" | "HTTPS");
    match input.text("ProtocolVersion") {
        None => Ok(is_http.then(|| "HTTP1".to_owned())),
        Some(version @ ("HTTP1" | "HTTP2" | "GRPC")) if is_http => Ok(Some(version.to_owned())),
        Some(version) => {
            let message = format!("Protocol version '{version}' is not supported for protocol '{protocol}'");
            Err(Refusal::validation(message))
        }
    }
}

/// Whether a call asks for what stands. Attributes are not part of a creation.
fn is_same(wanted: &TargetGroup, standing: &TargetGroup) -> bool {
    let identity = |group: &TargetGroup| {
        let TargetGroup { protocol, protocol_version, port, vpc, target_type, .. } = group.clone();
        (protocol, protocol_version, port, vpc, target_type)
    };
    identity(wanted) == identity(standing)
        && wanted.health_check == standing.health_check
        && wanted.tags == standing.tags
}

/// `DescribeTargetGroups`.
pub fn describe(state: &State, input: Input) -> Answer {
    let way = selector(input, &["LoadBalancerArn", "TargetGroupArns", "Names"])?;
    let found: Vec<&TargetGroup> = match way {
        None => state.target_groups.values().collect(),
        Some("LoadBalancerArn") => {
            let balancer = &find::load_balancer(state, find::need(input, "LoadBalancerArn")?)?.arn;
            let serves = |group: &&TargetGroup| routing::balancers_of(state, &group.arn).contains(balancer);
            state.target_groups.values().filter(serves).collect()
        }
        Some("Names") => input.texts("Names").into_iter().map(|name| by_name(state, name)).collect::<Result<_, _>>()?,
        Some(way) => {
            input.texts(way).into_iter().map(|arn| find::target_group(state, arn)).collect::<Result<_, _>>()?
        }
    };
    let shown = found.into_iter().map(|group| shown(state, group)).collect();
    listed(state, input, "TargetGroups", shown)
}

fn by_name<'a>(state: &'a State, name: &str) -> Result<&'a TargetGroup, Refusal> {
    let found = state.target_groups.values().find(|group| group.name == name);
    found.ok_or_else(|| find::Kind::TargetGroup.not_found(name))
}

/// `ModifyTargetGroup`: nothing but the health check can change.
pub fn modify(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "TargetGroupArn")?;
    let group = find::target_group(state, arn)?;
    let health_check = health_check::read(input, Family::of(group), Some(&group.health_check))?;
    let changed = TargetGroup { health_check, ..group.clone() };
    let answer = json!({"TargetGroups": [shown(state, &changed)]});
    state.target_groups.insert(arn.to_owned(), changed);
    state.version += 1;
    Ok(answer)
}

/// `DeleteTargetGroup`. One that is not there is deleted already.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "TargetGroupArn")?;
    match find::target_group(state, arn) {
        Err(refusal) if refusal.code == "TargetGroupNotFound" => return Ok(json!({})),
        found => found?,
    };
    if !routing::balancers_of(state, arn).is_empty() {
        let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(Refusal::new("ResourceInUse", message));
    }
    state.target_groups.remove(arn);
    state.version += 1;
    Ok(json!({}))
}

/// A target group as it is described.
fn shown(state: &State, group: &TargetGroup) -> Value {
    let check = &group.health_check;
    json!({
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "ProtocolVersion": group.protocol_version,
        "Port": group.port,
        "VpcId": group.vpc,
        "TargetType": group.target_type,
        "IpAddressType": "ipv4",
        "HealthCheckEnabled": true,
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        "HealthCheckPath": check.path,
        "HealthCheckIntervalSeconds": check.interval,
        "HealthCheckTimeoutSeconds": check.timeout,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
        "Matcher": health_check::shown_matcher(group),
        "LoadBalancerArns": routing::balancers_of(state, &group.arn),
    })
}
