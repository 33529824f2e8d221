//! The queue to which AWS tells of calls, as EventBridge has them from CloudTrail.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use portolan::apply::AwsError;
use portolan::events::{EventQueue, Message, Receipt};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

/// Longest wait for messages.
const LONG_POLL: Duration = Duration::from_secs(20);

/// A queue in memory.
#[derive(Debug, Default)]
pub struct Post {
    messages: RefCell<VecDeque<Message>>,
    sent: Cell<usize>,
    arrival: Notify,
}

impl Post {
    /// Tells of a call that somebody made.
    pub fn tell(&self, call: &str, input: &Value) {
        let number = self.sent.replace(self.sent.get() + 1);
        let receipt = Receipt(number.to_string());
        self.messages.borrow_mut().push_back(Message { body: event(call, input).to_string(), receipt, sent: None });
        self.arrival.notify_one();
    }
}

impl EventQueue for Post {
    async fn receive(&self) -> Result<Vec<Message>, AwsError> {
        if self.messages.borrow().is_empty() {
            let _ = tokio::time::timeout(LONG_POLL, self.arrival.notified()).await;
        }
        let mut messages = self.messages.borrow_mut();
        let batch = messages.len().min(10);
        Ok(messages.drain(..batch).collect())
    }

    async fn forget(&self, _receipts: &[Receipt]) -> usize {
        0
    }
}

/// CloudTrail has a call's members in its own words, the first letter in lower case.
fn event(call: &str, input: &Value) -> Value {
    let (source, name) = call.split_once(':').unwrap_or(("", call));
    let lower = |name: &String| {
        let mut letters = name.chars();
        letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect::<String>()
    };
    let members = input.as_object().into_iter().flatten();
    let input: Map<String, Value> = members.map(|(name, value)| (lower(name), value.clone())).collect();
    json!({
        "version": "0",
        "id": "5a1c0e16-9d0b-4f7e-8a31-c2b4d6e8f016",
        "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{source}"),
        "account": "123456789012",
        "region": "eu-west-1",
        "resources": [],
        "detail": {
            "eventSource": format!("{source}.amazonaws.com"),
            "eventName": name,
            "awsRegion": "eu-west-1",
            "requestParameters": input,
            "readOnly": false,
        }
    })
}
