//! Values out of a closed set, spelled as AWS or ECS spell them. Case counts.

use crate::model::{
    AppProtocol, Autoscaling, Mode, NetworkMode, OnTimeout, OtherContainers, Protocol, ProtocolVersion, Redeploy,
    Registrar, ServiceRemoval, ServingRemoval, TargetType, Transport,
};
use crate::yaml::words;

/// Health checks know fewer protocols than target groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckProtocol(pub Protocol);

/// What `authenticate` may say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Required;

/// `apiVersion`
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApiVersion;

/// `kind` of each document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FleetKind;
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceKind;
#[derive(Clone, Copy, Debug)]
pub(crate) struct TargetGroupKind;

/// `ENABLED` or `DISABLED`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switch(pub bool);

words! {
    Switch { "ENABLED" => Self(true), "DISABLED" => Self(false) }
    ApiVersion { "portolan.dev/v1alpha1" => Self }
    FleetKind { "Fleet" => Self }
    ServiceKind { "Service" => Self }
    TargetGroupKind { "TargetGroup" => Self }
    Mode { "enforce" => Self::Enforce, "observe" => Self::Observe }
    Redeploy { "deny" => Self::Deny, "allow" => Self::Allow }
    ServiceRemoval { "deny" => Self::Deny, "allow" => Self::Allow }
    OnTimeout { "report" => Self::Report, "stop" => Self::Stop }
    ServingRemoval { "deny" => Self::Deny, "allow" => Self::Allow }
    Autoscaling { "check" => Self::Check, "none" => Self::None }
    NetworkMode { "awsvpc" => Self::Awsvpc, "bridge" => Self::Bridge, "host" => Self::Host }
    AppProtocol { "http" => Self::Http, "http2" => Self::Http2, "grpc" => Self::Grpc }
    Transport { "tcp" => Self::Tcp, "udp" => Self::Udp }
    OtherContainers { "keep" => Self::Keep, "remove" => Self::Remove }
    Registrar { "ecs" => Self::Ecs, "portolan" => Self::Portolan }
    Required { "required" => Self }
    TargetType { "ip" => Self::Ip, "instance" => Self::Instance }
    ProtocolVersion { "HTTP1" => Self::Http1, "HTTP2" => Self::Http2, "GRPC" => Self::Grpc }
    Protocol {
        "HTTP" => Self::Http, "HTTPS" => Self::Https, "TCP" => Self::Tcp, "TLS" => Self::Tls, "UDP" => Self::Udp,
        "TCP_UDP" => Self::TcpUdp,
    }
    CheckProtocol {
        "HTTP" => Self(Protocol::Http), "HTTPS" => Self(Protocol::Https), "TCP" => Self(Protocol::Tcp),
    }
}
