//! Which target groups a load balancer uses, and how many of what.

use std::collections::BTreeSet;

use serde_json::Value;

use super::limit;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::routing;
use crate::sandbox::state::{LoadBalancer, State};

/// That a load balancer may use the target groups of new actions. `holder` is the listener or the rule whose actions
/// they replace; a new one holds none yet.
pub fn check(state: &State, balancer: &LoadBalancer, holder: &str, actions: &[Value]) -> Result<(), Refusal> {
    let new: Vec<String> = routing::forwards(actions).map(|(arn, _)| arn.to_owned()).collect();
    for group in &new {
        if routing::balancers_of(state, group).iter().any(|other| *other != balancer.arn) {
            let message =
                format!("The following target groups cannot be associated with more than one load balancer: {group}");
            return Err(Refusal::new("TargetGroupAssociationLimit", message));
        }
    }
    let mut used = groups_of(state, balancer, holder);
    used.extend(new);
    if balancer.is_application() && used.len() > limit::GROUPS_OF_APPLICATION_BALANCER {
        let most = limit::GROUPS_OF_APPLICATION_BALANCER;
        let message = format!("A load balancer can have at most '{most}' unique target groups");
        return Err(Refusal::new("TooManyUniqueTargetGroupsPerLoadBalancer", message));
    }
    check_targets(state, balancer, &used, 0)
}

/// That load balancers take more targets of a group that they use.
pub fn check_new_targets(state: &State, group: &str, new: usize) -> Result<(), Refusal> {
    let balancers = routing::balancers_of(state, group);
    for balancer in balancers.iter().filter_map(|arn| state.load_balancers.get(arn)) {
        check_targets(state, balancer, &groups_of(state, balancer, ""), new)?;
    }
    Ok(())
}

fn check_targets(state: &State, balancer: &LoadBalancer, used: &BTreeSet<String>, new: usize) -> Result<(), Refusal> {
    let most = match balancer.is_application() {
        true => limit::TARGETS_OF_APPLICATION_BALANCER,
        false => limit::TARGETS_OF_NETWORK_BALANCER,
    };
    let targets: usize =
        used.iter().filter_map(|arn| state.target_groups.get(arn)).map(|group| group.targets.len()).sum();
    if targets + new > most {
        let message = format!("A load balancer can have at most '{most}' targets");
        return Err(Refusal::new("TooManyTargets", message));
    }
    Ok(())
}

/// The target groups that a load balancer uses, but for what one of its listeners or rules says.
fn groups_of(state: &State, balancer: &LoadBalancer, but: &str) -> BTreeSet<String> {
    let listeners = || state.listeners.values().filter(|listener| listener.load_balancer == balancer.arn);
    let own: BTreeSet<&String> = listeners().map(|listener| &listener.arn).collect();
    let defaults = listeners().filter(|listener| listener.arn != but).map(|listener| &listener.actions);
    let rules = state.rules.values().filter(|rule| own.contains(&rule.listener) && rule.arn != but);
    let all = defaults.chain(rules.map(|rule| &rule.actions));
    all.flat_map(|actions| routing::forwards(actions)).map(|(arn, _)| arn.to_owned()).collect()
}
