//! A request, and which rule of a listener takes it (ELBv2 `RuleCondition`; listener rules guide).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::listener_rule::{Conditions, HeaderCondition, QueryCondition, RegexField, Unsayable};
use super::pattern::{matches, of_query, query_text};
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

impl Request {
    /// The host without a port.
    fn host_name(&self) -> &str {
        self.host.split(':').next().unwrap_or_default()
    }

    /// A header, whatever the case of its name.
    fn header(&self, wanted: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, text)| text.as_str())
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
            let host = request.host_name().to_lowercase();
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
            request.header(&header.name).is_some_and(|text| {
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
        RegexField::Host => fits(field, patterns, request.host_name()),
        RegexField::Path => fits(field, patterns, &request.path),
        RegexField::Header(wanted) => request.header(wanted).map_or(Some(false), |text| fits(field, patterns, text)),
    }
}

fn query_holds(condition: &QueryCondition, query: &[(String, String)]) -> bool {
    condition.pairs.iter().any(|(key, value)| {
        query.iter().any(|(name, text)| {
            let fits = |pattern: &str, text: &str| matches(&of_query(pattern), &query_text(text));
            key.as_ref().is_none_or(|key| fits(key, name)) && fits(value, text)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RequestSet, Share};

    fn asks_for(key: Option<&str>, value: &str) -> Conditions {
        let pairs = [(key.map(str::to_owned), value.to_owned())].into();
        Conditions { queries: [QueryCondition { pairs }].into(), ..Conditions::default() }
    }

    #[test]
    fn in_query_strings_a_backslash_takes_their_meaning_from_wildcards() {
        let takes = |value: &str, text: &str| {
            let request = Request {
                method: "GET".to_owned(),
                host: "shop.example.com".to_owned(),
                path: "/".to_owned(),
                query: vec![("Rate".to_owned(), text.to_owned())],
                headers: BTreeMap::new(),
                from: None,
            };
            asks_for(Some("rate"), value).takes(&request) == Taken::Yes
        };
        for (value, text, is_taken) in [
            (r"50\*", "50*", true),
            (r"50\*", "500", false),
            (r"50\?", "50?", true),
            (r"50\?", "500", false),
            (r"50\**", "50*A", true),
            ("50*", "50*", true),
            ("50?", "50*", true),
        ] {
            assert_eq!(takes(value, text), is_taken, "{value} on {text}");
        }
    }

    #[test]
    fn sets_of_requests_are_compared_with_the_same_patterns() {
        let share = |rule: &str, set: &str| {
            let sets = RequestSet::all_of(&asks_for(None, set), None);
            asks_for(None, rule).share_of(&sets[0])
        };
        assert_eq!(share("50*", r"50\*"), Share::All);
        assert_eq!(share(r"50\*", r"50\*"), Share::All);
        assert!(matches!(share(r"50\*", "50*"), Share::Some { .. }));
        assert!(matches!(share("500", r"50\*"), Share::Some { .. }));
    }
}
