//! A mirror of AWS's token buckets, so that a pass alone in its account is not refused: Elastic Load Balancing lets an
//! account send 40 calls at once and 10 a second, whatever they are, and asking for target health takes one call a group.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A bucket: calls at once, and calls a second after that.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Size {
    burst: f64,
    rate: f64,
}

/// The buckets that a call draws from, by AWS's documented defaults (the throttling pages of the ECS, Elastic Load
/// Balancing and EC2 references). A call of no family is not paced.
fn families(call: &str) -> Vec<(String, Size)> {
    let size = |burst: u16, rate: u16| Size { burst: f64::from(burst), rate: f64::from(rate) };
    let family = |name: &str, burst, rate| vec![(name.to_owned(), size(burst, rate))];
    let Some((prefix, operation)) = call.split_once(':') else { return Vec::new() };
    match (prefix, operation) {
        ("elasticloadbalancing", operation) => {
            let mut drawn = family("elb", 40, 10);
            match operation {
                "RegisterTargets" | "DeregisterTargets" => drawn.extend(family("elb targets", 20, 4)),
                operation if !operation.starts_with("Describe") => drawn.extend(family("elb writes", 20, 3)),
                _ => {}
            }
            drawn
        }
        ("ecs", "DescribeServices" | "ListServices") => family("ecs services", 100, 20),
        ("ecs", "DescribeTasks" | "ListTasks" | "DescribeContainerInstances") => family("ecs tasks", 100, 20),
        ("ecs", "UpdateService") => family("ecs updates", 50, 5),
        ("ecs", "RegisterTaskDefinition") => family("ecs registrations", 20, 1),
        ("ec2", "AuthorizeSecurityGroupIngress" | "RevokeSecurityGroupIngress") => family(call, 50, 5),
        ("ecs", _) => family(call, 50, 20),
        ("ec2", _) => family(call, 100, 20),
        _ => Vec::new(),
    }
}

/// What is left of a bucket, and when that was so. Below zero: calls that were promised a later moment.
#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

/// Paces calls. Clones share the buckets.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Arc<Mutex<BTreeMap<String, Level>>>);

impl Pace {
    /// Waits until AWS should take one more of this call (`prefix:Operation`).
    pub(super) async fn wait(&self, call: &str) {
        let now = Instant::now();
        let turn = families(call).iter().map(|(name, size)| self.draw(name, *size, now)).max();
        if let Some(turn) = turn.filter(|turn| *turn > now) {
            tokio::time::sleep_until(turn).await;
        }
    }

    /// Takes a token, and answers when it is there.
    fn draw(&self, name: &str, size: Size, now: Instant) -> Instant {
        let mut levels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let level = levels.entry(name.to_owned()).or_insert(Level { tokens: size.burst, at: now });
        let refilled = level.tokens + now.duration_since(level.at).as_secs_f64() * size.rate;
        *level = Level { tokens: refilled.min(size.burst) - 1.0, at: now };
        now + Duration::from_secs_f64((-level.tokens / size.rate).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn seconds_for(calls: &[(&str, usize)]) -> f64 {
        let pace = Pace::default();
        let start = Instant::now();
        for (call, times) in calls {
            for _ in 0..*times {
                pace.wait(call).await;
            }
        }
        start.elapsed().as_secs_f64()
    }

    fn about(left: f64, right: f64) {
        assert!((left - right).abs() < 0.05, "{left} is not {right}");
    }

    #[tokio::test(start_paused = true)]
    async fn forty_balancing_calls_go_at_once_and_ten_a_second_after_that() {
        about(seconds_for(&[("elasticloadbalancing:DescribeTargetHealth", 40)]).await, 0.0);
        about(seconds_for(&[("elasticloadbalancing:DescribeTargetHealth", 100)]).await, 6.0);
        let mixed = [("elasticloadbalancing:DescribeTargetHealth", 30), ("elasticloadbalancing:DescribeTags", 30)];
        about(seconds_for(&mixed).await, 2.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_draws_from_its_own_bucket_too() {
        about(seconds_for(&[("elasticloadbalancing:CreateRule", 23)]).await, 1.0);
        about(seconds_for(&[("ecs:RegisterTaskDefinition", 22)]).await, 2.0);
    }

    #[tokio::test(start_paused = true)]
    async fn families_do_not_hold_each_other_up() {
        let calls = [("ecs:DescribeServices", 90), ("ec2:DescribeVpcs", 90), ("sts:GetCallerIdentity", 500)];
        about(seconds_for(&calls).await, 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_up_again_but_never_over_its_brim() {
        let pace = Pace::default();
        for _ in 0..40 {
            pace.wait("elasticloadbalancing:DescribeTags").await;
        }
        tokio::time::advance(Duration::from_secs(3600)).await;
        let start = Instant::now();
        for _ in 0..50 {
            pace.wait("elasticloadbalancing:DescribeTags").await;
        }
        about(start.elapsed().as_secs_f64(), 1.0);
    }
}
