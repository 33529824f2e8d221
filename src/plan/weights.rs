//! What a forward with weights means for a route, and whose the weights are.

use std::collections::BTreeSet;

use crate::model::service::CODE_DEPLOY;
use crate::model::{
    DesiredPort, DesiredService, Forward, Given, Registrar, RuleActions, Seen, Serve, Service, TargetGroupArn,
};

use super::reason::Reason;
use super::resolve;

/// The judgement on the last action of the declared rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Forwarding {
    /// It forwards to the declared target group.
    AsDeclared,
    /// Another owner decides what it does now.
    Theirs { what: String, owner: &'static str },
    /// It shares traffic by weights that stand: carried over.
    Carried(String),
    /// It is wrong, and no repair is safe; the reason says what to do.
    Blocked(Reason),
    /// It forwards to another target group: to be corrected.
    Wrong,
}

pub(super) fn judge(
    given: &Given<'_>,
    key: &str,
    stand_ins: &BTreeSet<TargetGroupArn>,
    actions: &RuleActions,
) -> Forwarding {
    let Serve::Forward(forward) = &actions.serve else {
        return match weights_owner(given, key) {
            Some(owner) => Forwarding::Blocked(Reason::new(
                format!("it does not forward, and {owner} owns this rule"),
                "correct it there",
            )),
            None => Forwarding::Wrong,
        };
    };
    let receivers: BTreeSet<_> = forward.receivers().collect();
    let primary = stand_ins.iter().find(|arn| is_declared(given, key, arn));
    if receivers.len() == 1 && primary.is_some_and(|primary| receivers.contains(primary)) {
        return Forwarding::AsDeclared;
    }
    if let Some(owner) = weights_owner(given, key) {
        return judge_theirs(forward, stand_ins, owner);
    }
    if primary.is_some_and(|primary| receivers.contains(primary)) {
        return Forwarding::Carried(format!(
            "it shares requests by weight, which Portolan keeps: {}",
            describe_forward(forward)
        ));
    }
    if primary.is_some_and(|primary| forward.weights.contains_key(primary)) || receivers.len() > 1 {
        return Forwarding::Blocked(Reason::new(
            format!(
                "its weights send nothing to the declared target group ({}), and Portolan does not change \
                 existing weights",
                describe_forward(forward)
            ),
            "set the weight yourself",
        ));
    }
    Forwarding::Wrong
}

/// Blue/green and CodeDeploy move traffic between target groups of their own (R6).
fn judge_theirs(forward: &Forward, stand_ins: &BTreeSet<TargetGroupArn>, owner: &'static str) -> Forwarding {
    let strangers: Vec<_> = forward.receivers().filter(|arn| !stand_ins.contains(*arn)).map(|arn| arn.name()).collect();
    if strangers.is_empty() || owner == CODE_DEPLOY {
        return Forwarding::Theirs { what: format!("weights are {}", describe_forward(forward)), owner };
    }
    Forwarding::Blocked(Reason::new(
        format!(
            "it also forwards to {}, which is neither the service's target group nor its alternate",
            strangers.join(", ")
        ),
        format!("{owner} owns the weights; correct the rule there"),
    ))
}

/// Who moves the weights of the rules that serve a target group, if it is not the manifest.
pub(super) fn weights_owner(given: &Given<'_>, key: &str) -> Option<&'static str> {
    resolve::services_behind(given, key).into_iter().find_map(|service| {
        let Seen::Present(live) = given.observed.service(&service.id) else { return None };
        if is_registered_by_portolan_alone(given, service, live, key) {
            return None;
        }
        live.traffic_mover()
    })
}

/// The controller that deploys a service moves the weights of the target groups that it knows of: not of those that only Portolan
/// registers the tasks in.
fn is_registered_by_portolan_alone(given: &Given<'_>, service: &DesiredService, live: &Service, key: &str) -> bool {
    let of_service = |(owner, _): &(&DesiredService, &DesiredPort)| owner.id == service.id;
    let mut ports = given.ports_of(key).filter(of_service).peekable();
    let is_fed = resolve::stand_ins(given, key).iter().any(|arn| live.entries_behind(arn).next().is_some());
    ports.peek().is_some() && ports.all(|(_, port)| port.registrar == Registrar::Portolan) && !is_fed
}

fn is_declared(given: &Given<'_>, key: &str, arn: &TargetGroupArn) -> bool {
    let group = given.desired.target_groups.get(key);
    let live = group.and_then(|group| given.target_group(&group.name).present());
    live.is_some_and(|live| live.arn == *arn)
}

/// The last action in words.
pub(super) fn describe(actions: &RuleActions) -> String {
    match &actions.serve {
        Serve::Forward(forward) => describe_forward(forward),
        Serve::Redirect(to) => format!("a redirect to {to}"),
        Serve::FixedResponse(code) => format!("a fixed response {code}"),
        Serve::Other(kind) => kind.clone(),
    }
}

fn describe_forward(forward: &Forward) -> String {
    match forward.weights.iter().collect::<Vec<_>>().as_slice() {
        [(only, _)] => only.name().to_owned(),
        several => {
            several.iter().map(|(arn, weight)| format!("{} ×{weight}", arn.name())).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Whether ECS manages the whole chain of a service behind a target group (Express mode, gateways).
pub(super) fn is_managed_by_ecs(given: &Given<'_>, key: &str) -> bool {
    let mut services = resolve::all_behind(given, key);
    services.any(|service| given.observed.service(&service.id).present().is_some_and(|live| live.managed_by_ecs))
}
