//! The fault matrix: every way in which a call can go wrong, at every call of every world, in process and in virtual time;
//! and somebody else who changes what a plan is about before it is carried out. What must hold is in `invariants`.
//!
//! The whole takes long. These say which part, and in which order:
//!
//! - `FAULTS_WORLD`: worlds whose name has this in it; `FAULTS_FAULT`: these kinds; `FAULTS_AT`: one call, step or byte
//! - `FAULTS_SLICE=3/16`: the third of sixteen parts; `FAULTS_SEED`: their order
//! - `FAULTS_MINUTES`: when to stop; `FAULTS_JOURNAL`: a file of what is done already, to go on from
//! - `FAULTS_THREADS`: as many as there are cores, unless it is said

#![expect(clippy::disallowed_methods, reason = "whoever asks for the whole says which part, and how long it may take")]
#![expect(clippy::print_stderr, reason = "the figures of the whole are there to be read")]

mod bodies;
mod figures;
mod invariants;
mod kinds;
mod matrix;
mod pass;
mod run;
mod second_writer;
mod service;
mod state;
mod wire;
pub mod worlds;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use figures::{Figures, Journal};
use invariants::Violation;
use matrix::{Ground, Run, runs};

/// The SDK's futures are deep where nothing is optimised.
const STACK: usize = 16 << 20;

/// A part of the matrix.
struct Part {
    world: String,
    fault: String,
    at: String,
    slice: (u64, u64),
    seed: u64,
    minutes: Option<u64>,
    journal: Option<PathBuf>,
    threads: usize,
}

impl Part {
    fn of_environment() -> Self {
        let text = |name: &str| std::env::var(name).unwrap_or_default();
        let number = |name: &str| text(name).parse().ok();
        let slice = text("FAULTS_SLICE");
        let slice = slice.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        Self {
            world: text("FAULTS_WORLD"),
            fault: text("FAULTS_FAULT"),
            at: text("FAULTS_AT"),
            slice: slice.unwrap_or((1, 1)),
            seed: number("FAULTS_SEED").unwrap_or(1),
            minutes: number("FAULTS_MINUTES"),
            journal: std::env::var_os("FAULTS_JOURNAL").map(PathBuf::from),
            threads: number("FAULTS_THREADS").and_then(|threads| threads.try_into().ok()).unwrap_or(cores),
        }
    }

    fn has(&self, run: &Run) -> bool {
        let (part, of) = self.slice;
        (self.fault.is_empty() || self.fault.split(',').any(|fault| run.fault == fault))
            && (self.at.is_empty() || run.at == self.at)
            && run.order(self.seed) % of.max(1) == part % of.max(1)
    }
}

/// Does work that is told by numbers, on several threads.
fn on_threads(threads: usize, number: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let go = || {
        while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < number) {
            work(at);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, go).expect("a thread");
        }
    });
}

fn grounds(names: &[String], threads: usize) -> Vec<Ground> {
    let made: Mutex<Vec<(usize, Ground)>> = Mutex::default();
    on_threads(threads, names.len(), |at| {
        let ground = Ground::of(&names[at]);
        made.lock().unwrap_or_else(PoisonError::into_inner).push((at, ground));
    });
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, ground)| ground).collect()
}

/// Lives through the runs, in order, until there are no more or the time is over.
fn live_through(grounds: &[Ground], chosen: &[Run], part: &Part, all: usize) -> Figures {
    let start = Instant::now();
    let until = part.minutes.map(|minutes| start + Duration::from_secs(60 * minutes));
    let figures = Mutex::new(Figures::new(grounds.len(), all));
    let journal = Mutex::new(Journal::open(part.journal.clone()));
    on_threads(part.threads, chosen.len(), |at| {
        let run = &chosen[at];
        let is_over = until.is_some_and(|until| Instant::now() > until);
        if is_over || journal.lock().unwrap_or_else(PoisonError::into_inner).has(run) {
            return;
        }
        let found = catch_unwind(AssertUnwindSafe(|| run.violations(&grounds[run.ground], part.seed)));
        let found = found.unwrap_or_else(|_| vec![Violation { of: "panic", how: String::new() }]);
        journal.lock().unwrap_or_else(PoisonError::into_inner).note(run, &found);
        figures.lock().unwrap_or_else(PoisonError::into_inner).note(run, &found, part.seed);
    });
    let mut figures = figures.into_inner().unwrap_or_else(PoisonError::into_inner);
    figures.took = start.elapsed();
    figures
}

/// The worlds of the sample: most steps, fewest things.
const SAMPLED: [&str; 8] = [
    "breaking/new-rule-in-front",
    "cases/world-registrar-bridge",
    "cases/world-target-group-deleted",
    "demo",
    "worlds/m28-dead-address",
    "worlds/m33-wired-to-the-sidecar",
    "worlds/m41-pattern-of-one-page",
    "worlds/sound-bridge-dynamic",
];
/// Runs of the sample, beyond those that it takes to have every kind and every call.
const MORE: usize = 24;

/// Every kind of fault, every call, and some more, always the same ones.
#[test]
fn a_sample_of_the_fault_matrix() {
    let seed = 14;
    let part = Part { seed, minutes: None, journal: None, ..Part::of_environment() };
    let names: Vec<String> = SAMPLED.iter().map(|name| (*name).to_owned()).chain(["demo+pages".to_owned()]).collect();
    let grounds = grounds(&names, part.threads);
    let mut all = runs(&grounds);
    all.sort_by_key(|run| run.order(seed));
    let (mut kinds, mut operations, mut more) = (BTreeSet::new(), BTreeSet::new(), 0);
    let chosen: Vec<Run> = all
        .iter()
        .filter(|run| {
            let is_new = kinds.insert(run.fault) | operations.insert(run.operation.clone());
            more += usize::from(!is_new);
            is_new || more <= MORE
        })
        .cloned()
        .collect();
    let figures = live_through(&grounds, &chosen, &part, all.len());
    assert_eq!(figures.kinds(), kinds);
    assert!(operations.len() > 30 && kinds.len() > 30, "{operations:?} {kinds:?}");
    assert_eq!(figures.failed(), 0, "{}", figures.shown());
}

#[test]
#[ignore = "the whole takes most of an hour; FAULTS_MINUTES and FAULTS_SLICE make it less"]
fn fault_matrix() {
    let part = Part::of_environment();
    let mut names = worlds::names();
    names.extend(names.clone().into_iter().map(|name| format!("{name}+pages")));
    let is_named = |name: &String| name.contains(&part.world) || part.world.is_empty();
    // One kind needs small pages, all others do without.
    let is_wanted = |name: &String| part.fault.is_empty() || part.fault.contains("page") == name.ends_with("+pages");
    names.retain(|name| is_named(name) && is_wanted(name));
    let start = Instant::now();
    let grounds = grounds(&names, part.threads);
    let all = runs(&grounds);
    let mut chosen: Vec<Run> = all.iter().filter(|run| part.has(run)).cloned().collect();
    chosen.sort_by_key(|run| run.order(part.seed));
    eprintln!("{} worlds in {:.0} s, {} runs", grounds.len(), start.elapsed().as_secs_f64(), chosen.len());
    for ground in grounds.iter().filter(|ground| !ground.clean.given_up.is_empty()) {
        let lost = ground.clean.given_up.iter().map(|probe| ground.clean.probes[*probe].name.as_str());
        eprintln!("given up by the clean run of {}: {:?}", ground.place.name, lost.collect::<BTreeSet<_>>());
    }
    let figures = live_through(&grounds, &chosen, &part, all.len());
    eprintln!("{}", figures.shown());
    assert_eq!(figures.failed(), 0);
}
