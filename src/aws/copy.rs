//! Copies of task definitions, and the proof that a copy loses nothing.
//!
//! `RegisterTaskDefinition` takes a whole definition, so a member that this SDK does not know would silently vanish
//! from the copy. Hence every definition is put to the proof when it is read: the raw answer is kept, the request of
//! an unchanged copy is serialised (and not sent), and whatever stands in the answer and not in the request is named.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder as Request;
use aws_sdk_ecs::types::{NetworkMode, PortMapping, Tag, TaskDefinition};
use serde_json::Value;

use crate::model::Tags;
use crate::plan::PortFix;

use super::ecs;

/// Members of an answer that no request has.
const OUTPUT_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// Tags under this prefix are AWS's own: nobody can write them, so they are not copied.
const RESERVED_TAGS: &str = "aws:";

/// A request that registers the same content again.
pub(super) fn request(client: &Client, source: &TaskDefinition, tags: &[Tag]) -> Request {
    let tags: Vec<Tag> =
        tags.iter().filter(|tag| !tag.key().unwrap_or_default().starts_with(RESERVED_TAGS)).cloned().collect();
    let source = source.clone();
    client
        .register_task_definition()
        .set_family(source.family)
        .set_task_role_arn(source.task_role_arn)
        .set_execution_role_arn(source.execution_role_arn)
        .set_network_mode(source.network_mode)
        .set_container_definitions(source.container_definitions)
        .set_volumes(source.volumes.filter(|list| !list.is_empty()))
        .set_placement_constraints(source.placement_constraints.filter(|list| !list.is_empty()))
        .set_requires_compatibilities(source.requires_compatibilities.filter(|list| !list.is_empty()))
        .set_cpu(source.cpu)
        .set_memory(source.memory)
        .set_tags((!tags.is_empty()).then_some(tags))
        .set_pid_mode(source.pid_mode)
        .set_ipc_mode(source.ipc_mode)
        .set_proxy_configuration(source.proxy_configuration)
        .set_ephemeral_storage(source.ephemeral_storage)
        .set_runtime_platform(source.runtime_platform)
        .set_enable_fault_injection(source.enable_fault_injection)
}

/// Adds tags; one that stands already gets the new value.
pub(super) fn add_tags(request: Request, tags: &Tags) -> Request {
    let mut all = ecs::tags_from_sdk(request.get_tags().as_deref().unwrap_or_default());
    all.extend(tags.clone());
    request.set_tags((!all.is_empty()).then(|| ecs::tags_to_sdk(&all)))
}

/// Corrects port mappings: replaces the one of the same container port, or adds it. `Err` names a container that
/// the definition does not have.
pub(super) fn fix_ports(request: Request, fixes: &[PortFix]) -> Result<Request, String> {
    let mut containers = request.get_container_definitions().clone().unwrap_or_default();
    for fix in fixes {
        let Some(container) = containers.iter_mut().find(|container| container.name() == Some(&fix.container)) else {
            return Err(fix.container.clone());
        };
        let mappings = container.port_mappings.get_or_insert_default();
        let mut mapping = PortMapping::builder()
            .container_port(i32::from(fix.container_port))
            .set_host_port(fix.host_port.map(i32::from))
            .protocol(ecs::transport_to_sdk(fix.protocol))
            .build();
        let wanted = mapping.container_port();
        match mappings.iter_mut().find(|standing| standing.container_port() == wanted) {
            Some(standing) => {
                mapping.name = standing.name.take();
                mapping.app_protocol = standing.app_protocol.take();
                *standing = mapping;
            }
            None => mappings.push(mapping),
        }
    }
    Ok(request.set_container_definitions(Some(containers)))
}

/// Whether two requests register the same content, tags aside. ECS fills host ports in: under awsvpc and host the container
/// port, under bridge 0, which is any (ECS `PortMapping$hostPort`).
pub(super) fn is_same_content(one: Request, other: Request) -> bool {
    filled_in(one).as_input() == filled_in(other).as_input()
}

fn filled_in(request: Request) -> Request {
    let is_bridge = request.get_network_mode().as_ref().is_none_or(|mode| *mode == NetworkMode::Bridge);
    let mut containers = request.get_container_definitions().clone().unwrap_or_default();
    for mapping in containers.iter_mut().flat_map(|container| container.port_mappings.iter_mut().flatten()) {
        let filled = if is_bridge { Some(0) } else { mapping.container_port };
        mapping.host_port = mapping.host_port.or(filled);
    }
    request.set_container_definitions(Some(containers)).set_tags(None)
}

/// What a copy would lose. Sends nothing.
pub(super) async fn losses(client: &Client, raw: &[u8], definition: &TaskDefinition, tags: &[Tag]) -> Vec<String> {
    let slot = Slot::default();
    // Always an error: the interceptor's own.
    let _ = request(client, definition, tags).customize().interceptor(KeepRequest(slot.clone())).send().await;
    let Ok(Value::Object(answer)) = serde_json::from_slice::<Value>(raw) else {
        return vec!["the whole response, which is not a JSON object".to_owned()];
    };
    let Ok(sent) = serde_json::from_slice::<Value>(&slot.take()) else {
        return vec!["the whole definition, which could not be written".to_owned()];
    };
    let mut lost = Vec::new();
    if let Some(Value::Object(members)) = answer.get("taskDefinition") {
        for (name, value) in members.iter().filter(|(name, _)| !OUTPUT_ONLY.contains(&name.as_str())) {
            compare(name, value, sent.get(name), &mut lost);
        }
    }
    if let Some(Value::Array(tags)) = answer.get("tags") {
        let reserved = |tag: &Value| tag["key"].as_str().is_some_and(|key| key.starts_with(RESERVED_TAGS));
        let own: Vec<Value> = tags.iter().filter(|tag| !reserved(tag)).cloned().collect();
        compare("tags", &Value::Array(own), sent.get("tags"), &mut lost);
    }
    lost
}

/// Lists what stands in `answer` and not in `sent`.
fn compare(path: &str, answer: &Value, sent: Option<&Value>, lost: &mut Vec<String>) {
    match (answer, sent) {
        (Value::Object(members), Some(Value::Object(sent))) => {
            for (name, value) in members {
                compare(&format!("{path}.{name}"), value, sent.get(name), lost);
            }
        }
        (Value::Array(items), Some(Value::Array(sent))) => {
            for (index, item) in items.iter().enumerate() {
                compare(&format!("{path}[{index}]"), item, sent.get(index), lost);
            }
        }
        (Value::Number(answer), Some(Value::Number(sent))) if answer.as_f64() == sent.as_f64() => {}
        (answer, Some(sent)) if answer == sent => {}
        (answer, _) if is_empty(answer) => {}
        _ => lost.push(path.to_owned()),
    }
}

/// Whether a value says the same as leaving it out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
    }
}

/// Where an interceptor leaves a body.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Vec<u8>>>);

impl fmt::Debug for Slot {
    /// The body shows the environment of containers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot(…)")
    }
}

impl Slot {
    /// The body, if one came by.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, body: &[u8]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
    }
}

/// Keeps the raw answer of a call.
#[derive(Debug)]
pub(super) struct KeepAnswer(pub(super) Slot);

impl Intercept for KeepAnswer {
    fn name(&self) -> &'static str {
        "KeepAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = context.response().body().bytes() {
            self.0.put(body);
        }
        Ok(())
    }
}

/// Keeps the body of a request and ends the call before anything is signed or sent.
#[derive(Debug)]
struct KeepRequest(Slot);

impl Intercept for KeepRequest {
    fn name(&self) -> &'static str {
        "KeepRequest"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = context.request().body().bytes() {
            self.0.put(body);
        }
        Err("written for comparison only".into())
    }
}
