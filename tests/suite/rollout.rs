//! What runs is declared and changed while requests come in, on the sandbox in this process: the real reader, planner and writer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use jiff::SignedDuration;
use portolan::plan::{Command, Plan, Policy};
use portolan::sandbox::Sent;
use serde_json::{Value, json};

use crate::in_process::InProcess;

const WORLD: &str = include_str!("handover/world.yaml");

fn manifest(spec: &str) -> String {
    format!(
        "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {{name: shop}}
spec: {{region: eu-west-1, account: \"123456789012\", cluster: prod, vpc: main, mode: enforce, redeploy: allow}}
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {{name: web}}
spec:
  network: {{mode: awsvpc, subnets: [priv-a, priv-b], securityGroups: [web]}}
  ports: [{{name: http, container: web, containerPort: 8080, targetGroups: [web]}}]
{spec}
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {{name: web}}
spec: {{loadBalancer: edge, routes: [{{listener: 80, default: true}}]}}
"
    )
}

fn fleet(spec: &str) -> InProcess {
    InProcess::new(WORLD, manifest(spec), false)
}

/// The world with what each test declares, with a name.
pub fn places() -> Vec<(String, String, String)> {
    let of = |(name, spec): (&str, &str)| (name.to_owned(), WORLD.to_owned(), manifest(spec));
    let mut places: Vec<_> = [("rollout-image", IMAGE), ("rollout-in-place", IN_PLACE)].map(of).into();
    places.push(("rollout-overdue".to_owned(), overdue(), manifest(LIMITED)));
    places
}

/// The image that a test declares, with a limit for its deployment.
const LIMITED: &str = "  rollout: {timeout: 10m, onTimeout: stop}
  taskDefinition: {containerDefinitions: [{name: web, image: \"web:2\"}]}";

/// The declared image never starts, and its deployment has taken twenty minutes.
fn overdue() -> String {
    format!(
        "{WORLD}then:
  - app: {{\"web:2\": {{cannotStart: true}}}}
  - call: ecs:RegisterTaskDefinition
    with:
      family: web
      networkMode: awsvpc
      requiresCompatibilities: [FARGATE]
      cpu: \"256\"
      memory: \"512\"
      containerDefinitions: [{{name: web, image: \"web:2\", portMappings: [{{containerPort: 8080}}]}}]
  - call: ecs:UpdateService
    with: {{cluster: prod, service: web, taskDefinition: web}}
  - advance: 1200
"
    )
}

fn operations(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| step.action.operation()).collect()
}

fn service(fleet: &InProcess) -> Value {
    fleet.call("ecs:DescribeServices", &json!({"cluster": "prod", "services": ["web"]}))["services"][0].clone()
}

fn running(fleet: &InProcess) -> Value {
    let name = service(fleet)["taskDefinition"].clone();
    fleet.call("ecs:DescribeTaskDefinition", &json!({"taskDefinition": name, "include": ["TAGS"]}))
}

fn revisions(fleet: &InProcess) -> usize {
    fleet.call("ecs:ListTaskDefinitions", &json!({"familyPrefix": "web"}))["taskDefinitionArns"]
        .as_array()
        .unwrap()
        .len()
}

/// Minutes in which a request comes in every five seconds, all of which are answered.
fn serve(fleet: &InProcess, minutes: i64) {
    let mut world = fleet.shared.world();
    for second in 0..minutes * 12 {
        world.advance(SignedDuration::from_secs(5));
        assert_eq!(world.request(&Sent::get("", "/")).code, Some(200), "after {} s", second * 5);
    }
}

const IMAGE: &str = "  taskDefinition: {containerDefinitions: [{name: web, image: \"web:2\"}]}";

#[tokio::test]
async fn a_new_image_is_registered_and_deployed_without_a_lost_request() {
    let fleet = fleet(IMAGE);
    let before = running(&fleet)["taskDefinition"].clone();
    assert_eq!(operations(&fleet.pass(9).await), ["RegisterTaskDefinition", "UpdateService"]);
    serve(&fleet, 10);
    let after = running(&fleet);
    assert_eq!(after["taskDefinition"]["containerDefinitions"][0]["image"], "web:2");
    assert_eq!(after["taskDefinition"]["memory"], before["memory"], "what the manifest leaves out stays");
    assert_eq!(after["tags"][0]["key"], "portolan.dev/fingerprint");
    assert!(fleet.pass(0).await.steps.is_empty(), "the next pass is silent");
    assert_eq!(revisions(&fleet), 2);
}

#[tokio::test]
async fn a_run_that_is_cut_off_after_the_registration_makes_no_second_revision() {
    let fleet = fleet(IMAGE);
    assert_eq!(operations(&fleet.pass(1).await), ["RegisterTaskDefinition"]);
    assert_eq!(revisions(&fleet), 2);
    assert_eq!(operations(&fleet.pass(9).await), ["RegisterTaskDefinition", "UpdateService"]);
    assert_eq!(revisions(&fleet), 2, "the one of the first run is used");
    serve(&fleet, 10);
    assert_eq!(running(&fleet)["taskDefinition"]["containerDefinitions"][0]["image"], "web:2");
}

#[tokio::test]
async fn what_a_pipeline_deployed_is_in_sync_as_long_as_the_declared_members_are() {
    let fleet = fleet("  taskDefinition: {containerDefinitions: [{name: web, stopTimeout: 60}]}");
    assert_eq!(fleet.pass(9).await.steps.len(), 2);
    serve(&fleet, 10);
    let mut copy = running(&fleet)["taskDefinition"].clone();
    copy["containerDefinitions"][0]["image"] = json!("web:9");
    let members = ["family", "networkMode", "containerDefinitions", "requiresCompatibilities", "cpu", "memory"];
    let input: serde_json::Map<String, Value> = members
        .iter()
        .filter(|name| !copy[**name].is_null())
        .map(|name| ((*name).to_owned(), copy[*name].clone()))
        .collect();
    let registered = fleet.call("ecs:RegisterTaskDefinition", &Value::Object(input));
    let arn = registered["taskDefinition"]["taskDefinitionArn"].clone();
    fleet.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "web", "taskDefinition": arn}));
    serve(&fleet, 10);
    assert!(fleet.pass(0).await.steps.is_empty());
    assert_eq!(running(&fleet)["taskDefinition"]["containerDefinitions"][0]["image"], "web:9");
}

#[tokio::test]
async fn a_revision_that_the_manifest_names_is_deployed_and_none_is_registered() {
    let fleet = fleet("  taskDefinition: {family: web, revision: 2}");
    let other = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions":
        [{"name": "web", "image": "web:2", "memory": 128, "portMappings": [{"containerPort": 8080}]}]});
    fleet.call("ecs:RegisterTaskDefinition", &other);
    assert_eq!(operations(&fleet.pass(9).await), ["UpdateService"]);
    serve(&fleet, 10);
    assert!(service(&fleet)["taskDefinition"].as_str().unwrap().ends_with(":2"));
    assert!(fleet.pass(0).await.steps.is_empty());
}

const IN_PLACE: &str =
    "  deploymentConfiguration: {minimumHealthyPercent: 50, deploymentCircuitBreaker: {enable: true, rollback: true}}
  healthCheckGracePeriodSeconds: 90
  enableExecuteCommand: true
  propagateTags: SERVICE
  tags: [{key: team, value: shop}]";

#[tokio::test]
async fn members_change_in_place_and_start_no_deployment() {
    let fleet = fleet(IN_PLACE);
    let before = service(&fleet)["deployments"][0]["id"].clone();
    let sent = json!({"cluster": "prod", "service": "web",
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": false}}});
    fleet.call("ecs:UpdateService", &sent);
    assert_eq!(operations(&fleet.pass(9).await), ["TagResource", "UpdateService"]);
    let after = service(&fleet);
    assert_eq!(after["deployments"][0]["id"], before);
    let block = &after["deploymentConfiguration"];
    assert_eq!((&block["minimumHealthyPercent"], &block["maximumPercent"]), (&json!(50), &json!(200)));
    let breaker = &block["deploymentCircuitBreaker"];
    assert_eq!((&breaker["rollback"], &breaker["resetOnHealthyTask"]), (&json!(true), &json!(false)));
    assert_eq!((&after["healthCheckGracePeriodSeconds"], &after["enableExecuteCommand"]), (&json!(90), &json!(true)));
    assert!(fleet.pass(0).await.steps.is_empty(), "the next pass is silent");
}

#[tokio::test]
async fn a_deployment_that_takes_too_long_is_stopped_rolled_back_and_not_made_again() {
    let world = format!("{WORLD}apps: {{\"web:2\": {{cannotStart: true}}}}\n");
    let fleet = InProcess::new(&world, manifest(LIMITED), false);
    assert_eq!(operations(&fleet.pass(9).await), ["RegisterTaskDefinition", "UpdateService"]);
    serve(&fleet, 9);
    assert!(fleet.pass(0).await.steps.is_empty(), "it is not over");
    serve(&fleet, 2);
    assert_eq!(operations(&fleet.pass(9).await), ["StopServiceDeployment"]);
    serve(&fleet, 10);
    assert!(service(&fleet)["taskDefinition"].as_str().unwrap().ends_with("web:1"));
    let plan = fleet.pass(9).await;
    assert!(plan.steps.is_empty(), "{:?}", operations(&plan));
    let why: Vec<String> = plan.blocked.iter().map(|entry| entry.waiting_on.because()).collect();
    assert_eq!(
        why,
        ["ECS rolled back the last deployment of this configuration (ROLLBACK_SUCCESSFUL: Rollback requested by user)"]
    );
}

/// One pass of a command.
async fn ask(fleet: &InProcess, command: Command) -> Plan {
    let policy = Policy { command: Some(command), ..Policy::default() };
    fleet.pass_under(&policy, 9).await
}

fn rollback() -> Command {
    Command::Rollback("web".to_owned())
}

/// A fleet whose declared image runs.
async fn deployed() -> InProcess {
    let fleet = InProcess::new(WORLD, manifest(IMAGE), false);
    assert_eq!(fleet.pass(9).await.steps.len(), 2);
    serve(&fleet, 10);
    assert_eq!(running(&fleet)["taskDefinition"]["revision"], 2);
    fleet
}

#[tokio::test]
async fn a_rollback_deploys_what_ran_before_and_what_it_came_from_waits_for_the_manifest() {
    let mut fleet = deployed().await;
    assert_eq!(operations(&ask(&fleet, rollback()).await), ["TagResource", "UpdateService"]);
    serve(&fleet, 10);
    assert_eq!(running(&fleet)["taskDefinition"]["revision"], 1);
    let plan = fleet.pass(9).await;
    assert!(plan.steps.is_empty(), "{:?}", operations(&plan));
    assert_eq!(plan.blocked[0].waiting_on.because(), "this configuration was rolled back with `portolan rollback`");
    // A second one does not go forward to it again.
    let again = ask(&fleet, rollback()).await;
    assert!(again.steps.is_empty() && again.blocked.len() == 1, "{again:?}");
    fleet.declare(manifest(&IMAGE.replace("web:2", "web:3")));
    assert_eq!(
        operations(&fleet.pass(9).await),
        ["RegisterTaskDefinition", "UpdateService"],
        "the manifest has changed"
    );
    serve(&fleet, 10);
    assert_eq!(running(&fleet)["taskDefinition"]["containerDefinitions"][0]["image"], "web:3");
}

#[tokio::test]
async fn a_rollback_stops_a_deployment_that_is_in_progress() {
    let fleet = InProcess::new(WORLD, manifest(IMAGE), false);
    assert_eq!(fleet.pass(9).await.steps.len(), 2);
    fleet.shared.world().advance(SignedDuration::from_secs(15));
    assert_eq!(operations(&ask(&fleet, rollback()).await), ["TagResource", "StopServiceDeployment"]);
    let again = ask(&fleet, rollback()).await;
    assert!(again.steps.is_empty(), "{:?}", operations(&again));
    serve(&fleet, 10);
    assert_eq!(running(&fleet)["taskDefinition"]["revision"], 1);
    let plan = fleet.pass(9).await;
    assert!(plan.steps.is_empty() && plan.blocked.len() == 1, "{:?}", operations(&plan));
}

#[tokio::test]
async fn a_restart_replaces_the_tasks_and_nothing_else() {
    let fleet = InProcess::new(WORLD, manifest(""), false);
    let before = service(&fleet)["deployments"][0]["id"].clone();
    let restart = || Command::Restart("web".to_owned());
    assert_eq!(operations(&ask(&fleet, restart()).await), ["UpdateService"]);
    let again = ask(&fleet, restart()).await;
    assert!(again.steps.is_empty(), "one is in progress");
    serve(&fleet, 10);
    let after = service(&fleet);
    assert_ne!(after["deployments"][0]["id"], before);
    assert!(after["taskDefinition"].as_str().unwrap().ends_with("web:1"));
    assert!(fleet.pass(0).await.steps.is_empty());
}

#[tokio::test]
async fn modes_and_owners_hold_for_commands() {
    for (from, to, steps) in [
        ("mode: enforce", "mode: observe", 0),
        ("redeploy: allow", "redeploy: deny", 1),
        ("network: {", "suspend: {until: \"2027-01-01T00:00:00Z\", reason: test}\n  network: {", 0),
    ] {
        let fleet = InProcess::new(WORLD, manifest("").replace(from, to), false);
        let plan = ask(&fleet, Command::Restart("web".to_owned())).await;
        assert_eq!((plan.steps.len(), plan.blocked.len()), (steps, 1 - steps), "{to}: {plan:?}");
    }
    for controller in ["CODE_DEPLOY", "EXTERNAL"] {
        let world = WORLD.replace("desiredCount: 2", &format!("desiredCount: 2\n    controller: {controller}"));
        let fleet = InProcess::new(&world, manifest(""), false);
        for command in [Command::Restart("web".to_owned()), rollback()] {
            let plan = ask(&fleet, command).await;
            assert_eq!((plan.steps.len(), plan.deferred.len()), (0, 1), "{controller}: {plan:?}");
        }
    }
}
