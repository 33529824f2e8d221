//! A service's `loadBalancers` block against the declared target groups. The block is replaced as a whole, so what is
//! sent contains every other live member unchanged (R8a).

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{
    DesiredPort, DesiredService, Given, LoadBalancerEntry, NetworkMode, ObjectRef, Observed, Registrar, Seen, Service,
    TargetGroupArn,
};

use super::action::{Ref, WiredEntry};
use super::change::{Change, WaitingOn};
use super::draft::{DraftId, Drafts, Obstacle};
use super::field::Field;
use super::handover::{self, Leaving};
use super::reason::Reason;
use super::{resolve, target_group};

/// ECS takes at most this many target groups on a service.
pub(super) const MOST_TARGET_GROUPS: usize = 5;

/// The block to send and what differs; no changes: it is as declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Wiring {
    pub(super) entries: Vec<WiredEntry>,
    pub(super) changes: Vec<Change>,
    /// Keys of target groups that get a new or corrected entry: they need a load balancer first.
    pub(super) wired: BTreeSet<String>,
    /// An entry goes.
    pub(super) removes: bool,
}

pub(super) fn diff_wiring(
    given: &Given<'_>,
    wanted: &DesiredService,
    live: &Service,
    mode: NetworkMode,
    unmapped: &BTreeSet<String>,
    now: Timestamp,
    obstacles: &mut Vec<Obstacle>,
) -> Wiring {
    let known = |entry: &LoadBalancerEntry| (entry.target_group.clone().map(Ref::Known), entry.clone());
    let mut wiring = Wiring { entries: live.load_balancers.iter().map(known).collect(), ..Wiring::default() };
    wire_ports(given, &mut wiring, wanted, (mode, unmapped), obstacles);
    for (arn, leaving) in handover::leaving(given, live, now) {
        // Until when the others stay is said where the handover is planned.
        if leaving.is_ok_and(|leaving| leaving == Leaving::Now) {
            drop_replaced(&mut wiring, &arn);
        }
    }
    within_limit(&mut wiring, obstacles);
    wiring
}

/// The block of a service that does not exist yet.
pub(super) fn of_new(
    given: &Given<'_>,
    wanted: &DesiredService,
    mode: NetworkMode,
    unmapped: &BTreeSet<String>,
    obstacles: &mut Vec<Obstacle>,
) -> Wiring {
    let mut wiring = Wiring::default();
    wire_ports(given, &mut wiring, wanted, (mode, unmapped), obstacles);
    within_limit(&mut wiring, obstacles);
    wiring
}

fn within_limit(wiring: &mut Wiring, obstacles: &mut Vec<Obstacle>) {
    if wiring.entries.len() > MOST_TARGET_GROUPS && !wiring.changes.is_empty() {
        obstacles.push(Obstacle::difference(
            "loadBalancers",
            Reason::new(
                format!(
                    "the service would have {} target groups, undeclared ones included, and ECS takes at most \
                     {MOST_TARGET_GROUPS}",
                    wiring.entries.len()
                ),
                "take one out of it first",
            ),
        ));
        wiring.changes.clear();
    }
}

/// Adds the entries of a service definition for target groups that no document describes: they are wired as written, and nothing
/// else is done with them.
fn wire_undescribed(given: &Given<'_>, wiring: &mut Wiring, wanted: &DesiredService) {
    let is_described = |entry: &&LoadBalancerEntry| {
        let Some(arn) = &entry.target_group else { return false };
        given.desired.target_groups.values().any(|group| group.name == arn.name() || group.name == arn.as_str())
    };
    for entry in wanted.load_balancers.iter().filter(|entry| !is_described(entry)) {
        let is_same = |(_, other): &WiredEntry| {
            (&other.target_group, &other.classic, &other.container, other.container_port)
                == (&entry.target_group, &entry.classic, &entry.container, entry.container_port)
        };
        if wiring.entries.iter().any(is_same) {
            continue;
        }
        let name = entry.target_group.as_ref().map(TargetGroupArn::name).or(entry.classic.as_deref());
        wiring.changes.push(Change {
            field: Field::LoadBalancers,
            live: None,
            desired: Some(format!("{} ← {}:{}", name.unwrap_or_default(), entry.container, entry.container_port)),
        });
        wiring.entries.push((entry.target_group.clone().map(Ref::Known), entry.clone()));
    }
}

/// Adds what the ports declare and takes out what they exclude.
fn wire_ports(
    given: &Given<'_>,
    wiring: &mut Wiring,
    wanted: &DesiredService,
    (mode, unmapped): (NetworkMode, &BTreeSet<String>),
    obstacles: &mut Vec<Obstacle>,
) {
    let is_of_ecs = |port: &&DesiredPort| port.registrar == Registrar::Ecs && !unmapped.contains(&port.name);
    for port in wanted.ports.iter().flatten().filter(is_of_ecs) {
        let Some(keys) = &port.target_groups else { continue };
        if keys.is_empty() {
            unwire(wiring, port);
        }
        for key in keys {
            if let Err(obstacle) = wire(given, wiring, port, key, mode) {
                obstacles.push(obstacle);
            }
        }
    }
    wire_undescribed(given, wiring, wanted);
}

/// `targetGroups: []`: manage the port's entries and keep none.
fn unwire(wiring: &mut Wiring, port: &DesiredPort) {
    let is_of_port =
        |entry: &LoadBalancerEntry| entry.container == port.container && entry.container_port == port.container_port;
    let (gone, kept) = std::mem::take(&mut wiring.entries).into_iter().partition(|(_, entry)| is_of_port(entry));
    wiring.entries = kept;
    for (_, entry) in gone {
        wiring.removes = true;
        let target_group = entry.target_group.as_ref().map(ToString::to_string);
        wiring.changes.push(Change {
            field: Field::PortTargetGroups(port.name.clone()),
            live: target_group.or(entry.classic),
            desired: None,
        });
    }
}

/// A target group whose requests have moved to another one leaves the service.
fn drop_replaced(wiring: &mut Wiring, arn: &TargetGroupArn) {
    let is_of = |entry: &LoadBalancerEntry| entry.target_group.as_ref() == Some(arn);
    let (gone, kept) = std::mem::take(&mut wiring.entries).into_iter().partition(|(_, entry)| is_of(entry));
    wiring.entries = kept;
    for (_, entry) in gone {
        wiring.removes = true;
        wiring.changes.push(Change {
            field: Field::LoadBalancers,
            live: Some(format!("{} ← {}:{}", arn.name(), entry.container, entry.container_port)),
            desired: None,
        });
    }
}

fn wire(
    given: &Given<'_>,
    wiring: &mut Wiring,
    port: &DesiredPort,
    key: &str,
    mode: NetworkMode,
) -> Result<(), Obstacle> {
    let what = format!("target group {key} on port {}", port.name);
    let Some(group) = given.desired.target_groups.get(key) else {
        return Err(Obstacle::difference(what, format!("no TargetGroup is called {key} in this fleet")));
    };
    let wanted_type = mode.target_type();
    let target = match resolve::target_group(given, group) {
        Seen::Unknown(gap) => return Err(Obstacle::gap(what, gap)),
        Seen::Absent => Ref::Output(ObjectRef::target_group(key)),
        Seen::Present(live) if live.target_type != wanted_type => {
            return Err(Obstacle::difference(
                what,
                Reason::new(
                    format!(
                        "{} has target type {}, which ECS refuses for network mode {mode} (it needs {})",
                        live.name,
                        live.target_type.as_str(),
                        wanted_type.as_str()
                    ),
                    format!("declare another target group with targetType: {}", wanted_type.as_str()),
                ),
            ));
        }
        Seen::Present(live) => {
            // Their group would send their requests to our tasks.
            target_group::may_touch(&given.desired.fleet.name, live)?;
            Ref::Known(live.arn.clone())
        }
    };
    let feeds = |entry: &LoadBalancerEntry| match &target {
        Ref::Known(arn) => {
            let alternate = entry.advanced.as_ref().and_then(|advanced| advanced.alternate_target_group.as_ref());
            entry.target_group.as_ref() == Some(arn) || alternate == Some(arn)
        }
        Ref::Output(_) => false,
    };
    let place = |container: &str, container_port: u16| format!("{key} ← {container}:{container_port}");
    let here = place(&port.container, port.container_port);
    let field = Field::PortTargetGroups(port.name.clone());
    let same =
        |entry: &LoadBalancerEntry| entry.container == port.container && entry.container_port == port.container_port;
    if wiring.entries.iter().any(|(_, entry)| feeds(entry) && same(entry)) {
        return Ok(());
    }
    if let Some(Obstacle { waiting_on: WaitingOn::Difference(_), .. }) = handover::refused(given, key) {
        let sentence = Reason::new(
            format!("TargetGroup/{key} cannot take the place of the target group that serves now"),
            "see the entry of that target group",
        );
        return Err(Obstacle::difference(what, sentence));
    }
    let live = if let Some((_, entry)) = wiring.entries.iter_mut().find(|(_, entry)| feeds(entry)) {
        let live = place(&entry.container, entry.container_port);
        entry.container.clone_from(&port.container);
        entry.container_port = port.container_port;
        Some(live)
    } else {
        let entry = LoadBalancerEntry {
            target_group: match &target {
                Ref::Known(arn) => Some(arn.clone()),
                Ref::Output(_) => None,
            },
            container: port.container.clone(),
            container_port: port.container_port,
            ..LoadBalancerEntry::default()
        };
        match wiring.entries.iter_mut().find(|(_, entry)| is_of_deleted(given.observed, entry, &group.name)) {
            Some(dead) => {
                let live = format!("{} (deleted)", place(&dead.1.container, dead.1.container_port));
                *dead = (Some(target), entry);
                Some(live)
            }
            None => {
                wiring.entries.push((Some(target), entry));
                None
            }
        }
    };
    wiring.changes.push(Change { field, live, desired: Some(here) });
    wiring.wired.insert(key.to_owned());
    Ok(())
}

/// Whether an entry names a target group of this name that is gone: it was deleted, and the one that has its name
/// now, or will, is another one to AWS. As long as the block names the old one, ECS refuses every block and no
/// deployment ends. Where ECS swings between two groups the entry is its own.
fn is_of_deleted(observed: &Observed, entry: &LoadBalancerEntry, name: &str) -> bool {
    let (Some(arn), None) = (&entry.target_group, &entry.advanced) else { return false };
    let Seen::Present(all) = &observed.target_groups else { return false };
    arn.name() == name && !all.iter().any(|group| group.arn == *arn)
}

/// ECS refuses a target group that no load balancer uses: the steps that attach it come first.
pub(super) fn waits_for(given: &Given<'_>, key: &str, drafts: &Drafts) -> Result<BTreeSet<DraftId>, Obstacle> {
    let object = ObjectRef::target_group(key);
    let attaching = drafts.attaching(&object);
    if !attaching.is_empty() {
        return Ok(attaching);
    }
    let group = given.desired.target_groups.get(key);
    let live = group.and_then(|group| resolve::target_group(given, group).present());
    if live.is_some_and(|live| !live.load_balancers.is_empty()) {
        return Ok(Default::default());
    }
    Err(Obstacle::difference(
        "loadBalancers",
        Reason::new(
            format!("{object} has no load balancer yet, and ECS takes only target groups that have one"),
            "give it a route",
        ),
    ))
}
