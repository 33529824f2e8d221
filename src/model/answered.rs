//! Where answers stand in [`Observed`]: from the rows of [`super::query`].

use super::observed::Observed;
use super::query::{Answer, Query};
use super::seen::{Gap, Seen};

/// Whether an older answer says more than a newer one: it is known and the newer one is not, or it says why it is not known and
/// the newer one was not asked.
fn says_more<T>(older: &Seen<T>, newer: &Seen<T>) -> bool {
    match (older.gap(), newer.gap()) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(older), Some(newer)) => newer.is_not_asked() && !older.is_not_asked(),
    }
}

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
                $(if says_more(&older.$list_field, &self.$list_field) {
                    self.$list_field.clone_from(&older.$list_field);
                })*
                $(if says_more(&older.$one_field, &self.$one_field) {
                    self.$one_field.clone_from(&older.$one_field);
                })*
                $(for (key, seen) in &older.$field {
                    if self.$field.get(key).is_none_or(|known| says_more(seen, known)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LoadBalancerArn, SecurityGroup};

    #[test]
    fn an_older_reading_that_did_not_ask_hides_no_failure_of_the_newer_one() {
        let denied = Gap { call: "ec2:DescribeSecurityGroups".to_owned(), why: "UnauthorizedOperation".to_owned() };
        let failed: Seen<Vec<SecurityGroup>> = Seen::Unknown(denied.clone());
        let mut newer = Observed::unasked("eu-west-1");
        newer.security_groups = failed.clone();
        let mut older = Observed::unasked("eu-west-1");
        newer.fill(&older);
        assert_eq!(newer.security_groups, failed);
        let balancer = LoadBalancerArn::from("lb/public");
        older.nodes.insert(balancer.clone(), Seen::Unknown(denied));
        older.security_groups = Seen::Present(Vec::new());
        newer.fill(&older);
        assert_eq!(newer.security_groups, Seen::Present(Vec::new()), "it was known before");
        assert!(newer.nodes[&balancer].gap().is_some(), "why it is not known");
    }
}
