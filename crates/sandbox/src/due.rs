//! What is due to happen, and when. Nothing in the sandbox polls: every change of the virtual time comes from here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// Something that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A task goes on to its next station. By ARN.
    Task(String),
    /// The app of a task ends by itself. By the task's ARN.
    Crash(String),
    /// The scheduler looks at a service. By ARN.
    Service(String),
    /// A target is checked. By the ARN of its group, id and port.
    Check(String, String, u16),
    /// A target has drained.
    Drained(String, String, u16),
    /// A load balancer becomes active. By ARN.
    Balancer(String),
    /// An app has come up: what it was not yet, it is now.
    AppUp,
}

/// What is due, by time; at the same time in the order of asking. The same thing is due once only, at the earliest
/// time that was asked for.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    by_time: BTreeMap<(Timestamp, u64), Due>,
    times: BTreeMap<Due, (Timestamp, u64)>,
    next: u64,
    /// Checks that would find what they found the last time, until something changes.
    asleep: BTreeSet<Due>,
}

impl Queue {
    pub fn push(&mut self, at: Timestamp, due: Due) {
        self.asleep.remove(&due);
        if let Some(key) = self.times.get(&due).copied() {
            if key.0 <= at {
                return;
            }
            self.by_time.remove(&key);
        }
        let key = (at, self.next);
        self.next += 1;
        self.times.insert(due.clone(), key);
        self.by_time.insert(key, due);
    }

    /// The next thing, if it is due by `end`.
    pub fn pop(&mut self, end: Timestamp) -> Option<(Timestamp, Due)> {
        let (key, _) = self.by_time.first_key_value()?;
        if key.0 > end {
            return None;
        }
        let (key, due) = self.by_time.pop_first()?;
        self.times.remove(&due);
        Some((key.0, due))
    }

    /// Lets something rest until [`Queue::wake`].
    pub fn sleep(&mut self, due: Due) {
        self.asleep.insert(due);
    }

    /// Everything that rests.
    pub fn wake(&mut self) -> BTreeSet<Due> {
        std::mem::take(&mut self.asleep)
    }
}
