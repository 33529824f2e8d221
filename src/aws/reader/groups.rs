//! Ingress rules by security group.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, SecurityGroupRule};

use crate::apply::AwsError;
use crate::aws::ec2;
use crate::model::{GroupId, IngressRule, Operation, Seen};

use super::concurrency::{LARGE_AT_ONCE, some_at_once};
use super::{Reader, unknown};

pub(super) const RULES: Operation = Operation::DescribeSecurityGroupRules;

/// Values that EC2 takes in one filter.
pub(super) const FILTER_VALUES: usize = 200;

/// Rules of one direction, by group.
pub(super) type RulesByGroup = BTreeMap<GroupId, Seen<Vec<IngressRule>>>;

impl Reader {
    /// Ingress and egress rules.
    pub(super) async fn rules_of_groups(&self, groups: &BTreeSet<GroupId>) -> (RulesByGroup, RulesByGroup) {
        let groups: Vec<&GroupId> = groups.iter().collect();
        let batches = groups.chunks(FILTER_VALUES).map(async |batch| {
            let answer = self.rules_of(batch).await;
            [ec2::ingress_from_sdk, ec2::egress_from_sdk].map(|from| by_group(batch, &answer, from))
        });
        let (mut ingress, mut egress) = (RulesByGroup::new(), RulesByGroup::new());
        for [entering, leaving] in some_at_once(LARGE_AT_ONCE, batches).await {
            ingress.extend(entering);
            egress.extend(leaving);
        }
        (ingress, egress)
    }

    /// The rules of at most [`FILTER_VALUES`] groups; both directions come in one answer.
    async fn rules_of(&self, groups: &[&GroupId]) -> Result<Vec<SecurityGroupRule>, AwsError> {
        let ids = groups.iter().map(ToString::to_string).collect();
        let filter = Filter::builder().name("group-id").set_values(Some(ids)).build();
        let request = self.clients.reading.ec2.describe_security_group_rules().filters(filter);
        let pages = request.set_max_results(RULES.page()).into_paginator().send();
        let pages = self.ask(RULES, pages.try_collect()).await?;
        Ok(pages.into_iter().flat_map(|page| page.security_group_rules.unwrap_or_default()).collect())
    }
}

/// The rules of one direction, for each of the groups that were asked about, sorted by their ids.
fn by_group(
    groups: &[&GroupId],
    answer: &Result<Vec<SecurityGroupRule>, AwsError>,
    from_sdk: fn(&SecurityGroupRule) -> Option<IngressRule>,
) -> RulesByGroup {
    let rules = match answer {
        Ok(rules) => rules,
        Err(error) => return groups.iter().map(|id| ((*id).clone(), unknown(error))).collect(),
    };
    let mut found: BTreeMap<GroupId, Vec<IngressRule>> = groups.iter().map(|id| ((*id).clone(), Vec::new())).collect();
    for rule in rules.iter().filter_map(from_sdk) {
        if let Some(list) = found.get_mut(&rule.group) {
            list.push(rule);
        }
    }
    // Most groups have a rule or two, and these are kept for as long as the reading is.
    for rules in found.values_mut() {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules.shrink_to_fit();
    }
    found.into_iter().map(|(id, rules)| (id, Seen::Present(rules))).collect()
}
