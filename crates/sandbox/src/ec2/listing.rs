//! What all describing calls share: explicit ids, filters, pages.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::Value;

use super::filter::{self, Filters};
use crate::input::Input;
use crate::object::object;
use crate::page::{Page, page};
use crate::refusal::{Answer, Refusal};
use crate::state::State;

/// `MaxResults` of most calls.
pub const PAGE: RangeInclusive<i64> = 5..=1000;

/// How one kind of thing is described.
pub struct Listing<T: 'static> {
    /// The element that holds them in the answer.
    pub set: &'static str,
    /// The parameter that names them.
    pub ids: &'static str,
    pub things: fn(&State) -> &BTreeMap<String, T>,
    pub show: fn(&State, &T) -> Value,
    pub absent: fn(&str) -> Refusal,
    pub filters: &'static Filters,
    pub page: RangeInclusive<i64>,
}

impl<T> Listing<T> {
    /// The whole answer.
    pub fn answer(&self, state: &State, input: Input) -> Answer {
        let shown = self.select(state, input, input.texts(self.ids))?;
        Ok(object! {self.set => shown.items, "nextToken" => shown.next})
    }

    /// What the call is about, for those whose ids are not all in the parameter, or who tell it in another form.
    pub fn select(&self, state: &State, input: Input, ids: Vec<&str>) -> Result<Page<Value>, Refusal> {
        let all = (self.things)(state);
        if ids.is_empty() {
            let shown = all.values().map(|thing| (self.show)(state, thing)).collect();
            return cut(state, input, filter::keep(input, self.filters, shown)?, &self.page);
        }
        if input.has("MaxResults") {
            let message = format!("The parameter {} cannot be used with the parameter MaxResults", self.ids);
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
        let find = |id: &str| all.get(id).map(|thing| (self.show)(state, thing)).ok_or_else(|| (self.absent)(id));
        let ids: BTreeSet<&str> = ids.into_iter().collect();
        let shown = ids.into_iter().map(find).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { items: filter::keep(input, self.filters, shown)?, next: None })
    }
}

/// A page of what a call tells.
pub fn cut(
    state: &State,
    input: Input,
    things: Vec<Value>,
    allowed: &RangeInclusive<i64>,
) -> Result<Page<Value>, Refusal> {
    let asked = input.int("MaxResults");
    if let Some(size) = asked.filter(|size| !allowed.contains(size)) {
        let bound = if size < *allowed.start() { ("greater", allowed.start()) } else { ("less", allowed.end()) };
        let message = format!(
            "Value ( {size} ) for parameter maxResults is invalid. Expecting a value {} than {}.",
            bound.0, bound.1
        );
        return Err(Refusal::parameter(message));
    }
    let default = usize::try_from(*allowed.end()).unwrap_or(usize::MAX);
    page(things, input.text("NextToken"), state.page_size(asked, default), |token| {
        Refusal::new("InvalidNextToken", format!("The token '{token}' is invalid"))
    })
}
