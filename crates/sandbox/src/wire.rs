//! AWS's protocols: JSON 1.1 (ECS, Application Auto Scaling) and the query protocol with XML answers (Elastic Load
//! Balancing, EC2, STS).

mod json;
mod query;
mod xml;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::Value;

use super::refusal::Refusal;
use super::world::World;

/// How a service writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Json,
    /// Elastic Load Balancing and STS.
    Query,
    Ec2,
}

/// A request, read.
struct Call {
    protocol: Protocol,
    service: &'static str,
    name: String,
    input: Value,
}

/// Answers a request of an AWS client, with the time of the world. Signatures are not checked: every client that reaches the sandbox may use
/// it.
pub fn answer(world: &mut World, request: &Request<Bytes>) -> Response<Bytes> {
    let mut response = answered(world, request);
    let date = world.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = date.parse() {
        response.headers_mut().insert("date", date);
    }
    response
}

fn answered(world: &mut World, request: &Request<Bytes>) -> Response<Bytes> {
    let id = world.request_id();
    let call = match read(request.headers(), request.body()) {
        Ok(call) => call,
        Err(refusal) => return json::refuse(&refusal, &id),
    };
    let key = access_key(request.headers());
    let answer = world.call_as(key, &format!("{}:{}", call.service, call.name), &call.input);
    match (call.protocol, answer) {
        (Protocol::Json, Ok(value)) => json::accept(&value, &id),
        (Protocol::Json, Err(refusal)) => json::refuse(&refusal, &id),
        (Protocol::Query, Ok(value)) => xml::accept(call.service, &call.name, &value, &id),
        (Protocol::Query, Err(refusal)) => xml::refuse(call.service, &refusal, &id),
        (Protocol::Ec2, Ok(value)) => xml::accept_ec2(&call.name, &value, &id),
        (Protocol::Ec2, Err(refusal)) => xml::refuse_ec2(&refusal, &id),
    }
}

/// The access key that a request is signed with.
fn access_key(headers: &HeaderMap) -> Option<&str> {
    let signature = headers.get("authorization")?.to_str().ok()?;
    let (_, credential) = signature.split_once("Credential=")?;
    credential.split('/').next()
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Call, Refusal> {
    match headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        Some(target) => json::read(target, body),
        None => query::read(body),
    }
}

fn respond(status: u16, kind: &str, body: Vec<u8>, id: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in [("content-type", kind), ("x-amzn-requestid", id)] {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
