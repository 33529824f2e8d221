//! Where the requests of a path arrive: a task, a declared target, or a subnet where a task would start.

use std::collections::BTreeSet;

use ipnet::IpNet;
use jiff::SignedDuration;

use crate::model::{Gap, GroupId, Peer, SubnetId, TargetKey, Task};

/// One receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The text for people.
    pub(super) name: String,
    /// As it is registered; `None` while no task runs.
    pub(super) key: Option<TargetKey>,
    /// Its addresses, or the blocks in which it may be.
    pub(super) blocks: Vec<IpNet>,
    /// The security groups of its network interface, or the failed read.
    pub(super) groups: Result<BTreeSet<GroupId>, Gap>,
    pub(super) subnet: Option<SubnetId>,
    pub(super) port: u16,
    pub(super) health_port: u16,
    /// It is outside the target group's VPC, so its firewall rules cannot be read.
    pub(super) is_outside: bool,
    /// The security groups of the instance that runs a task with its own network interface.
    pub(super) carrier: Option<BTreeSet<GroupId>>,
}

impl End {
    /// As the other side of a connection.
    pub(super) fn peer(&self) -> Peer {
        Peer { groups: self.groups.clone().unwrap_or_default(), blocks: self.blocks.clone() }
    }

    pub(super) fn group_list(&self) -> String {
        match &self.groups {
            Ok(groups) => groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Err(_) => "unknown groups".to_owned(),
        }
    }
}

/// How long ECS may take to register a running task.
pub(super) const SETTLES: SignedDuration = SignedDuration::from_secs(120);

/// Whether a task should receive requests now.
pub(super) fn is_up(task: &Task) -> bool {
    task.status == "RUNNING"
}
