//! Small worlds for the tests beside this file.

use jiff::SignedDuration;
use portolan::sandbox::{World, world_file};
use serde_json::{Value, json};

use crate::fleet::Fleet;

/// A network with a load balancer and one awsvpc service of two tasks for each name.
pub fn text(names: &[&str]) -> String {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Fleet { names, ..Fleet::of(0) }.world().to_string()
}

/// The world of a text.
pub fn world(text: &str) -> World {
    world_file::load("world.yaml", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Lets seconds pass.
pub fn advance(world: &mut World, seconds: i64) {
    world.advance(SignedDuration::from_secs(seconds));
}

/// A service as it is described.
pub fn service(world: &mut World, name: &str) -> Value {
    let answer = call(world, "ecs:DescribeServices", &json!({"cluster": "prod", "services": [name]}));
    answer["services"][0].clone()
}

/// A call that succeeds.
pub fn call(world: &mut World, call: &str, input: &Value) -> Value {
    world.call(call, input).unwrap_or_else(|refusal| panic!("{call}: {refusal}"))
}

/// The messages of a service's events.
pub fn events(world: &mut World, name: &str) -> Vec<String> {
    let service = service(world, name);
    let events = service["events"].as_array().cloned().unwrap_or_default();
    events.iter().filter_map(|event| event["message"].as_str()).map(str::to_owned).collect()
}
