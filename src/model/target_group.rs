//! Target groups: protocol, health check, and which fields can never change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::address::AddressFamily;
use super::id::{LoadBalancerArn, TargetGroupArn, Transport, VpcId};
use super::owner::Tags;
use super::seen::Seen;

/// Attributes of a target group or load balancer by AWS's keys (`DescribeTargetGroupAttributes`,
/// `DescribeLoadBalancerAttributes`). Shared: there are some twenty of each, and a service that looks again and again has
/// them in several places.
pub type Attributes = Arc<BTreeMap<String, String>>;

/// Protocol of a target group, a listener or a health check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// `HTTP`
    Http,
    /// `HTTPS`
    Https,
    /// `TCP`
    Tcp,
    /// `TLS`
    Tls,
    /// `UDP`
    Udp,
    /// `TCP_UDP`
    TcpUdp,
    /// Anything else, as AWS writes it.
    Other(String),
}

impl Protocol {
    /// As ELBv2 writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Udp => "UDP",
            Self::TcpUdp => "TCP_UDP",
            Self::Other(text) => text,
        }
    }

    /// Reads ELBv2's spelling; case counts.
    pub fn parse(text: &str) -> Self {
        match text {
            "HTTP" => Self::Http,
            "HTTPS" => Self::Https,
            "TCP" => Self::Tcp,
            "TLS" => Self::Tls,
            "UDP" => Self::Udp,
            "TCP_UDP" => Self::TcpUdp,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The transports that it is carried by.
    pub fn transports(&self) -> &'static [Transport] {
        match self {
            Self::Http | Self::Https | Self::Tcp | Self::Tls => &[Transport::Tcp],
            Self::Udp => &[Transport::Udp],
            Self::TcpUdp => &[Transport::Tcp, Transport::Udp],
            Self::Other(text) => match text.as_str() {
                "QUIC" => &[Transport::Udp],
                "TCP_QUIC" => &[Transport::Tcp, Transport::Udp],
                _ => &[Transport::Tcp],
            },
        }
    }

    /// Whether an application load balancer speaks it.
    pub fn is_http(&self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Protocol version of an HTTP target group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtocolVersion {
    /// `HTTP1`, AWS's default.
    Http1,
    /// `HTTP2`
    Http2,
    /// `GRPC`
    Grpc,
    /// Anything else, as AWS writes it.
    Other(String),
}

impl ProtocolVersion {
    /// As ELBv2 writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Http1 => "HTTP1",
            Self::Http2 => "HTTP2",
            Self::Grpc => "GRPC",
            Self::Other(text) => text,
        }
    }

    /// Reads ELBv2's spelling; case counts.
    pub fn parse(text: &str) -> Self {
        match text {
            "HTTP1" => Self::Http1,
            "HTTP2" => Self::Http2,
            "GRPC" => Self::Grpc,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What a target group holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetType {
    /// EC2 instances: tasks in bridge or host mode.
    Instance,
    /// Addresses: tasks in awsvpc mode, and things outside ECS.
    Ip,
    /// `lambda` or `alb`: looked at, never managed.
    Other(String),
}

impl TargetType {
    /// As ELBv2 writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Instance => "instance",
            Self::Ip => "ip",
            Self::Other(text) => text,
        }
    }

    /// Reads ELBv2's spelling.
    pub fn parse(text: &str) -> Self {
        match text {
            "instance" => Self::Instance,
            "ip" => Self::Ip,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// The port that health checks go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthPort {
    /// `traffic-port`: each target's own.
    Traffic,
    /// The same number on every target.
    Fixed(u16),
}

impl fmt::Display for HealthPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traffic => f.write_str("traffic-port"),
            Self::Fixed(port) => write!(f, "{port}"),
        }
    }
}

/// The answer codes that count as healthy, as ELBv2 writes them (`200`, `200-299`, `200,202`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matcher {
    /// HTTP status codes.
    Http(String),
    /// gRPC status codes (0–99).
    Grpc(String),
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(codes) | Self::Grpc(codes) => f.write_str(codes),
        }
    }
}

/// A health check. Desired: `None` is unmanaged. Live: `None` is what AWS did not answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthCheck {
    /// `HTTP`, `HTTPS` or `TCP`.
    pub protocol: Option<Protocol>,
    /// Where it knocks.
    pub port: Option<HealthPort>,
    /// Path, or gRPC method.
    pub path: Option<String>,
    /// Codes that count as healthy.
    pub matcher: Option<Matcher>,
    /// Seconds between checks, 5–300.
    pub interval: Option<u32>,
    /// Seconds to wait for an answer, 2–120, below the interval.
    pub timeout: Option<u32>,
    /// Good answers in a row to become healthy, 2–10.
    pub healthy_threshold: Option<u32>,
    /// Bad answers in a row to become unhealthy, 2–10.
    pub unhealthy_threshold: Option<u32>,
}

/// A live target group (`DescribeTargetGroups`). Protocol, version, port, VPC and target type are immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: TargetGroupArn,
    /// Its name, unique in region and account, at most 32 characters.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// HTTP version; `None` for TCP and the like.
    pub protocol_version: Option<ProtocolVersion>,
    /// The default port of registrations that name none.
    pub port: Option<u16>,
    /// The VPC it is in.
    pub vpc: Option<VpcId>,
    /// What it holds.
    pub target_type: TargetType,
    /// The family of its targets' addresses (`IpAddressType`).
    pub family: AddressFamily,
    /// Its health check.
    pub health_check: HealthCheck,
    /// The load balancers whose rules forward to it; at most one on AWS.
    pub load_balancers: BTreeSet<LoadBalancerArn>,
    /// Its tags; unknown where they were not asked for.
    pub tags: Seen<Tags>,
}

/// The attribute that says whether targets see the addresses of clients.
pub const PRESERVE_CLIENT_IP: &str = "preserve_client_ip.enabled";

impl TargetGroup {
    /// Whether a network load balancer keeps the addresses of clients towards its targets. It always does for UDP; else the
    /// attribute decides, which is on by default for every target type but `ip` (ELBv2 `TargetGroupAttribute`).
    pub fn keeps_client_addresses(&self, attributes: &Attributes) -> bool {
        let by_default = self.target_type != TargetType::Ip;
        let written = attributes.get(PRESERVE_CLIENT_IP).map(|value| value == "true");
        self.always_keeps_client_addresses() || written.unwrap_or(by_default)
    }

    /// Whether AWS refuses to turn the attribute off.
    pub fn always_keeps_client_addresses(&self) -> bool {
        self.protocol.transports().contains(&Transport::Udp)
    }
}
