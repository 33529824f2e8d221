//! Which rule takes a request, and where its action leads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use regex::Regex;
use serde_json::Value;

use super::glob::Glob;
use super::input::Input;
use super::state::State;

/// A request, as far as conditions look at it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    pub method: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a BTreeMap<String, String>,
    pub from: Ipv4Addr,
}

/// The target groups that a list of actions forwards to, with their weights. Actions are as AWS reads them back.
pub fn forwards(actions: &[Value]) -> impl Iterator<Item = (&str, i64)> {
    let actions = actions.iter().map(Input).filter(|action| action.text("Type") == Some("forward"));
    let groups =
        actions.filter_map(|action| action.get("ForwardConfig")).flat_map(|config| config.list("TargetGroups"));
    groups.filter_map(|group| Some((group.text("TargetGroupArn")?, group.int("Weight").unwrap_or(1))))
}

/// The load balancers whose listeners or rules forward to a target group, weight 0 included.
pub fn balancers_of(state: &State, group: &str) -> BTreeSet<String> {
    forwarding_to(state, group).cloned().collect()
}

/// The same as they are come upon, for who needs no more than the first.
pub fn forwarding_to<'a>(state: &'a State, group: &'a str) -> impl Iterator<Item = &'a String> {
    let names = move |actions: &[Value]| forwards(actions).any(|(arn, _)| arn == group);
    let by_rule = state.rules.values().filter(move |rule| names(&rule.actions)).map(|rule| &rule.listener);
    let by_default = state.listeners.values().filter(move |listener| names(&listener.actions));
    let listeners = by_rule.chain(by_default.map(|listener| &listener.arn));
    listeners.filter_map(|arn| state.listeners.get(arn)).map(|listener| &listener.load_balancer)
}

/// Whether a rule takes a request: every condition is met by one of its values (aws-facts 3.6).
pub fn takes(conditions: &[Value], asked: &Asked) -> bool {
    conditions.iter().map(Input).all(|condition| is_met(condition, asked))
}

fn is_met(condition: Input, asked: &Asked) -> bool {
    match condition.text("Field").unwrap_or_default() {
        "host-header" => {
            let host = asked.host.split(':').next().unwrap_or_default().to_lowercase();
            one_of(condition, "HostHeaderConfig", |value| Glob::plain(&value.to_lowercase()).fits(&host), &host)
        }
        "path-pattern" => {
            one_of(condition, "PathPatternConfig", |value| Glob::plain(value).fits(asked.path), asked.path)
        }
        "http-request-method" => {
            one_of(condition, "HttpRequestMethodConfig", |value| value == asked.method, asked.method)
        }
        "source-ip" => one_of(
            condition,
            "SourceIpConfig",
            |value| value.parse::<Ipv4Net>().is_ok_and(|cidr| cidr.contains(&asked.from)),
            "",
        ),
        "http-header" => {
            let name = condition.get("HttpHeaderConfig").and_then(|config| config.text("HttpHeaderName"));
            let name = name.unwrap_or_default();
            let found = asked.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
            found.is_some_and(|(_, text)| {
                let text = text.to_lowercase();
                one_of(condition, "HttpHeaderConfig", |value| Glob::plain(&value.to_lowercase()).fits(&text), &text)
            })
        }
        "query-string" => query_is_met(condition, asked.query),
        _ => false,
    }
}

/// Whether any value, or any regular expression, of a condition fits.
fn one_of(condition: Input, config: &str, fits: impl Fn(&str) -> bool, text: &str) -> bool {
    let config = condition.get(config).unwrap_or(condition);
    let by_regex = |pattern: &&str| Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
    config.texts("Values").into_iter().any(fits) || config.texts("RegexValues").iter().any(by_regex)
}

fn query_is_met(condition: Input, query: &str) -> bool {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .map(|(key, value)| (key.to_lowercase(), value.to_lowercase()))
        .collect();
    let config = condition.get("QueryStringConfig");
    config.into_iter().flat_map(|config| config.list("Values")).any(|wanted| {
        let (key, value) = (wanted.text("Key"), wanted.text("Value").unwrap_or_default());
        let fits = |pattern: &str, text: &str| Glob::escaped(&pattern.to_lowercase()).fits(text);
        pairs.iter().any(|(name, text)| key.is_none_or(|key| fits(key, name)) && fits(value, text))
    })
}

/// The path that a target sees, after the rule's transforms.
pub fn rewritten(transforms: &[Value], path: &str) -> String {
    let rewrites = transforms.iter().map(Input).filter(|transform| transform.text("Type") == Some("url-rewrite"));
    let rewrites = rewrites.filter_map(|transform| transform.get("UrlRewriteConfig"));
    rewrites.flat_map(|config| config.list("Rewrites")).fold(path.to_owned(), |path, rewrite| {
        match Regex::new(rewrite.text("Regex").unwrap_or_default()) {
            Ok(regex) => regex.replace(&path, rewrite.text("Replace").unwrap_or_default()).into_owned(),
            Err(_) => path,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked<'a>(host: &'a str, path: &'a str, headers: &'a BTreeMap<String, String>) -> Asked<'a> {
        Asked { method: "GET", host, path, query: "a=1&B=two", headers, from: Ipv4Addr::new(198, 51, 100, 7) }
    }

    #[test]
    fn every_condition_is_needed_and_one_value_of_each_is_enough() {
        let headers = BTreeMap::from([("X-Tier".to_owned(), "Gold".to_owned())]);
        let condition = |field: &str, config: &str, values: Value| json!({"Field": field, config: {"Values": values}});
        let host = condition("host-header", "HostHeaderConfig", json!(["*.example.com"]));
        let path = condition("path-pattern", "PathPatternConfig", json!(["/x", "/api/*"]));
        let method = condition("http-request-method", "HttpRequestMethodConfig", json!(["POST"]));
        let header = json!({"Field": "http-header",
            "HttpHeaderConfig": {"HttpHeaderName": "x-tier", "Values": ["g*"]}});
        let query = condition("query-string", "QueryStringConfig", json!([{"Key": "b", "Value": "t?o"}]));
        let source = condition("source-ip", "SourceIpConfig", json!(["198.51.100.0/24"]));
        let sent = asked("Shop.EXAMPLE.com:443", "/api/v1", &headers);
        for met in [&host, &path, &header, &query, &source] {
            assert!(takes(std::slice::from_ref(met), &sent), "{met}");
        }
        let escaped =
            |value: &str| condition("query-string", "QueryStringConfig", json!([{"Key": "b", "Value": value}]));
        let starred = Asked { query: "b=%2A", ..asked("shop.example.com", "/", &headers) };
        assert!(takes(&[escaped(r"\*")], &starred) && !takes(&[escaped(r"\*")], &sent));
        assert!(takes(&[host.clone(), path.clone(), source], &sent));
        assert!(!takes(&[host.clone(), method], &sent));
        assert!(!takes(&[host], &asked("example.com", "/api/v1", &headers)));
    }
}
