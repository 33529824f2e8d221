//! Whether the container port is bound on the host. Tasks with their own network interface (awsvpc) bind no host port.

use crate::model::{NetworkMode, Placement, Task};

use super::catalogue::named;
use super::end::is_up;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::way::Way;

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let Some((container, port)) = way.container_port() else {
        return Examined::skipped("no service, only declared targets");
    };
    match way.mode() {
        Some(NetworkMode::Awsvpc) => return Examined::skipped("each task has its own network interface"),
        Some(NetworkMode::Bridge | NetworkMode::Host) => {}
        Some(NetworkMode::None) => {
            let what = "network mode none maps no ports";
            return Examined::broken(Finding::unnumbered(
                &named::NETWORK_MODE_NONE,
                what,
                "deploy a task definition revision with another network mode",
            ));
        }
        None => return Examined::skipped("the network mode is unknown"),
    }
    let tasks: Vec<&Task> = match way.tasks() {
        Ok(tasks) => tasks.iter().filter(|task| is_up(task)).collect(),
        Err(lack) => return lack.skip(),
    };
    if tasks.is_empty() {
        return Examined::skipped("no task runs");
    }
    // A task of an older deployment has the ports of its own revision.
    let is_older = |task: &Task| way.service.is_some_and(|(service, _)| way.given.is_older(&service.id, task));
    let is_expected = |task: &Task| matches!(task.placement, Placement::Instance { .. }) && !is_older(task);
    let unbound = tasks.iter().find(|task| is_expected(task) && way.endpoint_of(task).is_none());
    if let Some(task) = unbound {
        let what = format!("{} has no host port for {container}:{port}", task.arn);
        let fix = "map the port in a new task definition revision, or set a mapped port in the service's loadBalancers";
        return Examined::broken(Finding::unnumbered(&named::PORT_NOT_BOUND, what, fix));
    }
    let bound: Vec<String> = tasks.iter().filter_map(|task| way.endpoint_of(task)).map(|key| key.to_string()).collect();
    Examined::ok(format!("{container}:{port} at {}", bound.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, bound, gap, id, task};
    use crate::model::{NetworkMode, Placement, Seen};
    use crate::trace::HopId;

    const HOP: HopId = HopId::PortBinding;

    #[test]
    fn tasks_with_their_own_interface_bind_nothing() {
        assert_eq!(Stand::sound().state(HOP), "skipped");
        assert_eq!(Stand::without_service().state(HOP), "skipped");
    }

    #[test]
    fn every_running_task_binds_the_containers_port() {
        let mut stand = Stand::on_instances();
        assert_eq!(stand.hop(HOP).evidence, "app:8080 at i-a:32771, i-b:32772");
        stand.tasks()[1].placement = bound("i-b", "sidecar", 32_900);
        assert_eq!(stand.found(HOP), ["port-not-bound"]);
        // One that is only coming up has nothing to bind yet.
        stand.tasks()[1].status = "PENDING".to_owned();
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn a_task_of_which_nothing_is_known_proves_nothing() {
        let mut stand = Stand::on_instances();
        *stand.tasks() = vec![task("unknown", Placement::Unknown)];
        assert_eq!(stand.state(HOP), "ok");
        stand.tasks().clear();
        assert_eq!(stand.state(HOP), "skipped");
        stand.observed.tasks.insert(id(), Seen::Unknown(gap("ecs:ListTasks")));
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn network_mode_none_maps_nothing() {
        let mut stand = Stand::on_instances();
        stand.definition().network_mode = NetworkMode::None;
        assert_eq!(stand.found(HOP), ["network-mode-none"]);
        stand.observed.task_definitions.clear();
        assert_eq!(stand.state(HOP), "skipped", "the mode is not known");
    }
}
