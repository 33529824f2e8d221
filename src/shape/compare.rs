//! What a live block lacks of a declared one.

use serde_json::{Map, Value};

use super::fold::{absent_value, fold, is_equal, key_of};
use super::member::{Effect, Kind, Member, Order, Structure};
use super::path::Path;

/// Longest text of a value that a difference shows.
const SHOWN: usize = 160;
/// The replacement of a value that is never shown.
const HIDDEN: &str = "(hidden)";

/// A member that is not as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub path: Path,
    /// What it is, for people; `None`: nothing.
    pub live: Option<String>,
    /// What it shall be, for people; `None`: nothing.
    pub declared: Option<String>,
    /// When a change of it takes effect, as the innermost row says that says more than its block.
    pub effect: Effect,
}

/// Every declared member that the live block has not. What is not declared is not compared; a declared list is the whole list, and
/// what its entries leave out is not compared either.
pub fn differences(
    structure: &Structure,
    live: &Map<String, Value>,
    declared: &Map<String, Value>,
    at: &Path,
) -> Vec<Difference> {
    let mut found = Vec::new();
    of_structure(structure, live, declared, &Place { at: at.clone(), effect: Effect::InPlace }, &mut found);
    found
}

/// Where a value is.
struct Place {
    at: Path,
    effect: Effect,
}

impl Place {
    fn member(&self, member: &Member) -> Self {
        let effect = if member.effect == Effect::InPlace { self.effect } else { member.effect };
        Self { at: self.at.member(member.name), effect }
    }

    fn entry(&self, key: impl Into<String>) -> Self {
        Self { at: self.at.entry(key), effect: self.effect }
    }

    fn note(self, live: Option<String>, declared: Option<String>) -> Difference {
        Difference { path: self.at, live, declared, effect: self.effect }
    }
}

fn of_structure(
    structure: &Structure,
    live: &Map<String, Value>,
    declared: &Map<String, Value>,
    at: &Place,
    found: &mut Vec<Difference>,
) {
    for (name, value) in declared {
        let Some(member) = structure.member(name).filter(|member| !member.is_output && !value.is_null()) else {
            continue;
        };
        let absent = absent_value(member, live);
        let now = live.get(name).filter(|value| !value.is_null()).or(absent.as_ref());
        of_member(member, now, value, &at.member(member), found);
    }
}

fn of_member(member: &Member, live: Option<&Value>, declared: &Value, at: &Place, found: &mut Vec<Difference>) {
    let empty = Map::new();
    match (&member.kind, declared) {
        (Kind::Structure(structure), Value::Object(declared)) => {
            let live = live.and_then(Value::as_object).unwrap_or(&empty);
            of_structure(structure, live, declared, at, found);
        }
        (Kind::List(Kind::Structure(structure), Order::Keyed(keys)), Value::Array(declared)) => {
            let live = live.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            of_entries(structure, keys, live, declared, at, found);
        }
        (Kind::List(Kind::Structure(structure), Order::Ordered), Value::Array(declared)) => {
            let live = live.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if live.len() == declared.len() {
                for (index, (live, declared)) in live.iter().zip(declared).enumerate() {
                    let (Value::Object(live), Value::Object(declared)) = (live, declared) else { continue };
                    of_structure(structure, live, declared, &at.entry(index.to_string()), found);
                }
            } else {
                note(member, Some(&Value::from(live.to_vec())), &Value::from(declared.clone()), at, found);
            }
        }
        _ => {
            if !is_equal(&member.kind, live.unwrap_or(&Value::Null), declared) {
                note(member, live, declared, at, found);
            }
        }
    }
}

fn of_entries(
    structure: &Structure,
    keys: &[&str],
    live: &[Value],
    declared: &[Value],
    at: &Place,
    found: &mut Vec<Difference>,
) {
    for entry in declared {
        let key = key_of(Some(structure), keys, entry);
        let Value::Object(members) = entry else { continue };
        match live.iter().find(|live| key_of(Some(structure), keys, live) == key) {
            Some(Value::Object(live)) => of_structure(structure, live, members, &at.entry(key), found),
            _ => found.push(at.entry(key).note(None, Some(shown_entry(structure, entry)))),
        }
    }
    for entry in live {
        let key = key_of(Some(structure), keys, entry);
        if !declared.iter().any(|declared| key_of(Some(structure), keys, declared) == key) {
            found.push(at.entry(key).note(Some(shown_entry(structure, entry)), None));
        }
    }
}

fn note(member: &Member, live: Option<&Value>, declared: &Value, at: &Place, found: &mut Vec<Difference>) {
    let text = |value: &Value| fold(&member.kind, value).map(|_| shown(member, value));
    let place = Place { at: at.at.clone(), effect: at.effect };
    found.push(place.note(live.and_then(text), text(declared)));
}

/// A value for people.
fn shown(member: &Member, value: &Value) -> String {
    if member.is_secret {
        return HIDDEN.to_owned();
    }
    let Value::String(text) = value else { return cut(&without_secrets(&member.kind, value).to_string()) };
    cut(text)
}

/// An entry of a list for people.
fn shown_entry(structure: &Structure, entry: &Value) -> String {
    cut(&hidden_in(structure, entry).to_string())
}

fn without_secrets(kind: &Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Structure(structure), Value::Object(_)) => hidden_in(structure, value),
        (Kind::List(of, _), Value::Array(entries)) => entries.iter().map(|entry| without_secrets(of, entry)).collect(),
        (Kind::Map, Value::Object(entries)) => {
            let shown = |(key, value): (&String, &Value)| {
                (key.clone(), if is_secret_key(key) { HIDDEN.into() } else { value.clone() })
            };
            Value::Object(entries.iter().map(shown).collect())
        }
        (_, other) => other.clone(),
    }
}

/// Whether the value of a key that is data is probably a secret, such as `splunk-token`.
fn is_secret_key(key: &str) -> bool {
    let key = key.to_lowercase();
    ["token", "password", "secret", "key"].iter().any(|word| key.contains(word))
}

/// A block whose secrets are hidden, and all that no row knows: it may be a secret.
fn hidden_in(structure: &Structure, value: &Value) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    let shown = members.iter().map(|(name, value)| {
        let value = match structure.member(name) {
            Some(member) if !member.is_secret => without_secrets(&member.kind, value),
            Some(_) | None => HIDDEN.into(),
        };
        (name.clone(), value)
    });
    Value::Object(shown.collect())
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}
