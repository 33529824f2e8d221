//! Alerts and the board ask for metrics and labels that the service has. A scrape of a real one tells which these are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{agrees, of, python};
use crate::cli::running::Service;

/// Labels that Prometheus adds, and metrics that are not ours.
const SCRAPED: [&str; 2] = ["job", "instance"];
const FOREIGN: [&str; 1] = ["up"];

/// The samples of a scrape, each with its labels, and what was declared, even without a sample.
struct Scrape {
    names: BTreeSet<String>,
    labels: BTreeMap<String, BTreeSet<String>>,
}

impl Scrape {
    fn of(text: &str) -> Self {
        let (mut names, mut labels) = (BTreeSet::new(), BTreeMap::<_, BTreeSet<_>>::new());
        for line in text.lines() {
            if let Some(declared) = line.strip_prefix("# TYPE ") {
                let (name, kind) = declared.split_once(' ').unwrap();
                let ends: &[&str] = match kind {
                    "counter" => &["_total"],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                names.extend(ends.iter().map(|end| format!("{name}{end}")));
            } else if !line.starts_with('#') {
                let (head, _) = line.rsplit_once(' ').unwrap();
                let (name, rest) = head.split_once('{').unwrap_or((head, ""));
                let pairs = rest.split("\",").filter_map(|pair| pair.split_once('='));
                labels.entry(name.to_owned()).or_default().extend(pairs.map(|(label, _)| label.to_owned()));
            }
        }
        Self { names, labels }
    }
}

/// A service that has repaired a broken fleet.
fn scrape() -> Scrape {
    let mut service = Service::start(&[]);
    service.wait_for("pass finished");
    let (_, text) = service.get("GET", "/metrics");
    service.signal("-TERM");
    service.end();
    Scrape::of(&text)
}

/// Expressions as PromQL reads them: what Grafana puts in has stand-ins.
fn expressions() -> Vec<String> {
    let rules = of("prometheus/portolan.rules.yaml");
    let rules = rules["groups"][0]["rules"].as_array().unwrap().iter().map(|rule| rule["expr"].clone());
    let board = of("grafana/portolan.json");
    let panels = board["panels"].as_array().unwrap().iter();
    let panels = panels.flat_map(|panel| panel["targets"].as_array().unwrap()).map(|target| target["expr"].clone());
    let all = rules.chain(panels).map(|text| text.as_str().unwrap().replace("$__rate_interval", "5m"));
    all.inspect(|text| assert!(!text.contains('\n'), "{text}")).collect()
}

#[test]
fn alerts_and_board_ask_for_what_the_service_tells() {
    let (scrape, expressions) = (scrape(), expressions());
    assert!(expressions.len() >= 20, "{}", expressions.len());
    let read = agrees(&python("promql.py", &[], &expressions.join("\n")));
    let list = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    for (expression, line) in expressions.iter().zip(read.lines()) {
        let selected: Value = serde_json::from_str(line).unwrap();
        let metrics = list(&selected["metrics"]);
        let ours: Vec<_> = metrics.iter().filter(|name| !FOREIGN.contains(&name.as_str())).collect();
        for name in &ours {
            assert!(scrape.names.contains(*name), "{name} of {expression} is not one of {:#?}", scrape.names);
        }
        let known: BTreeSet<_> = ours.iter().filter_map(|name| scrape.labels.get(*name)).flatten().collect();
        let has_sample = ours.iter().any(|name| scrape.labels.contains_key(*name));
        for label in list(&selected["labels"]).iter().chain(&list(&selected["grouped"])) {
            let fine = SCRAPED.contains(&label.as_str()) || known.contains(label) || !has_sample;
            assert!(fine, "{label} of {expression} is not one of {known:?}");
        }
    }
}

/// The samples of a metric that have this value, each with its labels.
fn samples(text: &str, metric: &str, value: &str) -> Vec<BTreeMap<String, String>> {
    let heads = text.lines().filter_map(|line| line.strip_prefix(metric)?.strip_suffix(&format!("}} {value}")));
    let labels = heads.filter_map(|head| head.strip_prefix('{')).map(|head| {
        let pairs = head.split("\",").filter_map(|pair| pair.trim_end_matches('"').split_once("=\""));
        pairs.map(|(label, value)| (label.to_owned(), value.to_owned())).collect()
    });
    labels.collect()
}

#[test]
fn what_is_wrong_with_a_service_is_one_alert_and_missing_capacity_a_warning() {
    let mut service = Service::start(&["--observe"]);
    service.wait_for("pass finished");
    let (_, text) = service.get("GET", "/metrics");
    service.signal("-TERM");
    service.end();
    let of_object: BTreeMap<_, _> = samples(&text, "portolan_owner_info", "1")
        .into_iter()
        .map(|labels| (labels["object"].clone(), labels["service"].clone()))
        .collect();
    let broken = samples(&text, "portolan_reachable", "0");
    let services: BTreeSet<_> = broken.iter().map(|labels| of_object[&labels["object"]].as_str()).collect();
    // Four services with a target group each, and a target group that no service is behind.
    assert!(broken.len() > services.len() && services.contains("TargetGroup/ledger"), "{broken:#?}");
    assert!(services.iter().all(|service| !service.contains('/') || *service == "TargetGroup/ledger"), "{services:?}");

    let rules = of("prometheus/portolan.rules.yaml");
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    let rule = |name: &str| rules.iter().find(|rule| rule["alert"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(rule("PortolanDegraded")["labels"]["severity"], "warning");
    assert_eq!(rule("PortolanUnreachable")["labels"]["severity"], "critical");
    for name in ["PortolanDrift", "PortolanUnreachable", "PortolanDegraded"] {
        let expression = rule(name)["expr"].as_str().unwrap();
        let read = agrees(&python("promql.py", &[], expression));
        let selected: Value = serde_json::from_str(read.lines().next().unwrap()).unwrap();
        let grouped: Vec<String> = serde_json::from_value(selected["grouped"].clone()).unwrap();
        assert!(
            grouped.contains(&"service".to_owned()) && !grouped.contains(&"object".to_owned()),
            "{name}: {grouped:?}"
        );
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let rules = of("prometheus/portolan.rules.yaml");
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    for rule in rules {
        for field in ["summary", "description"] {
            assert!(rule["annotations"][field].as_str().is_some_and(|text| text.len() > 10), "{rule:#}");
        }
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{rule:#}");
    }
    assert!(rules.len() >= 8);
}

#[test]
fn the_board_stands_in_a_grid_and_asks_one_source() {
    let board = of("grafana/portolan.json");
    let panels = board["panels"].as_array().unwrap();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64()), "an id twice: {}", panel["title"]);
        assert_eq!(panel["datasource"]["uid"], "${datasource}");
        let of = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(of("x") + of("w") <= 24, "{}", panel["title"]);
        for (x, y) in (of("x")..of("x") + of("w")).flat_map(|x| (of("y")..of("y") + of("h")).map(move |y| (x, y))) {
            assert!(taken.insert((x, y)), "{} lies on another panel", panel["title"]);
        }
    }
}
