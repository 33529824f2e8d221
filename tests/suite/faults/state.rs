//! What a world has come to, without what is by chance: the ids of what was made, the addresses of tasks.

use std::collections::BTreeMap;

use portolan::sandbox::World;
use serde_json::{Value, json};

use super::service::list;

/// A line for each thing that Portolan may work on, sorted.
pub fn summary(world: &World) -> Vec<String> {
    let mut world = world.clone();
    let mut lines = Vec::new();
    let mut names = BTreeMap::new();
    for group in list(&mut world, "DescribeTargetGroups", &json!({"PageSize": 400}), "TargetGroups") {
        let (arn, name) = (text(&group["TargetGroupArn"]), text(&group["TargetGroupName"]));
        let mut check = group.clone();
        if let Some(members) = check.as_object_mut() {
            members.retain(|key, _| key != "TargetGroupArn" && key != "LoadBalancerArns");
        }
        lines.push(format!("targetgroup {check}"));
        let of_group = json!({"TargetGroupArn": group["TargetGroupArn"]});
        let attributes = list(&mut world, "DescribeTargetGroupAttributes", &of_group, "Attributes");
        lines.push(format!("attributes {name} {}", sorted(&attributes)));
        let targets = list(&mut world, "DescribeTargetHealth", &of_group, "TargetHealthDescriptions");
        let states: Vec<Value> = targets.iter().map(|target| target["TargetHealth"]["State"].clone()).collect();
        let states: Vec<Value> = states.into_iter().filter(|state| state != "draining").collect();
        lines.push(format!("targets {name} {}", sorted(&states)));
        names.insert(arn, name);
    }
    for balancer in list(&mut world, "DescribeLoadBalancers", &json!({}), "LoadBalancers") {
        let of_balancer = json!({"LoadBalancerArn": balancer["LoadBalancerArn"]});
        for listener in list(&mut world, "DescribeListeners", &of_balancer, "Listeners") {
            let of_listener = json!({"ListenerArn": listener["ListenerArn"]});
            for rule in list(&mut world, "DescribeRules", &of_listener, "Rules") {
                let what = json!([rule["Priority"], rule["Conditions"], rule["Actions"], rule["Transforms"]]);
                lines.push(format!("rule {}:{} {what}", text(&balancer["LoadBalancerName"]), listener["Port"]));
            }
        }
    }
    ingress(&mut world, &mut lines);
    services(&mut world, &mut lines);
    for line in &mut lines {
        for (arn, name) in &names {
            *line = line.replace(arn, name);
        }
    }
    lines.sort();
    lines
}

fn ingress(world: &mut World, lines: &mut Vec<String>) {
    let answer = world.call("ec2:DescribeSecurityGroupRules", &json!({})).unwrap_or_default();
    for rule in members(&answer, "securityGroupRuleSet") {
        let mut rule = rule.clone();
        if let Some(members) = rule.as_object_mut() {
            members.retain(|key, _| !["securityGroupRuleId", "securityGroupRuleArn", "tagSet"].contains(&key.as_str()));
        }
        lines.push(format!("ingress {rule}"));
    }
}

fn services(world: &mut World, lines: &mut Vec<String>) {
    let clusters = world.call("ecs:ListClusters", &json!({})).unwrap_or_default();
    for cluster in members(&clusters, "clusterArns") {
        let named = world.call("ecs:ListServices", &json!({"cluster": cluster, "maxResults": 100})).unwrap_or_default();
        for arn in members(&named, "serviceArns") {
            let asked = json!({"cluster": cluster, "services": [arn]});
            let answer = world.call("ecs:DescribeServices", &asked).unwrap_or_default();
            for service in members(&answer, "services") {
                let definition = json!({"taskDefinition": service["taskDefinition"]});
                let definition = world.call("ecs:DescribeTaskDefinition", &definition).unwrap_or_default();
                let containers = members(&definition["taskDefinition"], "containerDefinitions");
                let ports: Vec<Value> = containers.iter().map(|container| container["portMappings"].clone()).collect();
                let what = json!([
                    service["status"],
                    service["desiredCount"],
                    service["runningCount"],
                    service["loadBalancers"],
                    service["networkConfiguration"],
                    ports
                ]);
                lines.push(format!("service {} {what}", text(&service["serviceName"])));
            }
        }
    }
}

fn members(answer: &Value, name: &str) -> Vec<Value> {
    answer[name].as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn sorted(values: &[Value]) -> String {
    let mut lines: Vec<String> = values.iter().map(Value::to_string).collect();
    lines.sort();
    lines.join(" ")
}
