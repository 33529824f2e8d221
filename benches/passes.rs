//! How many whole passes a second: four services, the real SDK, the sandbox without a wire. Under Tokio's paused clock,
//! so that pacing by AWS's rates costs no time: what is measured is the work itself.
//!
//! `cargo bench --bench passes -- [ROUNDS] [PASSES]`: so many rounds count (9), of so many passes each (500); one comes
//! before them that fills caches.
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

/// Rounds that count, if it is not said.
const ROUNDS: u32 = 9;
/// Passes in a round, if it is not said.
const PASSES: u32 = 500;

fn main() -> Result<(), String> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u32>().ok());
    let rounds = numbers.next().unwrap_or(ROUNDS).max(1);
    let passes = numbers.next().unwrap_or(PASSES).max(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(run(rounds, passes))
}

async fn run(rounds: u32, passes: u32) -> Result<(), String> {
    let world = world_file::load("world.yaml", include_str!("passes/world.yaml")).map_err(|error| error.to_string())?;
    let source = Source {
        name: "fleet.yaml".to_owned(),
        text: include_str!("passes/fleet.yaml").to_owned(),
        files: Default::default(),
    };
    let desired = load(&[source]).map_err(|problems| format!("{problems:?}"))?;
    let region = world.region().to_owned();
    let shared = Shared::still(world);
    let config = in_process::config(&region, move |request| shared.answer(request));
    let clients = Clients::new(&config).map_err(|error| error.to_string())?;
    let reader = Reader::new(&clients);
    round(&desired, &reader, passes).await?;
    let sent = calls(&clients);
    let rate = |time: Duration| f64::from(passes) / time.as_secs_f64();
    let mut taken = Vec::new();
    for _ in 0..rounds {
        let round = round(&desired, &reader, passes).await?;
        println!("{:4.0} passes per CPU second, {:4.0} by the wall clock", rate(round.cpu), rate(round.wall));
        taken.push(round);
    }
    let sent = (calls(&clients) - sent) as f64 / (f64::from(rounds) * f64::from(passes));
    let (cpu, wall) = (median(&taken, |round| round.cpu), median(&taken, |round| round.wall));
    println!("median of {rounds} rounds of {passes} passes, {sent:.1} calls a pass:");
    println!("{:4.0} passes per CPU second, {:4.0} by the wall clock", rate(cpu), rate(wall));
    Ok(())
}

/// What a round took.
struct Taken {
    /// The processor's time of this process, in its own code and in the kernel's.
    cpu: Duration,
    wall: Duration,
}

async fn round(desired: &Desired, reader: &Reader, passes: u32) -> Result<Taken, String> {
    let (cpu, wall) = (cpu_time(), Instant::now());
    for _ in 0..passes {
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

fn median(rounds: &[Taken], figure: impl Fn(&Taken) -> Duration) -> Duration {
    let mut figures: Vec<Duration> = rounds.iter().map(figure).collect();
    figures.sort();
    figures[figures.len() / 2]
}
