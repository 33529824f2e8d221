//! The buckets that calls draw from, by AWS's documented defaults (the throttling pages of the ECS, Elastic Load
//! Balancing and EC2 references).

use crate::model::{Bucket, Operation};

/// A bucket: the burst, and calls a second after that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) burst: f64,
    pub(super) rate: f64,
}

/// The names and sizes of the buckets of a call (`prefix:Operation`). A call of no family is not paced.
pub(super) fn families(call: &str) -> impl Iterator<Item = (&str, Size)> {
    let names = match Operation::of_call(call).map(Operation::bucket) {
        Some(Bucket::ElasticLoadBalancing) => [Some("elb"), None],
        Some(Bucket::EcsServices) => [Some("ecs services"), None],
        Some(Bucket::EcsTasks) => [Some("ecs tasks"), None],
        Some(Bucket::EcsClusters) => [Some("ecs clusters"), None],
        Some(Bucket::OfOperation) => [Some(call), None],
        Some(Bucket::None) => [None, None],
        None => of_change(call),
    };
    names.into_iter().flatten().map(|name| (name, size_of(name)))
}

/// The buckets of a call that changes something, or of another service.
fn of_change(call: &str) -> [Option<&str>; 2] {
    let (prefix, operation) = call.split_once(':').unwrap_or_default();
    match (prefix, operation) {
        ("elasticloadbalancing", "RegisterTargets" | "DeregisterTargets") => [Some("elb"), Some("elb targets")],
        ("elasticloadbalancing", _) => [Some("elb"), Some("elb writes")],
        ("ecs", "UpdateService") => [Some("ecs updates"), None],
        ("ecs", "RegisterTaskDefinition") => [Some("ecs registrations"), None],
        ("ecs" | "ec2", _) => [Some(call), None],
        _ => [None, None],
    }
}

/// The size of a bucket that [`families`] names.
pub(super) fn size_of(name: &str) -> Size {
    let size = |burst: u16, rate: u16| Size { burst: f64::from(burst), rate: f64::from(rate) };
    match name {
        "elb" => size(40, 10),
        "elb targets" => size(20, 4),
        "elb writes" => size(20, 3),
        "ecs services" | "ecs tasks" => size(100, 20),
        "ecs updates" => size(50, 5),
        "ecs registrations" => size(20, 1),
        name => match name.split_once(':') {
            Some(("ec2", operation)) if operation.starts_with("Describe") => size(100, 20),
            // Changes of any kind; those of groups' rules have a bucket of their own of the same size.
            Some(("ec2", _)) => size(50, 5),
            _ => size(50, 20),
        },
    }
}
