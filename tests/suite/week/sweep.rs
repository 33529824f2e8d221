//! Whole looks at a large fleet under the account's buckets, 30 ms away: what they take, and what the buckets allow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portolan::aws::{Clients, Reader, in_process};
use portolan::manifest::{Source, load};
use portolan::model::{Batch, Facts, Keep, Kind, Operation};
use portolan::pass::{self, Kept};
use portolan::plan::{Policy, Verdict};
use portolan::sandbox::{Shared, world_file};
use tokio::time::Instant;

use super::fleet::{self, Size};
use crate::fleet::Fleet;

/// Tasks of a service.
const TASKS: usize = 2;

pub type Counts = BTreeMap<String, u64>;

/// One look.
#[derive(Clone, Debug)]
pub struct Sweep {
    pub title: &'static str,
    /// What it sent.
    pub calls: Counts,
    /// How long that took, in virtual time.
    pub seconds: f64,
    /// Of all looks so far.
    pub refused: Counts,
}

/// Three looks, each with full buckets: one that knows nothing, one that asks all health again, and one that asks the
/// structure alone.
pub async fn sweeps(services: usize) -> Vec<Sweep> {
    let size = Size { services, more: false };
    let world = world_file::load("world.yaml", &fleet::world(size)).unwrap();
    let shared = Shared::following(world, 1.0);
    shared.world().settings.buckets = true;
    let far = Duration::from_millis(30);
    let clients =
        Clients::new(&in_process::far_config("eu-west-1", far, move |request| shared.answer(request))).unwrap();
    let desired =
        load(&[Source { name: "fleet.yaml".to_owned(), text: fleet::manifest(size), files: Default::default() }])
            .unwrap();
    let reader = Reader::new(&clients);
    let (mut kept, mut renew) = (Kept::empty(), BTreeSet::new());
    let mut sweeps = Vec::new();
    for title in ["first look, nothing known", "structure and all health", "structure alone"] {
        tokio::time::sleep(Duration::from_secs(600)).await;
        let (before, began) = (clients.calls().snapshot(), Instant::now());
        let watched = pass::read_again(&desired, &reader, &mut kept, renew.clone()).await;
        let seconds = began.elapsed().as_secs_f64();
        assert_eq!(watched.observed.gaps, BTreeSet::new());
        let calls = since(&before, &clients.calls().snapshot());
        sweeps.push(Sweep { title, calls, seconds, refused: clients.calls().refused() });
        let health = watched.ages.keys().filter(|query| query.kind() == Kind::Health).cloned();
        renew = if renew.is_empty() { health.collect() } else { BTreeSet::new() };
    }
    sweeps
}

/// So many services whose target groups keep AWS's attributes.
fn bare(services: usize) -> Fleet {
    let names = (0..services).map(|number| format!("svc-{number}")).collect();
    Fleet { names, own_groups: true, ..Fleet::of(0) }
}

/// What `drift` reads when nothing is known: one look at a fleet without declared attributes, with full buckets.
pub async fn drift(services: usize) -> Sweep {
    let shared = Shared::following(
        world_file::load("world.yaml", &format!("{}settle: 900\n", bare(services).world())).unwrap(),
        1.0,
    );
    shared.world().settings.buckets = true;
    let now = shared.world().now();
    let far = Duration::from_millis(30);
    let clients =
        Clients::new(&in_process::far_config("eu-west-1", far, move |request| shared.answer(request))).unwrap();
    let desired = load(&[Source {
        name: "fleet.yaml".to_owned(),
        text: bare(services).manifest(", autoscaling: none"),
        files: Default::default(),
    }])
    .unwrap();
    let began = Instant::now();
    let look = pass::look(&desired, &Reader::new(&clients), &Policy::default(), now).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!((look.observed.gaps, look.plan.verdict()), (BTreeSet::new(), Verdict::InSync));
    Sweep {
        title: "drift, nothing known",
        calls: clients.calls().snapshot(),
        seconds,
        refused: clients.calls().refused(),
    }
}

fn since(before: &Counts, after: &Counts) -> Counts {
    let new = after.iter().map(|(call, count)| (call.clone(), count - before.get(call).copied().unwrap_or(0)));
    new.filter(|(_, count)| *count > 0).collect()
}

/// What a look knows before it begins, and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It knows nothing, and asks everything.
    First,
    /// It asks again what is not kept for an hour.
    Again,
    /// It asks the health of no target group.
    Structure,
}

impl Look {
    fn asks(self, kind: Kind) -> bool {
        match kind.facts().keep {
            // A revision never changes: the reader remembers it.
            Keep::Pass => self == Self::First || kind != Kind::TaskDefinition,
            Keep::InTurn => self != Self::Structure,
            Keep::Hour => self == Self::First,
        }
    }
}

/// The calls of a look at a fleet of so many services: from the rows of the kinds that planning asks. The fleet declares attributes of
/// its target groups or does not.
pub fn formula(services: usize, look: Look, has_attributes: bool) -> Counts {
    let asked = asked(services, has_attributes).into_iter().filter(|(kind, _)| look.asks(*kind));
    let mut all = Counts::new();
    for (operation, calls) in asked.flat_map(|(kind, things)| calls(kind, things)) {
        *all.entry(operation.call().to_owned()).or_default() += calls as u64;
    }
    all
}

/// The kinds that planning asks, with the number of keys, or of the things in a list.
fn asked(services: usize, has_attributes: bool) -> Vec<(Kind, usize)> {
    let (tasks, balancers) = (services * TASKS, services.div_ceil(100));
    let mut asked = vec![
        (Kind::Account, 1),
        (Kind::Vpcs, 1),
        (Kind::Subnets, 2),
        // One for each service, and that of the load balancers.
        (Kind::SecurityGroups, services + 1),
        (Kind::LoadBalancers, balancers),
        (Kind::TargetGroups, services),
        (Kind::Limits, 1),
        (Kind::Cluster, 1),
        (Kind::Service, services),
        (Kind::TaskDefinition, services),
        (Kind::Tasks, tasks),
        (Kind::SecurityGroupRules, services),
        (Kind::Listeners, balancers),
        (Kind::Rules, balancers),
        // Of rules and target groups.
        (Kind::Tags, 2 * services),
        (Kind::Health, services),
    ];
    if has_attributes {
        asked.push((Kind::Attributes, services));
    }
    asked
}

/// The calls that a kind takes for so many keys, or things in a list. What the first operation of a list of things names, the second
/// describes; further ones are for tasks on instances, of which there are none here.
fn calls(kind: Kind, things: usize) -> Vec<(Operation, usize)> {
    let Facts { operations, batch, .. } = kind.facts();
    let calls = match batch {
        Batch::List => vec![pages(operations[0], things)],
        Batch::Each => vec![things],
        Batch::Of(most) => vec![things.div_ceil(most)],
        Batch::PerCluster(most) => vec![pages(operations[0], things), things.div_ceil(most)],
        Batch::With(_) => Vec::new(),
    };
    operations.iter().copied().zip(calls).collect()
}

/// A list without things is a page, too.
fn pages(operation: Operation, things: usize) -> usize {
    operation.page().map_or(1, |most| things.div_ceil(most as usize).max(1))
}

/// The shortest time for calls, and the bucket that says so: one of `burst` tokens that refills at `rate` lets n calls
/// through in no less than (n − burst) / rate seconds, and buckets run side by side. Sizes are AWS's documented defaults.
pub fn bound(calls: &Counts) -> (f64, &'static str) {
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
