//! Which paths the steps of a plan touch. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::losses::losses;
use super::view::{View, everything};
use crate::model::{Desired, DesiredTargetGroup, Given, GroupId, LoadBalancer, ObjectKind, Observed, Placement, Seen};
use crate::plan::{Action, Plan, Step};

/// Keys of the target groups whose paths a plan touches, to read the network around these: those of its steps, and those
/// whose paths would be broken as far as that shows without the network. Empty: there is nothing to read.
pub(super) fn touched(desired: &Desired, observed: &Observed, plan: &Plan, now: Timestamp) -> BTreeSet<String> {
    if plan.steps.is_empty() {
        return BTreeSet::new();
    }
    let given = Given::new(desired, observed);
    let mut keys: BTreeSet<String> = plan.steps.iter().flat_map(|step| touched_by(&given, step)).collect();
    let view = View { desired, observed, now };
    let (before, after) = (view.trace(&everything()), view.trace_after(&plan.steps, &everything()));
    keys.extend(losses(&view, &before, &after).into_iter().map(|loss| loss.path.name.target_group));
    keys.retain(|key| desired.target_groups.contains_key(key));
    keys
}

/// Keys of the target groups that a step is about.
pub(super) fn touched_by(given: &Given<'_>, step: &Step) -> Vec<String> {
    if let Action::RevokeSecurityGroupIngress { group, .. } = &step.action {
        let groups = given.desired.target_groups.values().filter(|wanted| is_guarded_by(given, wanted, group));
        return groups.map(|wanted| wanted.key.clone()).collect();
    }
    match step.object.kind {
        ObjectKind::Fleet => Vec::new(),
        ObjectKind::TargetGroup => vec![step.object.key.clone()],
        ObjectKind::Service => {
            let ports = given
                .desired
                .services
                .get(&step.object.key)
                .into_iter()
                .flat_map(|service| service.ports.iter().flatten());
            ports.flat_map(|port| port.target_groups.iter().flatten().cloned()).collect()
        }
    }
}

/// Whether requests to a target group pass a security group, as far as that is known before the network is read. Where
/// unknown addresses are registered, or something was not read, they may.
fn is_guarded_by(given: &Given<'_>, wanted: &DesiredTargetGroup, group: &GroupId) -> bool {
    let balancers = given.observed.load_balancers.as_ref().present().into_iter().flatten();
    let is_its = |one: &&LoadBalancer| {
        wanted.load_balancer.as_deref().is_some_and(|name| name == one.name || name == one.arn.as_str())
    };
    let by_services = given.ports_of(&wanted.key).any(|(service, _)| {
        let live = match given.observed.service(&service.id) {
            Seen::Present(live) => Some(live),
            Seen::Absent => None,
            Seen::Unknown(_) => return true,
        };
        let network = live.and_then(|live| live.network.as_ref());
        let tasks = match given.observed.tasks_of(&service.id) {
            Seen::Present(tasks) => tasks.as_slice(),
            Seen::Absent => &[],
            Seen::Unknown(_) => return true,
        };
        let mut hosts = tasks.iter().filter_map(|task| match &task.placement {
            Placement::Instance { instance, .. } => Some(given.observed.host(instance)),
            Placement::Address(_) | Placement::Unknown => None,
        });
        network.is_some_and(|network| network.security_groups.contains(group))
            || hosts.any(|host| host.present().is_none_or(|host| host.security_groups.contains(group)))
    });
    by_services
        || wanted.targets.iter().flatten().next().is_some()
        || balancers.into_iter().filter(is_its).any(|balancer| balancer.security_groups.contains(group))
}

#[cfg(test)]
mod tests {
    use super::super::paths::tests::{authorize, doubly_open, plan_of, revoke, view};
    use super::*;
    use crate::trace::fixture::{PORT, from_group};

    #[test]
    fn the_network_is_read_around_what_steps_touch() {
        let stand = doubly_open();
        let now = view(&stand).now;
        let touched = |plan: &Plan| touched(&stand.desired, &stand.observed, plan, now);
        let all: BTreeSet<String> = stand.desired.target_groups.keys().cloned().collect();
        assert_eq!(touched(&plan_of(Vec::new())), BTreeSet::new());
        assert_eq!(touched(&plan_of(vec![authorize(0, PORT, from_group("sg-lb"))])), all.clone());
        assert_eq!(touched(&plan_of(vec![revoke(0, "sgr-1")])), all, "its tasks carry the group");
        let mut other = revoke(0, "sgr-1");
        if let Action::RevokeSecurityGroupIngress { group, .. } = &mut other.action {
            *group = GroupId::from("sg-office");
        }
        assert_eq!(touched(&plan_of(vec![other])), BTreeSet::new(), "nobody's group");
    }
}
