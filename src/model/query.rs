//! What Portolan asks AWS: a row for each kind of query, with where its answer is kept and what it costs.
//!
//! From the rows come the type of a query, its answer, the place of that in [`super::Observed`], batches, gaps, and the tables of calls
//! and IAM actions in the documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::acl::NetworkAcl;
use super::cluster::{AccountLimits, Cluster, ScalableTarget};
use super::deployment::{PastDeployment, ServiceDeployment};
use super::id::{
    GroupId, InstanceId, ListenerArn, LoadBalancerArn, ServiceId, SubnetId, TargetGroupArn, TaskDefinitionArn, VpcId,
};
use super::interface::{AddressOwner, EndpointServices, Interface, RouteTable};
use super::listener_rule::{Listener, Rule};
use super::network::{LoadBalancer, Subnet, Vpc};
use super::operation::Operation;
use super::owner::Tags;
use super::security_group::{IngressRule, SecurityGroup};
use super::seen::Seen;
use super::service::{Revision, Service, ServiceOutline, StoppedTask, UnderWay};
use super::target::{Host, Target, Task};
use super::target_group::{Attributes, TargetGroup};
use super::task_definition::TaskDefinition;

/// Addresses of a load balancer's nodes, by subnet.
type NodeAddresses = BTreeMap<SubnetId, BTreeSet<IpAddr>>;
/// Destinations of routes.
type Destinations = BTreeSet<IpNet>;
/// The blocks of a prefix list.
type Blocks = BTreeSet<IpNet>;
/// Security group rules of one direction.
type Rules = Vec<IngressRule>;

/// How many keys a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// A list of the whole region or account: a call for each page.
    List,
    /// A call for each key.
    Each,
    /// At most so many keys in a call.
    Of(usize),
    /// A list for each cluster, and its things in batches of at most so many.
    PerCluster(usize),
    /// It comes with the answer to another kind of query.
    With(Kind),
}

/// How long an answer may be used by a service that reads again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is asked in every pass.
    Pass,
    /// It is asked in turn, as far as its share of the rate limit goes.
    InTurn,
    /// It hardly ever changes: it is asked hourly.
    Hour,
}

/// What a query is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A plan.
    Plan,
    /// The paths of a trace.
    Trace,
    /// The outline of a fleet without a manifest.
    Outline,
}

/// What is known about a kind of query.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The operations that an answer takes, the one first that names its gap.
    pub operations: &'static [Operation],
    /// How many keys a call takes.
    pub batch: Batch,
    /// Kinds that may add keys: this one is sent once none of them is under way, so that the keys share calls.
    pub after: &'static [Kind],
    /// How long an answer may be used.
    pub keep: Keep,
    /// What it is asked for first.
    pub purpose: Purpose,
    /// How often it is asked, for the documentation.
    pub how_often: &'static str,
}

const fn facts(operations: &'static [Operation], batch: Batch, how_often: &'static str) -> Facts {
    Facts { operations, batch, after: &[], keep: Keep::Pass, purpose: Purpose::Plan, how_often }
}

impl Facts {
    const fn after(self, after: &'static [Kind]) -> Self {
        Self { after, ..self }
    }

    const fn to_trace(self) -> Self {
        Self { purpose: Purpose::Trace, ..self }
    }

    const fn to_outline(self) -> Self {
        Self { purpose: Purpose::Outline, ..self }
    }

    const fn kept(self, keep: Keep) -> Self {
        Self { keep, ..self }
    }
}

macro_rules! types {
    (
        lists { $($(#[doc = $list_doc:literal])* $list:ident => $list_field:ident: $list_value:ty, $list_facts:expr;)* }
        one { $($(#[doc = $one_doc:literal])* $one:ident($one_key:ty) => $one_field:ident: $one_value:ty, $one_facts:expr;)* }
        keyed { $($(#[doc = $doc:literal])* $name:ident($key:ty) => $field:ident: $value:ty, $facts:expr;)* }
    ) => {
        /// One question to AWS.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Query {
            $($(#[doc = $list_doc])* $list,)*
            $($(#[doc = $one_doc])* $one($one_key),)*
            $($(#[doc = $doc])* $name($key),)*
        }

        /// A kind of question.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[doc = $list_doc])* $list,)*
            $($(#[doc = $one_doc])* $one,)*
            $($(#[doc = $doc])* $name,)*
        }

        /// What AWS answered to one question.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Answer {
            $($(#[doc = $list_doc])* $list(Seen<$list_value>),)*
            $($(#[doc = $one_doc])* $one($one_key, Seen<$one_value>),)*
            $($(#[doc = $doc])* $name($key, Seen<$value>),)*
        }

        /// Questions of one kind.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Queries {
            $($(#[doc = $list_doc])* $list,)*
            $($(#[doc = $one_doc])* $one(BTreeSet<$one_key>),)*
            $($(#[doc = $doc])* $name(BTreeSet<$key>),)*
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$list,)* $(Self::$one,)* $(Self::$name),*];

            /// What is asked, in words.
            pub fn what(self) -> &'static str {
                let words = match self {
                    $(Self::$list => concat!($($list_doc),*),)*
                    $(Self::$one => concat!($($one_doc),*),)*
                    $(Self::$name => concat!($($doc),*),)*
                };
                words.trim().trim_end_matches('.')
            }

            /// Its row.
            pub const fn facts(self) -> Facts {
                match self {
                    $(Self::$list => $list_facts,)*
                    $(Self::$one => $one_facts,)*
                    $(Self::$name => $facts,)*
                }
            }
        }

        impl Query {
            /// Its kind.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$list => Kind::$list,)*
                    $(Self::$one(_) => Kind::$one,)*
                    $(Self::$name(_) => Kind::$name,)*
                }
            }
        }

        impl Answer {
            /// The question.
            pub fn query(&self) -> Query {
                match self {
                    $(Self::$list(_) => Query::$list,)*
                    $(Self::$one(key, _) => Query::$one(key.clone()),)*
                    $(Self::$name(key, _) => Query::$name(key.clone()),)*
                }
            }

            /// Whether it says what the thing is: neither that it is absent nor that it is not known.
            pub fn is_present(&self) -> bool {
                match self {
                    $(Self::$list(seen) => matches!(seen, Seen::Present(_)),)*
                    $(Self::$one(_, seen) => matches!(seen, Seen::Present(_)),)*
                    $(Self::$name(_, seen) => matches!(seen, Seen::Present(_)),)*
                }
            }
        }

        impl Queries {
            /// Sorts questions by their kinds.
            pub fn by_kind(queries: BTreeSet<Query>) -> Vec<Self> {
                // They are in the order of their kinds.
                let mut sorted: Vec<Self> = Vec::new();
                for query in queries {
                    match (sorted.last_mut(), query) {
                        $((_, Query::$list) => sorted.push(Self::$list),)*
                        $((Some(Self::$one(keys)), Query::$one(key)) => _ = keys.insert(key),)*
                        $((_, Query::$one(key)) => sorted.push(Self::$one(BTreeSet::from([key]))),)*
                        $((Some(Self::$name(keys)), Query::$name(key)) => _ = keys.insert(key),)*
                        $((_, Query::$name(key)) => sorted.push(Self::$name(BTreeSet::from([key]))),)*
                    }
                }
                sorted
            }
        }
    };
}

impl Kind {
    /// The call that a gap of this kind names.
    pub fn call(self) -> &'static str {
        let facts = self.facts();
        match (facts.operations.first(), facts.batch) {
            (Some(operation), _) => operation.call(),
            (None, Batch::With(kind)) => kind.call(),
            (None, Batch::List | Batch::Each | Batch::Of(_) | Batch::PerCluster(_)) => "",
        }
    }
}

use Operation as Op;

query_table!(types);
