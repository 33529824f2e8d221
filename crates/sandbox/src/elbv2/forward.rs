//! Forward actions, and which target groups go with which listeners.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::action::Front;
use super::{find, limit, number};
use crate::input::Input;
use crate::refusal::Refusal;
use crate::routing;
use crate::state::{LoadBalancer, State, TargetGroup};

/// Writes what a forward action says into its shape.
pub fn read(action: Input, balancer: &LoadBalancer, shape: &mut Map<String, Value>) -> Result<(), Refusal> {
    let config = action.get("ForwardConfig");
    let groups = groups(action, config)?;
    let most =
        if balancer.is_application() { limit::GROUPS_OF_APPLICATION_ACTION } else { limit::GROUPS_OF_NETWORK_ACTION };
    if groups.len() > most {
        return Err(Refusal::validation(format!("A forward action can have at most '{most}' target groups")));
    }
    if let [(arn, _)] = groups.as_slice() {
        shape.insert("TargetGroupArn".to_owned(), json!(arn));
    }
    let groups: Vec<Value> =
        groups.iter().map(|(arn, weight)| json!({"TargetGroupArn": arn, "Weight": weight})).collect();
    let config = json!({"TargetGroups": groups, "TargetGroupStickinessConfig": stickiness(config)?});
    shape.insert("ForwardConfig".to_owned(), config);
    Ok(())
}

/// Groups and weights, whichever of both ways they are written in.
fn groups(action: Input, config: Option<Input>) -> Result<Vec<(String, i64)>, Refusal> {
    let mut groups: Vec<(String, i64)> = Vec::new();
    for group in config.into_iter().flat_map(|config| config.list("TargetGroups")) {
        let arn = find::need(group, "TargetGroupArn")?.to_owned();
        if groups.iter().any(|(other, _)| *other == arn) {
            return Err(Refusal::validation(format!("Target group '{arn}' was specified more than once")));
        }
        groups.push((arn, number::within(group, "Weight", 0..=999)?.unwrap_or(1)));
    }
    match action.text("TargetGroupArn") {
        Some(arn) if groups.is_empty() => groups.push((arn.to_owned(), 1)),
        Some(arn) if groups.len() > 1 || groups.iter().any(|(other, _)| other != arn) => {
            let message = "With TargetGroupArn, ForwardConfig can name that target group alone";
            return Err(Refusal::validation(message));
        }
        _ => {}
    }
    if groups.is_empty() {
        return Err(Refusal::validation("A target group ARN must be specified for forward actions"));
    }
    Ok(groups)
}

fn stickiness(config: Option<Input>) -> Result<Value, Refusal> {
    let Some(sticky) = config.and_then(|config| config.get("TargetGroupStickinessConfig")) else {
        return Ok(json!({"Enabled": false}));
    };
    let is_on = sticky.flag("Enabled").unwrap_or(false);
    match number::within(sticky, "DurationSeconds", 1..=604_800)? {
        Some(seconds) => Ok(json!({"Enabled": is_on, "DurationSeconds": seconds})),
        None if is_on => {
            Err(Refusal::validation("A duration must be specified when target group stickiness is enabled"))
        }
        None => Ok(json!({"Enabled": false})),
    }
}

/// That the target groups of actions stand, and go with a listener.
pub fn check(state: &State, front: Front, actions: &[Value], has_login: bool) -> Result<(), Refusal> {
    let groups: Vec<&TargetGroup> =
        routing::forwards(actions).map(|(arn, _)| find::target_group(state, arn)).collect::<Result<_, _>>()?;
    for group in &groups {
        check_group(front, group, has_login)?;
    }
    let versions: BTreeSet<&Option<String>> = groups.iter().map(|group| &group.protocol_version).collect();
    if versions.len() > 1 {
        let message = "Target groups of one action must have the same protocol version";
        return Err(Refusal::new("InvalidConfigurationRequest", message));
    }
    let is_sticky = |group: &&TargetGroup| group.attributes.get("stickiness.enabled").is_some_and(|on| on == "true");
    if groups.iter().any(is_sticky) && actions.iter().any(splits_blindly) {
        return Err(needs_stickiness());
    }
    Ok(())
}

fn check_group(front: Front, group: &TargetGroup, has_login: bool) -> Result<(), Refusal> {
    if !goes_with(front.protocol, &group.protocol) {
        let message = format!(
            "The protocol '{}' of target group '{}' is not compatible with the listener protocol '{}'",
            group.protocol, group.arn, front.protocol
        );
        return Err(Refusal::new("IncompatibleProtocols", message));
    }
    let invalid = |message: String| Err(Refusal::new("InvalidConfigurationRequest", message));
    if group.vpc != front.balancer.vpc {
        return invalid(format!("Target group '{}' is not in the VPC of the load balancer", group.arn));
    }
    let Some(version) = group.protocol_version.as_deref().filter(|version| *version != "HTTP1") else { return Ok(()) };
    if front.protocol != "HTTPS" {
        let message = format!(
            "Listener protocol '{}' is not supported with a target group with the protocol-version '{version}'",
            front.protocol
        );
        return Err(Refusal::validation(message));
    }
    if has_login {
        let message = format!("Only forward actions are supported with the protocol-version '{version}'");
        return Err(Refusal::validation(message));
    }
    Ok(())
}

/// Which protocols of target groups a listener takes.
fn goes_with(listener: &str, group: &str) -> bool {
    match listener {
        "HTTP" | "HTTPS" => matches!(group, "HTTP" | "HTTPS"),
        "TCP" => matches!(group, "TCP" | "TCP_UDP"),
        "TLS" => matches!(group, "TCP" | "TLS"),
        "UDP" => matches!(group, "UDP" | "TCP_UDP"),
        "TCP_UDP" => group == "TCP_UDP",
        _ => false,
    }
}

/// Whether an action splits requests over several groups without keeping a client at one.
fn splits_blindly(action: &Value) -> bool {
    let config = &action["ForwardConfig"];
    let is_split = config["TargetGroups"].as_array().is_some_and(|groups| groups.len() > 1);
    is_split && config["TargetGroupStickinessConfig"]["Enabled"] != json!(true)
}

/// Whether some action splits requests between a group and others without keeping a client at one.
pub fn splits_without_stickiness(state: &State, group: &str) -> bool {
    let all = state.rules.values().flat_map(|rule| &rule.actions);
    let all = all.chain(state.listeners.values().flat_map(|listener| &listener.actions));
    let names = |action: &Value| routing::forwards(std::slice::from_ref(action)).any(|(arn, _)| arn == group);
    all.into_iter().any(|action| splits_blindly(action) && names(action))
}

/// That stickiness of targets needs stickiness of target groups.
pub fn needs_stickiness() -> Refusal {
    let message =
        "You must enable group stickiness on a rule if you enabled target stickiness on one of its target groups";
    Refusal::new("InvalidConfigurationRequest", message)
}
