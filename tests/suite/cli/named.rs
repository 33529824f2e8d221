//! Services and manifests that are named on the command line, and what was probably meant.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::{Said, portolan, run};
use crate::emulator::{OverHttp, Served};

const MANIFEST: &str = include_str!("../../../manifests/harbour/fleet.yaml");
const WORLD: &str = include_str!("../../../src/cli/demo/world.yaml");

/// The broken harbour.
fn harbour() -> (Served, TempDir) {
    let home = TempDir::new().expect("a folder");
    fs::write(home.path().join("fleet.yaml"), MANIFEST).expect("a file");
    (Served::serve(portolan::sandbox::world_file::load("world.yaml", WORLD).expect("a world")), home)
}

fn ask((aws, home): &(Served, TempDir), args: &[&str]) -> Said {
    let args = [args, &["--endpoint-url", aws.endpoint(), "--region", "eu-west-1"]].concat();
    Said::of(portolan(home.path(), &args).output().expect("it starts"))
}

#[test]
fn a_manifest_in_the_place_of_an_argument_is_told_the_option() {
    for verb in ["validate", "reconcile", "drift", "run", "status", "trace"] {
        for file in ["fleet.yaml", "./manifests", "."] {
            let said = run(&[verb, file]);
            said.ends(2);
            assert_eq!(said.stdout, "");
            let hint = format!("hint: pass the manifest with -f: `portolan {verb} -f {file}`");
            assert!(said.stderr.contains(&hint), "{}", said.stderr);
            let document = run(&[verb, file, "-o", "json"]).json();
            assert!(document["errors"][0]["hint"].as_str().is_some_and(|hint| hint.contains("-f")), "{document}");
        }
    }
    let said = run(&["fleet.yaml"]);
    said.ends(2);
    assert!(said.stderr.contains("-f fleet.yaml"), "{}", said.stderr);
    let said = run(&["sandbox", "world.yaml"]);
    said.ends(2);
    assert!(said.stderr.contains("--world world.yaml"), "{}", said.stderr);
}

#[test]
fn status_shows_the_services_that_are_named() {
    let harbour = harbour();
    let names = |said: &Said| -> Vec<String> {
        let lines = said.stdout.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        lines.map(str::to_owned).collect()
    };
    for of in [&["-f", "fleet.yaml"][..], &["--cluster", "prod"]] {
        let said = ask(&harbour, &[&["status", "prod/search", "cart"], of].concat());
        said.ends(1);
        assert_eq!(names(&said), ["prod/cart", "prod/search"], "{of:?}");
        // Of those alone is the exit code, too.
        let said = ask(&harbour, &[&["status", "cart"], of].concat());
        said.ends(0);
        assert_eq!(names(&said), ["prod/cart"], "{of:?}");
        let document: Value = ask(&harbour, &[&["status", "cart", "-o", "json"], of].concat()).json();
        assert_eq!(document["services"].as_array().map(Vec::len), Some(1), "{document}");
    }
}

#[test]
fn a_name_that_no_service_has_is_an_error_with_the_nearest_one() {
    let harbour = harbour();
    for verb in ["status", "trace"] {
        for of in [&["-f", "fleet.yaml"][..], &["--cluster", "prod"]] {
            let said = ask(&harbour, &[&[verb, "chekout"], of].concat());
            said.ends(2);
            assert!(
                said.stderr.contains("error: service chekout not found\n  hint: did you mean checkout?"),
                "{}",
                said.stderr
            );
            let said = ask(&harbour, &[&[verb, "billing"], of].concat());
            said.ends(2);
            assert!(said.stderr.contains("hint: services: cart, catalog,"), "{}", said.stderr);
        }
    }
}

#[test]
fn trace_takes_a_service_by_what_status_calls_it_too() {
    let harbour = harbour();
    for (path, titles) in
        [("cart", 1), ("cart/http", 1), ("prod/cart", 1), ("prod/cart/http", 1), ("prod/chekout", 0), ("cart/htp", 0)]
    {
        let said = ask(&harbour, &["trace", path, "-f", "fleet.yaml"]);
        said.ends(if titles == 0 { 2 } else { 0 });
        let shown: Vec<_> = said.stdout.lines().filter(|line| line.starts_with("public:80 ")).collect();
        assert_eq!(shown.len(), titles, "{path}: {}", said.stderr);
        assert!(shown.iter().all(|title| title.starts_with("public:80 → cart → cart/http")), "{path}: {shown:?}");
    }
    let hint = |path: &str| ask(&harbour, &["trace", path, "-f", "fleet.yaml"]).stderr;
    assert!(hint("prod/chekout").contains("hint: did you mean prod/checkout?"), "{}", hint("prod/chekout"));
    assert!(hint("cart/htp").contains("hint: did you mean cart/http?"), "{}", hint("cart/htp"));
    assert!(hint("chekout/http").contains("hint: did you mean checkout?"), "{}", hint("chekout/http"));
}

#[test]
fn trace_broken_leaves_out_what_is_reachable_and_says_how_much() {
    let harbour = harbour();
    let all = ask(&harbour, &["trace", "-f", "fleet.yaml"]);
    let broken = ask(&harbour, &["trace", "-f", "fleet.yaml", "--broken"]);
    all.ends(1);
    broken.ends(1);
    let titles = |said: &Said| said.stdout.lines().filter(|line| line.starts_with("public:80 ")).count();
    assert_eq!((titles(&all), titles(&broken)), (8, 7));
    assert!(broken.stdout.contains("payments/http  degraded\n") && !broken.stdout.contains("cart/http"));
    let last = |said: &Said| said.stdout.lines().last().unwrap_or_default().to_owned();
    assert_eq!(last(&broken), format!("{} Not shown: 1 reachable.", last(&all)));
    let document = ask(&harbour, &["trace", "-f", "fleet.yaml", "--broken", "-o", "json"]).json();
    assert_eq!(document["paths"].as_array().map(Vec::len), Some(7));
    assert_eq!((&document["leftOut"]["reachable"], &document["verdict"]), (&1.into(), &"broken".into()));
    assert_eq!(ask(&harbour, &["trace", "-f", "fleet.yaml", "-o", "json"]).json()["leftOut"], Value::Null);

    let said = ask(&harbour, &["trace", "cart", "-f", "fleet.yaml", "--broken"]);
    said.ends(0);
    assert_eq!(said.stdout, "1 path: 1 reachable. Not shown: 1 reachable.\n");
}
