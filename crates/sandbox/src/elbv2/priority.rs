//! Priorities of rules: set together, so that rules can swap theirs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{find, number, rule};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::State;

/// `SetRulePriorities`: all of them, or none.
pub fn set(state: &mut State, input: Input) -> Answer {
    let wanted = read(state, input)?;
    let priority = |arn: &String, standing: i64| wanted.get(arn).copied().unwrap_or(standing);
    let mut taken = BTreeMap::new();
    for rule in state.rules.values() {
        let priority = priority(&rule.arn, rule.priority);
        if taken.insert((&rule.listener, priority), &rule.arn).is_some() {
            return Err(rule::in_use(priority));
        }
    }
    let mut changed: Vec<Value> = Vec::new();
    for (arn, priority) in &wanted {
        if let Some(rule) = state.rules.get_mut(arn) {
            rule.priority = *priority;
            changed.push(rule::shown(rule));
        }
    }
    Ok(json!({"Rules": changed}))
}

/// Priority by rule.
fn read(state: &State, input: Input) -> Result<BTreeMap<String, i64>, Refusal> {
    let mut wanted = BTreeMap::new();
    for pair in input.list("RulePriorities") {
        let arn = find::need(pair, "RuleArn")?;
        rule::changeable(state, arn, "given another priority")?;
        let priority = number::within(pair, "Priority", 1..=50_000)?;
        let priority = priority.ok_or_else(|| Refusal::validation("A priority must be specified"))?;
        if wanted.insert(arn.to_owned(), priority).is_some() {
            return Err(Refusal::validation(format!("Rule '{arn}' was specified more than once")));
        }
    }
    if wanted.is_empty() {
        return Err(Refusal::validation("At least one rule priority must be specified"));
    }
    Ok(wanted)
}
