//! Attributes of a target group that are not as AWS sets them.

use crate::model::{Protocol, Seen, TargetGroup, TargetType};

use super::Scene;
use super::page::{Entry, Value};

pub(super) fn attributes(scene: &Scene<'_>, live: &TargetGroup) -> Vec<Entry> {
    let Seen::Present(attributes) = scene.observed.attributes_of(&live.arn) else { return Vec::new() };
    let mut fields = Vec::new();
    let mut unknown = Vec::new();
    for (key, value) in attributes.iter() {
        match default(key, live) {
            Some(default) if default == value => {}
            Some(_) => fields.push(Entry::field(key, Value::Scalar(super::scalar::quoted(value)))),
            None => unknown.push(format!("{key} {value}")),
        }
    }
    let mut entries = Vec::new();
    if !fields.is_empty() {
        entries.push(Entry::field("attributes", Value::Map(fields)));
    }
    if !unknown.is_empty() {
        entries.push(Entry::note(format!(
            "Attributes that this version knows no default of, left out: {}.",
            unknown.join(", ")
        )));
    }
    entries
}

/// What AWS sets where nobody says anything; `None` for what this version does not know.
fn default(key: &str, live: &TargetGroup) -> Option<&'static str> {
    let is_http = live.protocol.is_http();
    let is_udp = matches!(live.protocol, Protocol::Udp | Protocol::TcpUdp);
    let truth = |value: bool| Some(if value { "true" } else { "false" });
    match key {
        "deregistration_delay.timeout_seconds" => Some("300"),
        "deregistration_delay.connection_termination.enabled" => truth(is_udp),
        "load_balancing.algorithm.type" => Some("round_robin"),
        "load_balancing.algorithm.anomaly_mitigation" => Some("off"),
        "load_balancing.cross_zone.enabled" => Some("use_load_balancer_configuration"),
        "preserve_client_ip.enabled" => truth(is_udp || live.target_type == TargetType::Instance),
        "proxy_protocol_v2.enabled" | "stickiness.enabled" => truth(false),
        "slow_start.duration_seconds" => Some("0"),
        "stickiness.type" => Some(if is_http { "lb_cookie" } else { "source_ip" }),
        "stickiness.app_cookie.cookie_name" => Some(""),
        "stickiness.lb_cookie.duration_seconds" | "stickiness.app_cookie.duration_seconds" => Some("86400"),
        "target_group_health.dns_failover.minimum_healthy_targets.count"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count" => Some("1"),
        "target_group_health.dns_failover.minimum_healthy_targets.percentage"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage" => Some("off"),
        "target_health_state.unhealthy.connection_termination.enabled" => truth(true),
        "target_health_state.unhealthy.draining_interval_seconds" => Some("0"),
        _ => None,
    }
}
