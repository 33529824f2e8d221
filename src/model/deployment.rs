//! How deployments of a service end. Only SUCCESSFUL is success: after a rollback, the service is as steady as after a success.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::arn::last_part;
use super::id::TaskDefinitionArn;
use super::service::{Awsvpc, LoadBalancerEntry};
use crate::shape::Tree;

/// How a deployment of a service ended, or is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeploymentEnd {
    /// SUCCESSFUL
    Successful,
    /// STOPPED, or about to be, and no newer deployment took its place.
    Stopped,
    /// A rollback is requested or in progress.
    RollingBack,
    /// ROLLBACK_SUCCESSFUL: what was before it runs again.
    RolledBack,
    /// ROLLBACK_FAILED
    RollbackFailed,
    /// `rolloutState` FAILED, where service deployments cannot be listed.
    Failed,
}

impl DeploymentEnd {
    /// Whether it did not bring what was asked.
    pub fn has_failed(self) -> bool {
        match self {
            Self::Successful => false,
            Self::Stopped | Self::RollingBack | Self::RolledBack | Self::RollbackFailed | Self::Failed => true,
        }
    }

    /// Whether nothing more becomes of it.
    pub fn is_final(self) -> bool {
        self != Self::RollingBack
    }

    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "SUCCESSFUL",
            Self::Stopped => "STOPPED",
            Self::RollingBack => "ROLLBACK_IN_PROGRESS",
            Self::RolledBack => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
            Self::Failed => "FAILED",
        }
    }
}

impl fmt::Display for DeploymentEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a finished deployment of a service ended (`ListServiceDeployments`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedDeployment {
    /// The ARN of the service revision that it was to bring.
    pub revision: String,
    /// How.
    pub end: DeploymentEnd,
    /// Why, in AWS's words (`statusReason`).
    pub reason: Option<String>,
}

/// A finished deployment of a service, and what it was to bring (`ListServiceDeployments`, `DescribeServiceRevisions`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDeployment {
    /// How it ended.
    pub end: DeploymentEnd,
    /// Why, in AWS's words.
    pub reason: Option<String>,
    /// The ARN of the service revision; `None`: an endpoint without these operations told of it.
    pub revision: Option<String>,
    /// What it ran.
    pub task_definition: TaskDefinitionArn,
    /// The content of that revision; `None`: it does not exist any more.
    pub content: Option<Arc<Tree>>,
    /// The wiring it had.
    pub load_balancers: Vec<LoadBalancerEntry>,
    /// The network it had.
    pub network: Option<Awsvpc>,
}

/// The state of a service deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentState {
    /// PENDING
    Pending,
    /// IN_PROGRESS
    InProgress,
    /// STOP_REQUESTED
    StopRequested,
    /// It has ended, or is being rolled back.
    Ended(DeploymentEnd),
    /// A word that this version does not know.
    Other,
}

impl DeploymentState {
    /// From AWS's word.
    pub fn of(word: &str) -> Self {
        match word {
            "PENDING" => Self::Pending,
            "IN_PROGRESS" => Self::InProgress,
            "STOP_REQUESTED" => Self::StopRequested,
            "SUCCESSFUL" => Self::Ended(DeploymentEnd::Successful),
            "STOPPED" => Self::Ended(DeploymentEnd::Stopped),
            "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => Self::Ended(DeploymentEnd::RollingBack),
            "ROLLBACK_SUCCESSFUL" => Self::Ended(DeploymentEnd::RolledBack),
            "ROLLBACK_FAILED" => Self::Ended(DeploymentEnd::RollbackFailed),
            _ => Self::Other,
        }
    }

    /// Whether it may still succeed, so that it may be stopped.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress)
    }
}

/// A deployment of a service as `ListServiceDeployments` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDeployment {
    /// Its ARN.
    pub arn: String,
    /// The ARN of the service revision that it brings. Its last part is also that of the deployment's id, `ecs-svc/…`.
    pub revision: String,
    /// Where it is.
    pub state: DeploymentState,
    /// Why, in AWS's words (`statusReason`).
    pub reason: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

impl ServiceDeployment {
    /// Whether it is the deployment that `deployments[]` of the service calls `ecs-svc/…`.
    pub fn is(&self, id: &str) -> bool {
        !id.is_empty() && last_part(&self.revision) == last_part(id)
    }

    /// Whether one of the others was created before this one ended: then it took its place.
    pub fn was_superseded(&self, others: &[Self]) -> bool {
        others.iter().any(|other| {
            other.created > self.created
                && self.finished.is_none_or(|finished| other.created.is_some_and(|at| at <= finished))
        })
    }
}
