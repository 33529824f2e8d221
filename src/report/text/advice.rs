//! What to do after AWS refused a call.

use crate::apply::{AwsError, ErrorKind};

/// One sentence for each kind of error.
pub(super) fn advice(error: &AwsError) -> String {
    match error.kind {
        ErrorKind::Throttled => "wait a minute and run again: AWS limits the calls of this account".to_owned(),
        ErrorKind::Transient => {
            "run again: whether AWS took it is open, and the next pass reads it before it sends anything".to_owned()
        }
        ErrorKind::NotFound => "run again: it went away after it was read".to_owned(),
        ErrorKind::Conflict => "run again: somebody else changed it at the same time".to_owned(),
        ErrorKind::InUse => "free it from what still uses it, then run again".to_owned(),
        ErrorKind::Denied => format!("allow {} to the role that Portolan runs as, then run again", error.call),
        ErrorKind::Credentials => "renew the credentials, then run again".to_owned(),
        ErrorKind::Invalid => "correct what AWS names in the manifest, then run again".to_owned(),
        ErrorKind::Quota => "have the quota raised, or remove something, then run again".to_owned(),
        ErrorKind::Other => "run again; if it stays, look the error code up in AWS's documentation".to_owned(),
    }
}
