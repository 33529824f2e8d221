//! Values out of a closed set, spelled as AWS or ECS spell them. Case counts.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::decode::{Decode, text_of};
use super::hints;
use super::node::Node;
use super::problem::{Problems, quoted};
use crate::model::{
    Autoscaling, Mode, NetworkMode, Protocol, ProtocolVersion, Redeploy, Registrar, TargetType, Transport,
};

/// A value out of a closed set, as it is written.
pub(crate) trait Word: Clone + 'static {
    /// The set: spelling and meaning.
    fn words() -> Vec<(&'static str, Self)>;
}

impl<T: Word> Decode for T {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let words = T::words();
        let spellings: Vec<&str> = words.iter().map(|(spelling, _)| *spelling).collect();
        let text = text_of(node, name, &spellings.join(" or "), problems)?;
        let found = words.iter().find(|(spelling, _)| *spelling == text).map(|(_, word)| word.clone());
        if found.is_none() {
            let message = match spellings.as_slice() {
                [only] => format!("{name} must be {only}, found {}", quoted(text)),
                several => format!("{name} must be one of {}, found {}", several.join(", "), quoted(text)),
            };
            problems.push_hint(node.at, message, hints::wrong_word(name, text, &spellings));
        }
        found
    }
}

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

macro_rules! words {
    ($($type:ty { $($spelling:literal => $word:expr),* $(,)? })*) => {$(
        impl Word for $type {
            fn words() -> Vec<(&'static str, Self)> {
                vec![$(($spelling, $word)),*]
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "enum": [$($spelling),*]})
            }
        }
    )*};
}

words! {
    ApiVersion { "portolan.dev/v1alpha1" => Self }
    FleetKind { "Fleet" => Self }
    ServiceKind { "Service" => Self }
    TargetGroupKind { "TargetGroup" => Self }
    Mode { "enforce" => Self::Enforce, "observe" => Self::Observe }
    Redeploy { "deny" => Self::Deny, "allow" => Self::Allow }
    Autoscaling { "check" => Self::Check, "none" => Self::None }
    NetworkMode { "awsvpc" => Self::Awsvpc, "bridge" => Self::Bridge, "host" => Self::Host }
    Transport { "tcp" => Self::Tcp, "udp" => Self::Udp }
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
