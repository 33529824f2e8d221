//! Which services of a cluster name which target groups, those included that the manifest does not know.

use aws_sdk_ecs::types as sdk;

use crate::apply::AwsError;
use crate::aws::ecs;
use crate::model::{LoadBalancerEntry, Operation, ServiceId};

use super::Reader;
use super::concurrency::few_at_once;
use super::matching::complete;

const SERVICES: Operation = Operation::DescribeServices;

impl Reader {
    /// Every service of a cluster with its load balancer entries.
    pub(super) async fn wired_in(&self, cluster: &str) -> Result<Vec<(ServiceId, Vec<LoadBalancerEntry>)>, AwsError> {
        let request = self.clients.reading.ecs.list_services().cluster(cluster);
        let pages = request.set_max_results(Operation::ListServices.page()).into_paginator().items().send();
        let arns: Vec<String> = self.ask(Operation::ListServices, pages.try_collect()).await?;
        let batches = arns.chunks(10).map(async |batch| {
            let request = self.clients.reading.ecs.describe_services().cluster(cluster);
            let answer = self.ask(SERVICES, request.set_services(Some(batch.to_vec())).send()).await?;
            // A service that went away since it was listed is missing, and names nothing any more.
            complete(
                SERVICES.call(),
                batch,
                answer.services().iter().map(sdk::Service::service_name),
                answer.failures(),
            )?;
            Ok(answer)
        });
        let mut found = Vec::new();
        for answer in few_at_once(batches).await {
            let answer = answer?;
            for service in answer.services() {
                let name = service.service_name().unwrap_or_default().to_owned();
                found.push((ServiceId { cluster: cluster.to_owned(), name }, ecs::entries_from_sdk(service)));
            }
        }
        Ok(found)
    }
}
