//! Quotas, as every account begins with them.

use serde_json::{Value, json};

use super::listing::listed;
use crate::input::Input;
use crate::refusal::Answer;
use crate::state::State;

pub const APPLICATION_BALANCERS: usize = 50;
pub const NETWORK_BALANCERS: usize = 50;
pub const LISTENERS: usize = 50;
pub const RULES: usize = 100;
pub const GROUPS: usize = 3000;
pub const GROUPS_OF_APPLICATION_BALANCER: usize = 100;
pub const TARGETS_OF_GROUP: usize = 1000;
pub const TARGETS_OF_APPLICATION_BALANCER: usize = 1000;
pub const TARGETS_OF_NETWORK_BALANCER: usize = 3000;
pub const TARGETS_OF_ZONE_OF_NETWORK_BALANCER: usize = 500;
pub const REGISTRATIONS_OF_TARGET_ID: usize = 1000;
pub const CONDITION_VALUES: usize = 5;
pub const CONDITION_WILDCARDS: usize = 5;
pub const GROUPS_OF_APPLICATION_ACTION: usize = 5;
/// Weights came in November 2025; AWS documents no number, so it is taken to be that of application load balancers.
pub const GROUPS_OF_NETWORK_ACTION: usize = 5;

const LIMITS: [(&str, usize); 20] = [
    ("target-groups", GROUPS),
    ("targets-per-application-load-balancer", TARGETS_OF_APPLICATION_BALANCER),
    ("listeners-per-application-load-balancer", LISTENERS),
    ("rules-per-application-load-balancer", RULES),
    ("network-load-balancers", NETWORK_BALANCERS),
    ("targets-per-network-load-balancer", TARGETS_OF_NETWORK_BALANCER),
    ("targets-per-availability-zone-per-network-load-balancer", TARGETS_OF_ZONE_OF_NETWORK_BALANCER),
    ("listeners-per-network-load-balancer", LISTENERS),
    ("condition-values-per-alb-rule", CONDITION_VALUES),
    ("condition-wildcards-per-alb-rule", CONDITION_WILDCARDS),
    ("target-groups-per-application-load-balancer", GROUPS_OF_APPLICATION_BALANCER),
    ("target-groups-per-action-on-application-load-balancer", GROUPS_OF_APPLICATION_ACTION),
    ("target-groups-per-action-on-network-load-balancer", GROUPS_OF_NETWORK_ACTION),
    ("certificates-per-application-load-balancer", 25),
    ("certificates-per-network-load-balancer", 25),
    ("targets-per-target-group", TARGETS_OF_GROUP),
    ("target-id-registrations-per-application-load-balancer", REGISTRATIONS_OF_TARGET_ID),
    ("network-load-balancer-enis-per-vpc", 1200),
    ("application-load-balancers", APPLICATION_BALANCERS),
    ("gateway-load-balancers", 100),
];

/// `DescribeAccountLimits`.
pub fn describe(state: &State, input: Input) -> Answer {
    let limits: Vec<Value> = LIMITS.iter().map(|(name, most)| json!({"Name": name, "Max": most.to_string()})).collect();
    listed(state, input, "Limits", limits)
}
