//! The ports of a service: what it is wired to, and what its running task definition maps besides.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    DesiredService, NetworkMode, PortMapping, Protocol, ProtocolVersion, Service, TaskDefinition, Transport,
};
use crate::survey::key::sanitized;

use super::Scene;
use super::page::{Entry, Value};

/// The target groups of a service that have documents.
pub(super) fn target_groups(scene: &Scene<'_>, service: &DesiredService) -> Vec<String> {
    let keys = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
    keys.filter(|key| scene.writes(key)).cloned().collect()
}

/// A port before it has a name.
struct Port<'a> {
    container: &'a str,
    number: u16,
    mapping: Option<&'a PortMapping>,
    /// The same container port with the other protocol.
    other: Option<&'a PortMapping>,
    groups: &'a [String],
}

impl Port<'_> {
    fn transport(&self, scene: &Scene<'_>) -> Transport {
        let udp = |key: &String| scene.live(key).is_some_and(|group| group.protocol == Protocol::Udp);
        match self.mapping {
            Some(mapping) => mapping.protocol,
            None if self.groups.iter().any(udp) => Transport::Udp,
            None => Transport::Tcp,
        }
    }

    /// What it speaks, as a label.
    fn word(&self, scene: &Scene<'_>) -> &'static str {
        let group = self.groups.iter().find_map(|key| scene.live(key));
        match group.map(|group| (&group.protocol, &group.protocol_version)) {
            Some((_, Some(ProtocolVersion::Grpc))) => "grpc",
            Some((Protocol::Http | Protocol::Https, _)) => "http",
            Some((Protocol::Tls, _)) => "tls",
            _ => self.transport(scene).as_str(),
        }
    }
}

pub(super) fn ports(scene: &Scene<'_>, service: &DesiredService, live: &Service) -> Option<Entry> {
    let definition = scene.observed.task_definition(&live.task_definition).present();
    if definition.is_some_and(|definition| definition.network_mode == NetworkMode::None) {
        return None;
    }
    let ports = all(scene, service, definition);
    let labels = labels(scene, &ports);
    let mut items: Vec<Entry> =
        ports.iter().zip(labels).map(|(port, label)| item(scene, port, &label, definition)).collect();
    items.extend(ranges(definition));
    (!items.is_empty()).then(|| Entry::field("ports", Value::List(items)))
}

/// Wired ports and mapped ports, by container.
fn all<'a>(scene: &Scene<'_>, service: &'a DesiredService, definition: Option<&'a TaskDefinition>) -> Vec<Port<'a>> {
    let mut ports: BTreeMap<(&str, u16), Port<'a>> = BTreeMap::new();
    for (container, mapping) in definition
        .into_iter()
        .flat_map(|definition| definition.containers.iter())
        .flat_map(|(name, container)| container.ports.iter().map(move |mapping| (name, mapping)))
    {
        let number = mapping.container_port;
        let first = Port { container, number, mapping: Some(mapping), other: None, groups: &[] };
        ports.entry((container, number)).and_modify(|port| port.other = Some(mapping)).or_insert(first);
    }
    for wired in service.ports.iter().flatten() {
        let key = (wired.container.as_str(), wired.container_port);
        let port = ports.entry(key).or_insert(Port {
            container: key.0,
            number: key.1,
            mapping: None,
            other: None,
            groups: &[],
        });
        port.groups = wired.target_groups.as_deref().unwrap_or_default();
        let takes =
            |protocol| port.groups.iter().filter_map(|key| scene.live(key)).any(|group| group.protocol == protocol);
        if takes(Protocol::Udp) && port.other.is_some_and(|other| other.protocol == Transport::Udp) {
            std::mem::swap(&mut port.mapping, &mut port.other);
        }
    }
    ports.into_values().collect()
}

/// `http`, or `http-8080` where there are several.
fn labels(scene: &Scene<'_>, ports: &[Port<'_>]) -> Vec<String> {
    let words: Vec<&str> = ports.iter().map(|port| port.word(scene)).collect();
    let is_alone = |word: &str| words.iter().filter(|other| **other == word).count() == 1;
    let mut taken = BTreeSet::new();
    let label = |(port, word): (&Port<'_>, &&str)| {
        let short = if is_alone(word) { (*word).to_owned() } else { format!("{word}-{}", port.number) };
        if taken.insert(short.clone()) {
            return short;
        }
        let long = sanitized(&format!("{word}-{}-{}", port.number, port.container));
        taken.insert(long.clone());
        long
    };
    ports.iter().zip(&words).map(label).collect()
}

fn item(scene: &Scene<'_>, port: &Port<'_>, label: &str, definition: Option<&TaskDefinition>) -> Entry {
    let mut fields = vec![
        Entry::text("name", label),
        Entry::text("container", port.container),
        Entry::word("containerPort", port.number),
    ];
    let is_bridge = definition.is_some_and(|definition| definition.network_mode == NetworkMode::Bridge);
    if let Some(host) = port.mapping.and_then(|mapping| mapping.host_port).filter(|_| is_bridge) {
        fields.push(Entry::word("hostPort", host));
    }
    if port.transport(scene) == Transport::Udp {
        fields.push(Entry::word("protocol", "udp"));
    }
    if let Some(protocol) = port.mapping.and_then(|mapping| mapping.app_protocol) {
        fields.push(Entry::word("appProtocol", protocol.as_str()));
    }
    if let Some(name) = port.mapping.and_then(|mapping| mapping.name.as_ref()) {
        fields.push(Entry::text("portName", name));
    }
    let written: Vec<&str> = port.groups.iter().filter(|key| scene.writes(key)).map(String::as_str).collect();
    if !written.is_empty() {
        fields.push(Entry::texts("targetGroups", written));
    }
    let mut entry = Entry::item(Value::Map(fields));
    entry.notes.extend(port.groups.iter().filter_map(|key| unwritten(scene, key)));
    if let Some(other) = port.other {
        entry.notes.push(format!(
            "The task definition also maps this port for {}; the manifest format has one protocol for a container port.",
            other.protocol
        ));
    }
    if is_unmapped(port, definition) {
        entry
            .notes
            .push("The service's loadBalancers name this port, but its task definition does not map it.".to_owned());
    }
    entry
}

/// Why a target group that the port feeds is not written.
fn unwritten(scene: &Scene<'_>, key: &str) -> Option<String> {
    if let Some(fleet) = scene.other_fleet(key) {
        return Some(format!(
            "It is also registered in target group {key}, which belongs to fleet {fleet} and is left to it."
        ));
    }
    scene
        .live(key)
        .is_none()
        .then(|| format!("It is also registered in target group {key}, which was deleted or could not be read."))
}

/// Whether the service is wired to a port that its running task definition does not map.
pub(super) fn has_unmapped(scene: &Scene<'_>, service: &DesiredService, definition: &TaskDefinition) -> bool {
    all(scene, service, Some(definition)).iter().any(|port| is_unmapped(port, Some(definition)))
}

fn is_unmapped(port: &Port<'_>, definition: Option<&TaskDefinition>) -> bool {
    definition.is_some() && port.mapping.is_none() && !is_ranged(port, definition)
}

fn is_ranged(port: &Port<'_>, definition: Option<&TaskDefinition>) -> bool {
    let container = definition.and_then(|definition| definition.containers.get(port.container));
    container.is_some_and(|container| !container.port_ranges.is_empty())
}

fn ranges(definition: Option<&TaskDefinition>) -> Vec<Entry> {
    let containers = definition.into_iter().flat_map(|definition| definition.containers.iter());
    let ranges = containers.flat_map(|(name, container)| container.port_ranges.iter().map(move |range| (name, range)));
    ranges
        .map(|(name, range)| {
            Entry::note(format!(
                "Container {name} also maps the port range {range}; the manifest format has no ranges."
            ))
        })
        .collect()
}
