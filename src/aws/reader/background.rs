//! Calls that are needed once for each thing, at once or at leisure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::Seen;

use super::concurrency::{LARGE_AT_ONCE, few_at_once};

/// How calls that are needed for each thing are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    /// As fast as AWS takes them.
    Now,
    /// [`HANDFUL`] at once, and no more for as many seconds: passes share the account's bucket, 10 calls a second.
    Leisure,
}

impl Haste {
    /// Most answers that name hundreds of things each to read at once.
    pub(super) fn at_once(self) -> usize {
        match self {
            Self::Now => LARGE_AT_ONCE,
            Self::Leisure => 1,
        }
    }
}

/// Calls at once, at leisure.
const HANDFUL: usize = 10;

/// Asks about each thing that is not known yet.
pub(super) async fn each<K: Clone + Ord, T: Clone>(
    all: &BTreeSet<K>,
    known: &BTreeMap<K, Seen<T>>,
    haste: Haste,
    ask: impl AsyncFn(&K) -> Seen<T>,
) -> BTreeMap<K, Seen<T>> {
    let taken = all.iter().filter_map(|key| Some((key.clone(), known.get(key).filter(|s| s.gap().is_none())?.clone())));
    let mut found: BTreeMap<K, Seen<T>> = taken.collect();
    let rest: Vec<&K> = all.iter().filter(|key| !found.contains_key(*key)).collect();
    let size = if haste == Haste::Now { rest.len().max(1) } else { HANDFUL };
    for (number, batch) in rest.chunks(size).enumerate() {
        if number > 0 {
            tokio::time::sleep(Duration::from_secs(HANDFUL as u64)).await;
        }
        let answers = batch.iter().map(async |key| ((*key).clone(), ask(key).await));
        found.extend(few_at_once(answers).await);
    }
    found
}
