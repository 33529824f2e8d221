//! Counts what is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;

/// A count of every attempt that was sent, by IAM's name of the action, such as `ecs:DescribeServices`. Clones
/// share the count.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<String, u64>>>);

impl Calls {
    /// The counts so far.
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, call: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(call.to_owned()).or_default() += 1;
    }
}

/// IAM's name of an action: the prefix of its policies and the operation.
fn iam_name(metadata: &Metadata) -> String {
    let prefix = match metadata.service() {
        "ECS" => "ecs",
        "Elastic Load Balancing v2" => "elasticloadbalancing",
        "EC2" => "ec2",
        "Application Auto Scaling" => "application-autoscaling",
        "STS" => "sts",
        other => other,
    };
    format!("{prefix}:{}", metadata.name())
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
        self.add(&call);
        Ok(())
    }
}
