//! Load balancers with their listeners and rules, target groups with their attributes, and the tags of both.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::ErrorKind;
use crate::aws::elbv2::{self, rule::rule_from_sdk};
use crate::model::{
    AccountLimits, Attributes, Desired, DesiredTargetGroup, Gap, Listener, ListenerArn, LoadBalancer, LoadBalancerArn,
    Observed, Rule, Seen, Tags, TargetGroup, TargetGroupArn,
};
use crate::plan::questions::has_rules;

use tokio::sync::oneshot;

use super::cache::Turn;
use super::concurrency::{LARGE_AT_ONCE, few_at_once, some_at_once};
use super::{Reader, absent_or_unknown, not_asked, unknown};

const PAGE: i32 = 400;
const ACCOUNT: &str = "sts:GetCallerIdentity";
const TAGS: &str = "elasticloadbalancing:DescribeTags";

/// Everything that is read from ELB before planning has questions.
pub(super) struct ReadBalancing {
    account: Seen<String>,
    load_balancers: Seen<Vec<LoadBalancer>>,
    listeners: BTreeMap<LoadBalancerArn, Seen<Vec<Listener>>>,
    rules: BTreeMap<ListenerArn, Seen<Vec<Rule>>>,
    target_groups: Seen<Vec<TargetGroup>>,
    attributes: BTreeMap<TargetGroupArn, Seen<Attributes>>,
    limits: Seen<AccountLimits>,
}

impl ReadBalancing {
    pub(super) fn store(self, observed: &mut Observed) {
        observed.account = self.account;
        observed.load_balancers = self.load_balancers;
        observed.listeners = self.listeners;
        observed.rules = self.rules;
        observed.target_groups = self.target_groups;
        observed.attributes = self.attributes;
        observed.limits = self.limits;
    }
}

impl Reader {
    /// Reads the chain of load balancing. The declared target groups are sent to `found` as soon as they are known.
    pub(super) async fn balancing(
        &self,
        desired: &Desired,
        turn: &Turn<'_>,
        found: oneshot::Sender<BTreeSet<TargetGroupArn>>,
    ) -> ReadBalancing {
        let ((load_balancers, listeners, mut rules), (mut target_groups, attributes), limits, account) = tokio::join!(
            self.load_balancers_and_rules(desired),
            self.target_groups_and_attributes(desired, turn, found),
            self.limits(turn),
            self.account(),
        );
        let tagged = arns_to_tag(desired, &rules, &target_groups);
        let mut tags = self.tags(&tagged, turn).await;
        for rule in present_mut(rules.values_mut()) {
            rule.tags = tags.remove(rule.arn.as_str()).unwrap_or(Seen::Absent);
        }
        for group in present_mut([&mut target_groups]) {
            if let Some(read) = tags.remove(group.arn.as_str()) {
                group.tags = read;
            }
        }
        ReadBalancing { account, load_balancers, listeners, rules, target_groups, attributes, limits }
    }

    async fn account(&self) -> Seen<String> {
        let answer = self.ask(ACCOUNT, self.clients.reading.sts.get_caller_identity().send()).await;
        match answer {
            Ok(answer) => answer.account.map_or_else(|| Seen::Unknown(no_account()), Seen::Present),
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn limits(&self, turn: &Turn<'_>) -> Seen<AccountLimits> {
        if let Some(limits) = turn.limits() {
            return Seen::Present(limits);
        }
        let request = self.clients.reading.elb.describe_account_limits().page_size(PAGE);
        let pages = request.into_paginator().items().send();
        let answer: Result<Vec<_>, _> =
            self.ask("elasticloadbalancing:DescribeAccountLimits", pages.try_collect()).await;
        let seen = answer.map_or_else(|error| unknown(&error), |limits| Seen::Present(elbv2::limits_from_sdk(&limits)));
        turn.keep_limits(&seen);
        seen
    }

    async fn load_balancers_and_rules(
        &self,
        desired: &Desired,
    ) -> (Seen<Vec<LoadBalancer>>, BTreeMap<LoadBalancerArn, Seen<Vec<Listener>>>, BTreeMap<ListenerArn, Seen<Vec<Rule>>>)
    {
        let all = self.load_balancers().await;
        let named = named_load_balancers(desired, &all);
        let listeners = named.iter().map(async |balancer| (balancer.arn.clone(), self.listeners(balancer).await));
        let listeners: BTreeMap<_, _> = few_at_once(listeners).await.into_iter().collect();
        let mut with_rules: Vec<(&ListenerArn, bool)> = Vec::new();
        for balancer in &named {
            let list = listeners.get(&balancer.arn).and_then(|seen| seen.as_ref().present());
            with_rules.extend(list.into_iter().flatten().map(|listener| (&listener.arn, has_rules(balancer.kind))));
        }
        let rules = with_rules.into_iter().map(async |(listener, has_rules)| {
            let rules = if has_rules { self.rules(listener).await } else { Seen::Present(Vec::new()) };
            (listener.clone(), rules)
        });
        let rules = some_at_once(LARGE_AT_ONCE, rules).await.into_iter().collect();
        (all, listeners, rules)
    }

    async fn load_balancers(&self) -> Seen<Vec<LoadBalancer>> {
        let request = self.clients.reading.elb.describe_load_balancers().page_size(PAGE);
        let pages = request.into_paginator().items().send();
        match self.ask("elasticloadbalancing:DescribeLoadBalancers", pages.try_collect()).await {
            Ok(list) => {
                let mut all: Vec<LoadBalancer> = list.iter().filter_map(elbv2::load_balancer_from_sdk).collect();
                all.sort_by(|a, b| a.arn.cmp(&b.arn));
                Seen::Present(all)
            }
            Err(error) => unknown(&error),
        }
    }

    async fn listeners(&self, balancer: &LoadBalancer) -> Seen<Vec<Listener>> {
        let client = &self.clients.reading.elb;
        let request = client.describe_listeners().load_balancer_arn(balancer.arn.as_str()).page_size(PAGE);
        let pages = request.into_paginator().items().send();
        match self.ask("elasticloadbalancing:DescribeListeners", pages.try_collect()).await {
            Ok(list) => {
                let mut all: Vec<Listener> = list.iter().filter_map(elbv2::listener_from_sdk).collect();
                all.sort_by_key(|listener| listener.port);
                Seen::Present(all)
            }
            Err(error) => absent_or_unknown(&error),
        }
    }

    /// Rules whose tags are not known yet, by priority.
    async fn rules(&self, listener: &ListenerArn) -> Seen<Vec<Rule>> {
        let request = self.clients.reading.elb.describe_rules().listener_arn(listener.as_str()).page_size(PAGE);
        let pages = request.into_paginator().items().send();
        match self.ask("elasticloadbalancing:DescribeRules", pages.try_collect()).await {
            Ok(list) => {
                let mut all: Vec<Rule> = list.iter().filter_map(|rule| rule_from_sdk(rule, Seen::Absent)).collect();
                all.sort_by_key(|rule| rule.priority);
                Seen::Present(all)
            }
            Err(error) => absent_or_unknown(&error),
        }
    }

    async fn target_groups_and_attributes(
        &self,
        desired: &Desired,
        turn: &Turn<'_>,
        found: oneshot::Sender<BTreeSet<TargetGroupArn>>,
    ) -> (Seen<Vec<TargetGroup>>, BTreeMap<TargetGroupArn, Seen<Attributes>>) {
        let all = self.target_groups().await;
        // The receiver is gone only if the whole reading was dropped.
        let _ = found.send(declared(desired, &all));
        let with_attributes = desired.target_groups.values().filter(|group| !group.attributes.is_empty());
        let attributes = self.attributes_of(&live_of(with_attributes, &all), turn).await;
        (all, attributes)
    }

    pub(super) async fn target_groups(&self) -> Seen<Vec<TargetGroup>> {
        let request = self.clients.reading.elb.describe_target_groups().page_size(PAGE);
        let pages = request.into_paginator().items().send();
        let untagged = Seen::Unknown(not_asked(TAGS));
        match self.ask("elasticloadbalancing:DescribeTargetGroups", pages.try_collect()).await {
            Ok(list) => {
                let read = list.iter().filter_map(|group| elbv2::target_group_from_sdk(group, untagged.clone()));
                let mut all: Vec<TargetGroup> = read.collect();
                all.sort_by(|a, b| a.arn.cmp(&b.arn));
                Seen::Present(all)
            }
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn attributes(&self, arn: &TargetGroupArn) -> Seen<Attributes> {
        let request = self.clients.reading.elb.describe_target_group_attributes().target_group_arn(arn.as_str());
        match self.ask("elasticloadbalancing:DescribeTargetGroupAttributes", request.send()).await {
            Ok(answer) => {
                let pairs = answer.attributes().iter();
                let pairs = pairs.filter_map(|pair| Some((pair.key()?.to_owned(), pair.value()?.to_owned())));
                Seen::Present(Attributes::new(pairs.collect()))
            }
            Err(error) => absent_or_unknown(&error),
        }
    }

    pub(super) async fn attributes_of(
        &self,
        arns: &BTreeSet<TargetGroupArn>,
        turn: &Turn<'_>,
    ) -> BTreeMap<TargetGroupArn, Seen<Attributes>> {
        let all = arns.iter().map(async |arn| {
            if let Some(attributes) = turn.attributes(arn) {
                return (arn.clone(), Seen::Present(attributes));
            }
            let seen = self.attributes(arn).await;
            turn.keep_attributes(arn, &seen);
            (arn.clone(), seen)
        });
        few_at_once(all).await.into_iter().collect()
    }

    /// The tags of target groups that the manifest does not name.
    pub(super) async fn owners(
        &self,
        arns: &BTreeSet<TargetGroupArn>,
        turn: &Turn<'_>,
    ) -> BTreeMap<String, Seen<Tags>> {
        let arns: Vec<String> = arns.iter().map(ToString::to_string).collect();
        self.tags(&arns, turn).await
    }

    /// The tags of any kind of thing, by ARN.
    pub(super) async fn tags(&self, arns: &[String], turn: &Turn<'_>) -> BTreeMap<String, Seen<Tags>> {
        let mut tags = BTreeMap::new();
        let mut asked = Vec::new();
        for arn in arns {
            match turn.tags(arn) {
                Some(known) => _ = tags.insert(arn.clone(), Seen::Present(known)),
                None => asked.push(arn.clone()),
            }
        }
        let batches = asked.chunks(20).map(|batch| self.tags_of(batch));
        for (arn, seen) in few_at_once(batches).await.into_iter().flatten() {
            turn.keep_tags(&arn, &seen);
            tags.insert(arn, seen);
        }
        tags
    }

    async fn tags_of(&self, arns: &[String]) -> Vec<(String, Seen<Tags>)> {
        let request = self.clients.reading.elb.describe_tags().set_resource_arns(Some(arns.to_vec()));
        match self.ask(TAGS, request.send()).await {
            Ok(answer) => {
                let descriptions = answer.tag_descriptions();
                let find = |arn: &str| {
                    let found = descriptions.iter().find(|description| description.resource_arn() == Some(arn));
                    let silent = Gap { call: TAGS.to_owned(), why: "missing from the response".to_owned() };
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
    Gap { call: ACCOUNT.to_owned(), why: "the response names no account".to_owned() }
}

/// Puts tags that were asked later where they belong.
pub(super) fn store_tags(mut read: BTreeMap<String, Seen<Tags>>, observed: &mut Observed) {
    for group in present_mut([&mut observed.target_groups]) {
        if let Some(tags) = read.remove(group.arn.as_str()) {
            group.tags = tags;
        }
    }
    for rule in present_mut(observed.rules.values_mut()) {
        if let Some(tags) = read.remove(rule.arn.as_str()) {
            rule.tags = tags;
        }
    }
}

/// The load balancers that target groups of the manifest name, each once.
fn named_load_balancers<'a>(desired: &Desired, all: &'a Seen<Vec<LoadBalancer>>) -> Vec<&'a LoadBalancer> {
    let names: BTreeSet<&str> =
        desired.target_groups.values().filter_map(|group| group.load_balancer.as_deref()).collect();
    let list = all.as_ref().present();
    let is_named =
        |balancer: &&LoadBalancer| names.contains(balancer.arn.as_str()) || names.contains(balancer.name.as_str());
    list.into_iter().flatten().filter(is_named).collect()
}

/// The target groups that the manifest declares, of those that exist. Planning needs the health of each.
pub(super) fn declared(desired: &Desired, all: &Seen<Vec<TargetGroup>>) -> BTreeSet<TargetGroupArn> {
    live_of(desired.target_groups.values(), all)
}

/// The live ones of some declared target groups: these are named in a manifest by name or ARN.
fn live_of<'a>(
    wanted: impl Iterator<Item = &'a DesiredTargetGroup>,
    all: &Seen<Vec<TargetGroup>>,
) -> BTreeSet<TargetGroupArn> {
    let names: BTreeSet<&str> = wanted.map(|group| group.name.as_str()).collect();
    let list = all.as_ref().present().into_iter().flatten();
    let is_named = |group: &&TargetGroup| names.contains(group.name.as_str()) || names.contains(group.arn.as_str());
    list.filter(is_named).map(|group| group.arn.clone()).collect()
}

/// All rules; and the target groups of the manifest, with prune every one.
fn arns_to_tag(
    desired: &Desired,
    rules: &BTreeMap<ListenerArn, Seen<Vec<Rule>>>,
    target_groups: &Seen<Vec<TargetGroup>>,
) -> Vec<String> {
    let declared = declared(desired, target_groups);
    let rules = rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let groups = target_groups.as_ref().present().into_iter().flatten();
    let groups = groups.filter(|group| desired.fleet.removal.prune || declared.contains(&group.arn));
    let rules = rules.map(|rule| rule.arn.to_string());
    rules.chain(groups.map(|group| group.arn.to_string())).collect()
}

fn present_mut<'a, T: 'a>(lists: impl IntoIterator<Item = &'a mut Seen<Vec<T>>>) -> impl Iterator<Item = &'a mut T> {
    let lists = lists.into_iter().filter_map(|seen| match seen {
        Seen::Present(list) => Some(list),
        Seen::Absent | Seen::Unknown(_) => None,
    });
    lists.flatten()
}
