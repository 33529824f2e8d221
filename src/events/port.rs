//! The port to a queue of events, at the level of messages: what a message says is for [`super::read`] to find out.

use std::future::Future;

use jiff::Timestamp;

use crate::apply::AwsError;

/// What takes a message off its queue. Good for one delivery of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub String);

/// A message as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it says.
    pub body: String,
    /// What takes it off the queue.
    pub receipt: Receipt,
    /// When it was sent to the queue, by the queue's clock.
    pub sent: Option<Timestamp>,
}

/// A queue. What is received and not forgotten comes again after a while.
pub trait EventQueue {
    /// Waits for messages, for a while: none is an answer, too. A message that arrives in an answer which nobody
    /// takes (the future was dropped) comes again only after that while.
    fn receive(&self) -> impl Future<Output = Result<Vec<Message>, AwsError>>;

    /// Takes messages off the queue, and returns how many of them stay on it, to come again.
    fn forget(&self, receipts: &[Receipt]) -> impl Future<Output = usize>;
}
