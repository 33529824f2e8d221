//! The parameters of a call. JSON and query calls come to the same tree; in query calls every scalar is text.

use serde_json::Value;

use super::refusal::Refusal;
use super::state::Tags;

/// A tree of parameters, or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(pub &'a Value);

impl<'a> Input<'a> {
    /// A member; null and absent are the same.
    pub fn get(self, name: &str) -> Option<Input<'a>> {
        self.0.get(name).filter(|value| !value.is_null()).map(Input)
    }

    /// A text.
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.0.as_str()
    }

    /// A text that has to be there. `missing` says how this service says that it is not.
    pub fn need(self, name: &str, missing: impl Fn(&str) -> Refusal) -> Result<&'a str, Refusal> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    /// A number, written as one or as text. Not a number is absent.
    pub fn int(self, name: &str) -> Option<i64> {
        match self.get(name)?.0 {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        }
    }

    /// A truth value, written as one or as text.
    pub fn flag(self, name: &str) -> Option<bool> {
        match self.get(name)?.0 {
            Value::String(text) => text.parse().ok(),
            value => value.as_bool(),
        }
    }

    /// The members of a list; empty where there is none.
    pub fn list(self, name: &str) -> impl Iterator<Item = Input<'a>> + use<'a> {
        self.get(name).and_then(|list| list.0.as_array()).into_iter().flatten().map(Input)
    }

    /// A list of texts.
    pub fn texts(self, name: &str) -> Vec<&'a str> {
        self.list(name).filter_map(|text| text.0.as_str()).collect()
    }

    /// Whether a list (or anything else) was given, be it empty.
    pub fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Tags as Elastic Load Balancing and EC2 write them (`Key`, `Value`).
    pub fn tags(self, name: &str) -> Tags {
        self.tags_as(name, "Key", "Value")
    }

    /// Tags as ECS writes them (`key`, `value`).
    pub fn small_tags(self, name: &str) -> Tags {
        self.tags_as(name, "key", "value")
    }

    fn tags_as(self, name: &str, key: &str, value: &str) -> Tags {
        let pair = |tag: Input<'_>| Some((tag.text(key)?.to_owned(), tag.text(value).unwrap_or_default().to_owned()));
        self.list(name).filter_map(pair).collect()
    }
}
