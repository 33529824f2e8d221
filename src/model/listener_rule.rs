//! Listeners and their rules: conditions as sets, actions as far as a route manages or must respect them.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Conditions that the manifest cannot say (regular expressions, new kinds), as text: such a rule is never edited.
    pub unsayable: Vec<String>,
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
    /// Redirect it.
    Redirect,
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
    /// Its transforms as text: they change host or path on the way to the target.
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
