//! Where the route tables of VPCs lead, for rules that no request may match: an address that some route names may be a
//! client's.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types as sdk;
use ipnet::IpNet;

use crate::model::{Operation, Seen, VpcId};

use super::vpcs::in_vpcs;
use super::{Reader, unknown};

impl Reader {
    /// Destinations of all routes of each VPC. The default routes are left out: they lead to every other address.
    pub(super) async fn routes(&self, vpcs: &BTreeSet<VpcId>) -> BTreeMap<VpcId, Seen<BTreeSet<IpNet>>> {
        let request = self.clients.reading.ec2.describe_route_tables().filters(in_vpcs(vpcs));
        let pages = request.set_max_results(Operation::DescribeRouteTables.page()).into_paginator().items().send();
        let answer: Result<Vec<sdk::RouteTable>, _> =
            self.ask(Operation::DescribeRouteTables, pages.try_collect()).await;
        let tables = match answer {
            Ok(tables) => tables,
            Err(error) => return vpcs.iter().map(|id| (id.clone(), unknown(&error))).collect(),
        };
        let lists = tables.iter().flat_map(|table| table.routes()).filter_map(list_of).map(str::to_owned).collect();
        let lists = self.prefix_lists(&lists).await;
        let of = |id: &VpcId| {
            let own = tables.iter().filter(|table| table.vpc_id() == Some(id.as_str()));
            let routes: Vec<&sdk::Route> = own.flat_map(|table| table.routes()).collect();
            let seen = destinations(&routes, &lists);
            (id.clone(), seen)
        };
        vpcs.iter().map(of).collect()
    }
}

/// The prefix list that a route names. What leads to an endpoint of an AWS service (a gateway endpoint) reaches no client.
fn list_of(route: &sdk::Route) -> Option<&str> {
    let is_endpoint = route.gateway_id().is_some_and(|id| id.starts_with("vpce-"));
    route.destination_prefix_list_id().filter(|_| !is_endpoint)
}

fn destinations(routes: &[&sdk::Route], lists: &BTreeMap<String, Seen<BTreeSet<IpNet>>>) -> Seen<BTreeSet<IpNet>> {
    let blocks = routes.iter().filter_map(|route| route.destination_cidr_block()?.parse::<IpNet>().ok());
    let mut found: BTreeSet<IpNet> = blocks.filter(|block| block.prefix_len() > 0).collect();
    for list in routes.iter().filter_map(|route| list_of(route)) {
        match lists.get(list) {
            Some(Seen::Present(entries)) => found.extend(entries),
            Some(Seen::Unknown(gap)) => return Seen::Unknown(gap.clone()),
            // A list that is gone leads nowhere.
            Some(Seen::Absent) | None => {}
        }
    }
    Seen::Present(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gap;

    fn route(to: &str, by: &str) -> sdk::Route {
        let route = sdk::Route::builder().gateway_id(by);
        if to.starts_with("pl-") {
            route.destination_prefix_list_id(to).build()
        } else {
            route.destination_cidr_block(to).build()
        }
    }

    #[test]
    fn every_route_counts_but_the_default_one_and_endpoints() {
        let routes = [
            route("0.0.0.0/0", "igw-1"),
            route("10.0.0.0/16", "local"),
            route("192.0.2.0/24", "vgw-1"),
            route("pl-s3", "vpce-1"),
            route("pl-office", "tgw-1"),
        ];
        let routes: Vec<&sdk::Route> = routes.iter().collect();
        let block = |text: &str| text.parse::<IpNet>().expect("a block");
        let mut lists = BTreeMap::from([("pl-office".to_owned(), Seen::Present([block("172.16.0.0/12")].into()))]);
        let expected = ["10.0.0.0/16", "172.16.0.0/12", "192.0.2.0/24"].map(block);
        assert_eq!(destinations(&routes, &lists), Seen::Present(expected.into()));
        let gap = Gap { call: "ec2:GetManagedPrefixListEntries".to_owned(), why: "AccessDenied".to_owned() };
        lists.insert("pl-office".to_owned(), Seen::Unknown(gap.clone()));
        assert_eq!(destinations(&routes, &lists), Seen::Unknown(gap), "what an unread list holds is not known");
    }
}
