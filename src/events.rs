//! What AWS tells of changes: the body of a message of an event queue, read down to the names of what it is about.
//!
//! An event is a hint where to look first, never a state. It may come twice, late, in another order or not at all (the
//! ECS ones are durable, those of CloudTrail are sent at best effort, and target health has none), so nothing but the
//! next look decides anything, and the interval stays the backstop. Whatever cannot be read is counted and dropped.
//!
//! Shapes after the EventBridge Events Reference and the ECS Developer Guide ("Amazon ECS events"); AWS adds fields
//! at any time, so nothing is required beyond what is used.

mod cloudtrail;
mod concern;
mod ecs;
pub mod port;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::model::arn::last_part;
use crate::model::{Arn, GroupId, ListenerArn, LoadBalancerArn, RuleArn, TargetGroupArn};

pub use concern::concerns;
pub use port::{EventQueue, Message, Receipt};

/// Something that an event names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// An ECS service.
    Service {
        /// The cluster's name; ARNs of the old form do not say.
        cluster: Option<String>,
        /// The service's name.
        name: String,
    },
    /// A target group.
    TargetGroup(TargetGroupArn),
    /// A load balancer.
    LoadBalancer(LoadBalancerArn),
    /// A listener.
    Listener(ListenerArn),
    /// A listener rule.
    Rule(RuleArn),
    /// A security group: whose rules changed, not whom they name.
    SecurityGroup(GroupId),
}

impl Hint {
    /// What `text`, which is this ARN, hints at.
    fn of(arn: Arn<'_>, text: &str) -> Option<Self> {
        let (kind, path) = arn.resource_type()?;
        Some(match (arn.service, kind) {
            ("ecs", "service") => match path.split_once('/') {
                Some((cluster, name)) => Self::Service { cluster: Some(cluster.to_owned()), name: name.to_owned() },
                None => Self::Service { cluster: None, name: path.to_owned() },
            },
            ("elasticloadbalancing", "targetgroup") => Self::TargetGroup(TargetGroupArn::from(text)),
            ("elasticloadbalancing", "loadbalancer") => Self::LoadBalancer(LoadBalancerArn::from(text)),
            ("elasticloadbalancing", "listener") => Self::Listener(ListenerArn::from(text)),
            ("elasticloadbalancing", "listener-rule") => Self::Rule(RuleArn::from(text)),
            _ => return None,
        })
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { cluster: Some(cluster), name } => write!(f, "service {cluster}/{name}"),
            Self::Service { cluster: None, name } => write!(f, "service {name}"),
            Self::TargetGroup(arn) => write!(f, "target group {arn}"),
            Self::LoadBalancer(arn) => write!(f, "load balancer {arn}"),
            Self::Listener(arn) => write!(f, "listener {arn}"),
            Self::Rule(arn) => write!(f, "rule {arn}"),
            Self::SecurityGroup(id) => write!(f, "security group {id}"),
        }
    }
}

/// Why an event gives no hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ignored {
    /// It is no event of EventBridge.
    Junk,
    /// An event of a kind that says nothing about a path.
    Kind,
    /// Another region or account.
    Elsewhere,
    /// A call that AWS refused, or that only reads: nothing changed.
    Unchanged,
    /// A task on its way up. What follows from it follows once it runs.
    Early,
    /// It names nothing that could be looked for.
    Nameless,
    /// It names nothing of this fleet.
    Foreign,
}

impl Ignored {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Junk, Self::Kind, Self::Elsewhere, Self::Unchanged, Self::Early, Self::Nameless, Self::Foreign];

    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Junk => "junk",
            Self::Kind => "kind",
            Self::Elsewhere => "elsewhere",
            Self::Unchanged => "unchanged",
            Self::Early => "early",
            Self::Nameless => "nameless",
            Self::Foreign => "foreign",
        }
    }
}

/// Where the fleet is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its region.
    pub region: &'a str,
    /// Its account, if it is declared; any will do without.
    pub account: Option<&'a str>,
}

impl Place<'_> {
    /// An account that is not said may be the own one: a hint too many costs a look.
    fn is_of(&self, region: &str, account: Option<&str>) -> bool {
        region == self.region && account.is_none_or(|account| self.account.is_none_or(|own| own == account))
    }
}

/// The hints of a message: an event as EventBridge sends it, bare or in the envelope of an SNS topic between.
pub fn read(body: &str, place: &Place<'_>) -> Result<BTreeSet<Hint>, Ignored> {
    let event = open(body).ok_or(Ignored::Junk)?;
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let (Some(source), Some(kind), Some(detail)) = (text("source"), text("detail-type"), event.get("detail")) else {
        return Err(Ignored::Junk);
    };
    let Some(region) = text("region") else { return Err(Ignored::Junk) };
    if !place.is_of(region, text("account")) {
        return Err(Ignored::Elsewhere);
    }
    let mut names = Names { place: *place, found: BTreeSet::new() };
    match (source, kind) {
        ("aws.ecs", "ECS Task State Change") => ecs::task(detail, &mut names)?,
        ("aws.ecs", "ECS Service Action" | "ECS Deployment State Change") => ecs::service(&event, detail, &mut names),
        (_, "AWS API Call via CloudTrail") => cloudtrail::call(detail, &mut names)?,
        _ => return Err(Ignored::Kind),
    }
    if names.found.is_empty() { Err(Ignored::Nameless) } else { Ok(names.found) }
}

fn open(body: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(body).ok()?;
    match value.get("Message") {
        Some(Value::String(inner)) if value.get("Type").and_then(Value::as_str) == Some("Notification") => {
            serde_json::from_str(inner).ok()
        }
        _ => Some(value),
    }
}

/// Collects what is named, as far as it is in the fleet's region and account.
struct Names<'a> {
    place: Place<'a>,
    found: BTreeSet<Hint>,
}

impl Names<'_> {
    /// Takes an ARN, if it is one of a thing that has hints.
    fn arn(&mut self, text: &str) {
        let arn = Arn::parse(text).filter(|arn| self.place.is_of(arn.region, Some(arn.account)));
        self.found.extend(arn.and_then(|arn| Hint::of(arn, text)));
    }

    /// Takes every ARN in the texts of a value, however deep.
    fn arns_in(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.arn(text),
            Value::Array(items) => items.iter().for_each(|item| self.arns_in(item)),
            Value::Object(members) => members.values().for_each(|member| self.arns_in(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Takes a service by name, with the name or ARN of its cluster.
    fn service(&mut self, cluster: Option<&str>, name: &str) {
        if !name.is_empty() {
            let cluster = cluster.map(last_part).map(str::to_owned);
            self.found.insert(Hint::Service { cluster, name: name.to_owned() });
        }
    }
}
