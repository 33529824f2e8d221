//! What a service must be when it is made or changed (aws-facts 1.1, 2.3 to 2.7).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sandbox::input::Input;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::routing::balancers_of;
use crate::sandbox::state::{Revision, State, TaskDefinition};

fn no<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::invalid(message))
}

/// Holds what a deployment is made of together: ECS checks the parts against each other.
pub fn revision(state: &State, definition: &TaskDefinition, revision: &Revision) -> Result<(), Refusal> {
    network(state, definition, &revision.network)?;
    if revision.load_balancers.len() > 5 {
        return no("load balancers can have at most 5 items.");
    }
    revision.load_balancers.iter().map(Input).try_for_each(|entry| load_balancer(state, definition, entry))
}

/// The network configuration against the network mode.
pub fn network(state: &State, definition: &TaskDefinition, network: &Value) -> Result<(), Refusal> {
    let config = Input(network).get("awsvpcConfiguration");
    let config = match (definition.network_mode.as_str(), config) {
        ("awsvpc", Some(config)) => config,
        ("awsvpc", None) => {
            return no("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
        }
        (_, None) => return Ok(()),
        (_, Some(_)) => {
            return no("Network Configuration is not valid for the given networkMode of this task definition.");
        }
    };
    let (subnets, groups) = (config.texts("subnets"), config.texts("securityGroups"));
    if subnets.is_empty() {
        return no("subnets can not be empty.");
    }
    if subnets.len() > 16 {
        return no("subnets can have at most 16 items.");
    }
    if groups.len() > 5 {
        return no("securityGroups can have at most 5 items.");
    }
    let mut vpcs = BTreeSet::new();
    for id in subnets {
        let Some(subnet) = state.subnets.get(id) else {
            return no(format!("Error retrieving subnet information for [{id}]: The subnet ID '{id}' does not exist"));
        };
        vpcs.insert(&subnet.vpc);
    }
    for id in groups {
        let Some(group) = state.groups.get(id) else {
            return no(format!(
                "Error retrieving security group information for [{id}]: The security group '{id}' does not exist"
            ));
        };
        vpcs.insert(&group.vpc);
    }
    if vpcs.len() > 1 { no("Subnets and security groups must belong to the same VPC.") } else { Ok(()) }
}

fn load_balancer(state: &State, definition: &TaskDefinition, entry: Input) -> Result<(), Refusal> {
    let Some(arn) = entry.text("targetGroupArn") else {
        return if entry.has("loadBalancerName") {
            no("Classic Load Balancers do not exist here.")
        } else {
            no("Either loadBalancerName or targetGroupArn must be specified.")
        };
    };
    let Some(group) = state.target_groups.get(arn) else {
        return no(format!("The specified target group does not exist. targetGroupArn: {arn}"));
    };
    if balancers_of(state, arn).is_empty() {
        return no(format!("The target group with targetGroupArn {arn} does not have an associated load balancer."));
    }
    let fits = if definition.network_mode == "awsvpc" { "ip" } else { "instance" };
    if group.target_type != fits {
        return no(format!(
            "The provided target group {arn} has target type {}, which is incompatible with the {} network mode \
             specified in the task definition.",
            group.target_type, definition.network_mode
        ));
    }
    let name = entry.text("containerName").unwrap_or_default();
    let Some(container) = definition.containers.iter().find(|container| container.name == name) else {
        return no(format!("The container {name} does not exist in the task definition."));
    };
    let port = entry.int("containerPort").unwrap_or(0);
    if !container.ports.iter().any(|mapping| i64::from(mapping.container_port) == port) {
        return no(format!("The container {name} did not have a container port {port} defined."));
    }
    Ok(())
}

/// How tasks are started, against how they are scheduled.
pub fn scheduling(input: Input, definition: &TaskDefinition) -> Result<(), Refusal> {
    let daemon = input.text("schedulingStrategy") == Some("DAEMON");
    let launch_type = input.text("launchType");
    if launch_type.is_some() && input.list("capacityProviderStrategy").next().is_some() {
        return no(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        );
    }
    if daemon && launch_type == Some("FARGATE") {
        return no("The DAEMON scheduling strategy is not supported on the Fargate launch type.");
    }
    if daemon && input.has("desiredCount") {
        return no(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
        );
    }
    let controller = input.get("deploymentController").and_then(|controller| controller.text("type")).unwrap_or("ECS");
    if daemon && controller != "ECS" {
        return no("The DAEMON scheduling strategy is not supported for this deployment controller.");
    }
    let compatible = Input(&definition.body).texts("requiresCompatibilities");
    if let Some(launch_type) = launch_type.filter(|kind| !compatible.is_empty() && !compatible.contains(kind)) {
        return no(format!("Task definition does not support launch_type {launch_type}."));
    }
    if launch_type == Some("FARGATE") && definition.network_mode != "awsvpc" {
        return no("Task definition does not support launch_type FARGATE.");
    }
    counts(input)
}

/// The figures of a service.
pub fn counts(input: Input) -> Result<(), Refusal> {
    if input.int("desiredCount").is_some_and(|count| count < 0) {
        return no("desiredCount cannot be negative.");
    }
    let Some(deployment) = input.get("deploymentConfiguration") else { return Ok(()) };
    let (low, high) = (deployment.int("minimumHealthyPercent"), deployment.int("maximumPercent"));
    if low.is_some_and(|low| !(0..=100).contains(&low)) {
        return no("minimumHealthyPercent must be between 0 and 100.");
    }
    if high.is_some_and(|high| high < 100) {
        return no("maximumPercent must be at least 100.");
    }
    Ok(())
}
