//! `UpdateService`.

use aws_sdk_ecs::types as sdk;

use crate::apply::{AwsError, ErrorKind, Outputs, Performed};
use crate::aws::ecs;
use crate::aws::error::answer;
use crate::model::{Awsvpc, ServiceId, TaskDefinitionArn};
use crate::plan::{Ref, WiredEntry};

use super::patience::patiently;
use super::{DONE, Writer, refusal, target_group, task_definition};

const CALL: &str = "ecs:UpdateService";

/// The members to send; a `None` is left out of the call.
pub(super) struct Update<'a> {
    pub(super) task_definition: &'a Option<Ref<TaskDefinitionArn>>,
    pub(super) load_balancers: &'a Option<Vec<WiredEntry>>,
    pub(super) network: &'a Option<Awsvpc>,
}

impl Writer {
    pub(super) async fn update_service_count(&self, service: &ServiceId, count: u32) -> Result<Performed, AwsError> {
        let count = i32::try_from(count)
            .map_err(|_| refusal(CALL, ErrorKind::Invalid, "TooLarge", format!("{count} is no count of tasks")))?;
        let client = &self.clients.writing.ecs;
        let request = client.update_service().cluster(&service.cluster).service(&service.name).desired_count(count);
        answer(CALL, request.send()).await?;
        DONE
    }

    pub(super) async fn update_service(
        &self,
        service: &ServiceId,
        update: Update<'_>,
        outputs: &Outputs,
    ) -> Result<Performed, AwsError> {
        let definition = update.task_definition.as_ref().map(|target| task_definition(CALL, target, outputs));
        let balancers = update.load_balancers.as_ref().map(|entries| entries_to_sdk(entries, outputs));
        let network = update.network.as_ref().map(ecs::awsvpc_to_sdk);
        let network = network.transpose().map_err(|message| refusal(CALL, ErrorKind::Invalid, "NoSubnets", message))?;
        let request = self
            .clients
            .writing
            .ecs
            .update_service()
            .cluster(&service.cluster)
            .service(&service.name)
            .set_task_definition(definition.transpose()?.map(|arn| arn.to_string()))
            .set_load_balancers(balancers.transpose()?)
            .set_network_configuration(network);
        patiently(async || answer(CALL, request.clone().send()).await, is_propagation).await?;
        DONE
    }
}

fn entries_to_sdk(entries: &[WiredEntry], outputs: &Outputs) -> Result<Vec<sdk::LoadBalancer>, AwsError> {
    let entries = entries.iter().map(|(target, entry)| {
        let arn = target.as_ref().map(|target| target_group(CALL, target, outputs)).transpose()?;
        Ok(ecs::entry_to_sdk(entry, arn.as_ref()))
    });
    entries.collect()
}

/// ECS has no code for "the rule that was just made is not visible to me yet"; the sentence has been the same for
/// years, and other tools wait on it too.
fn is_propagation(error: &AwsError) -> bool {
    error.kind == ErrorKind::Invalid && error.message.contains("does not have an associated load balancer")
}
