//! The settings of the account. Nobody changes them here: they are what a new account has.

use serde_json::{Value, json};

use super::{compact, page_size};
use crate::input::Input;
use crate::page::{Page, page};
use crate::refusal::{Answer, Refusal};
use crate::state::State;

/// Name and value of each.
const SETTINGS: [(&str, &str); 11] = [
    ("awsvpcTrunking", "disabled"),
    ("containerInsights", "disabled"),
    ("containerInstanceLongArnFormat", "enabled"),
    ("defaultLogDriverMode", "non-blocking"),
    ("fargateEventWindows", "disabled"),
    ("fargateFIPSMode", "disabled"),
    ("fargateTaskRetirementWaitPeriod", "7"),
    ("guardDutyActivate", "off"),
    ("serviceLongArnFormat", "enabled"),
    ("tagResourceAuthorization", "on"),
    ("taskLongArnFormat", "enabled"),
];

/// Without `effectiveSettings` only what somebody has set is told, and nobody has.
pub fn list(state: &State, input: Input) -> Answer {
    let principal = match input.text("principalArn") {
        Some(arn) => arn.to_owned(),
        None => format!("arn:aws:iam::{}:root", state.account),
    };
    let is_effective = input.flag("effectiveSettings") == Some(true);
    let is_wanted = |(name, value): &&(&str, &str)| {
        is_effective
            && input.text("name").is_none_or(|wanted| wanted == *name)
            && input.text("value").is_none_or(|wanted| wanted == *value)
    };
    if input.has("value") && !input.has("name") {
        return Err(Refusal::invalid("You must specify an account setting name to use with the value."));
    }
    let kind = |name: &str| if name == "guardDutyActivate" { "aws_managed" } else { "user" };
    let shown = |(name, value): &(&str, &str)| json!({"name": name, "value": value, "principalArn": principal, "type": kind(name)});
    let all: Vec<Value> = SETTINGS.iter().filter(is_wanted).map(shown).collect();
    let size = page_size(state, input, 10)?;
    let Page { items, next } = page(all, input.text("nextToken"), size, |_| Refusal::invalid("Invalid token"))?;
    Ok(compact(json!({"settings": items, "nextToken": next})))
}
