//! The Fleet's own region, account, cluster and VPC: when one of them is not what the manifest says, nothing is planned.

use crate::model::{Desired, Lookup, Observed, Seen};

/// Why a fleet must not be worked on with these credentials, here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeError {
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// What to do where nothing answers.
pub const CHECK_ACCESS: &str =
    "check the network, the endpoint, the region and the credentials (aws sts get-caller-identity)";

/// Checks the scope; empty: it is right. What could not be read is an error too: a fleet is never worked on in an
/// account that cannot be told.
pub fn scope_errors(desired: &Desired, observed: &Observed) -> Vec<ScopeError> {
    let mut errors = Vec::new();
    let mut error = |message: String, hint: &str| errors.push(ScopeError { message, hint: hint.to_owned() });
    let fleet = &desired.fleet;
    if let Some(region) = fleet.region.as_ref().filter(|region| **region != observed.region) {
        error(
            format!("fleet {} is in region {region}, but the run uses {}", fleet.name, observed.region),
            "drop --region and AWS_REGION, or correct spec.region",
        );
    }
    if let Some(declared) = &fleet.account {
        match &observed.account {
            Seen::Present(account) if account == declared => {}
            Seen::Present(account) => error(
                format!("fleet {} is in account {declared}, but the credentials are of account {account}", fleet.name),
                "choose the right profile (--profile), or correct spec.account",
            ),
            Seen::Absent => {
                error(format!("the account is unknown; fleet {} is in {declared}", fleet.name), ALLOW_IDENTITY)
            }
            Seen::Unknown(gap) => error(
                format!("the account is unknown ({}: {}); fleet {} is in {declared}", gap.call, gap.why, fleet.name),
                ALLOW_IDENTITY,
            ),
        }
    }
    if let Some(cluster) = &fleet.cluster
        && let Some(Seen::Absent) = observed.clusters.get(cluster)
    {
        error(
            format!("no active cluster is called {cluster:?} in {}", observed.region),
            "create it, or correct spec.cluster, region or account",
        );
    }
    if let Some(vpc) = &fleet.vpc {
        match observed.vpc(vpc) {
            Seen::Present(Lookup::None) | Seen::Absent => {
                error(
                    format!("no VPC has the id or Name tag {vpc:?} in {}", observed.region),
                    "correct spec.vpc, region or account",
                );
            }
            Seen::Present(Lookup::Several(candidates)) => error(
                format!("several VPCs are called {vpc:?}: {}", candidates.join(", ")),
                "write the id of the intended one in spec.vpc",
            ),
            Seen::Present(Lookup::One(_)) | Seen::Unknown(_) => {}
        }
    }
    errors
}

const ALLOW_IDENTITY: &str = "check the credentials (aws sts get-caller-identity)";
