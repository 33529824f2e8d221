//! Stub.

use super::operation::Operation;

/// The operation of this name.
pub fn operation(name: &str) -> Option<Operation> {
    let _ = name;
    None
}
