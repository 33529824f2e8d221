//! Stub.
use super::due::Due;
use super::state::State;
pub fn happen(state: &mut State, due: Due) { let _ = (state, due); }
