//! What tracing needs besides: the network around the paths, in batches. Nothing of it is read for planning, and nothing
//! that planning has read is asked again.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, NetworkInterface};
use aws_sdk_ecs::types::{ContainerInstance, Failure};

use crate::apply::{AwsError, Surround};
use crate::aws::{ec2, elbv2};
use crate::model::arn::last_part;
use crate::model::{
    Attributes, Gap, GroupId, Host, InstanceId, Interface, LoadBalancerArn, NetworkAcl, Nodes, Observed, RouteTable,
    RuleSource, Seen, TargetGroupArn, Vicinity, VpcId,
};

use super::background::{Haste, each};
use super::concurrency::{few_at_once, some_at_once};
use super::groups::{FILTER_VALUES, RulesByGroup, by_group};
use super::matching::{MISSING, UNANSWERED};
use super::{NOT_ASKED, Reader, absent_or_unknown, unknown};

const CONTAINER_INSTANCES: &str = "ecs:DescribeContainerInstances";

/// Of the interfaces that have an address, the one in these VPCs; targets in others are reached by peering.
fn interface_in(vpcs: &BTreeSet<VpcId>, all: &[&NetworkInterface]) -> Option<Interface> {
    let is_here = |one: &&&NetworkInterface| one.vpc_id().is_some_and(|id| vpcs.contains(&VpcId::from(id)));
    all.iter().find(is_here).or(all.first()).and_then(|one| ec2::interface_from_sdk(one))
}

/// Things by VPC: AWS filters both kinds by `vpc-id`.
pub(super) fn in_vpcs(vpcs: &[VpcId]) -> Filter {
    let ids = vpcs.iter().map(ToString::to_string).collect();
    Filter::builder().name("vpc-id").set_values(Some(ids)).build()
}

/// What was read of several VPCs, for each of them.
fn by_vpc<T>(
    vpcs: &[VpcId],
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
    /// Reads the surroundings of everything that paths lead through.
    pub(super) async fn read_around(&self, vicinity: Vicinity, haste: Haste) -> Observed {
        if vicinity.vpcs.is_empty() {
            // There is neither a load balancer nor a target group, and AWS takes no filter without a value.
            return Observed::unasked(self.clients.region());
        }
        let vpcs: Vec<VpcId> = vicinity.vpcs.iter().cloned().collect();
        let carried = self.carriers_of_tasks(&vicinity.container_instances);
        let (
            network_acls,
            route_tables,
            interfaces,
            nodes,
            container_instances,
            balancer_attributes,
            attributes,
            stopped_tasks,
        ) = tokio::join!(
            self.network_acls(&vpcs),
            self.route_tables(&vpcs),
            self.interfaces_at(&vicinity.addresses, haste, |all| interface_in(&vicinity.vpcs, all)),
            self.all_nodes(&vicinity, haste),
            carried,
            self.balancer_attributes(&vicinity.balancers, &vicinity.balancer_attributes, haste),
            self.group_attributes(&vicinity.target_groups, &vicinity.group_attributes, haste),
            Box::pin(self.stopped_tasks(&vicinity.troubled)),
        );
        let mut around = Observed {
            network_acls,
            route_tables,
            interfaces,
            nodes,
            container_instances,
            balancer_attributes,
            attributes,
            stopped_tasks,
            ..Observed::unasked(self.clients.region())
        };
        if vicinity.needs_endpoint_services(&around.attributes) {
            around.endpoint_services = Box::pin(self.endpoint_services()).await;
        }
        if vicinity.has_strangers {
            around.named_target_groups = self.named_target_groups(&vicinity.clusters).await;
        }
        around.hosts = self.all_hosts(&vicinity, &around.container_instances).await;
        let groups = groups_to_read(&vicinity, &around);
        (around.ingress, around.egress) = self.rules_of_groups(&groups, haste).await;
        around.prefix_lists = self.prefix_lists(&lists_of(&around)).await;
        note_gaps(&mut around);
        around
    }

    async fn network_acls(&self, vpcs: &[VpcId]) -> BTreeMap<VpcId, Seen<Vec<NetworkAcl>>> {
        let request = self.clients.reading.ec2.describe_network_acls().filters(in_vpcs(vpcs));
        let pages = request.into_paginator().page_size(1000).items().send();
        let answer: Result<Vec<_>, _> = self.ask("ec2:DescribeNetworkAcls", pages.try_collect()).await;
        by_vpc(vpcs, answer.map(|list| list.iter().filter_map(ec2::acl_from_sdk).collect()), |acl| &acl.vpc)
    }

    async fn route_tables(&self, vpcs: &[VpcId]) -> BTreeMap<VpcId, Seen<Vec<RouteTable>>> {
        let request = self.clients.reading.ec2.describe_route_tables().filters(in_vpcs(vpcs));
        let pages = request.into_paginator().page_size(100).items().send();
        let answer: Result<Vec<_>, _> = self.ask("ec2:DescribeRouteTables", pages.try_collect()).await;
        by_vpc(vpcs, answer.map(|list| list.iter().filter_map(ec2::route_table_from_sdk).collect()), |table| &table.vpc)
    }

    /// The instances behind container instances whose tasks have addresses of their own: planning does not ask for them.
    async fn carriers_of_tasks(
        &self,
        clusters: &BTreeMap<String, BTreeSet<String>>,
    ) -> BTreeMap<String, Seen<InstanceId>> {
        let batches = clusters.iter().flat_map(|(cluster, arns)| {
            let arns: Vec<String> = arns.iter().cloned().collect();
            arns.chunks(100).map(|batch| (cluster.clone(), batch.to_vec())).collect::<Vec<_>>()
        });
        let answers = batches.map(async |(cluster, arns)| {
            let request = self.clients.reading.ecs.describe_container_instances().cluster(cluster);
            let request = request.set_container_instances(Some(arns.clone())).send();
            let answer = self.ask(CONTAINER_INSTANCES, request).await;
            let find = |arn: &String| match &answer {
                Err(error) => unknown(error),
                Ok(answer) => carrier(arn, answer.container_instances(), answer.failures()),
            };
            arns.iter().map(|arn| (arn.clone(), find(arn))).collect::<Vec<_>>()
        });
        few_at_once(answers).await.into_iter().flatten().collect()
    }

    /// What planning knows already is not asked again.
    async fn all_nodes(&self, vicinity: &Vicinity, haste: Haste) -> Nodes {
        let is_new = |arn: &&LoadBalancerArn| !vicinity.nodes.contains_key(*arn);
        let mut nodes = self.nodes_of(&vicinity.balancers.iter().filter(is_new).cloned().collect(), haste).await;
        nodes.extend(vicinity.nodes.clone());
        nodes
    }

    /// What planning knows already is not asked again.
    async fn all_hosts(
        &self,
        vicinity: &Vicinity,
        carriers: &BTreeMap<String, Seen<InstanceId>>,
    ) -> BTreeMap<InstanceId, Seen<Host>> {
        let carriers = carriers.values().filter_map(|seen| seen.as_ref().present());
        let wanted: BTreeSet<&InstanceId> = vicinity.instances.iter().chain(carriers).collect();
        let known = wanted.iter().filter_map(|id| Some(((*id).clone(), vicinity.hosts.get(*id)?.clone())));
        let mut hosts: BTreeMap<_, _> = known.collect();
        let rest: BTreeSet<InstanceId> = wanted.into_iter().filter(|id| !hosts.contains_key(*id)).cloned().collect();
        hosts.extend(self.hosts(&rest).await);
        hosts
    }

    async fn balancer_attributes(
        &self,
        arns: &BTreeSet<LoadBalancerArn>,
        known: &BTreeMap<LoadBalancerArn, Seen<Attributes>>,
        haste: Haste,
    ) -> BTreeMap<LoadBalancerArn, Seen<Attributes>> {
        each(arns, known, haste, async |arn: &LoadBalancerArn| {
            let client = &self.clients.reading.elb;
            let request = client.describe_load_balancer_attributes().load_balancer_arn(arn.as_str());
            match self.ask("elasticloadbalancing:DescribeLoadBalancerAttributes", request.send()).await {
                Ok(answer) => Seen::Present(elbv2::balancer_attributes_from_sdk(answer.attributes())),
                Err(error) => absent_or_unknown(&error),
            }
        })
        .await
    }

    async fn group_attributes(
        &self,
        arns: &BTreeSet<TargetGroupArn>,
        known: &BTreeMap<TargetGroupArn, Seen<Attributes>>,
        haste: Haste,
    ) -> BTreeMap<TargetGroupArn, Seen<Attributes>> {
        each(arns, known, haste, async |arn: &TargetGroupArn| self.attributes(arn).await).await
    }

    /// Ingress and egress.
    async fn rules_of_groups(&self, groups: &BTreeSet<GroupId>, haste: Haste) -> (RulesByGroup, RulesByGroup) {
        let groups: Vec<&GroupId> = groups.iter().collect();
        let batches = groups.chunks(FILTER_VALUES).map(async |batch| {
            let answer = self.rules_of(batch).await;
            [ec2::ingress_from_sdk, ec2::egress_from_sdk].map(|from| by_group(batch, &answer, from))
        });
        let (mut ingress, mut egress) = (RulesByGroup::new(), RulesByGroup::new());
        for [entering, leaving] in some_at_once(haste.at_once(), batches).await {
            ingress.extend(entering);
            egress.extend(leaving);
        }
        (ingress, egress)
    }

    pub(super) async fn prefix_lists(&self, ids: &BTreeSet<String>) -> BTreeMap<String, Seen<BTreeSet<ipnet::IpNet>>> {
        let all = ids.iter().map(async |id| {
            let request = self.clients.reading.ec2.get_managed_prefix_list_entries().prefix_list_id(id);
            let pages = request.into_paginator().page_size(100).items().send();
            let answer: Result<Vec<_>, _> = self.ask("ec2:GetManagedPrefixListEntries", pages.try_collect()).await;
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

/// The instance of a container instance. One that is no instance of EC2's has none.
fn carrier(arn: &str, answered: &[ContainerInstance], failures: &[Failure]) -> Seen<InstanceId> {
    if let Some(one) = answered.iter().find(|one| one.container_instance_arn() == Some(arn)) {
        return one.ec2_instance_id().map_or(Seen::Absent, |id| Seen::Present(InstanceId::from(id)));
    }
    match failures.iter().find(|failure| failure.arn().map(last_part) == Some(last_part(arn))) {
        Some(failure) if failure.reason() == Some(MISSING) => Seen::Absent,
        failure => {
            let why = failure.map_or(Some(UNANSWERED), |failure| failure.reason());
            Seen::Unknown(Gap { call: CONTAINER_INSTANCES.to_owned(), why: why.unwrap_or(UNANSWERED).to_owned() })
        }
    }
}

impl Surround for Reader {
    async fn around(&self, vicinity: Vicinity) -> Observed {
        self.read_around(vicinity, Haste::Leisure).await
    }
}

/// Groups of load balancers and services, and those that interfaces and instances really have.
fn groups_to_read(vicinity: &Vicinity, around: &Observed) -> BTreeSet<GroupId> {
    let interfaces = around.interfaces.values().filter_map(|seen| seen.as_ref().present());
    let interfaces = interfaces.flat_map(|interface| interface.security_groups.iter().cloned());
    let hosts = around.hosts.values().filter_map(|seen| seen.as_ref().present());
    let hosts = hosts.flat_map(|host| host.security_groups.iter().cloned());
    vicinity.security_groups.iter().cloned().chain(interfaces).chain(hosts).collect()
}

fn lists_of(around: &Observed) -> BTreeSet<String> {
    let rules = around.ingress.values().chain(around.egress.values()).filter_map(|seen| seen.as_ref().present());
    let lists = rules.flatten().filter_map(|rule| match &rule.source {
        RuleSource::PrefixList(id) => Some(id.clone()),
        RuleSource::Cidr(_) | RuleSource::Group(_) | RuleSource::Unknown => None,
    });
    lists.collect()
}

fn note_gaps(around: &mut Observed) {
    let mut found: BTreeSet<(String, Gap)> = BTreeSet::new();
    let mut add = |name: &str, gap: Option<&Gap>| {
        if let Some(gap) = gap.filter(|gap| gap.why != NOT_ASKED) {
            found.insert((name.to_owned(), gap.clone()));
        }
    };
    around.network_acls.values().for_each(|seen| add("network ACLs", seen.gap()));
    around.route_tables.values().for_each(|seen| add("route tables", seen.gap()));
    add("endpoint services", around.endpoint_services.gap());
    around.named_target_groups.values().for_each(|seen| add("services", seen.gap()));
    around.egress.iter().for_each(|(id, seen)| add(id.as_str(), seen.gap()));
    around.ingress.iter().for_each(|(id, seen)| add(id.as_str(), seen.gap()));
    around.prefix_lists.iter().for_each(|(id, seen)| add(id, seen.gap()));
    around.interfaces.iter().for_each(|(address, seen)| add(&address.to_string(), seen.gap()));
    around.nodes.iter().for_each(|(arn, seen)| add(arn.as_str(), seen.gap()));
    around.container_instances.iter().for_each(|(arn, seen)| add(arn, seen.gap()));
    around.hosts.iter().for_each(|(id, seen)| add(id.as_str(), seen.gap()));
    around.stopped_tasks.iter().for_each(|(id, seen)| add(&id.to_string(), seen.gap()));
    around.balancer_attributes.iter().for_each(|(arn, seen)| add(arn.as_str(), seen.gap()));
    around.attributes.iter().for_each(|(arn, seen)| add(arn.as_str(), seen.gap()));
    around.gaps_around = found;
}
