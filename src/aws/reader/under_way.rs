//! What becomes of deployments that are in progress: whether they are taken back, and which of their tasks have failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::error;
use crate::model::{DeploymentController, Observed, Seen, Service, ServiceId, Strategy, UnderWay};

use super::few::few_at_once;
use super::{Reader, unknown};

const DEPLOYMENTS: &str = "ecs:ListServiceDeployments";
const LIST: &str = "ecs:ListTasks";
const DESCRIBE: &str = "ecs:DescribeTasks";

/// The states of a service deployment in which it will not go on.
const TAKEN_BACK: [sdk::ServiceDeploymentStatus; 3] = [
    sdk::ServiceDeploymentStatus::StopRequested,
    sdk::ServiceDeploymentStatus::RollbackRequested,
    sdk::ServiceDeploymentStatus::RollbackInProgress,
];

impl Reader {
    /// Asks about those of these services whose rolling deployment is in progress.
    pub(super) async fn under_way(
        &self,
        ids: &BTreeSet<ServiceId>,
        observed: &Observed,
    ) -> BTreeMap<ServiceId, Seen<UnderWay>> {
        let services = ids.iter().filter_map(|id| observed.service(id).present());
        let rolling = services.filter(|service| {
            let is_rolling = service.controller == DeploymentController::Ecs && service.strategy == Strategy::Rolling;
            is_rolling && service.is_deploying()
        });
        let all = rolling.map(async |service| {
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
        let id = &service.id;
        let Some(primary) = service.deployments.iter().find(|deployment| deployment.primary) else { return Ok(0) };
        let request = self.clients.reading.ecs.list_tasks().cluster(&id.cluster).service_name(&id.name);
        let request = request.desired_status(sdk::DesiredStatus::Stopped).max_results(100);
        let arns = self.ask(LIST, request.send()).await?.task_arns.unwrap_or_default();
        if arns.is_empty() {
            return Ok(0);
        }
        let request = self.clients.reading.ecs.describe_tasks().cluster(&id.cluster).set_tasks(Some(arns));
        let answer = self.ask(DESCRIBE, request.send()).await?;
        let failed = answer.tasks().iter().filter(|task| task.started_by() == Some(&primary.id) && has_failed(task));
        Ok(u32::try_from(failed.count()).unwrap_or(u32::MAX))
    }
}

/// Whether a task has ended because of itself or of its health checks: nobody stopped it, and ECS did not need it less
/// (`Scaling activity initiated by …`).
fn has_failed(task: &sdk::Task) -> bool {
    match task.stop_code() {
        Some(sdk::TaskStopCode::TaskFailedToStart | sdk::TaskStopCode::EssentialContainerExited) => true,
        Some(sdk::TaskStopCode::ServiceSchedulerInitiated) => {
            !task.stopped_reason().is_some_and(|reason| reason.starts_with("Scaling activity"))
        }
        _ => false,
    }
}
