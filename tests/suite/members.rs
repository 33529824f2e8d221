//! Members of a service with AWS's names: what is sent of them.

use portolan::plan::Action;
use serde_json::{Value, json};

use crate::cases;

/// What the one `UpdateService` call of a case carries.
fn sent(case: &str) -> Value {
    let plan = cases::named(case).plan();
    let mut trees = plan.steps.iter().filter_map(|step| match &step.action {
        Action::UpdateServiceMembers { members, .. } => Some(Value::Object(members.members().clone())),
        _ => None,
    });
    let tree = trees.next().expect("a step that updates in place");
    assert!(trees.next().is_none(), "one call carries all");
    tree
}

#[test]
fn a_block_is_sent_whole_and_keeps_what_no_row_knows() {
    let block = &sent("members-in-place")["deploymentConfiguration"];
    let expected = json!({
        "minimumHealthyPercent": 50,
        "maximumPercent": 200,
        "newMember": "kept",
        "deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": false},
    });
    assert_eq!(*block, expected);
}

#[test]
fn only_what_differs_is_sent() {
    let Value::Object(sent) = sent("members-in-place") else { panic!("an object") };
    let names: Vec<&str> = sent.keys().map(String::as_str).collect();
    let expected = [
        "availabilityZoneRebalancing",
        "deploymentConfiguration",
        "enableExecuteCommand",
        "healthCheckGracePeriodSeconds",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_strategy_that_is_not_changed_is_not_sent_by_the_way() {
    let expected = json!({
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
        "maximumPercent": 150,
        "minimumHealthyPercent": 100,
    });
    assert_eq!(sent("members-of-a-strategy"), json!({"deploymentConfiguration": expected}));
}
