//! The manifest as people write it. The comments here become the descriptions in the JSON Schema.

mod target_group;

use std::borrow::Cow;
use std::ops::Deref;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::definition::DefinitionSpec;
use super::scalar::{Duration, Managed, NonEmpty, ObjectKey, PortName};
use super::service_file::{self, ServiceFile};
use super::words::{ApiVersion, FleetKind, ServiceKind, Switch, TargetGroupKind};
use super::{member, member_schema};
use crate::model::{
    AppProtocol, Autoscaling, Budget, Mode, NetworkMode, OnTimeout, PortRange, Redeploy, Registrar, ServiceRemoval,
    ServingRemoval, Transport,
};
use crate::shape::{SERVICE, Tree};
use crate::yaml::{At, Decode, Entry, Must, Node, Number, Port, Problems, TextMap, Value, document, wrong_type};
pub(crate) use target_group::{HeaderSpec, HealthCheckSpec, QuerySpec, RouteSpec, TargetGroupSpec, TargetSpec};

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
        /// Tags on everything that Portolan creates, in addition to its own.
        tags as "tags": Option<At<NonEmpty<TagSpec>>>,
        /// Limits on deployments.
        rollout as "rollout": Option<At<RolloutSpec>>,
        /// Limits on removals.
        removal as "removal": Option<At<RemovalSpec>>,
    }
}

document! {
    /// A tag.
    struct TagSpec in "Fleet.spec.tags" {
        /// Its key.
        key as "key": At<String>,
        /// Its value.
        value as "value": At<String>,
    }
}

document! {
    /// Limits on deployments.
    struct RolloutSpec in "Fleet.spec.rollout" {
        /// Most deployments that Portolan has running at a time: a number, or a share of the services (then at least 1). Default: 10%.
        concurrent as "concurrent": Option<At<Budget>>,
        /// How long a deployment may be in progress before it is reported as stuck, such as 30m. Absent: no limit.
        timeout as "timeout": Option<At<RolloutTimeout>>,
        /// What happens then: report, or stop, which rolls the deployment back. Default: report.
        on_timeout as "onTimeout": Option<At<OnTimeout>>,
    }
}

document! {
    /// Limits on the deployments of a service; they override the fleet's.
    struct ServiceRolloutSpec in "Service.spec.rollout" {
        /// How long a deployment may be in progress before it is reported as stuck, such as 30m. Absent: no limit.
        timeout as "timeout": Option<At<RolloutTimeout>>,
        /// What happens then: report, or stop, which rolls the deployment back. Default: report.
        on_timeout as "onTimeout": Option<At<OnTimeout>>,
    }
}

/// A minute to a day.
type RolloutTimeout = Duration<60, 86_400>;

document! {
    /// Limits on removals.
    struct RemovalSpec in "Fleet.spec.removal" {
        /// Delete resources tagged for this fleet that the manifest no longer names. Default: false.
        prune as "prune": Option<At<bool>>,
        /// Most removals of one kind in a pass: a number, or a share (then at least 1). Default: 10%.
        budget as "budget": Option<At<Budget>>,
        /// Whether `portolan run` may delete a rule that gives requests to healthy targets. Default: deny.
        serving as "serving": Option<At<ServingRemoval>>,
        /// Whether services that this fleet created and no manifest names are deleted, with prune. Default: deny.
        services as "services": Option<At<ServiceRemoval>>,
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
        /// Whether a repair may start a deployment of this service; deny overrides the fleet's allow, never the reverse.
        redeploy as "redeploy": Option<At<Redeploy>>,
        /// Limits on its deployments.
        rollout as "rollout": Option<At<ServiceRolloutSpec>>,
        /// A number, or the band {min, max}. Absent: unmanaged.
        desired_count as "desiredCount": Option<At<Count>>,
        /// The network of its tasks.
        network as "network": Option<At<NetworkSpec>>,
        /// The ports that must be reachable.
        ports as "ports": Option<At<NonEmpty<PortSpec>>>,
        /// What runs: members of RegisterTaskDefinition, {file: PATH}, or {family: NAME, revision: NUMBER}. Absent: unmanaged.
        task_definition as "taskDefinition": Option<At<DefinitionSpec>>,
        /// A service definition of ecspresso, or an answer of describe-services: {file: PATH}. It counts as if it were written here.
        service_definition as "serviceDefinition": Option<At<ServiceFileSpec>>,
    }
}

document! {
    /// A service definition in a file of its own.
    struct ServiceFileSpec in "Service.spec.serviceDefinition" {
        /// Its path, relative to the manifest.
        file as "file": At<String>,
    }
}

/// A service in Portolan's words and in AWS's.
#[derive(Clone, Debug)]
pub(crate) struct WholeServiceSpec {
    own: ServiceSpec,
    /// Members with AWS's names.
    pub members: Members,
    /// What `serviceDefinition` says.
    pub file: Option<ServiceFile>,
}

impl WholeServiceSpec {
    /// The name of its cluster, if it has one of its own.
    pub fn own_cluster(&self) -> Option<&str> {
        self.cluster
            .as_ref()
            .map(|cluster| cluster.value.as_str())
            .or(self.file.as_ref().and_then(ServiceFile::cluster))
    }

    /// The name of the ECS service, if it is not the key.
    pub fn own_name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| name.value.as_str()).or(self.file.as_ref().and_then(ServiceFile::service_name))
    }
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
            return ServiceSpec::decode(node, name, problems).map(|own| Self {
                own,
                members: Members::default(),
                file: None,
            });
        };
        let (members, own): (Vec<Entry>, Vec<Entry>) =
            entries.iter().cloned().partition(|entry| SERVICE.member(&entry.key).is_some());
        let node_of = |entries: Vec<Entry>| Node { at: node.at, value: Value::Mapping(entries) };
        let own = ServiceSpec::decode(&node_of(own), name, problems)?;
        let members = Members { tree: Tree::default(), entries: members };
        let hidden = problems.hide_lines(members.has_details() || problems.hides_lines());
        let tree = member::read(&SERVICE, ServiceSpec::FIELDS.0, &node_of(members.entries.clone()), problems);
        problems.hide_lines(hidden);
        let file = own.service_definition.as_ref().and_then(|file| service_file::read(&file.file, problems));
        Some(Self { own, members: Members { tree: Tree::new(tree?), ..members }, file })
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
        /// awsvpc on Fargate: whether tasks get a public address. A change starts a deployment.
        assign_public_ip as "assignPublicIp": Option<At<Switch>>,
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
        /// What the port speaks, for Service Connect. A change starts a deployment. Absent: unmanaged.
        app_protocol as "appProtocol": Option<At<AppProtocol>>,
        /// Name of the port mapping, for Service Connect. A change starts a deployment. Absent: unmanaged.
        port_name as "portName": Option<At<PortName>>,
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

/// Every mapping of the format with its fields.
pub(crate) const MAPPINGS: [(&str, &[&str]); 21] = [
    ServiceFileSpec::FIELDS,
    TagSpec::FIELDS,
    RolloutSpec::FIELDS,
    ServiceRolloutSpec::FIELDS,
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
