//! What becomes of deployments that are in progress: whether they are taken back, and which of their tasks have failed.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::error;
use crate::model::{Operation, Seen, Service, ServiceId, StopCause, StoppedTask, UnderWay};

use super::concurrency::few_at_once;
use super::{Reader, unknown};

const DEPLOYMENTS: Operation = Operation::ListServiceDeployments;

/// The states of a service deployment in which it will not go on.
const TAKEN_BACK: [sdk::ServiceDeploymentStatus; 3] = [
    sdk::ServiceDeploymentStatus::StopRequested,
    sdk::ServiceDeploymentStatus::RollbackRequested,
    sdk::ServiceDeploymentStatus::RollbackInProgress,
];

impl Reader {
    /// Asks about services whose rolling deployment is in progress.
    pub(super) async fn under_way(
        &self,
        services: &BTreeMap<ServiceId, Seen<Service>>,
    ) -> BTreeMap<ServiceId, Seen<UnderWay>> {
        let services = services.values().filter_map(|seen| seen.as_ref().present());
        let all = services.map(async |service| {
            let seen = match self.under_way_of(service).await {
                Ok(under_way) => Seen::Present(under_way),
                Err(error) => unknown(&error),
            };
            (service.id.clone(), seen)
        });
        few_at_once(all).await.into_iter().collect()
    }

    async fn under_way_of(&self, service: &Service) -> Result<UnderWay, AwsError> {
        let (is_taken_back, failed_tasks) = (self.is_taken_back(&service.id).await?, self.failed_tasks(service).await?);
        Ok(UnderWay { is_taken_back, failed_tasks })
    }

    async fn is_taken_back(&self, id: &ServiceId) -> Result<bool, AwsError> {
        if self.lacks_deployments.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let request = self.clients.reading.ecs.list_service_deployments().cluster(&id.cluster).service(&id.name);
        match self.ask(DEPLOYMENTS, request.set_status(Some(TAKEN_BACK.to_vec())).send()).await {
            Ok(answer) => Ok(!answer.service_deployments().is_empty()),
            Err(error) if error::is_unknown_operation(&error, self.clients.custom_endpoint) => {
                self.lacks_deployments.store(true, Ordering::Relaxed);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Tasks of the deployment in progress that have failed, of a hundred that have stopped.
    async fn failed_tasks(&self, service: &Service) -> Result<u32, AwsError> {
        let Some(primary) = service.primary() else { return Ok(0) };
        let stopped = self.stopped_of(&service.id).await?;
        let is_its = |task: &&StoppedTask| task.started_by.as_ref() == Some(&primary.id);
        let failed = stopped.iter().filter(is_its).filter(|task| task.cause == StopCause::Failed);
        Ok(u32::try_from(failed.count()).unwrap_or(u32::MAX))
    }
}
