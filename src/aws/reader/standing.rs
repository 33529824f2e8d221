//! What stands in a cluster, as if it were declared: every service, the target groups that it names, no routes. Tracing
//! then finds the ways in that stand.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::apply::AwsError;
use crate::aws::{ecs, elbv2};
use crate::model::{
    Autoscaling, Desired, DesiredPort, DesiredService, DesiredTargetGroup, Fleet, HealthCheck, LoadBalancerArn, Mode,
    PortRange, Redeploy, Registrar, Removal, Seen, ServiceId, Tags, TargetGroupArn, Transport,
};

use super::Reader;

impl Reader {
    /// Reads which services a cluster has, and what they are behind.
    pub async fn standing(&self, cluster: &str) -> Result<Desired, AwsError> {
        let request = self.clients.reading.ecs.list_services().cluster(cluster);
        let pages = request.into_paginator().page_size(100).items().send();
        let arns: Vec<String> = self.ask("ecs:ListServices", pages.try_collect()).await?;
        let batches = arns.chunks(10).map(async |batch| {
            let request = self.clients.reading.ecs.describe_services().cluster(cluster);
            self.ask("ecs:DescribeServices", request.set_services(Some(batch.to_vec())).send()).await
        });
        let balancers = self.balancers_by_group().await?;
        let mut desired = nothing(self.clients.region(), cluster);
        for answer in join_all(batches).await {
            for service in answer?.services() {
                let name = service.service_name().unwrap_or_default().to_owned();
                let id = ServiceId { cluster: cluster.to_owned(), name: name.clone() };
                let mut ports: BTreeMap<(String, u16), Vec<String>> = BTreeMap::new();
                for entry in ecs::entries_from_sdk(service) {
                    let Some(arn) = &entry.target_group else { continue };
                    let key = key_of(&desired, arn);
                    ports.entry((entry.container.clone(), entry.container_port)).or_default().push(key.clone());
                    let group = target_group(&key, arn, balancers.get(arn));
                    desired.target_groups.insert(key, group);
                }
                let ports = ports.into_iter().map(|((container, number), groups)| port(container, number, groups));
                let service = DesiredService {
                    key: name.clone(),
                    id,
                    mode: Mode::Observe,
                    suspend: None,
                    desired_count: None,
                    network: None,
                    ports: Some(ports.collect()),
                };
                desired.services.insert(name, service);
            }
        }
        Ok(desired)
    }

    /// The load balancer of every target group of the region.
    async fn balancers_by_group(&self) -> Result<BTreeMap<TargetGroupArn, LoadBalancerArn>, AwsError> {
        let request = self.clients.reading.elb.describe_target_groups().page_size(400);
        let pages = request.into_paginator().items().send();
        let list: Vec<_> = self.ask("elasticloadbalancing:DescribeTargetGroups", pages.try_collect()).await?;
        let groups = list.iter().filter_map(|group| elbv2::target_group_from_sdk(group, Seen::Absent));
        Ok(groups.filter_map(|group| Some((group.arn.clone(), group.load_balancers.first()?.clone()))).collect())
    }
}

/// The target group's name; its ARN where another one has that name, which one region does not allow.
fn key_of(desired: &Desired, arn: &TargetGroupArn) -> String {
    let name = arn.name();
    let taken = desired.target_groups.get(name).is_some_and(|known| known.name != arn.as_str());
    if taken { arn.to_string() } else { name.to_owned() }
}

fn port(container: String, number: u16, groups: Vec<String>) -> DesiredPort {
    DesiredPort {
        name: format!("{container}-{number}"),
        container,
        container_port: number,
        host_port: None,
        protocol: Transport::Tcp,
        target_groups: Some(groups),
        registrar: Registrar::Ecs,
        allow_from: None,
    }
}

fn target_group(key: &str, arn: &TargetGroupArn, balancer: Option<&LoadBalancerArn>) -> DesiredTargetGroup {
    DesiredTargetGroup {
        key: key.to_owned(),
        name: arn.to_string(),
        mode: Mode::Observe,
        load_balancer: balancer.map(ToString::to_string),
        vpc: None,
        protocol: None,
        protocol_version: None,
        port: None,
        target_type: None,
        health_check: HealthCheck::default(),
        attributes: Tags::new(),
        routes: None,
        targets: None,
    }
}

/// A fleet without objects.
fn nothing(region: &str, cluster: &str) -> Desired {
    let fleet = Fleet {
        name: cluster.to_owned(),
        region: Some(region.to_owned()),
        account: None,
        cluster: Some(cluster.to_owned()),
        vpc: None,
        mode: Mode::Observe,
        redeploy: Redeploy::Deny,
        autoscaling: Autoscaling::None,
        dynamic_ports: PortRange { from: 32768, to: 65535 },
        removal: Removal::default(),
    };
    Desired { fleet, services: BTreeMap::new(), target_groups: BTreeMap::new() }
}
