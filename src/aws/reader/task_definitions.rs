//! Task definitions, each read once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use aws_sdk_ecs::types::{TaskDefinitionField, TaskDefinitionStatus};

use crate::aws::ecs;
use crate::aws::raw::{self, KeepAnswer, Slot};
use crate::model::{Gap, Operation, Seen, TaskDefinition, TaskDefinitionArn};

use super::concurrency::few_at_once;
use super::{Reader, unknown};

const CALL: Operation = Operation::DescribeTaskDefinition;

/// A definition that was read once.
#[derive(Debug)]
pub(super) struct Known {
    definition: TaskDefinition,
    /// It was asked for lately.
    is_used: bool,
}

impl Reader {
    pub(super) async fn task_definitions(
        &self,
        arns: &BTreeSet<TaskDefinitionArn>,
    ) -> BTreeMap<TaskDefinitionArn, Seen<TaskDefinition>> {
        let all = arns.iter().map(async |arn| (arn.clone(), self.task_definition(arn).await));
        few_at_once(all).await.into_iter().collect()
    }

    pub(super) async fn task_definition(&self, arn: &TaskDefinitionArn) -> Seen<TaskDefinition> {
        if let Some(known) = self.remembered(arn) {
            return Seen::Present(known);
        }
        // Boxed: most are remembered, and what a call needs would be in the future of each.
        let read = Box::pin(self.read_task_definition(arn)).await;
        if let Seen::Present(definition) = &read {
            let mut memory = self.task_definitions.lock().unwrap_or_else(PoisonError::into_inner);
            memory.insert(arn.clone(), Known { definition: definition.clone(), is_used: true });
        }
        read
    }

    /// Forgets the definitions that have not been asked for since the last but one time that this was called.
    pub(super) fn age_definitions(&self) {
        let mut memory = self.task_definitions.lock().unwrap_or_else(PoisonError::into_inner);
        memory.retain(|_, known| std::mem::replace(&mut known.is_used, false));
    }

    fn remembered(&self, arn: &TaskDefinitionArn) -> Option<TaskDefinition> {
        let mut memory = self.task_definitions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = memory.get_mut(arn)?;
        known.is_used = true;
        Some(known.definition.clone())
    }

    async fn read_task_definition(&self, arn: &TaskDefinitionArn) -> Seen<TaskDefinition> {
        let client = &self.clients.reading.ecs;
        let body = Slot::default();
        let request = client
            .describe_task_definition()
            .task_definition(arn.as_str())
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(KeepAnswer(body.clone()));
        let answer = match self.ask(CALL, request.send()).await {
            Ok(answer) => answer,
            // ECS has no code of its own for a revision that was deleted.
            Err(error) if error.code == "ClientException" && error.message.contains("Unable to describe") => {
                return Seen::Absent;
            }
            Err(error) => return unknown(&error),
        };
        let Some(definition) = answer.task_definition() else {
            let why = "the response has no task definition".to_owned();
            return Seen::Unknown(Gap { call: CALL.call().to_owned(), why });
        };
        let content = match raw::task_definition(&body.take()) {
            Ok(content) => content,
            Err(why) => return Seen::Unknown(Gap { call: CALL.call().to_owned(), why }),
        };
        let arn = TaskDefinitionArn::from(definition.task_definition_arn().unwrap_or_default());
        let is_active = definition.status() == Some(&TaskDefinitionStatus::Active);
        Seen::Present(TaskDefinition::new(arn, is_active, ecs::tags_from_sdk(answer.tags()), content))
    }
}
