//! Members of a service with AWS's names.

use serde_json::Value as Json;

use crate::model::{Seen, Service};
use crate::shape::{SERVICE, Secrets, declarable};

use super::page::{Entry, Value};
use super::scalar;

/// Members that are not written: AWS has set the first two for most services without being asked, the next cannot change, and tags are
/// often another tool's.
const LEFT_OUT: [&str; 4] = ["availabilityZoneRebalancing", "platformVersion", "launchType", "tags"];

const DEPLOYMENT: &str = "deploymentConfiguration";
const BAKE_TIME: &str = "bakeTimeInMinutes";

/// Those that say something.
pub(super) fn entries(live: &Service) -> Vec<Entry> {
    let Seen::Present(members) = &*live.members else { return Vec::new() };
    let mut all = declarable(&SERVICE, members.members(), Secrets::LeftOut);
    let bake = members.get(DEPLOYMENT).and_then(|block| block.get(BAKE_TIME));
    // A manifest with another strategy says it, be it 0.
    if let (Some(Json::Object(block)), Some(bake)) = (all.get_mut(DEPLOYMENT), bake)
        && block.contains_key("strategy")
    {
        block.insert(BAKE_TIME.to_owned(), bake.clone());
    }
    let written = all.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
    written.map(|(name, value)| Entry::field(name, written_value(value))).collect()
}

/// A value as AWS writes it. Names of members are plain; keys of data may need quotes.
pub(super) fn written_value(value: &Json) -> Value {
    match value {
        Json::Null => Value::Nothing,
        Json::Bool(_) | Json::Number(_) => Value::Scalar(value.to_string()),
        Json::String(text) => Value::Scalar(scalar::text(text)),
        Json::Array(entries) => Value::List(entries.iter().map(|entry| Entry::item(written_value(entry))).collect()),
        Json::Object(members) => Value::Map(
            members.iter().map(|(name, value)| Entry::field(&scalar::text(name), written_value(value))).collect(),
        ),
    }
}
