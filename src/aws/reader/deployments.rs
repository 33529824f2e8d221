//! How the last deployments of a service ended, and where the revisions that its tasks run are wired to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::{ecs, error};
use crate::model::owner::FINGERPRINT_TAG;
use crate::model::{Observed, PastDeployment, Revision, Rollout, Seen, Service, ServiceId, TaskDefinitionArn};

use super::few::few_at_once;
use super::matching::complete;
use super::{Reader, unknown};

const LIST: &str = "ecs:ListServiceDeployments";
const REVISIONS: &str = "ecs:DescribeServiceRevisions";

/// As many as `DescribeServiceRevisions` takes: the question is about the newest ones.
const NEWEST: i32 = 20;

/// What is known of how a service's deployments ended, before their revisions were described.
enum Ended {
    /// Whether each failed, and the ARN of the revision that it was to bring; newest first.
    Listed(Vec<(bool, String)>),
    /// The endpoint has no such list.
    Current(Vec<PastDeployment>),
}

impl Reader {
    /// How the last deployments of services ended. They are listed service by service, and their revisions described in
    /// common batches.
    pub(super) async fn past_deployments(
        &self,
        ids: &BTreeSet<ServiceId>,
        observed: &Observed,
    ) -> BTreeMap<ServiceId, Seen<Vec<PastDeployment>>> {
        let lists = ids.iter().map(async |id| {
            let ended = match observed.service(id) {
                Seen::Present(service) => self.ended_of(service).await,
                Seen::Absent => Seen::Absent,
                Seen::Unknown(gap) => Seen::Unknown(gap),
            };
            (id.clone(), ended)
        });
        let lists = few_at_once(lists).await;
        let listed = lists.iter().filter_map(|(_, ended)| match ended.as_ref().present() {
            Some(Ended::Listed(listed)) => Some(listed.iter().map(|(_, arn)| arn.clone())),
            Some(Ended::Current(_)) | None => None,
        });
        let described = self.describe_revisions(listed.flatten().collect()).await;
        let all = lists.into_iter().map(async |(id, ended)| {
            let past = match (ended, &described) {
                (Seen::Absent, _) => return (id, Seen::Absent),
                (Seen::Unknown(gap), _) => return (id, Seen::Unknown(gap)),
                (Seen::Present(Ended::Current(past)), _) => past,
                (Seen::Present(Ended::Listed(_)), Err(error)) => return (id, unknown(error)),
                (Seen::Present(Ended::Listed(listed)), Ok(revisions)) => {
                    let find = |arn: &str| revisions.iter().find(|one| one.service_revision_arn() == Some(arn));
                    // A revision that is gone was purged with its service's history; there is nothing to compare with.
                    let known = listed.iter().filter_map(|(failed, arn)| Some((*failed, find(arn)?)));
                    known.map(|(failed, revision)| ecs::past_from_sdk(failed, revision)).collect()
                }
            };
            (id, self.with_fingerprints(past).await)
        });
        few_at_once(all).await.into_iter().collect()
    }

    async fn ended_of(&self, service: &Service) -> Seen<Ended> {
        if self.lacks_deployments.load(Ordering::Relaxed) {
            return Seen::Present(Ended::Current(current_deployments(service)));
        }
        match self.listed_deployments(&service.id).await {
            Ok(listed) => Seen::Present(Ended::Listed(listed)),
            Err(error) if error::is_unknown_operation(&error, self.clients.custom_endpoint) => {
                self.lacks_deployments.store(true, Ordering::Relaxed);
                Seen::Present(Ended::Current(current_deployments(service)))
            }
            Err(error) => unknown(&error),
        }
    }

    /// Newest first. Deployments that are under way are left out.
    async fn listed_deployments(&self, id: &ServiceId) -> Result<Vec<(bool, String)>, AwsError> {
        let mut listed = self.newest_deployments(id).await?;
        listed.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at().map(|at| at.as_nanos())));
        Ok(listed.iter().enumerate().filter_map(|(age, deployment)| ended(deployment, &listed[..age])).collect())
    }

    async fn newest_deployments(&self, id: &ServiceId) -> Result<Vec<sdk::ServiceDeploymentBrief>, AwsError> {
        let client = &self.clients.reading.ecs;
        let request = client.list_service_deployments().cluster(&id.cluster).service(&id.name).max_results(NEWEST);
        Ok(self.ask(LIST, request.send()).await?.service_deployments.unwrap_or_default())
    }

    /// Revisions by ARN, of whatever services, twenty in a call. Those that are gone are left out.
    async fn describe_revisions(&self, arns: BTreeSet<String>) -> Result<Vec<sdk::ServiceRevision>, AwsError> {
        let arns: Vec<String> = arns.into_iter().collect();
        let batches = arns.chunks(NEWEST as usize).map(async |batch| {
            let client = &self.clients.reading.ecs;
            let request = client.describe_service_revisions().set_service_revision_arns(Some(batch.to_vec()));
            let answer = self.ask(REVISIONS, request.send()).await?;
            let answered = answer.service_revisions().iter().map(sdk::ServiceRevision::service_revision_arn);
            complete(REVISIONS, batch, answered, answer.failures())?;
            Ok(answer.service_revisions.unwrap_or_default())
        });
        let answers: Result<Vec<_>, AwsError> = few_at_once(batches).await.into_iter().collect();
        Ok(answers?.into_iter().flatten().collect())
    }

    /// The revisions of services that may have tasks: the current ones, and those of their newest deployments. They are listed
    /// service by service and described in common batches.
    pub(super) async fn revisions(
        &self,
        ids: &BTreeSet<ServiceId>,
        observed: &Observed,
    ) -> BTreeMap<ServiceId, Seen<Vec<Revision>>> {
        let services = ids.iter().filter_map(|id| observed.service(id).present());
        let lists = services.map(async |service| (service, self.revisions_of(service).await));
        let lists = few_at_once(lists).await;
        let arns = lists.iter().filter_map(|(_, arns)| arns.as_ref().ok()).flatten().cloned().collect();
        let described = self.describe_revisions(arns).await;
        let all = lists.into_iter().map(|(service, arns)| {
            let seen = match (arns, &described) {
                (Ok(arns), Ok(described)) => {
                    let is_its =
                        |one: &&sdk::ServiceRevision| one.service_revision_arn().is_some_and(|arn| arns.contains(arn));
                    Seen::Present(described.iter().filter(is_its).filter_map(ecs::revision_from_sdk).collect())
                }
                (Err(error), _) => unknown(&error),
                (_, Err(error)) => unknown(error),
            };
            (service.id.clone(), seen)
        });
        all.collect()
    }

    async fn revisions_of(&self, service: &Service) -> Result<BTreeSet<String>, AwsError> {
        let mut arns: BTreeSet<String> = service.current_revisions.iter().cloned().collect();
        if self.lacks_deployments.load(Ordering::Relaxed) {
            return Ok(arns);
        }
        match self.newest_deployments(&service.id).await {
            Ok(listed) => {
                arns.extend(listed.iter().filter_map(|one| one.target_service_revision_arn().map(str::to_owned)));
            }
            Err(error) if error::is_unknown_operation(&error, self.clients.custom_endpoint) => {
                self.lacks_deployments.store(true, Ordering::Relaxed);
            }
            Err(error) => return Err(error),
        }
        Ok(arns)
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
