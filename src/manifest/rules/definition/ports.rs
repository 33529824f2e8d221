//! Ports of several containers that are at odds with each other or with the instance.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::super::port::{RESERVED, RESERVED_HINT};
use super::{Definition, list, name_of, text};
use crate::yaml::{Problems, quoted};

/// A mapping, and where it is.
struct Mapping<'d> {
    container: &'d str,
    number: u64,
    host: Option<u64>,
    protocol: &'d str,
}

pub(super) fn check(definition: &Definition<'_>, problems: &mut Problems<'_>) {
    let (mut ports, mut hosts) = (BTreeMap::new(), BTreeMap::new());
    let containers: Vec<&Map<String, Json>> = definition.containers().collect();
    for mapping in containers.iter().flat_map(|container| mappings(container)) {
        let Mapping { container, number, host, protocol } = mapping;
        let place = number.to_string();
        let path = ["containerDefinitions", container, "portMappings", place.as_str()];
        if definition.mode == Some("awsvpc")
            && let Some(first) = ports.insert((number, protocol), container)
            && first != container
        {
            let message = format!(
                "containers {} and {} on port {number}/{protocol}: in awsvpc mode they share one address",
                quoted(first),
                quoted(container)
            );
            definition.refuse(&path, message, problems);
        }
        let Some(host) = fixed_host_port(definition.mode, number, host) else { continue };
        if RESERVED.iter().any(|reserved| u64::from(*reserved) == host) {
            let message = format!("host port {host} is reserved on container instances");
            definition.refuse_hint(&path, message, RESERVED_HINT, problems);
        }
        if let Some(first) = hosts.insert((host, protocol), (container, number)) {
            let message = format!("host port {host}/{protocol} is used twice");
            let hint = format!("first by port {} of container {}", first.1, quoted(first.0));
            definition.refuse_hint(&path, message, &hint, problems);
        }
    }
}

fn mappings<'d>(container: &'d Map<String, Json>) -> impl Iterator<Item = Mapping<'d>> {
    list(container, "portMappings").filter_map(|mapping| {
        let host = mapping.get("hostPort").and_then(Json::as_u64).filter(|host| *host != 0);
        let protocol = text(mapping, "protocol").unwrap_or("tcp");
        let number = mapping.get("containerPort").and_then(Json::as_u64)?;
        Some(Mapping { container: name_of(container), number, host, protocol })
    })
}

/// The port that every instance must have free, if there is one.
fn fixed_host_port(mode: Option<&str>, number: u64, host: Option<u64>) -> Option<u64> {
    match mode {
        Some("host") => Some(number),
        Some("bridge") => host,
        // Without a mode only a host port that differs from the container's says that it is bridge.
        None => host.filter(|host| *host != number),
        Some(_) => None,
    }
}
