//! A thousand services under the account's buckets, 30 ms away, under Tokio's paused clock: how many calls a whole look
//! takes, how close its virtual time comes to what the buckets allow for these calls, and what planning and tracing take.
//!
//! `cargo bench --bench thousand -- [SERVICES] [TIMES]`; TIMES (5) is how often planning and tracing are timed.
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::unwrap_used, reason = "it ends where it cannot go on")]

#[path = "../tests/suite/fleet.rs"]
mod fleet;
#[path = "../tests/suite/week"]
mod week {
    pub mod fleet;
    pub mod sweep;
}

use std::time::Duration;

use jiff::Timestamp;
use portolan::aws::{Clients, Reader, in_process};
use portolan::manifest::{Source, load};
use portolan::pass;
use portolan::plan::Policy;
use portolan::sandbox::{Shared, world_file};
use portolan::trace::{Asked, trace};
use rustix::time::{ClockId, clock_gettime};
use week::fleet::{self as fleets, Size};
use week::sweep::{Look, Sweep, bound, drift, formula, sweeps};

/// Fleets whose first `drift` is shown.
const DRIFTED: [usize; 3] = [100, 300, 1000];

/// How often planning and tracing are timed, if it is not said.
const TIMES: u32 = 5;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u32>().ok());
    let services = numbers.next().map_or(1000, |number| number as usize);
    let times = numbers.next().unwrap_or(TIMES).max(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    println!("{services} services of two tasks, 30 ms away, by the account's buckets");
    for (sweep, look) in runtime.block_on(sweeps(services)).iter().zip([Look::First, Look::Again, Look::Structure]) {
        tell(services, sweep, look);
    }
    println!("\ndrift of a fleet without declared attributes, nothing known:");
    for services in DRIFTED {
        let sweep = runtime.block_on(drift(services));
        let ((bound, bucket), all): (_, u64) = (bound(&sweep.calls), sweep.calls.values().sum());
        let (seconds, times) = (sweep.seconds, sweep.seconds / bound);
        let refused: u64 = sweep.refused.values().sum();
        println!(
            "  {services:>5} services: {all} calls in {seconds:.2} s, {times:.3} × what {bucket} allows ({bound:.2} s); {refused} refused"
        );
    }
    runtime.block_on(think(services, times));
}

/// What a pass does besides asking: planning and tracing, which need no clock and no AWS.
async fn think(services: usize, times: u32) {
    let size = Size { services, more: false };
    let shared = Shared::still(world_file::load("world.yaml", &fleets::world(size)).unwrap());
    let now: Timestamp = shared.world().now();
    let clients = Clients::new(&in_process::config("eu-west-1", move |request| shared.answer(request))).unwrap();
    let desired =
        load(&[Source { name: "fleet.yaml".to_owned(), text: fleets::manifest(size), files: Default::default() }])
            .unwrap();
    let reader = Reader::new(&clients);
    let observed = portolan::pass::observe(&desired, &reader).await;
    let observed = portolan::pass::observe_around(&desired, &reader, observed).await;
    let asked = Asked { is_manifest: true, ..Asked::default() };
    let planning = timed(times, || {
        assert!(pass::plan_observed(&desired, &observed, &Policy::default(), now).unwrap().steps.is_empty())
    });
    let tracing = timed(times, || assert_eq!(trace(&desired, &observed, &asked, now).paths.len(), services));
    println!("\nprocessor time: planning {planning:.1?}, tracing every path {tracing:.1?}");
}

/// Processor time of one of several times, on average.
fn timed(times: u32, work: impl Fn()) -> Duration {
    let cpu = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap();
    let begun = cpu();
    (0..times).for_each(|_| work());
    (cpu() - begun) / times
}

fn tell(services: usize, sweep: &Sweep, look: Look) {
    let (bound, bucket) = bound(&sweep.calls);
    let (all, seconds): (u64, f64) = (sweep.calls.values().sum(), sweep.seconds);
    println!("\n{}: {all} calls in {seconds:.1} s; the buckets allow it in {bound:.1} s ({bucket})", sweep.title);
    println!("  refused so far: {:?}", sweep.refused);
    let expected = formula(services, look, true);
    for (call, count) in &sweep.calls {
        let expected = expected.get(call).copied().unwrap_or_default();
        println!("  {count:>6}  {call} (the formula: {expected})");
    }
}
