//! Whether the load balancer's nodes send requests to the zones of the targets.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{Gap, LoadBalancerKind, Seen, Target, TargetState};

use super::catalogue::codes;
use super::finding::{Finding, list};
use super::hop::{Examined, Hop};
use super::way::Way;

const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let (balancer, targets) = match (way.balancer(), way.targets()) {
        (Ok(balancer), Ok(_)) => (balancer, way.serving_targets()),
        (Err(lack), _) | (_, Err(lack)) => return lack.skip(),
    };
    let is_empty = targets.is_empty();
    let in_use: Vec<&Target> =
        targets.into_iter().filter(|target| target.health.state != TargetState::Draining).collect();
    if in_use.is_empty() {
        return Examined::skipped(if is_empty { "no targets are registered" } else { "all targets are draining" });
    }
    let enabled: BTreeSet<&str> = balancer.subnets.iter().filter_map(|subnet| way.zone_of(subnet)).collect();
    if enabled.is_empty() {
        let gap = way.given.observed.subnets.gap().cloned();
        return gap.map_or_else(|| Examined::skipped("the load balancer's zones are not known"), Examined::unknown);
    }
    let mut by_zone: BTreeMap<String, Vec<&Target>> = BTreeMap::new();
    for target in in_use {
        if let Some(zone) = zone_of(way, target) {
            by_zone.entry(zone).or_default().push(target);
        }
    }
    let mut findings = Vec::new();
    let outside: BTreeSet<&String> =
        by_zone.keys().filter(|zone| !enabled.contains(zone.as_str()) && zone.as_str() != EVERY_ZONE).collect();
    if !outside.is_empty() {
        let what =
            format!("targets are in {}, but {} is enabled only in {}", list(&outside), balancer.name, list(&enabled));
        let keys = outside.iter().filter_map(|zone| by_zone.get(*zone)).flatten().map(|target| target.key.clone());
        findings.push(Finding::of(codes::ZONE_NOT_ENABLED, what).about(keys.collect::<Vec<_>>()));
    }
    let crosses = crosses(way, balancer.kind);
    if crosses == Ok(false) {
        findings.extend(empty_zones(&enabled, &by_zone));
    }
    let gap = crosses.clone().err();
    let crossing = if crosses == Ok(true) { "nodes send to every zone" } else { "nodes send only within their zone" };
    let zones: BTreeSet<&String> = by_zone.keys().collect();
    Examined::of(findings, gap, format!("targets in {}; {crossing}", list(&zones)))
}

/// The zone of a target whose address is outside the target group's VPC.
const EVERY_ZONE: &str = "all";

/// The zone of a registration: that of its subnet, or the one it was registered with.
fn zone_of(way: &Way<'_>, target: &Target) -> Option<String> {
    if target.zone.as_deref() == Some(EVERY_ZONE) {
        return target.zone.clone();
    }
    let ends = way.ends.as_ref().ok().into_iter().flatten();
    let subnet = ends.filter(|end| end.key.as_ref() == Some(&target.key)).find_map(|end| end.subnet.as_ref());
    let by_subnet = subnet.and_then(|subnet| way.zone_of(subnet));
    let by_address = || {
        let address: IpAddr = target.key.id.parse().ok()?;
        let vpc = way.live_group().ok()?.vpc.as_ref()?;
        let all = way.given.observed.subnets.as_ref().present()?;
        let here =
            |known: &&crate::model::Subnet| known.vpc == *vpc && known.cidrs.iter().any(|cidr| cidr.contains(&address));
        all.iter().find(here)?.zone.as_deref()
    };
    by_subnet.or_else(by_address).map(str::to_owned).or_else(|| target.zone.clone())
}

/// Whether nodes send to other zones. The target group's attribute decides, then the load balancer's; the default is on for
/// application load balancers and off for network load balancers.
fn crosses(way: &Way<'_>, kind: LoadBalancerKind) -> Result<bool, Gap> {
    let own = match way.live_group().map(|group| way.given.observed.attributes_of(&group.arn)) {
        Ok(Seen::Present(attributes)) => attributes.get(CROSS_ZONE).cloned(),
        Ok(Seen::Unknown(gap)) => return Err(gap),
        Ok(Seen::Absent) | Err(_) => None,
    };
    match own.as_deref() {
        Some("true") => return Ok(true),
        Some("false") => return Ok(false),
        _ => {}
    }
    if kind == LoadBalancerKind::Application {
        return Ok(true);
    }
    match way.balancer().map(|balancer| way.given.observed.balancer_attributes_of(&balancer.arn)) {
        Ok(Seen::Present(attributes)) => Ok(attributes.get(CROSS_ZONE).is_some_and(|value| value == "true")),
        Ok(Seen::Unknown(gap)) => Err(gap),
        Ok(Seen::Absent) | Err(_) => Ok(false),
    }
}

/// M39: an enabled zone without a target. If any target is healthy, only healthy targets count.
fn empty_zones(enabled: &BTreeSet<&str>, by_zone: &BTreeMap<String, Vec<&Target>>) -> Option<Finding> {
    let is_healthy = |target: &&Target| target.health.state == TargetState::Healthy;
    let any_healthy = by_zone.values().flatten().any(is_healthy);
    if by_zone.contains_key(EVERY_ZONE) {
        return None;
    }
    let serves = |zone: &str| {
        let there = by_zone.get(zone).into_iter().flatten();
        there.into_iter().any(|target| !any_healthy || is_healthy(target))
    };
    let empty: BTreeSet<&&str> = enabled.iter().filter(|zone| !serves(zone)).collect();
    let what =
        format!("nodes send only within their own zone, and these zones have no target in use: {}", list(&empty));
    (!empty.is_empty()).then(|| Finding::of(codes::ZONE_WITHOUT_TARGETS, what))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{PORT, Stand, gap, target};
    use super::CROSS_ZONE;
    use crate::model::{Attributes, LoadBalancerArn, Seen, SubnetId, Target, TargetGroupArn, TargetState};
    use crate::trace::HopId;

    const HOP: HopId = HopId::AvailabilityZone;

    fn set(stand: &mut Stand, of_balancer: Option<&str>, of_group: Option<&str>) {
        let attributes = |value: Option<&str>| {
            let pair = value.map(|value| (CROSS_ZONE.to_owned(), value.to_owned()));
            Seen::Present(Attributes::new(pair.into_iter().collect()))
        };
        stand.observed.balancer_attributes.insert(LoadBalancerArn::from("lb/public"), attributes(of_balancer));
        stand.observed.attributes.insert(TargetGroupArn::from("targetgroup/shop/1"), attributes(of_group));
    }

    #[test]
    fn targets_are_in_zones_that_nodes_send_to() {
        let mut stand = Stand::sound();
        assert_eq!(stand.hop(HOP).evidence, "targets in a, b; nodes send to every zone");
        stand.balancer().subnets = [SubnetId::from("public-a")].into();
        assert_eq!(stand.found(HOP), ["M38"]);
        // Addresses outside of the VPC are of all zones.
        *stand.targets() = vec![Target { zone: Some("all".to_owned()), ..target("192.168.0.9", PORT) }];
        assert_eq!(stand.state(HOP), "ok");
        // Even where their interface is known, in a VPC of this account that is peered.
        let mut stand = Stand::behind_network();
        let known = crate::model::Subnet {
            id: SubnetId::from("peer-c"),
            name: None,
            vpc: crate::model::VpcId::from("vpc-2"),
            cidrs: [super::super::fixture::block("10.9.0.0/24")].into(),
            zone: Some("c".to_owned()),
        };
        let Seen::Present(subnets) = &mut stand.observed.subnets else { panic!("subnets") };
        subnets.push(known);
        let interface = crate::model::Interface {
            id: "eni-peer".to_owned(),
            subnet: SubnetId::from("peer-c"),
            security_groups: [crate::model::GroupId::from("sg-tasks")].into(),
            description: String::new(),
        };
        let there = super::super::fixture::address("10.9.0.20");
        stand.observed.interfaces.insert(there, Seen::Present(interface));
        stand.desired.services.clear();
        let key = super::super::fixture::key("10.9.0.20", PORT);
        stand.wanted().targets = Some(vec![crate::model::StaticTarget { key, zone: Some("all".to_owned()) }]);
        *stand.targets() = vec![Target { zone: Some("all".to_owned()), ..target("10.9.0.20", PORT) }];
        assert_eq!(stand.state(HOP), "ok", "{}", stand.hop(HOP).evidence);
    }

    #[test]
    fn nodes_that_send_within_their_zone_need_a_target_there() {
        let mut stand = Stand::behind_network();
        stand.targets().pop();
        assert_eq!(stand.found(HOP), ["M39"], "network load balancers do not cross by themselves");
        set(&mut stand, Some("true"), None);
        assert_eq!(stand.state(HOP), "ok");
        set(&mut stand, Some("true"), Some("false"));
        assert_eq!(stand.found(HOP), ["M39"], "the target group decides");
        set(&mut stand, None, Some("true"));
        assert_eq!(stand.state(HOP), "ok");
        let mut stand = Stand::sound();
        stand.targets().pop();
        assert_eq!(stand.state(HOP), "ok", "application load balancers cross");
        set(&mut stand, None, Some("false"));
        assert_eq!(stand.found(HOP), ["M39"]);
    }

    #[test]
    fn a_zone_counts_by_its_healthy_targets_where_any_are() {
        let mut stand = Stand::behind_network();
        stand.targets()[1].health.state = TargetState::Unhealthy;
        assert_eq!(stand.found(HOP), ["M39"]);
        stand.all_are(TargetState::Unhealthy, "Target.FailedHealthChecks", "");
        assert_eq!(stand.state(HOP), "ok", "requests go to all of them");
        stand.all_are(TargetState::Draining, "Target.DeregistrationInProgress", "");
        assert_eq!(stand.state(HOP), "skipped");
        assert_eq!(stand.hop(HOP).evidence, "all targets are draining");
    }

    #[test]
    fn attributes_that_were_not_read_leave_it_open() {
        let mut stand = Stand::behind_network();
        let unread = Seen::Unknown(gap("elasticloadbalancing:DescribeLoadBalancerAttributes"));
        stand.observed.balancer_attributes.insert(LoadBalancerArn::from("lb/public"), unread);
        assert_eq!(stand.state(HOP), "unknown");
        set(&mut stand, None, Some("true"));
        stand.observed.balancer_attributes.clear();
        assert_eq!(stand.state(HOP), "ok", "the target group decides");
    }
}
