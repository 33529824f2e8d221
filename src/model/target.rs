//! Registrations and their health, and where live tasks really are.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;

use super::id::{GroupId, InstanceId, ServiceId, SubnetId, TaskArn, TaskDefinitionArn, Transport};

/// What identifies a registration: the same address may stand there several times with other ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetKey {
    /// Address or instance id, as AWS writes it.
    pub id: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.port)
    }
}

/// State of a target (ELBv2 `TargetHealth.State`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetState {
    /// Being registered, or not checked often enough yet.
    Initial,
    /// In service.
    Healthy,
    /// Failing its checks.
    Unhealthy,
    /// Not checked: no rule, zone not enabled, instance stopped.
    Unused,
    /// Deregistered and waiting for its connections (also `unhealthy.draining`).
    Draining,
    /// No data.
    Unavailable,
}

/// Health of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHealth {
    /// The state.
    pub state: TargetState,
    /// AWS's reason code, such as `Target.Timeout`.
    pub reason: Option<String>,
    /// AWS's sentence about it.
    pub description: Option<String>,
}

/// A registration in a target group (`DescribeTargetHealth`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which.
    pub key: TargetKey,
    /// The zone it was registered with (`all` for addresses outside the VPC).
    pub zone: Option<String>,
    /// Its health.
    pub health: TargetHealth,
}

/// The prefix of the name under which tasks are filed that no service started: no service can be called so.
pub const STARTED_ALONE: &str = "group:";

/// Who started the tasks of a service, for people; tasks that were started alone have no service.
pub fn task_owner(id: &ServiceId) -> String {
    match id.name.strip_prefix(STARTED_ALONE) {
        Some(group) => format!("no service, in group {group:?} of cluster {}", id.cluster),
        None => format!("service {id}"),
    }
}

/// A container port bound on an instance (`networkBindings`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// The container.
    pub container: String,
    /// The port inside.
    pub container_port: u16,
    /// The port on the instance.
    pub host_port: u16,
    /// tcp or udp.
    pub protocol: Transport,
}

/// Where a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// awsvpc: the task's own address.
    Address(IpAddr),
    /// bridge or host: the instance and the ports bound on it.
    Instance {
        /// The EC2 instance.
        instance: InstanceId,
        /// What is bound.
        bindings: Vec<Binding>,
    },
    /// AWS did not say yet: no attachment, no bindings, or the container instance could not be read.
    Unknown,
}

/// A task from PROVISIONING to STOPPING.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its ARN.
    pub arn: TaskArn,
    /// The service that started it.
    pub service: ServiceId,
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
    /// `lastStatus`, such as `RUNNING`.
    pub status: String,
    /// `desiredStatus` is STOPPED: it is on its way out, whatever it does now.
    pub leaves: bool,
    /// Where it is.
    pub placement: Placement,
    /// `startedAt`: since when all its containers run.
    pub started: Option<Timestamp>,
    /// `healthStatus`: what its containers' own checks say; `None` where they have none, or no answer yet.
    pub healthy: Option<bool>,
    /// The container instance that carries it; `None` on Fargate.
    pub container_instance: Option<String>,
    /// `startedBy`: the deployment, for a task of a service; `None` where that is not told.
    pub started_by: Option<String>,
}

impl Task {
    /// Whether it runs and is to go on running.
    pub fn runs(&self) -> bool {
        self.status == "RUNNING" && !self.leaves
    }

    /// Whether the task has the address of a registration, or its host port on an instance.
    pub fn has(&self, key: &TargetKey) -> bool {
        match &self.placement {
            Placement::Address(address) => address.to_string() == key.id,
            Placement::Instance { instance, bindings } => {
                instance.as_str() == key.id && bindings.iter().any(|binding| binding.host_port == key.port)
            }
            Placement::Unknown => false,
        }
    }

    /// The registrations that this task has for containers and their ports, as far as AWS says.
    pub fn endpoints(&self, ports: &BTreeSet<(&str, u16)>) -> impl Iterator<Item = TargetKey> {
        ports.iter().filter_map(|(container, port)| self.endpoint(container, *port))
    }

    /// The registration that this task has for a container port; `None` while AWS does not say.
    pub fn endpoint(&self, container: &str, container_port: u16) -> Option<TargetKey> {
        match &self.placement {
            Placement::Address(address) => Some(TargetKey { id: address.to_string(), port: container_port }),
            Placement::Instance { instance, bindings } => bindings
                .iter()
                .find(|binding| binding.container == container && binding.container_port == container_port)
                .map(|binding| TargetKey { id: instance.to_string(), port: binding.host_port }),
            Placement::Unknown => None,
        }
    }
}

/// An EC2 instance that carries tasks, or that a registration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The instance.
    pub instance: InstanceId,
    /// Whether it is gone for good (`terminated`).
    pub terminated: bool,
    /// The groups of its primary network interface.
    pub security_groups: BTreeSet<GroupId>,
    /// Its private addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// The subnet of its primary network interface.
    pub subnet: Option<SubnetId>,
}
