//! Service deployments as ECS lists and describes them (aws-facts 2.5).

use portolan::sandbox::World;
use serde_json::{Value, json};

use super::fleet::{advance, call, service, text, world};

/// A service of two tasks that is steady, with more in its world file.
fn cart(more: &str, then: &str) -> World {
    let text = text(&["cart"]).replace("desiredCount: 2", &format!("desiredCount: 2{more}"));
    let mut world = world(&format!("{text}settle: 900\n{then}"));
    advance(&mut world, 1);
    world
}

/// Deploys an image that never starts.
const BROKEN: &str = "then:
  - app: {example/broken: {cannotStart: true}}
  - call: ecs:RegisterTaskDefinition
    with: {family: cart, networkMode: awsvpc, requiresCompatibilities: [FARGATE], cpu: \"256\", memory: \"512\",
      containerDefinitions: [{name: app, image: example/broken, portMappings: [{containerPort: 8080}]}]}
";

fn deploy(world: &mut World) {
    call(world, "ecs:UpdateService", &json!({"cluster": "prod", "service": "cart", "taskDefinition": "cart"}));
}

fn redeploy(world: &mut World) {
    let input = json!({"cluster": "prod", "service": "cart", "forceNewDeployment": true});
    call(world, "ecs:UpdateService", &input);
}

/// Every deployment, the newest first.
fn listed(world: &mut World) -> Vec<Value> {
    let listed = call(world, "ecs:ListServiceDeployments", &json!({"cluster": "prod", "service": "cart"}));
    listed["serviceDeployments"].as_array().cloned().unwrap_or_default()
}

fn statuses(world: &mut World) -> Vec<String> {
    listed(world).iter().filter_map(|one| one["status"].as_str().map(str::to_owned)).collect()
}

/// The newest one, described.
fn newest(world: &mut World) -> Value {
    let arn = listed(world)[0]["serviceDeploymentArn"].clone();
    call(world, "ecs:DescribeServiceDeployments", &json!({"serviceDeploymentArns": [arn]}))["serviceDeployments"][0]
        .clone()
}

fn stop(world: &mut World) -> Result<Value, String> {
    let arn = listed(world)[0]["serviceDeploymentArn"].clone();
    let input = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    world.call("ecs:StopServiceDeployment", &input).map_err(|refusal| refusal.code)
}

#[test]
fn a_deployment_is_pending_in_progress_and_successful_and_counts_tasks_by_revision() {
    let mut world = cart("", "");
    redeploy(&mut world);
    assert_eq!(statuses(&mut world), ["PENDING", "SUCCESSFUL"]);
    advance(&mut world, 5);
    let one = newest(&mut world);
    assert_eq!(one["status"], "IN_PROGRESS");
    let counts = |of: &Value| {
        ["requestedTaskCount", "runningTaskCount", "pendingTaskCount"].map(|name| of[name].as_i64().unwrap_or(-1))
    };
    assert_eq!(counts(&one["targetServiceRevision"]), [2, 0, 2]);
    assert_eq!(counts(&one["sourceServiceRevisions"][0]), [0, 2, 0]);
    // facts-2 2.6: the number of the deployment is the end of its revision's ARN.
    let id = service(&mut world, "cart")["deployments"][0]["id"].as_str().unwrap_or_default().replace("ecs-svc", "");
    assert!(one["targetServiceRevision"]["arn"].as_str().is_some_and(|arn| arn.ends_with(&id)), "{one} {id}");
    advance(&mut world, 900);
    let one = newest(&mut world);
    assert_eq!((&one["status"], counts(&one["targetServiceRevision"])), (&json!("SUCCESSFUL"), [2, 2, 0]));
    assert!(one["finishedAt"].as_f64() > one["createdAt"].as_f64());
}

#[test]
fn a_deployment_that_is_stopped_is_rolled_back_and_cannot_be_stopped_twice() {
    let mut world = cart("", BROKEN);
    deploy(&mut world);
    advance(&mut world, 60);
    stop(&mut world).expect("it is in progress");
    assert_eq!(statuses(&mut world)[0], "ROLLBACK_REQUESTED");
    assert_eq!(stop(&mut world), Err("ConflictException".to_owned()));
    advance(&mut world, 2);
    assert_eq!(newest(&mut world)["status"], "ROLLBACK_IN_PROGRESS");
    assert_eq!(service(&mut world, "cart")["deployments"][0]["rolloutState"], "IN_PROGRESS", "the way back");
    advance(&mut world, 900);
    let one = newest(&mut world);
    assert_eq!(
        (&one["status"], &one["statusReason"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!("Rollback requested by user."))
    );
    assert!(one["rollback"]["serviceRevisionArn"].is_string(), "{one}");
    assert!(service(&mut world, "cart")["taskDefinition"].as_str().is_some_and(|arn| arn.ends_with("cart:1")));
    assert_eq!(stop(&mut world), Err("ConflictException".to_owned()), "it has ended");
    let unknown = json!({"serviceDeploymentArn": "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/cart/x"});
    let refused = world.call("ecs:StopServiceDeployment", &unknown).expect_err("there is none");
    assert_eq!(refused.code, "ServiceDeploymentNotFoundException");
}

#[test]
fn where_no_deployment_completed_before_a_rollback_fails() {
    let mut world = cart("", BROKEN);
    let network = service(&mut world, "cart")["networkConfiguration"].clone();
    let input = json!({"cluster": "prod", "serviceName": "new", "taskDefinition": "cart", "desiredCount": 1,
        "launchType": "FARGATE", "networkConfiguration": network});
    call(&mut world, "ecs:CreateService", &input);
    advance(&mut world, 60);
    let listed = call(&mut world, "ecs:ListServiceDeployments", &json!({"cluster": "prod", "service": "new"}));
    let arn = listed["serviceDeployments"][0]["serviceDeploymentArn"].clone();
    call(&mut world, "ecs:StopServiceDeployment", &json!({"serviceDeploymentArn": arn}));
    advance(&mut world, 60);
    let listed = call(&mut world, "ecs:ListServiceDeployments", &json!({"cluster": "prod", "service": "new"}));
    assert_eq!(listed["serviceDeployments"][0]["status"], "ROLLBACK_FAILED");
    assert_eq!(service(&mut world, "new")["deployments"][0]["rolloutState"], "FAILED");
}

#[test]
fn a_newer_deployment_supersedes_one_which_then_ends_after_it_was_created() {
    let mut world = cart("", "");
    redeploy(&mut world);
    advance(&mut world, 5);
    redeploy(&mut world);
    advance(&mut world, 5);
    assert_eq!(statuses(&mut world), ["IN_PROGRESS", "STOP_REQUESTED", "SUCCESSFUL"]);
    advance(&mut world, 1800);
    assert_eq!(statuses(&mut world), ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]);
    let listed = listed(&mut world);
    assert!(listed[1]["finishedAt"].as_f64() > listed[0]["createdAt"].as_f64());
}

#[test]
fn without_a_rollback_the_circuit_breaker_leaves_a_failed_deployment() {
    let mut world = cart(", circuitBreaker: true", BROKEN);
    let off = json!({"cluster": "prod", "service": "cart",
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": false}}});
    call(&mut world, "ecs:UpdateService", &off);
    deploy(&mut world);
    advance(&mut world, 3600);
    let one = newest(&mut world);
    assert_eq!(one["status"], "STOPPED");
    assert_eq!(one["deploymentCircuitBreaker"], json!({"status": "TRIGGERED", "failureCount": 4, "threshold": 3}));
    let service = service(&mut world, "cart");
    assert_eq!(service["deployments"][0]["rolloutState"], "FAILED");
    assert_eq!(service["deployments"][1]["runningCount"], 2, "the old tasks stay");
}

#[test]
fn the_threshold_of_the_circuit_breaker_is_a_number_or_a_share() {
    for (kind, value, threshold) in [("COUNT", 5, 5), ("BOUNDED_PERCENT", 50, 3), ("UNBOUNDED_PERCENT", 50, 1)] {
        let mut world = cart(", circuitBreaker: true", BROKEN);
        let block = json!({"enable": true, "rollback": true, "thresholdConfiguration": {"type": kind, "value": value}});
        let input = json!({"cluster": "prod", "service": "cart",
            "deploymentConfiguration": {"deploymentCircuitBreaker": block}});
        call(&mut world, "ecs:UpdateService", &input);
        deploy(&mut world);
        advance(&mut world, 1);
        assert_eq!(newest(&mut world)["deploymentCircuitBreaker"]["threshold"], threshold, "{kind}");
        advance(&mut world, 7200);
        assert_eq!(statuses(&mut world)[0], "ROLLBACK_SUCCESSFUL", "{kind}");
    }
}
