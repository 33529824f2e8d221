//! Answers that stay valid for a while, for a service that reads again and again.
//!
//! Each answer is kept as it arrives, so that a reading that is cut off has not asked for nothing. Failures are not kept, and
//! neither is "absent": both are asked again in the next reading.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Answer, Keep, Query};

/// The answers, and how old they may be.
#[derive(Debug, Default)]
pub struct Kept {
    /// `None`: nothing is kept.
    answers: Option<BTreeMap<Query, (Answer, Instant)>>,
    /// Questions to ask all the same.
    renew: BTreeSet<Query>,
}

impl Kept {
    /// Every question is asked.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Answers are kept; there is none yet.
    pub fn empty() -> Self {
        Self { answers: Some(BTreeMap::new()), renew: BTreeSet::new() }
    }

    /// A reading begins that asks these questions again.
    pub fn begin(&mut self, renew: BTreeSet<Query>) {
        self.renew = renew;
    }

    /// A reading has ended: what it had no use for is forgotten.
    pub fn end(&mut self, used: &BTreeSet<Query>) {
        self.answers.iter_mut().for_each(|answers| answers.retain(|query, _| used.contains(query)));
        self.renew.clear();
    }

    /// How long ago each answer arrived.
    pub fn ages(&self) -> BTreeMap<Query, Duration> {
        let now = Instant::now();
        let all = self.answers.iter().flatten();
        all.map(|(query, (_, at))| (query.clone(), now.duration_since(*at))).collect()
    }

    /// The answer to a question, if it may be used.
    pub(super) fn recall(&self, query: &Query) -> Option<Answer> {
        let answers = self.answers.as_ref().filter(|_| query.kind().facts().keep != Keep::Pass)?;
        let (answer, _) = answers.get(query).filter(|_| !self.renew.contains(query))?;
        Some(answer.clone())
    }

    /// Keeps the answer to a question.
    pub(super) fn keep(&mut self, query: &Query, answer: &Answer) {
        let Some(answers) = &mut self.answers else { return };
        match query.kind().facts().keep {
            Keep::Pass => {}
            Keep::InTurn | Keep::Hour if answer.is_present() => {
                self.renew.remove(query);
                answers.insert(query.clone(), (answer.clone(), Instant::now()));
            }
            Keep::InTurn | Keep::Hour => _ = answers.remove(query),
        }
    }
}
