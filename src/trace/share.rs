//! Weights: each share of the requests has to be answered, also the one that another target group gets.

use std::collections::BTreeMap;

use crate::model::{Gap, TargetGroupArn, TargetState};

use super::catalogue::Code;
use super::finding::Finding;
use super::hop::{Examined, Hop, State};
use super::rule;
use super::serving::Serving;
use super::way::Way;

/// The rule that takes the requests, and every target group that it shares them between.
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
        // Registration says why nothing answers.
        return examined;
    }
    let is_any_healthy = served.values().any(|serving| *serving == Serving::Healthy);
    let (mut findings, mut gap) = (Vec::new(), None);
    for (arn, serving) in served {
        let why = match serving {
            Serving::Healthy => continue,
            Serving::Nothing => nothing(way, arn),
            // Where none is healthy anywhere, the application hop says why.
            Serving::FailsOpen if !is_any_healthy => continue,
            Serving::FailsOpen => "all of its targets are unhealthy".to_owned(),
            Serving::Initial => {
                let why = format!("the targets of {} are in their first health checks", arn.name());
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
    let what = format!("{weight} of {all} requests go to target group {}, and {why}: they fail", arn.name());
    let mover = way.live_service().ok().filter(|_| way.stand_ins.contains(arn)).and_then(|live| live.traffic_mover());
    let fix = match mover {
        Some(owner) => {
            format!("{owner} owns these weights: let its deployment finish or roll back, so that it moves them")
        }
        None => format!("set the weight of {} to 0, or bring healthy targets into it", arn.name()),
    };
    Finding::of(Code(42), what).with_fix(fix)
}
