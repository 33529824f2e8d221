//! From the live state to a bare [`Desired`]: the services and target groups by their keys, and nothing managed. With it
//! the needs of a plan lead to the whole chain.
//!
//! `init` and `status` begin here when there is no manifest.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Autoscaling, Budget, Desired, DesiredPort, DesiredService, DesiredTargetGroup, Fleet, GroupId, HealthCheck, Kind,
    LoadBalancerEntry, Mode, Network, Observed, Placement, PortRange, Protocol, Query, Redeploy, Registrar, Removal,
    Scope, Seen, Service, ServiceId, Tags, TargetGroup, TargetGroupArn, Transport,
};
use crate::plan::needs::{PlanNeeds, explaining_all};
use crate::plan::{CHECK_ACCESS, ScopeError};
use crate::shape::Tree;

pub mod key;

use key::Keys;

/// Host ports that bridge tasks get when the fleet says nothing else.
const DYNAMIC_PORTS: PortRange = PortRange { from: 32_768, to: 65_535 };
/// Names in a hint; of a large cluster the number says more.
const NAMED: usize = 20;

/// How much to read about target groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Everything that a manifest can say.
    Manifest,
    /// Health alone: attributes cost a call each.
    Health,
}

/// The bare fleet of the live state, or what is wrong with the question.
pub fn outline(observed: &Observed, scope: &Scope, region: &str) -> Result<Desired, Vec<ScopeError>> {
    let errors = errors(observed, scope, region);
    if !errors.is_empty() {
        return Err(errors);
    }
    let chosen = chosen(observed, scope);
    let mut keys = Keys::default();
    let mut groups: BTreeMap<TargetGroupArn, String> = BTreeMap::new();
    let arns: BTreeSet<&TargetGroupArn> = chosen.iter().flat_map(|(_, seen)| primaries(seen)).collect();
    for arn in arns {
        groups.insert(arn.clone(), keys.of(&[arn.name()]));
    }
    let mut keys = Keys::default();
    let services = chosen.iter().map(|(id, seen)| {
        let key = keys.of(&[&id.name, &format!("{}.{}", id.cluster, id.name)]);
        let live = seen.as_ref().present();
        (key.clone(), service(key, id, live, &groups, &observed.target_groups))
    });
    let services = services.collect();
    let target_groups = groups.iter().map(|(arn, key)| {
        let live = live_group(&observed.target_groups, arn);
        (key.clone(), target_group(key, arn, live))
    });
    Ok(Desired { fleet: fleet(scope, region), services, target_groups: target_groups.collect() })
}

/// What has to be known to make an outline: the services of clusters, and the target groups that they may name. All services of a
/// cluster are read, ten in a call, also when only some were asked for: another one may feed the same target group.
pub fn scope_needs(scope: &Scope, observed: &Observed) -> BTreeSet<Query> {
    let mut needs = BTreeSet::from([Query::TargetGroups]);
    needs.extend(scope.clusters.iter().cloned().map(Query::ServiceNames));
    for cluster in &scope.clusters {
        let id = |name: &str| Query::Service(ServiceId { cluster: cluster.clone(), name: name.to_owned() });
        match observed.service_names.get(cluster) {
            Some(Seen::Present(names)) => needs.extend(names.iter().map(|name| id(name))),
            // The cluster may be misspelt.
            Some(Seen::Absent) => _ = needs.insert(Query::ClusterNames),
            // What was asked for by name can be read without a list.
            Some(Seen::Unknown(_)) => {
                needs.extend(scope.services.iter().filter_map(|name| match name.split_once('/') {
                    Some((of, name)) => (of == cluster).then(|| id(name)),
                    None => Some(id(name)),
                }))
            }
            None => {}
        }
    }
    needs
}

/// What has to be known of the fleet of an outline.
#[derive(Debug)]
pub struct OutlineNeeds<'d> {
    outline: &'d Desired,
    depth: Depth,
    plan: PlanNeeds<'d>,
    /// What a manifest says in addition, as far as it is open.
    more: BTreeSet<Query>,
}

impl<'d> OutlineNeeds<'d> {
    /// Nothing is known yet.
    pub fn new(outline: &'d Desired, depth: Depth) -> Self {
        Self { outline, depth, plan: PlanNeeds::new(outline), more: BTreeSet::new() }
    }

    /// Takes note of what is known now. Answers of the kinds `arrived` have come since the last time.
    pub fn update(&mut self, observed: &Observed, arrived: &BTreeSet<Kind>) {
        self.plan.update(observed, arrived);
        match self.depth {
            Depth::Health => {}
            Depth::Manifest => self.more = self.what_a_manifest_says(observed),
        }
    }

    /// Every question whose answer is needed and was not there at the last update; some more than once.
    pub fn open(&self) -> impl Iterator<Item = &Query> {
        self.plan.open().chain(&self.more)
    }

    fn what_a_manifest_says(&self, observed: &Observed) -> BTreeSet<Query> {
        let groups = observed.target_groups.as_ref().present().into_iter().flatten();
        let declared: BTreeSet<&str> = self.outline.target_groups.values().map(|group| group.name.as_str()).collect();
        let groups = groups.filter(|group| declared.contains(group.name.as_str()));
        let is_open = |query: &Query| !observed.answered.contains(query);
        let mut open: BTreeSet<Query> =
            groups.map(|group| Query::Attributes(group.arn.clone())).filter(is_open).collect();
        if open.is_empty() && self.plan.open().next().is_none() {
            open.extend(explaining_all(self.outline, observed));
            open.extend(instance_groups(self.outline, observed).into_iter().map(Query::SecurityGroupRules));
            open.retain(is_open);
        }
        open
    }
}

/// The groups of instances that carry the services' tasks: who may come in there is worth knowing too.
fn instance_groups(outline: &Desired, observed: &Observed) -> BTreeSet<GroupId> {
    let all = outline.services.values().filter_map(|service| groups_of_instances(observed, &service.id));
    all.flatten().collect()
}

/// The groups that every instance with a task of the service has; `None` when no such instance is known.
pub fn groups_of_instances(observed: &Observed, id: &ServiceId) -> Option<BTreeSet<GroupId>> {
    let tasks = observed.tasks_of(id).present()?;
    let mut common: Option<BTreeSet<GroupId>> = None;
    for task in tasks {
        let Placement::Instance { instance, .. } = &task.placement else { continue };
        let host = observed.host(instance).present()?;
        let groups = &host.security_groups;
        common = Some(common.map_or_else(|| groups.clone(), |common| common.intersection(groups).cloned().collect()));
    }
    common
}

fn errors(observed: &Observed, scope: &Scope, region: &str) -> Vec<ScopeError> {
    let mut errors = Vec::new();
    for (cluster, seen) in &observed.service_names {
        match seen {
            Seen::Present(_) => {}
            Seen::Absent => errors.push(ScopeError {
                message: format!("no active cluster {cluster:?} found in {region}"),
                hint: match &observed.cluster_names {
                    Seen::Present(names) if names.is_empty() => format!(
                        "{region} has no clusters; correct the region (--region, AWS_REGION) or the credentials"
                    ),
                    Seen::Present(names) => format!("clusters: {}", some_of(names.iter().map(String::as_str))),
                    Seen::Absent | Seen::Unknown(_) => "correct the name, the region or the credentials".to_owned(),
                },
            }),
            Seen::Unknown(gap) if scope.services.is_empty() => errors.push(ScopeError {
                message: format!("cannot list the services of cluster {cluster} ({}: {})", gap.call, gap.why),
                hint: match gap.permission() {
                    Some(_) => "allow the call, or name the services with --service".to_owned(),
                    None => CHECK_ACCESS.to_owned(),
                },
            }),
            Seen::Unknown(_) => {}
        }
    }
    if errors.is_empty() {
        errors.extend(scope.services.iter().filter_map(|name| missing_service(observed, scope, name)));
    }
    errors
}

fn missing_service(observed: &Observed, scope: &Scope, name: &str) -> Option<ScopeError> {
    let only = Scope { services: BTreeSet::from([name.to_owned()]), ..Scope::default() };
    let is_there = observed.services.iter().any(|(id, seen)| only.names(id) && *seen != Seen::Absent);
    let names: BTreeSet<&str> =
        observed.services.iter().filter(|(_, seen)| **seen != Seen::Absent).map(|(id, _)| id.name.as_str()).collect();
    (!is_there).then(|| ScopeError {
        message: format!("service {name:?} not found in {}", some_of(scope.clusters.iter().map(String::as_str))),
        hint: if names.is_empty() {
            "there are no services".to_owned()
        } else {
            format!("services: {}", some_of(names.iter().copied()))
        },
    })
}

fn some_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

/// The services that were asked for, and those that feed one of their target groups: without them, their tasks would
/// look like unknown targets there.
fn chosen<'a>(observed: &'a Observed, scope: &Scope) -> Vec<(&'a ServiceId, &'a Seen<Service>)> {
    let there: Vec<_> = observed.services.iter().filter(|(_, seen)| **seen != Seen::Absent).collect();
    if scope.services.is_empty() {
        return there;
    }
    let mut chosen: BTreeSet<&ServiceId> = there.iter().map(|(id, _)| *id).filter(|id| scope.names(id)).collect();
    loop {
        let fed = |seen: &'a Seen<Service>| seen.as_ref().present().into_iter().flat_map(Service::target_groups);
        let shared: BTreeSet<&TargetGroupArn> =
            there.iter().filter(|(id, _)| chosen.contains(id)).flat_map(|(_, seen)| fed(seen)).collect();
        let before = chosen.len();
        chosen.extend(there.iter().filter(|(_, seen)| fed(seen).any(|arn| shared.contains(arn))).map(|(id, _)| *id));
        if chosen.len() == before {
            return there.into_iter().filter(|(id, _)| chosen.contains(id)).collect();
        }
    }
}

/// The target groups that a service names; the others of blue/green pairs are ECS's to name.
fn primaries(seen: &Seen<Service>) -> impl Iterator<Item = &TargetGroupArn> {
    let entries = seen.as_ref().present().into_iter().flat_map(|service| &service.load_balancers);
    entries.filter_map(|entry| entry.target_group.as_ref())
}

fn live_group<'a>(all: &'a Seen<Vec<TargetGroup>>, arn: &TargetGroupArn) -> Option<&'a TargetGroup> {
    all.as_ref().present()?.iter().find(|group| group.arn == *arn)
}

fn fleet(scope: &Scope, region: &str) -> Fleet {
    let cluster = scope.clusters.iter().next().cloned();
    Fleet {
        name: key::sanitized(cluster.as_deref().unwrap_or("fleet")),
        region: Some(region.to_owned()),
        account: None,
        cluster,
        vpc: None,
        mode: Mode::Observe,
        redeploy: Redeploy::Deny,
        tags: Tags::new(),
        autoscaling: Autoscaling::Check,
        dynamic_ports: DYNAMIC_PORTS,
        concurrent_rollouts: Budget::Percent(10),
        rollout: Default::default(),
        removal: Removal::default(),
    }
}

fn service(
    key: String,
    id: &ServiceId,
    live: Option<&Service>,
    keys: &BTreeMap<TargetGroupArn, String>,
    groups: &Seen<Vec<TargetGroup>>,
) -> DesiredService {
    let awsvpc = live.and_then(|live| live.network.as_ref());
    let network = awsvpc.map(|awsvpc| Network {
        security_groups: Some(awsvpc.security_groups.iter().map(ToString::to_string).collect()),
        ..Network::default()
    });
    let mut ports: BTreeMap<(&str, u16), DesiredPort> = BTreeMap::new();
    for entry in live.into_iter().flat_map(|live| &live.load_balancers) {
        let Some((arn, group)) = entry.target_group.as_ref().and_then(|arn| Some((arn, keys.get(arn)?))) else {
            continue;
        };
        let port = ports.entry((&entry.container, entry.container_port)).or_insert_with(|| port(entry));
        port.target_groups.get_or_insert_default().push(group.clone());
        if live_group(groups, arn).is_some_and(|group| group.protocol == Protocol::Udp) {
            port.protocol = Transport::Udp;
        }
    }
    DesiredService {
        key,
        id: id.clone(),
        mode: Mode::Observe,
        suspend: None,
        redeploy: Redeploy::Deny,
        rollout: Default::default(),
        desired_count: None,
        network,
        ports: Some(ports.into_values().collect()),
        task_definition: None,
        members: Tree::default(),
        load_balancers: Vec::new(),
        unsent: Vec::new(),
    }
}

fn port(entry: &LoadBalancerEntry) -> DesiredPort {
    DesiredPort {
        name: format!("{}-{}", entry.container, entry.container_port),
        container: entry.container.clone(),
        container_port: entry.container_port,
        host_port: None,
        protocol: Transport::Tcp,
        app_protocol: None,
        port_name: None,
        target_groups: None,
        registrar: Registrar::Ecs,
        allow_from: None,
    }
}

fn target_group(key: &str, arn: &TargetGroupArn, live: Option<&TargetGroup>) -> DesiredTargetGroup {
    DesiredTargetGroup {
        key: key.to_owned(),
        name: arn.name().to_owned(),
        mode: Mode::Observe,
        load_balancer: live.and_then(|live| live.load_balancers.first()).map(ToString::to_string),
        vpc: live.and_then(|live| live.vpc.as_ref()).map(ToString::to_string),
        protocol: None,
        protocol_version: None,
        port: None,
        target_type: None,
        health_check: HealthCheck::default(),
        attributes: Tags::new(),
        routes: None,
        targets: None,
    }
}
