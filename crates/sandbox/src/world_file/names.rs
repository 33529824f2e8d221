//! Names for what AWS gives ids and ARNs: `tasks` for a security group, `$targetGroup/web` in the parameters of a call.

use serde_json::Value;

use crate::scheduler::service;
use crate::state::{State, Tags, Task};

fn is_named(tags: &Tags, name: &str) -> bool {
    tags.get("Name").is_some_and(|tag| tag == name)
}

/// The id or ARN of a thing.
pub fn find(state: &State, kind: &str, name: &str) -> Result<String, String> {
    let found = match kind {
        "vpc" => state.vpcs.values().find(|one| is_named(&one.tags, name)).map(|one| &one.id),
        "subnet" => state.subnets.values().find(|one| is_named(&one.tags, name)).map(|one| &one.id),
        "networkAcl" => state.acls.values().find(|one| is_named(&one.tags, name)).map(|one| &one.id),
        "securityGroup" => state.groups.values().find(|one| one.name == name).map(|one| &one.id),
        "prefixList" => state.prefix_lists.values().find(|one| one.name == name).map(|one| &one.id),
        "instance" => state.instances.values().find(|one| is_named(&one.tags, name)).map(|one| &one.id),
        "loadBalancer" => state.load_balancers.values().find(|one| one.name == name).map(|one| &one.arn),
        "targetGroup" => state.target_groups.values().find(|one| one.name == name).map(|one| &one.arn),
        "listener" => listener(state, name),
        "rule" => rule(state, name),
        "service" => service_arn(state, name),
        "task" => return task(state, name).map(|task| task.arn),
        "address" => {
            let address = task(state, name)?.address;
            return address.map(|address| address.to_string()).ok_or_else(|| format!("task `{name}` has no address"));
        }
        _ => return Err(format!("unknown kind `{kind}`")),
    };
    found.cloned().ok_or_else(|| format!("unknown {kind} `{name}`"))
}

/// `public:80`
fn listener<'a>(state: &'a State, name: &str) -> Option<&'a String> {
    let (balancer, port) = name.split_once(':')?;
    let balancer = state.load_balancers.values().find(|one| one.name == balancer)?;
    let port: u16 = port.parse().ok()?;
    let mut listeners = state.listeners.values();
    listeners.find(|one| one.load_balancer == balancer.arn && one.port == port).map(|one| &one.arn)
}

/// `public:80/100`
fn rule<'a>(state: &'a State, name: &str) -> Option<&'a String> {
    let (on, priority) = name.split_once('/')?;
    let (on, priority): (_, i64) = (listener(state, on)?, priority.parse().ok()?);
    state.rules.values().find(|one| one.listener == *on && one.priority == priority).map(|one| &one.arn)
}

/// `prod/cart`
fn service_arn<'a>(state: &'a State, name: &str) -> Option<&'a String> {
    let end = format!(":service/{name}");
    state.services.keys().find(|arn| arn.ends_with(&end))
}

/// `prod/cart/0`: the oldest living task is 0.
fn task(state: &State, name: &str) -> Result<Task, String> {
    let missing = || format!("unknown task `{name}`");
    let (service, number) = name.rsplit_once('/').ok_or_else(missing)?;
    let number: usize = number.parse().map_err(|_| missing())?;
    let arn = service_arn(state, service).ok_or_else(missing)?;
    service::tasks(state, arn).into_iter().nth(number).cloned().ok_or_else(missing)
}

/// Puts ids in place of every `$kind/name` of a tree.
pub fn resolved(state: &State, value: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match text.strip_prefix('$').and_then(|rest| rest.split_once('/')) {
            Some((kind, name)) => Value::String(find(state, kind, name).map_err(|why| format!("`{text}`: {why}"))?),
            None => value.clone(),
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| resolved(state, item)).collect::<Result<_, _>>()?),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| Ok((name.clone(), resolved(state, member)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}
