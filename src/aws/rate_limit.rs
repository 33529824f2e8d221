//! A mirror of AWS's token buckets, so that a pass alone in its account is not refused: Elastic Load Balancing lets an
//! account send a burst of 40 calls and 10 a second, whatever they are, and asking for target health takes one call a group.
//!
//! A call waits for its token before it is sent. What cannot wait, a further page or another attempt, is taken
//! from the bucket when it is sent, so that the calls after it wait for it. A refusal says that others draw from
//! the same bucket: then it counts as empty, and as filling half as fast, until a while has passed without another one.

mod families;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use families::{Size, families};

/// Tokens that are left in every bucket: calls overtake each other on their way, and AWS counts when they arrive.
const RESERVE: f64 = 2.0;
/// Slowest that a bucket is taken to fill, as a share of AWS's documented rate.
const SLOWEST: f64 = 0.1;
/// How much of the documented rate comes back in a second without a refusal: from half to full in 25 seconds.
const RECOVERY: f64 = 0.02;
/// Refusals this close together say the same thing once.
const ONE_REFUSAL: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// The call that has waited for its token and was not sent yet.
    static DRAWN: RefCell<Option<String>>;
}

/// What is left of a bucket, and when that was so.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Below zero: calls that were promised a later moment.
    tokens: f64,
    at: Instant,
    /// What others leave of the bucket's rate, from [`SLOWEST`] to 1.
    share: f64,
    refused: Option<Instant>,
}

impl Level {
    fn full(size: Size, at: Instant) -> Self {
        Self { tokens: brim(size), at, share: 1.0, refused: None }
    }

    fn at(self, size: Size, now: Instant) -> Self {
        let passed = now.duration_since(self.at).as_secs_f64();
        let tokens = (self.tokens + passed * size.rate * self.share).min(brim(size));
        Self { tokens, at: now, share: (self.share + passed * RECOVERY).min(1.0), ..self }
    }
}

fn brim(size: Size) -> f64 {
    (size.burst - RESERVE).max(1.0)
}

/// Paces calls. Clones share the buckets.
#[derive(Clone, Debug, Default)]
pub(super) struct RateLimiter(Arc<Mutex<BTreeMap<String, Level>>>);

impl RateLimiter {
    /// Waits until AWS should take one more of this call (`prefix:Operation`), and does the work that sends it.
    pub(super) async fn limited<T>(&self, call: &str, work: impl Future<Output = T>) -> T {
        self.wait(call).await;
        DRAWN.scope(RefCell::new(Some(call.to_owned())), work).await
    }

    /// Notes an attempt that is sent now. Only the first one of [`Self::paced`] has its token already.
    pub(super) fn sent(&self, call: &str) {
        let has_waited = DRAWN.try_with(|drawn| drawn.borrow_mut().take_if(|drawn| drawn == call).is_some());
        if !has_waited.unwrap_or(false) {
            let now = Instant::now();
            for (name, size) in families(call) {
                self.draw(name, size, now);
            }
        }
    }

    /// Notes that AWS refused a call because there were too many.
    pub(super) fn refused(&self, call: &str) {
        let now = Instant::now();
        let mut levels = self.levels();
        for (name, size) in families(call) {
            let level = levels.entry(name.to_owned()).or_insert_with(|| Level::full(size, now));
            *level = level.at(size, now);
            if level.refused.is_none_or(|before| now.duration_since(before) >= ONE_REFUSAL) {
                level.share = (level.share / 2.0).max(SLOWEST);
                level.refused = Some(now);
            }
            level.tokens = level.tokens.min(0.0);
        }
    }

    /// How full each bucket is, from 0 to 1: those that were drawn from so far.
    pub(super) fn fill(&self) -> BTreeMap<String, f64> {
        let now = Instant::now();
        let fill = |(name, level): (&String, &Level)| {
            let size = families::size_of(name);
            let left = level.at(size, now).tokens / brim(size);
            (name.clone(), left.clamp(0.0, 1.0))
        };
        self.levels().iter().map(fill).collect()
    }

    async fn wait(&self, call: &str) {
        let now = Instant::now();
        let turn = families(call).map(|(name, size)| self.draw(name, size, now)).max();
        if let Some(turn) = turn.filter(|turn| *turn > now) {
            tokio::time::sleep_until(turn).await;
        }
    }

    /// Takes a token, and answers when it is there.
    fn draw(&self, name: &str, size: Size, now: Instant) -> Instant {
        let mut levels = self.levels();
        let level = levels.entry(name.to_owned()).or_insert_with(|| Level::full(size, now));
        *level = level.at(size, now);
        level.tokens -= 1.0;
        now + Duration::from_secs_f64((-level.tokens / (size.rate * level.share)).max(0.0))
    }

    fn levels(&self) -> MutexGuard<'_, BTreeMap<String, Level>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
    const TAGS: &str = "elasticloadbalancing:DescribeTags";

    async fn seconds_with(rate_limiter: &RateLimiter, calls: &[(&str, usize)]) -> f64 {
        let start = Instant::now();
        for (call, times) in calls {
            for _ in 0..*times {
                rate_limiter.limited(call, async { rate_limiter.sent(call) }).await;
            }
        }
        start.elapsed().as_secs_f64()
    }

    async fn seconds_for(calls: &[(&str, usize)]) -> f64 {
        seconds_with(&RateLimiter::default(), calls).await
    }

    fn about(left: f64, right: f64) {
        assert!((left - right).abs() < 0.05, "{left} is not {right}");
    }

    #[tokio::test(start_paused = true)]
    async fn balancing_calls_go_at_once_up_to_the_burst_and_ten_a_second_after_that() {
        about(seconds_for(&[(HEALTH, 38)]).await, 0.0);
        about(seconds_for(&[(HEALTH, 98)]).await, 6.0);
        about(seconds_for(&[(HEALTH, 30), (TAGS, 28)]).await, 2.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_draws_from_its_own_bucket_too() {
        about(seconds_for(&[("elasticloadbalancing:CreateRule", 21)]).await, 1.0);
        about(seconds_for(&[("ecs:RegisterTaskDefinition", 20)]).await, 2.0);
    }

    #[tokio::test(start_paused = true)]
    async fn families_do_not_hold_each_other_up() {
        let calls = [("ecs:DescribeServices", 90), ("ec2:DescribeVpcs", 90), ("sts:GetCallerIdentity", 500)];
        about(seconds_for(&calls).await, 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_up_again_but_never_over_its_brim() {
        let rate_limiter = RateLimiter::default();
        about(seconds_with(&rate_limiter, &[(TAGS, 38)]).await, 0.0);
        assert!(rate_limiter.fill()["elb"] < 0.01);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(rate_limiter.fill()["elb"] > 0.99);
        about(seconds_with(&rate_limiter, &[(TAGS, 48)]).await, 1.0);
    }

    #[tokio::test(start_paused = true)]
    async fn pages_and_attempts_that_nobody_waited_for_are_waited_for_afterwards() {
        let rate_limiter = RateLimiter::default();
        rate_limiter.limited(TAGS, async { (0..38).for_each(|_| rate_limiter.sent(TAGS)) }).await;
        rate_limiter.sent(TAGS);
        about(seconds_with(&rate_limiter, &[(TAGS, 10)]).await, 1.1);
    }

    #[tokio::test(start_paused = true)]
    async fn another_call_than_the_one_that_waited_pays_for_itself() {
        let rate_limiter = RateLimiter::default();
        for _ in 0..18 {
            rate_limiter.limited("elasticloadbalancing:ModifyRule", async { rate_limiter.sent(TAGS) }).await;
        }
        rate_limiter.sent(TAGS);
        rate_limiter.sent(TAGS);
        about(seconds_with(&rate_limiter, &[(TAGS, 1)]).await, 0.1);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_slow_down_and_silence_speeds_up_again() {
        let rate_limiter = RateLimiter::default();
        rate_limiter.refused(HEALTH);
        rate_limiter.refused(HEALTH);
        let slow = seconds_with(&rate_limiter, &[(HEALTH, 20)]).await;
        assert!((3.0..4.0).contains(&slow), "half as fast, and recovering: {slow}");
        tokio::time::advance(Duration::from_secs(60)).await;
        about(seconds_with(&rate_limiter, &[(HEALTH, 58)]).await, 2.0);
    }
}
