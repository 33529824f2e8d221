//! What is asked again just before a call, and after one whose answer was lost.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use portolan::apply::{Outputs, Perform, Performed};
use portolan::aws::Writer;
use portolan::model::{Tags, TargetGroupArn, TaskDefinitionArn};
use portolan::plan::{Action, Output, Receivers, Ref};
use portolan::shape::Tree;
use serde_json::{Value, json};

use super::script::{self, Answer, Request, Script};
use super::writing::{belief, mark, perform, service, standing_service};

const REVISIONS: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout";

fn health(state: &str) -> Answer {
    let target = format!(
        "<TargetHealthDescriptions><member><Target><Id>10.0.0.1</Id><Port>8080</Port></Target>\
         <TargetHealth><State>{state}</State></TargetHealth></member></TargetHealthDescriptions>"
    );
    script::result("DescribeTargetHealth", &target)
}

#[tokio::test]
async fn one_healthy_target_in_one_of_the_groups_is_enough() {
    let groups = BTreeSet::from([TargetGroupArn::from("blue"), TargetGroupArn::from("green")]);
    let receivers = Receivers::from([groups.clone()]);
    for (blue, green, is_idle) in
        [("healthy", "unhealthy", false), ("draining", "healthy", false), ("initial", "unused", true), ("", "", true)]
    {
        let script = Script::new(move |request| match request.member("TargetGroupArn") {
            _ if blue.is_empty() => script::elb_error(400, "TargetGroupNotFound", "gone"),
            Some("blue") => health(blue),
            _ => health(green),
        });
        let idle = Writer::new(&script.clients()).idle(&receivers).await.map(<Option<&BTreeSet<_>>>::cloned);
        assert_eq!(idle, Ok(is_idle.then(|| groups.clone())), "{blue} {green}");
    }
    let script = Script::new(|_| script::elb_error(403, "AccessDenied", "no"));
    assert!(
        Writer::new(&script.clients()).idle(&receivers).await.is_err(),
        "unknown is not idle, and not healthy either"
    );
}

#[tokio::test]
async fn an_ingress_rule_stays_when_something_else_began_to_carry_its_group() {
    for (address, goes) in [("10.0.0.7", true), ("10.0.0.8", false)] {
        let action = Action::RevokeSecurityGroupIngress {
            group: "sg-1".into(),
            rule: "sgr-1".into(),
            mark: mark(),
            carriers: BTreeSet::from(["10.0.0.7".parse().unwrap(), "10.0.0.9".parse().unwrap()]),
        };
        let tags =
            mark().into_iter().map(|(key, value)| format!("<item><key>{key}</key><value>{value}</value></item>"));
        let tags: String = tags.collect();
        let rule = format!(
            "<securityGroupRuleSet><item><securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-1</groupId>\
             <isEgress>false</isEgress><ipProtocol>tcp</ipProtocol><fromPort>80</fromPort><toPort>80</toPort>\
             <cidrIpv4>10.0.0.0/8</cidrIpv4><tagSet>{tags}</tagSet></item></securityGroupRuleSet>"
        );
        let interfaces = format!(
            "<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>\
             <privateIpAddress>{address}</privateIpAddress></item></networkInterfaceSet>"
        );
        let (script, done) = perform(action, move |request| match request.operation.as_str() {
            "DescribeSecurityGroupRules" => Some(script::response("DescribeSecurityGroupRules", &rule)),
            "DescribeNetworkInterfaces" => Some(script::response("DescribeNetworkInterfaces", &interfaces)),
            "RevokeSecurityGroupIngress" => {
                Some(script::response("RevokeSecurityGroupIngress", "<return>true</return>"))
            }
            _ => None,
        })
        .await;
        assert_eq!(matches!(done, Ok(Performed::Done(_))), goes, "{address}: {done:?}");
        assert_eq!(script.sent("RevokeSecurityGroupIngress").len(), usize::from(goes), "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_answer_was_lost_is_done_if_the_service_is_so() {
    for (deployed, is_done) in [("app:8", true), ("app:7", false)] {
        let sent = AtomicUsize::new(0);
        let action = Action::UpdateService {
            members: Default::default(),
            service: service(),
            task_definition: Some(Ref::Known("app:8".into())),
            load_balancers: None,
            network: None,
            expect: belief(),
        };
        let (_, done) = perform(action, move |request| match request.operation.as_str() {
            "UpdateService" => {
                sent.fetch_add(1, Ordering::Relaxed);
                Some(script::json_error(500, "ServerException", "no"))
            }
            "DescribeServices" => {
                let revision = if sent.load(Ordering::Relaxed) > 0 { deployed } else { "app:7" };
                let service = json!({"serviceName": "checkout", "status": "ACTIVE", "desiredCount": 5,
                    "taskDefinition": revision, "deployments": []});
                Some(script::json(json!({"services": [service], "failures": []})))
            }
            _ => None,
        })
        .await;
        assert_eq!(done.is_ok(), is_done, "{deployed}: {done:?}");
    }
}

/// A revision of the family: its number, what it maps, whether it is ACTIVE and has the copy's tag.
#[derive(Clone, Copy)]
struct Revision(i32, &'static [u16], bool, bool);

impl Revision {
    fn described(self) -> Value {
        let Self(number, ports, is_active, is_tagged) = self;
        let ports: Vec<Value> =
            ports.iter().map(|port| json!({"containerPort": port, "hostPort": port, "protocol": "tcp"})).collect();
        let tags = if is_tagged { json!([{"key": "portolan.dev/fingerprint", "value": "v1:abc"}]) } else { json!([]) };
        json!({
            "taskDefinition": {
                "taskDefinitionArn": format!("{REVISIONS}:{number}"), "family": "checkout", "revision": number,
                "status": if is_active { "ACTIVE" } else { "INACTIVE" }, "networkMode": "awsvpc",
                "containerDefinitions": [{"name": "app", "image": "app:1", "portMappings": ports}],
            },
            "tags": tags,
        })
    }
}

/// Registers what revision 7 is, with 8081 mapped as well. `registered` is what stands when the registration has its answer.
async fn corrected(before: &[Revision], registered: &[Revision]) -> (usize, Result<Option<Output>, String>) {
    let (before, registered) = (before.to_vec(), registered.to_vec());
    let made = registered.last().copied();
    let is_made = AtomicUsize::new(0);
    let script = Script::new(move |request: &Request| {
        if request.operation == "RegisterTaskDefinition" {
            is_made.store(1, Ordering::Relaxed);
            return script::json(made.expect("none is made").described());
        }
        if let Some(answer) = standing_service(request) {
            return answer;
        }
        let standing = if is_made.load(Ordering::Relaxed) == 1 { &registered } else { &before };
        let asked = request.json["taskDefinition"].as_str().unwrap_or_default();
        let named = |revision: &&Revision| asked == format!("{REVISIONS}:{}", revision.0);
        let newest = || standing.iter().rev().find(|revision| revision.2).filter(|_| asked == "checkout");
        match standing.iter().find(named).or_else(newest) {
            Some(revision) => script::json(revision.described()),
            None => script::json_error(400, "ClientException", "Unable to describe task definition."),
        }
    });
    let tags = Tags::from([("portolan.dev/fingerprint".to_owned(), "v1:abc".to_owned())]);
    let source = TaskDefinitionArn::from(format!("{REVISIONS}:7"));
    let content = json!({
        "family": "checkout", "networkMode": "awsvpc",
        "containerDefinitions": [{"name": "app", "image": "app:1",
            "portMappings": [{"containerPort": 8081, "protocol": "tcp"}, {"containerPort": 8080}]}],
    });
    let content = Tree::new(content.as_object().unwrap().clone());
    let (source, expect) = (Some(source), Some(belief()));
    let action = Action::RegisterTaskDefinition { service: service(), source, content, tags, expect };
    let done = Writer::new(&script.clients()).perform(&action, &Outputs::new()).await;
    let output = match done {
        Ok(Performed::Done(output)) => Ok(output),
        other => Err(format!("{other:?}")),
    };
    (script.sent("RegisterTaskDefinition").len(), output)
}

fn revision(number: i32) -> Result<Option<Output>, String> {
    Ok(Some(Output::TaskDefinition(TaskDefinitionArn::from(format!("{REVISIONS}:{number}")))))
}

const SOURCE: Revision = Revision(7, &[8080], true, false);
const BOTH: &[u16] = &[8080, 8081];

#[tokio::test]
async fn everybody_uses_the_lowest_revision_with_the_content() {
    // Nothing is there: it is registered.
    assert_eq!(corrected(&[SOURCE], &[SOURCE, Revision(8, BOTH, true, true)]).await, (1, revision(8)));
    // An earlier attempt left it behind, and somebody else registered another one after it.
    let left = [SOURCE, Revision(8, BOTH, true, true), Revision(9, &[9999], true, false)];
    assert_eq!(corrected(&left, &[]).await, (0, revision(8)));
    // Another run, or an attempt whose answer was lost, was faster.
    let raced = [SOURCE, Revision(8, BOTH, true, true), Revision(9, BOTH, true, true)];
    assert_eq!(corrected(&[SOURCE], &raced).await, (1, revision(8)));
}

#[tokio::test]
async fn a_tag_alone_does_not_make_a_revision_the_same() {
    for other in [Revision(8, &[8080, 9999], true, true), Revision(8, BOTH, false, true)] {
        let made = [SOURCE, other, Revision(9, BOTH, true, true)];
        assert_eq!(corrected(&[SOURCE, other], &made).await, (1, revision(9)));
    }
}

#[tokio::test]
async fn equal_content_is_enough_without_the_tag() {
    let left = [SOURCE, Revision(8, BOTH, true, false)];
    assert_eq!(corrected(&left, &[]).await, (0, revision(8)));
}
