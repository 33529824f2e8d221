//! Instances and network interfaces: who really has an address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aws_sdk_ec2::types::Filter;
use futures_util::future::join_all;

use crate::aws::ec2;
use crate::model::{Host, InstanceId, Seen};

use super::groups::FILTER_VALUES;
use super::{Reader, unknown};

const INSTANCES: &str = "ec2:DescribeInstances";
const INTERFACES: &str = "ec2:DescribeNetworkInterfaces";

impl Reader {
    /// Asks by filter, not by id: one id that does not exist would make EC2 refuse the whole call.
    pub(super) async fn hosts(&self, ids: &BTreeSet<InstanceId>) -> BTreeMap<InstanceId, Seen<Host>> {
        // `mi-…` is a machine outside AWS; EC2 does not know it.
        let ids: Vec<&InstanceId> = ids.iter().filter(|id| id.as_str().starts_with("i-")).collect();
        let batches = ids.chunks(FILTER_VALUES).map(async |batch| {
            let values = batch.iter().map(ToString::to_string).collect();
            let filter = Filter::builder().name("instance-id").set_values(Some(values)).build();
            let request = self.clients.reading.ec2.describe_instances().filters(filter);
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
        join_all(batches).await.into_iter().flatten().collect()
    }

    /// Whether any network interface of the region has these addresses.
    pub(super) async fn interfaces(&self, addresses: &BTreeSet<IpAddr>) -> BTreeMap<IpAddr, Seen<()>> {
        let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|address| address.is_ipv4());
        let v4 = v4.chunks(FILTER_VALUES).map(|batch| ("addresses.private-ip-address", batch));
        let v6 = v6.chunks(FILTER_VALUES).map(|batch| ("ipv6-addresses.ipv6-address", batch));
        let batches = v4.chain(v6).map(async |(filter, batch)| {
            let values = batch.iter().map(ToString::to_string).collect();
            let filter = Filter::builder().name(filter).set_values(Some(values)).build();
            let request = self.clients.reading.ec2.describe_network_interfaces().filters(filter);
            let pages = request.into_paginator().page_size(1000).items().send();
            let answer = self.ask(INTERFACES, pages.try_collect()).await;
            let taken = answer.map(|list: Vec<aws_sdk_ec2::types::NetworkInterface>| {
                list.iter().flat_map(ec2::addresses_from_sdk).collect::<BTreeSet<IpAddr>>()
            });
            let find = |address: &IpAddr| match &taken {
                Err(error) => unknown(error),
                Ok(taken) if taken.contains(address) => Seen::Present(()),
                Ok(_) => Seen::Absent,
            };
            batch.iter().map(|address| (*address, find(address))).collect::<Vec<_>>()
        });
        join_all(batches).await.into_iter().flatten().collect()
    }
}
