//! Deployments: as many tasks as are wanted, new ones in place of old ones within the bounds of `minimumHealthyPercent`
//! and `maximumPercent`, and back again when the circuit breaker opens (aws-facts 2.5).

use jiff::Timestamp;

use super::event::say;
use super::service::{Fitness, TRY_AGAIN, fitness, tasks, wanted};
use super::task::{self, Start};
use super::{placement, rollback};
use crate::due::Due;
use crate::input::Input;
use crate::state::{Deployment, Revision, Service, State, Task, TaskStatus};

/// A task that is not on its way out, and what a deployment asks about it. A service is looked at whenever anything of it
/// changes, and a task has much more than this.
struct Standing {
    arn: String,
    deployment: Option<String>,
    container_instance: Option<String>,
    is_running: bool,
    is_healthy: bool,
}

/// What a service looks like at one moment.
struct Count {
    /// Tasks of the primary deployment, the oldest first.
    new: Vec<Standing>,
    /// Tasks of older deployments.
    old: Vec<Standing>,
}

impl Count {
    fn of(state: &State, service: &Service) -> Self {
        let primary = service.deployments.first().map(|deployment| &deployment.id);
        let standing = |task: &Task| Standing {
            arn: task.arn.clone(),
            deployment: task.deployment.clone(),
            container_instance: task.container_instance.clone(),
            is_running: task.status == TaskStatus::Running,
            is_healthy: fitness(state, task) == Fitness::Healthy,
        };
        let staying = tasks(state, &service.arn).into_iter().filter(|task| !task.stopping);
        let (new, old): (Vec<&Task>, Vec<&Task>) = staying.partition(|task| task.deployment.as_ref() == primary);
        Self { new: new.into_iter().map(standing).collect(), old: old.into_iter().map(standing).collect() }
    }

    fn healthy(tasks: &[Standing]) -> i64 {
        tasks.iter().filter(|task| task.is_healthy).count() as i64
    }
}

/// Brings a service one step nearer to what it should be.
pub fn roll(state: &mut State, arn: &str) {
    let Some(service) = state.services.get(arn) else { return };
    let Some(primary) = service.deployments.first() else { return };
    let wanted = wanted(state, service);
    let counted = Count::of(state, service);
    let upper = (wanted * service.maximum_percent / 100).max(if counted.old.is_empty() { wanted } else { 0 });
    let lower = (wanted * service.minimum_percent + 99) / 100;
    let (new, old) = (counted.new.len() as i64, counted.old.len() as i64);
    let (healthy_new, healthy_old) = (Count::healthy(&counted.new), Count::healthy(&counted.old));
    if primary.status == "ROLLBACK_REQUESTED" {
        return rollback::carry_out(state, arn);
    }
    if healthy_new > 0 && rollback::resets_on_healthy_task(service) {
        reset_failures(state, arn);
    } else if rollback::is_hopeless(service, primary, wanted) {
        return rollback::give_up(state, arn);
    }
    start_work(state, arn);

    let started = start(state, arn, (wanted - new).min(upper - new - old), &counted);
    let spare = healthy_new + healthy_old - lower;
    let stopped = retire(state, arn, &counted, wanted, spare);
    if started + stopped == 0 && new < wanted && old > 0 && new + old >= upper && spare <= 0 && upper <= lower {
        let what = "was unable to stop or start tasks during a deployment because of the service deployment \
                    configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";
        say(state, arn, what);
    }
    settle(state, arn, wanted);
}

/// A deployment that was created begins its work.
fn start_work(state: &mut State, arn: &str) {
    let primary = state.services.get_mut(arn).and_then(|service| service.deployments.first_mut());
    if let Some(primary) = primary.filter(|primary| primary.status == "PENDING") {
        primary.status = "IN_PROGRESS".to_owned();
    }
}

/// Starts tasks of the primary deployment; answers how many.
fn start(state: &mut State, arn: &str, count: i64, counted: &Count) -> i64 {
    let Some(service) = state.services.get(arn) else { return 0 };
    let Some(primary) = service.deployments.first() else { return 0 };
    if count <= 0 || primary.rollout == "FAILED" {
        return 0;
    }
    if state.now < service.not_before {
        let wait = service.not_before.duration_since(state.now).as_secs().max(1);
        state.after(wait, Due::Service(arn.to_owned()));
        return 0;
    }
    let (id, revision) = (primary.id.clone(), primary.revision.clone());
    let (cluster, group) = (service.cluster.clone(), format!("service:{}", service.name));
    let launch_type = service.launch_type.clone();
    let platform = Input(&service.extras).text("platformVersion").unwrap_or("LATEST").to_owned();
    let mut ids = Vec::new();
    for only_on in places(state, service, count, counted) {
        let wanted = Start {
            cluster: &cluster,
            task_definition: &revision.task_definition,
            group: group.clone(),
            service: Some((arn, &id)),
            launch_type: launch_type.as_deref().unwrap_or("FARGATE"),
            network: &revision.network,
            platform_version: &platform,
            only_on: only_on.as_deref(),
            tags: Default::default(),
        };
        match task::start(state, wanted) {
            Ok(task) => ids.push(format!("(task {})", task.rsplit('/').next().unwrap_or_default())),
            Err(why) => {
                say(state, arn, &why);
                state.after(TRY_AGAIN, Due::Service(arn.to_owned()));
                // Where one task finds no place the next finds none either, unless it may go to one instance only.
                if only_on.is_none() {
                    break;
                }
            }
        }
    }
    if !ids.is_empty() {
        say(state, arn, &format!("has started {} tasks: {}.", ids.len(), ids.join(" ")));
    }
    ids.len() as i64
}

/// Where tasks are to start: wherever there is room, but those of a daemon on an instance each that has none of the
/// deployment yet; first where none of an older one is either (aws-facts 2.4).
fn places(state: &State, service: &Service, count: i64, counted: &Count) -> Vec<Option<String>> {
    let count = usize::try_from(count).unwrap_or(0);
    if service.scheduling != "DAEMON" {
        return vec![None; count];
    }
    let is_on =
        |tasks: &[Standing], arn: &String| tasks.iter().any(|task| task.container_instance.as_ref() == Some(arn));
    let all = placement::active_in(state, &service.cluster).map(|instance| &instance.arn);
    let mut free: Vec<&String> = all.filter(|arn| !is_on(&counted.new, arn)).collect();
    free.sort_by_key(|arn| is_on(&counted.old, arn));
    free.into_iter().take(count).cloned().map(Some).collect()
}

/// Stops tasks that are too many: old ones as far as healthy ones can be spared, then those beyond the wanted count.
fn retire(state: &mut State, arn: &str, counted: &Count, wanted: i64, mut spare: i64) -> i64 {
    let is_new_healthy = counted.new.iter().any(|task| task.is_healthy);
    let mut leaving: Vec<&Standing> = Vec::new();
    for task in &counted.old {
        if task.is_healthy && spare <= 0 {
            continue;
        }
        // An old task that is not healthy is no loss, unless it is only on its way up and nothing new is there yet.
        let is_needed = !task.is_healthy && !task.is_running && !is_new_healthy && wanted > 0;
        if !is_needed {
            spare -= i64::from(task.is_healthy);
            leaving.push(task);
        }
    }
    let beyond = (counted.new.len() as i64 - wanted).max(0) as usize;
    leaving.extend(counted.new.iter().rev().take(beyond));
    for task in &leaving {
        let reason = format!("Scaling activity initiated by (deployment {})", task.deployment.as_deref().unwrap_or(""));
        task::stop(state, &task.arn, "ServiceSchedulerInitiated", &reason, true);
        let id = task.arn.rsplit('/').next().unwrap_or_default();
        say(state, arn, &format!("has stopped 1 running tasks: (task {id})."));
    }
    if !leaving.is_empty() {
        state.after(1, Due::Service(arn.to_owned()));
    }
    leaving.len() as i64
}

/// Ends a deployment that has arrived, and says when a service is as it should be.
fn settle(state: &mut State, arn: &str, wanted: i64) {
    let (now, Some(service)) = (state.now, state.services.get(arn)) else { return };
    let counted = Count::of(state, service);
    let is_there =
        counted.old.is_empty() && counted.new.len() as i64 == wanted && Count::healthy(&counted.new) == wanted;
    let Some(stored) = state.services.get_mut(arn) else { return };
    if !is_there {
        stored.steady = false;
        return;
    }
    let Some(primary) = stored.deployments.first_mut() else { return };
    let has_arrived = primary.rollout == "IN_PROGRESS";
    if has_arrived {
        primary.rollout = "COMPLETED".to_owned();
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.status = "SUCCESSFUL".to_owned();
        (primary.updated, primary.finished) = (now, Some(now));
    }
    let id = primary.id.clone();
    retire_deployments(stored, now);
    let was_steady = std::mem::replace(&mut stored.steady, true);
    if has_arrived {
        say(state, arn, &format!("(deployment {id}) deployment completed."));
    }
    if !was_steady {
        say(state, arn, "has reached a steady state.");
    }
}

/// Old deployments without tasks are listed no more.
fn retire_deployments(service: &mut Service, now: Timestamp) {
    for mut old in service.deployments.drain(1..).rev() {
        let ended = match old.status.as_str() {
            "STOP_REQUESTED" => Some("STOPPED"),
            "ROLLBACK_IN_PROGRESS" => Some("ROLLBACK_SUCCESSFUL"),
            _ => None,
        };
        if let Some(ended) = ended {
            old.status = ended.to_owned();
            (old.updated, old.finished) = (now, Some(now));
        }
        service.past.insert(0, old);
    }
}

fn reset_failures(state: &mut State, arn: &str) {
    if let Some(service) = state.services.get_mut(arn) {
        service.failures_in_a_row = 0;
        if let Some(primary) = service.deployments.first_mut() {
            primary.failed_tasks = 0;
        }
    }
}

/// Begins a deployment: the one before it becomes an old one.
pub fn begin(state: &mut State, arn: &str, revision: Revision, is_rollback: bool) {
    let Some(service) = state.services.get(arn) else { return };
    let (name, cluster) = (service.name.clone(), service.cluster.rsplit('/').next().unwrap_or_default().to_owned());
    // A revision and the deployment that brings it end in the same number. The third is not used: ids of worlds stay as they
    // were.
    let (id, long, _) = (state.ids.digits(), state.ids.long(), state.ids.digits());
    let deployment = Deployment {
        id: format!("ecs-svc/{id}"),
        arn: state.arn("ecs", &format!("service-deployment/{cluster}/{name}/{}", &long[..22])),
        revision_arn: state.arn("ecs", &format!("service-revision/{cluster}/{name}/{id}")),
        revision: revision.clone(),
        rollout: "IN_PROGRESS".to_owned(),
        reason: format!("ECS deployment ecs-svc/{id} in progress."),
        failed_tasks: 0,
        created: state.now,
        updated: state.now,
        finished: None,
        is_rollback,
        status: "PENDING".to_owned(),
        rolled_back_to: None,
    };
    if let Some(service) = state.services.get_mut(arn) {
        // A newer one takes its place.
        let superseded = service.deployments.iter_mut().filter(|one| matches!(&*one.status, "PENDING" | "IN_PROGRESS"));
        superseded.for_each(|one| one.status = "STOP_REQUESTED".to_owned());
        service.deployments.insert(0, deployment);
        service.revision = revision;
        service.failures_in_a_row = 0;
        service.not_before = state.now;
        service.steady = false;
    }
    state.after(1, Due::Service(arn.to_owned()));
}
