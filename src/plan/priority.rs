//! Priorities: all moves of a listener in one call, so that two rules can swap; a foreign rule is never moved.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Rule, RuleArn};

use super::action::Action;
use super::change::WaitingOn;
use super::draft::{Draft, DraftId, Drafts};
use super::listener_rule::{ListenerPlanner, change, describe_route, object};
use super::overlap::may_overlap;
use super::rule_match::{Match, RouteRef};
use super::traffic::{Serving, rule_serves};

/// The moves that were planned on one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    pub(super) step: Option<DraftId>,
    leaving: BTreeSet<RuleArn>,
}

impl Moves {
    /// Whether that rule gives its priority up.
    pub(super) fn leaves(&self, rule: &RuleArn) -> bool {
        self.leaving.contains(rule)
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
    if !planner.force {
        drop_moves_to_nothing(planner, &mut moves, rules, drafts);
        // A move that stays home may keep another from its place.
        drop_moves_onto_others(&mut moves, rules, drafts);
    }
    let Some(first) = moves.first() else { return Moves::default() };
    let changes = moves.iter().map(|one| {
        change(&format!("{} priority", one.route.key), Some(one.rule.priority.to_string()), Some(one.to.to_string()))
    });
    let changes: Vec<_> = changes.collect();
    let step = drafts.push(Draft {
        action: Action::SetRulePriorities {
            listener: planner.live.arn.clone(),
            priorities: moves.iter().map(|one| (one.rule.arn.clone(), one.to)).collect(),
        },
        object: object(first.route),
        also: moves.iter().map(|one| object(one.route)).collect(),
        target: planner.live.arn.to_string(),
        summary: format!(
            "set {} of listener {}",
            if changes.len() == 1 { "the priority of one rule" } else { "rule priorities" },
            planner.live.port
        ),
        reason: "rules are tried in the order of their priorities, the first that matches decides".to_owned(),
        changes,
        after: BTreeSet::new(),
        redeploys: false,
        removes: false,
    });
    Moves { step: Some(step), leaving: moves.iter().map(|one| one.rule.arn.clone()).collect() }
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
        let occupant = occupant.arn.clone();
        let dropped = moves.remove(index);
        drafts.block_on(
            &object(dropped.route),
            format!("{}: the rule has priority {}", describe_route(dropped.route.route), dropped.rule.priority),
            format!("priority {} is taken by {occupant}, which stays there; choose another priority", dropped.to),
        );
    }
}

/// R2a for priorities: of two rules that may match the same request and change places, the one that loses must not
/// serve now while the one that gets the request serves nothing.
fn drop_moves_to_nothing(
    planner: &ListenerPlanner<'_>,
    moves: &mut Vec<Move<'_>>,
    rules: &[Rule],
    drafts: &mut Drafts,
) {
    let fleet = &planner.desired.fleet.name;
    let serves = |rule: &Rule| rule_serves(planner.observed, fleet, rule);
    loop {
        let to: BTreeMap<&RuleArn, u32> = moves.iter().map(|one| (&one.rule.arn, one.to)).collect();
        let after = |rule: &Rule| to.get(&rule.arn).copied().unwrap_or(rule.priority);
        let harm = |one: &Move<'_>| {
            rules
                .iter()
                .filter(|other| other.arn != one.rule.arn && may_overlap(&other.conditions, &one.rule.conditions))
                .find_map(|other| {
                    let (was_first, is_first) = (one.rule.priority < other.priority, after(one.rule) < after(other));
                    match (was_first, is_first) {
                        (false, true) => hand_over(other, serves(other), one.rule, serves(one.rule)),
                        (true, false) => hand_over(one.rule, serves(one.rule), other, serves(other)),
                        (true, true) | (false, false) => None,
                    }
                })
        };
        let Some((index, waiting_on)) =
            moves.iter().enumerate().find_map(|(index, one)| harm(one).map(|why| (index, why)))
        else {
            return;
        };
        let dropped = moves.remove(index);
        let what = format!("{}: the rule has priority {}", describe_route(dropped.route.route), dropped.rule.priority);
        drafts.block(&object(dropped.route), what, waiting_on);
    }
}

fn hand_over(loser: &Rule, loses: Serving, getter: &Rule, gets: Serving) -> Option<WaitingOn> {
    match (loses, gets) {
        (Serving::No, _) | (_, Serving::Yes(_)) => None,
        (Serving::Unknown(gap), _) | (_, Serving::Unknown(gap)) => Some(WaitingOn::Gap(gap)),
        (Serving::Yes(how), Serving::No) => Some(WaitingOn::Difference(format!(
            "rule {} would get requests that rule {} serves now ({how}), and serves nothing itself; wait for a healthy target, or use --force",
            getter.priority, loser.priority
        ))),
    }
}
