//! A thousand services under the account's buckets, 30 ms away, under Tokio's paused clock: how many calls a whole look
//! takes, and how close its virtual time comes to what the buckets allow for these calls.
//!
//! `cargo bench --bench thousand [SERVICES]`
#![expect(clippy::print_stdout, reason = "this program is there to be read")]
#![expect(clippy::unwrap_used, reason = "it ends where it cannot go on")]

#[path = "../tests/suite/week/fleet.rs"]
mod fleet;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portolan::apply::{Watch, Watched};
use portolan::aws::{Clients, Reader, in_process};
use portolan::manifest::{Source, load};
use portolan::model::Question;
use portolan::sandbox::{Shared, world_file};
use tokio::time::Instant;

use fleet::Size;

/// Tasks of a service.
const TASKS: usize = 2;

type Counts = BTreeMap<String, u64>;

fn main() {
    let services = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(measure(services));
}

async fn measure(services: usize) {
    let size = Size { services, more: false };
    let world = world_file::load("world.yaml", &fleet::world(size)).unwrap();
    let shared = Shared::following(world, 1.0);
    shared.world().settings.buckets = true;
    let far = Duration::from_millis(30);
    let clients =
        Clients::new(&in_process::far_config("eu-west-1", far, move |request| shared.answer(request))).unwrap();
    let desired = load(&[Source { name: "fleet.yaml".to_owned(), text: fleet::manifest(size) }]).unwrap();
    let reader = Reader::new(&clients);
    println!("{services} services of {TASKS} tasks, 30 ms away, by the account's buckets");
    let mut renew = BTreeSet::new();
    for title in ["first look, nothing known", "structure and all health", "structure alone"] {
        // Full buckets again.
        tokio::time::sleep(Duration::from_secs(600)).await;
        let (before, began) = (clients.calls().snapshot(), Instant::now());
        let watched = reader.watch(&desired, &renew).await;
        let seconds = began.elapsed().as_secs_f64();
        let calls = since(&before, &clients.calls().snapshot());
        tell(title, services, &calls, seconds);
        assert!(watched.observed.gaps.is_empty(), "{:?}", watched.observed.gaps);
        renew = if renew.is_empty() { health(&watched) } else { BTreeSet::new() };
    }
    println!("refused: {:?}", clients.calls().refused());
}

fn health(watched: &Watched) -> BTreeSet<Question> {
    watched.ages.keys().filter(|question| question.is_health()).cloned().collect()
}

fn since(before: &Counts, after: &Counts) -> Counts {
    let new = after.iter().map(|(call, count)| (call.clone(), count - before.get(call).copied().unwrap_or(0)));
    new.filter(|(_, count)| *count > 0).collect()
}

fn tell(title: &str, services: usize, calls: &Counts, seconds: f64) {
    let (bound, bucket) = bound(calls);
    let all: u64 = calls.values().sum();
    println!("\n{title}: {all} calls in {seconds:.1} s; the buckets allow it in {bound:.1} s ({bucket})");
    let formula = formula(services);
    for (call, count) in calls {
        let told = match formula.get(call.as_str()) {
            Some(expected) => format!("the formula says {expected}"),
            None => "not in the formula".to_owned(),
        };
        println!("  {count:>6}  {call}, {told}");
    }
}

/// A batched sweep: ten services in a call, a hundred tasks, and so on.
fn formula(services: usize) -> BTreeMap<&'static str, usize> {
    let (tasks, balancers) = ((services * TASKS).div_ceil(100), services.div_ceil(100));
    BTreeMap::from([
        ("ecs:DescribeClusters", 1),
        ("ecs:DescribeServices", services.div_ceil(10)),
        ("ecs:ListTasks", tasks),
        ("ecs:DescribeTasks", tasks),
        ("ecs:DescribeTaskDefinition", services),
        ("elasticloadbalancing:DescribeLoadBalancers", balancers.div_ceil(400)),
        ("elasticloadbalancing:DescribeListeners", balancers),
        ("elasticloadbalancing:DescribeRules", balancers),
        ("elasticloadbalancing:DescribeTargetGroups", services.div_ceil(400)),
        ("elasticloadbalancing:DescribeTargetHealth", services),
        ("ec2:DescribeSecurityGroups", services.div_ceil(1000)),
    ])
}

/// A bucket of `burst` tokens that refills at `rate` lets n calls through in no less than (n − burst) / rate seconds;
/// buckets run side by side. The sizes are AWS's documented defaults.
fn bound(calls: &Counts) -> (f64, &'static str) {
    type Drawn = fn(&str) -> bool;
    let buckets: [(&str, f64, f64, Drawn); 5] = [
        ("elb", 40.0, 10.0, |call| call.starts_with("elasticloadbalancing:")),
        ("ecs services", 100.0, 20.0, |call| call == "ecs:DescribeServices" || call == "ecs:ListServices"),
        ("ecs tasks", 100.0, 20.0, |call| call == "ecs:DescribeTasks" || call == "ecs:ListTasks"),
        ("ecs task definitions", 50.0, 20.0, |call| call == "ecs:DescribeTaskDefinition"),
        ("ec2 rules", 100.0, 20.0, |call| call == "ec2:DescribeSecurityGroupRules"),
    ];
    let times = buckets.map(|(name, burst, rate, is_drawn)| {
        let drawn: u64 = calls.iter().filter(|(call, _)| is_drawn(call)).map(|(_, count)| count).sum();
        (((drawn as f64 - burst) / rate).max(0.0), name)
    });
    times.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default()
}
