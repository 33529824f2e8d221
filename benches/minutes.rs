//! How long the sandbox takes for virtual time: twenty services of two tasks, all of them sound, and with five that no load
//! balancer reaches, whose tasks ECS replaces without end.
//!
//! `cargo bench --bench minutes -- [MINUTES]` (10,000)
#![expect(clippy::print_stdout, reason = "this program is there to be read")]

#[path = "../tests/suite/fleet.rs"]
#[allow(dead_code, reason = "the tests need more of it")]
mod fleet;

use std::time::Duration;

use fleet::Fleet;
use jiff::SignedDuration;
use portolan::sandbox::{World, world_file};
use rustix::time::{ClockId, clock_gettime};

const MINUTES: i64 = 10_000;
const SERVICES: usize = 20;
const CLOSED: usize = 5;

fn main() {
    let asked = std::env::args().find_map(|argument| argument.parse::<i64>().ok());
    let minutes = asked.unwrap_or(MINUTES);
    let sound = Fleet::of(SERVICES).world().to_string();
    // The load balancer's own group admits nobody on the port of the tasks.
    let closed = sound.replacen("securityGroups: [tasks]", "securityGroups: [lb]", CLOSED);
    for (what, text) in [("all sound".to_owned(), sound), (format!("{CLOSED} out of reach"), closed)] {
        let mut world = world_file::load("world.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
        tell(&what, &mut world, minutes);
    }
}

fn tell(what: &str, world: &mut World, minutes: i64) {
    let (before, told) = (used(), world.trace().len());
    world.advance(SignedDuration::from_mins(minutes));
    let (took, told) = (used() - before, world.trace().len() - told);
    println!(
        "{minutes} virtual minutes of {SERVICES} services, {what}: {:.2} s of a processor, {told} things happened",
        took.as_secs_f64()
    );
}

/// The processor's time of this process.
fn used() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
