//! Which rule takes a request, and where its action leads.

use std::collections::BTreeSet;

use serde_json::Value;

use super::input::Input;
use super::state::State;

/// The target groups that a list of actions forwards to, with their weights. Actions are as AWS reads them back.
pub fn forwards(actions: &[Value]) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for action in actions.iter().map(Input).filter(|action| action.text("Type") == Some("forward")) {
        let config = action.get("ForwardConfig");
        let groups = config.into_iter().flat_map(|config| config.list("TargetGroups"));
        let weighted =
            groups.filter_map(|group| Some((group.text("TargetGroupArn")?.to_owned(), group.int("Weight").unwrap_or(1))));
        found.extend(weighted);
    }
    found
}

/// The load balancers whose listeners or rules forward to a target group, weight 0 included.
pub fn balancers_of(state: &State, group: &str) -> BTreeSet<String> {
    let names = |actions: &[Value]| forwards(actions).iter().any(|(arn, _)| arn == group);
    let by_rule = state.rules.values().filter(|rule| names(&rule.actions)).map(|rule| &rule.listener);
    let by_default = state.listeners.values().filter(|listener| names(&listener.actions)).map(|listener| &listener.arn);
    by_rule
        .chain(by_default)
        .filter_map(|listener| state.listeners.get(listener))
        .map(|listener| listener.load_balancer.clone())
        .collect()
}
