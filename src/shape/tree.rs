//! A block as AWS writes it.

use std::fmt;

use serde_json::{Map, Value};

/// A block as AWS writes it, in JSON: an object. Its `Debug` shows the names of its members only, for their values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tree(Map<String, Value>);

impl Tree {
    /// Its members.
    pub fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A member, unless it is absent or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// All members.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All members, to change.
    pub fn members_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl From<Map<String, Value>> for Tree {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}
