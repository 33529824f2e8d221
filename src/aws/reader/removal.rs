//! What must be known before an ingress rule that the fleet made may go: who carries its security group.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aws_sdk_ec2::types::Filter;

use crate::aws::ec2;
use crate::model::{GroupId, Seen};

use super::concurrency::few_at_once;
use super::{Reader, unknown};

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
}
