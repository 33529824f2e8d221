//! Requests that reach the same container through another target group: one in which the service registers the same
//! container port, such as a target group that is about to be replaced.

use std::collections::BTreeSet;

use crate::model::{LoadBalancerKind, RuleActions, Serve, TargetGroupArn};

use super::hop::HopId;
use super::requests::{self, Goes, Requests};
use super::serving::Serving;
use super::way::Way;

/// Whether requests through another target group bypass this hop.
pub(super) fn is_passed_by(id: HopId) -> bool {
    match id {
        HopId::LoadBalancer | HopId::Listener | HopId::NetworkAcl => false,
        HopId::Rule
        | HopId::TargetGroup
        | HopId::ServiceWiring
        | HopId::Registration
        | HopId::AvailabilityZone
        | HopId::LoadBalancerEgress
        | HopId::TargetSecurityGroup
        | HopId::PortBinding
        | HopId::Application => true,
    }
}

impl Way<'_> {
    /// Whether the requests of the path's route go to other target groups in which the service registers the same container
    /// port, and each of them has a healthy target. What narrower rules of other routes match is not this path's.
    pub(super) fn is_answered_by_siblings(&self) -> bool {
        let siblings = self.siblings();
        let (Some(route), Ok(listener)) = (&self.route, self.listener()) else { return false };
        if siblings.is_empty() {
            return false;
        }
        let is_plain = self.balancer().is_ok_and(|balancer| balancer.kind != LoadBalancerKind::Application);
        if is_plain {
            return self.leads_to(&listener.default_actions, &siblings);
        }
        let Ok(rules) = self.rules(listener) else { return false };
        let leads_there = |actions: &RuleActions| self.leads_to(actions, &siblings);
        let of_route = requests::rules_of(self, listener, route);
        let is_answered = |one: &Requests| match requests::follow(
            self,
            &rules,
            &of_route,
            one,
            &listener.default_actions,
            &leads_there,
        ) {
            Goes::There(_) | Goes::Together(_) => true,
            Goes::Elsewhere(_) | Goes::Shadowed { .. } | Goes::Partly(_) | Goes::Open(_) => false,
        };
        let all = Requests::of(self, route);
        !all.is_empty() && all.iter().all(is_answered)
    }

    /// The other target groups in which the live service registers the declared container port.
    fn siblings(&self) -> BTreeSet<TargetGroupArn> {
        let (Some((container, port)), Ok(service)) = (self.container_port(), self.live_service()) else {
            return BTreeSet::new();
        };
        let is_its = |arn: &TargetGroupArn| self.stand_ins.contains(arn);
        let entries = service.load_balancers.iter();
        let entries = entries.filter(|entry| entry.container == container && entry.container_port == port);
        entries.filter_map(|entry| entry.target_group.clone()).filter(|arn| !is_its(arn)).collect()
    }

    fn leads_to(&self, actions: &RuleActions, siblings: &BTreeSet<TargetGroupArn>) -> bool {
        let Serve::Forward(forward) = &actions.serve else { return false };
        let answers = |arn: &TargetGroupArn| siblings.contains(arn) && self.serving_of(arn) == Serving::Healthy;
        forward.receivers().next().is_some() && forward.receivers().all(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, forward, listener_rule, paths, target_group};
    use crate::model::{Seen, TargetState};
    use crate::trace::{HopId, Verdict};

    /// The rule leads to another target group of the service, which has a healthy target.
    fn replaced() -> Stand {
        let mut stand = Stand::sound();
        let mut other = target_group();
        (other.arn, other.name) = ("targetgroup/shop-old/1".into(), "shop-old".to_owned());
        let Seen::Present(groups) = &mut stand.observed.target_groups else { panic!("target groups") };
        groups.push(other);
        let mut entry = stand.service().load_balancers[0].clone();
        entry.target_group = Some("targetgroup/shop-old/1".into());
        stand.service().load_balancers.push(entry);
        let targets = stand.targets().clone();
        stand.observed.targets.insert("targetgroup/shop-old/1".into(), Seen::Present(targets));
        stand.rules()[0].actions = forward("targetgroup/shop-old/1");
        stand
    }

    #[test]
    fn requests_that_another_target_group_of_the_same_port_answers_do_not_fail() {
        let mut stand = replaced();
        let path = stand.path();
        assert_eq!((path.verdict(), path.is_degraded()), (Verdict::Reachable, true));
        assert_eq!(stand.found(HopId::Rule), ["M42"]);
        stand.targets().clear();
        assert!(stand.path().is_degraded(), "it needs none of its own yet");
        let of_old = "targetgroup/shop-old/1".into();
        let Some(Seen::Present(targets)) = stand.observed.targets.get_mut(&of_old) else { panic!("targets") };
        targets.iter_mut().for_each(|target| target.health.state = TargetState::Unhealthy);
        assert_eq!(stand.path().verdict(), Verdict::Broken, "none of its targets is healthy");
        let mut stand = replaced();
        stand.service().load_balancers[1].container_port = 9090;
        assert_eq!(stand.path().verdict(), Verdict::Broken, "another port answers");
    }

    /// The rule hop asks the same question and gets the same answer.
    #[test]
    fn a_narrower_rule_takes_its_own_requests() {
        let elsewhere = || forward("targetgroup/other/1");
        let mut stand = replaced();
        stand.rules().insert(0, listener_rule(5, paths(&["/shop/a*"]), elsewhere()));
        assert!(stand.path().is_degraded(), "they are requests of another route");
        let mut sound = Stand::sound();
        sound.rules().insert(0, listener_rule(5, paths(&["/shop/a*"]), elsewhere()));
        assert_eq!(sound.state(HopId::Rule), "ok");
        for stand in [&mut stand, &mut sound] {
            stand.rules()[0].conditions = paths(&["/shop/"]);
            stand.rules().push(listener_rule(6, paths(&["/shop/?*"]), elsewhere()));
            assert_eq!(stand.path().verdict(), Verdict::Broken, "together they take everything");
        }
    }

    #[test]
    fn a_narrower_rule_of_the_route_itself_takes_requests_of_the_path() {
        let of_route = [
            ("portolan.dev/fleet".to_owned(), "harbour".to_owned()),
            ("portolan.dev/object".to_owned(), "TargetGroup/shop".to_owned()),
        ];
        for mut stand in [replaced(), Stand::sound()] {
            let mut own = listener_rule(5, paths(&["/shop/a*"]), forward("targetgroup/other/1"));
            own.tags = Seen::Present(of_route.clone().into());
            stand.desired.fleet.name = "harbour".to_owned();
            stand.rules().insert(0, own);
            assert_eq!(stand.path().verdict(), Verdict::Broken);
        }
    }

    /// The default action of a listener that others share, while its target group is replaced: before requests move, the
    /// old target group answers them.
    #[test]
    fn a_shared_default_action_is_degraded_before_requests_move() {
        let mut stand = replaced();
        let routes = stand.wanted().routes.as_mut().expect("routes");
        (routes[0].default, routes[0].priority) = (true, None);
        routes[0].conditions = paths(&[]);
        stand.listeners()[0].default_actions = forward("targetgroup/shop-old/1");
        *stand.rules() = vec![
            listener_rule(5, paths(&["/cart/*"]), forward("targetgroup/cart/1")),
            listener_rule(6, paths(&["/search"]), forward("targetgroup/search/1")),
        ];
        assert!(stand.path().is_degraded());
        stand.rules()[0].conditions = paths(&["*"]);
        assert_eq!(stand.path().verdict(), Verdict::Broken, "nothing is left for the default action");
    }

    #[test]
    fn what_keeps_clients_from_the_load_balancer_breaks_every_path() {
        let mut stand = replaced();
        stand.ingress("sg-lb").clear();
        assert_eq!(stand.path().verdict(), Verdict::Broken);
    }

    #[test]
    fn a_target_group_whose_place_another_one_has_taken_is_idle() {
        let mut stand = replaced();
        stand.asked.is_manifest = false;
        stand.wanted().routes = None;
        assert_eq!(stand.path().verdict(), Verdict::Broken, "nothing leads to it, and nobody says why");
        let tag = |moved: bool| {
            let replaces = [("portolan.dev/replaces".to_owned(), "targetgroup/shop/1".to_owned())];
            let at = moved.then(|| ("portolan.dev/moved".to_owned(), "2026-11-20T11:59:00Z".to_owned()));
            Seen::Present(replaces.into_iter().chain(at).collect())
        };
        stand.rules()[0].tags = tag(false);
        assert_eq!(stand.path().verdict(), Verdict::Broken, "requests have not moved yet");
        stand.rules()[0].tags = tag(true);
        let path = stand.path();
        assert_eq!((path.verdict(), path.findings().count()), (Verdict::Standby, 0));
    }
}
