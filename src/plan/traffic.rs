//! R2a: no traffic moves to nothing. Who serves the requests that a step would take away, and does the action that
//! would get them have a healthy target?

use crate::model::{
    Conditions, Forward, Gap, ListenerArn, Observed, Owner, Rule, RuleActions, Seen, Serve, TargetGroupArn, TargetState,
};

use super::action::Ref;
use super::change::WaitingOn;
use super::overlap::may_overlap;

/// Whether an action serves requests now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// It does; the words say how.
    Yes(String),
    /// It does not: an empty or unhealthy target group, a fixed response.
    No,
    /// The health of its targets is not known.
    Unknown(Gap),
}

/// Whether a target group has a healthy target.
pub(super) fn has_healthy_target(observed: &Observed, arn: &TargetGroupArn) -> Seen<bool> {
    match observed.targets_of(arn) {
        Seen::Present(targets) => {
            Seen::Present(targets.iter().any(|target| target.health.state == TargetState::Healthy))
        }
        Seen::Absent => Seen::Present(false),
        Seen::Unknown(gap) => Seen::Unknown(gap),
    }
}

fn forward_serves(observed: &Observed, forward: &Forward) -> Serving {
    let mut unknown = None;
    for arn in forward.receivers() {
        match has_healthy_target(observed, arn) {
            Seen::Present(true) => {
                return Serving::Yes(format!("a forward to {}, which has a healthy target", arn.name()));
            }
            Seen::Present(false) | Seen::Absent => {}
            Seen::Unknown(gap) => unknown = Some(gap),
        }
    }
    unknown.map_or(Serving::No, Serving::Unknown)
}

/// Whether these actions serve requests now. A fixed response serves nothing here.
pub(super) fn serves(observed: &Observed, actions: &RuleActions) -> Serving {
    match &actions.serve {
        Serve::Forward(forward) => forward_serves(observed, forward),
        Serve::Redirect => Serving::Yes("a redirect".to_owned()),
        Serve::FixedResponse(_) => Serving::No,
        Serve::Other(kind) => Serving::Yes(format!("an action of kind {kind}")),
    }
}

/// As [`serves`]; what another fleet has marked always counts as serving.
pub(super) fn rule_serves(observed: &Observed, fleet: &str, rule: &Rule) -> Serving {
    match rule.tags.as_ref().present().map(|tags| Owner::of(tags, fleet)) {
        Some(Owner::AnotherFleet(other)) => Serving::Yes(format!("a rule of fleet {other}")),
        Some(Owner::Unmarked | Owner::Ours(_)) | None => serves(observed, &rule.actions),
    }
}

/// Who would lose requests to a rule with these conditions at this priority: the later rules that may match the same
/// requests, and the default action.
pub(super) fn losers(
    observed: &Observed,
    fleet: &str,
    listener: &ListenerArn,
    priority: u32,
    conditions: &Conditions,
    except: Option<&Rule>,
) -> Vec<(String, Serving)> {
    let mut losers = Vec::new();
    if let Seen::Present(rules) = observed.rules_of(listener) {
        for rule in rules {
            let same = except.is_some_and(|except| except.arn == rule.arn);
            if !same && rule.priority > priority && may_overlap(&rule.conditions, conditions) {
                losers.push((format!("rule {}", rule.priority), rule_serves(observed, fleet, rule)));
            }
        }
    }
    if let Some(default) = default_actions(observed, listener) {
        losers.push(("the listener's default action".to_owned(), serves(observed, default)));
    }
    losers
}

fn default_actions<'a>(observed: &'a Observed, listener: &ListenerArn) -> Option<&'a RuleActions> {
    let lists = observed.listeners.values().filter_map(|seen| seen.as_ref().present());
    lists.flatten().find(|found| found.arn == *listener).map(|found| &found.default_actions)
}

/// What a step that gives the losers' requests to `getter` has to wait for, if anything.
pub(super) fn held_back(
    observed: &Observed,
    losers: &[(String, Serving)],
    getter: &Ref<TargetGroupArn>,
) -> Option<WaitingOn> {
    let loser = losers.iter().find(|(_, serving)| *serving != Serving::No)?;
    let (getter_name, healthy) = match getter {
        Ref::Known(arn) => (arn.name().to_owned(), has_healthy_target(observed, arn)),
        Ref::Output(object) => (object.key.clone(), Seen::Present(false)),
    };
    match (healthy, loser.1.clone()) {
        (Seen::Present(true), _) => None,
        (Seen::Unknown(gap), _) | (_, Serving::Unknown(gap)) => Some(WaitingOn::Gap(gap)),
        (Seen::Present(false) | Seen::Absent, Serving::Yes(how)) => Some(WaitingOn::Difference(format!(
            "{getter_name} has no healthy target, and {} serves such requests now ({how}); wait for one, or use --force",
            loser.0
        ))),
        (Seen::Present(false) | Seen::Absent, Serving::No) => None,
    }
}
