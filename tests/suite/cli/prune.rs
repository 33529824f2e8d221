//! A rule that gives requests to healthy targets, and that no manifest names: it goes by a consent of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::{Said, portolan};
use crate::emulator::{OverHttp, Served};
use crate::moto;

const MANIFEST: &str = include_str!("../../../manifests/harbour/fleet.yaml");
const WORLD: &str = include_str!("../../../src/cli/demo/world.yaml");

/// The sound harbour with a rule that an earlier manifest had made, and a manifest that prunes.
fn harbour() -> (Served, TempDir) {
    let (text, _) = WORLD.split_once("\nthen:").expect("what breaks it");
    let text = format!(
        "{text}
then:
  - call: elasticloadbalancing:RegisterTargets
    with: {{TargetGroupArn: $targetGroup/ledger, Targets: [{{Id: 10.0.10.5, Port: 8080}}]}}
  - call: elasticloadbalancing:CreateRule
    with:
      ListenerArn: $listener/public:80
      Priority: 90
      Conditions: [{{Field: path-pattern, Values: [\"/books/*\"]}}]
      Actions: [{{Type: forward, TargetGroupArn: $targetGroup/ledger}}]
      Tags:
        - {{Key: portolan.dev/fleet, Value: harbour}}
        - {{Key: portolan.dev/object, Value: TargetGroup/books}}
  - advance: 600
"
    );
    let world = portolan::sandbox::world_file::load("world.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
    let home = TempDir::new().expect("a folder");
    let manifest = MANIFEST.replacen("mode: enforce", "mode: enforce\n  removal: {prune: true, budget: 10}", 1);
    assert_ne!(manifest, MANIFEST);
    fs::write(home.path().join("fleet.yaml"), manifest).expect("a file");
    (Served::serve(world), home)
}

fn reconcile(aws: &Served, home: &Path, options: &[&str]) -> Said {
    let mut command =
        portolan(home, &["reconcile", "-f", "fleet.yaml", "--endpoint-url", aws.endpoint(), "-o", "json"]);
    Said::of(command.args(options).output().expect("it starts"))
}

/// Answers the question of a run on a terminal; what it said there, and its exit code.
fn on_a_terminal(aws: &Served, home: &Path, answer: &str) -> (String, Option<i32>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/cli/terminal.py");
    let asked =
        portolan(home, &["reconcile", "-f", "fleet.yaml", "--endpoint-url", aws.endpoint(), "--color", "never"]);
    let mut command = Command::new(moto::environment().join("bin/python"));
    command.args([script, answer]).arg(asked.get_program()).args(asked.get_args()).current_dir(home);
    command.envs(asked.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().expect("python starts");
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

fn actions(said: &Said) -> Vec<String> {
    let steps = said.json()["steps"].as_array().expect("steps").clone();
    let word = |step: &Value| format!("{} {}", step["action"].as_str().unwrap_or_default(), step["result"]);
    steps.iter().map(word).collect()
}

/// Whether the rule is still there.
fn is_there(aws: &Served, home: &Path) -> bool {
    let said = reconcile(aws, home, &["--dry-run"]);
    let blocked = said.json()["blocked"].to_string();
    assert_eq!(blocked.contains("it takes requests away from 1 healthy target of ledger"), blocked.contains("rule 90"));
    blocked.contains("rule 90")
}

#[test]
fn neither_yes_nor_force_consents() {
    let (aws, home) = harbour();
    for options in [&["--yes"][..], &["--yes", "--force"]] {
        let said = reconcile(&aws, home.path(), options);
        said.ends(1);
        assert_eq!(actions(&said), [""; 0]);
        assert!(is_there(&aws, home.path()), "{options:?}");
    }
}

#[test]
fn an_option_of_its_own_consents() {
    let (aws, home) = harbour();
    let said = reconcile(&aws, home.path(), &["--yes", "--prune-serving"]);
    said.ends(0);
    let done = actions(&said);
    assert!(done.len() == 1 && done[0].starts_with("DeleteRule "), "{done:?}");
    assert!(said.json()["steps"][0]["reason"].as_str().is_some_and(|why| why.contains("1 healthy target of ledger")));
    reconcile(&aws, home.path(), &["--dry-run"]).ends(0);
}

#[test]
fn a_yes_at_the_prompt_consents_and_nothing_else_that_is_said_there() {
    let (aws, home) = harbour();
    let (said, code) = on_a_terminal(&aws, home.path(), "y");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it takes requests away from 1 healthy target of ledger"), "{said}");
    assert!(said.contains("Nothing was applied."), "{said}");
    assert!(is_there(&aws, home.path()));
    let (said, code) = on_a_terminal(&aws, home.path(), "yes");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("done    s0 DeleteRule"), "{said}");
    reconcile(&aws, home.path(), &["--dry-run"]).ends(0);
}
