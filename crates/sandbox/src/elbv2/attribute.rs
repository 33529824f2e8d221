//! Attributes: keys with defaults, and what each key takes. Values are always text.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::find;
use crate::input::Input;
use crate::object::object;
use crate::refusal::Refusal;

/// What a key takes.
#[derive(Clone, Copy)]
pub enum Takes {
    Flag,
    Number(i64, i64),
    /// 0, which turns it off, or a number.
    ZeroOr(i64, i64),
    /// `off`, or a number.
    OffOr(i64, i64),
    OneOf(&'static [&'static str]),
    Text,
}

/// A key with its default.
pub type Attribute = (&'static str, &'static str, Takes);

impl Takes {
    fn takes(self, value: &str) -> bool {
        let lies = |low: i64, high: i64| value.parse::<i64>().is_ok_and(|number| (low..=high).contains(&number));
        match self {
            Self::Flag => matches!(value, "true" | "false"),
            Self::Number(low, high) => lies(low, high),
            Self::ZeroOr(low, high) => value == "0" || lies(low, high),
            Self::OffOr(low, high) => value == "off" || lies(low, high),
            Self::OneOf(words) => words.contains(&value),
            Self::Text => value.chars().count() <= 1024,
        }
    }
}

/// The defaults of a family.
pub fn defaults<'a>(family: impl IntoIterator<Item = &'a Attribute>) -> BTreeMap<String, String> {
    family.into_iter().map(|(key, value, _)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What attributes come to when those of a call are laid over them. `strange` says that a family does not have a key
/// that another one has.
pub fn merged(
    input: Input,
    standing: &BTreeMap<String, String>,
    family: &[&[Attribute]],
    others: &[&[Attribute]],
    strange: impl Fn(&str) -> Refusal,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut merged = standing.clone();
    let mut given = Vec::new();
    for pair in input.list("Attributes") {
        let (key, value) = (find::need(pair, "Key")?, pair.text("Value").unwrap_or_default());
        let find =
            |tables: &[&[Attribute]]| tables.iter().copied().flatten().find(|(known, ..)| *known == key).copied();
        let Some((_, _, takes)) = find(family) else {
            let unknown = || Refusal::validation(format!("Attribute key '{key}' is not recognized"));
            return Err(find(others).map_or_else(unknown, |_| strange(key)));
        };
        if !takes.takes(value) {
            return Err(Refusal::validation(format!("'{value}' is not a valid value for the attribute '{key}'")));
        }
        if given.contains(&key) {
            return Err(Refusal::validation(format!("The attribute '{key}' was specified more than once")));
        }
        given.push(key);
        merged.insert(key.to_owned(), value.to_owned());
    }
    if given.is_empty() {
        return Err(Refusal::validation("At least one attribute must be specified"));
    }
    Ok(merged)
}

/// Attributes as they are described.
pub fn shown(attributes: &BTreeMap<String, String>) -> Value {
    let pairs: Vec<Value> = attributes.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    object! {"Attributes" => pairs}
}

/// That attributes do not go together.
pub fn clash(message: &str) -> Refusal {
    Refusal::new("InvalidConfigurationRequest", message)
}
