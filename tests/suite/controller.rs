//! The service on the sandbox in this process, under virtual time: the real reader, writer and SDK, and no sleeping.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod brake;
mod event_queue;
mod reading;
mod refusing;
mod telling;
mod turns;
mod two_writers;
mod vanishing;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use portolan::apply::{Answers, AwsError, Outputs, Perform, Performed, Read};
use portolan::aws::{Clients, Reader, Writer, in_process};
use portolan::controller::tiers::SHARE;
use portolan::controller::{Controller, Declare, Ended, Event, PASS_DEADLINE, Pass, Settings};
use portolan::manifest::{self, Problem, Source};
use portolan::model::{Desired, Observed, Queries, TargetGroupArn};
use portolan::plan::{Action, Receivers};
use portolan::sandbox::{Sent, Shared, World, world_file};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const MANIFEST: &str = include_str!("../../manifests/harbour/fleet.yaml");
const WORLD: &str = include_str!("../../src/cli/demo/world.yaml");
const INTERVAL: Duration = Duration::from_secs(30);

/// The harbour before anybody touched it.
fn sound() -> World {
    let (text, _) = WORLD.split_once("\nthen:").unwrap();
    let text = format!(
        "{text}\nthen:\n  - call: elasticloadbalancing:RegisterTargets\n    with: {{TargetGroupArn: $targetGroup/ledger, Targets: [{{Id: 10.0.10.5, Port: 8080}}]}}\n  - advance: 600\n"
    );
    world_file::load("world.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// A manifest that tests write.
struct Text(Mutex<String>);

impl Declare for Text {
    async fn read(&self) -> Result<Vec<Source>, Vec<Problem>> {
        Ok(vec![Source {
            name: "fleet.yaml".to_owned(),
            text: self.0.lock().unwrap().clone(),
            files: Default::default(),
        }])
    }
}

/// A service beside the world that it looks after.
struct Bed {
    shared: Shared,
    manifest: Text,
    reload: Notify,
    stop: CancellationToken,
    passes: RefCell<Vec<Pass>>,
    told: RefCell<Vec<String>>,
    /// What somebody else changed.
    foreign: RefCell<Vec<String>>,
}

impl Bed {
    fn new(world: World) -> Self {
        let shared = Shared::following(world, 1.0);
        let (manifest, stop) = (Text(Mutex::new(MANIFEST.to_owned())), CancellationToken::new());
        let (passes, told, foreign) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { shared, manifest, reload: Notify::new(), stop, passes, told, foreign }
    }

    fn clients(&self) -> Clients {
        let shared = self.shared.clone();
        Clients::new(&in_process::config("eu-west-1", move |request| shared.answer(request))).unwrap()
    }

    fn hear(&self, event: Event<'_>) {
        match event {
            Event::Passed(_, pass) => self.passes.borrow_mut().push(pass.clone()),
            Event::Reloaded(..) => self.told.borrow_mut().push("reloaded".to_owned()),
            Event::Refused(problems) => self.told.borrow_mut().push(format!("refused: {}", problems[0].message)),
            Event::ChangedByOthers(changes) => {
                self.foreign.borrow_mut().extend(changes.iter().map(|change| change.what.clone()));
            }
            Event::Received(_) => {}
        }
    }

    /// Runs a service on these ports until `story` ends.
    async fn run<R: Read, W: Perform>(&self, reader: &R, writer: Option<&W>, seed: u64, story: impl Future) {
        let settings = Settings { interval: INTERVAL, deadline: PASS_DEADLINE, share: SHARE, seed };
        let now = || self.shared.world().now();
        let mut controller = Controller::new(reader, writer, &self.manifest, now, settings, desired());
        let mut hear = |event: Event<'_>| self.hear(event);
        let telling = async {
            story.await;
            self.stop.cancel();
        };
        // Boxed, for what the SDK nests would be too deep for the compiler.
        tokio::join!(Box::pin(controller.run(&self.reload, &self.stop, &mut hear)), Box::pin(telling));
    }

    /// Runs the usual service until `story` ends.
    async fn tell(&self, story: impl Future) {
        let clients = self.clients();
        Box::pin(self.run(&Reader::new(&clients), Some(&Writer::new(&clients)), 1, story)).await;
    }

    fn call(&self, call: &str, input: &Value) -> Value {
        self.shared.world().call(call, input).unwrap_or_else(|refusal| panic!("{call}: {refusal}"))
    }

    /// What has changed the world so far, by hand or by a service.
    fn writes(&self) -> usize {
        let world = self.shared.world();
        let verbs = ["Create", "Modify", "Register", "Deregister", "Update", "Authorize", "Revoke", "Delete", "Set"];
        let is_write = |line: &&String| verbs.iter().any(|verb| line.contains(&format!(":{verb}")));
        world.trace().iter().filter(is_write).count()
    }

    fn words(&self) -> Vec<&'static str> {
        self.passes.borrow().iter().map(|pass| pass.ended.word()).collect()
    }

    fn target_group(&self, name: &str) -> Value {
        let found = self.call("elasticloadbalancing:DescribeTargetGroups", &json!({"Names": [name]}));
        found["TargetGroups"][0].clone()
    }

    fn addresses(&self, group: &str) -> Vec<String> {
        let arn = &self.target_group(group)["TargetGroupArn"];
        let health = self.call("elasticloadbalancing:DescribeTargetHealth", &json!({"TargetGroupArn": arn}));
        let live = health["TargetHealthDescriptions"].as_array().unwrap().iter();
        let live = live.filter(|target| target["TargetHealth"]["State"] != "draining");
        live.map(|target| target["Target"]["Id"].as_str().unwrap().to_owned()).collect()
    }

    /// As [`Self::addresses`], of a target group that may not exist.
    fn addresses_if_any(&self, group: &str) -> Vec<String> {
        let named = json!({"Names": [group]});
        let exists = self.shared.world().call("elasticloadbalancing:DescribeTargetGroups", &named).is_ok();
        if exists { self.addresses(group) } else { Vec::new() }
    }

    fn count(&self, service: &str) -> Value {
        let found = self.call("ecs:DescribeServices", &json!({"cluster": "prod", "services": [service]}));
        found["services"][0]["desiredCount"].clone()
    }
}

/// A further way in, of a machine: what it needs is made by the service, and tagged.
const FURTHER: &str = "
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {name: further}
spec:
  loadBalancer: public
  protocol: HTTP
  healthCheck: {path: /, interval: 30s}
  attributes: {deregistration_delay.timeout_seconds: \"0\"}
  targetType: ip
  targets:
    - {address: 10.0.10.5, port: 8080}
    - {address: 10.0.10.77, port: 8080}
  routes: [{listener: 80, priority: 85, paths: [\"/further/*\"]}]
";

fn desired() -> Desired {
    manifest::load(&[Source { name: "fleet.yaml".to_owned(), text: MANIFEST.to_owned(), files: Default::default() }])
        .unwrap()
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

const STRAY: &str = "10.0.10.200";

fn add_stray(bed: &Bed) {
    let arn = bed.target_group("payments")["TargetGroupArn"].clone();
    let targets = json!({"TargetGroupArn": arn, "Targets": [{"Id": STRAY, "Port": 8080}]});
    bed.call("elasticloadbalancing:RegisterTargets", &targets);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_nothing_drifts() {
    let bed = Bed::new(sound());
    let before = bed.writes();
    bed.tell(seconds(3590)).await;
    assert_eq!(bed.writes(), before);
    let words = bed.words();
    assert!((119..=121).contains(&words.len()), "{}", words.len());
    assert!(words.iter().all(|word| *word == "in-sync"), "{words:?}");
}

#[tokio::test(start_paused = true)]
async fn drifts_are_repaired_within_an_interval_and_a_pass() {
    let bed = Bed::new(sound());
    bed.tell(async {
        seconds(95).await;
        bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 0}));
        let arn = bed.target_group("search")["TargetGroupArn"].clone();
        bed.call("elasticloadbalancing:ModifyTargetGroup", &json!({"TargetGroupArn": arn, "HealthCheckPath": "/no"}));
        seconds(32).await;
        assert_eq!(bed.count("catalog"), 2);
        assert_eq!(bed.target_group("search")["HealthCheckPath"], "/healthz");
        seconds(120).await;
    })
    .await;
    assert_eq!(bed.words().iter().filter(|word| **word == "applied").count(), 1, "{:?}", bed.words());
}

#[tokio::test(start_paused = true)]
async fn a_broken_harbour_answers_again_and_removals_wait_for_their_second_sighting() {
    let bed = Bed::new(world_file::load("world.yaml", WORLD).unwrap());
    bed.tell(async {
        seconds(290).await;
        assert!(bed.addresses("payments").contains(&STRAY.to_owned()), "no removal before its time");
        assert_eq!(bed.words()[0], "blocked", "the first pass repairs the rest and leaves the removal");
        seconds(60).await;
        assert!(!bed.addresses("payments").contains(&STRAY.to_owned()));
        let answered = bed.shared.world().request(&Sent::get("shop.example.com", "/checkout/1"));
        assert_eq!(answered.code, Some(200));
    })
    .await;
    assert_eq!(bed.words().last(), Some(&"in-sync"));
}

#[tokio::test(start_paused = true)]
async fn the_first_pass_after_a_start_removes_nothing() {
    let bed = Bed::new(sound());
    add_stray(&bed);
    bed.tell(seconds(20)).await;
    let passes = bed.passes.borrow();
    let report = passes[0].ended.report().unwrap();
    assert!(report.plan.steps.is_empty() && report.plan.blocked.len() == 1, "{:?}", report.plan);
    assert!(bed.addresses("payments").contains(&STRAY.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_stray_that_goes_by_itself_and_comes_back_is_sighted_anew() {
    let bed = Bed::new(sound());
    add_stray(&bed);
    bed.tell(async {
        seconds(200).await;
        let arn = bed.target_group("payments")["TargetGroupArn"].clone();
        let targets = json!({"TargetGroupArn": arn, "Targets": [{"Id": STRAY, "Port": 8080}]});
        bed.call("elasticloadbalancing:DeregisterTargets", &targets);
        seconds(60).await;
        add_stray(&bed);
        seconds(280).await;
        assert!(bed.addresses("payments").contains(&STRAY.to_owned()), "only 280 seconds since it came back");
        seconds(400).await;
        assert!(!bed.addresses("payments").contains(&STRAY.to_owned()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_changed_back_again_and_again_is_left_alone() {
    let bed = Bed::new(sound());
    bed.tell(async {
        for _ in 0..8 {
            bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 1}));
            seconds(35).await;
        }
        assert_eq!(bed.count("catalog"), 1);
    })
    .await;
    let passes = bed.passes.borrow();
    let writes = passes.iter().filter(|pass| pass.ended.word() == "applied").count();
    assert_eq!(writes, 3);
    let blocked = &passes.last().unwrap().ended.report().unwrap().plan.blocked;
    assert!(blocked[0].waiting_on.to_string().starts_with("contended: "), "{blocked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_broken_manifest_keeps_the_last_good_one_and_is_told_once() {
    let bed = Bed::new(sound());
    bed.tell(async {
        seconds(40).await;
        *bed.manifest.0.lock().unwrap() = MANIFEST.replacen("desiredCount", "desiredCuont", 1);
        seconds(120).await;
        bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 0}));
        seconds(32).await;
        assert_eq!(bed.count("catalog"), 2, "the last good manifest is in force");
        *bed.manifest.0.lock().unwrap() = MANIFEST.replacen("desiredCount: 2", "desiredCount: 3", 1);
        bed.reload.notify_one();
        seconds(3).await;
        assert_eq!(bed.count("cart"), 3);
    })
    .await;
    let told = bed.told.borrow();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[1].starts_with("refused: ") && told[0] == "reloaded" && told[2] == "reloaded", "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_changed_manifest_counts_within_seconds_once_it_reads_the_same_twice() {
    let bed = Bed::new(sound());
    let declare = |count: u32| {
        let text = MANIFEST.replacen("desiredCount: 2", &format!("desiredCount: {count}"), 1);
        *bed.manifest.0.lock().unwrap() = text;
    };
    bed.tell(async {
        seconds(41).await;
        // Somebody writes for three looks: none of what they see counts.
        for count in [3, 4, 5] {
            declare(count);
            seconds(5).await;
        }
        assert_eq!((bed.count("cart"), bed.told.borrow().len()), (json!(2), 1));
        seconds(7).await;
        assert_eq!((bed.count("cart"), bed.told.borrow().len()), (json!(5), 2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_fleet_is_refused_while_it_runs() {
    let bed = Bed::new(sound());
    bed.tell(async {
        seconds(5).await;
        *bed.manifest.0.lock().unwrap() = MANIFEST.replacen("name: harbour", "name: other", 1);
        seconds(60).await;
    })
    .await;
    assert!(bed.told.borrow().iter().any(|told| told.contains("cannot change while the service runs")));
}

#[tokio::test(start_paused = true)]
async fn an_observer_changes_nothing() {
    let bed = Bed::new(world_file::load("world.yaml", WORLD).unwrap());
    let before = bed.writes();
    Box::pin(bed.run(&Reader::new(&bed.clients()), None::<&Writer>, 1, seconds(905))).await;
    assert_eq!(bed.writes(), before);
    assert_eq!(bed.words().last(), Some(&"pending"));
}

#[tokio::test(start_paused = true)]
async fn two_services_with_one_manifest_end_in_the_same_state_as_one() {
    let bed = Bed::new(world_file::load("world.yaml", WORLD).unwrap());
    let (one, other) = (bed.clients(), bed.clients());
    let (first, second) = (Writer::new(&one), Writer::new(&other));
    let (readers, story) = ((Reader::new(&one), Reader::new(&other)), seconds(900));
    tokio::join!(
        Box::pin(bed.run(&readers.0, Some(&first), 1, story)),
        Box::pin(bed.run(&readers.1, Some(&second), 2, bed.stop.cancelled())),
    );
    let mut words = bed.words();
    words.retain(|word| *word != "interrupted");
    assert_eq!(words[words.len() - 2..], ["in-sync", "in-sync"], "{words:?}");
    assert_eq!(bed.addresses("payments").len(), 2);
}

/// Eyes that fail twice in their own way and then see.
struct Failing<'a> {
    reader: &'a Reader,
    looks: Mutex<u32>,
}

impl<'a> Failing<'a> {
    fn new(reader: &'a Reader) -> Self {
        Self { reader, looks: Mutex::new(0) }
    }
}

impl Read for Failing<'_> {
    fn region(&self) -> &str {
        self.reader.region()
    }

    fn balancing_calls(&self) -> u64 {
        self.reader.balancing_calls()
    }

    fn read<'r>(&'r self, queries: Queries, known: &Observed) -> Answers<'r> {
        let mut looks = self.looks.lock().unwrap();
        // Asked once in every look.
        *looks += u32::from(queries == Queries::Account);
        match *looks {
            1 => {
                drop(looks);
                panic!("a bug")
            }
            2 => stream::pending().boxed_local(),
            _ => self.reader.read(queries, known),
        }
    }
}

/// Answers of which the last one takes a while.
fn slowly(answers: Answers<'_>, wait: u64) -> Answers<'_> {
    let end = stream::once(seconds(wait)).filter_map(async |()| None);
    answers.chain(end).boxed_local()
}

/// The rules of the public load balancer's first listener.
fn rules(bed: &Bed) -> Vec<Value> {
    let balancers = bed.call("elasticloadbalancing:DescribeLoadBalancers", &json!({"Names": ["public"]}));
    let balancer = json!({"LoadBalancerArn": balancers["LoadBalancers"][0]["LoadBalancerArn"]});
    let listeners = bed.call("elasticloadbalancing:DescribeListeners", &balancer);
    let listener = json!({"ListenerArn": listeners["Listeners"][0]["ListenerArn"]});
    bed.call("elasticloadbalancing:DescribeRules", &listener)["Rules"].as_array().unwrap().clone()
}

/// Nobody writes here.
struct Nobody;

impl Perform for Nobody {
    async fn idle<'a>(&self, _receivers: &'a Receivers) -> Result<Option<&'a BTreeSet<TargetGroupArn>>, AwsError> {
        unreachable!("nothing drifts")
    }

    async fn perform(&self, _action: &Action, _outputs: &Outputs) -> Result<Performed, AwsError> {
        unreachable!("nothing drifts")
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_panics_or_never_ends_is_followed_by_another() {
    let bed = Bed::new(sound());
    let reader = Reader::new(&bed.clients());
    let failing = Failing::new(&reader);
    Box::pin(bed.run(&failing, Some(&Nobody), 1, seconds(320))).await;
    assert_eq!(bed.words()[..3], ["panicked", "overran", "in-sync"], "{:?}", bed.words());
    let first: Vec<Timestamp> = bed.passes.borrow().iter().map(|pass| pass.at).collect();
    assert!(first.is_sorted());
    assert_eq!(bed.passes.borrow()[1].ended, Ended::Overran(None));
}

#[tokio::test(start_paused = true)]
async fn another_manifest_stops_the_pass_that_is_under_way() {
    // While it reads: nothing is sent by the old manifest.
    let bed = Bed::new(world_file::load("world.yaml", WORLD).unwrap());
    let before = bed.writes();
    bed.tell(async {
        *bed.manifest.0.lock().unwrap() = MANIFEST.replace("mode: enforce", "mode: observe");
        bed.reload.notify_one();
        seconds(100).await;
    })
    .await;
    assert_eq!(bed.writes(), before, "{:?}", bed.words());
    assert_eq!(*bed.told.borrow(), ["reloaded", "reloaded"], "at the start, and by the signal");
    assert_eq!(bed.words()[..2], ["interrupted", "blocked"]);
}
