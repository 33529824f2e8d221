//! A request that no path matches: what handles it instead, and which route is the nearest match.

use std::collections::BTreeMap;

use crate::model::{Conditions, Gap, Listener, LoadBalancer, LoadBalancerKind, Request, Route, Share, Taken};

use super::asked::Asked;
use super::rule_words::describe;
use super::way::{Lack, Way};

/// How one listener handles a request that no path matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrouted {
    /// Such as `GET www.example.com/api`.
    pub request: String,
    /// The listener, such as `public:80`.
    pub at: String,
    /// What handles it, such as `the default action: returns 404`.
    pub taken_by: String,
    /// The failed read, if the handler is unknown because of it.
    pub gap: Option<Gap>,
    /// The nearest route, and why it does not match the request.
    pub nearest: Option<String>,
}

/// A path with one of its routes.
type Routed<'a, 'b> = (&'b Way<'a>, &'b Route);

/// How every load balancer on a path handles the request.
pub(super) fn unrouted(ways: &[Way<'_>], asked: &Asked) -> Vec<Unrouted> {
    let (Some(request), Some(port)) = (&asked.request, asked.listener) else { return Vec::new() };
    let mut by_balancer: BTreeMap<&str, (&LoadBalancer, Vec<Routed<'_, '_>>)> = BTreeMap::new();
    for way in ways {
        let Ok(balancer) = way.balancer() else { continue };
        let (_, routed) = by_balancer.entry(balancer.arn.as_str()).or_insert((balancer, Vec::new()));
        routed.extend(way.route.as_ref().map(|route| (way, route)));
    }
    let observed =
        |way: &Way<'_>, balancer: &LoadBalancer| way.given.observed.listeners_of(&balancer.arn).present().cloned();
    let mut all = Vec::new();
    for (balancer, routed) in by_balancer.values() {
        let Some(any) = ways.iter().find(|way| way.balancer().is_ok_and(|own| own.arn == balancer.arn)) else {
            continue;
        };
        let listeners = observed(any, balancer).unwrap_or_default();
        let listener = listeners.iter().find(|listener| listener.port == port);
        let is_meant = listener.is_some();
        let (taken_by, gap) = match listener {
            Some(listener) => taker(any, balancer, listener, request, asked),
            None => nothing(any, balancer, port),
        };
        let at = format!("{}:{port}", balancer.name);
        let nearest = nearest(routed, request, port);
        all.push((is_meant, Unrouted { request: request.to_string(), at, taken_by, gap, nearest }));
    }
    // If only some of the load balancers listen on the port, the request is meant for those.
    let is_any_meant = all.iter().any(|(is_meant, _)| *is_meant);
    all.into_iter().filter(|(is_meant, _)| *is_meant || !is_any_meant).map(|(_, one)| one).collect()
}

fn nothing(way: &Way<'_>, balancer: &LoadBalancer, port: u16) -> (String, Option<Gap>) {
    let listeners = way.given.observed.listeners_of(&balancer.arn);
    if let Some(gap) = listeners.gap() {
        return (format!("unknown: {} could not be read ({})", gap.call, gap.why), Some(gap.clone()));
    }
    let ports: Vec<String> =
        listeners.present().into_iter().flatten().map(|one| format!("{} {}", one.protocol, one.port)).collect();
    let has = if ports.is_empty() { "none".to_owned() } else { ports.join(", ") };
    (format!("nothing: {} has no listener on port {port}; it has {has}", balancer.name), None)
}

/// The rule that matches a request, or the default action.
fn taker(
    way: &Way<'_>,
    balancer: &LoadBalancer,
    listener: &Listener,
    request: &Request,
    asked: &Asked,
) -> (String, Option<Gap>) {
    let rules = match balancer.kind {
        LoadBalancerKind::Application => way.rules(listener),
        LoadBalancerKind::Network | LoadBalancerKind::Gateway => Ok(Vec::new()),
    };
    let rules = match rules {
        Ok(rules) => rules,
        Err(Lack::Missing(why)) => return (why, None),
        Err(Lack::Unknown(gap)) => {
            return (format!("unknown: {} could not be read ({})", gap.call, gap.why), Some(gap));
        }
    };
    let mut before = Vec::new();
    for rule in rules {
        let name = format!("rule {} ({})", rule.priority, rule.conditions);
        match rule.conditions.share_of_request(request, asked.client) {
            Share::All => {
                return (format!("{}{name}: {}", before.concat(), describe(&rule.actions)), None);
            }
            Share::None(_) => {}
            Share::Some { condition, .. } => before.push(format!("{name} if its {condition} matches, else ")),
            Share::Unknown(why) => before.push(format!("possibly {name} (depends on {why}), else ")),
        }
    }
    (format!("{}the default action: {}", before.concat(), describe(&listener.default_actions)), None)
}

/// The route with the fewest unmet conditions; among several, the one with the longest common path.
fn nearest(routed: &[Routed<'_, '_>], request: &Request, port: u16) -> Option<String> {
    let of = |(_, route): &&Routed<'_, '_>| {
        let unmet = unmet(&route.conditions, request).len();
        (route.listener != port, unmet, usize::MAX - common(&route.conditions, request))
    };
    let (way, route) = routed.iter().min_by_key(of)?;
    let conditions = if route.default { "default action".to_owned() } else { route.conditions.to_string() };
    let name = format!("{} on listener {} ({conditions})", way.group.key, route.listener);
    let mut why: Vec<String> = Vec::new();
    if route.listener != port {
        why.push(format!("it is not on listener {port}"));
    }
    why.extend(unmet(&route.conditions, request));
    (!why.is_empty()).then(|| format!("{name}: {}", why.join(", and ")))
}

/// The conditions that the request does not meet, as texts.
fn unmet(conditions: &Conditions, request: &Request) -> Vec<String> {
    let Conditions { hosts, paths, methods, source_ips, headers, queries, unsayable } = conditions.clone();
    let none = Conditions::default;
    let each = [
        (Conditions { hosts, ..none() }, format!("its host does not match {}", request.host)),
        (Conditions { paths, ..none() }, format!("its path does not match {}", request.path)),
        (Conditions { methods, ..none() }, format!("its method is not {}", request.method)),
        (Conditions { source_ips, ..none() }, "its source addresses do not match the client".to_owned()),
        (Conditions { headers, ..none() }, "its header conditions do not match".to_owned()),
        (Conditions { queries, ..none() }, "its query-string conditions do not match".to_owned()),
        (Conditions { unsayable, ..none() }, "its regular expressions do not match".to_owned()),
    ];
    let fails = |one: &Conditions| matches!(one.takes(request), Taken::No(_));
    each.into_iter().filter(|(one, _)| fails(one)).map(|(_, words)| words).collect()
}

/// How many characters of the path a pattern has at its beginning.
fn common(conditions: &Conditions, request: &Request) -> usize {
    let same = |pattern: &String| pattern.chars().zip(request.path.chars()).take_while(|(a, b)| a == b).count();
    conditions.paths.iter().map(same).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, forward, gap, listener_arn, listener_rule, paths, serve};
    use crate::model::{Request, Seen, Serve};
    use crate::trace::Verdict;

    fn get(path: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            host: "www.example.com".to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Default::default(),
            from: None,
        }
    }

    fn asked(path: &str) -> Stand {
        let mut stand = Stand::sound();
        stand.asked.request = Some(get(path));
        stand.asked.listener = Some(80);
        stand
    }

    #[test]
    fn what_takes_the_request_is_named_with_its_answer_and_the_nearest_route_with_the_reason() {
        let mut stand = asked("/shop");
        let traced = stand.trace();
        assert_eq!((traced.paths.len(), traced.verdict()), (0, Verdict::Broken));
        let [one] = traced.unrouted.as_slice() else { panic!("one listener: {traced:?}") };
        assert_eq!((one.request.as_str(), one.at.as_str()), ("GET www.example.com/shop", "public:80"));
        assert_eq!(one.taken_by, "the default action: returns 404");
        let nearest = "shop on listener 80 (path /shop/*): its path does not match /shop";
        assert_eq!(one.nearest.as_deref(), Some(nearest));
        stand.rules().push(listener_rule(
            5,
            paths(&["/sho?"]),
            serve(Serve::Redirect("https://#{host}:443/#{path}".to_owned())),
        ));
        assert_eq!(stand.trace().unrouted[0].taken_by, "rule 5 (path /sho?): redirects to https://#{host}:443/#{path}");
        stand.rules()[1].actions = forward("targetgroup/other/1");
        assert_eq!(stand.trace().unrouted[0].taken_by, "rule 5 (path /sho?): forwards to other");
    }

    #[test]
    fn where_nothing_listens_nothing_takes_it_and_what_was_not_read_is_unknown() {
        let mut stand = asked("/shop/1");
        stand.asked.listener = Some(443);
        let one = stand.trace().unrouted.remove(0);
        assert_eq!(one.taken_by, "nothing: public has no listener on port 443; it has HTTP 80");
        assert_eq!(one.nearest.as_deref(), Some("shop on listener 80 (path /shop/*): it is not on listener 443"));
        let mut stand = asked("/cart");
        stand.observed.rules.insert(listener_arn(), Seen::Unknown(gap("elasticloadbalancing:DescribeRules")));
        let traced = stand.trace();
        assert!(traced.unrouted[0].taken_by.starts_with("unknown: "), "{traced:?}");
        assert_eq!(traced.verdict(), Verdict::Unknown);
    }

    #[test]
    fn of_several_routes_the_request_is_followed_along_the_first_that_takes_it() {
        let mut stand = asked("/shop/1");
        let routes = stand.wanted().routes.as_mut().expect("routes");
        routes.push(crate::model::Route { default: true, priority: None, conditions: paths(&[]), ..routes[0].clone() });
        routes.push(crate::model::Route { priority: Some(20), conditions: paths(&["/s*"]), ..routes[0].clone() });
        let traced = stand.trace();
        let followed: Vec<Option<u32>> =
            traced.paths.iter().map(|path| path.route.as_ref().and_then(|route| route.priority)).collect();
        assert_eq!((followed, traced.verdict()), (vec![Some(10)], Verdict::Reachable));
    }
}
