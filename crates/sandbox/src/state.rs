//! The state of the sandbox: plain data, cloned whole where reads are to lag behind writes.

pub mod app;
pub mod balancing;
pub mod compute;
pub mod network;
pub mod scaling;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::due::{Due, Queue};
use super::id::Ids;

pub use app::{App, Listen, Speaks};
pub use balancing::{Health, HealthCheck, Listener, LoadBalancer, Rule, Target, TargetGroup};
pub use compute::{
    Cluster, Container, ContainerInstance, Deployment, PortMapping, Revision, Service, ServiceEvent, Task,
    TaskDefinition, TaskStatus,
};
pub use network::{
    AclEntry, EndpointService, Gateway, GroupRule, Instance, InterfaceOwner, NetworkAcl, NetworkInterface, PrefixList,
    Route, RouteTable, SecurityGroup, Source, Subnet, Vpc,
};
pub use scaling::ScalableTarget;

/// Tags of a thing.
pub type Tags = BTreeMap<String, String>;

/// Everything that exists, and what is due to happen to it. Things are kept by what their API calls them by: ids in
/// EC2, ARNs elsewhere.
#[derive(Clone, Debug)]
pub struct State {
    pub account: String,
    pub region: String,
    /// The virtual time.
    pub now: Timestamp,
    pub ids: Ids,
    pub queue: Queue,
    /// Largest page, where it is smaller than AWS's.
    pub page_limit: Option<usize>,
    /// Requests that clients sent.
    pub requests: u64,
    /// What happened, a line each: the same seed and the same calls write the same lines.
    pub trace: Vec<String>,

    pub vpcs: BTreeMap<String, Vpc>,
    pub subnets: BTreeMap<String, Subnet>,
    pub route_tables: BTreeMap<String, RouteTable>,
    pub gateways: BTreeMap<String, Gateway>,
    pub acls: BTreeMap<String, NetworkAcl>,
    pub groups: BTreeMap<String, SecurityGroup>,
    pub group_rules: BTreeMap<String, GroupRule>,
    pub prefix_lists: BTreeMap<String, PrefixList>,
    pub endpoint_services: BTreeMap<String, EndpointService>,
    pub interfaces: BTreeMap<String, NetworkInterface>,
    pub instances: BTreeMap<String, Instance>,

    pub clusters: BTreeMap<String, Cluster>,
    pub container_instances: BTreeMap<String, ContainerInstance>,
    pub task_definitions: BTreeMap<String, TaskDefinition>,
    pub services: BTreeMap<String, Service>,
    pub tasks: BTreeMap<String, Task>,

    pub load_balancers: BTreeMap<String, LoadBalancer>,
    pub listeners: BTreeMap<String, Listener>,
    pub rules: BTreeMap<String, Rule>,
    pub target_groups: BTreeMap<String, TargetGroup>,

    /// By `service/<cluster>/<service>`.
    pub scalable_targets: BTreeMap<String, ScalableTarget>,

    /// What a container of an image does; an image that is not named answers 200 on each of its container ports.
    pub apps: BTreeMap<String, App>,
    /// What listens on addresses that EC2 does not know, such as those behind a peering.
    pub hosts: BTreeMap<std::net::Ipv4Addr, App>,
}

impl State {
    /// Nothing at all.
    pub fn new(account: &str, region: &str, start: Timestamp, seed: u64) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            now: start,
            ids: Ids::new(seed),
            queue: Queue::default(),
            page_limit: None,
            requests: 0,
            trace: Vec::new(),
            vpcs: BTreeMap::new(),
            subnets: BTreeMap::new(),
            route_tables: BTreeMap::new(),
            gateways: BTreeMap::new(),
            acls: BTreeMap::new(),
            groups: BTreeMap::new(),
            group_rules: BTreeMap::new(),
            prefix_lists: BTreeMap::new(),
            endpoint_services: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            instances: BTreeMap::new(),
            clusters: BTreeMap::new(),
            container_instances: BTreeMap::new(),
            task_definitions: BTreeMap::new(),
            services: BTreeMap::new(),
            tasks: BTreeMap::new(),
            load_balancers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            rules: BTreeMap::new(),
            target_groups: BTreeMap::new(),
            scalable_targets: BTreeMap::new(),
            apps: BTreeMap::new(),
            hosts: BTreeMap::new(),
        }
    }

    /// Has something happen after a while; even without a delay it happens after the call that causes it.
    pub fn after(&mut self, seconds: i64, due: Due) {
        let at = self.now + SignedDuration::from_secs(seconds);
        self.queue.push(at, due);
    }

    /// Notes what happened.
    pub fn note(&mut self, what: &str) {
        let now = self.now;
        self.trace.push(format!("{now:.3} {what}"));
    }

    /// The size of a page: what was asked for, or the default.
    pub fn page_size(&self, asked: Option<i64>, default: usize) -> usize {
        let size = asked.and_then(|size| usize::try_from(size).ok()).unwrap_or(default);
        self.page_limit.map_or(size, |limit| size.min(limit)).max(1)
    }

    /// An ARN of this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }
}
