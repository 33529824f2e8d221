//! Which drafts a plan holds back: observed or suspended objects, deployments in progress, denied redeployments, partial
//! observations, budgets, and everything that depends on a step held back. What is held back stays visible as blocked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{
    Conditions, DeploymentController, Desired, DesiredService, Given, Mode, ObjectKind, ObjectRef, Observed, Redeploy,
    Seen, Strategy, Suspend,
};

use super::action::Action;
use super::change::{Blocked, Planned, WaitingOn};
use super::draft::{Draft, DraftId, Drafts};
use super::listener_planner::ListenerPlanner;
use super::parked::{Parking, dns_failover};
use super::reason::Reason;
use super::{Policy, Veto, check_order, concurrent, consent, edges, parked, resolve, stuck, traffic};

/// Everything that holds a single draft back, in the order in which it is asked.
pub(super) fn hold_back(given: &Given<'_>, policy: &Policy, now: Timestamp, vetoes: &[Veto], drafts: &mut Drafts) {
    let mut held: BTreeMap<DraftId, WaitingOn> = BTreeMap::new();
    tell_what_is_not_waited_for(given, now, drafts);
    for (id, draft) in drafts.steps.iter().enumerate() {
        let objects = || draft.also.iter().chain([&draft.object]);
        let why = objects()
            .find_map(|object| by_mode(given, now, object))
            .or_else(|| objects().find_map(|object| by_deployment(given, now, object, draft)))
            .or_else(|| draft.held.clone())
            .or_else(|| policy.command.is_none().then(|| by_redeploy(given.desired, draft)).flatten())
            .or_else(|| by_partial_view(given.observed, draft))
            .or_else(|| by_veto(vetoes, draft));
        if let Some(why) = why {
            held.insert(id, why);
        }
    }
    edges::hold_dependents(&drafts.steps, &mut held);
    let mut later = BTreeMap::new();
    if !policy.force {
        let parked = traffic::hold_back(given, &drafts.steps, &mut held);
        edges::hold_dependents(&drafts.steps, &mut held);
        for (id, receivers) in traffic::receivers_of(given, &drafts.steps, &held, &parked) {
            drafts.steps[id].receivers = receivers;
        }
        later = park(given, vetoes, parked, drafts, &mut held);
    }
    dns_failover::settle(given, drafts, &mut held, &mut later);
    edges::hold_dependents(&drafts.steps, &mut held);
    if policy.command.is_none() {
        concurrent::put_off(given, now, drafts, &mut held, &mut later);
    }
    check_order::put_off(given, drafts, &mut held, &mut later);
    edges::hold_dependents(&drafts.steps, &mut held);
    let put_off: BTreeSet<DraftId> = later.keys().filter(|id| held.contains_key(id)).copied().collect();
    consent::hold_without_consent(given, policy, drafts, &mut held);
    if !policy.force {
        super::budget::hold_over_budget(given, drafts, &mut held);
    }
    edges::hold_dependents(&drafts.steps, &mut held);
    // What consent or the budget holds back is blocked, and no later pass is promised.
    later.retain(|id, _| put_off.contains(id) || !held.contains_key(id));
    take(drafts, held, later);
}

/// Makes the steps of parked rules out of those that would take requests too soon. Answers what later passes do, by the step
/// that it follows.
fn park(
    given: &Given<'_>,
    vetoes: &[Veto],
    parked: traffic::Parked,
    drafts: &mut Drafts,
    held: &mut BTreeMap<DraftId, WaitingOn>,
) -> BTreeMap<DraftId, Planned> {
    let mut later = BTreeMap::new();
    for (id, (parking, why)) in parked.into_iter().filter(|(id, _)| !held.contains_key(id)).collect::<Vec<_>>() {
        // Health checks begin with the rule: every port has to be open by then.
        let opening = opening(given, drafts, &drafts.steps[id].object);
        let opening: Vec<_> = opening.into_iter().filter(|other| !edges::leads_to(&drafts.steps, id, *other)).collect();
        drafts.steps[id].after.extend(opening);
        if let Parking::Attach(nobody) = &parking
            && let Err(waiting_on) = attach(given, vetoes, id, nobody.clone(), drafts)
        {
            held.insert(id, waiting_on);
            continue;
        }
        let draft = &mut drafts.steps[id];
        let (entry, is_left) = parked::park(draft, parking, &why);
        if let Some(why) = by_veto(vetoes, draft) {
            held.insert(id, why);
            continue;
        }
        if !is_left {
            held.insert(id, WaitingOn::difference(entry.because.clone()));
        }
        later.insert(id, entry);
    }
    put_off(drafts, held, &mut later);
    let waiting: BTreeSet<DraftId> = later.keys().filter(|id| held.contains_key(id)).copied().collect();
    edges::hold_dependents(&drafts.steps, held);
    // What became blocked only by what it depends on is blocked, and no later pass is promised.
    later.retain(|id, _| waiting.contains(id) || !held.contains_key(id));
    later
}

/// Makes the temporary rule for a step that waits, and lets go first with it what only needs the target group attached.
fn attach(
    given: &Given<'_>,
    vetoes: &[Veto],
    id: DraftId,
    nobody: Conditions,
    drafts: &mut Drafts,
) -> Result<(), WaitingOn> {
    let waiting = &drafts.steps[id];
    let Some(live) = parked::listener_of(given, &waiting.action) else { return Ok(()) };
    let what = format!("create a rule that no request matches, for {}", waiting.object.key);
    let planner = ListenerPlanner { given, live };
    planner.within_quota(&what, drafts).map_err(|obstacle| obstacle.waiting_on)?;
    let Some(priority) = planner.last_free_priority(drafts) else {
        return Err(WaitingOn::difference(Reason::new(
            format!("listener {} has no free priority", live.port),
            "delete a rule",
        )));
    };
    let Some(mut rule) = parked::attaching(given, waiting, priority, nobody) else { return Ok(()) };
    if let Some(why) = by_veto(vetoes, &rule) {
        return Err(why);
    }
    let key = rule.object.key.clone();
    if let Action::CreateRule { target_group, .. } = &rule.action {
        rule.after.extend(dns_failover::turn_off(given, &key, target_group.clone(), drafts)?);
    }
    let rule = drafts.push(rule);
    for draft in &mut drafts.steps {
        if draft.after.contains(&id) && !draft.removes && !draft.action.facts().moves_requests {
            draft.after.remove(&id);
            draft.after.insert(rule);
        }
    }
    Ok(())
}

/// What relies on a rule that takes requests waits until the parked one does: removals, and changes to rules and listeners.
/// Targets and tasks are what the parked rule is for.
fn put_off(drafts: &Drafts, held: &mut BTreeMap<DraftId, WaitingOn>, later: &mut BTreeMap<DraftId, Planned>) {
    let parked: Vec<DraftId> = later.keys().copied().collect();
    for (id, draft) in
        drafts.steps.iter().enumerate().filter(|(_, draft)| draft.removes || draft.action.facts().moves_requests)
    {
        if held.contains_key(&id) || parked.contains(&id) {
            continue;
        }
        let Some(first) = parked.iter().find(|first| edges::leads_to(&drafts.steps, **first, id)) else { continue };
        let because = format!("it comes after \"{}\"", later[first].what);
        held.insert(id, WaitingOn::difference(because.clone()));
        later.insert(id, Planned { object: draft.object.clone(), what: draft.summary.clone(), because });
    }
}

/// Steps that open ports for the tasks behind a target group.
fn opening(given: &Given<'_>, drafts: &Drafts, group: &ObjectRef) -> Vec<DraftId> {
    let services = services_of(given, group);
    let concerns = |object: &ObjectRef| {
        object == group || services.iter().any(|service| *object == ObjectRef::service(&service.key))
    };
    let opens = |draft: &Draft| {
        matches!(draft.action, Action::AuthorizeSecurityGroupIngress { .. })
            && draft.also.iter().chain([&draft.object]).any(concerns)
    };
    drafts.steps.iter().enumerate().filter(|(_, draft)| opens(draft)).map(|(id, _)| id).collect()
}

/// Turns drafts that are held back into blocked entries, or into what later passes do, and renumbers the edges of the others.
fn take(drafts: &mut Drafts, mut held: BTreeMap<DraftId, WaitingOn>, mut later: BTreeMap<DraftId, Planned>) {
    let steps = std::mem::take(&mut drafts.steps);
    let kept: BTreeMap<DraftId, DraftId> =
        (0..steps.len()).filter(|id| !held.contains_key(id)).enumerate().map(|(new, old)| (old, new)).collect();
    for (id, mut draft) in steps.into_iter().enumerate() {
        let planned = later.remove(&id);
        let waits = planned.is_some();
        drafts.planned.extend(planned);
        match held.remove(&id) {
            Some(_) if waits => {}
            Some(waiting_on) => {
                drafts.blocked.push(Blocked {
                    object: draft.object,
                    what: draft.summary,
                    waiting_on,
                    action: Some(draft.action),
                    changes: draft.changes,
                });
            }
            None => {
                draft.after = draft.after.iter().filter_map(|old| kept.get(old).copied()).collect();
                drafts.steps.push(draft);
            }
        }
    }
}

fn difference(reason: impl Into<Reason>) -> Option<WaitingOn> {
    Some(WaitingOn::difference(reason))
}

/// `mode: observe` and `suspend` of the object, or of the fleet.
fn by_mode(given: &Given<'_>, now: Timestamp, object: &ObjectRef) -> Option<WaitingOn> {
    let suspended = |suspend: &Suspend| {
        (suspend.until > now).then(|| format!("suspended until {}: {}", suspend.until, suspend.reason))
    };
    let (mode, suspend) = match object.kind {
        ObjectKind::Fleet => (given.desired.fleet.mode, None),
        ObjectKind::Service => {
            let service = given.desired.services.get(&object.key)?;
            (service.mode, service.suspend.as_ref())
        }
        ObjectKind::TargetGroup => (given.desired.target_groups.get(&object.key)?.mode, None),
    };
    if let Some(sentence) = suspend.and_then(suspended) {
        return difference(sentence);
    }
    // A target group is repaired for its services: while one is suspended, its way in stays as it is.
    if let Some(sentence) =
        services_of(given, object).into_iter().filter_map(|service| service.suspend.as_ref()).find_map(suspended)
    {
        return difference(format!("a service behind it is {sentence}"));
    }
    match mode {
        Mode::Enforce => None,
        Mode::Observe => Some(WaitingOn::ObserveMode),
    }
}

/// The services that an object is about: itself, or those behind the target group.
fn services_of<'a>(given: &Given<'a>, object: &ObjectRef) -> Vec<&'a DesiredService> {
    match object.kind {
        ObjectKind::Fleet => Vec::new(),
        ObjectKind::Service => given.desired.services.get(&object.key).into_iter().collect(),
        ObjectKind::TargetGroup => resolve::services_behind(given, &object.key),
    }
}

/// Steps without which a deployment cannot end do not wait for it, and say so.
fn tell_what_is_not_waited_for(given: &Given<'_>, now: Timestamp, drafts: &mut Drafts) {
    for draft in &mut drafts.steps {
        let services = services_of(given, &draft.object).into_iter();
        let deploying = services.filter_map(|service| given.observed.service(&service.id).present());
        let mut deploying = deploying.filter(|live| live.is_deploying());
        if let Some(why) = deploying.find_map(|live| stuck::why_not_wait(given, live, draft, now)) {
            draft.reason = format!("{}; {why}", draft.reason);
        }
    }
}

/// R7: while a deployment is in progress.
fn by_deployment(given: &Given<'_>, now: Timestamp, object: &ObjectRef, draft: &Draft) -> Option<WaitingOn> {
    // It ends the deployment that others wait for.
    if matches!(draft.action, Action::StopServiceDeployment { .. }) {
        return None;
    }
    for service in services_of(given, object) {
        let live = match given.observed.service(&service.id) {
            Seen::Present(live) => live,
            Seen::Absent => continue,
            Seen::Unknown(gap) if draft.action.facts().moves_requests || draft.removes => {
                return Some(WaitingOn::Gap(gap));
            }
            Seen::Unknown(_) => continue,
        };
        if !live.is_deploying() || stuck::why_not_wait(given, live, draft, now).is_some() {
            continue;
        }
        let deploys = draft.redeploys || matches!(draft.action, Action::RegisterTaskDefinition { .. });
        if deploys && live.has_given_up() {
            continue;
        }
        if draft.removes || deploys {
            return difference(Reason::new(
                format!("a deployment of service {} is in progress", service.id),
                stuck::way_out(given, live, draft),
            ));
        }
        let rolling = live.controller == DeploymentController::Ecs && live.strategy == Strategy::Rolling;
        // Opening a port is all that helps a deployment.
        if !rolling && !matches!(draft.action, Action::AuthorizeSecurityGroupIngress { .. }) {
            return difference(Reason::new(
                format!("a deployment of service {} is in progress, and its controller moves the traffic", service.id),
                "wait for it to end: the next pass decides",
            ));
        }
    }
    None
}

fn by_redeploy(desired: &Desired, draft: &Draft) -> Option<WaitingOn> {
    let needs_it = draft.redeploys || matches!(draft.action, Action::RegisterTaskDefinition { .. });
    let service = desired.services.get(&draft.object.key).filter(|_| draft.object.kind == ObjectKind::Service);
    let own = service.map_or(desired.fleet.redeploy, |service| service.redeploy);
    match own {
        Redeploy::Deny if needs_it => difference(Reason::new(
            match desired.fleet.redeploy {
                Redeploy::Deny => "it starts a deployment, and the Fleet says redeploy: deny",
                Redeploy::Allow => "it starts a deployment, and the Service says redeploy: deny",
            },
            "write redeploy: allow to permit it",
        )),
        Redeploy::Deny | Redeploy::Allow => None,
    }
}

fn by_veto(vetoes: &[Veto], draft: &Draft) -> Option<WaitingOn> {
    let veto = vetoes.iter().find(|veto| veto.object == draft.object && veto.action == draft.action)?;
    Some(veto.why.clone())
}

/// R11: a partial observation removes nothing.
fn by_partial_view(observed: &Observed, draft: &Draft) -> Option<WaitingOn> {
    let (_, gap) = observed.gaps.iter().find(|(_, gap)| draft.removes && observed.hides_what_stands(gap))?;
    Some(WaitingOn::Gap(gap.clone()))
}

/// `--only`: keeps the objects that were named, and what they need.
pub(super) fn keep_only(desired: &Desired, only: &BTreeSet<ObjectRef>, drafts: &mut Drafts) {
    let wanted = with_target_groups(desired, only);
    let concerns = |draft: &Draft| draft.also.iter().chain([&draft.object]).any(|object| wanted.contains(object));
    drafts.blocked.retain(|entry| wanted.contains(&entry.object));
    drafts.planned.retain(|entry| wanted.contains(&entry.object));
    drafts.deferred.retain(|entry| wanted.contains(&entry.object));
    drafts.findings.retain(|entry| wanted.contains(&entry.object));
    let asked: BTreeSet<DraftId> =
        drafts.steps.iter().enumerate().filter(|(_, draft)| concerns(draft)).map(|(id, _)| id).collect();
    let mut needed = BTreeSet::new();
    for id in asked {
        let chain = edges::with_providers(&drafts.steps, BTreeSet::from([id]));
        let objects = chain.iter().flat_map(|id| drafts.steps[*id].also.iter());
        match objects.into_iter().find(|object| !wanted.contains(object)) {
            None => needed.extend(chain),
            Some(other) => {
                let draft = &drafts.steps[id];
                let waiting_on =
                    WaitingOn::difference(Reason::new(format!("it also changes {other}"), "name that in --only too"));
                let (object, what, changes) = (draft.object.clone(), draft.summary.clone(), draft.changes.clone());
                let action = Some(draft.action.clone());
                drafts.blocked.push(Blocked { object, what, waiting_on, action, changes });
            }
        }
    }
    let steps = std::mem::take(&mut drafts.steps);
    let kept: BTreeMap<DraftId, DraftId> = needed.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    for (_, mut draft) in steps.into_iter().enumerate().filter(|(id, _)| needed.contains(id)) {
        draft.after = draft.after.iter().filter_map(|old| kept.get(old).copied()).collect();
        drafts.steps.push(draft);
    }
}

/// A service brings its target groups.
pub(super) fn with_target_groups(desired: &Desired, only: &BTreeSet<ObjectRef>) -> BTreeSet<ObjectRef> {
    let mut wanted = only.clone();
    for object in only {
        let Some(service) = desired.services.get(&object.key).filter(|_| object.kind == ObjectKind::Service) else {
            continue;
        };
        let keys = service.ports.iter().flatten().flat_map(|port| port.target_groups.iter().flatten());
        wanted.extend(keys.map(|key| ObjectRef::target_group(key)));
    }
    wanted
}
