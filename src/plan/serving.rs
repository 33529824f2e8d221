//! Whether actions serve requests now: by the health of the targets behind them, and by who owns them.

use std::collections::BTreeSet;

use crate::model::{
    Conditions, Forward, Gap, Given, Observed, Owner, Rule, RuleActions, Seen, Serve, TargetGroupArn, TargetState,
};

/// The conditions of a default action: none.
pub(super) static EVERY_REQUEST: Conditions = Conditions {
    hosts: BTreeSet::new(),
    paths: BTreeSet::new(),
    methods: BTreeSet::new(),
    source_ips: BTreeSet::new(),
    headers: BTreeSet::new(),
    queries: BTreeSet::new(),
    unsayable: Vec::new(),
};

/// Whether an action serves requests now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// It does; the words say how.
    Yes(String),
    /// It does not: an empty or unhealthy target group, a fixed response.
    No,
    /// The health or the owner of its targets is not known.
    Unknown(Gap),
}

pub(super) fn has_healthy_target(observed: &Observed, arn: &TargetGroupArn) -> Seen<bool> {
    match observed.targets_of(arn) {
        Seen::Present(targets) => {
            Seen::Present(targets.iter().any(|target| target.health.state == TargetState::Healthy))
        }
        Seen::Absent => Seen::Present(false),
        Seen::Unknown(gap) => Seen::Unknown(gap),
    }
}

/// Whose a target group is; unknown while its tags are.
pub(super) fn owner_of(given: &Given<'_>, fleet: &str, arn: &TargetGroupArn) -> Seen<Owner> {
    match given.target_group(arn.as_str()) {
        Seen::Present(group) => match group.tags.as_ref() {
            Seen::Present(tags) => Seen::Present(Owner::of(tags, fleet)),
            Seen::Absent => Seen::Present(Owner::Unmarked),
            Seen::Unknown(gap) => Seen::Unknown(gap),
        },
        Seen::Absent => Seen::Absent,
        Seen::Unknown(gap) => Seen::Unknown(gap),
    }
}

fn forward_serves(given: &Given<'_>, fleet: &str, forward: &Forward) -> Serving {
    let mut unknown = None;
    for arn in forward.receivers() {
        match owner_of(given, fleet, arn) {
            Seen::Present(Owner::AnotherFleet(other)) => {
                return Serving::Yes(format!("a forward to {} of fleet {other}", arn.name()));
            }
            Seen::Present(Owner::Unmarked | Owner::Ours(_)) | Seen::Absent => {}
            Seen::Unknown(gap) => unknown = Some(gap),
        }
        match has_healthy_target(given.observed, arn) {
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
pub(super) fn serves(given: &Given<'_>, fleet: &str, actions: &RuleActions) -> Serving {
    match &actions.serve {
        Serve::Forward(forward) => forward_serves(given, fleet, forward),
        Serve::Redirect(_) => Serving::Yes("a redirect".to_owned()),
        Serve::FixedResponse(_) => Serving::No,
        Serve::Other(kind) => Serving::Yes(format!("an action of kind {kind}")),
    }
}

/// As [`serves`]; what another fleet has marked always counts as serving.
pub(super) fn rule_serves(given: &Given<'_>, fleet: &str, rule: &Rule) -> Serving {
    let serving = serves(given, fleet, &rule.actions);
    match rule.tags.as_ref() {
        Seen::Present(tags) => match Owner::of(tags, fleet) {
            Owner::AnotherFleet(other) => Serving::Yes(format!("a rule of fleet {other}")),
            Owner::Unmarked | Owner::Ours(_) => serving,
        },
        Seen::Absent => serving,
        // It may be theirs.
        Seen::Unknown(gap) if serving == Serving::No => Serving::Unknown(gap),
        Seen::Unknown(_) => serving,
    }
}
