//! Task definitions: what is registered.

use portolan::apply::{Outputs, Perform, Performed};
use portolan::aws::Writer;
use portolan::model::{Tags, TaskDefinition, TaskDefinitionArn};
use portolan::plan::{Action, Output};
use portolan::shape::Tree;
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

/// What a plan registers: the definition without what only answers have, changed by `edit`.
fn content(edit: impl FnOnce(&mut Value)) -> Tree {
    let mut definition = described()["taskDefinition"].clone();
    edit(&mut definition);
    let definition =
        TaskDefinition::new(SOURCE.into(), true, Tags::new(), Tree::new(definition.as_object().unwrap().clone()));
    (*definition.content).clone()
}

fn action(content: Tree) -> Action {
    let tags = [("portolan.dev/fingerprint", "v2:abc"), ("team", "payments")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Action::RegisterTaskDefinition {
        service: service(),
        source: Some(TaskDefinitionArn::from(SOURCE)),
        content,
        tags: Tags::from(tags),
        expect: Some(belief()),
    }
}

#[tokio::test]
async fn a_revision_is_registered_as_it_is_with_its_tags() {
    let script = script(described());
    let writer = Writer::new(&script.clients());
    let wanted = content(|definition| definition["containerDefinitions"][0]["image"] = json!("example/app:2"));
    let done = writer.perform(&action(wanted.clone()), &Outputs::new()).await;
    assert_eq!(done, Ok(Performed::Done(Some(Output::TaskDefinition(TaskDefinitionArn::from(COPY))))));
    let mut sent = script.only("RegisterTaskDefinition").json;
    let tags = json!([{"key": "portolan.dev/fingerprint", "value": "v2:abc"}, {"key": "team", "value": "payments"}]);
    assert_eq!(sent.as_object_mut().unwrap().remove("tags"), Some(tags));
    assert_eq!(sent, Value::Object(wanted.members().clone()));
    assert_eq!(sent.get("revision"), None);
}

#[tokio::test]
async fn members_that_the_sdk_does_not_know_are_sent() {
    let script = script(described());
    let wanted = content(|definition| {
        definition["containerDefinitions"][0]["newThing"] = json!({"on": true});
        definition["newRole"] = json!("arn");
    });
    Writer::new(&script.clients()).perform(&action(wanted), &Outputs::new()).await.unwrap();
    let sent = script.only("RegisterTaskDefinition").json;
    assert_eq!(sent["containerDefinitions"][0]["newThing"], json!({"on": true}));
    assert_eq!(sent["newRole"], json!("arn"));
}

#[tokio::test]
async fn a_revision_that_an_earlier_pass_left_behind_is_used() {
    let script = Script::new(|request: &Request| {
        if let Some(answer) = standing_service(request) {
            return answer;
        }
        let mut answer = described();
        // Asked for by family, AWS answers the newest revision, which has the content.
        if request.json["taskDefinition"] != SOURCE {
            answer["taskDefinition"]["taskDefinitionArn"] = json!(COPY);
            answer["taskDefinition"]["revision"] = json!(8);
            answer["taskDefinition"]["containerDefinitions"][0]["image"] = json!("example/app:2");
        }
        script::json(answer)
    });
    let wanted = content(|definition| definition["containerDefinitions"][0]["image"] = json!("example/app:2"));
    let done = Writer::new(&script.clients()).perform(&action(wanted), &Outputs::new()).await;
    assert_eq!(done, Ok(Performed::Done(Some(Output::TaskDefinition(TaskDefinitionArn::from(COPY))))));
    assert_eq!(script.sent("RegisterTaskDefinition").len(), 0);
}
