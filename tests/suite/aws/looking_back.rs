//! How the last deployments ended, of a service whose wiring differs from the manifest's.

use portolan::aws::Reader;
use portolan::model::{Observed, PastDeployment, Seen, ServiceId};
use serde_json::{Value, json};

use super::script::{self, Answer, Request, Script};
use crate::moto::seed::desired;

const TG: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/checkout/3";
const CART: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/cart/4";
const LB: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/public/1";
const REVISION: &str = "arn:aws:ecs:eu-west-1:123456789012:service-revision/prod/checkout/";
const DEFINITION: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout:";

const MANIFEST: &str = "
apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: harbour}
spec: {cluster: prod, vpc: main, mode: enforce, redeploy: allow}
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: checkout}
spec:
  ports:
    - {name: http, container: app, containerPort: 8080, targetGroups: [checkout]}
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {name: checkout}
spec: {loadBalancer: public, protocol: HTTP, targetType: ip}
";

/// Services without load balancers, and the target groups that the manifest wires to them.
fn world(request: &Request) -> Answer {
    let operation = request.operation.as_str();
    match operation {
        "DescribeServices" => {
            let names = request.json["services"].as_array().unwrap().iter();
            let names = names.map(|name| name.as_str().unwrap().rsplit('/').next().unwrap());
            script::json(json!({"services": names.map(service).collect::<Vec<Value>>()}))
        }
        "DescribeTaskDefinition" => {
            let arn = request.json["taskDefinition"].as_str().unwrap();
            let family = if arn.ends_with(":2") { "two" } else { "checkout" };
            script::json(json!({"taskDefinition": {
                "taskDefinitionArn": arn, "family": family, "status": "ACTIVE", "networkMode": "awsvpc",
                "containerDefinitions": [{"name": "app", "image": "x", "portMappings": [{"containerPort": 8080}]}]
            }}))
        }
        "DescribeVpcs" => script::response(
            operation,
            "<vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock>\
             <tagSet><item><key>Name</key><value>main</value></item></tagSet></item></vpcSet>",
        ),
        "DescribeLoadBalancers" => script::result(
            operation,
            &format!(
                "<LoadBalancers><member><LoadBalancerArn>{LB}</LoadBalancerArn><VpcId>vpc-1</VpcId>\
                 <LoadBalancerName>public</LoadBalancerName><Type>application</Type></member></LoadBalancers>"
            ),
        ),
        "DescribeTargetGroups" => script::result(
            operation,
            &format!("<TargetGroups>{}{}</TargetGroups>", target_group(TG, "checkout"), target_group(CART, "cart")),
        ),
        _ => script::empty(request),
    }
}

fn service(name: &str) -> Value {
    json!({
        "serviceName": name, "serviceArn": format!("arn:aws:ecs:eu-west-1:123456789012:service/prod/{name}"),
        "status": "ACTIVE", "desiredCount": 1, "runningCount": 1, "taskDefinition": format!("{DEFINITION}1"),
        "deployments": [
            {"status": "PRIMARY", "rolloutState": "COMPLETED", "taskDefinition": format!("{DEFINITION}1")},
            {"status": "INACTIVE", "rolloutState": "FAILED", "taskDefinition": format!("{DEFINITION}2")}
        ]
    })
}

/// A target group, as XML.
fn target_group(arn: &str, name: &str) -> String {
    format!(
        "<member><TargetGroupArn>{arn}</TargetGroupArn><TargetGroupName>{name}</TargetGroupName>\
         <Protocol>HTTP</Protocol><Port>8080</Port><VpcId>vpc-1</VpcId><TargetType>ip</TargetType>\
         <LoadBalancerArns><member>{LB}</member></LoadBalancerArns></member>"
    )
}

async fn look_back(listed: Answer) -> (Script, Seen<Vec<PastDeployment>>, Observed) {
    let script = Script::new(move |request| match request.operation.as_str() {
        "ListServiceDeployments" => listed.clone(),
        "DescribeServiceRevisions" => script::json(json!({"serviceRevisions": [revision("2"), revision("1")]})),
        _ => world(request),
    });
    let observed = portolan::pass::observe(&desired(MANIFEST), &Reader::new(&script.clients())).await;
    let id = ServiceId { cluster: "prod".to_owned(), name: "checkout".to_owned() };
    let seen = observed.past_deployments.get(&id).cloned().expect("the service was looked back at");
    (script, seen, observed)
}

fn revision(number: &str) -> Value {
    json!({
        "serviceRevisionArn": format!("{REVISION}{number}"),
        "taskDefinition": format!("{DEFINITION}{number}"),
        "loadBalancers": [{"targetGroupArn": TG, "containerName": "app", "containerPort": 8080}],
    })
}

fn deployment(status: &str, revision: &str, created: u64) -> Value {
    let arn = format!("{REVISION}{revision}");
    json!({"status": status, "targetServiceRevisionArn": arn, "createdAt": created, "finishedAt": created + 50})
}

/// What a deployment ran, by the family in the content of its revision.
fn family_of(past: &PastDeployment) -> &str {
    past.content.as_ref().and_then(|content| content.get("family")?.as_str()).unwrap_or_default()
}

#[tokio::test]
async fn ended_deployments_are_read_newest_first_with_their_contents() {
    let listed = script::json(json!({"serviceDeployments": [
        deployment("SUCCESSFUL", "1", 1_700_000_000),
        deployment("ROLLBACK_SUCCESSFUL", "2", 1_700_000_200),
        deployment("STOPPED", "1", 1_700_000_100),
        // A newer one took its place before it ended: no failure.
        deployment("STOPPED", "1", 1_700_000_180),
        deployment("IN_PROGRESS", "1", 1_700_000_300),
    ]}));
    let (script, past, _) = look_back(listed).await;
    let past = past.present().unwrap();
    let told: Vec<(bool, &str)> = past.iter().map(|past| (past.end.has_failed(), family_of(past))).collect();
    assert_eq!(told, [(true, "two"), (true, "checkout"), (false, "checkout")]);
    assert_eq!(past[0].load_balancers[0].target_group.as_ref().unwrap().as_str(), TG);
    let asked = script.only("DescribeServiceRevisions").json["serviceRevisionArns"].clone();
    assert_eq!(asked, json!([format!("{REVISION}1"), format!("{REVISION}2")]), "each once");
    let listed = script.sent("ListServiceDeployments");
    assert_eq!(listed.len(), 2, "the newest ones, and whether the one in progress is taken back");
    assert!(listed.iter().any(|request| request.json["maxResults"] == 20 && request.json["status"].is_null()));
}

#[tokio::test]
async fn an_endpoint_without_the_operation_leaves_what_the_service_itself_says() {
    let (_, past, _) = look_back(script::json_error(400, "UnknownOperationException", "no such thing")).await;
    let past = past.present().unwrap();
    let told: Vec<(bool, &str)> = past.iter().map(|past| (past.end.has_failed(), family_of(past))).collect();
    assert_eq!(told, [(false, "checkout"), (true, "two")]);
}

#[tokio::test]
async fn a_denied_look_back_is_a_gap_and_not_a_clean_record() {
    let (_, past, observed) = look_back(script::json_error(400, "AccessDeniedException", "not allowed")).await;
    let gap = past.gap().unwrap().clone();
    assert_eq!((gap.call.as_str(), gap.why.as_str()), ("ecs:ListServiceDeployments", "AccessDeniedException"));
    assert!(observed.gaps.contains(&("Service/checkout".to_owned(), gap)));
}

#[tokio::test(start_paused = true)]
async fn a_web_page_of_awss_own_front_is_no_answer_about_the_operation() {
    let (_, past, _) = look_back(script::page(500)).await;
    assert_eq!(past.gap().unwrap().why, "Http500");
}

#[tokio::test]
async fn the_revisions_of_several_services_are_described_in_one_call() {
    let script = Script::new(|request| match request.operation.as_str() {
        "ListServiceDeployments" => {
            let number = if request.json["service"].as_str().unwrap().contains("cart") { "2" } else { "1" };
            script::json(json!({"serviceDeployments": [deployment("SUCCESSFUL", number, 1_700_000_000)]}))
        }
        "DescribeServiceRevisions" => script::json(json!({"serviceRevisions": [revision("2"), revision("1")]})),
        _ => world(request),
    });
    let (fleet, objects) = MANIFEST.split_once("---\n").unwrap();
    let cart = objects.replace("checkout", "cart");
    let observed = portolan::pass::observe(
        &desired(&format!("{fleet}---\n{objects}---\n{cart}")),
        &Reader::new(&script.clients()),
    )
    .await;
    let past = |name: &str| {
        let id = ServiceId { cluster: "prod".to_owned(), name: name.to_owned() };
        let past = observed.past_deployments[&id].as_ref().present().expect("it is known");
        past.iter().map(|past| past.task_definition.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((past("checkout"), past("cart")), (vec!["checkout:1".to_owned()], vec!["checkout:2".to_owned()]));
    let asked = script.only("DescribeServiceRevisions").json["serviceRevisionArns"].clone();
    assert_eq!(asked, json!([format!("{REVISION}1"), format!("{REVISION}2")]));
}
