//! A request, and which rule of a listener takes it (ELBv2 `RuleCondition`; listener rules guide).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::listener_rule::{Conditions, HeaderCondition, QueryCondition};

/// A request, as far as rules look at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// Such as `GET`; case counts.
    pub method: String,
    /// The `Host` header; a port in it is ignored.
    pub host: String,
    /// The path without the query; case counts.
    pub path: String,
    /// Keys and values, decoded.
    pub query: Vec<(String, String)>,
    /// Headers by name.
    pub headers: BTreeMap<String, String>,
    /// The client; `None`: any.
    pub from: Option<IpAddr>,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.host, self.path)?;
        for (number, (key, value)) in self.query.iter().enumerate() {
            write!(f, "{}{key}={value}", if number == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// Whether a rule takes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Every condition holds.
    Yes,
    /// This condition does not hold.
    No(&'static str),
    /// It depends on a condition that this version cannot work out, or on who the client is.
    Perhaps(String),
}

impl Conditions {
    /// Whether a rule with these conditions takes the request: all of them must hold, within one any value is enough.
    pub fn takes(&self, request: &Request) -> Taken {
        if !self.hosts.is_empty() {
            let host = request.host.split(':').next().unwrap_or_default().to_lowercase();
            if !self.hosts.iter().any(|pattern| matches(&pattern.to_lowercase(), &host)) {
                return Taken::No("host");
            }
        }
        if !self.paths.is_empty() && !self.paths.iter().any(|pattern| matches(pattern, &request.path)) {
            return Taken::No("path");
        }
        if !self.methods.is_empty() && !self.methods.contains(&request.method) {
            return Taken::No("method");
        }
        let header_holds = |header: &HeaderCondition| {
            let found = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&header.name));
            found.is_some_and(|(_, text)| {
                let text = text.to_lowercase();
                header.values.iter().any(|value| matches(&value.to_lowercase(), &text))
            })
        };
        if !self.headers.iter().all(header_holds) {
            return Taken::No("header");
        }
        if !self.queries.iter().all(|query| query_holds(query, &request.query)) {
            return Taken::No("query string");
        }
        let inside = request.from.map(|from| self.source_ips.iter().any(|block| block.contains(&from)));
        match (self.source_ips.is_empty(), inside, self.unsayable.first()) {
            (false, Some(false), _) => Taken::No("source address"),
            (_, _, Some(condition)) => Taken::Perhaps(condition.clone()),
            (false, None, None) if self.is_parked() => Taken::No("source address"),
            (false, None, None) => Taken::Perhaps("source-ip".to_owned()),
            (true, _, None) | (false, Some(true), None) => Taken::Yes,
        }
    }
}

fn query_holds(condition: &QueryCondition, query: &[(String, String)]) -> bool {
    condition.pairs.iter().any(|(key, value)| {
        query.iter().any(|(name, text)| {
            let key_fits = key.as_ref().is_none_or(|key| matches(&key.to_lowercase(), &name.to_lowercase()));
            key_fits && matches(&value.to_lowercase(), &text.to_lowercase())
        })
    })
}

/// Whether a text fits a pattern: `*` stands for any text, `?` for one character.
pub fn matches(pattern: &str, text: &str) -> bool {
    // A path is held against the patterns of all rules before its own, and nearly all of these are ASCII.
    if pattern.is_ascii() && text.is_ascii() {
        return fits(pattern.as_bytes(), text.as_bytes(), b'*', b'?');
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    fits(&pattern, &text, '*', '?')
}

/// As [`matches`], with the symbols that stand for any text and for one character. Goes back to the last star only.
fn fits<T: Copy + PartialEq>(pattern: &[T], text: &[T], any: T, one: T) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(symbol) if *symbol == any => {
                star = Some((at, read));
                at += 1;
            }
            Some(symbol) if *symbol == one || *symbol == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at = place + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|symbol| *symbol == any)
}

/// Words that stand for `*` in a sample: no more special pattern is likely to mean them.
const ANYTHING: &str = "portolan-probe";

fn fill(pattern: &str) -> String {
    pattern.replace('*', ANYTHING).replace('?', "x")
}

/// A text that meets every condition about a header: that of one of its values, or of all of them in a list.
fn header_text(conditions: &Conditions, name: &str) -> Option<String> {
    let all: Vec<&HeaderCondition> = conditions.headers.iter().filter(|header| header.name == name).collect();
    let mut texts: Vec<String> = all.iter().flat_map(|header| &header.values).map(|value| fill(value)).collect();
    texts.push(texts.join(", "));
    let meets = |text: &String, header: &&HeaderCondition| {
        header.values.iter().any(|value| matches(&value.to_lowercase(), &text.to_lowercase()))
    };
    texts.into_iter().find(|text| all.iter().all(|header| meets(text, header)))
}

/// Requests that meet these conditions, one for each combination of host, path and method. None, where several conditions
/// about one header cannot be met by one text.
pub fn samples(conditions: &Conditions, from: Option<IpAddr>) -> Vec<Request> {
    let or = |set: &std::collections::BTreeSet<String>, otherwise: &str| -> Vec<String> {
        if set.is_empty() { vec![otherwise.to_owned()] } else { set.iter().map(|value| fill(value)).collect() }
    };
    let names = conditions.headers.iter().map(|header| &header.name);
    let headers: Option<BTreeMap<String, String>> =
        names.map(|name| Some((name.clone(), header_text(conditions, name)?))).collect();
    let Some(headers) = headers else { return Vec::new() };
    let pairs = conditions.queries.iter().filter_map(|query| query.pairs.first());
    let pair = |(key, value): &(Option<String>, String)| {
        (key.as_deref().map_or_else(|| ANYTHING.to_owned(), fill), fill(value))
    };
    let query: Vec<(String, String)> = pairs.map(pair).collect();
    let from = from.or_else(|| conditions.source_ips.first().map(|block| block.addr()));
    let methods = or(&conditions.methods, "GET");
    let (hosts, paths) = (or(&conditions.hosts, "portolan-probe.invalid"), or(&conditions.paths, "/portolan-probe"));
    let mut all = Vec::new();
    for (host, path) in hosts.iter().flat_map(|host| paths.iter().map(move |path| (host, path))) {
        all.extend(methods.iter().map(|method| Request {
            method: method.clone(),
            host: host.clone(),
            path: path.clone(),
            query: query.clone(),
            headers: headers.clone(),
            from,
        }));
    }
    all
}
