//! Paths on which no request needs an answer, because the manifest or a weight of 0 says so.

use std::collections::BTreeSet;

use crate::model::owner::{MOVED_TAG, REPLACES_TAG};
use crate::model::{DesiredCount, Forward, LoadBalancerKind, Seen, Serve, Tags, TargetGroupArn};

use super::serving::Serving;
use super::way::{Way, names};

impl Way<'_> {
    /// Why no request of this path needs an answer; `None` if requests need one.
    pub(super) fn standby(&self) -> Option<String> {
        self.no_tasks_declared().filter(|_| self.serving() == Serving::Nothing).or_else(|| self.without_weight())
    }

    /// Why the target group is idle: without a manifest, no request is forwarded to it and the tags of a handover show that
    /// another target group replaced it.
    pub(super) fn replaced(&self) -> Option<String> {
        let is_idle = self.route.as_ref().is_none_or(|route| !route.default && route.conditions.is_parked());
        let group = self.live_group().ok().filter(|_| !self.is_declared && is_idle)?;
        let moved = |tags: &Seen<Tags>| {
            let tags = tags.as_ref().present()?;
            Some(tags.get(REPLACES_TAG)? == group.arn.as_str() && tags.contains_key(MOVED_TAG))
        };
        let observed = self.given.observed;
        let rules = observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten().map(|rule| &rule.tags);
        let groups = observed.target_groups.as_ref().present().into_iter().flatten().map(|group| &group.tags);
        let is_replaced = rules.chain(groups).any(|tags| moved(tags) == Some(true));
        is_replaced.then(|| {
            format!(
                "another target group replaced {}; it leaves the service when the requests in flight have ended",
                group.name
            )
        })
    }

    /// The manifest declares 0 tasks for the service, and the live desired count is 0.
    pub(super) fn no_tasks_declared(&self) -> Option<String> {
        let (service, _) = self.service?;
        let is_wish = match service.desired_count? {
            DesiredCount::Exact(count) => count == 0,
            DesiredCount::Band { min, .. } => min == 0,
        };
        let live = self.live_service().ok()?;
        let what = format!("the manifest declares 0 tasks for {}, so no request needs an answer", service.id);
        (is_wish && live.desired_count == 0 && live.running_count == 0).then_some(what)
    }

    /// No manifest declares a route, and the forward gives this target group weight 0 and all requests to healthy target
    /// groups: the idle target group of a blue/green pair.
    pub(super) fn without_weight(&self) -> Option<String> {
        let is_declared = self.is_declared && self.group.routes.as_ref().is_some_and(|routes| !routes.is_empty());
        let forward = self.naming_forward().filter(|_| !is_declared && self.receivers.is_empty())?;
        let others: BTreeSet<&TargetGroupArn> = forward.receivers().collect();
        let answer = !others.is_empty() && others.iter().all(|arn| self.serving_of(arn) == Serving::Healthy);
        let names: Vec<&str> = others.iter().map(|arn| arn.name()).collect();
        answer.then(|| format!("{} has weight 0; the requests go to {}", self.group.name, names.join(", ")))
    }

    /// The forward of the path's route that includes the target group, with any weight.
    fn naming_forward(&self) -> Option<&Forward> {
        let route = self.route.as_ref()?;
        let listener = self.listener().ok()?;
        let is_plain = self.balancer().is_ok_and(|balancer| balancer.kind != LoadBalancerKind::Application);
        let actions = if route.default || is_plain {
            &listener.default_actions
        } else {
            let rules = self.rules(listener).ok()?;
            &rules.into_iter().find(|rule| rule.conditions == route.conditions)?.actions
        };
        match &actions.serve {
            Serve::Forward(forward) if names(actions, &self.stand_ins) => Some(forward),
            Serve::Forward(_) | Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => None,
        }
    }
}
