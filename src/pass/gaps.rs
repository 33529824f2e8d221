//! Names for what could not be read: every question without an answer, with the object that it was for.

use std::collections::BTreeSet;

use crate::model::{Desired, Gap, ObjectRef, Observed, Query, Seen, ServiceId, TargetGroupArn};

/// The gaps of these questions. What was not asked is none.
pub(super) fn of<'q>(
    queries: impl IntoIterator<Item = &'q Query>,
    desired: &Desired,
    observed: &Observed,
) -> BTreeSet<(String, Gap)> {
    let mut found = BTreeSet::new();
    for query in queries {
        // Names are looked up for gaps alone: most readings have none, and a fleet may be large.
        if let Some(gap) = observed.gap_of(query) {
            found.extend(names(query, desired, observed).into_iter().map(|name| (name, gap.clone())));
        }
    }
    found
}

/// The objects that a question was for.
fn names(query: &Query, desired: &Desired, observed: &Observed) -> Vec<String> {
    let fleet = || ObjectRef::fleet(&desired.fleet.name).to_string();
    let name = match query {
        Query::Account
        | Query::ClusterNames
        | Query::Vpcs
        | Query::Subnets
        | Query::SecurityGroups
        | Query::LoadBalancers
        | Query::TargetGroups
        | Query::Limits
        | Query::MarkedIngress(_) => fleet(),
        Query::EndpointServices => "endpoint services".to_owned(),
        Query::NetworkAcls(_) => "network ACLs".to_owned(),
        Query::RouteTables(_) => "route tables".to_owned(),
        Query::ServiceNames(cluster)
        | Query::Cluster(cluster)
        | Query::OtherTasks(cluster)
        | Query::TaskPlacements(cluster)
        | Query::StoppingTasks(cluster)
        | Query::ClusterServices(cluster) => cluster.clone(),
        Query::Service(id)
        | Query::ScalableTarget(id)
        | Query::Tasks(id)
        | Query::PastDeployments(id)
        | Query::ServiceDeployments(id)
        | Query::UnderWay(id)
        | Query::Revisions(id)
        | Query::StoppedTasks(id) => service(id, desired),
        Query::TaskDefinition(arn) => return users_of(arn.as_str(), desired, observed),
        Query::ContainerInstance(arn) => arn.clone(),
        Query::Host(id) => id.to_string(),
        Query::AddressOwner(address) | Query::Interface(address) => address.to_string(),
        Query::Nodes(arn) | Query::LoadBalancerAttributes(arn) | Query::Listeners(arn) => arn.name().to_owned(),
        Query::GroupAddresses(id) | Query::SecurityGroupRules(id) | Query::Egress(id) => id.to_string(),
        Query::PrefixList(id) => id.clone(),
        Query::Routes(vpc) => vpc.to_string(),
        Query::Rules(arn) => arn.to_string(),
        Query::Tags(arn) => owner_of_tags(arn, desired, observed),
        Query::Attributes(arn) | Query::Health(arn) => target_group(arn, desired),
    };
    vec![name]
}

fn service(id: &ServiceId, desired: &Desired) -> String {
    let found = desired.services.values().find(|service| service.id == *id);
    found.map_or_else(|| id.to_string(), |service| ObjectRef::service(&service.key).to_string())
}

fn target_group(arn: &TargetGroupArn, desired: &Desired) -> String {
    let mut all = desired.target_groups.values();
    let found = all.find(|wanted| wanted.name == arn.name() || wanted.name == arn.as_str());
    found.map_or_else(|| arn.name().to_owned(), |wanted| ObjectRef::target_group(&wanted.key).to_string())
}

/// A target group; of a rule, its listener.
fn owner_of_tags(arn: &str, desired: &Desired, observed: &Observed) -> String {
    let rules = observed.rules.iter().filter_map(|(listener, seen)| Some((listener, seen.as_ref().present()?)));
    let listener = rules.into_iter().find(|(_, rules)| rules.iter().any(|rule| rule.arn.as_str() == arn));
    listener.map_or_else(|| target_group(&TargetGroupArn::from(arn), desired), |(listener, _)| listener.to_string())
}

/// The services that use a task definition, or that itself.
fn users_of(arn: &str, desired: &Desired, observed: &Observed) -> Vec<String> {
    let uses = |seen: &Seen<crate::model::Service>| {
        seen.as_ref().present().is_some_and(|service| service.task_definition.as_str() == arn)
    };
    let services = observed.services.iter().filter(|(_, seen)| uses(seen));
    let users: Vec<String> = services.map(|(id, _)| service(id, desired)).collect();
    if users.is_empty() { vec![arn.to_owned()] } else { users }
}
