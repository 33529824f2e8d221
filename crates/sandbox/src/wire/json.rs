//! JSON 1.1: the operation in a header, a document each way.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::{Call, Protocol, respond};
use crate::refusal::Refusal;

const KIND: &str = "application/x-amz-json-1.1";

pub fn read(target: &str, body: &[u8]) -> Result<Call, Refusal> {
    let (prefix, name) = target.split_once('.').unwrap_or((target, ""));
    let service = match prefix {
        "AmazonEC2ContainerServiceV20141113" => "ecs",
        "AnyScaleFrontendService" => "application-autoscaling",
        _ => return Err(Refusal::new("UnknownOperationException", format!("{prefix} is not served here"))),
    };
    let input = if body.is_empty() { Ok(json!({})) } else { serde_json::from_slice(body) };
    let input: Value = input.map_err(|error| Refusal::new("SerializationException", error.to_string()))?;
    Ok(Call { protocol: Protocol::Json, service, name: name.to_owned(), input })
}

pub fn accept(value: &Value, id: &str) -> Response<Bytes> {
    // A tree of texts, numbers and truth values can always be written.
    respond(200, KIND, serde_json::to_vec(value).unwrap_or_default(), id)
}

pub fn refuse(refusal: &Refusal, id: &str) -> Response<Bytes> {
    let body = json!({"__type": refusal.code, "message": refusal.message});
    respond(refusal.status, KIND, body.to_string().into_bytes(), id)
}
