//! Counts what is sent and what is refused, and reports both to the rate limiter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_ecs::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use jiff::Timestamp;

use super::error::kind_of_code;
use super::rate_limit::RateLimiter;
use crate::apply::ErrorKind;

/// Counts by IAM's name of the action, such as `ecs:DescribeServices`.
type Counts = BTreeMap<String, u64>;

/// A count of every attempt that was sent, and of those that AWS refused because there were too many. Clones share the
/// counts.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    sent: Arc<Mutex<Counts>>,
    refused: Arc<Mutex<Counts>>,
    /// The `Date` of the newest answer.
    answered: Arc<Mutex<Option<Timestamp>>>,
    rate_limiter: RateLimiter,
}

impl Calls {
    /// Counts that report what was sent and refused to this rate limiter.
    pub(super) fn new(rate_limiter: RateLimiter) -> Self {
        Self { rate_limiter, ..Self::default() }
    }

    /// The attempts so far.
    pub fn snapshot(&self) -> Counts {
        locked(&self.sent).clone()
    }

    /// The refused ones among them.
    pub fn refused(&self) -> Counts {
        locked(&self.refused).clone()
    }

    /// AWS's own clock, as its newest answer has it: ages of what AWS tells are counted by it, however wrong the clock of this
    /// host is. `None` before the first answer.
    pub fn aws_time(&self) -> Option<Timestamp> {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How full the mirrored buckets of calls are, from 0 (the next call waits) to 1.
    pub fn fill(&self) -> BTreeMap<String, f64> {
        self.rate_limiter.fill()
    }

    /// The attempts of Elastic Load Balancing so far: one account-wide bucket covers them all.
    pub(super) fn balancing(&self) -> u64 {
        let counts = locked(&self.sent);
        counts.iter().filter(|(call, _)| call.starts_with("elasticloadbalancing:")).map(|(_, count)| count).sum()
    }
}

fn add(counts: &Mutex<Counts>, call: &str) {
    *locked(counts).entry(call.to_owned()).or_default() += 1;
}

fn locked(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// IAM's name of an action: the prefix of its policies and the operation.
fn iam_name(metadata: &Metadata) -> String {
    let prefix = match metadata.service() {
        "ECS" => "ecs",
        "Elastic Load Balancing v2" => "elasticloadbalancing",
        "EC2" => "ec2",
        "Application Auto Scaling" => "application-autoscaling",
        "SQS" => "sqs",
        "STS" => "sts",
        other => other,
    };
    // A batch has no permission of its own.
    let operation = if prefix == "sqs" { metadata.name().trim_end_matches("Batch") } else { metadata.name() };
    format!("{prefix}:{operation}")
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = config.load::<Metadata>() else {
            return Ok(());
        };
        let call = iam_name(metadata);
        let attempt = config.load::<RequestAttempts>().map_or(1, |attempts| attempts.attempts());
        tracing::debug!(call, attempt, "aws call");
        add(&self.sent, &call);
        self.rate_limiter.sent(&call);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date").and_then(date) {
            *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(date);
        }
        let Some(metadata) = config.load::<Metadata>() else {
            return Ok(());
        };
        if context.output_or_error().is_err() && is_refusal(context.response()) {
            let call = iam_name(metadata);
            tracing::debug!(call, "throttled");
            add(&self.refused, &call);
            self.rate_limiter.refused(&call);
        }
        Ok(())
    }
}

fn date(header: &str) -> Option<Timestamp> {
    let at = aws_smithy_types::DateTime::from_str(header, aws_smithy_types::date_time::Format::HttpDate).ok()?;
    Timestamp::from_second(at.secs()).ok()
}

/// Whether AWS answered that there were too many calls. Each attempt is looked at, also those that the SDK sends again
/// and reports to no caller; the error's type is the operation's own there, so that its code is read off the answer:
/// `"__type": "namespace#Code"` (ECS and Application Auto Scaling), `<Code>Code</Code>` (ELB and EC2).
fn is_refusal(response: &HttpResponse) -> bool {
    let body = std::str::from_utf8(response.body().bytes().unwrap_or_default()).unwrap_or_default();
    let after = |mark: &str| body.split_once(mark).map(|(_, rest)| rest);
    let code = after("<Code>").and_then(|rest| rest.split('<').next()).or_else(|| {
        let value = after("\"__type\"")?.split('"').nth(1)?;
        Some(value.rsplit('#').next().unwrap_or(value))
    });
    response.status().as_u16() == 429 || code.is_some_and(|code| kind_of_code(code) == ErrorKind::Throttled)
}
