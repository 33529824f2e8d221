//! How many whole passes a second: four services, the real SDK, the sandbox without a wire. Under Tokio's paused clock,
//! so that pacing by AWS's rates costs no time: what is measured is the work itself.
//!
//! `cargo bench --bench passes`
//!
//! One thread does everything, so a second of the process's own processor time is a second of one core, also on a
//! machine that does something else besides. By the wall clock the same work is only as fast as the machine is idle.
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use portolan::aws::{Clients, Reader, in_process};
use portolan::manifest::{Source, load};
use portolan::model::Desired;
use portolan::pass;
use portolan::plan::{Policy, Verdict};
use portolan::sandbox::{Shared, world_file};
use rustix::time::{ClockId, clock_gettime};

/// Rounds that count; one comes before them that fills caches.
const ROUNDS: usize = 9;
/// Passes in a round.
const PASSES: u32 = 500;

fn main() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(run())
}

async fn run() -> Result<(), String> {
    let world = world_file::load("world.yaml", include_str!("passes/world.yaml")).map_err(|error| error.to_string())?;
    let source = Source { name: "fleet.yaml".to_owned(), text: include_str!("passes/fleet.yaml").to_owned() };
    let desired = load(&[source]).map_err(|problems| format!("{problems:?}"))?;
    let region = world.region().to_owned();
    let shared = Shared::still(world);
    let config = in_process::config(&region, move |request| shared.answer(request));
    let clients = Clients::new(&config).map_err(|error| error.to_string())?;
    let reader = Reader::new(&clients);
    round(&desired, &reader).await?;
    let sent = calls(&clients);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let taken = round(&desired, &reader).await?;
        println!("{:4.0} passes per CPU second, {:4.0} by the wall clock", rate(taken.cpu), rate(taken.wall));
        rounds.push(taken);
    }
    let sent = (calls(&clients) - sent) as f64 / (ROUNDS as f64 * f64::from(PASSES));
    let (cpu, wall) = (median(&rounds, |taken| taken.cpu), median(&rounds, |taken| taken.wall));
    println!("median of {ROUNDS} rounds of {PASSES} passes, {sent:.1} calls a pass:");
    println!("{:4.0} passes per CPU second, {:4.0} by the wall clock", rate(cpu), rate(wall));
    Ok(())
}

/// What a round took.
struct Taken {
    /// The processor's time of this process, in its own code and in the kernel's.
    cpu: Duration,
    wall: Duration,
}

async fn round(desired: &Desired, reader: &Reader) -> Result<Taken, String> {
    let (cpu, wall) = (cpu_time(), Instant::now());
    for _ in 0..PASSES {
        let look = pass::look(desired, reader, &Policy::default(), Timestamp::UNIX_EPOCH).await;
        let verdict = look.map_err(|errors| format!("{errors:?}"))?.plan.verdict();
        if verdict != Verdict::InSync {
            return Err(format!("the fleet is {}", verdict.as_str()));
        }
    }
    Ok(Taken { cpu: cpu_time() - cpu, wall: wall.elapsed() })
}

fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

fn calls(clients: &Clients) -> u64 {
    clients.calls().snapshot().values().sum()
}

fn rate(round: Duration) -> f64 {
    f64::from(PASSES) / round.as_secs_f64()
}

fn median(rounds: &[Taken], figure: impl Fn(&Taken) -> Duration) -> Duration {
    let mut figures: Vec<Duration> = rounds.iter().map(figure).collect();
    figures.sort();
    figures[figures.len() / 2]
}
