//! A thousand services under the account's buckets, 30 ms away, under Tokio's paused clock: how many calls a whole look
//! takes, and how close its virtual time comes to what the buckets allow for these calls.
//!
//! `cargo bench --bench thousand -- [SERVICES]`
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::unwrap_used, reason = "it ends where it cannot go on")]

#[path = "../tests/suite/fleet.rs"]
mod fleet;
#[path = "../tests/suite/week"]
mod week {
    pub mod fleet;
    pub mod sweep;
}

use week::sweep::{Sweep, added_at_first, besides, bound, formula, sweeps};

fn main() {
    let services = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    println!("{services} services of two tasks, 30 ms away, by the account's buckets");
    for sweep in runtime.block_on(sweeps(services)) {
        tell(services, &sweep);
    }
}

fn tell(services: usize, sweep: &Sweep) {
    let (bound, bucket) = bound(&sweep.calls);
    let (all, seconds): (u64, f64) = (sweep.calls.values().sum(), sweep.seconds);
    println!("\n{}: {all} calls in {seconds:.1} s; the buckets allow it in {bound:.1} s ({bucket})", sweep.title);
    println!("  refused so far: {:?}", sweep.refused);
    let told =
        [("the formula", formula(services)), ("at first", added_at_first(services)), ("besides", besides(services))];
    for (call, count) in &sweep.calls {
        let expected = told.iter().find_map(|(of, calls)| Some(format!("{of}: {}", calls.get(call.as_str())?)));
        println!("  {count:>6}  {call} ({})", expected.unwrap_or_else(|| "not expected".to_owned()));
    }
}
