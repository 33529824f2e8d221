//! The catalogue is complete, and the page about it is made of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan::trace::catalogue::{all, page};

#[test]
fn every_number_has_one_entry_and_every_name_one_meaning() {
    let numbers: Vec<u8> = all().map(|entry| entry.code.0).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<u8>>());
    let names: BTreeSet<&str> = all().map(|entry| entry.name).collect();
    assert_eq!(names.len(), 60);
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
