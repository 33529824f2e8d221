//! Attributes of target groups: which protocols have them, and the values that AWS takes (`TargetGroupAttribute` of the
//! ELBv2 API).

use super::target_group::Protocol;

/// The values that an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// A number in this range.
    Numbers(u32, u32),
    /// A number in this range, or this word.
    NumbersOr(u32, u32, &'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// Any text.
    Text,
}

/// The load balancers whose target groups have an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Target groups of protocol HTTP and HTTPS.
    Application,
    /// Target groups of protocol TCP, TLS, UDP and TCP_UDP.
    Network,
    /// All of these.
    Both,
}

const SWITCH: Values = Values::Words(&["true", "false"]);
const COOKIE_SECONDS: Values = Values::Numbers(1, 604_800);

/// The family and the values of an attribute; `None`: Portolan does not know the key, and AWS may.
pub fn known(key: &str) -> Option<(Family, Values)> {
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
        "stickiness.app_cookie.cookie_name" => (Application, Values::Text),
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

/// Whether AWS takes an attribute with this value on a target group of this protocol; `None`: the key or the protocol is
/// not known here.
pub fn is_taken(protocol: &Protocol, key: &str, value: &str) -> Option<bool> {
    let (family, _) = known(key)?;
    let is_application = match protocol {
        Protocol::Http | Protocol::Https => true,
        Protocol::Tcp | Protocol::Tls | Protocol::Udp | Protocol::TcpUdp => false,
        Protocol::Other(_) => return None,
    };
    let fits = match family {
        Family::Both => true,
        Family::Application => is_application,
        Family::Network => !is_application,
    };
    let is_datagram = matches!(protocol, Protocol::Udp | Protocol::TcpUdp);
    let is_refused = match (key, value) {
        ("stickiness.type", kind) => (kind == "source_ip") == is_application,
        ("stickiness.enabled", "true") => *protocol == Protocol::Tls,
        ("preserve_client_ip.enabled", "false") => is_datagram,
        ("target_health_state.unhealthy.connection_termination.enabled", "true") => is_datagram,
        _ => false,
    };
    Some(fits && !is_refused)
}

#[cfg(test)]
mod tests {
    use super::{Protocol, is_taken};

    #[test]
    fn values_go_with_the_protocol() {
        for (protocol, key, value, taken) in [
            (Protocol::Http, "stickiness.type", "app_cookie", Some(true)),
            (Protocol::Tcp, "stickiness.type", "app_cookie", Some(false)),
            (Protocol::Tcp, "stickiness.type", "source_ip", Some(true)),
            (Protocol::Https, "stickiness.type", "source_ip", Some(false)),
            (Protocol::Tls, "stickiness.enabled", "true", Some(false)),
            (Protocol::Tls, "stickiness.enabled", "false", Some(true)),
            (Protocol::Http, "preserve_client_ip.enabled", "true", Some(false)),
            (Protocol::Udp, "preserve_client_ip.enabled", "false", Some(false)),
            (Protocol::Tcp, "preserve_client_ip.enabled", "false", Some(true)),
            (Protocol::Tcp, "slow_start.duration_seconds", "30", Some(false)),
            (Protocol::Udp, "deregistration_delay.timeout_seconds", "30", Some(true)),
            (Protocol::Tcp, "an.attribute.of.tomorrow", "on", None),
            (Protocol::Other("GENEVE".to_owned()), "stickiness.enabled", "true", None),
        ] {
            assert_eq!(is_taken(&protocol, key, value), taken, "{protocol} {key} {value}");
        }
    }
}
