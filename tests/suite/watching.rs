//! A reader that looks again and again: what it asks anew, what it keeps, and what it forgets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};

use portolan::aws::{Clients, Reader, in_process};
use portolan::manifest::{self, Source};
use portolan::model::{Desired, Kind, Query, Seen};
use portolan::pass::{self, Kept, Reading};
use portolan::sandbox::{Shared, world_file};
use serde_json::json;

use crate::week::fleet::{self, Size};

const SIZE: Size = Size { services: 6, more: true };

struct Bed {
    shared: Shared,
    clients: Clients,
    reader: Reader,
    kept: Kept,
    desired: Desired,
}

impl Bed {
    fn new() -> Self {
        let world = world_file::load("world.yaml", &fleet::world(SIZE)).unwrap_or_else(|error| panic!("{error}"));
        let shared = Shared::still(world);
        let answering = shared.clone();
        let clients = Clients::new(&in_process::config("eu-west-1", move |request| answering.answer(request))).unwrap();
        let source = Source { name: "fleet.yaml".to_owned(), text: fleet::manifest(SIZE), files: Default::default() };
        let desired = manifest::load(&[source]).unwrap_or_else(|problems| panic!("{problems:?}"));
        Self { shared, reader: Reader::new(&clients), kept: Kept::empty(), clients, desired }
    }

    /// A look, and the calls of each kind that it took.
    async fn watch(&mut self, renew: &BTreeSet<Query>) -> (Reading, BTreeMap<String, u64>) {
        let before = self.clients.calls().snapshot();
        let watched = pass::read_again(&self.desired, &self.reader, &mut self.kept, renew.clone()).await;
        (watched, since(&before, &self.clients.calls().snapshot()))
    }

    async fn watch_quietly(&mut self) -> (Reading, BTreeMap<String, u64>) {
        self.watch(&BTreeSet::new()).await
    }

    fn group(&self, name: &str) -> String {
        let input = json!({"Names": [name]});
        let found = self.shared.world().call("elasticloadbalancing:DescribeTargetGroups", &input).unwrap();
        found["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap().to_owned()
    }
}

fn since(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let new = after.iter().map(|(call, count)| (call.clone(), count - before.get(call).copied().unwrap_or(0)));
    new.filter(|(_, count)| *count > 0).collect()
}

const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
const SLOW: [&str; 4] = [
    HEALTH,
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeAccountLimits",
];

#[tokio::test(start_paused = true)]
async fn the_second_look_asks_the_structure_alone_and_shows_the_same() {
    let mut bed = Bed::new();
    let whole = portolan::pass::observe(&bed.desired, &bed.reader).await;
    let (first, calls) = bed.watch_quietly().await;
    assert_eq!(first.observed, whole);
    assert_eq!(SLOW.map(|call| calls[call]), [10, 1, 10, 1], "ten target groups, and with their rules twenty tags");
    assert_eq!(first.ages.len(), 10 + 20 + 10 + 1);
    let (second, calls) = bed.watch_quietly().await;
    assert_eq!(second.observed, whole);
    assert!(SLOW.iter().all(|call| !calls.contains_key(*call)), "{calls:?}");
    let balancing: u64 = calls.iter().filter(|(call, _)| call.starts_with("elastic")).map(|(_, count)| count).sum();
    assert_eq!(second.balancing_calls, balancing);
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_renewed_is_asked_and_nothing_else() {
    let mut bed = Bed::new();
    let (_, _) = bed.watch_quietly().await;
    let arn = bed.group("svc-3");
    let stray = json!({"TargetGroupArn": arn, "Targets": [{"Id": "10.0.4.200", "Port": 8080}]});
    bed.shared.world().call("elasticloadbalancing:RegisterTargets", &stray).unwrap();
    let (mut late, _) = bed.watch_quietly().await;
    let targets = |watched: &Reading| watched.observed.targets[&arn.as_str().into()].clone().present().unwrap().len();
    assert_eq!(targets(&late), 2, "it is not this one's turn");
    let question = BTreeSet::from([Query::Health(arn.as_str().into())]);
    let before = bed.clients.calls().snapshot();
    pass::renew(&bed.desired, &bed.reader, &mut bed.kept, &mut late, &question).await;
    let calls = since(&before, &bed.clients.calls().snapshot());
    assert_eq!(targets(&late), 3);
    assert_eq!(calls[HEALTH], 1);
    assert!(calls.contains_key("ec2:DescribeNetworkInterfaces"), "and what the stray may be: {calls:?}");
    assert_eq!(late.observed.address_owners.values().collect::<Vec<_>>(), [&Seen::Absent]);
    let (again, calls) = bed.watch(&question).await;
    assert_eq!((targets(&again), calls[HEALTH]), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_asked_again_and_what_is_gone_is_forgotten() {
    let mut bed = Bed::new();
    bed.shared.world().settings.denied.insert(HEALTH.to_owned());
    let (blind, _) = bed.watch_quietly().await;
    assert!(blind.observed.targets.values().all(|seen| seen.gap().is_some()));
    assert!(blind.ages.keys().all(|question| question.kind() != Kind::Health));
    bed.shared.world().settings.denied.clear();
    let (seeing, calls) = bed.watch_quietly().await;
    assert_eq!(calls[HEALTH], 10);
    assert!(seeing.observed.targets.values().all(|seen| seen.gap().is_none()));
    // A failure of what was known once is a gap, too, and not yesterday's answer.
    bed.shared.world().settings.denied.insert(HEALTH.to_owned());
    let arn = bed.group("svc-1");
    let (half, _) = bed.watch(&BTreeSet::from([Query::Health(arn.as_str().into())])).await;
    assert!(half.observed.targets[&arn.as_str().into()].gap().is_some());
    assert!(!half.observed.gaps.is_empty());
    assert_eq!(half.ages.keys().filter(|question| question.kind() == Kind::Health).count(), 9);
}
