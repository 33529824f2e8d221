//! What the log reports of differences: each when it appears, when its reason changes, and when it is gone. A pass that finds
//! what the pass before it found logs none of them again.

use std::collections::BTreeMap;

use crate::model::ObjectRef;
use crate::plan::Change;
use crate::report::Report;

use super::event::{Ended, Pass};

/// An object, and what differs or would have been done there.
type Key = (ObjectRef, String);

/// Why a difference stays, and the fields that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    because: String,
    changes: String,
}

/// What changed between two passes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Held(Key, Held),
    Gone(Key),
}

/// The differences that the last pass left.
#[derive(Debug, Default)]
pub(super) struct Differences(BTreeMap<Key, Held>);

impl Differences {
    /// Logs what is new since the last pass that came to a plan.
    pub(super) fn log(&mut self, pass: &Pass) {
        let Ended::Planned(report) = &pass.ended else { return };
        for line in self.take_in(found(report)) {
            match line {
                Line::Held((object, what), Held { because, changes }) => {
                    tracing::info!(object = object.to_string(), what, because, changes, "difference not repaired");
                }
                Line::Gone((object, what)) => {
                    tracing::info!(object = object.to_string(), what, "difference no longer blocked");
                }
            }
        }
    }

    fn take_in(&mut self, found: BTreeMap<Key, Held>) -> Vec<Line> {
        let before = std::mem::replace(&mut self.0, found);
        let is_new = |(key, held): &(&Key, &Held)| before.get(*key) != Some(*held);
        let new = self.0.iter().filter(is_new).map(|(key, held)| Line::Held(key.clone(), held.clone()));
        let gone = before.keys().filter(|key| !self.0.contains_key(*key)).map(|key| Line::Gone(key.clone()));
        new.chain(gone).collect()
    }
}

/// What a pass leaves: what is blocked, and steps that are not carried out.
fn found(report: &Report) -> BTreeMap<Key, Held> {
    let blocked = report.plan.blocked.iter().map(|entry| {
        let held = Held { because: entry.waiting_on.to_string(), changes: shown(&entry.changes) };
        ((entry.object.clone(), entry.what.clone()), held)
    });
    let steps = report.plan.steps.iter().filter(|_| report.outcome.is_none()).map(|step| {
        let because = format!("this service runs with --observe; {}", step.reason);
        ((step.object.clone(), step.summary.clone()), Held { because, changes: shown(&step.changes) })
    });
    blocked.chain(steps).collect()
}

fn shown(changes: &[Change]) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let all = changes.iter().map(|one| format!("{}: {} -> {}", one.field, value(&one.live), value(&one.desired)));
    all.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::{Differences, Held, Key, Line};
    use crate::model::ObjectRef;

    fn key(name: &str) -> Key {
        (ObjectRef::service(name), "desired count".to_owned())
    }

    fn held(because: &str) -> Held {
        Held { because: because.to_owned(), changes: String::new() }
    }

    #[test]
    fn a_difference_is_logged_when_it_appears_changes_its_reason_and_goes() {
        let mut all = Differences::default();
        let pass = |all: &mut Differences, found: &[(&str, &str)]| {
            all.take_in(found.iter().map(|(name, because)| (key(name), held(because))).collect())
        };
        assert_eq!(pass(&mut all, &[]), []);
        assert_eq!(pass(&mut all, &[("cart", "a deployment")]), [Line::Held(key("cart"), held("a deployment"))]);
        assert_eq!(pass(&mut all, &[("cart", "a deployment")]), [], "nothing is new");
        let both = pass(&mut all, &[("cart", "the budget"), ("shop", "the budget")]);
        assert_eq!(both, [Line::Held(key("cart"), held("the budget")), Line::Held(key("shop"), held("the budget"))]);
        assert_eq!(pass(&mut all, &[("shop", "the budget")]), [Line::Gone(key("cart"))]);
    }
}
