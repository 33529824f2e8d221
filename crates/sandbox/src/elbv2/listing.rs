//! Lists in pages, and what selects their members.

use serde_json::Value;

use super::number;
use crate::input::Input;
use crate::object::object;
use crate::page::page;
use crate::refusal::{Answer, Refusal};
use crate::state::State;

/// The page of a list that a call asks for.
pub fn listed(state: &State, input: Input, member: &str, items: Vec<Value>) -> Answer {
    let asked = number::within(input, "PageSize", 1..=400)?;
    let bad_marker = |marker: &str| Refusal::validation(format!("The marker '{marker}' is not valid"));
    let marker = input.text("Marker").filter(|marker| !marker.is_empty());
    let page = page(items, marker, state.page_size(asked, 400), bad_marker)?;
    Ok(object! {member => page.items, "NextMarker" => page.next})
}

/// Which of the ways to select the members of a list was taken. More than one is refused, and so is one that was
/// taken without naming anything.
pub fn selector<'a>(input: Input, ways: &[&'a str]) -> Result<Option<&'a str>, Refusal> {
    let mut taken = ways.iter().copied().filter(|way| names_something(input, way));
    let (first, second) = (taken.next(), taken.next());
    if let (Some(first), Some(second)) = (first, second) {
        return Err(Refusal::validation(format!("'{first}' and '{second}' cannot be specified together")));
    }
    for name in ways.iter().flat_map(|way| input.texts(way)) {
        if name.is_empty() {
            return Err(Refusal::validation("A name or an ARN cannot be empty"));
        }
    }
    Ok(first)
}

/// An empty list selects nothing, and everything is listed.
fn names_something(input: Input, way: &str) -> bool {
    match input.get(way).map(|given| given.0) {
        Some(Value::Array(members)) => !members.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        _ => false,
    }
}
