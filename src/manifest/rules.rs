//! What AWS refuses, checked before anything is sent, and what a fleet must agree on within itself.

use super::collect::Documents;
use super::problem::Problems;

/// Checks everything that was read.
pub(super) fn check(_documents: &Documents, _problems: &mut Problems<'_>) {}
