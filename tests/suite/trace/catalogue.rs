//! The catalogue is complete, its old names still work, and its page is generated from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan::trace::catalogue::{aliases, all, all_named, page};

#[test]
fn every_number_has_one_entry_and_every_name_one_meaning() {
    let numbers: Vec<u8> = all().map(|entry| entry.code.0).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<u8>>());
    let names: BTreeSet<&str> = all().map(|entry| entry.name).collect();
    assert_eq!(names.len(), 60);
}

/// Names without a number in the sources of tracing: the first text after each call that makes such a finding.
fn names_in_use(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            names_in_use(&path, found);
        } else {
            let text = fs::read_to_string(&path).expect("a source");
            let calls = text.split("Finding::unnumbered(").skip(1);
            let texts = calls.filter_map(|call| call.split('"').nth(1));
            found.extend(texts.map(str::to_owned));
        }
    }
}

#[test]
fn every_finding_without_a_number_is_in_the_catalogue_and_on_the_page() {
    let mut used = BTreeSet::new();
    names_in_use(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/trace"), &mut used);
    let listed: BTreeSet<String> = all_named().map(|entry| entry.name.to_owned()).collect();
    assert_eq!(used, listed);
    assert!(listed.iter().all(|name| page().contains(&format!("\n### {name}\n"))));
    assert!(all().all(|entry| !listed.contains(entry.name)), "a name has one meaning");
}

#[test]
fn the_page_about_the_catalogue_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/trace.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, page()).expect("docs/trace.md can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, page(), "UPDATE_EXPECT=1 writes it");
}

/// Names that earlier versions reported and that changed since.
const FORMER: &[&str] = &[
    "acl-of-load-balancer-subnet",
    "acl-of-target-subnet",
    "client-addresses-kept-out",
    "clients-kept-out",
    "container-check-fails",
    "dead-address",
    "default-action-swallows",
    "default-group",
    "deployment-does-not-arrive",
    "draining-shorter-than-stopping",
    "dynamic-ports-closed",
    "grpc-health-code",
    "health-check-port-closed",
    "health-path-or-matcher",
    "host-header-refused",
    "host-port-taken",
    "killed-before-it-is-up",
    "load-balancer-egress-closed",
    "load-balancer-without-groups",
    "login-first",
    "network-load-balancer-egress-closed-to-checks",
    "no-interface-left",
    "no-network",
    "pattern-mismatch",
    "rewritten-on-the-way",
    "rolled-back",
    "rule-in-the-shade",
    "schedule-pins-dead-revision",
    "service-connect-port-closed",
    "stale-group-reference",
    "stranger-among-the-targets",
    "target-group-closed-to-load-balancer",
    "target-group-of-another-vpc",
    "target-type-of-another-mode",
    "too-slow",
    "weight-elsewhere",
    "weights-reset",
    "wired-to-another-port",
    "wrong-group-edited",
];

#[test]
fn a_former_name_leads_to_one_entry_and_is_on_the_page() {
    let names: Vec<&str> = all().map(|entry| entry.name).chain(all_named().map(|entry| entry.name)).collect();
    let listed: Vec<&str> = names.iter().flat_map(|name| aliases(name)).copied().collect();
    let unique: BTreeSet<&str> = listed.iter().chain(&names).copied().collect();
    assert_eq!(unique.len(), listed.len() + names.len(), "a name or alias has one meaning");
    for former in FORMER {
        assert!(listed.contains(former), "{former} is no alias");
        assert!(page().contains(&format!("Formerly `{former}`.")), "{former} is not on the page");
    }
    assert_eq!(listed.len(), FORMER.len(), "a renamed code needs its former name here");
    assert!(page().contains("<a id=\"m40-rule-in-the-shade\"></a>"), "links to old anchors work");
}
