//! What hands do to the fleet of the soak, with an AWS client of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use aws_config::SdkConfig;
use aws_sdk_ec2::types as ec2;
use aws_sdk_elasticloadbalancingv2::types as elb;

use super::fleet::SERVICES;
use crate::fleet::Fleet;

/// A kind of drift, each of which takes exactly one step to repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The desired count is lowered.
    Count,
    /// The listener rule's path is edited.
    RuleEdited,
    /// The listener rule is deleted.
    RuleDeleted,
    /// The health check asks for another path.
    HealthCheck,
    /// The load balancer is no longer admitted.
    Ingress,
    /// An address that nothing has is registered.
    StrayTarget,
}

/// All of them. Edited attributes are not among these: they are looked at hourly.
pub const KINDS: [Kind; 6] =
    [Kind::Count, Kind::RuleEdited, Kind::RuleDeleted, Kind::HealthCheck, Kind::Ingress, Kind::StrayTarget];

/// Which drift comes when: every service in turn, so that each has a round to be repaired in, and each of its fields
/// so seldom that it does not look like a fight about it.
pub fn at(number: usize) -> (Kind, usize) {
    let (round, index) = (number / SERVICES, number % SERVICES);
    (KINDS[(round + index) % KINDS.len()], index)
}

/// Somebody with the AWS console.
pub struct Hands {
    fleet: Fleet,
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    ec2: aws_sdk_ec2::Client,
}

impl Hands {
    /// Hands on a fleet of an AWS.
    pub fn on(config: &SdkConfig, fleet: Fleet) -> Self {
        Self {
            fleet,
            ecs: aws_sdk_ecs::Client::new(config),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(config),
            ec2: aws_sdk_ec2::Client::new(config),
        }
    }

    /// Breaks a service.
    pub async fn break_it(&self, kind: Kind, index: usize) {
        match kind {
            Kind::Count => self.lower_count(index).await,
            Kind::RuleEdited => self.edit_rule(index).await,
            Kind::RuleDeleted => self.delete_rule(index).await,
            Kind::HealthCheck => self.edit_health_check(index).await,
            Kind::Ingress => self.close_group(index).await,
            Kind::StrayTarget => self.register_stray(index).await,
        }
    }

    /// The name of a service, its target group and its security group.
    fn name(&self, index: usize) -> &str {
        &self.fleet.names[index]
    }

    async fn lower_count(&self, index: usize) {
        self.ecs.update_service().cluster("prod").service(self.name(index)).desired_count(1).send().await.unwrap();
    }

    async fn edit_rule(&self, index: usize) {
        let condition = elb::RuleCondition::builder().field("path-pattern").values(format!("/was/{index}")).build();
        self.elb.modify_rule().rule_arn(self.rule(index).await).conditions(condition).send().await.unwrap();
    }

    async fn delete_rule(&self, index: usize) {
        self.elb.delete_rule().rule_arn(self.rule(index).await).send().await.unwrap();
    }

    async fn edit_health_check(&self, index: usize) {
        let group = self.target_group(index).await;
        self.elb.modify_target_group().target_group_arn(group).health_check_path("/was").send().await.unwrap();
    }

    async fn close_group(&self, index: usize) {
        let named = ec2::Filter::builder().name("group-name").values(self.name(index)).build();
        let found = self.ec2.describe_security_groups().filters(named).send().await.unwrap();
        let group = found.security_groups()[0].group_id().unwrap();
        let of_group = ec2::Filter::builder().name("group-id").values(group).build();
        let rules = self.ec2.describe_security_group_rules().filters(of_group).send().await.unwrap();
        let ids = rules.security_group_rules().iter().filter(|rule| rule.is_egress() == Some(false));
        let ids = ids.map(|rule| rule.security_group_rule_id().unwrap().to_owned()).collect();
        let revoke = self.ec2.revoke_security_group_ingress().group_id(group);
        revoke.set_security_group_rule_ids(Some(ids)).send().await.unwrap();
    }

    async fn register_stray(&self, index: usize) {
        let stray = elb::TargetDescription::builder().id(format!("10.0.31.{}", 200 + index)).port(8080).build();
        let group = self.target_group(index).await;
        self.elb.register_targets().target_group_arn(group).targets(stray).send().await.unwrap();
    }

    async fn target_group(&self, index: usize) -> String {
        let found = self.elb.describe_target_groups().names(self.name(index)).send().await.unwrap();
        found.target_groups()[0].target_group_arn().unwrap().to_owned()
    }

    async fn rule(&self, index: usize) -> String {
        let balancers = self.elb.describe_load_balancers().names(self.fleet.balancer(index)).send().await.unwrap();
        let balancer = balancers.load_balancers()[0].load_balancer_arn().unwrap();
        let listeners = self.elb.describe_listeners().load_balancer_arn(balancer).send().await.unwrap();
        let listener = listeners.listeners()[0].listener_arn().unwrap();
        let rules = self.elb.describe_rules().listener_arn(listener).send().await.unwrap();
        let priority = self.fleet.priority(index).to_string();
        let rule = rules.rules().iter().find(|rule| rule.priority() == Some(&priority));
        rule.unwrap_or_else(|| panic!("no rule {priority}")).rule_arn().unwrap().to_owned()
    }
}
