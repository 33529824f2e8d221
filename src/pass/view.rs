//! A state of AWS, to be traced as it is and as steps would leave it.

use jiff::Timestamp;

use crate::model::{Desired, Observed};
use crate::plan::Step;
use crate::trace::{Asked, Path, Trace, trace};

use super::planned::after;

/// One state of AWS under examination.
pub(super) struct View<'a> {
    pub(super) desired: &'a Desired,
    pub(super) observed: &'a Observed,
    pub(super) now: Timestamp,
}

impl View<'_> {
    pub(super) fn trace(&self, asked: &Asked) -> Trace {
        trace(self.desired, self.observed, asked, self.now)
    }

    /// The same in the state after some steps.
    pub(super) fn trace_after<'s>(&self, steps: impl IntoIterator<Item = &'s Step>, asked: &Asked) -> Trace {
        let observed = after(steps, self.observed);
        trace(self.desired, &observed, asked, self.now)
    }
}

pub(super) fn everything() -> Asked {
    Asked { is_manifest: true, ..Asked::default() }
}

/// The paths of one port.
pub(super) fn beside(path: &Path) -> Asked {
    Asked { service: path.name.service.clone(), port: path.name.port.clone(), ..everything() }
}
