//! The state that steps would make, as far as paths depend on it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::{Awsvpc, Observed, Placement, Rollout, Seen, Service, ServiceId, TargetKey, TargetState, Task};
use crate::plan::effect::apply_effect;
use crate::plan::{Action, Step};

/// Applies steps. Tasks that they start come up where the old ones are, with the new groups, and are yet to be registered.
/// A target that is healthy now stays evidence of what works; what makes the others unhealthy may be repaired, so they start again.
pub fn after<'a>(steps: impl IntoIterator<Item = &'a Step>, observed: &Observed) -> Observed {
    let mut observed = observed.clone();
    let mut has_steps = false;
    for step in steps {
        has_steps = true;
        if let Action::UpdateService { service, network, .. } = &step.action {
            restart(service, network.as_ref(), &mut observed);
        }
        apply_effect(step, &mut observed);
        if let Action::CreateService(new) = &step.action
            && let Some(made) = present(observed.services.get_mut(&new.service))
        {
            await_tasks(made);
        }
        if let Action::DrainService { service, .. } = &step.action {
            go_down(service, &mut observed);
        }
        if let Action::UpdateServiceCount { service, .. } = &step.action {
            come_up(service, &mut observed);
            go_down(service, &mut observed);
        }
    }
    if has_steps {
        start_anew(&mut observed);
        observed.stopped_tasks.clear();
    }
    observed
}

fn present<T>(seen: Option<&mut Seen<T>>) -> Option<&mut T> {
    match seen {
        Some(Seen::Present(value)) => Some(value),
        Some(Seen::Absent | Seen::Unknown(_)) | None => None,
    }
}

/// A deployment replaces the tasks of a service. Where it moves them to other subnets, their addresses are not known.
fn restart(id: &ServiceId, network: Option<&Awsvpc>, observed: &mut Observed) {
    let Some(service) = present(observed.services.get_mut(id)) else { return };
    let subnets = |network: &Awsvpc| network.subnets.clone();
    let moves = network.is_some_and(|new| service.network.as_ref().map(subnets) != Some(subnets(new)));
    for deployment in service.deployments.iter_mut().filter(|deployment| deployment.primary) {
        deployment.rollout = Some(Rollout::InProgress);
    }
    let primary = service.deployments.iter().find(|deployment| deployment.primary).map(|primary| primary.id.clone());
    let Some(tasks) = present(observed.tasks.get_mut(id)) else { return };
    let (addresses, bound) = places(tasks);
    for task in tasks.iter_mut() {
        task.started = None;
        task.started_by.clone_from(&primary);
    }
    if moves {
        tasks.clear();
        await_tasks(service);
    } else if let Some(network) = network {
        for address in &addresses {
            if let Some(interface) = present(observed.interfaces.get_mut(address)) {
                interface.security_groups.clone_from(&network.security_groups);
            }
        }
    }
    deregister(&addresses, &bound, observed);
}

/// Takes the tasks at these places out of every target group.
fn deregister(addresses: &BTreeSet<IpAddr>, bound: &BTreeSet<TargetKey>, observed: &mut Observed) {
    let is_old = |key: &TargetKey| {
        bound.contains(key) || key.id.parse().is_ok_and(|address: IpAddr| addresses.contains(&address))
    };
    for list in observed.targets.values_mut().filter_map(|seen| present(Some(seen))) {
        list.retain(|target| !is_old(&target.key));
    }
}

/// Where tasks are: addresses of their own, and ports that are bound on instances.
fn places(tasks: &[Task]) -> (BTreeSet<IpAddr>, BTreeSet<TargetKey>) {
    let (mut addresses, mut bound) = (BTreeSet::<IpAddr>::new(), BTreeSet::<TargetKey>::new());
    for task in tasks {
        match &task.placement {
            Placement::Address(address) => {
                addresses.insert(*address);
            }
            Placement::Instance { instance, bindings } => bound
                .extend(bindings.iter().map(|binding| TargetKey { id: instance.to_string(), port: binding.host_port })),
            Placement::Unknown => {}
        }
    }
    (addresses, bound)
}

/// A count of 0 stops every task.
fn go_down(id: &ServiceId, observed: &mut Observed) {
    let is_zero = observed.service(id).present().is_some_and(|service| service.desired_count == 0);
    let Some(tasks) = present(observed.tasks.get_mut(id)).filter(|_| is_zero) else { return };
    let (addresses, bound) = places(tasks);
    tasks.clear();
    deregister(&addresses, &bound, observed);
}

/// Tasks that a higher count starts are not listed yet.
fn come_up(id: &ServiceId, observed: &mut Observed) {
    let listed = observed.tasks_of(id).present().map(Vec::len);
    let (Some(listed), Some(service)) = (listed, present(observed.services.get_mut(id))) else { return };
    if (service.running_count as usize) > listed {
        await_tasks(service);
    }
}

/// As while a deployment is in progress, by ECS or by another controller.
fn await_tasks(service: &mut Service) {
    service.running_count = 0;
    service.task_sets_move = true;
    for deployment in service.deployments.iter_mut().filter(|deployment| deployment.primary) {
        deployment.rollout = Some(Rollout::InProgress);
    }
}

/// What health and events say of what is ill now is no evidence about a state that does not stand yet.
fn start_anew(observed: &mut Observed) {
    for target in observed.targets.values_mut().filter_map(|seen| present(Some(seen))).flatten() {
        if !matches!(target.health.state, TargetState::Healthy | TargetState::Draining) {
            target.health.state = TargetState::Initial;
            target.health.reason = None;
        }
    }
    for service in observed.services.values_mut().filter_map(|seen| present(Some(seen))) {
        service.conduct.events.retain(|event| !event.contains("is unhealthy in"));
        let conduct = &mut service.conduct;
        (conduct.failed_tasks, conduct.pending_count) = (0, 0);
        (conduct.steady_at, conduct.unsteady_since, conduct.last_start) = (None, None, None);
        for deployment in &mut service.deployments {
            deployment.created = None;
            // Tasks that are missing may come up.
            deployment.rollout = if deployment.primary { Some(Rollout::InProgress) } else { deployment.rollout };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::paths::tests::step;
    use super::after;
    use crate::model::{GroupId, LoadBalancerEntry, PortRange, SubnetId, TargetState};
    use crate::plan::{Action, ServiceBelief, Step};
    use crate::trace::fixture::{PORT, Stand, address, from_group, id, rule};

    fn redeploy(stand: &mut Stand, group: &str, subnet: &str) -> Step {
        let service = stand.service();
        let network = service.network.clone().map(|network| crate::model::Awsvpc {
            security_groups: [GroupId::from(group)].into(),
            subnets: [SubnetId::from(subnet), SubnetId::from("private-b")].into(),
            ..network
        });
        let expect = ServiceBelief {
            members: Default::default(),
            task_definition: service.task_definition.clone(),
            load_balancers: service.load_balancers.clone(),
            network: service.network.clone(),
            deployment: None,
            ended: None,
        };
        step(
            0,
            Action::UpdateService {
                members: Default::default(),
                service: id(),
                task_definition: None,
                load_balancers: None,
                network,
                expect,
            },
        )
    }

    #[test]
    fn without_a_step_nothing_changes() {
        let mut stand = Stand::sound();
        stand.all_are(TargetState::Unhealthy, "Target.Timeout", "");
        assert_eq!(after([], &stand.observed), stand.observed);
    }

    #[test]
    fn what_ails_targets_now_says_nothing_of_later_and_what_works_does() {
        let mut stand = Stand::sound();
        stand.targets()[1].health.state = TargetState::Unhealthy;
        let count = Action::UpdateServiceCount { service: id(), desired_count: 2, from: 1, unscaled: true };
        stand.observed = after(&[step(0, count)], &stand.observed);
        let states: Vec<TargetState> = stand.targets().iter().map(|target| target.health.state).collect();
        assert_eq!(states, [TargetState::Healthy, TargetState::Initial]);
    }

    #[test]
    fn tasks_come_up_where_they_were_with_the_new_groups() {
        let mut stand = Stand::sound();
        let step = redeploy(&mut stand, "sg-new", "private-a");
        let rules = vec![rule("sg-new", Some(PortRange::one(PORT)), from_group("sg-lb"))];
        stand.observed.ingress.insert(GroupId::from("sg-new"), crate::model::Seen::Present(rules.clone()));
        stand.observed = after([&step], &stand.observed);
        let interface = stand.observed.interface(&address("10.0.10.11")).present().expect("it is there");
        assert_eq!(interface.security_groups, [GroupId::from("sg-new")].into());
        assert_eq!(*stand.ingress("sg-new"), rules, "planning has read them");
        assert!(stand.targets().is_empty(), "the new ones are yet to be registered");
        assert!(stand.tasks().iter().all(|task| task.started.is_none()));
        assert_ne!(stand.trace().verdict(), crate::trace::Verdict::Broken);
    }

    #[test]
    fn tasks_that_move_may_come_up_anywhere() {
        let mut stand = Stand::sound();
        let step = redeploy(&mut stand, "sg-tasks", "public-a");
        stand.observed = after([&step], &stand.observed);
        assert!(stand.tasks().is_empty() && stand.service().is_deploying());
        assert_ne!(stand.trace().verdict(), crate::trace::Verdict::Broken);
    }

    #[test]
    fn tasks_of_other_services_stay_registered() {
        let mut stand = Stand::on_instances();
        let other = crate::trace::fixture::target("i-a", 40_000);
        stand.targets().push(other.clone());
        let entries = vec![LoadBalancerEntry::default()];
        let expect = ServiceBelief {
            members: Default::default(),
            task_definition: "shop:1".into(),
            load_balancers: entries.clone(),
            network: None,
            deployment: None,
            ended: None,
        };
        let service = id();
        let action = Action::UpdateService {
            members: Default::default(),
            service,
            task_definition: None,
            load_balancers: None,
            network: None,
            expect,
        };
        stand.observed = after(&[step(0, action)], &stand.observed);
        assert_eq!(*stand.targets(), [other]);
    }
}
