//! Rules of listeners. The default one is its listener's, and comes last.

use serde_json::{Value, json};

use super::action::{self, Front};
use super::find::{self, FoundRule};
use super::listing::listed;
use super::{condition, limit, number, tag, transform, usage};
use crate::sandbox::input::Input;
use crate::sandbox::refusal::{Answer, Refusal};
use crate::sandbox::state::{Listener, LoadBalancer, Rule, State};

/// `CreateRule`.
pub fn create(state: &mut State, input: Input) -> Answer {
    let listener = find::listener(state, find::need(input, "ListenerArn")?)?;
    let balancer = find::balancer_of(state, listener)?;
    if !balancer.is_application() {
        // They take rules once they are dual-stack, which none is here.
        let message = format!("Rules are not supported for listeners of protocol '{}'", listener.protocol);
        return Err(Refusal::new("UnsupportedProtocol", message));
    }
    let priority = number::within(input, "Priority", 1..=50_000)?;
    let priority = priority.ok_or_else(|| Refusal::validation("A priority must be specified"))?;
    let conditions = condition::read(input)?;
    let transforms = transform::read(input)?;
    let front = Front::of(balancer, listener);
    let actions = action::read(input, "Actions", front)?;
    let tags = tag::read(input)?;
    if state.rules.values().any(|rule| rule.listener == listener.arn && rule.priority == priority) {
        return Err(in_use(priority));
    }
    check_quota(state, balancer)?;
    action::check(state, front, &actions)?;
    usage::check(state, balancer, "", &actions)?;
    let listener = listener.arn.clone();
    let path = listener.split_once(":listener/").map(|(_, path)| path.to_owned()).unwrap_or_default();
    let id = state.ids.short();
    let arn = state.arn("elasticloadbalancing", &format!("listener-rule/{path}/{id}"));
    Ok(put(state, Rule { arn, listener, priority, conditions, actions, transforms, tags }))
}

fn put(state: &mut State, rule: Rule) -> Value {
    let answer = json!({"Rules": [shown(&rule)]});
    state.rules.insert(rule.arn.clone(), rule);
    state.version += 1;
    answer
}

/// That a priority is taken.
pub fn in_use(priority: i64) -> Refusal {
    Refusal::new("PriorityInUse", format!("Priority '{priority}' is currently in use"))
}

fn check_quota(state: &State, balancer: &LoadBalancer) -> Result<(), Refusal> {
    let is_own = |rule: &&Rule| {
        state.listeners.get(&rule.listener).is_some_and(|listener| listener.load_balancer == balancer.arn)
    };
    if state.rules.values().filter(is_own).count() >= limit::RULES {
        return Err(Refusal::new("TooManyRules", format!("A load balancer can have at most '{}' rules", limit::RULES)));
    }
    Ok(())
}

/// A rule that is not a default one.
pub fn changeable<'a>(state: &'a State, arn: &str, what: &str) -> Result<&'a Rule, Refusal> {
    match find::rule(state, arn)? {
        FoundRule::Rule(rule) => Ok(rule),
        FoundRule::Default(_) => {
            Err(Refusal::new("OperationNotPermitted", format!("Default rule '{arn}' cannot be {what}")))
        }
    }
}

/// `ModifyRule`. Each of conditions, actions and transforms is replaced as a whole, or stays.
pub fn modify(state: &mut State, input: Input) -> Answer {
    let rule = changeable(state, find::need(input, "RuleArn")?, "modified")?;
    let listener = find::listener(state, &rule.listener)?;
    let balancer = find::balancer_of(state, listener)?;
    let front = Front::of(balancer, listener);
    let mut changed = rule.clone();
    if input.has("Conditions") {
        changed.conditions = condition::read(input)?;
    }
    let resets = input.flag("ResetTransforms") == Some(true);
    let gives = input.list("Transforms").next().is_some();
    if resets && gives {
        return Err(Refusal::validation("Transforms and ResetTransforms cannot be specified together"));
    }
    if resets || gives {
        changed.transforms = transform::read(input)?;
    }
    if input.has("Actions") {
        changed.actions = action::read(input, "Actions", front)?;
        action::check(state, front, &changed.actions)?;
        usage::check(state, balancer, &changed.arn, &changed.actions)?;
    }
    Ok(put(state, changed))
}

/// `DeleteRule`.
pub fn delete(state: &mut State, input: Input) -> Answer {
    let arn = find::need(input, "RuleArn")?;
    changeable(state, arn, "deleted")?;
    state.rules.remove(arn);
    state.version += 1;
    Ok(json!({}))
}

/// `DescribeRules`: of a listener, or by ARN.
pub fn describe(state: &State, input: Input) -> Answer {
    let arns = input.texts("RuleArns");
    let found: Vec<Value> = match (input.text("ListenerArn"), arns.is_empty()) {
        (Some(arn), true) => of_listener(state, find::listener(state, arn)?),
        (None, false) => arns.into_iter().map(|arn| by_arn(state, arn)).collect::<Result<_, _>>()?,
        _ => return Err(Refusal::validation("Either a listener or rules must be specified")),
    };
    listed(state, input, "Rules", found)
}

fn of_listener(state: &State, listener: &Listener) -> Vec<Value> {
    let mut rules: Vec<&Rule> = state.rules.values().filter(|rule| rule.listener == listener.arn).collect();
    rules.sort_by_key(|rule| rule.priority);
    rules.into_iter().map(shown).chain([shown_default(listener)]).collect()
}

fn by_arn(state: &State, arn: &str) -> Result<Value, Refusal> {
    Ok(match find::rule(state, arn)? {
        FoundRule::Rule(rule) => shown(rule),
        FoundRule::Default(listener) => shown_default(listener),
    })
}

/// A rule as it is described.
pub fn shown(rule: &Rule) -> Value {
    json!({
        "RuleArn": rule.arn,
        "Priority": rule.priority.to_string(),
        "Conditions": rule.conditions,
        "Actions": rule.actions,
        "IsDefault": false,
        "Transforms": rule.transforms,
    })
}

fn shown_default(listener: &Listener) -> Value {
    json!({
        "RuleArn": listener.default_rule,
        "Priority": "default",
        "Conditions": [],
        "Actions": listener.actions,
        "IsDefault": true,
        "Transforms": [],
    })
}
