//! What a manifest says, defaults filled in and references checked. `None` means *unmanaged*; an empty list
//! means *manage it and keep it empty*.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::Timestamp;

use super::id::{ObjectRef, PortRange, ServiceId, Transport};
use super::listener_rule::Conditions;
use super::owner::{Mark, Tags};
use super::service::LoadBalancerEntry;
use super::target::TargetKey;
use super::target_group::{HealthCheck, Protocol, ProtocolVersion, TargetType};
use super::task_definition::{AppProtocol, NetworkMode};
use crate::shape::Tree;

/// One fleet: everything that one run was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The one Fleet document.
    pub fleet: Fleet,
    /// Services by key.
    pub services: BTreeMap<String, DesiredService>,
    /// Target groups by key.
    pub target_groups: BTreeMap<String, DesiredTargetGroup>,
}

impl Desired {
    /// The clusters that services name.
    pub fn clusters(&self) -> std::collections::BTreeSet<String> {
        self.fleet
            .cluster
            .iter()
            .cloned()
            .chain(self.services.values().map(|service| service.id.cluster.clone()))
            .collect()
    }
}

/// Whether differences are repaired or only shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Shown and repaired.
    Enforce,
    /// Shown only.
    Observe,
}

/// Whether a repair may start an ECS deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redeploy {
    /// No: such a repair is shown as blocked.
    #[default]
    Deny,
    /// Yes.
    Allow,
}

/// Whether Application Auto Scaling is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Autoscaling {
    /// Ask for scalable targets.
    #[default]
    Check,
    /// The owner states that there are none.
    None,
}

/// What becomes of a deployment that is in progress for too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTimeout {
    /// It is reported.
    #[default]
    Report,
    /// It is stopped, which rolls it back.
    Stop,
}

/// How long a deployment may be in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RolloutLimit {
    /// Seconds; `None`: for ever.
    pub timeout: Option<u32>,
    /// What happens then.
    pub on_timeout: OnTimeout,
}

/// Most removals of one kind in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// That many.
    Count(u32),
    /// That share of the kind, in percent, rounded down, but at least 1 unless it is 0 %.
    Percent(u32),
}

impl Budget {
    /// The number that the budget allows out of `total`.
    pub fn allows(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count as usize,
            Self::Percent(0) => 0,
            Self::Percent(percent) => (total * percent as usize / 100).max(1),
        }
    }
}

/// How boldly things are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Delete marked things that the manifest no longer names.
    pub prune: bool,
    /// Most removals of one kind in a pass.
    pub budget: Budget,
    /// Whether the service may take away a way in that healthy targets answer.
    pub serving: ServingRemoval,
    /// Whether services may go.
    pub services: ServiceRemoval,
}

impl Default for Removal {
    fn default() -> Self {
        Self {
            prune: false,
            budget: Budget::Percent(10),
            serving: ServingRemoval::Deny,
            services: ServiceRemoval::Deny,
        }
    }
}

/// Whether services that the fleet created and that no manifest names any more are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceRemoval {
    /// They stay, and are reported.
    #[default]
    Deny,
    /// With prune, they are drained and deleted.
    Allow,
}

/// Whether `portolan run` may remove a rule that gives requests to healthy targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServingRemoval {
    /// It stays, and is reported.
    #[default]
    Deny,
    /// It goes as other removals do.
    Allow,
}

/// Who owns, where, and how boldly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Owner id, written as the tag `portolan.dev/fleet`.
    pub name: String,
    /// Region of the run.
    pub region: Option<String>,
    /// Account that the credentials must belong to.
    pub account: Option<String>,
    /// Default cluster of services.
    pub cluster: Option<String>,
    /// Default VPC of target groups: id or `Name` tag.
    pub vpc: Option<String>,
    /// Enforce or observe.
    pub mode: Mode,
    /// Whether repairs may redeploy.
    pub redeploy: Redeploy,
    /// Tags on what Portolan creates.
    pub tags: Tags,
    /// Whether scalable targets are asked for.
    pub autoscaling: Autoscaling,
    /// Host ports that bridge tasks may get.
    pub dynamic_ports: PortRange,
    /// Most deployments that Portolan has running at a time: a number, or a share of the services.
    pub concurrent_rollouts: Budget,
    /// How long a deployment may be in progress.
    pub rollout: RolloutLimit,
    /// Removal policy.
    pub removal: Removal,
}

impl Fleet {
    /// The tags of something new that is for this object: the fleet's, and the mark.
    pub fn tags_for(&self, object: &ObjectRef) -> Tags {
        let mark = Mark { fleet: self.name.clone(), object: object.clone() };
        self.tags.clone().into_iter().chain(mark.tags()).collect()
    }
}

/// A pause of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspend {
    /// When it ends.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// A declared number of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DesiredCount {
    /// Exactly that many, 0 included.
    Exact(u32),
    /// The nearest edge is written when the live count is outside.
    Band {
        /// Fewest.
        min: u32,
        /// Most.
        max: u32,
    },
}

/// Network of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Checked against the running task definition.
    pub mode: Option<NetworkMode>,
    /// awsvpc: the full set, by id or `Name` tag.
    pub subnets: Option<Vec<String>>,
    /// awsvpc: the full set, written. bridge, host: the instances' groups, only checked.
    pub security_groups: Option<Vec<String>>,
    /// The group that gets derived ingress; one of the above.
    pub ingress_group: Option<String>,
    /// awsvpc on Fargate: whether tasks get a public address.
    pub assign_public_ip: Option<bool>,
}

impl Network {
    /// The group for derived ingress: the named one, or the only one.
    pub fn ingress_group(&self) -> Option<&str> {
        self.ingress_group.as_deref().or(match self.security_groups.as_deref() {
            Some([only]) => Some(only),
            _ => None,
        })
    }
}

/// Who registers a port's tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registrar {
    /// ECS; the service's `loadBalancers` block is the repair.
    #[default]
    Ecs,
    /// Portolan itself: the target group is not in that block.
    Portolan,
}

/// Sources that are allowed in addition to the load balancer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IngressSource {
    /// A group, by id, name or `Name` tag.
    SecurityGroup {
        /// Its name.
        name: String,
        /// Description of the rule.
        description: Option<String>,
    },
    /// Addresses.
    Cidr {
        /// Masked.
        cidr: IpNet,
        /// Description of the rule.
        description: Option<String>,
    },
}

/// A declared port mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredPort {
    /// A label of the manifest.
    pub name: String,
    /// The container.
    pub container: String,
    /// The port inside.
    pub container_port: u16,
    /// bridge: 0 (dynamic) or a fixed one; `None` is unmanaged.
    pub host_port: Option<u16>,
    /// tcp or udp.
    pub protocol: Transport,
    /// What it speaks, for Service Connect.
    pub app_protocol: Option<AppProtocol>,
    /// Name of the port mapping, for Service Connect.
    pub port_name: Option<String>,
    /// Keys of target groups.
    pub target_groups: Option<Vec<String>>,
    /// Who registers.
    pub registrar: Registrar,
    /// Further ingress.
    pub allow_from: Option<Vec<IngressSource>>,
}

/// What a service shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// Portolan registers it where no revision has this content.
    Content {
        /// Members of `RegisterTaskDefinition`, as far as they are managed.
        members: Tree,
        /// Containers of the running revision that it does not name.
        other_containers: OtherContainers,
        /// Images of this run by container, of containers that it does not name: the running revision must have them.
        images: BTreeMap<String, String>,
    },
    /// Another tool registers it.
    Reference {
        /// The family.
        family: String,
        /// The revision; `None`: any of the family.
        revision: Option<u32>,
    },
}

/// What becomes of containers that run and that a manifest does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherContainers {
    /// They stay.
    Keep,
    /// They go with the next revision.
    Remove,
}

/// A declared service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredService {
    /// Key in the fleet.
    pub key: String,
    /// Cluster and name.
    pub id: ServiceId,
    /// Effective: observe wins over the fleet's enforce, never the other way round.
    pub mode: Mode,
    /// A pause.
    pub suspend: Option<Suspend>,
    /// Effective: the service's own deny wins over the fleet's allow.
    pub redeploy: Redeploy,
    /// How long a deployment may be in progress: its own limit, or the fleet's.
    pub rollout: RolloutLimit,
    /// The count.
    pub desired_count: Option<DesiredCount>,
    /// The network.
    pub network: Option<Network>,
    /// The ports.
    pub ports: Option<Vec<DesiredPort>>,
    /// What it runs; `None` is unmanaged.
    pub task_definition: Option<Definition>,
    /// Members with AWS's names, as [`crate::shape::SERVICE`] knows them.
    pub members: Tree,
    /// Entries of `loadBalancers` that a service definition has; those of target groups that no document describes are wired as
    /// they are.
    pub load_balancers: Vec<LoadBalancerEntry>,
    /// Members of a service definition that this release does not send: a live service keeps its own, and a new one would lack them.
    pub unsent: Vec<String>,
}

/// One way from a listener to a target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The listener's port.
    pub listener: u16,
    /// The listener's default action rather than a rule.
    pub default: bool,
    /// 1–50000; needed to create the rule.
    pub priority: Option<u32>,
    /// When the rule applies.
    pub conditions: Conditions,
    /// The rule must log people in before it forwards.
    pub login: bool,
}

/// A static registration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StaticTarget {
    /// Address or instance id, and port.
    pub key: TargetKey,
    /// `all` for addresses outside the VPC; `None` lets AWS find out.
    pub zone: Option<String>,
}

/// A declared target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredTargetGroup {
    /// Key in the fleet.
    pub key: String,
    /// AWS name or ARN.
    pub name: String,
    /// Effective mode, as for services.
    pub mode: Mode,
    /// Name or ARN of its load balancer.
    pub load_balancer: Option<String>,
    /// Id or `Name` tag; the fleet's by default.
    pub vpc: Option<String>,
    /// Immutable.
    pub protocol: Option<Protocol>,
    /// Immutable.
    pub protocol_version: Option<ProtocolVersion>,
    /// Default on creation: the container port.
    pub port: Option<u16>,
    /// Default on creation: what the network mode needs.
    pub target_type: Option<TargetType>,
    /// Declared fields of the health check.
    pub health_check: HealthCheck,
    /// Declared attributes, by AWS's keys.
    pub attributes: Tags,
    /// Its routes.
    pub routes: Option<Vec<Route>>,
    /// Static registrations, in addition to the tasks'.
    pub targets: Option<Vec<StaticTarget>>,
}
