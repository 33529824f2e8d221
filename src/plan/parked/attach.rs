//! Target groups that nothing leads to, while a live rule or default action that serves has to lead to them: a temporary rule
//! that no request matches attaches them until enough of their targets are healthy.

use crate::model::owner::REPLACES_TAG;
use crate::model::{Conditions, Given, Listener, LoadBalancerKind, Seen};

use super::super::action::Action;
use super::super::by_resource::ListenerChange;
use super::super::change::{Change, WaitingOn};
use super::super::draft::Draft;
use super::super::evidence;
use super::super::field::Field;
use super::super::resolve;
use super::super::temporary;
use super::{Parking, balancer_of, checks, conditions};

/// How a target group that nothing leads to gets health checks before a live rule or default action leads to it.
pub(super) fn attach(given: &Given<'_>, draft: &Draft) -> Option<Result<Parking, WaitingOn>> {
    let key = &draft.object.key;
    if temporary::attaching(given, key).is_some() {
        return Some(Ok(Parking::Wait));
    }
    let listener = listener_of(given, &draft.action)?;
    let is_application = balancer_of(given, listener)?.kind == LoadBalancerKind::Application;
    (is_application && is_unattached(given, key)).then(|| {
        checks::can_pass(given, &draft.object)?;
        conditions(given, listener).map(Parking::Attach)
    })
}

/// Whether no load balancer checks the targets of a declared target group.
pub(super) fn is_unattached(given: &Given<'_>, key: &str) -> bool {
    let Some(group) = given.desired.target_groups.get(key) else { return false };
    match resolve::target_group(given, group) {
        Seen::Present(live) => live.load_balancers.is_empty(),
        Seen::Absent => true,
        Seen::Unknown(_) => false,
    }
}

/// The listener whose rule or default action a step changes.
pub(in super::super) fn listener_of<'a>(given: &Given<'a>, action: &Action) -> Option<&'a Listener> {
    let arn = evidence::listener_of(given.observed, action)?;
    let mut lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten();
    lists.find(|listener| listener.arn == *arn)
}

/// The temporary rule that attaches the target group of a step which waits for it.
pub(in super::super) fn attaching(
    given: &Given<'_>,
    draft: &Draft,
    priority: u32,
    nobody: Conditions,
) -> Option<Draft> {
    let to = match draft.action.on_listener()? {
        ListenerChange::ModifyRule { edit, .. } => edit.forward.clone()?,
        ListenerChange::ModifyListener { target_group, .. } => target_group.clone(),
        ListenerChange::CreateRule { .. }
        | ListenerChange::SetRulePriorities { .. }
        | ListenerChange::DeleteRule { .. } => return None,
    };
    let listener = listener_of(given, &draft.action)?;
    let (object, name) = (draft.object.clone(), &draft.object.key);
    let mut tags = given.desired.fleet.tags_for(&object);
    tags.insert(REPLACES_TAG.to_owned(), temporary::NOTHING.to_owned());
    Some(Draft {
        action: Action::CreateRule {
            listener: listener.arn.clone(),
            priority,
            conditions: nobody,
            target_group: to,
            tags,
        },
        object,
        also: draft.also.clone(),
        target: listener.arn.to_string(),
        summary: format!("create temporary rule {priority} on listener {}: no request → {name}", listener.port),
        reason: format!("{name} needs a rule before its targets are checked, and takes no requests yet"),
        changes: vec![
            Change::of(Field::TemporaryRule, None, Some(priority.to_string())),
            Change::of(Field::TemporaryForward, None, Some(name.clone())),
        ],
        after: draft.after.clone(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    })
}
