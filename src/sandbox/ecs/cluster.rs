//! Clusters.

use serde_json::{Value, json};

use super::{includes, last, list_page, missing, tag, tag_list};
use crate::sandbox::input::Input;
use crate::sandbox::refusal::{Answer, Refusal};
use crate::sandbox::state::{Cluster, State};

pub fn create(state: &mut State, input: Input) -> Answer {
    let name = input.text("clusterName").unwrap_or("default");
    let is_sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 255 || !name.chars().all(is_sound) {
        return Err(Refusal::invalid(
            "Cluster names can contain up to 255 letters (uppercase and lowercase), numbers, underscores, and hyphens.",
        ));
    }
    let tags = tag::read(input)?;
    let arn = state.arn("ecs", &format!("cluster/{name}"));
    let is_new = state.clusters.get(&arn).is_none_or(|cluster| cluster.status != "ACTIVE");
    if is_new {
        let cluster = Cluster { arn: arn.clone(), name: name.to_owned(), status: "ACTIVE".to_owned(), tags };
        state.clusters.insert(arn.clone(), cluster);
    }
    Ok(json!({"cluster": state.clusters.get(&arn).map(|cluster| shown(state, cluster, true))}))
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
            Some(cluster) => clusters.push(shown(state, cluster, includes(input, "TAGS"))),
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
    Ok(json!({"cluster": state.clusters.get(&cluster.arn).map(|cluster| shown(state, cluster, false))}))
}

fn shown(state: &State, cluster: &Cluster, with_tags: bool) -> Value {
    let tasks = |word: &str| {
        let here = state.tasks.values().filter(|task| task.cluster == cluster.arn);
        here.filter(|task| task.status.word() == word).count()
    };
    let services =
        state.services.values().filter(|service| service.cluster == cluster.arn && service.status == "ACTIVE");
    let instances = state.container_instances.values().filter(|instance| instance.cluster == cluster.arn);
    json!({
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": instances.count(),
        "runningTasksCount": tasks("RUNNING"),
        "pendingTasksCount": tasks("PENDING"),
        "activeServicesCount": services.count(),
        "statistics": [],
        "tags": if with_tags { tag_list(&cluster.tags) } else { json!([]) },
        "settings": [],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    })
}
