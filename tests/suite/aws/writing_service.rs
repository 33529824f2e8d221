//! `UpdateService`, member by member.

use std::collections::BTreeSet;

use portolan::apply::Performed;
use portolan::model::service::AdvancedConfiguration;
use portolan::model::{Awsvpc, LoadBalancerEntry, ObjectRef};
use portolan::plan::{Action, Ref, ServiceBelief};
use serde_json::json;

use super::script;
use super::writing::{TG, belief, output, perform, sent, service};

#[tokio::test]
async fn a_count_is_sent_alone() {
    let request =
        sent(Action::UpdateServiceCount { service: service(), desired_count: 3, from: 5, unscaled: true }, |_| None)
            .await;
    assert_eq!(request.json, json!({"cluster": "prod", "service": "checkout", "desiredCount": 3}));
}

#[tokio::test]
async fn a_redeployment_carries_whole_blocks_and_nothing_else() {
    let advanced = AdvancedConfiguration {
        alternate_target_group: Some("alternate".into()),
        production_listener_rule: Some("rule".to_owned()),
        test_listener_rule: None,
        role: Some("role".to_owned()),
    };
    let entry = LoadBalancerEntry { container: "app".to_owned(), container_port: 8080, ..Default::default() };
    let other = LoadBalancerEntry {
        target_group: Some("other".into()),
        container: "side".to_owned(),
        container_port: 9000,
        advanced: Some(advanced),
        ..Default::default()
    };
    let classic = LoadBalancerEntry { classic: Some("old".to_owned()), ..entry.clone() };
    let network = Awsvpc {
        subnets: BTreeSet::from(["subnet-b".into(), "subnet-a".into()]),
        security_groups: BTreeSet::from(["sg-1".into()]),
        assign_public_ip: Some("DISABLED".to_owned()),
    };
    let action = Action::UpdateService {
        members: Default::default(),
        service: service(),
        task_definition: Some(Ref::Known("app:8".into())),
        load_balancers: Some(vec![(Some(output()), entry), (None, other), (None, classic)]),
        network: Some(network),
        expect: belief(),
    };
    let request = sent(action, |_| None).await;
    assert_eq!(
        request.json,
        json!({
            "cluster": "prod",
            "service": "checkout",
            "taskDefinition": "app:8",
            "networkConfiguration": {"awsvpcConfiguration": {
                "subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"
            }},
            "loadBalancers": [
                {"targetGroupArn": TG, "containerName": "app", "containerPort": 8080},
                {"targetGroupArn": "other", "containerName": "side", "containerPort": 9000, "advancedConfiguration": {
                    "alternateTargetGroupArn": "alternate", "productionListenerRule": "rule", "roleArn": "role"
                }},
                {"loadBalancerName": "old", "containerName": "app", "containerPort": 8080}
            ]
        })
    );
}

#[tokio::test]
async fn an_empty_list_of_load_balancers_is_sent_and_a_missing_one_is_not() {
    let action = |load_balancers| Action::UpdateService {
        members: Default::default(),
        service: service(),
        task_definition: None,
        load_balancers,
        network: None,
        expect: belief(),
    };
    let request = sent(action(Some(Vec::new())), |_| None).await;
    assert_eq!(request.json["loadBalancers"], json!([]));
    let request = sent(action(None), |_| None).await;
    assert_eq!(request.json, json!({"cluster": "prod", "service": "checkout"}));
}

#[tokio::test]
async fn a_missing_output_is_an_error_and_nothing_is_sent() {
    let action = Action::UpdateService {
        members: Default::default(),
        service: service(),
        task_definition: Some(Ref::Output(ObjectRef::service("checkout"))),
        load_balancers: None,
        network: None,
        expect: belief(),
    };
    let (script, done) = perform(action, |_| None).await;
    assert_eq!(done.unwrap_err().code, "MissingOutput");
    assert_eq!(script.requests().len(), 0);
}

#[tokio::test]
async fn a_count_that_an_autoscaler_owns_by_now_is_left_alone() {
    for (unscaled, owned, goes) in [(true, true, false), (true, false, true), (false, true, true)] {
        let action = Action::UpdateServiceCount { service: service(), desired_count: 3, from: 5, unscaled };
        let (script, done) = perform(action, move |request| {
            let target = serde_json::json!({
                "ServiceNamespace": "ecs", "ResourceId": "service/prod/checkout", "MinCapacity": 1, "MaxCapacity": 9,
                "ScalableDimension": "ecs:service:DesiredCount", "RoleARN": "arn:r", "CreationTime": 0,
            });
            let targets = if owned { vec![target] } else { Vec::new() };
            let answer = serde_json::json!({"ScalableTargets": targets});
            (request.operation == "DescribeScalableTargets").then(|| script::json(answer))
        })
        .await;
        assert_eq!(matches!(done, Ok(Performed::Stale(_))), !goes, "{unscaled} {owned}: {done:?}");
        assert_eq!(script.sent("UpdateService").len(), usize::from(goes), "{unscaled} {owned}");
    }
}

#[tokio::test]
async fn a_count_that_is_already_as_wanted_is_not_sent_again() {
    let action = Action::UpdateServiceCount { service: service(), desired_count: 5, from: 2, unscaled: true };
    let (script, done) = perform(action, |_| None).await;
    assert_eq!(done, Ok(Performed::Done(None)));
    assert_eq!(script.sent("UpdateService").len(), 0);
}

#[tokio::test]
async fn a_service_that_changed_since_it_was_read_is_left_alone() {
    let update = |expect| Action::UpdateService {
        members: Default::default(),
        service: service(),
        task_definition: None,
        load_balancers: Some(Vec::new()),
        network: None,
        expect,
    };
    let other = ServiceBelief { task_definition: "app:6".into(), ..belief() };
    let lower = |from| Action::UpdateServiceCount { service: service(), desired_count: 2, from, unscaled: true };
    for (action, goes) in [(update(belief()), true), (update(other), false), (lower(5), true), (lower(9), false)] {
        let (script, done) = perform(action, |_| None).await;
        assert_eq!(matches!(done, Ok(Performed::Stale(_))), !goes, "{done:?}");
        assert_eq!(script.sent("UpdateService").len(), usize::from(goes));
    }
}

const DEPLOYMENT: &str = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/checkout/abc";

/// Stops a deployment that is listed with these states, one after the other.
async fn stopped(
    states: &'static [&'static str],
    answer: script::Answer,
) -> (script::Script, Result<Performed, String>) {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let answering = move |request: &script::Request| match request.operation.as_str() {
        "ListServiceDeployments" => {
            let at = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed).min(states.len() - 1);
            Some(script::json(json!({"serviceDeployments": [{"serviceDeploymentArn": DEPLOYMENT, "status": states[at],
                "targetServiceRevisionArn": "arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/checkout/7"}]})))
        }
        _ => Some(answer.clone()),
    };
    let action = Action::StopServiceDeployment {
        service: service(),
        deployment: DEPLOYMENT.to_owned(),
        id: "ecs-svc/7".to_owned(),
    };
    let (script, performed) = perform(action, answering).await;
    (script, performed.map_err(|error| error.code))
}

#[tokio::test]
async fn a_deployment_in_progress_is_stopped_with_a_rollback() {
    let (script, performed) =
        stopped(&["IN_PROGRESS"], script::json(json!({"serviceDeploymentArn": DEPLOYMENT}))).await;
    assert_eq!(performed, Ok(Performed::Done(None)));
    let sent = script.only("StopServiceDeployment").json;
    assert_eq!(sent, json!({"serviceDeploymentArn": DEPLOYMENT, "stopType": "ROLLBACK"}));
}

#[tokio::test]
async fn a_deployment_that_has_ended_is_not_stopped() {
    for state in ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL"] {
        let states: &'static [&'static str] = match state {
            "SUCCESSFUL" => &["SUCCESSFUL"],
            "STOPPED" => &["STOPPED"],
            _ => &["ROLLBACK_SUCCESSFUL"],
        };
        let (script, performed) = stopped(states, script::json(json!({}))).await;
        assert!(matches!(performed, Ok(Performed::Stale(_))), "{state}: {performed:?}");
        assert!(script.sent("StopServiceDeployment").is_empty(), "{state}");
    }
    let (script, performed) = stopped(&["ROLLBACK_IN_PROGRESS"], script::json(json!({}))).await;
    assert_eq!(performed, Ok(Performed::Done(None)), "somebody did the same");
    assert!(script.sent("StopServiceDeployment").is_empty());
    let conflict = script::json_error(400, "ConflictException", "it has ended");
    let (_, performed) = stopped(&["IN_PROGRESS"], conflict).await;
    assert!(matches!(performed, Ok(Performed::Stale(_))), "it ended meanwhile: {performed:?}");
}
