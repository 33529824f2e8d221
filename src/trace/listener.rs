//! Whether something listens on the declared port.

use super::catalogue::codes;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::way::{Lack, Way};

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let balancer = match way.balancer() {
        Ok(balancer) => balancer,
        Err(lack) => return lack.skip(),
    };
    if way.route.is_none() {
        if let Some(gap) = way.unread() {
            return Examined::unknown(gap);
        }
        return Examined::skipped("no rule or default action forwards to it");
    }
    match way.listener() {
        Ok(listener) => Examined::ok(format!("{} {} on {}", listener.protocol, listener.port, balancer.name)),
        Err(Lack::Unknown(gap)) => Examined::unknown(gap),
        Err(Lack::Missing(why)) => {
            let all = way.given.observed.listeners_of(&balancer.arn).present().into_iter().flatten();
            let ports: Vec<String> = all.map(|one| format!("{} {}", one.protocol, one.port)).collect();
            let there = if ports.is_empty() { "none".to_owned() } else { ports.join(", ") };
            Examined::broken(Finding::of(codes::NO_LISTENER, format!("{why}; it has {there}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, gap};
    use crate::model::{LoadBalancerArn, Seen};
    use crate::trace::HopId;

    const HOP: HopId = HopId::Listener;

    #[test]
    fn the_listener_of_the_declared_port_is_looked_for() {
        let mut stand = Stand::sound();
        assert_eq!(stand.hop(HOP).evidence, "HTTP 80 on public");
        stand.listeners()[0].port = 8443;
        assert_eq!(stand.found(HOP), ["M45"]);
        assert_eq!(stand.hop(HOP).evidence, "public has no listener on port 80; it has HTTP 8443");
        stand.listeners().clear();
        assert!(stand.hop(HOP).evidence.ends_with("it has none"));
    }

    #[test]
    fn what_was_not_read_is_not_missing() {
        let mut stand = Stand::sound();
        let unread = Seen::Unknown(gap("elasticloadbalancing:DescribeListeners"));
        stand.observed.listeners.insert(LoadBalancerArn::from("lb/public"), unread);
        assert_eq!(stand.state(HOP), "unknown");
        stand.wanted().routes = None;
        assert_eq!(stand.state(HOP), "unknown", "nor is a way that may stand");
    }

    #[test]
    fn without_a_way_in_there_is_nothing_to_look_for() {
        let mut stand = Stand::sound();
        stand.wanted().routes = None;
        stand.rules().clear();
        assert_eq!(stand.state(HOP), "skipped");
    }
}
