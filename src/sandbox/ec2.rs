//! EC2's query API: networks, security groups, interfaces, instances.

pub mod interface;

use super::operation::Operation;

/// The operation of this name.
pub fn operation(name: &str) -> Option<Operation> {
    let _ = name;
    None
}
