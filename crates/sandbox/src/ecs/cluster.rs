//! Clusters.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{capacity_provider, cluster_shown, last, list_page, missing, tag};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{Cluster, State};

const INSIGHTS: &str = "containerInsights";

pub fn create(state: &mut State, input: Input) -> Answer {
    let name = input.text("clusterName").unwrap_or("default");
    let is_sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 255 || !name.chars().all(is_sound) {
        return Err(Refusal::invalid(
            "Cluster names can contain up to 255 letters (uppercase and lowercase), numbers, underscores, and hyphens.",
        ));
    }
    let tags = tag::read(input)?;
    let (capacity_providers, default_strategy) = providers(input)?;
    let settings = settings(input)?;
    let arn = state.arn("ecs", &format!("cluster/{name}"));
    let is_new = state.clusters.get(&arn).is_none_or(|cluster| cluster.status != "ACTIVE");
    if is_new {
        let written = |member: &str| input.get(member).map_or(Value::Null, |value| value.0.clone());
        let cluster = Cluster {
            arn: arn.clone(),
            name: name.to_owned(),
            status: "ACTIVE".to_owned(),
            settings,
            configuration: written("configuration"),
            service_connect: written("serviceConnectDefaults"),
            capacity_providers,
            default_strategy,
            tags,
        };
        state.clusters.insert(arn.clone(), cluster);
    }
    Ok(json!({"cluster": state.clusters.get(&arn).map(|cluster| cluster_shown::whole(state, cluster))}))
}

/// The settings of a call; without any, containers are not watched.
fn settings(input: Input) -> Result<Vec<Value>, Refusal> {
    let mut value = "disabled";
    for setting in input.list("settings").filter(|setting| setting.text("name") == Some(INSIGHTS)) {
        value = setting.text("value").unwrap_or_default();
        if !["enabled", "disabled", "enhanced"].contains(&value) {
            return Err(Refusal::invalid(format!("Invalid cluster setting value: {value}.")));
        }
    }
    Ok(vec![json!({"name": INSIGHTS, "value": value})])
}

/// The providers that a call associates with a cluster, and how tasks are spread over them by default.
fn providers(input: Input) -> Result<(BTreeSet<String>, Vec<Value>), Refusal> {
    let named = input.texts("capacityProviders");
    if named.iter().any(|name| !capacity_provider::FARGATE.contains(name)) {
        return Err(Refusal::invalid(
            "The specified capacity provider does not exist. Specify a valid name or ARN and try again.",
        ));
    }
    let strategy: Vec<Value> = input.list("defaultCapacityProviderStrategy").map(|item| item.0.clone()).collect();
    let is_named = |item: &Value| Input(item).text("capacityProvider").is_some_and(|name| named.contains(&name));
    if !strategy.iter().all(is_named) {
        return Err(Refusal::invalid(
            "The specified default capacity provider strategy cannot contain a capacity provider that is not associated \
             with the cluster. Associate the capacity provider with the cluster and try again.",
        ));
    }
    capacity_provider::check(&json!(strategy))?;
    Ok((named.into_iter().map(str::to_owned).collect(), strategy))
}

/// Replaces both lists: who leaves a provider out takes it from the cluster.
pub fn put_providers(state: &mut State, input: Input) -> Answer {
    let arn = super::cluster(state, input)?.arn.clone();
    if !input.has("capacityProviders") || !input.has("defaultCapacityProviderStrategy") {
        return Err(Refusal::invalid("capacityProviders and defaultCapacityProviderStrategy can not be null."));
    }
    let (providers, strategy) = providers(input)?;
    if let Some(cluster) = state.clusters.get_mut(&arn) {
        (cluster.capacity_providers, cluster.default_strategy) = (providers, strategy);
    }
    Ok(json!({"cluster": state.clusters.get(&arn).map(|cluster| cluster_shown::whole(state, cluster))}))
}

pub fn describe(state: &State, input: Input) -> Answer {
    let names = match input.texts("clusters") {
        names if names.is_empty() => vec!["default"],
        names if names.len() > 100 => return Err(Refusal::invalid("clusters can have at most 100 items.")),
        names => names,
    };
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for name in names.into_iter().map(last) {
        match state.clusters.values().find(|cluster| cluster.name == name) {
            Some(cluster) => clusters.push(cluster_shown::with(state, cluster, &input.texts("include"))),
            None => failures.push(missing(state.arn("ecs", &format!("cluster/{name}")))),
        }
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

pub fn list(state: &State, input: Input) -> Answer {
    let active = state.clusters.values().filter(|cluster| cluster.status == "ACTIVE");
    list_page(state, input, "clusterArns", active.map(|cluster| cluster.arn.clone()).collect(), 100)
}

pub fn delete(state: &mut State, input: Input) -> Answer {
    let cluster = super::cluster(state, input)?.clone();
    let has_services =
        state.services.values().any(|service| service.cluster == cluster.arn && service.status != "INACTIVE");
    let has_tasks = state.tasks.values().any(|task| task.cluster == cluster.arn && task.is_alive());
    let has_instances = state.container_instances.values().any(|instance| instance.cluster == cluster.arn);
    let why = match (has_services, has_tasks, has_instances) {
        (true, ..) => Some(("ClusterContainsServicesException", "services are active")),
        (_, true, _) => Some(("ClusterContainsTasksException", "tasks are active")),
        (.., true) => Some(("ClusterContainsContainerInstancesException", "container instances are registered")),
        _ => None,
    };
    if let Some((code, what)) = why {
        return Err(Refusal::new(code, format!("The Cluster cannot be deleted while {what}.")));
    }
    if let Some(cluster) = state.clusters.get_mut(&cluster.arn) {
        cluster.status = "INACTIVE".to_owned();
    }
    Ok(json!({"cluster": state.clusters.get(&cluster.arn).map(|cluster| cluster_shown::with(state, cluster, &[]))}))
}
