//! What stands before anything is declared about it: the services of a cluster, and the target groups of the region.

use std::collections::{BTreeMap, BTreeSet};

use super::id::ServiceId;
use super::seen::{Gap, Seen};
use super::service::Service;
use super::target_group::TargetGroup;

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

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the clusters' services could be listed; absent: there is no such cluster.
    pub clusters: BTreeMap<String, Seen<()>>,
    /// The clusters that there are; asked only when one of the named ones is absent.
    pub others: Seen<Vec<String>>,
    /// Their services.
    pub services: BTreeMap<ServiceId, Seen<Service>>,
    /// All target groups of the region.
    pub target_groups: Seen<Vec<TargetGroup>>,
}

impl Standing {
    /// What could not be listed, with the cluster it was about.
    pub fn gaps(&self) -> BTreeSet<(String, Gap)> {
        let lists = self.clusters.iter().filter_map(|(name, seen)| Some((name.clone(), seen.gap()?.clone())));
        lists.collect()
    }
}
