//! What a steady pass costs beside the floor: the same calls through the bare SDK clients, whose answers are read and dropped. Both
//! get recorded answers, so that nothing but the client's work is measured: the time of this process's processor.
//!
//! `cargo bench --bench floor -- [SERVICES] [TIMES]`; without SERVICES, 300 and 1,000. TIMES (5) is how often each is measured.
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::unwrap_used, reason = "it ends where it cannot go on")]

#[path = "../tests/suite/fleet.rs"]
mod fleet;
#[path = "../tests/suite/week"]
mod week {
    pub mod fleet;
}
#[path = "floor/bare.rs"]
mod bare;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use portolan::aws::{Clients, Reader, in_process};
use portolan::manifest::{Source, load};
use portolan::model::{Desired, Kind};
use portolan::pass::{self, Kept};
use portolan::plan::Policy;
use portolan::sandbox::{Shared, world_file};
use rustix::time::{ClockId, clock_gettime};
use week::fleet::{self as fleets, Size};

/// Fleets that are measured, if it is not said.
const FLEETS: [usize; 2] = [300, 1000];
const TIMES: u32 = 5;

/// What was asked and answered, in order.
type Record = Vec<(Sent, Response<Bytes>)>;

/// A request: its operation and its body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    /// Such as `DescribeServices`.
    pub operation: String,
    /// As the SDK wrote it.
    pub body: Bytes,
}

impl Sent {
    fn of(request: &Request<Bytes>) -> Self {
        let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
        let body = request.body().clone();
        let operation = match target {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None => {
                let text = String::from_utf8_lossy(&body).into_owned();
                let action = text.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned);
                action.unwrap_or_default()
            }
        };
        Self { operation, body }
    }
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u32>().ok());
    let fleets = numbers.next().map_or(FLEETS.to_vec(), |number| vec![number as usize]);
    let times = numbers.next().unwrap_or(TIMES).max(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    for services in fleets {
        runtime.block_on(measure(services, times));
    }
}

async fn measure(services: usize, times: u32) {
    let size = Size { services, more: false };
    let desired =
        load(&[Source { name: "fleet.yaml".to_owned(), text: fleets::manifest(size), files: Default::default() }])
            .unwrap();
    let record = recorded(size, &desired).await;
    let bare = median(times, async || {
        let answers = Mutex::new(queues(&record));
        let config = in_process::config("eu-west-1", move |request| next(&answers, &Sent::of(request)));
        let clients = bare::Clients::new(&config);
        let begun = cpu_time();
        clients.send_all(&record.iter().map(|(sent, _)| sent.clone()).collect::<Vec<_>>()).await;
        cpu_time() - begun
    });
    let bare = bare.await;
    let floor_memory = peak();
    let whole = steady(&record, size, &desired, times).await;
    let total = middle(whole.iter().map(Pass::total).collect());
    println!(
        "{services} services, {} calls: a steady pass takes {total:.1?} of the processor, the floor {bare:.1?}: {:.2} ×; \
         most memory {} with the floor alone, {} in the end",
        record.len(),
        total.as_secs_f64() / bare.as_secs_f64(),
        floor_memory,
        peak()
    );
    println!(
        "  of that reading {:.1?}, planning {:.1?}, freeing {:.1?}",
        middle(whole.iter().map(|pass| pass.reading).collect()),
        middle(whole.iter().map(|pass| pass.planning).collect()),
        middle(whole.iter().map(|pass| pass.freeing).collect()),
    );
}

/// The calls of a steady pass, structure and all health, with the sandbox's answers.
async fn recorded(size: Size, desired: &Desired) -> Record {
    let shared = Shared::still(world_file::load("world.yaml", &fleets::world(size)).unwrap());
    let record: Arc<Mutex<Record>> = Arc::default();
    let keeping = record.clone();
    let config = in_process::config("eu-west-1", move |request| {
        let answer = shared.answer(request);
        keeping.lock().unwrap().push((Sent::of(request), copy(&answer)));
        answer
    });
    let reader = Reader::new(&Clients::new(&config).unwrap());
    let mut kept = Kept::empty();
    let first = pass::read_again(desired, &reader, &mut kept, BTreeSet::new()).await;
    record.lock().unwrap().clear();
    let health = first.observed.answered.iter().filter(|query| query.kind() == Kind::Health).cloned().collect();
    let second = pass::read_again(desired, &reader, &mut kept, health).await;
    assert_eq!(second.observed.gaps, BTreeSet::new());
    std::mem::take(&mut *record.lock().unwrap())
}

/// The processor time of one steady pass.
struct Pass {
    reading: Duration,
    planning: Duration,
    freeing: Duration,
}

impl Pass {
    fn total(&self) -> Duration {
        self.reading + self.planning + self.freeing
    }
}

/// So many steady passes, with recorded answers.
async fn steady(record: &Record, size: Size, desired: &Desired, times: u32) -> Vec<Pass> {
    let answers: BTreeMap<Sent, Response<Bytes>> =
        record.iter().map(|(sent, answer)| (sent.clone(), copy(answer))).collect();
    let shared = Shared::still(world_file::load("world.yaml", &fleets::world(size)).unwrap());
    let now = shared.world().now();
    let config = in_process::config("eu-west-1", move |request| match answers.get(&Sent::of(request)) {
        Some(answer) => copy(answer),
        None => shared.answer(request),
    });
    let reader = Reader::new(&Clients::new(&config).unwrap());
    let mut kept = Kept::empty();
    let first = pass::read_again(desired, &reader, &mut kept, BTreeSet::new()).await;
    let health: BTreeSet<_> =
        first.observed.answered.iter().filter(|query| query.kind() == Kind::Health).cloned().collect();
    let mut passes = Vec::new();
    for _ in 0..times {
        let renew = health.clone();
        let begun = cpu_time();
        let reading = pass::read_again(desired, &reader, &mut kept, renew).await;
        let read = cpu_time();
        let plan = pass::plan_observed(desired, &reading.observed, &Policy::default(), now).unwrap();
        assert!(plan.steps.is_empty());
        let planned = cpu_time();
        drop((reading, plan));
        passes.push(Pass { reading: read - begun, planning: planned - read, freeing: cpu_time() - planned });
    }
    passes
}

fn queues(record: &Record) -> BTreeMap<String, VecDeque<Response<Bytes>>> {
    let mut queues: BTreeMap<String, VecDeque<Response<Bytes>>> = BTreeMap::new();
    for (sent, answer) in record {
        queues.entry(sent.operation.clone()).or_default().push_back(copy(answer));
    }
    queues
}

fn next(answers: &Mutex<BTreeMap<String, VecDeque<Response<Bytes>>>>, sent: &Sent) -> Response<Bytes> {
    answers.lock().unwrap().get_mut(&sent.operation).unwrap().pop_front().unwrap()
}

fn copy(answer: &Response<Bytes>) -> Response<Bytes> {
    let mut copy = Response::new(answer.body().clone());
    *copy.status_mut() = answer.status();
    copy.headers_mut().clone_from(answer.headers());
    copy
}

async fn median(times: u32, measured: impl AsyncFn() -> Duration) -> Duration {
    let mut taken = Vec::new();
    for _ in 0..times {
        taken.push(measured().await);
    }
    middle(taken)
}

fn middle(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// The most memory that this process has held so far, as Linux says it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    line.trim().to_owned()
}
