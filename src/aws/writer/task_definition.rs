//! Registers a revision, unless there is one with its content.

use std::ops::RangeInclusive;

use aws_sdk_ecs::types::{TaskDefinitionField, TaskDefinitionStatus};

use crate::apply::{AwsError, ErrorKind, Performed};
use crate::aws::ecs;
use crate::aws::error::answer;
use crate::aws::raw::{self, KeepAnswer, Slot};
use crate::model::{ServiceId, Tags, TaskDefinitionArn};
use crate::plan::{Output, ServiceBelief, is_same_content};
use crate::shape::Tree;

use super::{Writer, refusal, stale};

const CALL: &str = "ecs:RegisterTaskDefinition";
const READ: &str = "ecs:DescribeTaskDefinition";

/// How many of the newest revisions are looked at for one with the content: one that is older is registered once more.
const MOST_REVISIONS: i32 = 5;

/// What to register, and the service that is to run it.
pub(super) struct New<'a> {
    pub(super) service: &'a ServiceId,
    pub(super) source: Option<&'a TaskDefinitionArn>,
    pub(super) content: &'a Tree,
    pub(super) tags: &'a Tags,
    pub(super) expect: Option<&'a ServiceBelief>,
}

impl Writer {
    pub(super) async fn register_task_definition(&self, new: New<'_>) -> Result<Performed, AwsError> {
        let New { service, source, content, tags, expect } = new;
        let difference = match expect {
            Some(expect) => self.difference(service, expect).await?,
            None => self.service_now(service).await?.map(|_| "the service exists now"),
        };
        if let Some(why) = difference {
            return stale(why);
        }
        let family = content.get("family").and_then(serde_json::Value::as_str).unwrap_or_default();
        let newest = self.newest_revision(family).await?;
        let named = match source {
            Some(source) => source.of_family(family),
            None => Some(TaskDefinitionArn::from(format!("{family}:1"))),
        };
        let Some(named) = named else { return stale("the running revision has no number") };
        let looked = (newest - MOST_REVISIONS + 1).max(1)..=newest;
        if let Some(same) = self.same_content(&named, looked, content).await? {
            return Ok(Performed::Done(Some(Output::TaskDefinition(same))));
        }
        let (revision, arn) = self.register(family, content, tags).await?;
        // An attempt whose answer was lost, or another run, may have been faster: everybody uses the lowest one.
        let between = newest + 1..=(revision - 1).min(newest + MOST_REVISIONS);
        let lower = self.same_content(&named, between, content).await?;
        Ok(Performed::Done(Some(Output::TaskDefinition(lower.unwrap_or(arn)))))
    }

    /// Sends the content as it is.
    async fn register(&self, family: &str, content: &Tree, tags: &Tags) -> Result<(i32, TaskDefinitionArn), AwsError> {
        let request = self.clients.writing.ecs.register_task_definition().family(family);
        let request = request.set_tags((!tags.is_empty()).then(|| ecs::tags_to_sdk(tags)));
        // The members come from the tree: the SDK's types would lose those that they do not know.
        let request = request.set_container_definitions(Some(Vec::new()));
        let sent = content.members().clone();
        let request = request.customize().mutate_request(move |request| raw::add_members(request, &sent));
        let registered = answer(CALL, request.send()).await?;
        let registered = registered.task_definition();
        let made = registered.map(|made| (made.revision(), made.task_definition_arn().unwrap_or_default()));
        made.filter(|(_, arn)| !arn.is_empty())
            .map(|(revision, arn)| (revision, arn.into()))
            .ok_or_else(|| refusal(CALL, ErrorKind::Other, "NoArn", "the response names no ARN".to_owned()))
    }

    /// The number of the newest ACTIVE revision of a family; 0: it has none.
    async fn newest_revision(&self, family: &str) -> Result<i32, AwsError> {
        let request = self.clients.reading.ecs.describe_task_definition().task_definition(family);
        match answer(READ, request.send()).await {
            Ok(newest) => Ok(newest.task_definition().map_or(0, |definition| definition.revision())),
            // ECS has no code of its own for a family without an ACTIVE revision.
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The lowest of these revisions that is ACTIVE and has the content.
    async fn same_content(
        &self,
        named: &TaskDefinitionArn,
        revisions: RangeInclusive<i32>,
        wanted: &Tree,
    ) -> Result<Option<TaskDefinitionArn>, AwsError> {
        for arn in revisions.filter_map(|revision| named.with_revision(revision)) {
            let body = Slot::default();
            let request = self.clients.reading.ecs.describe_task_definition();
            let request = request.task_definition(arn.as_str()).include(TaskDefinitionField::Tags);
            let request = request.customize().interceptor(KeepAnswer(body.clone()));
            let found = match answer(READ, request.send()).await {
                Ok(found) => found,
                // Deleted altogether.
                Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => continue,
                Err(error) => return Err(error),
            };
            let Some(definition) = found.task_definition() else { continue };
            let is_active = definition.status() == Some(&TaskDefinitionStatus::Active);
            let content = raw::task_definition(&body.take())
                .map_err(|why| refusal(READ, ErrorKind::Other, "NotAnswered", why))?;
            if is_active && is_same_content(&content, wanted) {
                return Ok(definition.task_definition_arn().map(TaskDefinitionArn::from));
            }
        }
        Ok(None)
    }
}
