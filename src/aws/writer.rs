//! Writes AWS: one function for each action, and no decision about a resource in any of them.
//!
//! What removes something, or edits what somebody else may have edited meanwhile, reads it again first. A mismatch
//! is [`Performed::Stale`]: nothing is sent and the next pass decides. An error that says "it is so already" is
//! believed only after a look.

mod deployment;
mod ingress;
mod listener_rule;
mod retry;
mod service;
mod service_creation;
mod service_members;
mod service_removal;
mod target;
mod target_group;
mod task_definition;

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, NetworkInterface};

use crate::apply::{AwsError, ErrorKind, Outputs, Perform, Performed};
use crate::model::{ObjectRef, Tags, TargetGroupArn, TaskDefinitionArn};
use crate::plan::{Action, Output, Receivers, Ref};

use super::error::answer;
use super::{Clients, elbv2};

const INTERFACES: &str = "ec2:DescribeNetworkInterfaces";
const TAGS: &str = "elasticloadbalancing:DescribeTags";

/// Sends the actions of a plan.
#[derive(Debug)]
pub struct Writer {
    clients: Clients,
}

impl Writer {
    /// A writer.
    pub fn new(clients: &Clients) -> Self {
        Self { clients: clients.clone() }
    }

    async fn send(&self, action: &Action, outputs: &Outputs) -> Result<Performed, AwsError> {
        match action {
            Action::RegisterTaskDefinition { service, source, content, tags, expect } => {
                let (source, expect) = (source.as_ref(), expect.as_ref());
                self.register_task_definition(task_definition::New { service, source, content, tags, expect }).await
            }
            Action::CreateService(new) => self.create_service(new, outputs).await,
            Action::UpdateServiceCount { service, desired_count, from, unscaled } => {
                self.update_service_count(service, *desired_count, *from, *unscaled).await
            }
            Action::UpdateService { service, task_definition, load_balancers, network, members, expect } => {
                let update = service::Update { task_definition, load_balancers, network, members };
                self.update_service(service, update, expect, outputs).await
            }
            Action::UpdateServiceMembers { service, members, expect } => {
                self.update_service_members(service, members, expect).await
            }
            Action::DrainService { service, from, mark, idle } => self.drain_service(service, *from, mark, idle).await,
            Action::DeleteService { service, mark, idle } => self.delete_service(service, mark, idle).await,
            Action::StopServiceDeployment { service, deployment, id: _ } => {
                self.stop_service_deployment(service, deployment).await
            }
            Action::TagService { service: _, arn, tags } => self.tag_service(arn, tags).await,
            Action::CreateTargetGroup(new) => self.create_target_group(new).await,
            Action::ModifyTargetGroup { target_group, health_check } => {
                self.modify_target_group(target_group, health_check).await
            }
            Action::ModifyTargetGroupAttributes { target_group, attributes } => {
                self.modify_target_group_attributes(target_group, attributes, outputs).await
            }
            Action::DeleteTargetGroup { target_group, mark } => self.delete_target_group(target_group, mark).await,
            Action::AddTags { target_group, tags, mark } => self.add_tags(target_group, tags, mark).await,
            Action::CreateRule { listener, priority, conditions, target_group, tags } => {
                let new = listener_rule::NewRule { listener, priority: *priority, conditions, tags };
                self.create_rule(new, target_group, outputs).await
            }
            Action::ModifyRule { rule, edit, expect } => self.modify_rule(rule, edit, expect, outputs).await,
            Action::SetRulePriorities { listener: _, priorities, expect } => {
                self.set_rule_priorities(priorities, expect).await
            }
            Action::DeleteRule { rule, mark, expect } => self.delete_rule(rule, mark, expect).await,
            Action::ModifyListener { listener, target_group, idle, expect } => {
                let forward = listener_rule::NewForward { to: target_group, idle: idle.as_ref() };
                self.modify_listener(listener, forward, expect, outputs).await
            }
            Action::RegisterTargets { target_group, targets } => {
                self.register_targets(target_group, targets, outputs).await
            }
            Action::DeregisterTargets { target_group, targets, expect } => {
                self.deregister_targets(target_group, targets, expect).await
            }
            Action::AuthorizeSecurityGroupIngress { group, protocol, ports, source, description, tags } => {
                let new = ingress::NewRule { group, protocol, ports: *ports, source, description, tags };
                self.authorize_ingress(new).await
            }
            Action::RevokeSecurityGroupIngress { group, rule, mark, carriers } => {
                self.revoke_ingress(group, rule, mark, carriers).await
            }
        }
    }

    /// Every network interface that a filter names, right now; those that AWS manages for the account as well.
    async fn network_interfaces(&self, filter: Filter) -> Result<Vec<NetworkInterface>, AwsError> {
        let request = self.clients.reading.ec2.describe_network_interfaces().filters(filter);
        let pages = request.include_managed_resources(true).into_paginator().page_size(1000).items().send();
        answer(INTERFACES, pages.try_collect()).await
    }

    /// The tags of a target group or rule, right now.
    async fn balancing_tags(&self, arn: &str) -> Result<Tags, AwsError> {
        let request = self.clients.reading.elb.describe_tags().resource_arns(arn);
        let tags = answer(TAGS, request.send()).await?;
        let found = tags.tag_descriptions().iter().find(|found| found.resource_arn() == Some(arn));
        let silent = || refusal(TAGS, ErrorKind::Other, "NotAnswered", format!("the response does not name {arn}"));
        found.map(|found| elbv2::tags_from_sdk(found.tags())).ok_or_else(silent)
    }
}

impl Perform for Writer {
    async fn perform(&self, action: &Action, outputs: &Outputs) -> Result<Performed, AwsError> {
        let operation = action.operation();
        let resource = target_of(action);
        // The walk logs every step for people; this is for whoever follows the calls.
        tracing::debug!(operation, resource, "step starts");
        let result = self.clients.rate_limiter.limited(&call_of(action), self.send(action, outputs)).await;
        match &result {
            Ok(Performed::Done(_)) => tracing::debug!(operation, resource, "step done"),
            Ok(Performed::Stale(why)) => tracing::debug!(operation, resource, why, "step is stale"),
            Err(error) => tracing::debug!(operation, resource, code = error.code, error = error.message, "step failed"),
        }
        result
    }

    async fn idle<'a>(&self, receivers: &'a Receivers) -> Result<Option<&'a BTreeSet<TargetGroupArn>>, AwsError> {
        for groups in receivers {
            if !self.any_healthy(groups).await? {
                return Ok(Some(groups));
            }
        }
        Ok(None)
    }
}

/// The call of an action by IAM's name.
fn call_of(action: &Action) -> String {
    let facts = action.facts();
    format!("{}:{}", facts.api.iam_prefix(), facts.operation)
}

/// What an action is about, for the log.
fn target_of(action: &Action) -> String {
    let of_ref = |target: &Ref<TargetGroupArn>| match target {
        Ref::Known(arn) => arn.to_string(),
        Ref::Output(object) => object.to_string(),
    };
    match action {
        Action::RegisterTaskDefinition { service, source, .. } => {
            source.as_ref().map_or_else(|| service.to_string(), ToString::to_string)
        }
        Action::CreateService(new) => new.service.to_string(),
        Action::UpdateServiceCount { service, .. }
        | Action::DrainService { service, .. }
        | Action::DeleteService { service, .. }
        | Action::UpdateServiceMembers { service, .. }
        | Action::TagService { service, .. }
        | Action::StopServiceDeployment { service, .. }
        | Action::UpdateService { service, .. } => service.to_string(),
        Action::CreateTargetGroup(new) => new.name.clone(),
        Action::ModifyTargetGroup { target_group, .. }
        | Action::DeleteTargetGroup { target_group, .. }
        | Action::AddTags { target_group, .. }
        | Action::DeregisterTargets { target_group, .. } => target_group.to_string(),
        Action::ModifyTargetGroupAttributes { target_group, .. } | Action::RegisterTargets { target_group, .. } => {
            of_ref(target_group)
        }
        Action::CreateRule { listener, .. }
        | Action::SetRulePriorities { listener, .. }
        | Action::ModifyListener { listener, .. } => listener.to_string(),
        Action::ModifyRule { rule, .. } | Action::DeleteRule { rule, .. } => rule.to_string(),
        Action::AuthorizeSecurityGroupIngress { group, .. } => group.to_string(),
        Action::RevokeSecurityGroupIngress { group, rule, .. } => format!("{rule} of {group}"),
    }
}

const DONE: Result<Performed, AwsError> = Ok(Performed::Done(None));

fn stale(why: impl Into<String>) -> Result<Performed, AwsError> {
    Ok(Performed::Stale(why.into()))
}

/// The target group that an action names, or the one that an earlier step made.
fn target_group(call: &str, target: &Ref<TargetGroupArn>, outputs: &Outputs) -> Result<TargetGroupArn, AwsError> {
    match target {
        Ref::Known(arn) => Ok(arn.clone()),
        Ref::Output(object) => match outputs.get(object) {
            Some(Output::TargetGroup(arn)) => Ok(arn.clone()),
            Some(Output::TaskDefinition(_) | Output::Deployment(_)) | None => Err(missing_output(call, object)),
        },
    }
}

/// The revision that an action names, or the one that an earlier step made.
fn task_definition(
    call: &str,
    target: &Ref<TaskDefinitionArn>,
    outputs: &Outputs,
) -> Result<TaskDefinitionArn, AwsError> {
    match target {
        Ref::Known(arn) => Ok(arn.clone()),
        Ref::Output(object) => match outputs.get(object) {
            Some(Output::TaskDefinition(arn)) => Ok(arn.clone()),
            Some(Output::TargetGroup(_) | Output::Deployment(_)) | None => Err(missing_output(call, object)),
        },
    }
}

fn missing_output(call: &str, object: &ObjectRef) -> AwsError {
    refusal(call, ErrorKind::Other, "MissingOutput", format!("no earlier step returned a result for {object}"))
}

/// An error of our own: nothing was sent, or the answer makes no sense.
fn refusal(call: &str, kind: ErrorKind, code: &str, message: String) -> AwsError {
    AwsError { call: call.to_owned(), kind, code: code.to_owned(), message, request_id: None }
}

/// Whether a thing still bears a mark.
fn bears(tags: &Tags, mark: &Tags) -> bool {
    mark.iter().all(|(key, value)| tags.get(key) == Some(value))
}

/// A set, as the log shows it.
fn listed<T: ToString>(items: &BTreeSet<T>) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
