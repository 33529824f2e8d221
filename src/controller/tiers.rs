//! Which questions a look asks again. Pure: what was asked goes in, and what to ask comes out.
//!
//! Three tiers. The structure (services, tasks, load balancers, listeners, rules, target groups, groups) is asked in every
//! look, for it takes few calls. Target health takes a call for each target group, and every call of Elastic Load
//! Balancing draws on one bucket of the account: it is asked in turn, oldest first, as far as [`SHARE`] of the bucket's
//! rate goes, and evenly between the looks, so that a look that an event asks for finds calls left and need not wait for
//! another. Tags and attributes hardly ever change: they are asked hourly. Ahead of its turn goes what changed, what is
//! not settled, what was written, what an event names, and whatever a step was derived from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Batch, Desired, Given, Keep, ObjectRef, Observed, Query, Seen, ServiceId, TargetGroupArn, TargetState, TaskArn,
};
use crate::pass::Reading;
use crate::plan::{Plan, Step, StepId, evidence};

/// Share of the account's bucket of Elastic Load Balancing calls that asking in turn may use, unless said otherwise.
pub const SHARE: f64 = 0.4;
/// How fast that bucket fills, in calls a second (AWS's documented default).
const RATE: f64 = 10.0;
/// How often health is asked in turn.
pub const TICK: Duration = Duration::from_secs(1);
/// What a pass has kept from being asked meanwhile is made up for, as far as so many seconds.
const LEEWAY: SignedDuration = SignedDuration::from_secs(5);
/// How old tags, attributes and quotas may get.
pub const HOURLY: SignedDuration = SignedDuration::from_hours(1);
/// How many times sooner than others a target group is asked whose targets are not all healthy.
const UNSETTLED: i32 = 4;

/// What ECS says of a service, as far as it moves targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Face {
    counts: (u32, u32),
    deployments: usize,
    tasks: BTreeSet<TaskArn>,
}

/// When everything was asked, and what that cost.
#[derive(Clone, Debug)]
pub struct Tiers {
    interval: SignedDuration,
    /// Calls a second.
    rate: f64,
    /// Calls that asking in turn may make now. Below zero: more was asked than the share allows.
    credit: f64,
    accrued: Option<Timestamp>,
    turned: Option<Timestamp>,
    /// Half of what the share allows: it goes to health that waits too long, though steps that are planned again and
    /// again, and held back, use up everything.
    owed: f64,
    /// When each kept answer arrived.
    asked: BTreeMap<Query, Timestamp>,
    unsettled: BTreeSet<TargetGroupArn>,
    /// To ask in the next look, whatever it costs.
    urgent: BTreeSet<Query>,
    faces: BTreeMap<ServiceId, Face>,
}

impl Tiers {
    /// Nothing was asked yet. `interval` is the time from look to look; `share` is that of the account's calls, from 0
    /// to 1.
    pub fn new(interval: Duration, share: f64) -> Self {
        let interval = SignedDuration::try_from(interval).unwrap_or(HOURLY);
        let rate = RATE * share.clamp(0.01, 1.0);
        let mut tiers = Self {
            interval,
            rate,
            credit: 0.0,
            accrued: None,
            turned: None,
            owed: 0.0,
            asked: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            urgent: BTreeSet::new(),
            faces: BTreeMap::new(),
        };
        tiers.credit = tiers.most();
        tiers
    }

    /// What the look that starts now asks again. What nothing is known of it asks anyway.
    pub fn due(&mut self, now: Timestamp) -> BTreeSet<Query> {
        self.accrue(now);
        let mut due = std::mem::take(&mut self.urgent);
        due.retain(|question| self.asked.contains_key(question));
        let mut left = self.credit - due.iter().map(cost).sum::<f64>();
        // As many as the turns have left over for them.
        for question in self.overdue(now, &due) {
            left -= cost(&question);
            if left < 0.0 {
                break;
            }
            due.insert(question);
        }
        due
    }

    /// The target groups whose health is asked now, between looks.
    pub fn turn(&mut self, now: Timestamp) -> BTreeSet<TargetGroupArn> {
        self.accrue(now);
        let tick = SignedDuration::try_from(TICK).unwrap_or(LEEWAY);
        let passed = self.turned.replace(now).map_or(tick, |before| now.duration_since(before));
        let share = self.rate * passed.clamp(tick, LEEWAY).as_secs_f64();
        // What is due hourly is asked by the next look, for half of the calls.
        let is_anything_due = self.asked.iter().any(|(question, at)| is_overdue(question, *at, now));
        let most = if is_anything_due { share / 2.0 } else { share }.max(1.0);
        let two_turns = self.two_turns();
        let mut left = self.credit.min(most);
        let mut owed = self.owed.min(most);
        let mut turn = BTreeSet::new();
        for (arn, age) in self.health_in_turn(now) {
            let is_starved = age > two_turns;
            if left < 1.0 && !(is_starved && owed >= 1.0) {
                break;
            }
            (left, owed) = (left - 1.0, owed - 1.0);
            turn.insert(arn.clone());
        }
        turn
    }

    /// Notes that the health of these target groups was asked, whatever came of it.
    pub fn note_turn(&mut self, asked: BTreeSet<TargetGroupArn>, now: Timestamp) {
        let spent = asked.len() as f64;
        self.credit = (self.credit - spent).max(-self.most());
        self.owed = (self.owed - spent).max(0.0);
        self.asked.extend(asked.into_iter().map(|arn| (Query::Health(arn), now)));
    }

    /// Notes what a look asked, when it has ended. `extra`: it came before its time, so that its structure counts, too.
    pub fn note(&mut self, watched: &Reading, extra: bool, now: Timestamp) {
        let before = std::mem::take(&mut self.asked);
        let is_first = before.is_empty();
        for (question, age) in &watched.ages {
            let age = SignedDuration::try_from(*age).unwrap_or(SignedDuration::ZERO);
            self.asked.insert(question.clone(), now - age);
        }
        let is_newer = |(question, at): &(&Query, &Timestamp)| before.get(*question).is_none_or(|before| before < *at);
        let asked: f64 = self.asked.iter().filter(is_newer).map(|(question, _)| cost(question)).sum();
        let spent = if extra { watched.balancing_calls as f64 } else { asked };
        // The first look is one for which no share can be kept.
        if !is_first {
            self.credit = (self.credit - spent).max(-self.most());
        }
        let unsettled = watched.observed.targets.iter().filter(|(_, seen)| !is_settled(seen));
        self.unsettled = unsettled.map(|(arn, _)| arn.clone()).collect();
    }

    /// The kept health of services that are not as they were in the look before, as far as the credit goes; the rest
    /// is asked in the next look. `elapsed` is the time since this one began.
    pub fn changed(&mut self, desired: &Desired, watched: &Reading, elapsed: Duration) -> BTreeSet<Query> {
        let mut changed = BTreeSet::new();
        let mut faces = BTreeMap::new();
        for service in desired.services.values() {
            let Some(face) = face(&watched.observed, &service.id) else { continue };
            if self.faces.get(&service.id).is_some_and(|before| *before != face) {
                changed.insert(ObjectRef::service(&service.key));
            }
            faces.insert(service.id.clone(), face);
        }
        self.faces = faces;
        if changed.is_empty() {
            return BTreeSet::new();
        }
        let given = Given::new(desired, &watched.observed);
        let mut changed: BTreeSet<_> = changed.iter().flat_map(|object| self.health_of(&given, object)).collect();
        changed.retain(|question| watched.ages.get(question).is_some_and(|age| *age > elapsed));
        let now = changed.iter().take(self.credit.max(1.0) as usize).cloned().collect();
        self.urgent.extend(changed.difference(&now).cloned());
        now
    }

    /// What the steps of a plan were derived from and was asked before this look, which began `elapsed` ago.
    pub fn unsure(desired: &Desired, watched: &Reading, plan: &Plan, elapsed: Duration) -> BTreeSet<Query> {
        if plan.steps.is_empty() {
            return BTreeSet::new();
        }
        let given = Given::new(desired, &watched.observed);
        let subjects: BTreeSet<String> = plan.steps.iter().flat_map(|step| evidence::subjects(&given, step)).collect();
        let old = watched.ages.iter().filter(|(_, age)| **age > elapsed);
        let is_about = |question: &&Query| subject(question).is_some_and(|arn| subjects.contains(arn));
        old.map(|(question, _)| question).filter(is_about).cloned().collect()
    }

    /// Steps that must not be sent, and why: what they were derived from is too old. The next look asks that.
    pub fn too_old(
        &mut self,
        desired: &Desired,
        watched: &Reading,
        plan: &Plan,
        elapsed: Duration,
    ) -> BTreeMap<StepId, String> {
        if plan.steps.is_empty() {
            return BTreeMap::new();
        }
        let unsure = Self::unsure(desired, watched, plan, elapsed);
        let given = Given::new(desired, &watched.observed);
        let most = self.two_turns();
        let mut urgent = BTreeSet::new();
        let mut why = |step: &Step| {
            let subjects = evidence::subjects(&given, step);
            if unsure.iter().any(|question| subject(question).is_some_and(|arn| subjects.contains(arn))) {
                return Some("the data behind this step could not be re-read before sending it".to_owned());
            }
            let neighbours = evidence::neighbours(&watched.observed, step);
            let is_older = |arn: &TargetGroupArn, than: SignedDuration| {
                let age = watched.ages.get(&Query::Health(arn.clone()));
                age.is_some_and(|age| SignedDuration::try_from(*age).is_ok_and(|age| age > than))
            };
            let first = neighbours.iter().find(|arn| is_older(arn, most))?.clone();
            // Those too that would be too old by the next look: or else it would wait for these.
            let soon = neighbours.into_iter().filter(|arn| is_older(arn, most / 2));
            urgent.extend(soon.map(Query::Health));
            Some(format!("the health of {first}, on the same listener, was last read more than {most:#} ago"))
        };
        let held = plan.steps.iter().filter_map(|step| Some((step.id, why(step)?))).collect();
        self.urgent.extend(urgent);
        held
    }

    /// These objects were written, or an event names them: everything about them is asked in the next look.
    pub fn urge(&mut self, desired: &Desired, observed: &Observed, objects: &BTreeSet<ObjectRef>) {
        if objects.is_empty() {
            return;
        }
        let given = &Given::new(desired, observed);
        let groups: BTreeSet<String> = objects
            .iter()
            .flat_map(|object| evidence::target_groups_of(given, object))
            .map(|arn| arn.to_string())
            .collect();
        self.urge_arns(&groups);
    }

    /// The same for things of AWS: target groups, rules.
    pub fn urge_arns(&mut self, arns: &BTreeSet<String>) {
        let named = self.asked.keys().filter(|question| subject(question).is_some_and(|arn| arns.contains(arn)));
        self.urgent.extend(named.cloned());
    }

    /// How long to wait before a look that comes before its time, so that the share is kept.
    pub fn pause(&self) -> Duration {
        Duration::from_secs_f64((-self.credit / self.rate).max(0.0))
    }

    /// The time in which every target group's health is asked once.
    pub fn period(&self) -> SignedDuration {
        let groups = self.asked.keys().filter(|question| is_health(question)).count();
        let seconds = SignedDuration::try_from_secs_f64(groups as f64 / self.rate).unwrap_or(HOURLY);
        seconds.max(self.interval)
    }

    fn two_turns(&self) -> SignedDuration {
        self.period().checked_mul(2).unwrap_or(HOURLY)
    }

    fn most(&self) -> f64 {
        self.rate * self.interval.as_secs_f64().max(1.0)
    }

    /// Adds the calls that the share allows for the time that has passed.
    fn accrue(&mut self, now: Timestamp) {
        let Some(before) = self.accrued.replace(now) else { return };
        let accrued = now.duration_since(before).as_secs_f64().max(0.0) * self.rate;
        self.credit = (self.credit + accrued).min(self.most());
        self.owed = (self.owed + accrued / 2.0).min(self.most() / 2.0);
    }

    /// Tags, attributes and quotas that are older than they may be, oldest first.
    fn overdue(&self, now: Timestamp, but: &BTreeSet<Query>) -> Vec<Query> {
        let old = |(question, at): &(&Query, &Timestamp)| is_overdue(question, **at, now) && !but.contains(*question);
        let mut overdue: Vec<_> = self.asked.iter().filter(old).map(|(question, at)| (*at, question.clone())).collect();
        overdue.sort();
        overdue.into_iter().map(|(_, question)| question).collect()
    }

    /// Health that has not been asked for an interval, with its age, oldest first; what is not settled counts as several
    /// times as old, and comes after half an interval.
    fn health_in_turn(&self, now: Timestamp) -> impl Iterator<Item = (&TargetGroupArn, SignedDuration)> {
        let mut health = Vec::new();
        for (question, at) in &self.asked {
            let Query::Health(arn) = question else { continue };
            let (age, is_unsettled) = (now.duration_since(*at), self.unsettled.contains(arn));
            let counted = if is_unsettled { age.checked_mul(UNSETTLED).unwrap_or(age) } else { age };
            let soonest = if is_unsettled { self.interval / 2 } else { self.interval };
            if age >= soonest {
                health.push((counted, age, arn));
            }
        }
        // Stable: of the same age, they stay in the order of their ARNs.
        health.sort_by_key(|(counted, _, _)| std::cmp::Reverse(*counted));
        health.into_iter().map(|(_, age, arn)| (arn, age))
    }

    fn health_of<'a>(&'a self, given: &Given<'_>, object: &ObjectRef) -> impl Iterator<Item = Query> + use<'a> {
        let groups = evidence::target_groups_of(given, object).into_iter().map(Query::Health);
        groups.filter(|question| self.asked.contains_key(question))
    }
}

/// The thing of AWS that a kept answer is about.
fn subject(question: &Query) -> Option<&str> {
    if let Query::Health(arn) | Query::Attributes(arn) = question {
        Some(arn.as_str())
    } else if let Query::Tags(arn) = question {
        Some(arn)
    } else {
        None
    }
}

fn is_health(question: &Query) -> bool {
    question.kind().facts().keep == Keep::InTurn
}

fn is_overdue(question: &Query, at: Timestamp, now: Timestamp) -> bool {
    !is_health(question) && now.duration_since(at) >= HOURLY
}

/// In calls.
fn cost(question: &Query) -> f64 {
    match question.kind().facts().batch {
        Batch::Of(most) => 1.0 / most as f64,
        Batch::Each | Batch::List | Batch::PerCluster(_) | Batch::With(_) => 1.0,
    }
}

fn is_settled(seen: &Seen<Vec<crate::model::Target>>) -> bool {
    let Seen::Present(targets) = seen else { return false };
    targets.iter().all(|target| matches!(target.health.state, TargetState::Healthy | TargetState::Unused))
}

fn face(observed: &Observed, id: &ServiceId) -> Option<Face> {
    let service = observed.service(id).present()?;
    let tasks = observed.tasks_of(id).present().into_iter().flatten();
    Some(Face {
        counts: (service.desired_count, service.running_count),
        deployments: service.deployments.len(),
        tasks: tasks.map(|task| task.arn.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Target, TargetHealth, TargetKey};

    const INTERVAL: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
    }

    fn health(number: usize) -> Query {
        Query::Health(TargetGroupArn::from(format!("group/{number:04}")))
    }

    fn tags(number: usize) -> Query {
        Query::Tags(format!("rule/{number:04}"))
    }

    /// A look in which these were asked just now, and the others `before`, so many seconds ago.
    fn looked(now: &BTreeSet<Query>, before: &BTreeMap<Query, u64>) -> Reading {
        let old = before.iter().map(|(question, age)| (question.clone(), Duration::from_secs(*age)));
        let new = now.iter().map(|question| (question.clone(), Duration::ZERO));
        Reading { ages: old.chain(new).collect(), ..Reading::new("eu-west-1") }
    }

    fn first(questions: impl Iterator<Item = Query>) -> (Tiers, BTreeSet<Query>) {
        let mut tiers = Tiers::new(INTERVAL, SHARE);
        assert!(tiers.due(at(0)).is_empty(), "nothing is known: everything is asked anyway");
        let all: BTreeSet<Query> = questions.collect();
        tiers.note(&looked(&all, &BTreeMap::new()), false, at(0));
        (tiers, all)
    }

    /// When each question was asked last, and how often since the first look.
    type Log = BTreeMap<Query, (i64, usize)>;

    fn log(all: &BTreeSet<Query>) -> Log {
        all.iter().map(|question| (question.clone(), (0, 0))).collect()
    }

    fn enter(log: &mut Log, asked: &BTreeSet<Query>, now: i64) {
        for question in asked {
            let entry = log.get_mut(question).expect("a question that was asked before");
            *entry = (now, entry.1 + 1);
        }
    }

    /// The seconds from `begin` to `end`, with a pass in every thirtieth that needs these in addition; the most health in a second.
    fn go_on(tiers: &mut Tiers, log: &mut Log, needed: &BTreeSet<Query>, begin: i64, end: i64) -> usize {
        let mut most = 0;
        for now in begin..=end {
            let turn = tiers.turn(at(now));
            most = most.max(turn.len());
            enter(log, &turn.iter().cloned().map(Query::Health).collect(), now);
            tiers.note_turn(turn, at(now));
            if now % 30 == 0 {
                let due = tiers.due(at(now));
                enter(log, &due.union(needed).cloned().collect(), now);
                let ages =
                    log.iter().map(|(question, (at, _))| (question.clone(), (now - at).unsigned_abs())).collect();
                tiers.note(&looked(&BTreeSet::new(), &ages), false, at(now));
            }
        }
        most
    }

    #[test]
    fn a_small_fleet_has_its_health_asked_every_interval() {
        let (mut tiers, all) = first((0..100).map(health));
        let mut log = log(&all);
        let most = go_on(&mut tiers, &mut log, &BTreeSet::new(), 1, 331);
        assert!(log.values().all(|(_, times)| (10..=11).contains(times)), "{log:?}");
        assert_eq!((most, tiers.period()), (4, SignedDuration::from_secs(30)));
    }

    #[test]
    fn a_large_fleet_takes_turns_within_the_share() {
        let (mut tiers, all) = first((0..1000).map(health));
        let mut log = log(&all);
        assert_eq!(tiers.period(), SignedDuration::from_secs(250));
        let most = go_on(&mut tiers, &mut log, &BTreeSet::new(), 1, 280);
        assert!(log.values().all(|(_, times)| *times >= 1), "a turn takes 250 seconds after the first interval");
        assert_eq!(most, 4, "calls in a second");
    }

    #[test]
    fn what_a_pass_kept_from_being_asked_is_made_up_for() {
        let (mut tiers, _) = first((0..1000).map(health));
        for (now, calls) in [(40, 4), (45, 20), (46, 4), (100, 20)] {
            let turn = tiers.turn(at(now));
            assert_eq!(turn.len(), calls, "at {now}");
            tiers.note_turn(turn, at(now));
        }
    }

    #[test]
    fn tags_are_asked_hourly_and_do_not_stop_health() {
        let (mut tiers, all) = first((0..1000).map(health).chain((0..4000).map(tags)));
        let mut log = log(&all);
        go_on(&mut tiers, &mut log, &BTreeSet::new(), 1, 3599);
        assert!((0..4000).all(|number| log[&tags(number)].1 == 0));
        assert!((0..1000).all(|number| log[&health(number)].1 >= 13));
        go_on(&mut tiers, &mut log, &BTreeSet::new(), 3600, 7199);
        assert!((0..4000).all(|number| log[&tags(number)].1 == 1));
        assert!((0..1000).all(|number| log[&health(number)].1 >= 26));
    }

    #[test]
    fn what_is_urgent_goes_first_and_is_paid_for_afterwards() {
        let (mut tiers, _) = first((0..1000).map(health));
        let arns = (0..300).map(|number| format!("group/{number:04}")).collect();
        tiers.urge_arns(&arns);
        let due = tiers.due(at(1));
        assert_eq!(due, (0..300).map(health).collect(), "and no other");
        let old = (300..1000).map(|number| (health(number), 1)).collect();
        tiers.note(&looked(&due, &old), false, at(1));
        assert_eq!(tiers.pause(), Duration::from_secs(30), "never more than an interval");
        assert!(tiers.turn(at(29)).is_empty());
        tiers.urge_arns(&BTreeSet::from(["group/0999".to_owned(), "unheard of".to_owned()]));
        assert_eq!(tiers.due(at(30)), BTreeSet::from([health(999)]));
    }

    #[test]
    fn steps_that_need_more_than_the_share_in_every_look_do_not_stop_the_rest() {
        let (mut tiers, all) = first((0..1000).map(health));
        let needed: BTreeSet<Query> = (0..200).map(health).collect();
        let mut log = log(&all);
        for now in (1..3000).step_by(100) {
            go_on(&mut tiers, &mut log, &needed, now, now + 99);
            let oldest = log.values().map(|(at, _)| now + 99 - at).max().unwrap_or_default();
            assert!(oldest <= 1000, "{oldest} seconds at {now}");
        }
    }

    #[test]
    fn a_look_before_its_time_pays_for_its_structure() {
        let (mut tiers, all) = first((0..4).map(health));
        let old = all.iter().map(|question| (question.clone(), 1)).collect();
        for _ in 0..20 {
            let watched = Reading { balancing_calls: 7, ..looked(&BTreeSet::new(), &old) };
            tiers.note(&watched, true, at(1));
        }
        assert_eq!(tiers.pause(), Duration::from_secs(5), "20 × 7 calls, of which 120 were free");
    }

    #[test]
    fn where_targets_are_not_healthy_is_asked_sooner() {
        let (mut tiers, all) = first((0..1000).map(health));
        let target = Target {
            key: TargetKey { id: "10.0.0.1".to_owned(), port: 80 },
            zone: None,
            health: TargetHealth { state: TargetState::Unhealthy, reason: None, description: None },
        };
        let ages = all.iter().map(|question| (question.clone(), Duration::from_secs(20))).collect();
        let targets = BTreeMap::from([(TargetGroupArn::from("group/0999".to_owned()), Seen::Present(vec![target]))]);
        let observed = Observed { targets, ..Observed::unasked("eu-west-1") };
        tiers.note(&Reading { observed, ages, balancing_calls: 0 }, false, at(20));
        let sooner = TargetGroupArn::from("group/0999".to_owned());
        assert_eq!(tiers.turn(at(15)), BTreeSet::from([sooner.clone()]), "the others wait for an interval to pass");
        assert!(tiers.turn(at(30)).contains(&sooner), "and it goes first");
    }
}
