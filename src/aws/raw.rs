//! Blocks as AWS writes them: read from the raw answers, and sent as they are. The SDK's types would lose what they do not know.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::model::{Gap, Operation, Seen};
use crate::shape::{SERVICE, Tree};

/// The answer of `DescribeServices`, as far as the rows of a service go.
#[derive(Deserialize)]
struct Services {
    #[serde(default)]
    services: Vec<RawService>,
}

/// A service without what no row knows: a hundred events, for one, are skipped.
struct RawService {
    name: String,
    members: Map<String, Value>,
}

impl<'de> Deserialize<'de> for RawService {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ServiceVisitor)
    }
}

struct ServiceVisitor;

impl<'de> Visitor<'de> for ServiceVisitor {
    type Value = RawService;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a service")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawService, A::Error> {
        let mut service = RawService { name: String::new(), members: Map::new() };
        while let Some(key) = map.next_key::<String>()? {
            if key == "serviceName" {
                service.name = map.next_value()?;
            } else if SERVICE.member(&key).is_some_and(|member| !member.is_output) {
                service.members.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(service)
    }
}

/// The members of the services in an answer of `DescribeServices`, by name.
pub(super) struct ServiceMembers(Result<BTreeMap<String, Tree>, String>);

impl ServiceMembers {
    /// From the body of the answer.
    pub(super) fn of(body: &[u8]) -> Self {
        let read = serde_json::from_slice::<Services>(body).map_err(|error| error.to_string());
        let by_name = |answer: Services| {
            let services = answer.services.into_iter();
            services.map(|service| (service.name, Tree::new(service.members))).collect()
        };
        Self(read.map(by_name))
    }

    /// Those of a service that the answer has.
    pub(super) fn take(&mut self, name: &str) -> Seen<Tree> {
        let gap = |why: String| Seen::Unknown(Gap { call: Operation::DescribeServices.call().to_owned(), why });
        match &mut self.0 {
            Ok(all) => all.remove(name).map_or_else(|| gap("the response cannot be read".to_owned()), Seen::Present),
            Err(why) => gap(format!("the response cannot be read: {why}")),
        }
    }
}

/// The task definition in an answer of `DescribeTaskDefinition` or `RegisterTaskDefinition`.
pub(super) fn task_definition(body: &[u8]) -> Result<Tree, String> {
    let answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Value::Object(mut members) = answer else { return Err("the response is not a JSON object".to_owned()) };
    match members.remove("taskDefinition") {
        Some(Value::Object(definition)) => Ok(Tree::new(definition)),
        Some(_) | None => Err("the response has no task definition".to_owned()),
    }
}

/// Adds members to a request in JSON, before it is signed.
pub(super) fn add_members(request: &mut HttpRequest, members: &Map<String, Value>) {
    let body = request.body().bytes().unwrap_or_default();
    let Ok(Value::Object(mut all)) = serde_json::from_slice::<Value>(body) else { return };
    all.extend(members.clone());
    let body = Value::Object(all).to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
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
