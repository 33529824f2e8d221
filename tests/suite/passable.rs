//! Rules are made parked only where nothing says that the tasks fail the health checks which begin with them: ECS would stop
//! these tasks.

use std::sync::Arc;

use portolan::model::{Conditions, Registrar, Seen, Service};
use portolan::plan::Action;

use crate::cases::{self, Case};

fn service(case: &mut Case) -> &mut Service {
    match case.observed.services.values_mut().next() {
        Some(Seen::Present(live)) => live,
        _ => panic!("the case has one"),
    }
}

fn healthy(case: &mut Case, number: usize) {
    let Some(Seen::Present(tasks)) = case.observed.tasks.values_mut().next() else { panic!("the case has tasks") };
    tasks[number].healthy = Some(true);
}

/// The container's own health check may take so long.
fn takes(case: &mut Case, seconds: u32) {
    let definitions = case.observed.task_definitions.values_mut();
    for seen in definitions {
        let Seen::Present(definition) = seen else { continue };
        Arc::make_mut(&mut definition.containers).values_mut().for_each(|container| container.start_time = seconds);
    }
}

/// What stands in the way of a parked rule, after this has happened; nothing: it is made.
fn refused(happens: impl FnOnce(&mut Case)) -> String {
    let mut case = cases::named("rule-missing-default-serves");
    happens(&mut case);
    let plan = case.plan();
    let is_parked = |conditions: &Conditions| conditions.is_parked();
    let makes = |action: &Action| matches!(action, Action::CreateRule { conditions, .. } if is_parked(conditions));
    let told: Vec<String> = plan.blocked.iter().map(|entry| entry.waiting_on.to_string()).collect();
    assert_eq!(plan.steps.iter().any(|step| makes(&step.action)), told.is_empty(), "{plan:#?}");
    told.join("\n")
}

#[test]
fn a_task_that_is_still_coming_up_needs_a_grace_period() {
    assert_eq!(refused(|_| {}), "");
    let told = refused(|case| takes(case, 90));
    assert!(told.contains("may take 90s") && told.contains("healthCheckGracePeriodSeconds is 0"), "{told}");
    let with = |happens: fn(&mut Case)| {
        refused(|case| {
            takes(case, 90);
            happens(case);
        })
    };
    assert_eq!(with(|case| service(case).conduct.grace = 90), "");
    assert_ne!(with(|case| healthy(case, 0)), "", "the other one is still coming up");
    let both = |case: &mut Case| {
        healthy(case, 0);
        healthy(case, 1);
    };
    assert_eq!(with(both), "");
    let by_portolan = |case: &mut Case| {
        service(case).load_balancers.clear();
        let ports = case.desired.services.values_mut().flat_map(|wanted| wanted.ports.iter_mut().flatten());
        ports.for_each(|port| port.registrar = Registrar::Portolan);
    };
    assert_eq!(with(by_portolan), "", "ECS stops no task for checks of a target group that its service does not name");
}

#[test]
fn tasks_that_ecs_has_stopped_for_these_checks_would_be_stopped_again() {
    let about = |name: &str| {
        let arn = format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{name}/1");
        format!("(service checkout) (port 8080) is unhealthy in (target-group {arn}) due to (reason …)")
    };
    let after = |events: &[&str]| {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        refused(|case| service(case).conduct.events = events)
    };
    let own = about("checkout-http");
    assert!(after(&[&own, &own]).contains("ECS has stopped 2 tasks"));
    assert_eq!(after(&[&own]), "", "one may have failed by chance");
    assert_eq!(after(&["(service checkout) has reached a steady state.", &own, &own]), "", "that is over");
    let other = about("other");
    assert_eq!(after(&[&other, &other]), "");
}
