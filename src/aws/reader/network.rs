//! What EC2 knows of a region: VPCs, subnets, security groups, and the ingress rules with the fleet's tag.

use crate::aws::ec2;
use crate::model::owner::FLEET_TAG;
use crate::model::{IngressRule, Operation, SecurityGroup, Seen, Subnet, Vpc};

use aws_sdk_ec2::types::Filter;

use super::groups::RULES;
use super::{Reader, unknown};

impl Reader {
    pub(super) async fn vpcs(&self) -> Seen<Vec<Vpc>> {
        let request = self.clients.reading.ec2.describe_vpcs().set_max_results(Operation::DescribeVpcs.page());
        let pages = request.into_paginator().items().send();
        match self.ask(Operation::DescribeVpcs, pages.try_collect()).await {
            Ok(list) => {
                let mut vpcs: Vec<Vpc> = list.iter().filter_map(ec2::vpc_from_sdk).collect();
                vpcs.sort_by(|a, b| a.id.cmp(&b.id));
                Seen::Present(vpcs)
            }
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn subnets(&self) -> Seen<Vec<Subnet>> {
        let request = self.clients.reading.ec2.describe_subnets().set_max_results(Operation::DescribeSubnets.page());
        let pages = request.into_paginator().items().send();
        match self.ask(Operation::DescribeSubnets, pages.try_collect()).await {
            Ok(list) => {
                let mut subnets: Vec<Subnet> = list.iter().filter_map(ec2::subnet_from_sdk).collect();
                subnets.sort_by(|a, b| a.id.cmp(&b.id));
                Seen::Present(subnets)
            }
            Err(error) => unknown(&error),
        }
    }

    pub(super) async fn security_groups(&self) -> Seen<Vec<SecurityGroup>> {
        let request = self.clients.reading.ec2.describe_security_groups();
        let request = request.set_max_results(Operation::DescribeSecurityGroups.page());
        let pages = request.into_paginator().send();
        match self.ask(Operation::DescribeSecurityGroups, pages.try_collect()).await {
            Ok(pages) => {
                let list = pages.iter().flat_map(|page| page.security_groups());
                let mut groups: Vec<SecurityGroup> = list.filter_map(ec2::group_from_sdk).collect();
                groups.sort_by(|a, b| a.id.cmp(&b.id));
                Seen::Present(groups)
            }
            Err(error) => unknown(&error),
        }
    }

    /// The ingress rules with the tag of a fleet.
    pub(super) async fn marked_ingress(&self, fleet: &str) -> Seen<Vec<IngressRule>> {
        let mark = Filter::builder().name(format!("tag:{FLEET_TAG}")).values(fleet).build();
        let request = self.clients.reading.ec2.describe_security_group_rules().filters(mark);
        let pages = request.set_max_results(RULES.page()).into_paginator().items().send();
        match self.ask(RULES, pages.try_collect()).await {
            Ok(list) => {
                let mut rules: Vec<IngressRule> = list.iter().filter_map(ec2::ingress_from_sdk).collect();
                rules.sort_by(|a, b| a.id.cmp(&b.id));
                Seen::Present(rules)
            }
            Err(error) => unknown(&error),
        }
    }
}
