//! Ingress rules by security group.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Filter;

use crate::aws::ec2;
use crate::model::{GroupId, IngressRule, Seen};

use super::few::{LARGE_AT_ONCE, some_at_once};
use super::{Reader, unknown};

pub(super) const RULES: &str = "ec2:DescribeSecurityGroupRules";

/// Values that EC2 takes in one filter.
pub(super) const FILTER_VALUES: usize = 200;

impl Reader {
    pub(super) async fn ingress(&self, groups: &BTreeSet<GroupId>) -> BTreeMap<GroupId, Seen<Vec<IngressRule>>> {
        let groups: Vec<&GroupId> = groups.iter().collect();
        let batches = groups.chunks(FILTER_VALUES).map(|batch| self.ingress_of(batch));
        some_at_once(LARGE_AT_ONCE, batches).await.into_iter().flatten().collect()
    }

    async fn ingress_of(&self, groups: &[&GroupId]) -> Vec<(GroupId, Seen<Vec<IngressRule>>)> {
        let ids = groups.iter().map(ToString::to_string).collect();
        let filter = Filter::builder().name("group-id").set_values(Some(ids)).build();
        let request = self.clients.reading.ec2.describe_security_group_rules().filters(filter);
        let pages = request.into_paginator().page_size(1000).items().send();
        let rules = match self.ask(RULES, pages.try_collect()).await {
            Ok(rules) => rules,
            Err(error) => return groups.iter().map(|group| ((*group).clone(), unknown(&error))).collect(),
        };
        let mut by_group: BTreeMap<GroupId, Vec<IngressRule>> =
            groups.iter().map(|group| ((*group).clone(), Vec::new())).collect();
        for rule in rules.iter().filter_map(ec2::ingress_from_sdk) {
            if let Some(list) = by_group.get_mut(&rule.group) {
                list.push(rule);
            }
        }
        for list in by_group.values_mut() {
            list.sort_by(|a, b| a.id.cmp(&b.id));
            // Most groups have a rule or two, and these are kept for as long as the reading is.
            list.shrink_to_fit();
        }
        by_group.into_iter().map(|(group, rules)| (group, Seen::Present(rules))).collect()
    }
}
