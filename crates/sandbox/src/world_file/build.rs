//! Builds a world by calls.

mod balancing;
mod compute;
mod network;

use std::fmt::Display;

use jiff::SignedDuration;
use portolan_yaml::{At, Position, TextMap};
use serde_json::{Value, json};

use super::{names, shape};
use crate::world::{ACCOUNT, REGION, Settings, World};

/// What cannot be built, and where it stands.
pub struct Wrong {
    /// `None`: only the whole is known.
    pub at: Option<Position>,
    pub message: String,
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self { at: None, message }
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
    let seed = shape.seed.as_ref().map_or(0, |seed| seed.0);
    let mut builder = Builder { world: World::in_account(account, region, seed) };
    for (image, app) in shape.apps.iter() {
        builder.world.set_app(image, app.to_state());
    }
    for (address, app) in shape.hosts.iter() {
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
    builder.world.settings = settings(&shape.settings);
    Ok(builder.world)
}

fn settings(shape: &shape::Settings) -> Settings {
    let seconds = shape.lag.as_ref().map_or(0, |lag| i64::from(lag.0));
    Settings {
        lag: SignedDuration::from_secs(seconds),
        buckets: *shape.rate_limits,
        denied: shape.denied.iter().map(|call| call.value.clone()).collect(),
        refused: shape.refused.iter().map(|(call, code)| (call.clone(), code.value.clone())).collect(),
    }
}

impl Builder {
    /// Makes a call.
    fn call(&mut self, call: &str, input: &Value) -> Built<Value> {
        self.world.call(call, input).map_err(|refusal| format!("{call}: {refusal}").into())
    }

    /// Works on something that the file names; what goes wrong is said with that name, and with its place where none is
    /// known that is nearer.
    fn within(&mut self, kind: &str, name: impl Display, at: Position, work: impl FnOnce(&mut Self) -> Built) -> Built {
        work(self).map_err(|Wrong { at: nearer, message }| Wrong {
            at: nearer.or(Some(at)),
            message: format!("{kind} {name}: {message}"),
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
        for (image, app) in deed.app.iter() {
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

/// A text, or its replacement where it is absent.
fn or<'a>(text: &'a Option<At<String>>, usual: &'a str) -> &'a str {
    text.as_ref().map_or(usual, |text| text.as_str())
}

/// The text at a path of an answer; every answer that is asked has it.
fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
