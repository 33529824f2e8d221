//! Listener rules: match, correct, create. A route manages the forward, the conditions and the priority; logins,
//! tokens, transforms and weights that stand are carried over.

use std::collections::BTreeSet;

use crate::model::owner::OBJECT_TAG;
use crate::model::{
    DesiredTargetGroup, Given, ListenerArn, ObjectRef, Owner, Route, Rule, Seen, Serve, TargetGroupArn,
};

use super::action::{Action, Ref, RuleBelief, RuleEdit};
use super::by_resource::ListenerChange;
use super::change::{Change, WaitingOn};
use super::draft::{Draft, DraftId, Drafts, Obstacle};
use super::field::Field;
use super::handover::{self, Turn};
use super::listener_planner::ListenerPlanner;
use super::priority::{Moves, plan_priorities};
use super::reason::Reason;
use super::rule_match::{Match, RouteRef, match_rules, routes_by_listener};
use super::rule_words::{describe_route, describe_rule, describe_tie};
use super::weights::{self, Forwarding};
use super::{edges, listener, orphan, protocol, resolve, serving, target_group};

/// AWS's own name of the quota.
const RULES_QUOTA: &str = "rules-per-application-load-balancer";

/// The highest priority that AWS takes (`CreateRule`).
const LAST_PRIORITY: u32 = 50_000;

/// Plans every route of the fleet, listener by listener.
pub(super) fn plan_routes(given: &Given<'_>, drafts: &mut Drafts) {
    for group in given.desired.target_groups.values() {
        if let Err(obstacle) = reachable_listeners(given, group) {
            obstacle.block(drafts, &ObjectRef::target_group(&group.key));
        }
    }
    for (arn, routes) in routes_by_listener(given) {
        let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
        let Some(live) = lists.flatten().find(|listener| listener.arn == arn) else { continue };
        let (defaults, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.route.default);
        let planner = ListenerPlanner { given, live };
        for route in defaults {
            listener::plan_default(&planner, route, drafts);
        }
        planner.plan_rules(&others, drafts);
    }
}

/// Load balancer and listeners of every route, or the first thing that is missing.
fn reachable_listeners(given: &Given<'_>, group: &DesiredTargetGroup) -> Result<(), Obstacle> {
    let Some(name) = &group.load_balancer else { return Ok(()) };
    let balancer = resolve::load_balancer(given, name)?;
    for route in group.routes.iter().flatten() {
        resolve::listener(given.observed, balancer, route.listener)?;
    }
    Ok(())
}

impl<'a> ListenerPlanner<'a> {
    fn plan_rules(&self, routes: &[RouteRef<'a>], drafts: &mut Drafts) {
        if routes.is_empty() {
            return;
        }
        let rules = match self.given.observed.rules_of(&self.live.arn) {
            Seen::Present(rules) => rules.as_slice(),
            Seen::Absent => &[],
            Seen::Unknown(gap) => {
                for route in routes {
                    drafts.block(&route.object(), describe_route(route.route), WaitingOn::Gap(gap.clone()));
                }
                return;
            }
        };
        let matches = match_rules(self.given, routes, rules);
        let mut pairs: Vec<_> = routes.iter().zip(&matches).collect();
        // What must not be edited is not moved either.
        pairs.retain(|(route, found)| match found {
            Match::Rule(rule) => match self.refusal(route, rule) {
                None => true,
                Some(obstacle) => {
                    obstacle.block(drafts, &route.object());
                    false
                }
            },
            Match::None | Match::Tie(_) | Match::Unknown(_) => true,
        });
        let moves = plan_priorities(self, &pairs, rules, drafts);
        for (route, found) in pairs {
            let result = match found {
                Match::Rule(rule) => self.correct(route, rule, drafts),
                Match::None => self.create(route, rules, &moves, drafts),
                Match::Tie(tied) => Err(Obstacle::difference(
                    describe_route(route.route),
                    describe_tie(&self.given.desired.fleet.name, route, tied),
                )),
                Match::Unknown(gap) => Err(Obstacle::gap(describe_route(route.route), gap.clone())),
            };
            if let Err(obstacle) = result {
                obstacle.block(drafts, &route.object());
            }
        }
        self.order(rules, drafts);
    }

    /// No state between two steps may be worse than both ends: a rule gets its conditions before it moves, and gives up
    /// old ones only when the rules that take them over stand.
    fn order(&self, rules: &[Rule], drafts: &mut Drafts) {
        let edits: Vec<(DraftId, &Rule)> = drafts
            .steps
            .iter()
            .enumerate()
            .filter_map(|(id, draft)| {
                let Action::ModifyRule { rule, edit, .. } = &draft.action else { return None };
                edit.conditions.as_ref()?;
                rules.iter().find(|live| live.arn == *rule).map(|live| (id, live))
            })
            .collect();
        for (edit, live) in edits {
            for id in 0..drafts.steps.len() {
                let (before, after) = match drafts.steps[id].action.on_listener() {
                    Some(ListenerChange::SetRulePriorities { priorities, .. })
                        if priorities.contains_key(&live.arn) =>
                    {
                        (edit, id)
                    }
                    Some(ListenerChange::CreateRule { listener, conditions, .. })
                        if *listener == self.live.arn && live.conditions.may_overlap(conditions) =>
                    {
                        (id, edit)
                    }
                    Some(
                        ListenerChange::CreateRule { .. }
                        | ListenerChange::ModifyRule { .. }
                        | ListenerChange::SetRulePriorities { .. }
                        | ListenerChange::DeleteRule { .. }
                        | ListenerChange::ModifyListener { .. },
                    )
                    | None => continue,
                };
                if !edges::leads_to(&drafts.steps, after, before) {
                    drafts.steps[after].after.insert(before);
                }
            }
        }
    }

    pub(super) fn target_group(&self, route: &RouteRef<'_>) -> Result<Ref<TargetGroupArn>, Obstacle> {
        let what = describe_route(route.route);
        let Some(group) = self.given.desired.target_groups.get(route.key) else {
            return Err(Obstacle::difference(what, "its target group is not in this fleet"));
        };
        let seen = resolve::target_group(self.given, group);
        let live = seen.clone().present();
        let protocol = live.map(|live| &live.protocol).or(group.protocol.as_ref());
        let version = live.map_or(group.protocol_version.as_ref(), |live| live.protocol_version.as_ref());
        if let Some(sentence) = protocol.and_then(|protocol| protocol::refusal(self.live, protocol, version)) {
            return Err(Obstacle::difference(what, sentence));
        }
        match seen {
            Seen::Unknown(gap) => Err(Obstacle::gap(what, gap)),
            Seen::Absent => Ok(Ref::Output(route.object())),
            Seen::Present(live) => match target_group::other_load_balancers(self.given, group, live) {
                // A way to a group that another fleet made is that fleet's to make.
                None => {
                    target_group::may_touch(&self.given.desired.fleet.name, live).map(|()| Ref::Known(live.arn.clone()))
                }
                Some(_) => Err(Obstacle::difference(what, "its target group is attached to another load balancer")),
            },
        }
    }

    fn create(&self, route: &RouteRef<'a>, rules: &[Rule], moves: &Moves, drafts: &mut Drafts) -> Result<(), Obstacle> {
        let what = format!("create the rule for {}", describe_route(route.route));
        let blocked = |sentence: Reason| Obstacle::difference(what.clone(), sentence);
        if route.route.login {
            return Err(blocked(
                "it must log people in (authenticate: required), and Portolan never creates a rule without login: create the rule with its login action yourself, and Portolan then manages its forward".into(),
            ));
        }
        let Some(priority) = route.route.priority else {
            return Err(blocked("declare its priority: AWS needs one to create the rule".into()));
        };
        let group = self.given.desired.target_groups.get(route.key);
        if let Some(sentence) = group.and_then(|group| orphan::without_service(self.given, group)) {
            return Err(blocked(sentence));
        }
        let after = self.free_priority(&what, priority, rules, moves)?;
        self.within_quota(&what, drafts)?;
        let target_group = self.target_group(route)?;
        let conditions = &route.route.conditions;
        if let (Ref::Known(arn), Some(owner)) = (&target_group, weights::weights_owner(self.given, route.key))
            && !self.given.services_feeding(arn).is_empty()
        {
            return Err(blocked(Reason::new(
                format!(
                    "its service moves traffic between two target groups ({owner}), so the manifest does not \
                     decide to which one a new rule forwards"
                ),
                "create the rule by hand",
            )));
        }
        drafts.push(Draft {
            action: Action::CreateRule {
                listener: self.live.arn.clone(),
                priority,
                conditions: conditions.clone(),
                target_group,
                tags: self.given.desired.fleet.tags_for(&route.object()),
            },
            object: route.object(),
            also: BTreeSet::new(),
            target: self.live.arn.to_string(),
            summary: format!("create rule {priority} on listener {}: {conditions} → {}", self.live.port, route.key),
            reason: "no rule of this listener has the fleet's tag for it, or matches the route in two of forward, conditions and priority".to_owned(),
            changes: vec![
                Change::of(Field::Priority, None, Some(priority.to_string())),
                Change::of(Field::Conditions, None, Some(conditions.to_string())),
                Change::of(Field::Forward, None, Some(route.key.to_owned())),
            ],
            after,
            redeploys: false,
            removes: false,
            held: None,
            receivers: Default::default(),
        });
        Ok(())
    }

    /// The step that frees the priority, if a rule of ours stands there and moves away; foreign rules never do.
    fn free_priority(
        &self,
        what: &str,
        priority: u32,
        rules: &[Rule],
        moves: &Moves,
    ) -> Result<BTreeSet<DraftId>, Obstacle> {
        let Some(occupant) = rules.iter().find(|rule| rule.priority == priority) else {
            return Ok(BTreeSet::new());
        };
        if let Some(step) = moves.step_of(&occupant.arn) {
            return Ok(BTreeSet::from([step]));
        }
        Err(Obstacle::difference(
            what,
            Reason::new(
                format!(
                    "priority {priority} is taken by {} ({}), which is not this fleet's rule for it",
                    occupant.arn, occupant.conditions
                ),
                "choose another priority",
            ),
        ))
    }

    /// The highest priority that no rule, no route and no step has: where a temporary rule is in no other rule's way.
    pub(super) fn last_free_priority(&self, drafts: &Drafts) -> Option<u32> {
        let rules = self.given.observed.rules_of(&self.live.arn).present()?;
        let routes = routes_by_listener(self.given);
        let declared = routes.get(&self.live.arn).into_iter().flatten().filter_map(|route| route.route.priority);
        let coming = drafts.steps.iter().filter_map(|draft| {
            let Action::CreateRule { listener, priority, .. } = &draft.action else { return None };
            (*listener == self.live.arn).then_some(*priority)
        });
        let taken: BTreeSet<u32> = rules.iter().map(|rule| rule.priority).chain(declared).chain(coming).collect();
        (1..=LAST_PRIORITY).rev().find(|priority| !taken.contains(priority))
    }

    /// R9: rules of the whole load balancer, as far as they were read.
    pub(super) fn within_quota(&self, what: &str, drafts: &Drafts) -> Result<(), Obstacle> {
        let Seen::Present(limits) = &self.given.observed.limits else { return Ok(()) };
        let Some(limit) = limits.0.get(RULES_QUOTA) else { return Ok(()) };
        let listeners: BTreeSet<&ListenerArn> = match self.given.observed.listeners_of(&self.live.load_balancer) {
            Seen::Present(listeners) => listeners.iter().map(|listener| &listener.arn).collect(),
            Seen::Absent | Seen::Unknown(_) => return Ok(()),
        };
        let standing: usize =
            listeners.iter().filter_map(|arn| self.given.observed.rules_of(arn).present()).map(Vec::len).sum();
        let coming = drafts.steps.iter().filter(
            |draft| matches!(&draft.action, Action::CreateRule { listener, .. } if listeners.contains(listener)),
        );
        if standing + coming.count() < *limit as usize {
            return Ok(());
        }
        Err(Obstacle::difference(
            what,
            Reason::new(
                format!("the load balancer's quota of {limit} rules is reached"),
                "request an increase, or delete rules",
            ),
        ))
    }

    fn correct(&self, route: &RouteRef<'a>, rule: &Rule, drafts: &mut Drafts) -> Result<(), Obstacle> {
        // The listener was found by its port; the priority has been planned, and the login was asked for before.
        let Route { listener: _, default: _, priority: _, conditions: declared, login: _ } = route.route;
        let forward = self.forward_edit(route, rule, drafts)?;
        let conditions = (rule.conditions != *declared).then(|| declared.clone());
        if forward.is_none() && conditions.is_none() {
            return Ok(());
        }
        let mut changes = Vec::new();
        if forward.is_some() {
            changes.push(Change::of(
                Field::Forward,
                Some(weights::describe(&rule.actions)),
                Some(route.key.to_owned()),
            ));
        }
        if let Some(conditions) = &conditions {
            changes.push(Change::of(
                Field::Conditions,
                Some(rule.conditions.to_string()),
                Some(conditions.to_string()),
            ));
        }
        let fields: Vec<_> = changes.iter().map(|change| change.field.to_string()).collect();
        drafts.push(Draft {
            action: Action::ModifyRule {
                rule: rule.arn.clone(),
                edit: RuleEdit { forward, conditions },
                expect: RuleBelief::of(rule),
            },
            object: route.object(),
            also: self.losers(route, rule),
            target: rule.arn.to_string(),
            summary: format!("correct rule {} on listener {} ({})", rule.priority, self.live.port, fields.join(", ")),
            reason: format!(
                "the rule at priority {} is the declared one, but differs from the manifest: {}",
                rule.priority,
                fields.join(", ")
            ),
            changes,
            after: BTreeSet::new(),
            redeploys: false,
            removes: false,
            held: None,
            receivers: Default::default(),
        });
        Ok(())
    }

    fn forward_edit(
        &self,
        route: &RouteRef<'a>,
        rule: &Rule,
        drafts: &mut Drafts,
    ) -> Result<Option<Ref<TargetGroupArn>>, Obstacle> {
        match self.judge(route, rule) {
            Forwarding::AsDeclared => Ok(None),
            Forwarding::Theirs { what, owner } => {
                drafts.defer(&route.object(), format!("{}: {what}", describe_rule(self.live.port, rule)), owner);
                Ok(None)
            }
            Forwarding::Carried(what) => {
                drafts.find(&route.object(), format!("{}: {what}", describe_rule(self.live.port, rule)));
                Ok(None)
            }
            // Said where the rule was refused.
            Forwarding::Blocked(_) => Ok(None),
            Forwarding::Wrong => match handover::turn(self.given, route.key)? {
                Turn::Free | Turn::Now { .. } => self.target_group(route).map(Some),
                Turn::Wait => Ok(None),
            },
        }
    }

    fn judge(&self, route: &RouteRef<'_>, rule: &Rule) -> Forwarding {
        let arns = resolve::stand_ins(self.given, route.key);
        weights::judge(self.given, route.key, arns, &rule.actions)
    }

    /// Why a declared rule is left alone altogether, priority included.
    fn refusal(&self, route: &RouteRef<'_>, rule: &Rule) -> Option<Obstacle> {
        let what = describe_rule(self.live.port, rule);
        if route.route.login && !rule.actions.login {
            let sentence = Reason::new(
                "it forwards without login, but authenticate: required is declared",
                "add the login action to the rule",
            );
            return Some(Obstacle::difference(what, sentence));
        }
        if rule.conditions != route.route.conditions && !rule.conditions.unsayable.is_empty() {
            let unsayable: Vec<String> = rule.conditions.unsayable.iter().map(ToString::to_string).collect();
            let unsayable = unsayable.join(", ");
            let sentence = Reason::new(
                format!("it has conditions that the manifest cannot express: {unsayable}"),
                "change the rule by hand",
            );
            return Some(Obstacle::difference(what, sentence));
        }
        match self.judge(route, rule) {
            Forwarding::Blocked(sentence) => Some(Obstacle::difference(format!("forward of {what}"), sentence)),
            Forwarding::Wrong if self.given.is_deployment_rule(&rule.arn) => Some(Obstacle::difference(
                what,
                Reason::new(
                    "a blue/green service names it for its traffic, so ECS owns its forward",
                    "correct it by hand",
                ),
            )),
            Forwarding::Wrong => self.refuse_another_fleets(rule).err(),
            Forwarding::AsDeclared | Forwarding::Theirs { .. } | Forwarding::Carried(_) => None,
        }
    }

    /// A rule that leads to another fleet's target group is theirs, whatever it agrees with.
    fn refuse_another_fleets(&self, rule: &Rule) -> Result<(), Obstacle> {
        let Serve::Forward(forward) = &rule.actions.serve else { return Ok(()) };
        let what = describe_rule(self.live.port, rule);
        for arn in forward.weights.keys() {
            match serving::owner_of(self.given, &self.given.desired.fleet.name, arn) {
                Seen::Present(Owner::AnotherFleet(other)) => {
                    let sentence = Reason::new(
                        format!("it forwards to {} of fleet {other}", arn.name()),
                        "agree with that fleet's owner",
                    );
                    return Err(Obstacle::difference(what, sentence));
                }
                Seen::Present(Owner::Unmarked | Owner::Ours(_)) | Seen::Absent => {}
                Seen::Unknown(gap) => return Err(Obstacle::gap(what, gap)),
            }
        }
        Ok(())
    }

    /// The owners of a rule have a say: the object that its mark names, and the services behind the groups that it forwards to.
    fn losers(&self, route: &RouteRef<'_>, rule: &Rule) -> BTreeSet<ObjectRef> {
        let own = resolve::stand_ins(self.given, route.key);
        let others: Vec<_> = match &rule.actions.serve {
            Serve::Forward(forward) => forward.weights.keys().filter(|arn| !own.contains(*arn)).collect(),
            Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => Vec::new(),
        };
        let tags = rule.tags.as_ref().present();
        let mark = tags.and_then(|tags| tags.get(OBJECT_TAG)).map_or("", String::as_str);
        resolve::concerned(self.given, mark, others)
    }
}
