//! Network ACLs, route tables and prefix lists.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Filter;

use crate::apply::AwsError;
use crate::aws::ec2;
use crate::model::{NetworkAcl, Operation, RouteTable, Seen, VpcId};

use super::concurrency::few_at_once;
use super::{Reader, absent_or_unknown, unknown};

/// Things by VPC: AWS filters both kinds by `vpc-id`.
pub(super) fn in_vpcs(vpcs: &BTreeSet<VpcId>) -> Filter {
    let ids = vpcs.iter().map(ToString::to_string).collect();
    Filter::builder().name("vpc-id").set_values(Some(ids)).build()
}

/// What was read of several VPCs, for each of them.
fn by_vpc<T>(
    vpcs: &BTreeSet<VpcId>,
    answer: Result<Vec<T>, AwsError>,
    vpc: impl Fn(&T) -> &VpcId,
) -> BTreeMap<VpcId, Seen<Vec<T>>> {
    let list = match answer {
        Ok(list) => list,
        Err(error) => return vpcs.iter().map(|id| (id.clone(), unknown(&error))).collect(),
    };
    let mut found: BTreeMap<VpcId, Vec<T>> = vpcs.iter().map(|id| (id.clone(), Vec::new())).collect();
    for one in list {
        if let Some(its) = found.get_mut(vpc(&one)) {
            its.push(one);
        }
    }
    found.into_iter().map(|(id, list)| (id, Seen::Present(list))).collect()
}

impl Reader {
    pub(super) async fn network_acls(&self, vpcs: &BTreeSet<VpcId>) -> BTreeMap<VpcId, Seen<Vec<NetworkAcl>>> {
        let request = self.clients.reading.ec2.describe_network_acls().filters(in_vpcs(vpcs));
        let pages = request.set_max_results(Operation::DescribeNetworkAcls.page()).into_paginator().items().send();
        let answer: Result<Vec<_>, _> = self.ask(Operation::DescribeNetworkAcls, pages.try_collect()).await;
        by_vpc(vpcs, answer.map(|list| list.iter().filter_map(ec2::acl_from_sdk).collect()), |acl| &acl.vpc)
    }

    pub(super) async fn route_tables(&self, vpcs: &BTreeSet<VpcId>) -> BTreeMap<VpcId, Seen<Vec<RouteTable>>> {
        let request = self.clients.reading.ec2.describe_route_tables().filters(in_vpcs(vpcs));
        let pages = request.set_max_results(Operation::DescribeRouteTables.page()).into_paginator().items().send();
        let answer: Result<Vec<_>, _> = self.ask(Operation::DescribeRouteTables, pages.try_collect()).await;
        by_vpc(vpcs, answer.map(|list| list.iter().filter_map(ec2::route_table_from_sdk).collect()), |table| &table.vpc)
    }

    pub(super) async fn prefix_lists(&self, ids: &BTreeSet<String>) -> BTreeMap<String, Seen<BTreeSet<ipnet::IpNet>>> {
        let all = ids.iter().map(async |id| {
            let request = self.clients.reading.ec2.get_managed_prefix_list_entries().prefix_list_id(id);
            let pages =
                request.set_max_results(Operation::GetManagedPrefixListEntries.page()).into_paginator().items().send();
            let answer: Result<Vec<_>, _> = self.ask(Operation::GetManagedPrefixListEntries, pages.try_collect()).await;
            let seen = match answer {
                Ok(entries) => {
                    let entries: Vec<aws_sdk_ec2::types::PrefixListEntry> = entries;
                    let blocks = entries.iter().filter_map(|entry| entry.cidr()?.parse::<ipnet::IpNet>().ok());
                    Seen::Present(blocks.map(|block| block.trunc()).collect())
                }
                Err(error) => absent_or_unknown(&error),
            };
            (id.clone(), seen)
        });
        few_at_once(all).await.into_iter().collect()
    }
}
