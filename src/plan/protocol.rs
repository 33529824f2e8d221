//! Which target groups a listener takes (ELBv2 `CreateListener`, `CreateRule`).

use crate::model::{Listener, Protocol, ProtocolVersion};

/// Why a listener refuses a target group of this protocol; `None`: it takes it, or AWS must say.
pub(super) fn refusal(listener: &Listener, protocol: &Protocol, version: Option<&ProtocolVersion>) -> Option<String> {
    let fits = match (&listener.protocol, protocol) {
        (Protocol::Http | Protocol::Https, Protocol::Http | Protocol::Https) => true,
        (Protocol::Tcp, Protocol::Tcp | Protocol::TcpUdp) => true,
        (Protocol::Tls, Protocol::Tcp | Protocol::Tls) => true,
        (Protocol::Udp, Protocol::Udp | Protocol::TcpUdp) => true,
        (Protocol::TcpUdp, Protocol::TcpUdp) => true,
        (Protocol::Other(_), _) | (_, Protocol::Other(_)) => true,
        (
            Protocol::Http | Protocol::Https | Protocol::Tcp | Protocol::Tls | Protocol::Udp | Protocol::TcpUdp,
            Protocol::Http | Protocol::Https | Protocol::Tcp | Protocol::Tls | Protocol::Udp | Protocol::TcpUdp,
        ) => false,
    };
    if !fits {
        let (port, own) = (listener.port, &listener.protocol);
        return Some(format!("listener {port} speaks {own}, which does not go with a target group of {protocol}"));
    }
    match version {
        Some(version @ (ProtocolVersion::Grpc | ProtocolVersion::Http2)) if listener.protocol == Protocol::Http => {
            Some(format!(
                "a target group of {} needs an HTTPS listener, and listener {} is HTTP",
                version.as_str(),
                listener.port
            ))
        }
        Some(ProtocolVersion::Grpc | ProtocolVersion::Http2 | ProtocolVersion::Http1 | ProtocolVersion::Other(_))
        | None => None,
    }
}
