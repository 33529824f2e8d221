//! Documents to the model: defaults filled in, sets sorted, spellings made canonical.
//!
//! Lowering is total. It runs on documents with problems too, for the rules ask it what a field means; its result is
//! thrown away then.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value as Json, json};

use super::collect::Documents;
use super::definition::DefinitionSpec;
use super::document::{
    Count, FleetSpec, HealthCheckSpec, IngressSpec, NetworkSpec, PortSpec, RouteSpec, ServiceDocument,
    TargetGroupDocument, TargetSpec,
};
use super::scalar::{Managed, NonEmpty};
use crate::model::{
    Budget, Conditions, Definition, Desired, DesiredCount, DesiredPort, DesiredService, DesiredTargetGroup, Fleet,
    HeaderCondition, HealthCheck, IngressSource, Matcher, Mode, Network, NetworkMode, OtherContainers, PortRange,
    ProtocolVersion, QueryCondition, Redeploy, Registrar, Removal, RolloutLimit, Route, ServiceId, StaticTarget,
    Suspend, Tags, TargetKey, Transport,
};
use crate::shape::Tree;
use crate::yaml::{At, TextMap};

/// Host ports that bridge tasks get when the fleet says nothing else.
const DYNAMIC_PORTS: PortRange = PortRange { from: 32_768, to: 65_535 };

/// Most deployments at a time, when the fleet says nothing else.
const CONCURRENT_ROLLOUTS: Budget = Budget::Percent(10);

/// The fleet, or `None` without a Fleet document.
pub(super) fn lower(documents: &Documents) -> Option<Desired> {
    let document = documents.fleet.as_ref()?;
    let fleet = fleet(&document.metadata.name.0, &document.spec);
    let services = documents.services.iter().map(|document| service(document, &fleet));
    let services = services.map(|service| (service.key.clone(), service)).collect();
    let target_groups = documents.target_groups.iter().map(|document| target_group(document, &fleet));
    let target_groups = target_groups.map(|group| (group.key.clone(), group)).collect();
    Some(Desired { fleet, services, target_groups })
}

/// The Fleet document.
pub(super) fn fleet(name: &str, spec: &FleetSpec) -> Fleet {
    let defaults = Removal::default();
    let removal = spec.removal.as_ref();
    Fleet {
        name: name.to_owned(),
        region: text(&spec.region),
        account: text(&spec.account),
        cluster: text(&spec.cluster),
        vpc: text(&spec.vpc),
        mode: spec.mode.0.as_ref().map_or(Mode::Observe, |mode| mode.value),
        redeploy: copied(&spec.redeploy).unwrap_or_default(),
        tags: fleet_tags(spec),
        autoscaling: copied(&spec.autoscaling).unwrap_or_default(),
        dynamic_ports: copied(&spec.dynamic_ports).unwrap_or(DYNAMIC_PORTS),
        concurrent_rollouts: spec
            .rollout
            .as_ref()
            .and_then(|rollout| copied(&rollout.concurrent))
            .unwrap_or(CONCURRENT_ROLLOUTS),
        rollout: spec.rollout.as_ref().map_or_else(RolloutLimit::default, |rollout| RolloutLimit {
            timeout: rollout.timeout.as_ref().map(|timeout| timeout.value.0),
            on_timeout: copied(&rollout.on_timeout).unwrap_or_default(),
        }),
        removal: Removal {
            prune: removal.and_then(|removal| copied(&removal.prune)).unwrap_or(defaults.prune),
            budget: removal.and_then(|removal| copied(&removal.budget)).unwrap_or(defaults.budget),
            serving: removal.and_then(|removal| copied(&removal.serving)).unwrap_or(defaults.serving),
            services: removal.and_then(|removal| copied(&removal.services)).unwrap_or(defaults.services),
        },
    }
}

fn fleet_tags(spec: &FleetSpec) -> Tags {
    let tags = spec.tags.iter().flat_map(|tags| &tags.value.0);
    tags.map(|tag| (tag.value.key.value.clone(), tag.value.value.value.clone())).collect()
}

/// Observe wins over the fleet's enforce, never the other way round.
fn effective(own: &Option<At<Mode>>, fleet: Mode) -> Mode {
    match (copied(own), fleet) {
        (Some(Mode::Observe), _) | (_, Mode::Observe) => Mode::Observe,
        (Some(Mode::Enforce) | None, Mode::Enforce) => Mode::Enforce,
    }
}

/// A service document, with what its file says.
pub(super) fn service(document: &ServiceDocument, fleet: &Fleet) -> DesiredService {
    let mut service = without_file(document, fleet);
    if let Some(file) = &document.spec.file {
        file.fill(&mut service);
    }
    service
}

/// What the manifest itself says.
pub(super) fn without_file(document: &ServiceDocument, fleet: &Fleet) -> DesiredService {
    let (key, spec) = (&document.metadata.name.0, &document.spec);
    let mode = spec.network.as_ref().and_then(|network| copied(&network.mode));
    let cluster = spec.own_cluster().map(str::to_owned).or_else(|| fleet.cluster.clone()).unwrap_or_default();
    DesiredService {
        key: key.clone(),
        id: ServiceId { cluster, name: spec.own_name().unwrap_or(key).to_owned() },
        mode: effective(&spec.mode, fleet.mode),
        suspend: spec
            .suspend
            .as_ref()
            .map(|pause| Suspend { until: pause.until.value, reason: pause.reason.value.clone() }),
        redeploy: match (copied(&spec.redeploy), fleet.redeploy) {
            (Some(Redeploy::Deny), _) | (_, Redeploy::Deny) => Redeploy::Deny,
            (Some(Redeploy::Allow) | None, Redeploy::Allow) => Redeploy::Allow,
        },
        rollout: spec.rollout.as_ref().map_or(fleet.rollout, |own| RolloutLimit {
            timeout: own.timeout.as_ref().map(|timeout| timeout.value.0).or(fleet.rollout.timeout),
            on_timeout: copied(&own.on_timeout).unwrap_or(fleet.rollout.on_timeout),
        }),
        desired_count: spec.desired_count.as_ref().map(|count| match &count.value {
            Count::Exact(count) => DesiredCount::Exact(*count),
            Count::Band(band) => DesiredCount::Band { min: band.min.0, max: band.max.0 },
        }),
        network: spec.network.as_ref().map(|network| lower_network(network)),
        ports: spec.ports.as_ref().map(|ports| ports.0.iter().map(|port| lower_port(port, mode)).collect()),
        task_definition: spec
            .task_definition
            .as_ref()
            .map(|definition| lower_definition(definition, mode, spec.ports.as_ref())),
        members: spec.members.tree.clone(),
        load_balancers: Vec::new(),
        unsent: Vec::new(),
    }
}

fn lower_definition(
    definition: &DefinitionSpec,
    mode: Option<NetworkMode>,
    ports: Option<&At<NonEmpty<PortSpec>>>,
) -> Definition {
    match definition {
        DefinitionSpec::Reference { family, revision } => Definition::Reference {
            family: family.value.clone(),
            revision: revision.as_ref().map(|revision| revision.0),
        },
        DefinitionSpec::Content(content) => {
            let mut members = content.tree.clone();
            if let Some(mode) = mode
                && members.get("networkMode").is_none()
            {
                members.members_mut().insert("networkMode".to_owned(), mode.as_str().into());
            }
            let ports = ports.into_iter().flat_map(|ports| &ports.0);
            ports.for_each(|port| add_mapping(&mut members, port));
            // A file is the whole definition.
            let otherwise = if content.file.is_some() { OtherContainers::Remove } else { OtherContainers::Keep };
            let other_containers = copied(&content.others).unwrap_or(otherwise);
            Definition::Content { members, other_containers, images: Default::default() }
        }
    }
}

/// Adds a declared port to the mappings of its container, where these are written and do not have it.
fn add_mapping(members: &mut Tree, port: &PortSpec) {
    let containers = members.members_mut().get_mut("containerDefinitions").and_then(Json::as_array_mut);
    let is_its = |container: &&mut Json| container.get("name").and_then(Json::as_str) == Some(&port.container);
    let Some(container) = containers.into_iter().flatten().find(is_its) else { return };
    let Some(mappings) = container.get_mut("portMappings").and_then(Json::as_array_mut) else { return };
    let number = port.container_port.0;
    if mappings.iter().any(|mapping| mapping.get("containerPort") == Some(&json!(number))) {
        return;
    }
    let mut mapping = json!({"containerPort": number});
    if let Some(protocol) = &port.protocol {
        mapping["protocol"] = protocol.value.to_string().into();
    }
    if let Some(host) = &port.host_port {
        mapping["hostPort"] = host.0.into();
    }
    if let Some(protocol) = &port.app_protocol {
        mapping["appProtocol"] = protocol.value.as_str().into();
    }
    if let Some(name) = &port.port_name {
        mapping["name"] = name.0.as_str().into();
    }
    mappings.push(mapping);
}

fn lower_network(network: &NetworkSpec) -> Network {
    Network {
        mode: copied(&network.mode),
        subnets: network.subnets.as_ref().map(|subnets| sorted(&subnets.0)),
        security_groups: network.security_groups.as_ref().map(|groups| sorted(&groups.0)),
        ingress_group: text(&network.ingress_group),
        assign_public_ip: network.assign_public_ip.as_ref().map(|switch| switch.value.0),
    }
}

fn lower_port(port: &PortSpec, mode: Option<NetworkMode>) -> DesiredPort {
    // Where the host port can only be the container port, it says nothing.
    let implied = matches!(mode, Some(NetworkMode::Awsvpc | NetworkMode::Host));
    let host_port = port.host_port.as_ref().filter(|_| !implied);
    DesiredPort {
        name: port.name.0.clone(),
        container: port.container.value.clone(),
        container_port: port.container_port.to_u16(),
        host_port: host_port.and_then(|port| u16::try_from(port.0).ok()),
        protocol: copied(&port.protocol).unwrap_or(Transport::Tcp),
        app_protocol: copied(&port.app_protocol),
        port_name: port.port_name.as_ref().map(|name| name.0.clone()),
        target_groups: port.target_groups.as_ref().map(|keys| sorted(keys)),
        registrar: copied(&port.registrar).unwrap_or(Registrar::Ecs),
        allow_from: port.allow_from.as_ref().map(|sources| ingress_sources(sources)),
    }
}

fn ingress_sources(sources: &Managed<IngressSpec>) -> Vec<IngressSource> {
    let mut lowered: Vec<IngressSource> = sources.iter().filter_map(|source| ingress_source(source)).collect();
    lowered.sort();
    lowered
}

/// One entry of `allowFrom`, unless it names no source that can be read.
pub(super) fn ingress_source(source: &IngressSpec) -> Option<IngressSource> {
    let description = text(&source.description);
    if let Some(name) = text(&source.security_group) {
        return Some(IngressSource::SecurityGroup { name, description });
    }
    let cidr = cidr(source.cidr.as_deref()?)?;
    Some(IngressSource::Cidr { cidr, description })
}

/// Addresses with their mask applied; `None` when it is not `address/prefix`.
pub(super) fn cidr(text: &str) -> Option<IpNet> {
    text.parse().ok().map(|net: IpNet| net.trunc())
}

fn target_group(document: &TargetGroupDocument, fleet: &Fleet) -> DesiredTargetGroup {
    let (key, spec) = (&document.metadata.name.0, &document.spec);
    let version = spec.protocol_version.as_ref().map(|version| version.value.clone());
    DesiredTargetGroup {
        key: key.clone(),
        name: text(&spec.name).unwrap_or_else(|| key.clone()),
        mode: effective(&spec.mode, fleet.mode),
        load_balancer: text(&spec.load_balancer),
        vpc: text(&spec.vpc).or_else(|| fleet.vpc.clone()),
        protocol: spec.protocol.as_ref().map(|protocol| protocol.value.clone()),
        port: spec.port.as_ref().map(|port| port.to_u16()),
        target_type: spec.target_type.as_ref().map(|kind| kind.value.clone()),
        health_check: spec
            .health_check
            .as_ref()
            .map_or_else(HealthCheck::default, |check| health_check(check, version.as_ref())),
        protocol_version: version,
        attributes: spec.attributes.as_ref().map_or_else(Tags::new, |map| attributes(map)),
        routes: spec.routes.as_ref().map(|routes| routes.iter().map(|route| lower_route(route)).collect()),
        targets: spec.targets.as_ref().map(|targets| static_targets(targets)),
    }
}

fn health_check(check: &HealthCheckSpec, version: Option<&ProtocolVersion>) -> HealthCheck {
    let matcher = |codes: &At<String>| match version {
        Some(ProtocolVersion::Grpc) => Matcher::Grpc(codes.value.clone()),
        Some(ProtocolVersion::Http1 | ProtocolVersion::Http2 | ProtocolVersion::Other(_)) | None => {
            Matcher::Http(codes.value.clone())
        }
    };
    HealthCheck {
        protocol: check.protocol.as_ref().map(|protocol| protocol.0.clone()),
        port: copied(&check.port),
        path: text(&check.path),
        matcher: check.matcher.as_ref().map(matcher),
        interval: check.interval.as_ref().map(|interval| interval.0),
        timeout: check.timeout.as_ref().map(|timeout| timeout.0),
        healthy_threshold: check.healthy_threshold.as_ref().map(|threshold| threshold.0),
        unhealthy_threshold: check.unhealthy_threshold.as_ref().map(|threshold| threshold.0),
    }
}

fn attributes(map: &TextMap) -> Tags {
    map.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect()
}

fn lower_route(route: &RouteSpec) -> Route {
    Route {
        listener: route.listener.to_u16(),
        default: copied(&route.default).unwrap_or(false),
        priority: route.priority.as_ref().map(|priority| priority.0),
        conditions: conditions(route),
        login: route.authenticate.is_some(),
    }
}

/// The conditions of a route as the model compares them.
pub(super) fn conditions(route: &RouteSpec) -> Conditions {
    let headers = route.headers.iter().flat_map(|headers| &headers.0);
    let queries = route.query_strings.iter().flat_map(|queries| &queries.0);
    let pairs = queries.map(|At { value: query, .. }| (text(&query.key), query.value.to_string())).collect();
    let queries = QueryCondition { pairs };
    Conditions {
        hosts: values(&route.hosts).map(str::to_ascii_lowercase).collect(),
        paths: values(&route.paths).map(str::to_owned).collect(),
        methods: values(&route.methods).map(str::to_owned).collect(),
        source_ips: values(&route.source_ips).filter_map(cidr).collect(),
        headers: headers
            .map(|header| HeaderCondition {
                name: header.name.to_ascii_lowercase(),
                values: header.values.0.iter().map(|value| value.value.clone()).collect(),
            })
            .collect(),
        queries: if queries.pairs.is_empty() { Default::default() } else { [queries].into() },
        unsayable: Vec::new(),
    }
}

fn static_targets(targets: &Managed<TargetSpec>) -> Vec<StaticTarget> {
    let mut lowered: Vec<StaticTarget> = targets.iter().map(|target| static_target(target)).collect();
    lowered.sort();
    lowered
}

/// A static target; addresses are written as AWS writes them.
pub(super) fn static_target(target: &TargetSpec) -> StaticTarget {
    let address = &target.address.value;
    let id = address.parse::<IpAddr>().map_or_else(|_| address.clone(), |address| address.to_string());
    StaticTarget { key: TargetKey { id, port: target.port.to_u16() }, zone: text(&target.availability_zone) }
}

fn text(field: &Option<At<String>>) -> Option<String> {
    field.as_ref().map(|text| text.value.clone())
}

fn copied<T: Copy>(field: &Option<At<T>>) -> Option<T> {
    field.as_ref().map(|value| value.value)
}

fn sorted(list: &[At<String>]) -> Vec<String> {
    let mut texts: Vec<String> = list.iter().map(|text| text.value.clone()).collect();
    texts.sort();
    texts.dedup();
    texts
}

fn values(list: &Option<At<NonEmpty<String>>>) -> impl Iterator<Item = &str> {
    list.iter().flat_map(|list| &list.value.0).map(|text| text.value.as_str())
}
