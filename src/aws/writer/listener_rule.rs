//! Rules, and the default actions of listeners.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::apply::{AwsError, ErrorKind, Outputs, Performed};
use crate::aws::elbv2::rule::{
    actions_from_sdk, conditions_from_sdk, conditions_to_sdk, forward_beside_to_sdk, forward_instead, forward_to_sdk,
};
use crate::aws::elbv2::tags_to_sdk;
use crate::aws::error::answer;
use crate::model::{Conditions, Forward, ListenerArn, RuleActions, RuleArn, Serve, Tags, TargetGroupArn, TargetState};
use crate::plan::{DeletedRuleBelief, Ref, RuleBelief, RuleEdit};

use super::retry::retrying;
use super::{DONE, Writer, bears, refusal, stale, target_group};

const CREATE: &str = "elasticloadbalancing:CreateRule";
const MODIFY: &str = "elasticloadbalancing:ModifyRule";
const PRIORITIES: &str = "elasticloadbalancing:SetRulePriorities";
const DELETE: &str = "elasticloadbalancing:DeleteRule";
const LISTENER: &str = "elasticloadbalancing:ModifyListener";
const READ: &str = "elasticloadbalancing:DescribeRules";
const READ_LISTENER: &str = "elasticloadbalancing:DescribeListeners";

/// A rule to be made, without its forward.
pub(super) struct NewRule<'a> {
    pub(super) listener: &'a ListenerArn,
    pub(super) priority: u32,
    pub(super) conditions: &'a Conditions,
    pub(super) tags: &'a Tags,
}

/// What a default action is to forward to.
pub(super) struct NewForward<'a> {
    pub(super) to: &'a Ref<TargetGroupArn>,
    pub(super) idle: Option<&'a Ref<TargetGroupArn>>,
}

impl Writer {
    pub(super) async fn create_rule(
        &self,
        new: NewRule<'_>,
        target: &Ref<TargetGroupArn>,
        outputs: &Outputs,
    ) -> Result<Performed, AwsError> {
        let arn = target_group(CREATE, target, outputs)?;
        let NewRule { listener, priority, conditions, tags } = new;
        let request = self
            .clients
            .writing
            .elb
            .create_rule()
            .listener_arn(listener.as_str())
            .priority(priority_to_sdk(CREATE, priority)?)
            .set_conditions(Some(conditions_to_sdk(conditions)))
            .actions(forward_to_sdk(&arn))
            .set_tags(tags_to_sdk(tags));
        let passes = is_too_new(target);
        match retrying(async || answer(CREATE, request.clone().send()).await, passes).await {
            Ok(_) => DONE,
            Err(error) if error.code == "PriorityInUse" || error.code == "PriorityInUseException" => {
                if self.stands(&new, &arn).await? { DONE } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether an earlier attempt got through: the same rule, with our mark.
    async fn stands(&self, new: &NewRule<'_>, target: &TargetGroupArn) -> Result<bool, AwsError> {
        let NewRule { listener, priority, conditions, tags } = new;
        let request = self.clients.reading.elb.describe_rules().listener_arn(listener.as_str()).page_size(400);
        let rules: Vec<sdk::Rule> = answer(READ, request.into_paginator().items().send().try_collect()).await?;
        let priority = priority.to_string();
        let Some(rule) = rules.iter().find(|rule| rule.priority() == Some(&priority)) else {
            return Ok(false);
        };
        let wanted = RuleActions { login: false, token: false, serve: Serve::Forward(Forward::to(target.clone())) };
        if conditions_from_sdk(rule.conditions()) != **conditions || actions_from_sdk(rule.actions()) != wanted {
            return Ok(false);
        }
        Ok(bears(&self.balancing_tags(rule.rule_arn().unwrap_or_default()).await?, tags))
    }

    pub(super) async fn modify_rule(
        &self,
        arn: &RuleArn,
        edit: &RuleEdit,
        expect: &RuleBelief,
        outputs: &Outputs,
    ) -> Result<Performed, AwsError> {
        let RuleEdit { forward: target, conditions } = edit;
        let forward = target.as_ref().map(|target| target_group(MODIFY, target, outputs)).transpose()?;
        let Some(rule) = self.rule(arn).await? else {
            return stale("the rule no longer exists");
        };
        let actions = actions_from_sdk(rule.actions());
        log_rule(&rule, &actions);
        if let Some(why) = difference(&rule, expect) {
            return stale(why);
        }
        // What is so already is not sent: the group of an earlier step may be the one that the rule forwards to.
        let changed = |edited: &Vec<sdk::Action>| actions_from_sdk(edited) != actions;
        let edited = forward.map(|target| forward_instead(rule.actions(), &target));
        let actions = edited.filter(changed);
        let conditions = conditions.as_ref().map(conditions_to_sdk);
        if actions.is_none() && conditions.is_none() {
            return DONE;
        }
        let client = &self.clients.writing.elb;
        let request = client.modify_rule().rule_arn(arn.as_str()).set_actions(actions).set_conditions(conditions);
        let passes = |error: &AwsError| target.as_ref().is_some_and(|target| is_too_new(target)(error));
        retrying(async || answer(MODIFY, request.clone().send()).await, passes).await?;
        DONE
    }

    pub(super) async fn set_rule_priorities(
        &self,
        priorities: &BTreeMap<RuleArn, u32>,
        expect: &BTreeMap<RuleArn, u32>,
    ) -> Result<Performed, AwsError> {
        for (arn, expected) in expect {
            match self.rule(arn).await? {
                Some(rule) if priority_of(&rule) == Some(*expected) => {}
                Some(_) => return stale(format!("the priority of {arn} has changed since it was read")),
                None => return stale(format!("{arn} no longer exists")),
            }
        }
        let mut pairs = Vec::new();
        for (rule, priority) in priorities {
            let priority = priority_to_sdk(PRIORITIES, *priority)?;
            pairs.push(sdk::RulePriorityPair::builder().rule_arn(rule.as_str()).priority(priority).build());
        }
        let request = self.clients.writing.elb.set_rule_priorities().set_rule_priorities(Some(pairs));
        answer(PRIORITIES, request.send()).await?;
        DONE
    }

    pub(super) async fn delete_rule(
        &self,
        arn: &RuleArn,
        mark: &Tags,
        expect: &DeletedRuleBelief,
    ) -> Result<Performed, AwsError> {
        let DeletedRuleBelief { rule: expected, idle } = expect;
        let Some(rule) = self.rule(arn).await? else { return DONE };
        if let Some(why) = difference(&rule, expected) {
            return stale(why);
        }
        for group in idle {
            match self.targets(group).await {
                Ok(targets) => {
                    let healthy = targets.iter().filter(|target| target.health.state == TargetState::Healthy).count();
                    if healthy > 0 {
                        return stale(format!(
                            "{group} has {healthy} healthy targets now; it had none when it was read"
                        ));
                    }
                }
                // A group that is gone serves nothing.
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if !bears(&self.balancing_tags(arn.as_str()).await?, mark) {
            return stale("the rule is no longer tagged for this fleet");
        }
        log_rule(&rule, &actions_from_sdk(rule.actions()));
        let request = self.clients.writing.elb.delete_rule().rule_arn(arn.as_str());
        match answer(DELETE, request.send()).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => DONE,
        }
    }

    pub(super) async fn modify_listener(
        &self,
        arn: &ListenerArn,
        forward: NewForward<'_>,
        expect: &RuleActions,
        outputs: &Outputs,
    ) -> Result<Performed, AwsError> {
        let NewForward { to: new, idle: beside } = forward;
        let to = target_group(LISTENER, new, outputs)?;
        let idle = beside.map(|idle| target_group(LISTENER, idle, outputs)).transpose()?;
        let request = self.clients.reading.elb.describe_listeners().listener_arns(arn.as_str());
        let found = match answer(READ_LISTENER, request.send()).await {
            Ok(found) => found,
            Err(error) if error.kind == ErrorKind::NotFound => return stale("the listener no longer exists"),
            Err(error) => return Err(error),
        };
        let Some(listener) = found.listeners().first() else {
            return stale("the listener no longer exists");
        };
        let actions = actions_from_sdk(listener.default_actions());
        tracing::info!(listener = arn.as_str(), before = describe(&actions), "default action before it is changed");
        if actions != *expect {
            return stale(format!("the default action {} now", describe(&actions)));
        }
        let actions = match &idle {
            None => forward_instead(listener.default_actions(), &to),
            Some(idle) => vec![forward_beside_to_sdk(&to, idle)],
        };
        let client = &self.clients.writing.elb;
        let request = client.modify_listener().listener_arn(arn.as_str()).set_default_actions(Some(actions));
        retrying(
            async || answer(LISTENER, request.clone().send()).await,
            |error| is_too_new(new)(error) || beside.is_some_and(|idle| is_too_new(idle)(error)),
        )
        .await?;
        DONE
    }

    /// A rule as it stands; `None`: it is gone.
    async fn rule(&self, arn: &RuleArn) -> Result<Option<sdk::Rule>, AwsError> {
        let request = self.clients.reading.elb.describe_rules().rule_arns(arn.as_str());
        match answer(READ, request.send()).await {
            Ok(found) => Ok(found.rules.unwrap_or_default().into_iter().next()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What makes a rule another one than the plan believes, if anything.
fn difference(rule: &sdk::Rule, expect: &RuleBelief) -> Option<String> {
    let RuleBelief { priority, conditions, actions: expected } = expect;
    let actions = actions_from_sdk(rule.actions());
    if actions != *expected {
        return Some(format!("the rule {} now", describe(&actions)));
    }
    if conditions_from_sdk(rule.conditions()) != *conditions {
        return Some("the rule's conditions have changed since it was read".to_owned());
    }
    (priority_of(rule) != Some(*priority)).then(|| "the rule's priority has changed since it was read".to_owned())
}

fn priority_of(rule: &sdk::Rule) -> Option<u32> {
    rule.priority()?.parse().ok()
}

fn priority_to_sdk(call: &str, priority: u32) -> Result<i32, AwsError> {
    i32::try_from(priority)
        .map_err(|_| refusal(call, ErrorKind::Invalid, "TooLarge", format!("{priority} is not a valid priority")))
}

/// A target group of an earlier step may not be visible everywhere yet; one that was there before is.
fn is_too_new(target: &Ref<TargetGroupArn>) -> impl Fn(&AwsError) -> bool {
    let just_made = matches!(target, Ref::Output(_));
    move |error| just_made && error.kind == ErrorKind::NotFound
}

fn log_rule(rule: &sdk::Rule, actions: &RuleActions) {
    tracing::info!(
        rule = rule.rule_arn(),
        priority = rule.priority(),
        before = describe(actions),
        conditions = rule.conditions().len(),
        "rule before it is changed"
    );
}

/// What actions do, in a few words.
fn describe(actions: &RuleActions) -> String {
    let first = match (actions.login, actions.token) {
        (true, _) => "authenticates users and ",
        (false, true) => "checks a token and ",
        (false, false) => "",
    };
    let last = match &actions.serve {
        Serve::Forward(forward) => {
            let groups = forward.weights.iter().map(|(arn, weight)| format!("{arn} (weight {weight})"));
            format!("forwards to {}", groups.collect::<Vec<_>>().join(", "))
        }
        Serve::Redirect(to) => format!("redirects to {to}"),
        Serve::FixedResponse(code) => format!("answers {code}"),
        Serve::Other(what) => format!("does {what}"),
    };
    format!("{first}{last}")
}
