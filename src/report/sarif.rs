//! A pass as a log in the Static Analysis Results Interchange Format, SARIF 2.1.0 (an OASIS standard), for code scanning
//! and editors. Differences are results at the lines of the manifest; calls that were not answered, and errors, are
//! notifications of the one invocation.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::plan::Change;

use super::Report;
use super::entry::{At, Entry, Kind, entries, shown};
use super::fingerprint::{Fingerprint, fingerprints};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The log of a pass, with a line feed at its end.
pub fn render(report: &Report) -> String {
    let entries = entries(report);
    let found: Vec<_> = entries.iter().filter(|entry| is_result(entry)).collect();
    let results = found.iter().zip(fingerprints(&found)).map(|(entry, print)| result(entry, &print)).collect();
    let notifications: Vec<_> = entries.iter().filter(|entry| is_notification(entry)).map(notification).collect();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: json!({"driver": {
                "name": "portolan",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Kind::ALL.map(rule),
            }}),
            invocations: [json!({
                "executionSuccessful": report.errors.is_empty(),
                "toolExecutionNotifications": notifications,
            })],
            column_kind: "unicodeCodePoints",
            results,
            properties: json!({"verdict": report.verdict_word(), "heading": report.heading}),
        }],
    };
    let mut text = serde_json::to_string_pretty(&log).expect("text, numbers and lists have a JSON form");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Value,
    invocations: [Value; 1],
    column_kind: &'static str,
    results: Vec<Value>,
    properties: Value,
}

/// An error that a file is to blame for is a result as well, so that it shows beside the line.
fn is_result(entry: &Entry<'_>) -> bool {
    entry.kind != Kind::Error || entry.at.is_some()
}

/// A blocked entry that waits for a call is a result; the call itself is a notification.
fn is_notification(entry: &Entry<'_>) -> bool {
    entry.kind == Kind::Error || (entry.kind == Kind::NotRead && entry.operation.is_some())
}

/// What the format calls the kind and the level of a result: a level is for what fails alone.
fn judgement(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Error | Kind::Pending | Kind::Blocked => ("fail", "error"),
        Kind::BrokenPath => ("fail", "warning"),
        Kind::NotRead => ("open", "none"),
        Kind::Deferred | Kind::Finding => ("informational", "none"),
    }
}

fn rule(kind: Kind) -> Value {
    json!({
        "id": kind.id(),
        "shortDescription": {"text": kind.meaning()},
        "defaultConfiguration": {"level": judgement(kind).1},
    })
}

fn result(entry: &Entry<'_>, print: &Fingerprint) -> Value {
    let (kind, level) = judgement(entry.kind);
    let changes = entry.changes.iter().map(|Change { field, live, desired }| {
        json!({"field": field.to_string(), "live": shown(live.as_deref()), "desired": shown(desired.as_deref())})
    });
    json!({
        "ruleId": entry.kind.id(),
        "ruleIndex": Kind::ALL.iter().position(|known| *known == entry.kind),
        "kind": kind,
        "level": level,
        "message": message(entry),
        "locations": [location(entry)],
        "partialFingerprints": {"difference/v1": print.v1, "difference/v2": print.v2},
        "properties": {"codes": entry.codes, "aliases": entry.aliases, "operation": entry.operation, "changes": changes.collect::<Vec<_>>()},
    })
}

fn notification(entry: &Entry<'_>) -> Value {
    let level = if entry.kind == Kind::Error { "error" } else { "warning" };
    json!({
        "descriptor": {"id": entry.kind.id()},
        "level": level,
        "message": message(entry),
        "locations": [location(entry)],
    })
}

fn message(entry: &Entry<'_>) -> Value {
    json!({"text": entry.exact().join("\n")})
}

/// The line, and the object; either may be missing.
fn location(entry: &Entry<'_>) -> Value {
    let mut location = Map::new();
    if let Some(at) = entry.at {
        location.insert("physicalLocation".to_owned(), physical(at));
    }
    if !entry.object.is_empty() {
        let object = json!([{"fullyQualifiedName": entry.object, "kind": "object"}]);
        location.insert("logicalLocations".to_owned(), object);
    }
    Value::Object(location)
}

fn physical(at: At<'_>) -> Value {
    let artifact =
        if at.is_a_file() { json!({"uri": uri(at.file)}) } else { json!({"description": {"text": "standard input"}}) };
    let mut place = json!({"artifactLocation": artifact});
    if let Some(line) = at.line {
        let mut region = json!({"startLine": line});
        if let Some(column) = at.column {
            region["startColumn"] = column.into();
        }
        place["region"] = region;
    }
    place
}

/// A path as a URI reference: relative ones stay relative, and `./` says nothing.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
