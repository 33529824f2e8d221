//! The catalogue is complete, and the page about it is made of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan::trace::catalogue::{all, all_named, page};

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
