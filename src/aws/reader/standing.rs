//! What stands in a cluster, for those who have no manifest yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::{AwsError, Find};
use crate::model::arn::last_part;
use crate::model::{GroupId, Observed, Scope, Seen, ServiceId, Standing};

use super::concurrency::few_at_once;
use super::services::is_cluster_missing;
use super::{Reader, not_asked, unknown};

const SERVICES: &str = "ecs:ListServices";
const CLUSTERS: &str = "ecs:ListClusters";

impl Find for Reader {
    /// All services of a cluster are read, ten in a call, also when only some were asked for: another one may feed the
    /// same target group.
    async fn standing(&self, scope: &Scope) -> Standing {
        let lists = scope.clusters.iter().map(|cluster| self.service_names(cluster));
        let (lists, target_groups) = tokio::join!(few_at_once(lists), self.target_groups());
        let mut clusters = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for (cluster, list) in scope.clusters.iter().zip(lists) {
            let id = |name: &String| ServiceId { cluster: cluster.clone(), name: name.clone() };
            let seen = match list {
                Ok(names) => {
                    ids.extend(names.iter().map(id));
                    Seen::Present(())
                }
                Err(error) if is_cluster_missing(&error) => Seen::Absent,
                Err(error) => {
                    // What was asked for by name can be read without a list.
                    ids.extend(scope.services.iter().filter_map(|name| match name.split_once('/') {
                        Some((of, name)) => (of == cluster).then(|| id(&name.to_owned())),
                        None => Some(id(name)),
                    }));
                    unknown(&error)
                }
            };
            clusters.insert(cluster.clone(), seen);
        }
        let is_misspelt = clusters.values().any(|seen| *seen == Seen::Absent);
        let others = if is_misspelt { self.cluster_names().await } else { Seen::Unknown(not_asked(CLUSTERS)) };
        let services = self.describe_services(&ids).await;
        Standing { clusters, others, services, target_groups }
    }

    async fn ingress_too(&self, groups: &BTreeSet<GroupId>, observed: &mut Observed) {
        let missing: BTreeSet<GroupId> =
            groups.iter().filter(|group| !observed.ingress.contains_key(*group)).cloned().collect();
        let read = self.ingress(&missing).await;
        let gaps = read.iter().filter_map(|(group, seen)| Some((group.to_string(), seen.gap()?.clone())));
        observed.gaps.extend(gaps);
        observed.ingress.extend(read);
    }
}

impl Reader {
    async fn service_names(&self, cluster: &str) -> Result<Vec<String>, AwsError> {
        let request = self.clients.reading.ecs.list_services().cluster(cluster);
        let pages = request.into_paginator().page_size(100).items().send();
        let arns: Vec<String> = self.ask(SERVICES, pages.try_collect()).await?;
        Ok(arns.iter().map(|arn| last_part(arn).to_owned()).collect())
    }

    async fn cluster_names(&self) -> Seen<Vec<String>> {
        let pages = self.clients.reading.ecs.list_clusters().into_paginator().page_size(100).items().send();
        let arns: Result<Vec<String>, AwsError> = self.ask(CLUSTERS, pages.try_collect()).await;
        match arns {
            Ok(arns) => {
                let mut names: Vec<String> = arns.iter().map(|arn| last_part(arn).to_owned()).collect();
                names.sort();
                Seen::Present(names)
            }
            Err(error) => unknown(&error),
        }
    }
}
