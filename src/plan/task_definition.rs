//! Port mappings of the running revision against the declared ones. A correction is a copy of the running revision
//! with only its port mappings changed.

use std::collections::BTreeSet;

use crate::model::{AppProtocol, Container, DesiredPort, DesiredService, NetworkMode, PortMapping, TaskDefinition};

use super::action::PortFix;
use super::change::Change;
use super::draft::Obstacle;
use super::field::Field;
use super::reason::Reason;

/// What the port mappings of the running revision need.
#[derive(Clone, Debug, Default)]
pub(super) struct PortDiff {
    pub(super) fixes: Vec<PortFix>,
    pub(super) changes: Vec<Change>,
    /// Names of ports that the revision does not map and that nothing here can correct: they cannot be wired either.
    pub(super) unmapped: BTreeSet<String>,
}

/// The corrections that the running revision needs, with the differences for people to read. `renamed` gives the command
/// that deploys a revision with the declared containers.
pub(super) fn diff_ports(
    wanted: &DesiredService,
    definition: &TaskDefinition,
    renamed: &dyn Fn() -> Option<String>,
    obstacles: &mut Vec<Obstacle>,
) -> PortDiff {
    let mut diff = PortDiff::default();
    for port in wanted.ports.iter().flatten() {
        let found = match definition.containers.get(&port.container) {
            Some(container) => diff_port(port, definition, container, &mut diff),
            None => Err(no_container(port, definition, renamed())),
        };
        if let Err(obstacle) = found {
            obstacles.push(obstacle);
            diff.unmapped.insert(port.name.clone());
        }
    }
    diff.fixes.sort();
    diff
}

fn diff_port(
    port: &DesiredPort,
    definition: &TaskDefinition,
    container: &Container,
    diff: &mut PortDiff,
) -> Result<(), Obstacle> {
    let mode = definition.network_mode;
    if mode == NetworkMode::None {
        return Err(Obstacle::difference(
            format!("port {}", port.name),
            Reason::new(
                "the task definition has network mode none, which maps no ports",
                "deploy one with another mode",
            ),
        ));
    }
    let live = mapping_for(container, port);
    let target = wanted_mapping(port, mode, live);
    if live == Some(&target) {
        return Ok(());
    }
    if live.is_none() && is_in_a_range(container, port.container_port) {
        return match (&port.port_name, port.app_protocol) {
            (None, None) => Ok(()),
            (Some(_), _) | (_, Some(_)) => Err(Obstacle::difference(
                format!("port {}", port.name),
                Reason::new(
                    "the task definition maps it in a range of ports, which has a name and appProtocol of its own",
                    "remove portName and appProtocol, or map the port by itself",
                ),
            )),
        };
    }
    let fix = PortFix {
        container: port.container.clone(),
        container_port: target.container_port,
        host_port: target.host_port,
        protocol: target.protocol,
        name: target.name.clone(),
        app_protocol: target.app_protocol,
    };
    // One port may stand twice, for each of two registrars.
    if diff.fixes.contains(&fix) {
        return Ok(());
    }
    diff.changes.push(Change {
        field: Field::PortMapping(port.name.clone()),
        live: live.map(|mapping| describe(port, mapping)),
        desired: Some(describe(port, &target)),
    });
    diff.fixes.push(fix);
    Ok(())
}

/// The live mapping that a declared port is compared with: both protocols of a container port may be mapped.
fn mapping_for<'c>(container: &'c Container, port: &DesiredPort) -> Option<&'c PortMapping> {
    let is_it =
        |mapping: &&PortMapping| mapping.container_port == port.container_port && mapping.protocol == port.protocol;
    container.ports.iter().find(is_it).or_else(|| mapping_of(container, port.container_port))
}

/// The first live mapping of a container port, whatever its protocol.
pub(super) fn mapping_of(container: &Container, container_port: u16) -> Option<&PortMapping> {
    container.ports.iter().find(|mapping| mapping.container_port == container_port)
}

/// A `containerPortRange` such as `8000-8010` maps the port too.
fn is_in_a_range(container: &Container, port: u16) -> bool {
    container.port_ranges.iter().any(|range| {
        let ends = range.split_once('-').unwrap_or((range, range));
        let ends = (ends.0.trim().parse::<u16>(), ends.1.trim().parse::<u16>());
        matches!(ends, (Ok(from), Ok(to)) if (from..=to).contains(&port))
    })
}

/// The declared mapping; what is not declared stays as it is.
fn wanted_mapping(port: &DesiredPort, mode: NetworkMode, live: Option<&PortMapping>) -> PortMapping {
    // The others are compared with loadBalancers and registrations, and with ingress.
    let DesiredPort {
        name: _,
        container: _,
        container_port,
        host_port,
        protocol,
        app_protocol,
        port_name,
        target_groups: _,
        registrar: _,
        allow_from: _,
    } = port;
    let host_port = match mode {
        NetworkMode::Bridge => host_port.or(live.and_then(|mapping| mapping.host_port)).or(Some(0)),
        NetworkMode::Awsvpc | NetworkMode::Host | NetworkMode::None => None,
    };
    PortMapping {
        container_port: *container_port,
        host_port,
        protocol: *protocol,
        name: port_name.clone().or_else(|| live.and_then(|mapping| mapping.name.clone())),
        app_protocol: app_protocol.or(live.and_then(|mapping| mapping.app_protocol)),
    }
}

/// A mapping for people; name and application protocol only where the port declares them.
fn describe(port: &DesiredPort, mapping: &PortMapping) -> String {
    let container = &port.container;
    let host = match mapping.host_port {
        None => String::new(),
        Some(0) => " on a dynamic host port".to_owned(),
        Some(port) => format!(" on host port {port}"),
    };
    let nothing = || "none".to_owned();
    let name = port.port_name.as_ref().map(|_| format!(", name {}", mapping.name.clone().unwrap_or_else(nothing)));
    let speaks = |speaks: Option<AppProtocol>| speaks.map_or("none", AppProtocol::as_str);
    let app = port.app_protocol.map(|_| format!(", appProtocol {}", speaks(mapping.app_protocol)));
    let more = [name, app].into_iter().flatten().collect::<String>();
    format!("{container} {}/{}{host}{more}", mapping.container_port, mapping.protocol)
}

fn no_container(port: &DesiredPort, definition: &TaskDefinition, command: Option<String>) -> Obstacle {
    let names: Vec<_> = definition.containers.keys().map(String::as_str).collect();
    Obstacle::difference(
        format!("port {}", port.name),
        Reason::new(
            format!("{} has no container {:?} (it has {})", definition.arn.name(), port.container, names.join(", ")),
            format!(
                "correct the manifest, or deploy a revision that has it, in one UpdateService call with the \
                 loadBalancers that name it, because ECS refuses either alone{}",
                command.map_or_else(String::new, |command| format!(
                    ": {command} (this deploys the newest ACTIVE revision of {}, which must have the container)",
                    definition.family
                ))
            ),
        ),
    )
}

/// The port on the host that traffic really goes to, as far as declaration and running revision say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RealPort {
    /// That one.
    Fixed(u16),
    /// Any of the fleet's dynamic ports.
    Dynamic,
}

/// Where traffic for a declared port arrives: awsvpc and host: the container port; bridge: the host port.
pub(super) fn real_port(port: &DesiredPort, mode: NetworkMode, definition: Option<&TaskDefinition>) -> RealPort {
    if mode != NetworkMode::Bridge {
        return RealPort::Fixed(port.container_port);
    }
    let container = definition.and_then(|definition| definition.containers.get(&port.container));
    let live = container.and_then(|container| mapping_for(container, port));
    match port.host_port.or(live.and_then(|mapping| mapping.host_port)) {
        None | Some(0) => RealPort::Dynamic,
        Some(host_port) => RealPort::Fixed(host_port),
    }
}
