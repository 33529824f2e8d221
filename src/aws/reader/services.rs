//! Clusters, services and their scalable targets; the chain from services to tasks.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_ecs::types::ServiceField;

use crate::apply::AwsError;
use crate::aws::ecs;
use crate::aws::raw::{KeepAnswer, ServiceMembers, Slot};
use crate::model::arn::last_part;
use crate::model::{Cluster, Gap, Operation, ScalableTarget, Seen, Service, ServiceId};

use super::concurrency::few_at_once;
use super::matching::{MISSING, UNANSWERED, is_cluster_missing};
use super::{Reader, absent_or_unknown, unknown};

const CLUSTERS: Operation = Operation::DescribeClusters;
const SERVICES: Operation = Operation::DescribeServices;
const SCALABLE_TARGETS: Operation = Operation::DescribeScalableTargets;

impl Reader {
    /// The names of all services of a cluster; absent: there is no such cluster.
    pub(super) async fn service_names(&self, cluster: &str) -> Seen<Vec<String>> {
        let request = self.clients.reading.ecs.list_services().cluster(cluster);
        let request = request.set_max_results(Operation::ListServices.page());
        let pages = request.into_paginator().items().send();
        let arns: Result<Vec<String>, AwsError> = self.ask(Operation::ListServices, pages.try_collect()).await;
        match arns {
            Ok(arns) => Seen::Present(arns.iter().map(|arn| last_part(arn).to_owned()).collect()),
            Err(error) if is_cluster_missing(&error) => Seen::Absent,
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn cluster_names(&self) -> Seen<Vec<String>> {
        let request = self.clients.reading.ecs.list_clusters().set_max_results(Operation::ListClusters.page());
        let pages = request.into_paginator().items().send();
        let arns: Result<Vec<String>, AwsError> = self.ask(Operation::ListClusters, pages.try_collect()).await;
        match arns {
            Ok(arns) => {
                let mut names: Vec<String> = arns.iter().map(|arn| last_part(arn).to_owned()).collect();
                names.sort();
                Seen::Present(names)
            }
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn clusters(&self, names: BTreeSet<String>) -> BTreeMap<String, Seen<Cluster>> {
        let names: Vec<String> = names.into_iter().collect();
        let batches = names.chunks(100).map(async |names| {
            let request = self.clients.reading.ecs.describe_clusters().set_clusters(Some(names.to_vec()));
            let answer = self.ask(CLUSTERS, request.send()).await;
            names.iter().map(|name| (name.clone(), cluster(name, &answer))).collect::<Vec<_>>()
        });
        few_at_once(batches).await.into_iter().flatten().collect()
    }

    pub(super) async fn describe_services(&self, ids: &BTreeSet<ServiceId>) -> BTreeMap<ServiceId, Seen<Service>> {
        let mut clusters: BTreeMap<&str, Vec<&ServiceId>> = BTreeMap::new();
        for id in ids {
            clusters.entry(&id.cluster).or_default().push(id);
        }
        let batches = clusters.values().flat_map(|ids| ids.chunks(10)).map(|batch| self.describe_batch(batch));
        few_at_once(batches).await.into_iter().flatten().collect()
    }

    /// At most ten services of one cluster.
    async fn describe_batch(&self, ids: &[&ServiceId]) -> Vec<(ServiceId, Seen<Service>)> {
        let Some(first) = ids.first() else { return Vec::new() };
        let names = ids.iter().map(|id| id.name.clone()).collect();
        let body = Slot::default();
        let request = self.clients.reading.ecs.describe_services().cluster(&first.cluster).set_services(Some(names));
        let request = request.include(ServiceField::Tags).customize().interceptor(KeepAnswer(body.clone()));
        match self.ask(SERVICES, request.send()).await {
            Ok(answer) => {
                let mut members = ServiceMembers::of(&body.take());
                ids.iter().map(|id| ((*id).clone(), service(id, &answer, &mut members))).collect()
            }
            // Some service of the batch was purged long ago, and AWS does not say which.
            Err(error) if error.code == "ServiceNotFoundException" && ids.len() > 1 => {
                let single = ids.chunks(1).map(|single| Box::pin(self.describe_batch(single)));
                few_at_once(single).await.into_iter().flatten().collect()
            }
            Err(error) => ids.iter().map(|id| ((*id).clone(), absent_or_unknown(&error))).collect(),
        }
    }

    pub(super) async fn scalable_targets(
        &self,
        ids: &BTreeSet<ServiceId>,
    ) -> BTreeMap<ServiceId, Seen<ScalableTarget>> {
        let ids: Vec<(ServiceId, String)> = ids.iter().map(|id| (id.clone(), ecs::resource_id(id))).collect();
        let batches = ids.chunks(50).map(async |batch| {
            let request = self
                .clients
                .reading
                .autoscaling
                .describe_scalable_targets()
                .service_namespace(ServiceNamespace::Ecs)
                .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
                .set_resource_ids(Some(batch.iter().map(|(_, resource)| resource.clone()).collect()));
            let request = request.set_max_results(SCALABLE_TARGETS.page());
            let pages = request.into_paginator().items().send();
            let answer = self.ask(SCALABLE_TARGETS, pages.try_collect()).await;
            let find = |resource: &str| match &answer {
                Err(error) => unknown(error),
                Ok(targets) => targets
                    .iter()
                    .find(|target| target.resource_id() == resource)
                    .map_or(Seen::Absent, |target| Seen::Present(ecs::scalable_target_from_sdk(target))),
            };
            batch.iter().map(|(id, resource)| (id.clone(), find(resource))).collect::<Vec<_>>()
        });
        few_at_once(batches).await.into_iter().flatten().collect()
    }
}

fn cluster(
    name: &str,
    answer: &Result<aws_sdk_ecs::operation::describe_clusters::DescribeClustersOutput, AwsError>,
) -> Seen<Cluster> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return unknown(error),
    };
    let is_it = |arn: Option<&str>| arn.is_some_and(|arn| arn == name || last_part(arn) == name);
    let found =
        answer.clusters().iter().find(|cluster| cluster.cluster_name() == Some(name) || is_it(cluster.cluster_arn()));
    let failure = answer.failures().iter().find(|failure| is_it(failure.arn()));
    match (found, failure.map(|failure| failure.reason().unwrap_or_default())) {
        (Some(cluster), _) => match cluster.status().unwrap_or_default() {
            "ACTIVE" => Seen::Present(Cluster {
                arn: cluster.cluster_arn().unwrap_or_default().to_owned(),
                name: cluster.cluster_name().unwrap_or(name).to_owned(),
            }),
            "INACTIVE" => Seen::Absent,
            status => Seen::Unknown(Gap { call: CLUSTERS.call().to_owned(), why: format!("the cluster is {status}") }),
        },
        (None, Some(MISSING)) => Seen::Absent,
        (None, reason) => not_answered(CLUSTERS.call(), reason),
    }
}

fn service(
    id: &ServiceId,
    answer: &aws_sdk_ecs::operation::describe_services::DescribeServicesOutput,
    members: &mut ServiceMembers,
) -> Seen<Service> {
    let found = answer.services().iter().find(|service| service.service_name() == Some(&id.name));
    if let Some(service) = found {
        return match (ecs::service_from_sdk(id, service, members.take(&id.name)), service.status()) {
            (Some(service), _) => Seen::Present(service),
            (None, Some("INACTIVE")) => Seen::Absent,
            (None, status) => not_answered(SERVICES.call(), status.or(Some("no status"))),
        };
    }
    let failure = answer.failures().iter().find(|failure| failure.arn().map(last_part) == Some(&id.name));
    match failure.map(|failure| failure.reason().unwrap_or_default()) {
        Some(MISSING) => Seen::Absent,
        reason => not_answered(SERVICES.call(), reason),
    }
}

/// AWS named a reason other than that the thing is missing, or left it out altogether.
fn not_answered<T>(call: &str, reason: Option<&str>) -> Seen<T> {
    let why = reason.unwrap_or(UNANSWERED).to_owned();
    Seen::Unknown(Gap { call: call.to_owned(), why })
}
