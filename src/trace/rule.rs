//! Which rule takes the requests, and whether it forwards them to the target group.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::request::samples;
use crate::model::{
    Forward, Gap, Listener, LoadBalancerKind, Request, Route, Rule, RuleActions, Serve, Taken, TargetGroupArn,
};

use super::catalogue::Code;
use super::finding::Finding;
use super::hop::{Examined, Hop, State};
use super::way::{Way, names};

pub(super) fn examine(way: &Way<'_>, _: &[Hop]) -> Examined {
    if let Err(lack) = way.live_group() {
        return lack.skip();
    }
    let (Some(route), listener) = (&way.route, way.listener()) else {
        if let Some(gap) = way.unread() {
            return Examined::unknown(gap);
        }
        let what = format!("no route to {} is declared, and no rule leads to it", way.group.name);
        return Examined::broken(Finding::of(Code(37), what));
    };
    let listener = match listener {
        Ok(listener) => listener,
        Err(lack) => return lack.skip(),
    };
    let ours = &way.stand_ins;
    let is_plain = way.balancer().is_ok_and(|balancer| balancer.kind != LoadBalancerKind::Application);
    if route.default || is_plain {
        return by_default(way, listener, ours);
    }
    match way.rules(listener) {
        Ok(rules) => by_rule(way, route, listener, &rules, ours),
        Err(lack) => lack.skip(),
    }
}

/// A default route: rules before it may take what they like.
fn by_default(way: &Way<'_>, listener: &Listener, ours: &BTreeSet<TargetGroupArn>) -> Examined {
    let does = describe(&listener.default_actions);
    let place = format!("the default action of listener {}", listener.port);
    match leads(&listener.default_actions, ours) {
        Leads::Here => Examined::ok(format!("{place} {does}")),
        Leads::Weightless => Examined::broken(Finding::of(Code(42), format!("{place} {does}"))),
        Leads::Elsewhere => {
            let is_forward = matches!(listener.default_actions.serve, Serve::Forward(_));
            let code = if is_forward { Code(42) } else { Code(44) };
            let mut findings = vec![Finding::of(code, format!("{place} {does}, not to {}", way.group.name))];
            findings.extend(unattached(way));
            Examined::of(findings, None, "")
        }
    }
}

fn by_rule(
    way: &Way<'_>,
    route: &Route,
    listener: &Listener,
    rules: &[&Rule],
    ours: &BTreeSet<TargetGroupArn>,
) -> Examined {
    let from = way.asked.client.map(|client| client.addr());
    let asked = way.asked.request.iter().cloned();
    let mut requests: Vec<Request> = asked.map(|request| Request { from: request.from.or(from), ..request }).collect();
    if requests.is_empty() {
        requests = samples(&route.conditions, from.filter(|from| may_come(route, from)));
    }
    if requests.is_empty() {
        let why = "no made-up request meets every condition about headers".to_owned();
        return Examined::unknown(Gap { call: "elasticloadbalancing:DescribeRules".to_owned(), why });
    }
    let (mut findings, mut gap, mut ways) = (Vec::new(), None, BTreeSet::new());
    for request in &requests {
        match follow(way, listener, rules, ours, request) {
            Ok(Ok(words)) => {
                ways.insert(words);
            }
            Ok(Err(finding)) => {
                if !findings.iter().any(|known: &Finding| known.codes == finding.codes) {
                    findings.push(finding);
                }
            }
            Err(why) => gap = Some(why),
        }
    }
    if findings.is_empty()
        && gap.is_none()
        && let Some(finding) = rewritten(way, rules, ours, &requests)
    {
        // Whether the app serves what it is asked for then is nowhere to be read.
        let gap = Gap { call: "app".to_owned(), why: "what it serves on the rewritten path".to_owned() };
        return Examined {
            state: State::Unknown(gap),
            evidence: finding.evidence.clone(),
            findings: vec![finding],
            gap: None,
        };
    }
    if !findings.is_empty() && findings.iter().all(|finding| finding.codes.contains(&Code(37))) {
        findings.truncate(1);
    }
    Examined::of(findings, gap, ways.into_iter().collect::<Vec<_>>().join("; "))
}

fn may_come(route: &Route, from: &IpAddr) -> bool {
    route.conditions.source_ips.is_empty() || route.conditions.source_ips.iter().any(|block| block.contains(from))
}

/// Where one request goes: here, in words, or why not.
fn follow(
    way: &Way<'_>,
    listener: &Listener,
    rules: &[&Rule],
    ours: &BTreeSet<TargetGroupArn>,
    request: &Request,
) -> Result<Result<String, Finding>, Gap> {
    let mut taker = None;
    for rule in rules {
        match rule.conditions.takes(request) {
            Taken::Yes => {
                taker = Some(*rule);
                break;
            }
            // A rule that may take it matters only if it leads elsewhere.
            Taken::Perhaps(_) if leads(&rule.actions, ours) == Leads::Here => {}
            Taken::Perhaps(why) => {
                let why = format!("whether rule {} takes {request} depends on {why}", rule.priority);
                return Err(Gap { call: "elasticloadbalancing:DescribeRules".to_owned(), why });
            }
            Taken::No(_) => {}
        }
    }
    let actions = taker.map_or(&listener.default_actions, |rule| &rule.actions);
    let name = taker.map_or_else(|| "the default action".to_owned(), |rule| format!("rule {}", rule.priority));
    let words = format!("{name} takes {request}: {}", describe(actions));
    match leads(actions, ours) {
        Leads::Here => Ok(Ok(words)),
        Leads::Weightless => Ok(Err(Finding::of(Code(42), words))),
        Leads::Elsewhere => Ok(Err(why_not(way, rules, ours, request, taker, &words))),
    }
}

/// Why a request goes elsewhere.
fn why_not(
    way: &Way<'_>,
    rules: &[&Rule],
    ours: &BTreeSet<TargetGroupArn>,
    request: &Request,
    taker: Option<&Rule>,
    words: &str,
) -> Finding {
    let own: Vec<&&Rule> = rules.iter().filter(|rule| names(&rule.actions, ours)).collect();
    if let Some(later) = own.iter().find(|rule| rule.conditions.takes(request) == Taken::Yes) {
        return Finding::of(Code(40), format!("{words}, before rule {} can, which leads here", later.priority));
    }
    if let Some(rule) = own.iter().find(|rule| rule.conditions.is_parked()) {
        let what = format!("rule {} leads here and is parked: no request matches it ({})", rule.priority, show(rule));
        let fix = "wait until its targets are healthy; reconcile then gives the rule its conditions";
        return Finding::unnumbered("rule-parked", format!("{what}; {words}"), fix);
    }
    if let Some(rule) = own.first() {
        let what = match rule.conditions.takes(request) {
            Taken::No(condition) => format!("by its {condition}"),
            Taken::Yes | Taken::Perhaps(_) => "for certain".to_owned(),
        };
        let shown = show(rule);
        return Finding::of(
            Code(41),
            format!("rule {} leads here and does not take {request} {what} ({shown}); {words}", rule.priority),
        );
    }
    let priority = way.route.as_ref().and_then(|route| route.priority);
    match taker.filter(|rule| priority == Some(rule.priority)) {
        Some(rule) if matches!(rule.actions.serve, Serve::Forward(_)) => Finding::of(Code(42), words),
        _ => Finding::of(Code(37), format!("no rule of the listener leads to {}; {words}", way.group.name)),
    }
}

fn unattached(way: &Way<'_>) -> Option<Finding> {
    let live = way.live_group().ok()?;
    live.load_balancers.is_empty().then(|| Finding::of(Code(37), format!("nothing forwards to {}", live.name)))
}

/// M47: the target sees another path or host than the manifest says. A manifest cannot declare transforms.
fn rewritten(way: &Way<'_>, rules: &[&Rule], ours: &BTreeSet<TargetGroupArn>, requests: &[Request]) -> Option<Finding> {
    if !way.is_declared || rules.iter().all(|rule| rule.transforms.is_empty()) {
        return None;
    }
    let takes = |rule: &&&Rule| requests.iter().any(|request| rule.conditions.takes(request) == Taken::Yes);
    let rule = rules.iter().find(takes).filter(|rule| leads(&rule.actions, ours) == Leads::Here)?;
    if rule.transforms.is_empty() {
        return None;
    }
    let what = format!("rule {} changes requests on the way: {}", rule.priority, rule.transforms.join("; "));
    Some(Finding::of(Code(47), what))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leads {
    Here,
    /// Here, with weight 0.
    Weightless,
    Elsewhere,
}

fn leads(actions: &RuleActions, ours: &BTreeSet<TargetGroupArn>) -> Leads {
    match &actions.serve {
        Serve::Forward(forward) if forward.receivers().any(|arn| ours.contains(arn)) => Leads::Here,
        Serve::Forward(_) if names(actions, ours) => Leads::Weightless,
        Serve::Forward(_) | Serve::Redirect | Serve::FixedResponse(_) | Serve::Other(_) => Leads::Elsewhere,
    }
}

/// What actions do, in words.
fn describe(actions: &RuleActions) -> String {
    let before = match (actions.login, actions.token) {
        (true, _) => "logs in, then ",
        (false, true) => "checks a token, then ",
        (false, false) => "",
    };
    let serves = match &actions.serve {
        Serve::Forward(forward) => format!("forwards to {}", weights(forward)),
        Serve::Redirect => "redirects".to_owned(),
        Serve::FixedResponse(code) => format!("answers {code} itself"),
        Serve::Other(kind) => format!("does {kind}"),
    };
    format!("{before}{serves}")
}

fn weights(forward: &Forward) -> String {
    let one = forward.weights.len() == 1;
    let shown = forward
        .weights
        .iter()
        .map(|(arn, weight)| if one { arn.name().to_owned() } else { format!("{} with weight {weight}", arn.name()) });
    shown.collect::<Vec<_>>().join(" and ")
}

fn show(rule: &Rule) -> String {
    let conditions = &rule.conditions;
    let set = |name: &str, values: &BTreeSet<String>| {
        (!values.is_empty()).then(|| format!("{name} {}", values.iter().cloned().collect::<Vec<_>>().join(", ")))
    };
    let sources: BTreeSet<String> = conditions.source_ips.iter().map(ToString::to_string).collect();
    let headers: BTreeSet<String> = conditions.headers.iter().map(|header| header.name.clone()).collect();
    let queries = (!conditions.queries.is_empty()).then(|| "query string".to_owned());
    let parts = [
        set("host", &conditions.hosts),
        set("path", &conditions.paths),
        set("method", &conditions.methods),
        set("source", &sources),
        set("header", &headers),
        queries,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
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
        assert!(evidence.starts_with("rule 10 takes GET ") && evidence.ends_with("forwards to shop"), "{evidence}");
    }

    #[test]
    fn without_a_rule_the_default_action_answers() {
        let mut stand = Stand::sound();
        stand.rules().clear();
        assert_eq!(stand.found(HOP), ["M37"]);
        assert!(stand.hop(HOP).evidence.contains("the default action takes GET "), "{}", stand.hop(HOP).evidence);
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
        assert!(stand.hop(HOP).evidence.contains("by its path (path /shop)"), "{}", stand.hop(HOP).evidence);
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
        let regex = Conditions { unsayable: vec!["path-regex ^/s".to_owned()], ..Conditions::default() };
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
