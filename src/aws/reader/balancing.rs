//! Load balancers with their listeners and rules, target groups with their attributes, and the tags of both.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::ErrorKind;
use crate::aws::elbv2::{self, rule::rule_from_sdk};
use crate::model::{
    AccountLimits, Attributes, Gap, Listener, ListenerArn, LoadBalancer, LoadBalancerArn, Operation, Rule, Seen, Tags,
    TargetGroup, TargetGroupArn,
};

use super::concurrency::few_at_once;
use super::{Reader, absent_or_unknown, unknown};

const ACCOUNT: Operation = Operation::GetCallerIdentity;
const TAGS: Operation = Operation::DescribeTags;

impl Reader {
    pub(super) async fn account(&self) -> Seen<String> {
        let answer = self.ask(ACCOUNT, self.clients.reading.sts.get_caller_identity().send()).await;
        match answer {
            Ok(answer) => answer.account.map_or_else(|| Seen::Unknown(no_account()), Seen::Present),
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn limits(&self) -> Seen<AccountLimits> {
        let request =
            self.clients.reading.elb.describe_account_limits().set_page_size(Operation::DescribeAccountLimits.page());
        let pages = request.into_paginator().items().send();
        let answer: Result<Vec<_>, _> = self.ask(Operation::DescribeAccountLimits, pages.try_collect()).await;
        answer.map_or_else(|error| unknown(&error), |limits| Seen::Present(elbv2::limits_from_sdk(&limits)))
    }

    pub(super) async fn load_balancers(&self) -> Seen<Vec<LoadBalancer>> {
        let request =
            self.clients.reading.elb.describe_load_balancers().set_page_size(Operation::DescribeLoadBalancers.page());
        let pages = request.into_paginator().items().send();
        match self.ask(Operation::DescribeLoadBalancers, pages.try_collect()).await {
            Ok(list) => {
                let mut all: Vec<LoadBalancer> = list.iter().filter_map(elbv2::load_balancer_from_sdk).collect();
                all.sort_by(|a, b| a.arn.cmp(&b.arn));
                Seen::Present(all)
            }
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn listeners(&self, balancer: &LoadBalancerArn) -> Seen<Vec<Listener>> {
        let client = &self.clients.reading.elb;
        let request = client.describe_listeners().load_balancer_arn(balancer.as_str());
        let request = request.set_page_size(Operation::DescribeListeners.page());
        let pages = request.into_paginator().items().send();
        match self.ask(Operation::DescribeListeners, pages.try_collect()).await {
            Ok(list) => {
                let mut all: Vec<Listener> = list.iter().filter_map(elbv2::listener_from_sdk).collect();
                all.sort_by_key(|listener| listener.port);
                Seen::Present(all)
            }
            Err(error) => absent_or_unknown(&error),
        }
    }

    /// Rules whose tags are not known yet, by priority.
    pub(super) async fn rules(&self, listener: &ListenerArn) -> Seen<Vec<Rule>> {
        let request = self.clients.reading.elb.describe_rules().listener_arn(listener.as_str());
        let request = request.set_page_size(Operation::DescribeRules.page());
        let pages = request.into_paginator().send();
        match self.ask(Operation::DescribeRules, pages.try_collect()).await {
            Ok(pages) => {
                let untagged = Seen::Unknown(Gap::not_asked(TAGS.call()));
                let list = pages.iter().flat_map(|page| page.rules());
                let mut all: Vec<Rule> = list.filter_map(|rule| rule_from_sdk(rule, untagged.clone())).collect();
                all.sort_by_key(|rule| rule.priority);
                Seen::Present(all)
            }
            Err(error) => absent_or_unknown(&error),
        }
    }

    pub(super) async fn target_groups(&self) -> Seen<Vec<TargetGroup>> {
        let request =
            self.clients.reading.elb.describe_target_groups().set_page_size(Operation::DescribeTargetGroups.page());
        let pages = request.into_paginator().send();
        let untagged = Seen::Unknown(Gap::not_asked(TAGS.call()));
        match self.ask(Operation::DescribeTargetGroups, pages.try_collect()).await {
            Ok(pages) => {
                let list = pages.iter().flat_map(|page| page.target_groups());
                let read = list.filter_map(|group| elbv2::target_group_from_sdk(group, untagged.clone()));
                let mut all: Vec<TargetGroup> = read.collect();
                all.sort_by(|a, b| a.arn.cmp(&b.arn));
                Seen::Present(all)
            }
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn attributes(&self, arn: &TargetGroupArn) -> Seen<Attributes> {
        let request = self.clients.reading.elb.describe_target_group_attributes().target_group_arn(arn.as_str());
        match self.ask(Operation::DescribeTargetGroupAttributes, request.send()).await {
            Ok(answer) => {
                let pairs = answer.attributes().iter();
                let pairs = pairs.filter_map(|pair| Some((pair.key()?.to_owned(), pair.value()?.to_owned())));
                Seen::Present(Attributes::new(pairs.collect()))
            }
            Err(error) => absent_or_unknown(&error),
        }
    }

    pub(super) async fn balancer_attributes(&self, arn: &LoadBalancerArn) -> Seen<Attributes> {
        let request = self.clients.reading.elb.describe_load_balancer_attributes().load_balancer_arn(arn.as_str());
        match self.ask(Operation::DescribeLoadBalancerAttributes, request.send()).await {
            Ok(answer) => Seen::Present(elbv2::balancer_attributes_from_sdk(answer.attributes())),
            Err(error) => absent_or_unknown(&error),
        }
    }

    /// The tags of any kind of thing, by ARN.
    pub(super) async fn tags(&self, arns: &BTreeSet<String>) -> BTreeMap<String, Seen<Tags>> {
        let arns: Vec<String> = arns.iter().cloned().collect();
        let batches = arns.chunks(20).map(|batch| self.tags_of(batch));
        few_at_once(batches).await.into_iter().flatten().collect()
    }

    async fn tags_of(&self, arns: &[String]) -> Vec<(String, Seen<Tags>)> {
        let request = self.clients.reading.elb.describe_tags().set_resource_arns(Some(arns.to_vec()));
        match self.ask(TAGS, request.send()).await {
            Ok(answer) => {
                let descriptions = answer.tag_descriptions();
                let find = |arn: &str| {
                    let found = descriptions.iter().find(|description| description.resource_arn() == Some(arn));
                    let silent = Gap { call: TAGS.call().to_owned(), why: "missing from the response".to_owned() };
                    let tags = found.map(|description| elbv2::tags_from_sdk(description.tags()));
                    tags.map_or(Seen::Unknown(silent), Seen::Present)
                };
                arns.iter().map(|arn| (arn.clone(), find(arn))).collect()
            }
            // One of them was deleted since it was listed; AWS does not say which.
            Err(error) if error.kind == ErrorKind::NotFound && arns.len() > 1 => {
                let single = arns.chunks(1).map(|single| Box::pin(self.tags_of(single)));
                few_at_once(single).await.into_iter().flatten().collect()
            }
            Err(error) => arns.iter().map(|arn| (arn.clone(), absent_or_unknown(&error))).collect(),
        }
    }
}

/// AWS always names the account.
fn no_account() -> Gap {
    Gap { call: ACCOUNT.call().to_owned(), why: "the response names no account".to_owned() }
}
