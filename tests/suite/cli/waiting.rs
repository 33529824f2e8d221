//! What one run of `reconcile` leaves for later ones, and `--wait`, which goes on by itself.

use portolan::sandbox::world_file;
use serde_json::Value;

use super::{Said, portolan};
use crate::emulator::{OverHttp, Served};

const PARKING: (&str, &str) = (include_str!("../parking/world.yaml"), include_str!("../parking/manifest.yaml"));

/// A service whose image the manifest declares.
const ROLLOUT: (&str, &str) = (
    include_str!("../handover/world.yaml"),
    "apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: shop}
spec: {region: eu-west-1, account: \"123456789012\", cluster: prod, vpc: main, mode: enforce, redeploy: allow}
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: web}
spec: {taskDefinition: {containerDefinitions: [{name: web, image: \"web:2\"}]}}
",
);

/// Runs verbs on a world whose time runs fast.
fn run((world, manifest): (&str, &str), runs: &[&[&str]]) -> Vec<Said> {
    let aws = Served::serve_at(world_file::load("world.yaml", world).expect("a world"), 60.0);
    let home = super::home();
    std::fs::remove_file(home.path().join("service.yaml")).expect("a file");
    std::fs::write(home.path().join("fleet.yaml"), manifest).expect("a file");
    let said = runs.iter().map(|args| {
        let args = [args, &["-f", "fleet.yaml", "--endpoint-url", aws.endpoint(), "-o", "json"][..]].concat();
        Said::of(portolan(home.path(), &args).output().expect("it starts"))
    });
    said.collect()
}

#[test]
fn a_rollback_and_a_restart_are_plans_that_are_shown_applied_and_followed() {
    let yes = ["--yes", "--wait", "--timeout", "2h"];
    let runs: [&[&str]; 7] = [
        &[&["reconcile"], &yes[..]].concat(),
        &["rollback", "web", "--dry-run"],
        &["rollback", "web"],
        &[&["rollback", "web"], &yes[..]].concat(),
        &["drift"],
        &[&["restart", "web"], &yes[..]].concat(),
        &["rollback", "shop"],
    ];
    let said = run(ROLLOUT, &runs);
    for (said, code) in said.iter().zip([0, 1, 1, 0, 1, 0, 2]) {
        said.ends(code);
    }
    let documents: Vec<Value> = said.iter().map(Said::json).collect();
    let verdicts: Vec<&str> = documents.iter().filter_map(|document| document["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["applied", "pending", "pending", "applied", "blocked", "applied", "failed"]);
    for number in [0, 3, 5] {
        assert_eq!(documents[number]["deployments"][0]["status"], "SUCCESSFUL", "{}", documents[number]);
    }
    assert_eq!(documents[3]["deployments"][0]["taskDefinition"], "web:1");
    let actions: Vec<&str> =
        documents[1]["steps"].as_array().into_iter().flatten().filter_map(|step| step["action"].as_str()).collect();
    assert_eq!(actions, ["TagResource", "UpdateService"]);
    assert_eq!(documents[6]["errors"][0]["message"], "the manifest declares no service \"shop\"");
}

/// Runs `reconcile` on a world whose time runs fast, as often as there are sets of options.
fn reconcile((world, manifest): (&str, &str), speed: f64, runs: &[&[&str]]) -> Vec<Said> {
    let world = world_file::load("world.yaml", world).expect("a world");
    let aws = Served::serve_at(world, speed);
    let home = super::home();
    std::fs::remove_file(home.path().join("service.yaml")).expect("a file");
    std::fs::write(home.path().join("fleet.yaml"), manifest).expect("a file");
    let given = ["reconcile", "-f", "fleet.yaml", "--endpoint-url", aws.endpoint(), "-o", "json"];
    let said = runs.iter().map(|options| {
        let args = [&given[..], options].concat();
        Said::of(portolan(home.path(), &args).output().expect("it starts"))
    });
    said.collect()
}

#[test]
fn one_run_says_what_the_next_one_does_about_a_parked_rule() {
    let said = reconcile(PARKING, 0.0, &[&["--dry-run"], &["--yes"], &["--yes"]]);
    for said in said {
        said.ends(1);
        let document: Value = said.json();
        assert_eq!(document["verdict"], "pending");
        let planned = document["planned"].as_array().expect("a list");
        let whats: Vec<&str> = planned.iter().filter_map(|entry| entry["what"].as_str()).collect();
        assert!(whats.iter().any(|what| what.contains("its conditions: path /api/*")), "{whats:?}");
        assert!(whats.iter().any(|what| what.starts_with("set DNS failover of api back to 1")), "{whats:?}");
        assert!(planned.iter().all(|entry| entry["because"].as_str().is_some_and(|because| !because.is_empty())));
    }
}

#[test]
fn waiting_goes_on_until_a_parked_rule_takes_requests() {
    let said = reconcile(PARKING, 60.0, &[&["--yes", "--wait"], &["--dry-run"]]);
    for said in said {
        said.ends(0);
        assert_eq!(said.json()["planned"], Value::Array(Vec::new()));
    }
}
