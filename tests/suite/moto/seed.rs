//! Fleets in moto, made with the SDK as people would make them by other means: nothing bears Portolan's mark.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use aws_sdk_ec2::types as ec2;
use aws_sdk_ecs::types as ecs;
use aws_sdk_elasticloadbalancingv2::types as elb;
use portolan::manifest::{Source, load};
use portolan::model::{Desired, GroupId, ListenerArn, RuleArn, ServiceId, TargetGroupArn};

use super::{ACCOUNT, REGION};
use crate::emulator::Emulator;

/// The cluster of every seed.
pub const CLUSTER: &str = "prod";

/// One service and what leads to it.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// Name of the service and of its target group.
    pub name: String,
    /// Port of the container, different for each service.
    pub port: u16,
    /// Priority of its rule.
    pub priority: i32,
    /// ARN of its task definition.
    pub task_definition: String,
    /// Its target group; empty in a bare fleet.
    pub target_group: String,
    /// Its rule; empty in a bare fleet.
    pub rule: String,
    /// Address of its one task; empty in a bare fleet.
    pub address: String,
}

impl Seeded {
    /// As the manifest names it.
    pub fn id(&self) -> ServiceId {
        ServiceId { cluster: CLUSTER.to_owned(), name: self.name.clone() }
    }

    /// The target group's ARN.
    pub fn target_group_arn(&self) -> TargetGroupArn {
        TargetGroupArn::from(self.target_group.clone())
    }

    /// The rule's ARN.
    pub fn rule_arn(&self) -> RuleArn {
        RuleArn::from(self.rule.clone())
    }
}

/// A fleet in moto.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The VPC `main`.
    pub vpc: String,
    /// `private-a`, `private-b`
    pub subnets: [String; 2],
    /// The load balancer's group `lb`.
    pub lb_group: String,
    /// The tasks' group `tasks`.
    pub task_group: String,
    /// The load balancer `public`.
    pub load_balancer: String,
    /// Its listener on port 80.
    pub listener: String,
    /// The services.
    pub services: Vec<Seeded>,
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    ec2: aws_sdk_ec2::Client,
}

/// Services behind one load balancer, everything as [`Fleet::manifest`] declares it.
pub async fn sound_fleet(on: &impl Emulator, names: &[&str]) -> Fleet {
    let mut fleet = bare(on, names).await;
    for index in 0..fleet.services.len() {
        let mut service = fleet.services[index].clone();
        service.target_group = fleet.make_target_group(&service).await;
        service.rule = fleet.make_rule(&service).await;
        fleet.allow(&service).await;
        fleet.wire(&service).await;
        if !on.starts_tasks() {
            service.address = fleet.run_task(&service).await;
        }
        fleet.services[index] = service;
    }
    on.settle();
    if on.starts_tasks() {
        for index in 0..fleet.services.len() {
            fleet.services[index].address = fleet.address_of(&fleet.services[index]).await;
        }
    }
    fleet
}

/// Only what others make: network, load balancer, cluster, and services without a way in.
pub async fn bare(on: &impl Emulator, names: &[&str]) -> Fleet {
    let config = on.config();
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let vpc = make_vpc(&ec2).await;
    let subnets = [make_subnet(&ec2, &vpc, "a", 1).await, make_subnet(&ec2, &vpc, "b", 2).await];
    let lb_group = make_group(&ec2, &vpc, "lb").await;
    let task_group = make_group(&ec2, &vpc, "tasks").await;
    admit_clients(&ec2, &lb_group).await;
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&config);
    let (load_balancer, listener) = make_load_balancer(&elb, &subnets, &lb_group).await;
    let ecs = aws_sdk_ecs::Client::new(&config);
    ecs.create_cluster().cluster_name(CLUSTER).send().await.unwrap();
    let services = Vec::new();
    let mut fleet = Fleet { vpc, subnets, lb_group, task_group, load_balancer, listener, services, ecs, elb, ec2 };
    for (name, number) in names.iter().zip(0u16..) {
        let mut service = Seeded {
            name: (*name).to_owned(),
            port: 8080 + number,
            priority: 100 + i32::from(number),
            task_definition: String::new(),
            target_group: String::new(),
            rule: String::new(),
            address: String::new(),
        };
        service.task_definition = fleet.make_task_definition(&service).await;
        fleet.make_service(&service).await;
        fleet.services.push(service);
    }
    on.settle();
    fleet
}

async fn make_vpc(client: &aws_sdk_ec2::Client) -> String {
    let tags = name_tag(ec2::ResourceType::Vpc, "main");
    let made = client.create_vpc().cidr_block("10.0.0.0/16").tag_specifications(tags).send().await.unwrap();
    let id = made.vpc().unwrap().vpc_id().unwrap().to_owned();
    // moto cannot start awsvpc tasks without.
    let on = ec2::AttributeBooleanValue::builder().value(true).build();
    client.modify_vpc_attribute().vpc_id(&id).enable_dns_hostnames(on).send().await.unwrap();
    // An internet-facing load balancer needs a way out.
    let gateway = client.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway().unwrap().internet_gateway_id().unwrap();
    client.attach_internet_gateway().internet_gateway_id(gateway).vpc_id(&id).send().await.unwrap();
    let filter = |name: &str, value: &str| ec2::Filter::builder().name(name).values(value).build();
    let request = client.describe_route_tables().filters(filter("vpc-id", &id));
    let tables = request.filters(filter("association.main", "true")).send().await.unwrap();
    let main = tables.route_tables()[0].route_table_id().unwrap();
    let route = client.create_route().route_table_id(main).destination_cidr_block("0.0.0.0/0");
    route.gateway_id(gateway).send().await.unwrap();
    id
}

async fn make_subnet(client: &aws_sdk_ec2::Client, vpc: &str, zone: &str, number: u8) -> String {
    let request = client
        .create_subnet()
        .vpc_id(vpc)
        .cidr_block(format!("10.0.{number}.0/24"))
        .availability_zone(format!("{REGION}{zone}"))
        .tag_specifications(name_tag(ec2::ResourceType::Subnet, &format!("private-{zone}")));
    request.send().await.unwrap().subnet().unwrap().subnet_id().unwrap().to_owned()
}

async fn make_group(client: &aws_sdk_ec2::Client, vpc: &str, name: &str) -> String {
    let request = client.create_security_group().group_name(name).description(name).vpc_id(vpc);
    request.send().await.unwrap().group_id().unwrap().to_owned()
}

async fn admit_clients(client: &aws_sdk_ec2::Client, group: &str) {
    let anybody = ec2::IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let http = ec2::IpPermission::builder().ip_protocol("tcp").from_port(80).to_port(80).ip_ranges(anybody).build();
    client.authorize_security_group_ingress().group_id(group).ip_permissions(http).send().await.unwrap();
}

async fn make_load_balancer(
    client: &aws_sdk_elasticloadbalancingv2::Client,
    subnets: &[String; 2],
    group: &str,
) -> (String, String) {
    let request = client.create_load_balancer().name("public").set_subnets(Some(subnets.to_vec()));
    let made = request.security_groups(group).send().await.unwrap();
    let arn = made.load_balancers()[0].load_balancer_arn().unwrap().to_owned();
    let not_found = elb::FixedResponseActionConfig::builder().status_code("404").build();
    let default =
        elb::Action::builder().r#type(elb::ActionTypeEnum::FixedResponse).fixed_response_config(not_found).build();
    let request = client.create_listener().load_balancer_arn(&arn).protocol(elb::ProtocolEnum::Http).port(80);
    let listener = request.default_actions(default).send().await.unwrap();
    let listener = listener.listeners()[0].listener_arn().unwrap().to_owned();
    (arn, listener)
}

fn name_tag(kind: ec2::ResourceType, name: &str) -> ec2::TagSpecification {
    let tag = ec2::Tag::builder().key("Name").value(name).build();
    ec2::TagSpecification::builder().resource_type(kind).tags(tag).build()
}

impl Fleet {
    async fn make_task_definition(&self, service: &Seeded) -> String {
        let port = ecs::PortMapping::builder().container_port(i32::from(service.port)).name("http").build();
        let secret = ecs::KeyValuePair::builder().name("PASSWORD").value(SECRET).build();
        let container = ecs::ContainerDefinition::builder()
            .name("app")
            .image("example/app:1")
            .memory(256)
            .port_mappings(port)
            .environment(secret)
            .build();
        let request = self
            .ecs
            .register_task_definition()
            .family(&service.name)
            .network_mode(ecs::NetworkMode::Awsvpc)
            .requires_compatibilities(ecs::Compatibility::Fargate)
            .cpu("256")
            .memory("512")
            .container_definitions(container);
        let made = request.send().await.unwrap();
        made.task_definition().unwrap().task_definition_arn().unwrap().to_owned()
    }

    fn network(&self) -> ecs::NetworkConfiguration {
        let awsvpc = ecs::AwsVpcConfiguration::builder()
            .set_subnets(Some(self.subnets.to_vec()))
            .security_groups(&self.task_group)
            .assign_public_ip(ecs::AssignPublicIp::Disabled)
            .build()
            .unwrap();
        ecs::NetworkConfiguration::builder().awsvpc_configuration(awsvpc).build()
    }

    async fn make_service(&self, service: &Seeded) {
        let request = self
            .ecs
            .create_service()
            .cluster(CLUSTER)
            .service_name(&service.name)
            .task_definition(&service.task_definition)
            .desired_count(1)
            .launch_type(ecs::LaunchType::Fargate)
            .network_configuration(self.network());
        request.send().await.unwrap();
    }

    async fn make_target_group(&self, service: &Seeded) -> String {
        let request = self
            .elb
            .create_target_group()
            .name(&service.name)
            .vpc_id(&self.vpc)
            .protocol(elb::ProtocolEnum::Http)
            .port(i32::from(service.port))
            .target_type(elb::TargetTypeEnum::Ip)
            .health_check_path("/healthz");
        request.send().await.unwrap().target_groups()[0].target_group_arn().unwrap().to_owned()
    }

    async fn make_rule(&self, service: &Seeded) -> String {
        let forward =
            elb::Action::builder().r#type(elb::ActionTypeEnum::Forward).target_group_arn(&service.target_group).build();
        let request = self
            .elb
            .create_rule()
            .listener_arn(&self.listener)
            .priority(service.priority)
            .conditions(path_condition(&format!("/{}/*", service.name)))
            .actions(forward);
        request.send().await.unwrap().rules()[0].rule_arn().unwrap().to_owned()
    }

    async fn allow(&self, service: &Seeded) {
        let source = ec2::UserIdGroupPair::builder().group_id(&self.lb_group).build();
        let permission = ec2::IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(i32::from(service.port))
            .to_port(i32::from(service.port))
            .user_id_group_pairs(source)
            .build();
        let request = self.ec2.authorize_security_group_ingress().group_id(&self.task_group);
        request.ip_permissions(permission).send().await.unwrap();
    }

    async fn wire(&self, service: &Seeded) {
        let entry = ecs::LoadBalancer::builder()
            .target_group_arn(&service.target_group)
            .container_name("app")
            .container_port(i32::from(service.port))
            .build();
        let request = self.ecs.update_service().cluster(CLUSTER).service(&service.name).load_balancers(entry);
        request.send().await.unwrap();
    }

    /// Does what ECS does on AWS and moto leaves out: starts a task and registers it.
    async fn run_task(&self, service: &Seeded) -> String {
        let request = self
            .ecs
            .run_task()
            .cluster(CLUSTER)
            .task_definition(&service.task_definition)
            .group(format!("service:{}", service.name))
            .launch_type(ecs::LaunchType::Fargate)
            .network_configuration(self.network());
        let started = request.send().await.unwrap();
        let details = started.tasks()[0].attachments()[0].details();
        let address = details.iter().find(|detail| detail.name() == Some("privateIPv4Address"));
        let address = address.unwrap().value().unwrap().to_owned();
        self.register(service, &address).await;
        address
    }

    /// The address that ECS registered.
    async fn address_of(&self, service: &Seeded) -> String {
        let request = self.elb.describe_target_health().target_group_arn(&service.target_group);
        let health = request.send().await.unwrap();
        health.target_health_descriptions()[0].target().unwrap().id().unwrap().to_owned()
    }

    /// Registers an address in a service's target group.
    pub async fn register(&self, service: &Seeded, address: &str) {
        // AWS wants to be told that an address is not the VPC's own.
        let zone = (!address.starts_with("10.0.")).then(|| "all".to_owned());
        let target = elb::TargetDescription::builder().id(address).port(i32::from(service.port));
        let target = target.set_availability_zone(zone).build();
        let request = self.elb.register_targets().target_group_arn(&service.target_group).targets(target);
        request.send().await.unwrap();
    }

    /// The addresses of everything that carries the group of the tasks.
    pub async fn carriers_of_tasks(&self) -> BTreeSet<IpAddr> {
        let filter = ec2::Filter::builder().name("group-id").values(&self.task_group).build();
        let found = self.ec2.describe_network_interfaces().filters(filter).send().await.unwrap();
        let addresses = found.network_interfaces().iter().filter_map(|interface| interface.private_ip_address());
        addresses.map(|address| address.parse().unwrap()).collect()
    }

    /// Breaks the way of one service: nothing may come in any more.
    pub async fn revoke_ingress(&self, service: &Seeded) {
        let filter = ec2::Filter::builder().name("group-id").values(&self.task_group).build();
        let rules = self.ec2.describe_security_group_rules().filters(filter).send().await.unwrap();
        let port = Some(i32::from(service.port));
        let rule = rules.security_group_rules().iter().find(|rule| rule.from_port() == port).unwrap();
        let request = self.ec2.revoke_security_group_ingress().group_id(&self.task_group);
        request.security_group_rule_ids(rule.security_group_rule_id().unwrap()).send().await.unwrap();
    }

    /// Sets the desired count by hand.
    pub async fn set_count(&self, service: &Seeded, count: i32) {
        let request = self.ecs.update_service().cluster(CLUSTER).service(&service.name).desired_count(count);
        request.send().await.unwrap();
    }

    /// Points the health check elsewhere.
    pub async fn change_health_path(&self, service: &Seeded, path: &str) {
        let request = self.elb.modify_target_group().target_group_arn(&service.target_group).health_check_path(path);
        request.send().await.unwrap();
    }

    /// Points the rule elsewhere.
    pub async fn change_rule_path(&self, service: &Seeded, path: &str) {
        let request = self.elb.modify_rule().rule_arn(&service.rule).conditions(path_condition(path));
        request.send().await.unwrap();
    }

    /// Deletes the rule.
    pub async fn delete_rule(&self, service: &Seeded) {
        self.elb.delete_rule().rule_arn(&service.rule).send().await.unwrap();
    }

    /// The SDK's clients, for what the seeds do not say.
    pub fn sdk(&self) -> (&aws_sdk_ecs::Client, &aws_sdk_elasticloadbalancingv2::Client, &aws_sdk_ec2::Client) {
        (&self.ecs, &self.elb, &self.ec2)
    }

    /// The listener's ARN.
    pub fn listener_arn(&self) -> ListenerArn {
        ListenerArn::from(self.listener.clone())
    }

    /// The tasks' group.
    pub fn task_group_id(&self) -> GroupId {
        GroupId::from(self.task_group.clone())
    }

    /// The manifest that describes a sound fleet, and that a bare one can be brought to.
    pub fn manifest(&self) -> String {
        let mut text = format!(
            "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {{name: harbour}}\nspec:\n  \
             region: {REGION}\n  account: \"{ACCOUNT}\"\n  cluster: {CLUSTER}\n  vpc: main\n  mode: enforce\n  \
             redeploy: allow\n  rollout: {{concurrent: 100%}}\n"
        );
        for Seeded { name, port, priority, .. } in &self.services {
            write!(
                text,
                r#"---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {{name: {name}}}
spec:
  desiredCount: 1
  network:
    mode: awsvpc
    subnets: [private-a, private-b]
    securityGroups: [tasks]
  ports:
    - {{name: http, container: app, containerPort: {port}, targetGroups: [{name}]}}
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {{name: {name}}}
spec:
  loadBalancer: public
  protocol: HTTP
  port: {port}
  targetType: ip
  healthCheck: {{path: /healthz}}
  routes:
    - {{listener: 80, priority: {priority}, paths: ["/{name}/*"]}}
"#
            )
            .unwrap();
        }
        text
    }

    /// The manifest, loaded.
    pub fn desired(&self) -> Desired {
        desired(&self.manifest())
    }
}

/// What a manifest says.
pub fn desired(manifest: &str) -> Desired {
    let source = Source { name: "fleet.yaml".to_owned(), text: manifest.to_owned(), files: Default::default() };
    load(&[source]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A value in the environment of every seeded container. Whatever shows it leaks.
pub const SECRET: &str = "hunter2-never-shown";

fn path_condition(path: &str) -> elb::RuleCondition {
    let config = elb::PathPatternConditionConfig::builder().values(path).build();
    elb::RuleCondition::builder().field("path-pattern").path_pattern_config(config).build()
}
