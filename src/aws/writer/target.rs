//! Registrations.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::apply::{AwsError, ErrorKind, Outputs, Performed};
use crate::aws::elbv2;
use crate::aws::error::answer;
use crate::model::{StaticTarget, Target, TargetGroupArn, TargetKey, TargetState};
use crate::plan::Ref;

use super::patience::patiently;
use super::{DONE, Writer, listed, stale, target_group};

const REGISTER: &str = "elasticloadbalancing:RegisterTargets";
const DEREGISTER: &str = "elasticloadbalancing:DeregisterTargets";
const READ: &str = "elasticloadbalancing:DescribeTargetHealth";

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
            patiently(async || answer(REGISTER, request.clone().send()).await, passes).await?;
        }
        DONE
    }

    pub(super) async fn deregister_targets(
        &self,
        arn: &TargetGroupArn,
        keys: &BTreeSet<TargetKey>,
    ) -> Result<Performed, AwsError> {
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
            return stale("the last healthy target would go");
        }
        let before = going.iter().map(|target| format!("{} {:?}", target.key, target.health.state)).collect();
        tracing::info!(target_group = arn.as_str(), targets = listed(&before), "targets before they are deregistered");
        for chunk in going.chunks(CHUNK) {
            self.deregister(arn, chunk).await?;
        }
        DONE
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
