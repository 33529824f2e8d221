//! What a world file can say.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::state::{self, Listen, Speaks};

/// A whole file. Lists are made in this order, so each may name what stands before it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct World {
    pub about: String,
    pub account: Option<String>,
    pub region: Option<String>,
    pub seed: u64,
    /// By image.
    pub apps: BTreeMap<String, App>,
    /// What listens on addresses that EC2 does not know.
    pub hosts: BTreeMap<Ipv4Addr, App>,
    pub vpcs: Vec<Vpc>,
    pub instances: Vec<Instance>,
    pub clusters: Vec<String>,
    pub container_instances: Vec<ContainerInstance>,
    pub task_definitions: Vec<TaskDefinition>,
    pub target_groups: Vec<TargetGroup>,
    pub load_balancers: Vec<LoadBalancer>,
    pub services: Vec<Service>,
    pub scalable_targets: Vec<ScalableTarget>,
    /// Seconds that pass before anything is done by hand.
    pub settle: Option<i64>,
    /// What is done by hand, and the time that passes between.
    pub then: Vec<Deed>,
}

/// A program: what it listens on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct App {
    pub listens: Vec<Port>,
    /// Seconds.
    pub starts_after: i64,
    pub crashes_after: Option<i64>,
    pub cannot_start: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Port {
    pub port: u16,
    #[serde(default)]
    pub loopback: bool,
    #[serde(default)]
    pub speaks: Protocol,
    #[serde(default)]
    pub paths: BTreeMap<String, u16>,
    pub code: Option<u16>,
    /// Milliseconds.
    #[serde(default = "five")]
    pub latency: i64,
}

fn five() -> i64 {
    5
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    #[default]
    Http,
    Https,
    Grpc,
    Tcp,
}

impl App {
    /// As the world keeps it.
    pub fn into_state(self) -> state::App {
        let listen = |port: Port| {
            let speaks = match port.speaks {
                Protocol::Http => Speaks::Http,
                Protocol::Https => Speaks::Https,
                Protocol::Grpc => Speaks::Grpc,
                Protocol::Tcp => Speaks::Tcp,
            };
            let code = port.code.unwrap_or(if speaks == Speaks::Grpc { 0 } else { 200 });
            Listen { port: port.port, loopback: port.loopback, speaks, paths: port.paths, code, latency: port.latency }
        };
        state::App {
            listens: self.listens.into_iter().map(listen).collect(),
            starts_after: self.starts_after,
            crashes_after: self.crashes_after,
            cannot_start: self.cannot_start,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Vpc {
    pub name: String,
    pub cidr: String,
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    #[serde(default)]
    pub security_groups: Vec<SecurityGroup>,
    #[serde(default)]
    pub network_acls: Vec<NetworkAcl>,
    #[serde(default)]
    pub prefix_lists: Vec<PrefixList>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Subnet {
    pub name: String,
    pub cidr: String,
    /// The last letter of the zone.
    pub zone: String,
    /// Has a route to an internet gateway.
    #[serde(default)]
    pub public: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SecurityGroup {
    pub name: String,
    #[serde(default)]
    pub ingress: Vec<GroupRule>,
    /// Everything may leave, where this is absent.
    pub egress: Option<Vec<GroupRule>>,
}

/// `{ports: 80, from: lb}`: a port, a range `8000-8010` or `all`; the other side is a CIDR, or a group or prefix list by
/// name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GroupRule {
    pub ports: Ports,
    #[serde(default = "tcp")]
    pub protocol: String,
    #[serde(alias = "to")]
    pub from: String,
    pub description: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

fn tcp() -> String {
    "tcp".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Ports {
    One(u16),
    Range(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NetworkAcl {
    pub name: String,
    pub subnets: Vec<String>,
    pub entries: Vec<AclEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AclEntry {
    pub number: u16,
    #[serde(default)]
    pub egress: bool,
    #[serde(default)]
    pub deny: bool,
    pub ports: Ports,
    pub cidr: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PrefixList {
    pub name: String,
    pub entries: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Instance {
    pub name: String,
    pub subnet: String,
    pub security_groups: Vec<String>,
    #[serde(default = "large")]
    pub instance_type: String,
    /// `32768-60999`
    pub dynamic_ports: Option<String>,
    #[serde(default)]
    pub app: App,
}

fn large() -> String {
    "c5.large".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ContainerInstance {
    pub cluster: String,
    pub instance: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TaskDefinition {
    pub family: String,
    #[serde(default = "awsvpc")]
    pub network_mode: String,
    #[serde(default)]
    pub cpu: Option<String>,
    #[serde(default)]
    pub memory: Option<String>,
    pub containers: Vec<Container>,
}

fn awsvpc() -> String {
    "awsvpc".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Container {
    pub name: String,
    pub image: String,
    #[serde(default)]
    pub ports: Vec<ContainerPort>,
    /// The shell command of the container's own health check, which passes as long as the container runs.
    pub health_check: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ContainerPort {
    pub port: u16,
    pub host: Option<u16>,
    #[serde(default = "tcp")]
    pub protocol: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TargetGroup {
    pub name: String,
    pub vpc: String,
    pub protocol: String,
    pub protocol_version: Option<String>,
    pub port: u16,
    #[serde(default = "ip")]
    pub target_type: String,
    /// Members of `CreateTargetGroup` by the names that a manifest uses.
    #[serde(default)]
    pub health_check: HealthCheck,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub targets: Vec<Target>,
}

fn ip() -> String {
    "ip".to_owned()
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct HealthCheck {
    pub protocol: Option<String>,
    pub port: Option<String>,
    pub path: Option<String>,
    pub matcher: Option<String>,
    pub interval: Option<i64>,
    pub timeout: Option<i64>,
    pub healthy_threshold: Option<i64>,
    pub unhealthy_threshold: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Target {
    /// An address, or the name of an instance.
    pub id: String,
    pub port: Option<u16>,
    pub zone: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LoadBalancer {
    pub name: String,
    #[serde(default = "application")]
    pub kind: String,
    #[serde(default = "internet_facing")]
    pub scheme: String,
    pub subnets: Vec<String>,
    #[serde(default)]
    pub security_groups: Vec<String>,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub listeners: Vec<Listener>,
}

fn application() -> String {
    "application".to_owned()
}

fn internet_facing() -> String {
    "internet-facing".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Listener {
    pub port: u16,
    #[serde(default = "http")]
    pub protocol: String,
    pub default: Action,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

fn http() -> String {
    "HTTP".to_owned()
}

/// `{forward: cart}`, `{forward: {blue: 100, green: 0}}`, `{fixedResponse: 404}`, `{redirect: HTTPS}`, with
/// `login: true` before it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Action {
    pub forward: Option<Forward>,
    pub fixed_response: Option<u16>,
    pub redirect: Option<String>,
    #[serde(default)]
    pub login: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Forward {
    One(String),
    Weighted(BTreeMap<String, i64>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    pub priority: i64,
    #[serde(default)]
    pub hosts: Vec<String>,
    #[serde(default)]
    pub paths: Vec<String>,
    #[serde(default)]
    pub methods: Vec<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub query_strings: BTreeMap<String, String>,
    #[serde(default)]
    pub source_ips: Vec<String>,
    pub action: Action,
    /// `[regex, replacement]` of the URL.
    pub rewrite: Option<(String, String)>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Service {
    pub name: String,
    pub cluster: String,
    pub task_definition: String,
    #[serde(default = "one")]
    pub desired_count: i64,
    #[serde(default = "fargate")]
    pub launch_type: String,
    #[serde(default)]
    pub subnets: Vec<String>,
    #[serde(default)]
    pub security_groups: Vec<String>,
    #[serde(default)]
    pub load_balancers: Vec<ServiceLoadBalancer>,
    /// Seconds.
    pub grace: Option<i64>,
    pub minimum_percent: Option<i64>,
    pub maximum_percent: Option<i64>,
    #[serde(default)]
    pub circuit_breaker: bool,
    #[serde(default)]
    pub daemon: bool,
    pub controller: Option<String>,
}

fn one() -> i64 {
    1
}

fn fargate() -> String {
    "FARGATE".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ServiceLoadBalancer {
    pub target_group: String,
    pub container: String,
    pub port: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScalableTarget {
    /// `prod/cart`
    pub service: String,
    pub min: i64,
    pub max: i64,
}

/// `{call: ecs:UpdateService, with: {…}}`, `{advance: 60}` or `{app: {image: …, …}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Deed {
    pub call: Option<String>,
    #[serde(default)]
    pub with: Value,
    /// Seconds.
    pub advance: Option<i64>,
    /// What an image does from now on.
    pub app: Option<BTreeMap<String, App>>,
}
