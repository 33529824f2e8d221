//! What no emulator shows of reading: pages, batches, failures inside an answer, denials.

use std::collections::BTreeSet;

use portolan::aws::Reader;
use portolan::model::{
    Desired, Gap, GroupId, Observed, Placement, ScalableTarget, Seen, ServiceId, ServiceStatus, TargetKey,
};
use serde_json::{Value, json};

use super::script::{self, Answer, Request, Script};
use crate::moto::seed::desired;

const CLUSTER: &str = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod";
const LB: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/public/1";
const LISTENER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/public/1/2";
const TG: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/s00/3";

fn manifest(services: usize, fleet: &str) -> Desired {
    let mut text = format!(
        "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {{name: harbour}}\n\
         spec: {{cluster: prod, vpc: main, mode: enforce{fleet}}}\n"
    );
    for number in 0..services {
        text += &format!(
            "---\napiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {{name: s{number:02}}}\n\
             spec:\n  ports:\n    - {{name: http, container: app, containerPort: 8080, targetGroups: [s{number:02}]}}\n\
             ---\napiVersion: portolan.dev/v1alpha1\nkind: TargetGroup\nmetadata: {{name: s{number:02}}}\n\
             spec: {{loadBalancer: public, protocol: HTTP}}\n"
        );
    }
    desired(&text)
}

fn id(name: &str) -> ServiceId {
    ServiceId { cluster: "prod".to_owned(), name: name.to_owned() }
}

async fn observe(script: &Script, desired: &Desired) -> Observed {
    portolan::pass::observe(desired, &Reader::new(&script.clients())).await
}

/// Reads a fleet of so many services; the closure answers what it cares for.
async fn read(
    services: usize,
    answering: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
) -> (Script, Observed) {
    let script = Script::new(move |request| answering(request).unwrap_or_else(|| script::empty(request)));
    let observed = observe(&script, &manifest(services, "")).await;
    (script, observed)
}

fn service(name: &str, status: &str) -> Value {
    json!({
        "serviceName": name,
        "serviceArn": format!("arn:aws:ecs:eu-west-1:123456789012:service/prod/{name}"),
        "status": status,
        "desiredCount": 1,
        "runningCount": 1,
        "taskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/app:1",
    })
}

fn gap_of<T: std::fmt::Debug>(seen: &Seen<T>) -> &Gap {
    seen.gap().unwrap_or_else(|| panic!("not unknown: {seen:?}"))
}

#[tokio::test]
async fn every_service_is_present_absent_or_unknown() {
    let (_, observed) = read(5, |request| {
        (request.operation == "DescribeServices").then(|| {
            script::json(json!({
                "services": [service("s00", "ACTIVE"), service("s01", "DRAINING"), service("s02", "INACTIVE")],
                "failures": [{"arn": "arn:aws:ecs:eu-west-1:123456789012:service/prod/s03", "reason": "MISSING"}],
            }))
        })
    })
    .await;
    assert_eq!(observed.service(&id("s00")).present().unwrap().status, ServiceStatus::Active);
    assert_eq!(observed.service(&id("s01")).present().unwrap().status, ServiceStatus::Draining);
    assert_eq!(observed.service(&id("s02")), Seen::Absent);
    assert_eq!(observed.service(&id("s03")), Seen::Absent);
    let gap = gap_of(&observed.services[&id("s04")]).clone();
    assert_eq!(gap.call, "ecs:DescribeServices");
    assert!(observed.gaps.contains(&("Service/s04".to_owned(), gap)));
}

#[tokio::test]
async fn a_denied_call_is_a_gap_and_the_rest_goes_on() {
    let (_, observed) = read(1, |request| match request.operation.as_str() {
        "DescribeServices" => Some(script::json_error(400, "AccessDeniedException", "not allowed")),
        "DescribeSecurityGroups" => Some(script::ec2_error(403, "UnauthorizedOperation", "not allowed")),
        "DescribeTargetGroups" => Some(script::elb_error(403, "AccessDenied", "not allowed")),
        _ => None,
    })
    .await;
    let denied = |call: &str, why: &str| Gap { call: call.to_owned(), why: why.to_owned() };
    let services = denied("ecs:DescribeServices", "AccessDeniedException");
    assert_eq!(observed.services[&id("s00")], Seen::Unknown(services.clone()));
    assert_eq!(observed.security_groups.gap().unwrap().why, "UnauthorizedOperation");
    let groups = denied("elasticloadbalancing:DescribeTargetGroups", "AccessDenied");
    assert_eq!(observed.target_groups, Seen::Unknown(groups.clone()));
    assert_eq!(observed.vpcs, Seen::Present(Vec::new()));
    assert!(observed.gaps.contains(&("Service/s00".to_owned(), services)));
    assert!(observed.gaps.contains(&("Fleet/harbour".to_owned(), groups)));
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_absent() {
    let (_, observed) = read(1, |request| match request.operation.as_str() {
        "DescribeClusters" => {
            Some(script::json(json!({"clusters": [], "failures": [{"arn": CLUSTER, "reason": "MISSING"}]})))
        }
        "DescribeServices" | "ListTasks" => {
            Some(script::json_error(400, "ClusterNotFoundException", "Cluster not found."))
        }
        _ => None,
    })
    .await;
    assert_eq!(observed.clusters["prod"], Seen::Absent);
    assert_eq!(observed.service(&id("s00")), Seen::Absent);
    assert_eq!(observed.tasks_of(&id("s00")), Seen::Present(&Vec::new()));
    let gaps: BTreeSet<&String> = observed.gaps.iter().map(|(_, gap)| &gap.call).collect();
    assert!(!gaps.contains(&"ecs:DescribeServices".to_owned()), "{gaps:?}");
}

#[tokio::test]
async fn batches_stay_within_awss_limits() {
    let (script, observed) = read(23, |request| {
        if request.operation == "DescribeServices" {
            let names = request.json["services"].as_array().unwrap();
            let services: Vec<Value> = names.iter().map(|name| service(name.as_str().unwrap(), "ACTIVE")).collect();
            return Some(script::json(json!({"services": services})));
        }
        None
    })
    .await;
    let sizes: Vec<usize> = script
        .sent("DescribeServices")
        .iter()
        .map(|request| request.json["services"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [10, 10, 3]);
    assert!(observed.services.values().all(|seen| matches!(seen, Seen::Present(_))));
    assert_eq!(script.sent("DescribeTaskDefinition").len(), 1, "one revision, however many services use it");
    let scalable = script.only("DescribeScalableTargets").json;
    assert_eq!(scalable["ResourceIds"][0], "service/prod/s00");
    assert_eq!((&scalable["ServiceNamespace"], &scalable["MaxResults"]), (&json!("ecs"), &json!(50)));
    for (operation, member, size) in [
        ("DescribeLoadBalancers", "PageSize", "400"),
        ("DescribeTargetGroups", "PageSize", "400"),
        ("DescribeVpcs", "MaxResults", "1000"),
        ("DescribeSubnets", "MaxResults", "1000"),
        ("DescribeSecurityGroups", "MaxResults", "1000"),
    ] {
        assert_eq!(script.only(operation).member(member), Some(size), "{operation}");
    }
    assert_eq!(script.only("ListTasks").json["maxResults"], 100);
}

fn target_groups(names: &[&str], marker: &str) -> Answer {
    let member = |name: &&str| {
        format!(
            "<member><TargetGroupArn>{}</TargetGroupArn><TargetGroupName>{name}</TargetGroupName>\
             <Protocol>HTTP</Protocol><Port>80</Port></member>",
            TG.replace("s00", name)
        )
    };
    let members: String = names.iter().map(member).collect();
    script::result(
        "DescribeTargetGroups",
        &format!("<TargetGroups>{members}</TargetGroups><NextMarker>{marker}</NextMarker>"),
    )
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let (script, observed) = read(1, |request| match (request.operation.as_str(), request.member("Marker")) {
        ("DescribeTargetGroups", None) => Some(target_groups(&["s00", "b"], "2")),
        ("DescribeTargetGroups", Some(_)) => Some(target_groups(&["c"], "")),
        _ => None,
    })
    .await;
    let groups = observed.target_groups.present().unwrap();
    assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["b", "c", "s00"]);
    assert_eq!(groups[0].tags.gap().unwrap().why, "not asked", "not of the manifest");
    assert_eq!(groups[2].tags, Seen::Present([].into()));
    assert_eq!(script.only("DescribeTags").members(), [("ResourceArns.member.1", TG)]);
}

#[tokio::test]
async fn a_page_that_fails_makes_the_whole_list_unknown() {
    let (_, observed) = read(1, |request| match (request.operation.as_str(), request.member("Marker")) {
        ("DescribeTargetGroups", None) => Some(target_groups(&["s00"], "2")),
        ("DescribeTargetGroups", Some(_)) => Some(script::elb_error(400, "ValidationError", "stale marker")),
        _ => None,
    })
    .await;
    assert_eq!(observed.target_groups.gap().unwrap().why, "ValidationError");
}

#[tokio::test]
async fn a_throttled_read_is_tried_three_times() {
    tokio::time::pause();
    let (script, observed) = read(1, |request| {
        let throttled = || script::ec2_error(503, "RequestLimitExceeded", "slow down");
        (request.operation == "DescribeVpcs").then(throttled)
    })
    .await;
    assert_eq!(observed.vpcs.gap().unwrap().why, "RequestLimitExceeded");
    assert_eq!(script.sent("DescribeVpcs").len(), 3);
}

fn task(name: &str, group: &str, status: &str, more: Value) -> Value {
    let mut task = json!({
        "taskArn": format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{name}"),
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/app:1",
        "group": group,
        "lastStatus": status,
    });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

fn tasks() -> Value {
    let interface = |details: Value| json!({"attachments": [{"type": "eni", "details": details}]});
    let instance = "arn:aws:ecs:eu-west-1:123456789012:container-instance/prod/ci-1";
    let bindings = json!([
        {"containerPort": 8080, "hostPort": 32768, "protocol": "tcp", "bindIP": "0.0.0.0"},
        {"containerPort": 8080, "hostPort": 32768, "protocol": "tcp", "bindIP": "::"}
    ]);
    json!({"tasks": [
        task("a", "service:s00", "RUNNING", interface(json!([{"name": "privateIPv4Address", "value": "10.0.0.9"}]))),
        task("b", "service:s00", "PROVISIONING", interface(json!([{"name": "subnetId", "value": "subnet-1"}]))),
        task("c", "service:s00", "STOPPED", json!({})),
        task("d", "family:s00", "RUNNING", json!({})),
        // Whoever runs a task alone may call its group what they like.
        task("g", "s00", "RUNNING", interface(json!([{"name": "privateIPv4Address", "value": "10.0.0.77"}]))),
        task("e", "service:s01", "RUNNING", json!({
            "containerInstanceArn": instance, "containers": [{"name": "app", "networkBindings": bindings}]
        })),
        task("f", "service:s01", "PENDING", json!({"containerInstanceArn": instance, "containers": [{"name": "app"}]})),
    ]})
}

#[tokio::test]
async fn tasks_belong_to_the_service_of_their_group_and_are_where_aws_says() {
    let (script, observed) = read(2, |request| match request.operation.as_str() {
        "ListTasks" if request.json["nextToken"].is_null() => {
            Some(script::json(json!({"taskArns": ["a", "b", "c"], "nextToken": "2"})))
        }
        "ListTasks" => Some(script::json(json!({"taskArns": ["d", "e", "f"]}))),
        "DescribeTasks" => Some(script::json(tasks())),
        "DescribeContainerInstances" => Some(script::json(json!({"containerInstances": [{
            "containerInstanceArn": "arn:aws:ecs:eu-west-1:123456789012:container-instance/prod/ci-1",
            "ec2InstanceId": "i-0123456789abcdef0",
        }]}))),
        "DescribeInstances" => Some(script::response(
            "DescribeInstances",
            "<reservationSet><item><instancesSet><item><instanceId>i-0123456789abcdef0</instanceId>\
             <instanceState><name>running</name></instanceState><privateIpAddress>10.0.0.20</privateIpAddress>\
             <networkInterfaceSet><item><attachment><deviceIndex>1</deviceIndex></attachment>\
             <groupSet><item><groupId>sg-2</groupId></item></groupSet></item>\
             <item><attachment><deviceIndex>0</deviceIndex></attachment>\
             <groupSet><item><groupId>sg-1</groupId></item></groupSet></item></networkInterfaceSet>\
             </item></instancesSet></item></reservationSet>",
        )),
        _ => None,
    })
    .await;
    let placements = |name: &str| -> Vec<Placement> {
        observed.tasks_of(&id(name)).present().unwrap().iter().map(|task| task.placement.clone()).collect()
    };
    assert_eq!(placements("s00"), [Placement::Address("10.0.0.9".parse().unwrap()), Placement::Unknown]);
    let bridge = observed.tasks_of(&id("s01")).present().unwrap();
    let endpoint = TargetKey { id: "i-0123456789abcdef0".to_owned(), port: 32768 };
    assert_eq!(bridge[0].endpoint("app", 8080), Some(endpoint));
    assert_eq!(bridge[1].placement, Placement::Unknown, "nothing is bound yet");
    let host = observed.hosts.values().next().unwrap().clone().present().unwrap();
    assert_eq!(host.security_groups, BTreeSet::from([GroupId::from("sg-1")]), "of the primary interface alone");
    assert!(!host.terminated);
    assert_eq!(script.only("DescribeInstances").member("Filter.1.Name"), Some("instance-id"));
}

#[tokio::test]
async fn a_task_that_could_not_be_described_makes_its_cluster_unknown() {
    let (_, observed) = read(1, |request| match request.operation.as_str() {
        "ListTasks" => Some(script::json(json!({"taskArns": ["a"]}))),
        "DescribeTasks" => Some(script::json(json!({"tasks": [], "failures": [{"arn": "a", "reason": "INTERNAL"}]}))),
        _ => None,
    })
    .await;
    assert_eq!(observed.tasks[&id("s00")].gap().unwrap().why, "INTERNAL");
}

#[tokio::test]
async fn a_scalable_target_with_everything_suspended_says_so() {
    let (_, observed) = read(2, |request| {
        (request.operation == "DescribeScalableTargets").then(|| {
            script::json(json!({"ScalableTargets": [{
                "ServiceNamespace": "ecs", "ResourceId": "service/prod/s01",
                "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 2, "MaxCapacity": 9,
                "RoleARN": "arn", "CreationTime": 1_700_000_000,
                "SuspendedState": {
                    "DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": true,
                    "ScheduledScalingSuspended": true
                }
            }]}))
        })
    })
    .await;
    assert_eq!(observed.scalable_target(&id("s00")), Seen::Absent);
    let target = ScalableTarget { min: 2, max: 9, suspended: true };
    assert_eq!(observed.scalable_target(&id("s01")), Seen::Present(&target));
}

#[tokio::test]
async fn autoscaling_is_not_asked_where_the_owner_says_that_there_is_none() {
    let script = Script::new(script::empty);
    observe(&script, &manifest(1, ", autoscaling: none")).await;
    assert_eq!(script.sent("DescribeScalableTargets").len(), 0);
}

fn rules() -> String {
    let forward = format!(
        "<Actions><member><Type>authenticate-oidc</Type><Order>1</Order></member>\
         <member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups>\
         <member><TargetGroupArn>{TG}</TargetGroupArn></member>\
         <member><TargetGroupArn>other</TargetGroupArn><Weight>0</Weight></member>\
         </TargetGroups></ForwardConfig></member></Actions>"
    );
    let rule = |arn: &str, priority: &str, conditions: &str| {
        format!(
            "<member><RuleArn>{arn}</RuleArn><Priority>{priority}</Priority><IsDefault>{}</IsDefault>\
             <Conditions>{conditions}</Conditions>{forward}</member>",
            priority == "default"
        )
    };
    let host = "<member><Field>host-header</Field><Values><member>App.Example.com</member></Values>\
                <HostHeaderConfig><Values><member>App.Example.com</member></Values></HostHeaderConfig></member>\
                <member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X-Beta</HttpHeaderName>\
                <Values><member>On</member></Values></HttpHeaderConfig></member>\
                <member><Field>source-ip</Field><SourceIpConfig><Values><member>10.1.2.3/8</member></Values>\
                </SourceIpConfig></member>";
    let regex = "<member><Field>path-pattern</Field><PathPatternConfig><RegexValues><member>^/a$</member>\
                 </RegexValues></PathPatternConfig></member>";
    let legacy = "<member><Field>path-pattern</Field><Values><member>/Old/*</member></Values></member>";
    format!(
        "<Rules>{}{}{}{}</Rules>",
        rule("r-1", "20", host),
        rule("r-2", "10", regex),
        rule("r-3", "30", legacy),
        rule("r-4", "default", "")
    )
}

#[tokio::test]
async fn rules_are_read_in_one_canonical_form() {
    let (script, observed) = read(1, |request| {
        let operation = request.operation.as_str();
        let inner = match operation {
            "DescribeLoadBalancers" => format!(
                "<LoadBalancers><member><LoadBalancerArn>{LB}</LoadBalancerArn><LoadBalancerName>public</LoadBalancerName>\
                 <Type>application</Type></member></LoadBalancers>"
            ),
            "DescribeListeners" => format!(
                "<Listeners><member><ListenerArn>{LISTENER}</ListenerArn><LoadBalancerArn>{LB}</LoadBalancerArn>\
                 <Port>443</Port><Protocol>HTTPS</Protocol></member></Listeners>"
            ),
            "DescribeRules" => rules(),
            _ => return None,
        };
        Some(script::result(operation, &inner))
    })
    .await;
    let rules = observed.rules_of(&LISTENER.into()).present().unwrap();
    assert_eq!(rules.iter().map(|rule| rule.priority).collect::<Vec<_>>(), [10, 20, 30]);
    let unsayable: Vec<String> = rules[0].conditions.unsayable.iter().map(ToString::to_string).collect();
    assert_eq!(unsayable, ["path-pattern by regular expression ^/a$"]);
    assert_eq!(rules[1].conditions.hosts, BTreeSet::from(["app.example.com".to_owned()]));
    assert_eq!(rules[1].conditions.headers.first().unwrap().name, "x-beta");
    assert_eq!(rules[1].conditions.source_ips, BTreeSet::from(["10.0.0.0/8".parse().unwrap()]));
    assert_eq!(rules[2].conditions.paths, BTreeSet::from(["/Old/*".to_owned()]));
    assert!(rules[1].actions.login);
    let portolan::model::Serve::Forward(forward) = &rules[1].actions.serve else { panic!("{:?}", rules[1]) };
    assert_eq!(forward.weights.values().copied().collect::<Vec<_>>(), [1, 0]);
    assert_eq!(script.only("DescribeTags").members().len(), 3, "rules alone: there are no target groups");
}

#[tokio::test]
async fn the_mark_is_looked_for_in_every_group_when_pruning() {
    let script = Script::new(|request| match request.operation.as_str() {
        "DescribeSecurityGroupRules" => script::response(
            "DescribeSecurityGroupRules",
            "<securityGroupRuleSet><item><securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-9</groupId>\
             <isEgress>false</isEgress><ipProtocol>-1</ipProtocol><fromPort>-1</fromPort><toPort>-1</toPort>\
             <cidrIpv4>10.1.2.3/16</cidrIpv4></item>\
             <item><securityGroupRuleId>sgr-2</securityGroupRuleId><groupId>sg-9</groupId><isEgress>true</isEgress>\
             <ipProtocol>-1</ipProtocol></item></securityGroupRuleSet>",
        ),
        _ => script::empty(request),
    });
    let observed = observe(&script, &manifest(1, ", removal: {prune: true}")).await;
    let rules = observed.marked_ingress.present().unwrap();
    let [rule] = rules.as_slice() else { panic!("ingress alone: {rules:?}") };
    assert_eq!(rule.ports, None);
    assert_eq!(rule.source.to_string(), "10.1.0.0/16");
    let sent = script.only("DescribeSecurityGroupRules");
    assert_eq!(sent.member("Filter.1.Name"), Some("tag:portolan.dev/fleet"));
    assert_eq!(sent.member("Filter.1.Value.1"), Some("harbour"));
}
