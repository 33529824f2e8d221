//! What need not be asked in every look.

use super::id::TargetGroupArn;

/// A question to Elastic Load Balancing that takes a call for each target group, or whose answer hardly ever changes. A
/// service that looks again and again keeps the answer for a while; everything else is asked in every look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Registrations and their health (`DescribeTargetHealth`): a call for each target group.
    Health(TargetGroupArn),
    /// Attributes (`DescribeTargetGroupAttributes`): a call for each target group.
    Attributes(TargetGroupArn),
    /// Tags of a rule or target group by ARN (`DescribeTags`): twenty in a call.
    Tags(String),
    /// Quotas (`DescribeAccountLimits`).
    Limits,
}

impl Question {
    /// Its answer changes by itself, not by an edit alone.
    pub fn is_health(&self) -> bool {
        matches!(self, Self::Health(_))
    }
}
