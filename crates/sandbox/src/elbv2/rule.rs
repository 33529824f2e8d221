//! Rules of listeners. The default one is its listener's, and comes last.

use serde_json::{Value, json};

use super::action::{self, Front};
use super::find::{self, FoundRule};
use super::listing::listed;
use super::{condition, limit, number, tag, transform, usage};
use crate::input::Input;
use crate::refusal::{Answer, Refusal};
use crate::state::{Listener, LoadBalancer, Rule, State};

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{balancer, call, done, group, listener, network_balancer, refused, rule};
    use super::super::fixture::{rule_input, world};

    #[test]
    fn rules_are_listed_by_number_with_the_default_one_last() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let listener = listener(&mut world, &web, 80, &group);
        for priority in [10, 9, 100] {
            rule(&mut world, &listener, priority, "/a", &group);
        }
        let described = done(&mut world, "DescribeRules", json!({"ListenerArn": listener}));
        let rules = described["Rules"].as_array().expect("rules");
        let priorities: Vec<&str> = rules.iter().filter_map(|rule| rule["Priority"].as_str()).collect();
        assert_eq!(priorities, ["9", "10", "100", "default"]);
        let condition = json!([{"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/a"]}}]);
        assert_eq!(rules[0]["Conditions"], condition);
        assert_eq!(rules[3]["IsDefault"], json!(true));
        let path = listener.replace(":listener/", ":listener-rule/");
        assert!(rules.iter().all(|rule| rule["RuleArn"].as_str().is_some_and(|arn| arn.starts_with(&path))));
    }

    #[test]
    fn the_default_rule_cannot_be_deleted_modified_or_moved() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let listener = listener(&mut world, &web, 80, &group);
        let default = world.state.listeners[&listener].default_rule.clone();
        let moved = json!({"RulePriorities": [{"RuleArn": default, "Priority": "1"}]});
        for (name, input) in [
            ("DeleteRule", json!({"RuleArn": default})),
            ("ModifyRule", json!({"RuleArn": default, "Conditions": []})),
            ("SetRulePriorities", moved),
        ] {
            assert_eq!(refused(&mut world, name, input), "OperationNotPermitted", "{name}");
        }
    }

    #[test]
    fn priorities_are_unique_in_range_and_swapped_together() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let listener = listener(&mut world, &web, 80, &group);
        let [a, b, _] = [1, 2, 3].map(|priority| rule(&mut world, &listener, priority, "/a", &group));
        for (priority, code) in [(1, "PriorityInUse"), (0, "ValidationError"), (50_001, "ValidationError")] {
            let input = rule_input(&listener, priority, "/b", &group);
            assert_eq!(refused(&mut world, "CreateRule", input), code);
        }
        let pairs = |first: i64, second: i64| json!({"RulePriorities": [{"RuleArn": a, "Priority": first}, {"RuleArn": b, "Priority": second}]});
        assert_eq!(refused(&mut world, "SetRulePriorities", pairs(7, 7)), "PriorityInUse");
        assert_eq!(refused(&mut world, "SetRulePriorities", pairs(2, 3)), "PriorityInUse");
        done(&mut world, "SetRulePriorities", pairs(2, 1));
        assert_eq!((world.state.rules[&a].priority, world.state.rules[&b].priority), (2, 1));
    }

    #[test]
    fn quotas_of_rules_and_groups_hold() {
        let mut world = world();
        let web = balancer(&mut world, "web");
        let groups: Vec<String> = (0..101).map(|n| group(&mut world, &format!("g{n}"), "HTTP")).collect();
        let first = listener(&mut world, &web, 80, &groups[0]);
        for (n, group) in (1..).zip(&groups[1..100]) {
            rule(&mut world, &first, n, "/a", group);
        }
        let input = rule_input(&first, 200, "/a", &groups[100]);
        assert_eq!(refused(&mut world, "CreateRule", input), "TooManyUniqueTargetGroupsPerLoadBalancer");
        rule(&mut world, &first, 200, "/a", &groups[0]);
        let input = rule_input(&first, 201, "/a", &groups[0]);
        assert_eq!(refused(&mut world, "CreateRule", input), "TooManyRules");
    }

    #[test]
    fn modifying_replaces_what_is_given_and_keeps_the_rest() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let listener = listener(&mut world, &web, 80, &group);
        let arn = rule(&mut world, &listener, 5, "/a", &group);
        let rewrite =
            json!([{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "a", "Replace": "b"}]}}]);
        done(&mut world, "ModifyRule", json!({"RuleArn": arn, "Transforms": rewrite}));
        assert_eq!(world.state.rules[&arn].transforms, rewrite.as_array().cloned().unwrap_or_default());
        let changed = json!({"RuleArn": arn, "Conditions": [{"Field": "path-pattern", "Values": ["/b"]}]});
        let answer = done(&mut world, "ModifyRule", changed);
        assert_eq!(answer["Rules"][0]["Actions"][0]["TargetGroupArn"], json!(group));
        assert_eq!(answer["Rules"][0]["Transforms"], rewrite);
        let answer = done(&mut world, "ModifyRule", json!({"RuleArn": arn, "ResetTransforms": "true"}));
        assert_eq!(answer["Rules"][0]["Transforms"], json!([]));
        let gone = call(&mut world, "ModifyRule", json!({"RuleArn": format!("{arn}0")}));
        assert_eq!(gone.expect_err("a refusal").code, "RuleNotFound");
    }

    #[test]
    fn network_load_balancers_take_no_rules() {
        let mut world = world();
        let (net, group) = (network_balancer(&mut world, "net"), group(&mut world, "tcp", "TCP"));
        let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
        let input = json!({"LoadBalancerArn": net, "Protocol": "TCP", "Port": 80, "DefaultActions": actions});
        let made = done(&mut world, "CreateListener", input);
        let listener = made["Listeners"][0]["ListenerArn"].as_str().expect("an ARN");
        let input = rule_input(listener, 1, "/a", &group);
        assert_eq!(refused(&mut world, "CreateRule", input), "UnsupportedProtocol");
    }
}
