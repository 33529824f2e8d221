//! What tracing a large fleet costs: 100 services of 10 tasks each, the real SDK, the sandbox without a wire. Under Tokio's
//! paused clock, so that pacing by AWS's rates costs no time; how long it would take is what the clock then says.
//!
//! `cargo bench --bench traces`
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

#[path = "../tests/suite/fleet.rs"]
mod fleet;

use std::fs;
use std::time::{Duration, Instant};

use fleet::Fleet;
use portolan::aws::{Clients, Reader, in_process};
use portolan::manifest::{Source, load};
use portolan::pass;
use portolan::plan::Policy;
use portolan::sandbox::{Shared, world_file};
use portolan::trace::{Asked, Verdict, trace};

const SERVICES: usize = 100;
const TASKS: usize = 10;
/// Services behind one load balancer.
const BEHIND_ONE: usize = 25;
const RUNS: u32 = 20;

fn main() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(run())
}

async fn run() -> Result<(), String> {
    let fleet = Fleet { tasks: TASKS, behind_one: BEHIND_ONE, ..Fleet::of(SERVICES) };
    let text = format!("{}settle: 600\n", fleet.world());
    let world = world_file::load("world.yaml", &text).map_err(|error| error.to_string())?;
    let now = world.now();
    let source = Source { name: "fleet.yaml".to_owned(), text: fleet.manifest(""), files: Default::default() };
    let desired = load(&[source]).map_err(|problems| format!("{problems:?}"))?;
    let region = world.region().to_owned();
    let shared = Shared::still(world);
    let config = in_process::config(&region, move |request| shared.answer(request));
    let clients = Clients::new(&config).map_err(|error| error.to_string())?;
    let asked = Asked { is_manifest: true, ..Asked::default() };
    let mut spent = Spent::default();
    for _ in 0..RUNS {
        // Nothing is remembered from one run to the next, as in a command.
        let reader = Reader::new(&clients);
        let (began, on_cpu, paced) = (Instant::now(), cpu(), tokio::time::Instant::now());
        let looked = pass::look_around(&desired, &reader, &Policy::default(), now).await;
        let look = looked.map_err(|errors| format!("{errors:?}"))?;
        let read = Instant::now();
        let traced = trace(&desired, &look.observed, &asked, now);
        spent.tracing += read.elapsed();
        spent.wall += began.elapsed();
        spent.cpu += cpu().zip(on_cpu).map_or(Duration::ZERO, |(after, before)| after.saturating_sub(before));
        spent.paced += paced.elapsed();
        if traced.verdict() != Verdict::Reachable || traced.paths.len() != SERVICES {
            return Err(format!("{} paths are {}", traced.paths.len(), traced.verdict().as_str()));
        }
    }
    let calls: u64 = clients.calls().snapshot().values().sum();
    println!("{SERVICES} services of {TASKS} tasks, traced {RUNS} times; for one:");
    println!("wall {:.0} ms, of which tracing itself {:.1} ms", millis(spent.wall), millis(spent.tracing));
    println!("CPU {:.0} ms, the sandbox's own included", millis(spent.cpu));
    println!("{} calls; paced to AWS's rates they take {:.0} s", calls / u64::from(RUNS), millis(spent.paced) / 1000.0);
    Ok(())
}

#[derive(Default)]
struct Spent {
    wall: Duration,
    tracing: Duration,
    cpu: Duration,
    /// By the paused clock.
    paced: Duration,
}

/// Milliseconds of one run.
fn millis(all: Duration) -> f64 {
    all.as_secs_f64() * 1000.0 / f64::from(RUNS)
}

/// Time on a CPU so far, where the system tells (Linux: nanoseconds of the main thread, the only one that works).
fn cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
