//! `observed` of a case, and `observed.yaml` of a base fleet: what AWS answers, in few words. Everything left out takes
//! the default written at its field; names stand for ARNs and ids, which are derived from them.

mod build;

use std::collections::BTreeMap;

use portolan::model::DeploymentEnd;
use serde::Deserialize;

pub use build::build;

/// The whole reading.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ObservedFile {
    pub account: String,
    pub region: String,
    pub clusters: Vec<String>,
    pub vpcs: Vec<Vpc>,
    pub subnets: Vec<Subnet>,
    pub security_groups: Vec<Group>,
    pub load_balancers: Vec<Balancer>,
    pub target_groups: Vec<TargetGroup>,
    pub task_definitions: Vec<TaskDefinition>,
    pub services: Vec<Service>,
    pub instances: Vec<Instance>,
    /// Addresses that some network interface has, besides the tasks'.
    pub interfaces: Vec<String>,
    /// Addresses of interfaces that carry a group, besides the tasks' and instances'.
    pub carriers: BTreeMap<String, Vec<String>>,
    /// Entries of prefix lists that were read, by id.
    pub prefix_lists: BTreeMap<String, Vec<String>>,
    /// Target groups that services outside the manifest name, all in cluster `prod`.
    pub named_elsewhere: Vec<String>,
    pub limits: BTreeMap<String, u32>,
    /// Calls that failed: everything that they would have told is unknown.
    pub gaps: Vec<GapFile>,
}

impl Default for ObservedFile {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            clusters: vec!["prod".to_owned()],
            vpcs: vec![Vpc::default()],
            subnets: ["a", "b"].map(Subnet::zone).into(),
            security_groups: Vec::new(),
            load_balancers: Vec::new(),
            target_groups: Vec::new(),
            task_definitions: Vec::new(),
            services: Vec::new(),
            instances: Vec::new(),
            interfaces: Vec::new(),
            carriers: BTreeMap::new(),
            prefix_lists: BTreeMap::new(),
            named_elsewhere: Vec::new(),
            limits: BTreeMap::new(),
            gaps: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vpc {
    pub id: String,
    pub name: String,
    pub cidrs: Vec<String>,
    pub owner: String,
    /// Destinations of its route tables, the default routes apart.
    pub routes: Vec<String>,
}

impl Default for Vpc {
    fn default() -> Self {
        Self {
            id: "vpc-main".to_owned(),
            name: "main".to_owned(),
            cidrs: vec!["10.0.0.0/16".to_owned()],
            owner: "123456789012".to_owned(),
            routes: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subnet {
    pub id: String,
    pub name: String,
    #[serde(default = "main_vpc")]
    pub vpc: String,
    pub cidr: String,
}

impl Subnet {
    fn zone(zone: &str) -> Self {
        let third = if zone == "a" { 1 } else { 2 };
        Self {
            id: format!("subnet-{zone}"),
            name: format!("private-{zone}"),
            vpc: main_vpc(),
            cidr: format!("10.0.{third}.0/24"),
        }
    }
}

fn main_vpc() -> String {
    "vpc-main".to_owned()
}

/// Who made a thing: `mine: Kind/key` is the fleet `payments-prod`, `fleet:` names another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    #[serde(default = "own_fleet")]
    pub fleet: String,
    pub object: String,
}

fn own_fleet() -> String {
    "payments-prod".to_owned()
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: String,
    pub name: String,
    #[serde(default = "main_vpc")]
    pub vpc: String,
    #[serde(default)]
    pub ingress: Vec<Ingress>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    #[serde(default)]
    pub id: Option<String>,
    /// `tcp 8080`, `udp 53`, `tcp 32768-65535`, `all`
    pub allow: String,
    /// Group id, CIDR or prefix list.
    pub from: String,
    #[serde(default)]
    pub mark: Option<Marked>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Balancer {
    pub name: String,
    /// `application` (default) or `network`.
    #[serde(default = "application")]
    pub kind: String,
    #[serde(default)]
    pub security_groups: Vec<String>,
    #[serde(default = "both_subnets")]
    pub subnets: Vec<String>,
    /// The address of its node in each of its subnets, where it is known.
    #[serde(default)]
    pub nodes: BTreeMap<String, String>,
    #[serde(default)]
    pub listeners: Vec<Listener>,
}

fn application() -> String {
    "application".to_owned()
}

fn both_subnets() -> Vec<String> {
    vec!["subnet-a".to_owned(), "subnet-b".to_owned()]
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub port: u16,
    #[serde(default = "https")]
    pub protocol: String,
    /// Default action; a fixed 404 when left out.
    #[serde(default)]
    pub default: Option<Does>,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

fn https() -> String {
    "HTTPS".to_owned()
}

/// What a rule or listener does: one of the three.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Does {
    /// Weight by target group; a single name stands for weight 1.
    pub forward: BTreeMap<String, u32>,
    pub redirect: bool,
    pub fixed: Option<u16>,
    pub login: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    pub priority: u32,
    #[serde(default)]
    pub hosts: Vec<String>,
    #[serde(default)]
    pub paths: Vec<String>,
    #[serde(default)]
    pub source_ips: Vec<String>,
    #[serde(default)]
    pub unsayable: Vec<String>,
    pub does: Does,
    #[serde(default)]
    pub mark: Option<Marked>,
    /// Tags besides the mark.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TargetGroup {
    pub name: String,
    pub protocol: String,
    pub protocol_version: Option<String>,
    pub port: u16,
    pub vpc: String,
    #[serde(rename = "type")]
    pub target_type: String,
    pub health_check: HealthCheck,
    /// Load balancers besides those whose rules or listeners forward to it.
    pub load_balancers: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub mark: Option<Marked>,
    /// Tags besides the mark.
    pub tags: BTreeMap<String, String>,
    /// `10.0.1.5:8080 healthy`
    pub targets: Vec<String>,
}

impl Default for TargetGroup {
    fn default() -> Self {
        Self {
            name: String::new(),
            protocol: "HTTP".to_owned(),
            protocol_version: None,
            port: 8080,
            vpc: main_vpc(),
            target_type: "ip".to_owned(),
            health_check: HealthCheck::default(),
            load_balancers: Vec::new(),
            attributes: BTreeMap::new(),
            mark: None,
            tags: BTreeMap::new(),
            targets: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct HealthCheck {
    pub protocol: Option<String>,
    pub port: String,
    pub path: String,
    pub matcher: String,
    pub interval: u32,
    pub timeout: u32,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            protocol: None,
            port: "traffic-port".to_owned(),
            path: "/".to_owned(),
            matcher: "200".to_owned(),
            interval: 30,
            timeout: 5,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TaskDefinition {
    /// `family:revision`
    pub name: String,
    #[serde(default = "awsvpc")]
    pub mode: String,
    #[serde(default = "yes")]
    pub active: bool,
    /// `8080`, `8080/udp`, `8080->0`, `8080->80`
    pub containers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Further members, as AWS writes them.
    #[serde(default)]
    pub content: serde_json::Map<String, serde_json::Value>,
    /// How it is asked for, where that is not its ARN.
    #[serde(default)]
    pub asked: Option<String>,
    /// Further members of containers, by their names.
    #[serde(default)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

fn awsvpc() -> String {
    "awsvpc".to_owned()
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Service {
    pub name: String,
    pub cluster: String,
    /// `ACTIVE`, `DRAINING`, or `INACTIVE`.
    pub status: String,
    pub scheduling: String,
    pub controller: String,
    pub strategy: String,
    pub managed_by_ecs: bool,
    pub desired: u32,
    /// `minimumHealthyPercent`
    pub minimum_percent: Option<u32>,
    pub running: Option<u32>,
    pub task_definition: String,
    pub load_balancers: Vec<Entry>,
    /// awsvpc when left out; `network: null` is written as `noNetwork: true`.
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    pub assign_public_ip: String,
    /// Rollout states, the primary one first; `COMPLETED` when left out.
    pub deployments: Vec<String>,
    /// When the primary deployment began (RFC 3339).
    pub deployed_at: Option<String>,
    /// `failedTasks` of the primary deployment.
    pub failed_tasks: u32,
    /// What `ListServiceDeployments` says of the primary deployment; `unlisted`: nothing. IN_PROGRESS when left out.
    pub listed_as: String,
    /// A CODE_DEPLOY or EXTERNAL deployment is under way.
    pub task_sets_move: bool,
    /// Names of port mappings that Service Connect uses.
    pub connected_ports: Vec<String>,
    /// Members as AWS writes them.
    pub members: serde_json::Map<String, serde_json::Value>,
    pub scaling: Option<Scaling>,
    pub tasks: Vec<Task>,
    /// Asked in every case; newest first.
    pub past: Vec<Past>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            name: String::new(),
            cluster: "prod".to_owned(),
            status: "ACTIVE".to_owned(),
            scheduling: "REPLICA".to_owned(),
            controller: "ECS".to_owned(),
            strategy: "ROLLING".to_owned(),
            managed_by_ecs: false,
            desired: 2,
            minimum_percent: None,
            running: None,
            task_definition: String::new(),
            load_balancers: Vec::new(),
            subnets: both_subnets(),
            security_groups: Vec::new(),
            assign_public_ip: "DISABLED".to_owned(),
            deployments: Vec::new(),
            deployed_at: None,
            failed_tasks: 0,
            listed_as: "IN_PROGRESS".to_owned(),
            task_sets_move: false,
            connected_ports: Vec::new(),
            members: Default::default(),
            scaling: None,
            tasks: Vec::new(),
            past: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Entry {
    pub target_group: String,
    pub container: String,
    pub port: u16,
    #[serde(default)]
    pub alternate: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    pub min: u32,
    pub max: u32,
    #[serde(default)]
    pub suspended: bool,
}

/// A task: an address, an instance with bindings (`app 8080->32768`), or neither while AWS does not say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Task {
    pub address: Option<String>,
    pub instance: Option<String>,
    pub bindings: Vec<String>,
    pub status: Option<String>,
    /// ECS has told it to stop.
    pub leaves: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Past {
    /// Short for `ended: ROLLBACK_SUCCESSFUL`.
    pub failed: bool,
    /// AWS's word; SUCCESSFUL when left out.
    pub ended: Option<String>,
    pub reason: Option<String>,
    pub task_definition: String,
    pub load_balancers: Vec<Entry>,
}

impl Past {
    /// How it ended.
    pub fn end(&self) -> DeploymentEnd {
        match self.ended.as_deref() {
            None if self.failed => DeploymentEnd::RolledBack,
            None | Some("SUCCESSFUL") => DeploymentEnd::Successful,
            Some("STOPPED") => DeploymentEnd::Stopped,
            Some("ROLLBACK_IN_PROGRESS") => DeploymentEnd::RollingBack,
            Some("ROLLBACK_SUCCESSFUL") => DeploymentEnd::RolledBack,
            Some("ROLLBACK_FAILED") => DeploymentEnd::RollbackFailed,
            Some("FAILED") => DeploymentEnd::Failed,
            Some(other) => panic!("a deployment does not end {other}"),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Instance {
    pub id: String,
    #[serde(default)]
    pub address: Option<String>,
    #[serde(default)]
    pub terminated: bool,
    #[serde(default)]
    pub security_groups: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapFile {
    pub object: String,
    pub call: String,
    #[serde(default = "denied")]
    pub why: String,
}

fn denied() -> String {
    "AccessDenied".to_owned()
}
