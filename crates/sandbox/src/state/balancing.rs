//! Elastic Load Balancing: load balancers, listeners, rules, target groups, targets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::Tags;

#[derive(Clone, Debug)]
pub struct LoadBalancer {
    pub arn: String,
    pub name: String,
    /// `application`, `network`
    pub kind: String,
    /// `internet-facing`, `internal`
    pub scheme: String,
    pub vpc: String,
    /// Interface by subnet.
    pub interfaces: BTreeMap<String, String>,
    pub groups: Vec<String>,
    /// Whether the groups filter the clients of AWS PrivateLink.
    pub filters_private_link: bool,
    /// `provisioning`, `active`
    pub status: String,
    pub created: Timestamp,
    pub attributes: BTreeMap<String, String>,
    pub tags: Tags,
}

impl LoadBalancer {
    /// Whether it is an application load balancer.
    pub fn is_application(&self) -> bool {
        self.kind == "application"
    }

    /// `app/<name>/<id>`
    pub fn path(&self) -> &str {
        self.arn.split_once("loadbalancer/").map_or(&self.arn, |(_, path)| path)
    }
}

#[derive(Clone, Debug)]
pub struct Listener {
    pub arn: String,
    pub load_balancer: String,
    pub port: u16,
    pub protocol: String,
    /// As AWS reads actions back.
    pub actions: Vec<Value>,
    pub certificates: Vec<String>,
    pub ssl_policy: Option<String>,
    /// ARN of the default rule.
    pub default_rule: String,
    pub tags: Tags,
}

/// A rule that is not the default one.
#[derive(Clone, Debug)]
pub struct Rule {
    pub arn: String,
    pub listener: String,
    pub priority: i64,
    /// As AWS reads them back: `Field`, `Values` and `…Config`.
    pub conditions: Vec<Value>,
    pub actions: Vec<Value>,
    pub transforms: Vec<Value>,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct TargetGroup {
    pub arn: String,
    pub name: String,
    pub protocol: String,
    /// `HTTP1`, `HTTP2`, `GRPC`
    pub protocol_version: Option<String>,
    pub port: u16,
    pub vpc: String,
    /// `ip`, `instance`
    pub target_type: String,
    pub health_check: HealthCheck,
    pub attributes: BTreeMap<String, String>,
    pub targets: BTreeMap<(String, u16), Target>,
    pub tags: Tags,
}

impl TargetGroup {
    /// Whether it is of the family of application load balancers.
    pub fn is_application(&self) -> bool {
        matches!(self.protocol.as_str(), "HTTP" | "HTTPS")
    }

    /// Seconds that a deregistered target drains.
    pub fn deregistration_delay(&self) -> i64 {
        self.attributes.get("deregistration_delay.timeout_seconds").and_then(|text| text.parse().ok()).unwrap_or(300)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub protocol: String,
    /// A number, or `traffic-port`.
    pub port: String,
    pub path: Option<String>,
    /// HTTP or gRPC codes.
    pub matcher: Option<String>,
    /// Seconds.
    pub interval: i64,
    pub timeout: i64,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
}

/// The state of a target with AWS's reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining`
    pub state: &'static str,
    pub reason: Option<&'static str>,
    pub description: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Target {
    pub id: String,
    pub port: u16,
    /// A zone's name, or `all`.
    pub zone: Option<String>,
    /// What the last checks came to; whether it is in use at all is derived when a call asks.
    pub health: Health,
    pub registered: Timestamp,
    /// It drains until then.
    pub draining_until: Option<Timestamp>,
    /// It was registered again while it drained.
    pub returns: bool,
    /// Checks that passed, or failed, in a row.
    pub passed: u32,
    pub failed: u32,
    /// Has passed a check since its registration.
    pub was_healthy: bool,
    /// ARN of the service whose task ECS registered.
    pub by_service: Option<String>,
}
