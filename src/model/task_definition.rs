//! What a task runs and which ports it maps.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::id::{TaskDefinitionArn, Transport};
use super::owner::Tags;
use super::target_group::TargetType;
use crate::shape::{TASK_DEFINITION, Tree, without_outputs};

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

    /// Of ECS's word for it.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Awsvpc, Self::Bridge, Self::Host, Self::None].into_iter().find(|mode| mode.as_str() == word)
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

/// What a port speaks, as far as Service Connect cares (ECS `PortMapping$appProtocol`); absent means plain TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppProtocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2.
    Http2,
    /// gRPC.
    Grpc,
}

impl AppProtocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Http, Self::Http2, Self::Grpc];

    /// As ECS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
        }
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
    /// Its own name, which Service Connect refers to.
    pub name: Option<String>,
    /// What it speaks.
    pub app_protocol: Option<AppProtocol>,
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

/// A revision of a task definition. Immutable, so it can be cached by ARN.
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
    /// Its containers by name. Shared: a revision is read once and is in every reading after that.
    pub containers: Arc<BTreeMap<String, Container>>,
    /// Its tags.
    pub tags: Tags,
    /// All of it as AWS writes it, without tags and without what only answers have: registering it makes the same again.
    pub content: Arc<Tree>,
}

impl TaskDefinition {
    /// A revision with this content, which AWS or a manifest wrote.
    pub fn new(arn: TaskDefinitionArn, active: bool, tags: Tags, content: Tree) -> Self {
        let mut content = Tree::new(without_outputs(&TASK_DEFINITION, content.members()));
        content.members_mut().remove("tags");
        let network_mode = match text(content.members(), "networkMode") {
            None | Some("bridge") => NetworkMode::Bridge,
            Some("awsvpc") => NetworkMode::Awsvpc,
            Some("host") => NetworkMode::Host,
            // A mode that this version does not know maps no port that it could reason about.
            Some(_) => NetworkMode::None,
        };
        let containers = list(content.members(), "containerDefinitions").filter_map(Value::as_object);
        let containers = containers.map(|container| {
            let name = text(container, "name").unwrap_or_default().to_owned();
            (name, Container::new(container, network_mode))
        });
        Self {
            arn,
            family: text(content.members(), "family").unwrap_or_default().to_owned(),
            active,
            network_mode,
            containers: Arc::new(containers.collect()),
            tags,
            content: Arc::new(content),
        }
    }
}

impl Container {
    /// As AWS writes it (ECS `ContainerDefinition`).
    fn new(container: &Map<String, Value>, mode: NetworkMode) -> Self {
        let mappings = || list(container, "portMappings").filter_map(Value::as_object);
        let mut ports: Vec<PortMapping> = mappings().filter_map(|mapping| PortMapping::new(mapping, mode)).collect();
        ports.sort();
        let ranges = mappings().filter_map(|mapping| text(mapping, "containerPortRange"));
        let check = container.get("healthCheck").and_then(Value::as_object);
        let is_empty = |name: &str| list(container, name).next().is_none();
        Self {
            ports,
            port_ranges: ranges.map(str::to_owned).collect(),
            start_time: check.map_or(0, start_time),
            start_period: check.map_or(0, |check| number(check, "startPeriod", 0)),
            is_pinned: text(container, "image").is_some_and(|image| image.contains("@sha256:"))
                && is_empty("secrets")
                && is_empty("environmentFiles"),
        }
    }
}

impl PortMapping {
    fn new(mapping: &Map<String, Value>, mode: NetworkMode) -> Option<Self> {
        let port = |name: &str| mapping.get(name).and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        Some(Self {
            container_port: port("containerPort").filter(|port| *port > 0)?,
            host_port: match mode {
                NetworkMode::Bridge => Some(port("hostPort").unwrap_or(0)),
                NetworkMode::Awsvpc | NetworkMode::Host | NetworkMode::None => None,
            },
            // ECS takes everything but `udp` for tcp, what it does not know included.
            protocol: if text(mapping, "protocol") == Some("udp") { Transport::Udp } else { Transport::Tcp },
            name: text(mapping, "name").filter(|name| !name.is_empty()).map(str::to_owned),
            app_protocol: text(mapping, "appProtocol")
                .and_then(|word| AppProtocol::ALL.into_iter().find(|protocol| protocol.as_str() == word)),
        })
    }
}

/// The start period and every retry of a container's health check, with AWS's defaults (ECS `HealthCheck`), in seconds.
fn start_time(check: &Map<String, Value>) -> u32 {
    let each = number(check, "interval", 30).saturating_add(number(check, "timeout", 5));
    number(check, "startPeriod", 0).saturating_add(each.saturating_mul(number(check, "retries", 3)))
}

fn text<'t>(members: &'t Map<String, Value>, name: &str) -> Option<&'t str> {
    members.get(name).and_then(Value::as_str)
}

fn number(members: &Map<String, Value>, name: &str, otherwise: u32) -> u32 {
    members.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(otherwise)
}

fn list<'t>(members: &'t Map<String, Value>, name: &str) -> impl Iterator<Item = &'t Value> {
    members.get(name).and_then(Value::as_array).into_iter().flatten()
}
