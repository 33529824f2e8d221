//! What must hold in every world: random fleets, random breakage, random strangers. 2,000 cases each (`PROPTEST_CASES` for more).

pub mod world;

use std::collections::BTreeSet;

use jiff::Timestamp;
use portolan::manifest::{self, Source};
use portolan::model::network::look_up;
use portolan::model::{
    Desired, DesiredPort, DesiredService, Given, LoadBalancer, ObjectRef, Observed, Owner, Registrar, SecurityGroup,
    Seen, Service, TargetGroup, TargetGroupArn, TargetKey,
};
use portolan::plan::effect::apply_effect;
use portolan::plan::{Action, Plan, Policy, Ref, Step, plan};
use portolan::report::{Report, json};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::observed::build;
use world::{FLEET, Spec, Style};

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a timestamp")
}

fn desired(spec: &Spec, style: Style) -> Desired {
    let text = spec.manifest(style);
    manifest::load(&[Source { name: "fleet.yaml".to_owned(), text: text.clone(), files: Default::default() }])
        .unwrap_or_else(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            panic!("{}\n{text}", problems.join("\n"))
        })
}

fn observed(spec: &Spec) -> Observed {
    build(&spec.observed(), FLEET)
}

fn planned(desired: &Desired, observed: &Observed) -> Plan {
    plan(desired, observed, &Policy::default(), now())
}

fn after(observed: &Observed, steps: &[Step]) -> Observed {
    let mut next = observed.clone();
    steps.iter().for_each(|step| apply_effect(step, &mut next));
    next
}

/// 2,000 cases, or more when `PROPTEST_CASES` says so.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(2_000), failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_effects_of_a_plan_need_no_further_plan(spec in world::any_spec()) {
        let (desired, observed) = (desired(&spec, Style::default()), observed(&spec));
        let first = planned(&desired, &observed);
        let then = after(&observed, &first.steps);
        let second = planned(&desired, &then);
        // What was opened for the port of health checks goes once they go elsewhere, in the pass after.
        let moves_checks = first.steps.iter().any(|step| {
            matches!(&step.action, Action::ModifyTargetGroup { health_check, .. } if health_check.port.is_some())
        });
        // A count that goes to 0 ends the doubt about tasks that are counted and not listed.
        let lowers = first.steps.iter().any(|step| matches!(step.action, Action::UpdateServiceCount { .. }));
        let (late, early): (Vec<_>, Vec<_>) = second.steps.iter().cloned().partition(|step| match step.action {
            Action::RevokeSecurityGroupIngress { .. } => moves_checks,
            Action::DeregisterTargets { .. } => lowers,
            _ => false,
        });
        prop_assert!(early.is_empty(), "first {:#?}\nsecond {early:#?}", first.steps);
        let third = planned(&desired, &after(&then, &late));
        prop_assert!(third.steps.is_empty(), "late {late:#?}\nthird {:#?}", third.steps);
    }

    #[test]
    fn no_plan_undoes_what_an_earlier_one_did_wherever_that_was_cut_off(spec in world::any_spec(), at in any::<Index>()) {
        let (desired, observed) = (desired(&spec, Style::default()), observed(&spec));
        let first = planned(&desired, &observed);
        let (done, _) = first.steps.split_at(at.index(first.steps.len() + 1));
        for step in planned(&desired, &after(&observed, done)).steps {
            prop_assert!(!done.iter().any(|before| undoes(&observed, before, &step)), "{step:#?}\nafter {done:#?}");
        }
    }

    #[test]
    fn a_health_check_port_is_not_opened_where_another_one_is_declared(spec in world::any_spec()) {
        let (desired, observed) = (desired(&spec, Style::default()), observed(&spec));
        for step in planned(&desired, &observed).steps {
            let Action::AuthorizeSecurityGroupIngress { ports, .. } = &step.action else { continue };
            // Where none is declared, the live one stands.
            let group = desired.target_groups.get(&step.object.key.replacen('s', "t", 1));
            let declared = group.and_then(|group| group.health_check.port);
            let is_by_hand = ports.from == world::BY_HAND && ports.to == world::BY_HAND;
            prop_assert!(!is_by_hand || declared.is_none(), "{step:#?}");
        }
    }

    #[test]
    fn no_more_deployments_run_at_a_time_than_the_fleet_allows(spec in world::any_spec()) {
        let (desired, observed) = (desired(&spec, Style { concurrent: "1", ..Style::default() }), observed(&spec));
        let plan = planned(&desired, &observed);
        let is_deploying = |wanted: &DesiredService| {
            observed.service(&wanted.id).present().is_some_and(|live| live.is_deploying())
        };
        let starts = |step: &&Step| step.redeploys && !desired.services.get(&step.object.key).is_some_and(is_deploying);
        let (before, new) = (desired.services.values().filter(|wanted| is_deploying(wanted)).count(), plan.steps.iter().filter(starts).count());
        prop_assert!(new == 0 || before + new <= 1, "{before} and {new}");
        // A revision is registered only for a deployment that goes.
        let registers = |step: &&Step| matches!(step.action, Action::RegisterTaskDefinition { .. });
        let deploys = |object: &ObjectRef| plan.steps.iter().any(|step| step.redeploys && step.object == *object);
        prop_assert!(plan.steps.iter().filter(registers).all(|step| deploys(&step.object)));
    }

    #[test]
    fn order_and_written_out_defaults_change_nothing(spec in world::any_spec()) {
        let observed = observed(&spec);
        let plain = planned(&desired(&spec, Style::default()), &observed);
        let other = planned(&desired(&spec, Style { reversed: true, defaults: true, ..Style::default() }), &observed);
        prop_assert_eq!(plain, other);
    }

    #[test]
    fn what_is_touched_is_declared_or_marked(spec in world::any_spec()) {
        let (desired, observed) = (desired(&spec, Style::default()), observed(&spec));
        for step in planned(&desired, &observed).steps {
            prop_assert!(may_touch(&desired, &observed, &step.action), "{step:#?}");
        }
    }

    #[test]
    fn what_is_removed_is_marked_or_proven_stale(spec in world::any_spec()) {
        let (desired, observed) = (desired(&spec, Style::default()), observed(&spec));
        for step in planned(&desired, &observed).steps.iter().filter(|step| step.removes) {
            prop_assert!(may_remove(&observed, &step.action), "{step:#?}");
        }
    }

    #[test]
    fn additions_come_before_removals(spec in world::any_spec()) {
        let steps = planned(&desired(&spec, Style::default()), &observed(&spec)).steps;
        for (place, step) in steps.iter().enumerate() {
            prop_assert_eq!(step.id.0, place);
            prop_assert!(step.after.iter().all(|before| before.0 < place), "{:#?}", steps);
            let related = |other: &&Step| other.object == step.object && !other.removes;
            if step.removes {
                let waits_for_all = steps.iter().filter(related).all(|other| step.after.contains(&other.id));
                prop_assert!(waits_for_all, "{steps:#?}");
            }
        }
    }

    #[test]
    fn tasks_are_registered_only_where_portolan_is_the_registrar(spec in world::any_spec()) {
        let (desired, observed) = (desired(&spec, Style::default()), observed(&spec));
        for step in planned(&desired, &observed).steps {
            let Action::RegisterTargets { target_group, targets } = &step.action else { continue };
            for target in targets {
                let key = &step.object.key;
                prop_assert!(may_register(&desired, &observed, key, target_group, &target.key), "{step:#?}");
            }
        }
    }

    #[test]
    fn every_running_task_that_portolan_registers_stands_or_is_told(spec in world::any_spec()) {
        let (desired, observed) = (desired(&spec, Style::default()), observed(&spec));
        let plan = planned(&desired, &observed);
        let made = after(&observed, &plan.steps);
        for (key, group) in &desired.target_groups {
            let object = ObjectRef::target_group(key);
            let is_told = plan.blocked.iter().any(|entry| entry.object == object);
            let arn = live_group(&made, &group.name).map(|live| live.arn.clone());
            let standing = arn.and_then(|arn| made.targets_of(&arn).present().cloned()).unwrap_or_default();
            for place in places(&desired, &observed, key) {
                let stands = standing.iter().any(|target| target.key == place);
                prop_assert!(stands || is_told, "{place} in {key}: {plan:#?}");
            }
        }
    }

    #[test]
    fn the_index_answers_what_a_look_through_everything_does(spec in world::any_spec()) {
        let (desired, observed) = (desired(&spec, Style::default()), observed(&spec));
        let given = Given::new(&desired, &observed);
        for key in desired.target_groups.keys() {
            prop_assert!(given.ports_of(key).eq(ports_of(&desired, key)), "{key}");
        }
        for group in observed.target_groups.as_ref().present().into_iter().flatten() {
            for name in [group.arn.as_str(), &group.name] {
                prop_assert_eq!(given.target_group(name).present(), live_group(&observed, name));
            }
            prop_assert!(given.services_feeding(&group.arn).iter().copied().eq(feeders(&observed, &group.arn)));
            let declared = desired.target_groups.values();
            let declared = declared.filter(|wanted| [group.arn.as_str(), &group.name].contains(&wanted.name.as_str()));
            prop_assert!(given.declared_as(group).eq(declared));
        }
        for service in desired.services.values() {
            prop_assert_eq!(given.declared_service(&service.id), Some(service));
        }
        let balancers: Vec<_> = observed.load_balancers.as_ref().present().into_iter().flatten().collect();
        for name in balancers.iter().flat_map(|one| one.names().all()).chain(["nothing-is-called-so"]) {
            let found = look_up(balancers.iter().copied(), name, LoadBalancer::names);
            prop_assert_eq!(given.load_balancer(name), Seen::Present(found));
        }
        let groups: Vec<_> = observed.security_groups.as_ref().present().into_iter().flatten().collect();
        for (vpc, name) in groups.iter().flat_map(|one| one.names().all().map(|name| (&one.vpc, name))) {
            let here = groups.iter().copied().filter(|group| group.vpc == *vpc);
            prop_assert_eq!(given.security_group(vpc, name), Seen::Present(look_up(here, name, SecurityGroup::names)));
        }
    }

    #[test]
    fn what_was_not_read_is_unknown_to_the_index(spec in world::any_spec()) {
        let desired = desired(&spec, Style::default());
        let observed = Observed::unasked("eu-west-1");
        let given = Given::new(&desired, &observed);
        prop_assert!(given.target_group("shop").gap().is_some());
        prop_assert!(given.load_balancer("public").gap().is_some());
        prop_assert!(given.security_group(&"vpc-1".into(), "tasks").gap().is_some());
        prop_assert!(desired.target_groups.keys().all(|key| given.ports_of(key).eq(ports_of(&desired, key))));
    }

    #[test]
    fn a_partial_view_removes_nothing(spec in world::any_spec(), call in world::any_gap()) {
        let mut file = spec.observed();
        file.gaps.push(call);
        let plan = planned(&desired(&spec, Style::default()), &build(&file, FLEET));
        prop_assert!(plan.steps.iter().all(|step| !step.removes), "{:#?}", plan.steps);
    }

    #[test]
    fn a_fleet_alone_does_nothing(spec in world::any_spec()) {
        let alone = Spec { services: Vec::new(), ..spec.clone() };
        let plan = planned(&desired(&alone, Style::default()), &observed(&spec));
        prop_assert!(plan.steps.is_empty(), "{:#?}", plan.steps);
    }

    #[test]
    fn json_is_the_same_to_the_byte(spec in world::any_spec()) {
        let render = || {
            let plan = planned(&desired(&spec, Style::default()), &observed(&spec));
            json::render(&Report { plan, ..Report::default() })
        };
        prop_assert_eq!(render(), render());
    }
}

/// Whether a step takes back what an earlier one made, or the other way round.
fn undoes(observed: &Observed, before: &Step, step: &Step) -> bool {
    match (&before.action, &step.action) {
        (Action::AuthorizeSecurityGroupIngress { .. }, Action::RevokeSecurityGroupIngress { rule, .. }) => {
            before.action.planned_ingress().is_some_and(|made| made.id == *rule)
        }
        (Action::RevokeSecurityGroupIngress { group, rule, .. }, made) => {
            let rules = observed.ingress_of(group).present().into_iter().flatten();
            let gone = rules.into_iter().find(|live| live.id == *rule);
            gone.zip(made.planned_ingress()).is_some_and(|(gone, made)| {
                (&gone.group, &gone.protocol, gone.ports, &gone.source)
                    == (&made.group, &made.protocol, made.ports, &made.source)
            })
        }
        (
            Action::ModifyTargetGroup { target_group, health_check },
            Action::ModifyTargetGroup { target_group: again, health_check: now },
        ) => target_group == again && now.port.is_some() && health_check.port.is_some(),
        (
            Action::ModifyTargetGroupAttributes { target_group, attributes },
            Action::ModifyTargetGroupAttributes { target_group: again, attributes: now },
        ) => {
            target_group == again && now.iter().any(|(key, value)| attributes.get(key).is_some_and(|old| old != value))
        }
        (Action::CreateRule { listener, priority, .. }, Action::DeleteRule { rule, .. }) => {
            rule.as_str() == format!("planned:{listener}:{priority}")
        }
        (Action::CreateTargetGroup(_), Action::DeleteTargetGroup { target_group, .. }) => {
            target_group.as_str() == format!("planned:{}", before.object)
        }
        (Action::RegisterTargets { targets, .. }, Action::DeregisterTargets { targets: gone, .. }) => {
            targets.iter().any(|target| gone.contains(&target.key))
        }
        _ => false,
    }
}

// By a look through everything: what these tests compare with must not come from the index that planning uses.

fn live_group<'a>(observed: &'a Observed, name: &str) -> Option<&'a TargetGroup> {
    let mut all = observed.target_groups.as_ref().present().into_iter().flatten();
    all.find(|group| group.name == name || group.arn.as_str() == name)
}

fn feeders<'a>(observed: &'a Observed, arn: &'a TargetGroupArn) -> impl Iterator<Item = &'a Service> {
    let services = observed.services.values().filter_map(|seen| seen.as_ref().present());
    services.filter(move |service| service.entries_behind(arn).next().is_some())
}

fn ports_of<'a>(desired: &'a Desired, key: &'a str) -> impl Iterator<Item = (&'a DesiredService, &'a DesiredPort)> {
    let ports = |service: &'a DesiredService| service.ports.iter().flatten().map(move |port| (service, port));
    let names = move |(_, port): &(_, &DesiredPort)| port.target_groups.iter().flatten().any(|named| named == key);
    desired.services.values().flat_map(ports).filter(names)
}

fn is_foreign(owner: Option<Owner>) -> bool {
    matches!(owner, Some(Owner::AnotherFleet(_)))
}

/// Whether the manifest names a target group, or this fleet marked it; never one of another fleet.
fn is_declared(desired: &Desired, observed: &Observed, arn: &TargetGroupArn) -> bool {
    let Some(group) = live_group(observed, arn.as_str()) else { return false };
    let owner = group.tags.as_ref().present().map(|tags| Owner::of(tags, FLEET));
    !is_foreign(owner) && desired.target_groups.values().any(|wanted| wanted.name == group.name)
}

fn may_touch(desired: &Desired, observed: &Observed, action: &Action) -> bool {
    let known = |target: &Ref<TargetGroupArn>| match target {
        Ref::Known(arn) => is_declared(desired, observed, arn),
        Ref::Output(object) => desired.target_groups.contains_key(&object.key),
    };
    let rule = |arn: &portolan::model::RuleArn| {
        let rules = observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
        let found = rules.into_iter().find(|rule| rule.arn == *arn).expect("the rule of a step stands");
        let owner = found.tags.as_ref().present().map(|tags| Owner::of(tags, FLEET));
        // A declared rule agrees with a route in priority, or in conditions and forward.
        let routes = desired.target_groups.values().flat_map(|group| group.routes.iter().flatten());
        let mut declared =
            routes.filter(|route| route.priority == Some(found.priority) || route.conditions == found.conditions);
        !is_foreign(owner.clone()) && (matches!(owner, Some(Owner::Ours(_))) || declared.next().is_some())
    };
    let service = |id: &portolan::model::ServiceId| desired.services.values().any(|wanted| wanted.id == *id);
    match action {
        Action::RegisterTaskDefinition { .. } | Action::CreateService(_) | Action::CreateTargetGroup(_) => true,
        Action::DrainService { service: id, .. } | Action::DeleteService { service: id, .. } => {
            let mut all = observed.cluster_services.values().filter_map(|seen| seen.as_ref().present()).flatten();
            let found = all.find(|live| live.id == *id).expect("the service of a step stands");
            matches!(Owner::of(&found.tags, FLEET), Owner::Ours(_)) && !service(id)
        }
        Action::UpdateServiceCount { service: id, .. }
        | Action::UpdateServiceMembers { service: id, .. }
        | Action::TagService { service: id, .. }
        | Action::StopServiceDeployment { service: id, .. }
        | Action::UpdateService { service: id, .. } => service(id),
        Action::ModifyTargetGroup { target_group, .. }
        | Action::AddTags { target_group, .. }
        | Action::DeregisterTargets { target_group, .. } => is_declared(desired, observed, target_group),
        Action::ModifyTargetGroupAttributes { target_group, .. }
        | Action::RegisterTargets { target_group, .. }
        | Action::CreateRule { target_group, .. }
        | Action::ModifyListener { target_group, .. } => known(target_group),
        Action::ModifyRule { rule: arn, .. } => rule(arn),
        Action::SetRulePriorities { priorities, .. } => priorities.keys().all(rule),
        Action::AuthorizeSecurityGroupIngress { tags, .. } => matches!(Owner::of(tags, FLEET), Owner::Ours(_)),
        Action::DeleteTargetGroup { .. } | Action::DeleteRule { .. } | Action::RevokeSecurityGroupIngress { .. } => {
            may_remove(observed, action)
        }
    }
}

/// The places of running tasks in a target group of which Portolan is the registrar.
fn places(desired: &Desired, observed: &Observed, key: &str) -> Vec<TargetKey> {
    let ports = ports_of(desired, key).filter(|(_, port)| port.registrar == Registrar::Portolan);
    let of_tasks = ports.flat_map(|(service, port)| {
        let tasks = observed.tasks_of(&service.id).present().into_iter().flatten().filter(|task| task.runs());
        tasks.filter_map(|task| task.endpoint(&port.container, port.container_port)).collect::<Vec<_>>()
    });
    of_tasks.collect()
}

/// Whether a registration is a declared one, or the place of a running task in a group that ECS does not feed; never one
/// that stands already, draining or not.
fn may_register(
    desired: &Desired,
    observed: &Observed,
    key: &str,
    group: &Ref<TargetGroupArn>,
    place: &TargetKey,
) -> bool {
    let is_declared = desired.target_groups[key].targets.iter().flatten().any(|target| target.key == *place);
    let Ref::Known(arn) = group else { return is_declared || places(desired, observed, key).contains(place) };
    let stands = observed.targets_of(arn).present().into_iter().flatten().any(|target| target.key == *place);
    let is_fed = feeders(observed, arn).next().is_some();
    !stands && (is_declared || (!is_fed && places(desired, observed, key).contains(place)))
}

fn may_remove(observed: &Observed, action: &Action) -> bool {
    match action {
        Action::DeleteTargetGroup { target_group, mark } => {
            let Some(group) = live_group(observed, target_group.as_str()) else { return false };
            let tags = group.tags.as_ref().present().expect("tags are known");
            matches!(Owner::of(tags, FLEET), Owner::Ours(_))
                && mark.iter().all(|(key, value)| tags.get(key) == Some(value))
        }
        Action::DeleteRule { rule, .. } => {
            let rules = observed.rules.values().filter_map(|seen| seen.as_ref().present()).flatten();
            let found = rules.into_iter().find(|found| found.arn == *rule).expect("the rule stands");
            matches!(found.tags.as_ref().present().map(|tags| Owner::of(tags, FLEET)), Some(Owner::Ours(_)))
        }
        Action::RevokeSecurityGroupIngress { rule, .. } => {
            let marked = observed.marked_ingress.as_ref().present().expect("marked ingress is known");
            marked.iter().any(|found| found.id == *rule && matches!(Owner::of(&found.tags, FLEET), Owner::Ours(_)))
        }
        Action::DeregisterTargets { target_group, targets, .. } => targets.iter().all(|key| {
            let live: BTreeSet<_> = live_endpoints(observed);
            let gone = match key.id.parse() {
                Ok(address) => observed.address_owner(&address) == Seen::Absent,
                Err(_) => matches!(observed.host(&portolan::model::InstanceId::from(key.id.clone())), Seen::Absent),
            };
            let standing = observed.targets_of(target_group).present().expect("targets are known");
            gone && !live.contains(&key.to_string()) && standing.iter().any(|target| target.key == *key)
        }),
        Action::UpdateServiceCount { service, desired_count, .. } => {
            observed.service(service).present().is_some_and(|live| live.desired_count > *desired_count)
        }
        _ => false,
    }
}

fn live_endpoints(observed: &Observed) -> BTreeSet<String> {
    let tasks = observed.tasks.values().filter_map(|seen| seen.as_ref().present()).flatten();
    tasks.filter_map(|task| task.endpoint("app", world::PORT)).map(|key| key.to_string()).collect()
}
