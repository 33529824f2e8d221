//! Which target groups a load balancer uses, and how many of what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::limit;
use crate::refusal::Refusal;
use crate::state::{LoadBalancer, State, TargetGroup};
use crate::{registration, routing};

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
    check_targets(state, balancer, &used, &[])
}

/// That load balancers take more targets of a group that they use. The new ones are named by their ids.
pub fn check_new_targets(state: &State, group: &TargetGroup, new: &[&str]) -> Result<(), Refusal> {
    let new: Vec<Registered> = new.iter().map(|id| (group, *id)).collect();
    let balancers = routing::balancers_of(state, &group.arn);
    for balancer in balancers.iter().filter_map(|arn| state.load_balancers.get(arn)) {
        check_targets(state, balancer, &groups_of(state, balancer, ""), &new)?;
    }
    Ok(())
}

/// A target: its group and its id.
type Registered<'a> = (&'a TargetGroup, &'a str);

fn check_targets(
    state: &State,
    balancer: &LoadBalancer,
    used: &BTreeSet<String>,
    new: &[Registered],
) -> Result<(), Refusal> {
    let groups = used.iter().filter_map(|arn| state.target_groups.get(arn));
    let standing = groups.flat_map(|group| group.targets.values().map(move |target| (group, target.id.as_str())));
    let all: Vec<Registered> = standing.chain(new.iter().copied()).collect();
    let too_many = |message: String| Err(Refusal::new("TooManyTargets", message));
    if balancer.is_application() {
        let most = limit::REGISTRATIONS_OF_TARGET_ID;
        if let Some(id) = more_often_than(most, all.iter().map(|(_, id)| *id)) {
            let message = format!("Target '{id}' can be registered at most '{most}' times with a load balancer");
            return Err(Refusal::new("TooManyRegistrationsForTargetId", message));
        }
    } else {
        let most = limit::TARGETS_OF_ZONE_OF_NETWORK_BALANCER;
        let zones = all.iter().filter_map(|(group, id)| registration::zone_of_id(state, group, id));
        if let Some(zone) = more_often_than(most, zones) {
            return too_many(format!("A load balancer can have at most '{most}' targets in the zone '{zone}'"));
        }
    }
    let crosses_zones = balancer.attributes.get("load_balancing.cross_zone.enabled").is_some_and(|on| on == "true");
    let most = match (balancer.is_application(), crosses_zones) {
        (true, _) => limit::TARGETS_OF_APPLICATION_BALANCER,
        // Every node sends to all of them.
        (false, true) => limit::TARGETS_OF_ZONE_OF_NETWORK_BALANCER,
        (false, false) => limit::TARGETS_OF_NETWORK_BALANCER,
    };
    if all.len() > most {
        return too_many(format!("A load balancer can have at most '{most}' targets"));
    }
    Ok(())
}

/// What is there more often than it may be.
fn more_often_than<'a>(most: usize, all: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts.into_iter().find(|(_, count)| *count > most).map(|(one, _)| one)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{balancer, done, group, listener, network_balancer, refused, world};

    fn targets(group: &str, address: &str, ports: std::ops::RangeInclusive<u16>) -> Value {
        let targets: Vec<Value> = ports.map(|port| json!({"Id": address, "Port": port})).collect();
        json!({"TargetGroupArn": group, "Targets": targets})
    }

    #[test]
    fn a_load_balancer_takes_a_thousand_targets_and_the_same_one_as_often() {
        let mut world = world();
        let web = balancer(&mut world, "web");
        let (first, second) = (group(&mut world, "first", "HTTP"), group(&mut world, "second", "HTTP"));
        listener(&mut world, &web, 80, &first);
        listener(&mut world, &web, 81, &second);
        done(&mut world, "RegisterTargets", targets(&first, "10.0.0.9", 1..=600));
        let again = targets(&second, "10.0.0.9", 1..=401);
        assert_eq!(refused(&mut world, "RegisterTargets", again), "TooManyRegistrationsForTargetId");
        let another = targets(&second, "10.0.0.10", 1..=401);
        assert_eq!(refused(&mut world, "RegisterTargets", another), "TooManyTargets");
        done(&mut world, "RegisterTargets", targets(&second, "10.0.0.9", 1..=400));
    }

    #[test]
    fn a_network_load_balancer_takes_five_hundred_targets_in_a_zone_or_in_all_that_it_crosses() {
        let mut world = world();
        let (net, group) = (network_balancer(&mut world, "net"), group(&mut world, "net", "TCP"));
        let forward = json!([{"Type": "forward", "TargetGroupArn": group}]);
        let input = json!({"LoadBalancerArn": net, "Protocol": "TCP", "Port": 80, "DefaultActions": forward});
        done(&mut world, "CreateListener", input);
        done(&mut world, "RegisterTargets", targets(&group, "10.0.0.9", 1..=500));
        let more = targets(&group, "10.0.1.9", 1..=1);
        assert_eq!(refused(&mut world, "RegisterTargets", more), "TooManyTargets");
        done(&mut world, "RegisterTargets", targets(&group, "10.0.2.9", 1..=499));
        let crossing = json!([{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]);
        let input = json!({"LoadBalancerArn": net, "Attributes": crossing});
        done(&mut world, "ModifyLoadBalancerAttributes", input);
        let more = targets(&group, "10.0.2.10", 1..=1);
        assert_eq!(refused(&mut world, "RegisterTargets", more), "TooManyTargets");
    }
}
