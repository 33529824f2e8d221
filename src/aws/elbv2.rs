//! ELBv2's types and the model's, both ways. Conditions and actions are in [`rule`].

pub(super) mod rule;

use std::net::IpAddr;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::model::{
    AccountLimits, AddressFamily, Attributes, GroupId, HealthCheck, HealthPort, IpAddressType, Listener, ListenerArn,
    LoadBalancer, LoadBalancerArn, LoadBalancerKind, Matcher, Protocol, ProtocolVersion, Seen, StaticTarget, SubnetId,
    Tags, Target, TargetGroup, TargetGroupArn, TargetHealth, TargetKey, TargetState, TargetType, VpcId,
};

use super::ecs::{count, port};

pub(super) fn tags_from_sdk(tags: &[sdk::Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

pub(super) fn balancer_attributes_from_sdk(attributes: &[sdk::LoadBalancerAttribute]) -> Attributes {
    let pair =
        |pair: &sdk::LoadBalancerAttribute| Some((pair.key()?.to_owned(), pair.value().unwrap_or_default().to_owned()));
    Attributes::new(attributes.iter().filter_map(pair).collect())
}

/// `None` when there are none: ELB refuses an empty list.
pub(super) fn tags_to_sdk(tags: &Tags) -> Option<Vec<sdk::Tag>> {
    let list: Vec<sdk::Tag> =
        tags.iter().map(|(key, value)| sdk::Tag::builder().key(key).value(value).build()).collect();
    (!list.is_empty()).then_some(list)
}

pub(super) fn load_balancer_from_sdk(balancer: &sdk::LoadBalancer) -> Option<LoadBalancer> {
    let zones = balancer.availability_zones();
    Some(LoadBalancer {
        arn: LoadBalancerArn::from(balancer.load_balancer_arn()?),
        name: balancer.load_balancer_name().unwrap_or_default().to_owned(),
        kind: match balancer.r#type() {
            Some(sdk::LoadBalancerTypeEnum::Network) => LoadBalancerKind::Network,
            Some(sdk::LoadBalancerTypeEnum::Application) | None => LoadBalancerKind::Application,
            Some(_) => LoadBalancerKind::Gateway,
        },
        vpc: balancer.vpc_id().map(VpcId::from),
        security_groups: balancer.security_groups().iter().map(|id| GroupId::from(id.as_str())).collect(),
        subnets: zones.iter().filter_map(|zone| zone.subnet_id().map(SubnetId::from)).collect(),
        ip_address_type: match balancer.ip_address_type() {
            Some(sdk::IpAddressType::Dualstack) => IpAddressType::Dualstack,
            Some(sdk::IpAddressType::DualstackWithoutPublicIpv4) => IpAddressType::DualstackWithoutPublicIpv4,
            Some(_) | None => IpAddressType::Ipv4,
        },
        internal: balancer.scheme() == Some(&sdk::LoadBalancerSchemeEnum::Internal),
        filters_private_link: balancer.enforce_security_group_inbound_rules_on_private_link_traffic() != Some("off"),
        state: balancer.state().and_then(|state| state.code()).map_or("", |code| code.as_str()).to_owned(),
    })
}

pub(super) fn listener_from_sdk(listener: &sdk::Listener) -> Option<Listener> {
    Some(Listener {
        arn: ListenerArn::from(listener.listener_arn()?),
        load_balancer: LoadBalancerArn::from(listener.load_balancer_arn()?),
        port: listener.port().and_then(port).unwrap_or_default(),
        protocol: Protocol::parse(listener.protocol().map_or("", |protocol| protocol.as_str())),
        default_actions: rule::actions_from_sdk(listener.default_actions()),
    })
}

/// A target group whose tags were not read.
pub(super) fn target_group_from_sdk(group: &sdk::TargetGroup, tags: Seen<Tags>) -> Option<TargetGroup> {
    let protocol = Protocol::parse(group.protocol().map_or("", |protocol| protocol.as_str()));
    let version = group.protocol_version().map(ProtocolVersion::parse);
    Some(TargetGroup {
        arn: TargetGroupArn::from(group.target_group_arn()?),
        name: group.target_group_name().unwrap_or_default().to_owned(),
        protocol_version: version.or_else(|| protocol.is_http().then_some(ProtocolVersion::Http1)),
        protocol,
        port: group.port().and_then(port),
        vpc: group.vpc_id().map(VpcId::from),
        target_type: TargetType::parse(group.target_type().map_or("instance", |kind| kind.as_str())),
        family: match group.ip_address_type() {
            Some(sdk::TargetGroupIpAddressTypeEnum::Ipv6) => AddressFamily::Ipv6,
            Some(_) | None => AddressFamily::Ipv4,
        },
        health_check: health_check_from_sdk(group),
        load_balancers: group.load_balancer_arns().iter().map(|arn| LoadBalancerArn::from(arn.as_str())).collect(),
        tags,
    })
}

fn health_check_from_sdk(group: &sdk::TargetGroup) -> HealthCheck {
    let matcher = group.matcher().and_then(|matcher| {
        let grpc = matcher.grpc_code().filter(|codes| !codes.is_empty()).map(|codes| Matcher::Grpc(codes.to_owned()));
        let http = matcher.http_code().filter(|codes| !codes.is_empty()).map(|codes| Matcher::Http(codes.to_owned()));
        grpc.or(http)
    });
    HealthCheck {
        protocol: group.health_check_protocol().map(|protocol| Protocol::parse(protocol.as_str())),
        port: group.health_check_port().and_then(|text| match text {
            "traffic-port" => Some(HealthPort::Traffic),
            number => number.parse().ok().map(HealthPort::Fixed),
        }),
        path: group.health_check_path().map(str::to_owned),
        matcher,
        interval: group.health_check_interval_seconds().map(count),
        timeout: group.health_check_timeout_seconds().map(count),
        healthy_threshold: group.healthy_threshold_count().map(count),
        unhealthy_threshold: group.unhealthy_threshold_count().map(count),
    }
}

/// The members of a health check as they are sent; `None` is left out.
pub(super) struct HealthCheckInput {
    pub(super) protocol: Option<sdk::ProtocolEnum>,
    pub(super) port: Option<String>,
    pub(super) path: Option<String>,
    pub(super) matcher: Option<sdk::Matcher>,
    pub(super) interval: Option<i32>,
    pub(super) timeout: Option<i32>,
    pub(super) healthy_threshold: Option<i32>,
    pub(super) unhealthy_threshold: Option<i32>,
}

pub(super) fn health_check_to_sdk(check: &HealthCheck) -> HealthCheckInput {
    let HealthCheck { protocol, port, path, matcher, interval, timeout, healthy_threshold, unhealthy_threshold } =
        check;
    let number = |number: &Option<u32>| number.and_then(|number| i32::try_from(number).ok());
    HealthCheckInput {
        protocol: protocol.as_ref().map(|protocol| sdk::ProtocolEnum::from(protocol.as_str())),
        port: port.map(|port| port.to_string()),
        path: path.clone(),
        matcher: matcher.as_ref().map(|matcher| match matcher {
            Matcher::Http(codes) => sdk::Matcher::builder().http_code(codes).build(),
            Matcher::Grpc(codes) => sdk::Matcher::builder().grpc_code(codes).build(),
        }),
        interval: number(interval),
        timeout: number(timeout),
        healthy_threshold: number(healthy_threshold),
        unhealthy_threshold: number(unhealthy_threshold),
    }
}

/// A registration. Addresses are written as the standard library writes them, so that those of tasks compare equal.
pub(super) fn target_from_sdk(description: &sdk::TargetHealthDescription) -> Option<Target> {
    let target = description.target()?;
    let health = description.target_health();
    let id = target.id()?;
    Some(Target {
        key: TargetKey {
            id: id.parse::<IpAddr>().map_or_else(|_| id.to_owned(), |address| address.to_string()),
            port: target.port().and_then(port).unwrap_or_default(),
        },
        zone: target.availability_zone().map(str::to_owned),
        health: TargetHealth {
            state: match health.and_then(|health| health.state()) {
                Some(sdk::TargetHealthStateEnum::Initial) => TargetState::Initial,
                Some(sdk::TargetHealthStateEnum::Healthy) => TargetState::Healthy,
                Some(sdk::TargetHealthStateEnum::Unhealthy) => TargetState::Unhealthy,
                Some(sdk::TargetHealthStateEnum::Unused) => TargetState::Unused,
                Some(sdk::TargetHealthStateEnum::Draining | sdk::TargetHealthStateEnum::UnhealthyDraining) => {
                    TargetState::Draining
                }
                _ => TargetState::Unavailable,
            },
            reason: health.and_then(|health| health.reason()).map(|reason| reason.as_str().to_owned()),
            description: health.and_then(|health| health.description()).map(str::to_owned),
        },
    })
}

pub(super) fn target_to_sdk(target: &StaticTarget) -> sdk::TargetDescription {
    let StaticTarget { key: TargetKey { id, port }, zone } = target;
    sdk::TargetDescription::builder().id(id).port(i32::from(*port)).set_availability_zone(zone.clone()).build()
}

/// Limits that are numbers.
pub(super) fn limits_from_sdk(limits: &[sdk::Limit]) -> AccountLimits {
    let numbers = limits.iter().filter_map(|limit| Some((limit.name()?.to_owned(), limit.max()?.parse().ok()?)));
    AccountLimits(numbers.collect())
}
