//! Which rule matches the requests, and whether it forwards them to the target group.

use std::collections::BTreeSet;

use crate::model::{Listener, LoadBalancerKind, Route, Rule, RuleActions, Serve, Share, TargetGroupArn};

use super::catalogue::codes;
use super::finding::Finding;
use super::hop::{Examined, Hop};
use super::requests::{self, Goes, Requests, Taker};
use super::rule_words::{describe, list, name, verb};
use super::way::{Way, names};

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    if let Err(lack) = way.live_group() {
        return lack.skip();
    }
    let Some(route) = &way.route else {
        if let Some(gap) = way.unread() {
            return Examined::unknown(gap);
        }
        let name = &way.group.name;
        let what = match way.is_declared {
            true => format!("the manifest declares no route to {name}, and no rule forwards to it"),
            false => format!("no rule or default action forwards to {name}"),
        };
        return Examined::broken(Finding::of(codes::NO_RULE, what));
    };
    let listener = match way.listener() {
        Ok(listener) => listener,
        Err(lack) => return lack.skip(),
    };
    // Listeners of other load balancers have only a default action.
    let is_plain = way.balancer().is_ok_and(|balancer| balancer.kind != LoadBalancerKind::Application);
    let rules = if is_plain { Ok(Vec::new()) } else { way.rules(listener) };
    match rules {
        Ok(rules) => Crossing { way, route, listener, rules, is_default: route.default || is_plain }.examine(),
        Err(lack) => lack.skip(),
    }
}

/// Where requests go.
enum Outcome {
    /// To the target group; the text for people.
    Here(String),
    Elsewhere(Finding),
    /// Unknown, and why.
    Open(String),
}

/// A listener that receives the requests of a path.
pub(super) struct Crossing<'a, 'b> {
    pub(super) way: &'b Way<'a>,
    pub(super) route: &'b Route,
    pub(super) listener: &'b Listener,
    /// By priority.
    pub(super) rules: Vec<&'a Rule>,
    /// The default action is the declared route.
    pub(super) is_default: bool,
}

impl<'a> Crossing<'a, '_> {
    fn examine(&self) -> Examined {
        let followed = Requests::of(self.way, self.route);
        if followed.is_empty() {
            return Examined::undecided("no single request can match all header conditions");
        }
        let (mut findings, mut open, mut ways) = (Vec::new(), None, BTreeSet::new());
        for followed in &followed {
            match self.follow(followed) {
                Outcome::Here(words) => {
                    ways.insert(words);
                }
                Outcome::Elsewhere(finding) => {
                    if !findings.iter().any(|known: &Finding| known.codes == finding.codes) {
                        findings.push(finding);
                    }
                }
                Outcome::Open(why) => open = Some(why),
            }
        }
        if !findings.is_empty() && findings.iter().all(|finding| finding.codes.contains(&codes::NO_RULE)) {
            findings.truncate(1);
        }
        if findings.is_empty() {
            if let Some(why) = open {
                return Examined::undecided(why);
            }
            if let Some(finding) = self.rewritten(&followed) {
                // AWS does not tell whether the app serves the rewritten path.
                let evidence = finding.evidence.clone();
                return Examined { findings: vec![finding], ..Examined::undecided(evidence) };
            }
        } else {
            findings.extend(self.unattached());
        }
        Examined::of(findings, None, ways.into_iter().collect::<Vec<_>>().join("; "))
    }

    pub(super) fn share(&self, followed: &Requests, rule: &Rule) -> Share {
        followed.share(&rule.conditions, self.way.asked.client)
    }

    pub(super) fn leads(&self, actions: &RuleActions) -> Leads {
        leads(actions, &self.way.stand_ins)
    }

    /// Where these requests go.
    fn follow(&self, followed: &Requests) -> Outcome {
        let leads_here = |actions: &RuleActions| self.leads(actions) == Leads::Here;
        let (rules, default) = (&self.rules, &self.listener.default_actions);
        let of_route = self.declared_rules();
        match requests::follow(self.way, rules, &of_route, followed, default, &leads_here) {
            Goes::There(taker) => Outcome::Here(self.words(taker, followed)),
            Goes::Together(own) => {
                Outcome::Here(format!("{} together match {followed}: {}", list(&own), describe(&own[0].actions)))
            }
            Goes::Elsewhere(taker) => Outcome::Elsewhere(self.elsewhere(followed, taker, &self.words(taker, followed))),
            Goes::Shadowed { by, before } => {
                let what = format!("{} together match {followed} before {}", list(&by), name(before));
                Outcome::Elsewhere(Finding::of(codes::RULE_SHADOWED, what))
            }
            Goes::Partly(rule) => Outcome::Elsewhere(self.partly(followed, rule)),
            Goes::Open(why) => Outcome::Open(why),
        }
    }

    fn words(&self, taker: Taker<'a>, followed: &Requests) -> String {
        let actions = taker.actions(&self.listener.default_actions);
        format!("{} {} {followed}: {}", name(taker), verb(taker), describe(actions))
    }

    /// The live rules that may belong to the route.
    pub(super) fn declared_rules(&self) -> Vec<&'a Rule> {
        requests::rules_of(self.way, self.listener, self.route)
    }

    /// M47: the target receives another path or host than the client sent. A manifest cannot declare transforms.
    fn rewritten(&self, followed: &[Requests]) -> Option<Finding> {
        if !self.way.is_declared || self.rules.iter().all(|rule| rule.transforms.is_empty()) {
            return None;
        }
        let takes = |rule: &&&Rule| followed.iter().any(|followed| self.share(followed, rule) == Share::All);
        let rule = self.rules.iter().find(takes).filter(|rule| self.leads(&rule.actions) == Leads::Here)?;
        if rule.transforms.is_empty() {
            return None;
        }
        let what = format!("rule {} rewrites requests: {}", rule.priority, rule.transforms.join("; "));
        Some(Finding::of(codes::PATH_REWRITTEN, what))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    Here,
    /// Here, with weight 0.
    Weightless,
    Elsewhere,
}

fn leads(actions: &RuleActions, ours: &BTreeSet<TargetGroupArn>) -> Leads {
    match &actions.serve {
        Serve::Forward(forward) if forward.receivers().any(|arn| ours.contains(arn)) => Leads::Here,
        Serve::Forward(_) if names(actions, ours) => Leads::Weightless,
        Serve::Forward(_) | Serve::Redirect(_) | Serve::FixedResponse(_) | Serve::Other(_) => Leads::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, forward, gap, listener_arn, listener_rule, paths, serve};
    use crate::model::{Conditions, Forward, Request, Seen, Serve, TargetGroupArn};
    use crate::trace::{HopId, Verdict};

    const HOP: HopId = HopId::Rule;

    fn weighted(shop: u32, other: u32) -> crate::model::RuleActions {
        let weights = [("targetgroup/shop/1", shop), ("targetgroup/other/1", other)];
        let weights = weights.map(|(arn, weight)| (TargetGroupArn::from(arn), weight)).into();
        serve(Serve::Forward(Forward { weights }))
    }

    fn get(path: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            host: "shop.example.com".to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Default::default(),
            from: None,
        }
    }

    #[test]
    fn the_rule_that_takes_the_declared_requests_is_named() {
        let evidence = Stand::sound().hop(HOP).evidence;
        assert!(evidence.starts_with("rule 10 matches GET ") && evidence.ends_with("forwards to shop"), "{evidence}");
    }

    #[test]
    fn without_a_rule_the_default_action_answers() {
        let mut stand = Stand::sound();
        stand.rules().clear();
        assert_eq!(stand.found(HOP), ["M37"]);
        assert!(stand.hop(HOP).evidence.contains("the default action handles GET "), "{}", stand.hop(HOP).evidence);
        stand.wanted().routes = None;
        assert_eq!(stand.found(HOP), ["M37"], "none is declared, and none stands");
    }

    #[test]
    fn a_lower_number_takes_what_it_can() {
        let mut stand = Stand::sound();
        stand.rules().push(listener_rule(5, paths(&["/shop/*", "/other"]), forward("targetgroup/other/1")));
        assert_eq!(stand.found(HOP), ["M40"]);
        stand.rules()[1].conditions = paths(&["/shop/admin/*"]);
        assert_eq!(stand.state(HOP), "ok", "the rest arrives");
        stand.rules()[1].conditions = paths(&["/Shop/*"]);
        assert_eq!(stand.state(HOP), "ok", "case counts in paths");
        // The whole host before, and not only a part of the paths.
        stand.rules()[1].conditions = Conditions { hosts: ["*".to_owned()].into(), ..Conditions::default() };
        assert_eq!(stand.found(HOP), ["M40"]);
        stand.rules()[1].priority = 11;
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn a_rule_that_leads_here_and_takes_others_is_named_with_the_condition() {
        let mut stand = Stand::sound();
        stand.rules()[0].conditions = paths(&["/shop"]);
        assert_eq!(stand.found(HOP), ["M41"]);
        assert!(
            stand
                .hop(HOP)
                .evidence
                .contains("rule 10 (path /shop) forwards to shop, but its path does not match GET /shop/*;"),
            "{}",
            stand.hop(HOP).evidence
        );
    }

    #[test]
    fn weights_decide_who_gets_anything() {
        let mut stand = Stand::sound();
        let healthy = Seen::Present(stand.targets().clone());
        stand.observed.targets.insert("targetgroup/other/1".into(), healthy);
        stand.rules()[0].actions = weighted(0, 1);
        assert_eq!(stand.found(HOP), ["M42"]);
        stand.rules()[0].actions = weighted(1, 99);
        assert_eq!(stand.state(HOP), "ok");
        stand.rules()[0].actions = forward("targetgroup/other/1");
        assert_eq!(stand.found(HOP), ["M42"], "the rule at the declared priority forwards elsewhere");
        stand.rules()[0].priority = 30;
        assert_eq!(stand.found(HOP), ["M37"], "a rule of somebody else's");
    }

    #[test]
    fn a_default_route_is_the_listeners_own_action() {
        let mut stand = Stand::sound();
        stand.rules().clear();
        stand.wanted().routes.as_mut().expect("routes")[0].default = true;
        assert_eq!(stand.found(HOP), ["M44"], "a fixed response");
        stand.listeners()[0].default_actions = forward("targetgroup/other/1");
        assert_eq!(stand.found(HOP), ["M42"]);
        stand.group().load_balancers.clear();
        assert_eq!(stand.found(HOP), ["M42", "M37"]);
        stand.listeners()[0].default_actions = weighted(0, 1);
        assert_eq!(stand.found(HOP), ["M42"]);
        stand.listeners()[0].default_actions = forward("targetgroup/shop/1");
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn a_rule_for_everything_takes_what_the_default_action_is_declared_for() {
        let mut stand = Stand::sound();
        stand.wanted().routes.as_mut().expect("routes")[0].default = true;
        stand.wanted().routes.as_mut().expect("routes")[0].conditions = Conditions::default();
        stand.listeners()[0].default_actions = forward("targetgroup/shop/1");
        let elsewhere = serve(Serve::FixedResponse("503".to_owned()));
        *stand.rules() = vec![listener_rule(1, paths(&["*"]), elsewhere)];
        assert_eq!(stand.found(HOP), ["M40"]);
        let said = stand.hop(HOP);
        assert!(said.evidence.starts_with("rule 1 matches GET /*: returns 503, before the default"), "{said:?}");
        assert_eq!(said.findings[0].fix, "delete rule 1, or narrow its conditions: it matches every request");
        for everything in
            [paths(&["/*"]), paths(&["/", "/?*"]), sources(&["0.0.0.0/0"]), sources(&["0.0.0.0/0", "::/0"])]
        {
            stand.rules()[0].conditions = everything.clone();
            assert_eq!(stand.found(HOP), ["M40"], "{everything}");
        }
        for part in [paths(&["/?*"]), sources(&["0.0.0.0/1"]), sources(&["::/0"]), sources(&["192.0.2.1/32"])] {
            stand.rules()[0].conditions = part.clone();
            assert_eq!(stand.state(HOP), "ok", "{part}");
        }
        stand.observed.rules.insert(listener_arn(), Seen::Unknown(gap("elasticloadbalancing:DescribeRules")));
        assert_eq!(stand.state(HOP), "unknown", "rules that were not read may take everything");
    }

    fn sources(blocks: &[&str]) -> Conditions {
        let source_ips = blocks.iter().map(|block| block.parse().expect("a block")).collect();
        Conditions { source_ips, ..Conditions::default() }
    }

    #[test]
    fn a_narrower_rule_before_is_no_fault_and_several_that_take_everything_together_are() {
        let mut stand = Stand::sound();
        for narrower in ["/shop/p*", "/*-*", "/shop/*-*", "/shop/portolan*", "/shop/?", "/SHOP/*", "*.html"] {
            *stand.rules() = vec![
                listener_rule(5, paths(&[narrower]), forward("targetgroup/other/1")),
                listener_rule(10, paths(&["/shop/*"]), forward("targetgroup/shop/1")),
            ];
            assert_eq!(stand.state(HOP), "ok", "{narrower}");
        }
        stand.rules()[0].conditions = paths(&["/shop/"]);
        stand.rules().push(listener_rule(6, paths(&["/shop/?*"]), forward("targetgroup/other/1")));
        assert_eq!(stand.found(HOP), ["M40"]);
        assert!(stand.hop(HOP).evidence.starts_with("rules 5 and 6 together match GET /shop/* before rule 10"));
        stand.rules()[0].actions = forward("targetgroup/shop/1");
        assert_eq!(stand.state(HOP), "ok", "a part still arrives");
    }

    #[test]
    fn several_own_rules_may_take_together_what_is_declared() {
        let mut stand = Stand::sound();
        *stand.rules() = vec![
            listener_rule(10, paths(&["/shop/"]), forward("targetgroup/shop/1")),
            listener_rule(20, paths(&["/shop/?*"]), forward("targetgroup/shop/1")),
        ];
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn a_rule_that_takes_only_a_part_of_what_is_declared_is_shown_with_what_it_leaves() {
        let mut stand = Stand::sound();
        stand.rules()[0].conditions = paths(&["/shop/*-*"]);
        assert_eq!(stand.found(HOP), ["M41"]);
        let evidence = stand.hop(HOP).evidence;
        assert!(
            evidence.contains("(path /shop/*-*) forwards to shop, but it matches only part of GET /shop/*, not for example the path /shop/;")
        );
        assert!(evidence.ends_with("the default action handles GET /shop/*: returns 404"), "{evidence}");
    }

    #[test]
    fn a_route_without_a_rule_of_its_own_lacks_one_whatever_other_routes_have() {
        let mut stand = Stand::sound();
        let host = |host: &str| Conditions { hosts: [host.to_owned()].into(), ..Conditions::default() };
        let routes = stand.wanted().routes.as_mut().expect("routes");
        routes[0].conditions = host("www.example.com");
        routes.push(crate::model::Route {
            priority: Some(2),
            conditions: host("shop.example.com"),
            ..routes[0].clone()
        });
        stand.rules()[0].conditions = host("www.example.com");
        let hops: Vec<_> = stand.trace().paths.into_iter().map(|path| path.hops[2].clone()).collect();
        assert_eq!(hops[0].state, crate::trace::State::Ok);
        assert_eq!(hops[1].findings[0].codes, [super::codes::NO_RULE].into());
        assert!(hops[1].evidence.starts_with("this route has no rule; only rule 10 (host www"));
    }

    #[test]
    fn whoever_has_the_declared_priority_is_told() {
        let mut stand = Stand::sound();
        *stand.rules() = vec![listener_rule(10, sources(&["203.0.113.7/32"]), forward("targetgroup/other/1"))];
        assert_eq!(stand.found(HOP), ["M37"], "no client at all gets through");
        let evidence = stand.hop(HOP).evidence;
        let told = "; rule 10 has the declared priority: it matches source 203.0.113.7/32 and forwards to other; ";
        assert!(
            evidence.starts_with("no rule of the listener forwards to shop") && evidence.contains(told),
            "{evidence}"
        );
        assert!(stand.hop(HOP).findings[0].fix.starts_with("declare a free priority"));
    }

    #[test]
    fn a_forward_elsewhere_is_told_without_weights_where_there_are_none() {
        let mut stand = Stand::sound();
        stand.rules()[0].actions = forward("targetgroup/other/1");
        let finding = stand.hop(HOP).findings[0].clone();
        assert_eq!(finding.evidence, "rule 10 matches GET /shop/*: forwards to other, not to shop");
        assert_eq!(finding.fix, "change rule 10 to forward to shop");
        stand.rules()[0].actions = weighted(0, 1);
        assert!(stand.hop(HOP).findings[0].fix.starts_with("give shop a weight above 0"));
    }

    #[test]
    fn a_regular_expression_is_evaluated_or_the_answer_is_open() {
        let by = |pattern: &str| Conditions {
            unsayable: vec![crate::model::Unsayable::Regex {
                field: crate::model::RegexField::Host,
                patterns: [pattern.to_owned()].into(),
            }],
            ..Conditions::default()
        };
        let mut stand = Stand::sound();
        stand.wanted().routes.as_mut().expect("routes")[0].conditions =
            Conditions { hosts: ["shop.example.org".to_owned()].into(), ..Conditions::default() };
        let knows = cfg!(any(feature = "aws", feature = "sandbox"));
        for (pattern, state) in [
            ("^shop[.]example[.](org|net)$", if knows { "ok" } else { "unknown" }),
            ("^shop[.]", "unknown"),
            ("^cart[.].*", if knows { "broken" } else { "unknown" }),
        ] {
            stand.rules()[0].conditions = by(pattern);
            assert_eq!(stand.state(HOP), state, "{pattern}");
        }
        stand.rules()[0].conditions = by("^shop[.].*");
        stand.asked.is_manifest = false;
        stand.wanted().routes = None;
        assert_eq!(stand.state(HOP), "ok", "as it stands, it takes what it takes");
    }

    #[test]
    fn nothing_is_called_unread_that_was_read() {
        let mut stand = Stand::sound();
        let regex = Conditions { unsayable: vec!["path-regex ^/s".into()], ..Conditions::default() };
        stand.rules().push(listener_rule(5, regex, forward("targetgroup/other/1")));
        assert_eq!(stand.hop(HOP).evidence, "whether rule 5 matches GET /shop/* depends on path-regex ^/s");
    }

    #[test]
    fn a_request_that_is_asked_about_is_followed_instead_of_samples() {
        let mut stand = Stand::sound();
        stand.rules().push(listener_rule(5, paths(&["/shop/admin/*"]), forward("targetgroup/other/1")));
        stand.asked.request = Some(get("/shop/admin/1"));
        assert_eq!(stand.found(HOP), ["M40"]);
        stand.asked.request = Some(get("/shop/1"));
        assert_eq!(stand.state(HOP), "ok");
        stand.asked.request = Some(get("/cart"));
        assert!(stand.trace().paths.is_empty(), "it is not meant for this path");
    }

    #[test]
    fn what_cannot_be_worked_out_is_unknown_unless_it_leads_here_anyway() {
        let mut stand = Stand::sound();
        let regex = Conditions { unsayable: vec!["path-regex ^/s".into()], ..Conditions::default() };
        stand.rules().push(listener_rule(5, regex, forward("targetgroup/other/1")));
        assert_eq!(stand.state(HOP), "unknown");
        stand.rules()[1].actions = forward("targetgroup/shop/1");
        assert_eq!(stand.state(HOP), "ok");
        let unread = Seen::Unknown(gap("elasticloadbalancing:DescribeRules"));
        stand.observed.rules.insert(listener_arn(), unread);
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn several_conditions_about_one_header_are_met_by_one_text_or_left_open() {
        let mut stand = Stand::sound();
        let about = |value: &str| crate::model::HeaderCondition {
            name: "x-team".to_owned(),
            values: [value.to_owned()].into(),
        };
        for (values, state) in [(["*red*", "*blue*"], "ok"), (["red", "blue"], "unknown")] {
            let conditions = Conditions { headers: values.map(about).into(), ..Conditions::default() };
            stand.rules()[0].conditions = conditions.clone();
            stand.wanted().routes.as_mut().expect("routes")[0].conditions = conditions;
            assert_eq!(stand.state(HOP), state, "{values:?}");
        }
    }

    #[test]
    fn a_rewritten_path_is_a_finding_that_nothing_proves() {
        let mut stand = Stand::sound();
        stand.rules()[0].transforms = vec!["url-rewrite ^/shop → /".to_owned()];
        assert_eq!((stand.found(HOP), stand.state(HOP)), (vec!["M47".to_owned()], "unknown"));
        assert_eq!(stand.path().verdict(), Verdict::Unknown);
        stand.asked.is_manifest = false;
        assert_eq!(stand.state(HOP), "ok", "what stands is not declared otherwise");
    }
}
