//! What to do after AWS refused a call.

use crate::apply::{AwsError, ErrorKind};

/// One sentence for each kind of error.
pub(super) fn advice(error: &AwsError) -> String {
    match error.kind {
        ErrorKind::Throttled => "wait a minute and run again: AWS limits the calls of this account".to_owned(),
        ErrorKind::Transient => {
            "run again: it is unknown whether AWS applied this call; the next pass reads the resource first".to_owned()
        }
        ErrorKind::NotFound => "run again: the resource was deleted after it was read".to_owned(),
        ErrorKind::Conflict => "run again: the resource was changed by another writer at the same time".to_owned(),
        ErrorKind::InUse => "remove what still uses it, then run again".to_owned(),
        ErrorKind::Denied => format!("allow {} for the role that Portolan runs as, then run again", error.call),
        ErrorKind::Credentials => "renew the credentials, then run again".to_owned(),
        ErrorKind::Invalid => "correct the value that AWS rejected in the manifest, then run again".to_owned(),
        ErrorKind::Quota => "request a higher quota or delete unused resources, then run again".to_owned(),
        ErrorKind::Other => "run again; if it fails again, see AWS's documentation of this error code".to_owned(),
    }
}
