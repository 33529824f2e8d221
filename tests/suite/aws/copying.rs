//! Task definitions: what a copy keeps, and what it would lose.

use portolan::apply::{Outputs, Perform, Performed};
use portolan::aws::Writer;
use portolan::model::{Tags, TaskDefinitionArn, Transport};
use portolan::plan::{Action, Output, PortFix};
use serde_json::{Value, json};

use super::script::{self, Request, Script};
use super::writing::{belief, service, standing_service};

const SOURCE: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout:7";
const COPY: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout:8";

fn container() -> Value {
    json!({
        "name": "app",
        "image": "example/app:1",
        "cpu": 0,
        "essential": true,
        "memoryReservation": 128,
        "environment": [{"name": "PASSWORD", "value": "hunter2"}],
        "secrets": [{"name": "KEY", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/key"}],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
        "versionConsistency": "enabled",
        "portMappings": [
            {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp", "name": "http", "appProtocol": "http2"},
            {"containerPortRange": "9000-9010", "protocol": "tcp"}
        ],
        "healthCheck": {"command": ["CMD", "true"], "interval": 30, "retries": 3, "timeout": 5},
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "checkout"}},
        "linuxParameters": {"initProcessEnabled": true}
    })
}

/// An answer with most of what a definition can hold.
fn described() -> Value {
    json!({
        "taskDefinition": {
            "taskDefinitionArn": SOURCE,
            "family": "checkout",
            "revision": 7,
            "status": "ACTIVE",
            "registeredAt": 1_700_000_000.5,
            "registeredBy": "arn:aws:iam::123456789012:user/someone",
            "compatibilities": ["EC2", "FARGATE"],
            "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.task-eni"}],
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "taskRoleArn": "arn:aws:iam::123456789012:role/task",
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "ephemeralStorage": {"sizeInGiB": 30},
            "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            "enableFaultInjection": false,
            "placementConstraints": [],
            "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/"}}],
            "containerDefinitions": [container()]
        },
        "tags": [{"key": "team", "value": "payments"}, {"key": "aws:cloudformation:stack-name", "value": "x"}]
    })
}

fn script(described: Value) -> Script {
    Script::new(move |request: &Request| match request.operation.as_str() {
        "DescribeTaskDefinition" => script::json(described.clone()),
        "RegisterTaskDefinition" => script::json(json!({"taskDefinition": {"taskDefinitionArn": COPY}})),
        _ => standing_service(request).unwrap_or_else(|| script::empty(request)),
    })
}

fn action(ports: Vec<PortFix>) -> Action {
    let tags = Tags::from([("portolan.dev/fingerprint".to_owned(), "v1:abc".to_owned())]);
    Action::RegisterTaskDefinition {
        service: service(),
        source: TaskDefinitionArn::from(SOURCE),
        ports,
        tags,
        expect: belief(),
    }
}

fn fix(container_port: u16, host_port: Option<u16>) -> PortFix {
    PortFix { container: "app".to_owned(), container_port, host_port, protocol: Transport::Tcp }
}

#[tokio::test]
async fn a_copy_differs_in_the_corrected_ports_and_tags_alone() {
    let script = script(described());
    let writer = Writer::new(&script.clients());
    let done = writer.perform(&action(vec![fix(8080, None), fix(8081, None)]), &Outputs::new()).await;
    assert_eq!(done, Ok(Performed::Done(Some(Output::TaskDefinition(TaskDefinitionArn::from(COPY))))));

    assert_eq!(script.sent("DescribeTaskDefinition")[0].json["include"], json!(["TAGS"]));
    let sent = script.only("RegisterTaskDefinition").json;
    let source = described();
    let source = &source["taskDefinition"];
    for member in [
        "family",
        "requiresCompatibilities",
        "networkMode",
        "cpu",
        "memory",
        "taskRoleArn",
        "executionRoleArn",
        "ephemeralStorage",
        "runtimePlatform",
        "volumes",
    ] {
        assert_eq!(sent[member], source[member], "{member}");
    }
    for member in ["image", "environment", "secrets", "healthCheck", "logConfiguration", "linuxParameters", "essential"]
    {
        assert_eq!(sent["containerDefinitions"][0][member], source["containerDefinitions"][0][member], "{member}");
    }
    assert_eq!(
        sent["containerDefinitions"][0]["portMappings"],
        json!([
            {"containerPort": 8080, "protocol": "tcp", "name": "http", "appProtocol": "http2"},
            {"containerPortRange": "9000-9010", "protocol": "tcp"},
            {"containerPort": 8081, "protocol": "tcp"}
        ])
    );
    assert_eq!(
        sent["tags"],
        json!([{"key": "portolan.dev/fingerprint", "value": "v1:abc"}, {"key": "team", "value": "payments"}]),
        "tags of AWS's own cannot be written"
    );
    assert_eq!(sent.get("revision"), None);
}

#[tokio::test]
async fn a_dynamic_host_port_is_sent_as_zero() {
    let script = script(described());
    Writer::new(&script.clients()).perform(&action(vec![fix(8080, Some(0))]), &Outputs::new()).await.unwrap();
    let sent = script.only("RegisterTaskDefinition").json;
    assert_eq!(sent["containerDefinitions"][0]["portMappings"][0]["hostPort"], json!(0));
}

#[tokio::test]
async fn a_definition_with_a_member_that_the_sdk_does_not_know_is_not_copied() {
    let mut answer = described();
    answer["taskDefinition"]["containerDefinitions"][0]["newThing"] = json!({"on": true});
    answer["taskDefinition"]["containerDefinitions"][0]["linuxParameters"]["newSwitch"] = json!(7);
    answer["taskDefinition"]["emptyNewThing"] = json!([]);
    answer["taskDefinition"]["newRole"] = json!("arn");
    let script = script(answer);
    let done = Writer::new(&script.clients()).perform(&action(Vec::new()), &Outputs::new()).await;
    let Ok(Performed::Stale(why)) = done else { panic!("{done:?}") };
    for path in ["containerDefinitions[0].newThing", "containerDefinitions[0].linuxParameters.newSwitch", "newRole"] {
        assert!(why.contains(path), "{path} in {why}");
    }
    assert!(!why.contains("emptyNewThing"), "{why}");
    assert_eq!(script.sent("RegisterTaskDefinition").len(), 0);
}

#[tokio::test]
async fn a_missing_container_is_an_error_and_nothing_is_sent() {
    let script = script(described());
    let fix = PortFix { container: "nobody".to_owned(), ..fix(80, None) };
    let error = Writer::new(&script.clients()).perform(&action(vec![fix]), &Outputs::new()).await.unwrap_err();
    assert_eq!(error.code, "MissingContainer");
    assert_eq!(script.sent("RegisterTaskDefinition").len(), 0);
}

#[tokio::test]
async fn a_copy_that_an_earlier_pass_left_behind_is_used() {
    let script = Script::new(|request: &Request| {
        if let Some(answer) = standing_service(request) {
            return answer;
        }
        let mut answer = described();
        // Asked for by family, AWS answers the newest revision, which is the copy.
        if request.json["taskDefinition"] != SOURCE {
            answer["taskDefinition"]["taskDefinitionArn"] = json!(COPY);
            answer["taskDefinition"]["revision"] = json!(8);
            let ports = answer["taskDefinition"]["containerDefinitions"][0]["portMappings"].as_array_mut();
            ports.unwrap().push(json!({"containerPort": 8081, "hostPort": 8081, "protocol": "tcp"}));
            answer["tags"] = json!([{"key": "portolan.dev/fingerprint", "value": "v1:abc"}]);
        }
        script::json(answer)
    });
    let done = Writer::new(&script.clients()).perform(&action(vec![fix(8081, None)]), &Outputs::new()).await;
    assert_eq!(done, Ok(Performed::Done(Some(Output::TaskDefinition(TaskDefinitionArn::from(COPY))))));
    assert_eq!(script.sent("RegisterTaskDefinition").len(), 0);
}
