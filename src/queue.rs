//! When which key is worked on. Every controller's work queue, with the guarantees that Kubernetes' controllers rely on:
//!
//! - a key is never worked on twice at the same time;
//! - many requests before its turn become one, at the earliest deadline asked for;
//! - a request while it is worked on makes exactly one more turn afterwards;
//! - nothing that was requested is lost;
//! - a key that fails waits longer each time, and is forgotten once it succeeds.
//!
//! One owner drives it, so there is no lock; the timer beneath is [`DelayQueue`].

mod backoff;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue};

pub use backoff::{Backoff, LONGEST, SHORTEST};

/// Later deadlines count as this far away: the timer's wheel has an end and panics beyond it.
const FARTHEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Keys and their deadlines.
#[derive(Debug)]
pub struct Queue<K> {
    timer: DelayQueue<K>,
    /// Requested and not started: its entry in the timer, and when it is due.
    waiting: BTreeMap<K, (delay_queue::Key, Instant)>,
    /// Started and not ended, with the deadline of the turn that was requested meanwhile.
    running: BTreeMap<K, Option<Instant>>,
    backoff: Backoff<K>,
    lateness: Duration,
}

impl<K: Clone + Ord> Queue<K> {
    /// An empty queue; the seed decides about the jitter alone.
    pub fn new(seed: u64) -> Self {
        Self {
            timer: DelayQueue::new(),
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            backoff: Backoff::new(seed),
            lateness: Duration::ZERO,
        }
    }

    /// Requests a turn as soon as possible.
    pub fn request(&mut self, key: K) {
        self.request_at(key, Instant::now());
    }

    /// Requests a turn at a moment; an earlier one that was requested already stays.
    pub fn request_at(&mut self, key: K, at: Instant) {
        let at = at.min(Instant::now() + FARTHEST);
        if let Some(again) = self.running.get_mut(&key) {
            *again = Some(again.map_or(at, |earlier| earlier.min(at)));
        } else if let Some((entry, due)) = self.waiting.get_mut(&key) {
            if at < *due {
                *due = at;
                self.timer.reset_at(entry, at);
            }
        } else {
            let entry = self.timer.insert_at(key.clone(), at);
            self.waiting.insert(key, (entry, at));
        }
    }

    /// The next key whose turn it is; it runs until [`Self::succeeded`] or [`Self::failed`]. Waits endlessly while
    /// nothing is requested. Dropping the future loses nothing.
    pub async fn next(&mut self) -> K {
        poll_fn(|context| match self.timer.poll_expired(context) {
            Poll::Ready(Some(expired)) => {
                let key = expired.into_inner();
                if let Some((_, due)) = self.waiting.remove(&key) {
                    self.lateness = due.elapsed();
                }
                self.running.insert(key.clone(), None);
                Poll::Ready(key)
            }
            // An empty timer wakes no task; a request drops this future.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// A turn ended well: earlier failures are forgotten.
    pub fn succeeded(&mut self, key: &K) {
        self.backoff.forget(key);
        self.end(key, None);
    }

    /// A turn ended badly: the next one comes after a pause, which is returned, or earlier if that was requested.
    pub fn failed(&mut self, key: &K) -> Duration {
        let pause = self.backoff.next(key);
        self.end(key, Some(Instant::now() + pause));
        pause
    }

    /// How long the key whose turn began last had been due.
    pub fn lateness(&self) -> Duration {
        self.lateness
    }

    /// Keys that wait for their turn.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Keys whose turn it is.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    fn end(&mut self, key: &K, retry: Option<Instant>) {
        let Some(again) = self.running.remove(key) else { return };
        if let Some(at) = again.into_iter().chain(retry).min() {
            self.request_at(key.clone(), at);
        }
    }
}
