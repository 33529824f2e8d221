//! What one run of `reconcile` leaves for later ones, and `--wait`, which goes on by itself.

use portolan::sandbox::world_file;
use serde_json::Value;

use super::{Said, portolan};
use crate::emulator::{OverHttp, Served};

const PARKING: (&str, &str) = (include_str!("../parking/world.yaml"), include_str!("../parking/manifest.yaml"));

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
