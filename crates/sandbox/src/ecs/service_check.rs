//! What a service must be when it is made or changed (aws-facts 1.1, 2.3 to 2.7).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{capacity_provider, deployment_configuration};
use crate::input::Input;
use crate::refusal::Refusal;
use crate::routing::balancers_of;
use crate::state::{Revision, Service, State, TaskDefinition};

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

/// Whether a strategy names any provider.
fn is_strategy(list: &Value) -> bool {
    list.as_array().is_some_and(|items| !items.is_empty())
}

/// How tasks are to be started and scheduled.
pub struct Scheduling<'a> {
    pub is_daemon: bool,
    pub launch_type: Option<&'a str>,
    /// Capacity provider strategy; null or empty where there is none.
    pub providers: &'a Value,
}

impl<'a> Scheduling<'a> {
    /// As a call that starts something says it; where it says nothing, as its cluster does (aws-facts 2.3).
    pub fn read(input: Input<'a>, default: &'a Value) -> Self {
        let launch_type = input.text("launchType");
        let providers = input.get("capacityProviderStrategy").map(|list| list.0).filter(|list| is_strategy(list));
        let default = Some(default).filter(|list| launch_type.is_none() && is_strategy(list));
        Self {
            is_daemon: input.text("schedulingStrategy") == Some("DAEMON"),
            launch_type,
            providers: providers.or(default).unwrap_or(&Value::Null),
        }
    }

    /// As a change leaves it. An empty strategy is a launch type again: the one that there is, or that of the providers.
    pub fn changed(service: &'a Service, input: Input<'a>) -> Self {
        let is_daemon = service.scheduling == "DAEMON";
        let providers = input.get("capacityProviderStrategy").map(|list| list.0);
        let launch_type = match providers {
            Some(list) if list.as_array().is_none_or(Vec::is_empty) => {
                Some(service.launch_type.as_deref().unwrap_or("FARGATE"))
            }
            Some(_) => None,
            None => service.launch_type.as_deref(),
        };
        Self { is_daemon, launch_type, providers: providers.unwrap_or(&service.capacity_providers) }
    }

    /// Where tasks start: capacity providers are Fargate's here.
    pub fn starts_on(&self) -> &'a str {
        self.launch_type.unwrap_or(if is_strategy(self.providers) { "FARGATE" } else { "EC2" })
    }

    /// Holds it against itself and against what is to be started.
    pub fn check(&self, definition: &TaskDefinition) -> Result<(), Refusal> {
        if self.launch_type.is_some() && is_strategy(self.providers) {
            return no(
                "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
            );
        }
        capacity_provider::check(self.providers)?;
        let starts_on = self.starts_on();
        if self.is_daemon && starts_on == "FARGATE" {
            return no("The DAEMON scheduling strategy is not supported on the Fargate launch type.");
        }
        if !Input(&definition.body).texts("compatibilities").contains(&starts_on) {
            return no(format!("Task definition does not support launch_type {starts_on}."));
        }
        Ok(())
    }
}

/// Where tasks start decides what else can be asked for.
pub fn place(input: Input, starts_on: &str) -> Result<(), Refusal> {
    let network = input.get("networkConfiguration").and_then(|network| network.get("awsvpcConfiguration"));
    let is_public = network.and_then(|network| network.text("assignPublicIp")) == Some("ENABLED");
    match starts_on {
        "FARGATE" if input.list("placementConstraints").next().is_some() => {
            no("Placement constraints are not supported with FARGATE launch type.")
        }
        "FARGATE" if input.list("placementStrategy").next().is_some() => {
            no("Placement strategies are not supported with FARGATE launch type.")
        }
        "FARGATE" => Ok(()),
        _ if is_public => no("Assign public IP is not supported for this launch type."),
        _ if input.has("platformVersion") => {
            no("The platform version must be null when specifying an EC2 launch type.")
        }
        _ => Ok(()),
    }
}

/// What only a new service can get wrong.
pub fn creation(input: Input) -> Result<(), Refusal> {
    let is_daemon = input.text("schedulingStrategy") == Some("DAEMON");
    if is_daemon && input.has("desiredCount") {
        return no(DAEMON_COUNT);
    }
    let controller = input.get("deploymentController").and_then(|controller| controller.text("type")).unwrap_or("ECS");
    if is_daemon && controller != "ECS" {
        return no("The DAEMON scheduling strategy is not supported for this deployment controller.");
    }
    if let Some(block) = input.get("deploymentConfiguration") {
        deployment_configuration::check(block)?;
    }
    counts(input)
}

/// How AWS says that a daemon is on each instance.
pub const DAEMON_COUNT: &str = "The daemon scheduling strategy does not support a desired count for services. Remove the \
                                desired count value and try again";

/// A grace period is for the health checks of load balancers.
pub fn grace(input: Input, revision: &Revision) -> Result<(), Refusal> {
    if input.has("healthCheckGracePeriodSeconds") && revision.load_balancers.is_empty() {
        return no("Health check grace period is only valid for services configured to use load balancers.");
    }
    Ok(())
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
