//! How the last deployments of a service ended, and where the revisions that its tasks run are wired to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::ended::{self, LIST, NEWEST, ended};
use crate::aws::{ecs, error};
use crate::model::{
    DeploymentEnd, EndedDeployment, Operation, PastDeployment, Revision, Rollout, Seen, Service, ServiceDeployment,
    ServiceId, TaskDefinitionArn,
};

use super::concurrency::few_at_once;
use super::matching::{complete, incomplete};
use super::{Reader, unknown};

const REVISIONS: Operation = Operation::DescribeServiceRevisions;

/// What is known of how a service's deployments ended, before their revisions were described.
enum Ended {
    /// Newest first.
    Listed(Vec<EndedDeployment>),
    /// The endpoint has no such list.
    Current(Vec<PastDeployment>),
}

impl Reader {
    /// How the last deployments of services ended. They are listed service by service, and their revisions described in
    /// common batches.
    pub(super) async fn past_deployments(
        &self,
        services: &BTreeMap<ServiceId, Seen<Service>>,
    ) -> BTreeMap<ServiceId, Seen<Vec<PastDeployment>>> {
        let lists = services.iter().map(async |(id, service)| {
            let ended = match service.as_ref() {
                Seen::Present(service) => self.ended_of(service).await,
                Seen::Absent => Seen::Absent,
                Seen::Unknown(gap) => Seen::Unknown(gap),
            };
            (id.clone(), ended)
        });
        let lists = few_at_once(lists).await;
        let listed = lists.iter().filter_map(|(_, ended)| match ended.as_ref().present() {
            Some(Ended::Listed(listed)) => Some(listed.iter().map(|ended| ended.revision.clone())),
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
                    let past = listed
                        .iter()
                        .map(|ended| Ok(ecs::past_from_sdk(ended, described_revision(revisions, &ended.revision)?)));
                    match past.collect::<Result<_, AwsError>>() {
                        Ok(past) => past,
                        Err(error) => return (id, unknown(&error)),
                    }
                }
            };
            (id, self.with_contents(past).await)
        });
        few_at_once(all).await.into_iter().collect()
    }

    async fn ended_of(&self, service: &Service) -> Seen<Ended> {
        if self.lacks_deployments.load(Ordering::Relaxed) {
            return Seen::Present(Ended::Current(current_deployments(service)));
        }
        match self.newest_deployments(&service.id).await {
            Ok(listed) if is_older_than(&listed, service) => {
                unknown(&incomplete(LIST, "the service's newest deployment is not listed"))
            }
            Ok(listed) => Seen::Present(Ended::Listed(ended(listed))),
            Err(error) if error::is_unknown_operation(&error, self.clients.custom_endpoint) => {
                self.lacks_deployments.store(true, Ordering::Relaxed);
                Seen::Present(Ended::Current(current_deployments(service)))
            }
            Err(error) => unknown(&error),
        }
    }

    /// The newest deployments of services, whatever their state; absent where the endpoint has no such list.
    pub(super) async fn service_deployments(
        &self,
        ids: &BTreeSet<ServiceId>,
    ) -> BTreeMap<ServiceId, Seen<Vec<ServiceDeployment>>> {
        let all = ids.iter().map(async |id| (id.clone(), self.service_deployments_of(id).await));
        few_at_once(all).await.into_iter().collect()
    }

    async fn service_deployments_of(&self, id: &ServiceId) -> Seen<Vec<ServiceDeployment>> {
        if self.lacks_deployments.load(Ordering::Relaxed) {
            return Seen::Absent;
        }
        match self.newest_deployments(id).await {
            Ok(listed) => {
                let mut all: Vec<_> = listed.iter().filter_map(ecs::service_deployment_from_sdk).collect();
                all.sort_by_key(|one| std::cmp::Reverse(one.created));
                Seen::Present(all)
            }
            Err(error) if error::is_unknown_operation(&error, self.clients.custom_endpoint) => {
                self.lacks_deployments.store(true, Ordering::Relaxed);
                Seen::Absent
            }
            Err(error) => unknown(&error),
        }
    }

    async fn newest_deployments(&self, id: &ServiceId) -> Result<Vec<sdk::ServiceDeploymentBrief>, AwsError> {
        let request = ended::request(&self.clients.reading.ecs, id);
        Ok(self.ask(Operation::ListServiceDeployments, request.send()).await?.service_deployments.unwrap_or_default())
    }

    /// Revisions by ARN, of whatever services, twenty in a call. Those that AWS calls missing are left out.
    async fn describe_revisions(&self, arns: BTreeSet<String>) -> Result<Vec<sdk::ServiceRevision>, AwsError> {
        let arns: Vec<String> = arns.into_iter().collect();
        let batches = arns.chunks(NEWEST as usize).map(async |batch| {
            let client = &self.clients.reading.ecs;
            let request = client.describe_service_revisions().set_service_revision_arns(Some(batch.to_vec()));
            let answer = self.ask(REVISIONS, request.send()).await?;
            let answered = answer.service_revisions().iter().map(sdk::ServiceRevision::service_revision_arn);
            complete(REVISIONS.call(), batch, answered, answer.failures())?;
            Ok(answer.service_revisions.unwrap_or_default())
        });
        let answers: Result<Vec<_>, AwsError> = few_at_once(batches).await.into_iter().collect();
        Ok(answers?.into_iter().flatten().collect())
    }

    /// The revisions of services that may have tasks: the current ones, and those of their newest deployments. They are listed
    /// service by service and described in common batches.
    pub(super) async fn revisions(
        &self,
        services: &BTreeMap<ServiceId, Seen<Service>>,
    ) -> BTreeMap<ServiceId, Seen<Vec<Revision>>> {
        let services = services.values().filter_map(|seen| seen.as_ref().present());
        let lists = services.map(async |service| (service, self.revisions_of(service).await));
        let lists = few_at_once(lists).await;
        let arns = lists.iter().filter_map(|(_, arns)| arns.as_ref().ok()).flatten().cloned().collect();
        let described = self.describe_revisions(arns).await;
        let all = lists.into_iter().map(|(service, arns)| {
            let seen = match (arns, &described) {
                (Ok(arns), Ok(described)) => {
                    let its: Result<Vec<_>, AwsError> =
                        arns.iter().map(|arn| described_revision(described, arn)).collect();
                    match its {
                        Ok(its) => Seen::Present(its.into_iter().filter_map(ecs::revision_from_sdk).collect()),
                        Err(error) => unknown(&error),
                    }
                }
                (Err(error), _) => unknown(&error),
                (_, Err(error)) => unknown(error),
            };
            (service.id.clone(), seen)
        });
        all.collect()
    }

    async fn revisions_of(&self, service: &Service) -> Result<BTreeSet<String>, AwsError> {
        let mut arns: BTreeSet<String> = service.conduct.current_revisions.iter().cloned().collect();
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

    /// What each of them ran: a content that failed is not deployed again (rule R7a).
    async fn with_contents(&self, mut past: Vec<PastDeployment>) -> Seen<Vec<PastDeployment>> {
        let arns: BTreeSet<TaskDefinitionArn> =
            past.iter().map(|deployment| deployment.task_definition.clone()).collect();
        let definitions = self.task_definitions(&arns).await;
        for deployment in &mut past {
            match definitions.get(&deployment.task_definition) {
                Some(Seen::Present(definition)) => {
                    deployment.content = Some(definition.content.clone());
                }
                Some(Seen::Unknown(gap)) => return Seen::Unknown(gap.clone()),
                Some(Seen::Absent) | None => {}
            }
        }
        Seen::Present(past)
    }
}

/// One of the revisions that were asked for. A deployment is listed as long as its revision stands, so that a missing one is
/// news that has not arrived yet: taken for absent, it would hide that the newest deployment failed.
fn described_revision<'a>(
    described: &'a [sdk::ServiceRevision],
    arn: &str,
) -> Result<&'a sdk::ServiceRevision, AwsError> {
    let found = described.iter().find(|revision| revision.service_revision_arn() == Some(arn));
    found.ok_or_else(|| incomplete(REVISIONS.call(), "a listed deployment's revision is missing"))
}

/// Whether a list tells of a time before the service's primary deployment began: then that deployment, or the one whose
/// rollback it is, is not listed yet. An empty list says nothing: AWS forgets deployments after a while.
fn is_older_than(listed: &[sdk::ServiceDeploymentBrief], service: &Service) -> bool {
    let Some(began) = service.deployments.iter().find(|one| one.primary).and_then(|one| one.created) else {
        return false;
    };
    let lasted = |one: &sdk::ServiceDeploymentBrief| match one.finished_at() {
        Some(finished) => ecs::timestamp_from_sdk(finished).is_none_or(|finished| finished >= began),
        None => true,
    };
    !listed.is_empty() && !listed.iter().any(lasted)
}

/// What `DescribeServices` itself says, for endpoints without the operations above. It does not tell the wiring of
/// each deployment, so the service's own stands for it.
fn current_deployments(service: &Service) -> Vec<PastDeployment> {
    let ended = service.deployments.iter().filter_map(|deployment| match deployment.rollout {
        Some(Rollout::Failed) => Some((DeploymentEnd::Failed, deployment)),
        Some(Rollout::Completed) => Some((DeploymentEnd::Successful, deployment)),
        Some(Rollout::InProgress) | None => None,
    });
    let past = ended.map(|(end, deployment)| PastDeployment {
        end,
        reason: deployment.reason.clone(),
        revision: None,
        task_definition: deployment.task_definition.clone(),
        content: None,
        load_balancers: service.load_balancers.clone(),
        network: service.network.clone(),
    });
    past.collect()
}
