//! Ports that Service Connect uses. Their protocols never change: that takes a new service (ECS `PortMapping$protocol`,
//! `PortMapping$appProtocol`), and their names are what Service Connect refers to.

use serde_json::Value;

use crate::model::{Given, Service};
use crate::shape::Tree;

use super::definition::Move;
use super::reason::Reason;

/// Why ECS would refuse that a service moves from what it runs to another content, if Service Connect is in the way.
pub(super) fn refusal(given: &Given<'_>, live: &Service, to: Option<&Move>) -> Option<Reason> {
    let content = to?.content();
    let running = given.observed.task_definition(&live.task_definition).present()?;
    live.conduct.connected_ports.iter().find_map(|name| {
        // A name that the running revision does not have says nothing about the next one.
        let now = mapping(&running.content, name)?;
        let Some(then) = mapping(content, name) else {
            return Some(Reason::new(
                format!("Service Connect uses the port mapping {name}, and no mapping would have this name"),
                format!(
                    "keep portName: {name}, or remove the port from the service's serviceConnectConfiguration first"
                ),
            ));
        };
        ["protocol", "appProtocol"].into_iter().find_map(|member| {
            let (now, then) = (spoken(now, member), spoken(then, member));
            (now != then).then(|| {
                Reason::new(
                    format!(
                        "{member} of the port mapping {name} would change from {now} to {then}, and ECS refuses that \
                         while Service Connect uses the port"
                    ),
                    "create the service again, or remove the port from its serviceConnectConfiguration first",
                )
            })
        })
    })
}

fn mapping<'t>(content: &'t Tree, name: &str) -> Option<&'t Value> {
    let containers = content.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten();
    let mut mappings =
        containers.filter_map(|container| container.get("portMappings").and_then(Value::as_array)).flatten();
    mappings.find(|mapping| mapping.get("name").and_then(Value::as_str) == Some(name))
}

fn spoken<'m>(mapping: &'m Value, member: &str) -> &'m str {
    let absent = if member == "protocol" { "tcp" } else { "none" };
    mapping.get(member).and_then(Value::as_str).unwrap_or(absent)
}
