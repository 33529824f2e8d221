//! Changing a service: which members start a deployment, and which do not (aws-facts 2.2).

use serde_json::{Value, json};

use super::service::{network_read_back, shown};
use super::service_check::{self as check, Scheduling};
use super::{cluster, deployment_configuration, find_service, task_definition};
use crate::due::Due;
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::scheduler::rollout;
use crate::state::{Service, State};

pub fn update(state: &mut State, input: Input) -> Answer {
    let cluster = cluster(state, input)?.clone();
    let found = find_service(state, &cluster, input.text("service").unwrap_or_default()).cloned();
    let service = found.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?;
    if service.status != "ACTIVE" {
        return Err(Refusal::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    check_controller(&service, input)?;
    check::counts(input)?;
    if let Some(block) = input.get("deploymentConfiguration") {
        deployment_configuration::check(block)?;
    }
    if service.scheduling == "DAEMON" && input.has("desiredCount") {
        return Err(Refusal::invalid(check::DAEMON_COUNT));
    }
    let mut revision = service.revision.clone();
    if let Some(name) = input.text("taskDefinition") {
        revision.task_definition = task_definition::resolve(state, name)?.arn;
    }
    if input.has("loadBalancers") {
        revision.load_balancers = input.list("loadBalancers").map(|entry| entry.0.clone()).collect();
    }
    if input.has("networkConfiguration") {
        revision.network = network_read_back(input);
    }
    check::grace(input, &revision)?;
    let is_forced = input.flag("forceNewDeployment") == Some(true);
    let changes_providers = input.has("capacityProviderStrategy");
    if changes_providers && !is_forced {
        return Err(Refusal::invalid(
            "When switching from launch type to capacity provider strategy on an existing service, or making a change to \
             a capacity provider strategy on a service that is already using one, you must force a new deployment.",
        ));
    }
    let scheduling = Scheduling::changed(&service, input);
    check::place(input, scheduling.starts_on())?;
    let platform = input.text("platformVersion");
    let changes_platform = platform.is_some() && platform != Input(&service.extras).text("platformVersion");
    let redeploys = is_forced || changes_platform || revision != service.revision;
    if redeploys {
        let definition = state.task_definitions.get(&revision.task_definition);
        let definition = definition.ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
        scheduling.check(definition)?;
        check::revision(state, definition, &revision)?;
    }
    let arn = service.arn.clone();
    if let Some(stored) = state.services.get_mut(&arn) {
        stored.launch_type = scheduling.launch_type.map(str::to_owned);
        write(stored, input);
    }
    if redeploys {
        rollout::begin(state, &arn, revision, false);
    }
    state.after(1, Due::Service(arn.clone()));
    Ok(json!({"service": state.services.get(&arn).map(|service| shown(state, service, true))}))
}

/// Under CodeDeploy and external controllers most members belong to somebody else.
fn check_controller(service: &Service, input: Input) -> Result<(), Refusal> {
    let foreign: &[&str] = match service.controller.as_str() {
        "CODE_DEPLOY" => &["taskDefinition", "loadBalancers", "networkConfiguration", "platformVersion"],
        "EXTERNAL" => {
            &["taskDefinition", "loadBalancers", "networkConfiguration", "platformVersion", "deploymentConfiguration"]
        }
        _ => &[],
    };
    match foreign.iter().find(|member| input.has(member)) {
        Some(member) => Err(Refusal::invalid(format!(
            "Unable to update {member} on services with a {} deployment controller.",
            service.controller
        ))),
        None => Ok(()),
    }
}

/// What changes at once and starts nothing.
fn write(service: &mut Service, input: Input) {
    if let Some(count) = input.int("desiredCount") {
        service.desired_count = count;
    }
    if let Some(grace) = input.int("healthCheckGracePeriodSeconds") {
        service.grace = grace;
    }
    if let Some(providers) = input.get("capacityProviderStrategy") {
        let is_empty = providers.0.as_array().is_none_or(Vec::is_empty);
        service.capacity_providers = if is_empty { Value::Null } else { providers.0.clone() };
    }
    if let Some(deployment) = input.get("deploymentConfiguration") {
        service.deployment = deployment_configuration::merged(&service.deployment, deployment);
        service.minimum_percent = deployment.int("minimumHealthyPercent").unwrap_or(service.minimum_percent);
        service.maximum_percent = deployment.int("maximumPercent").unwrap_or(service.maximum_percent);
        if let Some(breaker) = deployment.get("deploymentCircuitBreaker") {
            service.breaker = breaker.flag("enable").unwrap_or(service.breaker);
            // It is replaced: what is left out of it is off.
            service.rollback = breaker.flag("rollback").unwrap_or(false);
        }
        service.strategy = deployment.text("strategy").unwrap_or(&service.strategy).to_owned();
    }
    if let Value::Object(extras) = &mut service.extras {
        for (name, value) in extras.iter_mut() {
            if let Some(written) = input.get(name) {
                *value = written.0.clone();
            }
        }
    }
}
