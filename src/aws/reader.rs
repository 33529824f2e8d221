//! Reads AWS.

use crate::apply::Observe;
use crate::model::{Desired, Observed};

use super::Clients;

/// Reads AWS; remembers task definitions, which never change, for as long as it lives.
#[derive(Debug)]
pub struct Reader {
    clients: Clients,
}

impl Reader {
    /// A reader with an empty memory.
    pub fn new(clients: &Clients) -> Self {
        Self { clients: clients.clone() }
    }
}

impl Observe for Reader {
    async fn observe(&self, _desired: &Desired) -> Observed {
        Observed::unasked(self.clients.region())
    }
}
