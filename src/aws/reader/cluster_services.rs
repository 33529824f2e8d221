//! All services of a cluster, those included that the manifest does not know: which target groups they name, and whose they are.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as sdk;
use aws_sdk_ecs::types::ServiceField;

use crate::apply::AwsError;
use crate::aws::ecs;
use crate::model::{LoadBalancerEntry, Operation, Seen, ServiceId, ServiceOutline};

use super::concurrency::few_at_once;
use super::matching::complete;
use super::{Reader, absent_or_unknown};

const SERVICES: Operation = Operation::DescribeServices;

impl Reader {
    pub(super) async fn cluster_services(
        &self,
        clusters: &BTreeSet<String>,
    ) -> BTreeMap<String, Seen<Vec<ServiceOutline>>> {
        let each = clusters.iter().map(async |cluster| {
            let seen = match self.services_in(cluster).await {
                Ok(all) => Seen::Present(all),
                Err(error) => absent_or_unknown(&error),
            };
            (cluster.clone(), seen)
        });
        few_at_once(each).await.into_iter().collect()
    }

    async fn services_in(&self, cluster: &str) -> Result<Vec<ServiceOutline>, AwsError> {
        let request = self.clients.reading.ecs.list_services().cluster(cluster);
        let pages = request.set_max_results(Operation::ListServices.page()).into_paginator().items().send();
        let arns: Vec<String> = self.ask(Operation::ListServices, pages.try_collect()).await?;
        let batches = arns.chunks(10).map(async |batch| {
            let request = self.clients.reading.ecs.describe_services().cluster(cluster).include(ServiceField::Tags);
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
            found.extend(answer.services().iter().map(|service| outline(cluster, service)));
        }
        Ok(found)
    }
}

fn outline(cluster: &str, service: &sdk::Service) -> ServiceOutline {
    let name = service.service_name().unwrap_or_default().to_owned();
    let entries = ecs::entries_from_sdk(service);
    ServiceOutline {
        id: ServiceId { cluster: cluster.to_owned(), name },
        target_groups: entries.iter().flat_map(LoadBalancerEntry::target_groups).cloned().collect(),
        tags: ecs::tags_from_sdk(service.tags()),
    }
}
