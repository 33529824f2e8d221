//! Attributes of target groups. Keys that are not known here pass: AWS adds new ones.

use crate::manifest::document::TargetGroupSpec;
use crate::model::Protocol;
use crate::yaml::{At, Problems, TextMap, quoted};

/// The values that an attribute takes.
enum Values {
    Numbers(u32, u32),
    /// A number out of the range, or this word.
    NumbersOr(u32, u32, &'static str),
    Words(&'static [&'static str]),
}

/// The load balancers that know an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Application,
    Network,
    Both,
}

const SWITCH: Values = Values::Words(&["true", "false"]);
const COOKIE_SECONDS: Values = Values::Numbers(1, 604_800);

fn known(key: &str) -> Option<(Family, Values)> {
    use Family::{Application, Both, Network};
    Some(match key {
        "deregistration_delay.timeout_seconds" => (Both, Values::Numbers(0, 3_600)),
        "deregistration_delay.connection_termination.enabled" => (Network, SWITCH),
        "load_balancing.algorithm.type" => {
            (Application, Values::Words(&["round_robin", "least_outstanding_requests", "weighted_random"]))
        }
        "load_balancing.algorithm.anomaly_mitigation" => (Application, Values::Words(&["on", "off"])),
        "load_balancing.cross_zone.enabled" => {
            (Both, Values::Words(&["true", "false", "use_load_balancer_configuration"]))
        }
        "preserve_client_ip.enabled" | "proxy_protocol_v2.enabled" => (Network, SWITCH),
        "slow_start.duration_seconds" => (Application, Values::Numbers(0, 900)),
        "stickiness.enabled" => (Both, SWITCH),
        "stickiness.type" => (Both, Values::Words(&["lb_cookie", "app_cookie", "source_ip"])),
        "stickiness.lb_cookie.duration_seconds" | "stickiness.app_cookie.duration_seconds" => {
            (Application, COOKIE_SECONDS)
        }
        "target_group_health.dns_failover.minimum_healthy_targets.count" => (Both, Values::NumbersOr(1, 1_000, "off")),
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count" => {
            (Both, Values::Numbers(1, 1_000))
        }
        "target_group_health.dns_failover.minimum_healthy_targets.percentage"
        | "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage" => {
            (Both, Values::NumbersOr(1, 100, "off"))
        }
        "target_health_state.unhealthy.connection_termination.enabled" => (Network, SWITCH),
        "target_health_state.unhealthy.draining_interval_seconds" => (Network, Values::Numbers(0, 360_000)),
        _ => return None,
    })
}

pub(super) fn check(spec: &TargetGroupSpec, problems: &mut Problems<'_>) {
    let Some(attributes) = &spec.attributes else { return };
    for (key, value) in &attributes.value {
        let Some((family, values)) = known(key) else {
            if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte)) {
                problems.add(value.at, format!("{} is not the key of an attribute", quoted(key)));
            }
            continue;
        };
        check_value(key, value, &values, problems);
        if let Some(protocol) = &spec.protocol {
            let application = protocol.is_http();
            if (family == Family::Application && !application) || (family == Family::Network && application) {
                let message = format!("{key}: a target group of protocol {} has no such attribute", protocol.value);
                problems.add(value.at, message);
            }
        }
    }
    check_together(attributes, spec.protocol.as_deref(), problems);
}

fn check_value(key: &str, value: &At<String>, values: &Values, problems: &mut Problems<'_>) {
    let number = |lowest: u32, highest: u32| {
        value.bytes().all(|byte| byte.is_ascii_digit())
            && value.parse::<u32>().is_ok_and(|number| (lowest..=highest).contains(&number))
    };
    let (good, expected) = match values {
        Values::Numbers(lowest, highest) => (number(*lowest, *highest), format!("{lowest} to {highest}")),
        Values::NumbersOr(lowest, highest, word) => {
            (number(*lowest, *highest) || value.value == *word, format!("{lowest} to {highest}, or {word}"))
        }
        Values::Words(words) => (words.contains(&value.as_str()), words.join(" or ")),
    };
    if !good {
        problems.add(value.at, format!("{key} must be {expected}, found {}", quoted(value)));
    }
}

fn check_together(attributes: &TextMap, protocol: Option<&Protocol>, problems: &mut Problems<'_>) {
    let is = |key: &str, wanted: &str| attributes.get(key).is_some_and(|value| value.value == wanted);
    if let Some(slow) = attributes.get("slow_start.duration_seconds").filter(|slow| slow.value != "0") {
        if slow.parse().is_ok_and(|seconds: u32| seconds < 30) {
            problems.add(slow.at, "slow_start.duration_seconds must be 0 (off) or 30 to 900");
        }
        if is("load_balancing.algorithm.type", "least_outstanding_requests") {
            problems.add(slow.at, "slow start does not go with least_outstanding_requests");
        }
    }
    if let Some(anomaly) = attributes.get("load_balancing.algorithm.anomaly_mitigation")
        && anomaly.value == "on"
        && attributes.contains_key("load_balancing.algorithm.type")
        && !is("load_balancing.algorithm.type", "weighted_random")
    {
        problems.add(anomaly.at, "anomaly mitigation goes with the algorithm weighted_random only");
    }
    if let (Some(kind), Some(protocol)) = (attributes.get("stickiness.type"), protocol)
        && (kind.value == "source_ip") == protocol.is_http()
    {
        let expected = if protocol.is_http() { "lb_cookie or app_cookie" } else { "source_ip" };
        problems.add(kind.at, format!("stickiness.type must be {expected} for protocol {protocol}"));
    }
    if let Some(preserve) = attributes.get("preserve_client_ip.enabled")
        && preserve.value == "false"
        && matches!(protocol, Some(Protocol::Udp | Protocol::TcpUdp))
    {
        problems.add(preserve.at, "UDP and TCP_UDP target groups always preserve the client's address");
    }
}
