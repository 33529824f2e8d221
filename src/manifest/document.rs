//! The manifest as people write it. The comments here become the descriptions in the JSON Schema.

use std::borrow::Cow;
use std::ops::Deref;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::definition::DefinitionSpec;
use super::scalar::{Duration, Managed, NonEmpty, ObjectKey};
use super::words::{ApiVersion, CheckProtocol, FleetKind, Required, ServiceKind, TargetGroupKind};
use super::{member, member_schema};
use crate::model::{
    Autoscaling, Budget, HealthPort, Mode, NetworkMode, PortRange, Protocol, ProtocolVersion, Redeploy, Registrar,
    ServingRemoval, TargetType, Transport,
};
use crate::shape::{SERVICE, Tree};
use crate::yaml::{At, Decode, Entry, Must, Node, Number, Port, Problems, TextMap, Value, document, wrong_type};

document! {
    /// Owner id, place and limits of the fleet. A manifest has exactly one.
    struct FleetDocument in "the document" {
        /// Version of the format.
        _api_version as "apiVersion": Must<ApiVersion>,
        /// What the document describes.
        _kind as "kind": Must<FleetKind>,
        /// Name, labels and annotations.
        metadata as "metadata": At<Metadata>,
        /// The fleet.
        spec as "spec": At<FleetSpec>,
    }
}

document! {
    /// An ECS service and the ports it must be reachable on.
    struct ServiceDocument in "the document" {
        /// Version of the format.
        _api_version as "apiVersion": Must<ApiVersion>,
        /// What the document describes.
        _kind as "kind": Must<ServiceKind>,
        /// Name, labels and annotations.
        metadata as "metadata": At<Metadata>,
        /// The service.
        spec as "spec": At<WholeServiceSpec>,
    }
}

document! {
    /// An ELBv2 target group with its routes and static targets.
    struct TargetGroupDocument in "the document" {
        /// Version of the format.
        _api_version as "apiVersion": Must<ApiVersion>,
        /// What the document describes.
        _kind as "kind": Must<TargetGroupKind>,
        /// Name, labels and annotations.
        metadata as "metadata": At<Metadata>,
        /// The target group.
        spec as "spec": At<TargetGroupSpec>,
    }
}

document! {
    /// Name, labels and annotations.
    struct Metadata in "metadata" {
        /// The key in this fleet, unique among documents of its kind. A Fleet's is the owner id: the value of the tag
        /// portolan.dev/fleet on everything that Portolan creates.
        name as "name": At<ObjectKey>,
        /// Accepted and ignored.
        _labels as "labels": Option<At<TextMap>>,
        /// Accepted and ignored.
        _annotations as "annotations": Option<At<TextMap>>,
    }
}

document! {
    /// The fleet.
    struct FleetSpec in "Fleet.spec" {
        /// Region of the run. A --region, AWS_REGION or profile that names another one is an error.
        #[schemars(example = "eu-west-1")]
        region as "region": Option<At<String>>,
        /// Account that the credentials must belong to: 12 digits, in quotes.
        #[schemars(regex(pattern = "^[0-9]{12}$"), example = "123456789012")]
        account as "account": Option<At<String>>,
        /// Cluster of services that name none.
        cluster as "cluster": Option<At<String>>,
        /// VPC of target groups that name none: id or Name tag.
        vpc as "vpc": Option<At<String>>,
        /// Whether Portolan repairs differences or only reports them.
        mode as "mode": Must<Mode>,
        /// Whether a repair may start an ECS deployment. Default: deny.
        redeploy as "redeploy": Option<At<Redeploy>>,
        /// Whether Portolan asks Application Auto Scaling; none states that no scalable target exists. Default: check.
        autoscaling as "autoscaling": Option<At<Autoscaling>>,
        /// Host ports that bridge tasks may get. Default: 32768-65535.
        dynamic_ports as "dynamicPorts": Option<At<PortRange>>,
        /// Limits on deployments.
        rollout as "rollout": Option<At<RolloutSpec>>,
        /// Limits on removals.
        removal as "removal": Option<At<RemovalSpec>>,
    }
}

document! {
    /// Limits on deployments.
    struct RolloutSpec in "Fleet.spec.rollout" {
        /// Most deployments that Portolan has running at a time: a number, or a share of the services (then at least 1). Default: 10%.
        concurrent as "concurrent": Option<At<Budget>>,
    }
}

document! {
    /// Limits on removals.
    struct RemovalSpec in "Fleet.spec.removal" {
        /// Delete resources tagged for this fleet that the manifest no longer names. Default: false.
        prune as "prune": Option<At<bool>>,
        /// Most removals of one kind in a pass: a number, or a share (then at least 1). Default: 10%.
        budget as "budget": Option<At<Budget>>,
        /// Whether `portolan run` may delete a rule that gives requests to healthy targets. Default: deny.
        serving as "serving": Option<At<ServingRemoval>>,
    }
}

document! {
    /// The service.
    struct ServiceSpec in "Service.spec" {
        /// The ECS service's name. Default: metadata.name.
        name as "name": Option<At<String>>,
        /// Name of its cluster. Default: the fleet's.
        cluster as "cluster": Option<At<String>>,
        /// Mode of this object; observe overrides the fleet's enforce, never the reverse.
        mode as "mode": Option<At<Mode>>,
        /// A pause: Portolan changes nothing of this service.
        suspend as "suspend": Option<At<SuspendSpec>>,
        /// A number, or the band {min, max}. Absent: unmanaged.
        desired_count as "desiredCount": Option<At<Count>>,
        /// The network of its tasks.
        network as "network": Option<At<NetworkSpec>>,
        /// The ports that must be reachable.
        ports as "ports": Option<At<NonEmpty<PortSpec>>>,
        /// What runs: members of RegisterTaskDefinition, {file: PATH}, or {family: NAME, revision: NUMBER}. Absent: unmanaged.
        task_definition as "taskDefinition": Option<At<DefinitionSpec>>,
    }
}

/// A service in Portolan's words and in AWS's.
#[derive(Clone, Debug)]
pub(crate) struct WholeServiceSpec {
    own: ServiceSpec,
    /// Members with AWS's names.
    pub members: Members,
}

/// Members with AWS's names: what was read of them, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    pub tree: Tree,
    pub entries: Vec<Entry>,
}

impl Members {
    /// Whether data for a hook is in it: lines with it are not repeated.
    pub fn has_details(&self) -> bool {
        fn has(node: &Node) -> bool {
            match &node.value {
                Value::Mapping(entries) => entries.iter().any(|entry| entry.key == "hookDetails" || has(&entry.value)),
                Value::Sequence(nodes) => nodes.iter().any(has),
                Value::Scalar(_) | Value::Broken => false,
            }
        }
        self.entries.iter().any(|entry| has(&entry.value))
    }

    /// What was written for a member.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }
}

impl Deref for WholeServiceSpec {
    type Target = ServiceSpec;

    fn deref(&self) -> &ServiceSpec {
        &self.own
    }
}

impl Decode for WholeServiceSpec {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            return ServiceSpec::decode(node, name, problems).map(|own| Self { own, members: Members::default() });
        };
        let (members, own): (Vec<Entry>, Vec<Entry>) =
            entries.iter().cloned().partition(|entry| SERVICE.member(&entry.key).is_some());
        let node_of = |entries: Vec<Entry>| Node { at: node.at, value: Value::Mapping(entries) };
        let own = ServiceSpec::decode(&node_of(own), name, problems)?;
        let members = Members { tree: Tree::default(), entries: members };
        let hidden = problems.hide_lines(members.has_details() || problems.hides_lines());
        let tree = member::read(&SERVICE, ServiceSpec::FIELDS.0, &node_of(members.entries.clone()), problems);
        problems.hide_lines(hidden);
        Some(Self { own, members: Members { tree: Tree::new(tree?), ..members } })
    }
}

impl JsonSchema for WholeServiceSpec {
    fn schema_name() -> Cow<'static, str> {
        ServiceSpec::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = ServiceSpec::json_schema(generator);
        if let Some(serde_json::Value::Object(fields)) = schema.get_mut("properties") {
            fields.extend(member_schema::properties(&SERVICE));
        }
        schema
    }
}

document! {
    /// A pause.
    struct SuspendSpec in "Service.spec.suspend" {
        /// When it ends.
        #[schemars(with = "String", extend("format" = "date-time"))]
        until as "until": At<Timestamp>,
        /// Why the service is paused.
        reason as "reason": At<String>,
    }
}

/// Most tasks of a service on AWS.
pub(crate) const MOST_TASKS: u32 = 5_000;
type Tasks = Number<0, MOST_TASKS>;

document! {
    /// A band: a count outside it is set to the nearest edge.
    struct Band in "Service.spec.desiredCount" {
        /// Fewest tasks.
        min as "min": At<Tasks>,
        /// Most tasks.
        max as "max": At<Tasks>,
    }
}

/// `desiredCount`: a number or a band.
#[derive(Clone, Debug)]
pub(crate) enum Count {
    Exact(u32),
    Band(Band),
}

impl Decode for Count {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => Band::decode(node, name, problems).map(Self::Band),
            Value::Sequence(_) => {
                wrong_type(node, name, "a number or {min, max}", None, problems);
                None
            }
            Value::Scalar(_) | Value::Broken => {
                Tasks::decode(node, name, problems).map(|Number(count)| Self::Exact(count))
            }
        }
    }
}

impl JsonSchema for Count {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (number, band) = (generator.subschema_for::<Tasks>(), generator.subschema_for::<Band>());
        json_schema!({"anyOf": [number, band]})
    }
}

document! {
    /// The network of a service's tasks.
    struct NetworkSpec in "Service.spec.network" {
        /// Network mode, checked against the running task definition.
        mode as "mode": Option<At<NetworkMode>>,
        /// awsvpc: the full set of subnets, by id or Name tag.
        subnets as "subnets": Option<At<NonEmpty<String>>>,
        /// awsvpc: the full set of security groups, written. bridge, host: the instances' groups, only checked.
        security_groups as "securityGroups": Option<At<NonEmpty<String>>>,
        /// The group that gets derived ingress, one of securityGroups. Default: the only one.
        ingress_group as "ingressGroup": Option<At<String>>,
    }
}

document! {
    /// A port that must be reachable.
    struct PortSpec in "Service.spec.ports" {
        /// A label of this manifest.
        name as "name": At<ObjectKey>,
        /// The container that listens.
        container as "container": At<String>,
        /// The port inside the container.
        container_port as "containerPort": At<Port>,
        /// bridge: 0 (dynamic) or a fixed port. awsvpc and host: none, or the container port.
        host_port as "hostPort": Option<At<Number<0, 65_535>>>,
        /// Transport protocol. Default: tcp.
        protocol as "protocol": Option<At<Transport>>,
        /// Target groups that this port is registered in, by metadata.name. Empty: none.
        target_groups as "targetGroups": Option<At<Managed<String>>>,
        /// Who registers the tasks: ECS, through the service's loadBalancers block, or Portolan itself. Default: ecs.
        registrar as "registrar": Option<At<Registrar>>,
        /// Ingress in addition to the load balancer's, which Portolan derives. Empty: none.
        allow_from as "allowFrom": Option<At<Managed<IngressSpec>>>,
    }
}

document! {
    /// A source allowed in addition to the load balancer: either securityGroup or cidr.
    struct IngressSpec in "Service.spec.ports.allowFrom" {
        /// A security group, by id, name or Name tag.
        security_group as "securityGroup": Option<At<String>>,
        /// Addresses.
        #[schemars(example = "10.20.0.0/16")]
        cidr as "cidr": Option<At<String>>,
        /// Description of the rule.
        #[schemars(length(max = 255))]
        description as "description": Option<At<String>>,
    }
}

document! {
    /// The target group.
    struct TargetGroupSpec in "TargetGroup.spec" {
        /// The AWS name (at most 32 characters) or an ARN. Default: metadata.name.
        name as "name": Option<At<String>>,
        /// Name or ARN of its load balancer; a target group serves one.
        load_balancer as "loadBalancer": Option<At<String>>,
        /// Id or Name tag. Default: the fleet's.
        vpc as "vpc": Option<At<String>>,
        /// Mode of this object; observe overrides the fleet's enforce, never the reverse.
        mode as "mode": Option<At<Mode>>,
        /// Protocol towards the targets. Immutable on AWS.
        protocol as "protocol": Option<At<Protocol>>,
        /// HTTP version towards the targets. Immutable on AWS.
        protocol_version as "protocolVersion": Option<At<ProtocolVersion>>,
        /// Port of registrations that name none. Default on creation: the container port.
        port as "port": Option<At<Port>>,
        /// ip for awsvpc tasks, instance for bridge and host. Default on creation: what the network mode needs.
        target_type as "targetType": Option<At<TargetType>>,
        /// The health check; only declared fields are managed.
        health_check as "healthCheck": Option<At<HealthCheckSpec>>,
        /// Attributes by AWS's keys; values are text. Only declared ones are managed.
        attributes as "attributes": Option<At<TextMap>>,
        /// Routes from listeners. Empty: none.
        routes as "routes": Option<At<Managed<RouteSpec>>>,
        /// Static targets in addition to the tasks'. Empty: none.
        targets as "targets": Option<At<Managed<TargetSpec>>>,
    }
}

document! {
    /// A health check.
    struct HealthCheckSpec in "TargetGroup.spec.healthCheck" {
        /// Protocol of the check.
        protocol as "protocol": Option<At<CheckProtocol>>,
        /// Path, or gRPC method. HTTP and HTTPS checks only.
        #[schemars(example = "/healthz")]
        path as "path": Option<At<String>>,
        /// traffic-port, or the same port on every target.
        port as "port": Option<At<HealthPort>>,
        /// Codes that count as healthy: HTTP codes, or gRPC codes for protocolVersion GRPC. In quotes.
        #[schemars(example = "200-299")]
        matcher as "matcher": Option<At<String>>,
        /// Time between checks, 5s to 300s.
        interval as "interval": Option<At<Duration<5, 300>>>,
        /// Time to wait for an answer, 2s to 120s, below the interval.
        timeout as "timeout": Option<At<Duration<2, 120>>>,
        /// Good answers in a row to become healthy.
        healthy_threshold as "healthyThreshold": Option<At<Number<2, 10>>>,
        /// Bad answers in a row to become unhealthy.
        unhealthy_threshold as "unhealthyThreshold": Option<At<Number<2, 10>>>,
    }
}

document! {
    /// A route from a listener to the target group: each kind of condition must match, by any of its values.
    struct RouteSpec in "TargetGroup.spec.routes" {
        /// The listener's port.
        listener as "listener": At<Port>,
        /// The listener's default action instead of a rule. The only form on network load balancers.
        default as "default": Option<At<bool>>,
        /// Lowest wins; unique on the listener. Needed to create the rule.
        priority as "priority": Option<At<Number<1, 50_000>>>,
        /// Host names; * and ? match.
        hosts as "hosts": Option<At<NonEmpty<String>>>,
        /// Paths; * and ? match, case counts.
        paths as "paths": Option<At<NonEmpty<String>>>,
        /// Request methods.
        methods as "methods": Option<At<NonEmpty<String>>>,
        /// Request headers; all of them must match.
        headers as "headers": Option<At<NonEmpty<HeaderSpec>>>,
        /// Query parameters; any of them must match.
        query_strings as "queryStrings": Option<At<NonEmpty<QuerySpec>>>,
        /// Addresses that requests come from.
        source_ips as "sourceIps": Option<At<NonEmpty<String>>>,
        /// The rule must authenticate users before it forwards.
        authenticate as "authenticate": Option<At<Required>>,
    }
}

document! {
    /// A request header and its accepted values.
    struct HeaderSpec in "TargetGroup.spec.routes.headers" {
        /// The header.
        name as "name": At<String>,
        /// Accepted values; * and ? match.
        values as "values": At<NonEmpty<String>>,
    }
}

document! {
    /// A query parameter.
    struct QuerySpec in "TargetGroup.spec.routes.queryStrings" {
        /// The key. Absent: any.
        key as "key": Option<At<String>>,
        /// The value; * and ? match.
        value as "value": At<String>,
    }
}

document! {
    /// A static registration.
    struct TargetSpec in "TargetGroup.spec.targets" {
        /// Address, or instance id.
        #[schemars(example = "10.0.40.12")]
        address as "address": At<String>,
        /// The port.
        port as "port": At<Port>,
        /// all for addresses outside the VPC. Absent: AWS determines it.
        availability_zone as "availabilityZone": Option<At<String>>,
    }
}

/// Every mapping of the format with its fields.
pub(crate) const MAPPINGS: [(&str, &[&str]); 18] = [
    RolloutSpec::FIELDS,
    FleetDocument::FIELDS,
    Metadata::FIELDS,
    FleetSpec::FIELDS,
    RemovalSpec::FIELDS,
    ServiceSpec::FIELDS,
    SuspendSpec::FIELDS,
    Band::FIELDS,
    NetworkSpec::FIELDS,
    PortSpec::FIELDS,
    IngressSpec::FIELDS,
    TargetGroupSpec::FIELDS,
    HealthCheckSpec::FIELDS,
    RouteSpec::FIELDS,
    HeaderSpec::FIELDS,
    QuerySpec::FIELDS,
    TargetSpec::FIELDS,
    ServiceDocument::FIELDS,
];
