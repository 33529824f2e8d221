//! Calls of AWS's APIs that CloudTrail has seen: `AWS API Call via CloudTrail`, sent where a trail logs them.
//!
//! A record holds the call's input as `requestParameters` and its answer as `responseElements`, in the call's own
//! words, the first letter in lower case.

use serde_json::Value;

use crate::model::{GroupId, is_arn};

use super::{Hint, Ignored, Names};

/// What a call named.
pub(super) fn call(detail: &Value, names: &mut Names<'_>) -> Result<(), Ignored> {
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    let (Some(source), Some(operation)) = (text("eventSource"), text("eventName")) else { return Err(Ignored::Junk) };
    let is_reading = ["Describe", "List", "Get"].iter().any(|verb| operation.starts_with(verb));
    if text("errorCode").is_some() || is_reading {
        return Err(Ignored::Unchanged);
    }
    let (input, answer) = (member(detail, "requestParameters"), member(detail, "responseElements"));
    match source.split('.').next() {
        Some("elasticloadbalancing") => {
            names.arns_in(input);
            names.arns_in(answer);
        }
        Some("ecs") => ecs(input, answer, names),
        Some("ec2") if operation.contains("SecurityGroup") => security_groups(input, answer, names),
        _ => return Err(Ignored::Kind),
    }
    Ok(())
}

fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// Calls name the service by ARN or by name (`service`, in `CreateService` `serviceName`), the cluster by ARN or name;
/// left out it is `default`. What becomes of tasks ECS tells itself.
fn ecs(input: &Value, answer: &Value, names: &mut Names<'_>) {
    names.arns_in(input);
    names.arns_in(answer);
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let cluster = text("cluster").unwrap_or("default");
    for name in [text("service"), text("serviceName")].into_iter().flatten() {
        if !is_arn(name) {
            names.service(Some(cluster), name);
        }
    }
}

/// The groups whose rules changed. Calls differ in where they say it: `groupId`, a request within the request
/// (`ModifySecurityGroupRulesRequest.GroupId`), or only the answer's rules, where the call named the group. The groups
/// within `ipPermissions` are sources, and nothing of theirs changed.
fn security_groups(input: &Value, answer: &Value, names: &mut Names<'_>) {
    let wrapped = input.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("Request"));
    let wrapped = wrapped.filter_map(|(_, request)| request.get("GroupId"));
    let rules = answer.pointer("/securityGroupRuleSet/items").and_then(Value::as_array);
    let rules = rules.into_iter().flatten().filter_map(|rule| rule.get("groupId"));
    let flat = [input.get("groupId"), answer.get("groupId")].into_iter().flatten();
    let ids = flat.chain(wrapped).chain(rules).filter_map(Value::as_str).filter(|id| id.starts_with("sg-"));
    names.found.extend(ids.map(|id| Hint::SecurityGroup(GroupId::from(id))));
}
