//! The queue of AWS's events: Amazon SQS, received by long polling, forgotten in batches.

use std::time::Duration;

use aws_config::Region;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryPartition;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use jiff::Timestamp;

use crate::apply::AwsError;
use crate::events::{EventQueue, Message, Receipt};

use super::{Clients, READ_ATTEMPTS, behavior, error, timeouts};

/// How long SQS holds a question that it has no answer to: the longest that it takes.
const WAIT: Duration = Duration::from_secs(20);
/// One attempt lasts as long as SQS waits, and then as long as any other call.
const ATTEMPT: Duration = Duration::from_secs(25);
const OPERATION: Duration = Duration::from_secs(60);
/// How long a message that was received stays unseen: it may wait for the end of one pass and then for that of its own,
/// each at most [`crate::controller::PASS_DEADLINE`], and what was cut short is to come again before it is forgotten.
const UNSEEN: Duration = Duration::from_secs(900);
/// Most messages of one call, for receiving and for deleting.
const BATCH: usize = 10;

const RECEIVE: &str = "sqs:ReceiveMessage";
/// IAM's name for deleting batches, too.
const DELETE: &str = "sqs:DeleteMessage";

/// A queue of events.
#[derive(Debug)]
pub struct EventsQueue {
    client: Client,
    url: String,
}

impl EventsQueue {
    /// The queue with this URL, in the region that the URL names, or else in that of the clients. Sends nothing yet.
    pub fn new(clients: &Clients, url: &str) -> Self {
        let patient = timeouts().to_builder().read_timeout(ATTEMPT).operation_attempt_timeout(ATTEMPT);
        let region = region_of(url).unwrap_or(clients.region());
        let config = aws_sdk_sqs::config::Builder::from(&clients.config)
            .behavior_version(behavior())
            .region(Region::new(region.to_owned()))
            .timeout_config(patient.operation_timeout(OPERATION).build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .retry_config(RetryConfig::standard().with_max_attempts(READ_ATTEMPTS))
            .retry_partition(RetryPartition::custom("portolan-events").build())
            .interceptor(clients.calls.clone())
            .build();
        Self { client: Client::from_conf(config), url: url.to_owned() }
    }

    /// Deletes at most [`BATCH`] messages, and returns how many of them stay.
    async fn forget_batch(&self, receipts: &[Receipt]) -> Result<usize, AwsError> {
        let entry = |(number, receipt): (usize, &Receipt)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            // Fails only for what is missing, and nothing is.
            entry.receipt_handle(&receipt.0).build().ok()
        };
        let entries = receipts.iter().enumerate().filter_map(entry).collect();
        let request = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = error::answer(DELETE, request.send()).await?;
        for failed in answer.failed() {
            tracing::warn!(call = DELETE, code = failed.code(), "could not delete a message from the queue");
        }
        Ok(answer.failed().len())
    }
}

impl EventQueue for EventsQueue {
    async fn receive(&self) -> Result<Vec<Message>, AwsError> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(whole(BATCH as u64))
            .wait_time_seconds(whole(WAIT.as_secs()))
            .visibility_timeout(whole(UNSEEN.as_secs()))
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let answer = error::answer(RECEIVE, request.send()).await?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(message_from_sdk).collect())
    }

    async fn forget(&self, receipts: &[Receipt]) -> usize {
        let mut left = 0;
        for batch in receipts.chunks(BATCH) {
            left += self.forget_batch(batch).await.unwrap_or_else(|error| {
                tracing::warn!(call = error.call, code = error.code, error = error.message, "delete failed");
                batch.len()
            });
        }
        left
    }
}

fn whole(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A message without a receipt could never be deleted; SQS sends none.
fn message_from_sdk(message: aws_sdk_sqs::types::Message) -> Option<Message> {
    let sent = message.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
    let sent = sent.and_then(|text| Timestamp::from_millisecond(text.parse().ok()?).ok());
    Some(Message { body: message.body.unwrap_or_default(), receipt: Receipt(message.receipt_handle?), sent })
}

/// The region that a queue's URL names: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`, or an end point of a VPC,
/// `https://NAME.sqs.REGION.vpce.amazonaws.com/…`.
fn region_of(url: &str) -> Option<&str> {
    let host = url.split_once("://")?.1.split(['/', ':']).next()?;
    let mut labels = host.split('.');
    labels.by_ref().find(|label| matches!(*label, "sqs" | "sqs-fips"))?;
    // `us-east-1`, `us-gov-west-1`
    labels.next().filter(|label| label.contains('-') && label.ends_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::region_of;

    #[test]
    fn a_queue_is_in_the_region_that_its_url_names() {
        for (url, region) in [
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/portolan-events", Some("eu-west-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/events", Some("cn-north-1")),
            ("https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/events", Some("us-gov-west-1")),
            ("https://vpce-1a2b-3c4d.sqs.us-east-1.vpce.amazonaws.com/123456789012/events", Some("us-east-1")),
            ("http://sqs.eu-central-1.localhost.localstack.cloud:4566/000000000000/events", Some("eu-central-1")),
            ("http://127.0.0.1:5000/123456789012/events", None),
            ("https://queue.amazonaws.com/123456789012/events", None),
            ("events", None),
        ] {
            assert_eq!(region_of(url), region, "{url}");
        }
    }
}
