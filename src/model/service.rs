//! A live ECS service: counts, wiring, network, rollout state.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::id::{GroupId, ServiceId, SubnetId, TargetGroupArn, TaskDefinitionArn};
use super::owner::Tags;
use super::seen::Seen;
use crate::shape::Tree;

/// Lifecycle of a service. `INACTIVE` and `MISSING` are both [`super::Seen::Absent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceStatus {
    /// In use.
    Active,
    /// Being deleted: wait.
    Draining,
}

/// How ECS places the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// A number of copies.
    Replica,
    /// One on every instance: there is no desired count to write.
    Daemon,
}

/// Who carries deployments out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentController {
    /// ECS itself.
    Ecs,
    /// AWS CodeDeploy.
    CodeDeploy,
    /// Task sets driven from outside.
    External,
}

/// Strategy of ECS's own deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Replace tasks in place.
    Rolling,
    /// Native blue/green: ECS owns the weights.
    BlueGreen,
    /// Traffic shifts in equal steps.
    Linear,
    /// A small share first.
    Canary,
}

/// State of a rollout (`deployments[].rolloutState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Under way.
    InProgress,
    /// Done.
    Completed,
    /// Given up, perhaps rolled back.
    Failed,
}

/// One of the service's current deployments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Whether it is the PRIMARY one.
    pub primary: bool,
    /// Its state; absent behind a Classic Load Balancer.
    pub rollout: Option<Rollout>,
    /// What it runs.
    pub task_definition: TaskDefinitionArn,
    /// `ecs-svc/…`: what its tasks name in `startedBy`.
    pub id: String,
    /// `createdAt`: when it began; `None` where that is not told.
    pub created: Option<Timestamp>,
    /// `rolloutStateReason`: what ECS says about its state.
    pub reason: Option<String>,
    /// Its tasks.
    pub tasks: TaskCounts,
}

/// The tasks of a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// `desiredCount`
    pub desired: u32,
    /// `runningCount`
    pub running: u32,
    /// `pendingCount`
    pub pending: u32,
    /// `failedTasks`: how many have failed, as ECS counts them.
    pub failed: u32,
}

/// What becomes of a deployment that is in progress (`ListServiceDeployments`, and the tasks that ECS lists as STOPPED for
/// about an hour).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// A stop or a rollback is asked for or in progress.
    pub is_taken_back: bool,
    /// So many of its tasks have stopped because they failed.
    pub failed_tasks: u32,
}

/// One entry of `loadBalancers`, with every member that a list sent back must carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadBalancerEntry {
    /// The target group; `None` for a Classic Load Balancer.
    pub target_group: Option<TargetGroupArn>,
    /// A Classic Load Balancer's name.
    pub classic: Option<String>,
    /// The container that takes the traffic.
    pub container: String,
    /// Its port.
    pub container_port: u16,
    /// `advancedConfiguration` of native blue/green deployments.
    pub advanced: Option<AdvancedConfiguration>,
}

impl LoadBalancerEntry {
    /// The target group and, with native blue/green deployments, its alternate: both count as the declared one.
    pub fn target_groups(&self) -> impl Iterator<Item = &TargetGroupArn> {
        let alternate = self.advanced.as_ref().and_then(|advanced| advanced.alternate_target_group.as_ref());
        self.target_group.iter().chain(alternate)
    }
}

/// ECS's own blue/green wiring: carried over unchanged, never managed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdvancedConfiguration {
    /// The other target group; counts as the declared one.
    pub alternate_target_group: Option<TargetGroupArn>,
    /// The rule (ALB) or listener (NLB) whose weights ECS swings.
    pub production_listener_rule: Option<String>,
    /// The rule for test traffic.
    pub test_listener_rule: Option<String>,
    /// The infrastructure role.
    pub role: Option<String>,
}

/// `awsvpcConfiguration`: replaced as a whole when it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Awsvpc {
    /// The subnets, at most 16.
    pub subnets: BTreeSet<SubnetId>,
    /// The groups, at most 5; empty means the VPC's default group.
    pub security_groups: BTreeSet<GroupId>,
    /// `ENABLED` or `DISABLED`, as AWS answered; carried over.
    pub assign_public_ip: Option<String>,
}

/// A live service (`DescribeServices`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The cluster and name it was asked by.
    pub id: ServiceId,
    /// Its ARN.
    pub arn: String,
    /// ACTIVE or DRAINING.
    pub status: ServiceStatus,
    /// Replica or daemon.
    pub scheduling: Scheduling,
    /// Who deploys.
    pub controller: DeploymentController,
    /// How ECS deploys.
    pub strategy: Strategy,
    /// `resourceManagementType: ECS`: Express mode or a gateway; ECS owns the whole chain.
    pub managed_by_ecs: bool,
    /// `desiredCount`
    pub desired_count: u32,
    /// `runningCount`
    pub running_count: u32,
    /// The revision in use.
    pub task_definition: TaskDefinitionArn,
    /// Its wiring.
    pub load_balancers: Vec<LoadBalancerEntry>,
    /// Its network; `None` for bridge and host.
    pub network: Option<Awsvpc>,
    /// Its current deployments; empty for CODE_DEPLOY and EXTERNAL services, which have task sets.
    pub deployments: Vec<Deployment>,
    /// There are several task sets, or one that is not steady: a deployment from outside is under way.
    pub task_sets_move: bool,
    /// How ECS runs it.
    pub conduct: Box<Conduct>,
    /// Members as AWS writes them, as far as [`crate::shape::SERVICE`] has a row for them.
    pub members: Box<Seen<Tree>>,
}

/// How ECS runs a service, as far as it explains why tasks do not come up or do not stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// ARNs of the service revisions that its tasks run (`currentServiceRevisions`), as far as they are given.
    pub current_revisions: Vec<String>,
    /// `healthCheckGracePeriodSeconds`
    pub grace: u32,
    /// `minimumHealthyPercent`
    pub minimum_percent: Option<u32>,
    /// `maximumPercent`
    pub maximum_percent: Option<u32>,
    /// What the service says about itself, the newest first, back to when it was last steady. Evidence for people; nothing
    /// is decided by it alone.
    pub events: Vec<String>,
    /// When it was last steady, if one of [`Self::events`] says so.
    pub steady_at: Option<Timestamp>,
    /// When the oldest event since then was.
    pub unsteady_since: Option<Timestamp>,
    /// When ECS last started tasks, as far as the events since then say.
    pub last_start: Option<Timestamp>,
    /// `pendingCount`
    pub pending_count: u32,
    /// `failedTasks` of the primary deployment: how many have failed in a row.
    pub failed_tasks: u32,
    /// Names of the port mappings that Service Connect uses (`serviceConnectConfiguration` of the PRIMARY deployment).
    pub connected_ports: BTreeSet<String>,
    /// Capacity providers of its strategy that start instances; Fargate's are not among them.
    pub capacity_providers: BTreeSet<String>,
}

/// What ECS says of a service whose tasks all run: whatever was said before is over.
const STEADY: &str = "has reached a steady state";

impl Conduct {
    /// Of all that a service has said, the newest first, what is worth keeping: AWS hands out a hundred events.
    pub fn worth_keeping<'a>(events: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut kept = Vec::new();
        for event in events {
            kept.push(event.to_owned());
            if event.contains(STEADY) {
                break;
            }
        }
        kept
    }

    /// Whether an event says that ECS has started tasks.
    pub fn is_start(event: &str) -> bool {
        event.contains("has started ")
    }

    /// Whether an event says that the service is steady.
    pub fn is_steady(event: &str) -> bool {
        event.contains(STEADY)
    }

    /// What was said since the service was last steady.
    pub fn fresh_events(&self) -> impl Iterator<Item = &String> {
        self.events.iter().take_while(|event| !event.contains(STEADY))
    }
}

impl Service {
    /// One that was just created, with its first deployment taken as finished and every default of AWS's left out.
    pub fn created(
        id: &ServiceId,
        task_definition: TaskDefinitionArn,
        (count, load_balancers, network): (Option<u32>, Vec<LoadBalancerEntry>, Option<Awsvpc>),
        members: &Tree,
    ) -> Self {
        let deployment = Deployment {
            primary: true,
            rollout: Some(Rollout::Completed),
            task_definition: task_definition.clone(),
            id: format!("planned:{id}"),
            created: None,
            reason: None,
            tasks: TaskCounts::default(),
        };
        Self {
            id: id.clone(),
            arn: String::new(),
            status: ServiceStatus::Active,
            scheduling: if count.is_some() { Scheduling::Replica } else { Scheduling::Daemon },
            controller: DeploymentController::Ecs,
            strategy: Strategy::Rolling,
            managed_by_ecs: false,
            desired_count: count.unwrap_or(0),
            running_count: count.unwrap_or(0),
            task_definition,
            load_balancers,
            network,
            deployments: vec![deployment],
            task_sets_move: false,
            conduct: Box::default(),
            members: Box::new(Seen::Present(members.clone())),
        }
    }

    /// Whether a deployment is under way: one in progress, or more than the primary one still there.
    pub fn is_deploying(&self) -> bool {
        self.task_sets_move
            || self.deployments.len() > 1
            || self.deployments.iter().any(|deployment| deployment.rollout == Some(Rollout::InProgress))
    }

    /// Whether ECS gave the newest deployment up and will not roll it back: it waits for a newer one, and nothing else ends it.
    pub fn has_given_up(&self) -> bool {
        let has_failed = self.primary().is_some_and(|primary| primary.rollout == Some(Rollout::Failed));
        let block = self.members.as_ref().as_ref().present().and_then(|members| members.get("deploymentConfiguration"));
        let rolls_back = |by: &str| block.and_then(|block| block.get(by)?.get("rollback")?.as_bool());
        has_failed && rolls_back("deploymentCircuitBreaker") == Some(false) && rolls_back("alarms") != Some(true)
    }

    /// The primary deployment.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.primary)
    }

    /// Who moves the weights of its target groups, if its deployments move any.
    pub fn traffic_mover(&self) -> Option<&'static str> {
        match (self.controller, self.strategy) {
            (DeploymentController::CodeDeploy, _) => Some(CODE_DEPLOY),
            (DeploymentController::External, _) => Some(EXTERNAL),
            (DeploymentController::Ecs, Strategy::BlueGreen | Strategy::Linear | Strategy::Canary) => {
                Some("ecs (blue/green weights)")
            }
            (DeploymentController::Ecs, Strategy::Rolling) => None,
        }
    }

    /// Who owns its deployments, where that is not ECS under its own controller.
    pub fn other_owner(&self) -> Option<&'static str> {
        match self.controller {
            _ if self.managed_by_ecs => Some(MANAGED_BY_ECS),
            DeploymentController::Ecs => None,
            DeploymentController::CodeDeploy => Some(CODE_DEPLOY),
            DeploymentController::External => Some(EXTERNAL),
        }
    }

    /// The target groups that ECS feeds, alternates included.
    pub fn target_groups(&self) -> impl Iterator<Item = &TargetGroupArn> {
        self.load_balancers.iter().flat_map(LoadBalancerEntry::target_groups)
    }

    /// The rules and listeners that ECS's own blue/green deployments move traffic with, for production and for tests.
    pub fn deployment_rules(&self) -> impl Iterator<Item = &str> {
        let advanced = self.load_balancers.iter().filter_map(|entry| entry.advanced.as_ref());
        let named =
            advanced.flat_map(|advanced| advanced.production_listener_rule.iter().chain(&advanced.test_listener_rule));
        named.map(String::as_str)
    }

    /// The entries that feed a target group, as primary or as alternate.
    pub fn entries_behind(&self, arn: &TargetGroupArn) -> impl Iterator<Item = &LoadBalancerEntry> {
        self.load_balancers.iter().filter(move |entry| entry.target_groups().any(|fed| fed == arn))
    }
}

/// One of all services of a cluster, as far as it tells which one it is (`ListServices`, `DescribeServices`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceOutline {
    /// Its cluster and name.
    pub id: ServiceId,
    /// The target groups that its `loadBalancers` name, alternates included.
    pub target_groups: BTreeSet<TargetGroupArn>,
    /// Its tags.
    pub tags: Tags,
}

/// The owner of a chain that ECS makes itself: Express mode and gateways.
pub const MANAGED_BY_ECS: &str = "ecs (resourceManagementType ECS)";
/// CodeDeploy, as the owner of weights and wiring.
pub const CODE_DEPLOY: &str = "codedeploy";
/// The owner of services with an EXTERNAL deployment controller.
pub const EXTERNAL: &str = "external deployment controller";

/// Why a task has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// It did not start, ended by itself, or failed its health checks.
    Failed,
    /// ECS needed it no longer: a lower count, or a newer deployment.
    NotNeeded,
    /// A user stopped it, or its host is gone.
    Other,
}

/// A task that has stopped or stops: ECS lists it for about an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedTask {
    /// The last part of its ARN.
    pub id: String,
    /// `startedBy`: its deployment.
    pub started_by: Option<String>,
    /// When it stopped, or began to.
    pub at: Option<Timestamp>,
    /// Why, as a kind.
    pub cause: StopCause,
    /// Why, in AWS's words.
    pub reason: String,
    /// Its containers that failed.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a stopped task that failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoppedContainer {
    /// Its name.
    pub name: String,
    /// `exitCode`; `None`: it never ran, or its end is not known.
    pub exit_code: Option<i32>,
    /// Why, in AWS's words.
    pub reason: Option<String>,
}

/// A revision of a service (`DescribeServiceRevisions`), as far as it says where ECS registers the tasks of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The last part of its ARN, which is also that of the deployment's id: `ecs-svc/…`, in `startedBy` of its tasks.
    pub number: String,
    /// The wiring of its tasks.
    pub load_balancers: Vec<LoadBalancerEntry>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_a_service_was_steady_is_over() {
        let said =
            ["(service shop) is unhealthy in", "(service shop) has reached a steady state.", "(service shop) old"];
        let events = Conduct::worth_keeping(said.into_iter());
        assert_eq!(events, said[..2]);
        let conduct = Conduct { events, ..Conduct::default() };
        assert!(conduct.fresh_events().eq(&said[..1]));
        assert_eq!(Conduct::worth_keeping(said[..1].iter().copied()), said[..1], "it never was");
    }
}
