//! What each action does to a path: the hops that it acts on, and whether it can take something away there. Facts alone,
//! for the caller that decides.

use std::collections::BTreeSet;

use crate::plan::Action;
use crate::trace::HopId;

/// What an action does to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acts {
    /// The hops whose state it can change.
    pub hops: BTreeSet<HopId>,
    /// Requests that arrive now may not arrive after it. What only adds takes nothing.
    pub takes_away: bool,
}

/// The target is filtered by its own groups, by the ACLs of both subnets, and by the groups of the load balancer.
const NETWORK: [HopId; 3] = [HopId::LoadBalancerEgress, HopId::NetworkAcl, HopId::TargetSecurityGroup];

/// The attributes of a target group that decide about a hop; every other one changes how requests are spread, not whether
/// they arrive.
const ATTRIBUTES: [(&str, HopId); 2] = [
    ("preserve_client_ip.enabled", HopId::TargetSecurityGroup),
    ("load_balancing.cross_zone.enabled", HopId::AvailabilityZone),
];

/// The facts about an action.
pub fn acts(action: &Action) -> Acts {
    let adds = |hops: &[HopId]| Acts { hops: hops.iter().copied().collect(), takes_away: false };
    let takes = |hops: &[HopId]| Acts { hops: hops.iter().copied().collect(), takes_away: true };
    match action {
        // A revision that nothing runs.
        Action::RegisterTaskDefinition { .. } => adds(&[]),
        // Its tasks are new: no request went to them before.
        Action::CreateService(_) => adds(&[HopId::ServiceWiring, HopId::Registration, HopId::PortBinding]),
        Action::DrainService { .. } => takes(&[HopId::Registration]),
        // It has no tasks any more.
        Action::DeleteService { .. } => adds(&[]),
        // What served before serves again.
        Action::StopServiceDeployment { .. } => adds(&[]),
        // How tasks are replaced and placed from now on: no running task is touched.
        Action::UpdateServiceMembers { .. } | Action::TagService { .. } => adds(&[]),
        Action::UpdateServiceCount { desired_count, from, .. } if desired_count < from => takes(&[HopId::Registration]),
        Action::UpdateServiceCount { .. } => adds(&[HopId::Registration]),
        Action::UpdateService { .. } => of_update(action),
        Action::CreateTargetGroup(_) => adds(&[HopId::TargetGroup]),
        Action::AddTags { .. } => adds(&[]),
        // Its health checks go elsewhere.
        Action::ModifyTargetGroup { .. } if action.facts().moves_requests => takes(&NETWORK),
        Action::ModifyTargetGroup { .. } => adds(&[HopId::Application]),
        Action::ModifyTargetGroupAttributes { attributes, .. } => {
            let decides = ATTRIBUTES.iter().filter(|(key, _)| attributes.contains_key(*key));
            let hops: BTreeSet<HopId> = decides.map(|(_, hop)| *hop).collect();
            Acts { takes_away: !hops.is_empty(), hops }
        }
        Action::DeleteTargetGroup { .. } => takes(&[HopId::TargetGroup]),
        Action::CreateRule { .. }
        | Action::ModifyRule { .. }
        | Action::SetRulePriorities { .. }
        | Action::DeleteRule { .. }
        | Action::ModifyListener { .. } => takes(&[HopId::Rule]),
        Action::RegisterTargets { .. } => adds(&[HopId::Registration]),
        Action::DeregisterTargets { .. } => takes(&[HopId::Registration]),
        Action::AuthorizeSecurityGroupIngress { .. } => adds(&[HopId::LoadBalancer, HopId::TargetSecurityGroup]),
        Action::RevokeSecurityGroupIngress { .. } => takes(&[HopId::LoadBalancer, HopId::TargetSecurityGroup]),
    }
}

/// `UpdateService` replaces whole blocks: what is not in the new one is taken away.
fn of_update(action: &Action) -> Acts {
    let Action::UpdateService { task_definition, load_balancers, network, expect, .. } = action else {
        return Acts { hops: BTreeSet::new(), takes_away: false };
    };
    let mut hops = BTreeSet::new();
    if task_definition.is_some() {
        hops.insert(HopId::PortBinding);
    }
    let stays = |entry| load_balancers.iter().flatten().any(|(_, new)| new == entry);
    let rewires = load_balancers.is_some() && !expect.load_balancers.iter().all(stays);
    if load_balancers.is_some() {
        hops.insert(HopId::ServiceWiring);
    }
    if rewires {
        hops.extend(NETWORK);
    }
    if let Some(new) = network {
        hops.extend([HopId::LoadBalancerEgress, HopId::TargetSecurityGroup]);
        if expect.network.as_ref().is_none_or(|old| old.subnets != new.subnets) {
            hops.extend([HopId::NetworkAcl, HopId::AvailabilityZone]);
        }
    }
    Acts { hops, takes_away: rewires || network.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Awsvpc, HealthCheck, HealthPort, LoadBalancerEntry, ServiceId, TargetGroupArn};
    use crate::plan::{Ref, ServiceBelief};

    fn attribute(key: &str) -> Acts {
        let attributes = [(key.to_owned(), "true".to_owned())].into();
        acts(&Action::ModifyTargetGroupAttributes { target_group: Ref::Known(TargetGroupArn::from("tg")), attributes })
    }

    #[test]
    fn attributes_that_decide_about_a_hop_can_take_away_and_others_cannot() {
        assert_eq!(attribute("preserve_client_ip.enabled").hops, [HopId::TargetSecurityGroup].into());
        assert!(attribute("load_balancing.cross_zone.enabled").takes_away);
        let delay = attribute("deregistration_delay.timeout_seconds");
        assert_eq!(delay, Acts { hops: BTreeSet::new(), takes_away: false });
    }

    #[test]
    fn a_health_check_that_only_asks_otherwise_passes_where_the_old_one_passed() {
        let check = |health_check| acts(&Action::ModifyTargetGroup { target_group: "tg".into(), health_check });
        let path = HealthCheck { path: Some("/healthz".to_owned()), ..HealthCheck::default() };
        assert!(!check(path).takes_away);
        let port = HealthCheck { port: Some(HealthPort::Fixed(9090)), ..HealthCheck::default() };
        assert_eq!(check(port), Acts { hops: NETWORK.into(), takes_away: true });
    }

    #[test]
    fn an_update_takes_away_what_its_blocks_leave_out() {
        let service = ServiceId { cluster: "prod".to_owned(), name: "shop".to_owned() };
        let entry = |port| LoadBalancerEntry { container_port: port, ..LoadBalancerEntry::default() };
        let expect = ServiceBelief {
            members: Default::default(),
            task_definition: "td:1".into(),
            load_balancers: vec![entry(80)],
            network: None,
            deployment: None,
            ended: None,
        };
        let update = |entries: Option<Vec<LoadBalancerEntry>>, network: Option<Awsvpc>| {
            let load_balancers = entries.map(|all| all.into_iter().map(|entry| (None, entry)).collect());
            let (service, expect) = (service.clone(), expect.clone());
            acts(&Action::UpdateService {
                members: Default::default(),
                service,
                task_definition: None,
                load_balancers,
                network,
                expect,
            })
        };
        assert!(!update(Some(vec![entry(80), entry(81)]), None).takes_away, "one more");
        assert!(update(Some(vec![entry(81)]), None).takes_away, "another port");
        assert!(update(None, Some(Awsvpc::default())).takes_away, "other groups");
        assert!(!update(None, None).takes_away);
    }
}
