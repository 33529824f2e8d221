//! Listener rules and routes in words.

use crate::model::{Mark, ObjectRef, Route, Rule};

use super::reason::Reason;
use super::rule_match::RouteRef;

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

/// The rules of a tie, and what tells them apart without a change to any of them.
pub(super) fn describe_tie(fleet: &str, route: &RouteRef<'_>, tied: &[&Rule]) -> Reason {
    let each = |rule: &&Rule| format!("rule {} ({}; {})", rule.priority, rule.conditions, rule.arn);
    let listed = tied.iter().map(each).collect::<Vec<_>>().join(" and ");
    let mark = Mark { fleet: fleet.to_owned(), object: ObjectRef::target_group(route.key) };
    let tags: Vec<_> = mark.tags().iter().map(|(key, value)| format!("Key={key},Value={value}")).collect();
    let fix = "write the priority and the conditions of the intended rule in the route; Portolan then knows the rule, and \
               you can change the route again";
    match tied {
        [_] => Reason::new(format!("{listed} could be the rule of several routes"), fix),
        _ => Reason::new(
            format!("{} rules could be it: {listed}", tied.len()),
            format!(
                "{fix}. Or tag only the intended rule: aws elbv2 add-tags --resource-arns ARN --tags {}",
                tags.join(" ")
            ),
        ),
    }
}
