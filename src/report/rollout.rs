//! Deployments that a run has followed, and how they ended.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{DeploymentEnd, ObjectRef, ServiceId, StoppedContainer, StoppedTask, TaskCounts};

use super::Error;

/// Most kinds of failure that a sentence names.
const NAMED_FAILURES: usize = 3;

/// A deployment of a service that a run has followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// The service in the manifest.
    pub object: ObjectRef,
    /// The service on AWS.
    pub service: ServiceId,
    /// `ecs-svc/…`
    pub id: String,
    /// The revision that it brings, such as `web:2`; empty where that is not known.
    pub revision: String,
    /// Where it is.
    pub state: RolloutState,
    /// How it should end: a deployment that was stopped on request ends as asked when it is rolled back.
    pub asked: DeploymentEnd,
    /// Why its state is not that of the service deployment but `rolloutState`; `None`: it is.
    pub by_rollout_state: Option<String>,
    /// What ECS says about its state.
    pub reason: Option<String>,
    /// When it began.
    pub since: Option<Timestamp>,
    /// The revisions of the service with their tasks, the newest first.
    pub tasks: Vec<(String, TaskCounts)>,
    /// Healthy and registered targets of the service; `None`: it has no target group, or they could not be read.
    pub targets: Option<(usize, usize)>,
    /// Tasks of it that failed, the newest first.
    pub failed_tasks: Vec<StoppedTask>,
}

/// Where a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// It may still succeed.
    InProgress,
    /// It has ended, or is being rolled back.
    Ended(DeploymentEnd),
    /// A newer deployment took its place: no failure, and no success.
    Superseded,
    /// Its end could not be learned.
    Unknown,
}

impl RolloutState {
    /// Whether nothing more becomes of it.
    pub fn is_final(self) -> bool {
        match self {
            Self::InProgress => false,
            Self::Ended(end) => end.is_final(),
            Self::Superseded | Self::Unknown => true,
        }
    }

    /// The word in text and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Ended(end) => end.as_str(),
            Self::Superseded => "STOPPED",
            Self::Unknown => "unknown",
        }
    }
}

impl Rollout {
    /// Such as `web:2 on prod/web (ecs-svc/12)`.
    pub fn name(&self) -> String {
        let Self { service, id, revision, .. } = self;
        if revision.is_empty() { format!("{id} of {service}") } else { format!("{revision} on {service} ({id})") }
    }

    /// Whether it ended, or will end, otherwise than asked.
    pub fn has_failed(&self) -> bool {
        match self.state {
            RolloutState::Ended(DeploymentEnd::RollingBack) => self.asked == DeploymentEnd::Successful,
            RolloutState::Ended(end) => end.has_failed() && end != self.asked,
            RolloutState::Unknown => true,
            RolloutState::InProgress | RolloutState::Superseded => false,
        }
    }

    /// What a run ends with if this did not succeed.
    pub fn error(&self) -> Option<Error> {
        let (what, hint) = match self.state {
            RolloutState::Ended(end) if self.has_failed() => (
                format!("did not succeed: {end}"),
                "find out why, then change the manifest: Portolan does not deploy the same again",
            ),
            RolloutState::Unknown => {
                ("ended with an unknown result".to_owned(), "run `portolan status` and `portolan drift`")
            }
            RolloutState::InProgress | RolloutState::Ended(_) | RolloutState::Superseded => return None,
        };
        let reason = self.reason.as_ref().map(|reason| format!(": {}", reason.trim_end_matches('.')));
        let failures = self.failures().into_iter().take(NAMED_FAILURES).map(|failure| format!("; {failure}"));
        let message = format!("the deployment of {} {what}{}", self.name(), reason.unwrap_or_default());
        Some(Error::new(message + &failures.collect::<String>(), Some(hint.to_owned())))
    }

    /// What tasks failed with, the most common first: such as `2 tasks: container app exited with code 1`.
    pub fn failures(&self) -> Vec<String> {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for task in &self.failed_tasks {
            *kinds.entry(failure(task)).or_default() += 1;
        }
        let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        let counted = |number: usize| super::count(number, "task", "tasks");
        kinds.into_iter().map(|(what, number)| format!("{}: {what}", counted(number))).collect()
    }

    /// One line, without the time: tasks by revision, targets, failed tasks.
    pub fn progress(&self) -> String {
        let tasks = self.tasks.iter().enumerate().map(|(number, (revision, tasks))| match number {
            0 => format!("{revision}: {} of {} tasks running", tasks.running, tasks.desired),
            _ => format!("{revision}: {} running", tasks.running),
        });
        let targets = self.targets.map(|(healthy, all)| format!("{healthy} of {all} targets healthy"));
        let parts = [Some(tasks.collect::<Vec<_>>().join(", ")), targets, self.failures().into_iter().next()];
        let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let state = match self.state {
            RolloutState::InProgress => String::new(),
            RolloutState::Ended(_) | RolloutState::Superseded | RolloutState::Unknown => {
                format!("{} · ", self.state.as_str())
            }
        };
        format!("{} {state}{}", self.service, parts.join("; "))
    }
}

/// Why a task stopped, and with which code each failed container did.
fn failure(task: &StoppedTask) -> String {
    let containers: Vec<String> = task.containers.iter().map(container).collect();
    match containers.is_empty() {
        true => task.reason.clone(),
        false => {
            let said = task.reason.split("; container ").next().unwrap_or_default();
            let containers = containers.join(", ");
            if containers.contains(said) { containers } else { format!("{containers} ({said})") }
        }
    }
}

fn container(one: &StoppedContainer) -> String {
    let StoppedContainer { name, exit_code, reason } = one;
    let code = exit_code.map(|code| format!(" exited with code {code}")).unwrap_or_default();
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("container {name}{code}{reason}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StopCause;

    fn task(id: &str, code: i32) -> StoppedTask {
        StoppedTask {
            id: id.to_owned(),
            started_by: Some("ecs-svc/2".to_owned()),
            at: None,
            cause: StopCause::Failed,
            reason: format!("Essential container in task exited; container app exited with code {code}"),
            containers: vec![StoppedContainer { name: "app".to_owned(), exit_code: Some(code), reason: None }],
        }
    }

    fn rollout(state: RolloutState) -> Rollout {
        Rollout {
            object: ObjectRef::service("web"),
            service: ServiceId { cluster: "prod".to_owned(), name: "web".to_owned() },
            id: "ecs-svc/2".to_owned(),
            revision: "web:2".to_owned(),
            state,
            asked: DeploymentEnd::Successful,
            by_rollout_state: None,
            reason: Some("tasks failed to start.".to_owned()),
            since: None,
            tasks: vec![
                ("web:2".to_owned(), TaskCounts { desired: 2, running: 1, ..TaskCounts::default() }),
                ("web:1".to_owned(), TaskCounts { running: 2, ..TaskCounts::default() }),
            ],
            targets: Some((2, 3)),
            failed_tasks: vec![task("a", 1), task("b", 137), task("c", 1)],
        }
    }

    #[test]
    fn an_error_names_the_end_its_reason_and_what_the_containers_exited_with() {
        let error = rollout(RolloutState::Ended(DeploymentEnd::RolledBack)).error().expect("it failed");
        assert_eq!(
            error.message,
            "the deployment of web:2 on prod/web (ecs-svc/2) did not succeed: ROLLBACK_SUCCESSFUL: tasks failed to start; \
             2 tasks: container app exited with code 1 (Essential container in task exited); \
             1 task: container app exited with code 137 (Essential container in task exited)"
        );
        for state in
            [RolloutState::InProgress, RolloutState::Ended(DeploymentEnd::Successful), RolloutState::Superseded]
        {
            assert_eq!(rollout(state).error(), None, "{state:?}");
        }
    }

    #[test]
    fn progress_counts_tasks_by_revision_targets_and_failures() {
        assert_eq!(
            rollout(RolloutState::InProgress).progress(),
            "prod/web web:2: 1 of 2 tasks running, web:1: 2 running; 2 of 3 targets healthy; \
             2 tasks: container app exited with code 1 (Essential container in task exited)"
        );
    }
}
