//! Attributes of a target group: those that are not at AWS's default, and the others as comments.

use crate::model::{Protocol, Seen, TargetGroup, TargetType};

use super::Scene;
use super::page::{Entry, Value};

/// Attributes to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attributes {
    /// Those that are not at AWS's default; the others are comments.
    #[default]
    Changed,
    /// All.
    All,
}

/// Above the attributes at their defaults.
const AT_DEFAULT: &str = "At AWS's defaults and not managed. To keep a value, uncomment its line and \"attributes:\" above it; \
                          init --attributes all writes every attribute.";

pub(super) fn attributes(scene: &Scene<'_>, live: &TargetGroup) -> Option<Entry> {
    let Seen::Present(attributes) = scene.observed.attributes_of(&live.arn) else { return None };
    let (mut changed, mut at_default, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in attributes.iter() {
        let field = Entry::field(key, Value::Scalar(super::scalar::quoted(value)));
        match (scene.options.attributes, default(key, live)) {
            (Attributes::All, _) => changed.push(field),
            (Attributes::Changed, Some(default)) if default == value => at_default.push(field.commented()),
            (Attributes::Changed, Some(_)) => changed.push(field),
            (Attributes::Changed, None) => unknown.push(field.commented()),
        }
    }
    for (list, note) in
        [(&mut at_default, AT_DEFAULT), (&mut unknown, "This version does not know the defaults of these.")]
    {
        if let Some(first) = list.first_mut() {
            first.notes.push(note.to_owned());
        }
    }
    let fields: Vec<Entry> = changed.into_iter().chain(at_default).chain(unknown).collect();
    (!fields.is_empty()).then(|| Entry::field("attributes", Value::Map(fields)))
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
