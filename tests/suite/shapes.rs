//! AWS's blocks: the tables in the documentation, and what is true of every row.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan::shape::{
    Absent, Effect, Kind, Member, Path as MemberPath, SERVICE, Structure, TASK_DEFINITION, differences,
};
use serde_json::{Value, json};

fn type_of(kind: &Kind) -> String {
    match kind {
        Kind::Text(_) => "text".to_owned(),
        Kind::Number { from, to } if *to >= i64::from(i32::MAX) => format!("number from {from}"),
        Kind::Number { from, to } => format!("number, {from} to {to}"),
        Kind::Decimal { from, to } => format!("number, {} to {}", *from as f64 / 10.0, *to as f64 / 10.0),
        Kind::Boolean => "`true`, `false`".to_owned(),
        Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::Cpu | Kind::Memory => "number or text".to_owned(),
        Kind::Map => "mapping of text".to_owned(),
        Kind::Structure(_) => "mapping".to_owned(),
        Kind::List(of, _) => format!("list of {}", plural(of)),
        Kind::Anything => "any".to_owned(),
    }
}

fn plural(kind: &Kind) -> String {
    match kind {
        Kind::Text(_) => "texts".to_owned(),
        Kind::Number { .. } => "numbers".to_owned(),
        Kind::Structure(_) => "mappings".to_owned(),
        other => type_of(other),
    }
}

fn absent(member: &Member) -> String {
    match member.absent {
        Absent::Nothing | Absent::Text("") => String::new(),
        Absent::Text(text) => format!("`{text}`"),
        Absent::Number(number) => format!("`{number}`"),
        Absent::Boolean(value) => format!("`{value}`"),
        Absent::Member(name) => format!("`{name}`"),
    }
}

/// The block inside a member, if it has one.
fn inner(kind: &Kind) -> Option<&'static Structure> {
    match kind {
        Kind::Structure(of) => Some(of),
        Kind::List(of, _) => inner(of),
        Kind::Text(_)
        | Kind::Number { .. }
        | Kind::Decimal { .. }
        | Kind::Boolean
        | Kind::Word(_)
        | Kind::Cpu
        | Kind::Memory
        | Kind::Map
        | Kind::Anything => None,
    }
}

fn rows(structure: &Structure, before: &str, lines: &mut Vec<String>) {
    for member in structure.members.iter().filter(|member| !member.is_output) {
        let list = if matches!(member.kind, Kind::List(..)) { "[]" } else { "" };
        let path = format!("{before}{}", member.name);
        let empty = if member.may_be_empty { "; `[]` keeps it empty" } else { "" };
        let needed = if member.is_required { "; required" } else { "" };
        lines.push(format!(
            "| `{path}` | {}{empty}{needed} | {} | {} |",
            type_of(&member.kind),
            absent(member),
            member.help
        ));
        if let Some(inner) = inner(&member.kind) {
            rows(inner, &format!("{path}{list}."), lines);
        }
    }
}

/// Writes a table between two comments of a page, or compares it.
fn table(page: &str, name: &str, structure: &Structure) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).expect("the page");
    let (begin, end) = (format!("<!-- members of {name} -->\n"), format!("<!-- end of members of {name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{page} has no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{page} has no {end}"));
    let mut lines = vec!["| member | type | left out | meaning |".to_owned(), "|---|---|---|---|".to_owned()];
    rows(structure, "", &mut lines);
    let written = format!("{before}{begin}{}\n{end}{after}", lines.join("\n"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &written).expect("the page is written");
    }
    assert_eq!(written, fs::read_to_string(&path).expect("the page"), "UPDATE_EXPECT=1 writes it");
}

#[test]
fn the_page_about_the_manifest_lists_the_members() {
    table("docs/manifest.md", "a service", &SERVICE);
    table("docs/task-definition.md", "a task definition", &TASK_DEFINITION);
}

fn every(structure: &'static Structure, seen: &mut BTreeSet<&'static str>, found: &mut Vec<(&'static str, Member)>) {
    if !seen.insert(structure.name) {
        return;
    }
    for member in structure.members {
        found.push((structure.name, *member));
        if let Some(inner) = inner(&member.kind) {
            every(inner, seen, found);
        }
    }
}

fn all() -> Vec<(&'static str, Member)> {
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    every(&SERVICE, &mut seen, &mut found);
    every(&TASK_DEFINITION, &mut seen, &mut found);
    found
}

#[test]
fn every_row_has_a_name_of_its_own_and_says_what_it_is() {
    let mut names = BTreeSet::new();
    for (structure, member) in all() {
        assert!(names.insert((structure, member.name)), "{structure}.{} has two rows", member.name);
        assert!(member.help.ends_with('.'), "{structure}.{}", member.name);
        assert!(!member.name.starts_with(|first: char| first.is_uppercase()), "{structure}.{}", member.name);
    }
    assert!(names.len() > 200, "only {} rows", names.len());
}

#[test]
fn what_is_left_out_is_a_value_that_the_row_takes() {
    for (structure, member) in all() {
        let fits = match (&member.absent, &member.kind) {
            (Absent::Nothing, _)
            | (Absent::Text(_), Kind::Text(_))
            | (Absent::Boolean(_), Kind::Boolean)
            | (Absent::Member(_), _) => true,
            (Absent::Text(text), Kind::Word(words)) => words.contains(text),
            (Absent::Number(number), Kind::Number { from, to }) => (from..=to).contains(&number),
            (Absent::Number(number), Kind::Decimal { from, to }) => (*from..=*to).contains(&(number * 10)),
            _ => false,
        };
        assert!(fits, "{structure}.{}: {:?}", member.name, member.absent);
    }
}

#[test]
fn only_members_of_a_service_and_of_its_deployments_take_effect_at_different_times() {
    for (structure, member) in all() {
        let of_service = [SERVICE.name, "DeploymentConfiguration"].contains(&structure);
        assert!(of_service || member.effect == Effect::InPlace, "{structure}.{}", member.name);
    }
}

/// Each difference with what it shows of both sides.
fn shown(structure: &Structure, live: &Value, declared: &Value) -> Vec<String> {
    let (Value::Object(live), Value::Object(declared)) = (live, declared) else { panic!("two blocks") };
    let found = differences(structure, live, declared, &MemberPath::default());
    found.iter().map(|found| format!("{}: {:?} → {:?}", found.path, found.live, found.declared)).collect()
}

#[test]
fn a_declared_latest_platform_version_is_any_and_a_live_one_is_not() {
    let of = |version: &str| json!({"platformVersion": version});
    assert_eq!(shown(&SERVICE, &of("1.4.0"), &of("LATEST")), Vec::<String>::new());
    assert_eq!(shown(&SERVICE, &of("LATEST"), &of("1.4.0")), ["platformVersion: Some(\"LATEST\") → Some(\"1.4.0\")"]);
}

#[test]
fn options_that_are_probably_secrets_are_not_shown() {
    let of = |token: &str| {
        let options = json!({"splunk-url": "https://logs.example.com", "splunk-token": token, "Api_Key": token});
        json!({"containerDefinitions": [{"name": "app", "logConfiguration": {"logDriver": "splunk", "options": options}}]})
    };
    let found = shown(&TASK_DEFINITION, &of("hunter2"), &of("hunter3"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("https://logs.example.com") && !found[0].contains("hunter"), "{found:?}");
}
