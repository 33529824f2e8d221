//! Somebody else who changes what a step is about, after it was planned and before it is sent.

use portolan::model::{RuleArn, ServiceId, TargetGroupArn, TargetKey};
use portolan::plan::{Action, Ref, Step};
use portolan::sandbox::World;
use serde_json::{Value, json};

use super::service::list;

/// What they do. What a step does not touch they leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Deletes the thing.
    Delete,
    /// Changes it to something that serves nobody worse.
    Edit,
    /// Takes targets out.
    Deregister,
    /// Puts the step's targets in, or back.
    Register,
    /// Does what the step is about to do.
    Same,
    /// Takes all targets out of the groups that get requests by the step.
    Empty,
}

/// By their names on the command line.
pub const DEEDS: &[(&str, Deed)] = &[
    ("other-deletes", Deed::Delete),
    ("other-edits", Deed::Edit),
    ("other-deregisters", Deed::Deregister),
    ("other-registers", Deed::Register),
    ("other-does-the-same", Deed::Same),
    ("other-empties", Deed::Empty),
];

/// Does it. AWS may refuse: then nothing is different.
pub fn act(world: &mut World, step: &Step, deed: Deed) {
    if let Deed::Empty = deed {
        for arn in step.receivers.iter().flatten() {
            let healthy = with_health(world, arn.as_str(), "healthy");
            targets_call(world, "DeregisterTargets", arn, &healthy);
        }
        return;
    }
    match &step.action {
        Action::DeleteRule { rule, .. } | Action::ModifyRule { rule, .. } => on_rule(world, rule, deed),
        Action::SetRulePriorities { priorities, .. } => {
            if let Some(rule) = priorities.keys().next() {
                on_rule(world, rule, deed);
            }
        }
        Action::CreateRule { listener, priority, .. } => {
            if let Deed::Edit | Deed::Same = deed {
                let actions = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]);
                let conditions = json!([{"Field": "path-pattern", "Values": ["/nobody-asks-for-this"]}]);
                let rule = json!({"ListenerArn": listener.to_string(), "Priority": priority.to_string(),
                    "Conditions": conditions, "Actions": actions});
                call(world, "elasticloadbalancing:CreateRule", &rule);
            }
        }
        Action::ModifyListener { listener, .. } => {
            if let Deed::Edit = deed {
                let actions = json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]);
                let input = json!({"ListenerArn": listener.to_string(), "DefaultActions": actions});
                call(world, "elasticloadbalancing:ModifyListener", &input);
            }
        }
        Action::StopServiceDeployment { deployment, .. } => {
            if let Deed::Edit | Deed::Same = deed {
                call(world, "ecs:StopServiceDeployment", &json!({"serviceDeploymentArn": deployment}));
            }
        }
        Action::CreateTargetGroup(new) => {
            if let Deed::Same = deed {
                let input = json!({"Name": new.name, "Protocol": new.protocol.to_string(), "Port": new.port.to_string(),
                    "VpcId": new.vpc.to_string(), "TargetType": "ip"});
                call(world, "elasticloadbalancing:CreateTargetGroup", &input);
            }
        }
        Action::ModifyTargetGroup { target_group, .. } | Action::AddTags { target_group, .. } => {
            on_group(world, target_group, &[], deed);
        }
        Action::DeleteTargetGroup { target_group, .. } => {
            on_group(world, target_group, &[key("10.0.10.77", 8080)], deed);
        }
        Action::DeregisterTargets { target_group, targets, .. } => {
            let targets: Vec<TargetKey> = targets.iter().cloned().collect();
            if let Deed::Same = deed {
                return targets_call(world, "DeregisterTargets", target_group, &targets);
            }
            on_group(world, target_group, &targets, deed);
        }
        Action::RegisterTargets { target_group, targets } => {
            let targets: Vec<TargetKey> = targets.iter().map(|target| target.key.clone()).collect();
            if let Ref::Known(group) = target_group {
                let deed = if deed == Deed::Same { Deed::Register } else { deed };
                on_group(world, group, &targets, deed);
            }
        }
        Action::ModifyTargetGroupAttributes { target_group, .. } => {
            if let Ref::Known(group) = target_group {
                on_group(world, group, &[], deed);
            }
        }
        Action::UpdateServiceCount { service, desired_count, from, .. } => match deed {
            Deed::Edit => count(world, service, from + 1),
            Deed::Same => count(world, service, *desired_count),
            Deed::Delete => delete_service(world, service),
            Deed::Deregister | Deed::Register | Deed::Empty => {}
        },
        Action::UpdateServiceMembers { service, members, .. } => {
            let mut input = serde_json::Map::from_iter([
                ("cluster".to_owned(), json!(service.cluster)),
                ("service".to_owned(), json!(service.name)),
            ]);
            match deed {
                Deed::Edit => {
                    input.insert("healthCheckGracePeriodSeconds".to_owned(), json!(7));
                    call(world, "ecs:UpdateService", &input.into());
                }
                Deed::Same => {
                    input.extend(members.members().clone());
                    call(world, "ecs:UpdateService", &input.into());
                }
                Deed::Delete => delete_service(world, service),
                Deed::Deregister | Deed::Register | Deed::Empty => {}
            }
        }
        Action::DrainService { service, .. } | Action::DeleteService { service, .. } => match deed {
            Deed::Edit => count(world, service, 3),
            Deed::Same | Deed::Delete => delete_service(world, service),
            Deed::Deregister | Deed::Register | Deed::Empty => {}
        },
        Action::TagService { service, .. } => {
            if let Deed::Delete = deed {
                delete_service(world, service);
            }
        }
        Action::UpdateService { service, .. } => match deed {
            Deed::Edit => count(world, service, 3),
            Deed::Delete => delete_service(world, service),
            Deed::Deregister | Deed::Register | Deed::Same | Deed::Empty => {}
        },
        Action::RegisterTaskDefinition { source: Some(source), .. } => {
            if let Deed::Delete = deed {
                call(world, "ecs:DeregisterTaskDefinition", &json!({"taskDefinition": source.to_string()}));
            }
        }
        Action::RegisterTaskDefinition { source: None, .. } => {}
        // Somebody else creates one of that name, or the cluster has another one meanwhile.
        Action::CreateService(new) => {
            if let Deed::Same | Deed::Edit = deed {
                create_service(world, &new.service);
            }
        }
        Action::AuthorizeSecurityGroupIngress { group, ports, .. } => {
            if let Deed::Same | Deed::Edit = deed {
                let from = if deed == Deed::Same { "0.0.0.0/0" } else { "192.0.2.0/24" };
                let rule = json!([{"IpProtocol": "tcp", "FromPort": ports.from.to_string(),
                    "ToPort": ports.to.to_string(), "IpRanges": [{"CidrIp": from}]}]);
                let input = json!({"GroupId": group.to_string(), "IpPermissions": rule});
                call(world, "ec2:AuthorizeSecurityGroupIngress", &input);
            }
        }
        Action::RevokeSecurityGroupIngress { group, rule, .. } => match deed {
            Deed::Delete | Deed::Same => {
                let input = json!({"GroupId": group.to_string(), "SecurityGroupRuleId": [rule.to_string()]});
                call(world, "ec2:RevokeSecurityGroupIngress", &input);
            }
            Deed::Edit => {
                let tags = json!([{"Key": "portolan.dev/fleet"}]);
                let input = json!({"ResourceId": [rule.to_string()], "Tag": tags});
                call(world, "ec2:DeleteTags", &input);
            }
            Deed::Deregister | Deed::Register | Deed::Empty => {}
        },
    }
}

/// A service without tasks, of the newest revision that the account has.
fn create_service(world: &mut World, service: &ServiceId) {
    let revisions = world.call("ecs:ListTaskDefinitions", &json!({"sort": "DESC"})).unwrap_or_default();
    let subnets = world.call("ec2:DescribeSubnets", &json!({})).unwrap_or_default();
    let network = json!({"awsvpcConfiguration": {"subnets": [subnets["subnetSet"][0]["subnetId"]]}});
    let input = json!({
        "cluster": service.cluster, "serviceName": service.name, "desiredCount": 0, "launchType": "FARGATE",
        "taskDefinition": revisions["taskDefinitionArns"][0], "networkConfiguration": network,
    });
    call(world, "ecs:CreateService", &input);
}

fn on_rule(world: &mut World, rule: &RuleArn, deed: Deed) {
    let of_rule = json!({"RuleArns": [rule.to_string()]});
    match deed {
        Deed::Delete => call(world, "elasticloadbalancing:DeleteRule", &json!({"RuleArn": rule.to_string()})),
        // It forwards to a group that serves.
        Deed::Edit => {
            if let Some(group) = healthy_group(world) {
                let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
                let input = json!({"RuleArn": rule.to_string(), "Actions": actions});
                call(world, "elasticloadbalancing:ModifyRule", &input);
            }
        }
        // It is moved.
        Deed::Register => {
            let moved = json!([{"RuleArn": rule.to_string(), "Priority": "4321"}]);
            call(world, "elasticloadbalancing:SetRulePriorities", &json!({"RulePriorities": moved}));
        }
        // All targets of what it forwards to go, but one.
        Deed::Deregister => {
            for rule in list(world, "DescribeRules", &of_rule, "Rules") {
                let arn = rule["Actions"][0]["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"].as_str();
                if let Some(arn) = arn.map(TargetGroupArn::from) {
                    on_group(world, &arn, &[], Deed::Deregister);
                }
            }
        }
        Deed::Same | Deed::Empty => {}
    }
}

fn healthy_group(world: &mut World) -> Option<String> {
    let groups = list(world, "DescribeTargetGroups", &json!({"PageSize": 400}), "TargetGroups");
    let arns = groups.iter().filter_map(|group| group["TargetGroupArn"].as_str().map(str::to_owned));
    arns.collect::<Vec<_>>().into_iter().find(|arn| !with_health(world, arn, "healthy").is_empty())
}

fn with_health(world: &mut World, group: &str, state: &str) -> Vec<TargetKey> {
    let of_group = json!({"TargetGroupArn": group});
    let targets = list(world, "DescribeTargetHealth", &of_group, "TargetHealthDescriptions");
    let fitting = targets.iter().filter(|target| target["TargetHealth"]["State"] == state);
    let keys = fitting.filter_map(|target| {
        let port = target["Target"]["Port"].as_u64().and_then(|port| u16::try_from(port).ok())?;
        Some(key(target["Target"]["Id"].as_str()?, port))
    });
    keys.collect()
}

fn on_group(world: &mut World, group: &TargetGroupArn, targets: &[TargetKey], deed: Deed) {
    let arn = group.to_string();
    match deed {
        Deed::Delete => call(world, "elasticloadbalancing:DeleteTargetGroup", &json!({"TargetGroupArn": arn})),
        Deed::Edit => {
            let input = json!({"TargetGroupArn": arn, "UnhealthyThresholdCount": "7"});
            call(world, "elasticloadbalancing:ModifyTargetGroup", &input);
        }
        // All healthy ones that the step is not about, but for one.
        Deed::Deregister => {
            let mut healthy = with_health(world, &arn, "healthy");
            healthy.retain(|target| !targets.contains(target));
            healthy.pop();
            targets_call(world, "DeregisterTargets", group, &healthy);
        }
        Deed::Register => {
            targets_call(world, "DeregisterTargets", group, targets);
            targets_call(world, "RegisterTargets", group, targets);
        }
        Deed::Same | Deed::Empty => {}
    }
}

fn targets_call(world: &mut World, operation: &str, group: &TargetGroupArn, targets: &[TargetKey]) {
    if targets.is_empty() {
        return;
    }
    let targets: Vec<Value> =
        targets.iter().map(|target| json!({"Id": target.id, "Port": target.port.to_string()})).collect();
    let input = json!({"TargetGroupArn": group.to_string(), "Targets": targets});
    call(world, &format!("elasticloadbalancing:{operation}"), &input);
}

fn count(world: &mut World, service: &ServiceId, count: u32) {
    let input = json!({"cluster": service.cluster, "service": service.name, "desiredCount": count});
    call(world, "ecs:UpdateService", &input);
}

fn delete_service(world: &mut World, service: &ServiceId) {
    let input = json!({"cluster": service.cluster, "service": service.name, "force": true});
    call(world, "ecs:DeleteService", &input);
}

fn key(id: &str, port: u16) -> TargetKey {
    TargetKey { id: id.to_owned(), port }
}

/// A refusal leaves everything as it was, which is a run too.
fn call(world: &mut World, name: &str, input: &Value) {
    let _answer = world.call(name, input);
}
