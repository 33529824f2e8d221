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
    /// Seconds after which it must be mended: a look every 30 seconds and what the pass itself takes, or two seconds when an
    /// event `told` of it; an hour for attributes of which nobody tells. Not before its time goes a stale target (two
    /// sightings, a deregistration delay of a minute apart), what has to drain before it can be registered again, and a
    /// removed block, whose removal has started a deployment.
    pub fn bound(self, told: bool) -> i64 {
        match self {
            Self::StaleTargetAdded => 60 + 2 * 35,
            Self::StaticTargetLost | Self::RegisteredTargetLost => 60 + 35,
            Self::WiringRemoved => 15 * 60,
            _ if told => 2,
            Self::AttributeEdited => 3600 + 35,
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

    /// Breaks it, and answers with the call that did and its input.
    pub fn strike(self, world: &mut World, victim: &str) -> (&'static str, Value) {
        let (name, input) = self.deed(world, victim);
        call(world, name, input.clone());
        (name, input)
    }

    fn deed(self, world: &mut World, victim: &str) -> (&'static str, Value) {
        match self {
            Self::CountLowered => {
                ("ecs:UpdateService", json!({"cluster": "prod", "service": victim, "desiredCount": 0}))
            }
            Self::WiringRemoved => {
                ("ecs:UpdateService", json!({"cluster": "prod", "service": victim, "loadBalancers": []}))
            }
            Self::RuleDeleted => {
                ("elasticloadbalancing:DeleteRule", json!({"RuleArn": rule_of(world, victim)["RuleArn"]}))
            }
            Self::RulePathsEdited => {
                let values = json!([format!("/{victim}-old")]);
                let conditions = json!([{"Field": "path-pattern", "PathPatternConfig": {"Values": values}}]);
                let arn = rule_of(world, victim)["RuleArn"].clone();
                ("elasticloadbalancing:ModifyRule", json!({"RuleArn": arn, "Conditions": conditions}))
            }
            Self::RuleForwardEdited => {
                // A target group serves one load balancer: of what is there, only a fixed answer can stand instead.
                let actions = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]);
                let arn = rule_of(world, victim)["RuleArn"].clone();
                ("elasticloadbalancing:ModifyRule", json!({"RuleArn": arn, "Actions": actions}))
            }
            Self::HealthPathEdited => {
                let input = json!({"TargetGroupArn": arn(world, victim), "HealthCheckPath": "/health"});
                ("elasticloadbalancing:ModifyTargetGroup", input)
            }
            Self::AttributeEdited => {
                let attributes = json!([{"Key": DELAY, "Value": "300"}]);
                let input = json!({"TargetGroupArn": arn(world, victim), "Attributes": attributes});
                ("elasticloadbalancing:ModifyTargetGroupAttributes", input)
            }
            Self::IngressRevoked => revoking(world, victim, 8080, 8080),
            Self::DynamicRangeRevoked => revoking(world, "nodes", 32768, 65535),
            Self::StaticTargetLost | Self::RegisteredTargetLost => {
                let first = targets(world, victim).into_iter().next().unwrap();
                let input = json!({"TargetGroupArn": arn(world, victim), "Targets": [{"Id": first, "Port": 8080}]});
                ("elasticloadbalancing:DeregisterTargets", input)
            }
            Self::StaleTargetAdded => {
                let input = json!({"TargetGroupArn": arn(world, victim), "Targets": [{"Id": STRAY, "Port": 8080}]});
                ("elasticloadbalancing:RegisterTargets", input)
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
                let arn = arn(world, victim);
                rules(world, victim).iter().any(|rule| {
                    let forwards = rule["Actions"][0]["TargetGroupArn"] == arn;
                    forwards && rule["Conditions"][0]["PathPatternConfig"]["Values"] == json!([format!("/{victim}")])
                })
            }
            Self::HealthPathEdited => group(world, victim)["HealthCheckPath"] == "/healthz",
            Self::AttributeEdited => {
                let input = json!({"TargetGroupArn": arn(world, victim)});
                let answer = call(world, "elasticloadbalancing:DescribeTargetGroupAttributes", input);
                let list = answer["Attributes"].as_array().cloned().unwrap_or_default();
                list.iter().any(|pair| pair["Key"] == DELAY && pair["Value"] == "60")
            }
            Self::IngressRevoked => admits(world, victim),
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

fn service(world: &mut World, name: &str) -> Value {
    call(world, "ecs:DescribeServices", json!({"cluster": "prod", "services": [name]}))["services"][0].clone()
}

fn group(world: &mut World, name: &str) -> Value {
    call(world, "elasticloadbalancing:DescribeTargetGroups", json!({"Names": [name]}))["TargetGroups"][0].clone()
}

fn arn(world: &mut World, name: &str) -> Value {
    group(world, name)["TargetGroupArn"].clone()
}

/// Of targets that are not on their way out.
fn targets(world: &mut World, name: &str) -> Vec<String> {
    let input = json!({"TargetGroupArn": arn(world, name)});
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
    let arn = arn(world, victim);
    let forwards = |rule: &Value| rule["Actions"][0]["TargetGroupArn"] == arn;
    rules(world, victim).into_iter().find(forwards).unwrap()
}

fn group_id(world: &mut World, name: &str) -> Value {
    let filters = json!([{"Name": "group-name", "Value": [name]}]);
    let answer = call(world, "ec2:DescribeSecurityGroups", json!({"Filter": filters}));
    answer["securityGroupInfo"][0]["groupId"].clone()
}

fn revoking(world: &mut World, name: &str, from: u16, to: u16) -> (&'static str, Value) {
    let (group, balancer) = (group_id(world, name), group_id(world, "lb"));
    let (from, to) = (from.to_string(), to.to_string());
    let permission = json!({"IpProtocol": "tcp", "FromPort": from, "ToPort": to, "Groups": [{"GroupId": balancer}]});
    ("ec2:RevokeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": [permission]}))
}

fn admits(world: &mut World, name: &str) -> bool {
    let filters = json!([{"Name": "group-name", "Value": [name]}]);
    let answer = call(world, "ec2:DescribeSecurityGroups", json!({"Filter": filters}));
    answer["securityGroupInfo"][0]["ipPermissions"].as_array().is_some_and(|list| !list.is_empty())
}
