//! A copy of a task definition with corrected ports.

use aws_sdk_ecs::types::TaskDefinitionField;

use crate::apply::{AwsError, ErrorKind, Performed};
use crate::aws::copy::{self, KeepAnswer, Slot};
use crate::aws::ecs;
use crate::aws::error::answer;
use crate::model::owner::FINGERPRINT_TAG;
use crate::model::{Tags, TaskDefinitionArn};
use crate::plan::{Output, PortFix};

use super::{Writer, refusal, stale};

const CALL: &str = "ecs:RegisterTaskDefinition";

impl Writer {
    pub(super) async fn register_task_definition(
        &self,
        source: &TaskDefinitionArn,
        ports: &[PortFix],
        tags: &Tags,
    ) -> Result<Performed, AwsError> {
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
        let read = answer("ecs:DescribeTaskDefinition", request.send()).await?;
        let Some(definition) = read.task_definition() else {
            return stale(format!("{source} is gone"));
        };
        let losses = copy::losses(&self.clients.reading.ecs, &raw.take(), definition, read.tags()).await;
        if !losses.is_empty() {
            return stale(format!("a copy would lose {}", losses.join(", ")));
        }
        if let Some(standing) = self.copy_that_stands(definition.family().unwrap_or_default(), source, tags).await? {
            return Ok(Performed::Done(Some(Output::TaskDefinition(standing))));
        }
        let request = copy::request(&self.clients.writing.ecs, definition, read.tags());
        let request = copy::fix_ports(copy::add_tags(request, tags), ports).map_err(|container| {
            let message = format!("{source} has no container {container}");
            refusal(CALL, ErrorKind::Invalid, "MissingContainer", message)
        })?;
        let registered = answer(CALL, request.send()).await?;
        let arn = registered.task_definition().and_then(|definition| definition.task_definition_arn());
        let arn = arn.ok_or_else(|| refusal(CALL, ErrorKind::Other, "NoArn", "the answer names no ARN".to_owned()))?;
        Ok(Performed::Done(Some(Output::TaskDefinition(TaskDefinitionArn::from(arn)))))
    }

    /// The newest revision, if it is this very copy: an earlier pass may have got so far and no further. Every
    /// registration makes a new revision, so without this look each pass would leave one more behind.
    async fn copy_that_stands(
        &self,
        family: &str,
        source: &TaskDefinitionArn,
        tags: &Tags,
    ) -> Result<Option<TaskDefinitionArn>, AwsError> {
        let Some(fingerprint) = tags.get(FINGERPRINT_TAG) else { return Ok(None) };
        let request = self.clients.reading.ecs.describe_task_definition().task_definition(family);
        let newest = answer("ecs:DescribeTaskDefinition", request.include(TaskDefinitionField::Tags).send()).await?;
        let same = ecs::tags_from_sdk(newest.tags()).get(FINGERPRINT_TAG) == Some(fingerprint);
        let arn = newest.task_definition().and_then(|definition| definition.task_definition_arn());
        Ok(arn.map(TaskDefinitionArn::from).filter(|arn| same && arn != source))
    }
}
