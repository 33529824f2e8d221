//! Registrations.

use std::collections::BTreeSet;
use std::net::IpAddr;

use aws_sdk_ec2::types::Filter;
use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::apply::{AwsError, ErrorKind, Outputs, Performed};
use crate::aws::error::answer;
use crate::aws::{ec2, elbv2};
use crate::model::{StaticTarget, Target, TargetGroupArn, TargetKey, TargetState, TaskArn};
use crate::plan::{Ref, RegistrationBelief};

use super::retry::retrying;
use super::{DONE, Writer, listed, stale, target_group};

const REGISTER: &str = "elasticloadbalancing:RegisterTargets";
const DEREGISTER: &str = "elasticloadbalancing:DeregisterTargets";
const READ: &str = "elasticloadbalancing:DescribeTargetHealth";
const DESCRIBE_TASKS: &str = "ecs:DescribeTasks";

/// As many tasks as `DescribeTasks` takes.
const TASKS: usize = 100;

/// ELB states no maximum; this many in one call are known to work.
const CHUNK: usize = 200;

impl Writer {
    pub(super) async fn register_targets(
        &self,
        target: &Ref<TargetGroupArn>,
        targets: &[StaticTarget],
        outputs: &Outputs,
    ) -> Result<Performed, AwsError> {
        let arn = target_group(REGISTER, target, outputs)?;
        let just_made = matches!(target, Ref::Output(_));
        let passes = |error: &AwsError| just_made && error.kind == ErrorKind::NotFound;
        for chunk in targets.chunks(CHUNK) {
            let list: Vec<_> = chunk.iter().map(elbv2::target_to_sdk).collect();
            let request =
                self.clients.writing.elb.register_targets().target_group_arn(arn.as_str()).set_targets(Some(list));
            retrying(async || answer(REGISTER, request.clone().send()).await, passes).await?;
        }
        DONE
    }

    pub(super) async fn deregister_targets(
        &self,
        arn: &TargetGroupArn,
        keys: &BTreeSet<TargetKey>,
        expect: &RegistrationBelief,
    ) -> Result<Performed, AwsError> {
        let RegistrationBelief { healthy: believed_healthy, vacant, tasks } = expect;
        let live = match self.targets(arn).await {
            Ok(live) => live,
            Err(error) if error.kind == ErrorKind::NotFound => return DONE,
            Err(error) => return Err(error),
        };
        let is_healthy = |target: &&Target| target.health.state == TargetState::Healthy;
        let going: Vec<&Target> = live.iter().filter(|target| keys.contains(&target.key) && is_there(target)).collect();
        let healthy = live.iter().filter(is_healthy).count();
        let healthy_going = going.iter().copied().filter(is_healthy).count();
        if healthy_going > 0 && healthy_going == healthy {
            return stale("this would remove the last healthy target");
        }
        if let Some(target) = going.iter().find(|target| is_healthy(target) && !believed_healthy.contains(&target.key))
        {
            return stale(format!("{} is healthy now; it was not when it was read", target.key));
        }
        let addresses = going.iter().filter_map(|target| target.key.id.parse().ok());
        let vacant: BTreeSet<IpAddr> = addresses.filter(|address| vacant.contains(address)).collect();
        if let Some(address) = self.taken(&vacant).await? {
            return stale(format!("a network interface has {address} now; none had it when it was read"));
        }
        if let Some(task) = self.gone(tasks).await? {
            return stale(format!("task {task} was running and registered when it was read, and no longer runs"));
        }
        let before = going.iter().map(|target| format!("{} {:?}", target.key, target.health.state)).collect();
        tracing::info!(target_group = arn.as_str(), targets = listed(&before), "targets before they are deregistered");
        for chunk in going.chunks(CHUNK) {
            self.deregister(arn, chunk).await?;
        }
        DONE
    }

    /// The first of these addresses that a network interface has by now, if any: of its own, for EC2 has no filter for
    /// delegated prefixes.
    async fn taken(&self, addresses: &BTreeSet<IpAddr>) -> Result<Option<IpAddr>, AwsError> {
        let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|address| address.is_ipv4());
        let v4 = v4.chunks(CHUNK).map(|batch| ("addresses.private-ip-address", batch));
        let v6 = v6.chunks(CHUNK).map(|batch| ("ipv6-addresses.ipv6-address", batch));
        for (filter, batch) in v4.chain(v6) {
            let values = batch.iter().map(ToString::to_string).collect();
            let filter = Filter::builder().name(filter).set_values(Some(values)).build();
            let found = self.network_interfaces(filter).await?;
            let mut having = found.iter().flat_map(ec2::addresses_from_sdk);
            if let Some(address) = having.find(|address| addresses.contains(address)) {
                return Ok(Some(address));
            }
        }
        Ok(None)
    }

    /// The first of these tasks that has ended, if any.
    async fn gone(&self, tasks: &BTreeSet<(String, TaskArn)>) -> Result<Option<TaskArn>, AwsError> {
        let clusters: BTreeSet<&String> = tasks.iter().map(|(cluster, _)| cluster).collect();
        for cluster in clusters {
            let arns: Vec<&TaskArn> = tasks.iter().filter(|(of, _)| of == cluster).map(|(_, arn)| arn).collect();
            for batch in arns.chunks(TASKS) {
                let list = batch.iter().map(ToString::to_string).collect();
                let request = self.clients.reading.ecs.describe_tasks().cluster(cluster).set_tasks(Some(list));
                let found = answer(DESCRIBE_TASKS, request.send()).await?;
                let runs = |arn: &TaskArn| {
                    let mut all = found.tasks().iter();
                    all.any(|task| task.task_arn() == Some(arn.as_str()) && task.last_status() == Some("RUNNING"))
                };
                if let Some(arn) = batch.iter().find(|arn| !runs(arn)) {
                    return Ok(Some((*arn).clone()));
                }
            }
        }
        Ok(None)
    }

    async fn deregister(&self, arn: &TargetGroupArn, targets: &[&Target]) -> Result<(), AwsError> {
        let list = targets.iter().map(|target| {
            sdk::TargetDescription::builder()
                .id(&target.key.id)
                .port(i32::from(target.key.port))
                // Needed for addresses outside the VPC, which are registered in no zone of their own.
                .set_availability_zone(target.zone.clone().filter(|zone| zone == "all"))
                .build()
        });
        let client = &self.clients.writing.elb;
        let request = client.deregister_targets().target_group_arn(arn.as_str()).set_targets(Some(list.collect()));
        let Err(error) = answer(DEREGISTER, request.send()).await else { return Ok(()) };
        // Some endpoints refuse what is gone already; AWS does not.
        if error.kind != ErrorKind::Invalid && error.kind != ErrorKind::NotFound {
            return Err(error);
        }
        let live = self.targets(arn).await?;
        let still = live.iter().any(|live| is_there(live) && targets.iter().any(|target| target.key == live.key));
        if still { Err(error) } else { Ok(()) }
    }

    /// Whether one of these target groups has a healthy target, right now. One that is gone has none.
    pub(super) async fn any_healthy(&self, groups: &BTreeSet<TargetGroupArn>) -> Result<bool, AwsError> {
        for arn in groups {
            match self.targets(arn).await {
                Ok(targets) if targets.iter().any(|target| target.health.state == TargetState::Healthy) => {
                    return Ok(true);
                }
                Ok(_) => {}
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// What is registered right now.
    pub(super) async fn targets(&self, arn: &TargetGroupArn) -> Result<Vec<Target>, AwsError> {
        let request = self.clients.reading.elb.describe_target_health().target_group_arn(arn.as_str());
        let found = answer(READ, request.send()).await?;
        Ok(found.target_health_descriptions().iter().filter_map(elbv2::target_from_sdk).collect())
    }
}

/// Registered, and not on its way out.
fn is_there(target: &Target) -> bool {
    target.health.state != TargetState::Draining && target.health.reason.as_deref() != Some("Target.NotRegistered")
}
