//! Which live rule is the declared one: on that listener, the rule with this fleet's mark for the object;
//! else the one that agrees with the route in at least two of three: forward, conditions, priority. Three before
//! two, and of those the one with exactly the declared conditions first: two rules of one target group whose priorities
//! were swapped by hand differ in them. A tie is blocked.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Conditions, Given, Listener, ListenerArn, ObjectRef, Owner, Route, Rule, RuleActions, RulesOfRoutes, Seen, Serve,
    TargetGroupArn,
};

use super::temporary;
use super::{resolve, weights};

/// A route of a target group on one listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct RouteRef<'a> {
    /// Key of the target group.
    pub(super) key: &'a str,
    pub(super) route: &'a Route,
}

impl RouteRef<'_> {
    /// The target group that declares it.
    pub(super) fn object(&self) -> ObjectRef {
        ObjectRef::target_group(self.key)
    }
}

/// What became of a route.
#[derive(Clone, Debug)]
pub(super) enum Match<'a> {
    /// This live rule is it.
    Rule(&'a Rule),
    /// No live rule is it.
    None,
    /// These could be it; one alone could be the rule of several routes.
    Tie(Vec<&'a Rule>),
    /// The tags of some rule are unknown, so whose it is is open.
    Unknown(crate::model::Gap),
}

/// Every route of the fleet, by the listener it is on. Routes whose load balancer or listener is not known are left
/// out: [`super::listener_rule`] reports them.
pub(super) fn routes_by_listener<'a>(given: &Given<'a>) -> BTreeMap<ListenerArn, Vec<RouteRef<'a>>> {
    let mut routes: BTreeMap<ListenerArn, Vec<RouteRef<'a>>> = BTreeMap::new();
    for (key, group) in &given.desired.target_groups {
        let Some(name) = &group.load_balancer else { continue };
        if weights::is_managed_by_ecs(given, key) {
            continue;
        }
        let Ok(balancer) = resolve::load_balancer(given, name) else { continue };
        for route in group.routes.iter().flatten() {
            if let Ok(listener) = resolve::listener(given.observed, balancer, route.listener) {
                routes.entry(listener.arn.clone()).or_default().push(RouteRef { key, route });
            }
        }
    }
    routes
}

/// A listener with the routes that the fleet has there.
#[derive(Debug)]
pub(super) struct RoutedListener<'a> {
    pub(super) live: &'a Listener,
    pub(super) rules: Seen<&'a Vec<Rule>>,
    /// Routes that are its default action.
    pub(super) defaults: Vec<RouteRef<'a>>,
    /// The others, each with the rule that it is; none of them has one where the rules are not known.
    pub(super) others: Vec<(RouteRef<'a>, Match<'a>)>,
}

/// Every listener that routes of the fleet are on, by its ARN.
pub(super) fn routed_listeners<'a>(given: &Given<'a>) -> Vec<RoutedListener<'a>> {
    let lists = given.observed.listeners.values().filter_map(|seen| seen.as_ref().present());
    let live: BTreeMap<&ListenerArn, &Listener> = lists.flatten().map(|listener| (&listener.arn, listener)).collect();
    let mut found = Vec::new();
    for (arn, routes) in routes_by_listener(given) {
        let Some(live) = live.get(&arn) else { continue };
        let rules = given.observed.rules_of(&live.arn);
        let (defaults, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.route.default);
        let known: &'a [Rule] = rules.clone().present().map_or(&[], Vec::as_slice);
        let matches = match_rules(given, &others, known);
        found.push(RoutedListener { live, rules, defaults, others: others.into_iter().zip(matches).collect() });
    }
    found
}

/// Whether the last action forwards to these target groups and to nothing else.
pub(super) fn forwards_only_to(actions: &RuleActions, arns: &BTreeSet<TargetGroupArn>) -> bool {
    match &actions.serve {
        Serve::Forward(forward) => {
            forward.receivers().next().is_some() && forward.receivers().all(|arn| arns.contains(arn))
        }
        Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => false,
    }
}

/// What a rule must agree in with a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Agreement {
    /// At least so many of priority, conditions and forward.
    least: usize,
    /// The conditions are one of them.
    same_conditions: bool,
}

/// From the closest down. Without the conditions fewer than two are left at the last.
const AGREEMENTS: [Agreement; 6] = {
    const fn of(least: usize, same_conditions: bool) -> Agreement {
        Agreement { least, same_conditions }
    }
    [of(3, true), of(2, true), of(2, false), of(1, true), of(1, false), of(0, false)]
};

/// Whether a rule agrees with a route as closely as that.
fn agrees(rule: &Rule, route: &Route, arns: &BTreeSet<TargetGroupArn>, how: Agreement) -> bool {
    let Agreement { least, same_conditions } = how;
    if same_conditions && rule.conditions != route.conditions {
        return false;
    }
    // The cheapest comparison comes first: a route is compared with many rules of its listener.
    let agrees: [&dyn Fn() -> bool; 3] =
        [&|| route.priority == Some(rule.priority), &|| rule.conditions == route.conditions, &|| {
            forwards_only_to(&rule.actions, arns)
        }];
    let may_differ = agrees.len() - least;
    agrees.iter().filter(|agrees| !agrees()).take(may_differ + 1).count() <= may_differ
}

/// Whose mark a rule may bear to be a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// This fleet's, for the object of the route.
    Own,
    /// This fleet's, for another object.
    Left,
    /// No fleet's.
    None,
}

/// Matches the routes of one listener (default ones left out) with its rules, one to one. The result is in the order
/// of `routes`.
pub(super) fn match_rules<'a>(given: &Given<'_>, routes: &[RouteRef<'_>], rules: &'a [Rule]) -> Vec<Match<'a>> {
    let fleet = &given.desired.fleet.name;
    let arns: Vec<_> = routes.iter().map(|route| resolve::stand_ins(given, route.key)).collect();
    let owner = |rule: &Rule| rule.tags.as_ref().present().map(|tags| Owner::of(tags, fleet));
    let lasting = rules.iter().filter(|rule| !temporary::is_temporary(given, rule));
    let owned: Vec<(&'a Rule, Option<Owner>)> = lasting.map(|rule| (rule, owner(rule))).collect();
    let index = Index::new(&owned);
    let near: Vec<BTreeSet<usize>> = routes.iter().zip(&arns).map(|(route, arns)| index.near(route, arns)).collect();
    let unknown = rules.iter().find_map(|rule| rule.tags.gap());
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut found: Vec<Match<'a>> = vec![Match::None; routes.len()];

    // Marked before unmarked; within each, the better agreement first. A rule that this fleet made for another object,
    // and that none of that object's routes claimed, is matched like an unmarked one: keys get renamed, routes move.
    let close = AGREEMENTS.into_iter().filter(|how| how.least >= 2);
    let own = AGREEMENTS.into_iter().map(|how| (Mark::Own, how));
    let left = close.clone().map(|how| (Mark::Left, how));
    for (mark, how) in own.chain(left).chain(close.map(|how| (Mark::None, how))) {
        // The rule whose tags are unknown may be the marked one: then only a perfect match is believed.
        if unknown.is_some() && mark != Mark::Own && how.least < 3 {
            continue;
        }
        let mut claims: Vec<(usize, Vec<&'a Rule>)> = Vec::new();
        for (index, route) in routes.iter().enumerate() {
            if !matches!(found[index], Match::None) {
                continue;
            }
            let object = ObjectRef::target_group(route.key);
            let may_be = |(rule, owner): &&(&Rule, Option<Owner>)| {
                counted();
                let whose = match (owner, mark) {
                    (Some(owner), Mark::Own) => owner.is_ours_for(&object),
                    (Some(owner), Mark::Left) => matches!(owner, Owner::Ours(_)),
                    (Some(owner), Mark::None) => *owner == Owner::Unmarked,
                    // Whose it is is open; a rule that agrees in all three is the declared one in any case.
                    (None, mark) => mark == Mark::None && how.least == 3,
                };
                whose && agrees(rule, route.route, arns[index], how) && !taken.contains(rule.arn.as_str())
            };
            let candidates: Vec<&'a Rule> =
                near[index].iter().map(|at| &owned[*at]).filter(may_be).map(|(rule, _)| *rule).collect();
            if !candidates.is_empty() {
                claims.push((index, candidates));
            }
        }
        settle(claims, &mut found, &mut taken);
    }
    if let Some(gap) = unknown {
        for entry in &mut found {
            if !matches!(entry, Match::Rule(_)) {
                *entry = Match::Unknown(gap.clone());
            }
        }
    }
    found
}

/// The rules of a listener by what a route may have in common with one: every route is compared with those alone.
struct Index<'a, 'o> {
    priorities: BTreeMap<u32, usize>,
    conditions: BTreeMap<&'a Conditions, Vec<usize>>,
    receivers: BTreeMap<&'a TargetGroupArn, Vec<usize>>,
    objects: BTreeMap<&'o str, Vec<usize>>,
}

impl<'a, 'o> Index<'a, 'o> {
    fn new(rules: &'o [(&'a Rule, Option<Owner>)]) -> Self {
        let (priorities, conditions) = (BTreeMap::new(), BTreeMap::new());
        let mut index = Self { priorities, conditions, receivers: BTreeMap::new(), objects: BTreeMap::new() };
        for (at, (rule, owner)) in rules.iter().enumerate() {
            index.priorities.insert(rule.priority, at);
            index.conditions.entry(&rule.conditions).or_default().push(at);
            if let Serve::Forward(forward) = &rule.actions.serve {
                forward.receivers().for_each(|arn| index.receivers.entry(arn).or_default().push(at));
            }
            if let Some(Owner::Ours(object)) = owner {
                index.objects.entry(object).or_default().push(at);
            }
        }
        index
    }

    /// Those that agree with a route in anything, or are marked for its object.
    fn near(&self, route: &RouteRef<'_>, arns: &BTreeSet<TargetGroupArn>) -> BTreeSet<usize> {
        let written = ObjectRef::target_group(route.key).to_string();
        let by_priority = route.route.priority.and_then(|priority| self.priorities.get(&priority));
        let lists = [self.conditions.get(&route.route.conditions), self.objects.get(written.as_str())];
        let by_forward = arns.iter().filter_map(|arn| self.receivers.get(arn));
        lists.into_iter().flatten().chain(by_forward).flatten().chain(by_priority).copied().collect()
    }
}

fn counted() {
    #[cfg(test)]
    count::COMPARED.set(count::COMPARED.get() + 1);
}

/// Gives each route its only candidate; several candidates, or one that several routes want, are a tie.
fn settle<'a>(claims: Vec<(usize, Vec<&'a Rule>)>, found: &mut [Match<'a>], taken: &mut BTreeSet<&'a str>) {
    let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, candidates) in &claims {
        for rule in candidates {
            *wanted.entry(rule.arn.as_str()).or_default() += 1;
        }
    }
    for (index, candidates) in claims {
        match candidates.as_slice() {
            [only] if wanted[only.arn.as_str()] == 1 => {
                taken.insert(only.arn.as_str());
                found[index] = Match::Rule(only);
            }
            _ => found[index] = Match::Tie(candidates),
        }
    }
}

/// The live rules that may be the one of a route: the one that planning would correct; several if it cannot tell;
/// none, where it would create one. A rule whose marks were not read is compared with the route alone.
pub(crate) fn rules_of_route<'a>(given: &Given<'a>, listener: &ListenerArn, key: &str, route: &Route) -> Vec<&'a Rule> {
    let Seen::Present(rules) = given.observed.rules_of(listener) else { return Vec::new() };
    let own = given.desired.target_groups.get(key).into_iter().flat_map(|group| group.routes.iter().flatten());
    let number = own.into_iter().position(|other| other == route);
    let all = given.rules_of_routes.get_or_init(|| every_match(given));
    let found = number.and_then(|number| all.get(listener)?.get(&(key.to_owned(), number)));
    if let Some(found) = found {
        return found.iter().map(|at| &rules[*at]).collect();
    }
    let arns = resolve::stand_ins(given, key);
    let close = Agreement { least: 2, same_conditions: false };
    rules.iter().filter(|rule| agrees(rule, route, arns, close)).collect()
}

/// The rules of every route, as far as all marks were read: matching is done for all routes of a listener together.
fn every_match(given: &Given<'_>) -> RulesOfRoutes {
    let mut all = RulesOfRoutes::new();
    for (listener, routes) in routes_by_listener(given) {
        let Seen::Present(rules) = given.observed.rules_of(&listener) else { continue };
        let places: BTreeMap<&str, usize> =
            rules.iter().enumerate().map(|(at, rule)| (rule.arn.as_str(), at)).collect();
        let routes: Vec<RouteRef<'_>> = routes.into_iter().filter(|route| !route.route.default).collect();
        let entries = all.entry(listener).or_default();
        for (route, found) in routes.iter().zip(match_rules(given, &routes, rules)) {
            let found = match found {
                Match::Rule(rule) => vec![rule],
                Match::Tie(rules) => rules,
                Match::None => Vec::new(),
                Match::Unknown(_) => continue,
            };
            let own = given.desired.target_groups[route.key].routes.iter().flatten();
            let number = own.into_iter().position(|other| std::ptr::eq(other, route.route)).unwrap_or_default();
            let found = found.into_iter().map(|rule| places[rule.arn.as_str()]);
            entries.insert((route.key.to_owned(), number), found.collect());
        }
    }
    all
}

/// How often a rule was compared with a route: what a test of large listeners counts.
#[cfg(test)]
pub(crate) mod count {
    use std::cell::Cell;

    thread_local! {
        pub(crate) static COMPARED: Cell<usize> = const { Cell::new(0) };
    }
}
