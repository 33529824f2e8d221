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
use crate::plan::needs::PlanNeeds;
use crate::survey::OutlineNeeds;

/// What a reading is for. It names no question that is answered.
pub trait Needs {
    /// Takes note of what is known now, and of the kinds of the answers that have arrived since the last time; at first all kinds.
    fn update(&mut self, observed: &Observed, arrived: &BTreeSet<Kind>);

    /// The questions that are open; some may be named more than once.
    fn open(&self) -> impl Iterator<Item = &Query>;
}

impl Needs for PlanNeeds<'_> {
    fn update(&mut self, observed: &Observed, arrived: &BTreeSet<Kind>) {
        Self::update(self, observed, arrived);
    }

    fn open(&self) -> impl Iterator<Item = &Query> {
        Self::open(self)
    }
}

impl Needs for OutlineNeeds<'_> {
    fn update(&mut self, observed: &Observed, arrived: &BTreeSet<Kind>) {
        Self::update(self, observed, arrived);
    }

    fn open(&self) -> impl Iterator<Item = &Query> {
        Self::open(self)
    }
}

/// Needs that are derived as a whole each time.
#[derive(Debug)]
pub struct Derived<F> {
    derive: F,
    open: BTreeSet<Query>,
}

impl<F: FnMut(&Observed) -> BTreeSet<Query>> Derived<F> {
    /// All that is needed, answered or not, given what is known.
    pub fn by(derive: F) -> Self {
        Self { derive, open: BTreeSet::new() }
    }
}

impl<F: FnMut(&Observed) -> BTreeSet<Query>> Needs for Derived<F> {
    fn update(&mut self, observed: &Observed, _: &BTreeSet<Kind>) {
        self.open = observed.unanswered(&(self.derive)(observed));
    }

    fn open(&self) -> impl Iterator<Item = &Query> {
        self.open.iter()
    }
}

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

    /// Asks what `needs` names, and what follows from the answers. Answers that `kept` may use are not asked. What arrived stays if the
    /// future is dropped.
    pub async fn read(&mut self, reader: &impl Read, kept: &mut Kept, pace: Pace, mut needs: impl Needs) {
        let (mut under_way, mut sent) = (SelectAll::new(), Sent::default());
        let mut arrived: BTreeSet<Kind> = Kind::ALL.iter().copied().collect();
        loop {
            needs.update(&self.observed, &arrived);
            // By reference: a large fleet has thousands, and most of them wait for others.
            let missing: BTreeSet<&Query> = needs.open().filter(|query| !sent.contains(query)).collect();
            debug_assert!(
                !missing.iter().any(|query| self.observed.answered.contains(*query)),
                "an answered query is asked again"
            );
            arrived = self.recall(&missing, kept);
            if !arrived.is_empty() {
                continue;
            }
            for (queries, is_more) in ready(missing, &sent, pace) {
                sent.insert(&queries);
                under_way.push(ask(reader, queries, &self.observed, pace, is_more));
            }
            loop {
                match under_way.next().await {
                    None => return,
                    Some(Event::Answered(answer)) => {
                        let query = answer.query();
                        kept.keep(&query, &answer);
                        arrived.insert(query.kind());
                        self.observed.answered.insert(query);
                        self.observed.take(*answer);
                    }
                    Some(Event::Ended(queries)) => {
                        sent.remove(&queries);
                        arrived.extend(queries.iter().map(Query::kind));
                        self.observed.answered.extend(queries);
                        break;
                    }
                }
            }
        }
    }

    /// Takes what is kept, and says of which kinds that was: it may lead to further questions.
    fn recall(&mut self, missing: &BTreeSet<&Query>, kept: &Kept) -> BTreeSet<Kind> {
        let mut kinds = BTreeSet::new();
        for query in missing.iter().copied() {
            if let Some(answer) = kept.recall(query) {
                self.observed.take(answer);
                self.observed.answered.insert(query.clone());
                kinds.insert(query.kind());
            }
        }
        kinds
    }

    /// Asks these again, the next time that they are needed.
    pub fn ask_again(&mut self, queries: impl Fn(&Query) -> bool) {
        self.observed.answered.retain(|query| !queries(query));
    }
}

/// The questions that are under way, by kind.
#[derive(Debug, Default)]
struct Sent(BTreeMap<Kind, BTreeSet<Query>>);

impl Sent {
    fn contains(&self, query: &Query) -> bool {
        self.0.get(&query.kind()).is_some_and(|queries| queries.contains(query))
    }

    fn insert(&mut self, queries: &BTreeSet<Query>) {
        for query in queries {
            self.0.entry(query.kind()).or_default().insert(query.clone());
        }
    }

    fn remove(&mut self, queries: &BTreeSet<Query>) {
        for query in queries {
            if let Some(sent) = self.0.get_mut(&query.kind()) {
                sent.remove(query);
            }
        }
        self.0.retain(|_, queries| !queries.is_empty());
    }

    fn kinds(&self) -> BTreeSet<Kind> {
        self.0.keys().copied().collect()
    }
}

/// The questions that can be sent, of each kind that waits for no other, and whether there are more of that kind.
fn ready(missing: BTreeSet<&Query>, sent: &Sent, pace: Pace) -> Vec<(BTreeSet<Query>, bool)> {
    let mut by_kind: BTreeMap<Kind, Vec<&Query>> = BTreeMap::new();
    for query in missing {
        by_kind.entry(query.kind()).or_default().push(query);
    }
    let under_way = sent.kinds();
    let open: BTreeSet<Kind> = by_kind.keys().chain(&under_way).copied().collect();
    let mut ready = Vec::new();
    for (kind, queries) in by_kind {
        if before(kind).iter().any(|other| open.contains(other)) {
            continue;
        }
        let most = match (pace, kind.facts().batch) {
            (Pace::Now, _) | (Pace::Background, Batch::List | Batch::With(_)) => queries.len(),
            (Pace::Background, _) if under_way.contains(&kind) => continue,
            (Pace::Background, Batch::Of(most)) => most,
            (Pace::Background, Batch::Each | Batch::PerCluster(_)) => HANDFUL,
        };
        let is_more = queries.len() > most;
        ready.push((queries.into_iter().take(most).cloned().collect(), is_more));
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
    use std::collections::BTreeSet;

    use super::before;
    use crate::model::{Kind, Observed, Query, Seen};
    use crate::plan::needs::PlanNeeds;
    use crate::trace::fixture::Stand;

    /// What is open once this is known and these kinds have arrived.
    fn open(needs: &mut PlanNeeds<'_>, known: &Observed, arrived: &[Kind]) -> BTreeSet<Query> {
        needs.update(known, &arrived.iter().copied().collect());
        needs.open().cloned().collect()
    }

    #[test]
    fn no_kind_waits_for_itself() {
        for kind in Kind::ALL {
            assert!(!before(*kind).contains(kind), "{kind:?}");
        }
    }

    #[test]
    fn what_a_plan_needs_as_answers_arrive_is_what_it_needs_given_all_of_them() {
        let stand = Stand::sound();
        let rows = Kind::ALL.iter().copied();
        let orders: [Vec<Kind>; 2] = [rows.clone().collect(), rows.rev().collect()];
        for order in orders {
            let mut needs = PlanNeeds::new(&stand.desired);
            open(&mut needs, &Observed::unasked("eu-west-1"), &[]);
            for (at, kind) in order.iter().enumerate() {
                let known = stand.observed.only(|query| order[..=at].contains(&query.kind()));
                let found = open(&mut needs, &known, &[*kind]);
                assert_eq!(found, open(&mut PlanNeeds::new(&stand.desired), &known, &[]), "after {kind:?}");
            }
        }
    }

    #[test]
    fn what_a_plan_needs_is_derived_again_when_that_arrives_which_it_follows_from() {
        let stand = Stand::sound();
        let mut known = stand.observed.only(|query| matches!(query.kind(), Kind::LoadBalancers | Kind::Listeners));
        let mut needs = PlanNeeds::new(&stand.desired);
        let has_rules = |open: BTreeSet<Query>| open.iter().any(|query| query.kind() == Kind::Rules);
        assert!(has_rules(open(&mut needs, &known, &[])));
        known.listeners.values_mut().for_each(|seen| *seen = Seen::Present(Vec::new()));
        assert!(has_rules(open(&mut needs, &known, &[Kind::TargetGroups])), "nothing of theirs has arrived");
        assert!(!has_rules(open(&mut needs, &known, &[Kind::Listeners])));
    }
}
