//! Whether the load balancer's security groups allow outbound requests and health checks. Security groups are stateful:
//! responses need no rule.

use crate::model::{Passage, PortRange, Transport, passage};

use super::catalogue::codes;
use super::finding::{self, Finding, list};
use super::hop::{Examined, Hop};
use super::way::Way;

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let (balancer, ends) = match (way.balancer(), &way.ends) {
        (Ok(balancer), Ok(ends)) => (balancer, ends),
        (Err(lack), _) => return lack.skip(),
        (_, Err(lack)) => return lack.clone().skip(),
    };
    if balancer.security_groups.is_empty() {
        return Examined::skipped(format!("{} has no security groups", balancer.name));
    }
    if ends.is_empty() {
        return Examined::skipped("no target to check");
    }
    let rules = match way.given.observed.rules(&balancer.security_groups, true) {
        Ok(rules) => rules,
        Err(gap) => return Examined::unknown(gap),
    };
    let groups = list(&balancer.security_groups);
    let (mut findings, mut gap, mut by) = (Vec::<Finding>::new(), None, String::new());
    for end in ends {
        for (transport, port) in way.ports_of(end) {
            let is_check = (transport, port) == (Transport::Tcp, end.health_port);
            let what = if is_check && way.is_checked_apart(end) { "health checks" } else { "requests" };
            let (ports, lists) = (PortRange::one(port), &way.given.observed.prefix_lists);
            match passage(rules.iter().copied(), transport, ports, &end.peer(), lists) {
                Passage::Open(words) => by = words,
                Passage::Unknown(why) => gap = Some(why),
                // Without the interface its security groups are unknown, and a rule for one of them may allow the traffic.
                Passage::Closed if end.groups.is_err() => gap = end.groups.clone().err(),
                Passage::Closed => {
                    let code = if way.is_network() && is_check {
                        codes::HEALTH_CHECK_EGRESS_BLOCKED
                    } else {
                        codes::LOAD_BALANCER_EGRESS_BLOCKED
                    };
                    let evidence =
                        format!("no egress rule of {groups} allows {what} to {} ({transport} {port})", end.name);
                    finding::add(&mut findings, Finding::of(code, evidence).about_end(end));
                }
            }
        }
    }
    Examined::of(findings, gap, format!("{groups} allows it by rule {by}"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{PORT, Stand, from_block, from_group, rule};
    use crate::model::{HealthPort, PortRange, RuleSource, Seen};
    use crate::trace::HopId;

    const HOP: HopId = HopId::LoadBalancerEgress;

    fn to(source: RuleSource, port: u16) -> crate::model::IngressRule {
        rule("sg-lb", Some(PortRange::one(port)), source)
    }

    #[test]
    fn requests_must_be_let_out_to_every_target() {
        let mut stand = Stand::sound();
        assert_eq!(stand.state(HOP), "ok");
        *stand.egress("sg-lb") = vec![to(from_block("10.0.10.0/24"), PORT)];
        assert_eq!(stand.found(HOP), ["M02"], "the other task is in 10.0.11.0/24");
        stand.egress("sg-lb").push(to(from_block("10.0.11.0/24"), PORT));
        assert_eq!(stand.state(HOP), "ok", "rules add up");
        *stand.egress("sg-lb") = vec![to(from_group("sg-tasks"), PORT)];
        assert_eq!(stand.state(HOP), "ok");
        stand.egress("sg-lb").clear();
        assert_eq!(stand.found(HOP), ["M02"]);
    }

    #[test]
    fn health_checks_on_another_port_need_a_way_out_too() {
        let mut stand = Stand::sound();
        stand.group().health_check.port = Some(HealthPort::Fixed(9090));
        *stand.egress("sg-lb") = vec![to(from_group("sg-tasks"), PORT)];
        assert_eq!(stand.found(HOP), ["M02"]);
        assert!(stand.hop(HOP).evidence.contains("health checks to"), "{}", stand.hop(HOP).evidence);
        let mut stand = Stand::behind_network();
        stand.balancer().security_groups = ["sg-lb".into()].into();
        stand.group().health_check.port = Some(HealthPort::Fixed(9090));
        *stand.egress("sg-lb") = vec![to(from_group("sg-tasks"), PORT)];
        assert_eq!(stand.found(HOP), ["M13"], "a network load balancer's checks alone");
    }

    #[test]
    fn a_target_of_which_the_interface_is_not_known_may_carry_the_group() {
        let mut stand = Stand::sound();
        *stand.egress("sg-lb") = vec![to(from_group("sg-tasks"), PORT)];
        stand.observed.interfaces.clear();
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn a_prefix_list_counts_by_its_entries() {
        let mut stand = Stand::sound();
        *stand.egress("sg-lb") = vec![to(RuleSource::PrefixList("pl-1".to_owned()), PORT)];
        assert_eq!(stand.state(HOP), "unknown", "it was not read");
        let blocks = ["10.0.10.0/23"].map(super::super::fixture::block).into();
        stand.observed.prefix_lists.insert("pl-1".to_owned(), Seen::Present(blocks));
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn without_groups_nothing_filters() {
        assert_eq!(Stand::behind_network().state(HOP), "skipped");
        let mut stand = Stand::sound();
        stand.observed.egress.clear();
        assert_eq!(stand.state(HOP), "unknown");
    }
}
