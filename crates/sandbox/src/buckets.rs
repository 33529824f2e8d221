//! The account's buckets of calls, of AWS's documented default sizes (the request-throttling pages of the ECS, Elastic
//! Load Balancing and EC2 references). Every call takes one token out of each bucket that it belongs to, or is refused.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::input::Input;

/// Name, burst, calls a second.
type Bucket = (&'static str, f64, f64);

const ELB: Bucket = ("elb.account", 40.0, 10.0);
const ELB_READ: Bucket = ("elb.read", 40.0, 10.0);
const ELB_MODIFY: Bucket = ("elb.modify", 20.0, 3.0);
const ELB_REGISTER: Bucket = ("elb.register", 20.0, 4.0);
const ELB_INTENSIVE: Bucket = ("elb.intensive", 10.0, 0.2);

/// Reads of EC2 that draw from a smaller bucket when they name neither a filter nor things nor a page.
const EC2_UNFILTERED: [&str; 2] = ["DescribeNetworkInterfaces", "DescribeSecurityGroups"];

fn is_unfiltered(name: &str, input: Input) -> bool {
    let narrows = |member: &String| {
        member == "Filter" || member == "MaxResults" || member.ends_with("Id") || member.ends_with("Name")
    };
    EC2_UNFILTERED.contains(&name) && !input.0.as_object().is_some_and(|members| members.keys().any(narrows))
}

fn buckets_of(service: &str, name: &str, input: Input) -> Vec<Bucket> {
    match (service, name) {
        ("elasticloadbalancing", "CreateLoadBalancer") => vec![ELB, ELB_INTENSIVE],
        ("elasticloadbalancing", "RegisterTargets" | "DeregisterTargets") => vec![ELB, ELB_REGISTER],
        ("elasticloadbalancing", name) if name.starts_with("Describe") => vec![ELB, ELB_READ],
        ("elasticloadbalancing", _) => vec![ELB, ELB_MODIFY],
        ("ecs", "DescribeClusters" | "ListClusters") => vec![("ecs.cluster_read", 50.0, 20.0)],
        ("ecs", "CreateCluster" | "DeleteCluster") => vec![("ecs.cluster_modify", 20.0, 1.0)],
        ("ecs", "DescribeServices" | "ListServices") => vec![("ecs.service_read", 100.0, 20.0)],
        ("ecs", "CreateService" | "UpdateService" | "DeleteService") => vec![("ecs.service_modify", 50.0, 5.0)],
        ("ecs", "DescribeTaskDefinition" | "ListTaskDefinitions") => vec![("ecs.taskdef_read", 50.0, 20.0)],
        ("ecs", "RegisterTaskDefinition" | "DeregisterTaskDefinition") => vec![("ecs.taskdef_modify", 20.0, 1.0)],
        ("ecs", "ListServiceDeployments" | "DescribeServiceDeployments") => vec![("ecs.deployment_read", 50.0, 20.0)],
        ("ecs", "DescribeServiceRevisions") => vec![("ecs.revision_read", 50.0, 20.0)],
        ("ecs", "ListTagsForResource") => vec![("ecs.tag_read", 50.0, 20.0)],
        ("ecs", "TagResource" | "UntagResource") => vec![("ecs.tag_modify", 20.0, 10.0)],
        ("ecs", name) if name.starts_with("Describe") || name.starts_with("List") => {
            vec![("ecs.resource_read", 100.0, 20.0)]
        }
        ("ecs", _) => vec![("ecs.resource_modify", 100.0, 40.0)],
        ("ec2", "CreateTags") => vec![("ec2.create_tags", 100.0, 10.0)],
        ("ec2", name) if name.starts_with("Authorize") || name.starts_with("Revoke") => {
            vec![("ec2.intensive", 50.0, 5.0)]
        }
        ("ec2", name) if is_unfiltered(name, input) => vec![("ec2.unfiltered", 50.0, 10.0)],
        ("ec2", name) if name.starts_with("Describe") || name.starts_with("Get") => vec![("ec2.read", 100.0, 20.0)],
        ("ec2", _) => vec![("ec2.modify", 50.0, 5.0)],
        _ => Vec::new(),
    }
}

/// What is left in every bucket, and when that was so.
#[derive(Clone, Debug, Default)]
pub struct Buckets(BTreeMap<String, (f64, Timestamp)>);

impl Buckets {
    /// Takes a call's tokens; answers `false`, and takes none, when one is missing.
    pub fn take(&mut self, service: &str, name: &str, input: Input, now: Timestamp) -> bool {
        let drawn = buckets_of(service, name, input);
        let levels: Vec<f64> = drawn.iter().map(|bucket| self.level(service, name, bucket, now)).collect();
        if levels.iter().any(|level| *level < 1.0) {
            return false;
        }
        for (bucket, level) in drawn.iter().zip(levels) {
            self.0.insert(key(service, name, bucket), (level - 1.0, now));
        }
        true
    }

    fn level(&self, service: &str, name: &str, bucket: &Bucket, now: Timestamp) -> f64 {
        let (_, burst, rate) = bucket;
        let Some((tokens, at)) = self.0.get(&key(service, name, bucket)) else { return *burst };
        (tokens + now.duration_since(*at).as_secs_f64() * rate).min(*burst)
    }
}

/// EC2's reads have a bucket each.
fn key(service: &str, name: &str, (bucket, ..): &Bucket) -> String {
    if service == "ec2" && *bucket == "ec2.read" { format!("ec2.{name}") } else { (*bucket).to_owned() }
}
