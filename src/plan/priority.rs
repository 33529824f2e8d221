//! Priorities: all moves of a listener in one call, so that two rules can swap; a foreign rule is never moved.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Rule, RuleArn};

use super::action::Action;
use super::change::Change;
use super::draft::{Draft, DraftId, Drafts};
use super::field::Field;
use super::listener_planner::ListenerPlanner;
use super::reason::Reason;
use super::rule_match::{Match, RouteRef};
use super::rule_words::describe_route;

/// The moves that were planned on one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    steps: BTreeMap<RuleArn, DraftId>,
}

impl Moves {
    /// The step in which that rule gives its priority up, if it does.
    pub(super) fn step_of(&self, rule: &RuleArn) -> Option<DraftId> {
        self.steps.get(rule).copied()
    }
}

struct Move<'a> {
    route: &'a RouteRef<'a>,
    rule: &'a Rule,
    to: u32,
}

pub(super) fn plan_priorities<'a>(
    planner: &ListenerPlanner<'_>,
    pairs: &[(&'a RouteRef<'a>, &'a Match<'a>)],
    rules: &[Rule],
    drafts: &mut Drafts,
) -> Moves {
    let mut moves: Vec<Move<'a>> = pairs.iter().filter_map(|(route, found)| wanted_move(route, found)).collect();
    drop_moves_onto_others(&mut moves, rules, drafts);
    let mut planned = Moves::default();
    while let Some(first) = moves.pop() {
        let group = connected(first, &mut moves);
        let step = push(planner, &group, drafts);
        planned.steps.extend(group.iter().map(|one| (one.rule.arn.clone(), step)));
    }
    planned
}

/// The moves that need each other: one goes where the other leaves. They go in one call, the others in their own.
fn connected<'a>(first: Move<'a>, rest: &mut Vec<Move<'a>>) -> Vec<Move<'a>> {
    let mut group = vec![first];
    let meets = |group: &[Move<'_>], one: &Move<'_>| {
        group.iter().any(|member| member.to == one.rule.priority || one.to == member.rule.priority)
    };
    while let Some(place) = rest.iter().position(|one| meets(&group, one)) {
        group.push(rest.remove(place));
    }
    group.sort_by(|a, b| (a.route.key, a.to).cmp(&(b.route.key, b.to)));
    group
}

fn push(planner: &ListenerPlanner<'_>, moves: &[Move<'_>], drafts: &mut Drafts) -> DraftId {
    let changes = moves.iter().map(|one| {
        let (live, desired) = (one.rule.priority.to_string(), one.to.to_string());
        Change::of(Field::PriorityOf(one.route.key.to_owned()), Some(live), Some(desired))
    });
    let changes: Vec<_> = changes.collect();
    let what = if changes.len() == 1 { "the priority of one rule" } else { "rule priorities" };
    drafts.push(Draft {
        action: Action::SetRulePriorities {
            listener: planner.live.arn.clone(),
            priorities: moves.iter().map(|one| (one.rule.arn.clone(), one.to)).collect(),
            expect: moves.iter().map(|one| (one.rule.arn.clone(), one.rule.priority)).collect(),
        },
        object: moves[0].route.object(),
        also: moves.iter().map(|one| one.route.object()).collect(),
        target: planner.live.arn.to_string(),
        summary: format!("set {what} of listener {}", planner.live.port),
        reason: "rules are tried in the order of their priorities, the first that matches decides".to_owned(),
        changes,
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
        held: None,
        receivers: Default::default(),
    })
}

fn wanted_move<'a>(route: &'a RouteRef<'a>, found: &'a Match<'a>) -> Option<Move<'a>> {
    let Match::Rule(rule) = found else { return None };
    let to = route.route.priority.filter(|priority| *priority != rule.priority)?;
    Some(Move { route, rule, to })
}

/// Drops moves to a priority that keeps its rule, until none is left.
fn drop_moves_onto_others(moves: &mut Vec<Move<'_>>, rules: &[Rule], drafts: &mut Drafts) {
    loop {
        let leaving: BTreeSet<&RuleArn> = moves.iter().map(|one| &one.rule.arn).collect();
        let stays = |to: u32| rules.iter().find(|rule| rule.priority == to && !leaving.contains(&rule.arn));
        let Some((index, occupant)) =
            moves.iter().enumerate().find_map(|(index, one)| stays(one.to).map(|rule| (index, rule)))
        else {
            return;
        };
        let occupant = format!("{} ({})", occupant.arn, occupant.conditions);
        let dropped = moves.remove(index);
        drafts.block_on(
            &dropped.route.object(),
            format!(
                "{}: {} has priority {}",
                describe_route(dropped.route.route),
                dropped.rule.arn,
                dropped.rule.priority
            ),
            Reason::new(
                format!("priority {} is taken by {occupant}, which this fleet does not move", dropped.to),
                format!("declare priority {}, where the rule is, or another one that is free", dropped.rule.priority),
            ),
        );
    }
}
