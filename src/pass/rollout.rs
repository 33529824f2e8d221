//! Follows deployments to their end, which is the status of the service deployment, never a count of tasks.

use std::collections::BTreeSet;

use crate::apply::Read;
use crate::model::{
    Deployment, DeploymentEnd, DeploymentState, ObjectRef, Observed, Query, Rollout as Word, Seen, Service,
    ServiceDeployment, ServiceId, StopCause, TargetState,
};
use crate::report::{Rollout, RolloutState};

use super::kept::Kept;
use super::read::{Derived, Pace, Reading};

/// So many looks wait for a deployment that has ended to be listed: AWS's lists lag behind.
const PATIENCE: u32 = 3;

/// A deployment that is followed.
#[derive(Clone, Debug)]
pub struct Followed {
    service: ServiceId,
    /// Looks at which it had ended and was not listed.
    unlisted: u32,
    /// Its last look.
    rollout: Rollout,
}

impl Followed {
    /// A deployment that began with this id.
    pub fn new(object: ObjectRef, service: ServiceId, id: String) -> Self {
        let rollout = Rollout {
            object,
            service: service.clone(),
            id,
            revision: String::new(),
            state: RolloutState::InProgress,
            asked: DeploymentEnd::Successful,
            by_rollout_state: None,
            reason: None,
            since: None,
            tasks: Vec::new(),
            targets: None,
            failed_tasks: Vec::new(),
        };
        Self { service, unlisted: 0, rollout }
    }

    /// The same of one that was stopped on request: its rollback is what was asked for.
    #[must_use]
    pub fn taken_back(mut self) -> Self {
        self.rollout.asked = DeploymentEnd::RolledBack;
        self
    }

    /// What is known of it.
    pub fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// Whether it is this one.
    pub fn is(&self, object: &ObjectRef, id: &str) -> bool {
        self.rollout.object == *object && self.rollout.id == id
    }
}

/// Reads what `observed` does not tell of these deployments, and brings them up to date.
pub async fn follow(followed: &mut [Followed], observed: &Observed, reader: &impl Read) {
    let needs: BTreeSet<Query> = followed.iter().flat_map(|one| needs(one, observed)).collect();
    let mut reading = Reading::new(reader.region());
    Box::pin(reading.read(reader, &mut Kept::nothing(), Pace::Now, Derived::by(|_| needs.clone()))).await;
    for one in followed.iter_mut().filter(|one| !one.rollout.state.is_final()) {
        update(one, observed, &reading.observed);
    }
}

fn own<'a>(live: &'a Service, one: &Followed) -> Option<&'a Deployment> {
    live.deployments.iter().find(|deployment| deployment.id == one.rollout.id)
}

fn is_under_way(deployment: &Deployment) -> bool {
    deployment.primary && deployment.rollout == Some(Word::InProgress)
}

fn needs(one: &Followed, observed: &Observed) -> Vec<Query> {
    let Some(live) = observed.service(&one.service).present().filter(|_| !one.rollout.state.is_final()) else {
        return Vec::new();
    };
    let stopped = Query::StoppedTasks(one.service.clone());
    match own(live, one) {
        Some(own) if is_under_way(own) && own.tasks.failed == 0 => Vec::new(),
        Some(own) if is_under_way(own) => vec![stopped],
        Some(_) | None => vec![stopped, Query::ServiceDeployments(one.service.clone())],
    }
}

fn update(one: &mut Followed, observed: &Observed, more: &Observed) {
    let Seen::Present(live) = observed.service(&one.service) else { return };
    let deployment = own(live, one);
    if let Some(deployment) = deployment {
        one.rollout.revision = deployment.task_definition.name().to_owned();
        one.rollout.since = deployment.created;
        one.rollout.reason = None;
    }
    one.rollout.tasks = live.deployments.iter().map(|one| (one.task_definition.name().to_owned(), one.tasks)).collect();
    one.rollout.targets = targets(live, observed);
    if let Seen::Present(stopped) = more.stopped_tasks_of(&one.service) {
        let is_its = |by: &Option<String>| by.as_ref() == Some(&one.rollout.id);
        let failed = stopped.iter().filter(|task| task.cause == StopCause::Failed && is_its(&task.started_by));
        one.rollout.failed_tasks = failed.cloned().collect();
    }
    if deployment.is_some_and(is_under_way) {
        return;
    }
    match more.service_deployments_of(&one.service) {
        Seen::Present(listed) => match listed.iter().find(|listed| listed.is(&one.rollout.id)) {
            Some(found) => listed_end(&mut one.rollout, found, listed),
            None => {
                let why = format!("ecs:ListServiceDeployments does not list {}", one.rollout.id);
                one.by_rollout_state(deployment, why);
            }
        },
        Seen::Unknown(gap) => {
            one.by_rollout_state(deployment, format!("{} could not be read ({})", gap.call, gap.why));
        }
        Seen::Absent => {
            one.unlisted = PATIENCE;
            one.by_rollout_state(deployment, "the endpoint has no ecs:ListServiceDeployments".to_owned());
        }
    }
}

fn listed_end(rollout: &mut Rollout, found: &ServiceDeployment, listed: &[ServiceDeployment]) {
    let superseded = found.was_superseded(listed);
    rollout.state = match found.state {
        DeploymentState::StopRequested | DeploymentState::Ended(DeploymentEnd::Stopped) if superseded => {
            RolloutState::Superseded
        }
        DeploymentState::Pending | DeploymentState::InProgress | DeploymentState::StopRequested => {
            RolloutState::InProgress
        }
        DeploymentState::Ended(end) => RolloutState::Ended(end),
        DeploymentState::Other => RolloutState::Unknown,
    };
    rollout.since = rollout.since.or(found.created);
    rollout.reason.clone_from(&found.reason);
}

impl Followed {
    /// The second best evidence, once the first has been waited for.
    fn by_rollout_state(&mut self, own: Option<&Deployment>, why: String) {
        self.unlisted += 1;
        if self.unlisted < PATIENCE {
            return;
        }
        self.rollout.by_rollout_state = Some(why);
        self.rollout.state = match own.and_then(|own| own.rollout) {
            Some(Word::Completed) => RolloutState::Ended(DeploymentEnd::Successful),
            Some(Word::Failed) => RolloutState::Ended(DeploymentEnd::Failed),
            Some(Word::InProgress) => RolloutState::Superseded,
            None => RolloutState::Unknown,
        };
        self.rollout.reason = own.and_then(|own| own.reason.clone());
    }
}

/// Healthy targets, and those that are not draining, in the target groups of a service.
fn targets(live: &Service, observed: &Observed) -> Option<(usize, usize)> {
    let (mut healthy, mut all) = (0, 0);
    let groups: BTreeSet<_> = live.target_groups().collect();
    for arn in &groups {
        let targets = observed.targets_of(arn).present()?;
        healthy += targets.iter().filter(|target| target.health.state == TargetState::Healthy).count();
        all += targets.iter().filter(|target| target.health.state != TargetState::Draining).count();
    }
    (!groups.is_empty()).then_some((healthy, all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gap;
    use crate::trace::fixture::{Stand, id};

    /// A deployment of the fixture's service after so many looks at which `rolloutState` and the list said this.
    fn after(looks: u32, word: Option<Word>, listed: &Seen<Vec<ServiceDeployment>>) -> Rollout {
        let mut stand = Stand::sound();
        stand.service().deployments[0].id = if word.is_some() { "ecs-svc/7" } else { "ecs-svc/8" }.to_owned();
        stand.service().deployments[0].rollout = word;
        let mut more = Observed::unasked("eu-west-1");
        more.service_deployments.insert(id(), listed.clone());
        let mut followed = Followed::new(ObjectRef::service("shop"), id(), "ecs-svc/7".to_owned());
        for _ in 0..looks {
            if !followed.rollout.state.is_final() {
                update(&mut followed, &stand.observed, &more);
            }
        }
        followed.rollout
    }

    fn listed(number: &str, state: DeploymentState, created: i64, finished: Option<i64>) -> ServiceDeployment {
        let at = |second: i64| jiff::Timestamp::from_second(second).expect("a time");
        ServiceDeployment {
            arn: format!("service-deployment/{number}"),
            revision: format!("service-revision/prod/shop/{number}"),
            state,
            reason: Some("why".to_owned()),
            created: Some(at(created)),
            finished: finished.map(at),
        }
    }

    const DONE: RolloutState = RolloutState::Ended(DeploymentEnd::Successful);

    #[test]
    fn the_service_deployment_decides_and_rollout_state_does_not() {
        let end = |state| after(1, Some(Word::Completed), &Seen::Present(vec![listed("7", state, 1, Some(9))]));
        assert_eq!(end(DeploymentState::InProgress).state, RolloutState::InProgress, "it bakes");
        for one in [DeploymentEnd::Successful, DeploymentEnd::RolledBack, DeploymentEnd::RollbackFailed] {
            let rollout = end(DeploymentState::Ended(one));
            assert_eq!((rollout.state, rollout.by_rollout_state), (RolloutState::Ended(one), None));
            assert_eq!(rollout.reason.as_deref(), Some("why"));
        }
        let stopped = end(DeploymentState::Ended(DeploymentEnd::Stopped));
        assert_eq!(stopped.state, RolloutState::Ended(DeploymentEnd::Stopped));
    }

    #[test]
    fn a_stopped_deployment_is_superseded_if_a_newer_one_was_created_before_its_end() {
        let stopped = listed("7", DeploymentState::Ended(DeploymentEnd::Stopped), 1, Some(9));
        let with = |created| {
            let newer = listed("8", DeploymentState::InProgress, created, None);
            after(1, None, &Seen::Present(vec![newer, stopped.clone()])).state
        };
        assert_eq!(with(5), RolloutState::Superseded);
        assert_eq!(with(10), RolloutState::Ended(DeploymentEnd::Stopped), "it was created after that end");
    }

    #[test]
    fn where_it_is_not_listed_rollout_state_decides_after_a_few_looks_and_the_reason_is_said() {
        let gap = Gap { call: "ecs:ListServiceDeployments".to_owned(), why: "AccessDeniedException".to_owned() };
        for (list, why) in [
            (Seen::Present(Vec::new()), "does not list ecs-svc/7"),
            (Seen::Unknown(gap), "could not be read (AccessDeniedException)"),
        ] {
            assert_eq!(after(PATIENCE - 1, Some(Word::Completed), &list).state, RolloutState::InProgress, "{why}");
            let rollout = after(PATIENCE, Some(Word::Completed), &list);
            assert_eq!(rollout.state, DONE);
            assert!(rollout.by_rollout_state.expect("it is said").contains(why));
            let failed = after(PATIENCE, Some(Word::Failed), &list);
            assert_eq!(failed.state, RolloutState::Ended(DeploymentEnd::Failed));
            let gone = after(PATIENCE, None, &list);
            assert_eq!(gone.state, RolloutState::Unknown, "nothing tells its end");
            assert!(gone.error().is_some());
        }
        let rollout = after(1, Some(Word::Completed), &Seen::Absent);
        assert_eq!(rollout.state, DONE, "an endpoint without the operation is not asked again");
        assert!(rollout.by_rollout_state.is_some());
    }
}
