//! Network interfaces: who really has an address. Those that AWS manages for the account are asked for as well: they may be
//! hidden by default, and a live target must not look unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aws_sdk_ec2::types::{Filter, NetworkInterface};
use ipnet::IpNet;

use crate::apply::AwsError;
use crate::aws::ec2;
use crate::model::{
    AddressOwner, Gap, Interface, LoadBalancerArn, Nodes, Operation, Seen, Subnet, SubnetId, VpcId, is_of_task,
};

use super::concurrency::{LARGE_AT_ONCE, few_at_once, some_at_once};
use super::groups::FILTER_VALUES;
use super::{Reader, unknown};

const CALL: Operation = Operation::DescribeNetworkInterfaces;

/// Whose these interfaces with one address are; none: there is no such interface.
fn owner(all: &[&NetworkInterface]) -> Option<AddressOwner> {
    let is_of_task = |one: &&NetworkInterface| one.description().is_some_and(is_of_task);
    (!all.is_empty()).then(|| if all.iter().any(is_of_task) { AddressOwner::Task } else { AddressOwner::Other })
}

/// Of the interfaces that have an address, the one in these VPCs; targets in others are reached by peering.
fn interface_in(vpcs: &BTreeSet<VpcId>, all: &[&NetworkInterface]) -> Option<Interface> {
    let is_here = |one: &&&NetworkInterface| one.vpc_id().is_some_and(|id| vpcs.contains(&VpcId::from(id)));
    all.iter().find(is_here).or(all.first()).and_then(|one| ec2::interface_from_sdk(one))
}

impl Reader {
    /// The network interfaces that have these addresses as their own. Of several VPCs, these count.
    pub(super) async fn interfaces(
        &self,
        addresses: &BTreeSet<IpAddr>,
        vpcs: &BTreeSet<VpcId>,
    ) -> BTreeMap<IpAddr, Seen<Interface>> {
        self.interfaces_at(addresses, |all| interface_in(vpcs, all)).await
    }

    /// Whose network interface of the region has these addresses, as its own or inside a prefix delegated to it.
    pub(super) async fn address_owners(
        &self,
        addresses: &BTreeSet<IpAddr>,
        subnets: &Seen<Vec<Subnet>>,
    ) -> BTreeMap<IpAddr, Seen<AddressOwner>> {
        let mut found = self.interfaces_at(addresses, owner).await;
        let unseen: Vec<IpAddr> =
            found.iter().filter(|(_, seen)| **seen == Seen::Absent).map(|(address, _)| *address).collect();
        for (address, seen) in self.prefixes_with(&unseen, subnets).await {
            found.insert(address, seen);
        }
        found
    }

    /// EC2 has no filter for the prefixes of an interface: the interfaces of the addresses' subnets are looked through.
    async fn prefixes_with(
        &self,
        addresses: &[IpAddr],
        subnets: &Seen<Vec<Subnet>>,
    ) -> Vec<(IpAddr, Seen<AddressOwner>)> {
        if addresses.is_empty() {
            return Vec::new();
        }
        let Seen::Present(subnets) = subnets else {
            let gap = subnets.gap().cloned().unwrap_or_else(|| Gap::not_asked("ec2:DescribeSubnets"));
            return addresses.iter().map(|address| (*address, Seen::Unknown(gap.clone()))).collect();
        };
        let holds =
            |subnet: &&Subnet| subnet.cidrs.iter().any(|cidr| addresses.iter().any(|address| cidr.contains(address)));
        let ids: Vec<String> = subnets.iter().filter(holds).map(|subnet| subnet.id.to_string()).collect();
        let batches = ids.chunks(FILTER_VALUES).map(async |batch| {
            let filter = Filter::builder().name("subnet-id").set_values(Some(batch.to_vec())).build();
            let answer = self.network_interfaces(filter).await;
            answer.map(|list| list.iter().flat_map(ec2::prefixes_from_sdk).collect::<Vec<IpNet>>())
        });
        let mut prefixes = Vec::new();
        for answer in few_at_once(batches).await {
            match answer {
                Ok(some) => prefixes.extend(some),
                Err(error) => return addresses.iter().map(|address| (*address, unknown(&error))).collect(),
            }
        }
        let inside = |address: &&IpAddr| prefixes.iter().any(|prefix| prefix.contains(*address));
        addresses.iter().filter(inside).map(|address| (*address, Seen::Present(AddressOwner::Other))).collect()
    }

    /// What is to be read of the interfaces that have an address as their own, for each of these addresses. VPCs of a region
    /// may use the same addresses, so there may be several.
    async fn interfaces_at<T: Clone>(
        &self,
        addresses: &BTreeSet<IpAddr>,
        read: impl Fn(&[&NetworkInterface]) -> Option<T>,
    ) -> BTreeMap<IpAddr, Seen<T>> {
        let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|address| address.is_ipv4());
        let v4 = v4.chunks(FILTER_VALUES).map(|batch| ("addresses.private-ip-address", batch));
        let v6 = v6.chunks(FILTER_VALUES).map(|batch| ("ipv6-addresses.ipv6-address", batch));
        let batches = v4.chain(v6).map(async |(filter, batch)| {
            let values = batch.iter().map(ToString::to_string).collect();
            let filter = Filter::builder().name(filter).set_values(Some(values)).build();
            let list = match self.network_interfaces(filter).await {
                Ok(list) => list,
                Err(error) => return batch.iter().map(|address| (*address, unknown(&error))).collect::<Vec<_>>(),
            };
            let mut having = BTreeMap::<IpAddr, Vec<&NetworkInterface>>::new();
            for one in &list {
                ec2::addresses_from_sdk(one)
                    .into_iter()
                    .for_each(|address| having.entry(address).or_default().push(one));
            }
            let find = |address| having.get(address).and_then(|all| read(all)).map_or(Seen::Absent, Seen::Present);
            batch.iter().map(|address| (*address, find(address))).collect()
        });
        some_at_once(LARGE_AT_ONCE, batches).await.into_iter().flatten().collect()
    }

    /// The addresses of the nodes of network load balancers, by subnet: the interfaces that ELB describes with the load
    /// balancer's name.
    pub(super) async fn nodes_of(&self, balancers: &BTreeSet<LoadBalancerArn>) -> Nodes {
        let network: Vec<(&LoadBalancerArn, String)> =
            balancers.iter().filter_map(|arn| Some((arn, node_description(arn)?))).collect();
        let batches = network.chunks(FILTER_VALUES).map(async |batch| {
            let values = batch.iter().map(|(_, description)| description.clone()).collect();
            let filter = Filter::builder().name("description").set_values(Some(values)).build();
            let list = match self.network_interfaces(filter).await {
                Ok(list) => list,
                Err(error) => {
                    return batch.iter().map(|(arn, _)| ((*arn).clone(), unknown(&error))).collect::<Vec<_>>();
                }
            };
            let nodes = batch.iter().map(|(arn, description)| {
                let mut nodes = BTreeMap::<SubnetId, BTreeSet<IpAddr>>::new();
                for one in list.iter().filter(|one| one.description() == Some(description.as_str())) {
                    let subnet = one.subnet_id().map(SubnetId::from);
                    subnet.into_iter().for_each(|id| nodes.entry(id).or_default().extend(ec2::addresses_from_sdk(one)));
                }
                ((*arn).clone(), if nodes.is_empty() { Seen::Absent } else { Seen::Present(nodes) })
            });
            nodes.collect()
        });
        some_at_once(LARGE_AT_ONCE, batches).await.into_iter().flatten().collect()
    }

    /// The interfaces that a filter lets through.
    pub(super) async fn network_interfaces(&self, filter: Filter) -> Result<Vec<NetworkInterface>, AwsError> {
        let request = self.clients.reading.ec2.describe_network_interfaces().filters(filter);
        let request = request.include_managed_resources(true).set_max_results(CALL.page());
        let pages = request.into_paginator().items().send();
        self.ask(CALL, pages.try_collect()).await
    }
}

/// How ELB describes the interfaces of a network load balancer's nodes: `ELB net/NAME/ID`. Those of others change.
fn node_description(arn: &LoadBalancerArn) -> Option<String> {
    let path = arn.path()?;
    path.starts_with("net/").then(|| format!("ELB {path}"))
}
