//! Which target groups get the requests of a path, and whether a target of each can answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Forward, Gap, LoadBalancerKind, RuleActions, Seen, Serve, Target, TargetGroupArn, TargetKey, TargetState,
};

use super::way::Way;

/// How a target group handles its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// They go to its healthy targets.
    Healthy,
    /// None is healthy, so they go to the unhealthy ones too.
    FailsOpen,
    /// No target is healthy or unhealthy yet: the first health checks are in progress.
    Initial,
    /// It could not be read.
    Unknown(Gap),
    /// No target gets any: none is registered, or all are draining or unused.
    Nothing,
}

impl Way<'_> {
    /// The target groups that get requests of this path and hold its tasks: of a blue/green pair, those with a weight. If no
    /// rule forwards here, all that count as the declared one.
    pub(super) fn serving_groups(&self) -> BTreeSet<TargetGroupArn> {
        let with_weight: BTreeSet<_> = self.stand_ins.iter().filter(|arn| self.receivers.contains_key(*arn)).collect();
        if with_weight.is_empty() { self.stand_ins.clone() } else { with_weight.into_iter().cloned().collect() }
    }

    /// Registrations in the target groups that get requests of this path.
    pub(super) fn serving_targets(&self) -> Vec<&Target> {
        let groups = self.serving_groups();
        let lists = groups.iter().filter_map(|arn| self.given.observed.targets_of(arn).present());
        lists.flatten().collect()
    }

    /// How a target group handles requests.
    pub(super) fn serving_of(&self, arn: &TargetGroupArn) -> Serving {
        let targets = match self.given.observed.targets_of(arn) {
            Seen::Present(targets) => targets.as_slice(),
            Seen::Absent => &[],
            Seen::Unknown(gap) => return Serving::Unknown(gap.clone()),
        };
        let has = |state: TargetState| targets.iter().any(|target| target.health.state == state);
        if has(TargetState::Healthy) {
            Serving::Healthy
        } else if has(TargetState::Unhealthy) {
            Serving::FailsOpen
        } else if has(TargetState::Initial) {
            Serving::Initial
        } else if has(TargetState::Unavailable) {
            let why = format!("target group {} has no health data", arn.name());
            Serving::Unknown(Gap { call: "elasticloadbalancing:DescribeTargetHealth".to_owned(), why })
        } else {
            Serving::Nothing
        }
    }

    /// The best result of the path's own target groups. [`super::share`] reports the others.
    pub(super) fn serving(&self) -> Serving {
        let rank = |serving: &Serving| match serving {
            Serving::Healthy => 0,
            Serving::FailsOpen => 1,
            Serving::Initial => 2,
            Serving::Unknown(_) => 3,
            Serving::Nothing => 4,
        };
        let all = self.serving_groups();
        all.iter().map(|arn| self.serving_of(arn)).min_by_key(rank).unwrap_or(Serving::Nothing)
    }

    /// Whether every request is answered without these targets: each target group that gets requests has healthy targets,
    /// and none of these is among them.
    pub(super) fn serves_without(&self, keys: &BTreeSet<TargetKey>) -> bool {
        let groups = self.serving_groups();
        let serves = |arn: &TargetGroupArn| {
            let targets = self.given.observed.targets_of(arn).present().into_iter().flatten();
            let mut healthy = targets.filter(|target| target.health.state == TargetState::Healthy).peekable();
            healthy.peek().is_some() && healthy.all(|target| !keys.contains(&target.key))
        };
        !groups.is_empty() && groups.iter().all(serves)
    }

    /// The forward that gets the requests of this path and includes its target group: the default action, or the rule with the
    /// path's conditions, otherwise the rule with its priority.
    fn forward(&self) -> Option<&Forward> {
        let route = self.route.as_ref()?;
        let listener = self.listener().ok()?;
        let is_plain = self.balancer().is_ok_and(|balancer| balancer.kind != LoadBalancerKind::Application);
        if route.default || is_plain {
            return leads_here(&listener.default_actions, &self.stand_ins);
        }
        let rules = self.rules(listener).ok()?;
        let ours: Vec<_> =
            rules.iter().filter_map(|rule| Some((rule, leads_here(&rule.actions, &self.stand_ins)?))).collect();
        let same = ours.iter().find(|(rule, _)| rule.conditions == route.conditions);
        let by_priority = || ours.iter().find(|(rule, _)| Some(rule.priority) == route.priority);
        same.or_else(by_priority).or(ours.first()).map(|(_, forward)| *forward)
    }

    /// The target groups of the forward and their weights; empty if no forward includes the path's target group.
    pub(super) fn weights(&self) -> BTreeMap<TargetGroupArn, u32> {
        let weights = self.forward().into_iter().flat_map(|forward| &forward.weights);
        weights.filter(|(_, weight)| **weight > 0).map(|(arn, weight)| (arn.clone(), *weight)).collect()
    }
}

fn leads_here<'a>(actions: &'a RuleActions, ours: &BTreeSet<TargetGroupArn>) -> Option<&'a Forward> {
    match &actions.serve {
        Serve::Forward(forward) if forward.receivers().any(|arn| ours.contains(arn)) => Some(forward),
        Serve::Forward(_) | Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => None,
    }
}
