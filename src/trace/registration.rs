//! Whether the registered targets are exactly the live tasks and the declared targets.

use crate::model::{Gap, Registrar, Target, TargetKey, TargetState, Task, unlisted};

use super::catalogue::{codes, named};
use super::end::{SETTLES, is_up};
use super::finding::Finding;
use super::hop::{Examined, Hop, HopId, is_broken};
use super::unknown_target;
use super::way::{Lack, Way};
use super::{answering, shortage};

pub(super) fn examine(way: &Way<'_>, hops: &[Hop]) -> Examined {
    if is_broken(hops, HopId::TargetGroup) || is_broken(hops, HopId::ServiceWiring) {
        // A hop that prevents new registrations does not remove the existing ones.
        let registered = way.targets().map(|targets| count(&targets));
        let registered = registered.map_or_else(|_| String::new(), |registered| format!(" (registered: {registered})"));
        return Examined::skipped(format!("not compared because an earlier hop is broken{registered}"));
    }
    let targets = match way.targets() {
        Ok(targets) => targets,
        Err(lack) => return lack.skip(),
    };
    let mut findings = Vec::new();
    if let Ok(service) = way.live_service() {
        findings.extend(shortage::findings(way, service));
    }
    let mut gap = None;
    if way.service.is_some() {
        match way.tasks() {
            Ok(tasks) => findings.extend(unregistered(way, tasks, &targets)),
            Err(Lack::Unknown(why)) => gap = Some(why),
            Err(Lack::Missing(_)) => {}
        }
    }
    findings.extend(undeclared_gone(way, &targets));
    match unknown_target::findings(way, &targets) {
        Ok(found) => findings.extend(found),
        Err(why) => gap = gap.or(Some(why)),
    }
    answering::settle(way, hops, findings, gap.or_else(|| silent(way)), &count(&way.serving_targets()))
}

fn count(targets: &[&Target]) -> String {
    let of = |state: TargetState| targets.iter().filter(|target| target.health.state == state).count();
    let states = [
        (of(TargetState::Healthy), "healthy"),
        (of(TargetState::Unhealthy), "unhealthy"),
        (of(TargetState::Initial), "initial"),
        (of(TargetState::Unused), "unused"),
        (of(TargetState::Draining), "draining"),
        (of(TargetState::Unavailable), "without health data"),
    ];
    let some: Vec<String> =
        states.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    if some.is_empty() { "no targets are registered".to_owned() } else { some.join(", ") }
}

/// Tasks that ECS counts but does not list, starting ones included: their state is unknown.
fn silent(way: &Way<'_>) -> Option<Gap> {
    let (service, tasks) = (way.live_service().ok()?, way.tasks().ok()?);
    unlisted(service.running_count + service.conduct.pending_count, tasks)
}

/// M30: running tasks that are not registered. ECS gets some time to register a task; Portolan must have registered it now.
fn unregistered(way: &Way<'_>, tasks: &[Task], targets: &[&Target]) -> Option<Finding> {
    let is_ours = way.service.is_some_and(|(_, port)| port.registrar == Registrar::Portolan);
    let had_time = |task: &Task| task.started.is_some_and(|started| way.now.duration_since(started) >= SETTLES);
    let is_settled = |task: &&Task| is_up(task) && (is_ours || had_time(task));
    let is_registered = |key: &TargetKey| targets.iter().any(|target| target.key == *key);
    // For a task of an older revision that was not read, the port is unknown, so any registration counts.
    let places = tasks.iter().filter(is_settled).filter_map(|task| way.endpoints_of(task));
    let missing: Vec<TargetKey> =
        places.filter(|keys| !keys.iter().any(is_registered)).filter_map(|keys| keys.into_iter().next()).collect();
    let first = missing.first()?;
    let what = match missing.len() {
        1 => format!("1 running task is not registered: {first}"),
        several => format!("{several} running tasks are not registered, such as {first}"),
    };
    Some(Finding::of(codes::TASK_NOT_REGISTERED, what).about(missing))
}

/// Declared targets that are missing, or that drain while no other target is in use (M31).
fn undeclared_gone(way: &Way<'_>, targets: &[&Target]) -> Vec<Finding> {
    let declared: Vec<&TargetKey> = way.group.targets.iter().flatten().map(|target| &target.key).collect();
    let state = |key: &TargetKey| targets.iter().find(|target| target.key == *key).map(|target| target.health.state);
    let mut findings = Vec::new();
    let in_use = targets.iter().any(|target| target.health.state != TargetState::Draining);
    let draining = declared.iter().find(|key| state(key) == Some(TargetState::Draining)).filter(|_| !in_use);
    if let Some(key) = draining {
        findings.push(Finding::of(
            codes::STILL_DRAINING,
            format!("{key} is declared but still draining, and no other target is in use"),
        ));
    }
    if let Some(key) = declared.iter().find(|key| state(key).is_none()) {
        let what = format!("{key} is declared but not registered");
        let finding =
            Finding::unnumbered(&named::DECLARED_TARGET_MISSING, what, "run portolan reconcile to register it");
        findings.push(finding.about_missing());
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{HOST_PORTS, PORT, Stand, TASKS, address, bound, gap, id, target, task};
    use crate::model::{
        Conduct, Deployment, Host, InstanceId, Placement, Registrar, Seen, ServiceId, StaticTarget, TargetKey,
        TargetState,
    };
    use crate::trace::HopId;

    const HOP: HopId = HopId::Registration;

    fn says(event: &str) -> Conduct {
        Conduct { events: vec![event.to_owned()], ..Conduct::default() }
    }

    #[test]
    fn what_is_registered_is_counted() {
        let mut stand = Stand::sound();
        stand.targets()[1].health.state = TargetState::Initial;
        assert_eq!(stand.hop(HOP).evidence, "1 healthy, 1 initial");
        assert_eq!(Stand::without_service().state(HOP), "ok");
    }

    #[test]
    fn a_task_that_runs_for_a_while_is_registered() {
        let mut stand = Stand::sound();
        stand.targets().pop();
        assert_eq!(stand.found(HOP), ["M30"]);
        stand.tasks()[1].started = Some("2026-11-20T11:59:00Z".parse().expect("a time"));
        assert_eq!(stand.state(HOP), "ok", "it came up a minute ago");
        stand.tasks()[1].started = None;
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn nothing_runs_and_the_reason_is_told() {
        let mut stand = Stand::sound();
        stand.tasks().clear();
        stand.targets().clear();
        stand.service().running_count = 0;
        assert_eq!(stand.found(HOP), ["no-task-runs"]);
        *stand.service().conduct = says("(service shop) was unable to place a task: it is already using a port");
        assert_eq!(stand.found(HOP), ["M52"]);
        *stand.service().conduct = says("(service shop) was unable to place a task: RESOURCE:ENI");
        assert_eq!(stand.found(HOP), ["M53"]);
        *stand.service().conduct = says("(service shop) was unable to place a task: not enough memory");
        assert_eq!(stand.found(HOP), ["task-not-placed"]);
        stand.service().conduct.events.insert(0, "(service shop) has reached a steady state.".to_owned());
        assert_eq!(stand.found(HOP), ["no-task-runs"], "what was said before is over");
        stand.service().desired_count = 0;
        assert_eq!(stand.found(HOP), ["M49"]);
    }

    #[test]
    fn bounds_that_leave_no_room_hold_a_deployment_up() {
        let mut stand = Stand::sound();
        let old = Deployment { primary: false, ..stand.service().deployments[0].clone() };
        stand.service().deployments.push(old);
        stand.service().conduct.minimum_percent = Some(100);
        stand.service().conduct.maximum_percent = Some(100);
        assert_eq!(stand.found(HOP), ["M50"]);
        stand.service().conduct.maximum_percent = Some(150);
        assert_eq!(stand.state(HOP), "ok");
        // floor(1 × 150 %) is 1, and ceil(1 × 50 %) is 1 as well.
        stand.service().desired_count = 1;
        stand.service().conduct.minimum_percent = Some(50);
        assert_eq!(stand.found(HOP), ["M50"]);
    }

    #[test]
    fn declared_targets_are_registered_and_in_use() {
        let mut stand = Stand::without_service();
        stand.targets().pop();
        assert_eq!(stand.found(HOP), ["declared-target-missing"]);
        let mut stand = Stand::without_service();
        stand.all_are(TargetState::Draining, "Target.DeregistrationInProgress", "");
        assert_eq!(stand.found(HOP), ["M31"]);
        stand.targets()[0].health.state = TargetState::Healthy;
        assert_eq!(stand.state(HOP), "ok");
    }

    #[test]
    fn the_address_of_another_services_task_is_told_apart() {
        let mut stand = Stand::sound();
        stand.targets().push(target("10.0.10.77", PORT));
        let other = ServiceId { name: "other".to_owned(), ..id() };
        let place = Placement::Address(address("10.0.10.77"));
        stand.observed.tasks.insert(other, Seen::Present(vec![task("other", place)]));
        assert_eq!(stand.found(HOP), ["M27"]);
    }

    #[test]
    fn a_dead_address_is_one_that_no_interface_has() {
        let mut stand = Stand::sound();
        stand.targets().push(target("10.0.10.77", PORT));
        assert_eq!(stand.state(HOP), "unknown", "nobody asked who has it");
        stand.observed.interfaces.insert(address("10.0.10.77"), Seen::Absent);
        assert_eq!(stand.found(HOP), ["M28"]);
        stand.targets().push(target("172.16.0.9", PORT));
        stand.observed.interfaces.insert(address("172.16.0.9"), Seen::Absent);
        assert_eq!(stand.found(HOP), ["M28", "M29"], "outside of the VPC nobody here can tell");
        stand.asked.is_manifest = false;
        assert_eq!(stand.found(HOP), ["M28"], "and without a manifest it may be meant");
        for target in &mut stand.targets()[2..] {
            target.health.state = TargetState::Draining;
        }
        assert_eq!(stand.state(HOP), "ok", "they are on their way out");
    }

    #[test]
    fn an_interface_that_lives_is_a_stranger_or_an_unknown_services_task() {
        let mut stand = Stand::sound();
        stand.targets().push(target("10.0.10.77", PORT));
        let known = stand.observed.interfaces[&address(TASKS[0])].clone();
        stand.observed.interfaces.insert(address("10.0.10.77"), known.clone());
        assert_eq!(stand.found(HOP), ["M27"]);
        let other = ServiceId { name: "undeclared".to_owned(), ..id() };
        let target_groups = ["targetgroup/shop/1".into()].into();
        let outline = crate::model::ServiceOutline { id: other, target_groups, tags: Default::default() };
        stand.observed.cluster_services.insert("prod".to_owned(), Seen::Present(vec![outline]));
        assert_eq!(stand.state(HOP), "ok", "a service that the manifest does not know feeds it too");
        let Seen::Present(mut interface) = known else { panic!("it is there") };
        interface.description = "somebody's".to_owned();
        stand.observed.interfaces.insert(address("10.0.10.77"), Seen::Present(interface));
        assert_eq!(stand.found(HOP), ["M29"]);
    }

    #[test]
    fn instances_are_told_apart_by_their_ports() {
        let mut stand = Stand::on_instances();
        assert_eq!(stand.state(HOP), "ok");
        stand.targets().push(target("i-a", 32_999));
        assert_eq!(stand.found(HOP), ["M29"], "the instance lives, and no task has that port");
        let host = |terminated| Host {
            instance: InstanceId::from("i-a"),
            terminated,
            security_groups: [].into(),
            addresses: [].into(),
            subnet: None,
        };
        stand.observed.hosts.insert(InstanceId::from("i-a"), Seen::Present(host(true)));
        assert_eq!(stand.found(HOP), ["M28"]);
        stand.observed.hosts.insert(InstanceId::from("i-a"), Seen::Absent);
        assert_eq!(stand.found(HOP), ["M28"]);
        stand.tasks()[0].placement = bound("i-a", "app", 32_999);
        assert_eq!(stand.found(HOP), ["M28"], "now it is the old port that is nobody's");
        stand.targets().retain(|target| target.key.port == HOST_PORTS[1]);
        assert_eq!(stand.found(HOP), ["M30"], "and the new one is not registered");
    }

    #[test]
    fn as_long_as_some_address_is_unknown_nothing_is_strange() {
        let mut stand = Stand::sound();
        stand.targets().push(target("10.0.10.77", PORT));
        stand.observed.interfaces.insert(address("10.0.10.77"), Seen::Absent);
        stand.tasks().push(task("new", Placement::Unknown));
        assert_eq!(stand.state(HOP), "ok");
        stand.observed.tasks.insert(id(), Seen::Unknown(gap("ecs:ListTasks")));
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn what_could_not_be_read_is_told_whatever_else_is_not_known() {
        for (first, second) in [("a", "b"), ("b", "a")] {
            let mut stand = Stand::sound();
            for key in [first, second] {
                let mut other = stand.desired.services["shop"].clone();
                (other.key, other.id.name) = (key.to_owned(), key.to_owned());
                stand.desired.services.insert(key.to_owned(), other);
            }
            let of = |name: &str| ServiceId { name: name.to_owned(), ..id() };
            stand.observed.tasks.insert(of(first), Seen::Unknown(gap("ecs:ListTasks")));
            stand.observed.tasks.insert(of(second), Seen::Present(vec![task("starting", Placement::Unknown)]));
            stand.asked.service = Some("shop".to_owned());
            assert_eq!(stand.state(HOP), "unknown", "{first} {second}");
        }
    }

    #[test]
    fn tasks_that_are_counted_and_not_listed_leave_it_open() {
        let mut stand = Stand::sound();
        stand.tasks().clear();
        stand.targets().clear();
        assert_eq!(stand.state(HOP), "unknown");
    }

    #[test]
    fn behind_a_broken_hop_nothing_is_expected() {
        let mut stand = Stand::sound();
        stand.targets().clear();
        stand.service().load_balancers.clear();
        assert_eq!(stand.state(HOP), "skipped");
        stand.port().registrar = Registrar::Portolan;
        assert_eq!(stand.found(HOP), ["M30"], "but where Portolan registers");
    }

    #[test]
    fn a_declared_target_beside_tasks_is_no_stranger() {
        let mut stand = Stand::sound();
        stand.targets().push(target("10.0.10.77", PORT));
        let key = TargetKey { id: "10.0.10.77".to_owned(), port: PORT };
        stand.wanted().targets = Some(vec![StaticTarget { key, zone: None }]);
        assert_eq!(stand.state(HOP), "ok");
    }
}
