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
    let ours = way.stand_ins();
    let is_plain = way.balancer().is_ok_and(|balancer| balancer.kind != LoadBalancerKind::Application);
    if route.default || is_plain {
        return by_default(way, listener, &ours);
    }
    match way.rules(listener) {
        Ok(rules) => by_rule(way, route, listener, &rules, &ours),
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
        return Examined { state: State::Unknown(gap), evidence: finding.evidence.clone(), findings: vec![finding] };
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
    let takes = |rule: &&&Rule| requests.iter().any(|request| rule.conditions.takes(request) == Taken::Yes);
    let rule = rules.iter().find(takes).filter(|rule| leads(&rule.actions, ours) == Leads::Here)?;
    if !way.is_declared || rule.transforms.is_empty() {
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
