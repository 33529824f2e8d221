//! Requests that reach the same container through another target group: one in which the service registers the same
//! container port, such as a target group that is about to be replaced.

use std::collections::BTreeSet;

use crate::model::{Conditions, LoadBalancerKind, RequestSet, RuleActions, Serve, Share, TargetGroupArn};

use super::hop::HopId;
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
    /// Whether every request of the path's route goes to other target groups in which the service registers the same container
    /// port, and each of them has a healthy target.
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
        let share = |conditions: &Conditions, set: &RequestSet| match &self.asked.request {
            Some(request) => conditions.share_of_request(request, self.asked.client),
            None => conditions.share_of(set),
        };
        let is_answered = |set: &RequestSet| {
            for rule in &rules {
                match share(&rule.conditions, set) {
                    Share::None(_) => {}
                    Share::All => return self.leads_to(&rule.actions, &siblings),
                    Share::Some { .. } | Share::Unknown(_) if self.leads_to(&rule.actions, &siblings) => {}
                    // A narrower rule is no fault of a path, but what it takes is not answered by the service.
                    Share::Some { .. } | Share::Unknown(_) => return false,
                }
            }
            self.leads_to(&listener.default_actions, &siblings)
        };
        let sets = RequestSet::all_of(&route.conditions, self.asked.client);
        !sets.is_empty() && sets.iter().all(is_answered)
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
        let mut stand = replaced();
        let elsewhere = forward("targetgroup/other/1");
        stand.rules().insert(0, listener_rule(5, paths(&["/shop/a*"]), elsewhere));
        assert_eq!(stand.path().verdict(), Verdict::Broken, "some of the requests go elsewhere");
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
