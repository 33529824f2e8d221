//! Answers of ECS, matched to what was asked: each thing is in the answer or among its failures. What is in neither is not
//! known.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::Failure;

use crate::apply::{AwsError, ErrorKind};
use crate::model::arn::last_part;

/// The reason of a failure that says that the thing is not there.
pub(super) const MISSING: &str = "MISSING";

/// What of a question was neither in the response nor among its failures.
pub(super) const UNANSWERED: &str = "neither in the response nor among its failures";

/// Succeeds if each ARN that was asked for was answered, or is missing by AWS's word. Anything else leaves a gap in the list.
pub(super) fn complete<'a>(
    call: &str,
    asked: &[String],
    answered: impl Iterator<Item = Option<&'a str>>,
    failures: &'a [Failure],
) -> Result<(), AwsError> {
    if let Some(failure) = failures.iter().find(|failure| failure.reason() != Some(MISSING)) {
        return Err(incomplete(call, failure.reason().unwrap_or("a failure without a reason")));
    }
    let failed = failures.iter().map(Failure::arn);
    let named: BTreeSet<&str> = answered.chain(failed).flatten().map(last_part).collect();
    if asked.iter().all(|arn| named.contains(last_part(arn))) { Ok(()) } else { Err(incomplete(call, UNANSWERED)) }
}

/// An answer that leaves something out.
pub(super) fn incomplete(call: &str, reason: &str) -> AwsError {
    AwsError {
        call: call.to_owned(),
        kind: ErrorKind::Other,
        code: reason.to_owned(),
        message: String::new(),
        request_id: None,
    }
}

/// Whether AWS says that the cluster itself is not there.
pub(super) fn is_cluster_missing(error: &AwsError) -> bool {
    error.kind == ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_answered_nor_failed_is_not_known() {
        let asked = ["arn:x/prod/a".to_owned(), "arn:x/prod/b".to_owned()];
        let failure = |arn: &str, reason: &str| Failure::builder().arn(arn).reason(reason).build();
        let code = |answered: &[&str], failures: &[Failure]| {
            complete("ecs:DescribeTasks", &asked, answered.iter().copied().map(Some), failures)
                .map_err(|error| error.code)
        };
        assert_eq!(code(&["arn:x/prod/a", "arn:x/prod/b"], &[]), Ok(()));
        assert_eq!(code(&["arn:x/prod/a"], &[failure("arn:x/prod/b", MISSING)]), Ok(()));
        assert_eq!(code(&["arn:x/prod/a"], &[]), Err(UNANSWERED.to_owned()));
        assert_eq!(
            code(&["arn:x/prod/a"], &[failure("arn:x/prod/b", "ACCESS_DENIED")]),
            Err("ACCESS_DENIED".to_owned())
        );
    }
}
