//! Writes AWS.

use crate::apply::{AwsError, ErrorKind, Outputs, Perform, Performed};
use crate::plan::Action;

use super::Clients;

/// Sends the actions of a plan.
#[derive(Debug)]
pub struct Writer {
    clients: Clients,
}

impl Writer {
    /// A writer.
    pub fn new(clients: &Clients) -> Self {
        Self { clients: clients.clone() }
    }
}

impl Perform for Writer {
    async fn perform(&self, action: &Action, _outputs: &Outputs) -> Result<Performed, AwsError> {
        let _ = &self.clients;
        Err(AwsError {
            call: action.operation().to_owned(),
            kind: ErrorKind::Other,
            code: "NotImplemented".to_owned(),
            message: String::new(),
            request_id: None,
        })
    }
}
