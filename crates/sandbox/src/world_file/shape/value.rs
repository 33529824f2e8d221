//! The values of a world file that are more than text.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::Deref;

use portolan_yaml::{
    At, Decode, Entry, Fields, Node, Number, Problems, Slot, Sort, TextMap, Value, any_text, quoted, text_of,
    wrong_type,
};
use serde_json::Value as Json;

use super::App;

/// A whole number, 0 or more. What is too large is for AWS to say.
pub type Count = Number<0, { u32::MAX }>;

/// What a program answers: a code of HTTP or of gRPC.
pub type Code = Number<0, 999>;

/// A port, or 0 for none in particular.
pub type AnyPort = Number<0, 65_535>;

/// A field that has its type's default where it is absent.
#[derive(Clone, Debug, Default)]
pub struct OrDefault<T>(T);

/// A list that is empty where it is absent.
pub type List<T> = OrDefault<Vec<At<T>>>;

/// Text by text, empty where it is absent.
pub type Texts = OrDefault<TextMap>;

impl<T> Deref for OrDefault<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Decode + Default> Slot for OrDefault<T> {
    fn read(fields: &Fields<'_>, name: &'static str, problems: &mut Problems<'_>) -> Option<Self> {
        match fields.get(name) {
            Some(node) => T::decode(node, name, problems).map(Self),
            None => Some(Self::default()),
        }
    }
}

/// A mapping from any text to things of one kind.
#[derive(Clone, Debug)]
pub struct ByName<T>(BTreeMap<String, At<T>>);

impl<T> ByName<T> {
    /// Names and things, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &At<T>)> {
        self.0.iter()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Decode> Decode for ByName<T> {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            let hint = problems.format().shape(name);
            wrong_type(node, name, "a mapping", hint, problems);
            return None;
        };
        let read =
            |entry: &Entry| At::decode(&entry.value, &entry.key, problems).map(|value| (entry.key.clone(), value));
        Some(Self(entries.iter().filter_map(read).collect()))
    }
}

/// Programs by the address that they listen on.
#[derive(Clone, Debug, Default)]
pub struct Hosts(BTreeMap<Ipv4Addr, At<App>>);

impl Hosts {
    /// Addresses and programs.
    pub fn iter(&self) -> impl Iterator<Item = (&Ipv4Addr, &At<App>)> {
        self.0.iter()
    }
}

impl Decode for Hosts {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let named = ByName::<App>::decode(node, name, problems)?;
        let mut hosts = BTreeMap::new();
        for (address, app) in named.0 {
            match address.parse() {
                Ok(address) => _ = hosts.insert(address, app),
                Err(_) => problems.add(app.at, format!("{name}: expected an IPv4 address, found {}", quoted(&address))),
            }
        }
        Some(Self(hosts))
    }
}

/// What is open: from one port to another; `None` for all.
#[derive(Clone, Copy, Debug)]
pub struct Ports(pub Option<(u16, u16)>);

impl Decode for Ports {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if matches!(&node.value, Value::Scalar(scalar) if scalar.sort() == Sort::Integer) {
            let port = AnyPort::decode(node, name, problems)?.to_u16();
            return Some(Self(Some((port, port))));
        }
        let expected = "a port, a range such as 8000-8010, or all";
        let text = text_of(node, name, expected, problems)?;
        if text == "all" {
            return Some(Self(None));
        }
        let ends = text.split_once('-');
        let range = ends.and_then(|(from, to)| Some((from.trim().parse().ok()?, to.trim().parse().ok()?)));
        if range.is_none() {
            wrong_type(node, name, expected, None, problems);
        }
        range.map(|range| Self(Some(range)))
    }
}

/// The target groups that get requests, and their weights.
#[derive(Clone, Debug)]
pub struct Forward(BTreeMap<String, At<Count>>);

impl Forward {
    /// Target groups and weights.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &At<Count>)> {
        self.0.iter()
    }
}

impl Decode for Forward {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if matches!(node.value, Value::Mapping(_)) {
            return ByName::decode(node, name, problems).map(|weighted| Self(weighted.0));
        }
        let expected = "a target group, or weights such as {blue: 90, green: 10}";
        let group = text_of(node, name, expected, problems)?;
        let weight = At { value: Number(1), at: node.at, flawed: false };
        Some(Self(BTreeMap::from([(group.to_owned(), weight)])))
    }
}

/// What decides about everything that is left to chance.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64);

impl Decode for Seed {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let seed = match &node.value {
            Value::Scalar(scalar) if scalar.sort() == Sort::Integer => scalar.text.parse().ok(),
            _ => None,
        };
        if seed.is_none() {
            wrong_type(node, name, "a whole number of at most 64 bits, 0 or more", None, problems);
        }
        seed.map(Self)
    }
}

/// `[regex, replacement]`; the replacement may be nothing.
#[derive(Clone, Debug)]
pub struct Rewrite {
    pub regex: String,
    pub replacement: String,
}

impl Decode for Rewrite {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Sequence(parts) = &node.value else {
            wrong_type(node, name, "[regex, replacement]", None, problems);
            return None;
        };
        let [regex, replacement] = parts.as_slice() else {
            problems.add(node.at, format!("{name}: expected [regex, replacement], found a list of {}", parts.len()));
            return None;
        };
        let regex = text_of(regex, name, "a regex", problems).map(str::to_owned);
        let replacement = any_text(replacement, name, problems);
        Some(Self { regex: regex?, replacement: replacement? })
    }
}

/// The parameters of a call, as they are.
#[derive(Clone, Debug)]
pub struct Tree(pub Json);

impl Decode for Tree {
    fn decode(node: &Node, _name: &str, _problems: &mut Problems<'_>) -> Option<Self> {
        json(node).map(Self)
    }
}

/// `None` for what was reported already.
fn json(node: &Node) -> Option<Json> {
    Some(match &node.value {
        Value::Broken => return None,
        Value::Sequence(items) => Json::Array(items.iter().map(json).collect::<Option<_>>()?),
        Value::Mapping(entries) => {
            let member = |entry: &Entry| Some((entry.key.clone(), json(&entry.value)?));
            Json::Object(entries.iter().map(member).collect::<Option<_>>()?)
        }
        Value::Scalar(scalar) => match scalar.sort() {
            Sort::Nothing => Json::Null,
            Sort::Boolean(flag) => Json::Bool(flag),
            // A fraction, or a number that does not fit: JSON's own reading of it, or text.
            Sort::Integer | Sort::OtherNumber => {
                serde_json::from_str(&scalar.text).unwrap_or_else(|_| Json::String(scalar.text.clone()))
            }
            Sort::Text => Json::String(scalar.text.clone()),
        },
    })
}
