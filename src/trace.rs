//! `trace(desired, observed, …) -> Trace`: examines the path of every port mapping from listener to container,
//! reports the first broken hop with evidence, and states the fix and who can make it. Pure and total: no I/O, no clock.
//!
//! Reading order: [`path`] and [`hop`] have paths and hops as data; [`catalogue`] all known faults; [`finding`] one fault that was
//! found; `way` one path with everything that is known about it, `end` and `ends` where its requests arrive; then a file for each
//! hop, in their order; [`health`] compares the result with the health checks.
//!
//! A hop with a failed read is unknown, never ok. The first broken hop decides the verdict; later hops are examined as well.

mod answering;
mod application;
mod asked;
pub mod catalogue;
mod check_proof;
mod client;
mod clients_of_private_link;
mod closed_port;
mod egress;
mod end;
mod ends;
pub mod finding;
#[cfg(test)]
pub(crate) mod fixture;
pub mod health;
pub mod hop;
mod hop_id;
mod ingress;
mod kill_loop;
mod listener;
mod load_balancer;
mod needs;
mod network_acl;
pub mod path;
mod port_binding;
mod private_link;
mod progress;
mod receiver;
mod registration;
mod requests;
mod rule;
mod rule_findings;
mod rule_words;
mod service_wiring;
mod serving;
mod share;
mod shortage;
mod sibling;
mod standby;
mod target_group;
mod unknown_target;
mod unrouted;
mod way;
mod zone;

use jiff::Timestamp;

use crate::model::{Desired, Given, LoadBalancerArn, Observed, PathName};

pub use asked::Asked;
pub use finding::{Effect, Finding};
pub use health::Witness;
pub use hop::{Hop, HopId, State};
pub use needs::{Chosen, Subjects, trace_needs};
pub use path::{Path, Trace, Verdict};
pub use unrouted::Unrouted;

use hop::Examined;
use way::Way;

/// A function that examines a hop, with the results of the earlier hops.
type Examine = for<'a> fn(&Way<'a>, &[Hop]) -> Examined;

/// The hops in order.
const CHAIN: [(HopId, Examine); 12] = [
    (HopId::LoadBalancer, load_balancer::examine),
    (HopId::Listener, listener::examine),
    (HopId::Rule, share::examine),
    (HopId::TargetGroup, target_group::examine),
    (HopId::ServiceWiring, service_wiring::examine),
    (HopId::Registration, registration::examine),
    (HopId::AvailabilityZone, zone::examine),
    (HopId::LoadBalancerEgress, egress::examine),
    (HopId::NetworkAcl, network_acl::examine),
    (HopId::TargetSecurityGroup, ingress::examine),
    (HopId::PortBinding, port_binding::examine),
    (HopId::Application, application::examine),
];

/// Traces the paths of a fleet.
pub fn trace(desired: &Desired, observed: &Observed, asked: &Asked, now: Timestamp) -> Trace {
    let mut paths = Vec::new();
    each_path(desired, observed, asked, now, |path| paths.push(path));
    let unrouted = if paths.is_empty() && asked.request.is_some() {
        let given = Given::new(desired, observed);
        let of_asked = way::ways(&given, asked, now).filter(|way| is_of(way, asked));
        unrouted::unrouted(&of_asked.collect::<Vec<_>>(), asked)
    } else {
        Vec::new()
    };
    Trace { paths, unrouted }
}

/// As [`trace`], for callers that keep but little of each path: thousands of them with all their evidence take tens of megabytes.
pub fn each_path(desired: &Desired, observed: &Observed, asked: &Asked, now: Timestamp, take: impl FnMut(Path)) {
    let given = Given::new(desired, observed);
    let ways = way::ways(&given, asked, now).filter(|way| is_asked(way, asked));
    if asked.request.is_none() {
        return ways.map(|way| walk(&way.with_ends())).for_each(take);
    }
    first_of_each(ways.collect()).into_iter().map(|way| walk(&way.with_ends())).for_each(take);
}

/// A request is followed along the routes that are meant for it: of those that take it, the first at each listener.
fn first_of_each(ways: Vec<Way<'_>>) -> Vec<Way<'_>> {
    let place = |way: &Way<'_>| {
        let route = way.route.as_ref()?;
        let balancer = way.balancer().ok()?;
        Some((balancer.arn.clone(), route.listener, (route.default, route.priority)))
    };
    let places: Vec<_> = ways.iter().map(place).collect();
    type Place = (LoadBalancerArn, u16, (bool, Option<u32>));
    let is_first = |place: &Option<Place>| {
        let Some((arn, port, order)) = place else { return true };
        places.iter().flatten().all(|(other, at, known)| (other, at) != (arn, port) || known >= order)
    };
    let firsts: Vec<bool> = places.iter().map(is_first).collect();
    ways.into_iter().zip(firsts).filter(|(_, is_first)| *is_first).map(|(way, _)| way).collect()
}

fn is_asked(way: &Way<'_>, asked: &Asked) -> bool {
    let listener = way.route.as_ref().map(|route| route.listener);
    let by_listener = asked.listener.is_none() || asked.listener == listener;
    is_of(way, asked) && by_listener && may_take(way, asked)
}

/// Whether it is of the service and the port that are asked about.
fn is_of(way: &Way<'_>, asked: &Asked) -> bool {
    let service = way.service.map(|(service, _)| service.key.as_str());
    let port = way.service.map(|(_, port)| port.name.as_str());
    let fits = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
    fits(&asked.service, service) && fits(&asked.port, port)
}

/// A request is followed along the paths that are meant for it.
fn may_take(way: &Way<'_>, asked: &Asked) -> bool {
    match (&asked.request, &way.route) {
        (Some(request), Some(route)) => !matches!(route.conditions.takes(request), crate::model::Taken::No(_)),
        _ => true,
    }
}

fn walk(way: &Way<'_>) -> Path {
    let replaced = way.replaced();
    let standby = replaced.clone().or_else(|| way.standby());
    let mut hops: Vec<Hop> = Vec::with_capacity(CHAIN.len());
    let by_siblings = way.is_answered_by_siblings();
    for (id, examine) in CHAIN {
        if replaced.is_some() {
            let why = "another target group has taken its place".to_owned();
            hops.push(Hop { id, state: State::Skipped(why.clone()), evidence: why, findings: Vec::new() });
            continue;
        }
        let mut examined = examine(way, &hops);
        if by_siblings && sibling::is_passed_by(id) {
            examined = examined.answered_all_the_same();
        }
        let examined = examined.weighed(|targets| standby.is_some() || way.serves_without(targets));
        let Examined { state, evidence, findings, gap: _ } = examined;
        hops.push(Hop { id, state, evidence, findings });
    }
    let balancer = way.balancer().ok().map(|balancer| balancer.name.clone()).or(way.group.load_balancer.clone());
    let name = PathName {
        load_balancer: balancer,
        listener: way.route.as_ref().map(|route| route.listener),
        target_group: way.group.key.clone(),
        cluster: way.service.map(|(service, _)| service.id.cluster.clone()),
        service: way.service.map(|(service, _)| service.key.clone()),
        port: way.service.map(|(_, port)| port.name.clone()),
    };
    let mut path = Path { name, route: way.route.clone(), witness: health::witness(way, &hops), hops, standby };
    if !by_siblings {
        answering::never_reachable(way, &mut path);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::fixture::{
        PORT, Stand, TASKS, address, entry, forward, from_block, gap, listener_rule, paths, rule, serve,
    };
    use super::{HopId, State, Verdict};
    use crate::model::{PortRange, Seen, Serve, SubnetId, TargetState, TargetType};

    #[test]
    fn every_kind_of_fleet_is_sound_as_it_stands() {
        for (name, stand) in [
            ("fargate", Stand::sound()),
            ("network", Stand::behind_network()),
            ("instances", Stand::on_instances()),
            ("targets alone", Stand::without_service()),
        ] {
            let path = stand.path();
            assert_eq!(path.verdict(), Verdict::Reachable, "{name}: {path:#?}");
            assert_eq!(path.findings().count(), 0, "{name}");
            let order: Vec<HopId> = path.hops.iter().map(|hop| hop.id).collect();
            assert_eq!(order, HopId::ALL, "{name}");
        }
    }

    #[test]
    fn the_first_broken_hop_is_the_verdict_and_what_lies_behind_it_is_examined() {
        let mut stand = Stand::sound();
        stand.rules().clear();
        stand.ingress("sg-tasks").clear();
        stand.all_are(TargetState::Unhealthy, "Target.Timeout", "");
        let path = stand.path();
        assert_eq!(path.broken_hop().map(|hop| hop.id), Some(HopId::Rule));
        let broken: Vec<HopId> = path.hops.iter().filter(|hop| hop.state == State::Broken).map(|hop| hop.id).collect();
        assert_eq!(broken, [HopId::Rule, HopId::TargetSecurityGroup]);
        stand.observed.network_acls.clear();
        assert_eq!(stand.path().verdict(), Verdict::Broken, "an unknown hop does not heal a broken one");
    }

    #[test]
    fn one_unknown_hop_is_enough_to_prove_nothing() {
        let mut stand = Stand::sound();
        stand.observed.route_tables.insert("vpc-1".into(), Seen::Unknown(gap("ec2:DescribeRouteTables")));
        assert_eq!(stand.path().verdict(), Verdict::Unknown);
        assert_eq!(stand.trace().verdict(), Verdict::Unknown);
    }

    #[test]
    fn a_path_for_each_route_and_the_worst_is_the_verdict_of_all() {
        let mut stand = Stand::sound();
        let mut second = stand.wanted().routes.as_ref().expect("routes")[0].clone();
        second.conditions = paths(&["/cart/*"]);
        second.priority = Some(20);
        stand.wanted().routes.as_mut().expect("routes").push(second);
        let traced = stand.trace();
        let verdicts: Vec<Verdict> = traced.paths.iter().map(super::Path::verdict).collect();
        assert_eq!((verdicts, traced.verdict()), (vec![Verdict::Reachable, Verdict::Broken], Verdict::Broken));
        assert_eq!(traced.paths[0].name, traced.paths[1].name, "only their routes tell them apart");
        assert!(!traced.paths[0].is_same(&traced.paths[1]));
        assert!(traced.paths[0].is_same(&stand.trace().paths[0]));
    }

    #[test]
    fn what_is_closed_to_one_target_while_others_serve_only_degrades() {
        let by_acl = |stand: &mut Stand| stand.acl("acl-public").push(entry(50, true, false, "10.0.10.11/32", None));
        let by_ingress = |stand: &mut Stand| {
            stand.observed.ingress.insert("sg-other".into(), Seen::Present(Vec::new()));
            let interface = stand.observed.interfaces.get_mut(&address(TASKS[0]));
            let Some(Seen::Present(interface)) = interface else { panic!("an interface") };
            interface.security_groups = ["sg-other".into()].into();
        };
        let by_egress = |stand: &mut Stand| {
            *stand.egress("sg-lb") = vec![rule("sg-lb", Some(PortRange::one(PORT)), from_block("10.0.11.0/24"))];
        };
        type Close = fn(&mut Stand);
        let faults: [(Close, HopId, &str); 3] = [
            (by_acl, HopId::NetworkAcl, "M08"),
            (by_ingress, HopId::TargetSecurityGroup, "M01"),
            (by_egress, HopId::LoadBalancerEgress, "M02"),
        ];
        for (close, hop, code) in faults {
            let mut stand = Stand::sound();
            close(&mut stand);
            assert_eq!(stand.found(hop), [code]);
            assert_eq!(stand.path().verdict(), Verdict::Broken, "{code}: it gets requests still");
            stand.targets()[0].health.state = TargetState::Unhealthy;
            let path = stand.path();
            assert_eq!((path.verdict(), path.is_degraded()), (Verdict::Reachable, true), "{code}: the other serves");
            assert_eq!(stand.found(hop), [code]);
            stand.targets()[1].health.state = TargetState::Unhealthy;
            assert_eq!(stand.path().verdict(), Verdict::Broken, "{code}: none serves");
        }
    }

    #[test]
    fn where_no_route_is_declared_the_ways_that_stand_are_walked() {
        let mut stand = Stand::sound();
        stand.wanted().routes = None;
        stand.rules().push(listener_rule(20, paths(&["/cart/*"]), forward("targetgroup/shop/1")));
        stand.rules().push(listener_rule(30, paths(&["/other"]), forward("targetgroup/other/1")));
        stand.listeners()[0].default_actions = forward("targetgroup/shop/1");
        let routes: Vec<Option<u32>> =
            stand.trace().paths.into_iter().map(|path| path.route.and_then(|route| route.priority)).collect();
        assert_eq!(routes, [Some(10), Some(20), None]);
        assert_eq!(stand.trace().verdict(), Verdict::Reachable);
    }

    #[test]
    fn a_rule_whose_requests_are_all_redirected_is_no_way_of_its_own() {
        let mut stand = Stand::sound();
        stand.wanted().routes = None;
        stand.asked.is_manifest = false;
        let mut secure = stand.listeners()[0].clone();
        (secure.arn, secure.port) = ("listener/443".into(), 443);
        stand.listeners().push(secure);
        stand.ingress("sg-lb").push(rule("sg-lb", Some(PortRange::one(443)), from_block("0.0.0.0/0")));
        let rules = stand.rules().clone();
        stand.observed.rules.insert("listener/443".into(), Seen::Present(rules));
        stand.rules().push(listener_rule(
            1,
            paths(&["/*"]),
            serve(Serve::Redirect("https://#{host}:443/#{path}".to_owned())),
        ));
        let ports = |stand: &Stand| -> Vec<Option<u16>> {
            stand.trace().paths.into_iter().map(|path| path.name.listener).collect()
        };
        assert_eq!(ports(&stand), [Some(443)]);
        assert_eq!(stand.trace().verdict(), Verdict::Reachable);
        // A redirect of other requests leaves it as it is, and so does one where it is the only way.
        stand.rules()[1].conditions = paths(&["/cart/*"]);
        assert_eq!(ports(&stand), [Some(80), Some(443)]);
        stand.rules()[1].conditions = paths(&["/*"]);
        stand.listeners().truncate(1);
        assert_eq!(ports(&stand), [Some(80)]);
        assert_eq!(stand.found(HopId::Rule), ["M40"]);
    }

    #[test]
    fn without_a_manifest_the_hop_that_lacks_something_is_the_first_broken_one() {
        let mut stand = Stand::sound();
        stand.asked.is_manifest = false;
        stand.wanted().routes = None;
        stand.wanted().load_balancer = None;
        stand.rules().clear();
        stand.group().load_balancers.clear();
        assert_eq!(stand.path().broken_hop().map(|hop| hop.id), Some(HopId::Rule), "its only rule is gone");
        assert_eq!(stand.found(HopId::Rule), ["M37"]);
        assert_eq!(stand.hop(HopId::Rule).evidence, "no rule or default action forwards to shop");
        stand.observed.target_groups = Seen::Present(Vec::new());
        assert_eq!(stand.path().broken_hop().map(|hop| hop.id), Some(HopId::TargetGroup));
        assert_eq!(stand.found(HopId::TargetGroup), ["M34"]);
    }

    #[test]
    fn what_is_asked_about_alone_is_walked() {
        let mut stand = Stand::sound();
        for (service, port, walked) in [("shop", "http", 1), ("shop", "grpc", 0), ("cart", "http", 0)] {
            stand.asked.service = Some(service.to_owned());
            stand.asked.port = Some(port.to_owned());
            assert_eq!(stand.trace().paths.len(), walked, "{service}/{port}");
        }
        let mut stand = Stand::sound();
        stand.asked.listener = Some(443);
        assert_eq!(stand.trace().paths.len(), 0);
    }

    #[test]
    fn requests_end_at_running_tasks_at_declared_targets_or_where_tasks_would_be() {
        let mut stand = Stand::sound();
        *stand.egress("sg-lb") = vec![rule("sg-lb", None, from_block("10.0.10.0/25"))];
        stand.tasks().truncate(1);
        assert_eq!(stand.state(HopId::LoadBalancerEgress), "ok", "the one task is in there");
        stand.tasks()[0].status = "PROVISIONING".to_owned();
        assert_eq!(stand.found(HopId::LoadBalancerEgress), ["M02"], "the next one may come up anywhere");
        let mut stand = Stand::without_service();
        *stand.egress("sg-lb") = vec![rule("sg-lb", None, from_block("10.0.10.11/32"))];
        assert_eq!(stand.found(HopId::LoadBalancerEgress), ["M02"], "the other declared target");
    }

    #[test]
    fn what_filters_outside_of_the_vpc_cannot_be_seen() {
        let mut stand = Stand::without_service();
        let outside = super::fixture::key("192.168.7.7", PORT);
        stand.wanted().targets.as_mut().expect("targets").retain(|_| false);
        let target = crate::model::StaticTarget { key: outside.clone(), zone: Some("all".to_owned()) };
        stand.wanted().targets = Some(vec![target]);
        let health = stand.targets()[0].health.clone();
        *stand.targets() = vec![crate::model::Target { key: outside, zone: Some("all".to_owned()), health }];
        stand.observed.interfaces.insert(super::fixture::address("192.168.7.7"), Seen::Absent);
        assert_eq!(stand.state(HopId::TargetSecurityGroup), "skipped");
        assert_eq!(stand.path().verdict(), Verdict::Reachable);
    }

    #[test]
    fn client_addresses_are_kept_by_default_for_instances() {
        let mut stand = Stand::behind_network();
        stand.group().target_type = TargetType::Instance;
        assert_eq!(stand.found(HopId::TargetSecurityGroup), ["M12"], "and for what is not TCP");
        assert_eq!(stand.found(HopId::TargetGroup), ["M36"]);
        let mut stand = Stand::behind_network();
        stand.balancer().subnets = [SubnetId::from("public-a"), SubnetId::from("public-b")].into();
        assert_eq!(stand.state(HopId::TargetSecurityGroup), "ok", "not for addresses by TCP");
    }
}
