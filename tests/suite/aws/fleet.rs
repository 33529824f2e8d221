//! A whole fleet in moto: reading it, and mending it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use portolan::apply::{Outputs, Perform, Performed};
use portolan::aws::{Clients, Reader, Writer};
use portolan::model::{
    Desired, Observed, Placement, PortMapping, Scheduling, Seen, Serve, ServiceStatus, TargetState, TargetType,
    Transport,
};
use portolan::plan::{Plan, Policy, Verdict, plan};

use crate::emulator::{Emulator, on_each_emulator};
use crate::moto::ACCOUNT;
use crate::moto::seed::{self, Fleet, SECRET, Seeded};

const NAMES: [&str; 4] = ["checkout", "basket", "search", "login"];

on_each_emulator! {
    in_process: crate::emulator::InProcess::start;
    a_sound_fleet_reads_as_it_was_made,
    what_was_broken_by_hand_is_mended,
    a_deleted_rule_comes_back,
    a_bare_fleet_gets_its_ways_in,
    a_pass_over_fifty_services_repeats_nothing_that_can_be_batched,
    what_is_not_there_is_absent_and_not_unknown,
    a_stale_address_is_looked_for_among_network_interfaces,
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

async fn observe(clients: &Clients, desired: &Desired) -> Observed {
    portolan::pass::observe(desired, &Reader::new(clients)).await
}

async fn planned(clients: &Clients, desired: &Desired) -> Plan {
    plan(desired, &observe(clients, desired).await, &Policy::default(), now())
}

/// Carries out every step of a plan in its order.
async fn carry_out(clients: &Clients, plan: &Plan) {
    let writer = Writer::new(clients);
    let mut outputs = Outputs::new();
    for step in &plan.steps {
        match writer.perform(&step.action, &outputs).await {
            Ok(Performed::Done(Some(output))) => {
                outputs.insert(step.object.clone(), output);
            }
            Ok(Performed::Done(None)) => {}
            Ok(Performed::Stale(why)) => panic!("{}: {why}", step.summary),
            Err(error) => panic!("{}: {error}", step.summary),
        }
    }
}

/// Plans, carries out, and finds nothing left to do. Answers the operations that were needed.
async fn mend(on: &impl Emulator, desired: &Desired) -> Vec<&'static str> {
    let clients = on.clients();
    let plan = planned(&clients, desired).await;
    assert_eq!(plan.blocked, [], "nothing is blocked");
    carry_out(&clients, &plan).await;
    let again = planned(&clients, desired).await;
    assert_eq!(again.verdict(), Verdict::InSync, "{again:#?}");
    plan.steps.iter().map(|step| step.action.operation()).collect()
}

async fn a_sound_fleet_reads_as_it_was_made(on: &impl Emulator) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let clients = on.clients();
    let observed = observe(&clients, &fleet.desired()).await;

    assert_eq!(observed.gaps, BTreeSet::new());
    assert_eq!(observed.account, Seen::Present(ACCOUNT.to_owned()));
    assert_eq!(observed.region, "eu-west-1");
    let cluster = observed.clusters["prod"].clone().present().unwrap();
    assert_eq!(cluster.name, "prod");
    let limits = observed.limits.clone().present().unwrap();
    assert_eq!(limits.0["rules-per-application-load-balancer"], 100);
    for service in &fleet.services {
        check_service(&fleet, &observed, service);
        check_balancing(&fleet, &observed, service);
    }
    check_ingress(&fleet, &observed);
    assert_eq!(plan(&fleet.desired(), &observed, &Policy::default(), now()).verdict(), Verdict::InSync);
    assert!(!format!("{observed:?}").contains(SECRET), "the environment of containers is not read");
}

fn check_service(fleet: &Fleet, observed: &Observed, seeded: &Seeded) {
    let service = observed.service(&seeded.id()).present().unwrap();
    assert_eq!(service.status, ServiceStatus::Active);
    assert_eq!(service.scheduling, Scheduling::Replica);
    assert_eq!((service.desired_count, service.running_count), (1, 1));
    assert!(!service.managed_by_ecs);
    assert_eq!(service.task_definition.as_str(), seeded.task_definition);
    let [entry] = service.load_balancers.as_slice() else { panic!("{:?}", service.load_balancers) };
    assert_eq!(entry.target_group, Some(seeded.target_group_arn()));
    assert_eq!((entry.container.as_str(), entry.container_port), ("app", seeded.port));
    let network = service.network.clone().unwrap();
    assert_eq!(
        network.subnets.iter().map(ToString::to_string).collect::<BTreeSet<_>>(),
        fleet.subnets.iter().cloned().collect()
    );
    assert_eq!(network.security_groups, BTreeSet::from([fleet.task_group_id()]));
    assert_eq!(network.assign_public_ip.as_deref(), Some("DISABLED"));

    let definition = observed.task_definition(&service.task_definition).present().unwrap();
    assert!(definition.active);
    assert_eq!(definition.content.get("status"), None, "what only answers have is not part of the content");
    let mapping = PortMapping {
        container_port: seeded.port,
        host_port: None,
        protocol: Transport::Tcp,
        name: Some("http".to_owned()),
        app_protocol: None,
    };
    assert_eq!(definition.containers["app"].ports, [mapping]);

    let [task] = observed.tasks_of(&seeded.id()).present().unwrap().as_slice() else { panic!("one task") };
    assert_eq!(task.placement, Placement::Address(seeded.address.parse().unwrap()));
    assert_eq!(observed.scalable_target(&seeded.id()), Seen::Absent);
}

fn check_balancing(fleet: &Fleet, observed: &Observed, seeded: &Seeded) {
    let mut groups = observed.target_groups.as_ref().present().unwrap().iter();
    let group = groups.find(|group| group.name == seeded.name).unwrap();
    assert_eq!((group.port, &group.target_type), (Some(seeded.port), &TargetType::Ip));
    assert_eq!(group.health_check.path.as_deref(), Some("/healthz"));
    assert_eq!(group.vpc.as_ref().map(|vpc| vpc.as_str()), Some(fleet.vpc.as_str()));
    assert_eq!(group.load_balancers.len(), 1, "moto repeats the load balancer for every rule");
    assert_eq!(group.tags, Seen::Present([].into()));
    let [target] = observed.targets_of(&group.arn).present().unwrap().as_slice() else { panic!("one target") };
    assert_eq!((target.key.id.as_str(), target.key.port), (seeded.address.as_str(), seeded.port));
    assert_eq!(target.health.state, TargetState::Healthy);

    let rules = observed.rules_of(&fleet.listener_arn()).present().unwrap();
    assert_eq!(rules.len(), fleet.services.len(), "the default rule is left out");
    let rule = rules.iter().find(|rule| rule.arn == seeded.rule_arn()).unwrap();
    assert_eq!(i64::from(rule.priority), i64::from(seeded.priority));
    assert_eq!(rule.conditions.paths, BTreeSet::from([format!("/{}/*", seeded.name)]));
    let Serve::Forward(forward) = &rule.actions.serve else { panic!("{:?}", rule.actions) };
    assert_eq!(forward.receivers().collect::<Vec<_>>(), [&group.arn]);
    assert_eq!(rule.tags, Seen::Present([].into()));
}

fn check_ingress(fleet: &Fleet, observed: &Observed) {
    let rules = observed.ingress_of(&fleet.task_group_id()).present().unwrap();
    let ports: BTreeSet<u16> = rules.iter().filter_map(|rule| Some(rule.ports?.from)).collect();
    assert_eq!(ports, fleet.services.iter().map(|service| service.port).collect());
    let balancers = observed.load_balancers.clone().present().unwrap();
    let [balancer] = balancers.as_slice() else { panic!("one load balancer") };
    assert_eq!((balancer.arn.as_str(), balancer.name.as_str()), (fleet.load_balancer.as_str(), "public"));
    assert_eq!(balancer.security_groups.iter().map(|id| id.as_str()).collect::<Vec<_>>(), [fleet.lb_group.as_str()]);
    assert_eq!(balancer.subnets.len(), 2);
    let [listener] = observed.listeners_of(&balancer.arn).present().unwrap().as_slice() else { panic!("one listener") };
    assert_eq!(listener.port, 80);
    assert_eq!(listener.default_actions.serve, Serve::FixedResponse("404".to_owned()));
}

async fn what_was_broken_by_hand_is_mended(on: &impl Emulator) {
    let fleet = seed::sound_fleet(on, &NAMES).await;
    let [checkout, basket, search, login] = fleet.services.as_slice() else { panic!("four services") };
    fleet.revoke_ingress(checkout).await;
    fleet.set_count(basket, 0).await;
    fleet.change_health_path(search, "/wrong").await;
    fleet.change_rule_path(login, "/wrong/*").await;

    let mut operations = mend(on, &fleet.desired()).await;
    operations.sort_unstable();
    assert_eq!(operations, ["AuthorizeSecurityGroupIngress", "ModifyRule", "ModifyTargetGroup", "UpdateService"]);
}

async fn a_deleted_rule_comes_back(on: &impl Emulator) {
    let fleet = seed::sound_fleet(on, &["checkout"]).await;
    fleet.delete_rule(&fleet.services[0]).await;
    assert_eq!(mend(on, &fleet.desired()).await, ["CreateRule"]);
}

async fn a_bare_fleet_gets_its_ways_in(on: &impl Emulator) {
    let fleet = seed::bare(on, &["checkout", "basket"]).await;
    let mut operations = mend(on, &fleet.desired()).await;
    operations.sort_unstable();
    let expected = ["AuthorizeSecurityGroupIngress", "CreateRule", "CreateTargetGroup", "UpdateService"];
    let expected: Vec<&str> = expected.into_iter().flat_map(|operation| [operation; 2]).collect();
    assert_eq!(operations, expected);
}

async fn a_pass_over_fifty_services_repeats_nothing_that_can_be_batched(on: &impl Emulator) {
    let names: Vec<String> = (0..50).map(|number| format!("s{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fleet = seed::sound_fleet(on, &names).await;
    let clients = on.clients();
    let reader = Reader::new(&clients);
    let desired = fleet.desired();
    let observed = portolan::pass::observe(&desired, &reader).await;
    assert_eq!(observed.gaps, BTreeSet::new());
    let first = clients.calls().snapshot();
    let again = portolan::pass::observe(&desired, &reader).await;
    assert_eq!(observed, again);

    assert_eq!(first["ecs:DescribeServices"], 5);
    assert_eq!(first["ecs:DescribeTaskDefinition"], 50);
    assert_eq!(first["elasticloadbalancing:DescribeTargetHealth"], 50);
    assert_eq!(first["elasticloadbalancing:DescribeTags"], 5, "50 rules and 50 target groups, 20 at a time");
    for call in [
        "sts:GetCallerIdentity",
        "ecs:DescribeClusters",
        "ecs:ListTasks",
        "ecs:DescribeTasks",
        "application-autoscaling:DescribeScalableTargets",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeAccountLimits",
        "ec2:DescribeVpcs",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSecurityGroupRules",
    ] {
        assert_eq!(first.get(call), Some(&1), "{call}");
    }
    let second = clients.calls().snapshot();
    assert_eq!(second["ecs:DescribeTaskDefinition"], 50, "task definitions are read once");
    assert_eq!(second["ecs:DescribeServices"], 10);
}

async fn what_is_not_there_is_absent_and_not_unknown(on: &impl Emulator) {
    let fleet = seed::bare(on, &["checkout"]).await;
    let manifest = fleet.manifest().replace("cluster: prod", "cluster: test");
    let desired = seed::desired(&manifest);
    let observed = observe(&on.clients(), &desired).await;
    assert_eq!(observed.gaps, BTreeSet::new());
    assert_eq!(observed.clusters["test"], Seen::Absent);
    let id = desired.services["checkout"].id.clone();
    assert_eq!(observed.service(&id), Seen::Absent);
    assert_eq!(observed.tasks_of(&id), Seen::Present(&Vec::new()));

    let manifest = fleet.manifest().replace("spec:\n  desiredCount: 1", "spec:\n  name: nobody\n  desiredCount: 1");
    let desired = seed::desired(&manifest);
    let observed = observe(&on.clients(), &desired).await;
    assert_eq!(observed.service(&desired.services["checkout"].id), Seen::Absent);
}

async fn a_stale_address_is_looked_for_among_network_interfaces(on: &impl Emulator) {
    let fleet = seed::sound_fleet(on, &["checkout"]).await;
    fleet.register(&fleet.services[0], "10.0.1.77").await;
    let clients = on.clients();
    let observed = observe(&clients, &fleet.desired()).await;
    assert_eq!(observed.address_owner(&"10.0.1.77".parse().unwrap()), Seen::Absent);
    assert_eq!(clients.calls().snapshot()["ecs:ListTasks"], 2, "tasks that are stopping are listed too");
}
