//! Ports of a service: what each network mode allows, and whether a target group fits.

use std::collections::BTreeMap;

use super::{Scene, check_cidr, check_once, name};
use crate::manifest::document::{IngressSpec, PortSpec, ServiceSpec, TargetGroupSpec};
use crate::model::{HealthPort, NetworkMode, PortRange, Protocol, Registrar, Transport};
use crate::yaml::{At, Position, Problems, nearest, quoted};

/// Host ports that the ECS agent keeps for Docker, SSH and itself.
pub(super) const RESERVED: [u32; 6] = [22, 2375, 2376, 51_678, 51_679, 51_680];
/// Who has them.
pub(super) const RESERVED_HINT: &str = "22, 2375, 2376 and 51678 to 51680 belong to SSH, Docker and the ECS agent";
/// Longest description of a security group's rule.
const MOST_DESCRIPTION: usize = 255;

pub(super) fn check(spec: &ServiceSpec, scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let mode = spec.network.as_ref().and_then(|network| network.mode.as_ref()).map(|mode| mode.value);
    let ports = spec.ports.as_ref().map_or(&[][..], |ports| &ports.0);
    for port in ports {
        check_registrar(port, port.flawed, problems);
        check_host_port(port, mode, scene, problems);
        check_target_groups(port, ports, mode, scene, problems);
        for source in port.allow_from.iter().flat_map(|sources| &sources.value) {
            check_ingress(source, problems);
        }
    }
    check_together(ports, mode, problems);
    check_mappings(ports, problems);
    check_one_registrar(ports, problems);
}

/// Who registers the tasks of a port.
pub(super) fn registrar(port: &PortSpec) -> Registrar {
    port.registrar.as_ref().map_or(Registrar::Ecs, |registrar| registrar.value)
}

/// A container port has one mapping, and a name is that of one mapping.
fn check_mappings(ports: &[At<PortSpec>], problems: &mut Problems<'_>) {
    let is_same = |one: &PortSpec, other: &PortSpec| {
        one.container.value == other.container.value && one.container_port.0 == other.container_port.0
    };
    for (index, port) in ports.iter().enumerate() {
        let before = || ports[..index].iter().map(|other| &other.value);
        let number = port.container_port.0;
        if let Some(name) = &port.port_name {
            for other in before() {
                let Some(taken) = &other.port_name else { continue };
                match (is_same(other, port), taken.0 == name.0) {
                    (true, false) => problems.add(name.at, format!("container port {number} has two portNames")),
                    (false, true) => {
                        let message = format!("portName {} is used twice in this service", quoted(&name.0));
                        problems.add_hint(name.at, message, "each port mapping of a task definition has its own name");
                    }
                    (true, true) | (false, false) => {}
                }
            }
        }
        if let Some(protocol) = &port.app_protocol {
            let differs = |other: &PortSpec| other.app_protocol.as_ref().is_some_and(|one| one.value != protocol.value);
            if before().any(|other| is_same(other, port) && differs(other)) {
                problems.add(protocol.at, format!("container port {number} has two appProtocols"));
            }
        }
    }
}

fn check_registrar(port: &PortSpec, flawed: bool, problems: &mut Problems<'_>) {
    let Some(declared) = port.registrar.as_ref().filter(|declared| declared.value == Registrar::Portolan) else {
        return;
    };
    if port.target_groups.as_ref().is_none_or(|keys| keys.is_empty()) && !flawed {
        let hint = "name the target groups in which Portolan registers the tasks, or remove registrar";
        problems.add_hint(declared.at, "registrar: portolan on a port without targetGroups", hint);
    }
}

/// Two registrars of one service in one target group would be at odds: ECS takes the whole group for its own.
fn check_one_registrar(ports: &[At<PortSpec>], problems: &mut Problems<'_>) {
    let mut registrars: BTreeMap<&str, (Registrar, Position)> = BTreeMap::new();
    for port in ports {
        for key in port.target_groups.iter().flat_map(|keys| &keys.value) {
            let own = registrar(port);
            let (first, at) = *registrars.entry(key.value.as_str()).or_insert((own, key.at));
            if first != own {
                let message = format!("TargetGroup {} has two registrars in this service", quoted(key));
                let hint =
                    format!("the other is at {}; give one of the ports a target group of its own", problems.place(at));
                problems.add_hint(key.at, message, hint);
            }
        }
    }
}

fn check_host_port(port: &PortSpec, mode: Option<NetworkMode>, scene: &Scene<'_>, problems: &mut Problems<'_>) {
    let container = port.container_port.0;
    let declared = port.host_port.as_ref();
    if let (Some(mode @ (NetworkMode::Awsvpc | NetworkMode::Host)), Some(host)) = (mode, declared)
        && host.0 != container
    {
        let message = format!("hostPort {} differs from containerPort {container}, in {mode} mode", host.0);
        problems.add_hint(host.at, message, "remove it: in this mode the host port equals the container port");
        return;
    }
    let fixed = fixed_host_port(port, mode);
    let Some((number, at)) = fixed else { return };
    if RESERVED.contains(&number) {
        problems.add_hint(at, format!("host port {number} is reserved on container instances"), RESERVED_HINT);
    }
    let dynamic = scene.fleet.as_ref().map(|fleet| fleet.dynamic_ports);
    let number = u16::try_from(number).unwrap_or_default();
    if let Some(range) = dynamic.filter(|range| range.covers(PortRange::one(number)) && mode != Some(NetworkMode::Host))
    {
        let message = format!("hostPort {number} is in dynamicPorts {range}, so another task may get it first");
        problems.add_hint(at, message, "choose a lower port, or narrow Fleet.spec.dynamicPorts");
    }
}

/// The port that every instance must have free, where there is one. Without a mode only a host port that differs
/// from the container's tells: it must be bridge.
fn fixed_host_port(port: &PortSpec, mode: Option<NetworkMode>) -> Option<(u32, Position)> {
    let declared = port.host_port.as_ref().map(|host| (host.0, host.at)).filter(|(host, _)| *host != 0);
    match mode {
        Some(NetworkMode::Host) => declared.or(Some((port.container_port.0, port.container_port.at))),
        Some(NetworkMode::Bridge) => declared,
        Some(NetworkMode::Awsvpc | NetworkMode::None) => None,
        None => declared.filter(|(host, _)| *host != port.container_port.0),
    }
}

fn transport(port: &PortSpec) -> Transport {
    port.protocol.as_ref().map_or(Transport::Tcp, |protocol| protocol.value)
}

/// A container port, as one entry has it.
#[derive(Clone, Copy)]
struct Declared {
    at: Position,
    transport: Transport,
    host: Option<u32>,
    registrar: Registrar,
}

impl Declared {
    /// One port may stand twice: for what ECS registers, and for what Portolan does.
    fn shares_with(self, other: Self) -> bool {
        self.registrar != other.registrar && self.transport == other.transport && self.host == other.host
    }
}

fn check_together(ports: &[At<PortSpec>], mode: Option<NetworkMode>, problems: &mut Problems<'_>) {
    let (mut names, mut mappings) = (BTreeMap::new(), BTreeMap::new());
    let (mut host_ports, mut addresses) = (BTreeMap::new(), BTreeMap::new());
    for port in ports {
        let (number, transport) = (port.container_port.0, transport(port));
        if let Some(first) = names.insert(port.name.0.as_str(), port.name.at) {
            let message = format!("a second port {} in this service", quoted(&port.name.0));
            problems.add_hint(port.name.at, message, format!("first at {}", problems.place(first)));
        }
        let mapping = (port.container.as_str(), number);
        let declared = Declared {
            at: port.container_port.at,
            transport,
            host: port.host_port.as_ref().map(|host| host.0),
            registrar: registrar(port),
        };
        let standing: &mut Vec<Declared> = mappings.entry(mapping).or_default();
        let conflict = standing.iter().find(|other| !declared.shares_with(**other)).copied();
        let is_first = standing.is_empty();
        standing.push(declared);
        if let Some(Declared { at: first, transport: other, .. }) = conflict {
            let message = if other == transport {
                format!("port {number} of container {} is declared twice", quoted(&port.container))
            } else {
                format!(
                    "port {number} of container {} is declared for tcp and udp, but ECS exposes it for only one",
                    quoted(&port.container)
                )
            };
            problems.add_hint(port.container_port.at, message, format!("first at {}", problems.place(first)));
        }
        if !is_first {
            continue;
        }
        if let Some((host, at)) = fixed_host_port(port, mode)
            && let Some(first) = host_ports.insert((host, transport), at)
        {
            let hint = format!("first at {}", problems.place(first));
            problems.add_hint(at, format!("host port {host}/{transport} is used twice"), hint);
        }
        if mode == Some(NetworkMode::Awsvpc)
            && let Some(first) = addresses.insert((number, transport), port.container_port.at)
        {
            let message = format!("two containers on port {number}/{transport}: in awsvpc mode they share one address");
            problems.add_hint(port.container_port.at, message, format!("first at {}", problems.place(first)));
        }
    }
}

fn check_target_groups(
    port: &PortSpec,
    ports: &[At<PortSpec>],
    mode: Option<NetworkMode>,
    scene: &Scene<'_>,
    problems: &mut Problems<'_>,
) {
    let Some(keys) = &port.target_groups else { return };
    check_once(keys, "targetGroups", problems);
    for key in &keys.value {
        if problems.is_full() {
            return;
        }
        match scene.target_groups.get(key.value.as_str()) {
            Some(group) => {
                check_fit(port, mode, key, &group.spec, problems);
                check_health_port(port, ports, mode, key, &group.spec, problems);
            }
            None if scene.documents.target_group_keys.contains(&key.value) || !scene.documents.whole => {}
            None => {
                let known = scene.documents.target_group_keys.iter().map(String::as_str);
                let near = problems.wants_suggestions().then(|| nearest(key, known)).flatten();
                let hint = match near {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "targetGroups takes metadata.name of TargetGroups in this fleet".to_owned(),
                };
                problems.add_hint(key.at, format!("no TargetGroup {} in this fleet", quoted(key)), hint);
            }
        }
    }
}

fn check_fit(
    port: &PortSpec,
    mode: Option<NetworkMode>,
    key: &At<String>,
    group: &TargetGroupSpec,
    problems: &mut Problems<'_>,
) {
    if registrar(port) == Registrar::Ecs && group.routes.as_ref().is_some_and(|routes| routes.is_empty()) {
        let message = format!("TargetGroup {} has no routes", quoted(key));
        let hint = "ECS refuses a target group without a load balancer: add a route, or remove the empty list";
        problems.add_hint(key.at, message, hint);
    }
    if let (Some(mode), Some(kind)) = (mode, &group.target_type)
        && mode.target_type() != kind.value
    {
        let message = format!("TargetGroup {} has targetType {}", quoted(key), kind.as_str());
        problems.add_hint(key.at, message, format!("{mode} mode needs targetType: {}", mode.target_type().as_str()));
    }
    let transport = transport(port);
    if let Some(protocol) = &group.protocol
        && !fits(&protocol.value, transport)
    {
        let message = format!("TargetGroup {} uses {}, but the port uses {transport}", quoted(key), protocol.value);
        let hint = match transport {
            Transport::Tcp => "a tcp port needs HTTP, HTTPS, TCP, TLS or TCP_UDP",
            Transport::Udp => "a udp port needs UDP or TCP_UDP",
        };
        problems.add_hint(key.at, message, hint);
    }
}

/// With dynamic host ports no task listens on a fixed one, unless another port of the service has it.
fn check_health_port(
    port: &PortSpec,
    ports: &[At<PortSpec>],
    mode: Option<NetworkMode>,
    key: &At<String>,
    group: &TargetGroupSpec,
    problems: &mut Problems<'_>,
) {
    let is_dynamic =
        port.host_port.as_ref().is_some_and(|host| host.0 == 0) && matches!(mode, None | Some(NetworkMode::Bridge));
    let Some(HealthPort::Fixed(number)) =
        group.health_check.as_ref().and_then(|check| check.port.as_ref()).map(|port| port.value)
    else {
        return;
    };
    let listens = ports.iter().any(|port| port.host_port.as_ref().is_some_and(|host| host.0 == u32::from(number)));
    if is_dynamic && !listens {
        let message = format!(
            "the health check of TargetGroup {} uses port {number}, but with hostPort 0 no task listens on it",
            quoted(key)
        );
        problems.add_hint(key.at, message, "write healthCheck.port: traffic-port, or give the port a fixed hostPort");
    }
}

fn fits(protocol: &Protocol, transport: Transport) -> bool {
    match protocol {
        Protocol::Http | Protocol::Https | Protocol::Tcp | Protocol::Tls => transport == Transport::Tcp,
        Protocol::Udp => transport == Transport::Udp,
        Protocol::TcpUdp | Protocol::Other(_) => true,
    }
}

fn check_ingress(source: &At<IngressSpec>, problems: &mut Problems<'_>) {
    match (&source.security_group, &source.cidr) {
        (Some(group), None) => name::check_lookup(group, "securityGroup", problems),
        (None, Some(cidr)) => check_cidr(cidr, "cidr", problems),
        (Some(_), Some(_)) => {
            problems.add_hint(source.at, "allowFrom: securityGroup and cidr in one entry", "split it into two entries");
        }
        (None, None) if source.flawed => {}
        (None, None) => {
            problems.add(source.at, "allowFrom: an entry needs securityGroup or cidr");
        }
    }
    if let Some(description) = &source.description {
        check_description(description, problems);
    }
}

fn check_description(description: &At<String>, problems: &mut Problems<'_>) {
    let allowed = |char: char| char.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(char);
    if description.chars().count() > MOST_DESCRIPTION {
        problems.add(description.at, format!("description: longer than {MOST_DESCRIPTION} characters"));
    }
    if let Some(char) = description.chars().find(|char| !allowed(*char)) {
        let message = format!("description: EC2 does not accept the character {}", quoted(&char.to_string()));
        problems.add_hint(description.at, message, "letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*");
    }
}
