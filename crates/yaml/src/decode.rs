//! Nodes to typed documents. Every mistake is noted and reading goes on: a field that could not be read counts as
//! absent, which is harmless because a load with problems returns nothing else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::node::{Entry, Node, Sort, Value};
use super::problem::{Position, Problems, quoted};

/// Most names of fields that a hint lists.
const MOST_NAMES: usize = 8;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it is.
    pub at: Position,
    /// Something in it was reported, so what seems absent may just be misspelt.
    pub flawed: bool,
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The value alone.
impl<T: Serialize> Serialize for At<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// A required value whose absence must not hide the problems around it: reported, then treated as `None`.
#[derive(Clone, Debug)]
pub struct Must<T>(pub Option<At<T>>);

/// A mapping from any text to text.
pub type TextMap = BTreeMap<String, At<String>>;

/// A value in a file. `name` is the field, for messages.
pub trait Decode: Sized {
    /// The value of a node; `None` once what is wrong with it is reported.
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self>;
}

/// A field of a mapping, required or not.
pub trait Slot: Sized {
    /// The value of the field with this name; `None` once what is wrong with it is reported.
    fn read(fields: &Fields<'_>, name: &'static str, problems: &mut Problems<'_>) -> Option<Self>;
}

impl<T: Decode> Slot for Option<At<T>> {
    fn read(fields: &Fields<'_>, name: &'static str, problems: &mut Problems<'_>) -> Option<Self> {
        Some(fields.get(name).and_then(|node| At::decode(node, name, problems)))
    }
}

impl<T: Decode> Slot for At<T> {
    fn read(fields: &Fields<'_>, name: &'static str, problems: &mut Problems<'_>) -> Option<Self> {
        match fields.get(name) {
            Some(node) => Self::decode(node, name, problems),
            None => {
                fields.report_missing(name, problems);
                None
            }
        }
    }
}

impl<T: Decode> Slot for Must<T> {
    fn read(fields: &Fields<'_>, name: &'static str, problems: &mut Problems<'_>) -> Option<Self> {
        Some(Self(At::read(fields, name, problems)))
    }
}

impl<T: Decode> Decode for At<T> {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let before = problems.len();
        T::decode(node, name, problems).map(|value| Self { value, at: node.at, flawed: problems.len() > before })
    }
}

/// An opened mapping whose keys are all known ones.
#[derive(Debug)]
pub struct Fields<'n> {
    at: Position,
    place: &'static str,
    values: BTreeMap<&'n str, &'n Node>,
}

impl<'n> Fields<'n> {
    /// Opens a mapping and reports the fields that do not belong there.
    pub fn open(
        node: &'n Node,
        place: &'static str,
        known: &[&'static str],
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            wrong_type(node, place, "a mapping", problems.format().shape(place), problems);
            return None;
        };
        let mut values = BTreeMap::new();
        for entry in entries {
            if known.contains(&entry.key.as_str()) {
                if !(entry.value.is_nothing() && problems.format().takes_nothing_for_absent()) {
                    values.insert(entry.key.as_str(), &entry.value);
                }
            } else {
                unknown_field(entry, place, known, problems.format().unknown_field(place, &entry.key, known), problems);
            }
        }
        Some(Self { at: node.at, place, values })
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.values.get(name).copied()
    }

    fn report_missing(&self, name: &str, problems: &mut Problems<'_>) {
        let message = format!("missing field \"{name}\" in {}", self.place);
        problems.push_hint(self.at, message, problems.format().missing_field(self.place, name));
    }
}

/// Reports a field that does not belong where it is.
pub fn unknown_field(entry: &Entry, place: &str, known: &[&str], hint: Option<String>, problems: &mut Problems<'_>) {
    let key = entry.key.as_str();
    if let Some(shown) = problems.shown_key(key) {
        return problems.push_hint(entry.key_at, format!("unknown field {shown} in {place}"), hint);
    }
    let message = format!("unknown field of {} characters in {place}", key.chars().count());
    let is_name = |name: &&&str| key.strip_prefix(**name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    let hint = match (known.iter().find(is_name), hint) {
        (Some(name), _) => Some(format!("write \"{name}: …\": a colon and a space follow the name of a field")),
        (None, hint) if known.len() > MOST_NAMES => hint,
        (None, _) => Some(format!("the fields here are {}", known.join(", "))),
    };
    problems.push_hint(entry.key_at, message, hint);
}

/// Reports `expected …, found …`; silent where something was reported already.
pub fn wrong_type(node: &Node, name: &str, expected: &str, hint: Option<String>, problems: &mut Problems<'_>) {
    if matches!(node.value, Value::Broken) {
        return;
    }
    let hint = if node.is_nothing() { Some(problems.format().instead_of_nothing().to_owned()) } else { hint };
    // What may be a secret is not repeated.
    let found = if problems.hides_lines() { node.kind().to_owned() } else { node.found() };
    problems.push_hint(node.at, format!("{name}: expected {expected}, found {found}"), hint);
}

/// What free text is expected as.
pub const TEXT: &str = "text";

/// The text of a scalar that is text; anything else is reported.
pub fn text_of<'n>(node: &'n Node, name: &str, expected: &str, problems: &mut Problems<'_>) -> Option<&'n str> {
    match &node.value {
        Value::Scalar(scalar) if scalar.sort() == Sort::Text => {
            if scalar.text.trim().is_empty() {
                problems.add(node.at, format!("{name} must not be empty"));
                return None;
            }
            Some(&scalar.text)
        }
        Value::Scalar(scalar) => {
            let quoted = || match problems.hides_lines() {
                true => "quote it".to_owned(),
                false => format!("quote it: {}", quoted(&scalar.text)),
            };
            let hint = (expected == TEXT).then(quoted);
            wrong_type(node, name, expected, hint, problems);
            None
        }
        Value::Sequence(_) | Value::Mapping(_) | Value::Broken => {
            wrong_type(node, name, expected, None, problems);
            None
        }
    }
}

impl Decode for String {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        text_of(node, name, TEXT, problems).map(str::to_owned)
    }
}

impl Decode for bool {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::Scalar(scalar) = &node.value
            && let Sort::Boolean(value) = scalar.sort()
        {
            return Some(value);
        }
        wrong_type(node, name, "true or false", None, problems);
        None
    }
}

impl Decode for Timestamp {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let expected = "a time such as 2026-12-01T08:00:00Z";
        let text = text_of(node, name, expected, problems)?;
        let time = text.parse().ok();
        if time.is_none() {
            let hint = "date, time and zone, as in RFC 3339".to_owned();
            wrong_type(node, name, expected, Some(hint), problems);
        }
        time
    }
}

/// The members of a list.
pub fn items<T: Decode>(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Vec<At<T>>> {
    let Value::Sequence(nodes) = &node.value else {
        let hint = match &node.value {
            Value::Scalar(scalar) if !node.is_nothing() => Some(format!("write a list: [{}]", quoted(&scalar.text))),
            Value::Scalar(_) | Value::Sequence(_) | Value::Mapping(_) | Value::Broken => problems.format().shape(name),
        };
        wrong_type(node, name, "a list", hint, problems);
        return None;
    };
    Some(nodes.iter().filter_map(|node| At::decode(node, name, problems)).collect())
}

impl<T: Decode> Decode for Vec<At<T>> {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        items(node, name, problems)
    }
}

impl Decode for TextMap {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            wrong_type(node, name, "a mapping of text to text", None, problems);
            return None;
        };
        let mut map = Self::new();
        for entry in entries {
            if let Some(text) = any_text(&entry.value, &entry.key, problems) {
                map.insert(entry.key.clone(), At { value: text, at: entry.value.at, flawed: false });
            }
        }
        Some(map)
    }
}

/// Text of which quoted emptiness is a value, unlike elsewhere: a label may have it.
pub fn any_text(node: &Node, key: &str, problems: &mut Problems<'_>) -> Option<String> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.plain => Some(scalar.text.clone()),
        _ => text_of(node, key, TEXT, problems).map(str::to_owned),
    }
}

/// Places are invisible in the schema.
macro_rules! transparent {
    ($($type:ty => $inner:ty),*) => {$(
        impl<T: JsonSchema> JsonSchema for $type {
            fn inline_schema() -> bool {
                <$inner>::inline_schema()
            }

            fn schema_name() -> Cow<'static, str> {
                <$inner>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$inner>::json_schema(generator)
            }
        }
    )*};
}

transparent! { At<T> => T, Must<T> => T }

/// Declares a mapping of a format once: its struct and its decoder.
#[macro_export]
macro_rules! mapping {
    ($(#[$meta:meta])* struct $name:ident in $place:literal {
        $($(#[$field_meta:meta])* $field:ident as $key:tt: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $name {
            /// Where it stands, and the fields it has.
            pub const FIELDS: (&'static str, &'static [&'static str]) = ($place, &[$($key),*]);
        }

        impl $crate::Decode for $name {
            fn decode(
                node: &$crate::Node,
                _name: &str,
                problems: &mut $crate::Problems<'_>,
            ) -> Option<Self> {
                let (place, known) = Self::FIELDS;
                let fields = $crate::Fields::open(node, place, known, problems)?;
                $(let $field = $crate::Slot::read(&fields, $key, problems);)*
                Some(Self { $($field: $field?),* })
            }
        }
    };
}

/// As [`mapping!`](crate::mapping), with its place in the JSON Schema. The package that uses it depends on `schemars`.
#[macro_export]
macro_rules! document {
    ($(#[$meta:meta])* struct $name:ident in $place:literal {
        $($(#[$field_meta:meta])* $field:ident as $key:tt: $type:ty,)*
    }) => {
        $crate::mapping! {
            $(#[$meta])*
            #[derive(schemars::JsonSchema)]
            #[schemars(deny_unknown_fields)]
            struct $name in $place {
                $($(#[$field_meta])* #[schemars(rename = $key)] $field as $key: $type,)*
            }
        }
    };
}
