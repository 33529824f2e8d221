//! Instances and network interfaces: who really has an address. Resources that AWS manages for the account are asked for
//! as well: they may be hidden by default, and a live target must not look like nobody's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aws_sdk_ec2::types::Filter;
use futures_util::future::join_all;
use ipnet::IpNet;

use crate::aws::ec2;
use crate::model::{Host, InstanceId, Seen, Subnet};

use super::groups::FILTER_VALUES;
use super::{Reader, not_asked, unknown};

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
        join_all(batches).await.into_iter().flatten().collect()
    }

    /// Whether any network interface of the region has these addresses, as its own or inside a prefix delegated to it.
    pub(super) async fn interfaces(
        &self,
        addresses: &BTreeSet<IpAddr>,
        subnets: &Seen<Vec<Subnet>>,
    ) -> BTreeMap<IpAddr, Seen<()>> {
        let mut found = self.interfaces_by_address(addresses).await;
        let unseen: Vec<IpAddr> =
            found.iter().filter(|(_, seen)| **seen == Seen::Absent).map(|(address, _)| *address).collect();
        for (address, seen) in self.prefixes_with(&unseen, subnets).await {
            found.insert(address, seen);
        }
        found
    }

    /// EC2 has no filter for the prefixes of an interface: the interfaces of the addresses' subnets are looked through.
    async fn prefixes_with(&self, addresses: &[IpAddr], subnets: &Seen<Vec<Subnet>>) -> Vec<(IpAddr, Seen<()>)> {
        if addresses.is_empty() {
            return Vec::new();
        }
        let Seen::Present(subnets) = subnets else {
            let gap = subnets.gap().cloned().unwrap_or_else(|| not_asked("ec2:DescribeSubnets"));
            return addresses.iter().map(|address| (*address, Seen::Unknown(gap.clone()))).collect();
        };
        let holds =
            |subnet: &&Subnet| subnet.cidrs.iter().any(|cidr| addresses.iter().any(|address| cidr.contains(address)));
        let ids: Vec<String> = subnets.iter().filter(holds).map(|subnet| subnet.id.to_string()).collect();
        let batches = ids.chunks(FILTER_VALUES).map(async |batch| {
            let filter = Filter::builder().name("subnet-id").set_values(Some(batch.to_vec())).build();
            let request = self.clients.reading.ec2.describe_network_interfaces().filters(filter);
            let pages = request.include_managed_resources(true).into_paginator().page_size(1000).items().send();
            let answer = self.ask(INTERFACES, pages.try_collect()).await;
            answer.map(|list: Vec<aws_sdk_ec2::types::NetworkInterface>| {
                list.iter().flat_map(ec2::prefixes_from_sdk).collect::<Vec<IpNet>>()
            })
        });
        let mut prefixes = Vec::new();
        for answer in join_all(batches).await {
            match answer {
                Ok(some) => prefixes.extend(some),
                Err(error) => return addresses.iter().map(|address| (*address, unknown(&error))).collect(),
            }
        }
        let inside = |address: &&IpAddr| prefixes.iter().any(|prefix| prefix.contains(*address));
        addresses.iter().filter(inside).map(|address| (*address, Seen::Present(()))).collect()
    }

    async fn interfaces_by_address(&self, addresses: &BTreeSet<IpAddr>) -> BTreeMap<IpAddr, Seen<()>> {
        let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|address| address.is_ipv4());
        let v4 = v4.chunks(FILTER_VALUES).map(|batch| ("addresses.private-ip-address", batch));
        let v6 = v6.chunks(FILTER_VALUES).map(|batch| ("ipv6-addresses.ipv6-address", batch));
        let batches = v4.chain(v6).map(async |(filter, batch)| {
            let values = batch.iter().map(ToString::to_string).collect();
            let filter = Filter::builder().name(filter).set_values(Some(values)).build();
            let request = self.clients.reading.ec2.describe_network_interfaces().filters(filter);
            let pages = request.include_managed_resources(true).into_paginator().page_size(1000).items().send();
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
