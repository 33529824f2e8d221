//! How many whole passes a second: four services, the real SDK, the sandbox without a wire. Under Tokio's paused clock,
//! so that pacing by AWS's rates costs no time: what is measured is the work itself.
//!
//! `cargo bench --bench passes`
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::Instant;

use jiff::Timestamp;
use portolan::aws::{Clients, Reader, in_process};
use portolan::manifest::{Source, load};
use portolan::pass;
use portolan::plan::{Policy, Verdict};
use portolan::sandbox::{Shared, world_file};

const PASSES: u32 = 1000;

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
    let began = Instant::now();
    for _ in 0..PASSES {
        let look = pass::look(&desired, &reader, &Policy::default(), Timestamp::UNIX_EPOCH).await;
        let verdict = look.map_err(|errors| format!("{errors:?}"))?.plan.verdict();
        if verdict != Verdict::InSync {
            return Err(format!("the fleet is {}", verdict.as_str()));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let calls: u64 = clients.calls().snapshot().values().sum();
    println!("{PASSES} passes in {seconds:.2} s: {:.0} passes/s", f64::from(PASSES) / seconds);
    println!("{:.1} calls a pass, {:.0} calls/s", calls as f64 / f64::from(PASSES), calls as f64 / seconds);
    Ok(())
}
