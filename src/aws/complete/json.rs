//! Answers in JSON. A body is read to its end and nothing of it is kept: a page of tasks as a tree would cost more than all that
//! the SDK makes of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::Contents;
use super::members::{Kind, Read};

/// The contents of a body that is one whole object with the members that it must have.
pub(super) fn read(body: &[u8], read: Option<&Read>) -> Result<Contents, String> {
    let refused = |error: serde_json::Error| match error.classify() {
        Category::Data => "the response is not a JSON object".to_owned(),
        Category::Io | Category::Syntax | Category::Eof => format!("the response is not complete JSON: {error}"),
    };
    let text = std::str::from_utf8(body).map_err(|error| format!("the response is not complete JSON: {error}"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let Found { member, next_page } = Body(read).deserialize(&mut reader).map_err(refused)?;
    reader.end().map_err(refused)?;
    if let Some(read) = read {
        check(member, read)?;
    }
    Ok(Contents { next_page })
}

fn check(member: Option<Shape>, read: &Read) -> Result<(), String> {
    let name = read.member;
    match (read.kind, member) {
        (Kind::Nothing, _) => Ok(()),
        (Kind::List(_), Some(Shape::List { is_whole: true })) => Ok(()),
        (Kind::List(Some(inner)), Some(Shape::List { .. })) => {
            Err(format!("an entry of {name} in the response has no {inner}"))
        }
        (Kind::List(None), Some(Shape::List { .. })) => Err(format!("an entry of {name} in the response is not text")),
        (Kind::Object(_), Some(Shape::Object { named: Some(_) })) => Ok(()),
        (Kind::Object(inner), Some(Shape::Object { named: None })) => {
            Err(format!("{name} in the response has no {inner}"))
        }
        (Kind::Text, Some(Shape::Text { is_empty: false })) => Ok(()),
        (Kind::List(_) | Kind::Object(_) | Kind::Text, _) => Err(format!("the response has no {name}")),
    }
}

/// What a value is, as far as it matters. Of a member that is there twice, the last one counts, as for the SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Null,
    Text {
        is_empty: bool,
    },
    List {
        /// Each thing has the member that it must have, or is a text.
        is_whole: bool,
    },
    Object {
        /// The member that was looked for.
        named: Option<Named>,
    },
    /// A number or a truth value.
    Other,
}

/// A member that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Null,
    Value,
}

/// What is looked for in a value. Each value is read to its end.
#[derive(Clone, Copy, Debug)]
enum Look<'r> {
    /// Nothing.
    Past,
    /// A member of the object.
    For(&'r str),
    /// In each thing of the list its member, or whether it is a text.
    Each(Option<&'r str>),
}

impl<'r> Look<'r> {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::List(of) => Self::Each(of),
            Kind::Object(inner) => Self::For(inner),
            Kind::Text | Kind::Nothing => Self::Past,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text { is_empty: text.is_empty() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut things: A) -> Result<Shape, A::Error> {
        let mut is_whole = true;
        match self {
            Self::Past | Self::For(_) => while things.next_element::<IgnoredAny>()?.is_some() {},
            Self::Each(None) => {
                while let Some(thing) = things.next_element_seed(Look::Past)? {
                    is_whole &= matches!(thing, Shape::Text { .. });
                }
            }
            Self::Each(Some(name)) => {
                while let Some(thing) = things.next_element_seed(Look::For(name))? {
                    is_whole &= matches!(thing, Shape::Object { named: Some(Named::Value) });
                }
            }
        }
        Ok(Shape::List { is_whole })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Shape, A::Error> {
        let mut named = None;
        match self {
            Self::Past | Self::Each(_) => while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {},
            Self::For(name) => {
                while let Some(is_it) = members.next_key_seed(Is(name))? {
                    if is_it {
                        let value = members.next_value_seed(Look::Past)?;
                        named = Some(if value == Shape::Null { Named::Null } else { Named::Value });
                    } else {
                        members.next_value::<IgnoredAny>()?;
                    }
                }
            }
        }
        Ok(Shape::Object { named })
    }
}

/// What the body says.
struct Found {
    /// The member that it must have.
    member: Option<Shape>,
    next_page: Option<String>,
}

/// The body, which is an object.
struct Body<'r>(Option<&'r Read>);

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Found, A::Error> {
        let mut found = Found { member: None, next_page: None };
        let own = self.0.map(|read| (read.member, Look::of(read.kind)));
        while let Some(key) = members.next_key::<String>()? {
            match own {
                Some((name, look)) if key == name => found.member = Some(members.next_value_seed(look)?),
                _ if matches!(key.as_str(), "nextToken" | "NextToken") => {
                    let token: Value = members.next_value()?;
                    found.next_page = token.as_str().filter(|token| !token.is_empty()).map(str::to_owned);
                }
                _ => _ = members.next_value::<IgnoredAny>()?,
            }
        }
        Ok(found)
    }
}

/// Whether a key is this one.
struct Is<'r>(&'r str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(self.0 == key)
    }
}
