//! Declared members over a live block: what is sent where AWS replaces blocks as a whole.

use serde_json::{Map, Value};

use super::fold::key_of;
use super::member::{Kind, Member, Order, Structure};

/// The live block with the declared members laid over it. A declared list takes the place of the live one; entries that are found
/// by a key keep what they do not declare. Members that no row knows stay.
pub fn overlay(structure: &Structure, live: &Map<String, Value>, declared: &Map<String, Value>) -> Map<String, Value> {
    let mut all = live.clone();
    for (name, value) in declared {
        let Some(member) = structure.member(name).filter(|member| !member.is_output) else { continue };
        let value = over(&member.kind, live.get(name), value);
        all.insert(name.clone(), value);
    }
    all
}

fn over(kind: &Kind, live: Option<&Value>, declared: &Value) -> Value {
    match (kind, live, declared) {
        (Kind::Structure(structure), Some(Value::Object(live)), Value::Object(declared)) => {
            Value::Object(overlay(structure, live, declared))
        }
        (
            Kind::List(Kind::Structure(structure), Order::Keyed(keys)),
            Some(Value::Array(live)),
            Value::Array(declared),
        ) => declared.iter().map(|entry| entry_over(structure, keys, live, entry)).collect(),
        // Nothing but the place tells which entry is which.
        (Kind::List(Kind::Structure(structure), Order::Ordered), Some(Value::Array(live)), Value::Array(declared))
            if live.len() == declared.len() =>
        {
            live.iter().zip(declared).map(|pair| both(structure, pair)).collect()
        }
        _ => declared.clone(),
    }
}

fn both(structure: &Structure, pair: (&Value, &Value)) -> Value {
    match pair {
        (Value::Object(live), Value::Object(declared)) => Value::Object(overlay(structure, live, declared)),
        (_, declared) => declared.clone(),
    }
}

fn entry_over(structure: &Structure, keys: &[&str], live: &[Value], entry: &Value) -> Value {
    let key = key_of(Some(structure), keys, entry);
    match live.iter().find(|live| key_of(Some(structure), keys, live) == key) {
        Some(live) => both(structure, (live, entry)),
        None => entry.clone(),
    }
}

/// The block without nulls and without the members that AWS takes in no request.
pub fn without_outputs(structure: &Structure, members: &Map<String, Value>) -> Map<String, Value> {
    without(structure, members, |member| member.is_output)
}

/// The block without nulls and without some members, in the blocks within it too.
pub fn without(
    structure: &Structure,
    members: &Map<String, Value>,
    goes: impl Fn(&Member) -> bool + Copy,
) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let row = structure.member(name);
        let value = match (row.map(|row| &row.kind), value) {
            (Some(_), _) if row.is_some_and(goes) => continue,
            (Some(Kind::Structure(of)), Value::Object(members)) => Value::Object(without(of, members, goes)),
            (Some(Kind::List(Kind::Structure(of), _)), Value::Array(entries)) => {
                let entry = |entry: &Value| {
                    entry.as_object().map_or_else(|| entry.clone(), |members| Value::Object(without(of, members, goes)))
                };
                entries.iter().map(entry).collect()
            }
            (_, value) => value.clone(),
        };
        kept.insert(name.clone(), value);
    }
    kept
}
