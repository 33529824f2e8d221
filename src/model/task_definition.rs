//! What a task runs and which ports it maps.

use std::collections::BTreeMap;
use std::fmt;

use super::id::{TaskDefinitionArn, Transport};
use super::owner::Tags;
use super::target_group::TargetType;

/// Network mode of a task definition; an absent one is `bridge` (ECS's default on Linux).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkMode {
    /// A network interface for each task.
    Awsvpc,
    /// Docker's bridge on the instance.
    Bridge,
    /// The instance's own network.
    Host,
    /// No network at all.
    None,
}

impl NetworkMode {
    /// As ECS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Awsvpc => "awsvpc",
            Self::Bridge => "bridge",
            Self::Host => "host",
            Self::None => "none",
        }
    }

    /// The target type that ECS demands of this mode's target groups.
    pub fn target_type(self) -> TargetType {
        match self {
            Self::Awsvpc => TargetType::Ip,
            Self::Bridge | Self::Host | Self::None => TargetType::Instance,
        }
    }
}

impl fmt::Display for NetworkMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A port mapping of a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortMapping {
    /// The port inside.
    pub container_port: u16,
    /// The port on the host; canonical: `None` for awsvpc and host mode, `Some(0)` for a dynamic bridge port.
    pub host_port: Option<u16>,
    /// tcp or udp.
    pub protocol: Transport,
}

/// A container as far as reachability cares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its port mappings, sorted.
    pub ports: Vec<PortMapping>,
    /// Its `containerPortRange`s, as ECS writes them; carried over, never managed.
    pub port_ranges: Vec<String>,
    /// Longest time until its own health check, if it has one, says that it is well or not: the start period and every
    /// retry, in seconds.
    pub start_time: u32,
    /// The start period of its own health check, in seconds.
    pub start_period: u32,
    /// Its image is named by digest, and neither secrets nor environment files are read when it starts: every start is the
    /// same.
    pub is_pinned: bool,
}

/// A revision of a task definition. Immutable, so it is cached by ARN for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDefinition {
    /// Its ARN.
    pub arn: TaskDefinitionArn,
    /// Its family.
    pub family: String,
    /// Whether it is ACTIVE; services on an INACTIVE revision go on but cannot be updated to it.
    pub active: bool,
    /// Its network mode.
    pub network_mode: NetworkMode,
    /// Its containers by name.
    pub containers: BTreeMap<String, Container>,
    /// Its tags.
    pub tags: Tags,
    /// Members of AWS's raw answer that a copy would lose, because the SDK does not know them. Not empty: never copied.
    pub uncopyable: Vec<String>,
}
