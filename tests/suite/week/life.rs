//! The service beside a fleet that somebody keeps breaking, under virtual time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use portolan::aws::{Clients, Reader, Writer, in_process};
use portolan::controller::tiers::SHARE;
use portolan::controller::{Controller, Declare, Event, PASS_DEADLINE, Settings, event_queue};
use portolan::manifest::{self, Problem, Source};
use portolan::sandbox::{Shared, world_file};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::drift::{KINDS, Kind};
use super::fleet::{self, Size};
use super::post::Post;

/// What is to happen.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    /// The fleet.
    pub size: Size,
    /// How many drifts, each kind in its turn.
    pub drifts: usize,
    /// Seconds from one to the next, on average.
    pub apart: u64,
    /// Decides about moments and victims.
    pub seed: u64,
    /// Whether events tell of what is done.
    pub told: bool,
    /// Calls of Elastic Load Balancing a second that somebody else makes in the same account.
    pub others: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Seconds until each drift was mended.
    pub repairs: BTreeMap<Kind, Vec<f64>>,
    /// Drifts that nobody mended.
    pub left: Vec<(Kind, String)>,
    /// Passes by verdict.
    pub passes: BTreeMap<&'static str, usize>,
    /// Calls that the service sent, and those that were refused.
    pub calls: BTreeMap<String, u64>,
    pub refused: BTreeMap<String, u64>,
    /// Virtual seconds.
    pub seconds: f64,
}

impl Story {
    /// Calls that change something.
    pub fn writes(&self) -> u64 {
        let reads = ["Describe", "List", "Get"];
        let is_write = |call: &&String| {
            let operation = call.split_once(':').map_or("", |(_, operation)| operation);
            !reads.iter().any(|read| operation.starts_with(read))
        };
        self.calls.iter().filter(|(call, _)| is_write(call)).map(|(_, count)| count).sum()
    }

    /// Calls of Elastic Load Balancing a second.
    pub fn balancing_rate(&self) -> f64 {
        let calls = self.calls.iter().filter(|(call, _)| call.starts_with("elasticloadbalancing:"));
        calls.map(|(_, count)| *count as f64).sum::<f64>() / self.seconds
    }
}

struct Text(String);

impl Declare for Text {
    async fn read(&self) -> Result<Vec<Source>, Vec<Problem>> {
        Ok(vec![Source { name: "fleet.yaml".to_owned(), text: self.0.clone(), files: Default::default() }])
    }
}

/// Drifts that are not mended yet, with their moments.
type Open = RefCell<Vec<(Kind, String, Timestamp)>>;

/// Lives through a plot. The service has ten minutes to itself first, and in the end until everything is mended or the
/// last bound has passed.
pub async fn live(plot: Plot) -> Story {
    let world = world_file::load("world.yaml", &fleet::world(plot.size)).unwrap_or_else(|error| panic!("{error}"));
    let shared = Shared::following(world, 1.0);
    shared.world().settings.buckets = true;
    let answering = shared.clone();
    let clients = Clients::new(&in_process::config("eu-west-1", move |request| answering.answer(request))).unwrap();
    let (reader, writer) = (Reader::new(&clients), Writer::new(&clients));
    let text = Text(fleet::manifest(plot.size));
    let desired = manifest::load(&text.read().await.unwrap()).unwrap_or_else(|problems| panic!("{problems:?}"));
    let now = || shared.world().now();
    let began = now();
    let settings = Settings { interval: INTERVAL, deadline: PASS_DEADLINE, share: SHARE, seed: plot.seed };
    let post = Post::default();
    let (receiver, line) = event_queue::connect(&post, "eu-west-1", plot.seed);
    let mut controller = Controller::new(&reader, Some(&writer), &text, now, settings, desired).with_events(receiver);
    let (open, story) = (Open::default(), RefCell::new(Story::default()));
    let mut hear = |event: Event<'_>| {
        if let Event::Passed(_, pass) = event {
            *story.borrow_mut().passes.entry(pass.ended.word()).or_default() += 1;
            look_around(&shared, &open, &story);
        }
    };
    let (reload, stop) = (Notify::new(), CancellationToken::new());
    let breaking = async {
        tokio::time::sleep(A_WHILE).await;
        break_things(plot, &shared, &open, &post).await;
        stop.cancel();
    };
    let working = async {
        tokio::select! {
            never = Box::pin(line.run()) => match never {},
            () = Box::pin(controller.run(&reload, &stop, &mut hear)) => {}
        }
    };
    tokio::join!(working, Box::pin(breaking), Box::pin(be_somebody_else(plot.others, &shared, &stop)),);
    let mut story = story.into_inner();
    story.left = open.into_inner().into_iter().map(|(kind, victim, _)| (kind, victim)).collect();
    (story.calls, story.refused) = (clients.calls().snapshot(), clients.calls().refused());
    story.seconds = shared.world().now().duration_since(began).as_secs_f64();
    story
}

const INTERVAL: Duration = Duration::from_secs(30);
const A_WHILE: Duration = Duration::from_secs(600);

fn look_around(shared: &Shared, open: &Open, story: &RefCell<Story>) {
    let mut world = shared.world();
    let now = world.now();
    open.borrow_mut().retain(|(kind, victim, since)| {
        let is_mended = kind.is_mended(&mut world, victim);
        if is_mended {
            let seconds = now.duration_since(*since).as_secs_f64();
            story.borrow_mut().repairs.entry(*kind).or_default().push(seconds);
        }
        !is_mended
    });
}

async fn break_things(plot: Plot, shared: &Shared, open: &Open, post: &Post) {
    let mut chance = fastrand::Rng::with_seed(plot.seed);
    for number in 0..plot.drifts {
        let half = plot.apart / 2;
        tokio::time::sleep(Duration::from_millis(chance.u64(half * 1000..(half + plot.apart) * 1000))).await;
        let kind = KINDS[number % KINDS.len()];
        let busy: BTreeSet<String> = open.borrow().iter().map(|(_, victim, _)| victim.clone()).collect();
        let victims = std::iter::repeat_with(|| kind.victim(chance.usize(..plot.size.services)));
        let Some(victim) = victims.take(100).find(|victim| !busy.contains(victim)) else { continue };
        let mut world = shared.world();
        let (call, input) = kind.strike(&mut world, &victim);
        if plot.told {
            post.tell(call, &input);
        }
        assert!(!kind.is_mended(&mut world, &victim), "{kind:?} of {victim} breaks nothing");
        let since = world.now();
        open.borrow_mut().push((kind, victim, since));
    }
    let longest = KINDS.iter().map(|kind| kind.bound(plot.told)).max().unwrap_or_default().unsigned_abs();
    for _ in 0..longest / INTERVAL.as_secs() + 1 {
        if open.borrow().is_empty() {
            break;
        }
        tokio::time::sleep(INTERVAL).await;
    }
    tokio::time::sleep(3 * INTERVAL).await;
}

/// Another tool in the account, which takes what it is refused as it comes.
async fn be_somebody_else(rate: u64, shared: &Shared, stop: &CancellationToken) {
    if rate == 0 {
        return;
    }
    let mut tick = tokio::time::interval(Duration::from_millis(1000 / rate));
    while !stop.is_cancelled() {
        tick.tick().await;
        let _ = shared.world().call("elasticloadbalancing:DescribeLoadBalancers", &serde_json::json!({}));
    }
}
