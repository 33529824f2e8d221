//! Actions of listeners and rules: a login perhaps, then one of forward, redirect and fixed response. They are kept
//! as AWS reads them back.

use serde_json::{Map, Value, json};

use super::{forward, login, number, response};
use crate::input::Input;
use crate::refusal::Refusal;
use crate::state::{Listener, LoadBalancer, State};

/// Most actions of one rule: a login and what follows it.
const MOST: usize = 2;

/// The side of a load balancer that actions are judged against.
#[derive(Clone, Copy)]
pub struct Front<'a> {
    pub balancer: &'a LoadBalancer,
    pub protocol: &'a str,
    pub port: u16,
}

impl<'a> Front<'a> {
    /// The side that a standing listener is.
    pub fn of(balancer: &'a LoadBalancer, listener: &'a Listener) -> Self {
        Self { balancer, protocol: &listener.protocol, port: listener.port }
    }
}

/// The actions of a call in the order in which they are taken.
pub fn read(input: Input, member: &str, front: Front) -> Result<Vec<Value>, Refusal> {
    let given: Vec<Input> = input.list(member).collect();
    if given.is_empty() {
        return Err(Refusal::validation("At least one action must be specified"));
    }
    if given.len() > MOST {
        return Err(Refusal::new("TooManyActions", format!("A rule can have at most '{MOST}' actions")));
    }
    let is_alone = given.len() == 1;
    let read = |action: Input| {
        let order = match number::within(action, "Order", 1..=50_000)? {
            Some(order) => Some(order),
            // Alone it needs none, and reads back without one.
            None if is_alone => None,
            None => return Err(Refusal::validation("An order must be specified for each of several actions")),
        };
        Ok((order, read_one(action, order, front)?))
    };
    let mut actions: Vec<(Option<i64>, Value)> = given.into_iter().map(read).collect::<Result<_, Refusal>>()?;
    actions.sort_by_key(|(order, _)| *order);
    if actions.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(Refusal::validation("Two actions cannot have the same order"));
    }
    let actions: Vec<Value> = actions.into_iter().map(|(_, action)| action).collect();
    check_last(&actions)?;
    Ok(actions)
}

fn read_one(action: Input, order: Option<i64>, front: Front) -> Result<Value, Refusal> {
    let kind = action.text("Type").unwrap_or_default();
    let mut shape = Map::from_iter([("Type".to_owned(), json!(kind))]);
    shape.extend(order.map(|order| ("Order".to_owned(), json!(order))));
    match kind {
        "forward" => forward::read(action, front.balancer, &mut shape)?,
        "redirect" => drop(shape.insert("RedirectConfig".to_owned(), response::redirect(action, front)?)),
        "fixed-response" => drop(shape.insert("FixedResponseConfig".to_owned(), response::fixed(action)?)),
        _ => {
            let (member, config) = login::read(action, kind)?;
            shape.insert(member.to_owned(), config);
        }
    }
    Ok(Value::Object(shape))
}

/// Exactly one action ends the chain, and nothing comes behind it.
fn check_last(actions: &[Value]) -> Result<(), Refusal> {
    let ends = |action: &Value| matches!(kind_of(action), "forward" | "redirect" | "fixed-response");
    let is_good = actions.split_last().is_some_and(|(last, rest)| ends(last) && !rest.iter().any(ends));
    if !is_good {
        let message = "Exactly one of the actions must be forward, redirect or fixed-response, and it must be the last";
        return Err(Refusal::validation(message));
    }
    Ok(())
}

fn kind_of(action: &Value) -> &str {
    Input(action).text("Type").unwrap_or_default()
}

/// That actions suit a listener, whatever else leads to their target groups.
pub fn check(state: &State, front: Front, actions: &[Value]) -> Result<(), Refusal> {
    let has_login = actions.len() > 1;
    for kind in actions.iter().map(kind_of) {
        let is_login = !matches!(kind, "forward" | "redirect" | "fixed-response");
        if !front.balancer.is_application() && kind != "forward" {
            let message = format!("Action type '{kind}' is not supported on Network Load Balancers");
            return Err(Refusal::new("InvalidLoadBalancerAction", message));
        }
        if is_login && front.protocol != "HTTPS" {
            let message = format!("Action type '{kind}' is supported on HTTPS listeners alone");
            return Err(Refusal::new("InvalidLoadBalancerAction", message));
        }
    }
    forward::check(state, front, actions, has_login)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{balancer, group, listener, refused, rule_input, world};

    #[test]
    fn actions_that_aws_does_not_take_are_refused() {
        let mut world = world();
        let (web, group) = (balancer(&mut world, "web"), group(&mut world, "web", "HTTP"));
        let listener = listener(&mut world, &web, 80, &group);
        let forward = json!({"Type": "forward", "TargetGroupArn": group, "Order": 2});
        let weighted = |weight: i64| json!({"TargetGroups": [{"TargetGroupArn": group, "Weight": weight}]});
        let login = json!({"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": {
            "UserPoolArn": "arn", "UserPoolClientId": "id", "UserPoolDomain": "domain",
        }});
        for (actions, code) in [
            (json!([]), "ValidationError"),
            (json!([forward, {"Type": "forward", "TargetGroupArn": group, "Order": 1}]), "ValidationError"),
            (json!([forward, forward, forward]), "TooManyActions"),
            (json!([login]), "ValidationError"),
            (json!([login, forward]), "InvalidLoadBalancerAction"),
            (json!([{"Type": "forward"}]), "ValidationError"),
            (json!([{"Type": "forward", "ForwardConfig": weighted(1000)}]), "ValidationError"),
            (json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "302"}}]), "ValidationError"),
        ] {
            let mut input = rule_input(&listener, 1, "/a", &group);
            input["Actions"] = actions.clone();
            assert_eq!(refused(&mut world, "CreateRule", input), code, "{actions}");
        }
    }
}
