//! Paths that are broken and that no step of the plan repairs.

use std::collections::BTreeMap;

use crate::model::{Desired, ObjectRef, PathName, Place, Places};
use crate::trace::{Effect, Finding, Path, catalogue};

use super::Report;
use super::place::{Item, place_of};

/// A broken path, with its first finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenPath {
    /// Its name.
    pub name: PathName,
    /// The codes that the evidence leaves, such as `M01`; none: the catalogue has no number for it.
    pub codes: Vec<String>,
    /// The name of the first code.
    pub finding: String,
    /// Live values and ids that prove it.
    pub evidence: String,
    /// What to do.
    pub fix: String,
}

impl BrokenPath {
    /// A path with the finding that breaks it; `None` if none does.
    pub fn of(path: &Path) -> Option<Self> {
        let Finding { codes, name, evidence, fix, .. } =
            path.findings().find(|finding| finding.effect == Effect::Breaks)?;
        Some(Self {
            name: path.name.clone(),
            codes: codes.iter().map(ToString::to_string).collect(),
            finding: (*name).to_owned(),
            evidence: evidence.clone(),
            fix: fix.clone(),
        })
    }

    /// The service that it leads to; for declared targets alone, its target group.
    pub(super) fn object(&self) -> ObjectRef {
        let PathName { service, target_group, .. } = &self.name;
        service.as_deref().map_or_else(|| ObjectRef::target_group(target_group), ObjectRef::service)
    }

    /// Such as `M01 target-security-group-blocks-load-balancer`.
    pub(super) fn code(&self) -> String {
        self.code_with(&self.finding)
    }

    /// The same with each former name.
    pub(super) fn former_codes(&self) -> impl Iterator<Item = String> {
        catalogue::aliases(&self.finding).iter().map(|alias| self.code_with(alias))
    }

    fn code_with(&self, name: &str) -> String {
        let codes = self.codes.join(" or ");
        if codes.is_empty() { name.to_owned() } else { format!("{codes} {name}") }
    }
}

impl Report {
    /// The broken paths to name. With steps there is none: a step says itself which broken path it repairs.
    pub(super) fn unrepaired(&self) -> &[BrokenPath] {
        let paths = self.broken_paths.as_deref().unwrap_or_default();
        if self.plan.steps.is_empty() { paths } else { &[] }
    }

    /// Adds the place of each broken path in the manifest.
    pub fn locate_paths(&mut self, desired: &Desired, places: &Places) {
        let at = |(number, path): (usize, &BrokenPath)| {
            Some((Item::BrokenPath(number), place_of(&path.object(), desired, places)?))
        };
        let found: BTreeMap<Item, Place> = self.unrepaired().iter().enumerate().filter_map(at).collect();
        self.places.extend(found);
    }
}
