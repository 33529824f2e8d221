//! What Portolan reads is a table (`src/model/query_table.rs`): the documentation of its calls and of its IAM actions is printed from it.
//! `UPDATE_EXPECT=1` writes both.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use portolan::model::{Kind, Operation, Purpose};

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a file with what it should say, or writes it.
fn expect_file(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(root(path), expected).unwrap();
    }
    let found = fs::read_to_string(root(path)).unwrap();
    assert!(found == expected, "{path} differs from the table of queries; UPDATE_EXPECT=1 writes it");
}

/// Replaces what stands between two marks.
fn replace(text: &mut String, begin: &str, end: &str, with: &str) {
    let from = text.find(begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
    let to = from + text[from..].find(end).unwrap_or_else(|| panic!("no {end}"));
    text.replace_range(from..to, with);
}

/// The calls that answers take, sorted.
fn calls(kinds: impl Iterator<Item = Kind>) -> Vec<&'static str> {
    let operations = kinds.flat_map(|kind| kind.facts().operations.iter().copied());
    let calls: BTreeSet<&str> = operations.map(Operation::call).collect();
    calls.into_iter().collect()
}

#[test]
fn the_policy_for_reading_allows_what_is_read_and_nothing_else() {
    let all = calls(Kind::ALL.iter().copied());
    let table: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.call()).collect();
    assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), table, "an operation that no query uses");
    let path = "docs/iam/observe.json";
    let mut policy = fs::read_to_string(root(path)).unwrap();
    let list = all.iter().map(|call| format!("        \"{call}\"")).collect::<Vec<_>>().join(",\n");
    replace(&mut policy, "\"Action\": [\n", "\n      ]", &list);
    expect_file(path, &policy);
}

/// A table of the kinds that are asked for a purpose.
fn table(purpose: Purpose) -> String {
    let mut text = String::from("| what | calls | how often |\n|---|---|---|\n");
    for kind in Kind::ALL.iter().filter(|kind| kind.facts().purpose == purpose) {
        let facts = kind.facts();
        if facts.operations.is_empty() {
            continue;
        }
        let calls: Vec<String> = facts.operations.iter().map(|operation| format!("`{}`", operation.call())).collect();
        writeln!(text, "| {} | {} | {} |", kind.what(), calls.join(", "), facts.how_often).unwrap();
    }
    text
}

#[test]
fn the_page_on_calls_lists_every_query() {
    let path = "docs/aws.md";
    let mut page = fs::read_to_string(root(path)).unwrap();
    for (purpose, name) in [(Purpose::Plan, "plan"), (Purpose::Trace, "trace"), (Purpose::Outline, "outline")] {
        replace(&mut page, &format!("<!-- calls: {name} -->\n"), "<!-- end of calls -->\n", &table(purpose));
    }
    expect_file(path, &page);
}
