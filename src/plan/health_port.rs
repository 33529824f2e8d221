//! The port of health checks: which one may be opened, and which one nothing can listen on. Only a declared port is
//! opened; one that was changed by hand is corrected, and stays closed.

use std::collections::BTreeSet;

use crate::model::{DesiredPort, DesiredService, DesiredTargetGroup, Given, HealthPort, NetworkMode, TaskDefinition};

use super::reason::Reason;
use super::resolve;
use super::task_definition::{RealPort, real_port};

/// A port that health checks of a target group go to, now or after this plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CheckedPort {
    pub(super) port: HealthPort,
    /// It may be opened. Else it is only kept as it is, for as long as checks go there.
    pub(super) opens: bool,
}

/// The ports that the checks of a target group, and of the other group of its blue/green pair, need. The declared port is
/// opened; where none is declared, the live ones are.
pub(super) fn checked_ports(given: &Given<'_>, group: &DesiredTargetGroup) -> Vec<CheckedPort> {
    let live = resolve::target_group(given, group).present();
    let standing = live.and_then(|live| live.health_check.port);
    let own = group.health_check.port.or(standing).unwrap_or(HealthPort::Traffic);
    let mut found = vec![CheckedPort { port: own, opens: true }];
    found.extend(standing.filter(|port| *port != own).map(|port| CheckedPort { port, opens: false }));
    let pair = resolve::stand_ins(given, &group.key);
    let others = pair.iter().filter(|arn| live.is_none_or(|live| live.arn != **arn));
    let others = others.filter_map(|arn| given.target_group(arn.as_str()).present()?.health_check.port);
    let is_declared = |port: HealthPort| group.health_check.port.is_none_or(|declared| declared == port);
    found.extend(others.map(|port| CheckedPort { port, opens: is_declared(port) }));
    found
}

/// Whether the tasks of a service get dynamic host ports for a port, and none of its ports has this one as its host port.
pub(super) fn is_out_of_reach(
    service: &DesiredService,
    port: &DesiredPort,
    mode: NetworkMode,
    definition: Option<&TaskDefinition>,
    number: u16,
) -> bool {
    // Without a declared or a running host port nothing is known.
    let is_known = port.host_port.is_some() || definition.is_some();
    let is_dynamic = mode == NetworkMode::Bridge && is_known && real_port(port, mode, definition) == RealPort::Dynamic;
    let declared = service.ports.iter().flatten().filter_map(|port| port.host_port);
    let containers = definition.into_iter().flat_map(|definition| definition.containers.values());
    let running = containers.flat_map(|container| container.ports.iter().filter_map(|mapping| mapping.host_port));
    is_dynamic && !declared.chain(running).any(|host| host == number)
}

/// Why no task can answer the declared checks of a target group, if none can.
pub(super) fn unanswered(given: &Given<'_>, group: &DesiredTargetGroup) -> Option<Reason> {
    let Some(HealthPort::Fixed(number)) = group.health_check.port else { return None };
    let services: BTreeSet<String> = given
        .ports_of(&group.key)
        .filter(|(service, port)| {
            let Ok(mode) = resolve::network_mode(given.observed, service) else { return false };
            let definition = resolve::task_definition(given.observed, service).present();
            is_out_of_reach(service, port, mode, definition, number)
        })
        .map(|(service, _)| service.id.to_string())
        .collect();
    (!services.is_empty()).then(|| {
        Reason::new(
            format!(
                "no task of service {} can listen on port {number}: they get dynamic host ports",
                services.into_iter().collect::<Vec<_>>().join(", ")
            ),
            "write healthCheck.port: traffic-port, or give the port a fixed hostPort",
        )
    })
}
