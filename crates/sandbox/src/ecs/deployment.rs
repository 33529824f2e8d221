//! Service deployments and service revisions.

use serde_json::{Value, json};

use super::{batch, cluster, compact, epoch, find_service, missing, optional_epoch, page_size};
use crate::input::Input;
use crate::page::{Page, page};
use crate::refusal::{Answer, Refusal};
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
            Some((service, one)) => found.push(full(service, one)),
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

fn full(service: &Service, one: &Deployment) -> Value {
    let mut shown = brief(service, one);
    if let Value::Object(members) = &mut shown {
        members.remove("targetServiceRevisionArn");
        members.insert("targetServiceRevision".to_owned(), json!({"arn": one.revision_arn}));
        members.insert("updatedAt".to_owned(), epoch(one.updated));
    }
    shown
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
