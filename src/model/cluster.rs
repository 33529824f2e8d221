//! Clusters, scalable targets and quotas.

use std::collections::BTreeMap;

/// An ECS cluster that is ACTIVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
}

/// A scalable target of Application Auto Scaling for `ecs:service:DesiredCount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalableTarget {
    /// Fewest tasks.
    pub min: u32,
    /// Most tasks.
    pub max: u32,
    /// All three kinds of scaling are suspended: it does nothing.
    pub suspended: bool,
}

/// Quotas in force (`elasticloadbalancing:DescribeAccountLimits`), by AWS's names, such as
/// `rules-per-application-load-balancer`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountLimits(pub BTreeMap<String, u32>);
