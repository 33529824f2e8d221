//! The status table as JSON, version 1. Fields may be added, but never removed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::{Deployment, Gap, Rollout, Seen, TaskCounts};

use super::{Row, Share, Table};

/// The document, with a line feed at its end. `calls` is the number of AWS calls by operation.
pub fn render(table: &Table, calls: &BTreeMap<String, u64>) -> String {
    let Table { rows, verdict, gaps } = table;
    let services: Vec<Value> = rows.iter().map(row).collect();
    let gaps = gaps.iter().map(|(object, Gap { call, why })| json!({"object": object, "call": call, "why": why}));
    let gaps: Vec<Value> = gaps.collect();
    let document = json!({
        "schemaVersion": 1,
        "verdict": verdict.map(|verdict| verdict.as_str()),
        "services": services,
        "gaps": gaps,
        "errors": [],
        "calls": calls,
    });
    format!("{document:#}\n")
}

fn row(row: &Row) -> Value {
    let Row {
        object,
        name,
        in_sync,
        reachable,
        tasks,
        targets,
        is_degraded,
        is_starting,
        is_deploying,
        deployments,
        why,
    } = row;
    let mut document = json!({
        "object": object.to_string(),
        "name": name,
        "inSync": in_sync.as_str(),
        "reachable": reachable.as_str(),
        "degraded": is_degraded,
        "starting": is_starting,
        "tasks": share(tasks, "running", "desired"),
        "targets": share(targets, "healthy", "registered"),
        "deploying": is_deploying,
        "why": why,
    });
    if !deployments.is_empty() {
        document["deployments"] = deployments.iter().map(deployment).collect();
    }
    document
}

/// A deployment of a service that is not steady.
fn deployment(one: &Deployment) -> Value {
    let Deployment { primary, rollout, task_definition, id, created, reason, tasks } = one;
    let TaskCounts { desired, running, pending, failed } = tasks;
    json!({
        "deployment": id,
        "primary": primary,
        "taskDefinition": task_definition.name(),
        "rolloutState": rollout.map(state),
        "since": created.map(|at| at.to_string()),
        "reason": reason,
        "tasks": {"desired": desired, "running": running, "pending": pending, "failed": failed},
    })
}

/// AWS's word.
pub(super) fn state(rollout: Rollout) -> &'static str {
    match rollout {
        Rollout::InProgress => "IN_PROGRESS",
        Rollout::Completed => "COMPLETED",
        Rollout::Failed => "FAILED",
    }
}

/// Null if the object has no such count; the numbers are null if they could not be read.
fn share(seen: &Seen<Share>, good: &str, all: &str) -> Value {
    match seen {
        Seen::Present(Share { good: healthy, all: wanted }) => json!({good: healthy, all: wanted}),
        Seen::Unknown(_) => json!({good: null, all: null}),
        Seen::Absent => Value::Null,
    }
}
