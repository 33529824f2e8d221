//! Fields of the manifest's objects, as changes name them. What reads a change matches on these and on no text.

use std::fmt;

use crate::shape::Path;

/// A field of an object. Its text is the path in the manifest, such as `healthCheck.path`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `desiredCount` of a service.
    DesiredCount,
    /// A member of a service with AWS's name.
    Member(Path),
    /// `network.subnets` of a service.
    Subnets,
    /// `network.assignPublicIp` of a service.
    AssignPublicIp,
    /// `network.securityGroups` of a service.
    SecurityGroups,
    /// The service's `loadBalancers` in AWS, where no port declares the entry any more.
    LoadBalancers,
    /// What the task definition maps for a port of a service, by the port's name.
    PortMapping(String),
    /// `targetGroups` of a port, by the port's name.
    PortTargetGroups(String),
    /// Ingress that is derived from the load balancers of a port, by the port's name.
    Ingress(String),
    /// `allowFrom` of a port, by the port's name.
    AllowFrom(String),
    /// `protocol` of a target group.
    Protocol,
    /// `protocolVersion` of a target group.
    ProtocolVersion,
    /// `port` of a target group.
    Port,
    /// `targetType` of a target group.
    TargetType,
    /// A field of a target group's `healthCheck`.
    HealthCheck(HealthCheckField),
    /// An attribute of a target group, by AWS's key.
    Attribute(String),
    /// A tag of a target group, by its key.
    Tag(String),
    /// `targets` of a target group, or its registrations.
    Targets,
    /// Where a route forwards to.
    Forward,
    /// The conditions of a route.
    Conditions,
    /// The priority of a route of the object itself.
    Priority,
    /// The priority of a route of a target group, by its key: several groups may move together.
    PriorityOf(String),
    /// Where a listener forwards to by default.
    DefaultForward,
    /// The rule that attaches a target group for a while.
    TemporaryRule,
    /// Where that rule forwards to.
    TemporaryForward,
}

/// A field of `healthCheck`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthCheckField {
    /// `protocol`
    Protocol,
    /// `port`
    Port,
    /// `path`
    Path,
    /// `matcher`
    Matcher,
    /// `interval`
    Interval,
    /// `timeout`
    Timeout,
    /// `healthyThreshold`
    HealthyThreshold,
    /// `unhealthyThreshold`
    UnhealthyThreshold,
}

impl HealthCheckField {
    fn as_str(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Port => "port",
            Self::Path => "path",
            Self::Matcher => "matcher",
            Self::Interval => "interval",
            Self::Timeout => "timeout",
            Self::HealthyThreshold => "healthyThreshold",
            Self::UnhealthyThreshold => "unhealthyThreshold",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DesiredCount => f.write_str("desiredCount"),
            Self::Member(path) => path.fmt(f),
            Self::Subnets => f.write_str("network.subnets"),
            Self::AssignPublicIp => f.write_str("network.assignPublicIp"),
            Self::SecurityGroups => f.write_str("network.securityGroups"),
            Self::LoadBalancers => f.write_str("loadBalancers"),
            Self::PortMapping(port) => write!(f, "ports.{port}.mapping"),
            Self::PortTargetGroups(port) => write!(f, "ports.{port}.targetGroups"),
            Self::Ingress(_) => f.write_str("ingress"),
            Self::AllowFrom(port) => write!(f, "ports.{port}.allowFrom"),
            Self::Protocol => f.write_str("protocol"),
            Self::ProtocolVersion => f.write_str("protocolVersion"),
            Self::Port => f.write_str("port"),
            Self::TargetType => f.write_str("targetType"),
            Self::HealthCheck(field) => write!(f, "healthCheck.{}", field.as_str()),
            Self::Attribute(key) => write!(f, "attributes.{key}"),
            Self::Tag(key) => write!(f, "tags.{key}"),
            Self::Targets => f.write_str("targets"),
            Self::Forward => f.write_str("forward"),
            Self::Conditions => f.write_str("conditions"),
            Self::Priority => f.write_str("priority"),
            Self::PriorityOf(key) => write!(f, "{key} priority"),
            Self::DefaultForward => f.write_str("default forward"),
            Self::TemporaryRule => f.write_str("temporary rule"),
            Self::TemporaryForward => f.write_str("temporary forward"),
        }
    }
}
