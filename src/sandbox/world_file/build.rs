//! Builds a world by calls.

mod balancing;
mod compute;
mod network;

use std::fmt::Display;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{WHOLE, names, shape};
use crate::sandbox::world::{ACCOUNT, REGION, World};
use crate::yaml::{At, Position, TextMap};

/// What cannot be built, and where it stands.
pub struct Wrong {
    pub at: Position,
    pub message: String,
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self { at: WHOLE, message }
    }
}

type Built<T = ()> = Result<T, Wrong>;

/// A world under construction.
pub struct Builder {
    world: World,
}

/// Seconds in which load balancers come up before services are made.
const BALANCERS_UP: i64 = 180;

/// Builds the world of a file.
pub fn build(shape: &shape::World) -> Built<World> {
    let account = or(&shape.account, ACCOUNT);
    let region = or(&shape.region, REGION);
    let seed = shape.seed.as_ref().map_or(0, |seed| u64::from(seed.0));
    let mut builder = Builder { world: World::in_account(account, region, seed) };
    for (image, app) in &shape.apps.0 {
        builder.world.set_app(image, app.to_state());
    }
    for (address, app) in &shape.hosts.0 {
        builder.world.state.hosts.insert(*address, app.to_state());
    }
    builder.networks(shape)?;
    builder.balancers(shape)?;
    if !shape.load_balancers.is_empty() {
        builder.world.advance(SignedDuration::from_secs(BALANCERS_UP));
    }
    builder.fleets(shape)?;
    if let Some(seconds) = &shape.settle {
        builder.world.advance(SignedDuration::from_secs(i64::from(seconds.0)));
    }
    for (number, deed) in shape.then.iter().enumerate() {
        builder.within("then", number + 1, deed.at, |builder| builder.deed(deed))?;
    }
    Ok(builder.world)
}

impl Builder {
    /// Makes a call.
    fn call(&mut self, call: &str, input: &Value) -> Built<Value> {
        self.world.call(call, input).map_err(|refusal| format!("{call}: {refusal}").into())
    }

    /// Works on something that the file names; what goes wrong is said with that name, and with its place where none is
    /// known that is nearer.
    fn within(&mut self, kind: &str, name: impl Display, at: Position, work: impl FnOnce(&mut Self) -> Built) -> Built {
        work(self).map_err(|Wrong { at: nearer, message }| {
            let at = if nearer == WHOLE { at } else { nearer };
            Wrong { at, message: format!("{kind} {name}: {message}") }
        })
    }

    /// The id or ARN behind a name.
    fn find(&self, kind: &str, name: &str) -> Built<String> {
        names::find(&self.world.state, kind, name).map_err(Wrong::from)
    }

    fn find_all(&self, kind: &str, names: &[At<String>]) -> Built<Vec<String>> {
        names.iter().map(|name| self.find(kind, name)).collect()
    }

    fn deed(&mut self, deed: &shape::Deed) -> Built {
        if let Some(call) = &deed.call {
            let nothing = Value::Null;
            let with = deed.with.as_ref().map_or(&nothing, |with| &with.0);
            let input = names::resolved(&self.world.state, with)?;
            self.call(call, &input)?;
        }
        for (image, app) in &deed.app.0 {
            self.world.set_app(image, app.to_state());
        }
        if let Some(seconds) = &deed.advance {
            self.world.advance(SignedDuration::from_secs(i64::from(seconds.0)));
        }
        Ok(())
    }
}

/// Tags as Elastic Load Balancing and EC2 take them.
fn tags(tags: &TextMap) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// A `Name` tag as EC2 takes it at creation.
fn name_tag(kind: &str, name: &str) -> Value {
    json!([{"ResourceType": kind, "Tag": [{"Key": "Name", "Value": name}]}])
}

/// A text, or what stands for it where it is absent.
fn or<'a>(text: &'a Option<At<String>>, usual: &'a str) -> &'a str {
    text.as_ref().map_or(usual, |text| text.as_str())
}

/// The text at a path of an answer; every answer that is asked has it.
fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
