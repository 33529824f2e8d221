//! What must be known before something that the fleet made may go: who carries a security group, and which target groups
//! any service of a cluster names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aws_sdk_ec2::types::Filter;
use futures_util::future::join_all;

use crate::apply::{AwsError, ErrorKind};
use crate::aws::{ec2, ecs};
use crate::model::{GroupId, Seen, TargetGroupArn};

use super::{Reader, absent_or_unknown, unknown};

/// An answer that leaves something out.
pub(super) fn incomplete(call: &str, reason: Option<&str>) -> AwsError {
    AwsError {
        call: call.to_owned(),
        kind: ErrorKind::Other,
        code: "Incomplete".to_owned(),
        message: reason.unwrap_or("no reason").to_owned(),
        request_id: None,
    }
}

impl Reader {
    /// The addresses of all network interfaces that carry these groups.
    pub(super) async fn carriers(&self, groups: &BTreeSet<GroupId>) -> BTreeMap<GroupId, Seen<BTreeSet<IpAddr>>> {
        let each = groups.iter().map(async |group| {
            let filter = Filter::builder().name("group-id").values(group.as_str()).build();
            let request = self.clients.reading.ec2.describe_network_interfaces().filters(filter);
            let pages = request.include_managed_resources(true).into_paginator().page_size(1000).items().send();
            let seen = match self.ask("ec2:DescribeNetworkInterfaces", pages.try_collect()).await {
                Ok(list) => {
                    let list: Vec<aws_sdk_ec2::types::NetworkInterface> = list;
                    Seen::Present(list.iter().flat_map(ec2::addresses_from_sdk).collect())
                }
                Err(error) => unknown(&error),
            };
            (group.clone(), seen)
        });
        join_all(each).await.into_iter().collect()
    }

    /// The target groups that any service of these clusters names, alternates included.
    pub(super) async fn named_target_groups(
        &self,
        clusters: &BTreeSet<String>,
    ) -> BTreeMap<String, Seen<BTreeSet<TargetGroupArn>>> {
        let each = clusters.iter().map(async |cluster| {
            let seen = match self.named_in(cluster).await {
                Ok(named) => Seen::Present(named),
                Err(error) => absent_or_unknown(&error),
            };
            (cluster.clone(), seen)
        });
        join_all(each).await.into_iter().collect()
    }

    async fn named_in(&self, cluster: &str) -> Result<BTreeSet<TargetGroupArn>, AwsError> {
        let request = self.clients.reading.ecs.list_services().cluster(cluster);
        let pages = request.into_paginator().page_size(100).items().send();
        let arns: Vec<String> = self.ask("ecs:ListServices", pages.try_collect()).await?;
        let batches = arns.chunks(10).map(async |batch| {
            let request = self.clients.reading.ecs.describe_services().cluster(cluster);
            self.ask("ecs:DescribeServices", request.set_services(Some(batch.to_vec())).send()).await
        });
        let mut named = BTreeSet::new();
        for answer in join_all(batches).await {
            let answer = answer?;
            // A service that went away since it was listed is missing, and names nothing any more.
            if let Some(failure) = answer.failures().iter().find(|failure| failure.reason() != Some("MISSING")) {
                return Err(incomplete("ecs:DescribeServices", failure.reason()));
            }
            let entries = answer.services().iter().flat_map(ecs::entries_from_sdk);
            named.extend(entries.flat_map(|entry| entry.target_groups().cloned().collect::<Vec<_>>()));
        }
        Ok(named)
    }
}
