//! The buckets of calls against AWS's documented sizes, written down once more as data: `buckets.json`.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use portolan::sandbox::World;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Documented {
    buckets: BTreeMap<String, Bucket>,
    /// Reads of EC2 that have a smaller bucket where they name nothing.
    unfiltered: Vec<String>,
    /// By `service.Operation`.
    actions: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Bucket {
    burst: f64,
    rate: f64,
}

/// How many of so many calls are not refused for their number.
fn taken(world: &mut World, call: &str, input: &Value) -> usize {
    let answers = (0..300).map(|_| world.call(call, input));
    let is_throttled = |code: &str| matches!(code, "Throttling" | "ThrottlingException" | "RequestLimitExceeded");
    answers.filter(|answer| !answer.as_ref().is_err_and(|refusal| is_throttled(&refusal.code))).count()
}

fn limited() -> World {
    let mut world = World::new(1);
    world.settings.buckets = true;
    world
}

#[test]
fn every_call_draws_from_buckets_of_the_documented_sizes() {
    let documented: Documented = serde_json::from_str(include_str!("buckets.json")).expect("data");
    let mut not_served = Vec::new();
    for (action, names) in &documented.actions {
        let call = action.replace("elbv2.", "elasticloadbalancing.").replace('.', ":");
        let input = json!({"MaxResults": "100"});
        if World::new(1).call(&call, &input).is_err_and(|refusal| refusal.code == "InvalidAction") {
            not_served.push(action.as_str());
            continue;
        }
        let drawn = || names.iter().map(|name| &documented.buckets[name]);
        let (burst, rate) = (drawn().map(|one| one.burst), drawn().map(|one| one.rate));
        let (burst, rate) = (burst.fold(f64::MAX, f64::min), rate.fold(f64::MAX, f64::min));
        let mut world = limited();
        assert_eq!(taken(&mut world, &call, &input) as f64, burst, "{call} at once");
        world.advance(SignedDuration::from_secs(1));
        assert_eq!(taken(&mut world, &call, &input) as f64, rate.floor(), "{call} a second later");
    }
    assert_eq!(not_served, ["elbv2.DescribeListenerAttributes", "elbv2.DescribeListenerCertificates"]);
}

#[test]
fn reads_of_ec2_that_name_nothing_have_a_smaller_bucket() {
    let documented: Documented = serde_json::from_str(include_str!("buckets.json")).expect("data");
    let unfiltered = &documented.buckets["ec2.unfiltered"];
    for name in &documented.unfiltered {
        let call = format!("ec2:{name}");
        assert_eq!(taken(&mut limited(), &call, &json!({})) as f64, unfiltered.burst, "{call}");
        let filter = json!({"Filter": [{"Name": "vpc-id", "Value": ["vpc-1"]}]});
        assert_eq!(taken(&mut limited(), &call, &filter) as f64, documented.buckets[&format!("ec2.{name}")].burst);
    }
}
