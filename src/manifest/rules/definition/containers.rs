//! Containers: images, ports, dependencies, health checks, logs.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::{Definition, block, list, name_of, text, texts};
use crate::manifest::image::wrong_image;
use crate::manifest::scalar::{PORT_NAME_HINT, is_port_name};
use crate::yaml::{Problems, quoted};

/// How a log driver hands lines over (ECS `LogConfiguration$options`).
const LOG_MODES: [&str; 2] = ["blocking", "non-blocking"];
/// ECS `ContainerDefinition$environmentFiles`.
const MOST_ENVIRONMENT_FILES: usize = 10;

pub(super) fn check(definition: &Definition<'_>, problems: &mut Problems<'_>) {
    let all: Vec<&Map<String, Json>> = definition.containers().collect();
    let is_essential =
        |container: &Map<String, Json>| container.get("essential").and_then(Json::as_bool) != Some(false);
    if definition.is_whole && !all.is_empty() && !all.iter().any(|container| is_essential(container)) {
        definition.refuse(&["containerDefinitions"], "no container is essential; at least one must be", problems);
    }
    for container in &all {
        check_image(definition, container, problems);
        check_health_check(definition, container, problems);
        check_log(definition, container, problems);
        check_variables(definition, container, problems);
        check_ports(definition, container, problems);
        check_limits(definition, container, problems);
        check_dependencies(definition, container, &all, problems);
    }
    check_circles(definition, &all, problems);
}

fn check_image(definition: &Definition<'_>, container: &Map<String, Json>, problems: &mut Problems<'_>) {
    let Some(image) = text(container, "image") else { return };
    let path = ["containerDefinitions", name_of(container), "image"];
    for message in wrong_image(image) {
        definition.refuse(&path, message, problems);
    }
}

fn check_health_check(definition: &Definition<'_>, container: &Map<String, Json>, problems: &mut Problems<'_>) {
    let Some(check) = block(container, "healthCheck") else { return };
    let Some(first) = texts(check, "command").next() else { return };
    if !["CMD", "CMD-SHELL", "NONE"].contains(&first) {
        let path = ["containerDefinitions", name_of(container), "healthCheck", "command"];
        let hint = "such as [CMD-SHELL, \"curl -f http://localhost:8080/healthz\"]";
        definition.refuse_hint(&path, "command must begin with CMD or CMD-SHELL", hint, problems);
    }
}

fn check_log(definition: &Definition<'_>, container: &Map<String, Json>, problems: &mut Problems<'_>) {
    let Some(log) = block(container, "logConfiguration") else { return };
    let path = ["containerDefinitions", name_of(container), "logConfiguration"];
    let options = block(log, "options");
    if let Some(mode) = options.and_then(|options| text(options, "mode")).filter(|mode| !LOG_MODES.contains(mode)) {
        let message = format!("mode is {}, found {}", LOG_MODES.join(" or "), quoted(mode));
        definition.refuse(&[&path[..], &["options", "mode"]].concat(), message, problems);
    }
    if text(log, "logDriver") != Some("awslogs") {
        return;
    }
    let has = |name: &str| options.is_some_and(|options| options.contains_key(name));
    let missing: Vec<&str> = ["awslogs-group", "awslogs-region"].into_iter().filter(|name| !has(name)).collect();
    // Options that are written are all options.
    if !missing.is_empty() && (options.is_some() || definition.is_whole) && !definition.is_flawed {
        definition.refuse(&path, format!("awslogs needs the options {}", missing.join(" and ")), problems);
    }
    if has("awslogs-datetime-format") && has("awslogs-multiline-pattern") {
        let message = "awslogs-datetime-format and awslogs-multiline-pattern exclude each other";
        definition.refuse(&path, message, problems);
    }
}

fn check_variables(definition: &Definition<'_>, container: &Map<String, Json>, problems: &mut Problems<'_>) {
    let name = name_of(container);
    let variables: BTreeSet<&str> = list(container, "environment").map(name_of).collect();
    for secret in list(container, "secrets").map(name_of).filter(|secret| variables.contains(secret)) {
        let message = format!("{} is in environment and in secrets", quoted(secret));
        definition.refuse(&["containerDefinitions", name, "secrets", secret], message, problems);
    }
    let files = list(container, "environmentFiles");
    let path = ["containerDefinitions", name, "environmentFiles"];
    let mut number = 0;
    for file in files {
        number += 1;
        if text(file, "value").is_some_and(|value| !value.ends_with(".env")) {
            definition.refuse(&path, "environment files end with .env", problems);
        }
    }
    if number > MOST_ENVIRONMENT_FILES {
        definition.refuse(
            &path,
            format!("a container has at most {MOST_ENVIRONMENT_FILES} environmentFiles"),
            problems,
        );
    }
}

fn check_ports(definition: &Definition<'_>, container: &Map<String, Json>, problems: &mut Problems<'_>) {
    let name = name_of(container);
    let mode = definition.mode;
    for mapping in list(container, "portMappings") {
        let number = mapping.get("containerPort").and_then(Json::as_u64);
        let place = number.map(|number| number.to_string()).unwrap_or_default();
        let path = ["containerDefinitions", name, "portMappings", place.as_str()];
        if number.is_none() && !mapping.contains_key("containerPortRange") && !definition.is_flawed {
            definition.refuse(&path[..3], "a port mapping needs containerPort or containerPortRange", problems);
        }
        if let (Some("awsvpc" | "host"), Some(number), Some(host)) =
            (mode, number, mapping.get("hostPort").and_then(Json::as_u64))
            && number != host
        {
            let message = format!(
                "in {} mode, hostPort is containerPort {number} or left out, found {host}",
                mode.unwrap_or_default()
            );
            definition.refuse(&path, message, problems);
        }
        check_mapping(definition, mapping, &path, problems);
    }
    if mode == Some("host") {
        for control in list(container, "systemControls") {
            let namespace = text(control, "namespace").unwrap_or_default();
            if namespace.starts_with("net.") {
                let path = ["containerDefinitions", name, "systemControls", namespace];
                definition.refuse(
                    &path,
                    format!("{} belongs to the instance in host mode", quoted(namespace)),
                    problems,
                );
            }
        }
    }
    if mode == Some("awsvpc") {
        for member in ["links", "hostname", "extraHosts", "dnsServers", "dnsSearchDomains"] {
            let is_set =
                container.get(member).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()));
            if is_set {
                let message = format!("{member} is not for awsvpc mode");
                definition.refuse(&["containerDefinitions", name, member], message, problems);
            }
        }
    }
}

/// The name of a mapping, and its range of ports (ECS `PortMapping$name`, `PortMapping$containerPortRange`).
fn check_mapping(
    definition: &Definition<'_>,
    mapping: &Map<String, Json>,
    path: &[&str; 4],
    problems: &mut Problems<'_>,
) {
    let range = text(mapping, "containerPortRange");
    let place = range.unwrap_or(path[3]);
    let at = |member| [path[0], path[1], path[2], place, member];
    if let Some(name) = text(mapping, "name").filter(|name| !is_port_name(name)) {
        let message = format!("{} is not the name of a port mapping", quoted(name));
        definition.refuse_hint(&at("name"), message, PORT_NAME_HINT, problems);
    }
    let Some(range) = range else { return };
    let ends = range.split_once('-').map(|(from, to)| (from.parse::<u16>(), to.parse::<u16>()));
    match ends {
        Some((Ok(from), Ok(to))) if from >= 1 && from < to => {}
        _ => {
            let message = format!("{} is not a range of ports, the lower one first", quoted(range));
            definition.refuse_hint(&at("containerPortRange"), message, "such as 8000-8010", problems);
        }
    }
    if mapping.contains_key("hostPort") {
        let hint = "remove it: ECS chooses the host ports of a range";
        definition.refuse_hint(&at("hostPort"), "hostPort does not go with containerPortRange", hint, problems);
    }
}

fn check_limits(definition: &Definition<'_>, container: &Map<String, Json>, problems: &mut Problems<'_>) {
    let name = name_of(container);
    for limit in list(container, "ulimits") {
        let of = |member: &str| limit.get(member).and_then(Json::as_i64);
        if let (Some(soft), Some(hard)) = (of("softLimit"), of("hardLimit"))
            && hard >= 0
            && soft > hard
        {
            let path = ["containerDefinitions", name, "ulimits", name_of(limit)];
            definition.refuse(&path, format!("softLimit {soft} is above hardLimit {hard}"), problems);
        }
    }
    let of = |member: &str| container.get(member).and_then(Json::as_i64);
    if let (Some(most), Some(kept)) = (of("memory"), of("memoryReservation"))
        && kept >= most
    {
        let path = ["containerDefinitions", name, "memoryReservation"];
        definition.refuse(&path, format!("memoryReservation {kept} must be below memory {most}"), problems);
    }
}

fn check_dependencies(
    definition: &Definition<'_>,
    container: &Map<String, Json>,
    all: &[&Map<String, Json>],
    problems: &mut Problems<'_>,
) {
    for dependency in list(container, "dependsOn") {
        let (name, condition) = (text(dependency, "containerName").unwrap_or_default(), text(dependency, "condition"));
        let path = ["containerDefinitions", name_of(container), "dependsOn", name, "condition"];
        let Some(other) = all.iter().find(|other| name_of(other) == name) else {
            if definition.is_whole {
                definition.refuse(&path[..4], format!("no container is called {}", quoted(name)), problems);
            }
            continue;
        };
        let is_essential = other.get("essential").and_then(Json::as_bool) != Some(false);
        let is_known = definition.is_whole || other.contains_key("essential");
        match condition {
            Some(condition @ ("SUCCESS" | "COMPLETE")) if is_essential && is_known => {
                let message =
                    format!("{condition} of {}, which is essential: the task would stop with it", quoted(name));
                definition.refuse_hint(&path, message, "set essential: false on it", problems);
            }
            Some("HEALTHY") if definition.is_whole && !other.contains_key("healthCheck") => {
                let message = format!("HEALTHY of {}, which has no healthCheck", quoted(name));
                definition.refuse(&path, message, problems);
            }
            _ => {}
        }
    }
}

/// Containers that wait for each other.
fn check_circles(definition: &Definition<'_>, all: &[&Map<String, Json>], problems: &mut Problems<'_>) {
    let waits_for = |container: &Map<String, Json>| -> BTreeSet<String> {
        list(container, "dependsOn").filter_map(|one| text(one, "containerName")).map(str::to_owned).collect()
    };
    let mut left: Vec<(&str, BTreeSet<String>)> =
        all.iter().map(|container| (name_of(container), waits_for(container))).collect();
    loop {
        let names: BTreeSet<String> = left.iter().map(|(name, _)| (*name).to_owned()).collect();
        let before = left.len();
        left.retain(|(_, others)| others.iter().any(|other| names.contains(other)));
        if left.len() == before {
            break;
        }
    }
    // Those that nothing in the circle waits for only lead to it.
    let names: Vec<&str> = left
        .iter()
        .filter(|(name, _)| left.iter().any(|(_, others)| others.contains(*name)))
        .map(|(name, _)| *name)
        .collect();
    if let Some(first) = names.first() {
        let message = format!("containers wait for each other: {}", names.join(", "));
        definition.refuse(&["containerDefinitions", first, "dependsOn"], message, problems);
    }
}
