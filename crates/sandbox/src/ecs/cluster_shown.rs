//! Clusters as they are described: what a call does not ask for with `include` is left empty.

use serde_json::{Value, json};

use super::{compact, tag_list};
use crate::state::{Cluster, State, Task, TaskStatus};

/// A cluster as the call that makes it tells it.
pub fn whole(state: &State, cluster: &Cluster) -> Value {
    with(state, cluster, &["CONFIGURATIONS", "SETTINGS", "TAGS"])
}

/// A cluster with what was asked for.
pub fn with(state: &State, cluster: &Cluster, include: &[&str]) -> Value {
    let asked = |field: &str| include.contains(&field);
    let list = |field: &str, list: Value| if asked(field) { list } else { json!([]) };
    let tasks = |word: &str| {
        let here = state.tasks.values().filter(|task| task.cluster == cluster.arn);
        here.filter(|task| task.status.word() == word).count()
    };
    let services =
        state.services.values().filter(|service| service.cluster == cluster.arn && service.status == "ACTIVE");
    let instances = state.container_instances.values().filter(|instance| instance.cluster == cluster.arn);
    compact(json!({
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": instances.count(),
        "runningTasksCount": tasks("RUNNING"),
        "pendingTasksCount": tasks("PENDING"),
        "activeServicesCount": services.count(),
        "statistics": if asked("STATISTICS") { statistics(state, cluster) } else { json!([]) },
        "tags": list("TAGS", tag_list(&cluster.tags)),
        "settings": list("SETTINGS", json!(cluster.settings)),
        "configuration": Some(&cluster.configuration).filter(|_| asked("CONFIGURATIONS")),
        "serviceConnectDefaults": cluster.service_connect,
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": cluster.default_strategy.iter().map(filled).collect::<Vec<_>>(),
        "attachments": asked("ATTACHMENTS").then(|| json!([])),
    }))
}

/// An item of a strategy, with what AWS fills in.
pub fn filled(item: &Value) -> Value {
    let number = |member: &str| item.get(member).cloned().unwrap_or_else(|| json!(0));
    json!({"capacityProvider": item["capacityProvider"], "weight": number("weight"), "base": number("base")})
}

/// The counts by launch type, as texts.
fn statistics(state: &State, cluster: &Cluster) -> Value {
    let tasks = |status: TaskStatus, launch_type: &str| {
        let is_one =
            |task: &&Task| task.cluster == cluster.arn && task.status == status && task.launch_type == launch_type;
        state.tasks.values().filter(is_one).count()
    };
    let services = |status: &str, launch_type: &str| {
        let here = state.services.values().filter(|service| service.cluster == cluster.arn);
        let of_type = here.filter(|service| service.launch_type.as_deref().unwrap_or("FARGATE") == launch_type);
        of_type.filter(|service| service.status == status).count()
    };
    let mut told = Vec::new();
    for (word, launch_type) in [("EC2", "EC2"), ("Fargate", "FARGATE"), ("External", "EXTERNAL")] {
        told.push((format!("running{word}TasksCount"), tasks(TaskStatus::Running, launch_type)));
        told.push((format!("pending{word}TasksCount"), tasks(TaskStatus::Pending, launch_type)));
        told.push((format!("active{word}ServiceCount"), services("ACTIVE", launch_type)));
        told.push((format!("draining{word}ServiceCount"), services("DRAINING", launch_type)));
    }
    told.into_iter().map(|(name, count)| json!({"name": name, "value": count.to_string()})).collect()
}
