//! The live state is looked at before it is removed or edited, and again when AWS says that it is so already.

use std::collections::BTreeSet;

use portolan::apply::{AwsError, ErrorKind, Performed};
use portolan::model::{Conditions, RuleSource, Tags, TargetGroupArn};
use portolan::plan::{Action, DeletedRuleBelief, Output, RegistrationBelief, RuleBelief, RuleEdit};

use serde_json::json;

use super::script::{self, ASKED, Answer, Request, Script};
use super::writing::{
    LISTENER, RULE, TG, belief, believed, conditions, forward, forwards_to, ingress, known, mark, new_target_group,
    output, perform, rule, service, target,
};

type Done = Result<Performed, AwsError>;

fn is_stale(done: &Done) -> bool {
    matches!(done, Ok(Performed::Stale(_)))
}

fn is_done(done: &Done) -> bool {
    matches!(done, Ok(Performed::Done(_)))
}

/// Tags of the one thing that is asked about.
fn tags(marked: bool) -> Answer {
    let pairs =
        mark().into_iter().map(|(key, value)| format!("<member><Key>{key}</Key><Value>{value}</Value></member>"));
    let pairs: String = if marked { pairs.collect() } else { String::new() };
    let inner = format!(
        "<TagDescriptions><member><ResourceArn>{ASKED}</ResourceArn><Tags>{pairs}</Tags></member></TagDescriptions>"
    );
    script::result("DescribeTags", &inner)
}

fn health(targets: &[(&str, &str)]) -> Answer {
    let members: String = targets
        .iter()
        .map(|(id, state)| {
            format!(
                "<member><Target><Id>{id}</Id><Port>8080</Port></Target>\
                 <TargetHealth><State>{state}</State></TargetHealth></member>"
            )
        })
        .collect();
    let inner = format!("<TargetHealthDescriptions>{members}</TargetHealthDescriptions>");
    script::result("DescribeTargetHealth", &inner)
}

/// The removal of a rule that led to a target group without healthy targets.
fn delete_rule() -> Action {
    let idle = BTreeSet::from([TargetGroupArn::from(TG)]);
    let expect = DeletedRuleBelief { rule: believed(forwards_to(TG)), idle };
    Action::DeleteRule { rule: RULE.into(), mark: mark(), expect }
}

fn deregister(ids: &[&str], expect: RegistrationBelief) -> Action {
    let targets = ids.iter().map(|id| target(id)).collect();
    Action::DeregisterTargets { target_group: TG.into(), targets, expect }
}

#[tokio::test]
async fn tags_are_added_to_what_still_bears_the_mark_and_once() {
    let moved = Tags::from([("portolan.dev/moved".to_owned(), "2026-11-20T12:00:00Z".to_owned())]);
    let add = |tags| Action::AddTags { target_group: TG.into(), tags, mark: mark() };
    for (marked, wanted, sends) in [(true, moved.clone(), 1), (true, mark(), 0), (false, moved, 0)] {
        let standing = move |request: &Request| (request.operation == "DescribeTags").then(|| tags(marked));
        let (script, done) = perform(add(wanted), standing).await;
        assert_eq!(is_stale(&done), !marked, "{done:?}");
        assert_eq!(script.sent("AddTags").len(), sends);
    }
}

#[tokio::test]
async fn a_rule_that_changed_meanwhile_is_left_alone() {
    let edit = RuleEdit { forward: Some(known()), conditions: None };
    let action = Action::ModifyRule { rule: RULE.into(), edit, expect: believed(forwards_to("old")) };
    let (script, done) =
        perform(action, |request| (request.operation == "DescribeRules").then(|| rule(&forward("newer")))).await;
    assert!(is_stale(&done), "{done:?}");
    assert_eq!(script.sent("ModifyRule").len(), 0);
}

#[tokio::test]
async fn a_rule_whose_conditions_or_priority_changed_meanwhile_is_left_alone() {
    let expect = believed(forwards_to("old"));
    let other_priority = RuleBelief { priority: 99, ..expect.clone() };
    let other_conditions = RuleBelief { conditions: Conditions::default(), ..expect };
    for expect in [other_priority, other_conditions] {
        let edit = RuleEdit { forward: Some(known()), conditions: None };
        let action = Action::ModifyRule { rule: RULE.into(), edit, expect };
        let standing = |request: &Request| (request.operation == "DescribeRules").then(|| rule(&forward("old")));
        let (script, done) = perform(action, standing).await;
        assert!(is_stale(&done), "{done:?}");
        assert_eq!(script.sent("ModifyRule").len(), 0);
    }
}

#[tokio::test]
async fn a_rule_that_forwards_there_already_is_done_and_nothing_is_sent() {
    let edit = RuleEdit { forward: Some(known()), conditions: None };
    let action = Action::ModifyRule { rule: RULE.into(), edit, expect: believed(forwards_to(TG)) };
    let (script, done) =
        perform(action, |request| (request.operation == "DescribeRules").then(|| rule(&forward(TG)))).await;
    assert_eq!(done, Ok(Performed::Done(None)));
    assert_eq!(script.sent("ModifyRule").len(), 0);
}

#[tokio::test]
async fn a_rule_that_is_gone_is_not_modified() {
    let edit = RuleEdit { forward: Some(known()), conditions: None };
    let action = Action::ModifyRule { rule: RULE.into(), edit, expect: believed(forwards_to("old")) };
    let gone = |request: &Request| {
        (request.operation == "DescribeRules").then(|| script::elb_error(400, "RuleNotFound", "gone"))
    };
    let (script, done) = perform(action, gone).await;
    assert!(is_stale(&done), "{done:?}");
    assert_eq!(script.sent("ModifyRule").len(), 0);
}

#[tokio::test]
async fn a_rule_is_deleted_while_it_bears_the_mark() {
    for (marked, deletions) in [(true, 1), (false, 0)] {
        let action = delete_rule();
        let (script, done) = perform(action, move |request| match request.operation.as_str() {
            "DescribeRules" => Some(rule(&forward(TG))),
            "DescribeTags" => Some(tags(marked)),
            _ => None,
        })
        .await;
        assert_eq!(is_done(&done), marked, "{done:?}");
        assert_eq!(is_stale(&done), !marked, "{done:?}");
        assert_eq!(script.sent("DeleteRule").len(), deletions);
    }
}

#[tokio::test]
async fn a_rule_that_serves_by_now_is_not_deleted() {
    for (forwarded, state, goes) in [(TG, "unhealthy", true), ("another", "unhealthy", false), (TG, "healthy", false)] {
        let (script, done) = perform(delete_rule(), move |request| match request.operation.as_str() {
            "DescribeRules" => Some(rule(&forward(forwarded))),
            "DescribeTags" => Some(tags(true)),
            "DescribeTargetHealth" => Some(health(&[("10.0.0.1", state)])),
            _ => None,
        })
        .await;
        assert_eq!(is_stale(&done), !goes, "{forwarded} {state}: {done:?}");
        assert_eq!(script.sent("DeleteRule").len(), usize::from(goes), "{forwarded} {state}");
    }
}

/// `DescribeNetworkInterfaces`: one interface with this address, or none.
fn interfaces(address: Option<&str>) -> Answer {
    let item = |address| {
        format!(
            "<item><networkInterfaceId>eni-1</networkInterfaceId><privateIpAddress>{address}</privateIpAddress></item>"
        )
    };
    let items = address.map(item).unwrap_or_default();
    script::response("DescribeNetworkInterfaces", &format!("<networkInterfaceSet>{items}</networkInterfaceSet>"))
}

#[tokio::test]
async fn a_target_that_is_healthy_or_has_an_interface_by_now_is_not_deregistered() {
    let cases = [("unhealthy", None, true), ("healthy", None, false), ("unhealthy", Some("10.0.0.1"), false)];
    for (state, address, goes) in cases {
        let vacant = BTreeSet::from(["10.0.0.1".parse().unwrap()]);
        let action = deregister(&["10.0.0.1"], RegistrationBelief { vacant, ..RegistrationBelief::default() });
        let (script, done) = perform(action, move |request| match request.operation.as_str() {
            "DescribeTargetHealth" => Some(health(&[("10.0.0.1", state), ("10.0.0.9", "healthy")])),
            "DescribeNetworkInterfaces" => Some(interfaces(address)),
            _ => None,
        })
        .await;
        assert_eq!(is_stale(&done), !goes, "{state} {address:?}: {done:?}");
        assert_eq!(script.sent("DeregisterTargets").len(), usize::from(goes), "{state} {address:?}");
    }
}

#[tokio::test]
async fn an_address_whose_proof_cannot_be_asked_for_again_stays_registered() {
    let vacant = BTreeSet::from(["10.0.0.1".parse().unwrap()]);
    let action = deregister(&["10.0.0.1"], RegistrationBelief { vacant, ..RegistrationBelief::default() });
    let (script, done) = perform(action, |request| match request.operation.as_str() {
        "DescribeTargetHealth" => Some(health(&[("10.0.0.1", "unhealthy")])),
        "DescribeNetworkInterfaces" => Some(script::ec2_error(403, "UnauthorizedOperation", "no")),
        _ => None,
    })
    .await;
    assert_eq!(done.unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(script.sent("DeregisterTargets").len(), 0);
}

#[tokio::test]
async fn a_target_group_that_another_deletes_meanwhile_is_done() {
    let action = Action::DeleteTargetGroup { target_group: TG.into(), mark: mark() };
    let error = script::elb_error(400, "TargetGroupNotFound", "gone");
    let (_, done) = perform(action, failing_first("DeleteTargetGroup", 1, error)).await;
    assert!(is_done(&done), "{done:?}");
}

#[tokio::test]
async fn what_is_gone_already_is_done() {
    let actions = [
        delete_rule(),
        Action::DeleteTargetGroup { target_group: TG.into(), mark: mark() },
        deregister(&["10.0.0.1"], RegistrationBelief::default()),
        Action::RevokeSecurityGroupIngress {
            group: "sg-1".into(),
            rule: "sgr-1".into(),
            mark: mark(),
            carriers: BTreeSet::new(),
        },
    ];
    for action in actions {
        let operation = action.operation();
        let (script, done) = perform(action, |request| match request.operation.as_str() {
            "DescribeRules" => Some(script::elb_error(400, "RuleNotFound", "gone")),
            "DescribeTargetGroups" | "DescribeTargetHealth" => {
                Some(script::elb_error(400, "TargetGroupNotFound", "gone"))
            }
            "DescribeSecurityGroupRules" => Some(script::ec2_error(400, "InvalidSecurityGroupRuleId.NotFound", "gone")),
            _ => None,
        })
        .await;
        assert_eq!(done, Ok(Performed::Done(None)), "{operation}");
        assert_eq!(script.sent(operation).len(), 0, "{operation}");
    }
}

fn taken_priority(marked: bool, forwarded: &'static str) -> impl Fn(&Request) -> Option<Answer> {
    let standing = conditions_xml();
    move |request| match request.operation.as_str() {
        "CreateRule" => Some(script::elb_error(400, "PriorityInUse", "Priority '100' is currently in use")),
        "DescribeRules" => {
            let inner = format!(
                "<Rules><member><RuleArn>{RULE}</RuleArn><Priority>100</Priority><Conditions>{standing}</Conditions>\
                 <Actions>{}</Actions></member></Rules>",
                forward(forwarded)
            );
            Some(script::result("DescribeRules", &inner))
        }
        "DescribeTags" => Some(tags(marked)),
        _ => None,
    }
}

fn conditions_xml() -> String {
    let values = |values: &str| format!("<Values><member>{values}</member></Values>");
    [
        format!("<Field>host-header</Field><HostHeaderConfig>{}</HostHeaderConfig>", values("app.example.com")),
        format!("<Field>path-pattern</Field><PathPatternConfig>{}</PathPatternConfig>", values("/api/*")),
        format!(
            "<Field>http-request-method</Field><HttpRequestMethodConfig>{}</HttpRequestMethodConfig>",
            values("GET")
        ),
        format!("<Field>source-ip</Field><SourceIpConfig>{}</SourceIpConfig>", values("10.0.0.0/8")),
        format!(
            "<Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X-Beta</HttpHeaderName>{}</HttpHeaderConfig>",
            values("on")
        ),
        "<Field>query-string</Field><QueryStringConfig><Values><member><Key>v</Key><Value>2</Value></member>\
         <member><Value>debug</Value></member></Values></QueryStringConfig>"
            .to_owned(),
    ]
    .map(|condition| format!("<member>{condition}</member>"))
    .concat()
}

fn new_rule() -> Action {
    Action::CreateRule {
        listener: LISTENER.into(),
        priority: 100,
        conditions: conditions(),
        target_group: known(),
        tags: mark(),
    }
}

#[tokio::test]
async fn a_taken_priority_is_fine_if_it_is_our_rule_that_has_it() {
    let (_, done) = perform(new_rule(), taken_priority(true, TG)).await;
    assert_eq!(done, Ok(Performed::Done(None)));
}

#[tokio::test]
async fn a_priority_that_anybody_else_has_is_a_conflict() {
    for (marked, forwarded) in [(false, TG), (true, "other")] {
        let (_, done) = perform(new_rule(), taken_priority(marked, forwarded)).await;
        assert_eq!(done.unwrap_err().kind, ErrorKind::Conflict);
    }
}

fn taken_name(port: u16, fleet: &'static str) -> impl Fn(&Request) -> Option<Answer> {
    move |request| match request.operation.as_str() {
        "CreateTargetGroup" => Some(script::elb_error(400, "DuplicateTargetGroupName", "it exists")),
        "DescribeTargetGroups" => Some(script::result(
            "DescribeTargetGroups",
            &format!(
                "<TargetGroups><member><TargetGroupArn>{TG}</TargetGroupArn><TargetGroupName>checkout</TargetGroupName>\
                 <Protocol>HTTP</Protocol><ProtocolVersion>GRPC</ProtocolVersion><Port>{port}</Port><VpcId>vpc-1</VpcId>\
                 <TargetType>ip</TargetType><HealthCheckPath>/svc/Check</HealthCheckPath>\
                 <HealthCheckPort>9090</HealthCheckPort><HealthCheckIntervalSeconds>15</HealthCheckIntervalSeconds>\
                 <Matcher><GrpcCode>0</GrpcCode></Matcher></member></TargetGroups>"
            ),
        )),
        "DescribeTags" => Some(script::result(
            "DescribeTags",
            &format!(
                "<TagDescriptions><member><ResourceArn>{ASKED}</ResourceArn><Tags><member><Key>portolan.dev/fleet</Key><Value>{fleet}</Value></member>\
                 </Tags></member></TagDescriptions>"
            ),
        )),
        _ => None,
    }
}

#[tokio::test]
async fn a_target_group_that_stands_as_wanted_is_the_one() {
    let (_, done) = perform(Action::CreateTargetGroup(new_target_group()), taken_name(8080, "harbour")).await;
    assert_eq!(done, Ok(Performed::Done(Some(Output::TargetGroup(TargetGroupArn::from(TG))))));
}

#[tokio::test]
async fn a_target_group_with_other_settings_or_of_another_fleet_is_a_conflict() {
    for (port, fleet) in [(9000, "harbour"), (8080, "another")] {
        let (_, done) = perform(Action::CreateTargetGroup(new_target_group()), taken_name(port, fleet)).await;
        assert_eq!(done.unwrap_err().kind, ErrorKind::Conflict);
    }
}

#[tokio::test]
async fn only_targets_that_still_stand_are_deregistered() {
    let action = deregister(&["10.0.0.1", "10.0.0.2", "10.0.0.3"], RegistrationBelief::default());
    let (script, done) = perform(action, |request| {
        let live = [("10.0.0.1", "unhealthy"), ("10.0.0.2", "draining"), ("10.0.0.9", "healthy")];
        (request.operation == "DescribeTargetHealth").then(|| health(&live))
    })
    .await;
    assert_eq!(done, Ok(Performed::Done(None)));
    assert_eq!(
        script.only("DeregisterTargets").members(),
        [("TargetGroupArn", TG), ("Targets.member.1.Id", "10.0.0.1"), ("Targets.member.1.Port", "8080")]
    );
}

#[tokio::test]
async fn the_last_healthy_target_stays() {
    let healthy = BTreeSet::from([target("10.0.0.1")]);
    let action = deregister(&["10.0.0.1", "10.0.0.2"], RegistrationBelief { healthy, ..RegistrationBelief::default() });
    let (script, done) = perform(action, |request| {
        let live = [("10.0.0.1", "healthy"), ("10.0.0.2", "unhealthy"), ("10.0.0.9", "unhealthy")];
        (request.operation == "DescribeTargetHealth").then(|| health(&live))
    })
    .await;
    assert!(is_stale(&done), "{done:?}");
    assert_eq!(script.sent("DeregisterTargets").len(), 0);
}

fn ingress_rule(marked: bool) -> Answer {
    let pairs = mark().into_iter().map(|(key, value)| format!("<item><key>{key}</key><value>{value}</value></item>"));
    let pairs: String = if marked { pairs.collect() } else { String::new() };
    script::response(
        "DescribeSecurityGroupRules",
        &format!(
            "<securityGroupRuleSet><item><securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-1</groupId>\
             <isEgress>false</isEgress><ipProtocol>tcp</ipProtocol><fromPort>8080</fromPort><toPort>8081</toPort>\
             <referencedGroupInfo><groupId>sg-lb</groupId></referencedGroupInfo><tagSet>{pairs}</tagSet></item>\
             </securityGroupRuleSet>"
        ),
    )
}

#[tokio::test]
async fn a_duplicate_ingress_rule_is_believed_only_after_a_look() {
    for (source, found) in [("sg-lb", true), ("sg-other", false)] {
        let action = ingress(RuleSource::Group(source.into()));
        let (_, done) = perform(action, |request| match request.operation.as_str() {
            "AuthorizeSecurityGroupIngress" => {
                Some(script::ec2_error(400, "InvalidPermission.Duplicate", "the specified rule already exists"))
            }
            "DescribeSecurityGroupRules" => Some(ingress_rule(false)),
            _ => None,
        })
        .await;
        assert_eq!(is_done(&done), found, "{done:?}");
    }
}

#[tokio::test]
async fn an_ingress_rule_is_revoked_by_its_id_while_it_bears_the_mark() {
    for (marked, revocations) in [(true, 1), (false, 0)] {
        let action = Action::RevokeSecurityGroupIngress {
            group: "sg-1".into(),
            rule: "sgr-1".into(),
            mark: mark(),
            carriers: BTreeSet::new(),
        };
        let (script, done) = perform(action, move |request| match request.operation.as_str() {
            "DescribeSecurityGroupRules" => Some(ingress_rule(marked)),
            "RevokeSecurityGroupIngress" => {
                Some(script::response("RevokeSecurityGroupIngress", "<return>true</return>"))
            }
            _ => None,
        })
        .await;
        assert_eq!(is_stale(&done), !marked, "{done:?}");
        let sent = script.sent("RevokeSecurityGroupIngress");
        assert_eq!(sent.len(), revocations);
        for request in sent {
            assert_eq!(request.members(), [("GroupId", "sg-1"), ("SecurityGroupRuleId.1", "sgr-1")]);
        }
    }
}

#[tokio::test]
async fn a_revocation_that_did_nothing_is_an_error() {
    let action = Action::RevokeSecurityGroupIngress {
        group: "sg-1".into(),
        rule: "sgr-1".into(),
        mark: mark(),
        carriers: BTreeSet::new(),
    };
    let (_, done) = perform(action, |request| match request.operation.as_str() {
        "DescribeSecurityGroupRules" => Some(ingress_rule(true)),
        "RevokeSecurityGroupIngress" => Some(script::response("RevokeSecurityGroupIngress", "<return>false</return>")),
        _ => None,
    })
    .await;
    assert_eq!(done.unwrap_err().code, "NotRevoked");
}

fn standing_group(request: &Request, targets: &[(&str, &str)]) -> Option<Answer> {
    match request.operation.as_str() {
        "DescribeTargetGroups" => {
            let inner = format!("<TargetGroups><member><TargetGroupArn>{TG}</TargetGroupArn></member></TargetGroups>");
            Some(script::result("DescribeTargetGroups", &inner))
        }
        "DescribeTags" => Some(tags(true)),
        "DescribeTargetHealth" => Some(health(targets)),
        _ => None,
    }
}

#[tokio::test]
async fn a_target_group_with_targets_is_not_deleted() {
    let action = Action::DeleteTargetGroup { target_group: TG.into(), mark: mark() };
    let (script, done) = perform(action, |request| standing_group(request, &[("10.0.0.1", "unhealthy")])).await;
    assert!(is_stale(&done), "{done:?}");
    assert_eq!(script.sent("DeleteTargetGroup").len(), 0);
}

/// Answers `operation` with an error so many times, and then with success.
fn failing_first(operation: &'static str, times: usize, error: Answer) -> impl Fn(&Request) -> Option<Answer> {
    let left = std::sync::Mutex::new(times);
    move |request| {
        if request.operation != operation {
            return standing_group(request, &[]);
        }
        let mut left = left.lock().unwrap();
        let fails = *left > 0;
        *left = left.saturating_sub(1);
        fails.then(|| error.clone())
    }
}

fn attempts(script: &Script, operation: &str) -> usize {
    script.sent(operation).len()
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_elb_still_counts_as_used_is_tried_again() {
    let action = Action::DeleteTargetGroup { target_group: TG.into(), mark: mark() };
    let error = script::elb_error(400, "ResourceInUse", "a rule uses it");
    let (script, done) = perform(action, failing_first("DeleteTargetGroup", 3, error)).await;
    assert!(is_done(&done), "{done:?}");
    assert_eq!(attempts(&script, "DeleteTargetGroup"), 4);
}

#[tokio::test(start_paused = true)]
async fn patience_has_an_end() {
    let action = Action::DeleteTargetGroup { target_group: TG.into(), mark: mark() };
    let error = script::elb_error(400, "ResourceInUse", "a rule uses it");
    let (script, done) = perform(action, failing_first("DeleteTargetGroup", 99, error)).await;
    assert_eq!(done.unwrap_err().kind, ErrorKind::InUse);
    assert_eq!(attempts(&script, "DeleteTargetGroup"), 6);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_ecs_does_not_see_in_a_rule_yet_is_tried_again() {
    let action = Action::UpdateService {
        members: Default::default(),
        service: service(),
        task_definition: None,
        load_balancers: Some(Vec::new()),
        network: None,
        expect: belief(),
    };
    let text = "The target group with targetGroupArn x does not have an associated load balancer.";
    let error = script::json_error(400, "InvalidParameterException", text);
    let (script, done) = perform(action, failing_first("UpdateService", 2, error)).await;
    assert!(is_done(&done), "{done:?}");
    assert_eq!(attempts(&script, "UpdateService"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_was_just_made_may_take_a_while_to_show() {
    for (target_group, wanted) in [(output(), 3), (known(), 1)] {
        let action = Action::CreateRule {
            listener: LISTENER.into(),
            priority: 100,
            conditions: conditions(),
            target_group,
            tags: mark(),
        };
        let error = script::elb_error(400, "TargetGroupNotFound", "not found");
        let (script, _) = perform(action, failing_first("CreateRule", 2, error)).await;
        assert_eq!(attempts(&script, "CreateRule"), wanted);
    }
}

/// A service that is to go, with this mark and count, and its target group's health by now.
fn leaving(
    count: u32,
    marked: bool,
    state: &'static str,
) -> impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static {
    move |request| {
        let tags: Vec<_> = mark().into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        let service = json!({
            "serviceName": "checkout", "status": "ACTIVE", "desiredCount": count, "taskDefinition": "app:7",
            "tags": if marked { tags } else { Vec::new() },
        });
        match request.operation.as_str() {
            "DescribeServices" => Some(script::json(json!({"services": [service], "failures": []}))),
            "DescribeTargetHealth" => Some(health(&[("10.0.1.5", state)])),
            "DescribeScalableTargets" => Some(script::json(json!({"ScalableTargets": []}))),
            _ => None,
        }
    }
}

#[tokio::test]
async fn a_service_that_serves_by_now_or_lost_its_mark_does_not_go() {
    let idle = || BTreeSet::from([TargetGroupArn::from(TG)]);
    for (marked, state, sends) in [(true, "unhealthy", 1), (true, "healthy", 0), (false, "unhealthy", 0)] {
        let drain = Action::DrainService { service: service(), from: 2, mark: mark(), idle: idle() };
        let (script, done) = perform(drain, leaving(2, marked, state)).await;
        assert_eq!(is_stale(&done), sends == 0, "{done:?}");
        assert_eq!(script.sent("UpdateService").len(), sends);
        let delete = Action::DeleteService { service: service(), mark: mark(), idle: idle() };
        let (script, done) = perform(delete, leaving(0, marked, state)).await;
        assert_eq!(is_stale(&done), sends == 0, "{done:?}");
        assert_eq!(script.sent("DeleteService").len(), sends);
    }
}
