//! The status table of a fleet, a row for each service: whether it is in sync and reachable, how many tasks run and how many
//! targets are healthy. Pure: it makes the table from one read.

use std::collections::BTreeSet;

use crate::model::{
    Deployment, Desired, DesiredService, DesiredTargetGroup, Given, ObjectRef, Observed, Rollout, Seen, Service,
    TargetGroupArn, TargetState,
};
use crate::plan::{Plan, Verdict};
use crate::trace::{self, Path, Trace};

pub mod json;
pub mod text;

/// An answer to a yes-or-no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// A read failed, so the answer is unknown.
    Unknown,
    /// The question does not apply to this row.
    NotApplicable,
}

impl Answer {
    /// The word in the table and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::NotApplicable => "n/a",
        }
    }
}

/// A number of objects in a state, and the number of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Running tasks or healthy targets.
    pub good: usize,
    /// Desired tasks or registered targets.
    pub all: usize,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The object; without a manifest its key comes from the live name.
    pub object: ObjectRef,
    /// `cluster/service`, or the name of a target group without a service.
    pub name: String,
    /// Live = declared; not applicable without a manifest.
    pub in_sync: Answer,
    /// Whether requests arrive on every path; not applicable without a load balancer, and unknown until [`Table::follow`].
    pub reachable: Answer,
    /// Running and desired tasks; absent for a target group without a service.
    pub tasks: Seen<Share>,
    /// Healthy and registered targets, without draining ones; absent without a target group.
    pub targets: Seen<Share>,
    /// Every request is answered, but capacity is missing on a path.
    pub is_degraded: bool,
    /// Reachability is unknown only because tasks are starting.
    pub is_starting: bool,
    /// A deployment is in progress.
    pub is_deploying: bool,
    /// The deployments of a service, the newest first, while one is in progress or the newest has failed; otherwise empty.
    pub deployments: Vec<Deployment>,
    /// The differences, one sentence each.
    pub why: Vec<String>,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Services, then target groups without a service; sorted by name.
    pub rows: Vec<Row>,
    /// The verdict of the comparison; without a manifest it is set only if a read failed.
    pub verdict: Option<Verdict>,
    /// The failed reads.
    pub gaps: Vec<(String, crate::model::Gap)>,
}

impl Table {
    /// Sets the reachability of each row: the worst result of its paths, the same as in `portolan trace`.
    pub fn follow(&mut self, traced: &Trace) {
        for row in &mut self.rows {
            let of_row = |path: &&Path| match &path.name.service {
                Some(key) => ObjectRef::service(key) == row.object,
                None => ObjectRef::target_group(&path.name.target_group) == row.object,
            };
            let paths: Vec<&Path> = traced.paths.iter().filter(of_row).collect();
            row.reachable = match paths.iter().map(|path| path.verdict()).min() {
                Some(trace::Verdict::Reachable) => Answer::Yes,
                Some(trace::Verdict::Broken) => Answer::No,
                Some(trace::Verdict::Standby) => Answer::NotApplicable,
                Some(trace::Verdict::Unknown) => Answer::Unknown,
                None => row.reachable,
            };
            row.is_degraded = row.reachable == Answer::Yes && paths.iter().any(|path| path.is_degraded());
            let mut unknown = paths.iter().filter(|path| path.verdict() == trace::Verdict::Unknown);
            row.is_starting = row.reachable == Answer::Unknown && unknown.all(|path| path.is_starting());
        }
    }

    /// Keeps the rows of these services; an empty list keeps all.
    pub fn keep(&mut self, services: &BTreeSet<String>) {
        if !services.is_empty() {
            self.rows.retain(|row| services.iter().any(|key| ObjectRef::service(key) == row.object));
        }
    }

    /// Whether the reachability of any row is unknown for another reason than starting tasks.
    pub fn is_unknown(&self) -> bool {
        self.rows.iter().any(|row| row.reachable == Answer::Unknown && !row.is_starting)
    }

    /// Whether a path of any row is broken.
    pub fn is_broken(&self) -> bool {
        self.rows.iter().any(|row| row.reachable == Answer::No)
    }
}

/// The table of a fleet. `plan` comes from the manifest; `None` without one.
pub fn table(desired: &Desired, observed: &Observed, plan: Option<&Plan>) -> Table {
    let given = &Given::new(desired, observed);
    let mut services: Vec<Row> = desired.services.values().map(|service| service_row(given, plan, service)).collect();
    let alone = desired.target_groups.values().filter(|group| given.ports_of(&group.key).next().is_none());
    let mut groups: Vec<Row> = alone.map(|group| group_row(given, plan, group)).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    services.append(&mut groups);
    let verdict = match plan {
        Some(plan) => Some(plan.verdict()),
        None => (!observed.gaps.is_empty()).then_some(Verdict::Incomplete),
    };
    Table { rows: services, verdict, gaps: observed.gaps.iter().cloned().collect() }
}

fn service_row(given: &Given<'_>, plan: Option<&Plan>, service: &DesiredService) -> Row {
    let live = given.observed.service(&service.id);
    let ports = service.ports.iter().flatten();
    let keys: BTreeSet<&String> = ports.flat_map(|port| port.target_groups.iter().flatten()).collect();
    let declared: Vec<&DesiredTargetGroup> =
        keys.iter().filter_map(|key| given.desired.target_groups.get(key.as_str())).collect();
    let object = ObjectRef::service(&service.key);
    let objects = keys.iter().map(|key| ObjectRef::target_group(key)).chain([object.clone()]).collect();
    let (in_sync, why) = compare(plan, &objects);
    let present = live.clone().present();
    let arns = arns(given, &declared, present);
    Row {
        object,
        name: service.id.to_string(),
        in_sync,
        reachable: reachable(given, &declared, &arns),
        is_degraded: false,
        is_starting: false,
        is_deploying: present.is_some_and(Service::is_deploying),
        deployments: present.map(unsteady).unwrap_or_default(),
        tasks: match live {
            Seen::Present(live) => {
                Seen::Present(Share { good: live.running_count as usize, all: live.desired_count as usize })
            }
            Seen::Absent => Seen::Absent,
            Seen::Unknown(gap) => Seen::Unknown(gap),
        },
        targets: targets(given.observed, &arns),
        why,
    }
}

fn group_row(given: &Given<'_>, plan: Option<&Plan>, group: &DesiredTargetGroup) -> Row {
    let object = ObjectRef::target_group(&group.key);
    let (in_sync, why) = compare(plan, &BTreeSet::from([object.clone()]));
    let arns = arns(given, &[group], None);
    Row {
        name: format!("target group {}", group.name),
        object,
        in_sync,
        reachable: reachable(given, &[group], &arns),
        tasks: Seen::Absent,
        targets: targets(given.observed, &arns),
        is_degraded: false,
        is_starting: false,
        is_deploying: false,
        deployments: Vec::new(),
        why,
    }
}

/// The deployments of a service that is not steady.
fn unsteady(live: &Service) -> Vec<Deployment> {
    let has_failed = live.primary().is_some_and(|primary| primary.rollout == Some(Rollout::Failed));
    if live.is_deploying() || has_failed { live.deployments.clone() } else { Vec::new() }
}

/// Whether the live state equals the declared state, for a service and everything behind its ports.
fn compare(plan: Option<&Plan>, objects: &BTreeSet<ObjectRef>) -> (Answer, Vec<String>) {
    let Some(plan) = plan else { return (Answer::NotApplicable, Vec::new()) };
    let steps = plan.steps.iter().filter(|step| objects.contains(&step.object)).map(|step| step.summary.clone());
    let blocked = plan.blocked.iter().filter(|entry| objects.contains(&entry.object));
    let (known, open): (Vec<_>, Vec<_>) = blocked.partition(|entry| entry.waiting_on.is_difference());
    let later = plan.planned.iter().filter(|entry| objects.contains(&entry.object));
    let later = later.map(|entry| format!("{} (planned for later): {}", entry.what, entry.because));
    let why: Vec<String> = steps.chain(known.iter().map(|entry| entry.what.clone())).chain(later).collect();
    let names: BTreeSet<String> = objects.iter().map(ToString::to_string).collect();
    let in_sync = if !why.is_empty() {
        Answer::No
    } else if !open.is_empty() || plan.gaps.iter().any(|(of, _)| names.contains(of)) {
        Answer::Unknown
    } else {
        Answer::Yes
    };
    (in_sync, why)
}

/// The target groups of a row: the declared ones and those in the live service's loadBalancers, alternates included.
fn arns(given: &Given<'_>, declared: &[&DesiredTargetGroup], live: Option<&Service>) -> BTreeSet<TargetGroupArn> {
    let declared = declared.iter().filter_map(|group| given.target_group(&group.name).present());
    let fed = live.into_iter().flat_map(Service::target_groups).cloned();
    declared.map(|group| group.arn.clone()).chain(fed).collect()
}

/// The services and target groups that a load balancer can reach.
fn reachable(given: &Given<'_>, declared: &[&DesiredTargetGroup], arns: &BTreeSet<TargetGroupArn>) -> Answer {
    let has_balancer = |arn: &TargetGroupArn| match given.target_group(arn.as_str()) {
        Seen::Present(group) => !group.load_balancers.is_empty(),
        Seen::Absent => false,
        Seen::Unknown(_) => true,
    };
    let is_declared = declared.iter().any(|group| group.load_balancer.is_some());
    if is_declared || arns.iter().any(has_balancer) { Answer::Unknown } else { Answer::NotApplicable }
}

fn targets(observed: &Observed, arns: &BTreeSet<TargetGroupArn>) -> Seen<Share> {
    let mut share = Share::default();
    for arn in arns {
        match observed.targets_of(arn) {
            Seen::Present(targets) => {
                let standing = targets.iter().filter(|target| target.health.state != TargetState::Draining);
                share.all += standing.count();
                share.good += targets.iter().filter(|target| target.health.state == TargetState::Healthy).count();
            }
            Seen::Absent => {}
            Seen::Unknown(gap) => return Seen::Unknown(gap),
        }
    }
    if arns.is_empty() { Seen::Absent } else { Seen::Present(share) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gap;
    use crate::trace::fixture::Stand;

    fn followed(stand: &Stand) -> Table {
        let mut table = table(&stand.desired, &stand.observed, None);
        table.follow(&stand.trace());
        table
    }

    #[test]
    fn a_service_whose_only_rule_is_gone_is_as_broken_as_its_path() {
        let mut stand = Stand::sound();
        stand.asked.is_manifest = false;
        stand.wanted().routes = None;
        assert_eq!(followed(&stand).rows[0].reachable, Answer::Yes);
        // As AWS shows a target group that no load balancer uses any more.
        stand.wanted().load_balancer = None;
        stand.rules().clear();
        stand.group().load_balancers.clear();
        let table = followed(&stand);
        assert_eq!(table.rows[0].reachable, Answer::No);
        assert!(table.is_broken() && !table.is_unknown());
    }

    #[test]
    fn a_path_that_was_not_read_is_unknown() {
        let mut stand = Stand::sound();
        let gap = Gap { call: "ec2:DescribeRouteTables".to_owned(), why: "UnauthorizedOperation".to_owned() };
        stand.observed.route_tables.insert("vpc-1".into(), Seen::Unknown(gap));
        assert!(followed(&stand).is_unknown());
    }

    #[test]
    fn deployments_are_shown_while_one_is_in_progress_or_the_newest_has_failed() {
        let mut stand = Stand::sound();
        assert!(table(&stand.desired, &stand.observed, None).rows[0].deployments.is_empty(), "steady");
        stand.service().deployments[0].tasks =
            crate::model::TaskCounts { desired: 2, running: 1, pending: 1, failed: 3 };
        stand.service().deployments[0].created = "2026-11-20T11:55:00Z".parse().ok();
        for (rollout, word) in [(Rollout::InProgress, "IN_PROGRESS"), (Rollout::Failed, "FAILED")] {
            stand.service().deployments[0].rollout = Some(rollout);
            let table = table(&stand.desired, &stand.observed, None);
            let text = text::render(&table, crate::report::text::Paint::Off);
            let line = format!(
                "\nDeployments:\n  prod/shop  shop:1 {word} since 2026-11-20T11:55:00Z: 1 of 2 tasks running, 3 failed\n"
            );
            assert!(text.contains(&line), "{text}");
            let document: serde_json::Value =
                serde_json::from_str(&json::render(&table, &Default::default())).expect("JSON");
            let shown = &document["services"][0]["deployments"][0];
            assert_eq!((&shown["rolloutState"], &shown["tasks"]["failed"]), (&word.into(), &3.into()));
        }
    }

    #[test]
    fn what_is_starting_is_unknown_and_no_reason_to_fail() {
        let mut stand = Stand::sound();
        stand.all_are(TargetState::Initial, "Elb.RegistrationInProgress", "");
        stand.service().deployments[0].rollout = Some(crate::model::Rollout::InProgress);
        stand.service().deployments[0].created = "2026-11-20T11:55:00Z".parse().ok();
        let table = followed(&stand);
        assert_eq!((table.rows[0].reachable, table.rows[0].is_starting), (Answer::Unknown, true));
        assert!(!table.is_unknown() && !stand.trace().is_unknown());
        let gap = Gap { call: "ec2:DescribeRouteTables".to_owned(), why: "denied".to_owned() };
        stand.observed.route_tables.insert("vpc-1".into(), Seen::Unknown(gap));
        assert!(followed(&stand).is_unknown() && stand.trace().is_unknown(), "something was not read, too");
    }
}
