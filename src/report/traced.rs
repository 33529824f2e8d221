//! A trace with the paths to show: all of them, or only those that need attention.

use std::collections::BTreeMap;

use crate::trace::{Path, Trace, Verdict};

/// A trace, and the paths of it that are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced<'a> {
    /// The whole trace: the verdict and the totals always cover all paths.
    pub trace: &'a Trace,
    /// The paths to show.
    pub paths: Vec<&'a Path>,
    /// The number of paths not shown, by verdict; `None` if all paths are shown.
    pub left_out: Option<BTreeMap<&'static str, usize>>,
}

impl<'a> From<&'a Trace> for Traced<'a> {
    /// Every path.
    fn from(trace: &'a Trace) -> Self {
        Self { trace, paths: trace.paths.iter().collect(), left_out: None }
    }
}

impl<'a> From<&Traced<'a>> for Traced<'a> {
    fn from(traced: &Traced<'a>) -> Self {
        traced.clone()
    }
}

impl<'a> Traced<'a> {
    /// Only paths that are broken, degraded or unknown: a path that could not be examined may be the broken one.
    pub fn not_known_reachable(trace: &'a Trace) -> Self {
        let is_sound = |path: &&Path| match path.verdict() {
            Verdict::Reachable => !path.is_degraded(),
            Verdict::Standby => true,
            Verdict::Broken | Verdict::Unknown => false,
        };
        let (sound, paths): (Vec<&Path>, Vec<&Path>) = trace.paths.iter().partition(is_sound);
        let mut left_out = BTreeMap::new();
        for path in sound {
            *left_out.entry(path.verdict().as_str()).or_default() += 1;
        }
        Self { trace, paths, left_out: Some(left_out) }
    }
}
