//! Minutes of a real service on a real sandbox, two processes with loopback HTTP between them, while hands keep breaking
//! the fleet: what grows, leaks or wedges over time shows here.
//!
//! `SOAK_MINUTES=20 cargo test --test suite -- --ignored --nocapture soak`
//!
//! The one test that waits for real time, so it is left out unless asked for. It asserts counts, bytes and states, never
//! how long something took. Linux only: memory and descriptors come from `/proc`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "its figures are there to be read")]

mod drift;
mod fleet;
mod process;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use drift::{Hands, Kind};
use process::{Held, Process, command};

use crate::moto::config_at;

/// Minutes of drifts where `SOAK_MINUTES` says nothing.
const MINUTES: u64 = 3;
/// One sample a tick, and a drift every [`TICKS_A_DRIFT`] ticks.
const TICK: Duration = Duration::from_secs(1);
const TICKS_A_DRIFT: u64 = 2;
/// Most ticks that the service may take to come up, and to have everything repaired after the last drift.
const PATIENCE: u64 = 240;
/// How much more memory, in KiB, and how many more descriptors the last third may hold than the first one, by the median.
const GROWTH: Held = Held { memory: 2048, descriptors: 8 };
/// The same for the sandbox, which keeps a line of everything that ever happened.
const GROWTH_OF_SANDBOX: Held = Held { memory: 8192, descriptors: 16 };

#[tokio::test]
#[ignore = "takes SOAK_MINUTES minutes"]
async fn memory_and_descriptors_stay_flat_while_drifts_are_repaired() {
    let minutes = minutes();
    let (home, fleet) = (tempfile::TempDir::new().unwrap(), fleet::fleet());
    std::fs::write(home.path().join("fleet.yaml"), fleet.manifest("")).unwrap();
    std::fs::write(home.path().join("world.yaml"), format!("{}settle: 900\n", fleet.world())).unwrap();
    let mut sandbox = Process::start(home.path(), &["sandbox", "--port", "0", "--world", "world.yaml"]);
    let endpoint = format!("http://{}", sandbox.address);
    let options = ["--listen", "127.0.0.1:0", "--interval", "5s", "--endpoint-url", &endpoint];
    let mut service = Process::start(home.path(), &[&["run", "-f", "fleet.yaml"], &options[..]].concat());
    until("the service is ready", || service.get("/readyz").0 == 200).await;

    let hands = Hands::on(&config_at(&endpoint), fleet);
    let (mut drifts, mut of_service, mut of_sandbox) = (BTreeMap::<Kind, u64>::new(), Vec::new(), Vec::new());
    let mut clock = tokio::time::interval(TICK);
    for tick in 0..minutes * 60 {
        clock.tick().await;
        if tick % TICKS_A_DRIFT == 0 {
            let (kind, index) = drift::at((tick / TICKS_A_DRIFT) as usize);
            hands.break_it(kind, index).await;
            *drifts.entry(kind).or_default() += 1;
        }
        of_service.push(service.held());
        of_sandbox.push(sandbox.held());
    }
    until("everything is repaired", || is_in_sync(home.path(), &endpoint)).await;

    let (metrics, used) = (service.get("/metrics").1, service.used());
    assert_eq!(service.end().code(), Some(143), "{}", service.log().join("\n"));
    assert_eq!(sandbox.end().code(), Some(143));
    println!("{minutes} minutes, {} services, drifts {drifts:?}", fleet::SERVICES);
    println!("{}", of_interest(&metrics));
    println!("service: {:.1} s of processor time, never more than {} KiB", used.cpu, used.peak);
    check_work(&metrics, drifts.values().sum(), &service.log());
    check_flat("service", &of_service, GROWTH);
    check_flat("sandbox", &of_sandbox, GROWTH_OF_SANDBOX);
}

/// The last third of the time holds hardly more than the first.
fn check_flat(name: &str, samples: &[Held], growth: Held) {
    let third = samples.len() / 3;
    let (first, last) = (&samples[..third], &samples[samples.len() - third..]);
    println!("{name}, first third: {}", told(first));
    println!("{name}, last third:  {}", told(last));
    let grown = |figure: fn(&Held) -> u64| median(last, figure).saturating_sub(median(first, figure));
    assert!(grown(|held| held.memory) <= growth.memory, "the memory of the {name} grows");
    assert!(grown(|held| held.descriptors) <= growth.descriptors, "the descriptors of the {name} grow");
}

#[expect(clippy::disallowed_methods, reason = "whoever starts the soak says how long it is")]
fn minutes() -> u64 {
    std::env::var("SOAK_MINUTES").map_or(MINUTES, |minutes| minutes.parse().unwrap())
}

/// Every drift took a step that was done; no step and no pass failed, and nothing was logged as an error.
fn check_work(metrics: &str, drifts: u64, log: &[String]) {
    let done = sum(metrics, "portolan_steps_total", "result=\"done\"");
    assert!(done >= drifts, "{done} steps for {drifts} drifts");
    assert_eq!(sum(metrics, "portolan_steps_total", "result=\"failed\""), 0);
    for verdict in ["failed", "overran", "panicked"] {
        let label = format!("verdict=\"{verdict}\"");
        assert_eq!(sum(metrics, "portolan_passes_total", &label), 0, "{verdict}");
    }
    let errors: Vec<_> = log.iter().filter(|line| line.contains("ERROR")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// The sum of the samples of a metric that bear a label.
fn sum(metrics: &str, name: &str, label: &str) -> u64 {
    let samples = metrics.lines().filter(|line| line.starts_with(name) && line.contains(label));
    samples.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

fn of_interest(metrics: &str) -> String {
    let names = ["portolan_passes_total", "portolan_steps_total", "portolan_pass_duration_seconds_"];
    let lines = metrics.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    lines.filter(|line| !line.contains("_bucket")).collect::<Vec<_>>().join("\n")
}

/// What another process sees, that remembers nothing.
fn is_in_sync(home: &Path, endpoint: &str) -> bool {
    let args = ["drift", "-f", "fleet.yaml", "--strict", "--endpoint-url", endpoint];
    command(home, &args).output().unwrap().status.success()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..PATIENCE {
        if is_so() {
            return;
        }
        tokio::time::sleep(TICK).await;
    }
    panic!("not so after {PATIENCE} looks: {what}");
}

fn told(samples: &[Held]) -> String {
    let (memory, descriptors) = (|held: &Held| held.memory, |held: &Held| held.descriptors);
    let most = |figure: fn(&Held) -> u64| samples.iter().map(figure).max().unwrap_or_default();
    format!(
        "median {} KiB, most {} KiB; median {} descriptors, most {}",
        median(samples, memory),
        most(memory),
        median(samples, descriptors),
        most(descriptors)
    )
}

fn median(samples: &[Held], figure: fn(&Held) -> u64) -> u64 {
    let mut figures: Vec<u64> = samples.iter().map(figure).collect();
    figures.sort_unstable();
    figures[figures.len() / 2]
}
