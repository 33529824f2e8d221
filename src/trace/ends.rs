//! Finds where the requests of a path arrive: the live tasks, the declared targets or, while no task runs, the subnets where
//! tasks would start.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::{Gap, InstanceId, NetworkMode, Placement, Seen, StaticTarget, SubnetId, Task};

use super::end::{End, is_up};
use super::way::{Found, Lack, Way};

impl Way<'_> {
    /// Determines where requests arrive.
    pub(super) fn with_ends(mut self) -> Self {
        self.receivers = self.weights();
        self.ends = ends(&self);
        self
    }
}

fn ends(way: &Way<'_>) -> Found<Vec<End>> {
    let mut ends: Vec<End> = way.group.targets.iter().flatten().map(|target| declared(way, target)).collect();
    let Some((_, port)) = way.container_port() else { return Ok(ends) };
    let up: Vec<&Task> = way.tasks()?.iter().filter(|task| is_up(task)).collect();
    ends.extend(up.iter().filter_map(|task| of_task(way, task)));
    if ends.is_empty() {
        ends = prospective(way, port)?;
    }
    Ok(ends)
}

fn of_task(way: &Way<'_>, task: &Task) -> Option<End> {
    let key = way.endpoint_of(task)?;
    let id = task.arn.id();
    let name = format!("task {} at {key}", &id[..id.len().min(8)]);
    let mut end = match &task.placement {
        Placement::Address(address) => at_address(way, name, *address, key.port),
        Placement::Instance { instance, .. } => at_instance(way, name, instance, key.port),
        Placement::Unknown => return None,
    };
    let instance = task.container_instance.as_ref().and_then(|arn| way.given.observed.container_instances.get(arn));
    if let (Placement::Address(_), Some(Seen::Present(instance))) = (&task.placement, instance) {
        end.carrier = way.given.observed.host(instance).present().map(|host| host.security_groups.clone());
    }
    end.key = Some(key);
    Some(end)
}

fn declared(way: &Way<'_>, target: &StaticTarget) -> End {
    let name = format!("target {}", target.key);
    let mut end = match target.key.id.parse::<IpAddr>() {
        Ok(address) => at_address(way, name, address, target.key.port),
        Err(_) => at_instance(way, name, &InstanceId::from(target.key.id.as_str()), target.key.port),
    };
    end.key = Some(target.key.clone());
    end
}

fn at_address(way: &Way<'_>, name: String, address: IpAddr, port: u16) -> End {
    let (groups, subnet) = match way.given.observed.interface(&address) {
        Seen::Present(interface) => (Ok(interface.security_groups.clone()), Some(interface.subnet.clone())),
        Seen::Absent => {
            let why = format!("no network interface has {address}");
            (Err(Gap { call: "ec2:DescribeNetworkInterfaces".to_owned(), why }), None)
        }
        Seen::Unknown(gap) => (Err(gap), None),
    };
    let vpc = way.live_group().ok().and_then(|group| group.vpc.as_ref());
    let block = IpNet::from(address);
    let is_inside = vpc.is_some_and(|vpc| way.is_in_vpc(vpc, &block));
    let is_outside = subnet.is_none() && vpc.is_some() && way.given.observed.vpcs.gap().is_none() && !is_inside;
    let health_port = way.health_port(port);
    End { name, key: None, blocks: vec![block], groups, subnet, port, health_port, is_outside, carrier: None }
}

fn at_instance(way: &Way<'_>, name: String, instance: &InstanceId, port: u16) -> End {
    let (groups, subnet, addresses) = match way.given.observed.host(instance) {
        Seen::Present(host) => (Ok(host.security_groups.clone()), host.subnet.clone(), host.addresses.clone()),
        Seen::Absent => {
            let why = format!("instance {instance} does not exist");
            (Err(Gap { call: "ec2:DescribeInstances".to_owned(), why }), None, BTreeSet::new())
        }
        Seen::Unknown(gap) => (Err(gap), None, BTreeSet::new()),
    };
    let blocks = way.family().only(addresses.into_iter().map(IpNet::from));
    let health_port = way.health_port(port);
    End { name, key: None, blocks, groups, subnet, port, health_port, is_outside: false, carrier: None }
}

/// Where tasks would start: with their own network interfaces, in any of the service's subnets.
fn prospective(way: &Way<'_>, port: u16) -> Found<Vec<End>> {
    if way.mode() != Some(NetworkMode::Awsvpc) {
        return Err(Lack::Missing("no task runs, so the host port is unknown".to_owned()));
    }
    let service = way.live_service()?;
    let Some(network) = service.network.as_ref().filter(|network| !network.security_groups.is_empty()) else {
        return Err(Lack::Missing("no task runs, and the service sets no security groups".to_owned()));
    };
    let end = |subnet: &SubnetId| End {
        name: format!("a task in {subnet}"),
        key: None,
        blocks: way.family().only(way.blocks_of(subnet)),
        groups: Ok(network.security_groups.clone()),
        subnet: Some(subnet.clone()),
        port,
        health_port: way.health_port(port),
        is_outside: false,
        carrier: None,
    };
    Ok(network.subnets.iter().map(end).collect())
}
