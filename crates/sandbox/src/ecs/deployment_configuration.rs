//! `deploymentConfiguration`: what AWS reads back, and how it merges what is sent (aws-facts 2.4).

use serde_json::{Map, Value, json};

use crate::input::Input;
use crate::refusal::Refusal;

/// Members of a circuit breaker that stay when they are left out.
const KEPT_OF_BREAKER: [&str; 2] = ["resetOnHealthyTask", "thresholdConfiguration"];

/// What AWS refuses of a block.
pub fn check(block: Input) -> Result<(), Refusal> {
    let no = |message: &str| Err(Refusal::invalid(message));
    if let Some(breaker) = block.get("deploymentCircuitBreaker")
        && let Some(threshold) = breaker.get("thresholdConfiguration")
        && threshold.int("value").is_none()
    {
        return no("Invalid deployment circuit breaker threshold value.");
    }
    let strategy = block.text("strategy").unwrap_or("ROLLING");
    if block.has("linearConfiguration") && strategy != "LINEAR" {
        return no("Linear configuration can only be present with LINEAR deployment strategy");
    }
    if block.has("canaryConfiguration") && strategy != "CANARY" {
        return no("Canary configuration can only be present with CANARY deployment strategy");
    }
    for hook in block.list("lifecycleHooks") {
        if hook.texts("lifecycleStages").is_empty() {
            return no("Lifecycle stage cannot be null or empty for any deployment lifecycle hooks");
        }
        let pauses = hook.text("targetType") == Some("PAUSE");
        if !pauses && (!hook.has("roleArn") || !hook.has("hookTargetArn")) {
            return no("Role arn or Hook Target arn is missing for one or more deployment lifecycle hooks");
        }
    }
    Ok(())
}

/// What is stored after `sent` came over `before`: members that are left out stay; within a member, AWS's rules differ.
pub fn merged(before: &Value, sent: Input) -> Value {
    let mut all = before.as_object().cloned().unwrap_or_default();
    for (name, value) in sent.0.as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "deploymentCircuitBreaker" => breaker(all.get(name), value),
            "linearConfiguration" => filled(value, json!({"stepPercent": 10.0, "stepBakeTimeInMinutes": 6})),
            "canaryConfiguration" => filled(value, json!({"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10})),
            "lifecycleHooks" => value.as_array().into_iter().flatten().map(hook).collect(),
            _ => value.clone(),
        };
        all.insert(name.clone(), value);
    }
    Value::Object(all)
}

/// The block is replaced, so that a missing `rollback` becomes false; its optional members stay.
fn breaker(before: Option<&Value>, sent: &Value) -> Value {
    let mut all = Map::new();
    for name in KEPT_OF_BREAKER {
        if let Some(value) = before.and_then(|before| before.get(name)) {
            all.insert(name.to_owned(), value.clone());
        }
    }
    all.insert("rollback".to_owned(), false.into());
    all.extend(sent.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

/// A member that is left out gets AWS's own value, not the one before.
fn filled(sent: &Value, defaults: Value) -> Value {
    let mut all = defaults.as_object().cloned().unwrap_or_default();
    all.extend(sent.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

fn hook(sent: &Value) -> Value {
    let mut all = filled(sent, json!({"targetType": "AWS_LAMBDA"}));
    if let Some(timeout) = sent.get("timeoutConfiguration") {
        all["timeoutConfiguration"] = filled(timeout, json!({"timeoutInMinutes": 1440, "action": "ROLLBACK"}));
    }
    all
}

/// What `DescribeServices` says.
pub fn shown(stored: &Value, is_daemon: bool) -> Value {
    let (low, high) = if is_daemon { (0, 100) } else { (100, 200) };
    let breaker = json!({
        "enable": false,
        "rollback": false,
        "resetOnHealthyTask": true,
        "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
    });
    let mut all = json!({
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
        "minimumHealthyPercent": low,
        "maximumPercent": high,
        "alarms": {"alarmNames": [], "enable": false, "rollback": false},
    });
    for (name, value) in stored.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    all["deploymentCircuitBreaker"] = filled(all.get("deploymentCircuitBreaker").unwrap_or(&Value::Null), breaker);
    all
}
