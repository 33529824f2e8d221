//! How the last deployments of a service ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::{ecs, error};
use crate::model::owner::FINGERPRINT_TAG;
use crate::model::{Observed, PastDeployment, Rollout, Seen, Service, ServiceId, TaskDefinitionArn};

use super::few::few_at_once;
use super::matching::complete;
use super::{Reader, unknown};

const LIST: &str = "ecs:ListServiceDeployments";
const REVISIONS: &str = "ecs:DescribeServiceRevisions";

/// As many as `DescribeServiceRevisions` takes: the question is about the newest ones.
const NEWEST: i32 = 20;

impl Reader {
    pub(super) async fn past_deployments(
        &self,
        ids: &BTreeSet<ServiceId>,
        observed: &Observed,
    ) -> BTreeMap<ServiceId, Seen<Vec<PastDeployment>>> {
        let all = ids.iter().map(async |id| {
            let past = match observed.service(id) {
                Seen::Present(service) => self.past_deployments_of(service).await,
                Seen::Absent => Seen::Absent,
                Seen::Unknown(gap) => Seen::Unknown(gap),
            };
            (id.clone(), past)
        });
        few_at_once(all).await.into_iter().collect()
    }

    async fn past_deployments_of(&self, service: &Service) -> Seen<Vec<PastDeployment>> {
        let past = if self.lacks_deployments.load(Ordering::Relaxed) {
            current_deployments(service)
        } else {
            match self.listed_deployments(&service.id).await {
                Ok(past) => past,
                Err(error) if error::is_unknown_operation(&error, self.clients.custom_endpoint) => {
                    self.lacks_deployments.store(true, Ordering::Relaxed);
                    current_deployments(service)
                }
                Err(error) => return unknown(&error),
            }
        };
        self.with_fingerprints(past).await
    }

    /// Newest first. Deployments that are under way are left out.
    async fn listed_deployments(&self, id: &ServiceId) -> Result<Vec<PastDeployment>, AwsError> {
        let client = &self.clients.reading.ecs;
        let request = client.list_service_deployments().cluster(&id.cluster).service(&id.name).max_results(NEWEST);
        let mut listed = self.ask(LIST, request.send()).await?.service_deployments.unwrap_or_default();
        listed.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at().map(|at| at.as_nanos())));
        let ended: Vec<(bool, String)> =
            listed.iter().enumerate().filter_map(|(age, deployment)| ended(deployment, &listed[..age])).collect();
        if ended.is_empty() {
            return Ok(Vec::new());
        }
        let arns: BTreeSet<String> = ended.iter().map(|(_, revision)| revision.clone()).collect();
        let arns: Vec<String> = arns.into_iter().collect();
        let request = client.describe_service_revisions().set_service_revision_arns(Some(arns.clone()));
        let answer = self.ask(REVISIONS, request.send()).await?;
        let answered = answer.service_revisions().iter().map(sdk::ServiceRevision::service_revision_arn);
        complete(REVISIONS, &arns, answered, answer.failures())?;
        let revisions = answer.service_revisions.unwrap_or_default();
        let find = |arn: &str| revisions.iter().find(|revision| revision.service_revision_arn() == Some(arn));
        // A revision that is gone was purged with its service's history; there is nothing to compare with.
        Ok(ended.iter().filter_map(|(failed, arn)| Some(ecs::past_from_sdk(*failed, find(arn)?))).collect())
    }

    /// Portolan's copies bear the fingerprint of their content; everything else has none.
    async fn with_fingerprints(&self, mut past: Vec<PastDeployment>) -> Seen<Vec<PastDeployment>> {
        let arns: BTreeSet<TaskDefinitionArn> =
            past.iter().map(|deployment| deployment.task_definition.clone()).collect();
        let definitions = self.task_definitions(&arns).await;
        for deployment in &mut past {
            match definitions.get(&deployment.task_definition) {
                Some(Seen::Present(definition)) => {
                    deployment.fingerprint = definition.tags.get(FINGERPRINT_TAG).cloned();
                }
                Some(Seen::Unknown(gap)) => return Seen::Unknown(gap.clone()),
                Some(Seen::Absent) | None => {}
            }
        }
        Seen::Present(past)
    }
}

/// Whether a deployment failed, and the revision it was to bring; `None` while it is under way, and when a newer one
/// took its place before it ended.
fn ended(deployment: &sdk::ServiceDeploymentBrief, newer: &[sdk::ServiceDeploymentBrief]) -> Option<(bool, String)> {
    let nanos = |at: Option<&aws_smithy_types::DateTime>| at.map(aws_smithy_types::DateTime::as_nanos);
    let finished = nanos(deployment.finished_at());
    let began_before = |other: &sdk::ServiceDeploymentBrief| {
        finished.is_none_or(|finished| nanos(other.created_at()).is_some_and(|created| created <= finished))
    };
    let failed = ecs::has_failed(deployment.status()?, newer.iter().any(began_before))?;
    Some((failed, deployment.target_service_revision_arn()?.to_owned()))
}

/// What `DescribeServices` itself says, for endpoints without the operations above. It does not tell the wiring of
/// each deployment, so the service's own stands for it.
fn current_deployments(service: &Service) -> Vec<PastDeployment> {
    let ended = service.deployments.iter().filter_map(|deployment| match deployment.rollout {
        Some(Rollout::Failed) => Some((true, deployment)),
        Some(Rollout::Completed) => Some((false, deployment)),
        Some(Rollout::InProgress) | None => None,
    });
    let past = ended.map(|(failed, deployment)| PastDeployment {
        failed,
        task_definition: deployment.task_definition.clone(),
        fingerprint: None,
        load_balancers: service.load_balancers.clone(),
        network: service.network.clone(),
    });
    past.collect()
}
