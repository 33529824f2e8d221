//! Events that ECS itself sends: `ECS Task State Change`, `ECS Service Action`, `ECS Deployment State Change`.

use serde_json::Value;

use super::{Ignored, Names};

/// A task: `detail.group` names its service, `detail.clusterArn` the cluster. Tasks of no service give no hint.
pub(super) fn task(detail: &Value, names: &mut Names<'_>) -> Result<(), Ignored> {
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    // A task sends an event for each of up to eight states. While it starts, nothing can be registered or missing yet.
    let is_early = matches!(text("lastStatus"), Some("PROVISIONING" | "PENDING" | "ACTIVATING"));
    if is_early && text("desiredStatus") != Some("STOPPED") {
        return Err(Ignored::Early);
    }
    if let Some(name) = text("group").and_then(|group| group.strip_prefix("service:")) {
        names.service(text("clusterArn"), name);
    }
    Ok(())
}

/// A service or its deployment. Both name the service by ARN in `resources`, some by `detail.serviceName`; an action
/// may name target groups in addition.
pub(super) fn service(event: &Value, detail: &Value, names: &mut Names<'_>) {
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    for name in ["resources", "serviceArn", "targetGroupArns"] {
        names.arns_in(event.get(name).or(detail.get(name)).unwrap_or(&Value::Null));
    }
    if let Some(name) = text("serviceName") {
        names.service(text("clusterArn"), name);
    }
}
