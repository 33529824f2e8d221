//! How deployments of a service end. Only SUCCESSFUL is success: after a rollback, the service is as steady as after a success.

use std::fmt;
use std::sync::Arc;

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
