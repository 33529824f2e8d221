//! Marked rules that no route claims. One goes only when every route that could be meant by it stands: a route that
//! moved or was misspelt must not lose its old rule before it has a new one.

use std::collections::BTreeSet;

use crate::model::{Desired, Given, ListenerArn, ObjectRef, Rule, RuleArn, Seen, Serve, TargetGroupArn, TargetState};

use super::super::action::{Action, DeletedRuleBelief, RuleBelief};
use super::super::by_resource::ListenerChange;
use super::super::draft::{Draft, DraftId, Drafts};
use super::super::reason::Reason;
use super::super::resolve;
use super::super::rule_match::{Match, RouteRef, forwards_only_to, match_rules, routes_by_listener};
use super::super::rule_words::describe_route;
use super::super::temporary;
use super::{DeletedRule, Words, is_protected, mark_of, marked_for, protected, removal};

/// A route without a live rule that does what the route says.
struct Homeless<'a> {
    route: RouteRef<'a>,
    /// The listener it is for, if that is known.
    listener: Option<ListenerArn>,
    /// The rule that has to be corrected, if there is one.
    rule: Option<RuleArn>,
}

pub(super) fn prune_rules(given: &Given<'_>, drafts: &mut Drafts) -> Vec<DeletedRule> {
    let (matched, homeless) = matched_rules(given);
    let mut deleted = Vec::new();
    for (listener, seen) in &given.observed.rules {
        let Seen::Present(rules) = seen else { continue };
        let lasting = rules.iter().filter(|rule| !temporary::is_temporary(given, rule));
        for rule in lasting.filter(|rule| !matched.contains(rule.arn.as_str())) {
            let Some(object) = marked_for(rule.tags.as_ref().present(), &given.desired.fleet.name) else { continue };
            if routes_are_unmanaged(given.desired, &object) || given.is_deployment_rule(&rule.arn) {
                continue;
            }
            if rule.tags.as_ref().present().is_some_and(is_protected) {
                let what = format!("delete rule {} ({})", rule.priority, rule.conditions);
                drafts.block_on(&ObjectRef::fleet(&given.desired.fleet.name), what, protected());
                continue;
            }
            let waiting = homeless.iter().filter(|route| may_mean(given, route, listener, rule, &object));
            match waiting.map(|homeless| creation(homeless, drafts).ok_or(homeless)).collect() {
                Ok(after) => deleted.push(delete_rule(given, rule, &object, after, drafts)),
                Err(homeless) => drafts.block_on(
                    &ObjectRef::fleet(&given.desired.fleet.name),
                    format!("delete rule {} ({})", rule.priority, rule.conditions),
                    Reason::new(
                        format!(
                            "TargetGroup/{} has no rule yet for {}",
                            homeless.route.key,
                            describe_route(homeless.route.route)
                        ),
                        "wait: the old rule is deleted once the new one exists",
                    ),
                ),
            }
        }
    }
    deleted
}

/// The temporary rules of handovers that go in this plan.
pub(super) fn temporary_rules(given: &Given<'_>, drafts: &Drafts) -> Vec<DeletedRule> {
    let rules = given.observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let temporary = rules.filter(|rule| temporary::is_temporary(given, rule));
    let going = temporary.filter_map(|rule| {
        let is_it = |draft: &Draft| matches!(&draft.action, Action::DeleteRule { rule: gone, .. } if *gone == rule.arn);
        let step = drafts.steps.iter().position(is_it)?;
        Some(DeletedRule { step, forwards_to: receivers(rule) })
    });
    going.chain(taken_out(drafts)).collect()
}

/// The target groups that steps take out of default actions in which they have weight 0.
fn taken_out(drafts: &Drafts) -> impl Iterator<Item = DeletedRule> {
    drafts.steps.iter().enumerate().filter_map(|(step, draft)| {
        let Action::ModifyListener { idle: None, expect, .. } = &draft.action else { return None };
        let Serve::Forward(forward) = &expect.serve else { return None };
        let gone = forward.weights.iter().filter(|(_, weight)| **weight == 0).map(|(arn, _)| arn.clone());
        draft.action.keeps_receiver().then(|| DeletedRule { step, forwards_to: gone.collect() })
    })
}

/// The rules that routes claim, ties included, and the routes that claim none.
fn matched_rules<'a>(given: &Given<'a>) -> (BTreeSet<String>, Vec<Homeless<'a>>) {
    let mut matched = BTreeSet::new();
    let mut homeless = Vec::new();
    let routes = routes_by_listener(given);
    for (listener, routes) in &routes {
        let routes: Vec<_> = routes.iter().copied().filter(|route| !route.route.default).collect();
        let none = Vec::new();
        let rules = given.observed.rules_of(listener).present().unwrap_or(&none);
        for (route, found) in routes.iter().zip(match_rules(given, &routes, rules)) {
            match found {
                Match::Rule(rule) => {
                    matched.insert(rule.arn.to_string());
                    let arns = resolve::stand_ins(given, route.key);
                    let stands = rule.conditions == route.route.conditions && forwards_only_to(&rule.actions, arns);
                    if !stands {
                        homeless.push(Homeless {
                            route: *route,
                            listener: Some(listener.clone()),
                            rule: Some(rule.arn.clone()),
                        });
                    }
                }
                Match::Tie(tied) => matched.extend(tied.iter().map(|rule| rule.arn.to_string())),
                Match::None | Match::Unknown(_) => {
                    homeless.push(Homeless { route: *route, listener: Some(listener.clone()), rule: None });
                }
            }
        }
    }
    // Routes whose load balancer or listener is not found are in no list above.
    for (key, group) in &given.desired.target_groups {
        for route in group.routes.iter().flatten().filter(|route| !route.default) {
            let known = routes.values().flatten().any(|known| known.key == key && std::ptr::eq(known.route, route));
            if !known {
                homeless.push(Homeless { route: RouteRef { key, route }, listener: None, rule: None });
            }
        }
    }
    (matched, homeless)
}

/// The step that creates or corrects the rule of a homeless route, if there is one.
fn creation(homeless: &Homeless<'_>, drafts: &Drafts) -> Option<DraftId> {
    let wanted = homeless.route.route;
    drafts.steps.iter().position(|draft| match draft.action.on_listener() {
        Some(ListenerChange::CreateRule { listener, priority, conditions, .. }) => {
            homeless.listener.as_ref() == Some(listener)
                && wanted.priority == Some(priority)
                && wanted.conditions == *conditions
        }
        Some(ListenerChange::ModifyRule { rule, .. }) => homeless.rule.as_ref() == Some(rule),
        Some(
            ListenerChange::SetRulePriorities { .. }
            | ListenerChange::DeleteRule { .. }
            | ListenerChange::ModifyListener { .. },
        )
        | None => false,
    })
}

/// Whether an orphaned rule may be what a homeless route had until now: on its listener, of its object, or leading to
/// its target group.
fn may_mean(given: &Given<'_>, homeless: &Homeless<'_>, listener: &ListenerArn, rule: &Rule, object: &str) -> bool {
    // It only keeps the place: the new rule cannot stand before it goes, and it serves nothing that the route means.
    if homeless.route.route.priority == Some(rule.priority)
        && !rule.conditions.may_overlap(&homeless.route.route.conditions)
    {
        return false;
    }
    let leads_there = given.desired.target_groups.get(homeless.route.key).is_some_and(|group| {
        let live = resolve::target_group(given, group).present();
        live.is_some_and(|live| receivers(rule).contains(&live.arn))
    });
    homeless.listener.as_ref().is_none_or(|own| own == listener)
        || ObjectRef::target_group(homeless.route.key).to_string() == object
        || leads_there
}

fn receivers(rule: &Rule) -> BTreeSet<TargetGroupArn> {
    match &rule.actions.serve {
        Serve::Forward(forward) => forward.weights.keys().cloned().collect(),
        Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => BTreeSet::new(),
    }
}

/// Those of the groups that are known to have no healthy target.
fn idle(given: &Given<'_>, groups: &BTreeSet<TargetGroupArn>) -> BTreeSet<TargetGroupArn> {
    let is_idle = |arn: &&TargetGroupArn| {
        let targets = given.observed.targets_of(arn).present();
        targets.is_some_and(|targets| targets.iter().all(|target| target.health.state != TargetState::Healthy))
    };
    groups.iter().filter(is_idle).cloned().collect()
}

/// A target group whose `routes` are absent has unmanaged routes: its rules stay.
fn routes_are_unmanaged(desired: &Desired, object: &str) -> bool {
    desired
        .target_groups
        .values()
        .any(|group| ObjectRef::target_group(&group.key).to_string() == object && group.routes.is_none())
}

fn delete_rule(
    given: &Given<'_>,
    rule: &Rule,
    object: &str,
    after: BTreeSet<DraftId>,
    drafts: &mut Drafts,
) -> DeletedRule {
    let tags = rule.tags.as_ref().present().cloned().unwrap_or_default();
    let forwards_to = receivers(rule);
    let mut draft = removal(
        given.desired,
        Action::DeleteRule {
            rule: rule.arn.clone(),
            mark: mark_of(&tags),
            expect: DeletedRuleBelief { rule: RuleBelief::of(rule), idle: idle(given, &forwards_to) },
        },
        resolve::concerned(given, object, &forwards_to),
        Words {
            target: rule.arn.to_string(),
            summary: format!("delete rule {} ({})", rule.priority, rule.conditions),
            reason: format!("this fleet made it for {object}, and the manifest no longer has that route"),
        },
    );
    draft.after = after;
    let step = drafts.push(draft);
    DeletedRule { step, forwards_to }
}
