//! Two ways to write the same: what AWS fills in, empties, orders that do not count, numbers as text.

use serde_json::{Map, Number, Value};

use super::member::{Absent, Kind, Member, Order, Same, Structure, Text};

/// The members of a block in the one form that all its spellings share: what says no more than leaving it out is left out. Members
/// that no row knows stay as they are; those of answers alone go.
pub fn folded(structure: &Structure, members: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in members {
        match structure.member(name) {
            Some(member) if member.is_output => {}
            Some(member) => {
                if let Some(value) = fold_member(member, value, members) {
                    all.insert(name.clone(), value);
                }
            }
            None if value.is_null() => {}
            None => {
                all.insert(name.clone(), value.clone());
            }
        }
    }
    all
}

/// Members whose values are never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// With their values.
    Kept,
    /// Without these members.
    LeftOut,
}

/// A live block as a manifest would declare it: without what says no more than leaving it out, and without what no row knows.
pub fn declarable(structure: &Structure, live: &Map<String, Value>, secrets: Secrets) -> Map<String, Value> {
    let short = folded(structure, live);
    let mut all = Map::new();
    let is_left_out = |member: &Member| member.is_output || (member.is_secret && secrets == Secrets::LeftOut);
    for member in structure.members.iter().filter(|member| !is_left_out(member)) {
        let is_needed = member.is_required && !short.is_empty();
        let value = live.get(member.name).filter(|value| !value.is_null());
        let value = value.filter(|_| is_needed || short.contains_key(member.name));
        if let Some(value) = value.map(|value| declarable_value(&member.kind, value, secrets)) {
            all.insert(member.name.to_owned(), value);
        }
    }
    all
}

fn declarable_value(kind: &Kind, value: &Value, secrets: Secrets) -> Value {
    match (kind, value) {
        (Kind::Structure(of), Value::Object(members)) => Value::Object(declarable(of, members, secrets)),
        (Kind::List(of, _), Value::Array(entries)) => {
            entries.iter().map(|entry| declarable_value(of, entry, secrets)).collect()
        }
        (_, value) => value.clone(),
    }
}

/// The value of a member, unless it says no more than leaving it out.
fn fold_member(member: &Member, value: &Value, siblings: &Map<String, Value>) -> Option<Value> {
    let value = fold(&member.kind, value)?;
    (Some(&value) != absent_value(member, siblings).as_ref()).then_some(value)
}

/// What a member is where it is left out.
pub(super) fn absent_value(member: &Member, siblings: &Map<String, Value>) -> Option<Value> {
    let value = match member.absent {
        Absent::Nothing => return None,
        Absent::Text(text) => Value::from(text),
        Absent::Number(number) => Value::from(number),
        Absent::Boolean(value) => Value::from(value),
        Absent::Member(name) => siblings.get(name)?.clone(),
    };
    fold(&member.kind, &value)
}

/// A value in its one form; `None`: it says no more than leaving it out.
pub(super) fn fold(kind: &Kind, value: &Value) -> Option<Value> {
    if value.is_null() {
        return None;
    }
    let folded = match kind {
        Kind::Text(text) => fold_text(*text, value),
        Kind::Number { .. } => whole(value).map_or_else(|| value.clone(), Value::from),
        Kind::Decimal { .. } => decimal(value).map_or_else(|| value.clone(), Value::Number),
        Kind::Cpu | Kind::Memory => size(kind, value).map_or_else(|| value.clone(), |size| size.to_string().into()),
        Kind::Map | Kind::Boolean | Kind::Word(_) | Kind::Anything => value.clone(),
        Kind::Structure(structure) => {
            value.as_object().map_or_else(|| value.clone(), |members| Value::Object(folded(structure, members)))
        }
        Kind::List(of, order) => {
            value.as_array().map_or_else(|| value.clone(), |entries| Value::Array(fold_list(of, *order, entries)))
        }
    };
    let is_empty = match &folded {
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    (!is_empty).then_some(folded)
}

fn fold_text(text: Text, value: &Value) -> Value {
    let written = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return value.clone(),
    };
    match text.same {
        Same::Equal | Same::ArnOrName | Same::PlatformVersion => written.into(),
        Same::AnyCase => written.to_lowercase().into(),
        Same::PlacementField => match written.to_lowercase().as_str() {
            "host" => "instanceid".into(),
            other => other.into(),
        },
    }
}

fn structure_of(kind: &Kind) -> Option<&'static Structure> {
    if let Kind::Structure(structure) = kind { Some(structure) } else { None }
}

fn fold_list(of: &Kind, order: Order, entries: &[Value]) -> Vec<Value> {
    let mut folded: Vec<Value> = entries.iter().map(|entry| fold(of, entry).unwrap_or_default()).collect();
    match order {
        Order::Ordered => {}
        Order::Keyed(keys) => folded.sort_by_cached_key(|entry| key_of(structure_of(of), keys, entry)),
        Order::Set => {
            folded.sort_by_cached_key(ToString::to_string);
            folded.dedup();
        }
    }
    folded
}

/// By what an entry is found: those of these members that it has, with what is read back where they are left out.
pub(super) fn key_of(structure: Option<&Structure>, keys: &[&str], entry: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let left_out = |key: &str| match structure.and_then(|structure| structure.member(key))?.absent {
        Absent::Text(text) => Some(text.to_owned()),
        Absent::Nothing | Absent::Number(_) | Absent::Boolean(_) | Absent::Member(_) => None,
    };
    let of = |key: &&str| entry.get(*key).filter(|value| !value.is_null()).map(text).or_else(|| left_out(key));
    let found: Vec<String> = keys.iter().filter_map(of).collect();
    if found.is_empty() { entry.to_string() } else { found.join("/") }
}

/// Whether a live value of a kind is what a declared one asks for.
pub fn is_equal(kind: &Kind, live: &Value, declared: &Value) -> bool {
    let (live, declared) = (fold(kind, live), fold(kind, declared));
    if live == declared {
        return true;
    }
    let (Kind::Text(text), Some(Value::String(live)), Some(Value::String(declared))) = (kind, live, declared) else {
        return false;
    };
    match text.same {
        Same::Equal | Same::AnyCase | Same::PlacementField => false,
        // A name without a path is that of a role with the path `/` in this account.
        Same::ArnOrName => {
            let is_of = |arn: &str, name: &str| arn.split_once(":role/").is_some_and(|(_, rest)| rest == name);
            is_of(&live, &declared) || is_of(&declared, &live)
        }
        // AWS resolves it, and reads back either that or the version. A live `LATEST` may be any version but a declared one.
        Same::PlatformVersion => declared == "LATEST",
    }
}

/// A whole number, also where it is written as text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn decimal(value: &Value) -> Option<Number> {
    Number::from_f64(value.as_f64()?)
}

/// CPU units or MiB of a task, as a number: `1024`, `"1024"`, `"1 vCPU"`, `".5 vCPU"`, `"2 GB"`, `"2GB"` (ECS
/// `RegisterTaskDefinitionRequest$cpu`, `$memory`).
pub fn size(kind: &Kind, value: &Value) -> Option<i64> {
    if let Some(number) = whole(value) {
        return Some(number);
    }
    let unit = match kind {
        Kind::Cpu => "VCPU",
        Kind::Memory => "GB",
        Kind::Text(_)
        | Kind::Number { .. }
        | Kind::Decimal { .. }
        | Kind::Boolean
        | Kind::Word(_)
        | Kind::Map
        | Kind::Structure(_)
        | Kind::List(..)
        | Kind::Anything => return None,
    };
    let text = value.as_str()?.trim().to_ascii_uppercase();
    let number = text.strip_suffix(unit)?.trim();
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let thousandths = number.parse::<f64>().ok().filter(|_| is_plain)? * 1024.0;
    // Far below 2^53, where every whole number is exact.
    (thousandths.fract() == 0.0 && thousandths < 1e9).then_some(thousandths as i64)
}
