//! Events and the service: a queue of the test's own beside the world, under virtual time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use portolan::apply::{AwsError, ErrorKind, Read};
use portolan::aws::{Reader, Writer};
use portolan::controller::event_queue::{self, HELD, Tally};
use portolan::controller::tiers::SHARE;
use portolan::controller::{Controller, Event, PASS_DEADLINE, Settings};
use portolan::events::{EventQueue, Ignored, Message, Receipt};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Bed, Failing, desired, seconds, sound};

/// An hour in which nothing but events asks for a pass.
const INTERVAL: Duration = Duration::from_secs(3600);

const CATALOG: &str = include_str!("../../events/call-update-service.json");
const FOREIGN: &str = include_str!("../../events/of-another-cluster.json");

/// A queue that hands out ten messages at a time, and notes what becomes of them.
#[derive(Default)]
struct Queue {
    inbox: RefCell<VecDeque<Message>>,
    sent: Cell<usize>,
    arrival: Notify,
    /// The messages that hint at something of the fleet.
    hinting: RefCell<BTreeSet<String>>,
    /// When each message was handed out.
    handed: RefCell<BTreeMap<String, Instant>>,
    forgotten: RefCell<BTreeMap<String, Instant>>,
    /// Questions that are refused.
    refusals: Cell<u32>,
    questions: Cell<u32>,
}

impl Queue {
    fn send(&self, body: &str) {
        let number = self.sent.get();
        self.sent.set(number + 1);
        if body == CATALOG {
            self.hinting.borrow_mut().insert(number.to_string());
        }
        let message = Message { body: body.to_owned(), receipt: Receipt(number.to_string()), sent: None };
        self.inbox.borrow_mut().push_back(message);
        self.arrival.notify_one();
    }

    fn left(&self) -> usize {
        self.sent.get() - self.forgotten.borrow().len()
    }
}

impl EventQueue for Queue {
    async fn receive(&self) -> Result<Vec<Message>, AwsError> {
        self.questions.set(self.questions.get() + 1);
        // The way there and back.
        tokio::time::sleep(Duration::from_millis(5)).await;
        if self.refusals.get() > 0 {
            self.refusals.set(self.refusals.get() - 1);
            let code = "AWS.SimpleQueueService.NonExistentQueue".to_owned();
            let (call, message) = ("sqs:ReceiveMessage".to_owned(), String::new());
            return Err(AwsError { call, kind: ErrorKind::Other, code, message, request_id: None });
        }
        if self.inbox.borrow().is_empty() {
            let _ = tokio::time::timeout(Duration::from_secs(20), self.arrival.notified()).await;
        }
        let mut inbox = self.inbox.borrow_mut();
        let batch = inbox.len().min(10);
        let batch: Vec<Message> = inbox.drain(..batch).collect();
        self.handed.borrow_mut().extend(batch.iter().map(|message| (message.receipt.0.clone(), Instant::now())));
        Ok(batch)
    }

    async fn forget(&self, receipts: &[Receipt]) -> usize {
        for receipt in receipts {
            let earlier = self.forgotten.borrow_mut().insert(receipt.0.clone(), Instant::now());
            assert_eq!(earlier, None, "it is forgotten once");
        }
        0
    }
}

/// A service that hears, and what it did.
struct Listening {
    bed: Bed,
    queue: Queue,
    /// Starts and ends of the passes.
    passes: RefCell<Vec<(Instant, Instant)>>,
    tally: RefCell<Tally>,
}

impl Listening {
    fn new() -> Self {
        Self { bed: Bed::new(sound()), queue: Queue::default(), passes: RefCell::default(), tally: RefCell::default() }
    }

    async fn run(&self, reader: &impl Read, writer: &Writer, story: impl Future) {
        let settings = Settings { interval: INTERVAL, deadline: PASS_DEADLINE, share: SHARE, seed: 1 };
        let now = || self.bed.shared.world().now();
        let controller = Controller::new(reader, Some(writer), &self.bed.manifest, now, settings, desired());
        let (receiver, line) = event_queue::connect(&self.queue, "eu-west-1", 2);
        let mut controller = controller.with_events(receiver);
        let mut hear = |event: Event<'_>| {
            match event {
                Event::Passed(_, pass) => self.passes.borrow_mut().push((Instant::now() - pass.took, Instant::now())),
                Event::Received(tally) => {
                    let mut all = self.tally.borrow_mut();
                    all.hinting += tally.hinting;
                    for (why, number) in &tally.ignored {
                        *all.ignored.entry(*why).or_default() += number;
                    }
                }
                Event::Reloaded(..) | Event::Refused(_) | Event::ChangedByOthers(_) => {}
            }
            self.bed.hear(event);
        };
        let telling = async {
            story.await;
            self.bed.stop.cancel();
        };
        let working = async {
            tokio::select! {
                never = Box::pin(line.run()) => match never {},
                () = Box::pin(controller.run(&self.bed.reload, &self.bed.stop, &mut hear)) => {}
            }
        };
        tokio::join!(working, Box::pin(telling));
    }

    async fn tell(&self, story: impl Future) {
        let clients = self.bed.clients();
        Box::pin(self.run(&Reader::new(&clients), &Writer::new(&clients), story)).await;
    }

    fn break_catalog(&self) {
        self.bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 0}));
    }

    /// Whatever hinted was forgotten after a pass that began after it was handed out, and no two passes began within a
    /// second.
    fn check(&self) {
        let (handed, forgotten, passes) =
            (self.queue.handed.borrow(), self.queue.forgotten.borrow(), self.passes.borrow());
        let hinting = self.queue.hinting.borrow();
        for (receipt, forgotten) in forgotten.iter().filter(|(receipt, _)| hinting.contains(*receipt)) {
            let knew = |(began, ended): &(Instant, Instant)| *began >= handed[receipt] && ended <= forgotten;
            assert!(passes.iter().any(knew), "{receipt} was forgotten too early");
        }
        for pair in passes.windows(2) {
            assert!(pair[1].0 - pair[0].0 >= Duration::from_secs(1), "{pair:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_has_its_drift_repaired_long_before_the_interval() {
    let service = Listening::new();
    service
        .tell(async {
            seconds(100).await;
            service.break_catalog();
            service.queue.send(CATALOG);
            seconds(2).await;
            assert_eq!(service.bed.count("catalog"), 2);
            assert_eq!(service.queue.left(), 0);
            seconds(60).await;
        })
        .await;
    assert_eq!(service.bed.words(), ["in-sync", "applied"]);
    assert_eq!(*service.tally.borrow(), Tally { hinting: 1, ignored: BTreeMap::new() });
    service.check();
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_about_the_fleet_asks_for_no_pass_and_is_forgotten() {
    let service = Listening::new();
    service
        .tell(async {
            seconds(10).await;
            for body in ["hello", "{}", FOREIGN, FOREIGN] {
                service.queue.send(body);
            }
            seconds(10).await;
            assert_eq!(service.queue.left(), 0);
        })
        .await;
    assert_eq!(service.bed.words(), ["in-sync"]);
    let ignored = BTreeMap::from([(Ignored::Junk, 2), (Ignored::Foreign, 2)]);
    assert_eq!(*service.tally.borrow(), Tally { hinting: 0, ignored });
}

#[tokio::test(start_paused = true)]
async fn a_storm_makes_a_pass_a_second_and_every_message_is_known_to_one_before_it_is_forgotten() {
    let service = Listening::new();
    let mut random = fastrand::Rng::with_seed(7);
    service
        .tell(async {
            seconds(5).await;
            for _ in 0..100 {
                for _ in 0..random.u32(0..60) {
                    service.queue.send(if random.bool() { CATALOG } else { FOREIGN });
                }
                tokio::time::sleep(Duration::from_millis(random.u64(0..200))).await;
            }
            seconds(30).await;
        })
        .await;
    assert_eq!(service.queue.left(), 0);
    assert!(service.queue.sent.get() > 1000 && service.passes.borrow().len() < 20, "{}", service.passes.borrow().len());
    service.check();
}

#[tokio::test(start_paused = true)]
async fn as_long_as_no_pass_ends_well_no_more_is_held_than_may_be_and_events_hasten_nothing() {
    let service = Listening::new();
    let clients = service.bed.clients();
    let reader = Reader::new(&clients);
    // The first look panics, the second never ends.
    let failing = Failing::new(&reader);
    let story = async {
        seconds(1).await;
        for _ in 0..5 * HELD {
            service.queue.send(CATALOG);
        }
        seconds(290).await;
        assert_eq!(service.queue.left(), 5 * HELD);
        // What the controller holds, what waits for it, and what the line has in its hands.
        let taken = service.queue.handed.borrow().len();
        assert!((2 * HELD..=2 * HELD + 10).contains(&taken), "{taken}");
        assert!(service.bed.words().len() <= 2, "{:?}", service.bed.words());
        seconds(60).await;
        assert_eq!(service.queue.left(), 0);
    };
    Box::pin(service.run(&failing, &Writer::new(&clients), story)).await;
    assert_eq!(service.bed.words()[..3], ["panicked", "overran", "in-sync"]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_refuses_is_asked_less_and_less_and_the_service_goes_on() {
    let service = Listening::new();
    service.queue.refusals.set(6);
    service
        .tell(async {
            service.queue.send(CATALOG);
            seconds(20).await;
            assert!((3..=6).contains(&service.queue.questions.get()), "{}", service.queue.questions.get());
            service.break_catalog();
            service.bed.reload.notify_one();
            seconds(5).await;
            assert_eq!(service.bed.count("catalog"), 2, "it is the same service");
            seconds(200).await;
            assert_eq!(service.queue.left(), 0, "and the queue is heard again");
        })
        .await;
}
