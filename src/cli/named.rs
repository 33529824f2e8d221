//! Services that are named on the command line.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::usage;
use crate::model::Desired;
use crate::yaml::nearest;

/// Names that a hint lists.
const NAMED: usize = 10;

/// The key of the service that a name means: its key in the manifest, its name in ECS, or `CLUSTER/NAME`.
pub fn service(name: &str, desired: &Desired) -> Result<String, Failure> {
    if desired.services.contains_key(name) {
        return Ok(name.to_owned());
    }
    let is_named = |id: &crate::model::ServiceId| id.name == name || id.to_string() == name;
    let mut found = desired.services.values().filter(|service| is_named(&service.id));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.key.clone()),
        (Some(first), Some(second)) => Err(Failure::new(
            format!("several services are called {name}"),
            Some(format!("write {} or {}", first.id, second.id)),
        )),
        _ => Err(Failure::new(format!("service {name} not found"), Some(hint(name, desired)))),
    }
}

/// The key and the port of `SERVICE`, `SERVICE/PORT`, `CLUSTER/NAME` or `CLUSTER/NAME/PORT`.
pub fn service_and_port(path: &str, desired: &Desired) -> Result<(String, Option<String>), Failure> {
    let whole = service(path, desired).map(|key| (key, None));
    let Some((front, port)) = path.rsplit_once('/') else { return whole };
    let in_parts = service(front, desired).map(|key| (key, Some(port.to_owned())));
    let is_cluster = desired.services.values().any(|service| service.id.cluster == front);
    // An error is about what is more likely to be meant.
    let (first, second) = if is_cluster { (whole, in_parts) } else { (in_parts, whole) };
    first.or_else(|error| second.map_err(|_| error))
}

/// The keys of several, each once.
pub fn services(names: &[String], desired: &Desired) -> Result<BTreeSet<String>, Failure> {
    names.iter().map(|name| service(name, desired)).collect()
}

fn hint(name: &str, desired: &Desired) -> String {
    let services = || desired.services.values();
    let names = services().flat_map(|service| [service.key.clone(), service.id.name.clone(), service.id.to_string()]);
    let names: BTreeSet<String> = names.collect();
    if let Some(near) = nearest(name, names.iter().map(String::as_str)) {
        return format!("did you mean {near}?");
    }
    if usage::is_file(name) {
        return format!("pass a manifest with -f: -f {name}");
    }
    let all: Vec<&str> = services().map(|service| service.key.as_str()).collect();
    match (all.len(), all.len().saturating_sub(NAMED)) {
        (0, _) => "the manifest has no services".to_owned(),
        (_, 0) => format!("services: {}", all.join(", ")),
        (_, more) => {
            format!("services: {} and {more} more", all.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "))
        }
    }
}
