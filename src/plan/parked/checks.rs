//! Whether the tasks of a service can pass the health checks that a parked rule starts. ECS stops tasks that fail the checks
//! of a target group that their service names.

use crate::model::{DesiredPort, Given, LoadBalancerEntry, ObjectRef, Registrar, Seen, Service};

use super::super::change::WaitingOn;
use super::super::handover;
use super::super::reason::Reason;
use super::super::{resolve, serving};

/// So many tasks that ECS stopped for failing these checks are proof: one may have failed by chance.
const STOPPED: usize = 2;

/// Why tasks would be stopped, as far as that is known before the checks start. Closed ports are for
/// [`crate::pass`] to find: the way to the tasks is traced there.
pub(super) fn can_pass(given: &Given<'_>, object: &ObjectRef) -> Result<(), WaitingOn> {
    let Some(group) = given.desired.target_groups.get(&object.key) else { return Ok(()) };
    let new = resolve::target_group(given, group).present();
    for (wanted, port) in given.ports_of(&object.key).filter(|(_, port)| port.registrar == Registrar::Ecs) {
        let Seen::Present(live) = given.observed.service(&wanted.id) else { continue };
        let own = resolve::stand_ins(given, &object.key);
        let beside = live.load_balancers.iter().filter(|entry| is_of(entry, port));
        for arn in beside.filter_map(|entry| entry.target_group.as_ref()).filter(|arn| !own.contains(*arn)) {
            let Some(old) = given.target_group(arn.as_str()).present() else { continue };
            if serving::has_healthy_target(given.observed, arn) == Seen::Present(true) {
                handover::passes_both(live, port, old, group, new).map_err(|obstacle| obstacle.waiting_on)?;
            }
        }
        for arn in own {
            let about = |event: &&String| event.contains("is unhealthy in") && event.contains(arn.as_str());
            let stopped = live.conduct.fresh_events().filter(about).count();
            if stopped >= STOPPED {
                return Err(WaitingOn::difference(Reason::new(
                    format!(
                        "ECS has stopped {stopped} tasks of service {} that failed the health checks of {}",
                        live.id, group.name
                    ),
                    "correct the cause first",
                )));
            }
        }
        has_time(given, live, port)?;
    }
    Ok(())
}

fn is_of(entry: &LoadBalancerEntry, port: &DesiredPort) -> bool {
    entry.container == port.container && entry.container_port == port.container_port
}

/// A task that is still coming up fails checks, and ECS waits no longer than the grace period.
fn has_time(given: &Given<'_>, live: &Service, port: &DesiredPort) -> Result<(), WaitingOn> {
    let Seen::Present(definition) = given.observed.task_definition(&live.task_definition) else { return Ok(()) };
    let start_time = definition.containers.get(&port.container).map_or(0, |container| container.start_time);
    let grace = live.conduct.grace;
    if start_time <= grace {
        return Ok(());
    }
    let tasks = given.observed.tasks_of(&live.id).present().into_iter().flatten();
    match tasks.filter(|task| task.runs()).find(|task| task.healthy != Some(true)) {
        None => Ok(()),
        Some(task) => Err(WaitingOn::difference(Reason::new(
            format!(
                "container {} of task {} has not passed its own health check, which may take {start_time}s, \
                 and the service's healthCheckGracePeriodSeconds is {grace}: ECS would stop the task",
                port.container,
                task.arn.id()
            ),
            "wait for it, or raise the grace period",
        ))),
    }
}
