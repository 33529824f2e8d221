//! Target health that is asked in turn, between the passes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{Observed, Seen, Target, TargetGroupArn, TargetKey};

/// Longest that the next pass waits for answers. What has arrived by then is kept.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What the last pass knew of registrations.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The last pass ended well, and since then everything was answered: AWS is not asked once a second while it does not
    /// answer.
    pub(super) go_on: bool,
    registered: BTreeMap<TargetGroupArn, BTreeSet<TargetKey>>,
}

impl Turns {
    /// A pass has read this.
    pub(super) fn learn(&mut self, observed: &Observed) {
        let present = observed.targets.iter().filter_map(|(arn, seen)| Some((arn.clone(), keys(seen)?)));
        self.registered = present.collect();
    }

    /// Takes in what was asked since. Whether other targets are registered than were known: that should not have to wait for
    /// the next pass. Health alone is for the pass that comes anyway.
    pub(super) fn take_in(&mut self, found: &BTreeMap<TargetGroupArn, Seen<Vec<Target>>>) -> bool {
        let mut has_news = false;
        for (arn, seen) in found {
            let Some(keys) = keys(seen) else {
                self.go_on = false;
                continue;
            };
            has_news |= self.registered.insert(arn.clone(), keys.clone()).is_some_and(|before| before != keys);
        }
        has_news
    }
}

fn keys(seen: &Seen<Vec<Target>>) -> Option<BTreeSet<TargetKey>> {
    Some(seen.as_ref().present()?.iter().map(|target| target.key.clone()).collect())
}
