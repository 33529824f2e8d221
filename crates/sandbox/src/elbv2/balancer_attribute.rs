//! Attributes of load balancers.

use std::collections::BTreeMap;

use super::attribute::{self, Attribute, Takes, clash};
use super::find;
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::State;

const BOTH: &[Attribute] = &[
    ("access_logs.s3.bucket", "", Takes::Text),
    ("access_logs.s3.enabled", "false", Takes::Flag),
    ("access_logs.s3.prefix", "", Takes::Text),
    ("deletion_protection.enabled", "false", Takes::Flag),
    ("ipv6.deny_all_igw_traffic", "false", Takes::Flag),
    ("load_balancing.cross_zone.enabled", "false", Takes::Flag),
    ("zonal_shift.config.enabled", "false", Takes::Flag),
];

const APPLICATION: &[Attribute] = &[
    ("client_keep_alive.seconds", "3600", Takes::Number(60, 604_800)),
    ("connection_logs.s3.bucket", "", Takes::Text),
    ("connection_logs.s3.enabled", "false", Takes::Flag),
    ("connection_logs.s3.prefix", "", Takes::Text),
    ("health_check_logs.s3.bucket", "", Takes::Text),
    ("health_check_logs.s3.enabled", "false", Takes::Flag),
    ("health_check_logs.s3.prefix", "", Takes::Text),
    ("idle_timeout.timeout_seconds", "60", Takes::Number(1, 4000)),
    ("routing.http.desync_mitigation_mode", "defensive", Takes::OneOf(&["monitor", "defensive", "strictest"])),
    ("routing.http.drop_invalid_header_fields.enabled", "false", Takes::Flag),
    ("routing.http.preserve_host_header.enabled", "false", Takes::Flag),
    ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", Takes::Flag),
    ("routing.http.xff_client_port.enabled", "false", Takes::Flag),
    ("routing.http.xff_header_processing.mode", "append", Takes::OneOf(&["append", "preserve", "remove"])),
    ("routing.http2.enabled", "true", Takes::Flag),
    ("waf.fail_open.enabled", "false", Takes::Flag),
];

const POLICIES: &[&str] =
    &["any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity"];

const NETWORK: &[Attribute] = &[
    ("dns_record.client_routing_policy", "any_availability_zone", Takes::OneOf(POLICIES)),
    ("secondary_ips.auto_assigned.per_subnet", "0", Takes::Number(0, 7)),
];

fn family(kind: &str) -> [&'static [Attribute]; 2] {
    [BOTH, if kind == "application" { APPLICATION } else { NETWORK }]
}

/// The attributes of a new load balancer.
pub fn defaults(kind: &str, scheme: &str) -> BTreeMap<String, String> {
    let mut all = attribute::defaults(family(kind).into_iter().flatten());
    let differing = [
        ("load_balancing.cross_zone.enabled", kind == "application"),
        ("ipv6.deny_all_igw_traffic", scheme == "internal"),
    ];
    all.extend(differing.map(|(key, value)| (key.to_owned(), value.to_string())));
    all
}

/// `DescribeLoadBalancerAttributes`.
pub fn describe(state: &State, input: Input) -> Answer {
    let balancer = find::load_balancer(state, find::need(input, "LoadBalancerArn")?)?;
    Ok(attribute::shown(&balancer.attributes))
}

/// `ModifyLoadBalancerAttributes`.
pub fn modify(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "LoadBalancerArn")?;
    let balancer = find::load_balancer(state, arn)?;
    let strange = |key: &str| {
        let message = format!("Load balancer attribute key '{key}' is not supported on type {}", balancer.kind);
        Refusal::new("InvalidConfigurationRequest", message)
    };
    let others = [APPLICATION, NETWORK];
    let merged = attribute::merged(input, &balancer.attributes, &family(&balancer.kind), &others, strange)?;
    check(balancer.is_application(), &merged)?;
    let answer = attribute::shown(&merged);
    if let Some(balancer) = state.load_balancers.get_mut(arn) {
        balancer.attributes = merged;
    }
    Ok(answer)
}

fn check(is_application: bool, attributes: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let is = |key: &str, value: &str| attributes.get(key).is_some_and(|standing| standing == value);
    if is_application && is("load_balancing.cross_zone.enabled", "false") {
        return Err(clash("Cross-zone load balancing cannot be turned off for an Application Load Balancer"));
    }
    for logs in ["access_logs", "connection_logs", "health_check_logs"] {
        if is(&format!("{logs}.s3.enabled"), "true") && is(&format!("{logs}.s3.bucket"), "") {
            return Err(clash(&format!("A bucket must be specified for {logs}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{balancer, done, network_balancer, refused, world};

    #[test]
    fn attributes_have_defaults_by_family_and_strange_ones_are_refused() {
        let mut world = world();
        let (web, net) = (balancer(&mut world, "web"), network_balancer(&mut world, "net"));
        let count = |answer: &serde_json::Value| answer["Attributes"].as_array().map(Vec::len);
        let described = done(&mut world, "DescribeLoadBalancerAttributes", json!({"LoadBalancerArn": web}));
        assert_eq!(count(&described), Some(23));
        assert_eq!(world.state.load_balancers[&net].attributes["load_balancing.cross_zone.enabled"], "false");
        for (arn, key, value, code) in [
            (&web, "no.such", "1", "ValidationError"),
            (&web, "idle_timeout.timeout_seconds", "4001", "ValidationError"),
            (&web, "load_balancing.cross_zone.enabled", "false", "InvalidConfigurationRequest"),
            (&net, "idle_timeout.timeout_seconds", "60", "InvalidConfigurationRequest"),
            (&web, "access_logs.s3.enabled", "true", "InvalidConfigurationRequest"),
        ] {
            let input = json!({"LoadBalancerArn": arn, "Attributes": [{"Key": key, "Value": value}]});
            assert_eq!(refused(&mut world, "ModifyLoadBalancerAttributes", input), code, "{key}");
        }
    }
}
