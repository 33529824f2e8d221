//! A text that is read.

use std::collections::BTreeMap;

/// The name of standard input.
pub const STDIN: &str = "-";

/// One text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As people wrote it; [`STDIN`] for standard input.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// The files that it names, as it writes their paths: their texts, or why they cannot be read.
    pub files: BTreeMap<String, Result<String, String>>,
}

impl Source {
    /// The name as problems show it.
    pub fn shown_name(&self) -> &str {
        if self.name == STDIN { "<stdin>" } else { &self.name }
    }
}
