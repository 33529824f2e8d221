//! The live services that a command without a manifest is about.

use std::collections::BTreeSet;

use super::id::ServiceId;

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Names of clusters.
    pub clusters: BTreeSet<String>,
    /// Names of services, `NAME` or `CLUSTER/NAME`; empty: all.
    pub services: BTreeSet<String>,
}

impl Scope {
    /// Whether a service was asked for by name.
    pub fn names(&self, id: &ServiceId) -> bool {
        self.services.contains(&id.name) || self.services.contains(&id.to_string())
    }
}
