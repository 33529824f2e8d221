//! Rules and their actions in words.

use crate::model::{Forward, Rule, RuleActions, Serve};

use super::requests::Taker;

pub(super) fn name(taker: Taker<'_>) -> String {
    match taker {
        Taker::Rule(rule) => format!("rule {}", rule.priority),
        Taker::Default => "the default action".to_owned(),
    }
}

/// "A rule matches requests", but the default action has no conditions.
pub(super) fn verb(taker: Taker<'_>) -> &'static str {
    match taker {
        Taker::Rule(_) => "matches",
        Taker::Default => "handles",
    }
}

/// Such as `rules 10 and 20`.
pub(super) fn list(rules: &[&Rule]) -> String {
    format!("rules {}", rules.iter().map(|rule| rule.priority.to_string()).collect::<Vec<_>>().join(" and "))
}

/// The text for rule actions.
pub(super) fn describe(actions: &RuleActions) -> String {
    let before = match (actions.login, actions.token) {
        (true, _) => "authenticates the user, then ",
        (false, true) => "validates a token, then ",
        (false, false) => "",
    };
    let serves = match &actions.serve {
        Serve::Forward(forward) => format!("forwards to {}", weights(forward)),
        Serve::Redirect(to) => format!("redirects to {to}"),
        Serve::FixedResponse(code) => format!("returns {code}"),
        Serve::Other(kind) => format!("runs the action {kind}"),
    };
    format!("{before}{serves}")
}

fn weights(forward: &Forward) -> String {
    let one = forward.weights.len() == 1;
    let shown = forward
        .weights
        .iter()
        .map(|(arn, weight)| if one { arn.name().to_owned() } else { format!("{} with weight {weight}", arn.name()) });
    shown.collect::<Vec<_>>().join(" and ")
}
