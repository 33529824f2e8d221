//! A target group with its routes and static targets.

use crate::manifest::scalar::{Duration, Managed, NonEmpty};
use crate::manifest::words::{CheckProtocol, Required};
use crate::model::{HealthPort, Mode, Protocol, ProtocolVersion, TargetType};
use crate::yaml::{At, Number, Port, TextMap, document};

document! {
    /// The target group.
    struct TargetGroupSpec in "TargetGroup.spec" {
        /// The AWS name (at most 32 characters) or an ARN. Default: metadata.name.
        name as "name": Option<At<String>>,
        /// Name or ARN of its load balancer; a target group serves one.
        load_balancer as "loadBalancer": Option<At<String>>,
        /// Id or Name tag. Default: the fleet's.
        vpc as "vpc": Option<At<String>>,
        /// Mode of this object; observe overrides the fleet's enforce, never the reverse.
        mode as "mode": Option<At<Mode>>,
        /// Protocol towards the targets. Immutable on AWS.
        protocol as "protocol": Option<At<Protocol>>,
        /// HTTP version towards the targets. Immutable on AWS.
        protocol_version as "protocolVersion": Option<At<ProtocolVersion>>,
        /// Port of registrations that name none. Default on creation: the container port.
        port as "port": Option<At<Port>>,
        /// ip for awsvpc tasks, instance for bridge and host. Default on creation: what the network mode needs.
        target_type as "targetType": Option<At<TargetType>>,
        /// The health check; only declared fields are managed.
        health_check as "healthCheck": Option<At<HealthCheckSpec>>,
        /// Attributes by AWS's keys; values are text. Only declared ones are managed.
        attributes as "attributes": Option<At<TextMap>>,
        /// Routes from listeners. Empty: none.
        routes as "routes": Option<At<Managed<RouteSpec>>>,
        /// Static targets in addition to the tasks'. Empty: none.
        targets as "targets": Option<At<Managed<TargetSpec>>>,
    }
}

document! {
    /// A health check.
    struct HealthCheckSpec in "TargetGroup.spec.healthCheck" {
        /// Protocol of the check.
        protocol as "protocol": Option<At<CheckProtocol>>,
        /// Path, or gRPC method. HTTP and HTTPS checks only.
        #[schemars(example = "/healthz")]
        path as "path": Option<At<String>>,
        /// traffic-port, or the same port on every target.
        port as "port": Option<At<HealthPort>>,
        /// Codes that count as healthy: HTTP codes, or gRPC codes for protocolVersion GRPC. In quotes.
        #[schemars(example = "200-299")]
        matcher as "matcher": Option<At<String>>,
        /// Time between checks, 5s to 300s.
        interval as "interval": Option<At<Duration<5, 300>>>,
        /// Time to wait for an answer, 2s to 120s, below the interval.
        timeout as "timeout": Option<At<Duration<2, 120>>>,
        /// Good answers in a row to become healthy.
        healthy_threshold as "healthyThreshold": Option<At<Number<2, 10>>>,
        /// Bad answers in a row to become unhealthy.
        unhealthy_threshold as "unhealthyThreshold": Option<At<Number<2, 10>>>,
    }
}

document! {
    /// A route from a listener to the target group: each kind of condition must match, by any of its values.
    struct RouteSpec in "TargetGroup.spec.routes" {
        /// The listener's port.
        listener as "listener": At<Port>,
        /// The listener's default action instead of a rule. The only form on network load balancers.
        default as "default": Option<At<bool>>,
        /// Lowest wins; unique on the listener. Needed to create the rule.
        priority as "priority": Option<At<Number<1, 50_000>>>,
        /// Host names; * and ? match.
        hosts as "hosts": Option<At<NonEmpty<String>>>,
        /// Paths; * and ? match, case counts.
        paths as "paths": Option<At<NonEmpty<String>>>,
        /// Request methods.
        methods as "methods": Option<At<NonEmpty<String>>>,
        /// Request headers; all of them must match.
        headers as "headers": Option<At<NonEmpty<HeaderSpec>>>,
        /// Query parameters; any of them must match.
        query_strings as "queryStrings": Option<At<NonEmpty<QuerySpec>>>,
        /// Addresses that requests come from.
        source_ips as "sourceIps": Option<At<NonEmpty<String>>>,
        /// The rule must authenticate users before it forwards.
        authenticate as "authenticate": Option<At<Required>>,
    }
}

document! {
    /// A request header and its accepted values.
    struct HeaderSpec in "TargetGroup.spec.routes.headers" {
        /// The header.
        name as "name": At<String>,
        /// Accepted values; * and ? match.
        values as "values": At<NonEmpty<String>>,
    }
}

document! {
    /// A query parameter.
    struct QuerySpec in "TargetGroup.spec.routes.queryStrings" {
        /// The key. Absent: any.
        key as "key": Option<At<String>>,
        /// The value; * and ? match.
        value as "value": At<String>,
    }
}

document! {
    /// A static registration.
    struct TargetSpec in "TargetGroup.spec.targets" {
        /// Address, or instance id.
        #[schemars(example = "10.0.40.12")]
        address as "address": At<String>,
        /// The port.
        port as "port": At<Port>,
        /// all for addresses outside the VPC. Absent: AWS determines it.
        availability_zone as "availabilityZone": Option<At<String>>,
    }
}
