//! What must be known before something that the fleet made may go: who carries a security group, and which target groups
//! any service of a cluster names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aws_sdk_ec2::types::Filter;

use crate::apply::AwsError;
use crate::aws::ec2;
use crate::model::{GroupId, Seen, ServiceId, TargetGroupArn};

use super::concurrency::few_at_once;
use super::{Reader, absent_or_unknown, unknown};

impl Reader {
    /// The addresses of all network interfaces that carry these groups.
    pub(super) async fn group_addresses(
        &self,
        groups: &BTreeSet<GroupId>,
    ) -> BTreeMap<GroupId, Seen<BTreeSet<IpAddr>>> {
        let each = groups.iter().map(async |group| {
            let filter = Filter::builder().name("group-id").values(group.as_str()).build();
            let seen = match self.network_interfaces(filter).await {
                Ok(list) => Seen::Present(list.iter().flat_map(ec2::addresses_from_sdk).collect()),
                Err(error) => unknown(&error),
            };
            (group.clone(), seen)
        });
        few_at_once(each).await.into_iter().collect()
    }

    /// The target groups that any service of these clusters names, alternates included, each with these services.
    pub(super) async fn named_target_groups(
        &self,
        clusters: &BTreeSet<String>,
    ) -> BTreeMap<String, Seen<BTreeMap<TargetGroupArn, BTreeSet<ServiceId>>>> {
        let each = clusters.iter().map(async |cluster| {
            let seen = match self.named_in(cluster).await {
                Ok(named) => Seen::Present(named),
                Err(error) => absent_or_unknown(&error),
            };
            (cluster.clone(), seen)
        });
        few_at_once(each).await.into_iter().collect()
    }

    async fn named_in(&self, cluster: &str) -> Result<BTreeMap<TargetGroupArn, BTreeSet<ServiceId>>, AwsError> {
        let mut named: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (service, entries) in self.wired_in(cluster).await? {
            for arn in entries.iter().flat_map(|entry| entry.target_groups()) {
                named.entry(arn.clone()).or_default().insert(service.clone());
            }
        }
        Ok(named)
    }
}
