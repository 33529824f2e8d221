//! Why the requests of a route do not reach its target group.

use crate::model::owner::REPLACES_TAG;
use crate::model::{Rule, Serve, Share, TargetState};

use super::catalogue::{codes, named};
use super::finding::Finding;
use super::requests::{Requests, Taker};
use super::rule::{Crossing, Leads};
use super::rule_words::describe;
use super::way::{Way, names};

impl<'a> Crossing<'a, '_> {
    /// The route's own rule takes a part of the requests elsewhere.
    pub(super) fn partly(&self, followed: &Requests, rule: &Rule) -> Finding {
        let (name, priority) = (&self.way.group.name, rule.priority);
        let does = describe(&rule.actions);
        let what = format!(
            "rule {priority} of this route ({}) matches a part of {followed}: {does}, not to {name}",
            rule.conditions
        );
        Finding::of(codes::FORWARD_ELSEWHERE, what).with_fix(format!("change rule {priority} to forward to {name}"))
    }

    /// Why requests do not reach the target group.
    pub(super) fn elsewhere(&self, followed: &Requests, taker: Taker<'a>, words: &str) -> Finding {
        if matches!(taker, Taker::Default) && self.is_default {
            self.wrong_default(words)
        } else if self.leads(taker.actions(&self.listener.default_actions)) == Leads::Weightless {
            self.weightless(words)
        } else {
            self.why_not(followed, taker, words)
        }
    }

    /// The declared default action does not forward here, and no rule matches every request before it.
    fn wrong_default(&self, words: &str) -> Finding {
        let Self { way, listener, .. } = self;
        let actions = &listener.default_actions;
        let name = &way.group.name;
        let fix = format!("change the default action of listener {} to forward to {name}", listener.port);
        if self.leads(actions) == Leads::Weightless {
            return self.weightless(words);
        }
        let finding = match &actions.serve {
            Serve::Forward(_) => Finding::of(codes::FORWARD_ELSEWHERE, format!("{words}, not to {name}")),
            Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => {
                Finding::of(codes::DEFAULT_ACTION_ANSWERS, format!("{words}, but does not forward to {name}"))
            }
        };
        finding.with_fix(fix)
    }

    fn weightless(&self, words: &str) -> Finding {
        let fix = format!(
            "give {} a weight above 0, unless a blue/green deployment controls the weights",
            self.way.group.name
        );
        Finding::of(codes::FORWARD_ELSEWHERE, words).with_fix(fix)
    }

    /// Why a rule, or an undeclared default action, handles the requests instead.
    fn why_not(&self, followed: &Requests, taker: Taker<'a>, words: &str) -> Finding {
        let name = &self.way.group.name;
        let own: Vec<&'a Rule> =
            self.rules.iter().copied().filter(|rule| names(&rule.actions, &self.way.stand_ins)).collect();
        if let (true, Taker::Rule(rule)) = (self.is_default, taker) {
            let what =
                format!("{words}, before the default action, which the manifest declares as the route to {name}");
            let fix = format!("delete rule {}, or narrow its conditions: it matches every request", rule.priority);
            return Finding::of(codes::RULE_SHADOWED, what).with_fix(fix);
        }
        if let Some(later) = own.iter().find(|rule| self.share(followed, rule) == Share::All) {
            return Finding::of(
                codes::RULE_SHADOWED,
                format!("{words}, before rule {}, which forwards to {name}", later.priority),
            );
        }
        if let Some(rule) = own.iter().find(|rule| rule.conditions.is_parked()) {
            let mut what = format!(
                "rule {} forwards to {name} and is parked: no request matches it ({})",
                rule.priority, rule.conditions
            );
            if let Some(waiting) = waiting(self.way) {
                what.push_str(&waiting);
            }
            let is_temporary = rule.tags.as_ref().present().is_some_and(|tags| tags.contains_key(REPLACES_TAG));
            let fix = if is_temporary {
                "wait until its targets are healthy; reconcile then forwards the requests to it"
            } else {
                "wait until its targets are healthy; reconcile then sets the rule's conditions"
            };
            return Finding::unnumbered(&named::RULE_PARKED, format!("{what}; {words}"), fix);
        }
        let declared = self.declared_rules();
        if let Some(rule) = declared.iter().find(|rule| names(&rule.actions, &self.way.stand_ins)) {
            return self.mismatch(followed, rule, words);
        }
        let forwards = |rule: &&&Rule| matches!(rule.actions.serve, Serve::Forward(_));
        if let Some(rule) = declared.iter().find(forwards) {
            let found = if matches!(taker, Taker::Rule(taker) if taker.arn == rule.arn) {
                words.to_owned()
            } else {
                format!("rule {} {}; {words}", rule.priority, describe(&rule.actions))
            };
            let fix = format!("change rule {} to forward to {name}", rule.priority);
            return Finding::of(codes::FORWARD_ELSEWHERE, format!("{found}, not to {name}")).with_fix(fix);
        }
        self.no_rule(&own, &declared, words)
    }

    /// M41: the route's rule does not match the requests that the route declares.
    fn mismatch(&self, followed: &Requests, rule: &Rule, words: &str) -> Finding {
        let what = match self.share(followed, rule) {
            Share::None(condition) => format!("its {condition} does not match {followed}"),
            Share::Some { condition, example: Some(text) } => {
                format!("it matches only part of {followed}, not for example the {condition} {text}")
            }
            Share::Some { condition, example: None } => format!("its {condition} matches only part of {followed}"),
            Share::All | Share::Unknown(_) => format!("it may not match {followed}"),
        };
        let (name, shown) = (&self.way.group.name, &rule.conditions);
        Finding::of(
            codes::RULE_CONDITIONS_MISMATCH,
            format!("rule {} ({shown}) forwards to {name}, but {what}; {words}", rule.priority),
        )
    }

    /// M37: the route has no rule. The evidence shows the rules that forward here or have the declared priority.
    fn no_rule(&self, own: &[&Rule], declared: &[&Rule], words: &str) -> Finding {
        let name = &self.way.group.name;
        let found = match own {
            [] => format!("no rule of the listener forwards to {name}"),
            others => {
                let shown = others.iter().map(|rule| format!("rule {} ({})", rule.priority, rule.conditions));
                let verb = if others.len() == 1 { "forwards" } else { "forward" };
                let shown = shown.collect::<Vec<_>>().join(" and ");
                format!("this route has no rule; only {shown} {verb} to {name}")
            }
        };
        let occupant = self.rules.iter().find(|rule| self.route.priority == Some(rule.priority));
        let occupant = occupant.filter(|rule| own.iter().chain(declared).all(|known| known.arn != rule.arn));
        let occupied = occupant.map(|rule| {
            let (priority, does) = (rule.priority, describe(&rule.actions));
            format!("; rule {priority} has the declared priority: it matches {} and {does}", rule.conditions)
        });
        let is_free = occupied.is_none();
        let finding = Finding::of(codes::NO_RULE, format!("{found}{}; {words}", occupied.unwrap_or_default()));
        if is_free {
            finding
        } else {
            finding.with_fix("declare a free priority for the route; Portolan then creates its rule")
        }
    }

    pub(super) fn unattached(&self) -> Option<Finding> {
        let is_elsewhere = self.leads(&self.listener.default_actions) == Leads::Elsewhere;
        let live = self.way.live_group().ok().filter(|_| self.is_default && is_elsewhere)?;
        live.load_balancers
            .is_empty()
            .then(|| Finding::of(codes::NO_RULE, format!("no rule or default action forwards to {}", live.name)))
    }
}

/// The health of the targets that a parked rule waits for.
fn waiting(way: &Way<'_>) -> Option<String> {
    let targets = way.targets().ok()?;
    let healthy = targets.iter().filter(|target| target.health.state == TargetState::Healthy).count();
    Some(format!("; it waits for healthy targets: {healthy} of {} now", targets.len()))
}
