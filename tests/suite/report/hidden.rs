//! Names of others that hide something: text forms spell it out, JSON and SARIF keep the exact value.

use portolan::model::GroupRuleId;
use portolan::report::{github, junit, markdown, sarif};
use serde_json::Value;

use super::*;

/// What a terminal would obey, a line end that is none to everybody, a name that reads backwards, and what has no width.
const HOSTILE: &str = "a\u{1b}[2Jb\u{2028}c\u{202e}d\u{200b}e\u{2066}f\u{feff}g\u{85}h\u{ad}i";
const HIDDEN: [char; 8] = ['\u{1b}', '\u{2028}', '\u{202e}', '\u{200b}', '\u{2066}', '\u{feff}', '\u{85}', '\u{ad}'];

fn report() -> Report {
    let gap = Gap { call: format!("ec2:{HOSTILE}"), why: HOSTILE.to_owned() };
    let change = change(Field::Tag(HOSTILE.to_owned()), Some(HOSTILE), Some(HOSTILE));
    let blocked = Blocked {
        object: checkout(),
        what: HOSTILE.to_owned(),
        waiting_on: WaitingOn::difference(Reason::new(HOSTILE, HOSTILE)),
        action: None,
        changes: vec![change.clone()],
    };
    let action = Action::RevokeSecurityGroupIngress {
        group: GroupId::from("sg-1"),
        rule: GroupRuleId::from(HOSTILE),
        mark: Tags::new(),
        carriers: Default::default(),
    };
    let mut step = step(0, checkout(), action, HOSTILE, HOSTILE, HOSTILE);
    step.changes = vec![change];
    let finding = Finding { object: checkout(), what: HOSTILE.to_owned() };
    let deferred = Deferred { object: checkout(), what: HOSTILE.to_owned(), owner: HOSTILE.to_owned() };
    let plan = Plan {
        steps: vec![step],
        blocked: vec![blocked],
        deferred: vec![deferred],
        findings: vec![finding],
        gaps: vec![(HOSTILE.to_owned(), gap)],
        ..Plan::default()
    };
    Report { heading: format!("Fleet {HOSTILE}"), plan, ..Report::default() }
}

#[test]
fn every_text_form_spells_out_what_does_not_show() {
    let report = report();
    let failed = AwsError {
        call: "ec2:Describe".to_owned(),
        kind: ErrorKind::Other,
        code: HOSTILE.to_owned(),
        message: HOSTILE.to_owned(),
        request_id: None,
    };
    let outcome = Outcome { results: [(StepId(0), StepResult::Failed(failed))].into(), ..Outcome::default() };
    let applied = Report { outcome: Some(outcome), ..report.clone() };
    let forms = [
        ("text", text::render(&report, Paint::Off)),
        ("text applied", text::render(&applied, Paint::Off)),
        ("github", github::render(&report)),
        ("markdown", markdown::render(&report)),
        ("junit", junit::render(&report)),
    ];
    for (form, shown) in forms {
        let left: Vec<char> = HIDDEN.into_iter().filter(|hidden| shown.contains(*hidden)).collect();
        assert!(left.is_empty(), "{form} shows {left:?}:\n{shown}");
        assert!(shown.contains("202e"), "{form}:\n{shown}");
    }
}

#[test]
fn json_and_sarif_keep_the_exact_value() {
    let report = report();
    for (form, text) in [("json", json::render(&report)), ("sarif", sarif::render(&report))] {
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
        let mut found = 0;
        count(&document, &mut found);
        assert!(found >= 6, "{form} has the value {found} times: {text}");
        assert!(!text.contains("\\\\u{"), "{form}: {text}");
    }
}

fn count(value: &Value, found: &mut usize) {
    match value {
        Value::String(text) => *found += usize::from(text.contains(HOSTILE)),
        Value::Array(values) => values.iter().for_each(|value| count(value, found)),
        Value::Object(members) => members.values().for_each(|value| count(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
