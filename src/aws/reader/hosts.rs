//! Instances. Those that AWS manages for the account are asked for as well: they may be hidden by default.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Filter;

use crate::aws::ec2;
use crate::model::{Host, InstanceId, Seen};

use super::concurrency::few_at_once;
use super::groups::FILTER_VALUES;
use super::{Reader, unknown};

const INSTANCES: &str = "ec2:DescribeInstances";

impl Reader {
    /// Asks by filter, not by id: one id that does not exist would make EC2 refuse the whole call.
    pub(super) async fn hosts(&self, ids: &BTreeSet<InstanceId>) -> BTreeMap<InstanceId, Seen<Host>> {
        // `mi-…` is a machine outside AWS; EC2 does not know it.
        let ids: Vec<&InstanceId> = ids.iter().filter(|id| id.as_str().starts_with("i-")).collect();
        let batches = ids.chunks(FILTER_VALUES).map(async |batch| {
            let values = batch.iter().map(ToString::to_string).collect();
            let filter = Filter::builder().name("instance-id").set_values(Some(values)).build();
            let request = self.clients.reading.ec2.describe_instances().filters(filter).include_managed_resources(true);
            let pages = request.into_paginator().page_size(1000).items().send();
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
