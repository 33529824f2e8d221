//! What the service costs the machine that it runs on: `portolan run --observe` beside a fleet of a thousand services, as two
//! processes with loopback HTTP between them and in real time, so that the sandbox's own work is not counted.
//!
//! `cargo bench --bench resident -- [SERVICES] [SECONDS]`
//!
//! The first look reads everything, attributes and tags included, at the rate that AWS's buckets allow: three and a half
//! minutes for a thousand services. SECONDS (300) count from its end; in 250 of them the health of each target group is
//! read once.
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "it ends where it cannot go on")]

#[path = "../tests/suite/fleet.rs"]
mod fleet;
#[path = "../tests/suite/soak/process.rs"]
#[allow(dead_code, reason = "the soak needs more of it")]
mod process;

use std::thread::sleep;
use std::time::{Duration, Instant};

use fleet::Fleet;
use process::{Process, Used};

/// Calls of a full look at `services` services without tags and attributes, per service: see `tests/suite/week/sweep.rs`.
const CALLS_A_SERVICE: f64 = 1.175;
const TICK: Duration = Duration::from_millis(500);

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let services = usize::try_from(numbers.next().unwrap_or(1000)).unwrap();
    let seconds = numbers.next().unwrap_or(300);
    // As the formula of the calls has it: attributes declared, and nothing that scales.
    let fleet = Fleet { own_groups: true, drain: Some(60), ..Fleet::of(services) };
    let home = tempfile::TempDir::new().unwrap();
    std::fs::write(home.path().join("fleet.yaml"), fleet.manifest(", autoscaling: none")).unwrap();
    std::fs::write(home.path().join("world.yaml"), format!("{}settle: 900\n", fleet.world())).unwrap();
    let sandbox = Process::start(home.path(), &["sandbox", "--port", "0", "--world", "world.yaml"]);
    let endpoint = format!("http://{}", sandbox.address);
    let options = ["--observe", "--listen", "127.0.0.1:0", "--endpoint-url", &endpoint];
    let service = Process::start(home.path(), &[&["run", "-f", "fleet.yaml"], &options[..]].concat());
    println!("{services} services of two tasks each, two processes, real time");

    let begun = Instant::now();
    while service.get("/readyz").0 != 200 {
        sleep(TICK);
    }
    let first = Sample::of(&service);
    tell(&format!("the first look, {:.0} s", begun.elapsed().as_secs_f64()), &first, services);
    sleep(Duration::from_secs(seconds));
    let last = Sample::of(&service);
    tell(&format!("{seconds} seconds after it"), &last.since(&first), services);
    let held = service.held();
    println!("holds {:.1} MiB and {} descriptors at the end", mebibytes(held.memory), held.descriptors);
}

/// What was used and done by a moment, or between two.
struct Sample {
    used: Used,
    calls: u64,
    passes: u64,
}

impl Sample {
    fn of(service: &Process) -> Self {
        let used = service.used();
        let metrics = service.get("/metrics").1;
        let sum = |name: &str| {
            let samples = metrics.lines().filter(|line| line.starts_with(name));
            samples.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
        };
        Self { used, calls: sum("portolan_api_calls_total"), passes: sum("portolan_passes_total") }
    }

    fn since(&self, before: &Self) -> Self {
        let used = Used { cpu: self.used.cpu - before.used.cpu, ..self.used };
        Self { used, calls: self.calls - before.calls, passes: self.passes - before.passes }
    }
}

fn tell(title: &str, sample: &Sample, services: usize) {
    let Sample { used: Used { cpu, peak }, calls, passes } = sample;
    let sweep = services as f64 * CALLS_A_SERVICE;
    println!(
        "{title}: {cpu:.2} s of processor time, {calls} calls, {passes} passes, at most {:.1} MiB",
        mebibytes(*peak)
    );
    println!("  {:.0} ms for as many calls as a full look makes ({sweep:.0})", cpu / *calls as f64 * sweep * 1e3);
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
