//! Task definitions: what AWS makes of what is registered, and how it reads it back (aws-facts 1.6, 1.7).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::task_definition_check::{check, check_size};
use super::{batch, compact, epoch, fargate, includes, last, list_page, missing, tag, tag_list};
use crate::input::Input;
use crate::object::object;
use crate::refusal::{Answer, Refusal};
use crate::state::{Container, PortMapping, State, TaskDefinition};

pub fn register(state: &mut State, input: Input) -> Answer {
    let mut body = normal(state, input);
    check(Input(&body))?;
    check_size(input)?;
    let tags = tag::read(input)?;
    let family = input.text("family").unwrap_or_default().to_owned();
    let known = state.task_definitions.values().filter(|one| one.family == family).map(|one| one.revision);
    let revision = known.max().unwrap_or(0) + 1;
    let arn = state.arn("ecs", &format!("task-definition/{family}:{revision}"));
    body["taskDefinitionArn"] = json!(arn);
    body["revision"] = json!(revision);
    body["status"] = json!("ACTIVE");
    body["registeredAt"] = epoch(state.now);
    body["registeredBy"] = json!(format!("arn:aws:iam::{}:user/sandbox", state.account));
    let definition = TaskDefinition {
        arn: arn.clone(),
        family,
        revision,
        status: "ACTIVE".to_owned(),
        network_mode: Input(&body).text("networkMode").unwrap_or("bridge").to_owned(),
        containers: Input(&body).list("containerDefinitions").map(container).collect(),
        memory: needed(Input(&body), "memory", 128),
        cpu: needed(Input(&body), "cpu", 0),
        body,
        tags,
    };
    let answer = json!({"taskDefinition": definition.body, "tags": tag_list(&definition.tags)});
    state.task_definitions.insert(arn, definition);
    Ok(answer)
}

/// What a task needs: the task's own figure, or the sum of its containers'.
fn needed(body: Input, name: &str, least: i64) -> i64 {
    let of_container = |container: Input| {
        container.int(name).filter(|figure| *figure > 0).or_else(|| container.int("memoryReservation")).unwrap_or(0)
    };
    let sum: i64 = body.list("containerDefinitions").map(of_container).sum();
    body.int(name).unwrap_or(if name == "cpu" {
        body.list("containerDefinitions").filter_map(|container| container.int("cpu")).sum()
    } else {
        sum.max(least)
    })
}

fn container(container: Input) -> Container {
    let port = |mapping: Input, name: &str| mapping.int(name).and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
    let mapping = |mapping: Input| PortMapping {
        container_port: port(mapping, "containerPort"),
        host_port: port(mapping, "hostPort"),
        protocol: mapping.text("protocol").unwrap_or("tcp").to_owned(),
    };
    Container {
        name: container.text("name").unwrap_or_default().to_owned(),
        image: container.text("image").unwrap_or_default().to_owned(),
        ports: container.list("portMappings").map(mapping).collect(),
        has_health_check: container.has("healthCheck"),
    }
}

/// What AWS makes of the input: sizes as numbers in text, roles as ARNs, lists that are there though empty.
fn normal(state: &State, input: Input) -> Value {
    let mut body = match input.0 {
        Value::Object(members) => members.clone(),
        _ => Map::new(),
    };
    body.remove("tags");
    body.retain(|_, member| !member.is_null());
    for (name, factor) in [("cpu", ["vCPU", "vcpu"]), ("memory", ["GB", "gb"])] {
        if let Some(size) = body.get(name).and_then(Value::as_str).and_then(|text| units(text, factor)) {
            body.insert(name.to_owned(), json!(size.to_string()));
        }
    }
    for role in ["taskRoleArn", "executionRoleArn"] {
        // An empty text is no role.
        if body.get(role).and_then(Value::as_str) == Some("") {
            body.remove(role);
        }
        let name = body.get(role).and_then(Value::as_str).filter(|name| !name.starts_with("arn:")).map(str::to_owned);
        if let Some(name) = name {
            body.insert(role.to_owned(), json!(format!("arn:aws:iam::{}:role/{name}", state.account)));
        }
    }
    body.entry("volumes").or_insert_with(|| json!([]));
    body.entry("placementConstraints").or_insert_with(|| json!([]));
    let mode = body.get("networkMode").and_then(Value::as_str).unwrap_or("bridge").to_owned();
    if let Some(Value::Array(containers)) = body.get_mut("containerDefinitions") {
        containers.iter_mut().for_each(|container| normal_container(container, &mode));
    }
    body.insert("requiresAttributes".to_owned(), json!([]));
    let mut body = Value::Object(body);
    // AWS works out by itself what can run a definition, whatever it requires (aws-facts 1.5).
    body["compatibilities"] = match mode.as_str() {
        "awsvpc" if fargate::check(Input(&body)).is_ok() => json!(["EC2", "FARGATE"]),
        "awsvpc" => json!(["EC2"]),
        _ => json!(["EXTERNAL", "EC2"]),
    };
    body
}

/// `1 vCPU` and `2 GB` as the numbers that they mean.
fn units(text: &str, names: [&str; 2]) -> Option<i64> {
    let number = names.iter().find_map(|name| text.strip_suffix(name));
    match number {
        Some(number) => number.trim().parse::<f64>().ok().map(|number| (number * 1024.0) as i64),
        None => text.trim().parse().ok(),
    }
}

fn normal_container(container: &mut Value, mode: &str) {
    let Value::Object(members) = container else { return };
    members.retain(|_, member| !member.is_null());
    members.entry("cpu").or_insert_with(|| json!(0));
    members.entry("essential").or_insert_with(|| json!(true));
    for list in ["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"] {
        members.entry(list).or_insert_with(|| json!([]));
    }
    if let Some(Value::Array(mappings)) = members.get_mut("portMappings") {
        mappings.iter_mut().for_each(|mapping| normal_mapping(mapping, mode));
        // AWS orders them as texts: 443 stands before 80.
        mappings.sort_by_key(|mapping| mapping["containerPort"].to_string());
    }
    if let Some(Value::Array(links)) = members.get_mut("links") {
        links.sort_by_key(ToString::to_string);
    }
}

fn normal_mapping(mapping: &mut Value, mode: &str) {
    let port = mapping["containerPort"].clone();
    let Value::Object(members) = mapping else { return };
    members.retain(|_, member| !member.is_null());
    let is_udp = members.get("protocol").and_then(Value::as_str) == Some("udp");
    members.insert("protocol".to_owned(), json!(if is_udp { "udp" } else { "tcp" }));
    if members.contains_key("containerPortRange") {
        return;
    }
    let host = members.get("hostPort").and_then(Value::as_i64);
    let filled = match (mode, host) {
        ("awsvpc" | "host", None | Some(0)) => port,
        (_, None) => json!(0),
        (_, Some(host)) => json!(host),
    };
    members.insert("hostPort".to_owned(), filled);
}

/// The definition of `family`, `family:revision` or an ARN; a family alone is its newest active revision.
pub fn resolve(state: &State, name: &str) -> Result<TaskDefinition, Refusal> {
    let found = find(state, name).ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
    if found.status == "ACTIVE" { Ok(found.clone()) } else { Err(Refusal::client("TaskDefinition is inactive")) }
}

fn find<'a>(state: &'a State, name: &str) -> Option<&'a TaskDefinition> {
    let name = last(name);
    match name.rsplit_once(':').and_then(|(family, revision)| Some((family, revision.parse::<i64>().ok()?))) {
        Some((family, revision)) => {
            state.task_definitions.values().find(|one| one.family == family && one.revision == revision)
        }
        None => {
            let active = state.task_definitions.values().filter(|one| one.family == name && one.status == "ACTIVE");
            active.max_by_key(|one| one.revision)
        }
    }
}

pub fn describe(state: &State, input: Input) -> Answer {
    let name = input.text("taskDefinition").unwrap_or_default();
    // Not a NotFound: that is how AWS says it (aws-facts 1.6).
    let found = find(state, name).ok_or_else(|| Refusal::client("Unable to describe task definition."))?;
    let tags = includes(input, "TAGS").then(|| tag_list(&found.tags));
    Ok(compact(object! {"taskDefinition" => found.body.clone(), "tags" => tags}))
}

pub fn deregister(state: &mut State, input: Input) -> Answer {
    let name = input.text("taskDefinition").unwrap_or_default();
    if !last(name).contains(':') {
        return Err(Refusal::client("Invalid revision number. Number: null"));
    }
    let (now, arn) = (state.now, find(state, name).map(|found| found.arn.clone()));
    let found = arn.and_then(|arn| state.task_definitions.get_mut(&arn));
    let found = found.ok_or_else(|| Refusal::client("The specified task definition does not exist."))?;
    found.status = "INACTIVE".to_owned();
    found.body["status"] = json!("INACTIVE");
    found.body["deregisteredAt"] = epoch(now);
    Ok(json!({"taskDefinition": found.body}))
}

/// Names of families: without a status all, and inactive are those that have nothing active.
pub fn list_families(state: &State, input: Input) -> Answer {
    let prefix = input.text("familyPrefix").unwrap_or_default();
    let mut families: BTreeMap<&str, bool> = BTreeMap::new();
    for one in state.task_definitions.values().filter(|one| one.family.starts_with(prefix)) {
        *families.entry(&one.family).or_default() |= one.status == "ACTIVE";
    }
    let is_wanted = |is_active: bool| match input.text("status") {
        Some("ACTIVE") => is_active,
        Some("INACTIVE") => !is_active,
        _ => true,
    };
    let names = families.into_iter().filter(|(_, is_active)| is_wanted(*is_active));
    list_page(state, input, "families", names.map(|(name, _)| name.to_owned()).collect(), 100)
}

/// Only what is inactive; it is on its way out then, and nothing here uses it any more.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let (mut gone, mut failures) = (Vec::new(), Vec::new());
    for name in batch(input, "taskDefinitions", 10)? {
        if !last(name).contains(':') {
            return Err(Refusal::client("Invalid revision number. Number: null"));
        }
        let arn = find(state, name).map(|found| found.arn.clone());
        let Some(found) = arn.and_then(|arn| state.task_definitions.get_mut(&arn)) else {
            failures.push(missing(state.arn("ecs", &format!("task-definition/{}", last(name)))));
            continue;
        };
        if found.status == "ACTIVE" {
            let why =
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again.";
            failures.push(json!({"arn": found.arn, "reason": why}));
            continue;
        }
        found.status = "DELETE_IN_PROGRESS".to_owned();
        found.body["status"] = json!("DELETE_IN_PROGRESS");
        gone.push(found.body.clone());
    }
    Ok(json!({"taskDefinitions": gone, "failures": failures}))
}

pub fn list(state: &State, input: Input) -> Answer {
    let status = input.text("status").unwrap_or("ACTIVE");
    let fits = |one: &&TaskDefinition| {
        one.status == status && input.text("familyPrefix").is_none_or(|family| one.family == family)
    };
    let mut found: Vec<_> = state.task_definitions.values().filter(fits).collect();
    found.sort_by_key(|one| (&one.family, one.revision));
    if input.text("sort") == Some("DESC") {
        found.reverse();
    }
    list_page(state, input, "taskDefinitionArns", found.into_iter().map(|one| one.arn.clone()).collect(), 100)
}
