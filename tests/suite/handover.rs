//! A target group takes the place of another one while requests come in, on the sandbox in this process: the real reader,
//! planner and writer, in one-shot passes and as a service, and cut off after every single step.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::ops::Deref;

use jiff::SignedDuration;
use portolan::plan::Plan;
use portolan::sandbox::Sent;
use serde_json::{Value, json};

use crate::in_process::InProcess;

const WORLD: &str = include_str!("handover/world.yaml");
const MANIFEST: &str = include_str!("handover/manifest.yaml");

/// Which variant of the story.
#[derive(Clone, Copy, Debug)]
struct Variant {
    /// Where the route is.
    way: Way,
    /// The old target group bears the fleet's mark.
    marked: bool,
}

/// Where a target group gets its requests from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The default action of a listener of an application load balancer.
    Default,
    /// A rule.
    Rule,
    /// The default action of a listener of a network load balancer.
    Network,
}

const VARIANTS: [Variant; 5] = [
    Variant { way: Way::Default, marked: false },
    Variant { way: Way::Default, marked: true },
    Variant { way: Way::Rule, marked: true },
    Variant { way: Way::Network, marked: false },
    Variant { way: Way::Network, marked: true },
];

/// The load balancer is a network one.
const BEHIND_NETWORK: [(&str, &str); 3] = [
    ("protocol: HTTP, port: 8080, healthCheck: {path: /, interval: 15}", "protocol: TCP, port: 8080"),
    ("  - name: edge\n", "  - name: edge\n    kind: network\n"),
    ("{port: 80, default: {forward: web}}", "{port: 80, protocol: TCP, default: {forward: web}}"),
];
const BY_TCP: [(&str, &str); 1] = [(
    "protocol: HTTP\n  port: 9000\n  healthCheck: {path: /, interval: 15s}",
    "protocol: TCP\n  port: 9000\n  healthCheck: {interval: 10s}",
)];

/// The world and the manifest of every variant, with a name.
pub fn places() -> Vec<(String, String, String)> {
    let named = |variant: Variant| {
        let (world, manifest) = texts(variant);
        (format!("handover {variant:?}"), world, manifest)
    };
    VARIANTS.into_iter().map(named).collect()
}

/// The world and the manifest of a variant.
fn texts(variant: Variant) -> (String, String) {
    let (world, text) = match variant.way {
        Way::Default => (WORLD.to_owned(), MANIFEST.to_owned()),
        Way::Rule => {
            let rule = "{fixedResponse: 404}, rules: [{priority: 10, paths: [\"/*\"], action: {forward: web}}]";
            let world = edited(WORLD, &[("default: {forward: web}", &format!("default: {rule}"))]);
            (world, edited(MANIFEST, &[("default: true", "priority: 10, paths: [\"/*\"]")]))
        }
        Way::Network => (edited(WORLD, &BEHIND_NETWORK), edited(MANIFEST, &BY_TCP)),
    };
    let mark = if variant.marked {
        "then:\n  - call: elasticloadbalancing:AddTags\n    with: {ResourceArns: [$targetGroup/web], Tags: [{Key: portolan.dev/fleet, Value: shop}, {Key: portolan.dev/object, Value: TargetGroup/web}]}\n"
    } else {
        ""
    };
    (format!("{world}{mark}"), text)
}

/// The world, and what the tests do in it.
struct Stage(InProcess);

impl Deref for Stage {
    type Target = InProcess;

    fn deref(&self) -> &InProcess {
        &self.0
    }
}

impl Stage {
    fn new(variant: Variant, following: bool) -> Self {
        let (world, manifest) = texts(variant);
        Self::of(&world, manifest, following)
    }

    fn of(world: &str, text: String, following: bool) -> Self {
        Self(InProcess::new(world, text, following))
    }

    /// Time passes, and every ten seconds somebody asks for a page.
    fn advance(&self, seconds: i64, when: &str) {
        for _ in 0..seconds / 10 {
            self.shared.world().advance(SignedDuration::from_secs(10));
            self.ask(when);
        }
    }

    fn ask(&self, when: &str) {
        let answered = self.shared.world().request(&Sent::get("www.example.com", "/"));
        assert_eq!(answered.code, Some(200), "{when}: {answered:?}");
    }

    fn wired(&self) -> Vec<String> {
        let found = self.call("ecs:DescribeServices", &json!({"cluster": "prod", "services": ["web"]}));
        let entries = found["services"][0]["loadBalancers"].as_array().unwrap().clone();
        entries.iter().map(|entry| name_in(&entry["targetGroupArn"])).collect()
    }

    fn groups(&self) -> Vec<String> {
        let all = self.call("elasticloadbalancing:DescribeTargetGroups", &json!({}))["TargetGroups"].clone();
        let mut names: Vec<_> =
            all.as_array().unwrap().iter().map(|one| one["TargetGroupName"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Priority and target group of every rule, the default action included.
    fn rules(&self) -> Vec<(String, String)> {
        let balancers = self.call("elasticloadbalancing:DescribeLoadBalancers", &json!({}));
        let balancer = json!({"LoadBalancerArn": balancers["LoadBalancers"][0]["LoadBalancerArn"]});
        let listeners = self.call("elasticloadbalancing:DescribeListeners", &balancer);
        let listener = json!({"ListenerArn": listeners["Listeners"][0]["ListenerArn"]});
        let rules = self.call("elasticloadbalancing:DescribeRules", &listener)["Rules"].as_array().unwrap().clone();
        let of = |rule: &Value| {
            let groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"].as_array().cloned().unwrap_or_default();
            let names: Vec<_> = groups.iter().map(|group| name_in(&group["TargetGroupArn"])).collect();
            (rule["Priority"].as_str().unwrap().to_owned(), names.join("+"))
        };
        rules.iter().map(of).collect()
    }

    fn assert_is_as_declared(&self, variant: Variant, when: &str) {
        assert_eq!(self.wired(), ["web-v2"], "{when}");
        let groups: &[&str] = if variant.marked { &["web-v2"] } else { &["web", "web-v2"] };
        assert_eq!(self.groups(), groups, "{when}");
        let rule = |priority: &str, group: &str| (priority.to_owned(), group.to_owned());
        let rules = match variant.way {
            Way::Default | Way::Network => vec![rule("default", "web-v2")],
            Way::Rule => vec![rule("10", "web-v2"), rule("default", "")],
        };
        assert_eq!(self.rules(), rules, "{when}");
    }
}

fn name_in(arn: &Value) -> String {
    arn.as_str().unwrap().split('/').nth(1).unwrap().to_owned()
}

/// Passes, some steps of each, until nothing is left to do; every pass a minute after the one before.
async fn hand_over(variant: Variant, most: usize) {
    let when = format!("{variant:?}, at most {most} steps of a pass");
    let stage = Stage::new(variant, false);
    stage.ask(&when);
    let mut last = Plan::default();
    for _ in 0..90 {
        let plan = stage.pass(most).await;
        if plan.steps.is_empty() && plan.planned.is_empty() {
            assert!(plan.blocked.is_empty(), "{when}: {:?}", plan.blocked);
            return stage.assert_is_as_declared(variant, &when);
        }
        stage.advance(60, &when);
        last = plan;
    }
    panic!("{when}: it does not end: {:?} {:?} {last:#?}", stage.rules(), stage.wired());
}

#[tokio::test(start_paused = true)]
async fn no_request_fails_while_a_target_group_takes_the_place_of_another_one() {
    for variant in VARIANTS {
        hand_over(variant, usize::MAX).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_may_end_after_every_step() {
    for variant in VARIANTS {
        for most in [1, 2] {
            hand_over(variant, most).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_replaced_meanwhile_comes_up_and_the_handover_goes_on() {
    let variant = VARIANTS[1];
    let stage = Stage::new(variant, false);
    for number in 0..60 {
        let plan = stage.pass(usize::MAX).await;
        if plan.steps.is_empty() && plan.planned.is_empty() {
            return stage.assert_is_as_declared(variant, "tasks were stopped");
        }
        if number % 7 == 3 {
            let tasks = stage.call("ecs:ListTasks", &json!({"cluster": "prod", "serviceName": "web"}));
            let task = tasks["taskArns"][0].clone();
            stage.call("ecs:StopTask", &json!({"cluster": "prod", "task": task}));
        }
        // A stopped task may still be asked for a moment: that is nobody's doing here.
        stage.shared.world().advance(SignedDuration::from_secs(60));
    }
    panic!("it does not end: {:?} {:?}", stage.rules(), stage.wired());
}

/// The group's protocol changes, in place at first.
const IN_PLACE: [(&str, &str); 4] = [
    ("targetGroups: [web-v2]", "targetGroups: [web]"),
    ("metadata: {name: web-v2}", "metadata: {name: web}"),
    ("protocol: HTTP", "protocol: HTTPS"),
    ("healthCheck: {path: /, interval: 15s}", "healthCheck: {path: /, interval: 15s, protocol: HTTPS}"),
];
/// The same behind a network load balancer, which then encrypts what it sends to the tasks.
const IN_PLACE_TLS: [(&str, &str); 4] = [
    ("targetGroups: [web-v2]", "targetGroups: [web]"),
    ("metadata: {name: web-v2}", "metadata: {name: web}"),
    ("protocol: TCP", "protocol: TLS"),
    ("healthCheck: {interval: 10s}", "healthCheck: {interval: 10s, protocol: HTTPS, path: /}"),
];
/// What the text of the plan advises: a new key and name with the same routes, and a second port.
const AS_ADVISED: [(&str, &str); 3] = [
    ("containerPort: 8080", "containerPort: 8443"),
    ("targetGroups: [web]", "targetGroups: [web-v2]"),
    ("kind: TargetGroup\nmetadata: {name: web}", "kind: TargetGroup\nmetadata: {name: web-v2}"),
];
/// A container that takes TLS on a second port.
const TWO_PORTS: [(&str, &str); 2] = [
    ("clusters: [prod]", "apps: {\"web:1\": {listens: [{port: 8080}, {port: 8443, speaks: https}]}}\nclusters: [prod]"),
    ("ports: [{port: 8080}]", "ports: [{port: 8080}, {port: 8443}]"),
];

fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

/// The advice for a protocol that cannot be changed in place, followed to the letter.
async fn follow_the_advice(world: &str, in_place: &str, variant: Variant) {
    let stage = Stage::of(world, in_place.to_owned(), false);
    let plan = stage.pass(0).await;
    let told: Vec<_> = plan.blocked.iter().map(|entry| entry.waiting_on.to_string()).collect();
    let advice = told.iter().find(|text| text.starts_with("AWS cannot change this in place")).unwrap();
    for part in ["a new key and name", "redeploy: allow", "listen on a second port"] {
        assert!(advice.contains(part), "{advice}");
    }
    let stage = Stage::of(world, edited(in_place, &AS_ADVISED), false);
    for _ in 0..90 {
        let plan = stage.pass(usize::MAX).await;
        if plan.steps.is_empty() && plan.planned.is_empty() {
            assert!(plan.blocked.is_empty(), "{:?}", plan.blocked);
            return stage.assert_is_as_declared(variant, "as advised");
        }
        stage.advance(60, "as advised");
    }
    panic!("it does not end: {:?} {:?}", stage.rules(), stage.wired());
}

#[tokio::test(start_paused = true)]
async fn what_is_advised_for_an_immutable_field_is_valid_and_leads_through() {
    follow_the_advice(&edited(WORLD, &TWO_PORTS), &edited(MANIFEST, &IN_PLACE), VARIANTS[0]).await;
    let behind_tls =
        edited(&edited(WORLD, &BEHIND_NETWORK), &[("{port: 80, protocol: TCP", "{port: 80, protocol: TLS")]);
    let in_place = edited(&edited(MANIFEST, &BY_TCP), &IN_PLACE_TLS);
    follow_the_advice(&edited(&behind_tls, &TWO_PORTS), &in_place, VARIANTS[3]).await;
}

#[tokio::test(start_paused = true)]
async fn the_service_hands_over_by_itself() {
    for variant in VARIANTS {
        let stage = Stage::new(variant, true);
        let words = stage.run(360, || stage.ask("run")).await;
        stage.assert_is_as_declared(variant, "run");
        assert_eq!(words.last(), Some(&"in-sync"), "{words:?}");
    }
}
