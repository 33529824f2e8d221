//! The ways to a target group: rules that forward to it alone, and default actions that do. Everything else that leads
//! to it is a comment.

use std::collections::BTreeSet;

use crate::model::owner::FLEET_TAG;
use crate::model::{Conditions, Listener, LoadBalancer, Rule, RuleActions, Seen, Serve, TargetGroup, TargetGroupArn};

use super::Scene;
use super::page::{Entry, Value};

pub(super) fn routes(scene: &Scene<'_>, key: &str, live: &TargetGroup, balancer: &LoadBalancer) -> Option<Entry> {
    let Seen::Present(listeners) = scene.observed.listeners_of(&balancer.arn) else {
        return Some(Entry::note(format!("routes is left out: the listeners of {} could not be read.", balancer.name)));
    };
    let own = scene.given.stand_ins(live);
    let mut items = Vec::new();
    for listener in listeners {
        match scene.observed.rules_of(&listener.arn) {
            Seen::Present(rules) => items.extend(rules.iter().filter_map(|rule| of_rule(scene, &own, listener, rule))),
            Seen::Absent => {}
            Seen::Unknown(gap) => items.push(Entry::note(format!(
                "The rules of listener {} could not be read ({}: {}).",
                listener.port, gap.call, gap.why
            ))),
        }
        items.extend(of_default(&own, listener));
    }
    if items.is_empty() {
        let note = format!("No routes: no listener rule on {} forwards to it ({key}).", balancer.name);
        return Some(Entry::note(note));
    }
    Some(Entry::field("routes", Value::List(items)))
}

/// What an action has to do with a target group.
enum Leads {
    Elsewhere,
    /// To it, or to its blue/green pair, alone.
    Here,
    /// The sentence says how.
    Otherwise(String),
}

fn leads(own: &BTreeSet<TargetGroupArn>, actions: &RuleActions) -> Leads {
    let Serve::Forward(forward) = &actions.serve else { return Leads::Elsewhere };
    if !forward.weights.keys().any(|arn| own.contains(arn)) {
        return Leads::Elsewhere;
    }
    let receivers: Vec<_> = forward.receivers().collect();
    if !receivers.is_empty() && receivers.iter().all(|arn| own.contains(*arn)) {
        return Leads::Here;
    }
    let shares: Vec<String> = forward.weights.iter().map(|(arn, weight)| format!("{} ×{weight}", arn.name())).collect();
    Leads::Otherwise(format!(
        "splits requests by weight ({}); a route forwards to one target group, so Portolan does not manage this",
        shares.join(", ")
    ))
}

fn of_rule(scene: &Scene<'_>, own: &BTreeSet<TargetGroupArn>, listener: &Listener, rule: &Rule) -> Option<Entry> {
    let name = format!("Rule {} of listener {}", rule.priority, listener.port);
    match leads(own, &rule.actions) {
        Leads::Elsewhere => return None,
        Leads::Otherwise(how) => return Some(Entry::note(format!("{name} {how}."))),
        Leads::Here => {}
    }
    let tags = rule.tags.as_ref().present();
    if let Some(other) = tags.and_then(|tags| tags.get(FLEET_TAG)).filter(|other| **other != scene.fleet) {
        return Some(Entry::note(format!("{name} belongs to fleet {other} and is left to it.")));
    }
    if rule.conditions.is_parked() && tags.is_some_and(|tags| tags.contains_key(FLEET_TAG)) {
        return Some(Entry::note(format!(
            "{name} is parked: no request matches it until Portolan gives it its conditions or deletes it, so it is not written as a route."
        )));
    }
    if let Some(why) = unsayable(&rule.conditions) {
        return Some(Entry::note(format!(
            "{name} also forwards here, with conditions that the manifest format does not support: {why}."
        )));
    }
    let mut fields = vec![Entry::word("listener", listener.port), Entry::word("priority", rule.priority)];
    fields.extend(conditions(&rule.conditions));
    Some(with_actions(fields, &rule.actions))
}

fn of_default(own: &BTreeSet<TargetGroupArn>, listener: &Listener) -> Option<Entry> {
    match leads(own, &listener.default_actions) {
        Leads::Elsewhere => None,
        Leads::Otherwise(how) => Some(Entry::note(format!("The default action of listener {} {how}.", listener.port))),
        Leads::Here => {
            let fields = vec![Entry::word("listener", listener.port), Entry::word("default", true)];
            Some(with_actions(fields, &listener.default_actions))
        }
    }
}

fn with_actions(mut fields: Vec<Entry>, actions: &RuleActions) -> Entry {
    if actions.login {
        fields.push(Entry::word("authenticate", "required"));
    }
    let entry = Entry::item(Value::Map(fields));
    if !actions.token {
        return entry;
    }
    entry.with_note(
        "A token check (jwt-validation) comes first; the manifest format does not support it, and Portolan keeps it.",
    )
}

/// Conditions that the format has no words for.
fn unsayable(conditions: &Conditions) -> Option<String> {
    if !conditions.unsayable.is_empty() {
        return Some(conditions.unsayable.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    }
    (conditions.queries.len() > 1).then(|| "several query-string conditions that must all match".to_owned())
}

fn conditions(conditions: &Conditions) -> Vec<Entry> {
    let Conditions { hosts, paths, methods, source_ips, headers, queries, unsayable: _ } = conditions;
    let mut fields = Vec::new();
    for (key, set) in [("hosts", hosts), ("paths", paths), ("methods", methods)] {
        if !set.is_empty() {
            fields.push(Entry::texts(key, set.iter().map(String::as_str)));
        }
    }
    if !headers.is_empty() {
        let header = |header: &crate::model::HeaderCondition| {
            let values = Entry::texts("values", header.values.iter().map(String::as_str));
            Entry::item(Value::Map(vec![Entry::text("name", &header.name), values]))
        };
        fields.push(Entry::field("headers", Value::List(headers.iter().map(header).collect())));
    }
    let pairs: Vec<_> = queries.iter().flat_map(|query| &query.pairs).collect();
    if !pairs.is_empty() {
        let pair = |(key, value): &&(Option<String>, String)| {
            let key = key.as_ref().map(|key| Entry::text("key", key));
            Entry::item(Value::Map(key.into_iter().chain([Entry::text("value", value)]).collect()))
        };
        fields.push(Entry::field("queryStrings", Value::List(pairs.iter().map(pair).collect())));
    }
    if !source_ips.is_empty() {
        let blocks: Vec<String> = source_ips.iter().map(ToString::to_string).collect();
        fields.push(Entry::texts("sourceIps", blocks.iter().map(String::as_str)));
    }
    fields
}
