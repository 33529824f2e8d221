//! YAML as a tree whose maps keep their order.

use std::fmt::{self, Display, Formatter};

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Null, a truth value, a number or a text.
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub const NULL: Self = Self::Scalar(Value::Null);

    pub fn text(text: &str) -> Self {
        Self::Scalar(Value::String(text.to_owned()))
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A scalar as it is written as a key: `443`, `checkout`.
    pub fn as_key(&self) -> Option<String> {
        match self {
            Self::Scalar(Value::String(text)) => Some(text.clone()),
            Self::Scalar(Value::Number(number)) => Some(number.to_string()),
            Self::Scalar(_) | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// `on`, `y` and the like are texts, as they are for Portolan.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

pub fn parse_documents(text: &str) -> Result<Vec<Node>, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| error.to_string())
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Node;

    fn expecting(&self, formatter: &mut Formatter) -> fmt::Result {
        formatter.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::NULL)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::NULL)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry::<String, Node>()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}

/// Block style, texts in quotes.
impl Display for Node {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        self.write(formatter, 0)
    }
}

impl Node {
    fn write(&self, to: &mut Formatter, indent: usize) -> fmt::Result {
        match self {
            Self::Map(entries) => {
                for (place, (key, value)) in entries.iter().enumerate() {
                    pad(to, if place == 0 { 0 } else { indent })?;
                    write!(to, "{}:", key_text(key))?;
                    value.write_value(to, indent + 2)?;
                }
                Ok(())
            }
            Self::List(items) => {
                for (place, item) in items.iter().enumerate() {
                    pad(to, if place == 0 { 0 } else { indent })?;
                    write!(to, "- ")?;
                    if item.is_block() { item.write(to, indent + 2)? } else { writeln!(to, "{}", item.short())? }
                }
                Ok(())
            }
            Self::Scalar(_) => writeln!(to, "{}", self.short()),
        }
    }

    /// What comes after `key:`.
    fn write_value(&self, to: &mut Formatter, indent: usize) -> fmt::Result {
        if !self.is_block() {
            return writeln!(to, " {}", self.short());
        }
        writeln!(to)?;
        pad(to, indent)?;
        self.write(to, indent)
    }

    fn is_block(&self) -> bool {
        match self {
            Self::Map(entries) => !entries.is_empty(),
            Self::List(items) => items.iter().any(|item| !matches!(item, Self::Scalar(_))),
            Self::Scalar(_) => false,
        }
    }

    /// A scalar, an empty map, or a list of scalars.
    fn short(&self) -> String {
        match self {
            Self::Scalar(value) => value.to_string(),
            Self::Map(_) => "{}".to_owned(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::short).collect::<Vec<_>>().join(", ")),
        }
    }
}

fn pad(to: &mut Formatter, indent: usize) -> fmt::Result {
    write!(to, "{:indent$}", "")
}

fn key_text(key: &str) -> String {
    let is_word =
        key.starts_with(|first: char| first.is_ascii_alphabetic()) && key.chars().all(|c| c.is_ascii_alphanumeric());
    if is_word { key.to_owned() } else { Value::from(key).to_string() }
}
