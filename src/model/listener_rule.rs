//! Listeners and their rules: conditions as sets, actions as far as a route manages or must respect them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ipnet::IpNet;

use super::id::{ListenerArn, LoadBalancerArn, RuleArn, TargetGroupArn};
use super::owner::Tags;
use super::seen::Seen;
use super::target_group::Protocol;

/// One `http-header` condition: any of the values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderCondition {
    /// The header, in lower case.
    pub name: String,
    /// Its accepted values.
    pub values: BTreeSet<String>,
}

/// One `query-string` condition: any of the (key, value) pairs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryCondition {
    /// Key (absent: any key) and value.
    pub pairs: BTreeSet<(Option<String>, String)>,
}

/// What a regular expression is compared with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegexField {
    /// `host-header`
    Host,
    /// `path-pattern`
    Path,
    /// `http-header`, by its name in lower case.
    Header(String),
}

/// A condition that the manifest cannot say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsayable {
    /// One of these regular expressions fits.
    Regex {
        /// What it has to fit.
        field: RegexField,
        /// The expressions.
        patterns: BTreeSet<String>,
    },
    /// Something else, in words.
    Other(String),
}

impl Unsayable {
    /// What it is about, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Regex { field: RegexField::Host, .. } => "host",
            Self::Regex { field: RegexField::Path, .. } => "path",
            Self::Regex { field: RegexField::Header(_), .. } => "header",
            Self::Other(_) => "condition",
        }
    }
}

impl From<&str> for Unsayable {
    fn from(words: &str) -> Self {
        Self::Other(words.to_owned())
    }
}

impl fmt::Display for Unsayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, patterns) = match self {
            Self::Other(words) => return f.write_str(words),
            Self::Regex { field, patterns } => (field, patterns.iter().cloned().collect::<Vec<_>>().join(", ")),
        };
        match field {
            RegexField::Host => write!(f, "host-header by regular expression {patterns}"),
            RegexField::Path => write!(f, "path-pattern by regular expression {patterns}"),
            RegexField::Header(name) => write!(f, "http-header {name} by regular expression {patterns}"),
        }
    }
}

/// The conditions of a rule: all of them must hold; within one, any value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conditions {
    /// `host-header`, in lower case.
    pub hosts: BTreeSet<String>,
    /// `path-pattern`, case counts.
    pub paths: BTreeSet<String>,
    /// `http-request-method`
    pub methods: BTreeSet<String>,
    /// `source-ip`
    pub source_ips: BTreeSet<IpNet>,
    /// `http-header`
    pub headers: BTreeSet<HeaderCondition>,
    /// `query-string`
    pub queries: BTreeSet<QueryCondition>,
    /// Conditions that the manifest cannot say (regular expressions, new kinds), such a rule is never edited.
    pub unsayable: Vec<Unsayable>,
}

impl Conditions {
    /// The number of comparison strings: AWS allows 5 in a rule.
    pub fn value_count(&self) -> usize {
        self.hosts.len()
            + self.paths.len()
            + self.methods.len()
            + self.source_ips.len()
            + self.headers.iter().map(|header| header.values.len()).sum::<usize>()
            + self.queries.iter().map(|query| query.pairs.len()).sum::<usize>()
    }
}

/// In one line, such as `host a.example.com, path /a or /b`.
impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hosts, paths, methods, source_ips, headers, queries, unsayable } = self;
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" or ");
        let mut parts = Vec::new();
        for (name, set) in [("host", hosts), ("path", paths), ("method", methods)] {
            if !set.is_empty() {
                parts.push(format!("{name} {}", list(set)));
            }
        }
        if !source_ips.is_empty() {
            let blocks: Vec<String> = source_ips.iter().map(ToString::to_string).collect();
            parts.push(format!("source {}", blocks.join(" or ")));
        }
        parts.extend(headers.iter().map(|header| format!("header {} {}", header.name, list(&header.values))));
        for query in queries {
            let pair = |(key, value): &(Option<String>, String)| {
                key.as_ref().map_or_else(|| value.clone(), |key| format!("{key}={value}"))
            };
            parts.push(format!("query {}", query.pairs.iter().map(pair).collect::<Vec<_>>().join(" or ")));
        }
        parts.extend(unsayable.iter().map(ToString::to_string));
        f.write_str(&if parts.is_empty() { "every request".to_owned() } else { parts.join(", ") })
    }
}

/// A forward: target groups and weights (0–999).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// Weight of each target group; a single one has weight 1.
    pub weights: BTreeMap<TargetGroupArn, u32>,
}

impl Forward {
    /// A forward to one target group.
    pub fn to(arn: TargetGroupArn) -> Self {
        Self { weights: BTreeMap::from([(arn, 1)]) }
    }

    /// The target groups that get requests.
    pub fn receivers(&self) -> impl Iterator<Item = &TargetGroupArn> {
        self.weights.iter().filter(|(_, weight)| **weight > 0).map(|(arn, _)| arn)
    }
}

/// What a rule does with a request in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serve {
    /// Forward it.
    Forward(Forward),
    /// Redirect it there: `protocol://host:port/path`, with AWS's placeholders, such as `https://#{host}:443/#{path}`; a query
    /// only where it is not kept as it is.
    Redirect(String),
    /// Answer with a fixed status code.
    FixedResponse(String),
    /// Nothing, or something this version does not know.
    Other(String),
}

/// The actions of a rule or of a listener's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleActions {
    /// A login (`authenticate-oidc`, `authenticate-cognito`) comes first.
    pub login: bool,
    /// A token check (`jwt-validation`) comes first.
    pub token: bool,
    /// The last action.
    pub serve: Serve,
}

/// A rule that is not a default one (`DescribeRules`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its ARN.
    pub arn: RuleArn,
    /// 1–50000; the lowest number wins.
    pub priority: u32,
    /// When it applies.
    pub conditions: Conditions,
    /// What it does.
    pub actions: RuleActions,
    /// Its transforms as text: they change host or path in transit.
    pub transforms: Vec<String>,
    /// Its tags: the mark, if it is ours.
    pub tags: Seen<Tags>,
}

/// A listener (`DescribeListeners`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its ARN.
    pub arn: ListenerArn,
    /// The load balancer it belongs to.
    pub load_balancer: LoadBalancerArn,
    /// Its port, unique on the load balancer.
    pub port: u16,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its default actions.
    pub default_actions: RuleActions,
}
