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

/// Runs it with these options on the world of a handover. How it ended, and every code that somebody got who asked meanwhile.
async fn reconciled(options: &[&str]) -> (Answer, BTreeSet<Option<u16>>) {
    let world = world_file::load("world.yaml", WORLD).expect("a world");
    let shared = Shared::following(world, 1.0);
    let answering = shared.clone();
    let config = in_process::config("eu-west-1", move |request| answering.answer(request));
    let clients = Clients::new(&config).expect("clients");
    let source = Source { name: "fleet.yaml".to_owned(), text: MANIFEST.to_owned(), files: Default::default() };
    let desired = manifest::load(&[source]).expect("a manifest");
    let line = [&["portolan", "reconcile", "-f", "fleet.yaml", "-q", "--color", "never"], options].concat();
    let cli = Cli::try_parse_from(line).expect("options");
    let Verb::Reconcile(args) = &cli.verb else { panic!("another verb") };
    let (terminal, signals) =
        (Terminal::of(cli.global.color, cli.global.quiet, cli.global.verbose), Signals::default());
    let run = Run::on(clients, &cli.global, terminal, &signals, desired, Policy::default());
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
