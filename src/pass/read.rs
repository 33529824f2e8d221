//! The one loop that reads AWS: what is needed and not known yet is asked, until nothing is.
//!
//! Questions are sent as soon as they are known, each kind in its own batches, so that no rate limit of AWS goes unused while a
//! slower kind is read. A kind waits for those that may add to it ([`crate::model::Facts::after`]): a call takes many keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{LocalBoxStream, SelectAll};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep_until};

use super::kept::Kept;
use crate::apply::Read;
use crate::model::{Answer, Batch, Kind, Observed, Queries, Query};

/// How fast questions are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as AWS takes them.
    Now,
    /// Beside the passes of a service, which share the account's rate limits: of each kind one call for many keys at a time, and
    /// of what takes a call for each key, ten in as many seconds.
    Background,
}

/// Calls for a key each in as many seconds, in the background.
const HANDFUL: usize = 10;

/// What happens while questions are under way.
enum Event {
    Answered(Box<Answer>),
    /// Nothing more comes of these.
    Ended(BTreeSet<Query>),
}

/// A reading of AWS that grows.
#[derive(Debug)]
pub struct Reading {
    /// What is known.
    pub observed: Observed,
    /// For each kept answer that a plan may use, how long ago it had arrived when it was read for the plan.
    pub ages: BTreeMap<Query, Duration>,
    /// Calls of Elastic Load Balancing that this took: all draw on one bucket of the account.
    pub balancing_calls: u64,
}

impl Reading {
    /// Nothing is known yet.
    pub fn new(region: &str) -> Self {
        Self::of(Observed::unasked(region))
    }

    /// What is known already.
    pub fn of(observed: Observed) -> Self {
        Self { observed, ages: BTreeMap::new(), balancing_calls: 0 }
    }

    /// Asks whatever `needs` names, and what follows from the answers. Answers that `kept` may use are not asked. What arrived
    /// stays if the future is dropped.
    pub async fn read(
        &mut self,
        reader: &impl Read,
        kept: &mut Kept,
        pace: Pace,
        mut needs: impl FnMut(&Observed) -> BTreeSet<Query>,
    ) {
        let (mut under_way, mut sent) = (SelectAll::new(), BTreeSet::new());
        loop {
            let needed = needs(&self.observed);
            // Both are sorted, and long: they are walked through together.
            let missing = needed.difference(&self.observed.answered).filter(|query| !sent.contains(*query));
            let missing: BTreeSet<Query> = missing.cloned().collect();
            if self.recall(&missing, kept) {
                continue;
            }
            for queries in ready(&missing, &sent, pace) {
                sent.extend(queries.iter().cloned());
                let kind = queries.first().map(Query::kind);
                let is_more = missing.iter().filter(|query| Some(query.kind()) == kind).count() > queries.len();
                under_way.push(ask(reader, queries, &self.observed, pace, is_more));
            }
            loop {
                match under_way.next().await {
                    None => return,
                    Some(Event::Answered(answer)) => {
                        kept.keep(&answer);
                        self.observed.answered.insert(answer.query());
                        self.observed.take(*answer);
                    }
                    Some(Event::Ended(queries)) => {
                        sent.retain(|query| !queries.contains(query));
                        self.observed.answered.extend(queries);
                        break;
                    }
                }
            }
        }
    }

    /// Takes what is kept. Whether that was anything: it may lead to further questions.
    fn recall(&mut self, missing: &BTreeSet<Query>, kept: &Kept) -> bool {
        let known: Vec<(Query, Answer)> =
            missing.iter().filter_map(|query| Some((query.clone(), kept.recall(query)?))).collect();
        let is_any = !known.is_empty();
        for (query, answer) in known {
            self.observed.take(answer);
            self.observed.answered.insert(query);
        }
        is_any
    }

    /// Asks these again, the next time that they are needed.
    pub fn ask_again(&mut self, queries: impl Fn(&Query) -> bool) {
        self.observed.answered.retain(|query| !queries(query));
    }
}

/// The questions that can be sent: of each kind that waits for no other.
fn ready(missing: &BTreeSet<Query>, sent: &BTreeSet<Query>, pace: Pace) -> Vec<BTreeSet<Query>> {
    let mut by_kind: BTreeMap<Kind, BTreeSet<Query>> = BTreeMap::new();
    for query in missing {
        by_kind.entry(query.kind()).or_default().insert(query.clone());
    }
    let under_way: BTreeSet<Kind> = sent.iter().map(Query::kind).collect();
    let open: BTreeSet<Kind> = by_kind.keys().chain(&under_way).copied().collect();
    let mut ready = Vec::new();
    for (kind, queries) in by_kind {
        let waits = before(kind).iter().any(|other| open.contains(other));
        match (pace, kind.facts().batch) {
            _ if waits => {}
            (Pace::Now, _) => ready.push(queries),
            (Pace::Background, _) if under_way.contains(&kind) => {}
            (Pace::Background, Batch::Of(most)) => ready.push(queries.into_iter().take(most).collect()),
            (Pace::Background, Batch::Each | Batch::PerCluster(_)) => {
                ready.push(queries.into_iter().take(HANDFUL).collect());
            }
            (Pace::Background, Batch::List | Batch::With(_)) => ready.push(queries),
        }
    }
    ready
}

/// The kinds that are answered before a kind, and those before them.
fn before(kind: Kind) -> BTreeSet<Kind> {
    let mut all = BTreeSet::new();
    let mut open: Vec<Kind> = kind.facts().after.to_vec();
    while let Some(one) = open.pop() {
        if all.insert(one) {
            open.extend(one.facts().after);
        }
    }
    all
}

fn ask<'r>(
    reader: &'r impl Read,
    queries: BTreeSet<Query>,
    known: &Observed,
    pace: Pace,
    is_more: bool,
) -> LocalBoxStream<'r, Event> {
    let is_each = queries.first().is_some_and(|query| matches!(query.kind().facts().batch, Batch::Each));
    let rests = is_more && is_each && pace == Pace::Background;
    let until = Instant::now() + Duration::from_secs(if rests { HANDFUL as u64 } else { 0 });
    let answers = Queries::by_kind(queries.clone()).into_iter().map(|queries| reader.read(queries, known));
    let answers = stream::select_all(answers.collect::<Vec<_>>()).map(|answer| Event::Answered(Box::new(answer)));
    let end = stream::once(async move {
        if rests {
            sleep_until(until).await;
        }
        Event::Ended(queries)
    });
    answers.chain(end).boxed_local()
}

#[cfg(test)]
mod tests {
    use super::before;
    use crate::model::Kind;

    #[test]
    fn no_kind_waits_for_itself() {
        for kind in Kind::ALL {
            assert!(!before(*kind).contains(kind), "{kind:?}");
        }
    }
}
