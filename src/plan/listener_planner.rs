//! Planning at one listener: its rules, their order and its default action are planned in files of their own.

use crate::model::{Given, Listener};

/// What planning the routes of one listener needs.
pub(super) struct ListenerPlanner<'a> {
    pub(super) given: &'a Given<'a>,
    pub(super) live: &'a Listener,
}
