//! Attributes of target groups. Keys that are not known here pass: AWS adds new ones.

use crate::manifest::document::TargetGroupSpec;
use crate::model::Protocol;
use crate::model::attribute::{Family, Values, is_taken, known};
use crate::yaml::{At, Problems, TextMap, quoted};

pub(super) fn check(spec: &TargetGroupSpec, problems: &mut Problems<'_>) {
    let Some(attributes) = &spec.attributes else { return };
    for (key, value) in &attributes.value {
        let Some((_, values)) = known(key) else {
            if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte)) {
                problems.add(value.at, format!("{} is not an attribute key", quoted(key)));
            }
            continue;
        };
        check_value(key, value, &values, problems);
        if let Some(protocol) = spec.protocol.as_ref().filter(|protocol| !is_of_family(key, protocol)) {
            let message = format!("{key}: a target group of protocol {} has no such attribute", protocol.value);
            problems.add(value.at, message);
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
        Values::Text => return,
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
        for algorithm in ["least_outstanding_requests", "weighted_random"] {
            if is("load_balancing.algorithm.type", algorithm) {
                problems.add(slow.at, format!("slow start cannot be combined with {algorithm}"));
            }
        }
    }
    if let Some(anomaly) = attributes.get("load_balancing.algorithm.anomaly_mitigation")
        && anomaly.value == "on"
        && attributes.contains_key("load_balancing.algorithm.type")
        && !is("load_balancing.algorithm.type", "weighted_random")
    {
        problems.add(anomaly.at, "anomaly mitigation needs the algorithm weighted_random");
    }
    check_stickiness(attributes, problems);
    if let Some(draining) = attributes.get("target_health_state.unhealthy.draining_interval_seconds")
        && draining.value != "0"
        && is("target_health_state.unhealthy.connection_termination.enabled", "true")
    {
        let hint = "set target_health_state.unhealthy.connection_termination.enabled to \"false\"";
        problems.add_hint(draining.at, "a draining interval cannot be combined with connection termination", hint);
    }
    let Some(protocol) = protocol else { return };
    for (key, message) in [
        ("stickiness.type", stickiness_types(protocol)),
        ("stickiness.enabled", "TLS target groups have no stickiness".to_owned()),
        ("preserve_client_ip.enabled", "UDP and TCP_UDP target groups always preserve the client's address".to_owned()),
        (
            "target_health_state.unhealthy.connection_termination.enabled",
            "connections to unhealthy targets of UDP and TCP_UDP target groups cannot be terminated".to_owned(),
        ),
    ] {
        // A key of the other family is reported as such.
        let is_of_family = is_of_family(key, protocol);
        if let Some(value) = attributes
            .get(key)
            .filter(|value| is_of_family && is_taken(protocol, key, value.value.as_str()) == Some(false))
        {
            problems.add(value.at, message);
        }
    }
}

/// Cookies need a name that is not one of AWS's own.
fn check_stickiness(attributes: &TextMap, problems: &mut Problems<'_>) {
    let is = |key: &str, wanted: &str| attributes.get(key).is_some_and(|value| value.value == wanted);
    let name = attributes.get("stickiness.app_cookie.cookie_name");
    if let Some(name) = name.filter(|name| name.value.starts_with("AWSALB")) {
        let message = format!("the cookie name {} is reserved", quoted(name));
        problems.add_hint(name.at, message, "the load balancer reserves names that begin with AWSALB");
    }
    if let Some(kind) = attributes.get("stickiness.type")
        && kind.value == "app_cookie"
        && !is("stickiness.enabled", "false")
        && name.is_none_or(|name| name.value.is_empty())
    {
        let hint = "add stickiness.app_cookie.cookie_name: the name of the cookie that the application sets";
        problems.add_hint(kind.at, "stickiness.type app_cookie needs the name of a cookie", hint);
    }
}

fn stickiness_types(protocol: &Protocol) -> String {
    let expected = if protocol.is_http() { "lb_cookie or app_cookie" } else { "source_ip" };
    format!("stickiness.type must be {expected} for protocol {protocol}")
}

fn is_of_family(key: &str, protocol: &Protocol) -> bool {
    known(key).is_some_and(|(family, _)| match family {
        Family::Both => true,
        Family::Application => protocol.is_http(),
        Family::Network => !protocol.is_http(),
    })
}
