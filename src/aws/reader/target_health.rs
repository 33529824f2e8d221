//! Registrations and their health: one call for each target group, ELB has no other way.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::elbv2;
use crate::model::{Seen, Target, TargetGroupArn};

use super::cache::Turn;
use super::concurrency::few_at_once;
use super::{Reader, absent_or_unknown};

const CALL: &str = "elasticloadbalancing:DescribeTargetHealth";

impl Reader {
    pub(super) async fn target_health(
        &self,
        arns: &BTreeSet<TargetGroupArn>,
        turn: &Turn<'_>,
    ) -> BTreeMap<TargetGroupArn, Seen<Vec<Target>>> {
        let all = arns.iter().map(async |arn| {
            if let Some(targets) = turn.health(arn) {
                return (arn.clone(), Seen::Present(targets));
            }
            let request = self.clients.reading.elb.describe_target_health().target_group_arn(arn.as_str());
            let seen = match self.ask(CALL, request.send()).await {
                Ok(answer) => {
                    let descriptions = answer.target_health_descriptions();
                    let mut targets: Vec<Target> = descriptions.iter().filter_map(elbv2::target_from_sdk).collect();
                    targets.sort_by(|a, b| a.key.cmp(&b.key));
                    targets.shrink_to_fit();
                    Seen::Present(targets)
                }
                Err(error) => absent_or_unknown(&error),
            };
            turn.keep_health(arn, &seen);
            (arn.clone(), seen)
        });
        few_at_once(all).await.into_iter().collect()
    }
}
