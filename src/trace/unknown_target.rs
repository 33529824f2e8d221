//! Registered targets that are neither declared nor tasks of the service. Planning and tracing find their owner with the same
//! [`crate::model::Registrants`]; for addresses of no known task, the network interface shows the owner.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::{
    Behind, Gap, InstanceId, Seen, ServiceId, ServiceOutline, Target, TargetKey, TargetState, task_owner,
};

use super::catalogue::{Code, codes};
use super::finding::Finding;
use super::way::Way;

pub(super) fn findings(way: &Way<'_>, targets: &[&Target]) -> Result<Vec<Finding>, Gap> {
    let registrants = way.given.registrants(way.group, &way.stand_ins);
    if let Some(gap) = registrants.gap.clone().or_else(|| registrants.uncounted()) {
        return Err(gap);
    }
    if registrants.has_unknown_address {
        return Ok(Vec::new());
    }
    let mut findings: Vec<Finding> = Vec::new();
    for target in targets.iter().filter(|target| target.health.state != TargetState::Draining) {
        let found = match registrants.behind(&target.key) {
            Behind::Expected | Behind::OlderTask(_) => None,
            Behind::OtherPort(id) => Some((codes::UNKNOWN_TARGET_REGISTERED, other_port(way, &target.key, id))),
            Behind::OtherTask(id, _) => of_another(way, &target.key, id)?,
            Behind::NoTask => without_task(way, &target.key)?,
        };
        let Some((code, what)) = found else { continue };
        match findings.iter_mut().find(|known| known.codes.contains(&code)) {
            Some(known) => {
                known.evidence.push_str(&format!("; {what}"));
                known.only.get_or_insert_default().insert(target.key.clone());
            }
            None => findings.push(Finding::of(code, what).about([target.key.clone()])),
        }
    }
    Ok(findings)
}

fn other_port(way: &Way<'_>, key: &TargetKey, id: &ServiceId) -> String {
    let wired = way.container_port().map(|(container, port)| format!("; the service registers {container}:{port}"));
    format!("{key} is another port of a task of service {id}{}", wired.unwrap_or_default())
}

/// A task of another service; `None` if the manifest does not declare that service and it also registers its tasks here.
fn of_another(way: &Way<'_>, key: &TargetKey, id: &ServiceId) -> Result<Option<(Code, String)>, Gap> {
    if way.given.declared_service(id).is_none() && feeders(way)?.any(|feeder| feeder == id) {
        return Ok(None);
    }
    Ok(Some((codes::ADDRESS_OF_ANOTHER_SERVICE, format!("{key} belongs to a task of {}", task_owner(id)))))
}

/// A registered target that belongs to no known task: it belongs to another task, does not exist, or is undeclared.
fn without_task(way: &Way<'_>, key: &TargetKey) -> Result<Option<(Code, String)>, Gap> {
    let found = |code: Code, what: String| Ok(Some((code, what)));
    // Without a manifest it may be a static target.
    let undeclared = |what: String| Ok(way.is_declared.then_some((codes::UNKNOWN_TARGET_REGISTERED, what)));
    match key.id.parse::<IpAddr>() {
        Ok(address) => match way.given.observed.interface(&address) {
            Seen::Present(interface) if interface.is_of_task() => {
                let what =
                    format!("{key} is {}, the network interface of an ECS task outside this service", interface.id);
                Ok((!has_other_feeder(way)?).then_some((codes::ADDRESS_OF_ANOTHER_SERVICE, what)))
            }
            Seen::Present(interface) => undeclared(format!("{key} is {}, which is not declared", interface.id)),
            Seen::Absent if is_ours(way, address) => {
                found(codes::STALE_TARGET_REGISTERED, format!("no network interface has {}", key.id))
            }
            Seen::Absent => undeclared(format!("{key} is outside the VPC and not declared")),
            Seen::Unknown(gap) => Err(gap),
        },
        Err(_) => match way.given.observed.host(&InstanceId::from(key.id.as_str())) {
            Seen::Present(host) if host.terminated => {
                found(codes::STALE_TARGET_REGISTERED, format!("instance {} is terminated", key.id))
            }
            Seen::Present(_) if has_other_feeder(way)? => Ok(None),
            Seen::Present(_) => undeclared(format!("{key} belongs to no task and is not declared")),
            Seen::Absent => found(codes::STALE_TARGET_REGISTERED, format!("instance {} does not exist", key.id)),
            Seen::Unknown(gap) => Err(gap),
        },
    }
}

/// The services of the manifest's clusters that register tasks in the target group, undeclared services included.
fn feeders<'a>(way: &Way<'a>) -> Result<impl Iterator<Item = &'a ServiceId>, Gap> {
    let mut found = BTreeSet::new();
    for seen in way.given.observed.cluster_services.values() {
        match seen {
            Seen::Present(all) => {
                let feeds = |service: &&ServiceOutline| !service.target_groups.is_disjoint(&way.stand_ins);
                found.extend(all.iter().filter(feeds).map(|service| &service.id));
            }
            Seen::Absent => {}
            Seen::Unknown(gap) => return Err(gap.clone()),
        }
    }
    Ok(found.into_iter())
}

/// Whether an undeclared service registers tasks in the target group too: unknown tasks may then belong to it.
fn has_other_feeder(way: &Way<'_>) -> Result<bool, Gap> {
    Ok(feeders(way)?.any(|id| way.given.declared_service(id).is_none()))
}

fn is_ours(way: &Way<'_>, address: IpAddr) -> bool {
    let vpc = way.live_group().ok().and_then(|group| group.vpc.as_ref());
    vpc.is_some_and(|vpc| way.is_in_vpc(vpc, &ipnet::IpNet::from(address)))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{PORT, Stand, address, bound, gap, id, task};
    use crate::model::{
        Behind, Given, LoadBalancerEntry, Placement, Registrar, Revision, Rollout, Seen, ServiceId, TargetGroupArn,
        TargetKey, Task,
    };

    const OLD: u16 = 3000;

    fn arn() -> TargetGroupArn {
        TargetGroupArn::from("targetgroup/shop/1")
    }

    fn key(id: &str, port: u16) -> TargetKey {
        TargetKey { id: id.to_owned(), port }
    }

    fn started(by: &str, place: Placement) -> Task {
        Task { started_by: Some(format!("ecs-svc/{by}")), ..task("old", place) }
    }

    #[track_caller]
    fn is(stand: &Stand, key: &TargetKey, expected: &str) {
        let given = Given::new(&stand.desired, &stand.observed);
        let arns = [arn()].into();
        let found = match given.registrants(&stand.desired.target_groups["shop"], &arns).behind(key) {
            Behind::Expected => "expected".to_owned(),
            Behind::OlderTask(id) => format!("older task of {id}"),
            Behind::OtherPort(id) => format!("other port of {id}"),
            Behind::OtherTask(id, _) => format!("task of {id}"),
            Behind::NoTask => "no task".to_owned(),
        };
        assert_eq!(found, expected);
    }

    fn revision(number: &str, container: &str, container_port: u16) -> Revision {
        let entry = LoadBalancerEntry {
            target_group: Some(arn()),
            container: container.to_owned(),
            container_port,
            ..LoadBalancerEntry::default()
        };
        Revision { number: number.to_owned(), load_balancers: vec![entry] }
    }

    #[test]
    fn a_port_of_our_own_task_that_no_revision_names_is_told_apart_from_its_own() {
        let stand = Stand::sound();
        is(&stand, &key("10.0.10.11", PORT), "expected");
        is(&stand, &key("10.0.10.11", 9399), "other port of prod/shop");
        is(&stand, &key("10.0.10.99", PORT), "no task");
        let mut stand = Stand::on_instances();
        stand.tasks().push(task("debug", bound("i-a", "debug", 40_000)));
        is(&stand, &key("i-a", 40_000), "other port of prod/shop");
        is(&stand, &key("i-b", 40_000), "no task");
    }

    #[test]
    fn tasks_of_an_older_deployment_are_where_their_own_revision_put_them() {
        for (place, old, other) in [
            (Placement::Address(address("10.0.10.77")), key("10.0.10.77", OLD), key("10.0.10.77", 9399)),
            (bound("i-a", "old", 40_000), key("i-a", 40_000), key("i-a", 41_000)),
        ] {
            let mut stand = Stand::sound();
            stand.tasks().push(started("7", place));
            is(&stand, &old, "older task of prod/shop");
            let gap = gap("ecs:ListServiceDeployments");
            stand.observed.revisions.insert(id(), Seen::Unknown(gap));
            is(&stand, &old, "older task of prod/shop");
            stand.observed.revisions.insert(id(), Seen::Present(vec![revision("6", "app", 1)]));
            is(&stand, &old, "older task of prod/shop");
            let container = if old.id.starts_with("i-") { "old" } else { "app" };
            let port = if old.id.starts_with("i-") { PORT } else { OLD };
            stand.observed.revisions.insert(id(), Seen::Present(vec![revision("7", container, port)]));
            is(&stand, &old, "expected");
            let is_instance = other.id.starts_with("i-");
            is(&stand, &other, if is_instance { "no task" } else { "other port of prod/shop" });
        }
    }

    #[test]
    fn a_task_of_the_live_deployment_has_no_other_ports_while_old_ones_leave() {
        let mut stand = Stand::sound();
        stand.service().deployments[0].rollout = Some(Rollout::InProgress);
        is(&stand, &key("10.0.10.11", 9399), "older task of prod/shop");
        stand.tasks()[0].started_by = Some("ecs-svc/1".to_owned());
        is(&stand, &key("10.0.10.11", 9399), "other port of prod/shop");
    }

    #[test]
    fn another_services_task_is_named_unless_an_older_revision_of_it_fed_the_group() {
        let mut stand = Stand::sound();
        let other = ServiceId { name: "other".to_owned(), ..id() };
        let place = Placement::Address(address("10.0.10.77"));
        let moved = Task { service: other.clone(), ..started("5", place) };
        stand.observed.other_tasks.insert("prod".to_owned(), Seen::Present(vec![moved.clone()]));
        is(&stand, &key("10.0.10.77", PORT), "task of prod/other");
        stand.observed.other_tasks.clear();
        let mut live = stand.service().clone();
        live.id = other.clone();
        live.load_balancers.clear();
        stand.observed.services.insert(other.clone(), Seen::Present(live));
        stand.observed.tasks.insert(other.clone(), Seen::Present(vec![moved]));
        is(&stand, &key("10.0.10.77", PORT), "older task of prod/other");
        stand.observed.revisions.insert(other.clone(), Seen::Present(vec![revision("5", "app", PORT)]));
        is(&stand, &key("10.0.10.77", PORT), "expected");
        stand.observed.revisions.insert(other, Seen::Present(vec![revision("5", "app", 9)]));
        is(&stand, &key("10.0.10.77", PORT), "task of prod/other");
    }

    #[test]
    fn tasks_that_are_counted_and_not_listed_may_be_behind_everything() {
        let mut stand = Stand::sound();
        let arns = [arn()].into();
        let uncounted = |stand: &Stand| {
            let given = Given::new(&stand.desired, &stand.observed);
            given.registrants(&stand.desired.target_groups["shop"], &arns).uncounted()
        };
        assert_eq!(uncounted(&stand), None);
        stand.tasks().clear();
        stand.port().registrar = Registrar::Portolan;
        assert_eq!(uncounted(&stand).map(|gap| gap.why), Some("2 tasks are counted, and none is listed".to_owned()));
    }
}
