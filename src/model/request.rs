//! A request, and which rule of a listener takes it (ELBv2 `RuleCondition`; listener rules guide).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::listener_rule::{Conditions, HeaderCondition, QueryCondition, RegexField, Unsayable};
use super::pattern::matches;
use super::regular_expression::fits;

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
        if inside == Some(false) && !self.source_ips.is_empty() || inside.is_none() && self.is_parked() {
            return Taken::No("source address");
        }
        let mut open = None;
        for condition in &self.unsayable {
            match expression_holds(condition, request) {
                Some(true) => {}
                Some(false) => return Taken::No(condition.name()),
                None => open = open.or_else(|| Some(condition.to_string())),
            }
        }
        match open {
            Some(condition) => Taken::Perhaps(condition),
            None if inside.is_none() && !self.source_ips.is_empty() => Taken::Perhaps("source-ip".to_owned()),
            None => Taken::Yes,
        }
    }
}

/// Whether a regular expression fits; `None` where that cannot be told.
fn expression_holds(condition: &Unsayable, request: &Request) -> Option<bool> {
    let Unsayable::Regex { field, patterns } = condition else { return None };
    match field {
        RegexField::Host => fits(field, patterns, request.host.split(':').next().unwrap_or_default()),
        RegexField::Path => fits(field, patterns, &request.path),
        RegexField::Header(wanted) => {
            let found = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map_or(Some(false), |(_, text)| fits(field, patterns, text))
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
