//! What happens by itself: tasks go through their stations, services look after their tasks, targets are checked and
//! drain, load balancers come up.

pub mod event;
pub mod host;
pub mod placement;
mod registrar;
pub mod rollback;
pub mod rollout;
pub mod service;
pub mod task;

use super::due::Due;
use super::state::State;
use super::{health, registration};

/// Lets one thing happen, and looks again at what may have changed by it.
pub fn happen(state: &mut State, due: Due) {
    match due {
        Due::Check(group, id, port) => return health::check(state, &group, &id, port),
        Due::Task(arn) => task::go_on(state, &arn),
        Due::Crash(arn) => task::crash(state, &arn),
        Due::Service(arn) => service::look(state, &arn),
        Due::Drained(group, id, port) => registration::drained(state, &group, &id, port),
        Due::Balancer(arn) => {
            if let Some(balancer) = state.load_balancers.get_mut(&arn) {
                balancer.status = "active".to_owned();
            }
        }
        // An app listens now; nothing else changes.
        Due::AppUp => {}
    }
    health::wake(state);
}
