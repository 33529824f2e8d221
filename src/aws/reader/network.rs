//! What EC2 knows of a region: VPCs, subnets, security groups, and the ingress rules that bear the fleet's mark.

use crate::aws::ec2;
use crate::model::owner::FLEET_TAG;
use crate::model::{Desired, IngressRule, Observed, SecurityGroup, Seen, Subnet, Vpc};

use aws_sdk_ec2::types::Filter;

use super::groups::RULES;
use super::{Reader, unknown};

/// Lists of the whole region: the fleet's VPCs are known only once the names of the manifest are looked up in them.
pub(super) struct ReadNetwork {
    vpcs: Seen<Vec<Vpc>>,
    subnets: Seen<Vec<Subnet>>,
    security_groups: Seen<Vec<SecurityGroup>>,
    /// `None` without prune.
    marked_ingress: Option<Seen<Vec<IngressRule>>>,
}

impl ReadNetwork {
    pub(super) fn store(self, observed: &mut Observed) {
        observed.vpcs = self.vpcs;
        observed.subnets = self.subnets;
        observed.security_groups = self.security_groups;
        if let Some(rules) = self.marked_ingress {
            observed.marked_ingress = rules;
        }
    }
}

impl Reader {
    pub(super) async fn network(&self, desired: &Desired) -> ReadNetwork {
        let (vpcs, subnets, security_groups, marked_ingress) =
            tokio::join!(self.vpcs(), self.subnets(), self.security_groups(), self.marked_ingress(desired));
        ReadNetwork { vpcs, subnets, security_groups, marked_ingress }
    }

    async fn vpcs(&self) -> Seen<Vec<Vpc>> {
        let pages = self.clients.reading.ec2.describe_vpcs().into_paginator().page_size(1000).items().send();
        match self.ask("ec2:DescribeVpcs", pages.try_collect()).await {
            Ok(list) => {
                let mut vpcs: Vec<Vpc> = list.iter().filter_map(ec2::vpc_from_sdk).collect();
                vpcs.sort_by(|a, b| a.id.cmp(&b.id));
                Seen::Present(vpcs)
            }
            Err(error) => unknown(&error),
        }
    }

    async fn subnets(&self) -> Seen<Vec<Subnet>> {
        let pages = self.clients.reading.ec2.describe_subnets().into_paginator().page_size(1000).items().send();
        match self.ask("ec2:DescribeSubnets", pages.try_collect()).await {
            Ok(list) => {
                let mut subnets: Vec<Subnet> = list.iter().filter_map(ec2::subnet_from_sdk).collect();
                subnets.sort_by(|a, b| a.id.cmp(&b.id));
                Seen::Present(subnets)
            }
            Err(error) => unknown(&error),
        }
    }

    async fn security_groups(&self) -> Seen<Vec<SecurityGroup>> {
        let request = self.clients.reading.ec2.describe_security_groups();
        let pages = request.into_paginator().page_size(1000).items().send();
        match self.ask("ec2:DescribeSecurityGroups", pages.try_collect()).await {
            Ok(list) => {
                let mut groups: Vec<SecurityGroup> = list.iter().filter_map(ec2::group_from_sdk).collect();
                groups.sort_by(|a, b| a.id.cmp(&b.id));
                Seen::Present(groups)
            }
            Err(error) => unknown(&error),
        }
    }

    async fn marked_ingress(&self, desired: &Desired) -> Option<Seen<Vec<IngressRule>>> {
        if !desired.fleet.removal.prune {
            return None;
        }
        let mark = Filter::builder().name(format!("tag:{FLEET_TAG}")).values(&desired.fleet.name).build();
        let request = self.clients.reading.ec2.describe_security_group_rules().filters(mark);
        let pages = request.into_paginator().page_size(1000).items().send();
        Some(match self.ask(RULES, pages.try_collect()).await {
            Ok(list) => {
                let mut rules: Vec<IngressRule> = list.iter().filter_map(ec2::ingress_from_sdk).collect();
                rules.sort_by(|a, b| a.id.cmp(&b.id));
                Seen::Present(rules)
            }
            Err(error) => unknown(&error),
        })
    }
}
