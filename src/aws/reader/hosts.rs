//! Instances, and those behind container instances. Those that AWS manages for the account are asked for as well: they may be hidden by default.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Filter;
use aws_sdk_ecs::types::{ContainerInstance, Failure};

use crate::aws::ec2;
use crate::model::arn::last_part;
use crate::model::{Gap, Host, InstanceId, Observed, Operation, Seen};

use super::concurrency::few_at_once;
use super::groups::FILTER_VALUES;
use super::matching::{MISSING, UNANSWERED};
use super::{Reader, unknown};

const CONTAINER_INSTANCES: Operation = Operation::DescribeContainerInstances;
const INSTANCES: Operation = Operation::DescribeInstances;

impl Reader {
    /// The instances behind container instances whose tasks have addresses of their own.
    pub(super) async fn instances_behind(
        &self,
        clusters: &BTreeMap<String, BTreeSet<String>>,
    ) -> BTreeMap<String, Seen<InstanceId>> {
        let batches = clusters.iter().flat_map(|(cluster, arns)| {
            let arns: Vec<String> = arns.iter().cloned().collect();
            arns.chunks(100).map(|batch| (cluster.clone(), batch.to_vec())).collect::<Vec<_>>()
        });
        let answers = batches.map(async |(cluster, arns)| {
            let request = self.clients.reading.ecs.describe_container_instances().cluster(cluster);
            let request = request.set_container_instances(Some(arns.clone())).send();
            let answer = self.ask(CONTAINER_INSTANCES, request).await;
            let find = |arn: &String| match &answer {
                Err(error) => unknown(error),
                Ok(answer) => carrier(arn, answer.container_instances(), answer.failures()),
            };
            arns.iter().map(|arn| (arn.clone(), find(arn))).collect::<Vec<_>>()
        });
        few_at_once(answers).await.into_iter().flatten().collect()
    }

    /// Asks by filter, not by id: one id that does not exist would make EC2 refuse the whole call.
    pub(super) async fn hosts(&self, ids: &BTreeSet<InstanceId>) -> BTreeMap<InstanceId, Seen<Host>> {
        // `mi-…` is a machine outside AWS; EC2 does not know it.
        let ids: Vec<&InstanceId> = ids.iter().filter(|id| id.as_str().starts_with("i-")).collect();
        let batches = ids.chunks(FILTER_VALUES).map(async |batch| {
            let values = batch.iter().map(ToString::to_string).collect();
            let filter = Filter::builder().name("instance-id").set_values(Some(values)).build();
            let request = self.clients.reading.ec2.describe_instances().filters(filter).include_managed_resources(true);
            let pages = request.set_max_results(INSTANCES.page()).into_paginator().items().send();
            let answer = self.ask(INSTANCES, pages.try_collect()).await;
            let find = |id: &InstanceId| match &answer {
                Err(error) => unknown(error),
                Ok(reservations) => reservations
                    .iter()
                    .flat_map(|reservation| reservation.instances())
                    .find(|instance| instance.instance_id() == Some(id.as_str()))
                    .and_then(ec2::host_from_sdk)
                    .map_or(Seen::Absent, Seen::Present),
            };
            batch.iter().map(|id| ((*id).clone(), find(id))).collect::<Vec<_>>()
        });
        few_at_once(batches).await.into_iter().flatten().collect()
    }
}

/// Container instances by the clusters of their tasks.
pub(super) fn by_cluster(arns: &BTreeSet<String>, known: &Observed) -> BTreeMap<String, BTreeSet<String>> {
    let tasks = known.tasks.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let mut clusters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for task in tasks {
        if let Some(arn) = task.container_instance.as_ref().filter(|arn| arns.contains(*arn)) {
            clusters.entry(task.service.cluster.clone()).or_default().insert(arn.clone());
        }
    }
    clusters
}

/// The instance of a container instance. One that is no instance of EC2's has none.
fn carrier(arn: &str, answered: &[ContainerInstance], failures: &[Failure]) -> Seen<InstanceId> {
    if let Some(one) = answered.iter().find(|one| one.container_instance_arn() == Some(arn)) {
        return one.ec2_instance_id().map_or(Seen::Absent, |id| Seen::Present(InstanceId::from(id)));
    }
    match failures.iter().find(|failure| failure.arn().map(last_part) == Some(last_part(arn))) {
        Some(failure) if failure.reason() == Some(MISSING) => Seen::Absent,
        failure => {
            let why = failure.map_or(Some(UNANSWERED), |failure| failure.reason());
            Seen::Unknown(Gap {
                call: CONTAINER_INSTANCES.call().to_owned(),
                why: why.unwrap_or(UNANSWERED).to_owned(),
            })
        }
    }
}
