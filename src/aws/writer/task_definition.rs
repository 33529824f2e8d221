//! A copy of a task definition with corrected ports.

use std::ops::RangeInclusive;

use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::types::{TaskDefinitionField, TaskDefinitionStatus};

use crate::apply::{AwsError, ErrorKind, Performed};
use crate::aws::copy::{self, KeepAnswer, Slot};
use crate::aws::ecs;
use crate::aws::error::answer;
use crate::model::owner::FINGERPRINT_TAG;
use crate::model::{ServiceId, Tags, TaskDefinitionArn};
use crate::plan::{Output, PortFix, ServiceBelief};

use super::{Writer, refusal, stale};

const CALL: &str = "ecs:RegisterTaskDefinition";
const READ: &str = "ecs:DescribeTaskDefinition";

/// How many revisions are looked at for a copy that was registered before: one that is older is registered once more.
const MOST_REVISIONS: i32 = 50;

/// The copy to register, and the service that is to run it.
pub(super) struct New<'a> {
    pub(super) service: &'a ServiceId,
    pub(super) source: &'a TaskDefinitionArn,
    pub(super) ports: &'a [PortFix],
    pub(super) tags: &'a Tags,
    pub(super) expect: &'a ServiceBelief,
}

impl Writer {
    pub(super) async fn register_task_definition(&self, new: New<'_>) -> Result<Performed, AwsError> {
        let New { service, source, ports, tags, expect } = new;
        if let Some(why) = self.difference(service, expect).await? {
            return stale(why);
        }
        let raw = Slot::default();
        let request = self
            .clients
            .reading
            .ecs
            .describe_task_definition()
            .task_definition(source.as_str())
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(KeepAnswer(raw.clone()));
        let read = answer(READ, request.send()).await?;
        let Some(definition) = read.task_definition() else {
            return stale(format!("{source} no longer exists"));
        };
        let losses = copy::losses(&self.clients.reading.ecs, &raw.take(), definition, read.tags()).await;
        if !losses.is_empty() {
            return stale(format!("a copy would lose {}", losses.join(", ")));
        }
        let request = copy::request(&self.clients.writing.ecs, definition, read.tags());
        let request = copy::fix_ports(copy::add_tags(request, tags), ports).map_err(|container| {
            let message = format!("{source} has no container {container}");
            refusal(CALL, ErrorKind::Invalid, "MissingContainer", message)
        })?;
        let wanted = Copy { request, fingerprint: tags.get(FINGERPRINT_TAG) };
        let newest = self.newest_revision(definition.family().unwrap_or_default()).await?;
        let first = definition.revision() + 1;
        if let Some(same) = self.same_content(source, first.max(newest - MOST_REVISIONS)..=newest, &wanted).await? {
            return Ok(Performed::Done(Some(Output::TaskDefinition(same))));
        }
        let registered = answer(CALL, wanted.request.clone().send()).await?;
        let registered = registered.task_definition();
        let made = registered.map(|made| (made.revision(), made.task_definition_arn().unwrap_or_default()));
        let (revision, arn) = made
            .filter(|(_, arn)| !arn.is_empty())
            .ok_or_else(|| refusal(CALL, ErrorKind::Other, "NoArn", "the response names no ARN".to_owned()))?;
        // An attempt whose answer was lost, or another run, may have been faster: everybody uses the lowest one.
        let between = first.max(newest + 1)..=(revision - 1).min(newest + MOST_REVISIONS);
        let lower = self.same_content(source, between, &wanted).await?;
        Ok(Performed::Done(Some(Output::TaskDefinition(lower.unwrap_or_else(|| arn.into())))))
    }

    /// The number of the newest ACTIVE revision of a family.
    async fn newest_revision(&self, family: &str) -> Result<i32, AwsError> {
        let request = self.clients.reading.ecs.describe_task_definition().task_definition(family);
        let newest = answer(READ, request.send()).await?;
        Ok(newest.task_definition().map_or(0, |definition| definition.revision()))
    }

    /// The lowest of these revisions that is ACTIVE and has the content of the copy, and its tag: what a deployment of it came
    /// to is known by the tag (R7a).
    async fn same_content(
        &self,
        source: &TaskDefinitionArn,
        revisions: RangeInclusive<i32>,
        wanted: &Copy<'_>,
    ) -> Result<Option<TaskDefinitionArn>, AwsError> {
        for arn in revisions.filter_map(|revision| source.with_revision(revision)) {
            let request = self.clients.reading.ecs.describe_task_definition();
            let request = request.task_definition(arn.as_str()).include(TaskDefinitionField::Tags);
            let found = match answer(READ, request.send()).await {
                Ok(found) => found,
                // Deleted altogether.
                Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => continue,
                Err(error) => return Err(error),
            };
            let Some(definition) = found.task_definition() else { continue };
            let is_active = definition.status() == Some(&TaskDefinitionStatus::Active);
            let is_marked = ecs::tags_from_sdk(found.tags()).get(FINGERPRINT_TAG) == wanted.fingerprint;
            let content = copy::request(&self.clients.writing.ecs, definition, &[]);
            if is_active && is_marked && copy::is_same_content(content, wanted.request.clone()) {
                return Ok(definition.task_definition_arn().map(TaskDefinitionArn::from));
            }
        }
        Ok(None)
    }
}

/// A copy to be registered.
struct Copy<'a> {
    request: RegisterTaskDefinitionFluentBuilder,
    fingerprint: Option<&'a String>,
}
