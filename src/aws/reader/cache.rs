//! Answers that stay valid for a while, and which of them a reading may use.
//!
//! Each answer is kept as it arrives, so that a reading that is cut off has not asked for nothing. Errors are not kept, and
//! neither is "absent": both are asked again in the next reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{AccountLimits, Attributes, Question, Seen, Tags, Target, TargetGroupArn};

/// An answer to a [`Question`].
#[derive(Clone, Debug)]
enum Answer {
    Health(Vec<Target>),
    Attributes(Attributes),
    Tags(Tags),
    Limits(AccountLimits),
}

#[derive(Clone, Debug)]
struct Entry {
    answer: Answer,
    at: Instant,
    /// The look under way has used it.
    used: bool,
}

/// The answers of a reader.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<BTreeMap<Question, Entry>>);

impl Cache {
    /// A look begins.
    pub(super) fn begin(&self) {
        self.entries().values_mut().for_each(|entry| entry.used = false);
    }

    /// A look has ended: what it had no use for is forgotten.
    pub(super) fn end(&self) {
        self.entries().retain(|_, entry| entry.used);
    }

    /// How long ago each answer arrived.
    pub(super) fn ages(&self) -> BTreeMap<Question, Duration> {
        let now = Instant::now();
        self.entries().iter().map(|(question, entry)| (question.clone(), now.duration_since(entry.at))).collect()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Question, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a look treats answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn<'a> {
    /// Everything is asked, and no answer is kept.
    Whole,
    /// What is kept is not asked again, except these.
    Again {
        /// The answers.
        cache: &'a Cache,
        /// Questions to ask all the same.
        renew: &'a BTreeSet<Question>,
    },
}

impl Turn<'_> {
    /// Registrations that are known.
    pub(super) fn health(&self, arn: &TargetGroupArn) -> Option<Vec<Target>> {
        match self.recall(&Question::Health(arn.clone()))? {
            Answer::Health(targets) => Some(targets),
            Answer::Attributes(_) | Answer::Tags(_) | Answer::Limits(_) => None,
        }
    }

    /// Attributes that are known.
    pub(super) fn attributes(&self, arn: &TargetGroupArn) -> Option<Attributes> {
        match self.recall(&Question::Attributes(arn.clone()))? {
            Answer::Attributes(attributes) => Some(attributes),
            Answer::Health(_) | Answer::Tags(_) | Answer::Limits(_) => None,
        }
    }

    /// Tags that are known.
    pub(super) fn tags(&self, arn: &str) -> Option<Tags> {
        match self.recall(&Question::Tags(arn.to_owned()))? {
            Answer::Tags(tags) => Some(tags),
            Answer::Health(_) | Answer::Attributes(_) | Answer::Limits(_) => None,
        }
    }

    /// Quotas that are known.
    pub(super) fn limits(&self) -> Option<AccountLimits> {
        match self.recall(&Question::Limits)? {
            Answer::Limits(limits) => Some(limits),
            Answer::Health(_) | Answer::Attributes(_) | Answer::Tags(_) => None,
        }
    }

    /// Keeps registrations.
    pub(super) fn keep_health(&self, arn: &TargetGroupArn, seen: &Seen<Vec<Target>>) {
        self.keep(Question::Health(arn.clone()), seen, Answer::Health);
    }

    /// Keeps attributes.
    pub(super) fn keep_attributes(&self, arn: &TargetGroupArn, seen: &Seen<Attributes>) {
        self.keep(Question::Attributes(arn.clone()), seen, Answer::Attributes);
    }

    /// Keeps tags.
    pub(super) fn keep_tags(&self, arn: &str, seen: &Seen<Tags>) {
        self.keep(Question::Tags(arn.to_owned()), seen, Answer::Tags);
    }

    /// Keeps quotas.
    pub(super) fn keep_limits(&self, seen: &Seen<AccountLimits>) {
        self.keep(Question::Limits, seen, Answer::Limits);
    }

    fn recall(&self, question: &Question) -> Option<Answer> {
        let Self::Again { cache, renew } = self else { return None };
        if renew.contains(question) {
            return None;
        }
        let mut entries = cache.entries();
        let entry = entries.get_mut(question)?;
        entry.used = true;
        Some(entry.answer.clone())
    }

    fn keep<T: Clone>(&self, question: Question, seen: &Seen<T>, answer: impl Fn(T) -> Answer) {
        let Self::Again { cache, .. } = self else { return };
        match seen {
            Seen::Present(value) => {
                let entry = Entry { answer: answer(value.clone()), at: Instant::now(), used: true };
                cache.entries().insert(question, entry);
            }
            Seen::Absent | Seen::Unknown(_) => {
                cache.entries().remove(&question);
            }
        }
    }
}
