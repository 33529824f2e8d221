//! Application Auto Scaling, as far as it says whose a desired count is.

use jiff::Timestamp;

#[derive(Clone, Debug)]
pub struct ScalableTarget {
    pub resource: String,
    pub dimension: String,
    pub minimum: i64,
    pub maximum: i64,
    /// Dynamic in, dynamic out, scheduled.
    pub suspended: [bool; 3],
    pub created: Timestamp,
}
