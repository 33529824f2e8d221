//! What the service tells of itself: metrics and the status document, while it runs on the sandbox.

use std::cell::RefCell;
use std::collections::BTreeMap;

use portolan::apply::Read;
use portolan::aws::{Clients, Reader, Writer};
use portolan::controller::tiers::SHARE;
use portolan::controller::{Controller, Event, PASS_DEADLINE, Settings, reachability};
use portolan::http::{Counts, Endpoint};
use portolan::sandbox::world_file;
use serde_json::{Value, json};

use super::{Bed, Failing, INTERVAL, MANIFEST, WORLD, desired, seconds, sound};

fn endpoint(bed: &Bed, clients: &Clients) -> Endpoint {
    let (calls, shared) = (clients.calls().clone(), bed.shared.clone());
    let counts = move || Counts { sent: calls.snapshot(), refused: calls.refused(), fill: calls.fill() };
    Endpoint::new(counts, move || shared.world().now())
}

/// Runs a service with a path tracer, and reports to the endpoint.
async fn run<E: Read>(
    bed: &Bed,
    reader: &impl Read,
    eyes: &E,
    clients: &Clients,
    endpoint: &Endpoint,
    story: impl Future,
) {
    let settings = Settings { interval: INTERVAL, deadline: PASS_DEADLINE, share: SHARE, seed: 1 };
    let (writer, now) = (Writer::new(clients), || bed.shared.world().now());
    let controller = Controller::new(reader, Some(&writer), &bed.manifest, now, settings, desired());
    let (path_tracer, network_reader) = reachability::path_tracer(eyes);
    let mut controller = controller.with_path_tracer(path_tracer);
    let mut hear = |event: Event<'_>| {
        endpoint.tell(event);
        bed.hear(event);
    };
    let telling = async {
        story.await;
        bed.stop.cancel();
    };
    let working = async {
        tokio::select! {
            never = Box::pin(network_reader.run()) => match never {},
            () = Box::pin(controller.run(&bed.reload, &bed.stop, &mut hear)) => {}
        }
    };
    tokio::join!(working, Box::pin(telling));
}

fn status(endpoint: &Endpoint) -> Value {
    endpoint.board().document()
}

fn of(status: &Value, object: &str) -> Value {
    let objects = status["objects"].as_array().unwrap();
    objects
        .iter()
        .find(|entry| entry["object"] == object)
        .unwrap_or_else(|| panic!("no {object} in {status:#}"))
        .clone()
}

/// The condition of an object: status, reason, since when.
fn condition(status: &Value, object: &str, kind: &str) -> (String, String, String) {
    let object = of(status, object);
    let all = object["conditions"].as_array().unwrap();
    let found =
        all.iter().find(|condition| condition["type"] == kind).unwrap_or_else(|| panic!("no {kind}: {object:#}"));
    let text = |name: &str| found[name].as_str().unwrap().to_owned();
    (text("status"), text("reason"), text("since"))
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_is_said_with_its_hop_and_what_is_mended_since_when() {
    let bed = Bed::new(world_file::load("world.yaml", WORLD).unwrap());
    let clients = bed.clients();
    let (reader, endpoint) = (Reader::new(&clients), endpoint(&bed, &clients));
    let story = async {
        seconds(5).await;
        let first = status(&endpoint);
        let (answer, reason, since) = condition(&first, "Service/checkout", "Reachable");
        assert_eq!((answer.as_str(), of(&first, "Service/checkout")["reachable"].as_str()), ("False", Some("no")));
        // The network around this path was read to check the step that repairs it.
        let expected = "listener 80 → checkout at target-security-group: target-security-group-blocks-load-balancer: ";
        assert!(reason.starts_with(expected), "{reason}");
        // Around the others it has not been read yet.
        let (answer, reason, _) = condition(&first, "Service/cart", "Reachable");
        assert_eq!(answer, "Unknown");
        assert!(reason.contains("not asked"), "{reason}");

        seconds(700).await;
        let later = status(&endpoint);
        for service in ["cart", "catalog", "checkout", "ledger", "orders", "payments", "reports", "search"] {
            let object = format!("TargetGroup/{service}");
            assert_eq!(condition(&later, &object, "Reachable").0, "True", "{later:#}");
            assert_eq!(of(&later, &object)["reachable"], "yes");
        }
        let mended = condition(&later, "Service/checkout", "Reachable");
        assert!(mended.2 > since && mended.1 == "every hop works", "{mended:?}");

        // It goes on being so since then, and a look shows what breaks at once.
        let arn = bed.target_group("checkout")["TargetGroupArn"].clone();
        seconds(300).await;
        assert_eq!(condition(&status(&endpoint), "Service/checkout", "Reachable"), mended);
        bed.call("elasticloadbalancing:ModifyTargetGroup", &json!({"TargetGroupArn": arn, "HealthCheckPath": "/no"}));
        seconds(30).await;
        let metrics = endpoint.metrics();
        assert!(metrics.contains("portolan_reachable{object=\"Service/cart\"} 1"), "{metrics}");
    };
    Box::pin(run(&bed, &reader, &reader, &clients, &endpoint, story)).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_new_manifest_no_longer_has_is_said_by_name_until_the_next_change() {
    let bed = Bed::new(sound());
    let clients = bed.clients();
    let (reader, endpoint) = (Reader::new(&clients), endpoint(&bed, &clients));
    let declare = |text: &str| {
        bed.manifest.0.lock().unwrap().clone_from(&text.to_owned());
        bed.reload.notify_one();
    };
    let story = async {
        seconds(40).await;
        assert_eq!(status(&endpoint)["manifestVanished"], json!(null));
        let metrics = endpoint.metrics();
        assert!(metrics.contains("portolan_manifest_vanished_total{kind=\"document\"} 0"), "{metrics}");

        // Everything behind the first service and its target group is cut off.
        let parts: Vec<&str> = MANIFEST.split("---\n").collect();
        declare(&parts[..3].join("---\n"));
        seconds(5).await;
        let vanished = status(&endpoint)["manifestVanished"].clone();
        let (before, left) =
            (vanished["documentsBefore"].as_u64().unwrap(), vanished["documentsLeft"].as_u64().unwrap());
        assert_eq!(left, 2, "{vanished:#}");
        let documents = vanished["documents"].as_array().unwrap();
        assert_eq!(documents.len() as u64, before - left);
        assert!(documents.contains(&json!("Service/checkout")) && documents.contains(&json!("TargetGroup/ledger")));
        assert!(vanished["at"].is_string() && vanished["files"] == json!([]), "{vanished:#}");
        let expected = format!("portolan_manifest_vanished_total{{kind=\"document\"}} {}", documents.len());
        assert!(endpoint.metrics().contains(&expected), "{}", endpoint.metrics());

        declare(MANIFEST);
        seconds(5).await;
        assert_eq!(status(&endpoint)["manifestVanished"], json!(null), "it is back");
        assert!(endpoint.metrics().contains(&expected), "what has been counted stays counted");
    };
    Box::pin(run(&bed, &reader, &reader, &clients, &endpoint, story)).await;
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_cannot_be_used_makes_the_service_say_so_until_it_can() {
    let bed = Bed::new(sound());
    let clients = bed.clients();
    let (reader, endpoint) = (Reader::new(&clients), endpoint(&bed, &clients));
    let story = async {
        seconds(40).await;
        *bed.manifest.0.lock().unwrap() = MANIFEST.replacen("desiredCount", "desiredCuont", 1);
        bed.reload.notify_one();
        seconds(5).await;
        assert!(status(&endpoint)["manifestRefused"].as_str().is_some_and(|why| why.contains("desiredCuont")));
        *bed.manifest.0.lock().unwrap() = MANIFEST.to_owned();
        bed.reload.notify_one();
        seconds(5).await;
        assert_eq!(status(&endpoint)["manifestRefused"], json!(null));
    };
    Box::pin(run(&bed, &reader, &reader, &clients, &endpoint, story)).await;
}

#[tokio::test(start_paused = true)]
async fn the_network_around_is_read_hourly_and_not_with_every_pass() {
    let bed = Bed::new(sound());
    let clients = bed.clients();
    let (reader, endpoint) = (Reader::new(&clients), endpoint(&bed, &clients));
    let sent = RefCell::new(Vec::new());
    let story = async {
        for _ in 0..3 {
            seconds(3500).await;
            sent.borrow_mut().push(clients.calls().snapshot());
        }
    };
    Box::pin(run(&bed, &reader, &reader, &clients, &endpoint, story)).await;
    let count = |hour: usize, call: &str| sent.borrow()[hour].get(call).copied().unwrap_or_default();
    for call in
        ["ec2:DescribeNetworkAcls", "ec2:DescribeRouteTables", "elasticloadbalancing:DescribeLoadBalancerAttributes"]
    {
        assert_eq!([0, 1, 2].map(|hour| count(hour, call)), [1, 2, 3], "{call}");
    }
    let all_reachable =
        status(&endpoint)["objects"].as_array().unwrap().iter().all(|object| object["reachable"] == "yes");
    assert!(all_reachable, "{:#}", status(&endpoint));
}

#[tokio::test(start_paused = true)]
async fn new_tasks_are_looked_around_for_and_not_more_often_than_every_five_minutes() {
    let bed = Bed::new(sound());
    let clients = bed.clients();
    let (reader, endpoint) = (Reader::new(&clients), endpoint(&bed, &clients));
    let story = async {
        seconds(600).await;
        for _ in 0..20 {
            // Every other minute a task is replaced.
            let tasks = bed.call("ecs:ListTasks", &json!({"cluster": "prod", "serviceName": "cart"}));
            let task = tasks["taskArns"][0].clone();
            bed.call("ecs:StopTask", &json!({"cluster": "prod", "task": task}));
            seconds(120).await;
        }
        seconds(700).await;
        assert_eq!(of(&status(&endpoint), "Service/cart")["reachable"], "yes");
    };
    Box::pin(run(&bed, &reader, &reader, &clients, &endpoint, story)).await;
    let sent = clients.calls().snapshot();
    let readings = sent["ec2:DescribeNetworkAcls"];
    assert!((4..=12).contains(&readings), "{readings}");
    // At the start and after an hour: new tasks do not change it.
    assert_eq!(sent["elasticloadbalancing:DescribeLoadBalancerAttributes"], 2);
}

#[tokio::test(start_paused = true)]
async fn passes_that_end_badly_are_counted() {
    let bed = Bed::new(sound());
    let clients = bed.clients();
    let (reader, endpoint) = (Reader::new(&clients), endpoint(&bed, &clients));
    let verdicts = || {
        let metrics = endpoint.metrics();
        let lines = metrics.lines().filter_map(|line| line.strip_prefix("portolan_passes_total{verdict=\""));
        let counts = lines.filter_map(|line| line.split_once("\"} "));
        counts.map(|(word, count)| (word.to_owned(), count.parse().unwrap())).collect::<BTreeMap<String, u64>>()
    };
    assert_eq!((verdicts().len(), verdicts().values().sum::<u64>()), (9, 0), "each is there before it happens");
    let story = async {
        seconds(1).await;
        assert_eq!((verdicts()["panicked"], status(&endpoint)["lastPass"]["verdict"].as_str()), (1, Some("panicked")));
        assert_eq!(status(&endpoint)["ready"], false);
        seconds(319).await;
        assert_eq!((verdicts()["panicked"], verdicts()["overran"], verdicts()["in-sync"]), (1, 1, 1));
        assert_eq!((status(&endpoint)["ready"].clone(), status(&endpoint)["gaps"].clone()), (json!(true), json!([])));
    };
    Box::pin(run(&bed, &Failing::new(&reader), &reader, &clients, &endpoint, story)).await;
}
