//! Answers that are not whole.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::kinds::Cut;

/// The beginning of a body.
pub fn cut(body: &[u8], place: Cut) -> Bytes {
    let end = match place {
        Cut::Tenths(tenths) => body.len() * tenths / 10,
        Cut::At(end) => end.min(body.len().saturating_sub(1)),
    };
    Bytes::copy_from_slice(&body[..end])
}

/// An answer without members.
pub fn braces(body: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(body);
    if text.starts_with('{') {
        return Bytes::from_static(b"{}");
    }
    let root: String = text.split('<').find(|part| part.starts_with(char::is_alphabetic)).unwrap_or("r>").to_owned();
    let root = root.split(['>', ' ']).next().unwrap_or_default();
    Bytes::from(format!("<{root}></{root}>"))
}

/// ECS's answer, with every thing in it as one that could not be described.
pub fn failures(body: &[u8]) -> Bytes {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else { return Bytes::new() };
    let list = members.iter().find(|(name, list)| *name != "failures" && list.is_array());
    let Some((name, Value::Array(things))) = list else { return Bytes::copy_from_slice(body) };
    let arn = |thing: &Value| {
        let names = ["serviceArn", "taskArn", "containerInstanceArn", "clusterArn"];
        json!({"arn": names.iter().find_map(|name| thing.get(*name)), "reason": "INTERNAL_ERROR"})
    };
    let failures: Vec<Value> = things.iter().map(arn).collect();
    Bytes::from(json!({name.as_str(): [], "failures": failures}).to_string())
}

/// Where each distinct element of a body begins, by its path: there, and in the middle of what follows, it can be cut.
pub fn elements(body: &[u8]) -> BTreeMap<String, usize> {
    let text = String::from_utf8_lossy(body);
    if text.starts_with('{') { members(&text) } else { tags(&text) }
}

fn tags(text: &str) -> BTreeMap<String, usize> {
    let (mut found, mut path) = (BTreeMap::new(), Vec::new());
    let mut at = 0;
    while let Some(open) = text[at..].find('<').map(|open| at + open) {
        let Some(close) = text[open..].find('>').map(|close| open + close + 1) else { break };
        let tag = &text[open + 1..close - 1];
        at = close;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            // The end of a list is where a body looks most whole.
            found.entry(format!("{}/", path.join("/"))).or_insert(close);
            path.pop();
            continue;
        }
        path.push(tag.split(' ').next().unwrap_or_default().trim_end_matches('/').to_owned());
        found.entry(path.join("/")).or_insert(close);
        if tag.ends_with('/') {
            path.pop();
        }
    }
    found
}

/// Keys of JSON by name alone, which is close enough to their paths.
fn members(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (at, _) in text.match_indices("\":") {
        let key = text[..at].rsplit('"').next().unwrap_or_default();
        found.entry(key.to_owned()).or_insert(at + 2);
    }
    for (at, close) in text.match_indices(['}', ']']) {
        found.entry(close.to_owned()).or_insert(at + 1);
    }
    found
}
