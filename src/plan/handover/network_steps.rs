//! The steps of handovers behind network load balancers: default actions that name two target groups, and the tags that say
//! when connections move.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::owner::{MOVED_TAG, REPLACES_TAG};
use crate::model::{Given, ObjectRef, Tags, TargetGroupArn};

use super::super::action::{Action, Ref};
use super::super::change::Change;
use super::super::draft::{Draft, DraftId, Drafts, Obstacle};
use super::super::field::Field;
use super::super::prune::mark_of;
use super::super::weights;
use super::{Handover, deployed_first, network};

/// The default action of a network load balancer's listener names another target group with weight 0: the new one before the
/// move, the old one after it.
pub(super) fn beside(
    found: &Handover<'_>,
    serving: Ref<TargetGroupArn>,
    idle: Ref<TargetGroupArn>,
    after: BTreeSet<DraftId>,
    drafts: &mut Drafts,
) -> DraftId {
    let live = found.listener;
    let is_new = serving == Ref::Known(found.old.arn.clone());
    let (name, reason) = if is_new {
        let why = "its targets are checked only while a listener names it; with weight 0 it gets no connections";
        (found.key, format!("{} replaces {}: {why}", found.key, found.old.name))
    } else {
        let why = "ECS takes its tasks as healthy only while it has a load balancer";
        (found.old.name.as_str(), format!("connections no longer go to {}, and {why}", found.old.name))
    };
    let before = weights::describe(&live.default_actions);
    let then =
        if is_new { format!("{} ×1, {name} ×0", found.old.name) } else { format!("{} ×1, {name} ×0", found.key) };
    drafts.push(Draft {
        action: Action::ModifyListener {
            listener: live.arn.clone(),
            target_group: serving,
            idle: Some(idle),
            expect: live.default_actions.clone(),
        },
        object: ObjectRef::target_group(found.key),
        also: BTreeSet::new(),
        target: live.arn.to_string(),
        summary: format!("add {name} to the default action of listener {}, with weight 0", live.port),
        reason,
        changes: vec![Change::of(Field::DefaultForward, Some(before), Some(then))],
        after,
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    })
}

/// Writes on the new target group when connections move, before they do: a run may end between the two.
pub(super) fn write_time(
    given: &Given<'_>,
    found: &Handover<'_>,
    now: Timestamp,
    moves: &BTreeSet<DraftId>,
    drafts: &mut Drafts,
) -> Result<(), Obstacle> {
    let Ref::Known(new) = found.new_group(given)? else { return Ok(()) };
    if network::is_written(given, &new, &found.old.arn, now) {
        return Ok(());
    }
    let tags = given.target_group(new.as_str()).present().and_then(|live| live.tags.as_ref().present());
    // The time is not among the changes: a plan that is shown a minute later is the same plan.
    let time = now.strftime("%FT%TZ").to_string();
    let id = drafts.push(Draft {
        action: Action::AddTags {
            mark: tags.map(mark_of).unwrap_or_default(),
            tags: Tags::from([(REPLACES_TAG.to_owned(), found.old.arn.to_string()), (MOVED_TAG.to_owned(), time)]),
            target_group: new.clone(),
        },
        object: ObjectRef::target_group(found.key),
        also: BTreeSet::new(),
        target: new.to_string(),
        summary: format!("write on {} when connections move to it", found.key),
        reason: format!("how long {} stays in its services is counted from then", found.old.name),
        changes: vec![Change::of(Field::Tag(MOVED_TAG.to_owned()), None, Some("the time of this step".to_owned()))],
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    });
    for moving in moves {
        drafts.steps[*moving].after.insert(id);
    }
    Ok(())
}

/// Takes a target group with weight 0 out of a default action once no service names it and no deployment could go back to it.
pub(super) fn let_go(given: &Given<'_>, pair: &network::Pair<'_>, object: ObjectRef, drafts: &mut Drafts) {
    let name = pair.idle.name();
    let live = pair.listener;
    let what = format!("take {name} out of the default action of listener {}", live.port);
    if let [service, ..] = given.services_feeding(pair.idle) {
        return drafts.plan_later(&object, what, deployed_first(&service.id, name));
    }
    let mut services = given.services_feeding(pair.serving).iter();
    if let Some(deploying) = services.find(|service| service.is_deploying()) {
        return drafts.plan_later(&object, what, format!("a deployment of service {} is in progress", deploying.id));
    }
    drafts.push(Draft {
        action: Action::ModifyListener {
            listener: live.arn.clone(),
            target_group: Ref::Known(pair.serving.clone()),
            idle: None,
            expect: live.default_actions.clone(),
        },
        object,
        also: BTreeSet::new(),
        target: live.arn.to_string(),
        summary: what,
        reason: "its weight is 0, and no service names it any more".to_owned(),
        changes: vec![Change::of(
            Field::DefaultForward,
            Some(weights::describe(&live.default_actions)),
            Some(pair.serving.name().to_owned()),
        )],
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    });
}
