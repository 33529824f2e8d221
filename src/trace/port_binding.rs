//! Whether the container's port is bound on the host. Tasks with interfaces of their own bind nothing.

use crate::model::{NetworkMode, Placement, Task};

use super::end::is_up;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::way::Way;

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let Some((container, port)) = way.door() else { return Examined::skipped("declared targets alone, no service") };
    match way.mode() {
        Some(NetworkMode::Awsvpc) => return Examined::skipped("each task has an interface of its own"),
        Some(NetworkMode::Bridge | NetworkMode::Host) => {}
        Some(NetworkMode::None) => {
            let what = "network mode none maps no ports";
            return Examined::broken(Finding::unnumbered("no-network", what, "deploy a revision with another mode"));
        }
        None => return Examined::skipped("the network mode is not known"),
    }
    let tasks: Vec<&Task> = match way.tasks() {
        Ok(tasks) => tasks.iter().filter(|task| is_up(task)).collect(),
        Err(lack) => return lack.skip(),
    };
    if tasks.is_empty() {
        return Examined::skipped("no task runs");
    }
    let unbound = tasks
        .iter()
        .find(|task| matches!(task.placement, Placement::Instance { .. }) && task.endpoint(container, port).is_none());
    if let Some(task) = unbound {
        let what = format!("{} binds no port of its host for {container}:{port}", task.arn);
        let fix = "map the port in a new revision, or wire the service to a port that is mapped";
        return Examined::broken(Finding::unnumbered("port-not-bound", what, fix));
    }
    let bound: Vec<String> =
        tasks.iter().filter_map(|task| task.endpoint(container, port)).map(|key| key.to_string()).collect();
    Examined::ok(format!("{container}:{port} at {}", bound.join(", ")))
}
