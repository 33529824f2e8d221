//! The forms for CI systems: each is what its readers take, and says all that the text says.

use std::collections::{BTreeMap, BTreeSet};

use portolan::manifest::{Source, load, places};
use portolan::model::{Desired, PathName};
use portolan::report::{BrokenPath, Item, github, junit, locate, markdown, sarif};
use quick_xml::events::Event;
use serde_json::Value;

use super::*;

/// A manifest of which the plan of this module could have been made.
const MANIFEST: &str = "\
apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: payments-prod}
spec: {mode: enforce, cluster: prod}
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata:
  name: checkout
spec:
  desiredCount: 3
  ports:
    - name: http
      container: app
      containerPort: 8080
      targetGroups: [checkout-http]
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: search}
spec:
  network:
    mode: awsvpc
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: cart}
spec: {desiredCount: 3}
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {name: checkout-http}
spec:
  loadBalancer: public
  protocol: HTTP
  routes:
    - {listener: 443, priority: 100, paths: [/api/*]}
    - {listener: 443, priority: 101, paths: [/v2/*]}
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {name: cart-http}
spec:
  healthCheck:
    path: /healthz
";

/// `difference/v1` of the usual plan.
const FIRST_PRINTS: &str = "
    TargetGroup/checkout-http CreateTargetGroup protocol,port,healthCheck.path
    TargetGroup/checkout-http CreateRule priority,conditions
    Service/checkout UpdateService ports.http.targetGroups,ports.http.mapping
    Service/checkout UpdateService desiredCount
    Service/checkout AuthorizeSecurityGroupIngress ingress
    Fleet/payments-prod DeleteRule tags.description
    TargetGroup/cart-http ModifyTargetGroup healthCheck.path
    TargetGroup/cart-http
    Service/search  network.subnets
    Service/cart  network.subnets
    Service/cart ec2:DescribeNetworkAcls
    Service/mail ec2:DescribeNetworkAcls
    Service/cart
    Service/cart
";

fn sources(name: &str) -> Vec<Source> {
    vec![Source { name: name.to_owned(), text: MANIFEST.to_owned(), files: Default::default() }]
}

fn desired() -> Desired {
    load(&sources("fleet.yaml")).expect("a sound manifest")
}

/// A plan with the places of its manifest.
fn placed(plan: Plan, file: &str) -> Report {
    let places = locate(&plan, &desired(), &places(&sources(file)));
    Report { places, ..planned(plan) }
}

/// The usual plan, with a rule that one of two routes declares, and with something that waits for a call.
fn everything_placed() -> Report {
    let mut plan = everything();
    let route = &desired().target_groups["checkout-http"].routes.clone().expect("routes")[1];
    let step = plan.steps.iter_mut().find(|step| matches!(step.action, Action::CreateRule { .. })).expect("a rule");
    step.action = Action::CreateRule {
        listener: ListenerArn::from("arn:l"),
        priority: 101,
        conditions: route.conditions.clone(),
        target_group: Ref::Output(ObjectRef::target_group("checkout-http")),
        tags: Tags::new(),
    };
    plan.blocked.push(Blocked { object: ObjectRef::service("cart"), ..blocked(WaitingOn::Gap(gap())) });
    placed(plan, "manifests/fleet.yaml")
}

fn in_sync() -> Report {
    let unchanged = vec![checkout(), ObjectRef::target_group("checkout-http")];
    placed(Plan { unchanged, ..Plan::default() }, "fleet.yaml")
}

fn failed() -> Report {
    let of_manifest = Error {
        file: Some("a b/fleet.yaml".to_owned()),
        line: Some(12),
        column: Some(5),
        message: "unknown field \"prots\" in Service.spec".to_owned(),
        hint: Some("did you mean \"ports\"?".to_owned()),
    };
    let of_file = Error { file: Some("b.yaml".to_owned()), ..Error::new("not UTF-8 text", None) };
    let of_run = Error::new("AWS did not answer", Some("check the credentials".to_owned()));
    Report::of_errors(&[of_manifest, of_file, of_run])
}

/// Names that try to be more than names.
fn hostile() -> Report {
    let evil = "\u{1b}[2J\r\n::error::gone,a:b%0A</failure>&\"'|`@team #1 ]]>\u{0}\u{202e}";
    let mut plan = Plan { steps: vec![authorize()], ..Plan::default() };
    plan.steps[0].object = ObjectRef::service(evil);
    plan.steps[0].target = evil.to_owned();
    plan.steps[0].summary = evil.to_owned();
    plan.steps[0].reason = evil.to_owned();
    plan.steps[0].changes = vec![change(Field::Tag(evil.to_owned()), Some(evil), Some(evil))];
    plan.findings = vec![Finding { object: ObjectRef::service(evil), what: evil.to_owned() }];
    plan.gaps = vec![(evil.to_owned(), Gap { call: evil.to_owned(), why: evil.to_owned() })];
    let errors = vec![Error { file: Some(evil.to_owned()), line: Some(1), ..Error::new(evil, Some(evil.to_owned())) }];
    Report { heading: evil.to_owned(), errors, ..planned(plan) }
}

/// A fleet in sync, and a path of it that somebody else's rule breaks.
fn broken() -> Report {
    let name = PathName {
        load_balancer: Some("public".to_owned()),
        listener: Some(443),
        target_group: "checkout-http".to_owned(),
        cluster: Some("prod".to_owned()),
        service: Some("checkout".to_owned()),
        port: Some("http".to_owned()),
    };
    let path = BrokenPath {
        name,
        codes: vec!["M40".to_owned()],
        finding: "rule-shadowed".to_owned(),
        evidence: "rule 1 matches GET /api/* before rule 100".to_owned(),
        fix: "give rule 100 a lower priority number".to_owned(),
    };
    let mut report = Report { broken_paths: Some(vec![path]), ..in_sync() };
    report.locate_paths(&desired(), &places(&sources("fleet.yaml")));
    report
}

#[test]
fn every_form_names_a_broken_path_that_no_step_repairs() {
    let report = broken();
    let place = report.places.get(&Item::BrokenPath(0)).expect("the place of its service");
    assert_eq!((place.file.as_str(), place.line), ("fleet.yaml", 6));
    let forms = [github::render(&report), sarif::render(&report), junit::render(&report), markdown::render(&report)];
    for form in &forms {
        assert!(form.contains("M40 rule-shadowed"), "{form}");
        assert!(form.contains("rule 1 matches GET /api/") && form.contains("give rule 100"), "{form}");
    }
    let [github, sarif, junit, markdown] = forms;
    let command = "::warning file=fleet.yaml,line=6,col=1,title=Service/checkout%3A broken path (M40 rule-shadowed)::public:443 → \
                   checkout-http → checkout/http is broken; run portolan trace";
    assert!(github.starts_with(command), "{github}");
    assert!(github.ends_with(" 1 path is broken; run portolan trace.\n"), "{github}");
    let log: Value = serde_json::from_str(&sarif).expect("JSON");
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"broken-path".into(), &"warning".into()));
    assert_eq!(result["properties"]["aliases"][0], "M40 rule-in-the-shade");
    assert!(junit.contains("failures=\"0\"") && junit.contains("✗ public:443 → checkout-http"), "{junit}");
    assert!(markdown.contains("| `✗` | `Service/checkout` |") && markdown.contains("`fleet.yaml:6:1`"), "{markdown}");
    // A step says itself what it repairs.
    let repaired = Report { plan: Plan { steps: vec![lower_count()], ..Plan::default() }, ..report };
    assert!(!github::render(&repaired).contains("broken"));
}

fn all() -> [Report; 6] {
    let incomplete = Plan { gaps: everything().gaps, ..Plan::default() };
    [everything_placed(), in_sync(), failed(), hostile(), placed(incomplete, "-"), broken()]
}

mod lines {
    use super::*;

    #[test]
    fn are_of_the_field_that_differs_or_of_its_object() {
        let report = everything_placed();
        let at = |item: Item| report.places.get(&item).map(|place| (place.line, place.column));
        let expected = [
            (Item::Step(StepId(0)), (35, 3), "protocol, the first field"),
            (Item::Step(StepId(1)), (38, 7), "the second of two routes"),
            (Item::Step(StepId(2)), (16, 7), "targetGroups of the port"),
            (Item::Step(StepId(3)), (11, 3), "desiredCount"),
            (Item::Step(StepId(4)), (13, 7), "the port that is opened"),
            (Item::Step(StepId(5)), (1, 1), "a left-over is the fleet's"),
            (Item::Step(StepId(6)), (45, 5), "path of the health check"),
            (Item::Blocked(0), (22, 3), "the network, which names no subnets"),
            (Item::Deferred(0), (25, 1), "the object, without a field"),
            (Item::Finding(0), (25, 1), "the object"),
            (Item::Gap(0), (25, 1), "the object that it is for"),
            (Item::Gap(1), (1, 1), "what no manifest names"),
        ];
        for (item, place, why) in expected {
            assert_eq!(at(item), Some(place), "{why}");
        }
    }

    #[test]
    fn of_routes_are_told_apart_by_what_a_step_says_of_them() {
        let mut moved = create_rule();
        moved.action = Action::SetRulePriorities {
            listener: ListenerArn::from("arn:l"),
            priorities: BTreeMap::new(),
            expect: BTreeMap::new(),
        };
        moved.changes = vec![change(Field::PriorityOf("checkout-http".to_owned()), Some("7"), Some("101"))];
        let withheld =
            |changes| Blocked { object: ObjectRef::target_group("checkout-http"), changes, ..blocked(difference()) };
        let of_priority =
            withheld(vec![change(Field::Priority, None, Some("100")), change(Field::Forward, None, Some("x"))]);
        let of_either = withheld(vec![change(Field::Forward, None, Some("checkout-http"))]);
        let plan = Plan { steps: vec![moved], blocked: vec![of_priority, of_either], ..Plan::default() };
        let report = placed(plan, "fleet.yaml");
        let lines: Vec<_> = report.places.values().map(|place| place.line).collect();
        assert_eq!(lines, [38, 37, 36]);
    }

    #[test]
    fn are_in_json_too() {
        let document: Value = serde_json::from_str(&json::render(&everything_placed())).expect("JSON");
        let expected = serde_json::json!({"file": "manifests/fleet.yaml", "line": 45, "column": 5});
        assert_eq!(document["steps"][6]["at"], expected);
        for list in ["blocked", "deferred", "findings", "gaps"] {
            assert_eq!(document[list][0]["at"]["file"], "manifests/fleet.yaml", "{list}");
        }
    }
}

mod sarif_logs {
    use super::*;

    fn log(report: &Report) -> Value {
        serde_json::from_str(&sarif::render(report)).expect("JSON")
    }

    #[test]
    fn fit_the_schema_of_the_standard() {
        let schema = serde_json::from_str(include_str!("../../schemas/sarif-2.1.0.json")).expect("JSON");
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
        for report in all() {
            let log = log(&report);
            let errors: Vec<_> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:#?}\n{log:#}");
        }
        let mut broken = log(&everything_placed());
        broken["runs"][0]["results"][0]["level"] = "grave".into();
        assert!(!validator.is_valid(&broken), "the schema is one that refuses");
    }

    #[test]
    fn have_levels_only_where_something_fails_as_the_standard_wants() {
        let log = log(&everything_placed());
        let run = &log["runs"][0];
        let results = run["results"].as_array().expect("results");
        let mut seen = BTreeMap::new();
        for result in results {
            let word = |field: &str| result[field].as_str().expect("a word").to_owned();
            *seen.entry((word("ruleId"), word("kind"), word("level"))).or_insert(0) += 1;
            let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().expect("a number") as usize];
            assert_eq!(rule["id"], result["ruleId"]);
            assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].is_u64(), "{result:#}");
        }
        let counts: Vec<_> = seen.iter().map(|((id, kind, level), n)| format!("{id} {kind} {level} {n}")).collect();
        let expected = [
            "deferred informational none 1",
            "drift-blocked fail error 1",
            "drift-pending fail error 8",
            "finding informational none 1",
            "not-read open none 3",
        ];
        assert_eq!(counts, expected);
        let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().expect("notifications");
        assert_eq!(notifications.len(), 2, "one for each call that was not answered");
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    }

    #[test]
    fn of_a_failed_run_name_every_error_and_show_those_of_files() {
        let log = log(&failed());
        let run = &log["runs"][0];
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
        let told = run["invocations"][0]["toolExecutionNotifications"].as_array().expect("notifications");
        assert_eq!(told.len(), 3);
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), 2);
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/fleet.yaml");
        assert_eq!(place["region"], serde_json::json!({"startLine": 12, "startColumn": 5}));
        assert_eq!(run["properties"]["verdict"], "failed");
    }

    #[test]
    fn give_every_difference_its_code_its_cause_and_its_fix() {
        let log: Value = serde_json::from_str(&sarif::render(&everything_placed())).expect("JSON");
        for result in log["runs"][0]["results"].as_array().expect("results") {
            let text = result["message"]["text"].as_str().unwrap_or_default();
            let has = |label: &str| text.contains(&format!("\n{label}: "));
            assert!(has("code"), "{text}");
            if result["ruleId"] == "drift-pending" {
                assert!(has("because") && has("fix"), "{text}");
            }
        }
    }

    #[test]
    fn keep_the_former_names_of_codes_beside_the_new_ones() {
        let log = log(&everything_placed());
        let results = log["runs"][0]["results"].as_array().expect("results");
        let is_coded = |result: &&Value| result["properties"]["codes"].get(0).is_some();
        let properties = &results.iter().find(is_coded).expect("a result with codes")["properties"];
        let new = ["M01 target-security-group-blocks-load-balancer", "M03 or M16 health-check-port-blocked"];
        let former = ["M01 target-group-closed-to-load-balancer", "M03 or M16 health-check-port-closed"];
        assert_eq!(
            (&properties["codes"], &properties["aliases"]),
            (&serde_json::json!(new), &serde_json::json!(former))
        );
    }

    fn prints(report: &Report) -> Vec<Value> {
        let log = log(report);
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        results.iter().map(|result| result["partialFingerprints"].clone()).collect()
    }

    fn prints_of(report: &Report, version: &str) -> Vec<String> {
        prints(report).iter().map(|print| print[version].as_str().expect("a fingerprint").to_owned()).collect()
    }

    /// Written down before any text was changed: a fingerprint that differs closes an alert and opens it again.
    #[test]
    fn keep_the_first_fingerprint_of_every_difference() {
        let expected: Vec<&str> = FIRST_PRINTS.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(prints_of(&everything_placed(), "difference/v1"), expected);
        let moved = Plan {
            blocked: vec![Blocked {
                changes: vec![change(Field::DefaultForward, None, None)],
                ..blocked(WaitingOn::ObserveMode)
            }],
            ..Plan::default()
        };
        assert_eq!(prints_of(&placed(moved.clone(), "f"), "difference/v1"), ["Service/search  default forward"]);
        let second = prints_of(&placed(moved, "f"), "difference/v2");
        assert_eq!(second, ["Service/search drift-blocked defaultActions"]);
    }

    #[test]
    fn have_fingerprints_that_no_text_changes() {
        let before = everything_placed();
        let mut after = before.clone();
        let other = || "put in other words".to_owned();
        for step in &mut after.plan.steps {
            (step.summary, step.reason) = (other(), other());
            step.changes.iter_mut().for_each(|change| change.live = Some(other()));
        }
        for entry in &mut after.plan.blocked {
            entry.what = other();
            if let WaitingOn::Difference(reason) = &mut entry.waiting_on {
                *reason = Reason::new(other(), other());
            }
        }
        after.plan.planned.iter_mut().for_each(|entry| (entry.what, entry.because) = (other(), other()));
        after.plan.deferred.iter_mut().for_each(|entry| entry.what = other());
        after.plan.findings.iter_mut().for_each(|entry| entry.what = other());
        after.plan.gaps.iter_mut().for_each(|(_, gap)| gap.why = other());
        assert_ne!(log(&before), log(&after));
        assert_eq!(prints(&before), prints(&after));
    }

    #[test]
    fn have_a_second_fingerprint_that_is_the_same_for_no_two_differences() {
        let all = prints_of(&everything_placed(), "difference/v2");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:#?}");
        let twice = Plan { steps: vec![authorize(), authorize()], ..Plan::default() };
        let twice = prints_of(&placed(twice, "f"), "difference/v2");
        assert_eq!(twice[1], format!("{} #2", twice[0]));
    }

    #[test]
    fn know_one_difference_again_on_another_line() {
        let here = everything_placed();
        let mut there = here.clone();
        there.places.values_mut().for_each(|place| place.line += 7);
        assert_eq!(prints(&here), prints(&there));
        let distinct: BTreeSet<_> = prints(&here).iter().map(Value::to_string).collect();
        assert!(distinct.len() >= 10, "{distinct:?}");
    }

    #[test]
    fn name_files_as_uris() {
        let uri = |file: &str| {
            log(&placed(Plan { steps: vec![lower_count()], ..Plan::default() }, file))["runs"][0]["results"][0]["locations"]
                [0]["physicalLocation"]["artifactLocation"]
                .clone()
        };
        assert_eq!(uri("./a/b.yaml")["uri"], "a/b.yaml");
        assert_eq!(uri("/srv/ü.yaml")["uri"], "file:///srv/%C3%BC.yaml");
        assert_eq!(uri("-"), serde_json::json!({"description": {"text": "standard input"}}));
    }

    #[test]
    fn read_well() {
        let plan = Plan {
            steps: vec![modify_health_check()],
            gaps: vec![("Service/cart".to_owned(), gap())],
            ..Plan::default()
        };
        let log = sarif::render(&placed(plan, "fleet.yaml"));
        insta::assert_snapshot!(log.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
}

mod junit_pages {
    use super::*;

    /// One element: how deep, its name, its attributes, its text.
    type Element = (usize, String, BTreeMap<String, String>, String);

    /// The document as a parser of XML reads it.
    fn parse(text: &str) -> Vec<Element> {
        let mut reader = quick_xml::Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{error}\n{text}")) {
                Event::Start(start) => {
                    open.push(elements.len());
                    elements.push(element(open.len(), &start));
                }
                Event::Empty(start) => elements.push(element(open.len() + 1, &start)),
                Event::Text(part) => {
                    let part = part.decode().expect("text");
                    open.last().map(|at| elements[*at].3.push_str(&part)).unwrap_or_default();
                }
                Event::GeneralRef(name) => {
                    let name = name.decode().expect("a name");
                    let part = quick_xml::escape::unescape(&format!("&{name};")).expect("an entity").into_owned();
                    open.last().map(|at| elements[*at].3.push_str(&part)).unwrap_or_default();
                }
                Event::End(_) => drop(open.pop()),
                Event::Decl(_) => {}
                Event::Eof => break,
                other => panic!("{other:?} has no business here"),
            }
        }
        assert!(open.is_empty());
        elements
    }

    fn element(depth: usize, start: &quick_xml::events::BytesStart<'_>) -> Element {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.expect("an attribute");
            let name = String::from_utf8(attribute.key.as_ref().to_vec()).expect("a name");
            (name, attribute.unescape_value().expect("a value").into_owned())
        });
        let name = String::from_utf8(start.name().as_ref().to_vec()).expect("a name");
        (depth, name, attributes.collect(), String::new())
    }

    #[test]
    fn are_well_formed_and_count_right() {
        for report in all() {
            let elements = parse(&junit::render(&report));
            assert_eq!((elements[0].1.as_str(), elements[1].1.as_str()), ("testsuites", "testsuite"));
            let count = |name: &str| elements.iter().filter(|element| element.1 == name).count().to_string();
            for suite in &elements[..2] {
                for (attribute, of) in
                    [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
                {
                    assert_eq!(suite.2[attribute], count(of), "{attribute}");
                }
            }
            let names: Vec<_> =
                elements.iter().filter(|e| e.1 == "testcase").map(|e| (&e.2["classname"], &e.2["name"])).collect();
            let distinct: BTreeSet<_> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "a case for each object, and one only");
        }
    }

    #[test]
    fn fail_what_differs_skip_what_was_not_read_and_pass_the_rest() {
        let elements = parse(&junit::render(&everything_placed()));
        let mut ends = BTreeMap::new();
        let mut case = String::new();
        for (depth, name, attributes, text) in &elements {
            match (depth, name.as_str()) {
                (3, "testcase") => {
                    case = format!("{}/{}", attributes["classname"], attributes["name"]);
                    ends.insert(case.clone(), ("passed", String::new()));
                }
                (4, end @ ("failure" | "skipped" | "error")) => {
                    ends.insert(case.clone(), (if end == "failure" { "failed" } else { end }, text.clone()));
                }
                _ => {}
            }
        }
        let shown: Vec<_> = ends.iter().map(|(case, (end, _))| format!("{case} {end}")).collect();
        let expected = [
            "Fleet/payments-prod failed",
            "Service/cart skipped",
            "Service/checkout failed",
            "Service/mail skipped",
            "Service/search failed",
            "TargetGroup/cart-http failed",
            "TargetGroup/checkout-http failed",
            "TargetGroup/search-http passed",
        ];
        assert_eq!(shown, expected);
        let checkout = &ends["Service/checkout"].1;
        for words in ["desiredCount: 5 → 3", "because: the live block names app:80", "manifests/fleet.yaml:16:7"] {
            assert!(checkout.contains(words), "{words}: {checkout}");
        }
    }

    #[test]
    fn of_a_failed_run_have_an_error_for_each_file_and_one_for_the_rest() {
        let elements = parse(&junit::render(&failed()));
        let cases: Vec<_> = elements.iter().filter(|e| e.1 == "testcase").map(|e| e.2["name"].as_str()).collect();
        assert_eq!(cases, ["a b/fleet.yaml", "b.yaml", "pass"]);
        assert_eq!(elements[1].2["errors"], "3");
    }

    #[test]
    fn read_well() {
        insta::assert_snapshot!(junit::render(&everything_placed()));
        insta::assert_snapshot!(junit::render(&in_sync()));
    }
}

mod github_commands {
    use super::*;

    #[test]
    fn read_well() {
        insta::assert_snapshot!(github::render(&everything_placed()));
        insta::assert_snapshot!(github::render(&failed()));
        assert_eq!(github::render(&in_sync()), "In sync. Checked 2 objects; no changes needed.\n");
    }

    /// As the runner reads a line: `::name key=value,…::data`, and only lines that begin with it.
    fn command(line: &str) -> Option<(&str, BTreeMap<&str, String>, String)> {
        let (head, data) = line.strip_prefix("::")?.split_once("::")?;
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let undo = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
        let properties = properties.split(',').map(|pair| {
            let (key, value) = pair.split_once('=').expect("a value");
            (key, undo(&value.replace("%3A", ":").replace("%2C", ",")))
        });
        Some((name, properties.collect(), undo(data)))
    }

    #[test]
    fn are_what_the_runner_reads_back() {
        let report = everything_placed();
        let text = github::render(&report);
        let (last, lines) =
            text.lines().collect::<Vec<_>>().split_last().map(|(l, r)| (l.to_string(), r.len())).expect("lines");
        assert!(last.starts_with("Plan: ") && command(&last).is_none());
        let commands: Vec<_> = text.lines().filter_map(command).collect();
        assert_eq!(commands.len(), lines);
        let (name, properties, data) =
            commands.iter().find(|(_, p, _)| p["title"].ends_with("ModifyTargetGroup")).expect("it");
        assert_eq!(*name, "error");
        assert_eq!(
            (properties["file"].as_str(), properties["line"].as_str(), properties["col"].as_str()),
            ("manifests/fleet.yaml", "45", "5")
        );
        let lines = [
            "check health at /healthz",
            "healthCheck.path: / → /healthz",
            "code: drift-pending",
            "because: the live check asks for /",
            "fix: portolan reconcile sends ModifyTargetGroup (step s6)",
        ];
        assert_eq!(data.lines().collect::<Vec<_>>(), lines);
        let weights: Vec<_> = commands.iter().map(|(name, ..)| *name).collect();
        assert!(weights.is_sorted_by_key(|name| ["error", "warning", "notice"].iter().position(|known| known == name)));
    }

    #[test]
    fn cannot_be_smuggled_in() {
        let report = hostile();
        let text = github::render(&report);
        let entries =
            report.plan.steps.len() + report.plan.findings.len() + report.plan.gaps.len() + report.errors.len();
        assert_eq!(text.lines().count(), entries + 1, "{text}");
        for (_, properties, _) in text.lines().filter_map(command) {
            assert!(properties.keys().all(|key| ["file", "line", "col", "title"].contains(key)), "{text}");
        }
        assert!(!text.contains(|c: char| c != '\n' && c.is_control()));
    }

    #[test]
    fn of_standard_input_have_no_file() {
        let report = placed(Plan { steps: vec![lower_count()], ..Plan::default() }, "-");
        assert!(!github::render(&report).contains("file="));
    }
}

mod markdown_pages {
    use super::*;

    #[test]
    fn read_well() {
        insta::assert_snapshot!(markdown::render(&everything_placed()));
        insta::assert_snapshot!(markdown::render(&failed()));
        insta::assert_snapshot!(markdown::render(&in_sync()));
    }

    #[test]
    fn cannot_be_formatted_by_names() {
        let text = markdown::render(&hostile());
        // The name has one backtick, so two fence the code spans that hold it; these are shown as they are.
        for part in text.split("``").step_by(2) {
            assert!(!part.contains("@team"), "nobody is called: {text}");
            assert!(!part.contains("</failure>"), "{text}");
        }
        for line in text.lines().filter(|line| line.starts_with("| ")) {
            let cells = line.replace("\\|", "").matches('|').count();
            assert_eq!(cells, 6, "{line}");
        }
    }

    #[test]
    fn fit_a_comment_however_large_the_fleet_and_say_what_is_missing() {
        let mut plan = Plan::default();
        for number in 0..2_000 {
            let object = ObjectRef::service(&format!("worker-{number}"));
            plan.steps.push(Step { id: StepId(number), object, ..lower_count() });
        }
        let text = markdown::render(&planned(plan));
        assert!(text.len() < 65_536, "{}", text.len());
        let shown = text.lines().filter(|line| line.starts_with("| `~`")).count();
        assert!(shown > 100 && text.contains(&format!("… and {} more", 2_000 - shown)), "{shown}");
        assert!(text.contains("</details>"));
    }
}
