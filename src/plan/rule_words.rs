//! Listener rules and routes in words.

use crate::model::{Route, Rule};

/// A live rule in words.
pub(super) fn describe_rule(port: u16, rule: &Rule) -> String {
    format!("rule {} of listener {port}", rule.priority)
}

/// A route in words, such as `listener 443, priority 100`.
pub(super) fn describe_route(route: &Route) -> String {
    match (route.default, route.priority) {
        (true, _) => format!("the default action of listener {}", route.listener),
        (false, Some(priority)) => format!("listener {}, priority {priority}", route.listener),
        (false, None) => format!("listener {}, {}", route.listener, route.conditions),
    }
}
