//! What people and programs read of a pass: verdicts, text and JSON of plans made by hand.

mod forms;
mod hidden;

use std::collections::BTreeMap;

use portolan::apply::{AwsError, ErrorKind, Outcome, StepResult};
use portolan::model::{
    Conditions, Gap, GroupId, HealthCheck, IpProtocol, ListenerArn, ObjectRef, PathName, PortRange, Protocol,
    RuleActions, RuleArn, RuleSource, Serve, ServiceId, Tags, TargetGroupArn, TargetType, VpcId,
};
use portolan::plan::{
    Action, Blocked, Change, Deferred, DeletedRuleBelief, Field, Finding, HealthCheckField, Mend, NewTargetGroup, Plan,
    Planned, Reason, Ref, RuleBelief, ServiceBelief, Step, StepId, Verdict, WaitingOn,
};
use portolan::report::text::Paint;
use portolan::report::{Error, Report, json, text};

fn checkout() -> ObjectRef {
    ObjectRef::service("checkout")
}

fn change(field: Field, live: Option<&str>, desired: Option<&str>) -> Change {
    Change { field, live: live.map(str::to_owned), desired: desired.map(str::to_owned) }
}

fn step(number: usize, object: ObjectRef, action: Action, target: &str, summary: &str, reason: &str) -> Step {
    Step {
        id: StepId(number),
        action,
        object,
        target: target.to_owned(),
        summary: summary.to_owned(),
        reason: reason.to_owned(),
        changes: Vec::new(),
        after: [].into(),
        redeploys: false,
        removes: false,
        receivers: Default::default(),
    }
}

fn create_target_group() -> Step {
    let action = Action::CreateTargetGroup(NewTargetGroup {
        name: "checkout-http".to_owned(),
        vpc: VpcId::from("vpc-0a"),
        protocol: Protocol::Http,
        protocol_version: None,
        port: 8080,
        target_type: TargetType::Ip,
        health_check: HealthCheck::default(),
        tags: Tags::new(),
    });
    Step {
        changes: vec![
            change(Field::Protocol, None, Some("HTTP")),
            change(Field::Port, None, Some("8080")),
            change(Field::HealthCheck(HealthCheckField::Path), None, Some("/healthz")),
        ],
        ..step(
            0,
            ObjectRef::target_group("checkout-http"),
            action,
            "checkout-http",
            "create target group checkout-http (HTTP 8080, ip) in vpc-0a",
            "no target group in eu-west-1 has that name",
        )
    }
}

fn create_rule() -> Step {
    let action = Action::CreateRule {
        listener: ListenerArn::from("arn:l"),
        priority: 100,
        conditions: Conditions::default(),
        target_group: Ref::Output(ObjectRef::target_group("checkout-http")),
        tags: Tags::new(),
    };
    let hosts = "host checkout.example.com, checkout.internal.example.com, shop.example.com; path /api/*, /v2/*";
    Step {
        changes: vec![change(Field::Priority, None, Some("100")), change(Field::Conditions, None, Some(hosts))],
        after: [StepId(0)].into(),
        ..step(
            1,
            ObjectRef::target_group("checkout-http"),
            action,
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/public/50dc6c495c0c9188/f2f7dc8efc522ab2",
            "forward checkout.example.com/api/* on listener 443 of public to checkout-http",
            "no rule of that listener bears this fleet's mark for the object, and none agrees with the route in two of \
             forward, conditions and priority",
        )
    }
}

fn update_service() -> Step {
    let service = ServiceId { cluster: "prod".to_owned(), name: "checkout".to_owned() };
    let expect = ServiceBelief {
        members: Default::default(),
        task_definition: "app:7".into(),
        load_balancers: Vec::new(),
        network: None,
        deployment: None,
        ended: None,
    };
    let action = Action::UpdateService {
        members: Default::default(),
        service,
        task_definition: None,
        load_balancers: Some(Vec::new()),
        network: None,
        expect,
    };
    Step {
        changes: vec![
            change(Field::PortTargetGroups("http".to_owned()), Some("checkout-old"), Some("checkout-http")),
            change(Field::PortMapping("http".to_owned()), Some("80"), Some("8080")),
        ],
        after: [StepId(0), StepId(1)].into(),
        redeploys: true,
        ..step(2, checkout(), action, "prod/checkout", "wire app:8080 to checkout-http", "the live block names app:80")
    }
}

fn lower_count() -> Step {
    let service = ServiceId { cluster: "prod".to_owned(), name: "checkout".to_owned() };
    Step {
        changes: vec![change(Field::DesiredCount, Some("5"), Some("3"))],
        removes: true,
        ..step(
            3,
            checkout(),
            Action::UpdateServiceCount { service, desired_count: 3, from: 5, unscaled: true },
            "prod/checkout",
            "run 3 tasks",
            "the manifest says 3",
        )
    }
}

fn authorize() -> Step {
    let action = Action::AuthorizeSecurityGroupIngress {
        group: GroupId::from("sg-tasks"),
        protocol: IpProtocol::Tcp,
        ports: PortRange::one(8080),
        source: RuleSource::Group(GroupId::from("sg-public")),
        description: None,
        tags: Tags::new(),
    };
    Step {
        changes: vec![change(Field::Ingress("http".to_owned()), None, Some("8080"))],
        ..step(
            4,
            checkout(),
            action,
            "sg-tasks",
            "allow tcp 8080 from sg-public (load balancer public)",
            "no rule of sg-tasks admits it",
        )
    }
}

fn nothing_known() -> DeletedRuleBelief {
    DeletedRuleBelief {
        rule: RuleBelief {
            priority: 90,
            conditions: Default::default(),
            actions: RuleActions {
                login: false,
                token: false,
                serve: Serve::Redirect("https://#{host}:443/#{path}".to_owned()),
            },
        },
        idle: Default::default(),
    }
}

fn delete_rule() -> Step {
    Step {
        changes: vec![change(Field::Tag("description".to_owned()), Some(""), None)],
        after: [StepId(0), StepId(1), StepId(2), StepId(3), StepId(4)].into(),
        removes: true,
        ..step(
            5,
            ObjectRef::fleet("payments-prod"),
            Action::DeleteRule { rule: RuleArn::from("arn:r"), mark: Tags::new(), expect: nothing_known() },
            "arn:r",
            "delete the rule at priority 90 of listener 443",
            "it bears this fleet's mark for TargetGroup/gone, which the manifest no longer names",
        )
    }
}

fn modify_health_check() -> Step {
    Step {
        changes: vec![change(Field::HealthCheck(HealthCheckField::Path), Some("/"), Some("/healthz"))],
        ..step(
            6,
            ObjectRef::target_group("cart-http"),
            Action::ModifyTargetGroup {
                target_group: TargetGroupArn::from("arn:t"),
                health_check: HealthCheck::default(),
            },
            "cart-http",
            "check health at /healthz",
            "the live check asks for /",
        )
    }
}

fn gap() -> Gap {
    Gap { call: "ec2:DescribeNetworkAcls".to_owned(), why: "AccessDenied".to_owned() }
}

fn blocked(waiting_on: WaitingOn) -> Blocked {
    Blocked {
        object: ObjectRef::service("search"),
        what: "the network mode is bridge, the manifest says awsvpc".to_owned(),
        waiting_on,
        action: None,
        changes: vec![change(Field::Subnets, Some("bridge"), Some("awsvpc"))],
    }
}

fn difference() -> WaitingOn {
    WaitingOn::difference("a revision of the task definition with networkMode awsvpc")
}

fn deferred() -> Deferred {
    Deferred {
        object: ObjectRef::service("cart"),
        what: "desiredCount 7, the manifest says 3".to_owned(),
        owner: "application-autoscaling".to_owned(),
    }
}

/// What tracing found broken, on two listeners by the same fault, and on one by another.
fn mended() -> Vec<Mend> {
    let path = |listener: u16| PathName {
        load_balancer: Some("public".to_owned()),
        listener: Some(listener),
        target_group: "checkout-http".to_owned(),
        cluster: Some("prod".to_owned()),
        service: Some("checkout".to_owned()),
        port: Some("http".to_owned()),
    };
    let mend = |codes: &[&str], name: &str, evidence: &str, listeners: &[u16]| Mend {
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        name: name.to_owned(),
        hop: "target-security-group".to_owned(),
        evidence: evidence.to_owned(),
        paths: listeners.iter().map(|listener| path(*listener)).collect(),
    };
    let closed =
        "no rule of sg-tasks admits sg-public of load balancer public on tcp 8080 at task 4f1e at 10.0.0.7:8080";
    vec![
        mend(&["M01"], "target-security-group-blocks-load-balancer", closed, &[80, 443]),
        mend(&["M03", "M16"], "health-check-port-blocked", "closed to checks", &[443]),
    ]
}

/// A plan with every symbol.
fn everything() -> Plan {
    Plan {
        steps: vec![
            create_target_group(),
            create_rule(),
            update_service(),
            lower_count(),
            authorize(),
            delete_rule(),
            modify_health_check(),
        ],
        blocked: vec![blocked(difference())],
        planned: vec![Planned {
            object: ObjectRef::target_group("cart-http"),
            what: "forward to cart-http in place of cart-old".to_owned(),
            because: "healthy targets: 1 in cart-http, and 2 in cart-old, which serves now".to_owned(),
        }],
        deferred: vec![deferred()],
        unchanged: vec![ObjectRef::target_group("search-http"), ObjectRef::service("mail")],
        findings: vec![Finding {
            object: ObjectRef::service("cart"),
            what: "load balancer inner has no security groups: no ingress is derived, see allowFrom".to_owned(),
        }],
        gaps: vec![("Service/cart".to_owned(), gap()), ("Service/mail".to_owned(), gap())],
        gaps_around: Vec::new(),
        mends: BTreeMap::from([(StepId(4), mended())]),
    }
}

fn planned(plan: Plan) -> Report {
    Report { heading: "Fleet payments-prod in eu-west-1".to_owned(), plan, ..Report::default() }
}

fn refusal(kind: ErrorKind) -> AwsError {
    AwsError {
        call: "elasticloadbalancing:CreateRule".to_owned(),
        kind,
        code: "AccessDenied".to_owned(),
        message: "User: arn:aws:sts::123456789012:assumed-role/ci is not authorized to perform \
                  elasticloadbalancing:CreateRule"
            .to_owned(),
        request_id: Some("7f3c".to_owned()),
    }
}

fn outcome(results: impl IntoIterator<Item = StepResult>) -> Outcome {
    let results = results.into_iter().enumerate().map(|(number, result)| (StepId(number), result)).collect();
    Outcome { results, ..Outcome::default() }
}

/// Every result there is.
fn mixed() -> Report {
    let results = [
        StepResult::Done,
        StepResult::Failed(refusal(ErrorKind::Denied)),
        StepResult::Skipped { because: StepId(1) },
        StepResult::Stale("desiredCount is 4 by now".to_owned()),
        StepResult::Done,
        StepResult::Skipped { because: StepId(1) },
        StepResult::Cancelled,
    ];
    Report { outcome: Some(outcome(results)), ..planned(everything()) }
}

mod verdicts {
    use super::*;

    fn of(plan: Plan, results: Option<&[StepResult]>) -> (Verdict, String) {
        let report = Report { outcome: results.map(|all| outcome(all.iter().cloned())), ..planned(plan) };
        (report.verdict(), report.headline())
    }

    fn one_step() -> Plan {
        Plan { steps: vec![create_target_group()], ..Plan::default() }
    }

    #[test]
    fn follow_the_contract_in_its_order() {
        let failed = StepResult::Failed(refusal(ErrorKind::Denied));
        let unread = Plan { gaps: vec![("Service/cart".to_owned(), gap())], ..Plan::default() };
        let waits = Plan { blocked: vec![blocked(WaitingOn::Gap(gap()))], ..Plan::default() };
        let both = Plan { blocked: vec![blocked(difference())], ..unread.clone() };
        let owned = Plan { deferred: vec![deferred()], ..Plan::default() };
        let stepped = |plan: &Plan| Plan { steps: vec![create_target_group()], ..plan.clone() };
        let done = [StepResult::Done];
        let stale = [StepResult::Stale(String::new())];
        let cases: [(Plan, Option<&[StepResult]>, &str); 16] = [
            (Plan::default(), None, "in-sync: no changes needed"),
            (Plan::default(), Some(&[]), "in-sync: no changes needed"),
            (owned, None, "in-sync: no changes needed"),
            (unread.clone(), None, "incomplete: 1 thing could not be read"),
            (waits.clone(), Some(&[]), "incomplete: 1 thing could not be read"),
            (both.clone(), None, "blocked: 1 difference left"),
            (stepped(&both), None, "pending: 1 step to apply"),
            (stepped(&both), Some(&done), "blocked: 1 step applied, 1 difference left"),
            (stepped(&both), Some(std::slice::from_ref(&failed)), "failed: 1 of 1 step failed"),
            (stepped(&both), Some(&stale), "pending: 1 of 1 step not applied"),
            (stepped(&waits), Some(&done), "incomplete: 1 thing could not be read"),
            (stepped(&unread), Some(&done), "incomplete: 1 thing could not be read"),
            (one_step(), Some(&done), "applied: 1 step"),
            (one_step(), Some(&[StepResult::Cancelled]), "pending: 1 of 1 step not applied"),
            (one_step(), Some(&[]), "pending: 1 of 1 step not applied"),
            (everything(), None, "pending: 7 steps to apply"),
        ];
        for (plan, results, expected) in cases {
            let (verdict, headline) = of(plan, results);
            assert_eq!(headline, expected);
            assert!(headline.starts_with(verdict.as_str()));
        }
        assert_eq!(mixed().headline(), "failed: 1 of 7 steps failed, 2 skipped");
        assert_eq!(mixed().progress(), "2 steps done, 5 not done");
    }

    #[test]
    fn of_a_pass_with_an_error_is_failed_whatever_its_steps_came_to() {
        let errors = vec![Error::new("the deployments did not end", None)];
        let report = Report { outcome: Some(outcome([StepResult::Done])), errors, ..planned(one_step()) };
        assert_eq!(report.headline(), "failed: 1 error");
    }
}

mod texts {
    use super::*;

    #[test]
    fn of_a_plan_show_every_symbol() {
        insta::assert_snapshot!(text::render(&planned(everything()), Paint::Off));
    }

    #[test]
    fn of_an_outcome_show_every_result() {
        insta::assert_snapshot!(text::render(&mixed(), Paint::Off));
    }

    #[test]
    fn of_a_silent_fleet_are_one_line() {
        let unchanged = vec![checkout(), ObjectRef::target_group("checkout-http")];
        let report = planned(Plan { unchanged, ..Plan::default() });
        assert_eq!(text::render(&report, Paint::Off), "In sync. Checked 2 objects; no changes needed.\n");
    }

    #[test]
    fn without_steps_say_so() {
        let plan =
            Plan { blocked: vec![blocked(WaitingOn::Gap(gap()))], deferred: vec![deferred()], ..Plan::default() };
        insta::assert_snapshot!(text::render(&planned(plan), Paint::Off));
    }

    #[test]
    fn in_colour_are_the_same_words() {
        for report in [planned(everything()), mixed()] {
            let coloured = text::render(&report, Paint::On);
            assert!(coloured.contains("\u{1b}[32m+\u{1b}[0m"));
            let pieces = coloured.split('\u{1b}').enumerate();
            let stripped: String = pieces
                .map(|(number, piece)| if number == 0 { piece } else { piece.split_once('m').expect("an end").1 })
                .collect();
            assert_eq!(stripped, text::render(&report, Paint::Off));
        }
    }

    #[test]
    fn stay_within_a_hundred_columns_and_end_without_spaces() {
        for report in [planned(everything()), mixed()] {
            for line in text::render(&report, Paint::Off).lines() {
                assert!(line.chars().count() <= 100 || line.contains("arn:") || line.contains(" · "), "{line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }

    #[test]
    fn never_pass_on_what_steers_a_terminal() {
        let mut plan = Plan { steps: vec![authorize()], ..Plan::default() };
        let evil = "\u{1b}[2Jgone\r\u{9b}1A\u{202e}desrever\nnext";
        plan.steps[0].target = evil.to_owned();
        plan.steps[0].summary = evil.to_owned();
        plan.steps[0].changes = vec![change(Field::Tag(evil.to_owned()), Some(evil), Some(evil))];
        plan.findings = vec![Finding { object: ObjectRef::service(evil), what: evil.to_owned() }];
        plan.gaps = vec![(evil.to_owned(), Gap { call: evil.to_owned(), why: evil.to_owned() })];
        let report = Report { heading: evil.to_owned(), ..planned(plan) };
        let shown = text::render(&report, Paint::Off);
        assert!(!shown.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{shown:?}");
        assert!(shown.contains("\\u{1b}[2Jgone"));
    }

    #[test]
    fn of_results_fit_one_line() {
        let plan = everything();
        let lines: Vec<String> = [
            StepResult::Done,
            StepResult::Failed(refusal(ErrorKind::Throttled)),
            StepResult::Skipped { because: StepId(0) },
            StepResult::Stale("it was edited".to_owned()),
            StepResult::Cancelled,
        ]
        .iter()
        .map(|result| text::render_result(&plan.steps[2], result, Paint::Off))
        .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn of_many_unchanged_objects_name_only_some() {
        let unchanged = (0..200).map(|number| ObjectRef::service(&format!("worker-{number}"))).collect();
        let report = planned(Plan { unchanged, deferred: vec![deferred()], ..Plan::default() });
        let shown = text::render(&report, Paint::Off);
        assert!(shown.contains("and 188 more") && shown.contains("200 unchanged"), "{shown}");
    }
}

mod documents {
    use super::*;

    #[test]
    fn of_a_plan() {
        let calls = BTreeMap::from([("ecs:DescribeServices".to_owned(), 1), ("ecs:ListTasks".to_owned(), 4)]);
        let plan = Plan {
            steps: vec![create_target_group(), update_service()],
            blocked: vec![blocked(WaitingOn::Gap(gap()))],
            ..everything()
        };
        insta::assert_snapshot!(json::render(&Report { calls, ..planned(plan) }));
    }

    #[test]
    fn say_what_every_step_came_to() {
        let document: serde_json::Value = serde_json::from_str(&json::render(&mixed())).expect("JSON");
        let of = |field: &str| -> Vec<String> {
            let steps = document["steps"].as_array().expect("steps");
            steps.iter().map(|step| step.get(field).map_or("-".to_owned(), |value| value.to_string())).collect()
        };
        let results = ["done", "failed", "skipped", "stale", "done", "skipped", "skipped"];
        assert_eq!(of("result"), results.map(|word| format!("\"{word}\"")));
        assert_eq!(of("because"), ["-", "-", "\"s1\"", "-", "-", "\"s1\"", "-"]);
        assert_eq!(of("note"), ["-", "-", "-", "\"desiredCount is 4 by now\"", "-", "-", "\"interrupted\""]);
        assert!(of("error")[1].contains("elasticloadbalancing:CreateRule: AccessDenied: User"));
        assert_eq!(document["verdict"], "failed");
    }

    #[test]
    fn of_errors_have_the_same_shape() {
        let error = Error {
            file: Some("fleet.yaml".to_owned()),
            line: Some(12),
            column: Some(5),
            message: "unknown field `prots`".to_owned(),
            hint: Some("did you mean `ports`?".to_owned()),
        };
        insta::assert_snapshot!(json::render_errors(std::slice::from_ref(&error)));
        insta::assert_snapshot!(json::render_validation(&[error]));
        insta::assert_snapshot!(json::render_validation(&[]));
    }
}
