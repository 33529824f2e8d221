//! R2a: no traffic moves to nothing. Judged once, on the table of rules that a listener would have after all steps that
//! are left: a target group that gets requests which another one serves now must have a healthy target.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Conditions, Gap, Given, ListenerArn, Observed, Owner, RuleActions, Seen, Serve, TargetGroupArn, TargetState,
};

use super::action::{Action, Ref};
use super::by_resource::ListenerChange;
use super::change::{Receivers, WaitingOn};
use super::draft::{Draft, DraftId};
use super::edges;
use super::handover::other_forward;
use super::parked::{Parking, parking};
use super::reason::Reason;
use super::serving::{EVERY_REQUEST, Serving, has_healthy_target, rule_serves, serves};

/// Who gets the requests of an entry in the end.
enum Receiver<'a> {
    /// A group that a step forwards to.
    Group(&'a Ref<TargetGroupArn>),
    /// What the live action does.
    Live(&'a RuleActions),
}

/// A rule or default action: as it is, and as the steps would leave it.
struct Entry<'a> {
    name: String,
    /// Priority, conditions and serving now; `None` for a rule that a step creates.
    now: Option<(u32, &'a Conditions, Serving)>,
    priority: u32,
    conditions: &'a Conditions,
    receiver: Receiver<'a>,
    /// What it does now, if it is there.
    live: Option<&'a RuleActions>,
    forward_changes: bool,
    /// An unmarked rule's edited conditions, where its priority says that it is ours: they come back freely.
    free_conditions: bool,
    deleted: bool,
    steps: BTreeSet<DraftId>,
}

/// The default action is tried last.
const LAST: u32 = u32::MAX;

/// The steps whose rules no request matches for now, each with the reason.
pub(super) type Parked = BTreeMap<DraftId, (Parking, String)>;

/// Holds back every step that would give requests which something serves now to something that serves nothing. A rule that
/// can wait parked is not held back; it is in the answer.
pub(super) fn hold_back(given: &Given<'_>, steps: &[Draft], held: &mut BTreeMap<DraftId, WaitingOn>) -> Parked {
    let mut parked = Parked::new();
    if steps.is_empty() {
        return parked;
    }
    let listeners: BTreeSet<&ListenerArn> =
        given.observed.rules.keys().chain(default_listeners(given.observed)).collect();
    for listener in listeners {
        // A step that stays out changes the table for the others.
        loop {
            let found = harm(given, &table(given, listener, steps, held, &parked));
            let Some((ids, why)) = found else { break };
            let waiting_on = match (why, park(given, steps, &ids, &parked)) {
                (Why::Empty { fact, advice: _ }, Some((id, Ok(parking)))) => {
                    parked.insert(id, (parking, fact));
                    continue;
                }
                (Why::Empty { fact, .. }, Some((_, Err(WaitingOn::Difference(reason))))) => {
                    let because = |why: &str| format!("{fact}, and its rule cannot be parked first: {why}");
                    WaitingOn::Difference(reason.said(because))
                }
                (Why::Empty { .. }, Some((_, Err(gap)))) => gap,
                (Why::Empty { fact, advice }, None) => WaitingOn::difference(Reason::new(fact, advice)),
                (Why::Unread(gap), _) => WaitingOn::Gap(gap),
            };
            held.extend(ids.into_iter().map(|id| (id, waiting_on.clone())));
            edges::hold_dependents(steps, held);
        }
    }
    parked.retain(|id, _| !held.contains_key(id));
    parked
}

/// Who gets requests by each of the steps that are left, if something serves these now.
pub(super) fn receivers_of(
    given: &Given<'_>,
    steps: &[Draft],
    held: &BTreeMap<DraftId, WaitingOn>,
    parked: &Parked,
) -> BTreeMap<DraftId, Receivers> {
    // A fleet that is in sync has no step to look for.
    if steps.is_empty() {
        return BTreeMap::new();
    }
    let listeners: BTreeSet<&ListenerArn> =
        given.observed.rules.keys().chain(default_listeners(given.observed)).collect();
    let mut all: BTreeMap<DraftId, Receivers> = BTreeMap::new();
    for listener in listeners {
        let table = table(given, listener, steps, held, parked);
        for (ids, loser, getter) in moves(given, &table) {
            let groups: BTreeSet<TargetGroupArn> = groups_of(&getter.receiver).into_iter().cloned().collect();
            let is_served = loser.now.as_ref().is_some_and(|(_, _, serving)| *serving != Serving::No);
            if is_served && !groups.is_empty() {
                ids.iter().for_each(|id| _ = all.entry(*id).or_default().insert(groups.clone()));
            }
        }
    }
    all
}

/// The one step among these that can leave its rule parked instead.
fn park(
    given: &Given<'_>,
    steps: &[Draft],
    ids: &BTreeSet<DraftId>,
    parked: &Parked,
) -> Option<(DraftId, Result<Parking, WaitingOn>)> {
    let mut open = ids.iter().filter(|id| !parked.contains_key(id));
    open.find_map(|id| Some((*id, parking(given, &steps[*id])?)))
}

/// Why an entry must not have the requests of another one.
enum Why {
    /// What its targets are, or what serves now, is not known.
    Unread(Gap),
    /// It has no healthy target, or too few; and what can be done about that.
    Empty { fact: String, advice: &'static str },
}

fn default_listeners(observed: &Observed) -> impl Iterator<Item = &ListenerArn> {
    let lists = observed.listeners.values().filter_map(|seen| seen.as_ref().present());
    lists.flatten().map(|listener| &listener.arn)
}

fn table<'a>(
    given: &Given<'a>,
    listener: &ListenerArn,
    steps: &'a [Draft],
    held: &BTreeMap<DraftId, WaitingOn>,
    parked: &Parked,
) -> Vec<Entry<'a>> {
    let fleet = &given.desired.fleet.name;
    let mut entries: BTreeMap<&str, Entry<'a>> = BTreeMap::new();
    for rule in given.observed.rules_of(listener).present().into_iter().flatten() {
        let entry = Entry {
            name: format!("rule {}", rule.priority),
            now: Some((rule.priority, &rule.conditions, rule_serves(given, fleet, rule))),
            priority: rule.priority,
            conditions: &rule.conditions,
            receiver: Receiver::Live(&rule.actions),
            live: Some(&rule.actions),
            forward_changes: false,
            free_conditions: false,
            deleted: false,
            steps: BTreeSet::new(),
        };
        entries.insert(rule.arn.as_str(), entry);
    }
    let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
    if let Some(live) = lists.flatten().find(|live| live.arn == *listener) {
        let serving = serves(given, fleet, &live.default_actions);
        entries.insert(live.arn.as_str(), default_entry(&live.default_actions, serving));
    }
    let mut created = Vec::new();
    // A rule that no request matches takes nothing from anybody.
    for (id, draft) in steps.iter().enumerate().filter(|(id, _)| !held.contains_key(id) && !parked.contains_key(id)) {
        let Action::CreateRule { listener: at, priority, conditions, target_group, .. } = &draft.action else {
            change_entry(given, &draft.action, id, &mut entries);
            continue;
        };
        if at != listener {
            continue;
        }
        created.push(Entry {
            name: format!("rule {priority}"),
            now: None,
            priority: *priority,
            conditions,
            receiver: Receiver::Group(target_group),
            live: None,
            forward_changes: true,
            free_conditions: false,
            deleted: false,
            steps: BTreeSet::from([id]),
        });
    }
    entries.into_values().chain(created).collect()
}

fn default_entry(actions: &RuleActions, serving: Serving) -> Entry<'_> {
    Entry {
        name: "the listener's default action".to_owned(),
        now: Some((LAST, &EVERY_REQUEST, serving)),
        priority: LAST,
        conditions: &EVERY_REQUEST,
        receiver: Receiver::Live(actions),
        live: Some(actions),
        forward_changes: false,
        free_conditions: false,
        deleted: false,
        steps: BTreeSet::new(),
    }
}

/// What a step changes in the entries of a listener.
fn change_entry<'a>(given: &Given<'_>, action: &'a Action, id: DraftId, entries: &mut BTreeMap<&str, Entry<'a>>) {
    match action.on_listener() {
        Some(ListenerChange::ModifyRule { rule, edit, .. }) => {
            let Some(entry) = entries.get_mut(rule.as_str()) else { return };
            entry.steps.insert(id);
            if let Some(conditions) = &edit.conditions {
                entry.conditions = conditions;
                entry.free_conditions = is_ours_by_priority(given, rule.as_str());
            }
            if let Some(forward) = &edit.forward {
                entry.receiver = Receiver::Group(forward);
                entry.forward_changes = true;
            }
        }
        Some(ListenerChange::SetRulePriorities { priorities, .. }) => {
            for (rule, priority) in priorities {
                if let Some(entry) = entries.get_mut(rule.as_str()) {
                    entry.priority = *priority;
                    entry.steps.insert(id);
                }
            }
        }
        Some(ListenerChange::DeleteRule { rule, .. }) => {
            if let Some(entry) = entries.get_mut(rule.as_str()) {
                entry.deleted = true;
                entry.steps.insert(id);
            }
        }
        Some(ListenerChange::ModifyListener { listener, target_group, .. }) if !action.keeps_receiver() => {
            if let Some(entry) = entries.get_mut(listener.as_str()) {
                entry.receiver = Receiver::Group(target_group);
                entry.forward_changes = true;
                entry.steps.insert(id);
            }
        }
        Some(ListenerChange::CreateRule { .. } | ListenerChange::ModifyListener { .. }) | None => {}
    }
}

/// An unmarked rule at a declared priority. That it is the declared one was settled when it was matched.
fn is_ours_by_priority(given: &Given<'_>, arn: &str) -> bool {
    let rules = given.observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let Some(rule) = rules.into_iter().find(|rule| rule.arn.as_str() == arn) else { return false };
    let owner = rule.tags.as_ref().present().map(|tags| Owner::of(tags, &given.desired.fleet.name));
    let mut routes = given.desired.target_groups.values().flat_map(|group| group.routes.iter().flatten());
    owner == Some(Owner::Unmarked) && routes.any(|route| route.priority == Some(rule.priority))
}

/// The first steps that would give requests which something serves now to something that serves nothing.
fn harm(given: &Given<'_>, table: &[Entry<'_>]) -> Option<(BTreeSet<DraftId>, Why)> {
    let why = |(steps, loser, getter): (&BTreeSet<DraftId>, &Entry<'_>, &Entry<'_>)| {
        why_not(given, loser, getter).map(|why| (steps.clone(), why))
    };
    moves(given, table).find_map(why)
}

/// The steps by which an entry loses requests to another one, with both.
fn moves<'t, 'a: 't>(
    given: &'t Given<'_>,
    table: &'t [Entry<'a>],
) -> impl Iterator<Item = (&'t BTreeSet<DraftId>, &'t Entry<'a>, &'t Entry<'a>)> {
    let leavers = table.iter().filter(|leaver| !leaver.steps.is_empty());
    let left_behind = leavers.flat_map(move |leaver| {
        let getters = table.iter().filter(move |getter| inherits(given, leaver, getter));
        getters.map(move |getter| (&leaver.steps, leaver, getter))
    });
    let getters = table.iter().filter(|getter| !getter.steps.is_empty() && !getter.deleted);
    let taken = getters.flat_map(|getter| {
        let losers = table.iter().filter(move |loser| loses_to(loser, getter));
        losers.map(move |loser| (&getter.steps, loser, getter))
    });
    left_behind.chain(taken)
}

/// Why a getter must not have the requests of a loser, if there is a reason.
fn why_not(given: &Given<'_>, loser: &Entry<'_>, getter: &Entry<'_>) -> Option<Why> {
    let (_, _, serving) = loser.now.as_ref()?;
    if *serving == Serving::No {
        return None;
    }
    let (name, healthy) = health(given.observed, &getter.receiver);
    if let (Serving::Yes(how), Seen::Present(true)) = (serving, &healthy)
        && was_parked(given, getter)
    {
        return too_few(given, loser, getter).map(|(healthy, needed)| {
            let few = format!("{healthy} of the {needed} targets of {name} that it needs are healthy");
            let fact = format!("{few}, and {} serves such requests now ({how})", loser.name);
            Why::Empty { fact, advice: WAIT }
        });
    }
    match (healthy, serving) {
        (Seen::Present(true), _) | (_, Serving::No) => None,
        (Seen::Unknown(gap), _) => Some(Why::Unread(gap)),
        (_, Serving::Unknown(gap)) => Some(Why::Unread(gap.clone())),
        (_, Serving::Yes(how)) => {
            let fact = format!("{name} has no healthy target, and {} serves such requests now ({how})", loser.name);
            Some(Why::Empty { fact, advice: advice(given, &getter.receiver) })
        }
    }
}

/// Whether an entry is a parked rule, or gets a target group that temporary rules alone lead to.
fn was_parked(given: &Given<'_>, getter: &Entry<'_>) -> bool {
    let by_itself = getter.now.as_ref().is_some_and(|(_, conditions, _)| conditions.is_parked());
    let by_another = match &getter.receiver {
        Receiver::Group(Ref::Known(arn)) if getter.now.is_some() => {
            let rules = given.observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
            let mut own = rules.filter(|rule| receivers(&rule.actions).contains(&arn));
            own.any(|rule| rule.conditions.is_parked()) && other_forward(given, arn).is_none()
        }
        Receiver::Group(_) | Receiver::Live(_) => false,
    };
    by_itself || by_another
}

/// A parked rule takes over when as many of its targets are healthy as serve now, or all that it has. How many are, and how
/// many that is.
fn too_few(given: &Given<'_>, loser: &Entry<'_>, getter: &Entry<'_>) -> Option<(usize, usize)> {
    let serving = count(given, receivers(loser.live?), |state| state == TargetState::Healthy);
    let own = groups_of(&getter.receiver);
    let healthy = count(given, own.clone(), |state| state == TargetState::Healthy);
    let all = count(given, own, |state| state != TargetState::Draining);
    let needed = serving.min(all);
    (healthy < needed).then_some((healthy, needed))
}

/// The target groups that exist already.
fn groups_of<'a>(receiver: &Receiver<'a>) -> Vec<&'a TargetGroupArn> {
    match receiver {
        Receiver::Group(Ref::Known(arn)) => vec![arn],
        Receiver::Group(Ref::Output(_)) => Vec::new(),
        Receiver::Live(actions) => receivers(actions),
    }
}

fn receivers(actions: &RuleActions) -> Vec<&TargetGroupArn> {
    match &actions.serve {
        Serve::Forward(forward) => forward.receivers().collect(),
        Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => Vec::new(),
    }
}

fn count(given: &Given<'_>, arns: Vec<&TargetGroupArn>, is_counted: impl Fn(TargetState) -> bool) -> usize {
    let lists = arns.into_iter().filter_map(|arn| given.observed.targets_of(arn).present());
    lists.flatten().filter(|target| is_counted(target.health.state)).count()
}

/// What can be done where health checks are under way.
const WAIT: &str = "wait for one, or use --force";

/// What can be done about a receiver without a healthy target. Health checks start only when some rule leads to a group.
fn advice(given: &Given<'_>, receiver: &Receiver<'_>) -> &'static str {
    const ATTACH: &str =
        "give it a rule first, because its targets are checked only then, or use --force if that is intended";
    match receiver {
        Receiver::Group(Ref::Known(arn)) => match given.target_group(arn.as_str()).present() {
            Some(live) if live.load_balancers.is_empty() => ATTACH,
            Some(_) | None => WAIT,
        },
        Receiver::Group(Ref::Output(_)) => ATTACH,
        Receiver::Live(RuleActions { serve: Serve::Forward(_), .. }) => WAIT,
        Receiver::Live(_) => "use --force if that is intended",
    }
}

/// Whether requests that an entry serves now fall to another one because it goes, or moves behind it. Where a rule goes
/// altogether, that the requests fall to an undeclared action is what pruning asks for.
fn inherits(given: &Given<'_>, leaver: &Entry<'_>, getter: &Entry<'_>) -> bool {
    let Some((priority, conditions, _)) = &leaver.now else { return false };
    if std::ptr::eq(leaver, getter) || getter.deleted || !conditions.may_overlap(getter.conditions) {
        return false;
    }
    if leaver.deleted {
        return *priority < getter.priority && leads_to_declared(given, &getter.receiver);
    }
    *priority < getter.priority && getter.priority < leaver.priority
}

fn leads_to_declared(given: &Given<'_>, receiver: &Receiver<'_>) -> bool {
    match receiver {
        Receiver::Group(_) => true,
        Receiver::Live(actions) => {
            let Serve::Forward(forward) = &actions.serve else { return false };
            let declared = |arn: &TargetGroupArn| {
                let live = given.target_group(arn.as_str()).present();
                live.is_some_and(|live| given.declared_as(live).next().is_some())
            };
            forward.receivers().any(declared)
        }
    }
}

/// Whether some request that `loser` gets now would go to `getter`.
fn loses_to(loser: &Entry<'_>, getter: &Entry<'_>) -> bool {
    let Some((priority, conditions, _)) = &loser.now else { return false };
    if std::ptr::eq(loser, getter) {
        return getter.forward_changes;
    }
    if getter.free_conditions
        && !getter.forward_changes
        && getter.now.as_ref().is_some_and(|now| now.0 == getter.priority)
    {
        return false;
    }
    let had_them_already =
        getter.now.as_ref().is_some_and(|(first, own, _)| first < priority && *own == getter.conditions);
    getter.priority < loser.priority && !had_them_already && conditions.may_overlap(getter.conditions)
}

/// Name and health of the receiver. A redirect or a fixed response has no healthy target.
fn health(observed: &Observed, receiver: &Receiver<'_>) -> (String, Seen<bool>) {
    match receiver {
        Receiver::Group(Ref::Known(arn)) => (arn.name().to_owned(), has_healthy_target(observed, arn)),
        Receiver::Group(Ref::Output(object)) => (object.key.clone(), Seen::Present(false)),
        Receiver::Live(actions) => {
            let Serve::Forward(forward) = &actions.serve else {
                return (super::weights::describe(actions), Seen::Present(false));
            };
            let mut seen = Seen::Present(false);
            for arn in forward.receivers() {
                match has_healthy_target(observed, arn) {
                    Seen::Present(true) => return (arn.name().to_owned(), Seen::Present(true)),
                    Seen::Present(false) | Seen::Absent => {}
                    Seen::Unknown(gap) => seen = Seen::Unknown(gap),
                }
            }
            (super::weights::describe(actions), seen)
        }
    }
}
