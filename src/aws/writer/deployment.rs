//! `StopServiceDeployment`.

use aws_sdk_ecs::types as sdk;

use crate::apply::{AwsError, ErrorKind, Performed};
use crate::aws::ecs;
use crate::aws::ended::{self, LIST};
use crate::aws::error::answer;
use crate::model::{DeploymentEnd, DeploymentState, ServiceId};

use super::{DONE, Writer, stale};

impl Writer {
    /// Stops a deployment that may still succeed.
    pub(super) async fn stop_service_deployment(&self, service: &ServiceId, arn: &str) -> Result<Performed, AwsError> {
        match self.state_now(service, arn).await? {
            Some(state) if state.is_under_way() => {}
            // An earlier attempt of ours got through, or somebody did the same.
            Some(DeploymentState::Ended(DeploymentEnd::RollingBack)) => return DONE,
            Some(_) | None => return stale("the deployment is no longer in progress"),
        }
        let request = self.clients.writing.ecs.stop_service_deployment().service_deployment_arn(arn);
        let request = request.stop_type(sdk::StopServiceDeploymentStopType::Rollback);
        match answer("ecs:StopServiceDeployment", request.send()).await {
            Ok(_) => DONE,
            Err(error) if error.kind == ErrorKind::Conflict => stale("the deployment is no longer in progress"),
            // It may have got through, its answer lost.
            Err(error) if error.kind == ErrorKind::Transient => match self.state_now(service, arn).await? {
                Some(DeploymentState::Ended(DeploymentEnd::RollingBack | DeploymentEnd::RolledBack)) => DONE,
                Some(_) | None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// The state of a deployment, right now; `None` if it is not among the newest.
    async fn state_now(&self, service: &ServiceId, arn: &str) -> Result<Option<DeploymentState>, AwsError> {
        let listed = answer(LIST, ended::request(&self.clients.reading.ecs, service).send()).await?;
        let mut all = listed.service_deployments().iter().filter_map(ecs::service_deployment_from_sdk);
        Ok(all.find(|one| one.arn == arn).map(|one| one.state))
    }
}
