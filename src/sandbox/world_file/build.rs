//! Builds a world by calls.

mod balancing;
mod compute;
mod network;

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{names, shape};
use crate::sandbox::world::{ACCOUNT, REGION, World};

/// How something that cannot be built says so.
type Built<T = ()> = Result<T, String>;

/// A world under construction.
pub struct Builder {
    world: World,
}

/// Seconds in which load balancers come up before services are made.
const BALANCERS_UP: i64 = 180;

/// Builds the world of a file.
pub fn build(shape: &shape::World) -> Built<World> {
    let account = shape.account.as_deref().unwrap_or(ACCOUNT);
    let region = shape.region.as_deref().unwrap_or(REGION);
    let mut builder = Builder { world: World::in_account(account, region, shape.seed) };
    for (image, app) in &shape.apps {
        builder.world.set_app(image, app.clone().into_state());
    }
    for (address, app) in &shape.hosts {
        builder.world.state.hosts.insert(*address, app.clone().into_state());
    }
    builder.networks(shape)?;
    builder.balancers(shape)?;
    if !shape.load_balancers.is_empty() {
        builder.world.advance(SignedDuration::from_secs(BALANCERS_UP));
    }
    builder.fleets(shape)?;
    if let Some(seconds) = shape.settle {
        builder.world.advance(SignedDuration::from_secs(seconds));
    }
    for (number, deed) in shape.then.iter().enumerate() {
        builder.within("then", number + 1, |builder| builder.deed(deed))?;
    }
    Ok(builder.world)
}

impl Builder {
    /// Makes a call.
    fn call(&mut self, call: &str, input: &Value) -> Built<Value> {
        self.world.call(call, input).map_err(|refusal| format!("{call}: {refusal}"))
    }

    /// Works on something that the file names; what goes wrong is said with that name.
    fn within<T>(&mut self, kind: &str, name: impl Display, work: impl FnOnce(&mut Self) -> Built<T>) -> Built<T> {
        work(self).map_err(|why| format!("{kind} {name}: {why}"))
    }

    /// The id or ARN behind a name.
    fn find(&self, kind: &str, name: &str) -> Built<String> {
        names::find(&self.world.state, kind, name)
    }

    fn find_all(&self, kind: &str, names: &[String]) -> Built<Vec<String>> {
        names.iter().map(|name| self.find(kind, name)).collect()
    }

    fn deed(&mut self, deed: &shape::Deed) -> Built {
        if let Some(call) = &deed.call {
            let input = names::resolved(&self.world.state, &deed.with)?;
            self.call(call, &input)?;
        }
        for (image, app) in deed.app.iter().flatten() {
            self.world.set_app(image, app.clone().into_state());
        }
        if let Some(seconds) = deed.advance {
            self.world.advance(SignedDuration::from_secs(seconds));
        }
        Ok(())
    }
}

/// Tags as Elastic Load Balancing and EC2 take them.
fn tags(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// A `Name` tag as EC2 takes it at creation.
fn name_tag(kind: &str, name: &str) -> Value {
    json!([{"ResourceType": kind, "Tag": [{"Key": "Name", "Value": name}]}])
}

/// The text at a path of an answer; every answer that is asked has it.
fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
