//! What a service says about itself: the newest hundred, and nothing twice in a row (aws-facts 2.1).

use crate::state::{ServiceEvent, State};

const KEPT: usize = 100;

/// Adds an event to a service; AWS puts the service's name in front.
pub fn say(state: &mut State, service: &str, what: &str) {
    let (now, id) = (state.now, state.ids.uuid());
    let Some(service) = state.services.get_mut(service) else { return };
    if service.last_event == what {
        return;
    }
    service.last_event = what.to_owned();
    let message = format!("(service {}) {what}", service.name);
    service.events.insert(0, ServiceEvent { id, at: now, message: message.clone() });
    service.events.truncate(KEPT);
    state.note(&message);
}
