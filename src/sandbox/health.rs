//! Stub.
use super::state::State;
pub fn wake(state: &mut State) { let _ = state; }
