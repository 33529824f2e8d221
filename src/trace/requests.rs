//! Where the requests of a route go at a listener: which rule matches them, or whether the default action handles them.
//! The rule hop asks it about the target group of the path, and [`super::sibling`] about others of the same container port.

use std::fmt;

use ipnet::IpNet;

use crate::model::{Conditions, Request, RequestSet, Route, Rule, RuleActions, Share};
use crate::plan::rules_of_route;

use super::way::Way;

/// The requests to follow: the one that was asked about, or a set that the route declares.
pub(super) enum Requests {
    One(Request),
    Set(RequestSet),
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(request) => request.fmt(f),
            Self::Set(set) => set.fmt(f),
        }
    }
}

impl Requests {
    /// All requests of a route; none if no single request can match all of its header conditions.
    pub(super) fn of(way: &Way<'_>, route: &Route) -> Vec<Self> {
        match &way.asked.request {
            Some(request) => vec![Self::One(request.clone())],
            None => RequestSet::all_of(&route.conditions, way.asked.client).into_iter().map(Self::Set).collect(),
        }
    }

    /// How many of them a rule matches.
    pub(super) fn share(&self, conditions: &Conditions, client: Option<IpNet>) -> Share {
        match self {
            Self::One(request) => conditions.share_of_request(request, client),
            Self::Set(set) => conditions.share_of(set),
        }
    }

    /// Whether rules that each match a part match all of it together.
    fn is_taken_by(&self, rules: &[&Rule]) -> bool {
        let conditions: Vec<&Conditions> = rules.iter().map(|rule| &rule.conditions).collect();
        match self {
            Self::One(_) => false,
            Self::Set(set) => set.is_taken_by(&conditions),
        }
    }
}

/// What handles requests: a rule or the default action.
#[derive(Clone, Copy, Debug)]
pub(super) enum Taker<'a> {
    Rule(&'a Rule),
    Default,
}

/// Whether requests go where they are meant to.
pub(super) enum Goes<'a> {
    /// One rule or the default action handles what narrower rules leave, and leads there.
    There(Taker<'a>),
    /// Several rules match all of them together, and lead there.
    Together(Vec<&'a Rule>),
    Elsewhere(Taker<'a>),
    /// Several rules match all of them together and lead elsewhere, before one that leads there.
    Shadowed {
        by: Vec<&'a Rule>,
        before: Taker<'a>,
    },
    /// The rule of this route matches a part of them and forwards to another target group.
    Partly(&'a Rule),
    /// Unknown, and why.
    Open(String),
}

/// Where these requests go, at a listener with these rules by priority. A rule that matches only some of them takes its own
/// requests: no fault of the path, unless it is the rule of this route.
pub(super) fn follow<'a>(
    way: &Way<'_>,
    rules: &[&'a Rule],
    of_route: &[&'a Rule],
    requests: &Requests,
    default: &RuleActions,
    leads_there: &dyn Fn(&RuleActions) -> bool,
) -> Goes<'a> {
    let mut taker = Taker::Default;
    let (mut parts, mut perhaps): (Vec<&'a Rule>, Vec<(bool, String)>) = (Vec::new(), Vec::new());
    for rule in rules.iter().copied() {
        match requests.share(&rule.conditions, way.asked.client) {
            Share::All => {
                taker = Taker::Rule(rule);
                break;
            }
            Share::Some { .. } => parts.push(rule),
            Share::None(_) => {}
            Share::Unknown(why) => perhaps.push((
                leads_there(&rule.actions),
                format!("whether rule {} matches {requests} depends on {why}", rule.priority),
            )),
        }
    }
    let is_there = leads_there(taker.actions(default));
    let (leading, others): (Vec<&'a Rule>, Vec<&'a Rule>) =
        parts.into_iter().partition(|rule| leads_there(&rule.actions));
    if !is_there && requests.is_taken_by(&leading) {
        return Goes::Together(leading);
    }
    // The result is unknown if a rule that may match would change where the requests go.
    if let Some((_, why)) = perhaps.into_iter().find(|(leads, _)| *leads != is_there) {
        return Goes::Open(why);
    }
    let of_route = others.iter().copied().find(|rule| matches!(of_route, [own] if own.arn == rule.arn));
    match (is_there, of_route) {
        (false, _) => Goes::Elsewhere(taker),
        (true, _) if requests.is_taken_by(&others) => Goes::Shadowed { by: others, before: taker },
        (true, Some(own)) => Goes::Partly(own),
        (true, None) => Goes::There(taker),
    }
}

impl Taker<'_> {
    /// Its actions, at a listener with this default action.
    pub(super) fn actions<'s>(&'s self, default: &'s RuleActions) -> &'s RuleActions {
        match self {
            Self::Rule(rule) => &rule.actions,
            Self::Default => default,
        }
    }
}

/// The live rules that may belong to a route of the path.
pub(super) fn rules_of<'a>(way: &Way<'a>, listener: &crate::model::Listener, route: &Route) -> Vec<&'a Rule> {
    rules_of_route(way.given, &listener.arn, &way.group.key, route)
}
