//! What a passing health check proves about requests, which may use another protocol or another port.

use crate::model::{HealthPort, Matcher, Protocol, TargetGroup};

/// What a target that passes its health check is known to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It answers on the port of requests, in their protocol.
    Answers,
    /// It speaks this protocol on the port of requests, which is not the target group's.
    Speaks(&'static str),
    /// Nothing about requests.
    Nothing,
}

/// What is proven about a target with this port that is healthy.
pub(super) fn proof(group: &TargetGroup, port: u16) -> Proof {
    use Protocol::{Http, Https, Tcp, TcpUdp, Tls, Udp};
    let check = &group.health_check;
    if matches!(check.port, Some(HealthPort::Fixed(fixed)) if fixed != port) {
        return Proof::Nothing;
    }
    let Some(by) = &check.protocol else { return Proof::Nothing };
    match (&group.protocol, by) {
        (Tcp, _) | (Http, Http) | (Https | Tls, Https) => Proof::Answers,
        (Http, Https) => Proof::Speaks("HTTPS"),
        // A server of TLS may answer plain HTTP with an error or a redirect, and never with success.
        (Https | Tls, Http) if takes_success_alone(check.matcher.as_ref()) => Proof::Speaks("HTTP"),
        (Https | Tls, _) | (Http, _) | (Udp | TcpUdp | Protocol::Other(_), _) => Proof::Nothing,
    }
}

/// Whether every code that counts as healthy is 2xx.
fn takes_success_alone(matcher: Option<&Matcher>) -> bool {
    let Some(Matcher::Http(codes)) = matcher else { return false };
    let is_success = |code: &str| code.trim().parse::<u16>().is_ok_and(|code| (200..300).contains(&code));
    codes.split([',', '-']).all(is_success)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{PORT, target_group};
    use super::{Proof, proof};
    use crate::model::{HealthPort, Matcher, Protocol, TargetGroup};

    fn group(protocol: &str, by: &str, codes: &str) -> TargetGroup {
        let mut group = target_group();
        group.protocol = Protocol::parse(protocol);
        group.health_check.protocol = Some(Protocol::parse(by));
        group.health_check.matcher = Some(Matcher::Http(codes.to_owned()));
        group
    }

    #[test]
    fn a_check_proves_the_protocol_that_it_speaks() {
        for (protocol, by, codes, wanted) in [
            ("HTTP", "HTTP", "200", Proof::Answers),
            ("HTTPS", "HTTPS", "200-499", Proof::Answers),
            ("HTTPS", "HTTP", "200", Proof::Speaks("HTTP")),
            ("HTTPS", "HTTP", "200-299,204", Proof::Speaks("HTTP")),
            ("HTTPS", "HTTP", "200,400", Proof::Nothing),
            ("HTTPS", "HTTP", "200-399", Proof::Nothing),
            ("HTTP", "HTTPS", "200", Proof::Speaks("HTTPS")),
            ("TLS", "HTTPS", "200", Proof::Answers),
            ("TLS", "HTTP", "200", Proof::Speaks("HTTP")),
            ("TLS", "TCP", "200", Proof::Nothing),
            ("TCP", "TCP", "200", Proof::Answers),
            ("TCP", "HTTP", "200", Proof::Answers),
            ("UDP", "TCP", "200", Proof::Nothing),
            ("TCP_UDP", "TCP", "200", Proof::Nothing),
        ] {
            assert_eq!(proof(&group(protocol, by, codes), PORT), wanted, "{protocol} by {by} with {codes}");
        }
    }

    #[test]
    fn a_check_of_another_port_proves_nothing() {
        let mut group = group("HTTPS", "HTTP", "200");
        group.health_check.port = Some(HealthPort::Fixed(9090));
        assert_eq!(proof(&group, PORT), Proof::Nothing);
        group.health_check.port = Some(HealthPort::Fixed(PORT));
        assert_eq!(proof(&group, PORT), Proof::Speaks("HTTP"));
        group.health_check.protocol = None;
        assert_eq!(proof(&group, PORT), Proof::Nothing);
    }
}
