//! The status table as JSON, version 1. Fields may be added, but never removed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Seen;

use super::{Row, Share, Table};

/// The document, with a line feed at its end. `calls` is the number of AWS calls by operation.
pub fn render(table: &Table, calls: &BTreeMap<String, u64>) -> String {
    let services: Vec<Value> = table.rows.iter().map(row).collect();
    let gaps: Vec<Value> =
        table.gaps.iter().map(|(object, gap)| json!({"object": object, "call": gap.call, "why": gap.why})).collect();
    let document = json!({
        "schemaVersion": 1,
        "verdict": table.verdict.map(|verdict| verdict.as_str()),
        "services": services,
        "gaps": gaps,
        "errors": [],
        "calls": calls,
    });
    format!("{document:#}\n")
}

fn row(row: &Row) -> Value {
    let Row { object, name, in_sync, reachable, tasks, targets, is_degraded, is_starting, is_deploying, why } = row;
    json!({
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
    })
}

/// Null if the object has no such count; the numbers are null if they could not be read.
fn share(seen: &Seen<Share>, good: &str, all: &str) -> Value {
    match seen {
        Seen::Present(share) => json!({good: share.good, all: share.all}),
        Seen::Unknown(_) => json!({good: null, all: null}),
        Seen::Absent => Value::Null,
    }
}
