//! A container that the running revision does not have: it was renamed, or the manifest is ahead. ECS checks the task
//! definition and `loadBalancers` of an UpdateService against each other, so both must change in the same call.

use jiff::Timestamp;

use crate::model::{DesiredService, Given, LoadBalancerEntry, Service, TaskDefinition};

use super::action::{Ref, WiredEntry};
use super::wiring::diff_wiring;

/// The AWS CLI command that deploys the newest revision of the family with the declared entries; `None`: an entry has
/// parts that the short form of the command cannot say, or its target group does not exist yet.
pub(super) fn one_call(
    given: &Given<'_>,
    wanted: &DesiredService,
    live: &Service,
    definition: &TaskDefinition,
    now: Timestamp,
) -> Option<String> {
    // What else differs is reported where it is planned.
    let mut obstacles = Vec::new();
    let mode = definition.network_mode;
    let wiring = diff_wiring(given, wanted, live, mode, &Default::default(), now, &mut obstacles);
    let entries: Vec<String> = wiring.entries.iter().map(written).collect::<Option<_>>()?;
    if !obstacles.is_empty() || entries.is_empty() {
        return None;
    }
    Some(format!(
        "aws ecs update-service --cluster {} --service {} --task-definition {} --load-balancers {}",
        wanted.id.cluster,
        wanted.id.name,
        definition.family,
        entries.join(" ")
    ))
}

fn written((target, entry): &WiredEntry) -> Option<String> {
    let LoadBalancerEntry { target_group: _, classic, container, container_port, advanced } = entry;
    let place = match (target, classic, advanced) {
        (Some(Ref::Known(arn)), None, None) => format!("targetGroupArn={arn}"),
        (None, Some(name), None) => format!("loadBalancerName={name}"),
        _ => return None,
    };
    Some(format!("{place},containerName={container},containerPort={container_port}"))
}
