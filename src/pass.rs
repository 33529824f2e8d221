//! One pass, for every mode: observe, plan, and hold the plan against the paths that it touches. Carrying the plan out is a
//! separate call ([`crate::apply::apply`]), so a dry run and a drift check are simply passes without it, and need no writer.
//!
//! Nothing is printed, and no pass is repeated: how often one runs, and who reads its report, is up to the caller.

pub mod acts;
mod gaps;
mod kept;
#[cfg(test)]
mod large;
mod losses;
mod mends;
mod parking;
mod paths;
mod planned;
mod read;
mod rollout;
mod touched;
mod unread;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::apply::{Outcome, Read};
use crate::model::{
    Desired, DesiredService, DesiredTargetGroup, Given, Kind, ObjectRef, Observed, Query, Scope, Seen, Service, Target,
    TargetGroup, TargetGroupArn, TargetKey, TargetState,
};
use crate::plan::needs::{PlanNeeds, forget_explained};
use crate::plan::{CHECK_ACCESS, Plan, Policy, ScopeError, command_needs, plan, scope_errors};
use crate::report::{BrokenPath, Report};
use crate::survey::{Depth, OutlineNeeds, outline, scope_needs};
use crate::trace::{Chosen, trace_needs};

pub use kept::Kept;
pub use mends::link;
pub use planned::after;
pub use read::{Derived, Needs, Pace, Reading};
pub use rollout::{Followed, follow};

/// What one reading showed, and the plan that would repair it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The reading.
    pub observed: Observed,
    /// The plan.
    pub plan: Plan,
    /// Paths that are broken now, as far as the reading shows; `None`: the paths were not traced.
    pub broken_paths: Option<Vec<BrokenPath>>,
}

impl Look {
    /// The report of this pass; `outcome` is what became of the plan, if it was carried out.
    pub fn into_report(self, desired: &Desired, outcome: Option<Outcome>, calls: BTreeMap<String, u64>) -> Report {
        let heading = heading(desired, &self.observed);
        Report { heading, plan: self.plan, outcome, broken_paths: self.broken_paths, calls, ..Report::default() }
    }
}

/// Reads everything that planning needs. Never fails: what could not be read is a gap.
pub async fn observe(desired: &Desired, reader: &impl Read) -> Observed {
    let mut reading = Reading::new(reader.region());
    read_for_plan(&mut reading, desired, reader, &mut Kept::nothing()).await;
    reading.observed
}

/// Reads what tracing the paths of `desired` needs in addition.
pub async fn observe_around(desired: &Desired, reader: &impl Read, observed: Observed) -> Observed {
    let mut reading = Reading::of(observed);
    read_for_trace(&mut reading, desired, &Chosen::All, reader).await;
    reading.observed
}

/// Reads what planning needs and is not known yet.
pub async fn read_for_plan(reading: &mut Reading, desired: &Desired, reader: &impl Read, kept: &mut Kept) {
    // Boxed: what the SDK nests would take much of a stack.
    Box::pin(reading.read(reader, kept, Pace::Now, PlanNeeds::new(desired))).await;
    let observed = &mut reading.observed;
    forget_explained(desired, observed);
    observed.gaps = gaps::of(&observed.answered, desired, observed);
}

/// What a service reads that reads again and again. A question whose answer is kept is asked again only if it is among `renew`.
pub async fn read_again(desired: &Desired, reader: &impl Read, kept: &mut Kept, renew: BTreeSet<Query>) -> Reading {
    kept.begin(renew);
    let mut reading = Reading::new(reader.region());
    read_with_ages(&mut reading, desired, reader, kept).await;
    reading
}

/// As [`read_for_plan`], and notes how old the answers are and what they cost. What was of no use is no longer kept.
async fn read_with_ages(reading: &mut Reading, desired: &Desired, reader: &impl Read, kept: &mut Kept) {
    let before = reader.balancing_calls();
    read_for_plan(reading, desired, reader, kept).await;
    kept.end(&reading.observed.answered);
    reading.ages = kept.ages();
    reading.balancing_calls = reader.balancing_calls().saturating_sub(before);
}

/// Asks these questions again, and what follows from their answers.
pub async fn renew(
    desired: &Desired,
    reader: &impl Read,
    kept: &mut Kept,
    reading: &mut Reading,
    queries: &BTreeSet<Query>,
) {
    kept.begin(queries.clone());
    reading.ask_again(|query| queries.contains(query) || explains(query.kind()));
    read_with_ages(reading, desired, reader, kept).await;
}

/// Asks the health of these target groups, and keeps it.
pub async fn read_health(
    groups: &BTreeSet<TargetGroupArn>,
    reader: &impl Read,
    kept: &mut Kept,
) -> BTreeMap<TargetGroupArn, Seen<Vec<Target>>> {
    let queries: BTreeSet<Query> = groups.iter().cloned().map(Query::Health).collect();
    kept.begin(queries.clone());
    let mut reading = Reading::new(reader.region());
    Box::pin(reading.read(reader, kept, Pace::Now, Derived::by(|_| queries.clone()))).await;
    reading.observed.targets
}

/// Whether a kind of question tells what is behind registrations that nothing explains: its answer is as old as these.
fn explains(kind: Kind) -> bool {
    matches!(kind, Kind::StoppingTasks | Kind::AddressOwner | Kind::Revisions)
}

/// Reads what tracing the chosen paths of `desired` needs and is not known yet.
pub async fn read_for_trace(reading: &mut Reading, desired: &Desired, chosen: &Chosen<'_>, reader: &impl Read) {
    let before = reading.observed.answered.clone();
    let mut kept = Kept::nothing();
    let needs = Derived::by(|observed| trace_needs(desired, observed, chosen));
    Box::pin(reading.read(reader, &mut kept, Pace::Now, needs)).await;
    let observed = &mut reading.observed;
    observed.gaps_around = gaps::of(observed.answered.difference(&before), desired, observed);
}

/// Observes, plans, and holds the plan against the paths. An error is about the fleet as a whole: it must not be worked on
/// with these credentials.
pub async fn look(
    desired: &Desired,
    reader: &impl Read,
    policy: &Policy,
    now: Timestamp,
) -> Result<Look, Vec<ScopeError>> {
    look_by(desired, reader, policy, || now).await
}

/// As [`look`], by a clock that is asked once AWS has been read: its answers tell the time.
pub async fn look_by(
    desired: &Desired,
    reader: &impl Read,
    policy: &Policy,
    clock: impl Fn() -> Timestamp,
) -> Result<Look, Vec<ScopeError>> {
    let mut reading = Reading::new(reader.region());
    read_for_plan(&mut reading, desired, reader, &mut Kept::nothing()).await;
    read_for_command(&mut reading, desired, reader, policy).await;
    let now = clock();
    let plan = plan_observed(desired, &reading.observed, policy, now)?;
    // What filters around a path that no step touches is not read for this: what it keeps out shows in target health.
    let broken_paths = Some(paths::broken(desired, &reading.observed, policy, now));
    let plan = hold_to_paths(desired, reader, &mut reading, policy, now, plan).await;
    Ok(Look { observed: reading.observed, plan, broken_paths })
}

/// Holds a plan of a reading against the paths that its steps touch: a step that would break one that is sound now becomes a
/// blocked entry (unless forced), and what a step repairs is reported with it. The network around these paths is read for it;
/// where there is nothing to do, nothing is read.
pub async fn hold_to_paths(
    desired: &Desired,
    reader: &impl Read,
    reading: &mut Reading,
    policy: &Policy,
    now: Timestamp,
    plan: Plan,
) -> Plan {
    let touched = touched::touched(desired, &reading.observed, &plan, now);
    if touched.is_empty() {
        return plan;
    }
    read_for_trace(reading, desired, &Chosen::TargetGroups(&touched), reader).await;
    paths::weigh(desired, &reading.observed, policy, now, plan)
}

/// Reads what a command needs beyond that.
async fn read_for_command(reading: &mut Reading, desired: &Desired, reader: &impl Read, policy: &Policy) {
    let Some(command) = &policy.command else { return };
    let needs = Derived::by(|observed: &Observed| command_needs(desired, observed, command));
    Box::pin(reading.read(reader, &mut Kept::nothing(), Pace::Now, needs)).await;
}

/// As [`look`], with the network around every path, for a trace of all of them.
pub async fn look_around(
    desired: &Desired,
    reader: &impl Read,
    policy: &Policy,
    now: Timestamp,
) -> Result<Look, Vec<ScopeError>> {
    look_around_by(desired, reader, policy, || now).await
}

/// As [`look_around`], by a clock that is asked once AWS has been read.
pub async fn look_around_by(
    desired: &Desired,
    reader: &impl Read,
    policy: &Policy,
    clock: impl Fn() -> Timestamp,
) -> Result<Look, Vec<ScopeError>> {
    let mut reading = Reading::new(reader.region());
    read_for_plan(&mut reading, desired, reader, &mut Kept::nothing()).await;
    let now = clock();
    let plan = plan_observed(desired, &reading.observed, policy, now)?;
    read_for_trace(&mut reading, desired, &Chosen::All, reader).await;
    let observed = reading.observed;
    let plan = paths::weigh(desired, &observed, policy, now, plan);
    let broken_paths = Some(paths::broken(desired, &observed, policy, now));
    Ok(Look { observed, plan, broken_paths })
}

/// Plans what was observed. Pure.
pub fn plan_observed(
    desired: &Desired,
    observed: &Observed,
    policy: &Policy,
    now: Timestamp,
) -> Result<Plan, Vec<ScopeError>> {
    if let Some(error) = nothing_answered(observed) {
        return Err(vec![error]);
    }
    let errors = scope_errors(desired, observed);
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(plan(desired, observed, policy, now))
}

/// Reads the services of clusters, and the target groups that they may name.
pub async fn observe_scope(scope: &Scope, reader: &impl Read) -> Observed {
    let mut reading = Reading::new(reader.region());
    let needs = Derived::by(|observed| scope_needs(scope, observed));
    Box::pin(reading.read(reader, &mut Kept::nothing(), Pace::Now, needs)).await;
    reading.observed
}

/// Reads the live state without a manifest: the services first, then the whole chain behind them, then the groups of their
/// instances, which only the chain tells. The bare fleet has nothing managed.
pub async fn take_stock(
    reader: &impl Read,
    scope: &Scope,
    region: &str,
    depth: Depth,
) -> Result<(Desired, Observed), Vec<ScopeError>> {
    let mut reading = Reading::of(observe_scope(scope, reader).await);
    let mut kept = Kept::nothing();
    let outline = outline(&reading.observed, scope, region)?;
    Box::pin(reading.read(reader, &mut kept, Pace::Now, OutlineNeeds::new(&outline, depth))).await;
    let mut observed = reading.observed;
    observed.gaps = gaps::of(&observed.answered, &outline, &observed);
    if let Some(error) = nothing_answered(&observed) {
        return Err(vec![error]);
    }
    let errors = scope_errors(&outline, &observed);
    if errors.is_empty() { Ok((outline, observed)) } else { Err(errors) }
}

/// Denied calls are gaps, and the rest goes on. But when not even the question "who am I", which needs no
/// permission, was answered, and nothing else either, then the credentials or the way to AWS are at fault.
fn nothing_answered(observed: &Observed) -> Option<ScopeError> {
    let Seen::Unknown(gap) = &observed.account else { return None };
    let is_silent = observed.load_balancers.gap().is_some()
        && observed.target_groups.gap().is_some()
        && observed.vpcs.gap().is_some()
        && observed.clusters.values().all(|seen| seen.gap().is_some())
        && observed.services.values().all(|seen| seen.gap().is_some());
    is_silent.then(|| ScopeError {
        message: format!("AWS did not answer anything in {} ({}: {})", observed.region, gap.call, gap.why),
        hint: CHECK_ACCESS.to_owned(),
    })
}

fn heading(desired: &Desired, observed: &Observed) -> String {
    let place = format!("Fleet {} in {}", desired.fleet.name, observed.region);
    match &observed.account {
        Seen::Present(account) => format!("{place}, account {account}"),
        Seen::Absent | Seen::Unknown(_) => place,
    }
}

/// What a run may wait for: everything that it was about, except target groups that are blocked, for which nothing is
/// under way.
pub fn awaited(desired: &Desired, plan: &Plan, policy: &Policy) -> BTreeSet<ObjectRef> {
    let services = desired.services.keys().map(|key| ObjectRef::service(key));
    let groups = desired.target_groups.keys().map(|key| ObjectRef::target_group(key));
    let blocked: BTreeSet<_> = plan.blocked.iter().map(|entry| &entry.object).collect();
    let groups = groups.filter(|object| !blocked.contains(object));
    let chosen = |object: &ObjectRef| policy.only.as_ref().is_none_or(|only| only.contains(object));
    services.chain(groups).filter(chosen).collect()
}

/// What is not yet as a deployment and its health checks should leave it: one line for each service and target
/// group of `awaited` that is still on its way.
pub fn unsettled(desired: &Desired, observed: &Observed, awaited: &BTreeSet<ObjectRef>) -> Vec<String> {
    let given = Given::new(desired, observed);
    let wanted = |object: &ObjectRef| awaited.contains(object);
    let services = desired.services.values().filter_map(|service| {
        let object = ObjectRef::service(&service.key);
        wanted(&object).then(|| unsettled_service(service, observed))?.map(|what| format!("{object}: {what}"))
    });
    let groups = desired.target_groups.values().filter_map(|group| {
        let object = ObjectRef::target_group(&group.key);
        wanted(&object).then(|| unsettled_group(&given, group))?.map(|what| format!("{object}: {what}"))
    });
    services.chain(groups).collect()
}

fn unsettled_service(service: &DesiredService, observed: &Observed) -> Option<String> {
    match observed.service(&service.id) {
        Seen::Present(live) => {
            let tasks = format!("{} of {} tasks run", live.running_count, live.desired_count);
            if live.is_deploying() {
                Some(format!("a deployment is in progress, {tasks}"))
            } else {
                (live.running_count != live.desired_count).then_some(tasks)
            }
        }
        // No step creates a service: the plan has it as blocked, and waiting would not bring it.
        Seen::Absent => None,
        Seen::Unknown(gap) => Some(format!("it could not be read ({}: {})", gap.call, gap.why)),
    }
}

fn unsettled_group(given: &Given<'_>, group: &DesiredTargetGroup) -> Option<String> {
    let live = match given.target_group(&group.name) {
        Seen::Present(live) => live,
        Seen::Absent => return Some("it does not exist".to_owned()),
        Seen::Unknown(gap) => return Some(format!("it could not be read ({}: {})", gap.call, gap.why)),
    };
    if live.load_balancers.is_empty() && group.routes.iter().flatten().next().is_none() {
        // Its targets are `unused`: no health check runs, and waiting would not help.
        return None;
    }
    let fed = feeds(given, group, live);
    let expected = fed.tasks + group.targets.as_ref().map_or(0, Vec::len);
    let mut healthy = 0;
    for arn in &fed.groups {
        match given.observed.targets_of(arn) {
            Seen::Present(targets) => {
                healthy += targets.iter().filter(|target| target.health.state == TargetState::Healthy).count();
            }
            // The other group of a blue/green pair is read only while ECS names it.
            Seen::Absent | Seen::Unknown(_) if *arn != live.arn => {}
            Seen::Absent => return Some("its targets are gone".to_owned()),
            Seen::Unknown(gap) => return Some(format!("its targets could not be read ({}: {})", gap.call, gap.why)),
        }
    }
    (healthy < expected).then(|| format!("{healthy} of {expected} targets are healthy"))
}

/// The tasks that are registered in a target group, and where they may be.
struct Feeds {
    tasks: usize,
    /// The group itself, and the other ones of blue/green pairs: the tasks are in either.
    groups: BTreeSet<TargetGroupArn>,
}

fn feeds(given: &Given<'_>, group: &DesiredTargetGroup, live: &TargetGroup) -> Feeds {
    let mut feeds = Feeds { tasks: 0, groups: BTreeSet::from([live.arn.clone()]) };
    let services: BTreeSet<_> = given.ports_of(&group.key).map(|(service, _)| &service.id).collect();
    for id in services {
        let Seen::Present(service) = given.observed.service(id) else { continue };
        for alternate in wired(service, &live.arn) {
            feeds.tasks += service.desired_count as usize;
            feeds.groups.extend(alternate.cloned());
        }
    }
    feeds.tasks += registered_by_portolan(given, group, live).len();
    feeds
}

/// Running tasks that Portolan keeps in a target group. Those that are still to come are for the next pass to register.
fn registered_by_portolan(given: &Given<'_>, group: &DesiredTargetGroup, live: &TargetGroup) -> BTreeSet<TargetKey> {
    let standing = given.observed.targets_of(&live.arn).present().into_iter().flatten();
    let standing: BTreeSet<_> = standing.map(|target| &target.key).collect();
    let fed_by_ecs = |service: &DesiredService| {
        let standing = given.observed.service(&service.id).present();
        standing.is_some_and(|standing| standing.entries_behind(&live.arn).next().is_some())
    };
    let ports = given.ports_registered_by_portolan(&group.key).filter(|(service, _)| !fed_by_ecs(service));
    let places = ports.flat_map(|(service, port)| {
        let tasks = given.observed.tasks_of(&service.id).present().into_iter().flatten().filter(|task| task.runs());
        tasks.filter_map(|task| task.endpoint(&port.container, port.container_port))
    });
    places.filter(|key| standing.contains(key)).collect()
}

/// The entries of a service that name a target group, each with the other group of its pair.
fn wired<'a>(
    service: &'a Service,
    arn: &'a TargetGroupArn,
) -> impl Iterator<Item = Option<&'a TargetGroupArn>> + use<'a> {
    service.load_balancers.iter().filter_map(move |entry| {
        let alternate = entry.advanced.as_ref().and_then(|advanced| advanced.alternate_target_group.as_ref());
        let named = [entry.target_group.as_ref(), alternate];
        named.contains(&Some(arn)).then(|| named.into_iter().flatten().find(|other| *other != arn))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Source, load};
    use crate::model::{
        Deployment, DeploymentController, Gap, HealthCheck, LoadBalancerArn, LoadBalancerEntry, Placement, Protocol,
        Rollout, Scheduling, ServiceStatus, Strategy, Target, TargetHealth, TargetType, Task, TaskArn,
        TaskDefinitionArn,
    };

    const FLEET: &str = "
apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: payments}
spec: {region: eu-west-1, cluster: prod, vpc: main, mode: enforce}
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: checkout}
spec: {ports: [{name: http, container: app, containerPort: 8080, targetGroups: [checkout-http]}]}
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {name: checkout-http}
spec: {loadBalancer: public, protocol: HTTP, targetType: ip, targets: [{address: 10.1.0.9, port: 8080}]}
";

    fn desired() -> Desired {
        load(&[Source { name: "fleet.yaml".to_owned(), text: FLEET.to_owned(), files: Default::default() }])
            .expect("a sound manifest")
    }

    fn all() -> BTreeSet<ObjectRef> {
        awaited(&desired(), &Plan::default(), &Policy::default())
    }

    fn arn(name: &str) -> TargetGroupArn {
        TargetGroupArn::from(name)
    }

    fn service(rollout: Rollout, running_count: u32) -> Service {
        let entry = LoadBalancerEntry { target_group: Some(arn("tg")), ..LoadBalancerEntry::default() };
        Service {
            id: desired().services["checkout"].id.clone(),
            arn: "arn:s".to_owned(),
            status: ServiceStatus::Active,
            scheduling: Scheduling::Replica,
            controller: DeploymentController::Ecs,
            strategy: Strategy::Rolling,
            managed_by_ecs: false,
            desired_count: 2,
            running_count,
            task_definition: TaskDefinitionArn::from("td:1"),
            load_balancers: vec![entry],
            network: None,
            deployments: vec![Deployment {
                primary: true,
                rollout: Some(rollout),
                task_definition: TaskDefinitionArn::from("td:1"),
                id: "ecs-svc/1".to_owned(),
                created: None,
                reason: None,
                tasks: Default::default(),
            }],
            task_sets_move: false,
            conduct: Default::default(),
            members: Box::new(Seen::Present(Default::default())),
        }
    }

    fn target_group(load_balancers: &[&str]) -> TargetGroup {
        TargetGroup {
            arn: arn("tg"),
            name: "checkout-http".to_owned(),
            protocol: Protocol::Http,
            protocol_version: None,
            port: Some(8080),
            vpc: None,
            target_type: TargetType::Ip,
            family: Default::default(),
            health_check: HealthCheck::default(),
            load_balancers: load_balancers.iter().map(|arn| LoadBalancerArn::from(*arn)).collect(),
            tags: Seen::Absent,
        }
    }

    fn targets(states: &[TargetState]) -> Seen<Vec<Target>> {
        let target = |(number, state): (usize, &TargetState)| Target {
            key: TargetKey { id: format!("10.1.0.{number}"), port: 8080 },
            zone: None,
            health: TargetHealth { state: *state, reason: None, description: None },
        };
        Seen::Present(states.iter().enumerate().map(target).collect())
    }

    fn observed(service: Service, group: TargetGroup, states: &[TargetState]) -> Observed {
        let mut observed = Observed::unasked("eu-west-1");
        observed.services.insert(service.id.clone(), Seen::Present(service));
        observed.target_groups = Seen::Present(vec![group]);
        observed.targets.insert(arn("tg"), targets(states));
        observed
    }

    const HEALTHY: TargetState = TargetState::Healthy;

    #[test]
    fn a_fleet_is_settled_when_its_deployments_are_complete_and_its_targets_healthy() {
        let live = observed(service(Rollout::Completed, 2), target_group(&["lb"]), &[HEALTHY; 3]);
        assert_eq!(unsettled(&desired(), &live, &all()), [""; 0]);
    }

    #[test]
    fn tasks_that_portolan_registers_are_waited_for_once_they_stand() {
        let text = FLEET.replace("[checkout-http]", "[checkout-http], registrar: portolan");
        let source = Source {
            name: "fleet.yaml".to_owned(),
            text: text.replace("10.1.0.9", "10.1.0.0"),
            files: Default::default(),
        };
        let desired = load(&[source]).expect("a sound manifest");
        let service = Service { load_balancers: Vec::new(), ..service(Rollout::Completed, 2) };
        let task = |last: u8| Task {
            arn: TaskArn::from(format!("task/{last}")),
            service: service.id.clone(),
            task_definition: service.task_definition.clone(),
            status: "RUNNING".to_owned(),
            leaves: false,
            placement: Placement::Address([10, 1, 0, last].into()),
            started: None,
            healthy: None,
            container_instance: None,
            started_by: None,
        };
        let tasks = BTreeMap::from([(service.id.clone(), Seen::Present(vec![task(1), task(2), task(9)]))]);
        let states = [HEALTHY, HEALTHY, TargetState::Initial];
        let some = Observed { tasks, ..observed(service, target_group(&["lb"]), &states) };
        let expected = ["TargetGroup/checkout-http: 2 of 3 targets are healthy"];
        assert_eq!(unsettled(&desired, &some, &all()), expected);
    }

    #[test]
    fn what_is_missing_is_named() {
        let states = [HEALTHY, TargetState::Initial];
        let some = observed(service(Rollout::InProgress, 1), target_group(&["lb"]), &states);
        let expected = [
            "Service/checkout: a deployment is in progress, 1 of 2 tasks run",
            "TargetGroup/checkout-http: 1 of 3 targets are healthy",
        ];
        assert_eq!(unsettled(&desired(), &some, &all()), expected);
        let only = Some(BTreeSet::from([ObjectRef::target_group("checkout-http")]));
        let only = awaited(&desired(), &Plan::default(), &Policy { only, ..Policy::default() });
        assert_eq!(unsettled(&desired(), &some, &only), expected[1..]);
    }

    #[test]
    fn what_was_not_read_is_not_settled_and_what_serves_nobody_is_not_awaited() {
        let apart = observed(service(Rollout::Completed, 2), target_group(&[]), &[TargetState::Unused]);
        assert_eq!(unsettled(&desired(), &apart, &all()), [""; 0]);
        assert_eq!(unsettled(&desired(), &Observed::unasked("eu-west-1"), &all()).len(), 2);
    }

    #[test]
    fn the_tasks_of_a_blue_green_service_count_in_either_of_its_target_groups() {
        let mut live = service(Rollout::Completed, 2);
        let advanced = live.load_balancers[0].advanced.insert(Default::default());
        advanced.alternate_target_group = Some(arn("green"));
        let mut live = observed(live, target_group(&["lb"]), &[HEALTHY]);
        live.targets.insert(arn("green"), targets(&[HEALTHY; 2]));
        assert_eq!(unsettled(&desired(), &live, &all()), [""; 0]);
    }

    #[test]
    fn silence_on_every_question_is_an_error_and_a_denied_one_is_not() {
        let mut observed = Observed::unasked("eu-west-1");
        assert!(nothing_answered(&observed).is_some());
        observed.account = Seen::Present("123456789012".to_owned());
        assert!(nothing_answered(&observed).is_none());
        let gap = Gap { call: "sts:GetCallerIdentity".to_owned(), why: "Dispatch".to_owned() };
        observed.account = Seen::Unknown(gap);
        observed.vpcs = Seen::Present(Vec::new());
        assert!(nothing_answered(&observed).is_none());
    }
}
