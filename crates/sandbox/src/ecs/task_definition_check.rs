//! What a task definition must be (aws-facts 1.1 to 1.5, aws-facts 1.9). Every no is a `ClientException`.

use std::collections::BTreeSet;

use super::{fargate, task_definition_reference};
use crate::input::Input;
use crate::refusal::Refusal;

/// The quotas of a definition, which no account can raise.
const CONTAINERS: usize = 10;
const BYTES: usize = 65536;

/// Holds the size of what is registered against the quota.
pub fn check_size(input: Input) -> Result<(), Refusal> {
    let length = input.0.to_string().len();
    if length > BYTES {
        return no(format!("Actual length: '{length}'. Max allowed length is '{BYTES}' bytes."));
    }
    Ok(())
}

/// Holds a definition, as it would be read back, against AWS's rules.
pub fn check(body: Input) -> Result<(), Refusal> {
    let family = body.text("family").unwrap_or_default();
    let is_sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if family.is_empty() {
        return no("Family should not be null or empty.");
    }
    if family.len() > 255 || !family.chars().all(is_sound) {
        return no("Family contains invalid characters.");
    }
    let containers: Vec<Input> = body.list("containerDefinitions").collect();
    if containers.is_empty() {
        return no("Container list cannot be empty.");
    }
    if containers.len() > CONTAINERS {
        return no("Too many containers.");
    }
    let mode = body.text("networkMode").unwrap_or("bridge");
    if !["awsvpc", "bridge", "host", "none"].contains(&mode) {
        return no(format!("Invalid network mode '{mode}'."));
    }
    for size in ["cpu", "memory"] {
        if body.text(size).is_some_and(|text| text.parse::<i64>().is_err()) {
            return no(format!("Invalid '{size}' setting for task."));
        }
    }
    let is_fargate = body.texts("requiresCompatibilities").contains(&"FARGATE");
    if is_fargate {
        fargate::check(body)?;
    }
    for constraint in body.list("placementConstraints").filter_map(|constraint| constraint.text("type")) {
        if constraint != "memberOf" {
            return no(format!("constraint.type '{constraint}' is not supported."));
        }
    }
    if !containers.iter().any(|container| container.flag("essential") == Some(true)) {
        return no("A task definition must have at least one essential container.");
    }
    let mut names = BTreeSet::new();
    for container in &containers {
        check_container(body, *container, mode)?;
        if !names.insert(container.text("name").unwrap_or_default()) {
            return no("Container names must be unique within a task definition.");
        }
    }
    task_definition_reference::check(body)?;
    check_shared_ports(&containers, mode)
}

fn no<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::client(message))
}

fn check_container(body: Input, container: Input, mode: &str) -> Result<(), Refusal> {
    let name = container.text("name").unwrap_or_default();
    if name.is_empty() {
        return no("Container.name should not be null or empty.");
    }
    if container.text("image").unwrap_or_default().is_empty() {
        return no("Container.image should not be null or empty.");
    }
    let has_memory = body.has("memory") || container.has("memory") || container.has("memoryReservation");
    if !has_memory {
        return no(format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        ));
    }
    let limits = (container.int("memory"), container.int("memoryReservation"));
    if matches!(limits, (Some(hard), Some(soft)) if hard < soft) {
        return no("Invalid setting for container: 'memory' must be greater than 'memoryReservation'.");
    }
    if mode == "awsvpc" {
        for member in ["links", "hostname", "extraHosts"] {
            if container.has(member) {
                return no(format!("{member} is not supported on container when networkMode=awsvpc."));
            }
        }
    } else if container.list("links").next().is_some() && mode != "bridge" {
        return no("Links are only supported when networkMode=bridge.");
    }
    let mappings: Vec<Input> = container.list("portMappings").collect();
    if mode == "none" && !mappings.is_empty() {
        return no("Port mappings are not supported when networkMode=none.");
    }
    check_mappings(&mappings, mode)
}

fn check_mappings(mappings: &[Input], mode: &str) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for mapping in mappings {
        let (port, host) = (mapping.int("containerPort").unwrap_or(0), mapping.int("hostPort").unwrap_or(0));
        if mapping.has("containerPortRange") {
            if mode == "host" {
                return no("containerPortRange is only supported when networkMode is awsvpc or bridge.");
            }
            continue;
        }
        if !(1..=65535).contains(&port) || !(0..=65535).contains(&host) {
            return no("Invalid 'containerPort' or 'hostPort' setting for container: ports are between 1 and 65535.");
        }
        if matches!(mode, "awsvpc" | "host") && host != port {
            return no(format!(
                "When networkMode={mode}, the host ports and container ports in port mappings must match."
            ));
        }
        if !seen.insert(port) {
            return no("A container port can be in one port mapping only.");
        }
        let name = mapping.text("name").unwrap_or_default();
        let is_sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if name.len() > 64 || name.starts_with('-') || !name.chars().all(is_sound) {
            return no("A port mapping's name has up to 64 lowercase letters, digits, underscores and hyphens.");
        }
    }
    Ok(())
}

/// Containers of an awsvpc or host task share one network: none of their ports can be twice.
fn check_shared_ports(containers: &[Input], mode: &str) -> Result<(), Refusal> {
    let mut host_ports = BTreeSet::new();
    for mapping in containers.iter().flat_map(|container| container.list("portMappings")) {
        let port = mapping.int("hostPort").unwrap_or(0);
        let protocol = mapping.text("protocol").unwrap_or("tcp");
        if port != 0 && !host_ports.insert((port, protocol)) {
            let what = if mode == "awsvpc" { "container" } else { "host" };
            return no(format!("The {what} port {port} is used by several containers of the task."));
        }
    }
    Ok(())
}
