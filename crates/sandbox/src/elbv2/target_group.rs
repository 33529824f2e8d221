//! Target groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::health_check::{self, Family};
use super::listing::{listed, selector};
use super::{find, group_attribute, limit, name, number, tag};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::routing;
use crate::state::{State, TargetGroup};

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

/// Whether a call asks for an existing target group. Attributes are not part of a creation.
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
    Ok(answer)
}

/// `DeleteTargetGroup`. One that is not there is deleted already.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "TargetGroupArn")?;
    match find::target_group(state, arn) {
        Err(refusal) if refusal.code == "TargetGroupNotFound" && find::is_own(state, arn) => return Ok(json!({})),
        found => found?,
    };
    if !routing::balancers_of(state, arn).is_empty() {
        let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(Refusal::new("ResourceInUse", message));
    }
    state.target_groups.remove(arn);
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{balancer, done, group, refused, world};

    fn input(name: &str, protocol: &str) -> Value {
        json!({"Name": name, "Protocol": protocol, "Port": "80", "VpcId": "vpc-1", "TargetType": "ip"})
    }

    fn with(mut input: Value, name: &str, value: Value) -> Value {
        input[name] = value;
        input
    }

    #[test]
    fn health_checks_read_back_with_the_defaults_of_their_family() {
        let mut world = world();
        let grpc = with(input("grpc", "HTTP"), "ProtocolVersion", json!("GRPC"));
        let mixed = with(input("mixed", "TCP"), "HealthCheckProtocol", json!("HTTP"));
        for (input, protocol, path, matcher, timeout) in [
            (input("http", "HTTP"), "HTTP", json!("/"), json!({"HttpCode": "200"}), 5),
            (grpc, "HTTP", json!("/AWS.ALB/healthcheck"), json!({"GrpcCode": "12"}), 5),
            (input("tcp", "TCP"), "TCP", Value::Null, Value::Null, 10),
            (mixed, "HTTP", json!("/"), json!({"HttpCode": "200-399"}), 6),
        ] {
            let made = done(&mut world, "CreateTargetGroup", input);
            let shown = &made["TargetGroups"][0];
            assert_eq!(shown["HealthCheckProtocol"], json!(protocol));
            assert_eq!((&shown["HealthCheckPath"], &shown["Matcher"]), (&path, &matcher));
            assert_eq!(shown["HealthCheckTimeoutSeconds"], json!(timeout));
            assert_eq!((&shown["HealthyThresholdCount"], &shown["UnhealthyThresholdCount"]), (&json!(5), &json!(2)));
        }
    }

    #[test]
    fn settings_that_aws_does_not_take_are_refused() {
        let mut world = world();
        for (name, value) in [
            ("Name", json!("x".repeat(33))),
            ("Port", json!("0")),
            ("Protocol", json!("SMTP")),
            ("VpcId", json!("vpc-0")),
            ("TargetType", json!("pod")),
            ("HealthCheckProtocol", json!("TCP")),
            ("HealthCheckEnabled", json!("false")),
            ("HealthCheckPath", json!("a")),
            ("HealthCheckIntervalSeconds", json!("5")),
            ("HealthCheckIntervalSeconds", json!("301")),
            ("HealthyThresholdCount", json!("1")),
            ("HealthCheckPort", json!("http")),
            ("Matcher", json!({"HttpCode": "500"})),
            ("Matcher", json!({"HttpCode": "299-200"})),
            ("Matcher", json!({"GrpcCode": "0"})),
        ] {
            let input = with(input("web", "HTTP"), name, value.clone());
            assert_eq!(refused(&mut world, "CreateTargetGroup", input), "ValidationError", "{name} {value}");
        }
        let tcp = with(input("tcp", "TCP"), "Matcher", json!({"HttpCode": "200"}));
        assert_eq!(refused(&mut world, "CreateTargetGroup", tcp), "ValidationError");
    }

    #[test]
    fn the_same_creation_twice_is_one_and_another_one_of_its_name_is_refused() {
        let mut world = world();
        let arn = group(&mut world, "web", "HTTP");
        assert_eq!(arn, group(&mut world, "web", "HTTP"));
        let other = with(input("web", "HTTP"), "Port", json!("81"));
        assert_eq!(refused(&mut world, "CreateTargetGroup", other), "DuplicateTargetGroupName");
        assert!(arn.contains(":targetgroup/web/"), "{arn}");
    }

    #[test]
    fn a_modified_check_keeps_what_is_left_out_and_follows_its_protocol() {
        let mut world = world();
        let arn = group(&mut world, "tcp", "TCP");
        let modify = |protocol: &str| json!({"TargetGroupArn": arn, "HealthCheckProtocol": protocol});
        let http = with(modify("HTTP"), "HealthCheckIntervalSeconds", json!("60"));
        let changed = done(&mut world, "ModifyTargetGroup", http);
        assert_eq!(changed["TargetGroups"][0]["HealthCheckPath"], json!("/"));
        let matched = with(modify("TCP"), "Matcher", json!({"HttpCode": "200"}));
        assert_eq!(refused(&mut world, "ModifyTargetGroup", matched), "ValidationError");
        let back = done(&mut world, "ModifyTargetGroup", modify("TCP"));
        let shown = &back["TargetGroups"][0];
        assert_eq!((&shown["Matcher"], &shown["HealthCheckIntervalSeconds"]), (&Value::Null, &json!(60)));
    }

    #[test]
    fn groups_are_found_by_one_selection_and_unknown_ones_are_named() {
        let mut world = world();
        let (web, arn) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let unwired = done(&mut world, "DescribeTargetGroups", json!({"LoadBalancerArn": web}));
        assert_eq!(unwired["TargetGroups"], json!([]));
        for (input, code) in [
            (json!({"Names": ["nope"]}), "TargetGroupNotFound"),
            (json!({"TargetGroupArns": [format!("{arn}0")]}), "TargetGroupNotFound"),
            (json!({"TargetGroupArns": ["web"]}), "ValidationError"),
            (json!({"Names": [""]}), "ValidationError"),
            (json!({"Names": ["web"], "LoadBalancerArn": web}), "ValidationError"),
        ] {
            assert_eq!(refused(&mut world, "DescribeTargetGroups", input.clone()), code, "{input}");
        }
        done(&mut world, "DeleteTargetGroup", json!({"TargetGroupArn": arn}));
        done(&mut world, "DeleteTargetGroup", json!({"TargetGroupArn": arn}));
    }

    #[test]
    fn attributes_and_tags_hold_to_their_bounds() {
        let mut world = world();
        let (arn, udp) = (group(&mut world, "web", "HTTP"), group(&mut world, "udp", "UDP"));
        assert_eq!(world.state.target_groups[&udp].attributes["preserve_client_ip.enabled"], "true");
        for (arn, key, value, code) in [
            (&arn, "deregistration_delay.timeout_seconds", "3601", "ValidationError"),
            (&arn, "slow_start.duration_seconds", "29", "ValidationError"),
            (&arn, "proxy_protocol_v2.enabled", "true", "InvalidConfigurationRequest"),
            (&udp, "preserve_client_ip.enabled", "false", "InvalidConfigurationRequest"),
            (&arn, "no.such", "", "ValidationError"),
        ] {
            let input = json!({"TargetGroupArn": arn, "Attributes": [{"Key": key, "Value": value}]});
            assert_eq!(refused(&mut world, "ModifyTargetGroupAttributes", input), code, "{key}");
        }
        let pair = |key: &str| json!({"Key": key, "Value": "v"});
        done(&mut world, "AddTags", json!({"ResourceArns": [arn], "Tags": [pair("a"), pair("b")]}));
        done(&mut world, "RemoveTags", json!({"ResourceArns": [arn], "TagKeys": ["a", "z"]}));
        let described = done(&mut world, "DescribeTags", json!({"ResourceArns": [arn]}));
        assert_eq!(described["TagDescriptions"], json!([{"ResourceArn": arn, "Tags": [pair("b")]}]));
        let twice = json!({"ResourceArns": [arn], "Tags": [pair("a"), pair("a")]});
        assert_eq!(refused(&mut world, "AddTags", twice), "DuplicateTagKeys");
        assert_eq!(refused(&mut world, "DescribeTags", json!({"ResourceArns": vec![&arn; 21]})), "ValidationError");
    }
}
