//! Credentials that are fetched no more often than it can help.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::plain_cause;

/// Least time from one fetch to the next. The SDK's cache does not keep credentials that have expired when they arrive (this
/// machine's clock is wrong, or the source repeats old ones) and would fetch again for every call. Sound ones last for 15
/// minutes at least.
const PAUSE: Duration = Duration::from_secs(30);

/// Least time from a fetch that failed to the next: whatever was at fault has a moment to recover.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);

/// A provider that repeats its last answer instead of fetching too soon. Those who ask at the same time share one fetch.
#[derive(Debug)]
pub(super) struct Paced {
    source: SharedCredentialsProvider,
    last: Mutex<Option<Fetched>>,
}

#[derive(Debug)]
struct Fetched {
    at: Instant,
    answer: Result<Credentials, String>,
}

impl Paced {
    pub(super) fn new(source: SharedCredentialsProvider) -> Self {
        Self { source, last: Mutex::default() }
    }

    async fn credentials(&self) -> provider::Result {
        let mut last = self.last.lock().await;
        let is_recent = |fetched: &&Fetched| {
            let pause = if fetched.answer.is_ok() { PAUSE } else { PAUSE_AFTER_ERROR };
            fetched.at.elapsed() < pause
        };
        if let Some(fetched) = last.as_ref().filter(is_recent) {
            return fetched.answer.clone().map_err(CredentialsError::provider_error);
        }
        let answer = self.source.provide_credentials().await;
        let kept = answer.as_ref().map(Clone::clone).map_err(|error| plain_cause(error));
        *last = Some(Fetched { at: Instant::now(), answer: kept });
        answer
    }
}

impl ProvideCredentials for Paced {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::SystemTime;

    use aws_smithy_types::error::display::DisplayErrorContext;

    use super::*;

    /// Credentials that expired long ago, or an error; counts its fetches.
    #[derive(Debug)]
    struct Source {
        fetches: Arc<AtomicU32>,
        is_broken: bool,
    }

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            future::ProvideCredentials::ready(match self.is_broken {
                false => Ok(Credentials::new("id", "secret", None, Some(SystemTime::UNIX_EPOCH), "test")),
                true => Err(CredentialsError::provider_error("the source is broken")),
            })
        }
    }

    async fn fetches(is_broken: bool, pause: Duration) {
        let fetches = Arc::new(AtomicU32::new(0));
        let source = Source { fetches: fetches.clone(), is_broken };
        let paced = Paced::new(SharedCredentialsProvider::new(source));
        for _ in 0..100 {
            let answer = paced.provide_credentials().await;
            assert_eq!(answer.is_err(), is_broken);
            if let Err(error) = answer {
                let text = DisplayErrorContext(error).to_string();
                assert!(text.contains("the source is broken"), "{text}");
            }
        }
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
        tokio::time::advance(pause).await;
        assert_eq!(paced.provide_credentials().await.is_err(), is_broken);
        assert_eq!(fetches.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_are_expired_on_arrival_are_not_fetched_for_every_call() {
        fetches(false, PAUSE).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_fails_is_not_asked_for_every_call() {
        fetches(true, PAUSE_AFTER_ERROR).await;
    }
}
