//! Two services at once on one fleet, which the examples of deployment forbid and somebody will run all the same: with the
//! same manifest they do what one does, with differing ones they end in contention, and never in an outage.

use std::collections::{BTreeMap, BTreeSet};

use portolan::apply::StepResult;
use portolan::controller::memory::{TRUCE, WINDOW};

use super::*;

/// Between a look and what follows from it, so that what one of them sees is old when it writes.
const SLOWNESS: u64 = 3;
/// Seconds between two looks at the ways in.
const GRAIN: u64 = 10;

/// Eyes that take their time.
struct Slow(Reader);

impl Read for Slow {
    fn region(&self) -> &str {
        self.0.region()
    }

    fn balancing_calls(&self) -> u64 {
        self.0.balancing_calls()
    }

    fn read<'r>(&'r self, queries: Queries, known: &Observed) -> Answers<'r> {
        let is_first = queries == Queries::Account;
        let answers = self.0.read(queries, known);
        if is_first { slowly(answers, SLOWNESS) } else { answers }
    }
}

/// One of the services: its manifest, and how much later than the story it starts.
struct Writing {
    manifest: String,
    late: u64,
    passes: RefCell<Vec<Pass>>,
}

impl Writing {
    fn new(manifest: String, late: u64) -> Self {
        Self { manifest, late, passes: RefCell::default() }
    }

    async fn run(&self, bed: &Bed) {
        seconds(self.late).await;
        let clients = bed.clients();
        let (reader, writer) = (Slow(Reader::new(&clients)), Writer::new(&clients));
        let manifest = Text(Mutex::new(self.manifest.clone()));
        let settings = Settings { interval: INTERVAL, deadline: PASS_DEADLINE, share: SHARE, seed: self.late };
        let now = || bed.shared.world().now();
        let desired = manifest::load(&manifest.read().await.unwrap()).unwrap();
        let mut controller = Controller::new(&reader, Some(&writer), &manifest, now, settings, desired);
        let mut hear = |event: Event<'_>| {
            if let Event::Passed(_, pass) = event {
                self.passes.borrow_mut().push(pass.clone());
            }
        };
        Box::pin(controller.run(&bed.reload, &bed.stop, &mut hear)).await;
    }

    /// What it sent, by the moment of the pass: whether it removes, and what it was.
    fn sent(&self) -> Vec<(Timestamp, bool, String)> {
        let mut sent = Vec::new();
        for pass in self.passes.borrow().iter() {
            let Some(report) = pass.ended.report() else { continue };
            let outcome = report.outcome.as_ref().unwrap();
            for step in &report.plan.steps {
                if outcome.results.get(&step.id) == Some(&StepResult::Done) {
                    sent.push((pass.at, step.removes, format!("{}: {}", step.object, step.summary)));
                }
            }
        }
        sent
    }

    /// Twice the same is once.
    fn removals(&self) -> BTreeSet<String> {
        self.sent().into_iter().filter(|(_, removes, _)| *removes).map(|(.., what)| what).collect()
    }

    fn failures(&self) -> Vec<String> {
        let passes = self.passes.borrow();
        let outcomes = passes.iter().filter_map(|pass| pass.ended.report()?.outcome.as_ref());
        let results = outcomes.flat_map(|outcome| outcome.results.values());
        results
            .filter_map(|result| if let StepResult::Failed(error) = result { Some(error.to_string()) } else { None })
            .collect()
    }

    /// What the last pass holds back.
    fn held_back(&self) -> Vec<String> {
        let passes = self.passes.borrow();
        let last = passes.iter().rev().find_map(|pass| pass.ended.report()).unwrap();
        last.plan.blocked.iter().map(|entry| format!("{}: {}", entry.object, entry.waiting_on)).collect()
    }
}

/// Everything of a world that the manifest is about, in words: what two runs have to agree in.
fn state(bed: &Bed) -> Vec<String> {
    let mut lines = Vec::new();
    let services = bed.call("ecs:ListServices", &json!({"cluster": "prod"}))["serviceArns"].clone();
    let described = bed.call("ecs:DescribeServices", &json!({"cluster": "prod", "services": services}));
    for service in described["services"].as_array().unwrap() {
        lines.push(format!("{} {} {}", service["serviceName"], service["desiredCount"], service["runningCount"]));
    }
    let groups = bed.call("elasticloadbalancing:DescribeTargetGroups", &json!({}))["TargetGroups"].clone();
    for group in groups.as_array().unwrap() {
        let name = group["TargetGroupName"].as_str().unwrap();
        let targets = bed.addresses(name).len();
        lines.push(format!("{name} {} {} {targets}", group["HealthCheckPath"], group["HealthCheckIntervalSeconds"]));
    }
    for rule in rules(bed) {
        lines.push(format!("{} {} {}", rule["Priority"], rule["Conditions"], rule["Actions"]));
    }
    let permissions = bed.call("ec2:DescribeSecurityGroupRules", &json!({}))["securityGroupRuleSet"].clone();
    for rule in permissions.as_array().unwrap() {
        let of =
            ["groupId", "isEgress", "fromPort", "toPort", "cidrIpv4", "referencedGroupInfo"].map(|name| &rule[name]);
        lines.push(of.map(ToString::to_string).join(" "));
    }
    lines.sort();
    lines
}

fn rule(bed: &Bed, priority: &str) -> Value {
    rules(bed).into_iter().find(|rule| rule["Priority"] == priority).unwrap()["RuleArn"].clone()
}

const WAYS: [&str; 8] = ["cart", "checkout", "catalog", "orders", "search", "payments", "reports", "ledger"];

/// The ways in that do not answer.
fn silent(bed: &Bed) -> Vec<&'static str> {
    let answers = |way: &&str| {
        let sent = Sent::get("shop.example.com", &format!("/{way}/1"));
        bed.shared.world().request(&sent).code == Some(200)
    };
    WAYS.into_iter().filter(|way| !answers(way)).collect()
}

/// Lets time pass, and counts the seconds in which a way in does not answer, to [`GRAIN`].
async fn watch(bed: &Bed, duration: u64, outages: &mut BTreeMap<&'static str, u64>) {
    for _ in 0..duration / GRAIN {
        seconds(GRAIN).await;
        silent(bed).into_iter().for_each(|way| *outages.entry(way).or_default() += GRAIN);
    }
}

/// Breaks the harbour in many ways, one after the other and some at once.
async fn break_it(bed: &Bed, outages: &mut BTreeMap<&'static str, u64>) {
    watch(bed, 100, outages).await;
    bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "catalog", "desiredCount": 1}));
    bed.call("ecs:UpdateService", &json!({"cluster": "prod", "service": "cart", "desiredCount": 4}));
    watch(bed, 100, outages).await;
    bed.call("elasticloadbalancing:DeleteRule", &json!({"RuleArn": rule(bed, "40")}));
    add_stray(bed);
    watch(bed, 100, outages).await;
    let conditions = json!([{"Field": "path-pattern", "Values": ["/finder/*"]}]);
    bed.call("elasticloadbalancing:ModifyRule", &json!({"RuleArn": rule(bed, "50"), "Conditions": conditions}));
    let arn = bed.target_group("search")["TargetGroupArn"].clone();
    bed.call("elasticloadbalancing:ModifyTargetGroup", &json!({"TargetGroupArn": arn, "HealthCheckPath": "/no"}));
    watch(bed, 100, outages).await;
    let machine = json!([{"Id": "10.0.10.5", "Port": 8080}]);
    let arn = bed.target_group("ledger")["TargetGroupArn"].clone();
    bed.call("elasticloadbalancing:DeregisterTargets", &json!({"TargetGroupArn": arn, "Targets": machine}));
    let group = group_of(bed, "checkout");
    bed.call("ec2:RevokeSecurityGroupIngress", &group);
    watch(bed, 1200, outages).await;
}

/// The whole ingress of a security group, as it is revoked.
fn group_of(bed: &Bed, name: &str) -> Value {
    let named = json!({"Filter": [{"Name": "group-name", "Value": [name]}]});
    let group = bed.call("ec2:DescribeSecurityGroups", &named)["securityGroupInfo"][0]["groupId"].clone();
    let of_group = json!({"Filter": [{"Name": "group-id", "Value": [group]}]});
    let rules = bed.call("ec2:DescribeSecurityGroupRules", &of_group)["securityGroupRuleSet"].clone();
    let ingress = rules.as_array().unwrap().iter().filter(|rule| rule["isEgress"] != true);
    let ids: Vec<&Value> = ingress.map(|rule| &rule["securityGroupRuleId"]).collect();
    json!({"GroupId": group, "SecurityGroupRuleId": ids})
}

/// What came of a story.
struct Told {
    removals: BTreeSet<String>,
    failures: Vec<String>,
    state: Vec<String>,
    outages: BTreeMap<&'static str, u64>,
}

/// Breaks a sound harbour while services look after it, each that many seconds late.
async fn tell(late: &[u64]) -> Told {
    let bed = Bed::new(sound());
    let services: Vec<_> = late.iter().map(|late| Writing::new(MANIFEST.to_owned(), *late)).collect();
    let mut outages = BTreeMap::new();
    let story = async {
        break_it(&bed, &mut outages).await;
        bed.stop.cancel();
    };
    let running = futures_util::future::join_all(services.iter().map(|service| service.run(&bed)));
    tokio::join!(Box::pin(running), Box::pin(story));
    let removals = services.iter().flat_map(Writing::removals).collect();
    let failures = services.iter().flat_map(Writing::failures).collect();
    let silent = silent(&bed);
    assert!(silent.is_empty(), "{silent:?}");
    Told { removals, failures, state: state(&bed), outages }
}

#[tokio::test(start_paused = true)]
async fn with_one_manifest_two_remove_what_one_removes_and_end_where_one_ends() {
    let one = tell(&[0]).await;
    assert_eq!(one.removals.len(), 2, "{:?}", one.removals);
    for late in [[0, 0], [0, 2], [13, 0]] {
        let two = tell(&late).await;
        assert_eq!(two.removals, one.removals, "{late:?}");
        assert_eq!(two.state, one.state, "{late:?}");
        let longer = |(way, seconds): (&&str, &u64)| *seconds > one.outages.get(way).copied().unwrap_or_default() + 30;
        let longer: Vec<_> = two.outages.iter().filter(|outage| longer(*outage)).collect();
        assert!(longer.is_empty(), "{late:?}: {longer:?}, alone {:?}", one.outages);
        assert!(two.failures.is_empty(), "{late:?}: {:?}", two.failures);
    }
}

/// What the second manifest says differently: a count, a health check and a rule. Either of each is sound.
const DIFFERENCES: [(&str, &str); 3] = [
    ("name: catalog\nspec:\n  desiredCount: 2", "name: catalog\nspec:\n  desiredCount: 3"),
    (
        "name: search\nspec:\n  loadBalancer: public\n  protocol: HTTP\n  healthCheck: {path: /healthz}",
        "name: search\nspec:\n  loadBalancer: public\n  protocol: HTTP\n  healthCheck: {path: /}",
    ),
    ("paths: [\"/orders/*\"]", "paths: [\"/orders/*\", \"/o/*\"]"),
];
/// Hours that the dispute is watched.
const HOURS: u64 = 2;

#[tokio::test(start_paused = true)]
async fn with_differing_manifests_they_end_in_contention_and_nothing_stops_answering() {
    let bed = Bed::new(sound());
    let other = DIFFERENCES.iter().fold(MANIFEST.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let services = [Writing::new(MANIFEST.to_owned(), 0), Writing::new(other, 11)];
    let mut outages = BTreeMap::new();
    let story = async {
        watch(&bed, HOURS * 3600, &mut outages).await;
        bed.stop.cancel();
    };
    tokio::join!(Box::pin(services[0].run(&bed)), Box::pin(services[1].run(&bed)), Box::pin(story));
    assert_eq!(outages, BTreeMap::new());
    for service in &services {
        let mut times: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        service.sent().into_iter().for_each(|(at, _, what)| times.entry(what).or_default().push(at));
        assert_eq!(times.len(), DIFFERENCES.len(), "only what they differ in: {times:?}");
        // After three times within ten minutes comes an hour of peace.
        let fights = |times: &Vec<Timestamp>| {
            let since_first = |four: &[Timestamp], which: usize| four[which].duration_since(four[0]);
            times.windows(4).any(|four| since_first(four, 2) <= WINDOW && since_first(four, 3) < TRUCE)
        };
        assert!(!times.values().any(fights), "{times:?}");
        assert!(service.failures().is_empty(), "{:?}", service.failures());
    }
    let removals: Vec<_> = services.iter().flat_map(Writing::removals).collect();
    assert_eq!(removals, ["Service/catalog: lower the desired count from 3 to 2"]);
    let contended = services.iter().flat_map(Writing::held_back).filter(|held| held.contains("contended: "));
    let contended: BTreeSet<_> = contended.filter_map(|held| Some(held.split_once(':')?.0.to_owned())).collect();
    let expected = ["Service/catalog", "TargetGroup/orders", "TargetGroup/search"].map(str::to_owned);
    assert_eq!(contended, BTreeSet::from(expected));
}
