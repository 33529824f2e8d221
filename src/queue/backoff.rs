//! How long what failed waits before it is tried again.

use std::collections::BTreeMap;
use std::time::Duration;

/// The shortest pause.
pub const SHORTEST: Duration = Duration::from_secs(1);
/// The longest pause.
pub const LONGEST: Duration = Duration::from_secs(300);

/// Exponential pauses for each key, with jitter, so that what failed together is not tried again together.
#[derive(Clone, Debug)]
pub struct Backoff<K> {
    failures: BTreeMap<K, u32>,
    random: fastrand::Rng,
}

impl<K: Clone + Ord> Backoff<K> {
    /// Nothing has failed yet.
    pub fn new(seed: u64) -> Self {
        Self { failures: BTreeMap::new(), random: fastrand::Rng::with_seed(seed) }
    }

    /// Counts a failure and returns the pause after it: at least half of twice the one before.
    pub fn next(&mut self, key: &K) -> Duration {
        let failures = self.failures.entry(key.clone()).or_default();
        let most = (SHORTEST * 2).saturating_mul(2_u32.saturating_pow(*failures)).min(LONGEST);
        *failures = failures.saturating_add(1);
        most.mul_f64(0.5 + self.random.f64() / 2.0)
    }

    /// How often a key failed since it last succeeded.
    pub fn failures(&self, key: &K) -> u32 {
        self.failures.get(key).copied().unwrap_or_default()
    }

    /// The key succeeded, or is no more.
    pub fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }
}
