//! The network of a service's tasks, compared with the manifest. ECS replaces the block as a whole, with a new deployment.

use crate::model::{Awsvpc, DesiredService, Given, Network, NetworkMode, Service};

use super::change::Change;
use super::draft::Obstacle;
use super::field::Field;
use super::{members, resolve};

/// The block to send, with what differs in it; `None`: nothing does.
pub(super) fn diff_network(
    given: &Given<'_>,
    wanted: &DesiredService,
    live: &Service,
    network: &Network,
) -> Result<Option<(Awsvpc, Vec<Change>)>, Obstacle> {
    let Some(current) = &live.network else { return Ok(None) };
    let Network { mode, subnets, security_groups, ingress_group: _, assign_public_ip } = network;
    let names_things = subnets.is_some() || security_groups.is_some();
    if mode.is_some_and(|mode| mode != NetworkMode::Awsvpc) || !(names_things || assign_public_ip.is_some()) {
        return Ok(None);
    }
    // AWS reads DISABLED back where nobody wrote it.
    let now = current.assign_public_ip.as_deref().unwrap_or(members::switch(false));
    let public = assign_public_ip.map(members::switch).filter(|wanted| *wanted != now);
    if !names_things && public.is_none() {
        return Ok(None);
    }
    let vpc = resolve::vpc_of_service(given, wanted)?;
    let subnets = subnets.as_ref().map(|names| resolve::subnets(given.observed, vpc, names)).transpose()?;
    let subnets = subnets.filter(|subnets| *subnets != current.subnets);
    let groups = security_groups.as_ref().map(|names| resolve::security_groups(given, vpc, names)).transpose()?;
    let groups = groups.filter(|groups| *groups != current.security_groups);
    if subnets.is_none() && groups.is_none() && public.is_none() {
        return Ok(None);
    }
    let mut block = current.clone();
    let mut changes = Vec::new();
    if let Some(subnets) = subnets {
        changes.push(set_change(Field::Subnets, &current.subnets, &subnets));
        block.subnets = subnets;
    }
    if let Some(groups) = groups {
        changes.push(set_change(Field::SecurityGroups, &current.security_groups, &groups));
        block.security_groups = groups;
    }
    if let Some(public) = public {
        changes.push(Change::of(Field::AssignPublicIp, Some(now.to_owned()), Some(public.to_owned())));
        block.assign_public_ip = Some(public.to_owned());
    }
    Ok(Some((block, changes)))
}

fn set_change<T: ToString>(
    field: Field,
    live: impl IntoIterator<Item = T>,
    desired: impl IntoIterator<Item = T>,
) -> Change {
    let list = |items: Vec<String>| (!items.is_empty()).then(|| items.join(", "));
    Change {
        field,
        live: list(live.into_iter().map(|item| item.to_string()).collect()),
        desired: list(desired.into_iter().map(|item| item.to_string()).collect()),
    }
}
