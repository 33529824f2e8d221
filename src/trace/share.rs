//! Weights: every share of the requests needs an answer, also the share of another target group.

use std::collections::BTreeMap;

use crate::model::{Gap, TargetGroupArn, TargetState};

use super::catalogue::codes;
use super::finding::Finding;
use super::hop::{Examined, Hop, State};
use super::rule;
use super::serving::Serving;
use super::way::Way;

/// Examines the rule that matches the requests, and every target group that it distributes them to.
pub(super) fn examine(way: &Way<'_>, hops: &[Hop]) -> Examined {
    let examined = rule::examine(way, hops);
    if let (State::Broken, Some(why)) = (&examined.state, way.without_weight()) {
        return Examined::skipped(why);
    }
    if examined.state != State::Ok || way.receivers.len() < 2 {
        return examined;
    }
    let served: BTreeMap<&TargetGroupArn, Serving> =
        way.receivers.keys().map(|arn| (arn, way.serving_of(arn))).collect();
    let answers = |serving: &Serving| matches!(serving, Serving::Healthy | Serving::FailsOpen);
    if !served.values().any(answers) {
        // The registration hop reports why no target answers.
        return examined;
    }
    let is_any_healthy = served.values().any(|serving| *serving == Serving::Healthy);
    let (mut findings, mut gap) = (Vec::new(), None);
    for (arn, serving) in served {
        let why = match serving {
            Serving::Healthy => continue,
            Serving::Nothing => nothing(way, arn),
            // If no target is healthy in any group, the application hop reports why.
            Serving::FailsOpen if !is_any_healthy => continue,
            Serving::FailsOpen => "all of its targets are unhealthy".to_owned(),
            Serving::Initial => {
                let why = format!("the first health checks of the targets of {} are in progress", arn.name());
                gap = Some(Gap { call: "elasticloadbalancing:DescribeTargetHealth".to_owned(), why });
                continue;
            }
            Serving::Unknown(why) => {
                gap = Some(why);
                continue;
            }
        };
        findings.push(finding(way, arn, &why));
    }
    Examined::of(findings, gap, examined.evidence)
}

fn nothing(way: &Way<'_>, arn: &TargetGroupArn) -> String {
    let targets = way.given.observed.targets_of(arn).present().into_iter().flatten();
    let of = |state: TargetState| targets.clone().filter(|target| target.health.state == state).count();
    match (of(TargetState::Draining), of(TargetState::Unused)) {
        (0, 0) => "no target is registered in it".to_owned(),
        (draining, 0) => format!("all of its targets ({draining}) are draining"),
        (draining, unused) => format!("none of its targets is in use ({unused} unused, {draining} draining)"),
    }
}

fn finding(way: &Way<'_>, arn: &TargetGroupArn, why: &str) -> Finding {
    let all: u32 = way.receivers.values().sum();
    let weight = way.receivers.get(arn).copied().unwrap_or_default();
    let what = format!("target group {} gets {weight} of every {all} requests, but {why}, so they fail", arn.name());
    let mover = way.live_service().ok().filter(|_| way.stand_ins.contains(arn)).and_then(|live| live.traffic_mover());
    let fix = match mover {
        Some(owner) => {
            format!("{owner} controls these weights: wait until its deployment finishes or rolls back")
        }
        None => format!("set the weight of {} to 0, or register healthy targets in it", arn.name()),
    };
    Finding::of(codes::FORWARD_ELSEWHERE, what).with_fix(fix)
}
