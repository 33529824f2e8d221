//! Capacity providers and their strategies. No providers can be made here: there are Fargate's, which every account has.

use serde_json::{Value, json};

use super::{last, missing};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::State;

/// Those that every account has.
pub const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

pub fn describe(state: &State, input: Input) -> Answer {
    let names = input.texts("capacityProviders");
    let is_wanted = |name: &&str| names.is_empty() || names.iter().any(|wanted| last(wanted) == *name);
    let shown = |name: &str| {
        let arn = state.arn("ecs", &format!("capacity-provider/{name}"));
        json!({"capacityProviderArn": arn, "name": name, "status": "ACTIVE", "tags": []})
    };
    let found: Vec<Value> = FARGATE.into_iter().filter(is_wanted).map(shown).collect();
    let unknown = names.into_iter().map(last).filter(|name| !FARGATE.contains(name));
    let failures: Vec<Value> =
        unknown.map(|name| missing(state.arn("ecs", &format!("capacity-provider/{name}")))).collect();
    Ok(json!({"capacityProviders": found, "failures": failures}))
}

/// Holds a strategy against AWS's rules (aws-facts 2.3).
pub fn check(strategy: &Value) -> Result<(), Refusal> {
    let no = |message: &str| Err(Refusal::invalid(message));
    let items: Vec<Input> = strategy.as_array().into_iter().flatten().map(Input).collect();
    if items.len() > 20 {
        return no("capacityProviderStrategy can have at most 20 items.");
    }
    if items.iter().any(|item| item.text("capacityProvider").is_none_or(|name| !FARGATE.contains(&name))) {
        return no(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with \
             the cluster. Associate the capacity provider with the cluster and try again.",
        );
    }
    let number = |item: &Input, name: &str| item.int(name).unwrap_or(0);
    if items.iter().any(|item| !(0..=1000).contains(&number(item, "weight"))) {
        return no("The weight of a capacity provider is between 0 and 1000.");
    }
    if items.iter().any(|item| !(0..=100_000).contains(&number(item, "base"))) {
        return no("The base of a capacity provider is between 0 and 100000.");
    }
    if items.iter().filter(|item| number(item, "base") > 0).count() > 1 {
        return no("Only one capacity provider in a strategy can have a base.");
    }
    if !items.is_empty() && items.iter().all(|item| number(item, "weight") == 0) {
        return no("At least one capacity provider must have a weight greater than 0.");
    }
    Ok(())
}
