//! Clusters, task definitions and services.

use serde_json::{Value, json};

use super::{Builder, Built, or};
use crate::world_file::shape::{ContainerInstance, ContainerPort, Service, TaskDefinition, World};

impl Builder {
    pub(super) fn fleets(&mut self, shape: &World) -> Built {
        for name in shape.clusters.iter() {
            let input = json!({"clusterName": name});
            self.within("cluster", name, name.at, |builder| builder.call("ecs:CreateCluster", &input).map(drop))?;
        }
        for instance in shape.container_instances.iter() {
            let name = &instance.instance;
            self.within("container instance", name, name.at, |builder| builder.container_instance(instance))?;
        }
        for definition in shape.task_definitions.iter() {
            let family = &definition.family;
            self.within("task definition", family, definition.at, |builder| builder.task_definition(definition))?;
        }
        for service in shape.services.iter() {
            self.within("service", &service.name, service.at, |builder| builder.service(service))?;
        }
        for target in shape.scalable_targets.iter() {
            let input = json!({"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount",
                "ResourceId": format!("service/{}", target.service),
                "MinCapacity": target.min, "MaxCapacity": target.max});
            self.within("scalable target", &target.service, target.at, |builder| {
                builder.call("application-autoscaling:RegisterScalableTarget", &input).map(drop)
            })?;
        }
        Ok(())
    }

    fn container_instance(&mut self, instance: &ContainerInstance) -> Built {
        let document = json!({"instanceId": self.find("instance", &instance.instance)?}).to_string();
        let input = json!({"cluster": instance.cluster, "instanceIdentityDocument": document});
        self.call("ecs:RegisterContainerInstance", &input).map(drop)
    }

    fn task_definition(&mut self, definition: &TaskDefinition) -> Built {
        let port = |port: &ContainerPort| {
            let mut mapping = json!({"containerPort": port.port, "protocol": or(&port.protocol, "tcp")});
            if let Some(host) = &port.host {
                mapping["hostPort"] = json!(host);
            }
            mapping
        };
        let containers: Vec<Value> = definition
            .containers
            .iter()
            .map(|container| {
                let ports: Vec<Value> = container.ports.iter().map(|one| port(one)).collect();
                let mut made = json!({"name": container.name, "image": container.image, "portMappings": ports});
                if let Some(command) = &container.health_check {
                    made["healthCheck"] = json!({"command": ["CMD-SHELL", command]});
                }
                made
            })
            .collect();
        let network_mode = or(&definition.network_mode, "awsvpc");
        let mut input = json!({"family": definition.family, "networkMode": network_mode,
            "cpu": or(&definition.cpu, "256"),
            "memory": or(&definition.memory, "512"),
            "containerDefinitions": containers});
        if network_mode == "awsvpc" {
            input["requiresCompatibilities"] = json!(["FARGATE", "EC2"]);
        }
        self.call("ecs:RegisterTaskDefinition", &input).map(drop)
    }

    fn service(&mut self, service: &Service) -> Built {
        let entries = service.load_balancers.iter().map(|entry| {
            let group = self.find("targetGroup", &entry.target_group)?;
            Ok(json!({"targetGroupArn": group, "containerName": entry.container, "containerPort": entry.port}))
        });
        let entries: Vec<Value> = entries.collect::<Built<_>>()?;
        let breaker = json!({"enable": *service.circuit_breaker, "rollback": *service.circuit_breaker});
        let mut deployment = json!({"deploymentCircuitBreaker": breaker});
        for (member, value) in
            [("minimumHealthyPercent", &service.minimum_percent), ("maximumPercent", &service.maximum_percent)]
        {
            if let Some(value) = value {
                deployment[member] = json!(value);
            }
        }
        let mut input = json!({"cluster": service.cluster, "serviceName": service.name,
            "taskDefinition": service.task_definition, "launchType": or(&service.launch_type, "FARGATE"),
            "loadBalancers": entries, "deploymentConfiguration": deployment});
        if *service.daemon {
            input["schedulingStrategy"] = json!("DAEMON");
        } else {
            input["desiredCount"] = json!(service.desired_count.as_ref().map_or(1, |count| count.0));
        }
        if let Some(controller) = &service.controller {
            input["deploymentController"] = json!({"type": controller});
        }
        if let Some(grace) = &service.grace {
            input["healthCheckGracePeriodSeconds"] = json!(grace);
        }
        if !service.subnets.is_empty() {
            let subnets = self.find_all("subnet", &service.subnets)?;
            let groups = self.find_all("securityGroup", &service.security_groups)?;
            input["networkConfiguration"] =
                json!({"awsvpcConfiguration": {"subnets": subnets, "securityGroups": groups}});
        }
        self.call("ecs:CreateService", &input).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::world_file;

    #[test]
    fn a_container_with_a_health_check_calls_itself_healthy() {
        let text = "
vpcs: [{name: main, cidr: 10.0.0.0/16, subnets: [{name: a, cidr: 10.0.0.0/24, zone: a}], securityGroups: [{name: web}]}]
clusters: [prod]
taskDefinitions: [{family: web, containers: [{name: app, image: app, healthCheck: curl -f http://localhost/}]}]
services: [{name: web, cluster: prod, taskDefinition: web, subnets: [a], securityGroups: [web]}]
settle: 120
";
        let mut world = world_file::load("world.yaml", text).expect("a world");
        let listed = world.call("ecs:ListTasks", &json!({"cluster": "prod"})).expect("tasks");
        let tasks = world.call("ecs:DescribeTasks", &json!({"cluster": "prod", "tasks": listed["taskArns"]}));
        assert_eq!(tasks.expect("tasks")["tasks"][0]["healthStatus"], json!("HEALTHY"));
        let definition = world.call("ecs:DescribeTaskDefinition", &json!({"taskDefinition": "web"})).expect("it");
        let check = &definition["taskDefinition"]["containerDefinitions"][0]["healthCheck"]["command"];
        assert_eq!(*check, json!(["CMD-SHELL", "curl -f http://localhost/"]));
    }
}
