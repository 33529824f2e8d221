//! What a manifest leads to without any decision: its services with their tasks and task definitions, the chain of load
//! balancing, and the network.

use std::collections::BTreeSet;

use crate::model::{
    Autoscaling, Desired, DesiredTargetGroup, Listener, LoadBalancer, LoadBalancerKind, Observed, Query, Seen,
    ServiceId, TargetGroup,
};
use crate::plan::definition;

/// What is needed of these, given what is known so far.
pub(super) fn needs(desired: &Desired, observed: &Observed) -> BTreeSet<Query> {
    let mut needs = vec![
        Query::Account,
        Query::Vpcs,
        Query::Subnets,
        Query::SecurityGroups,
        Query::LoadBalancers,
        Query::TargetGroups,
        Query::Limits,
    ];
    if desired.fleet.removal.prune {
        needs.push(Query::MarkedIngress(desired.fleet.name.clone()));
    }
    add_services(desired, observed, &mut needs);
    add_target_groups(desired, observed, &mut needs);
    add_load_balancers(desired, observed, &mut needs);
    // Sorted once: a large fleet needs thousands.
    needs.into_iter().collect()
}

fn add_services(desired: &Desired, observed: &Observed, needs: &mut Vec<Query>) {
    needs.extend(desired.clusters().into_iter().map(Query::Cluster));
    let ids: BTreeSet<&ServiceId> = desired.services.values().map(|service| &service.id).collect();
    needs.extend(ids.iter().map(|id| Query::Service((*id).clone())));
    if desired.fleet.autoscaling != Autoscaling::None {
        needs.extend(ids.iter().map(|id| Query::ScalableTarget((*id).clone())));
    }
    let live = ids.iter().filter_map(|id| observed.service(id).present());
    let definitions = live.flat_map(|service| {
        let deployed = service.deployments.iter().map(|deployment| &deployment.task_definition);
        deployed.chain([&service.task_definition])
    });
    let referenced = desired.services.values().filter_map(|wanted| {
        let live = observed.service(&wanted.id).present()?;
        definition::needed(wanted, live)
    });
    needs.extend(referenced.map(Query::TaskDefinition));
    needs.extend(definitions.filter(|arn| !arn.as_str().is_empty()).cloned().map(Query::TaskDefinition));
    // Of the clusters in which a service has a port with a target group.
    let wired = desired.services.values().filter(|service| {
        let groups = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
        groups.count() > 0
    });
    let clusters: BTreeSet<&str> = wired.map(|service| service.id.cluster.as_str()).collect();
    needs.extend(ids.into_iter().filter(|id| clusters.contains(id.cluster.as_str())).cloned().map(Query::Tasks));
}

/// The declared target groups with their health; the tags of these, with prune of all.
fn add_target_groups(desired: &Desired, observed: &Observed, needs: &mut Vec<Query>) {
    let names: BTreeSet<&str> = desired.target_groups.values().map(|group| group.name.as_str()).collect();
    let with_attributes = desired.target_groups.values().filter(|group| !group.attributes.is_empty());
    let with_attributes: BTreeSet<&str> =
        with_attributes.map(|group: &DesiredTargetGroup| group.name.as_str()).collect();
    for group in observed.target_groups.as_ref().present().into_iter().flatten() {
        let is_named = |names: &BTreeSet<&str>| is_named(group, names);
        if is_named(&names) {
            needs.push(Query::Health(group.arn.clone()));
        }
        if is_named(&with_attributes) {
            needs.push(Query::Attributes(group.arn.clone()));
        }
        if desired.fleet.removal.prune || is_named(&names) {
            needs.push(Query::Tags(group.arn.to_string()));
        }
    }
}

fn is_named(group: &TargetGroup, names: &BTreeSet<&str>) -> bool {
    names.contains(group.name.as_str()) || names.contains(group.arn.as_str())
}

/// The load balancers that are named, with their listeners and rules and the tags of these.
fn add_load_balancers(desired: &Desired, observed: &Observed, needs: &mut Vec<Query>) {
    let names: BTreeSet<&str> =
        desired.target_groups.values().filter_map(|group| group.load_balancer.as_deref()).collect();
    let is_named = |one: &&LoadBalancer| names.contains(one.arn.as_str()) || names.contains(one.name.as_str());
    for balancer in observed.load_balancers.as_ref().present().into_iter().flatten().filter(is_named) {
        needs.push(Query::Listeners(balancer.arn.clone()));
        if balancer.kind != LoadBalancerKind::Application {
            continue;
        }
        let Seen::Present(listeners) = observed.listeners_of(&balancer.arn) else { continue };
        for Listener { arn, .. } in listeners {
            needs.push(Query::Rules(arn.clone()));
            let rules = observed.rules_of(arn).present().into_iter().flatten();
            needs.extend(rules.map(|rule| Query::Tags(rule.arn.to_string())));
        }
    }
}
