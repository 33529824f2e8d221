//! Whether any registered target can answer; if none can, why, and whether one may soon.

use std::collections::BTreeSet;

use crate::model::{Gap, Scheduling, Service, Target, TargetKey, TargetState, Task};

use super::catalogue::{codes, named};
use super::end::{SETTLES, is_up};
use super::finding::Finding;
use super::hop::{Examined, Hop, HopId, State, is_broken};
use super::kill_loop;
use super::path::{Path, Verdict};
use super::progress::{Progress, progress};
use super::serving::Serving;
use super::way::{Lack, Way};

/// The result of the hop, from the findings about single targets and tasks.
pub(super) fn settle(way: &Way<'_>, hops: &[Hop], findings: Vec<Finding>, gap: Option<Gap>, counted: &str) -> Examined {
    let serving = way.serving();
    let (is_idle, gap) = match serving {
        Serving::Healthy | Serving::FailsOpen => (false, gap),
        Serving::Unknown(why) => (false, gap.or(Some(why))),
        Serving::Initial | Serving::Nothing => (true, gap),
    };
    if !is_idle || !findings.is_empty() {
        return Examined::of(findings, gap, counted);
    }
    if let Some(why) = way.standby() {
        return Examined::skipped(why);
    }
    // Without a rule to the target group there are no health checks; the application hop explains tasks that ECS stops as unhealthy.
    let no_way_in = [HopId::LoadBalancer, HopId::Listener, HopId::Rule].iter().any(|id| is_broken(hops, *id));
    if no_way_in || kill_loop::any(way) {
        return Examined::of(findings, gap, counted);
    }
    if let Some(gap) = gap {
        return Examined::unknown(gap);
    }
    match why(way, way.serving() == Serving::Initial) {
        Idle::Starting(since) => Examined::starting(since),
        Idle::Because(finding) => Examined::broken(finding),
        Idle::Unknown(gap) => Examined::unknown(gap),
        // The next hop checks the zones.
        Idle::OtherZone => Examined::ok(counted),
    }
}

/// A last safeguard: if no target can answer, a path is never reachable, even if no hop found a fault.
pub(super) fn never_reachable(way: &Way<'_>, path: &mut Path) {
    let is_idle = || matches!(way.serving(), Serving::Nothing | Serving::Initial);
    if path.verdict() != Verdict::Reachable || !is_idle() {
        return;
    }
    if let Some(hop) = path.hops.iter_mut().find(|hop| hop.id == HopId::Registration) {
        let finding = nothing(way, "no target");
        (hop.state, hop.evidence) = (State::Broken, finding.evidence.clone());
        hop.findings.push(finding);
    }
}

enum Idle {
    Starting(String),
    Because(Finding),
    Unknown(Gap),
    OtherZone,
}

fn why(way: &Way<'_>, is_initial: bool) -> Idle {
    let targets = way.serving_targets();
    let service = match way.live_service() {
        Ok(service) => service,
        Err(Lack::Unknown(gap)) => return Idle::Unknown(gap),
        Err(Lack::Missing(_)) if is_initial => {
            return Idle::Starting("the first health checks are in progress".to_owned());
        }
        Err(Lack::Missing(_)) => {
            return unused(way, &targets).unwrap_or_else(|| Idle::Because(nothing(way, "no target")));
        }
    };
    let tasks: &[Task] = way.tasks().map_or(&[], |tasks| tasks.as_slice());
    let up: Vec<&Task> = tasks.iter().filter(|task| is_up(task)).collect();
    if is_initial || up.is_empty() {
        return not_up(way, service, !is_initial);
    }
    if let Some(finding) = draining(way, &up, &targets) {
        return Idle::Because(finding);
    }
    if let Some(idle) = unused(way, &targets) {
        return idle;
    }
    let is_new = |task: &&&Task| task.started.is_none_or(|started| way.now.duration_since(started) < SETTLES);
    if up.iter().any(|task| is_new(&task)) {
        return not_up(way, service, true);
    }
    Idle::Because(nothing(way, &format!("{}, but no target", up_words(up.len()))))
}

/// Such as `2 tasks run`.
fn up_words(number: usize) -> String {
    if number == 1 { "1 task runs".to_owned() } else { format!("{number} tasks run") }
}

/// No task runs, or the first health checks are in progress.
fn not_up(way: &Way<'_>, service: &Service, is_late: bool) -> Idle {
    if service.scheduling == Scheduling::Daemon && service.desired_count == 0 {
        let what = format!("service {} is a daemon service, and its cluster has no instance for it", service.id);
        let fix = "register an instance that matches the service's placement constraints";
        return Idle::Because(Finding::unnumbered(&named::DAEMON_WITHOUT_INSTANCES, what, fix));
    }
    let fix = "find out why its tasks stop and fix that; ECS starts them again";
    match progress(way, service, is_late) {
        Progress::Starting(since) => Idle::Starting(since),
        Progress::Replacing(why) | Progress::Failing(why) if service.running_count == 0 => {
            Idle::Because(Finding::unnumbered(&named::NO_TASK_RUNS, why, fix))
        }
        Progress::Replacing(why) | Progress::Failing(why) => {
            Idle::Because(Finding::unnumbered(&named::TASKS_KEEP_STOPPING, why, fix))
        }
    }
}

/// M31: the targets of running tasks are draining.
fn draining(way: &Way<'_>, up: &[&Task], targets: &[&Target]) -> Option<Finding> {
    let (container, port) = way.container_port()?;
    let keys: BTreeSet<TargetKey> = up.iter().filter_map(|task| task.endpoint(container, port)).collect();
    let is_it = |target: &&&Target| target.health.state == TargetState::Draining && keys.contains(&target.key);
    let first = targets.iter().find(is_it)?;
    let what = format!("{} belongs to a running task but is still draining, and no other target is in use", first.key);
    Some(Finding::of(codes::STILL_DRAINING, what))
}

/// Every target is unused, with the reason from AWS.
fn unused(way: &Way<'_>, targets: &[&Target]) -> Option<Idle> {
    let first = targets.iter().find(|target| target.health.state == TargetState::Unused)?;
    let said = first.health.description.clone().unwrap_or_default();
    let reason = first.health.reason.clone().unwrap_or_default();
    let what = format!("no target of {} is in use: {} is unused ({reason}: {said})", way.group.name, first.key);
    Some(match reason.as_str() {
        "Target.NotInUse" if said.contains("Availability Zone") => Idle::OtherZone,
        "Target.InvalidState" => {
            let fix = "start the instance, or register a running one";
            Idle::Because(Finding::unnumbered(&named::TARGET_INSTANCE_NOT_RUNNING, what, fix))
        }
        _ => Idle::Because(Finding::unnumbered(&named::TARGETS_UNUSED, what, "fix the cause that AWS reports")),
    })
}

fn nothing(way: &Way<'_>, lead: &str) -> Finding {
    let what = format!("{lead} of target group {} can answer: none is registered, or all are draining", way.group.name);
    let fix = "find out who deregistered the targets; ECS and `portolan reconcile` register declared targets again";
    Finding::unnumbered(&named::NO_TARGET_REGISTERED, what, fix)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, id};
    use crate::model::{
        DeploymentController, DesiredCount, Forward, LoadBalancerEntry, Rollout, Seen, Serve, StopCause, StoppedTask,
        TargetState,
    };
    use crate::trace::fixture::serve;
    use crate::trace::{HopId, Verdict};

    const HOP: HopId = HopId::Registration;

    /// Nothing runs, and the deployment began at this time of the day on which it is noon.
    fn begun(at: &str) -> Stand {
        begun_on(Stand::sound(), at)
    }

    fn begun_on(mut stand: Stand, at: &str) -> Stand {
        stand.tasks().clear();
        stand.targets().clear();
        let service = stand.service();
        service.running_count = 0;
        service.deployments[0].rollout = Some(Rollout::InProgress);
        service.deployments[0].created = Some(format!("2026-11-20T{at}Z").parse().expect("a time"));
        stand
    }

    fn stopped(cause: StopCause, at: &str) -> StoppedTask {
        StoppedTask {
            id: "831deeb7".to_owned(),
            containers: Vec::new(),
            started_by: Some("ecs-svc/1".to_owned()),
            at: Some(format!("2026-11-20T{at}Z").parse().expect("a time")),
            cause,
            reason: "CannotPullContainerError: not found".to_owned(),
        }
    }

    #[test]
    fn a_first_start_may_take_a_quarter_of_an_hour() {
        let stand = begun("11:50:00");
        assert_eq!((stand.state(HOP), stand.path().verdict()), ("unknown", Verdict::Unknown));
        assert!(stand.path().is_starting());
        let evidence = stand.hop(HOP).evidence;
        assert!(evidence.contains("starting since 2026-11-20T11:50:00Z: 0 of 2 tasks are running"), "{evidence}");
        assert!(evidence.contains("2026-11-20T12:05:00Z"), "{evidence}");
        assert_eq!(begun("11:45:00").found(HOP), ["no-task-runs"]);
    }

    #[test]
    fn a_long_start_is_waited_for_and_an_endless_grace_period_is_not() {
        let mut stand = begun("11:10:00");
        stand.service().conduct.grace = 100_000;
        assert!(stand.path().is_starting(), "an hour of it counts, and the checks");
        stand.service().deployments[0].created = Some("2026-11-20T10:50:00Z".parse().expect("a time"));
        assert_eq!(stand.found(HOP), ["no-task-runs"]);
        assert_eq!(begun("11:43:00").found(HOP), ["no-task-runs"]);
        assert_eq!(begun_on(Stand::behind_network(), "11:43:00").state(HOP), "unknown", "five minutes more");
    }

    #[test]
    fn three_tasks_that_failed_are_enough() {
        let mut stand = begun("11:59:00");
        let mut tasks = vec![stopped(StopCause::Failed, "11:59:30"); 2];
        stand.observed.stopped_tasks.insert(id(), Seen::Present(tasks.clone()));
        assert!(stand.path().is_starting());
        tasks.push(tasks[0].clone());
        stand.observed.stopped_tasks.insert(id(), Seen::Present(tasks));
        assert_eq!(stand.found(HOP), ["no-task-runs"]);
        let evidence = stand.hop(HOP).evidence;
        assert!(
            evidence.ends_with("failed tasks of the deployment: 3; last reason: CannotPullContainerError: not found"),
            "{evidence}"
        );
        stand.observed.stopped_tasks.clear();
        stand.service().conduct.failed_tasks = 3;
        assert_eq!(stand.found(HOP), ["no-task-runs"], "ECS counts them too");
    }

    #[test]
    fn what_ran_and_is_gone_is_no_first_start_and_a_scale_up_is_one() {
        let mut stand = begun("09:00:00");
        stand.service().deployments[0].rollout = Some(Rollout::Completed);
        stand.service().conduct.steady_at = Some("2026-11-20T11:50:00Z".parse().expect("a time"));
        stand.service().conduct.unsteady_since = Some("2026-11-20T11:58:00Z".parse().expect("a time"));
        stand.observed.stopped_tasks.insert(id(), Seen::Present(vec![stopped(StopCause::NotNeeded, "11:57:00")]));
        assert!(stand.path().is_starting(), "from 0");
        stand.observed.stopped_tasks.insert(id(), Seen::Present(vec![stopped(StopCause::Failed, "11:40:00")]));
        assert!(stand.path().is_starting(), "that was before it was steady");
        stand.observed.stopped_tasks.insert(id(), Seen::Present(vec![stopped(StopCause::Failed, "11:57:00")]));
        assert_eq!(stand.found(HOP), ["no-task-runs"]);
    }

    #[test]
    fn what_waits_for_instances_of_a_capacity_provider_is_not_late() {
        let mut stand = begun("09:00:00");
        stand.tasks().push(super::super::fixture::task("new", crate::model::Placement::Unknown));
        stand.tasks()[0].status = "PROVISIONING".to_owned();
        assert_eq!(stand.found(HOP), ["no-task-runs"]);
        stand.service().conduct.capacity_providers = ["fleet".to_owned()].into();
        assert!(stand.path().is_starting());
    }

    #[test]
    fn tasks_that_an_emulator_counts_and_does_not_list_are_unknown() {
        let mut stand = begun("09:00:00");
        stand.service().conduct.pending_count = 2;
        assert_eq!(stand.path().verdict(), Verdict::Unknown);
        assert!(!stand.path().is_starting());
    }

    #[test]
    fn where_no_target_is_in_use_a_path_is_never_reachable() {
        let states = [
            (TargetState::Draining, "Target.DeregistrationInProgress", "", "M31"),
            (
                TargetState::Unused,
                "Target.InvalidState",
                "Target is in the stopped state",
                "target-instance-not-running",
            ),
            (TargetState::Unused, "Target.IpUnusable", "It is a load balancer's", "targets-unused"),
        ];
        for (state, reason, said, name) in states {
            let mut stand = Stand::sound();
            stand.all_are(state, reason, said);
            assert_eq!(stand.found(HOP), [name]);
            assert_eq!(stand.path().verdict(), Verdict::Broken, "{name}");
        }
        let mut stand = Stand::sound();
        stand.targets().clear();
        stand.tasks().iter_mut().for_each(|task| task.placement = crate::model::Placement::Unknown);
        assert_eq!(stand.found(HOP), ["no-target-registered"], "addresses that nobody knows");
        let mut stand = Stand::sound();
        stand.all_are(TargetState::Initial, "Elb.RegistrationInProgress", "");
        assert!(stand.path().is_starting());
    }

    #[test]
    fn a_daemon_without_instances_answers_nothing() {
        let mut stand = begun("11:59:00");
        stand.service().scheduling = crate::model::Scheduling::Daemon;
        stand.service().desired_count = 0;
        assert_eq!(stand.found(HOP), ["daemon-without-instances"]);
    }

    #[test]
    fn no_task_where_none_is_declared_is_a_wish() {
        let mut stand = begun("09:00:00");
        stand.service().desired_count = 0;
        assert_eq!(stand.found(HOP), ["M49"]);
        stand.desired.services.get_mut("shop").expect("shop").desired_count = Some(DesiredCount::Exact(0));
        let path = stand.path();
        assert_eq!((path.verdict(), path.findings().count()), (Verdict::Standby, 0));
        assert_eq!(stand.trace().verdict(), Verdict::Reachable, "it is as its owner wants it");
    }

    #[test]
    fn what_is_missing_while_others_serve_only_degrades() {
        let mut stand = Stand::sound();
        stand.service().desired_count = 3;
        stand.service().conduct.events =
            vec!["(service shop) was unable to place a task: it is already using a port".to_owned()];
        let path = stand.path();
        assert_eq!(stand.found(HOP), ["M52"]);
        assert_eq!((path.verdict(), path.is_degraded()), (Verdict::Reachable, true));
        stand.all_are(TargetState::Unhealthy, "Target.Timeout", "");
        assert_eq!(stand.path().verdict(), Verdict::Broken, "now none serves");
    }

    #[test]
    fn a_deployment_that_does_not_arrive_is_named_while_older_tasks_serve() {
        let mut stand = Stand::sound();
        let old = crate::model::Deployment {
            primary: false,
            id: "ecs-svc/0".to_owned(),
            ..stand.service().deployments[0].clone()
        };
        stand.service().deployments[0].rollout = Some(Rollout::InProgress);
        stand.service().deployments[0].created = Some("2026-11-20T11:50:00Z".parse().expect("a time"));
        stand.service().deployments.push(old);
        assert_eq!(stand.state(HOP), "ok");
        assert_eq!(stand.path().findings().count(), 0, "it is young");
        stand.service().conduct.failed_tasks = 3;
        assert_eq!(stand.found(HOP), ["deployment-does-not-complete"]);
        assert!(stand.path().is_degraded());
    }

    #[test]
    fn each_share_of_the_requests_has_to_be_answered() {
        let mut stand = Stand::sound();
        let weights = [("targetgroup/shop/1", 3), ("targetgroup/next/1", 1)].map(|(arn, weight)| (arn.into(), weight));
        stand.rules()[0].actions = serve(Serve::Forward(Forward { weights: weights.into() }));
        assert_eq!(stand.state(HopId::Rule), "unknown", "nobody asked about the other one");
        stand.observed.targets.insert("targetgroup/next/1".into(), Seen::Present(Vec::new()));
        assert_eq!(stand.found(HopId::Rule), ["M42"]);
        let evidence = stand.hop(HopId::Rule).evidence;
        assert!(evidence.starts_with("target group next gets 1 of every 4 requests"), "{evidence}");
        assert_eq!(stand.path().verdict(), Verdict::Broken);
        let healthy = stand.targets().clone();
        stand.observed.targets.insert("targetgroup/next/1".into(), Seen::Present(healthy));
        assert_eq!(stand.state(HopId::Rule), "ok");
    }

    #[test]
    fn the_other_target_group_of_code_deploy_counts_as_the_declared_one() {
        let mut stand = Stand::sound();
        let targets = std::mem::take(stand.targets());
        stand.observed.targets.insert("targetgroup/green/1".into(), Seen::Present(targets));
        let weights =
            [("targetgroup/shop/1", 0), ("targetgroup/green/1", 100)].map(|(arn, weight)| (arn.into(), weight));
        stand.rules()[0].actions = serve(Serve::Forward(Forward { weights: weights.into() }));
        let own = stand.service().load_balancers[0].clone();
        stand.service().load_balancers[0] =
            LoadBalancerEntry { target_group: Some("targetgroup/green/1".into()), ..own };
        assert_eq!(stand.found(HopId::Rule), ["M42"]);
        stand.service().controller = DeploymentController::CodeDeploy;
        let path = stand.path();
        assert_eq!((path.verdict(), path.findings().count()), (Verdict::Reachable, 0), "{path:#?}");
    }
}
