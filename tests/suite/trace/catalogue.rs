//! The catalogue is complete, its old names still work, and its page is generated from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan::trace::catalogue::{aliases, all, all_named, page};

#[test]
fn every_number_has_one_entry_and_every_name_one_meaning() {
    let numbers: Vec<usize> = all().map(|entry| entry.number.into()).collect();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
    assert!(numbers.len() >= 60, "a number is never taken back");
    let names: BTreeSet<&str> = all().map(|entry| entry.name).collect();
    assert_eq!(names.len(), numbers.len());
}

/// What the sources of tracing name of the catalogue, by `codes::` and `named::`.
fn constants_in_use(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            constants_in_use(&path, found);
        } else {
            let text = fs::read_to_string(&path).expect("a source");
            let code: String = text.split("#[cfg(test)]").take(1).collect();
            let uses = ["codes::", "named::"].into_iter().flat_map(|module| code.split(module).skip(1));
            let is_part = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
            found.extend(uses.map(|rest| rest.chars().take_while(|letter| is_part(*letter)).collect::<String>()));
        }
    }
}

/// That what is reported is in the catalogue, the compiler knows.
#[test]
fn every_fault_that_trace_looks_for_is_reported_somewhere() {
    let mut used = BTreeSet::new();
    constants_in_use(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/trace"), &mut used);
    let looked_for = all().filter(|entry| entry.hop.is_some()).map(|entry| entry.name);
    let names: Vec<&str> = looked_for.chain(all_named().map(|entry| entry.name)).collect();
    let idle: Vec<&str> =
        names.into_iter().filter(|name| !used.contains(&name.to_uppercase().replace('-', "_"))).collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn every_fault_without_a_number_is_on_the_page() {
    let listed: BTreeSet<&str> = all_named().map(|entry| entry.name).collect();
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
