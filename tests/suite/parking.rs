//! A rule that is missing on a listener whose default action serves, while requests come in: it is made parked, waits for its
//! targets, and gets its conditions. On the sandbox in this process: the real reader, planner and writer, in one-shot passes
//! and as a service, and cut off after every single step.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::ops::Deref;

use jiff::SignedDuration;
use portolan::aws::Reader;
use portolan::pass;
use portolan::plan::{Action, Plan, Policy};
use portolan::sandbox::Sent;
use serde_json::{Value, json};

use crate::in_process::InProcess;

const WORLD: &str = include_str!("parking/world.yaml");
const MANIFEST: &str = include_str!("parking/manifest.yaml");
const COUNT: &str = "target_group_health.dns_failover.minimum_healthy_targets.count";

/// What is missing, besides the rule.
#[derive(Clone, Copy, Debug)]
enum Variant {
    /// Nothing: the rule was deleted, and the service names its target group.
    Recreated,
    /// The target group as well, and the service names none: it joins the listener.
    New,
    /// As [`Self::Recreated`], and DNS failover is declared.
    Declared,
    /// As [`Self::New`], and Portolan registers the tasks.
    Registrar,
    /// Nothing: the rule leads to the site, so that nothing checks the targets of the api.
    Edited,
    /// As [`Self::Edited`], without a target group of the api, whose tasks Portolan registers.
    EditedRegistrar,
}

const VARIANTS: [Variant; 6] = [
    Variant::Recreated,
    Variant::New,
    Variant::Declared,
    Variant::Registrar,
    Variant::Edited,
    Variant::EditedRegistrar,
];

impl Variant {
    fn world(self) -> String {
        let delete = "  - call: elasticloadbalancing:DeleteRule\n    with: {RuleArn: $rule/edge:80/10}\n";
        let edit = "  - call: elasticloadbalancing:ModifyRule\n    with: {RuleArn: $rule/edge:80/10, Actions: [{Type: forward, TargetGroupArn: $targetGroup/site}]}\n";
        let no_group = [
            (
                "  - {name: api, vpc: main, protocol: HTTP, port: 8080, healthCheck: {path: /health, interval: 15}}\n",
                "",
            ),
            (", loadBalancers: [{targetGroup: api, container: api, port: 8080}]", ""),
        ];
        let rule = "        rules: [{priority: 10, paths: [\"/api/*\"], action: {forward: api}}]\n";
        let to_site = "        rules: [{priority: 10, paths: [\"/api/*\"], action: {forward: site}}]\n";
        let edits = match self {
            Self::Recreated | Self::Declared => Vec::new(),
            Self::New | Self::Registrar => [&no_group[..], &[(rule, ""), (delete, "")]].concat(),
            Self::Edited => vec![(delete, edit)],
            Self::EditedRegistrar => [&no_group[..], &[(rule, to_site), (delete, "")]].concat(),
        };
        edits.iter().fold(WORLD.to_owned(), |world, (from, to)| edited(&world, from, to))
    }

    fn manifest(self) -> String {
        match self {
            Self::Recreated | Self::New | Self::Edited => MANIFEST.to_owned(),
            Self::Declared => {
                let health = "  healthCheck: {path: /health, interval: 15s}\n";
                edited(MANIFEST, health, &format!("{health}  attributes: {{{COUNT}: \"2\"}}\n"))
            }
            Self::Registrar | Self::EditedRegistrar => {
                edited(MANIFEST, "targetGroups: [api]", "targetGroups: [api], registrar: portolan")
            }
        }
    }

    fn failover(self) -> &'static str {
        if matches!(self, Self::Declared) { "2" } else { "1" }
    }
}

fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
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
    fn of(world: &str, text: String, following: bool) -> Self {
        Self(InProcess::new(world, text, following))
    }

    fn new(variant: Variant, following: bool) -> Self {
        Self::of(&variant.world(), variant.manifest(), following)
    }

    /// Time passes, and every ten seconds somebody asks for a page of the api.
    fn advance(&self, seconds: i64, when: &str) {
        for _ in 0..seconds / 10 {
            self.shared.world().advance(SignedDuration::from_secs(10));
            self.ask(when);
        }
    }

    /// 200 is the site's answer, and 201 the api's.
    fn ask(&self, when: &str) -> Option<u16> {
        let answered = self.shared.world().request(&Sent::get("www.example.com", "/api/1"));
        assert!(matches!(answered.code, Some(200 | 201)), "{when}: {answered:?}");
        answered.code
    }

    /// Priority, source address and paths of every rule but the default one.
    fn rules(&self) -> Vec<(String, String, String)> {
        let balancers = self.call("elasticloadbalancing:DescribeLoadBalancers", &json!({}));
        let balancer = json!({"LoadBalancerArn": balancers["LoadBalancers"][0]["LoadBalancerArn"]});
        let listeners = self.call("elasticloadbalancing:DescribeListeners", &balancer);
        let listener = json!({"ListenerArn": listeners["Listeners"][0]["ListenerArn"]});
        let rules = self.call("elasticloadbalancing:DescribeRules", &listener)["Rules"].as_array().unwrap().clone();
        let of = |rule: &Value, field: &str, config: &str| {
            let conditions = rule["Conditions"].as_array().cloned().unwrap_or_default();
            let found = conditions.iter().find(|condition| condition["Field"] == field);
            found.map_or(String::new(), |found| found[config]["Values"][0].as_str().unwrap_or_default().to_owned())
        };
        let others = rules.iter().filter(|rule| rule["Priority"] != "default");
        let all = others.map(|rule| {
            let priority = rule["Priority"].as_str().unwrap().to_owned();
            (priority, of(rule, "source-ip", "SourceIpConfig"), of(rule, "path-pattern", "PathPatternConfig"))
        });
        all.collect()
    }

    /// The value of the attribute; `None`: there is no such target group yet.
    fn failover(&self) -> Option<String> {
        let all = self.call("elasticloadbalancing:DescribeTargetGroups", &json!({}))["TargetGroups"].clone();
        let api = all.as_array().unwrap().iter().find(|group| group["TargetGroupName"] == "api").cloned()?;
        let arn = json!({"TargetGroupArn": api["TargetGroupArn"]});
        let attributes = self.call("elasticloadbalancing:DescribeTargetGroupAttributes", &arn)["Attributes"].clone();
        let found = attributes.as_array().unwrap().iter().find(|one| one["Key"] == COUNT).cloned();
        found.map(|one| one["Value"].as_str().unwrap().to_owned())
    }

    fn is_parked(&self) -> bool {
        self.rules().iter().any(|(_, source, _)| source == "192.0.2.1/32")
    }

    fn assert_is_as_declared(&self, variant: Variant, when: &str) {
        assert_eq!(self.rules(), [("10".to_owned(), String::new(), "/api/*".to_owned())], "{when}");
        assert_eq!(self.failover().as_deref(), Some(variant.failover()), "{when}");
        assert_eq!(self.ask(when), Some(201), "{when}");
    }
}

/// Passes, some steps of each, until nothing is left to do; every pass half a minute after the one before.
async fn repair(variant: Variant, most: usize) {
    let when = format!("{variant:?}, at most {most} steps of a pass");
    let stage = Stage::new(variant, false);
    assert_eq!(stage.ask(&when), Some(200), "the site answers");
    let (mut was_parked, mut last) = (false, Plan::default());
    for _ in 0..60 {
        let plan = stage.pass(most).await;
        assert!(plan.blocked.is_empty(), "{when}: {:?}", plan.blocked);
        if plan.steps.is_empty() && plan.planned.is_empty() {
            assert!(was_parked, "{when}: the rule was made parked");
            return stage.assert_is_as_declared(variant, &when);
        }
        let moves = plan.steps.iter().any(|step| matches!(step.action, Action::ModifyRule { .. }));
        if stage.is_parked() && !plan.steps.iter().any(|step| step.summary.contains("DNS failover")) {
            assert!(moves || stage.failover().as_deref() == Some("off"), "{when}: {:?}", stage.failover());
        }
        was_parked |= stage.is_parked();
        stage.advance(30, &when);
        last = plan;
    }
    panic!("{when}: it does not end: {:?} {last:#?}", stage.rules());
}

#[tokio::test(start_paused = true)]
async fn no_request_fails_while_a_rule_waits_for_its_targets() {
    for variant in VARIANTS {
        repair(variant, usize::MAX).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_may_end_after_every_step_of_parking() {
    for variant in VARIANTS {
        for most in [1, 2] {
            repair(variant, most).await;
        }
    }
}

/// The port of the tasks is closed, and nothing declared opens it.
#[tokio::test(start_paused = true)]
async fn a_rule_is_not_parked_while_a_hop_to_its_targets_is_closed_or_unread() {
    // The subnets of the api let requests in, and no answer out.
    let closed = [
        (
            "    securityGroups:\n",
            "    networkAcls:\n      - name: api\n        subnets: [priv-c]\n        entries: [{number: 100, ports: all, cidr: 10.20.0.0/16}]\n    securityGroups:\n",
        ),
        (
            "      - {name: priv-b, cidr: 10.20.11.0/24, zone: b}\n",
            "      - {name: priv-b, cidr: 10.20.11.0/24, zone: b}\n      - {name: priv-c, cidr: 10.20.12.0/24, zone: a}\n",
        ),
        (
            "taskDefinition: api, desiredCount: 2, subnets: [priv-a, priv-b]",
            "taskDefinition: api, desiredCount: 2, subnets: [priv-c]",
        ),
        ("settle: 600\n", "settle: 0\n"),
    ];
    let closed = closed.iter().fold(WORLD.to_owned(), |world, (from, to)| edited(&world, from, to));
    let elsewhere = MANIFEST.rsplitn(2, "subnets: [priv-a, priv-b]").collect::<Vec<_>>();
    let elsewhere = format!("{}subnets: [priv-c]{}", elsewhere[1], elsewhere[0]);
    let unread = format!("{WORLD}settings: {{denied: [\"ec2:DescribeNetworkAcls\"]}}\n");
    let unreadable = "allow the IAM action ec2:DescribeNetworkAcls";
    for (world, text, words) in
        [(closed, elsewhere, "network-acl is broken"), (unread, MANIFEST.to_owned(), unreadable)]
    {
        let stage = Stage::of(&world, text, false);
        let plan = stage.pass(usize::MAX).await;
        let told: Vec<String> = plan.blocked.iter().map(|entry| entry.waiting_on.to_string()).collect();
        assert!(told.iter().any(|text| text.contains(words)), "{words}: {told:?}");
        assert_eq!(stage.rules(), [], "{words}");
        assert_eq!(stage.failover().as_deref(), Some("1"), "what is for the rule alone waits with it: {words}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_parks_a_rule_claims_no_repair_and_the_one_that_unparks_it_does() {
    let stage = Stage::new(Variant::Recreated, false);
    let plan = stage.pass(usize::MAX).await;
    assert_eq!(plan.mends.len(), 0, "{:?}", plan.mends);
    stage.advance(120, "parked");
    let plan = stage.pass(usize::MAX).await;
    let names: BTreeSet<&str> = plan.mends.values().flatten().map(|mend| mend.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["rule-parked"]));
}

#[tokio::test(start_paused = true)]
async fn status_says_what_a_parked_rule_waits_for() {
    let stage = Stage::new(Variant::Recreated, false);
    let _plan = stage.pass(usize::MAX).await;
    let now = stage.shared.world().now();
    let look =
        Box::pin(pass::look(&stage.desired, &Reader::new(&stage.clients()), &Policy::default(), now)).await.unwrap();
    let table = portolan::status::table(&stage.desired, &look.observed, Some(&look.plan));
    let row = table.rows.iter().find(|row| row.name == "prod/api").unwrap();
    assert_eq!(row.in_sync, portolan::status::Answer::No);
    assert!(
        row.why.iter().any(|why| why.contains("(planned for later): the rule is parked, no request matches it")),
        "{:?}",
        row.why
    );
}

#[tokio::test(start_paused = true)]
async fn the_service_unparks_rules_by_itself() {
    for variant in VARIANTS {
        let stage = Stage::new(variant, true);
        let words = stage.run(90, || _ = stage.ask("run")).await;
        stage.assert_is_as_declared(variant, "run");
        assert_eq!(words.last(), Some(&"in-sync"), "{variant:?}: {words:?}");
    }
}

const WRONG_PROTOCOL: &str = r#"apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: shop}
spec: {region: eu-west-1, account: "123456789012", cluster: prod, vpc: main, mode: enforce, redeploy: allow}
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: web}
spec:
  desiredCount: 2
  network: {mode: awsvpc, subnets: [priv-a, priv-b], securityGroups: [web]}
  ports: [{name: http, container: web, containerPort: 8080, targetGroups: [web, web-tls]}]
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {name: web}
spec:
  loadBalancer: edge
  protocol: HTTP
  routes: [{listener: 80, default: true}]
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {name: web-tls}
spec:
  loadBalancer: edge
  protocol: HTTPS
  healthCheck: {path: /, protocol: HTTPS}
  routes: [{listener: 80, priority: 1, paths: ["/*"]}]
"#;

#[tokio::test(start_paused = true)]
async fn a_parked_rule_takes_over_from_a_default_action_whose_protocol_is_proven_wrong() {
    let world = include_str!("handover/world.yaml");
    let world = edited(world, "healthCheck: {path: /, interval: 15}", "healthCheck: {path: /, protocol: HTTPS}");
    let apps = "apps: {\"web:1\": {listens: [{port: 8080, speaks: https}]}}\nclusters: [prod]";
    let stage = Stage::of(&edited(&world, "clusters: [prod]", apps), WRONG_PROTOCOL.to_owned(), false);
    let ask = || stage.shared.world().request(&Sent::get("www.example.com", "/")).code;
    assert_eq!(ask(), Some(502), "the target group sends HTTP to an app that speaks HTTPS");
    for _ in 0..20 {
        let plan = stage.pass(usize::MAX).await;
        assert!(plan.blocked.is_empty(), "{:?}", plan.blocked);
        if plan.steps.is_empty() && plan.planned.is_empty() {
            return assert_eq!(ask(), Some(200));
        }
        stage.shared.world().advance(SignedDuration::from_secs(60));
    }
    panic!("it does not end: {:?}", stage.rules());
}
