//! What a manifest leads to without any decision: its services with their tasks and task definitions, the chain of load
//! balancing, and the network.

use std::collections::BTreeSet;

use crate::model::{
    Autoscaling, Desired, DesiredTargetGroup, Kind, Listener, LoadBalancer, LoadBalancerKind, Observed, Query, Seen,
    TargetGroup,
};
use crate::plan::definition;

/// A part of this, which follows from the answers to some kinds of questions and from nothing else.
struct Part {
    from: &'static [Kind],
    needs: fn(&Desired, &Observed) -> Vec<Query>,
}

const PARTS: [Part; 4] = [
    Part { from: &[], needs: of_manifest },
    Part { from: &[Kind::Service], needs: task_definitions },
    Part { from: &[Kind::TargetGroups], needs: of_target_groups },
    Part { from: &[Kind::LoadBalancers, Kind::Listeners, Kind::Rules], needs: of_load_balancers },
];

/// What is needed of these and has no answer yet. A large fleet needs thousands, so that each part is derived again only where
/// what it follows from has changed.
#[derive(Debug, Default)]
pub(super) struct Structure([Option<BTreeSet<Query>>; PARTS.len()]);

impl Structure {
    /// Takes note of what is known now; answers of these kinds have arrived since the last time.
    pub(super) fn update(&mut self, desired: &Desired, observed: &Observed, arrived: &BTreeSet<Kind>) {
        let is_open = |query: &Query| !observed.answered.contains(query);
        for (part, open) in PARTS.iter().zip(&mut self.0) {
            match open {
                Some(open) if !part.from.iter().any(|kind| arrived.contains(kind)) => {
                    super::retain_open(open, observed, arrived);
                }
                Some(_) | None => *open = Some((part.needs)(desired, observed).into_iter().filter(is_open).collect()),
            }
        }
    }

    /// What is needed and has no answer.
    pub(super) fn open(&self) -> impl Iterator<Item = &Query> {
        self.0.iter().flatten().flatten()
    }
}

fn of_manifest(desired: &Desired, _: &Observed) -> Vec<Query> {
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
    needs.extend(desired.clusters().into_iter().map(Query::Cluster));
    let ids = || desired.services.values().map(|service| &service.id);
    needs.extend(ids().cloned().map(Query::Service));
    if desired.fleet.autoscaling != Autoscaling::None {
        needs.extend(ids().cloned().map(Query::ScalableTarget));
    }
    // Of the clusters in which a service has a port with a target group.
    let wired = desired.services.values().filter(|service| {
        let groups = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
        groups.count() > 0
    });
    let clusters: BTreeSet<&str> = wired.map(|service| service.id.cluster.as_str()).collect();
    needs.extend(ids().filter(|id| clusters.contains(id.cluster.as_str())).cloned().map(Query::Tasks));
    needs
}

fn task_definitions(desired: &Desired, observed: &Observed) -> Vec<Query> {
    let live = desired.services.values().filter_map(|service| observed.service(&service.id).present());
    let definitions = live.flat_map(|service| {
        let deployed = service.deployments.iter().map(|deployment| &deployment.task_definition);
        deployed.chain([&service.task_definition])
    });
    let definitions = definitions.filter(|arn| !arn.as_str().is_empty()).cloned();
    let referenced = desired.services.values().filter_map(|wanted| match observed.service(&wanted.id) {
        Seen::Present(live) => definition::needed(wanted, live),
        Seen::Absent => definition::needed_for_new(wanted),
        Seen::Unknown(_) => None,
    });
    definitions.chain(referenced).map(Query::TaskDefinition).collect()
}

/// The declared target groups with their health; the tags of these, with prune of all.
fn of_target_groups(desired: &Desired, observed: &Observed) -> Vec<Query> {
    let mut needs = Vec::new();
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
    needs
}

fn is_named(group: &TargetGroup, names: &BTreeSet<&str>) -> bool {
    names.contains(group.name.as_str()) || names.contains(group.arn.as_str())
}

/// The load balancers that are named, with their listeners and rules and the tags of these.
fn of_load_balancers(desired: &Desired, observed: &Observed) -> Vec<Query> {
    let mut needs = Vec::new();
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
    needs
}
