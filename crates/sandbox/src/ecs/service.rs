//! Services: made, shown, deleted.

use serde_json::{Value, json};

use super::cluster_shown::filled;
use super::deployment_configuration;
use super::service_check::{self as check, Scheduling};
use super::{
    batch, cluster, compact, epoch, find_service, includes, last, list_page, missing, tag, tag_list, task,
    task_definition,
};
use crate::due::Due;
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::scheduler::{rollout, service as scheduler};
use crate::state::{Cluster, Deployment, Revision, Service, State, Tags, TaskStatus};

pub fn create(state: &mut State, input: Input) -> Answer {
    let cluster = cluster(state, input)?.clone();
    let name = input.need("serviceName", |_| Refusal::invalid("Service name can not be empty."))?;
    let is_sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.len() > 255 || !name.chars().all(is_sound) {
        return Err(Refusal::invalid("Service names have up to 255 letters, numbers, underscores, and hyphens."));
    }
    if let Some(known) = find_service(state, &cluster, name).filter(|known| known.status != "INACTIVE") {
        return same_again(state, known, input);
    }
    let wanted = input.text("taskDefinition").unwrap_or_default();
    let definition = task_definition::resolve(state, wanted)?;
    let default = json!(cluster.default_strategy);
    let scheduling = Scheduling::read(input, &default);
    scheduling.check(&definition)?;
    check::place(input, scheduling.starts_on())?;
    check::creation(input)?;
    let revision = Revision {
        task_definition: definition.arn.clone(),
        load_balancers: input.list("loadBalancers").map(|entry| entry.0.clone()).collect(),
        network: network_read_back(input),
    };
    check::revision(state, &definition, &revision)?;
    if !input.has("desiredCount") && input.text("schedulingStrategy") != Some("DAEMON") {
        return Err(Refusal::invalid("desiredCount is required for REPLICA services."));
    }
    check::grace(input, &revision)?;
    let tags = tag::read(input)?;
    let service = new_service(state, &cluster, name, input, (&scheduling, tags));
    let arn = service.arn.clone();
    state.services.insert(arn.clone(), service);
    rollout::begin(state, &arn, revision, false);
    Ok(json!({"service": state.services.get(&arn).map(|service| shown(state, service, true))}))
}

/// The same token again is the same request; the same name again is a mistake (aws-facts 2.1).
fn same_again(state: &State, known: &Service, input: Input) -> Answer {
    if known.status == "DRAINING" {
        return Err(Refusal::invalid("Unable to Start a service that is still Draining."));
    }
    let token = input.text("clientToken");
    if token.is_some() && token == known.client_token.as_deref() {
        return Ok(json!({"service": shown(state, known, true)}));
    }
    Err(Refusal::invalid("Creation of service was not idempotent."))
}

/// The network as it is read back: without a public address, unless one was asked for.
pub fn network_read_back(input: Input) -> Value {
    let Some(config) = input.get("networkConfiguration").and_then(|network| network.get("awsvpcConfiguration")) else {
        return Value::Null;
    };
    json!({"awsvpcConfiguration": {
        "subnets": config.texts("subnets"),
        "securityGroups": config.texts("securityGroups"),
        "assignPublicIp": config.text("assignPublicIp").unwrap_or("DISABLED"),
    }})
}

fn new_service(
    state: &State,
    cluster: &Cluster,
    name: &str,
    input: Input,
    (scheduling, tags): (&Scheduling, Tags),
) -> Service {
    let deployment = input.get("deploymentConfiguration");
    let breaker = deployment.and_then(|deployment| deployment.get("deploymentCircuitBreaker"));
    let percent = |member: &str| deployment.and_then(|deployment| deployment.int(member));
    let flag = |member: &str| breaker.and_then(|breaker| breaker.flag(member)).unwrap_or(false);
    let is_daemon = input.text("schedulingStrategy") == Some("DAEMON");
    let launch_type = scheduling.launch_type.or(scheduling.providers.is_null().then_some("EC2"));
    let controller = input.get("deploymentController").and_then(|controller| controller.text("type"));
    Service {
        arn: state.arn("ecs", &format!("service/{}/{name}", cluster.name)),
        cluster: cluster.arn.clone(),
        name: name.to_owned(),
        status: "ACTIVE".to_owned(),
        scheduling: input.text("schedulingStrategy").unwrap_or("REPLICA").to_owned(),
        controller: controller.unwrap_or("ECS").to_owned(),
        desired_count: input.int("desiredCount").unwrap_or(0),
        revision: Revision::default(),
        launch_type: launch_type.map(str::to_owned),
        capacity_providers: scheduling.providers.clone(),
        minimum_percent: percent("minimumHealthyPercent").unwrap_or(if is_daemon { 0 } else { 100 }),
        maximum_percent: percent("maximumPercent").unwrap_or(if is_daemon { 100 } else { 200 }),
        breaker: flag("enable"),
        rollback: flag("rollback"),
        strategy: deployment.and_then(|deployment| deployment.text("strategy")).unwrap_or("ROLLING").to_owned(),
        deployment: deployment.map_or(Value::Null, |block| deployment_configuration::merged(&Value::Null, block)),
        grace: input.int("healthCheckGracePeriodSeconds").unwrap_or(0),
        extras: extras(input, scheduling.starts_on()),
        deployments: Vec::new(),
        past: Vec::new(),
        events: Vec::new(),
        not_before: state.now,
        failures_in_a_row: 0,
        client_token: input.text("clientToken").map(str::to_owned),
        created: state.now,
        tags,
        last_event: String::new(),
        steady: false,
    }
}

/// What is only read back.
fn extras(input: Input, starts_on: &str) -> Value {
    let platform = (starts_on == "FARGATE").then_some("LATEST");
    let member = |name: &str, default: Value| input.get(name).map_or(default, |value| value.0.clone());
    json!({
        "platformVersion": member("platformVersion", json!(platform)),
        "placementConstraints": member("placementConstraints", json!([])),
        "placementStrategy": member("placementStrategy", json!([])),
        "serviceRegistries": member("serviceRegistries", json!([])),
        "enableECSManagedTags": member("enableECSManagedTags", json!(false)),
        "enableExecuteCommand": member("enableExecuteCommand", json!(false)),
        "propagateTags": member("propagateTags", json!("NONE")),
        "availabilityZoneRebalancing": member("availabilityZoneRebalancing", json!("ENABLED")),
    })
}

pub fn describe(state: &State, input: Input) -> Answer {
    let cluster = cluster(state, input)?;
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for name in batch(input, "services", 10)? {
        match find_service(state, cluster, name) {
            Some(service) => services.push(shown(state, service, includes(input, "TAGS"))),
            None => failures.push(missing(state.arn("ecs", &format!("service/{}/{}", cluster.name, last(name))))),
        }
    }
    Ok(object! {"services" => services, "failures" => failures})
}

pub fn list(state: &State, input: Input) -> Answer {
    let cluster = cluster(state, input)?;
    let fits = |service: &&Service| {
        let by_type = input.text("launchType").is_none_or(|kind| service.launch_type.as_deref() == Some(kind));
        let by_strategy = input.text("schedulingStrategy").is_none_or(|kind| service.scheduling == kind);
        // One that is being deleted is not listed, though it is still described.
        service.cluster == cluster.arn && service.status == "ACTIVE" && by_type && by_strategy
    };
    let arns = state.services.values().filter(fits).map(|service| service.arn.clone()).collect();
    list_page(state, input, "serviceArns", arns, 10)
}

pub fn delete(state: &mut State, input: Input) -> Answer {
    let cluster = cluster(state, input)?.clone();
    let found = find_service(state, &cluster, input.text("service").unwrap_or_default());
    let found = found.filter(|service| service.status != "INACTIVE");
    let found = found.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?;
    let has_tasks = found.scheduling == "REPLICA" && found.desired_count > 0;
    if has_tasks && input.flag("force") != Some(true) {
        return Err(Refusal::invalid("The service cannot be stopped while it is scaled above 0."));
    }
    let arn = found.arn.clone();
    if let Some(service) = state.services.get_mut(&arn) {
        service.status = "DRAINING".to_owned();
        service.desired_count = 0;
    }
    state.after(1, Due::Service(arn.clone()));
    Ok(json!({"service": state.services.get(&arn).map(|service| shown(state, service, true))}))
}

/// A service as `DescribeServices` shows it.
pub fn shown(state: &State, service: &Service, with_tags: bool) -> Value {
    let (running, pending) = counted(scheduler::living(state, &service.arn).map(|task| task.status));
    let deployments: Vec<Value> =
        service.deployments.iter().enumerate().map(|one| deployment(state, service, one)).collect();
    let events = service
        .events
        .iter()
        .map(|event| json!({"id": event.id, "createdAt": epoch(event.at), "message": event.message}));
    let mut shown = compact(json!({
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster,
        "loadBalancers": service.revision.load_balancers,
        "status": service.status,
        "desiredCount": scheduler::wanted(state, service),
        "runningCount": running,
        "pendingCount": pending,
        "launchType": service.launch_type,
        "capacityProviderStrategy": providers(service),
        "platformFamily": platform(service).map(|_| "Linux"),
        "taskDefinition": service.revision.task_definition,
        "networkConfiguration": service.revision.network,
        "deploymentConfiguration": deployment_configuration::shown(&service.deployment, service.scheduling == "DAEMON"),
        "deploymentController": {"type": service.controller},
        "currentServiceDeployment": service.deployments.first().map(|one| &one.arn),
        "currentServiceRevisions": service.deployments.iter().map(|one| {
            json!({"arn": one.revision_arn})
        }).collect::<Vec<_>>(),
        "roleArn": format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", state.account),
        "createdAt": epoch(service.created),
        "healthCheckGracePeriodSeconds": service.grace,
        "schedulingStrategy": service.scheduling,
        "createdBy": format!("arn:aws:iam::{}:user/sandbox", state.account),
        "tags": if with_tags { tag_list(&service.tags) } else { Value::Null },
    }));
    let lists = object! {"deployments" => deployments, "events" => events.collect::<Vec<_>>()};
    for more in [lists, compact(service.extras.clone())] {
        if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
            shown.extend(more);
        }
    }
    shown
}

/// The strategy of a service, with what AWS fills in.
fn providers(service: &Service) -> Option<Vec<Value>> {
    service.capacity_providers.as_array().map(|items| items.iter().map(filled).collect())
}

/// The platform version that a service on Fargate asks for.
fn platform(service: &Service) -> Option<&str> {
    Input(&service.extras)
        .text("platformVersion")
        .filter(|_| !matches!(service.launch_type.as_deref(), Some("EC2" | "EXTERNAL")))
}

/// Running tasks, and those on their way up.
pub fn counted(statuses: impl Iterator<Item = TaskStatus>) -> (usize, usize) {
    statuses.fold((0, 0), |(running, pending), status| match status {
        TaskStatus::Running => (running + 1, pending),
        TaskStatus::Provisioning | TaskStatus::Pending | TaskStatus::Activating => (running, pending + 1),
        _ => (running, pending),
    })
}

fn deployment(state: &State, service: &Service, (place, one): (usize, &Deployment)) -> Value {
    let tasks = scheduler::living(state, &service.arn);
    let mine = tasks.filter(|task| task.deployment.as_ref() == Some(&one.id)).map(|task| task.status);
    let (running, pending) = counted(mine);
    compact(json!({
        "id": one.id,
        "status": if place == 0 { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": one.revision.task_definition,
        "desiredCount": if place == 0 { scheduler::wanted(state, service) } else { 0 },
        "pendingCount": pending,
        "runningCount": running,
        "failedTasks": one.failed_tasks,
        "createdAt": epoch(one.created),
        "updatedAt": epoch(one.updated),
        "launchType": service.launch_type,
        "capacityProviderStrategy": providers(service),
        "platformVersion": platform(service).map(task::platform_version),
        "platformFamily": platform(service).map(|_| "Linux"),
        "networkConfiguration": one.revision.network,
        "rolloutState": one.rollout,
        "rolloutStateReason": one.reason,
    }))
}
