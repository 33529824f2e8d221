//! Target groups and their attributes.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::apply::{AwsError, ErrorKind, Outputs, Performed};
use crate::aws::elbv2::{self, HealthCheckInput};
use crate::aws::error::answer;
use crate::model::owner::FLEET_TAG;
use crate::model::{HealthCheck, Seen, Tags, TargetGroup, TargetGroupArn, TargetState};
use crate::plan::{NewTargetGroup, Output, Ref};

use super::retry::retrying;
use super::{DONE, Writer, bears, listed, refusal, stale, target_group};

const CREATE: &str = "elasticloadbalancing:CreateTargetGroup";
const MODIFY: &str = "elasticloadbalancing:ModifyTargetGroup";
const ATTRIBUTES: &str = "elasticloadbalancing:ModifyTargetGroupAttributes";
const DELETE: &str = "elasticloadbalancing:DeleteTargetGroup";
const TAG: &str = "elasticloadbalancing:AddTags";
const READ: &str = "elasticloadbalancing:DescribeTargetGroups";

/// Puts a health check on a call: `CreateTargetGroup` and `ModifyTargetGroup` have the same members, but not the same type.
macro_rules! with_health_check {
    ($request:expr, $check:expr) => {{
        let HealthCheckInput {
            protocol,
            port,
            path,
            matcher,
            interval,
            timeout,
            healthy_threshold,
            unhealthy_threshold,
        } = elbv2::health_check_to_sdk($check);
        $request
            .set_health_check_protocol(protocol)
            .set_health_check_port(port)
            .set_health_check_path(path)
            .set_matcher(matcher)
            .set_health_check_interval_seconds(interval)
            .set_health_check_timeout_seconds(timeout)
            .set_healthy_threshold_count(healthy_threshold)
            .set_unhealthy_threshold_count(unhealthy_threshold)
    }};
}

impl Writer {
    pub(super) async fn create_target_group(&self, new: &NewTargetGroup) -> Result<Performed, AwsError> {
        let NewTargetGroup { name, vpc, protocol, protocol_version, port, target_type, health_check, tags } = new;
        let request = with_health_check!(self.clients.writing.elb.create_target_group(), health_check)
            .name(name)
            .vpc_id(vpc.as_str())
            .protocol(sdk::ProtocolEnum::from(protocol.as_str()))
            .set_protocol_version(protocol_version.as_ref().map(|version| version.as_str().to_owned()))
            .port(i32::from(*port))
            .target_type(sdk::TargetTypeEnum::from(target_type.as_str()))
            .set_tags(elbv2::tags_to_sdk(tags));
        let created = match answer(CREATE, request.send()).await {
            Ok(created) => created,
            Err(error)
                if error.code == "DuplicateTargetGroupName" || error.code == "DuplicateTargetGroupNameException" =>
            {
                return self.find_same(new, error).await;
            }
            Err(error) => return Err(error),
        };
        let arn = created.target_groups().first().and_then(|group| group.target_group_arn());
        let arn =
            arn.ok_or_else(|| refusal(CREATE, ErrorKind::Other, "NoArn", "the response names no ARN".to_owned()))?;
        Ok(Performed::Done(Some(Output::TargetGroup(TargetGroupArn::from(arn)))))
    }

    /// The name is taken: by an earlier attempt of ours that got through, or by somebody else.
    async fn find_same(&self, new: &NewTargetGroup, taken: AwsError) -> Result<Performed, AwsError> {
        let request = self.clients.reading.elb.describe_target_groups().names(&new.name);
        let found = answer(READ, request.send()).await?;
        let group = found.target_groups().first().and_then(|group| elbv2::target_group_from_sdk(group, Seen::Absent));
        let Some(group) = group.filter(|group| has_settings_of(group, new)) else {
            return Err(taken);
        };
        let tags = self.balancing_tags(group.arn.as_str()).await?;
        if tags.get(FLEET_TAG).is_some_and(|fleet| new.tags.get(FLEET_TAG) != Some(fleet)) {
            return Err(taken);
        }
        Ok(Performed::Done(Some(Output::TargetGroup(group.arn))))
    }

    pub(super) async fn modify_target_group(
        &self,
        arn: &TargetGroupArn,
        health_check: &HealthCheck,
    ) -> Result<Performed, AwsError> {
        let request = self.clients.writing.elb.modify_target_group().target_group_arn(arn.as_str());
        answer(MODIFY, with_health_check!(request, health_check).send()).await?;
        DONE
    }

    pub(super) async fn modify_target_group_attributes(
        &self,
        target: &Ref<TargetGroupArn>,
        attributes: &BTreeMap<String, String>,
        outputs: &Outputs,
    ) -> Result<Performed, AwsError> {
        let arn = target_group(ATTRIBUTES, target, outputs)?;
        let pairs =
            attributes.iter().map(|(key, value)| sdk::TargetGroupAttribute::builder().key(key).value(value).build());
        let request = self
            .clients
            .writing
            .elb
            .modify_target_group_attributes()
            .target_group_arn(arn.as_str())
            .set_attributes(Some(pairs.collect()));
        let just_made = matches!(target, Ref::Output(_));
        let passes = |error: &AwsError| just_made && error.kind == ErrorKind::NotFound;
        retrying(async || answer(ATTRIBUTES, request.clone().send()).await, passes).await?;
        DONE
    }

    pub(super) async fn add_tags(&self, arn: &TargetGroupArn, tags: &Tags, mark: &Tags) -> Result<Performed, AwsError> {
        let live = match self.balancing_tags(arn.as_str()).await {
            Ok(live) => live,
            Err(error) if error.kind == ErrorKind::NotFound => return stale("the target group no longer exists"),
            Err(error) => return Err(error),
        };
        if !bears(&live, mark) {
            return stale(format!("{} is no longer tagged for this fleet", arn.name()));
        }
        if bears(&live, tags) {
            return DONE;
        }
        let client = &self.clients.writing.elb;
        let request = client.add_tags().resource_arns(arn.as_str()).set_tags(elbv2::tags_to_sdk(tags));
        answer(TAG, request.send()).await?;
        DONE
    }

    pub(super) async fn delete_target_group(&self, arn: &TargetGroupArn, mark: &Tags) -> Result<Performed, AwsError> {
        let request = self.clients.reading.elb.describe_target_groups().target_group_arns(arn.as_str());
        let found = match answer(READ, request.send()).await {
            Ok(found) => found,
            Err(error) if error.kind == ErrorKind::NotFound => return DONE,
            Err(error) => return Err(error),
        };
        let group = found.target_groups().first().and_then(|group| elbv2::target_group_from_sdk(group, Seen::Absent));
        let Some(group) = group else { return DONE };
        if !bears(&self.balancing_tags(arn.as_str()).await?, mark) {
            return stale(format!("{} is no longer tagged for this fleet", group.name));
        }
        let targets = self.targets(arn).await?;
        let serving = targets.iter().filter(|target| target.health.state != TargetState::Draining).count();
        if serving > 0 {
            return stale(format!("{} has {serving} targets", group.name));
        }
        tracing::info!(
            name = group.name,
            protocol = group.protocol.as_str(),
            port = group.port,
            load_balancers = listed(&group.load_balancers),
            "target group before it is deleted"
        );
        // The rule that used it may have been deleted a moment ago, which ELB takes a while to notice.
        let request = self.clients.writing.elb.delete_target_group().target_group_arn(arn.as_str());
        let passes = |error: &AwsError| error.kind == ErrorKind::InUse;
        match retrying(async || answer(DELETE, request.clone().send()).await, passes).await {
            // Somebody was faster.
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => DONE,
        }
    }
}

/// Whether a target group that stands is the one that was to be made: in everything that cannot be changed later,
/// and in the declared fields of the health check.
fn has_settings_of(group: &TargetGroup, new: &NewTargetGroup) -> bool {
    let NewTargetGroup { name: _, vpc, protocol, protocol_version, port, target_type, health_check, tags: _ } = new;
    group.protocol == *protocol
        && protocol_version.as_ref().is_none_or(|version| group.protocol_version.as_ref() == Some(version))
        && group.port == Some(*port)
        && group.vpc.as_ref() == Some(vpc)
        && group.target_type == *target_type
        && has_check_of(&group.health_check, health_check)
}

fn has_check_of(live: &HealthCheck, wanted: &HealthCheck) -> bool {
    fn same<T: PartialEq>(live: &Option<T>, wanted: &Option<T>) -> bool {
        wanted.is_none() || live == wanted
    }
    let HealthCheck { protocol, port, path, matcher, interval, timeout, healthy_threshold, unhealthy_threshold } =
        wanted;
    same(&live.protocol, protocol)
        && same(&live.port, port)
        && same(&live.path, path)
        && same(&live.matcher, matcher)
        && same(&live.interval, interval)
        && same(&live.timeout, timeout)
        && same(&live.healthy_threshold, healthy_threshold)
        && same(&live.unhealthy_threshold, unhealthy_threshold)
}
