//! Parked rules: conditions that no request matches. AWS checks the targets of a group, and ECS takes the group, only once a
//! rule leads to it; a rule that must not take requests yet names one source address that no client has.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::listener_rule::Conditions;

/// Addresses that are for documentation alone (RFC 5737), in the order in which they are tried.
pub const PARKED_SOURCES: [Ipv4Addr; 3] =
    [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(198, 51, 100, 1), Ipv4Addr::new(203, 0, 113, 1)];

impl Conditions {
    /// The conditions of a parked rule: this address as the source, and nothing else.
    pub fn parked(source: Ipv4Addr) -> Self {
        Self { source_ips: BTreeSet::from([IpNet::from(IpAddr::V4(source))]), ..Self::default() }
    }

    /// Whether these are exactly the conditions of a parked rule.
    pub fn is_parked(&self) -> bool {
        // What is asked soonest comes first: this is asked of every rule.
        self.source_ips.len() == 1 && PARKED_SOURCES.into_iter().any(|source| *self == Self::parked(source))
    }
}
