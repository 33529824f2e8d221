//! From the file to the model.

use std::collections::{BTreeMap, BTreeSet};

use portolan::model::service::AdvancedConfiguration;
use portolan::model::{self, *};
use portolan::shape::Tree;
use serde_json::{Value, json};

use super::{Does, Entry, GapFile, Marked, ObservedFile};

const ELB: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";
const ECS: &str = "arn:aws:ecs:eu-west-1:123456789012";

/// ARN of a target group of a case.
pub fn target_group_arn(name: &str) -> TargetGroupArn {
    TargetGroupArn::from(format!("{ELB}:targetgroup/{name}/1"))
}

fn balancer_arn(name: &str) -> LoadBalancerArn {
    LoadBalancerArn::from(format!("{ELB}:loadbalancer/{name}/1"))
}

fn definition_arn(name: &str) -> TaskDefinitionArn {
    TaskDefinitionArn::from(format!("{ECS}:task-definition/{name}"))
}

fn tags(mark: Option<&Marked>) -> Tags {
    mark.map_or_else(Tags::new, |mark| {
        Tags::from([
            (model::owner::FLEET_TAG.to_owned(), mark.fleet.clone()),
            (model::owner::OBJECT_TAG.to_owned(), mark.object.clone()),
        ])
    })
}

/// Builds the reading; `fleet` is the fleet's name, for what is asked by its mark.
pub fn build(file: &ObservedFile, fleet: &str) -> Observed {
    let mut observed = Observed::unasked(&file.region);
    observed.account = Seen::Present(file.account.clone());
    for name in &file.clusters {
        let cluster = Cluster { arn: format!("{ECS}:cluster/{name}"), name: name.clone() };
        observed.clusters.insert(name.clone(), Seen::Present(cluster));
    }
    observed.limits = Seen::Present(AccountLimits(file.limits.clone()));
    network(file, fleet, &mut observed);
    balancers(file, &mut observed);
    groups(file, &mut observed);
    ecs(file, &mut observed);
    carriers(file, &mut observed);
    for gap in &file.gaps {
        open_gap(gap, &mut observed);
    }
    observed
}

fn network(file: &ObservedFile, fleet: &str, observed: &mut Observed) {
    let net = |text: &String| text.parse().expect("a CIDR");
    let vpcs = file.vpcs.iter().map(|vpc| Vpc {
        id: VpcId::from(vpc.id.clone()),
        name: Some(vpc.name.clone()),
        cidrs: vpc.cidrs.iter().map(net).collect(),
        owner: Some(vpc.owner.clone()),
    });
    observed.vpcs = Seen::Present(vpcs.collect());
    for vpc in &file.vpcs {
        let routes = vpc.routes.iter().map(net).collect();
        observed.routes.insert(VpcId::from(vpc.id.clone()), Seen::Present(routes));
    }
    let subnets = file.subnets.iter().map(|subnet| Subnet {
        id: SubnetId::from(subnet.id.clone()),
        name: Some(subnet.name.clone()),
        vpc: VpcId::from(subnet.vpc.clone()),
        cidrs: BTreeSet::from([net(&subnet.cidr)]),
        zone: None,
    });
    observed.subnets = Seen::Present(subnets.collect());
    let mut groups = Vec::new();
    let mut marked = Vec::new();
    for group in &file.security_groups {
        groups.push(SecurityGroup {
            id: GroupId::from(group.id.clone()),
            name: group.name.clone(),
            name_tag: None,
            vpc: VpcId::from(group.vpc.clone()),
        });
        let rules: Vec<IngressRule> =
            group.ingress.iter().enumerate().map(|(number, rule)| ingress(&group.id, number, rule)).collect();
        let ours = |rule: &&IngressRule| matches!(Owner::of(&rule.tags, fleet), Owner::Ours(_));
        marked.extend(rules.iter().filter(ours).cloned());
        observed.ingress.insert(GroupId::from(group.id.clone()), Seen::Present(rules));
    }
    observed.security_groups = Seen::Present(groups);
    for (id, entries) in &file.prefix_lists {
        let entries = entries.iter().map(|text| text.parse().expect("a CIDR")).collect();
        observed.prefix_lists.insert(id.clone(), Seen::Present(entries));
    }
    observed.marked_ingress = Seen::Present(marked);
    for instance in &file.instances {
        let host = Host {
            instance: InstanceId::from(instance.id.clone()),
            terminated: instance.terminated,
            security_groups: instance.security_groups.iter().map(|id| GroupId::from(id.clone())).collect(),
            addresses: instance.address.iter().map(|text| text.parse().expect("an address")).collect(),
            subnet: None,
        };
        observed.hosts.insert(host.instance.clone(), Seen::Present(host));
    }
}

fn ingress(group: &str, number: usize, rule: &super::Ingress) -> IngressRule {
    let (protocol, ports) = rule.allow.split_once(' ').unwrap_or((&rule.allow, ""));
    let source = match rule.from.parse() {
        Ok(cidr) => RuleSource::Cidr(cidr),
        Err(_) if rule.from.starts_with("pl-") => RuleSource::PrefixList(rule.from.clone()),
        Err(_) => RuleSource::Group(GroupId::from(rule.from.clone())),
    };
    IngressRule {
        id: GroupRuleId::from(rule.id.clone().unwrap_or_else(|| format!("sgr-{group}-{number}"))),
        group: GroupId::from(group.to_owned()),
        protocol: IpProtocol::parse(protocol),
        ports: (!ports.is_empty()).then(|| port_range(ports)),
        source,
        description: None,
        tags: tags(rule.mark.as_ref()),
    }
}

fn port_range(text: &str) -> PortRange {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    PortRange { from: from.parse().expect("a port"), to: to.parse().expect("a port") }
}

fn actions(does: Option<&Does>) -> RuleActions {
    let Some(does) = does else {
        return RuleActions { login: false, token: false, serve: Serve::FixedResponse("404".to_owned()) };
    };
    let serve = match does {
        Does { redirect: true, .. } => Serve::Redirect("https://#{host}:443/#{path}".to_owned()),
        Does { fixed: Some(code), .. } => Serve::FixedResponse(code.to_string()),
        Does { forward, .. } => Serve::Forward(Forward {
            weights: forward.iter().map(|(name, weight)| (target_group_arn(name), *weight)).collect(),
        }),
    };
    RuleActions { login: does.login, token: false, serve }
}

fn balancers(file: &ObservedFile, observed: &mut Observed) {
    let mut all = Vec::new();
    for balancer in &file.load_balancers {
        let arn = balancer_arn(&balancer.name);
        let network = balancer.kind == "network";
        let mut listeners = Vec::new();
        for listener in &balancer.listeners {
            let listener_arn = ListenerArn::from(format!("{ELB}:listener/{}/{}", balancer.name, listener.port));
            listeners.push(model::Listener {
                arn: listener_arn.clone(),
                load_balancer: arn.clone(),
                port: listener.port,
                protocol: Protocol::parse(&listener.protocol),
                default_actions: actions(listener.default.as_ref()),
            });
            let rules = listener.rules.iter().enumerate().map(|(number, rule)| model::Rule {
                arn: RuleArn::from(format!("{ELB}:listener-rule/{}/{}/{number}", balancer.name, listener.port)),
                priority: rule.priority,
                conditions: Conditions {
                    hosts: rule.hosts.iter().cloned().collect(),
                    paths: rule.paths.iter().cloned().collect(),
                    source_ips: rule.source_ips.iter().map(|text| text.parse().expect("a CIDR")).collect(),
                    unsayable: rule.unsayable.iter().map(|words| words.as_str().into()).collect(),
                    ..Conditions::default()
                },
                actions: actions(Some(&rule.does)),
                transforms: Vec::new(),
                tags: Seen::Present(tags(rule.mark.as_ref()).into_iter().chain(rule.tags.clone()).collect()),
            });
            observed.rules.insert(listener_arn, Seen::Present(rules.collect()));
        }
        observed.listeners.insert(arn.clone(), Seen::Present(listeners));
        let nodes = balancer.nodes.iter();
        let nodes: BTreeMap<SubnetId, BTreeSet<std::net::IpAddr>> = nodes
            .map(|(subnet, text)| (SubnetId::from(subnet.clone()), [text.parse().expect("an address")].into()))
            .collect();
        let seen = if nodes.is_empty() { Seen::Absent } else { Seen::Present(nodes) };
        observed.nodes.insert(arn.clone(), seen);
        all.push(LoadBalancer {
            arn,
            name: balancer.name.clone(),
            kind: if network { LoadBalancerKind::Network } else { LoadBalancerKind::Application },
            vpc: Some(VpcId::from("vpc-main")),
            security_groups: balancer.security_groups.iter().map(|id| GroupId::from(id.clone())).collect(),
            subnets: balancer.subnets.iter().map(|id| SubnetId::from(id.clone())).collect(),
            ip_address_type: Default::default(),
            internal: false,
            filters_private_link: true,
            state: "active".to_owned(),
        });
    }
    observed.load_balancers = Seen::Present(all);
}

/// The load balancers whose rules or listeners forward to a target group.
fn attached(observed: &Observed, arn: &TargetGroupArn) -> BTreeSet<LoadBalancerArn> {
    let forwards =
        |actions: &RuleActions| matches!(&actions.serve, Serve::Forward(forward) if forward.weights.contains_key(arn));
    let listeners = observed.listeners.values().filter_map(|seen| seen.as_ref().present()).flatten();
    let uses = |listener: &&model::Listener| {
        let rules = observed.rules_of(&listener.arn).present().into_iter().flatten();
        forwards(&listener.default_actions) || rules.into_iter().any(|rule| forwards(&rule.actions))
    };
    listeners.filter(uses).map(|listener| listener.load_balancer.clone()).collect()
}

fn groups(file: &ObservedFile, observed: &mut Observed) {
    let mut all = Vec::new();
    for group in &file.target_groups {
        let arn = target_group_arn(&group.name);
        let protocol = Protocol::parse(&group.protocol);
        let mut load_balancers = attached(observed, &arn);
        load_balancers.extend(group.load_balancers.iter().map(|name| balancer_arn(name)));
        let http = protocol.is_http();
        let version = group.protocol_version.as_deref().map(ProtocolVersion::parse);
        let grpc = version == Some(ProtocolVersion::Grpc);
        let check = &group.health_check;
        let check_protocol = check.protocol.as_deref().map(Protocol::parse);
        let matcher = if grpc { Matcher::Grpc(check.matcher.clone()) } else { Matcher::Http(check.matcher.clone()) };
        let health_check = model::HealthCheck {
            protocol: check_protocol.clone().or(Some(if http { Protocol::Http } else { Protocol::Tcp })),
            port: Some(check.port.parse().map_or(HealthPort::Traffic, HealthPort::Fixed)),
            path: (http || check_protocol.as_ref().is_some_and(Protocol::is_http)).then(|| check.path.clone()),
            matcher: http.then_some(matcher),
            interval: Some(check.interval),
            timeout: Some(check.timeout),
            healthy_threshold: Some(check.healthy_threshold),
            unhealthy_threshold: Some(check.unhealthy_threshold),
        };
        observed.attributes.insert(arn.clone(), Seen::Present(group.attributes.clone().into()));
        observed.targets.insert(arn.clone(), Seen::Present(group.targets.iter().map(|text| target(text)).collect()));
        all.push(model::TargetGroup {
            arn,
            name: group.name.clone(),
            protocol_version: version.or(http.then_some(ProtocolVersion::Http1)),
            protocol,
            port: Some(group.port),
            vpc: Some(VpcId::from(group.vpc.clone())),
            target_type: TargetType::parse(&group.target_type),
            family: Default::default(),
            health_check,
            load_balancers,
            tags: Seen::Present(tags(group.mark.as_ref()).into_iter().chain(group.tags.clone()).collect()),
        });
    }
    observed.target_groups = Seen::Present(all);
}

fn target(text: &str) -> Target {
    let (key, state) = text.split_once(' ').unwrap_or((text, "healthy"));
    let (id, port) = key.rsplit_once(':').expect("address:port");
    let state = match state {
        "healthy" => TargetState::Healthy,
        "unhealthy" => TargetState::Unhealthy,
        "initial" => TargetState::Initial,
        "draining" => TargetState::Draining,
        "unused" => TargetState::Unused,
        other => panic!("unknown target state {other}"),
    };
    Target {
        key: TargetKey { id: id.to_owned(), port: port.parse().expect("a port") },
        zone: None,
        health: TargetHealth { state, reason: None, description: None },
    }
}

fn entry(entry: &Entry) -> LoadBalancerEntry {
    LoadBalancerEntry {
        target_group: Some(target_group_arn(&entry.target_group)),
        classic: None,
        container: entry.container.clone(),
        container_port: entry.port,
        advanced: entry.alternate.as_ref().map(|alternate| AdvancedConfiguration {
            alternate_target_group: Some(target_group_arn(alternate)),
            ..AdvancedConfiguration::default()
        }),
    }
}

/// A revision with the ports of its containers, and what else the file says of it.
fn task_definition(definition: &super::TaskDefinition) -> TaskDefinition {
    let mappings =
        |ports: &Vec<String>| -> Value { ports.iter().map(|text| mapping(text, &definition.mode)).collect() };
    let container = |(name, ports): (&String, &Vec<String>)| {
        let mut members = json!({"name": name, "image": format!("{name}:1"), "portMappings": mappings(ports)});
        for (key, value) in definition.more.get(name).and_then(Value::as_object).into_iter().flatten() {
            members[key] = value.clone();
        }
        members
    };
    let mut content = definition.content.clone();
    let family = definition.name.split(':').next().unwrap_or_default();
    content.insert("family".to_owned(), family.into());
    content.insert("networkMode".to_owned(), definition.mode.as_str().into());
    content.insert("containerDefinitions".to_owned(), definition.containers.iter().map(container).collect());
    TaskDefinition::new(
        definition_arn(&definition.name),
        definition.active,
        definition.tags.clone(),
        Tree::new(content),
    )
}

fn ecs(file: &ObservedFile, observed: &mut Observed) {
    for definition in &file.task_definitions {
        let built = task_definition(definition);
        if let Some(asked) = &definition.asked {
            observed.task_definitions.insert(asked.as_str().into(), Seen::Present(built.clone()));
        }
        observed.task_definitions.insert(built.arn.clone(), Seen::Present(built));
    }
    let mut interfaces: BTreeMap<std::net::IpAddr, Seen<AddressOwner>> = file
        .interfaces
        .iter()
        .map(|text| (text.parse().expect("an address"), Seen::Present(AddressOwner::Other)))
        .collect();
    for service in &file.services {
        ecs_service(service, observed);
        let addresses = service.tasks.iter().filter_map(|task| task.address.as_ref());
        interfaces
            .extend(addresses.map(|text| (text.parse().expect("an address"), Seen::Present(AddressOwner::Other))));
    }
    // The reading is complete: an address that nothing above has is nobody's, an instance that is not listed is gone.
    for target in observed.targets.values().filter_map(|seen| seen.as_ref().present()).flatten() {
        match target.key.id.parse() {
            Ok(address) => {
                interfaces.entry(address).or_insert(Seen::Absent);
            }
            Err(_) => {
                observed.hosts.entry(InstanceId::from(target.key.id.clone())).or_insert(Seen::Absent);
            }
        }
    }
    observed.address_owners = interfaces;
}

/// Who carries the groups, and which target groups any service names.
fn carriers(file: &ObservedFile, observed: &mut Observed) {
    let address = |text: &String| text.parse::<std::net::IpAddr>().expect("an address");
    for group in &file.security_groups {
        let has = |groups: &[String]| groups.contains(&group.id);
        let tasks =
            file.services.iter().filter(|service| has(&service.security_groups)).flat_map(|service| &service.tasks);
        let instances = file.instances.iter().filter(|instance| has(&instance.security_groups));
        let others = file.carriers.get(&group.id).into_iter().flatten();
        let all = tasks.filter_map(|task| task.address.as_ref());
        let all = all.chain(instances.filter_map(|instance| instance.address.as_ref())).chain(others);
        observed.group_addresses.insert(GroupId::from(group.id.clone()), Seen::Present(all.map(address).collect()));
    }
    for cluster in &file.clusters {
        let own = file.services.iter().filter(|service| service.cluster == *cluster);
        let outline = |name: &str, groups: Vec<&String>, tags: Tags| ServiceOutline {
            id: ServiceId { cluster: cluster.clone(), name: name.to_owned() },
            target_groups: groups.into_iter().map(|name| target_group_arn(name)).collect(),
            tags,
        };
        let own = own.filter(|service| service.status == "ACTIVE").map(|service| {
            let groups = service.load_balancers.iter().map(|entry| &entry.target_group).collect();
            outline(&service.name, groups, service_tags(service))
        });
        let mut all: Vec<ServiceOutline> = own.collect();
        if !file.named_elsewhere.is_empty() {
            all.push(outline("elsewhere", file.named_elsewhere.iter().collect(), Tags::new()));
        }
        observed.cluster_services.insert(cluster.clone(), Seen::Present(all));
    }
}

/// The tags among the members of a service.
fn service_tags(service: &super::Service) -> Tags {
    let all = service.members.get("tags").and_then(Value::as_array).into_iter().flatten();
    all.map(|tag| (text(&tag["key"]), text(&tag["value"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// A port mapping as AWS answers it.
fn mapping(text: &str, mode: &str) -> Value {
    let (inside, host) = match text.split_once("->") {
        Some((inside, host)) => (inside, Some(host.parse::<u16>().expect("a port"))),
        None => (text, None),
    };
    let (port, protocol) = inside.split_once('/').unwrap_or((inside, "tcp"));
    let port: u16 = port.parse().expect("a port");
    let host = if mode == "bridge" { host.unwrap_or(0) } else { port };
    json!({"containerPort": port, "hostPort": host, "protocol": protocol})
}

fn ecs_service(service: &super::Service, observed: &mut Observed) {
    let id = ServiceId { cluster: service.cluster.clone(), name: service.name.clone() };
    let scaling = service.scaling.as_ref().map_or(Seen::Absent, |scaling| {
        Seen::Present(ScalableTarget { min: scaling.min, max: scaling.max, suspended: scaling.suspended })
    });
    observed.scalable_targets.insert(id.clone(), scaling);
    if service.status == "INACTIVE" {
        observed.services.insert(id, Seen::Absent);
        return;
    }
    let definition = definition_arn(&service.task_definition);
    let awsvpc = matches!(observed.task_definition(&definition),
        Seen::Present(definition) if definition.network_mode == NetworkMode::Awsvpc);
    let rollout = |text: &String| match text.as_str() {
        "IN_PROGRESS" => Rollout::InProgress,
        "FAILED" => Rollout::Failed,
        _ => Rollout::Completed,
    };
    let states =
        if service.deployments.is_empty() { vec!["COMPLETED".to_owned()] } else { service.deployments.clone() };
    let built = model::Service {
        id: id.clone(),
        arn: format!("{ECS}:service/{id}"),
        status: if service.status == "DRAINING" { ServiceStatus::Draining } else { ServiceStatus::Active },
        scheduling: if service.scheduling == "DAEMON" { Scheduling::Daemon } else { Scheduling::Replica },
        controller: match service.controller.as_str() {
            "CODE_DEPLOY" => DeploymentController::CodeDeploy,
            "EXTERNAL" => DeploymentController::External,
            _ => DeploymentController::Ecs,
        },
        strategy: match service.strategy.as_str() {
            "BLUE_GREEN" => Strategy::BlueGreen,
            "LINEAR" => Strategy::Linear,
            "CANARY" => Strategy::Canary,
            _ => Strategy::Rolling,
        },
        managed_by_ecs: service.managed_by_ecs,
        desired_count: service.desired,
        running_count: service.running.unwrap_or(service.desired),
        task_definition: definition.clone(),
        load_balancers: service.load_balancers.iter().map(entry).collect(),
        network: awsvpc.then(|| Awsvpc {
            subnets: service.subnets.iter().map(|id| SubnetId::from(id.clone())).collect(),
            security_groups: service.security_groups.iter().map(|id| GroupId::from(id.clone())).collect(),
            assign_public_ip: Some(service.assign_public_ip.clone()),
        }),
        deployments: states
            .iter()
            .enumerate()
            .map(|(number, state)| Deployment {
                primary: number == 0,
                rollout: Some(rollout(state)),
                task_definition: definition.clone(),
                id: format!("ecs-svc/{number}"),
                created: service.deployed_at.as_ref().map(|at| at.parse().expect("deployedAt is a timestamp")),
                reason: None,
                tasks: model::TaskCounts {
                    failed: if number == 0 { service.failed_tasks } else { 0 },
                    ..Default::default()
                },
            })
            .collect(),
        task_sets_move: service.task_sets_move,
        conduct: Box::new(model::Conduct {
            minimum_percent: service.minimum_percent,
            connected_ports: service.connected_ports.iter().cloned().collect(),
            ..model::Conduct::default()
        }),
        members: Box::new(Seen::Present(Tree::new(service.members.clone()))),
    };
    let tasks = service.tasks.iter().enumerate().map(|(number, task)| build_task(&built, number, task));
    observed.tasks.insert(id.clone(), Seen::Present(tasks.collect()));
    let past = service.past.iter().map(|past| PastDeployment {
        end: past.end(),
        reason: past.reason.clone(),
        revision: None,
        task_definition: definition_arn(&past.task_definition),
        content: match observed.task_definitions.get(&definition_arn(&past.task_definition)) {
            Some(Seen::Present(definition)) => Some(definition.content.clone()),
            _ => None,
        },
        load_balancers: past.load_balancers.iter().map(entry).collect(),
        network: None,
    });
    observed.past_deployments.insert(id.clone(), Seen::Present(past.collect()));
    let listed = (service.listed_as != "unlisted").then(|| model::ServiceDeployment {
        arn: format!("{ECS}:service-deployment/{id}/0"),
        revision: format!("{ECS}:service-revision/{id}/0"),
        state: model::DeploymentState::of(&service.listed_as),
        reason: None,
        created: built.deployments[0].created,
        finished: None,
    });
    observed.service_deployments.insert(id.clone(), Seen::Present(listed.into_iter().collect()));
    observed.services.insert(id, Seen::Present(built));
}

fn build_task(service: &model::Service, number: usize, task: &super::Task) -> Task {
    let binding = |text: &String| {
        let (container, ports) = text.split_once(' ').expect("container port->port");
        let (inside, host) = ports.split_once("->").expect("port->port");
        Binding {
            container: container.to_owned(),
            container_port: inside.parse().expect("a port"),
            host_port: host.parse().expect("a port"),
            protocol: Transport::Tcp,
        }
    };
    let placement = match (&task.address, &task.instance) {
        (Some(address), _) => Placement::Address(address.parse().expect("an address")),
        (None, Some(instance)) => Placement::Instance {
            instance: InstanceId::from(instance.clone()),
            bindings: task.bindings.iter().map(binding).collect(),
        },
        (None, None) => Placement::Unknown,
    };
    Task {
        arn: TaskArn::from(format!("{ECS}:task/{}/{number}", service.id)),
        service: service.id.clone(),
        task_definition: service.task_definition.clone(),
        status: task.status.clone().unwrap_or_else(|| "RUNNING".to_owned()),
        leaves: task.leaves,
        placement,
        started: None,
        healthy: None,
        container_instance: None,
        started_by: None,
    }
}

/// A failed call: everything that it would have told is unknown.
fn open_gap(file: &GapFile, observed: &mut Observed) {
    let gap = Gap { call: file.call.clone(), why: file.why.clone() };
    fn all<K: Ord, T>(map: &mut BTreeMap<K, Seen<T>>, gap: &Gap) {
        map.values_mut().for_each(|seen| *seen = Seen::Unknown(gap.clone()));
    }
    match file.call.as_str() {
        "sts:GetCallerIdentity" => observed.account = Seen::Unknown(gap.clone()),
        "ecs:DescribeServices" => {
            all(&mut observed.services, &gap);
            all(&mut observed.tasks, &gap);
        }
        "ecs:ListTasks" | "ecs:DescribeTasks" => all(&mut observed.tasks, &gap),
        "ecs:DescribeTaskDefinition" => all(&mut observed.task_definitions, &gap),
        "ecs:ListServiceDeployments" => {
            all(&mut observed.past_deployments, &gap);
            all(&mut observed.service_deployments, &gap);
        }
        "application-autoscaling:DescribeScalableTargets" => all(&mut observed.scalable_targets, &gap),
        "elasticloadbalancing:DescribeLoadBalancers" => observed.load_balancers = Seen::Unknown(gap.clone()),
        "elasticloadbalancing:DescribeTargetGroups" => observed.target_groups = Seen::Unknown(gap.clone()),
        "elasticloadbalancing:DescribeRules" => all(&mut observed.rules, &gap),
        "elasticloadbalancing:DescribeTargetHealth" => all(&mut observed.targets, &gap),
        "elasticloadbalancing:DescribeTags" => {
            if let Seen::Present(groups) = &mut observed.target_groups {
                groups.iter_mut().for_each(|group| group.tags = Seen::Unknown(gap.clone()));
            }
            for rules in observed.rules.values_mut() {
                if let Seen::Present(rules) = rules {
                    rules.iter_mut().for_each(|rule| rule.tags = Seen::Unknown(gap.clone()));
                }
            }
        }
        "ec2:DescribeSubnets" => observed.subnets = Seen::Unknown(gap.clone()),
        "ec2:GetManagedPrefixListEntries" => all(&mut observed.prefix_lists, &gap),
        "ec2:DescribeRouteTables" => all(&mut observed.routes, &gap),
        "ec2:DescribeSecurityGroups" => observed.security_groups = Seen::Unknown(gap.clone()),
        "ec2:DescribeSecurityGroupRules" => all(&mut observed.ingress, &gap),
        "ec2:DescribeNetworkInterfaces" => {
            all(&mut observed.address_owners, &gap);
            all(&mut observed.group_addresses, &gap);
            all(&mut observed.nodes, &gap);
        }
        "elasticloadbalancing:DescribeTargetGroupAttributes" => all(&mut observed.attributes, &gap),
        "elasticloadbalancing:DescribeAccountLimits" => observed.limits = Seen::Unknown(gap.clone()),
        "ecs:ListServices" => all(&mut observed.cluster_services, &gap),
        other => panic!("no case needs a gap in {other} yet: say here what it hides"),
    }
    observed.gaps.insert((file.object.clone(), gap));
}
