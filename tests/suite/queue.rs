//! The work queue against a model of it, under a paused clock: no key is lost, none is worked on twice at once, and every
//! turn comes when it is due, in a million operations.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use portolan::queue::{Backoff, LONGEST, Queue, SHORTEST};
use tokio::time::{Instant, advance};

const KEYS: u8 = 12;
const SEEDS: u64 = 10;
const OPERATIONS: u64 = 100_000;

/// The timer counts whole milliseconds and is never early.
const GRAIN: Duration = Duration::from_millis(1);

/// What the queue has to know.
#[derive(Default)]
struct Model {
    waiting: BTreeMap<u8, Instant>,
    running: BTreeMap<u8, Option<Instant>>,
}

impl Model {
    fn request(&mut self, key: u8, at: Instant) {
        let slot = match self.running.get_mut(&key) {
            Some(again) => again.get_or_insert(at),
            None => self.waiting.entry(key).or_insert(at),
        };
        *slot = at.min(*slot);
    }

    fn start(&mut self, key: u8) {
        let due = self.waiting.remove(&key);
        assert!(due.is_some_and(|due| due <= Instant::now()), "{key} started without being due: {due:?}");
        assert!(self.running.insert(key, None).is_none(), "{key} is worked on twice");
    }

    fn end(&mut self, key: u8, retry: Option<Instant>) {
        let again = self.running.remove(&key).expect("it runs");
        if let Some(at) = again.into_iter().chain(retry).min() {
            self.request(key, at);
        }
    }

    /// A running key, whichever comes at or after a number.
    fn any_running(&self, from: u8) -> Option<u8> {
        self.running.range(from..).chain(self.running.range(..from)).next().map(|(key, _)| *key)
    }

    fn check(&self, queue: &Queue<u8>) {
        assert_eq!((queue.waiting(), queue.running()), (self.waiting.len(), self.running.len()));
    }
}

/// Starts everything that is due, and finds that nothing else was.
fn start_all(queue: &mut Queue<u8>, model: &mut Model) {
    while let Some(key) = queue.next().now_or_never() {
        model.start(key);
    }
    let now = Instant::now();
    let late: Vec<_> = model.waiting.iter().filter(|(_, due)| **due + GRAIN < now).collect();
    assert!(late.is_empty(), "due and not started at {now:?}: {late:?}");
}

async fn operate(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut queue, mut model) = (Queue::new(seed), Model::default());
    for _ in 0..OPERATIONS {
        let key = random.u8(..KEYS);
        match random.u8(..8) {
            0 | 1 => {
                model.request(key, Instant::now());
                queue.request(key);
            }
            2 | 3 => {
                let at = Instant::now() + Duration::from_millis(random.u64(..60_000));
                model.request(key, at);
                queue.request_at(key, at);
            }
            4 => start_all(&mut queue, &mut model),
            5 => {
                if let Some(key) = model.any_running(key) {
                    queue.succeeded(&key);
                    model.end(key, None);
                }
            }
            6 => {
                if let Some(key) = model.any_running(key) {
                    let pause = queue.failed(&key);
                    assert!((SHORTEST..=LONGEST).contains(&pause), "{pause:?}");
                    model.end(key, Some(Instant::now() + pause));
                }
            }
            _ => {
                advance(Duration::from_millis(random.u64(..20_000))).await;
                start_all(&mut queue, &mut model);
            }
        }
        model.check(&queue);
    }
    drain(&mut queue, &mut model).await;
}

/// Whatever was requested gets its turn in the end.
async fn drain(queue: &mut Queue<u8>, model: &mut Model) {
    while !(model.waiting.is_empty() && model.running.is_empty()) {
        while let Some(key) = model.any_running(0) {
            queue.succeeded(&key);
            model.end(key, None);
        }
        if !model.waiting.is_empty() {
            let key = queue.next().await;
            model.start(key);
        }
    }
    model.check(queue);
}

#[tokio::test(start_paused = true)]
async fn no_key_is_lost_and_none_is_worked_on_twice_at_once_in_a_million_operations() {
    for seed in 0..SEEDS {
        operate(seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn many_requests_are_one_turn_at_the_earliest_deadline() {
    let mut queue = Queue::new(1);
    let start = Instant::now();
    for seconds in [30, 10, 20, 10, 40] {
        queue.request_at("fleet", start + Duration::from_secs(seconds));
    }
    assert_eq!(queue.next().await, "fleet");
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    queue.succeeded(&"fleet");
    assert_eq!((queue.waiting(), queue.running()), (0, 0));
    assert_eq!(queue.next().now_or_never(), None);
}

#[tokio::test(start_paused = true)]
async fn requests_during_a_turn_make_exactly_one_more() {
    let mut queue = Queue::new(1);
    queue.request("fleet");
    assert_eq!(queue.next().await, "fleet");
    for _ in 0..5 {
        queue.request("fleet");
        assert_eq!(queue.next().now_or_never(), None, "it is worked on already");
    }
    queue.succeeded(&"fleet");
    assert_eq!(queue.next().await, "fleet");
    queue.succeeded(&"fleet");
    assert_eq!(queue.next().now_or_never(), None);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_beyond_the_timers_end_is_taken() {
    let mut queue = Queue::new(1);
    let start = Instant::now();
    queue.request_at("far", start + Duration::from_secs(3600 * 24 * 365 * 20));
    queue.request_at("near", start + Duration::from_secs(5));
    assert_eq!(queue.next().await, "near");
    queue.request("far");
    assert_eq!(queue.next().await, "far");
}

#[test]
fn pauses_double_up_to_five_minutes_and_are_forgotten_on_success() {
    let mut backoff = Backoff::new(7);
    for failure in 0..40_u32 {
        let most = (SHORTEST * 2).saturating_mul(2_u32.saturating_pow(failure)).min(LONGEST);
        let pause = backoff.next(&"fleet");
        assert!(pause >= most / 2 && pause <= most, "{failure}: {pause:?}");
    }
    assert_eq!((backoff.failures(&"fleet"), backoff.failures(&"other")), (40, 0));
    backoff.forget(&"fleet");
    assert!(backoff.next(&"fleet") <= SHORTEST * 2);
}

#[test]
fn the_same_seed_makes_the_same_pauses() {
    let pauses = |seed| {
        let mut backoff = Backoff::new(seed);
        (0..10).map(|_| backoff.next(&())).collect::<Vec<_>>()
    };
    assert_eq!(pauses(3), pauses(3));
    assert_ne!(pauses(3), pauses(4));
}
