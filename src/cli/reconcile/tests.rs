//! `reconcile --wait` through a whole handover, on the sandbox in this process and by its clock: no test waits for minutes.

use std::collections::BTreeSet;

use clap::Parser;

use super::super::args::{Cli, Verb};
use super::*;
use crate::aws::{Clients, in_process};
use crate::manifest::{self, Source};
use crate::plan::Policy;
use crate::sandbox::{Sent, Shared, world_file};

const WORLD: &str = include_str!("../../../tests/suite/handover/world.yaml");
const MANIFEST: &str = include_str!("../../../tests/suite/handover/manifest.yaml");

/// What the world runs, with the image that a test declares. The circuit breaker rolls back.
const IMAGE: &str = "
apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: shop}
spec: {region: eu-west-1, account: \"123456789012\", cluster: prod, vpc: main, mode: enforce, redeploy: allow}
---
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: web}
spec:
  network: {mode: awsvpc, subnets: [priv-a, priv-b], securityGroups: [web]}
  ports: [{name: http, container: web, containerPort: 8080, targetGroups: [web]}]
  deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true}}
  taskDefinition: {containerDefinitions: [{name: web, image: \"web:2\"}]}
---
apiVersion: portolan.dev/v1alpha1
kind: TargetGroup
metadata: {name: web}
spec: {loadBalancer: edge, routes: [{listener: 80, default: true}]}
";

/// Runs it with these options on the world of a handover. How it ended, and every code that somebody got who asked meanwhile.
async fn reconciled(options: &[&str]) -> (Answer, BTreeSet<Option<u16>>) {
    let world = world_file::load("world.yaml", WORLD).expect("a world");
    reconciled_on(&Shared::following(world, 1.0), MANIFEST, options).await
}

async fn reconciled_on(shared: &Shared, manifest: &str, options: &[&str]) -> (Answer, BTreeSet<Option<u16>>) {
    run_on(shared, manifest, options, Policy::default()).await
}

async fn run_on(shared: &Shared, manifest: &str, options: &[&str], policy: Policy) -> (Answer, BTreeSet<Option<u16>>) {
    let answering = shared.clone();
    let config = in_process::config("eu-west-1", move |request| answering.answer(request));
    let clients = Clients::new(&config).expect("clients");
    let source = Source { name: "fleet.yaml".to_owned(), text: manifest.to_owned(), files: Default::default() };
    let desired = manifest::load(&[source]).expect("a manifest");
    let line = [&["portolan", "reconcile", "-f", "fleet.yaml", "-q", "--color", "never"], options].concat();
    let mut cli = Cli::try_parse_from(line).expect("options");
    cli.global.outputs = super::super::usage::outputs(&cli).unwrap_or_else(|_| panic!("an output"));
    let Verb::Reconcile(args) = &cli.verb else { panic!("another verb") };
    let (terminal, signals) =
        (Terminal::of(cli.global.color, cli.global.quiet, cli.global.verbose), Signals::default());
    let run = Run::on(clients, &cli.global, terminal, &signals, desired, policy);
    let mut codes = BTreeSet::new();
    let asking = async {
        loop {
            sleep(Duration::from_secs(10)).await;
            codes.insert(shared.world().request(&Sent::get("www.example.com", "/")).code);
        }
    };
    let answer = tokio::select! {
        answer = Box::pin(carry_on(args, &run, false)) => answer,
        () = asking => unreachable!("it never ends"),
    };
    (answer.unwrap_or_else(|_| panic!("it fails")), codes)
}

#[tokio::test(start_paused = true)]
async fn waiting_goes_through_a_whole_handover_by_the_clock_of_aws() {
    let (answer, codes) = reconciled(&["--yes", "--wait", "--timeout", "1h"]).await;
    assert_eq!(answer.exit, Exit::Sound, "{}", answer.texts.stdout);
    assert_eq!(codes, BTreeSet::from([Some(200)]));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_short_says_what_is_left() {
    let (answer, codes) = reconciled(&["--yes", "--wait", "--timeout", "10m"]).await;
    assert_ne!(answer.exit, Exit::Sound);
    assert!(answer.texts.stdout.contains("take web out of service prod/web"), "{}", answer.texts.stdout);
    assert_eq!(codes, BTreeSet::from([Some(200)]));
}

/// The world of a new image; `app` says in YAML how the program of that image behaves.
fn rollout(app: &str) -> Shared {
    let text = format!("{WORLD}apps: {{\"web:2\": {app}}}\n");
    Shared::following(world_file::load("world.yaml", &text).expect("a world"), 1.0)
}

const WAIT: [&str; 4] = ["--yes", "--wait", "--timeout", "2h"];

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_success_of_the_deployment_and_says_which() {
    let shared = rollout("{listens: [{port: 8080}]}");
    let (answer, codes) = reconciled_on(&shared, IMAGE, &WAIT).await;
    assert_eq!(answer.exit, Exit::Sound, "{}", answer.texts.stdout);
    assert!(answer.texts.stdout.contains("= SUCCESSFUL: web:2 on prod/web (ecs-svc/"), "{}", answer.texts.stdout);
    assert_eq!(codes, BTreeSet::from([Some(200)]));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_deployment_that_is_rolled_back_fails_and_later_passes_are_blocked() {
    let shared = rollout("{crashesAfter: 20}");
    let (answer, codes) = reconciled_on(&shared, IMAGE, &[&WAIT[..], &["-o", "json"]].concat()).await;
    assert_eq!(answer.exit, Exit::Error, "{}", answer.texts.stdout);
    let document: serde_json::Value = serde_json::from_str(&answer.texts.stdout).expect("JSON");
    let deployment = &document["deployments"][0];
    assert_eq!((&document["verdict"], &deployment["status"]), (&"failed".into(), &"ROLLBACK_SUCCESSFUL".into()));
    assert_eq!(deployment["reason"], "tasks failed to start.");
    let container = &deployment["failedTasks"][0]["containers"][0];
    assert_eq!((&container["name"], &container["exitCode"]), (&"web".into(), &1.into()), "{deployment}");
    let message = document["errors"][0]["message"].as_str().expect("a message");
    assert!(message.contains("container web exited with code 1 (Essential container in task exited)"), "{message}");
    assert_eq!(codes, BTreeSet::from([Some(200)]), "the old tasks answer");
    let (answer, _) = reconciled_on(&shared, IMAGE, &WAIT).await;
    assert_eq!(answer.exit, Exit::Difference, "{}", answer.texts.stdout);
    assert!(
        answer.texts.stdout.contains("ECS rolled back the last deployment of this configuration"),
        "{}",
        answer.texts.stdout
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_rollback_a_wait_fails_as_well_and_does_not_wait_for_ever() {
    let shared = rollout("{cannotStart: true}");
    let manifest = IMAGE.replace("rollback: true", "rollback: false");
    let (answer, codes) = reconciled_on(&shared, &manifest, &WAIT).await;
    assert_eq!(answer.exit, Exit::Error, "{}", answer.texts.stdout);
    assert!(answer.texts.stdout.contains("! STOPPED: web:2 on prod/web"), "{}", answer.texts.stdout);
    assert_eq!(codes, BTreeSet::from([Some(200)]));
    let (answer, _) = reconciled_on(&shared, &manifest, &["--dry-run"]).await;
    assert_eq!(answer.exit, Exit::Difference, "{}", answer.texts.stdout);
    assert!(answer.texts.stdout.contains("the service's current deployment failed"), "{}", answer.texts.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_began_after_the_deployment_ends_with_its_end_too() {
    let shared = rollout("{crashesAfter: 20}");
    assert_eq!(reconciled_on(&shared, IMAGE, &["--yes"]).await.0.exit, Exit::Sound);
    let (answer, _) = reconciled_on(&shared, IMAGE, &WAIT).await;
    assert_eq!(answer.exit, Exit::Error, "{}", answer.texts.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_rollback_that_stops_a_deployment_ends_well_when_it_is_rolled_back() {
    let shared = rollout("{cannotStart: true}");
    assert_eq!(reconciled_on(&shared, IMAGE, &["--yes"]).await.0.exit, Exit::Sound);
    let command = Some(Command::Rollback("web".to_owned()));
    let (answer, codes) = run_on(&shared, IMAGE, &WAIT, Policy { command, ..Policy::default() }).await;
    assert_eq!(answer.exit, Exit::Sound, "{}", answer.texts.stdout);
    assert!(answer.texts.stdout.contains("= ROLLBACK_SUCCESSFUL: web:2 on prod/web"), "{}", answer.texts.stdout);
    assert_eq!(codes, BTreeSet::from([Some(200)]));
    let (answer, _) = reconciled_on(&shared, IMAGE, &["--dry-run"]).await;
    assert_eq!(answer.exit, Exit::Difference, "{}", answer.texts.stdout);
    assert!(answer.texts.stdout.contains("was rolled back with `portolan rollback`"), "{}", answer.texts.stdout);
}
