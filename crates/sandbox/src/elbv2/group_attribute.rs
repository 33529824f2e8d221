//! Attributes of target groups.

use std::collections::BTreeMap;

use super::attribute::{self, Attribute, Takes, clash};
use super::{find, forward};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{State, TargetGroup};

const BOTH: &[Attribute] = &[
    ("deregistration_delay.timeout_seconds", "300", Takes::Number(0, 3600)),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration", Takes::OneOf(CROSS_ZONE)),
    ("stickiness.enabled", "false", Takes::Flag),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1", Takes::OffOr(1, 1000)),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", Takes::OffOr(1, 100)),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", Takes::Number(1, 1000)),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", Takes::OffOr(1, 100)),
];

const CROSS_ZONE: &[&str] = &["true", "false", "use_load_balancer_configuration"];
const ALGORITHMS: &[&str] = &["round_robin", "least_outstanding_requests", "weighted_random"];

const APPLICATION: &[Attribute] = &[
    ("load_balancing.algorithm.anomaly_mitigation", "off", Takes::OneOf(&["on", "off"])),
    ("load_balancing.algorithm.type", "round_robin", Takes::OneOf(ALGORITHMS)),
    ("slow_start.duration_seconds", "0", Takes::ZeroOr(30, 900)),
    ("stickiness.app_cookie.cookie_name", "", Takes::Text),
    ("stickiness.app_cookie.duration_seconds", "86400", Takes::Number(1, 604_800)),
    ("stickiness.lb_cookie.duration_seconds", "86400", Takes::Number(1, 604_800)),
    ("stickiness.type", "lb_cookie", Takes::OneOf(&["lb_cookie", "app_cookie"])),
];

const NETWORK: &[Attribute] = &[
    ("deregistration_delay.connection_termination.enabled", "false", Takes::Flag),
    ("preserve_client_ip.enabled", "true", Takes::Flag),
    ("proxy_protocol_v2.enabled", "false", Takes::Flag),
    ("stickiness.type", "source_ip", Takes::OneOf(&["source_ip"])),
    ("target_health_state.unhealthy.connection_termination.enabled", "true", Takes::Flag),
    ("target_health_state.unhealthy.draining_interval_seconds", "0", Takes::Number(0, 360_000)),
];

fn family(is_application: bool) -> [&'static [Attribute]; 2] {
    [BOTH, if is_application { APPLICATION } else { NETWORK }]
}

fn is_udp(protocol: &str) -> bool {
    matches!(protocol, "UDP" | "TCP_UDP")
}

/// The attributes of a new target group.
pub fn defaults(protocol: &str, target_type: &str) -> BTreeMap<String, String> {
    let is_application = matches!(protocol, "HTTP" | "HTTPS");
    let mut all = attribute::defaults(family(is_application).into_iter().flatten());
    if !is_application {
        let differing = [
            ("deregistration_delay.connection_termination.enabled", is_udp(protocol)),
            ("preserve_client_ip.enabled", target_type != "ip" || is_udp(protocol)),
            ("target_health_state.unhealthy.connection_termination.enabled", !is_udp(protocol)),
        ];
        all.extend(differing.map(|(key, value)| (key.to_owned(), value.to_string())));
    }
    all
}

/// `DescribeTargetGroupAttributes`.
pub fn describe(state: &State, input: Input) -> Answer {
    let group = find::target_group(state, find::need(input, "TargetGroupArn")?)?;
    Ok(attribute::shown(&group.attributes))
}

/// `ModifyTargetGroupAttributes`.
pub fn modify(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "TargetGroupArn")?;
    let group = find::target_group(state, arn)?;
    let strange = |key: &str| {
        let message = format!(
            "Target group attribute key '{key}' is not supported on a target group of protocol {}",
            group.protocol
        );
        Refusal::new("InvalidConfigurationRequest", message)
    };
    let others = [APPLICATION, NETWORK];
    let merged = attribute::merged(input, &group.attributes, &family(group.is_application()), &others, strange)?;
    check(group, &merged)?;
    let is_sticky = merged.get("stickiness.enabled").is_some_and(|on| on == "true");
    if is_sticky && forward::splits_without_stickiness(state, arn) {
        return Err(forward::needs_stickiness());
    }
    let answer = attribute::shown(&merged);
    if let Some(group) = state.target_groups.get_mut(arn) {
        group.attributes = merged;
    }
    Ok(answer)
}

fn check(group: &TargetGroup, attributes: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let value = |key: &str| attributes.get(key).map(String::as_str).unwrap_or_default();
    if group.is_application() { check_application(value) } else { check_network(&group.protocol, value) }
}

fn check_application<'a>(value: impl Fn(&str) -> &'a str) -> Result<(), Refusal> {
    let algorithm = value("load_balancing.algorithm.type");
    if value("slow_start.duration_seconds") != "0" && algorithm != "round_robin" {
        return Err(clash("Slow start is supported with the algorithm round_robin alone"));
    }
    if value("load_balancing.algorithm.anomaly_mitigation") == "on" && algorithm != "weighted_random" {
        return Err(clash("Anomaly mitigation is supported with the algorithm weighted_random alone"));
    }
    let cookie = value("stickiness.app_cookie.cookie_name");
    if cookie.starts_with("AWSALB") {
        return Err(Refusal::validation(format!("The cookie name '{cookie}' is reserved")));
    }
    let has_app_cookie = value("stickiness.enabled") == "true" && value("stickiness.type") == "app_cookie";
    if has_app_cookie && cookie.is_empty() {
        return Err(clash("A cookie name must be specified for stickiness of type app_cookie"));
    }
    Ok(())
}

fn check_network<'a>(protocol: &str, value: impl Fn(&str) -> &'a str) -> Result<(), Refusal> {
    let terminates = value("target_health_state.unhealthy.connection_termination.enabled") == "true";
    if is_udp(protocol) && value("preserve_client_ip.enabled") == "false" {
        return Err(clash("Client IP preservation cannot be turned off for UDP and TCP_UDP target groups"));
    }
    if is_udp(protocol) && terminates {
        return Err(clash("Connections to unhealthy targets of UDP and TCP_UDP target groups cannot be terminated"));
    }
    if terminates && value("target_health_state.unhealthy.draining_interval_seconds") != "0" {
        return Err(clash("A draining interval needs connection termination of unhealthy targets to be turned off"));
    }
    if protocol == "TLS" && value("stickiness.enabled") == "true" {
        return Err(clash("Stickiness is not supported on TLS target groups"));
    }
    Ok(())
}
