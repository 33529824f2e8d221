//! Numbers within bounds.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::decode::{Decode, wrong_type};
use super::node::{Node, Sort, Value};
use super::problem::{Problems, quoted};

/// A whole number, both bounds included.
#[derive(Clone, Copy, Debug)]
pub struct Number<const MIN: u32, const MAX: u32>(pub u32);

/// A port that something listens on.
pub type Port = Number<1, 65_535>;

impl<const MIN: u32> Number<MIN, 65_535> {
    /// As ports are kept; the decoder saw to the range.
    pub fn to_u16(self) -> u16 {
        u16::try_from(self.0).unwrap_or_default()
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Display for Number<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u32, const MAX: u32> Serialize for Number<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<const MIN: u32, const MAX: u32> Decode for Number<MIN, MAX> {
    fn decode(node: &Node, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Scalar(scalar) = &node.value else {
            wrong_type(node, name, "a number", problems.format().shape(name), problems);
            return None;
        };
        if scalar.sort() != Sort::Integer {
            let digits = scalar.text.bytes().all(|byte| byte.is_ascii_digit()) && !scalar.text.is_empty();
            let hint = match scalar.sort() {
                Sort::OtherNumber if digits => Some("write it without leading zeros".to_owned()),
                _ if digits => Some("remove the quotes".to_owned()),
                _ => None,
            };
            wrong_type(node, name, "a number", hint, problems);
            return None;
        }
        match scalar.text.parse() {
            Ok(number) if (MIN..=MAX).contains(&number) => Some(Self(number)),
            _ => {
                problems.add(
                    node.at,
                    format!("{name} must be {MIN} to {MAX}, found {}", quoted(&scalar.text).trim_matches('"')),
                );
                None
            }
        }
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Number<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        stringify!(Number<MIN, MAX>).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}
