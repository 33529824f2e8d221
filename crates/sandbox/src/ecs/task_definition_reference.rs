//! What the parts of a task definition name of each other: volumes, containers to wait for, containers to borrow from.

use std::collections::BTreeSet;

use crate::input::Input;
use crate::refusal::Refusal;

/// Whether everything that is named is there.
pub fn check(body: Input) -> Result<(), Refusal> {
    let volumes: BTreeSet<&str> = body.list("volumes").filter_map(|volume| volume.text("name")).collect();
    let containers: Vec<Input> = body.list("containerDefinitions").collect();
    let find = |name: &str| containers.iter().find(|container| container.text("name") == Some(name)).copied();
    for container in &containers {
        for volume in container.list("mountPoints").filter_map(|point| point.text("sourceVolume")) {
            if !volumes.contains(volume) {
                return no(format!("Unknown volume '{volume}'."));
            }
        }
        for source in container.list("volumesFrom").filter_map(|from| from.text("sourceContainer")) {
            if find(source).is_none() {
                return no(format!("Invalid 'volumesFrom' setting. Unknown container: '{source}'."));
            }
        }
        for dependency in container.list("dependsOn") {
            let name = dependency.text("containerName").unwrap_or_default();
            // The plus sign is AWS's.
            let Some(other) = find(name) else {
                return no(format!("Cannot depend on container + '{name}' because it does not exist"));
            };
            check_condition(dependency.text("condition").unwrap_or_default(), other)?;
        }
    }
    match waits_for_itself(&containers) {
        Some(name) => no(format!("Container '{name}' depends on itself by its dependencies.")),
        None => Ok(()),
    }
}

fn no<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::client(message))
}

/// Whether a container can come to what another one waits for (aws-facts 1.9).
fn check_condition(condition: &str, other: Input) -> Result<(), Refusal> {
    match condition {
        "SUCCESS" | "COMPLETE" if other.flag("essential") == Some(true) => {
            no("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
        }
        "HEALTHY" if !other.has("healthCheck") => {
            no("A dependency container with HEALTHY condition must have health check configured")
        }
        _ => Ok(()),
    }
}

/// A container that is in a circle of dependencies.
fn waits_for_itself<'a>(containers: &[Input<'a>]) -> Option<&'a str> {
    let waits_for = |name: &str| {
        let mut named = containers.iter().filter(move |container| container.text("name") == Some(name));
        let first = named.next().copied();
        first.into_iter().flat_map(|one| one.list("dependsOn")).filter_map(|one| one.text("containerName"))
    };
    containers.iter().filter_map(|container| container.text("name")).find(|name| {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = waits_for(name).collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(waits_for(next));
            }
        }
        seen.contains(name)
    })
}
