//! No target group and no rule is made that nothing would use: one whose routes cannot be made, or whose service does not
//! exist.

use crate::model::{DesiredService, DesiredTargetGroup, Given, ObjectRef, Seen, ServiceStatus};

use super::action::Action;
use super::change::WaitingOn;
use super::draft::Drafts;
use super::new_service;
use super::reason::Reason;

/// Why nothing would ever be registered in a target group: no service that the manifest names for it exists, and it
/// declares no target. A service that could not be read may exist.
pub(super) fn without_service(given: &Given<'_>, wanted: &DesiredTargetGroup) -> Option<Reason> {
    if wanted.targets.iter().flatten().next().is_some() {
        return None;
    }
    let services: Vec<_> = given.ports_of(&wanted.key).map(|(service, _)| service).collect();
    let is_gone = |service: &&DesiredService| match given.observed.service(&service.id) {
        // One that this plan creates needs its target group first.
        Seen::Absent => !new_service::is_wanted(given, service) || new_service::new_service(given, service).is_err(),
        Seen::Present(live) => live.status == ServiceStatus::Draining,
        Seen::Unknown(_) => false,
    };
    let first = &services.first()?.id;
    services.iter().all(is_gone).then(|| Reason::new(format!("service {first} does not exist"), "create it first"))
}

/// Why a target group that does not exist is not made: a route of it lacks the priority that AWS needs.
pub(super) fn without_priority(wanted: &DesiredTargetGroup) -> Option<Reason> {
    let route = wanted.routes.iter().flatten().find(|route| !route.default && route.priority.is_none())?;
    Some(format!("its route on listener {} has no priority, and AWS makes no rule without one", route.listener).into())
}

/// Holds back the creation of target groups for which the manifest declares routes, and to which no step leads: none was
/// planned.
pub(super) fn hold_orphans(given: &Given<'_>, drafts: &mut Drafts) {
    for id in 0..drafts.steps.len() {
        let object = drafts.steps[id].object.clone();
        let is_creation = matches!(drafts.steps[id].action, Action::CreateTargetGroup(_));
        let group = given.desired.target_groups.get(&object.key);
        let has_routes = group.is_some_and(|group| group.routes.iter().flatten().next().is_some());
        if is_creation && has_routes && drafts.attaching(&object).is_empty() {
            drafts.steps[id].held = Some(why(drafts, &object));
        }
    }
}

/// What was not read is a gap here too; else a way to the group is blocked, with its own reason.
fn why(drafts: &Drafts, object: &ObjectRef) -> WaitingOn {
    let mut entries = drafts.blocked.iter().filter(|entry| entry.object == *object).map(|entry| &entry.waiting_on);
    entries
        .find(|why| matches!(why, WaitingOn::Gap(_)))
        .cloned()
        .unwrap_or_else(|| WaitingOn::difference("no load balancer would use it: none of its routes can be made"))
}
