//! Actions that mending a fleet does not need, as moto takes them: the answers are real XML and JSON.

use std::collections::{BTreeMap, BTreeSet};

use portolan::apply::{Outputs, Perform, Performed};
use portolan::aws::{Reader, Writer};
use portolan::model::{
    Conditions, IngressRule, IpProtocol, Mark, ObjectRef, Observed, PortRange, Rule, RuleActions, RuleSource, Seen,
    Serve, StaticTarget, Tags, TargetGroupArn, TargetKey, TaskDefinitionArn,
};
use portolan::plan::{Action, DeletedRuleBelief, Output, Ref, RegistrationBelief, RuleBelief, ServiceBelief};

use serde_json::json;

use crate::emulator::Emulator;
use crate::moto::Moto;
use crate::moto::seed::{self, Fleet, SECRET};

struct Stage {
    moto: Moto,
    fleet: Fleet,
    writer: Writer,
}

impl Stage {
    async fn set(names: &[&str]) -> Self {
        let moto = Moto::start();
        let fleet = seed::sound_fleet(&moto, names).await;
        let writer = Writer::new(&moto.clients());
        Self { moto, fleet, writer }
    }

    async fn done(&self, action: Action) -> Option<Output> {
        match self.writer.perform(&action, &Outputs::new()).await {
            Ok(Performed::Done(output)) => output,
            other => panic!("{}: {other:?}", action.operation()),
        }
    }

    async fn stale(&self, action: Action) {
        let result = self.writer.perform(&action, &Outputs::new()).await;
        assert!(matches!(result, Ok(Performed::Stale(_))), "{}: {result:?}", action.operation());
    }

    async fn observed(&self) -> Observed {
        portolan::pass::observe(&self.fleet.desired(), &Reader::new(&self.moto.clients())).await
    }
}

fn mark() -> Tags {
    Mark { fleet: "harbour".to_owned(), object: ObjectRef::target_group("checkout") }.tags()
}

#[tokio::test]
async fn rules_are_made_moved_and_deleted() {
    let stage = Stage::set(&["checkout", "basket"]).await;
    let [checkout, basket] = stage.fleet.services.as_slice() else { panic!("two services") };
    let listener = stage.fleet.listener_arn();
    // To a free one: moto refuses to swap two, which AWS does.
    let priorities = BTreeMap::from([(basket.rule_arn(), 50)]);
    let expect = BTreeMap::from([(basket.rule_arn(), basket.priority.unsigned_abs())]);
    stage.done(Action::SetRulePriorities { listener: listener.clone(), priorities, expect }).await;
    let conditions = Conditions { paths: BTreeSet::from(["/new/*".to_owned()]), ..Conditions::default() };
    let create = Action::CreateRule {
        listener: listener.clone(),
        priority: 7,
        conditions,
        target_group: Ref::Known(checkout.target_group_arn()),
        tags: mark(),
    };
    stage.done(create.clone()).await;
    stage.done(create).await;

    let observed = stage.observed().await;
    let rules = observed.rules_of(&listener).present().unwrap();
    assert_eq!(rules.iter().map(|rule| rule.priority).collect::<Vec<_>>(), [7, 50, 100]);
    assert_eq!(rules[0].tags, Seen::Present(mark()));
    assert_eq!(rules[1].arn, basket.rule_arn());

    let unmarked = rules.iter().find(|rule| rule.arn == checkout.rule_arn()).unwrap();
    stage.stale(delete_rule(unmarked)).await;
    let delete = delete_rule(&rules[0]);
    stage.done(delete.clone()).await;
    stage.done(delete).await;
    assert_eq!(stage.observed().await.rules_of(&listener).present().unwrap().len(), 2);
}

#[tokio::test]
async fn a_default_action_is_replaced_if_it_is_still_the_one() {
    let stage = Stage::set(&["checkout"]).await;
    let listener = stage.fleet.listener_arn();
    let fixed = RuleActions { login: false, token: false, serve: Serve::FixedResponse("404".to_owned()) };
    let target_group = Ref::Known(stage.fleet.services[0].target_group_arn());
    let action = Action::ModifyListener { listener, target_group, idle: None, expect: fixed };
    stage.done(action.clone()).await;
    stage.stale(action).await;
    let listeners = stage.observed().await.listeners.into_values().next().unwrap().present().unwrap();
    assert!(matches!(listeners[0].default_actions.serve, Serve::Forward(_)));
}

fn delete_rule(rule: &Rule) -> Action {
    let expect = DeletedRuleBelief { rule: RuleBelief::of(rule), idle: BTreeSet::new() };
    Action::DeleteRule { rule: rule.arn.clone(), mark: mark(), expect }
}

/// To moto every target is healthy.
fn deregister(group: &TargetGroupArn, targets: BTreeSet<TargetKey>) -> Action {
    let expect = RegistrationBelief { healthy: targets.clone(), ..RegistrationBelief::default() };
    Action::DeregisterTargets { target_group: group.clone(), targets, expect }
}

#[tokio::test]
async fn targets_come_and_go() {
    let stage = Stage::set(&["checkout"]).await;
    let checkout = &stage.fleet.services[0];
    let arn = checkout.target_group_arn();
    let extra = TargetKey { id: "10.0.1.5".to_owned(), port: 8080 };
    let targets = vec![StaticTarget { key: extra.clone(), zone: None }];
    stage.done(Action::RegisterTargets { target_group: Ref::Known(arn.clone()), targets }).await;
    assert_eq!(stage.observed().await.targets_of(&arn).present().unwrap().len(), 2);

    let task = TargetKey { id: checkout.address.clone(), port: checkout.port };
    let both = BTreeSet::from([extra.clone(), task]);
    stage.stale(deregister(&arn, both)).await;
    let one = deregister(&arn, BTreeSet::from([extra]));
    stage.done(one.clone()).await;
    stage.done(one).await;
    assert_eq!(stage.observed().await.targets_of(&arn).present().unwrap().len(), 1);
}

#[tokio::test]
async fn a_target_group_is_configured_and_deleted_when_it_bears_the_mark_and_nothing_uses_it() {
    let stage = Stage::set(&["checkout"]).await;
    let arn = stage.fleet.services[0].target_group_arn();
    let attributes = BTreeMap::from([("deregistration_delay.timeout_seconds".to_owned(), "30".to_owned())]);
    stage.done(Action::ModifyTargetGroupAttributes { target_group: Ref::Known(arn.clone()), attributes }).await;
    let manifest = stage
        .fleet
        .manifest()
        .replace("  healthCheck:", "  attributes: {deregistration_delay.timeout_seconds: \"30\"}\n  healthCheck:");
    let observed = portolan::pass::observe(&seed::desired(&manifest), &Reader::new(&stage.moto.clients())).await;
    assert_eq!(observed.attributes_of(&arn).present().unwrap()["deregistration_delay.timeout_seconds"], "30");

    stage.stale(Action::DeleteTargetGroup { target_group: arn, mark: mark() }).await;
    let (_, elb, _) = stage.fleet.sdk();
    let tags = mark()
        .into_iter()
        .map(|(key, value)| aws_sdk_elasticloadbalancingv2::types::Tag::builder().key(key).value(value).build());
    let lonely = elb
        .create_target_group()
        .name("lonely")
        .protocol("HTTP".into())
        .port(80)
        .vpc_id(&stage.fleet.vpc)
        .set_tags(Some(tags.collect()));
    let lonely = lonely.send().await.unwrap().target_groups()[0].target_group_arn().unwrap().to_owned();
    let delete = Action::DeleteTargetGroup { target_group: lonely.into(), mark: mark() };
    stage.done(delete.clone()).await;
    stage.done(delete).await;
}

#[tokio::test]
async fn ingress_is_granted_once_and_revoked_by_id() {
    let stage = Stage::set(&["checkout"]).await;
    let group = stage.fleet.task_group_id();
    let source = RuleSource::Cidr("10.20.0.0/16".parse().unwrap());
    let grant = Action::AuthorizeSecurityGroupIngress {
        group: group.clone(),
        protocol: IpProtocol::Tcp,
        ports: PortRange::one(9000),
        source: source.clone(),
        description: Some("office".to_owned()),
        tags: mark(),
    };
    stage.done(grant.clone()).await;
    stage.done(grant).await;
    let observed = stage.observed().await;
    let rules = observed.ingress_of(&group).present().unwrap();
    let made: Vec<&IngressRule> = rules.iter().filter(|rule| rule.source == source).collect();
    let [made] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((made.ports, made.description.as_deref()), (Some(PortRange::one(9000)), Some("office")));
    assert_eq!(made.tags, mark());

    let foreign = rules.iter().find(|rule| rule.tags.is_empty()).unwrap();
    let foreign = Action::RevokeSecurityGroupIngress {
        group: group.clone(),
        rule: foreign.id.clone(),
        mark: mark(),
        carriers: BTreeSet::new(),
    };
    stage.stale(foreign).await;
    let revoke = Action::RevokeSecurityGroupIngress {
        group: group.clone(),
        rule: made.id.clone(),
        mark: mark(),
        carriers: stage.fleet.carriers_of_tasks().await,
    };
    stage.done(revoke.clone()).await;
    stage.done(revoke).await;
    assert_eq!(stage.observed().await.ingress_of(&group).present().unwrap().len(), 1);
}

#[tokio::test]
async fn a_task_definition_is_registered_with_one_port_more() {
    let stage = Stage::set(&["checkout"]).await;
    let checkout = &stage.fleet.services[0];
    let source: TaskDefinitionArn = checkout.task_definition.as_str().into();
    let observed = stage.observed().await;
    let expect = ServiceBelief::of(observed.service(&checkout.id()).present().expect("it stands"));
    let mut content = (*observed.task_definition(&source).present().expect("it is read").content).clone();
    let mappings = &mut content.members_mut()["containerDefinitions"][0]["portMappings"];
    mappings.as_array_mut().expect("a list").push(json!({"containerPort": 9000, "protocol": "udp"}));
    let (service, tags) = (checkout.id(), mark());
    let (source, expect) = (Some(source), Some(expect));
    let copy = Action::RegisterTaskDefinition { service, source, content, tags, expect };
    let Some(Output::TaskDefinition(copy)) = stage.done(copy).await else { panic!("no ARN") };
    assert!(copy.as_str().ends_with("/checkout:2"), "{copy}");
    let (ecs, _, _) = stage.fleet.sdk();
    let read =
        ecs.describe_task_definition().task_definition(copy.as_str()).include("TAGS".into()).send().await.unwrap();
    let container = &read.task_definition().unwrap().container_definitions()[0];
    let ports: Vec<_> = container.port_mappings().iter().map(|port| (port.container_port(), port.name())).collect();
    assert_eq!(ports, [(Some(8080), Some("http")), (Some(9000), None)]);
    assert_eq!(container.environment()[0].value(), Some(SECRET));
    assert_eq!(read.tags().len(), 2);
}
