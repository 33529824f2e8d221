//! Which deployments in progress are waited for (R7), and which cannot end without the step that would wait.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use portolan::model::{
    Deployment, DeploymentController, Gap, Rollout, Seen, Service, ServiceId, Strategy, Target, TargetState, Task,
    TaskDefinition, UnderWay,
};
use portolan::plan::Action;

use crate::cases::{self, Case};

fn minutes_ago(case: &Case, minutes: i64) -> Option<Timestamp> {
    Some(case.now - SignedDuration::from_mins(minutes))
}

fn id(case: &Case) -> ServiceId {
    case.desired.services["checkout"].id.clone()
}

fn present<T>(seen: Option<&mut Seen<T>>) -> &mut T {
    match seen {
        Some(Seen::Present(value)) => value,
        _ => panic!("the case has it"),
    }
}

fn service(case: &mut Case) -> &mut Service {
    let id = id(case);
    present(case.observed.services.get_mut(&id))
}

fn primary(case: &mut Case) -> &mut Deployment {
    &mut service(case).deployments[0]
}

fn tasks(case: &mut Case) -> &mut Vec<Task> {
    let id = id(case);
    present(case.observed.tasks.get_mut(&id))
}

fn targets(case: &mut Case) -> &mut Vec<Target> {
    present(case.observed.targets.values_mut().find(|seen| seen.as_ref().present().is_some_and(|all| !all.is_empty())))
}

fn definition(case: &mut Case) -> &mut TaskDefinition {
    present(case.observed.task_definitions.values_mut().next())
}

fn under_way(case: &mut Case, seen: Seen<UnderWay>) {
    let id = id(case);
    case.observed.under_way.insert(id, seen);
}

/// A service whose load balancers name the wrong port, and whose rolling deployment began 20 minutes ago: its tasks run,
/// and none is healthy.
fn deploying() -> Case {
    let mut case = cases::named("wiring-wrong-port");
    let created = minutes_ago(&case, 20);
    let old = service(&mut case).deployments[0].clone();
    let new = Deployment {
        primary: true,
        rollout: Some(Rollout::InProgress),
        id: "ecs-svc/2".to_owned(),
        created,
        ..old.clone()
    };
    let old = Deployment { primary: false, rollout: Some(Rollout::Completed), id: "ecs-svc/1".to_owned(), ..old };
    service(&mut case).deployments = vec![new, old];
    tasks(&mut case).iter_mut().for_each(|task| task.started_by = Some("ecs-svc/2".to_owned()));
    targets(&mut case).iter_mut().for_each(|target| target.health.state = TargetState::Unhealthy);
    under_way(&mut case, Seen::Present(UnderWay::default()));
    case
}

/// Whether the service is deployed with the right port, after this has happened.
fn goes(happens: impl FnOnce(&mut Case)) -> bool {
    let mut case = deploying();
    happens(&mut case);
    let plan = case.plan();
    let goes = plan.steps.iter().any(|step| matches!(step.action, Action::UpdateService { .. }));
    assert!(goes || !plan.blocked.is_empty(), "what waits is told: {plan:#?}");
    goes
}

#[test]
fn a_deployment_that_cannot_end_is_not_waited_for() {
    assert!(goes(|_| {}), "20 minutes, and no task is healthy");
    let failed = |failed_tasks| {
        goes(|case| {
            primary(case).created = minutes_ago(case, 3);
            under_way(case, Seen::Present(UnderWay { failed_tasks, ..UnderWay::default() }));
        })
    };
    assert!(failed(2), "two tasks that failed are proof before that time");
    assert!(!failed(1), "one may have failed by chance");
    assert!(!failed(0));
}

#[test]
fn what_waits_says_when_it_stops_waiting() {
    let way_out = |happens: fn(&mut Case)| {
        let mut case = deploying();
        primary(&mut case).created = minutes_ago(&case, 3);
        happens(&mut case);
        let until = case.now + SignedDuration::from_mins(12);
        let plan = case.plan();
        let entry = plan.blocked.iter().find(|entry| entry.what.contains("load balancers")).expect("it waits");
        (entry.waiting_on.to_unblock().expect("a way out"), until)
    };
    let (waits, until) = way_out(|_| {});
    assert!(waits.ends_with(&format!("once 2 of its tasks have failed, or after {until}")), "{waits}");
    let (ends, _) = way_out(|case| targets(case)[0].health.state = TargetState::Healthy);
    assert_eq!(ends, "wait for it to end: the next pass decides");
}

#[test]
fn a_young_deployment_is_waited_for_and_so_is_one_whose_tasks_may_take_long() {
    assert!(!goes(|case| primary(case).created = minutes_ago(case, 14)));
    assert!(goes(|case| primary(case).created = minutes_ago(case, 15)));
    assert!(!goes(|case| primary(case).created = None), "when it began is not known");
    assert!(!goes(|case| service(case).conduct.grace = 1200), "a grace period of 20 minutes, and the checks after it");
    assert!(!goes(|case| {
        let containers = Arc::make_mut(&mut definition(case).containers);
        containers.values_mut().for_each(|container| container.start_time = 1200);
    }));
    assert!(!goes(|case| {
        let Seen::Present(groups) = &mut case.observed.target_groups else { panic!("they are known") };
        for group in groups {
            group.health_check.interval = Some(300);
            group.health_check.healthy_threshold = Some(5);
        }
    }));
}

#[test]
fn a_deployment_that_gets_on_is_waited_for() {
    let healthy = |case: &mut Case| targets(case)[0].health.state = TargetState::Healthy;
    assert!(!goes(healthy), "one of its tasks is healthy");
    assert!(
        goes(|case| {
            healthy(case);
            tasks(case)[0].started_by = Some("ecs-svc/1".to_owned());
        }),
        "a healthy task of the old deployment says nothing of the new one"
    );
    assert!(!goes(|case| primary(case).rollout = Some(Rollout::Completed)), "old tasks are still being stopped");
}

#[test]
fn a_rollback_and_a_stop_are_never_interrupted() {
    assert!(!goes(|case| under_way(case, Seen::Present(UnderWay { is_taken_back: true, failed_tasks: 9 }))));
    assert!(!goes(|case| service(case).deployments[1].rollout = Some(Rollout::Failed)), "it is rolled back");
    assert!(!goes(|case| primary(case).rollout = Some(Rollout::Failed)), "it has been given up");
}

#[test]
fn only_rolling_deployments_of_ecs_are_not_waited_for() {
    for controller in [DeploymentController::CodeDeploy, DeploymentController::External] {
        let mut case = deploying();
        service(&mut case).controller = controller;
        assert!(!case.plan().steps.iter().any(|step| step.redeploys), "{controller:?}");
    }
    for strategy in [Strategy::BlueGreen, Strategy::Linear, Strategy::Canary] {
        let mut case = deploying();
        service(&mut case).strategy = strategy;
        assert!(!case.plan().steps.iter().any(|step| step.redeploys), "{strategy:?}");
    }
    assert!(!goes(|case| service(case).task_sets_move = true));
}

#[test]
fn what_was_not_read_is_waited_for() {
    let gap = || Gap { call: "ecs:ListServiceDeployments".to_owned(), why: "AccessDeniedException".to_owned() };
    assert!(!goes(|case| under_way(case, Seen::Unknown(gap()))));
    assert!(!goes(|case| case.observed.under_way.clear()));
    assert!(!goes(|case| case.observed.tasks.values_mut().for_each(|seen| *seen = Seen::Unknown(gap()))));
    assert!(!goes(|case| case.observed.targets.values_mut().for_each(|seen| *seen = Seen::Unknown(gap()))));
}
