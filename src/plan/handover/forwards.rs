//! What leads to a target group beside the handovers themselves.

use crate::model::{Given, TargetGroupArn};

use super::super::temporary::{is_temporary, names};
use super::network;

/// A rule or listener that forwards to a target group, in words. A temporary rule does not count, nor does weight 0 in the
/// default action of a network load balancer.
pub(in super::super) fn other_forward(given: &Given<'_>, arn: &TargetGroupArn) -> Option<String> {
    let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
    lists.flatten().find_map(|listener| {
        let by_weights = || network::pairs(given).any(|pair| pair.listener.arn == listener.arn && pair.idle == arn);
        if names(&listener.default_actions, arn) && !by_weights() {
            return Some(format!("the default action of listener {}", listener.port));
        }
        let rules = given.observed.rules_of(&listener.arn).present().into_iter().flatten();
        let mut others = rules.filter(|rule| names(&rule.actions, arn) && !is_temporary(given, rule));
        others.next().map(|rule| format!("rule {} of listener {}", rule.priority, listener.port))
    })
}
