//! Contents of task definitions: whether two register the same, and a name for each.

use serde_json::{Map, Value};

use crate::shape::{Kind, Member, NetworkMapping, TASK_DEFINITION, Tree, fold_host_ports, folded, is_equal};

/// The content in the form that all its spellings share.
fn one_form(content: &Tree) -> Map<String, Value> {
    let mut members = content.members().clone();
    let mapping = NetworkMapping::of(members.get("networkMode").and_then(Value::as_str));
    fold_host_ports(&mut members, mapping);
    folded(&TASK_DEFINITION, &members)
}

/// Whether two contents register the same. A role may be written by its name in one of them, and as an ARN in the other.
pub fn is_same_content(one: &Tree, other: &Tree) -> bool {
    let (one, other) = (one_form(one), one_form(other));
    // Members that no row knows count as well.
    let is_same = |(name, value): (&String, &Value)| match (other.get(name), TASK_DEFINITION.member(name)) {
        (Some(there), Some(Member { kind: kind @ Kind::Text(_), .. })) => is_equal(kind, value, there),
        (Some(there), Some(_) | None) => value == there,
        (None, _) => false,
    };
    one.len() == other.len() && one.iter().all(is_same)
}

/// The fingerprint of a content. It is a hint for people and for the first look: whether two revisions are the same, their
/// contents decide. It names content, it protects nothing.
pub(super) fn fingerprint(content: &Tree) -> String {
    format!("v2-{}", hash(&written(&one_form(content))))
}

/// FNV-1a, 64 bits, in 16 digits.
pub(super) fn hash(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// Members as JSON, in one order.
pub(super) fn written(members: &Map<String, Value>) -> String {
    let mut text = String::new();
    write(&Value::Object(members.clone()), &mut text);
    text
}

/// JSON with the members of each object in order.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            text.push('{');
            for name in names {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(&members[name], text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(entries) => {
            text.push('[');
            for entry in entries {
                write(entry, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}
