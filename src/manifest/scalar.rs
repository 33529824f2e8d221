//! The values of a manifest that are more than text and numbers: durations, ranges, shares, lists that say something.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::{Budget, HealthPort, PortRange};
use crate::yaml::{At, Decode, Node, Number, Port, Problems, Sort, TEXT, Value, items, quoted, text_of, wrong_type};

/// A duration such as `15s` or `2m`, kept in seconds; the bounds are seconds, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duration<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> Decode for Duration<MIN, MAX> {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let expected = "a duration such as 15s or 2m";
        if let Value::Scalar(scalar) = &node.value
            && matches!(scalar.sort(), Sort::Integer | Sort::OtherNumber)
        {
            wrong_type(node, name, expected, Some(format!("write the unit: {}s", scalar.text)), problems);
            return None;
        }
        let text = text_of(node, name, expected, problems)?;
        let Some(seconds) = seconds(text) else {
            let hint = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("write the unit: {text}s"));
            wrong_type(node, name, expected, hint, problems);
            return None;
        };
        if !(MIN..=MAX).contains(&seconds) {
            problems.add(node.at, format!("{name} must be {MIN}s to {MAX}s, found {}", quoted(text).trim_matches('"')));
            return None;
        }
        Some(Self(seconds))
    }
}

fn seconds(text: &str) -> Option<u32> {
    let (digits, unit) = match text.strip_suffix('s') {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('m')?, 60),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u32>().ok().filter(|_| plain)?.checked_mul(unit)
}

/// `metadata.name`, and the name of a port: what people refer to.
#[derive(Clone, Debug)]
pub(crate) struct ObjectKey(pub String);

impl Decode for ObjectKey {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = text_of(node, name, TEXT, problems)?;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        if text.len() > 63 || !text.bytes().all(allowed) {
            let message = format!("{name} {} is not a valid key", quoted(text));
            problems.add_hint(node.at, message, "1 to 63 lower-case letters, digits, \"-\" and \".\"");
            return None;
        }
        Some(Self(text.to_owned()))
    }
}

/// The name of a port mapping (ECS `PortMapping$name`).
#[derive(Clone, Debug)]
pub(crate) struct PortName(pub String);

impl Decode for PortName {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = text_of(node, name, TEXT, problems)?;
        if !is_port_name(text) {
            let message = format!("{name} {} is not the name of a port mapping", quoted(text));
            problems.add_hint(node.at, message, PORT_NAME_HINT);
            return None;
        }
        Some(Self(text.to_owned()))
    }
}

/// What the name of a port mapping may be (ECS `PortMapping$name`).
pub(crate) const PORT_NAME_HINT: &str = "1 to 64 lower-case letters, digits, \"_\" and \"-\", not \"-\" first";

/// Whether ECS takes a text as the name of a port mapping.
pub(crate) fn is_port_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= 64 && !text.starts_with('-') && text.bytes().all(allowed)
}

/// Where health checks knock: `traffic-port` or a port.
impl Decode for HealthPort {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::Scalar(scalar) = &node.value {
            if scalar.text == "traffic-port" {
                return Some(Self::Traffic);
            }
            if scalar.sort() == Sort::Text && scalar.text.parse::<u16>().is_err() {
                wrong_type(node, name, "traffic-port or a number", None, problems);
                return None;
            }
        }
        Port::decode(node, name, problems).map(|port| Self::Fixed(port.to_u16()))
    }
}

/// `32768-65535`
impl Decode for PortRange {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let expected = "a range of ports such as 32768-65535";
        let text = text_of(node, name, expected, problems)?;
        let ends = text.split_once('-').and_then(|(from, to)| Some((port(from)?, port(to)?)));
        let range = ends.filter(|(from, to)| from <= to).map(|(from, to)| Self { from, to });
        if range.is_none() {
            let hint = "1 to 65535, the lower port first".to_owned();
            wrong_type(node, name, expected, Some(hint), problems);
        }
        range
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port: &u16| *port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `3` or `10%`
impl Decode for Budget {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::Scalar(scalar) = &node.value
            && let Some(percent) = scalar.text.strip_suffix('%')
        {
            let share = percent.parse().ok().filter(|share| *share <= 100 && !percent.starts_with('+'));
            if share.is_none() {
                let expected = "a number, or a share from 0% to 100%";
                wrong_type(node, name, expected, None, problems);
            }
            return share.map(Self::Percent);
        }
        let hint = Some("a number of objects, or a share such as 10%".to_owned());
        if !matches!(&node.value, Value::Scalar(scalar) if scalar.sort() == Sort::Integer) {
            wrong_type(node, name, "a number or a share", hint, problems);
            return None;
        }
        Number::<0, 100_000>::decode(node, name, problems).map(|Number(count)| Self::Count(count))
    }
}

macro_rules! schemas {
    ($([$($generics:tt)*] $type:ty => $schema:tt)*) => {$(
        impl<$($generics)*> JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

schemas! {
    [const MIN: u32, const MAX: u32] Duration<MIN, MAX> => {"type": "string", "pattern": "^[0-9]+[sm]$"}
    [] ObjectKey => {"type": "string", "pattern": "^[a-z0-9.-]{1,63}$"}
    [] PortName => {"type": "string", "pattern": "^[a-z0-9_][a-z0-9_-]{0,63}$"}
    [] HealthPort => {"anyOf": [{"const": "traffic-port"}, {"type": "integer", "minimum": 1, "maximum": 65_535}]}
    [] PortRange => {"type": "string", "pattern": "^[0-9]{1,5}-[0-9]{1,5}$"}
    [] Budget => {"anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 100_000},
        {"type": "string", "pattern": "^(100|[0-9]{1,2})%$"},
    ]}
}

/// A list that says something by being empty: *manage it and keep it empty*.
pub(crate) type Managed<T> = Vec<At<T>>;

/// A list that must not be empty.
#[derive(Clone, Debug)]
pub(crate) struct NonEmpty<T>(pub Vec<At<T>>);

impl<T: Decode> Decode for NonEmpty<T> {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if matches!(&node.value, Value::Sequence(nodes) if nodes.is_empty()) {
            let hint = "remove it to leave it unmanaged; only routes, targets, targetGroups and allowFrom may be empty";
            problems.add_hint(node.at, format!("{name} must not be an empty list"), hint);
            return None;
        }
        items(node, name, problems).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for NonEmpty<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("NonEmpty_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Managed::<T>::json_schema(generator);
        schema.insert("minItems".to_owned(), 1.into());
        schema
    }
}
