//! Twelve ways in which hands break a fleet, and how to tell that it is mended.

use portolan::sandbox::World;
use serde_json::{Value, json};

/// A kind of drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    CountLowered,
    WiringRemoved,
    RuleDeleted,
    RulePathsEdited,
    RuleForwardEdited,
    HealthPathEdited,
    AttributeEdited,
    IngressRevoked,
    DynamicRangeRevoked,
    StaticTargetLost,
    RegisteredTargetLost,
    StaleTargetAdded,
}

/// What takes longest comes first.
pub const KINDS: [Kind; 12] = [
    Kind::AttributeEdited,
    Kind::CountLowered,
    Kind::WiringRemoved,
    Kind::RuleDeleted,
    Kind::RulePathsEdited,
    Kind::RuleForwardEdited,
    Kind::HealthPathEdited,
    Kind::IngressRevoked,
    Kind::DynamicRangeRevoked,
    Kind::StaticTargetLost,
    Kind::RegisteredTargetLost,
    Kind::StaleTargetAdded,
];

const STRAY: &str = "10.0.4.200";

impl Kind {
    /// Seconds after which it must be mended: a look every 30 seconds and what the pass itself takes; an hour for
    /// attributes; for a stale target the two sightings besides, a deregistration delay of a minute apart; as long for one
    /// that has to drain before it can be registered again; for a removed block the deployment that its removal has
    /// started.
    pub fn bound(self) -> i64 {
        match self {
            Self::AttributeEdited => 3600 + 35,
            Self::StaleTargetAdded => 60 + 2 * 35,
            Self::StaticTargetLost | Self::RegisteredTargetLost => 60 + 35,
            Self::WiringRemoved => 15 * 60,
            _ => 35,
        }
    }

    /// The service or target group that it breaks: one of many, or one of a kind.
    pub fn victim(self, number: usize) -> String {
        match self {
            Self::DynamicRangeRevoked => "bridge".to_owned(),
            Self::StaticTargetLost => "ledger".to_owned(),
            Self::RegisteredTargetLost => "relay-2".to_owned(),
            _ => format!("svc-{number}"),
        }
    }

    /// Breaks it.
    pub fn strike(self, world: &mut World, victim: &str) {
        match self {
            Self::CountLowered => update_service(world, victim, "desiredCount", json!(0)),
            Self::WiringRemoved => update_service(world, victim, "loadBalancers", json!([])),
            Self::RuleDeleted => {
                let rule = rule_of(world, victim);
                call(world, "elasticloadbalancing:DeleteRule", json!({"RuleArn": rule["RuleArn"]}));
            }
            Self::RulePathsEdited => {
                let rule = rule_of(world, victim);
                let conditions =
                    json!([{"Field": "path-pattern", "PathPatternConfig": {"Values": [format!("/{victim}-old")]}}]);
                let input = json!({"RuleArn": rule["RuleArn"], "Conditions": conditions});
                call(world, "elasticloadbalancing:ModifyRule", input);
            }
            Self::RuleForwardEdited => {
                let rule = rule_of(world, victim);
                // A target group serves one load balancer, so that only a fixed answer can stand there instead.
                let actions = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]);
                let input = json!({"RuleArn": rule["RuleArn"], "Actions": actions});
                call(world, "elasticloadbalancing:ModifyRule", input);
            }
            Self::HealthPathEdited => {
                let arn = group(world, victim)["TargetGroupArn"].clone();
                let input = json!({"TargetGroupArn": arn, "HealthCheckPath": "/health"});
                call(world, "elasticloadbalancing:ModifyTargetGroup", input);
            }
            Self::AttributeEdited => {
                let arn = group(world, victim)["TargetGroupArn"].clone();
                let input = json!({"TargetGroupArn": arn, "Attributes": [{"Key": DELAY, "Value": "300"}]});
                call(world, "elasticloadbalancing:ModifyTargetGroupAttributes", input);
            }
            Self::IngressRevoked => revoke(world, &victim.replace("svc", "tasks"), 8080, 8080),
            Self::DynamicRangeRevoked => revoke(world, "nodes", 32768, 65535),
            Self::StaticTargetLost | Self::RegisteredTargetLost => {
                let arn = group(world, victim)["TargetGroupArn"].clone();
                let first = targets(world, victim).into_iter().next().unwrap();
                let input = json!({"TargetGroupArn": arn, "Targets": [{"Id": first, "Port": 8080}]});
                call(world, "elasticloadbalancing:DeregisterTargets", input);
            }
            Self::StaleTargetAdded => {
                let arn = group(world, victim)["TargetGroupArn"].clone();
                let input = json!({"TargetGroupArn": arn, "Targets": [{"Id": STRAY, "Port": 8080}]});
                call(world, "elasticloadbalancing:RegisterTargets", input);
            }
        }
    }

    /// Whether it is as it was.
    pub fn is_mended(self, world: &mut World, victim: &str) -> bool {
        match self {
            Self::CountLowered => service(world, victim)["desiredCount"] == 2,
            Self::WiringRemoved => {
                service(world, victim)["loadBalancers"].as_array().is_some_and(|list| list.len() == 1)
            }
            Self::RuleDeleted | Self::RulePathsEdited | Self::RuleForwardEdited => {
                let arn = group(world, victim)["TargetGroupArn"].clone();
                rules(world, victim).iter().any(|rule| {
                    let forwards = rule["Actions"][0]["TargetGroupArn"] == arn;
                    forwards && rule["Conditions"][0]["PathPatternConfig"]["Values"] == json!([format!("/{victim}")])
                })
            }
            Self::HealthPathEdited => group(world, victim)["HealthCheckPath"] == "/healthz",
            Self::AttributeEdited => {
                let input = json!({"TargetGroupArn": group(world, victim)["TargetGroupArn"]});
                let answer = call(world, "elasticloadbalancing:DescribeTargetGroupAttributes", input);
                let list = answer["Attributes"].as_array().cloned().unwrap_or_default();
                list.iter().any(|pair| pair["Key"] == DELAY && pair["Value"] == "60")
            }
            Self::IngressRevoked => admits(world, &victim.replace("svc", "tasks")),
            Self::DynamicRangeRevoked => admits(world, "nodes"),
            Self::StaticTargetLost => targets(world, victim).len() == 1,
            Self::RegisteredTargetLost => targets(world, victim).len() == 2,
            Self::StaleTargetAdded => !targets(world, victim).contains(&STRAY.to_owned()),
        }
    }
}

const DELAY: &str = "deregistration_delay.timeout_seconds";

/// A call of nobody: it draws on no bucket.
fn call(world: &mut World, call: &str, input: Value) -> Value {
    let buckets = std::mem::replace(&mut world.settings.buckets, false);
    let answer = world.call(call, &input);
    world.settings.buckets = buckets;
    answer.unwrap_or_else(|refusal| panic!("{call} with {input}: {refusal}"))
}

fn update_service(world: &mut World, service: &str, field: &str, value: Value) {
    let mut input = json!({"cluster": "prod", "service": service});
    input[field] = value;
    call(world, "ecs:UpdateService", input);
}

fn service(world: &mut World, name: &str) -> Value {
    call(world, "ecs:DescribeServices", json!({"cluster": "prod", "services": [name]}))["services"][0].clone()
}

fn group(world: &mut World, name: &str) -> Value {
    call(world, "elasticloadbalancing:DescribeTargetGroups", json!({"Names": [name]}))["TargetGroups"][0].clone()
}

/// Of targets that are not on their way out.
fn targets(world: &mut World, name: &str) -> Vec<String> {
    let input = json!({"TargetGroupArn": group(world, name)["TargetGroupArn"]});
    let answer = call(world, "elasticloadbalancing:DescribeTargetHealth", input);
    let live = answer["TargetHealthDescriptions"].as_array().cloned().unwrap_or_default();
    let live = live.iter().filter(|target| target["TargetHealth"]["State"] != "draining");
    live.filter_map(|target| target["Target"]["Id"].as_str().map(str::to_owned)).collect()
}

fn balancer_of(world: &mut World, victim: &str) -> Value {
    let number: usize = victim.trim_start_matches("svc-").parse().unwrap();
    let name = format!("public-{}", number / 100);
    let answer = call(world, "elasticloadbalancing:DescribeLoadBalancers", json!({"Names": [name]}));
    answer["LoadBalancers"][0]["LoadBalancerArn"].clone()
}

fn rules(world: &mut World, victim: &str) -> Vec<Value> {
    let balancer = balancer_of(world, victim);
    let answer = call(world, "elasticloadbalancing:DescribeListeners", json!({"LoadBalancerArn": balancer}));
    let listener = answer["Listeners"][0]["ListenerArn"].clone();
    let answer = call(world, "elasticloadbalancing:DescribeRules", json!({"ListenerArn": listener}));
    answer["Rules"].as_array().cloned().unwrap_or_default()
}

fn rule_of(world: &mut World, victim: &str) -> Value {
    let arn = group(world, victim)["TargetGroupArn"].clone();
    let forwards = |rule: &Value| rule["Actions"][0]["TargetGroupArn"] == arn;
    rules(world, victim).into_iter().find(forwards).unwrap()
}

fn group_id(world: &mut World, name: &str) -> Value {
    let filters = json!([{"Name": "group-name", "Value": [name]}]);
    let answer = call(world, "ec2:DescribeSecurityGroups", json!({"Filter": filters}));
    answer["securityGroupInfo"][0]["groupId"].clone()
}

fn revoke(world: &mut World, name: &str, from: u16, to: u16) {
    let (group, balancer) = (group_id(world, name), group_id(world, "lb"));
    let permission = json!({"IpProtocol": "tcp", "FromPort": from.to_string(), "ToPort": to.to_string(), "Groups": [{"GroupId": balancer}]});
    call(world, "ec2:RevokeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": [permission]}));
}

fn admits(world: &mut World, name: &str) -> bool {
    let filters = json!([{"Name": "group-name", "Value": [name]}]);
    let answer = call(world, "ec2:DescribeSecurityGroups", json!({"Filter": filters}));
    answer["securityGroupInfo"][0]["ipPermissions"].as_array().is_some_and(|list| !list.is_empty())
}
