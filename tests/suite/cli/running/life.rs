//! The life of the service on both emulators: it repairs, follows its manifest through changes and mistakes, and stops in order,
//! in the middle of a pass too.

use std::io::Write;
use std::process::{Command, Stdio};

use super::Service;
use crate::emulator::{OverHttp, on_each_emulator};
use crate::moto;
use crate::moto::seed::{self, Fleet, Seeded};
use crate::proxy::Proxy;

on_each_emulator! {
    on_the_sandbox: crate::emulator::Served::start;
    a_fleet_is_kept_while_its_manifest_changes_breaks_and_is_mended,
    the_call_under_way_is_finished_and_nothing_follows_it,
}

async fn count(fleet: &Fleet, service: &Seeded) -> i32 {
    let (ecs, ..) = fleet.sdk();
    let found = ecs.describe_services().cluster(seed::CLUSTER).services(&service.name).send().await.expect("services");
    found.services()[0].desired_count()
}

async fn health_path(fleet: &Fleet, service: &Seeded) -> String {
    let (_, elb, _) = fleet.sdk();
    let found = elb.describe_target_groups().names(&service.name).send().await.expect("target groups");
    found.target_groups()[0].health_check_path().expect("a path").to_owned()
}

/// Whether every object of the status is in sync.
fn in_sync(service: &Service) -> bool {
    let (_, text) = service.get("GET", "/api/v1/status");
    let status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let objects = status["objects"].as_array().expect("objects");
    !objects.is_empty() && objects.iter().all(|object| object["inSync"] == true)
}

/// The scrape as Prometheus's own client reads it, and by Prometheus's naming rules.
#[track_caller]
fn lint(metrics: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/deploy/metrics.py");
    let mut command = Command::new(moto::environment().join("bin/python"));
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("python starts");
    child.stdin.take().expect("its input").write_all(metrics.as_bytes()).expect("it reads");
    let said = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(said.status.success(), "{}{}\n{metrics}", text(&said.stdout), text(&said.stderr));
}

async fn a_fleet_is_kept_while_its_manifest_changes_breaks_and_is_mended(on: &impl OverHttp) {
    let fleet = seed::sound_fleet(on, &["cart", "catalog"]).await;
    let [cart, catalog] = fleet.services.as_slice() else { panic!("two services") };
    fleet.set_count(catalog, 0).await;

    let manifest = fleet.manifest();
    let mut service = Service::on(on.endpoint(), &manifest, &[]);
    service.wait_for("pass finished");
    assert_eq!(count(&fleet, catalog).await, 1, "repaired");
    assert_eq!(service.get("GET", "/readyz").0, 200);

    service.declare(&manifest.replacen("path: /healthz", "path: /ready", 1));
    service.signal("-HUP");
    service.wait_for("using a new manifest");
    service.wait_for("pass finished");
    assert_eq!(health_path(&fleet, cart).await, "/ready", "changed");

    service.declare(&manifest.replacen("desiredCount", "desiredCuont", 1));
    fleet.set_count(catalog, 0).await;
    service.signal("-HUP");
    service.wait_for("keeps using the last valid one");
    service.wait_for("pass finished");
    assert_eq!(count(&fleet, catalog).await, 1, "by the last good manifest");
    let (_, metrics) = service.get("GET", "/metrics");
    assert!(
        metrics.lines().any(|line| line.starts_with("portolan_manifest_refused") && line.ends_with(" 1")),
        "{metrics}"
    );
    lint(&metrics);

    service.declare(&manifest);
    service.signal("-HUP");
    service.wait_for("using a new manifest");
    service.wait_for("pass finished");
    assert_eq!(health_path(&fleet, cart).await, "/healthz", "mended");
    let (_, metrics) = service.get("GET", "/metrics");
    assert!(
        metrics.lines().any(|line| line.starts_with("portolan_manifest_refused") && line.ends_with(" 0")),
        "{metrics}"
    );
    lint(&metrics);
    assert!(in_sync(&service));

    service.signal("-TERM");
    let (said, code) = service.end();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.ends_with("portolan: stopped (exit 143)\n"), "{said}");
}

async fn the_call_under_way_is_finished_and_nothing_follows_it(on: &impl OverHttp) {
    let fleet = seed::bare(on, &["cart"]).await;
    let (proxy, held) = Proxy::holding(on.endpoint(), "CreateTargetGroup");
    let mut service = Service::on(proxy.endpoint(), &fleet.manifest(), &[]);
    held.wait();
    service.signal("-TERM");
    service.wait_for("waiting for calls in flight");
    held.release();
    let (said, code) = service.end();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.ends_with("portolan: stopped (exit 143)\n"), "{said}");
    assert!(!said.contains("sending"), "something started after the signal: {said}");
    let (_, elb, _) = fleet.sdk();
    let groups = elb.describe_target_groups().send().await.expect("target groups");
    assert_eq!(groups.target_groups().len(), 1, "what was sent has arrived");
    let rules = elb.describe_rules().listener_arn(&fleet.listener).send().await.expect("rules");
    assert!(rules.rules().iter().all(|rule| rule.is_default() == Some(true)), "the rule that follows it was not made");
}
