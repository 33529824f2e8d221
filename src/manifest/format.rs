//! The manifest as a format.

use super::document::MAPPINGS;
use super::{hints, member};
use crate::shape::{SERVICE, TASK_DEFINITION};
use crate::yaml::{Format, Limits};

/// A thousand services with their target groups take about a mebibyte, and as many nodes as fit into it when people write it.
pub(super) const LIMITS: Limits =
    Limits { bytes: 1 << 20, when_too_large: "split the fleet into several files", nodes: 100_000, entries: 10_000 };

/// Whether anything in a manifest or a definition file has this name.
fn is_name(key: &str) -> bool {
    MAPPINGS.iter().any(|(_, fields)| fields.contains(&key))
        || SERVICE.has_name(key)
        || TASK_DEFINITION.has_name(key)
        || ["file", "otherContainers"].contains(&key)
}

/// The manifest.
pub(super) struct Manifest;

impl Format for Manifest {
    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn unknown_field(&self, place: &str, field: &str, known: &[&str]) -> Option<String> {
        hints::unknown_field(place, field, known)
    }

    fn missing_field(&self, place: &str, field: &str) -> Option<String> {
        hints::missing_field(place, field)
    }

    fn shape(&self, name: &str) -> Option<String> {
        hints::shape(name)
    }

    fn wrong_word(&self, name: &str, word: &str, allowed: &[&str]) -> Option<String> {
        hints::wrong_word(name, word, allowed)
    }

    fn instead_of_nothing(&self) -> &'static str {
        "give it a value, or remove the line: an absent field is unmanaged"
    }

    fn instead_of_aliases(&self) -> &'static str {
        "write the value out, or render the manifest and pipe it to -f -"
    }

    fn is_name(&self, key: &str) -> bool {
        is_name(key)
    }

    fn secret_blocks(&self) -> &'static [&'static str] {
        // The last three are other tools' words.
        &["taskDefinition", "containerDefinitions", "environment", "hookDetails", "env", "envVars", "variables"]
    }

    fn takes_templates(&self, keys: &[&str]) -> bool {
        match keys {
            ["spec", "taskDefinition", rest @ ..] => member::is_data(&TASK_DEFINITION, rest),
            ["spec", rest @ ..] => member::is_data(&SERVICE, rest),
            _ => false,
        }
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[("${", "there is no templating: render with kustomize, jsonnet or envsubst and pipe to -f -")]
    }
}
