//! Where answers stand in [`Observed`]: from the rows of [`super::query`].

use super::observed::Observed;
use super::query::{Answer, Query};
use super::seen::{Gap, Seen};

macro_rules! places {
    (
        lists { $($(#[doc = $list_doc:literal])* $list:ident => $list_field:ident: $list_value:ty, $list_facts:expr;)* }
        one { $($(#[doc = $one_doc:literal])* $one:ident($one_key:ty) => $one_field:ident: $one_value:ty, $one_facts:expr;)* }
        keyed { $($(#[doc = $doc:literal])* $name:ident($key:ty) => $field:ident: $value:ty, $facts:expr;)* }
    ) => {
        impl Observed {
            /// Puts an answer where it belongs.
            pub(super) fn store(&mut self, answer: Answer) {
                match answer {
                    $(Answer::$list(seen) => self.$list_field = seen,)*
                    $(Answer::$one(_, seen) => self.$one_field = seen,)*
                    $(Answer::$name(key, seen) => _ = self.$field.insert(key, seen),)*
                }
            }

            /// The answers to some questions alone: those that are known.
            pub fn only(&self, chosen: impl Fn(&Query) -> bool) -> Self {
                let mut known = Self::unasked(&self.region);
                let mut add = |query: Query| chosen(&query) && known.answered.insert(query);
                $(if self.$list_field.gap().is_none() && add(Query::$list) {
                    known.$list_field.clone_from(&self.$list_field);
                })*
                $(for (key, seen) in &self.$field {
                    if seen.gap().is_none() && add(Query::$name(key.clone())) {
                        known.$field.insert(key.clone(), seen.clone());
                    }
                })*
                known
            }

            /// Adds what an older reading knows and this one does not.
            pub fn fill(&mut self, older: &Self) {
                $(if self.$list_field.gap().is_some() {
                    self.$list_field.clone_from(&older.$list_field);
                })*
                $(if self.$one_field.gap().is_some() {
                    self.$one_field.clone_from(&older.$one_field);
                })*
                $(for (key, seen) in &older.$field {
                    if self.$field.get(key).is_none_or(|known| known.gap().is_some()) {
                        self.$field.insert(key.clone(), seen.clone());
                    }
                })*
            }

            /// Why the answer to a question is not known, if it was asked and is not.
            pub fn gap_of(&self, query: &Query) -> Option<&Gap> {
                let gap = match query {
                    $(Query::$list => self.$list_field.gap(),)*
                    $(Query::$one(_) => self.$one_field.gap(),)*
                    $(Query::$name(key) => self.$field.get(key).and_then(Seen::gap),)*
                };
                gap.filter(|gap| !gap.is_not_asked())
            }
        }
    };
}

query_table!(places);
