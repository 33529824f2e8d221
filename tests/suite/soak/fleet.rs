//! The fleet of the soak: some dozens of services of two tasks behind one load balancer, each with its own security group.

use crate::fleet::Fleet;

/// Services of the fleet.
pub const SERVICES: usize = 36;
/// Seconds that a target drains, and so the least that a removal waits.
const DRAIN: u32 = 10;

/// The fleet.
pub fn fleet() -> Fleet {
    Fleet { own_groups: true, drain: Some(DRAIN), ..Fleet::of(SERVICES) }
}
