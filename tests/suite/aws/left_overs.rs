//! What is asked before something may go: who really has an address, and which target groups any service names.

use std::net::IpAddr;

use portolan::aws::Reader;
use portolan::model::{AddressOwner, Observed, Seen};
use serde_json::json;

use super::script::{self, Answer, Request, Script};
use crate::moto::seed::desired;

const TG: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/checkout/1";
const GONE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/gone/2";

const MANIFEST: &str = "
apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: harbour}
spec: {cluster: prod, vpc: main, mode: enforce, removal: {prune: true}}
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
spec: {loadBalancer: public, protocol: HTTP}
";

/// A service without tasks, its target group with one registration, and a left-over target group.
fn world(request: &Request) -> Answer {
    let operation = request.operation.as_str();
    match operation {
        "DescribeServices" => script::json(json!({"services": [{
            "serviceName": "checkout", "status": "ACTIVE", "taskDefinition": "app:1", "deployments": []
        }]})),
        "ListServices" => {
            script::json(json!({"serviceArns": ["arn:aws:ecs:eu-west-1:123456789012:service/prod/other"]}))
        }
        "DescribeTargetGroups" => {
            let group = |arn: &str, name: &str| {
                format!(
                    "<member><TargetGroupArn>{arn}</TargetGroupArn><TargetGroupName>{name}</TargetGroupName>\
                     <Protocol>HTTP</Protocol><Port>80</Port><TargetType>ip</TargetType></member>"
                )
            };
            let groups = group(TG, "checkout") + &group(GONE, "gone");
            script::result(operation, &format!("<TargetGroups>{groups}</TargetGroups>"))
        }
        "DescribeTags" => {
            let mark = |key: &str, value: &str| {
                format!("<member><Key>portolan.dev/{key}</Key><Value>{value}</Value></member>")
            };
            let tags = mark("fleet", "harbour") + &mark("object", "TargetGroup/gone");
            let member =
                |arn: &str, tags: &str| format!("<member><ResourceArn>{arn}</ResourceArn><Tags>{tags}</Tags></member>");
            let members = member(TG, "") + &member(GONE, &tags);
            script::result(operation, &format!("<TagDescriptions>{members}</TagDescriptions>"))
        }
        "DescribeTargetHealth" if request.member("TargetGroupArn") == Some(TG) => script::result(
            operation,
            "<TargetHealthDescriptions><member><Target><Id>10.0.0.77</Id><Port>8080</Port></Target>\
             <TargetHealth><State>unhealthy</State></TargetHealth></member></TargetHealthDescriptions>",
        ),
        "DescribeSubnets" => script::response(
            operation,
            "<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/24</cidrBlock></item>\
             <item><subnetId>subnet-2</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.9.0/24</cidrBlock></item></subnetSet>",
        ),
        _ => script::empty(request),
    }
}

async fn read(answering: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> (Script, Observed) {
    let script = Script::new(move |request| answering(request).unwrap_or_else(|| world(request)));
    let observed = portolan::pass::observe(&desired(MANIFEST), &Reader::new(&script.clients())).await;
    (script, observed)
}

fn address() -> IpAddr {
    "10.0.0.77".parse().unwrap()
}

#[tokio::test]
async fn an_address_inside_a_delegated_prefix_is_somebodys() {
    for (prefix, seen) in [("10.0.0.64/28", Seen::Present(AddressOwner::Other)), ("10.0.0.16/28", Seen::Absent)] {
        let (script, observed) = read(move |request| {
            let by_subnet = request.member("Filter.1.Name") == Some("subnet-id");
            (request.operation == "DescribeNetworkInterfaces" && by_subnet).then(|| {
                let prefixes = format!("<ipv4PrefixSet><item><ipv4Prefix>{prefix}</ipv4Prefix></item></ipv4PrefixSet>");
                let item = format!("<item><networkInterfaceId>eni-1</networkInterfaceId>{prefixes}</item>");
                script::response(
                    "DescribeNetworkInterfaces",
                    &format!("<networkInterfaceSet>{item}</networkInterfaceSet>"),
                )
            })
        })
        .await;
        assert_eq!(observed.address_owners[&address()], seen, "{prefix}");
        let asked = script.sent("DescribeNetworkInterfaces");
        assert!(asked.iter().all(|request| request.member("IncludeManagedResources") == Some("true")));
        let subnets: Vec<_> = asked.iter().filter_map(|request| request.member("Filter.1.Value.1")).collect();
        assert!(subnets.contains(&"subnet-1") && !subnets.contains(&"subnet-2"), "{subnets:?}");
    }
}

#[tokio::test]
async fn an_address_is_nobodys_only_when_the_subnets_could_be_read() {
    let (_, observed) = read(|request| {
        (request.operation == "DescribeSubnets").then(|| script::ec2_error(403, "UnauthorizedOperation", "no"))
    })
    .await;
    assert_eq!(observed.address_owners[&address()].gap().unwrap().call, "ec2:DescribeSubnets");
}

#[tokio::test]
async fn every_service_of_the_cluster_is_asked_before_a_target_group_goes() {
    for (reason, known) in [("MISSING", true), ("ACCESS_DENIED", false)] {
        let (script, observed) = read(move |request| {
            let of_cluster = request.json["services"][0].as_str().is_some_and(|name| name.ends_with("/other"));
            (request.operation == "DescribeServices" && of_cluster)
                .then(|| script::json(json!({"services": [], "failures": [{"arn": "other", "reason": reason}]})))
        })
        .await;
        let named = &observed.cluster_services["prod"];
        assert_eq!(matches!(named, Seen::Present(_)), known, "{reason}: {named:?}");
        assert_eq!(script.only("ListServices").json["maxResults"], 100);
    }
}
