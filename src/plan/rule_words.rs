//! Listener rules and routes in words.

use std::collections::BTreeSet;

use crate::model::{Conditions, Route, Rule};

/// A live rule in words.
pub(super) fn describe_rule(port: u16, rule: &Rule) -> String {
    format!("rule {} of listener {port}", rule.priority)
}

/// A route in words, such as `listener 443, priority 100`.
pub(super) fn describe_route(route: &Route) -> String {
    match (route.default, route.priority) {
        (true, _) => format!("the default action of listener {}", route.listener),
        (false, Some(priority)) => format!("listener {}, priority {priority}", route.listener),
        (false, None) => format!("listener {}, {}", route.listener, describe_conditions(&route.conditions)),
    }
}

/// Conditions in one line.
pub(super) fn describe_conditions(conditions: &Conditions) -> String {
    let Conditions { hosts, paths, methods, source_ips, headers, queries, unsayable } = conditions;
    let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" or ");
    let mut parts = Vec::new();
    for (name, set) in [("host", hosts), ("path", paths), ("method", methods)] {
        if !set.is_empty() {
            parts.push(format!("{name} {}", list(set)));
        }
    }
    if !source_ips.is_empty() {
        parts.push(format!("source {}", source_ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")));
    }
    parts.extend(headers.iter().map(|header| format!("header {} {}", header.name, list(&header.values))));
    for query in queries {
        let pair = |(key, value): &(Option<String>, String)| {
            key.as_ref().map_or_else(|| value.clone(), |key| format!("{key}={value}"))
        };
        parts.push(format!("query {}", query.pairs.iter().map(pair).collect::<Vec<_>>().join(" or ")));
    }
    parts.extend(unsayable.iter().cloned());
    if parts.is_empty() { "every request".to_owned() } else { parts.join(", ") }
}
