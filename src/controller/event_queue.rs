//! Events between passes: received while a pass runs, kept as hints for the next one, and taken off their queue once a
//! pass that began after they came has succeeded. What is lost (by a crash, by a call that failed) comes again
//! from the queue, and does no harm twice.
//!
//! Receiving runs beside the controller ([`QueueWorker`]): a call that waits for messages must not be dropped
//! whenever a pass is due, for what it was about to answer would come again only much later.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::events::{self, EventQueue, Hint, Ignored, Message, Place, Receipt, concerns};
use crate::model::Desired;
use crate::queue::Backoff;

/// From the start of a pass to the start of the next one that events ask for, at least: a storm of events makes one pass a
/// second at most, and all that came meanwhile joins it.
pub const SPACING: Duration = Duration::from_secs(1);

/// Most messages that are held: those of a longer storm wait on their queue.
pub const HELD: usize = 1000;

/// Shortest time from an empty answer to the next question, in case that a queue does not wait for messages itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// The controller's end of a line to a queue.
#[derive(Debug)]
pub struct EventReceiver {
    /// Where the fleet is.
    region: String,
    line: Option<(mpsc::Receiver<Message>, mpsc::UnboundedSender<Vec<Receipt>>)>,
}

/// The queue's end: what has to run beside the controller.
#[derive(Debug)]
pub struct QueueWorker<'a, H> {
    queue: &'a H,
    messages: mpsc::Sender<Message>,
    settled: mpsc::UnboundedReceiver<Vec<Receipt>>,
    backoff: Backoff<()>,
}

/// A line to a queue, for a fleet in `region`; the seed decides about jitter alone.
pub fn connect<H: EventQueue>(queue: &H, region: impl Into<String>, seed: u64) -> (EventReceiver, QueueWorker<'_, H>) {
    let (messages, heard) = mpsc::channel(HELD);
    let (settle, settled) = mpsc::unbounded_channel();
    let receiver = EventReceiver { region: region.into(), line: Some((heard, settle)) };
    (receiver, QueueWorker { queue, messages, settled, backoff: Backoff::new(seed) })
}

impl EventReceiver {
    /// Without a queue.
    pub fn none() -> Self {
        Self { region: String::new(), line: None }
    }

    /// What has come, at least one message; waits endlessly if nothing comes. Dropping the future loses nothing.
    pub(super) async fn receive(&mut self) -> Vec<Message> {
        let mut heard = Vec::new();
        if let Some((messages, _)) = &mut self.line
            && messages.recv_many(&mut heard, HELD).await > 0
        {
            return heard;
        }
        std::future::pending().await
    }

    /// Has messages taken off the queue, some time. Unbounded because it holds no more than was heard.
    pub(super) fn settle(&self, receipts: Vec<Receipt>) {
        if let Some((_, settle)) = &self.line
            && !receipts.is_empty()
        {
            // The line ends with the service; then they come again.
            let _ = settle.send(receipts);
        }
    }
}

impl<H: EventQueue> QueueWorker<'_, H> {
    /// Receives and forgets for as long as it is polled. Errors are backed off, logged, and never end it.
    pub async fn run(self) -> Infallible {
        let Self { queue, messages, mut settled, mut backoff } = self;
        let receiving = async {
            loop {
                let asked = Instant::now();
                match queue.receive().await {
                    Ok(heard) => {
                        backoff.forget(&());
                        if heard.is_empty() {
                            tokio::time::sleep_until(asked + PATIENCE).await;
                        }
                        for message in heard {
                            // Waits while as many are held as may be. No receiver is left: the service is about to end.
                            let _ = messages.send(message).await;
                        }
                    }
                    Err(error) => {
                        let pause = backoff.next(&());
                        let (error, seconds) = (error.to_string(), pause.as_secs_f64());
                        tracing::warn!(
                            error,
                            seconds,
                            "the events queue is not responding; falling back to the interval"
                        );
                        tokio::time::sleep(pause).await;
                    }
                }
            }
        };
        let forgetting = async {
            while let Some(receipts) = settled.recv().await {
                let left = queue.forget(&receipts).await;
                tracing::debug!(
                    messages = receipts.len() - left.min(receipts.len()),
                    "deleted messages from the events queue"
                );
                if left > 0 {
                    tracing::warn!(
                        left,
                        "could not delete messages from the events queue; SQS will deliver them again"
                    );
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            never = receiving => never,
            never = forgetting => never,
        }
    }
}

/// What became of messages when they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many gave a hint.
    pub hinting: u64,
    /// How many did not, and why.
    pub ignored: BTreeMap<Ignored, u64>,
}

impl Tally {
    /// Every outcome by the word for metrics, those included that no message had.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let ignored = Ignored::ALL.into_iter();
        let ignored = ignored.map(|why| (why.as_str(), self.ignored.get(&why).copied().unwrap_or_default()));
        std::iter::once(("hint", self.hinting)).chain(ignored)
    }
}

/// What was heard and not settled.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingEvents {
    /// What was named.
    pub(super) hints: BTreeSet<Hint>,
    receipts: Vec<Receipt>,
    /// When the messages were sent to the queue.
    sent: Vec<Timestamp>,
}

impl PendingEvents {
    /// Takes messages in. What gives no hint of this fleet causes no pass, and is settled immediately.
    pub(super) fn take_in(&mut self, messages: Vec<Message>, receiver: &EventReceiver, desired: &Desired) -> Tally {
        let place = Place { region: &receiver.region, account: desired.fleet.account.as_deref() };
        let (mut tally, mut done) = (Tally::default(), Vec::new());
        for Message { body, receipt, sent } in messages {
            let own = events::read(&body, &place).and_then(|mut hints| {
                hints.retain(|hint| concerns(hint, desired));
                if hints.is_empty() { Err(Ignored::Foreign) } else { Ok(hints) }
            });
            match own {
                Ok(hints) => {
                    for hint in &hints {
                        tracing::debug!(hint = hint.to_string(), "an event mentions this object");
                    }
                    self.hints.extend(hints);
                    self.receipts.push(receipt);
                    self.sent.extend(sent);
                    tally.hinting += 1;
                }
                Err(why) => {
                    *tally.ignored.entry(why).or_default() += 1;
                    done.push(receipt);
                }
            }
        }
        receiver.settle(done);
        tally
    }

    /// Whether more may be taken in: as long as no pass ends well, nothing is settled.
    pub(super) fn has_room(&self) -> bool {
        self.receipts.len() < HELD
    }

    /// Nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.receipts.is_empty()
    }

    /// The target groups and rules that are named: what is not asked in every look.
    pub(super) fn arns(&self) -> BTreeSet<String> {
        let arn = |hint: &Hint| match hint {
            Hint::TargetGroup(arn) => Some(arn.to_string()),
            Hint::Rule(arn) => Some(arn.to_string()),
            Hint::Service { .. } | Hint::LoadBalancer(_) | Hint::Listener(_) | Hint::SecurityGroup(_) => None,
        };
        self.hints.iter().filter_map(arn).collect()
    }

    /// One line for a pass that events asked for, or that takes them in.
    pub(super) fn log(&self) {
        if let Some(first) = self.hints.first() {
            let (messages, names) = (self.receipts.len(), self.hints.len());
            tracing::info!(messages, names, first = first.to_string(), "events mention objects that may have changed");
        }
    }

    /// The pass ended well. Returns when the messages that it settles were sent.
    pub(super) fn settle(self, receiver: &EventReceiver) -> Vec<Timestamp> {
        receiver.settle(self.receipts);
        self.sent
    }

    /// The pass failed: the next one gets the same hints.
    pub(super) fn keep(&mut self, other: Self) {
        self.hints.extend(other.hints);
        self.receipts.extend(other.receipts);
        self.sent.extend(other.sent);
    }
}
