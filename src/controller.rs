//! The long-lived service: the same pass as `reconcile`, again and again, with a memory.
//!
//! One look asks about the whole fleet in batches, so the queue has one key, the fleet; what failed is backed off by
//! object in the [`memory`] instead. Nothing here prints, and wall-clock time is handed in.

mod declared;
mod differences;
mod event;
pub mod event_queue;
mod marked;
pub mod memory;
pub mod reachability;
mod reading;
mod refusal;
pub mod status;
pub mod tiers;
mod turns;
mod vanished;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::apply::{self, DEFAULT_LIMIT, Outcome, Perform, Read as ReadAws, StepResult};
use crate::model::{Desired, ObjectRef, ServingRemoval};
use crate::pass::{self, Kept, Look};
use crate::plan::{Plan, Policy, ScopeError};
use crate::queue::Queue;

pub use declared::Declare;
use declared::{Declared, MANIFEST_PERIOD, Read, Taken};
use differences::Differences;
pub use event::{Ended, Event, Pass};
use event_queue::{EventReceiver, PendingEvents, SPACING};
pub use marked::ForeignChange;
use marked::MarkedResources;
use memory::Memory;
use reachability::{PathTracer, Reach};
use reading::{Readings, replaced};
use tiers::Tiers;
use turns::Turns;
pub use vanished::Vanished;

/// Longest pass: nothing new is read or sent after it. What was asked by then is kept, so that the next one gets further.
pub const PASS_DEADLINE: Duration = Duration::from_secs(300);

/// How often a plan may show that something else has to be asked again first. What is still not certain then waits.
const ROUNDS: usize = 3;

/// How the service runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From the start of one pass to the start of the next.
    pub interval: Duration,
    /// Longest pass.
    pub deadline: Duration,
    /// Share of the account's Elastic Load Balancing calls for what is asked in turn, from 0 to 1.
    pub share: f64,
    /// Decides about jitter.
    pub seed: u64,
}

/// The one key of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TheFleet;

/// The service.
#[derive(Debug)]
pub struct Controller<'a, R, W, D, N> {
    reader: &'a R,
    /// `None` observes only.
    writer: Option<&'a W>,
    manifest: &'a D,
    now: N,
    settings: Settings,
    desired: Desired,
    declared: Declared,
    /// Whether readings of the manifest agreed for long enough, when the pass began.
    is_confirmed: bool,
    memory: Memory,
    marked: MarkedResources,
    /// What the pass under way found changed without this service.
    foreign: Vec<ForeignChange>,
    differences: Differences,
    tiers: Tiers,
    /// Answers that further passes may use.
    kept: Kept,
    turns: Turns,
    queue: Queue<TheFleet>,
    passes: u64,
    /// When the last pass began.
    began: Option<Instant>,
    receiver: EventReceiver,
    /// Events that the next pass takes in.
    heard: PendingEvents,
    /// The moment before which events ask for no pass.
    earliest: Instant,
    /// Knows the network around; without one, passes trace nothing.
    path_tracer: Option<PathTracer>,
    /// What the pass under way has traced.
    reach: Option<BTreeMap<ObjectRef, Reach>>,
}

impl<'a, R: ReadAws, W: Perform, D: Declare, N: Fn() -> Timestamp> Controller<'a, R, W, D, N> {
    /// A service that has seen nothing yet. `desired` is in force until `manifest` reads something else.
    pub fn new(
        reader: &'a R,
        writer: Option<&'a W>,
        manifest: &'a D,
        now: N,
        settings: Settings,
        desired: Desired,
    ) -> Self {
        let (memory, queue) = (Memory::new(settings.seed), Queue::new(!settings.seed));
        let tiers = Tiers::new(settings.interval, settings.share);
        Self {
            reader,
            writer,
            manifest,
            now,
            settings,
            desired,
            declared: Declared::default(),
            is_confirmed: false,
            memory,
            marked: MarkedResources::default(),
            foreign: Vec::new(),
            differences: Differences::default(),
            tiers,
            kept: Kept::empty(),
            turns: Turns::default(),
            queue,
            passes: 0,
            began: None,
            receiver: EventReceiver::none(),
            heard: PendingEvents::default(),
            earliest: Instant::now(),
            path_tracer: None,
            reach: None,
        }
    }

    /// Receives events, too: one that concerns the fleet starts a pass immediately.
    #[must_use]
    pub fn with_events(self, receiver: EventReceiver) -> Self {
        Self { receiver, ..self }
    }

    /// Traces what it reads, too, with the network that a path tracer has read.
    #[must_use]
    pub fn with_path_tracer(self, path_tracer: PathTracer) -> Self {
        Self { path_tracer: Some(path_tracer), ..self }
    }

    /// Runs until `shutdown`. `reload` reads the manifest again and starts a pass immediately. A pass that is under way at
    /// the end finishes the calls that it has sent, and starts no more.
    pub async fn run(&mut self, reload: &Notify, shutdown: &CancellationToken, on_event: &mut impl FnMut(Event<'_>)) {
        let mut readings = Readings::new(self.manifest, MANIFEST_PERIOD.min(self.settings.interval));
        let mut turns = tokio::time::interval(tiers::TICK);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.queue.request(TheFleet);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                (read, is_asked) = readings.next(reload) => {
                    if is_asked || self.declared.has_settled(&read) {
                        self.reload(read, on_event);
                    }
                    if is_asked {
                        self.queue.request(TheFleet);
                    }
                }
                // Before the queue, so that a pass knows of everything that has come.
                messages = self.receiver.receive(), if self.heard.has_room() => {
                    let tally = self.heard.take_in(messages, &self.receiver, &self.desired);
                    if !self.heard.is_empty() {
                        self.queue.request_at(TheFleet, self.earliest);
                    }
                    on_event(Event::Received(&tally));
                }
                TheFleet = self.queue.next() => self.turn(reload, &mut readings, shutdown, on_event).await,
                _ = turns.tick(), if self.turns.go_on => self.ask_in_turn(shutdown).await,
            }
        }
    }

    /// Puts what was read in force, if it is another manifest and sound.
    fn reload(&mut self, read: Read, on_event: &mut impl FnMut(Event<'_>)) {
        match self.declared.take(read, &self.desired) {
            None => {}
            // As at the start, or corrected to what it was before.
            Some(Ok(Taken { desired, vanished })) if desired == self.desired => {
                vanished.iter().for_each(Vanished::log);
                on_event(Event::Reloaded(&self.desired, vanished.as_ref()));
            }
            Some(Ok(Taken { desired, vanished })) => {
                tracing::info!(fleet = desired.fleet.name.as_str(), "using a new manifest");
                vanished.iter().for_each(Vanished::log);
                self.desired = desired;
                self.memory.reconsider();
                self.path_tracer.iter_mut().for_each(PathTracer::note_change);
                self.queue.request(TheFleet);
                on_event(Event::Reloaded(&self.desired, vanished.as_ref()));
            }
            Some(Err(problems)) => {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                let more = problems.len().saturating_sub(1);
                tracing::error!(
                    problem = first.as_str(),
                    more,
                    "the manifest is not valid; Portolan keeps using the last valid one"
                );
                on_event(Event::Refused(&problems));
            }
        }
    }

    /// One turn of the queue. While it lasts, the manifest is read as it is between passes: once another one counts, the pass
    /// sends nothing further, for what it would send was derived from the old one.
    async fn turn(
        &mut self,
        reload: &Notify,
        readings: &mut Readings<'a, D>,
        shutdown: &CancellationToken,
        on_event: &mut impl FnMut(Event<'_>),
    ) {
        self.is_confirmed = self.declared.is_confirmed();
        let (mut declared, current) = (std::mem::take(&mut self.declared), self.desired.clone());
        let brake = CancellationToken::new();
        let mut other = None;
        let replacement = {
            let watching = replaced(readings, &mut declared, &current, reload, &mut other);
            let mut passing = std::pin::pin!(self.make_pass(&brake, shutdown, on_event));
            tokio::select! {
                biased;
                found = watching => {
                    brake.cancel();
                    passing.await;
                    Some((found, true))
                }
                () = passing.as_mut() => None,
            }
        };
        self.declared = declared;
        let Some((read, asks_for_pass)) = replacement.or(other) else { return };
        self.reload(read, on_event);
        if asks_for_pass {
            self.queue.request(TheFleet);
        }
    }

    async fn make_pass(
        &mut self,
        brake: &CancellationToken,
        shutdown: &CancellationToken,
        on_event: &mut impl FnMut(Event<'_>),
    ) {
        self.passes += 1;
        let (started, waited) = (Instant::now(), self.queue.lateness());
        let heard = std::mem::take(&mut self.heard);
        let span = tracing::info_span!("pass", id = self.passes);
        span.in_scope(|| heard.log());
        self.tiers.urge_arns(&heard.arns());
        let work = AssertUnwindSafe(self.pass(started, brake, shutdown)).catch_unwind();
        let ended = work.instrument(span.clone()).await.unwrap_or(Ended::Panicked);
        let heard = match ended {
            Ended::Planned(_) => heard.settle(&self.receiver),
            Ended::OutOfScope(_) | Ended::Overran(_) | Ended::Panicked | Ended::Interrupted => {
                self.heard.keep(heard);
                Vec::new()
            }
        };
        if ended == Ended::Panicked {
            // What it sent is not known, so that the next reading is compared with nothing.
            self.marked = MarkedResources::default();
        }
        let foreign = std::mem::take(&mut self.foreign);
        if !foreign.is_empty() {
            span.in_scope(|| foreign.iter().for_each(ForeignChange::log));
            on_event(Event::ChangedByOthers(&foreign));
        }
        let (at, took, reach) = ((self.now)(), started.elapsed(), self.reach.take());
        let mut pass = Pass { number: self.passes, at, took, ended, heard, waited, queued: 0, reach };
        span.in_scope(|| self.differences.log(&pass));
        span.in_scope(|| event::log(&pass));
        self.turns.go_on = matches!(pass.ended, Ended::Planned(_));
        self.schedule(started, &pass);
        pass.queued = self.queue.waiting();
        on_event(Event::Passed(&self.desired, &pass));
    }

    /// Asks some health between passes. Targets that came or went make a pass soon.
    async fn ask_in_turn(&mut self, shutdown: &CancellationToken) {
        let groups = self.tiers.turn((self.now)());
        if groups.is_empty() {
            return;
        }
        let asking =
            tokio::time::timeout(turns::PATIENCE, Box::pin(pass::read_health(&groups, self.reader, &mut self.kept)));
        let found = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            found = AssertUnwindSafe(asking).catch_unwind() => found,
        };
        self.tiers.note_turn(groups, (self.now)());
        match found {
            Ok(Ok(found)) if self.turns.take_in(&found) => self.queue.request_at(TheFleet, self.earliest),
            Ok(Ok(_)) => {}
            Ok(Err(_)) => self.turns.go_on = false,
            Err(_) => {
                tracing::error!("internal error while reading health between passes; passes continue");
                self.turns.go_on = false;
            }
        }
    }

    fn schedule(&mut self, started: Instant, pass: &Pass) {
        match &pass.ended {
            Ended::Planned(_) => {
                self.earliest = (started + SPACING).max(Instant::now() + self.tiers.pause());
                self.queue.succeeded(&TheFleet);
                self.queue.request_at(TheFleet, started + self.settings.interval);
                if let Some(retry) = self.memory.next_retry() {
                    let pause = Duration::try_from(retry.duration_since(pass.at)).unwrap_or_default();
                    self.queue.request_at(TheFleet, Instant::now() + pause);
                }
            }
            // Events do not hasten what is backed off.
            Ended::OutOfScope(_) | Ended::Overran(_) | Ended::Panicked | Ended::Interrupted => {
                self.earliest = Instant::now() + self.queue.failed(&TheFleet);
            }
        }
    }

    /// Looks, and carries out what the memory lets through.
    async fn pass(&mut self, started: Instant, brake: &CancellationToken, shutdown: &CancellationToken) -> Ended {
        let end = started + self.settings.deadline;
        let looking = tokio::time::timeout_at(end, Box::pin(self.look(started)));
        let looked = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ended::Interrupted,
            () = brake.cancelled() => return Ended::Interrupted,
            looked = looking => looked,
        };
        let mut look = match looked {
            Err(_) => return Ended::Overran(None),
            Ok(Err(errors)) => return Ended::OutOfScope(errors),
            Ok(Ok(look)) => look,
        };
        self.turns.learn(&look.observed);
        self.trace(&mut look);
        let Some(writer) = self.writer else {
            return Ended::Planned(look.into_report(&self.desired, None, Default::default()));
        };
        let stop = shutdown.child_token();
        let applying = apply::apply(&look.plan, writer, DEFAULT_LIMIT, &stop, |_| {});
        let outcome = tokio::select! {
            biased;
            never = cancel_at(end, brake, &stop) => match never {},
            outcome = applying => outcome,
        };
        self.memory.learn(&look.plan, &outcome, &look.observed, (self.now)());
        self.marked.learn(&look.plan, &outcome, (self.now)());
        for step in look.plan.steps.iter().filter(|step| outcome.results.get(&step.id) == Some(&StepResult::Done)) {
            let now = (self.now)();
            self.path_tracer.iter_mut().for_each(|path_tracer| path_tracer.note_write(&step.object, now));
        }
        let written = look.plan.steps.iter().filter(|step| outcome.results.contains_key(&step.id));
        let written = written.map(|step| step.object.clone()).collect();
        self.tiers.urge(&self.desired, &look.observed, &written);
        let is_stopped = shutdown.is_cancelled() || brake.is_cancelled();
        let is_late = stop.is_cancelled() && !is_stopped && has_cancelled(&outcome);
        let report = look.into_report(&self.desired, Some(outcome), Default::default());
        if is_late { Ended::Overran(Some(report)) } else { Ended::Planned(report) }
    }

    /// Whether requests arrive. What is only told must not keep anything from being repaired.
    fn trace(&mut self, look: &mut Look) {
        let Some(path_tracer) = &mut self.path_tracer else { return };
        let follow = AssertUnwindSafe(|| path_tracer.follow(&self.desired, &mut look.observed, (self.now)()));
        match std::panic::catch_unwind(follow) {
            Ok(reach) => self.reach = Some(reach),
            Err(_) => tracing::error!("internal error while tracing; the pass continues"),
        }
    }

    /// Reads what is due, and again whatever the plan turns out to rest on, so that no step is sent on an old view.
    async fn look(&mut self, started: Instant) -> Result<Look, Vec<ScopeError>> {
        let consents = self.desired.fleet.removal.serving == ServingRemoval::Allow;
        let policy = Policy { prune_serving: consents, ..Policy::default() };
        let early =
            self.began.replace(started).is_some_and(|before| started - before < self.settings.interval.mul_f64(0.9));
        let due = self.tiers.due((self.now)());
        let mut reading = pass::read_again(&self.desired, self.reader, &mut self.kept, due).await;
        // Taken with the ages: what is read later must not make old answers look new.
        let mut elapsed = started.elapsed();
        self.tiers.note(&reading, early, (self.now)());
        let mut again = self.tiers.changed(&self.desired, &reading, elapsed);
        let mut plan = Plan::default();
        for _ in 0..ROUNDS {
            if !again.is_empty() {
                pass::renew(&self.desired, self.reader, &mut self.kept, &mut reading, &again).await;
                elapsed = started.elapsed();
                self.tiers.note(&reading, early, (self.now)());
            }
            plan = pass::plan_observed(&self.desired, &reading.observed, &policy, (self.now)())?;
            again = Tiers::unsure(&self.desired, &reading, &plan, elapsed);
            if again.is_empty() {
                break;
            }
        }
        let (reader, now) = (self.reader, (self.now)());
        plan = pass::hold_to_paths(&self.desired, reader, &mut reading, &policy, now, plan).await;
        let mut held = self.tiers.too_old(&self.desired, &reading, &plan, elapsed);
        if !self.is_confirmed {
            held.extend(declared::unconfirmed(&plan));
        }
        self.foreign = self.marked.see(&self.desired.fleet.name, &reading.observed, (self.now)());
        let observed = reading.observed;
        let plan = self.memory.weigh(plan, &observed, held, (self.now)());
        Ok(Look { observed, plan, broken_paths: None })
    }
}

async fn cancel_at(end: Instant, brake: &CancellationToken, stop: &CancellationToken) -> Infallible {
    tokio::select! {
        () = tokio::time::sleep_until(end) => {}
        () = brake.cancelled() => {}
    }
    stop.cancel();
    std::future::pending().await
}

fn has_cancelled(outcome: &Outcome) -> bool {
    outcome.results.values().any(|result| *result == StepResult::Cancelled)
}
