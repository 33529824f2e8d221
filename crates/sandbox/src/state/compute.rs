//! ECS: clusters, task definitions, services, tasks.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::Tags;

#[derive(Clone, Debug)]
pub struct Cluster {
    pub arn: String,
    pub name: String,
    /// `ACTIVE`, `INACTIVE`
    pub status: String,
    /// `name` and `value` of each.
    pub settings: Vec<Value>,
    /// As written, or null.
    pub configuration: Value,
    pub service_connect: Value,
    /// In the order of their names.
    pub capacity_providers: BTreeSet<String>,
    /// What starts tasks where nothing else is said.
    pub default_strategy: Vec<Value>,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct ContainerInstance {
    pub arn: String,
    /// ARN.
    pub cluster: String,
    /// Id of the EC2 instance.
    pub instance: String,
    /// MiB.
    pub memory: i64,
    pub cpu: i64,
    /// Ports that no task gets: 22, Docker's and the agent's.
    pub reserved_ports: BTreeSet<u16>,
    /// Most tasks with an interface of their own.
    pub task_interfaces: usize,
    pub registered: Timestamp,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct TaskDefinition {
    pub arn: String,
    pub family: String,
    pub revision: i64,
    /// `ACTIVE`, `INACTIVE`
    pub status: String,
    /// As AWS reads it back.
    pub body: Value,
    /// `awsvpc`, `bridge`, `host`, `none`
    pub network_mode: String,
    pub containers: Vec<Container>,
    /// MiB that a task needs.
    pub memory: i64,
    pub cpu: i64,
    pub tags: Tags,
}

#[derive(Clone, Debug)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub ports: Vec<PortMapping>,
    pub has_health_check: bool,
}

#[derive(Clone, Debug)]
pub struct PortMapping {
    pub container_port: u16,
    /// 0 is dynamic.
    pub host_port: u16,
    pub protocol: String,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub arn: String,
    /// ARN.
    pub cluster: String,
    pub name: String,
    /// `ACTIVE`, `DRAINING`, `INACTIVE`
    pub status: String,
    /// `REPLICA`, `DAEMON`
    pub scheduling: String,
    /// `ECS`, `CODE_DEPLOY`, `EXTERNAL`
    pub controller: String,
    pub desired_count: i64,
    /// What the next deployment is made of.
    pub revision: Revision,
    /// `FARGATE`, `EC2`, `EXTERNAL`; absent under a capacity provider strategy.
    pub launch_type: Option<String>,
    pub capacity_providers: Value,
    pub minimum_percent: i64,
    pub maximum_percent: i64,
    /// Circuit breaker.
    pub breaker: bool,
    pub rollback: bool,
    /// `ROLLING`, `BLUE_GREEN`, …
    pub strategy: String,
    /// `deploymentConfiguration`, as far as it was written.
    pub deployment: Value,
    /// Seconds.
    pub grace: i64,
    /// The rest of what was written at creation and is only read back.
    pub extras: Value,
    /// The primary one first.
    pub deployments: Vec<Deployment>,
    /// Those that ended, newest first: what `ListServiceDeployments` tells.
    pub past: Vec<Deployment>,
    /// Newest first.
    pub events: Vec<ServiceEvent>,
    /// No task is started before: ECS waits longer after each task that failed to start.
    pub not_before: Timestamp,
    pub failures_in_a_row: u32,
    pub client_token: Option<String>,
    pub created: Timestamp,
    pub tags: Tags,
    /// The last event text, which is not said again.
    pub last_event: String,
    pub steady: bool,
}

/// What a deployment brings out.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Revision {
    /// ARN of the task definition.
    pub task_definition: String,
    /// As written: `targetGroupArn`, `containerName`, `containerPort`, `advancedConfiguration`.
    pub load_balancers: Vec<Value>,
    /// `{"awsvpcConfiguration": …}`, or null.
    pub network: Value,
}

#[derive(Clone, Debug)]
pub struct Deployment {
    /// `ecs-svc/…`
    pub id: String,
    /// ARN of the service deployment.
    pub arn: String,
    /// ARN of the service revision.
    pub revision_arn: String,
    pub revision: Revision,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED`
    pub rollout: String,
    pub reason: String,
    pub failed_tasks: i64,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub finished: Option<Timestamp>,
    /// This one took an earlier one back.
    pub is_rollback: bool,
    /// As ECS's service deployments call it: `IN_PROGRESS`, `SUCCESSFUL`, `STOPPED`, `ROLLBACK_SUCCESSFUL`, …
    pub status: String,
    /// When it was taken back, and the revision that came in its place.
    pub rolled_back_to: Option<(Timestamp, String)>,
}

#[derive(Clone, Debug)]
pub struct ServiceEvent {
    pub id: String,
    pub at: Timestamp,
    pub message: String,
}

/// The stations of a task, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskStatus {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl TaskStatus {
    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// A container port that is bound to a port of its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub container: String,
    pub container_port: u16,
    pub host_port: u16,
    pub protocol: String,
}

#[derive(Clone, Debug)]
pub struct Task {
    pub arn: String,
    /// ARN.
    pub cluster: String,
    /// `service:<name>` or `family:<family>`.
    pub group: String,
    /// ARN of the service that started it.
    pub service: Option<String>,
    /// Id of the deployment that started it.
    pub deployment: Option<String>,
    pub task_definition: String,
    pub status: TaskStatus,
    /// It is on its way out.
    pub stopping: bool,
    pub launch_type: String,
    /// ARN.
    pub container_instance: Option<String>,
    /// Interface of an awsvpc task.
    pub interface: Option<String>,
    /// Id of what attaches the interface; it is in the answer even when the interface is gone.
    pub attachment: Option<String>,
    /// Of Fargate: `1.4.0`
    pub platform_version: Option<String>,
    /// As the API tells it even when the interface is gone.
    pub address: Option<std::net::Ipv4Addr>,
    pub subnet: Option<String>,
    pub zone: Option<String>,
    /// Bridge and host, once it runs.
    pub bindings: Vec<Binding>,
    pub created: Timestamp,
    pub started: Option<Timestamp>,
    pub stopping_at: Option<Timestamp>,
    pub stopped: Option<Timestamp>,
    pub stop_code: Option<String>,
    pub stopped_reason: Option<String>,
    pub tags: Tags,
}

impl Task {
    /// The last part of the ARN.
    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }

    /// Whether it holds its place: it has not ended.
    pub fn is_alive(&self) -> bool {
        self.status != TaskStatus::Stopped
    }

    /// Whether its containers run.
    pub fn has_containers(&self) -> bool {
        matches!(self.status, TaskStatus::Activating | TaskStatus::Running | TaskStatus::Deactivating)
    }
}
