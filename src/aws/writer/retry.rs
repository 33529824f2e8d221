//! Waiting for what was just made, or just removed, to be known everywhere in AWS.

use std::time::Duration;

use crate::apply::AwsError;

/// Seconds between attempts: about half a minute in all. What takes longer is left to the next pass.
const PAUSES: [u64; 5] = [1, 2, 4, 8, 15];

/// Sends until the error is not one that `passes` by itself.
pub(super) async fn retrying<T>(
    mut send: impl AsyncFnMut() -> Result<T, AwsError>,
    passes: impl Fn(&AwsError) -> bool,
) -> Result<T, AwsError> {
    for pause in PAUSES {
        match send().await {
            Err(error) if passes(&error) => {
                tracing::info!(call = error.call, code = error.code, pause, "not yet visible everywhere; waiting");
                tokio::time::sleep(Duration::from_secs(pause)).await;
            }
            result => return result,
        }
    }
    send().await
}
