//! What AWS refuses by its nature: the same call on the same live state would be refused again, whatever time passes.

use crate::apply::AwsError;
use crate::model::{Observed, Rule, TargetGroup};
use crate::plan::{Action, Change, Reason, ServiceBelief, Step};

/// An error code of a service that means so.
struct ByNature {
    /// The part before the colon of the call's IAM name.
    service: &'static str,
    code: &'static str,
    /// Sentences under the same code that do not mean so: the cause passes, or is corrected elsewhere.
    except: &'static [&'static str],
}

const ECS: &str = "ecs";
const ELB: &str = "elasticloadbalancing";
const EC2: &str = "ec2";

/// Not here, because time or another writer may end them: throttling, server errors, conflicts, things in use or not found,
/// quotas, permissions, credentials; `ClientException` of ECS, which is also what two registrations of one family at the
/// same time get; `InvalidTarget`, which an instance that is just starting gets.
const TABLE: [ByNature; 16] = [
    // ECS checks the members of a call against the service and what it names.
    ByNature { service: ECS, code: "InvalidParameterException", except: &PASSING },
    ByNature { service: ECS, code: "UnsupportedFeatureException", except: &[] },
    ByNature { service: ECS, code: "PlatformUnknownException", except: &[] },
    ByNature { service: ECS, code: "PlatformTaskDefinitionIncompatibilityException", except: &[] },
    // The members of a call, or their combination, are none that Elastic Load Balancing takes.
    ByNature { service: ELB, code: "ValidationError", except: &[] },
    ByNature { service: ELB, code: "InvalidConfigurationRequest", except: &[] },
    ByNature { service: ELB, code: "IncompatibleProtocols", except: &[] },
    ByNature { service: ELB, code: "UnsupportedProtocol", except: &[] },
    ByNature { service: ELB, code: "InvalidLoadBalancerAction", except: &[] },
    // The members of a call, or their combination, are none that EC2 takes.
    ByNature { service: EC2, code: "InvalidParameter", except: &[] },
    ByNature { service: EC2, code: "InvalidParameterValue", except: &[] },
    ByNature { service: EC2, code: "InvalidParameterCombination", except: &[] },
    ByNature { service: EC2, code: "InvalidPermission.Malformed", except: &[] },
    ByNature { service: EC2, code: "InvalidGroupId.Malformed", except: &[] },
    ByNature { service: EC2, code: "MissingParameter", except: &[] },
    ByNature { service: EC2, code: "ValidationError", except: &[] },
];

/// ECS says `InvalidParameterException` of these, too. A rule that was just made is not visible to it yet; a role is put
/// right in IAM, which no reading shows.
const PASSING: [&str; 4] = [
    "does not have an associated load balancer",
    "assume",
    "service linked role",
    "verify that the ECS service role being passed has the proper permissions",
];

/// Whether an error is a refusal by nature.
fn is_by_nature(error: &AwsError) -> bool {
    let service = error.call.split(':').next().unwrap_or_default();
    TABLE.iter().any(|row| {
        row.service == service
            && row.code == error.code
            && !row.except.iter().any(|sentence| error.message.contains(sentence))
    })
}

/// What a call was sent against, as far as AWS may have judged it by that; health and counts are not in it.
#[derive(Clone, Debug, PartialEq)]
struct Against {
    service: Option<ServiceBelief>,
    groups: Vec<TargetGroup>,
    rules: Vec<Rule>,
}

impl Against {
    fn of(action: &Action, observed: &Observed) -> Self {
        let names = action.names();
        let service = names.service.and_then(|id| observed.service(id).present());
        let live = observed.target_groups.as_ref().present().into_iter().flatten();
        let mut live: Vec<_> = live.filter(|group| names.target_groups.contains(&&group.arn)).cloned().collect();
        live.sort_by(|a, b| a.arn.cmp(&b.arn));
        let seen = observed.rules.values().filter_map(|seen| seen.as_ref().present());
        let rules = seen.filter(|rules| rules.iter().any(|rule| names.rules.contains(&&rule.arn)));
        Self { service: service.map(ServiceBelief::of), groups: live, rules: rules.flatten().cloned().collect() }
    }
}

/// A step that AWS refused by its nature.
#[derive(Clone, Debug)]
struct Refused {
    action: Action,
    target: String,
    changes: Vec<Change>,
    against: Against,
    words: String,
}

impl Refused {
    fn is_of(&self, step: &Step, observed: &Observed) -> bool {
        self.action == step.action
            && self.target == step.target
            && self.changes == step.changes
            && self.against == Against::of(&step.action, observed)
    }
}

/// The steps that are not sent again until the manifest, or what they were sent against, is another.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals(Vec<Refused>);

impl Refusals {
    /// Keeps a failure if it is a refusal by nature, and says whether it is.
    pub(super) fn keep(&mut self, step: &Step, error: &AwsError, observed: &Observed) -> bool {
        if !is_by_nature(error) {
            return false;
        }
        self.0.retain(|refused| refused.target != step.target || refused.action.operation() != step.action.operation());
        self.0.push(Refused {
            action: step.action.clone(),
            target: step.target.clone(),
            changes: step.changes.clone(),
            against: Against::of(&step.action, observed),
            words: error.to_string(),
        });
        true
    }

    /// Forgets what a look without gaps does not plan any more: what is planned later is planned from another state.
    pub(super) fn see(&mut self, steps: &[Step], observed: &Observed) {
        self.0.retain(|refused| steps.iter().any(|step| refused.is_of(step, observed)));
    }

    /// Why a step is not sent again.
    pub(super) fn hold(&self, step: &Step, observed: &Observed) -> Option<Reason> {
        let refused = self.0.iter().find(|refused| refused.is_of(step, observed))?;
        Some(Reason::new(
            format!(
                "AWS rejected this call ({}), so Portolan does not send it again until the manifest or the \
                 live state changes",
                refused.words
            ),
            "correct one of them",
        ))
    }

    /// The manifest changed.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::apply::ErrorKind;

    /// EC2's errors are in no model of the SDK. These are the client errors that its API reference ("Error codes for the Amazon
    /// EC2 API") has for calls on rules of security groups and for calls of any kind, and whether the call is refused by its
    /// nature.
    const OF_EC2: [(&str, bool); 31] = [
        ("AuthFailure", false),
        ("Blocked", false),
        ("DryRunOperation", false),
        ("IdempotentParameterMismatch", false),
        ("IncompleteSignature", false),
        ("InvalidAction", false),
        ("InvalidCharacter", false),
        ("InvalidClientTokenId", false),
        ("InvalidPaginationToken", false),
        ("InvalidParameter", true),
        ("InvalidParameterCombination", true),
        ("InvalidParameterValue", true),
        ("InvalidQueryParameter", false),
        ("MalformedQueryString", false),
        ("MissingAction", false),
        ("MissingAuthenticationToken", false),
        ("MissingParameter", true),
        ("OptInRequired", false),
        ("PendingVerification", false),
        ("RequestExpired", false),
        ("UnauthorizedOperation", false),
        ("UnknownParameter", false),
        ("UnsupportedProtocol", false),
        ("ValidationError", true),
        ("InvalidGroup.NotFound", false),
        ("InvalidGroupId.Malformed", true),
        ("InvalidPermission.Duplicate", false),
        ("InvalidPermission.Malformed", true),
        ("InvalidPermission.NotFound", false),
        ("RulesPerSecurityGroupLimitExceeded", false),
        ("RequestLimitExceeded", false),
    ];

    #[test]
    fn refusals_of_ec2_are_codes_that_its_reference_has() {
        let rows: BTreeSet<&str> = TABLE.iter().filter(|row| row.service == EC2).map(|row| row.code).collect();
        let by_nature: BTreeSet<&str> = OF_EC2.iter().filter(|(_, is)| *is).map(|(code, _)| *code).collect();
        assert_eq!(rows, by_nature);
        for (code, is) in OF_EC2 {
            let error = |call: &str| AwsError {
                call: call.to_owned(),
                kind: ErrorKind::Other,
                code: code.to_owned(),
                message: String::new(),
                request_id: None,
            };
            assert_eq!(is_by_nature(&error("ec2:AuthorizeSecurityGroupIngress")), is, "{code}");
        }
    }
}
