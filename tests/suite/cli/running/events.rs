//! Events all the way: EventBridge and SQS of moto with the rules of `docs/deploy/events`, and the service as a process.

use std::io::Write;
use std::process::{Command, Stdio};

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::Service;
use crate::events::samples;
use crate::moto::seed::{Fleet, sound_fleet};
use crate::moto::{Moto, config_at, environment};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/cli/running/event_bridge.py");
const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/events/events.yaml");

/// Runs the script, with something on its standard input, and answers what it prints.
fn event_bridge(moto: &Moto, words: &[&str], input: &str) -> String {
    let mut command = Command::new(environment().join("bin").join("python"));
    command.arg(SCRIPT).arg(moto.endpoint()).args(words).env("PYTHONDONTWRITEBYTECODE", "1");
    for name in ["AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python starts");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A sample, made to be about things that stand.
fn about(sample: &str, names: &[(&str, &str)]) -> Value {
    let (_, text) = samples().iter().find(|(name, _)| name == sample).expect("the sample");
    let text = names.iter().fold(text.clone(), |text, (old, new)| text.replace(old, new));
    serde_json::from_str(&text).expect("JSON")
}

/// Messages that are on the queue, seen or not.
async fn left(sqs: &aws_sdk_sqs::Client, queue: &str) -> Vec<String> {
    let names =
        [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible];
    let asked = sqs.get_queue_attributes().queue_url(queue).set_attribute_names(Some(names.to_vec()));
    let attributes = asked.send().await.expect("attributes").attributes.expect("attributes");
    names.iter().map(|name| attributes[name].clone()).collect()
}

/// Reads the log until so many messages were taken off the queue.
fn wait_until_forgotten(service: &mut Service, mut messages: usize) {
    while messages > 0 {
        let line = service.wait_for("deleted messages from the events queue");
        let number = line.split("\"messages\":").nth(1).and_then(|rest| rest.split([',', '}']).next());
        messages -= number.and_then(|number| number.parse::<usize>().ok()).expect("a number");
    }
}

async fn count_of(fleet: &Fleet, service: &str) -> i32 {
    let asked = fleet.sdk().0.describe_services().cluster("prod").services(service);
    asked.send().await.expect("an answer").services()[0].desired_count()
}

#[tokio::test]
async fn events_of_aws_have_drift_repaired_at_once_and_end_taken_off_their_queue() {
    let moto = Moto::start();
    let fleet = sound_fleet(&moto, &["checkout", "catalog"]).await;
    let queue = event_bridge(&moto, &["make", TEMPLATE], "");
    let options = ["--events-queue", &queue, "--log-format", "json", "-vv"];
    let mut service = Service::on(moto.endpoint(), &fleet.manifest(), &options);
    assert!(service.wait_for("\"message\":\"pass finished\"").contains("\"in-sync\""));

    let [checkout, catalog] = fleet.services.as_slice() else { panic!("two services") };
    fleet.change_rule_path(checkout, "/elsewhere/*").await;
    fleet.set_count(catalog, 0).await;
    let sample_rule = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/public/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee";
    let through = Value::from(vec![
        about("call-update-service", &[]),
        about("call-modify-rule", &[(sample_rule, &checkout.rule)]),
        // The rules do not let it through.
        about("of-another-kind", &[]),
    ]);
    event_bridge(&moto, &["send"], &through.to_string());
    service.wait_for("\"message\":\"sending\"");
    assert!(service.wait_for("\"message\":\"pass finished\"").contains("\"applied\""));
    assert_eq!(count_of(&fleet, "catalog").await, 1);
    wait_until_forgotten(&mut service, 2);

    // Everything that a queue may hold, twice and in no order; nothing differs any more.
    let sqs = aws_sdk_sqs::Client::new(&config_at(moto.endpoint()));
    let junk = [String::new(), "hello".to_owned(), "{".repeat(1000)];
    let bodies: Vec<&String> = samples().iter().map(|(_, body)| body).chain(&junk[1..]).collect();
    for body in bodies.iter().chain(bodies.iter().rev()) {
        sqs.send_message().queue_url(&queue).message_body(body.as_str()).send().await.expect("it is sent");
    }
    wait_until_forgotten(&mut service, 2 * bodies.len());
    assert_eq!(left(&sqs, &queue).await, ["0", "0"]);
    let metrics = service.metrics();
    for expected in [
        "portolan_events_total{outcome=\"junk\"} 6",
        "portolan_events_total{outcome=\"early\"} 2",
        "portolan_events_total{outcome=\"elsewhere\"} 4",
        "portolan_event_latency_seconds_count",
        "portolan_api_calls_total{operation=\"sqs:ReceiveMessage\"}",
        "portolan_steps_total{action=\"ModifyRule\",result=\"done\"} 1",
    ] {
        assert!(metrics.contains(expected), "{expected} is missing:\n{metrics}");
    }
    service.signal("-TERM");
    let (said, code) = service.end();
    assert_eq!(code, Some(143), "{said}");
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_said_and_the_service_goes_on() {
    let moto = Moto::start();
    let fleet = sound_fleet(&moto, &["checkout"]).await;
    let queue = format!("{}/123456789012/nowhere", moto.endpoint());
    let mut service = Service::on(moto.endpoint(), &fleet.manifest(), &["--events-queue", &queue]);
    let said = service.wait_for("the events queue is not responding");
    assert!(said.contains("sqs:ReceiveMessage") && said.contains("NonExistentQueue"), "{said}");
    service.signal("-HUP");
    service.wait_for("pass finished");
    service.signal("-TERM");
    assert_eq!(service.end().1, Some(143));
}

#[test]
fn a_queue_that_cannot_be_one_is_a_usage_error() {
    for url in ["events", "https://sqs.eu-west-1.amazonaws.com/events", "arn:aws:sqs:eu-west-1:123456789012:events"] {
        let said = super::run(&["run", "-f", "fleet.yaml", "--events-queue", url]);
        said.ends(2);
        assert!(said.stderr.contains("the URL of an SQS queue such as https://"), "{}", said.stderr);
    }
}
