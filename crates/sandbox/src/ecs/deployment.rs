//! Service deployments and service revisions.

use serde_json::{Value, json};

use super::deployment_configuration;
use super::{batch, cluster, compact, epoch, find_service, missing, optional_epoch, page_size};
use crate::due::Due;
use crate::input::Input;
use crate::page::{Page, page};
use crate::refusal::{Answer, Refusal};
use crate::scheduler::{rollback, service as scheduler};
use crate::state::{Deployment, Service, State};

/// Every deployment of a service, the newest first. The way back is a part of the deployment that it takes back.
fn history(service: &Service) -> impl Iterator<Item = &Deployment> {
    service.deployments.iter().chain(&service.past).filter(|one| !one.is_rollback)
}

pub fn list(state: &State, input: Input) -> Answer {
    let cluster = cluster(state, input)?;
    let service = find_service(state, cluster, input.text("service").unwrap_or_default());
    let service = service.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?;
    let wanted = input.texts("status");
    let fits = |one: &&Deployment| wanted.is_empty() || wanted.contains(&one.status.as_str());
    let all = history(service).filter(fits).map(|one| brief(service, one)).collect();
    let size = page_size(state, input, 20)?;
    let bad = |_: &str| Refusal::invalid("Invalid token");
    let Page { items, next } = page(all, input.text("nextToken"), size, bad)?;
    Ok(compact(json!({"serviceDeployments": items, "nextToken": next})))
}

pub fn describe(state: &State, input: Input) -> Answer {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in batch(input, "serviceDeploymentArns", 20)? {
        let mut all = state.services.values().flat_map(|service| history(service).map(move |one| (service, one)));
        match all.find(|(_, one)| one.arn == arn) {
            Some((service, one)) => found.push(full(state, service, one)),
            None => failures.push(missing(arn.to_owned())),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}

pub fn describe_revisions(state: &State, input: Input) -> Answer {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in batch(input, "serviceRevisionArns", 20)? {
        let mut all = state.services.values().flat_map(|service| history(service).map(move |one| (service, one)));
        match all.find(|(_, one)| one.revision_arn == arn) {
            Some((service, one)) => found.push(revision(service, one)),
            None => failures.push(missing(arn.to_owned())),
        }
    }
    Ok(json!({"serviceRevisions": found, "failures": failures}))
}

fn brief(service: &Service, one: &Deployment) -> Value {
    compact(json!({
        "serviceDeploymentArn": one.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster,
        "targetServiceRevisionArn": one.revision_arn,
        "status": one.status,
        "statusReason": one.reason,
        "createdAt": epoch(one.created),
        "startedAt": epoch(one.created),
        "finishedAt": optional_epoch(one.finished),
    }))
}

fn full(state: &State, service: &Service, one: &Deployment) -> Value {
    let is_current = service.deployments.first().is_some_and(|first| first.id == one.id);
    let others = service.deployments.iter().filter(|other| other.id != one.id && other.created < one.created);
    let sources: Vec<Value> = others.map(|other| counted(state, service, other, 0)).collect();
    let wanted = if is_current { scheduler::wanted(state, service) } else { 0 };
    let mut shown = brief(service, one);
    let more = compact(json!({
        "targetServiceRevision": counted(state, service, one, wanted),
        "sourceServiceRevisions": sources,
        "deploymentConfiguration": deployment_configuration::shown(&service.deployment, service.scheduling == "DAEMON"),
        "deploymentCircuitBreaker": breaker(state, service, one),
        "rollback": one.rolled_back_to.as_ref().map(|(at, revision)| {
            json!({"reason": one.reason, "startedAt": epoch(*at), "serviceRevisionArn": revision})
        }),
        "stoppedAt": optional_epoch(one.finished.filter(|_| one.status == "STOPPED")),
        "updatedAt": epoch(one.updated),
    }));
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.remove("targetServiceRevisionArn");
        shown.extend(more);
    }
    shown
}

/// A revision with the tasks that run it.
fn counted(state: &State, service: &Service, one: &Deployment, wanted: i64) -> Value {
    let mine = scheduler::living(state, &service.arn).filter(|task| task.deployment.as_ref() == Some(&one.id));
    let (running, pending) = super::service::counted(mine.map(|task| task.status));
    json!({
        "arn": one.revision_arn,
        "requestedTaskCount": wanted,
        "runningTaskCount": running,
        "pendingTaskCount": pending,
    })
}

fn breaker(state: &State, service: &Service, one: &Deployment) -> Value {
    let status = match (service.breaker, one.status.as_str()) {
        (false, _) => "DISABLED",
        (true, "PENDING" | "IN_PROGRESS") => "MONITORING",
        (true, "SUCCESSFUL" | "STOP_REQUESTED") => "MONITORING_COMPLETE",
        (true, _) => "TRIGGERED",
    };
    let threshold = rollback::threshold(service, scheduler::wanted(state, service));
    json!({"status": status, "failureCount": one.failed_tasks, "threshold": threshold})
}

/// Asks to end the deployment that is in progress, and to go back.
pub fn stop(state: &mut State, input: Input) -> Answer {
    let arn = input.need("serviceDeploymentArn", |_| Refusal::invalid("serviceDeploymentArn is required."))?;
    if input.text("stopType").is_some_and(|kind| kind != "ROLLBACK") {
        return Err(Refusal::invalid("Invalid stopType. Valid values are ROLLBACK."));
    }
    let found = state.services.values_mut().find(|service| history(service).any(|one| one.arn == arn));
    let found = found
        .ok_or_else(|| Refusal::new("ServiceDeploymentNotFoundException", "The service deployment does not exist."))?;
    let runs = |one: &Deployment| one.arn == arn && matches!(&*one.status, "PENDING" | "IN_PROGRESS");
    if !found.deployments.first().is_some_and(runs) {
        let message = "The service deployment is not in a state in which it can be stopped.";
        return Err(Refusal::new("ConflictException", message));
    }
    rollback::request(found);
    let service = found.arn.clone();
    state.after(1, Due::Service(service));
    Ok(json!({"serviceDeploymentArn": arn}))
}

fn revision(service: &Service, one: &Deployment) -> Value {
    compact(json!({
        "serviceRevisionArn": one.revision_arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster,
        "taskDefinition": one.revision.task_definition,
        "launchType": service.launch_type,
        "networkConfiguration": one.revision.network,
        "loadBalancers": one.revision.load_balancers,
        "createdAt": epoch(one.created),
    }))
}
