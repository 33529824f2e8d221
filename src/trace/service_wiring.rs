//! Whether the service's loadBalancers include the target group, with the declared container and port.

use crate::model::{DesiredPort, Registrar, Seen, Service, ServiceStatus};

use super::catalogue::{codes, named};
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::way::{Lack, Way};

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    let Some((declared, port)) = way.service else { return Examined::skipped("no service, only declared targets") };
    let service = match way.live_service() {
        Ok(service) => service,
        Err(Lack::Unknown(gap)) => return Examined::unknown(gap),
        Err(Lack::Missing(why)) => {
            return Examined::broken(Finding::unnumbered(&named::NO_SERVICE, why, "create the service"));
        }
    };
    if service.status == ServiceStatus::Draining {
        let what = format!("service {} is being deleted", declared.id);
        return Examined::broken(Finding::unnumbered(
            &named::SERVICE_BEING_DELETED,
            what,
            "create it again after ECS has deleted it",
        ));
    }
    if port.registrar != Registrar::Ecs {
        return Examined::skipped("ECS is not the registrar");
    }
    let mut findings: Vec<Finding> = rolled_back(way, service, port).into_iter().collect();
    let group = match way.live_group() {
        Ok(group) => group,
        Err(lack) if findings.is_empty() => return lack.skip(),
        Err(Lack::Unknown(gap)) => return Examined::of(findings, Some(gap), ""),
        Err(Lack::Missing(why)) => return Examined::of(findings, None, why),
    };
    let Some(entry) = way.entry() else {
        let named: Vec<&str> = service.target_groups().map(|arn| arn.name()).collect();
        let named = if named.is_empty() { "no target group".to_owned() } else { named.join(", ") };
        let what = format!("service {} is attached to {named}, not to {}", declared.id, group.name);
        findings.push(Finding::of(codes::SERVICE_WITHOUT_TARGET_GROUP, what));
        return Examined::of(findings, None, "");
    };
    // CodeDeploy changes the service to the other of its two target groups.
    let is_own = entry.target_groups().any(|arn| *arn == group.arn);
    let other = entry.target_group.as_ref().filter(|_| !is_own);
    let name = other.map_or(group.name.as_str(), |arn| arn.name());
    let wired = format!("{name} ← {}:{}", entry.container, entry.container_port);
    if entry.container != port.container || entry.container_port != port.container_port {
        let what = format!(
            "the service registers {}:{} in {name}, but the manifest declares {}:{}",
            entry.container, entry.container_port, port.container, port.container_port
        );
        let finding = Finding::of(codes::WRONG_CONTAINER_OR_PORT, what);
        // The declared container answers if its targets are healthy; only its declared port is missing.
        findings.push(if entry.container == port.container { finding.about_missing() } else { finding });
    }
    Examined::of(findings, None, wired)
}

/// M51: the declared configuration was deployed and failed, and the service rolled back.
fn rolled_back(way: &Way<'_>, service: &Service, port: &DesiredPort) -> Option<Finding> {
    let (declared, _) = way.service?;
    let group = way.live_group().ok()?;
    let is_declared = |container: &str, number: u16| container == port.container && number == port.container_port;
    let is_live = service.entries_behind(&group.arn).any(|entry| is_declared(&entry.container, entry.container_port));
    let Seen::Present(past) = way.given.observed.past_deployments_of(&declared.id) else { return None };
    let newest = past.iter().find(|deployment| {
        let mut entries = deployment.load_balancers.iter();
        entries.any(|entry| {
            entry.target_groups().any(|arn| *arn == group.arn) && is_declared(&entry.container, entry.container_port)
        })
    })?;
    let what = format!(
        "the deployment of {} with {}:{} failed, and ECS runs {} instead",
        newest.task_definition.name(),
        port.container,
        port.container_port,
        service.task_definition.name()
    );
    (newest.end.has_failed() && !is_live).then(|| Finding::of(codes::DEPLOYMENT_ROLLED_BACK, what))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, gap, id};
    use crate::model::{DeploymentEnd, LoadBalancerEntry, PastDeployment, Registrar, Seen, ServiceStatus, TargetState};
    use crate::trace::HopId;

    const HOP: HopId = HopId::ServiceWiring;

    #[test]
    fn the_service_names_the_group_with_the_declared_port() {
        let mut stand = Stand::sound();
        assert_eq!(stand.hop(HOP).evidence, "shop ← app:8080");
        stand.service().load_balancers[0].container = "sidecar".to_owned();
        assert_eq!(stand.found(HOP), ["M33"]);
        stand.service().load_balancers[0] = LoadBalancerEntry {
            container_port: 9090,
            container: "app".to_owned(),
            ..stand.service().load_balancers[0].clone()
        };
        assert_eq!(stand.found(HOP), ["M33"]);
        assert!(stand.path().is_degraded(), "the declared container answers");
        stand.all_are(TargetState::Unhealthy, "Target.Timeout", "");
        assert_eq!(stand.state(HOP), "broken");
        stand.all_are(TargetState::Healthy, "", "");
        stand.service().load_balancers[0].container = "sidecar".to_owned();
        assert_eq!(stand.state(HOP), "broken", "another container answers");
        stand.service().load_balancers.clear();
        assert_eq!(stand.found(HOP), ["M32"]);
        assert_eq!(stand.hop(HOP).evidence, "service prod/shop is attached to no target group, not to shop");
    }

    #[test]
    fn the_alternate_of_a_pair_counts_as_wired() {
        let mut stand = Stand::sound();
        let entry = &mut stand.service().load_balancers[0];
        let group = entry.target_group.replace("targetgroup/blue/1".into());
        entry.advanced.get_or_insert_default().alternate_target_group = group;
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn a_service_that_is_missing_or_going_is_broken_and_one_not_read_is_unknown() {
        let mut stand = Stand::sound();
        stand.service().status = ServiceStatus::Draining;
        assert_eq!(stand.found(HOP), ["service-being-deleted"]);
        stand.observed.services.insert(id(), Seen::Absent);
        assert_eq!(stand.found(HOP), ["no-service"]);
        stand.observed.services.insert(id(), Seen::Unknown(gap("ecs:DescribeServices")));
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn without_the_target_group_nothing_is_known_of_the_wiring() {
        let mut stand = Stand::sound();
        stand.observed.target_groups = Seen::Present(Vec::new());
        assert_eq!(stand.state(HOP), "skipped");
        stand.observed.target_groups = Seen::Unknown(gap("elasticloadbalancing:DescribeTargetGroups"));
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn nothing_is_wired_where_ecs_does_not_register() {
        let mut stand = Stand::sound();
        stand.service().load_balancers.clear();
        stand.port().registrar = Registrar::Portolan;
        assert_eq!(stand.state(HOP), "skipped");
        assert_eq!(Stand::without_service().state(HOP), "skipped");
    }

    #[test]
    fn what_was_rolled_back_is_told_first_while_something_else_serves() {
        let mut stand = Stand::sound();
        let wanted = stand.service().load_balancers.clone();
        let past = PastDeployment {
            end: DeploymentEnd::RolledBack,
            reason: None,
            revision: None,
            task_definition: "shop:2".into(),
            content: None,
            load_balancers: wanted,
            network: None,
        };
        stand.observed.past_deployments.insert(id(), Seen::Present(vec![past]));
        assert_eq!(stand.state(HOP), "ok", "what is declared stands");
        stand.service().load_balancers[0].container_port = 9090;
        assert_eq!(stand.found(HOP), ["M51", "M33"]);
    }
}
