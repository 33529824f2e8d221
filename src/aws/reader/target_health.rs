//! Registrations and their health: one call for each target group, ELB has no other way.

use crate::aws::elbv2;
use crate::model::{Operation, Seen, Target, TargetGroupArn};

use super::{Reader, absent_or_unknown};

const CALL: Operation = Operation::DescribeTargetHealth;

impl Reader {
    pub(super) async fn health(&self, arn: &TargetGroupArn) -> Seen<Vec<Target>> {
        let request = self.clients.reading.elb.describe_target_health().target_group_arn(arn.as_str());
        match self.ask(CALL, request.send()).await {
            Ok(answer) => {
                let descriptions = answer.target_health_descriptions();
                let mut targets: Vec<Target> = descriptions.iter().filter_map(elbv2::target_from_sdk).collect();
                targets.sort_by(|a, b| a.key.cmp(&b.key));
                targets.shrink_to_fit();
                Seen::Present(targets)
            }
            Err(error) => absent_or_unknown(&error),
        }
    }
}
