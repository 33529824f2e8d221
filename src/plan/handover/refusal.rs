//! What a handover needs, and what to do where it cannot be: the tasks are in both target groups for a while, so they must
//! pass both health checks together, and the service must keep tasks during its deployments.

use std::collections::BTreeSet;

use crate::model::{
    DeploymentController, DesiredPort, DesiredService, DesiredTargetGroup, Given, HealthCheck, HealthPort,
    LoadBalancerArn, LoadBalancerKind, Owner, Protocol, ProtocolVersion, Redeploy, Seen, Service, ServiceOutline,
    Strategy, TargetGroup,
};

use super::super::draft::Obstacle;
use super::super::reason::Reason;
use super::super::wiring::MOST_TARGET_GROUPS;
use super::super::{resolve, service, serving};
use super::{Handover, fed_by_ecs, network};

/// What is always possible: tasks of their own for the new target group.
const SECOND_SERVICE: &str = "or declare a second service for the new target group";

/// What is always possible behind a network load balancer.
const SECOND_LISTENER: &str =
    "declare a second service with the new target group on a second listener, and move the clients to it";

/// Why this handover cannot be. The caller says what it is about.
pub(super) fn judge(given: &Given<'_>, found: &Handover<'_>) -> Result<(), Obstacle> {
    let group = &given.desired.target_groups[found.key];
    is_ours(given, found.old)?;
    match found.kind {
        LoadBalancerKind::Application => {}
        LoadBalancerKind::Network => takes_weights(given, found)?,
        LoadBalancerKind::Gateway => {
            return no(Reason::new("its load balancer takes no second target group", SECOND_LISTENER));
        }
    }
    if given.desired.fleet.redeploy == Redeploy::Deny {
        let sentence = Reason::new(
            "its services are deployed twice for it, and the Fleet says redeploy: deny",
            "write redeploy: allow to permit it",
        );
        return no(sentence);
    }
    for live in given.services_feeding(&found.old.arn) {
        let names_new =
            |service: &DesiredService| fed_by_ecs(given, found.key).any(|(feeding, _)| feeding.id == service.id);
        if !given.declared_service(&live.id).is_some_and(names_new) {
            return no(Reason::new(
                format!("service {} also names {}, and none of its ports names {}", live.id, found.old.name, found.key),
                "add it to the targetGroups of that port",
            ));
        }
    }
    for (wanted, port) in fed_by_ecs(given, found.key) {
        let live = service::live_service(given.observed, wanted)?;
        deploys_in_place(live)?;
        has_room(given, live, found, group)?;
        let new = resolve::target_group(given, group).present();
        fits(given, wanted, found.old, group, new)?;
        passes_both(live, port, found.old, group, new)?;
    }
    Ok(())
}

/// What prevents a target group that would replace `old` and be as `group` is declared. Its name is not known yet.
pub(in super::super) fn of_replacement(
    given: &Given<'_>,
    old: &TargetGroup,
    group: &DesiredTargetGroup,
) -> Result<(), Obstacle> {
    let network = |arn: &LoadBalancerArn| {
        let mut all = given.observed.load_balancers.as_ref().present().into_iter().flatten();
        all.any(|balancer| balancer.arn == *arn && balancer.kind == LoadBalancerKind::Network)
    };
    if old.load_balancers.iter().any(network) {
        allows_two(given)?;
    }
    for (wanted, port) in fed_by_ecs(given, &group.key) {
        let live = service::live_service(given.observed, wanted)?;
        deploys_in_place(live)?;
        fits(given, wanted, old, group, None)?;
        passes_both(live, port, old, group, None)?;
    }
    Ok(())
}

fn no(reason: impl Into<Reason>) -> Result<(), Obstacle> {
    Err(Obstacle::difference(String::new(), reason))
}

/// It has this fleet's mark, or only services of the manifest name it.
fn is_ours(given: &Given<'_>, old: &TargetGroup) -> Result<(), Obstacle> {
    match serving::owner_of(given, &given.desired.fleet.name, &old.arn) {
        Seen::Present(Owner::Ours(_)) => return Ok(()),
        Seen::Present(Owner::AnotherFleet(other)) => {
            return no(Reason::new(
                format!("fleet {other} made {} (tag portolan.dev/fleet)", old.name),
                "change it there",
            ));
        }
        Seen::Present(Owner::Unmarked) | Seen::Absent => {}
        Seen::Unknown(gap) => return Err(Obstacle::gap("", gap)),
    }
    for cluster in given.observed.clusters.keys() {
        let all = match given.observed.cluster_services_of(cluster) {
            Seen::Present(all) => all,
            Seen::Absent => continue,
            Seen::Unknown(gap) => return Err(Obstacle::gap("", gap)),
        };
        let is_other = |service: &&ServiceOutline| {
            service.target_groups.contains(&old.arn) && given.declared_service(&service.id).is_none()
        };
        if let Some(other) = all.iter().find(is_other) {
            return no(Reason::new(
                format!("service {}, which the manifest does not declare, names {} too", other.id, old.name),
                format!("declare it, or declare {} beside the new target group", old.name),
            ));
        }
    }
    Ok(())
}

/// The account allows two target groups in a default action. A quota that could not be read holds nothing back: AWS says no
/// itself.
fn allows_two(given: &Given<'_>) -> Result<(), Obstacle> {
    let Seen::Present(limits) = &given.observed.limits else { return Ok(()) };
    let Some(limit) = limits.0.get(network::QUOTA).filter(|limit| **limit < 2) else { return Ok(()) };
    no(Reason::new(
        format!(
            "the account's quota {} is {limit}, and for a while the default action of the listener has to \
             name both target groups",
            network::QUOTA
        ),
        format!("request an increase, or {SECOND_LISTENER}"),
    ))
}

/// The default action of a network load balancer's listener may name both target groups, and the new one's tags tell how far
/// the handover is.
fn takes_weights(given: &Given<'_>, found: &Handover<'_>) -> Result<(), Obstacle> {
    allows_two(given)?;
    let group = &given.desired.target_groups[found.key];
    let Seen::Present(new) = resolve::target_group(given, group) else { return Ok(()) };
    match network::keeps_record(given, new) {
        Seen::Present(true) => Ok(()),
        Seen::Present(false) | Seen::Absent => no(Reason::new(
            format!(
                "behind a network load balancer the tags of the new target group say when connections moved, \
                 and Portolan did not make {}",
                new.name
            ),
            "declare a name that no target group has yet, so that Portolan makes it",
        )),
        Seen::Unknown(gap) => Err(Obstacle::gap("", gap)),
    }
}

fn deploys_in_place(live: &Service) -> Result<(), Obstacle> {
    let how = match (live.controller, live.strategy) {
        (DeploymentController::Ecs, Strategy::Rolling) => None,
        (DeploymentController::Ecs, Strategy::BlueGreen | Strategy::Linear | Strategy::Canary) => {
            Some("ECS moves its traffic between two target groups")
        }
        (DeploymentController::CodeDeploy, _) => Some("CodeDeploy deploys it"),
        (DeploymentController::External, _) => Some("an external controller deploys it"),
    };
    if let Some(how) = how {
        return no(Reason::new(
            format!("service {}: {how}, and Portolan replaces target groups only under ROLLING", live.id),
            format!("replace it there, {SECOND_SERVICE}"),
        ));
    }
    let percent = live.conduct.minimum_percent.unwrap_or(100);
    if (u64::from(live.desired_count) * u64::from(percent)).div_ceil(100) < 1 {
        return no(Reason::new(
            format!(
                "a deployment of service {} may stop all its tasks before new ones run (desiredCount {}, \
                 minimumHealthyPercent {percent})",
                live.id, live.desired_count
            ),
            format!("raise minimumHealthyPercent, {SECOND_SERVICE}"),
        ));
    }
    Ok(())
}

/// Both target groups fit into the service's `loadBalancers`.
fn has_room(
    given: &Given<'_>,
    live: &Service,
    found: &Handover<'_>,
    group: &DesiredTargetGroup,
) -> Result<(), Obstacle> {
    let new = resolve::target_group(given, group).present();
    let is_wired = new.is_some_and(|new| live.entries_behind(&new.arn).next().is_some());
    if is_wired || live.load_balancers.len() < MOST_TARGET_GROUPS {
        return Ok(());
    }
    no(Reason::new(
        format!(
            "service {} names {} target groups already, ECS takes at most {MOST_TARGET_GROUPS}, and for a \
             while it has to name {} and {} both",
            live.id,
            live.load_balancers.len(),
            found.old.name,
            group.name
        ),
        format!("take another one out of it first, {SECOND_SERVICE}"),
    ))
}

/// Both hold the same kind of target.
fn fits(
    given: &Given<'_>,
    wanted: &DesiredService,
    old: &TargetGroup,
    group: &DesiredTargetGroup,
    new: Option<&TargetGroup>,
) -> Result<(), Obstacle> {
    let new = match new {
        Some(live) => live.target_type.clone(),
        None => resolve::new_target_type(given.observed, group, Some(wanted))?,
    };
    if new == old.target_type {
        return Ok(());
    }
    no(Reason::new(
        format!(
            "{} has targets by {}, the new one by {}, and a task is registered in one way",
            old.name,
            old.target_type.as_str(),
            new.as_str()
        ),
        format!("declare targetType: {}, {SECOND_SERVICE}", old.target_type.as_str()),
    ))
}

/// How a target group speaks to one port of a task.
struct Speech {
    port: u16,
    protocol: Protocol,
    version: Option<ProtocolVersion>,
    check_port: u16,
    check: Protocol,
}

impl Speech {
    fn new(port: u16, protocol: Protocol, version: Option<ProtocolVersion>, check: &HealthCheck) -> Self {
        let check_port = match check.port {
            Some(HealthPort::Fixed(fixed)) => fixed,
            Some(HealthPort::Traffic) | None => port,
        };
        // AWS's defaults of CreateTargetGroup.
        let default = if protocol.is_http() { Protocol::Http } else { Protocol::Tcp };
        let version = version.or(protocol.is_http().then_some(ProtocolVersion::Http1));
        Self { port, check_port, check: check.protocol.clone().unwrap_or(default), protocol, version }
    }

    fn is_tls(&self) -> bool {
        self.protocol == Protocol::Tls
    }

    /// Whether what this one checks is what it sends requests to.
    fn checks_what_it_sends(&self) -> bool {
        let same = self.check == self.protocol
            || matches!((&self.protocol, &self.check), (Protocol::Tcp, _) | (Protocol::Tls, Protocol::Https));
        self.check_port == self.port && same
    }
}

/// One task can pass both health checks together, and the new one shows that the task takes what the new group sends.
pub(in super::super) fn passes_both(
    live: &Service,
    port: &DesiredPort,
    old: &TargetGroup,
    group: &DesiredTargetGroup,
    new: Option<&TargetGroup>,
) -> Result<(), Obstacle> {
    let new = match new {
        Some(new) => {
            let check = HealthCheck {
                protocol: group.health_check.protocol.clone().or_else(|| new.health_check.protocol.clone()),
                port: group.health_check.port.or(new.health_check.port),
                ..HealthCheck::default()
            };
            Speech::new(port.container_port, new.protocol.clone(), new.protocol_version.clone(), &check)
        }
        None => {
            let protocol = group.protocol.clone().unwrap_or_else(|| old.protocol.clone());
            Speech::new(port.container_port, protocol, group.protocol_version.clone(), &group.health_check)
        }
    };
    let ports: BTreeSet<u16> = live.entries_behind(&old.arn).map(|entry| entry.container_port).collect();
    for container_port in ports {
        let before = Speech::new(container_port, old.protocol.clone(), old.protocol_version.clone(), &old.health_check);
        let is_as_before = new.port == before.port && new.protocol == before.protocol && new.version == before.version;
        let is_shown = is_as_before || new.checks_what_it_sends();
        // The check that it has, or the one that it needs.
        let (check, check_port) = if is_shown { (&new.check, new.check_port) } else { (&new.protocol, new.port) };
        let http = check.is_http() && before.check.is_http();
        if check_port == before.check_port && http && (*check != before.check || new.version != before.version) {
            return no(Reason::new(
                format!(
                    "{} checks port {check_port} by {}, and the new target group needs {} there: a task that \
                     passes one check fails the other",
                    old.name,
                    words(&before.check, before.version.as_ref()),
                    words(check, new.version.as_ref())
                ),
                format!(
                    "let the container listen on a second port, and name the new target group at that port, \
                     {SECOND_SERVICE}"
                ),
            ));
        }
        // A listener with TLS takes both protocols, but a port speaks one of them.
        if new.port == before.port && new.protocol != before.protocol && (new.is_tls() || before.is_tls()) {
            return no(Reason::new(
                format!(
                    "{} sends {} to port {}, and the new target group {}: a task that takes one does not take the \
                     other",
                    old.name, before.protocol, new.port, new.protocol
                ),
                format!(
                    "let the container listen on a second port, and name the new target group at that port, \
                     {SECOND_SERVICE}"
                ),
            ));
        }
        // AWS has no check by UDP.
        if !is_shown && matches!(new.protocol, Protocol::Udp | Protocol::TcpUdp) {
            return no(Reason::new(
                format!(
                    "the new target group sends {} to port {}, and no health check of AWS shows that tasks take \
                     that there",
                    new.protocol, new.port
                ),
                format!("keep protocol and container port as they are, {SECOND_SERVICE}"),
            ));
        }
        if !is_shown {
            return no(Reason::new(
                format!(
                    "the new target group sends {} to port {}, and its health check ({} on port {}) does not show \
                     that tasks take that",
                    words(&new.protocol, new.version.as_ref()),
                    new.port,
                    new.check,
                    new.check_port
                ),
                format!(
                    "declare healthCheck: {{protocol: {}, port: traffic-port}}, {SECOND_SERVICE}",
                    if new.protocol == Protocol::Tls { Protocol::Https } else { new.protocol.clone() }
                ),
            ));
        }
    }
    Ok(())
}

/// A protocol, with its version where that is not the usual one.
fn words(protocol: &Protocol, version: Option<&ProtocolVersion>) -> String {
    let version = version.filter(|version| **version != ProtocolVersion::Http1);
    version.map_or_else(|| protocol.to_string(), |version| format!("{protocol} ({})", version.as_str()))
}
