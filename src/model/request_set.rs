//! Sets of requests, such as those that a route declares, and how many of one the conditions of a rule take: all, some or
//! none of them. Patterns are compared as sets of texts ([`super::pattern`]), addresses as blocks; no request is made up.

use std::collections::BTreeSet;
use std::fmt;

use ipnet::IpNet;

use super::listener_rule::{Conditions, HeaderCondition, QueryCondition, RegexField, Unsayable};
use super::pattern::{Outside, all_meet, all_outside, is_text, meet, of_query, outside, rooted};
use super::regular_expression::fits;
use super::request::{Request, Taken};

/// Requests of one method, one host pattern, one path pattern and one block of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSet {
    /// Such as `GET`.
    pub method: String,
    /// A pattern, in lower case.
    pub host: String,
    /// A pattern; case counts.
    pub path: String,
    /// Where the clients are; `None`: anywhere.
    pub from: Option<IpNet>,
    /// What their headers are.
    pub headers: BTreeSet<HeaderCondition>,
    /// What is in their query strings.
    pub queries: BTreeSet<QueryCondition>,
    /// What else is known of them.
    pub unsayable: Vec<Unsayable>,
}

/// How many of a set of requests a rule takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// Every one.
    All,
    /// Some, and not others.
    Some {
        /// The condition that tells them apart.
        condition: &'static str,
        /// What a request that it does not take has there, if it can be shown.
        example: Option<String>,
    },
    /// None, by this condition.
    None(&'static str),
    /// It depends on something that cannot be worked out.
    Unknown(String),
}

/// Most requests have this method: where a route declares none, it is about these above all.
const METHOD: &str = "GET";
/// Every host, every path.
const EVERY_HOST: &str = "*";
const EVERY_PATH: &str = "/*";

impl fmt::Display for RequestSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host == EVERY_HOST { "" } else { self.host.as_str() };
        write!(f, "{} {host}{}", self.method, self.path)?;
        if let Some(from) = self.from {
            write!(f, " from {from}")?;
        }
        for header in &self.headers {
            let values: Vec<&str> = header.values.iter().map(String::as_str).collect();
            write!(f, " with header {} {}", header.name, values.join(" or "))?;
        }
        for query in &self.queries {
            let pair = |(key, value): &(Option<String>, String)| {
                key.as_ref().map_or_else(|| value.clone(), |key| format!("{key}={value}"))
            };
            write!(f, " with query {}", query.pairs.iter().map(pair).collect::<Vec<_>>().join(" or "))?;
        }
        for condition in &self.unsayable {
            write!(f, " with {condition}")?;
        }
        Ok(())
    }
}

impl RequestSet {
    /// The requests that meet these conditions: a set for each combination of host, path, method and block. None, where
    /// conditions about one header exclude each other. `client` is where they come from, if that is asked.
    pub fn all_of(conditions: &Conditions, client: Option<IpNet>) -> Vec<Self> {
        let or = |set: &BTreeSet<String>, otherwise: &str| -> Vec<String> {
            if set.is_empty() { vec![otherwise.to_owned()] } else { set.iter().cloned().collect() }
        };
        let hosts = or(&conditions.hosts, EVERY_HOST).into_iter().map(|host| host.to_lowercase()).collect::<Vec<_>>();
        let (paths, methods) = (or(&conditions.paths, EVERY_PATH), or(&conditions.methods, METHOD));
        let clients = clients(&conditions.source_ips, client);
        let mut all = Vec::new();
        for (host, path) in hosts.iter().flat_map(|host| paths.iter().map(move |path| (host, path))) {
            for (method, from) in methods.iter().flat_map(|method| clients.iter().map(move |from| (method, from))) {
                all.push(Self {
                    method: method.clone(),
                    host: host.clone(),
                    path: path.clone(),
                    from: *from,
                    headers: conditions.headers.clone(),
                    queries: conditions.queries.clone(),
                    unsayable: conditions.unsayable.clone(),
                });
            }
        }
        let names: BTreeSet<&String> = conditions.headers.iter().map(|header| &header.name).collect();
        let is_met = |name: &&String| {
            choices(&conditions.headers, name).iter().any(|values| all_meet(&borrowed(values)) != Some(false))
        };
        if names.iter().all(is_met) { all } else { Vec::new() }
    }

    /// Whether rules with these conditions take all of the set together, each a part: by their paths, by their hosts, or by
    /// where clients are.
    pub fn is_taken_by(&self, rules: &[&Conditions]) -> bool {
        let without = |clear: fn(&mut Conditions)| {
            let is_whole = move |rule: &&&Conditions| {
                let mut rest = Conditions::clone(rule);
                clear(&mut rest);
                rest.share_of(self) == Share::All
            };
            rules.iter().filter(is_whole).copied().collect::<Vec<_>>()
        };
        let union = |rules: Vec<&Conditions>, add: fn(&mut Conditions, &Conditions)| {
            let mut all = Conditions::default();
            rules.iter().for_each(|rule| add(&mut all, rule));
            rules.len() > 1 && all.share_of(self) == Share::All
        };
        union(without(|rule| rule.paths.clear()), |all, rule| all.paths.extend(rule.paths.iter().cloned()))
            || union(without(|rule| rule.hosts.clear()), |all, rule| all.hosts.extend(rule.hosts.iter().cloned()))
            || union(without(|rule| rule.source_ips.clear()), |all, rule| all.source_ips.extend(&rule.source_ips))
    }

    fn is_of_regex(&self, condition: &str) -> bool {
        self.unsayable.iter().any(|known| match known {
            Unsayable::Regex { .. } => known.name() == condition,
            Unsayable::Other(_) => true,
        })
    }
}

/// Who the clients are: those of the declared blocks, and of the block that is asked about where they have any in common.
fn clients(sources: &BTreeSet<IpNet>, client: Option<IpNet>) -> Vec<Option<IpNet>> {
    if sources.is_empty() {
        return vec![client];
    }
    let both = |block: &IpNet| {
        let client = client?;
        if block.contains(&client) {
            return Some(client);
        }
        client.contains(block).then_some(*block)
    };
    let common: Vec<Option<IpNet>> = sources.iter().filter_map(both).map(Some).collect();
    if common.is_empty() { sources.iter().copied().map(Some).collect() } else { common }
}

/// The patterns that a header has to fit at the same time: one value of each condition about it.
fn choices(headers: &BTreeSet<HeaderCondition>, name: &str) -> Vec<Vec<String>> {
    let about = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    about.fold(vec![Vec::new()], |known, header| {
        let longer = |values: &Vec<String>| {
            let values = values.clone();
            header.values.iter().map(move |value| [values.clone(), vec![value.to_lowercase()]].concat())
        };
        known.iter().flat_map(|values| longer(values).collect::<Vec<_>>()).collect()
    })
}

fn borrowed(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

impl Conditions {
    /// How many of these requests a rule with these conditions takes.
    pub fn share_of(&self, set: &RequestSet) -> Share {
        if self.is_parked() {
            return Share::None("source address");
        }
        let mut worst = Share::All;
        // What tells most rules apart comes first.
        let parts: [&dyn Fn() -> Share; 7] = [
            &|| self.share_of_host(set),
            &|| self.share_of_path(set),
            &|| match self.methods.is_empty() || self.methods.contains(&set.method) {
                true => Share::All,
                false => Share::None("method"),
            },
            &|| share_of_clients(&self.source_ips, set.from),
            &|| all_hold(self.headers.iter().map(|header| share_of_header(header, set))),
            &|| all_hold(self.queries.iter().map(|query| share_of_query(query, set))),
            &|| all_hold(self.unsayable.iter().map(|condition| share_of_unsayable(condition, set))),
        ];
        for part in parts {
            let mut share = part();
            if let Share::Some { condition, .. } = &share
                && set.is_of_regex(condition)
            {
                share = Share::Unknown(format!("its {condition} and {}", words(&set.unsayable)));
            }
            worst = both(worst, share);
            if matches!(worst, Share::None(_)) {
                break;
            }
        }
        worst
    }

    /// How many requests like this one, from clients anywhere or in a block, the rule takes.
    pub fn share_of_request(&self, request: &Request, client: Option<IpNet>) -> Share {
        let somebody = Self { source_ips: BTreeSet::new(), ..self.clone() };
        let clients = if self.is_parked() {
            Share::None("source address")
        } else {
            share_of_clients(&self.source_ips, client.or(request.from.map(IpNet::from)))
        };
        let rest = match somebody.takes(request) {
            Taken::Yes => Share::All,
            Taken::No(condition) => Share::None(condition),
            Taken::Perhaps(why) => Share::Unknown(why),
        };
        both(rest, clients)
    }

    /// Whether every request that meets `narrow` meets these as well; errs on the side of no.
    pub fn covers(&self, narrow: &Self) -> bool {
        let is_every_client = |blocks: &[IpNet]| {
            let default = [IpNet::from(ipnet::Ipv4Net::default()), IpNet::from(ipnet::Ipv6Net::default())];
            default.iter().all(|family| blocks.contains(family))
        };
        let own: Vec<IpNet> = self.source_ips.iter().copied().collect();
        let sources = own.is_empty() || !narrow.source_ips.is_empty() || is_every_client(&IpNet::aggregate(&own));
        let methods = self.methods.is_empty() || !narrow.methods.is_empty();
        let sets = RequestSet::all_of(narrow, None);
        methods && sources && !sets.is_empty() && sets.iter().all(|set| self.share_of(set) == Share::All)
    }

    /// Whether some request may meet both. Only hosts, paths and methods are compared; everything else may be met
    /// together.
    pub fn may_overlap(&self, other: &Self) -> bool {
        if self.is_parked() || other.is_parked() {
            return false;
        }
        let any_meet = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            a.is_empty() || b.is_empty() || a.iter().any(|a| b.iter().any(|b| meet(a, b)))
        };
        let methods = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.is_empty() || b.is_empty() || !a.is_disjoint(b);
        any_meet(&self.hosts, &other.hosts)
            && any_meet(&self.paths, &other.paths)
            && methods(&self.methods, &other.methods)
    }

    fn share_of_host(&self, set: &RequestSet) -> Share {
        if self.hosts.is_empty() {
            return Share::All;
        }
        let hosts: Vec<String> = self.hosts.iter().map(|host| host.to_lowercase()).collect();
        let by_expression = set.unsayable.iter().find_map(|condition| match condition {
            Unsayable::Regex { field: field @ RegexField::Host, patterns } => Some((field, patterns)),
            Unsayable::Regex { .. } | Unsayable::Other(_) => None,
        });
        let is_met = |host: &String| match by_expression {
            Some((field, patterns)) if is_text(host) => fits(field, patterns, host) != Some(false),
            Some(_) | None => true,
        };
        let hosts: Vec<String> = hosts.into_iter().filter(is_met).collect();
        share_of_pattern("host", std::slice::from_ref(&set.host), &hosts)
    }

    fn share_of_path(&self, set: &RequestSet) -> Share {
        if self.paths.is_empty() {
            return Share::All;
        }
        let by_expression = set.unsayable.iter().find_map(|condition| match condition {
            Unsayable::Regex { field: field @ RegexField::Path, patterns } => Some((field, patterns)),
            Unsayable::Regex { .. } | Unsayable::Other(_) => None,
        });
        let is_met = |path: &String| match by_expression {
            Some((field, patterns)) if is_text(path) => fits(field, patterns, path) != Some(false),
            Some(_) | None => true,
        };
        let paths: Vec<String> = self.paths.iter().flat_map(|path| rooted(path)).filter(is_met).collect();
        share_of_pattern("path", &rooted(&set.path), &paths)
    }
}

/// Both must hold.
fn both(one: Share, two: Share) -> Share {
    match (one, two) {
        (none @ Share::None(_), _) | (_, none @ Share::None(_)) => none,
        (some @ Share::Some { .. }, _) | (_, some @ Share::Some { .. }) => some,
        (unknown @ Share::Unknown(_), _) | (_, unknown @ Share::Unknown(_)) => unknown,
        (Share::All, Share::All) => Share::All,
    }
}

fn all_hold(shares: impl Iterator<Item = Share>) -> Share {
    shares.fold(Share::All, both)
}

fn words(conditions: &[Unsayable]) -> String {
    conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The texts of some patterns, compared with those of a rule.
fn share_of_pattern(condition: &'static str, wanted: &[String], rule: &[String]) -> Share {
    if !wanted.iter().any(|wanted| rule.iter().any(|pattern| meet(wanted, pattern))) {
        return Share::None(condition);
    }
    for wanted in wanted {
        match outside(wanted, rule.iter().map(String::as_str)) {
            Outside::Nothing => {}
            Outside::Text(text) => return Share::Some { condition, example: Some(text) },
            Outside::Undecided => return Share::Unknown(format!("its {condition} patterns")),
        }
    }
    Share::All
}

/// Nearly all clients that come from anywhere have IPv4 addresses: a rule that takes all of these takes everybody.
fn share_of_clients(sources: &BTreeSet<IpNet>, from: Option<IpNet>) -> Share {
    let condition = "source address";
    if sources.is_empty() {
        return Share::All;
    }
    let everybody = IpNet::from(ipnet::Ipv4Net::default());
    let wanted = from.unwrap_or(everybody);
    let blocks = IpNet::aggregate(&sources.iter().copied().collect::<Vec<_>>());
    if blocks.iter().any(|block| block.contains(&wanted)) {
        return Share::All;
    }
    if from.is_some() && !blocks.iter().any(|block| wanted.contains(block)) {
        return Share::None(condition);
    }
    Share::Some { condition, example: None }
}

fn share_of_header(header: &HeaderCondition, set: &RequestSet) -> Share {
    let values: Vec<String> = header.values.iter().map(|value| value.to_lowercase()).collect();
    let choices = choices(&set.headers, &header.name);
    let mut shares: Vec<Share> = Vec::new();
    for choice in choices.iter().filter(|choice| !choice.is_empty()) {
        let choice = borrowed(choice);
        let meets = |value: &String| {
            let all: Vec<&str> = choice.iter().copied().chain([value.as_str()]).collect();
            all_meet(&all) != Some(false)
        };
        if !values.iter().any(meets) {
            shares.push(Share::None("header"));
            continue;
        }
        shares.push(match all_outside(&choice, values.iter().map(String::as_str)) {
            Outside::Nothing => Share::All,
            Outside::Text(text) => Share::Some { condition: "header", example: Some(text) },
            Outside::Undecided => Share::Unknown("its header patterns".to_owned()),
        });
    }
    any_of(shares, "header")
}

/// Of sets that are each taken so far, all together. Nothing is known of a set that is about something else.
fn any_of(shares: Vec<Share>, condition: &'static str) -> Share {
    let open = Share::Some { condition, example: None };
    let Some(first) = shares.first().cloned() else { return open };
    if shares.iter().all(|share| *share == Share::All) {
        return Share::All;
    }
    if shares.iter().all(|share| matches!(share, Share::None(_))) {
        return first;
    }
    let some = shares.iter().find(|share| matches!(share, Share::Some { .. }));
    let unknown = shares.iter().find(|share| matches!(share, Share::Unknown(_)));
    some.or(unknown).cloned().unwrap_or(open)
}

/// A pair that is asked for beside other pairs of a query string: requests may have more of them than are declared.
fn share_of_query(query: &QueryCondition, set: &RequestSet) -> Share {
    let is_inside = |wanted: &str, wide: &str| outside(wanted, [wide]) == Outside::Nothing;
    let key = |key: &Option<String>| key.as_ref().map_or_else(|| "*".to_owned(), |key| of_query(key));
    let is_taken = |(wanted, value): &(Option<String>, String)| {
        let wanted = key(wanted);
        let values = query.pairs.iter().filter(|(wide, _)| is_inside(&wanted, &key(wide)));
        let values: Vec<String> = values.map(|(_, value)| of_query(value)).collect();
        outside(&of_query(value), values.iter().map(String::as_str)) == Outside::Nothing
    };
    let is_implied = set.queries.iter().any(|known| known.pairs.iter().all(is_taken));
    if is_implied { Share::All } else { Share::Some { condition: "query string", example: None } }
}

fn share_of_unsayable(condition: &Unsayable, set: &RequestSet) -> Share {
    if set.unsayable.contains(condition) {
        return Share::All;
    }
    let open = || Share::Unknown(condition.to_string());
    let Unsayable::Regex { field, patterns } = condition else { return open() };
    let answer = match field {
        RegexField::Host if is_text(&set.host) => fits(field, patterns, &set.host),
        RegexField::Path if is_text(&set.path) => fits(field, patterns, &set.path),
        RegexField::Header(name) => match choices(&set.headers, name).as_slice() {
            [only] => match only.as_slice() {
                [value] if is_text(value) => fits(field, patterns, value),
                _ => None,
            },
            _ => None,
        },
        RegexField::Host | RegexField::Path => None,
    };
    match answer {
        Some(true) => Share::All,
        Some(false) => Share::None(condition.name()),
        None => open(),
    }
}
