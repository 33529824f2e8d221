//! Members with AWS's names, read by their rows: a mistake is noted where it is, as for the manifest's own fields.

use std::collections::BTreeMap;

use serde_json::{Map, Number as JsonNumber, Value as Json};

use crate::shape::{Absent, Kind, Member, Order, Structure, size};
use crate::yaml::{Entry, Node, Position, Problems, Sort, Value, any_text, nearest, quoted, unknown_field, wrong_type};

/// A block by its rows; `place` is what it is called in messages. What could not be read is left out.
pub(super) fn read(
    structure: &Structure,
    place: &str,
    node: &Node,
    problems: &mut Problems<'_>,
) -> Option<Map<String, Json>> {
    let Value::Mapping(entries) = &node.value else {
        wrong_type(node, place, "a mapping", problems.format().shape(place), problems);
        return None;
    };
    let mut members = Map::new();
    for entry in entries {
        if let Some(value) = read_entry(structure, place, entry, problems) {
            members.insert(entry.key.clone(), value);
        }
    }
    for member in structure.members.iter().filter(|member| member.is_required) {
        if !entries.iter().any(|entry| entry.key == member.name) {
            let message = format!("missing field \"{}\" in {place}", member.name);
            problems.push_hint(node.at, message, problems.format().missing_field(place, member.name));
        }
    }
    Some(members)
}

/// Whether the member that these keys lead to holds text in which `${` is ordinary.
pub(super) fn is_data(structure: &Structure, keys: &[&str]) -> bool {
    let Some((first, rest)) = keys.split_first() else { return false };
    let Some(member) = structure.member(first) else { return false };
    if member.is_data {
        return true;
    }
    let mut kind = &member.kind;
    while let Kind::List(of, _) = kind {
        kind = of;
    }
    matches!(kind, Kind::Structure(of) if is_data(of, rest))
}

fn read_entry(structure: &Structure, place: &str, entry: &Entry, problems: &mut Problems<'_>) -> Option<Json> {
    let Some(member) = structure.member(&entry.key) else {
        let known: Vec<&str> =
            structure.members.iter().filter(|member| !member.is_output).map(|member| member.name).collect();
        let hint = instead_of(structure.name, &entry.key).map(str::to_owned);
        let hint = hint.or_else(|| problems.format().unknown_field(place, &entry.key, &known));
        let hint = hint.or_else(|| Some(format!("this release knows no such member of AWS's {}", structure.name)));
        // A slip of the pen has no secret in it where no member is one.
        let is_slip = entry.key.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && nearest(&entry.key, known.iter().copied()).is_some()
            && !structure.members.iter().any(|member| member.is_secret);
        if is_slip {
            problems.push_hint(entry.key_at, format!("unknown field {} in {place}", quoted(&entry.key)), hint);
        } else {
            unknown_field(entry, place, &known, hint, problems);
        }
        return None;
    };
    if member.is_output || (entry.value.is_nothing() && problems.format().takes_nothing_for_absent()) {
        return None;
    }
    if is_empty_list(&entry.value) && !member.may_be_empty && !problems.format().takes_nothing_for_absent() {
        let hint = if member.is_required { "list one at least" } else { "remove it to leave it unmanaged" };
        problems.add_hint(entry.value.at, format!("{} must not be an empty list", member.name), hint);
        return None;
    }
    read_value(member, &member.kind, &format!("{place}.{}", member.name), &entry.value, problems)
}

/// For a field that a block of AWS does not have, by the block's name at AWS.
fn instead_of(structure: &str, field: &str) -> Option<&'static str> {
    match (structure, field) {
        ("Secret", "value") => Some("write valueFrom: the ARN of the secret, or the name of the parameter"),
        ("KeyValuePair", "valueFrom") => Some("write it under secrets, which takes valueFrom"),
        _ => None,
    }
}

fn is_empty_list(node: &Node) -> bool {
    matches!(&node.value, Value::Sequence(nodes) if nodes.is_empty())
}

fn read_value(member: &Member, kind: &Kind, place: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Json> {
    let name = member.name;
    match kind {
        Kind::Text(text) => read_text(member, text.most, node, problems).map(Json::from),
        Kind::Number { from, to } => read_number(name, *from, *to, node, problems).map(Json::from),
        Kind::Decimal { from, to } => read_decimal(name, *from, *to, node, problems).map(Json::Number),
        Kind::Boolean => match scalar(node) {
            Some((Sort::Boolean(value), _)) => Some(value.into()),
            _ => wrong(node, name, "true or false", None, problems),
        },
        Kind::Word(words) => read_word(name, words, node, problems).map(Json::from),
        Kind::Cpu | Kind::Memory => read_size(name, kind, node, problems).map(Json::from),
        Kind::Map => read_map(name, node, problems),
        Kind::Structure(structure) => read(structure, place, node, problems).map(Json::Object),
        Kind::List(of, order) => match &node.value {
            Value::Sequence(nodes) => {
                if let Order::Keyed(keys) = order {
                    check_keys(name, of, keys, nodes, problems);
                }
                Some(nodes.iter().filter_map(|node| read_value(member, of, place, node, problems)).collect())
            }
            Value::Scalar(_) | Value::Mapping(_) | Value::Broken => {
                let hint = problems.format().shape(place);
                wrong(node, name, "a list", hint, problems)
            }
        },
        Kind::Anything => Some(anything(node)),
    }
}

/// Reports entries with the key of an earlier one.
fn check_keys(name: &str, of: &Kind, keys: &[&str], nodes: &[Node], problems: &mut Problems<'_>) {
    let left_out = |key: &str| {
        let Kind::Structure(structure) = of else { return None };
        let Absent::Text(text) = structure.member(key)?.absent else { return None };
        Some(text)
    };
    let mut seen: BTreeMap<String, Position> = BTreeMap::new();
    for node in nodes {
        let Value::Mapping(entries) = &node.value else { continue };
        let written = |key: &str| entries.iter().find(|entry| entry.key == key);
        let text = |key: &&str| match written(key) {
            Some(entry) => scalar(&entry.value).map(|(_, text)| text),
            None => left_out(key),
        };
        let Some(first) = keys.iter().find_map(|key| written(key)) else { continue };
        let key = keys.iter().filter_map(text).collect::<Vec<_>>().join("/");
        if let Some(before) = seen.insert(key, first.value.at) {
            let found = scalar(&first.value).map_or("", |(_, text)| text);
            let message = format!("{name}: {} {} is listed twice", first.key, quoted(found));
            problems.add_hint(first.value.at, message, format!("first at {}", problems.place(before)));
        }
    }
}

fn scalar(node: &Node) -> Option<(Sort, &str)> {
    match &node.value {
        Value::Scalar(scalar) => Some((scalar.sort(), &scalar.text)),
        Value::Sequence(_) | Value::Mapping(_) | Value::Broken => None,
    }
}

fn wrong<T>(node: &Node, name: &str, expected: &str, hint: Option<String>, problems: &mut Problems<'_>) -> Option<T> {
    wrong_type(node, name, expected, hint, problems);
    None
}

fn read_text(member: &Member, most: usize, node: &Node, problems: &mut Problems<'_>) -> Option<String> {
    let name = member.name;
    if member.is_secret && matches!(scalar(node), Some((sort, _)) if sort != Sort::Text) {
        // What is there is not repeated.
        problems.add_hint(node.at, format!("{name}: expected text, found something else"), "quote it");
        return None;
    }
    if let Value::Mapping(entries) = &node.value
        && let [only] = entries.as_slice()
        && only.value.is_nothing()
    {
        let hint = "quote it: YAML reads text that ends with a colon as a key".to_owned();
        return wrong(node, name, "text", Some(hint), problems);
    }
    let text = any_text(node, name, problems)?;
    if member.is_required && text.trim().is_empty() {
        problems.add(node.at, format!("{name} must not be empty"));
        return None;
    }
    let length = text.chars().count();
    if length > most {
        problems.add(node.at, format!("{name} has {length} characters; AWS takes at most {most}"));
        return None;
    }
    Some(text)
}

/// Reports what is no whole number. A number is repeated even among secrets: it is where a number belongs.
fn wrong_number<T>(node: &Node, name: &str, whole: &str, expected: &str, problems: &mut Problems<'_>) -> Option<T> {
    let Some((Sort::OtherNumber | Sort::Integer, text)) = scalar(node) else {
        return wrong(node, name, expected, None, problems);
    };
    let is_padded = text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit());
    let hint = match text {
        _ if is_padded => Some("write it without leading zeros".to_owned()),
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte)) => None,
        _ => Some("write it in decimal digits".to_owned()),
    };
    let found = quoted(text);
    problems.push_hint(node.at, format!("{name}: expected {whole}, found {}", found.trim_matches('"')), hint);
    None
}

/// A whole number, also in quotes: AWS's answers and other tools' files have both.
fn read_number(name: &str, from: i64, to: i64, node: &Node, problems: &mut Problems<'_>) -> Option<i64> {
    let is_number = |sort: Sort, text: &str| match sort {
        Sort::Integer => true,
        Sort::Text => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        Sort::Nothing | Sort::Boolean(_) | Sort::OtherNumber => false,
    };
    let Some((_, text)) = scalar(node).filter(|(sort, text)| is_number(*sort, text)) else {
        return wrong_number(node, name, "a whole number", "a number", problems);
    };
    match text.parse::<i64>() {
        Ok(number) if (from..=to).contains(&number) => Some(number),
        _ => {
            problems.add(node.at, format!("{name} must be {from} to {to}, found {}", quoted(text).trim_matches('"')));
            None
        }
    }
}

fn read_decimal(name: &str, from: i64, to: i64, node: &Node, problems: &mut Problems<'_>) -> Option<JsonNumber> {
    let number = scalar(node).and_then(|(sort, text)| match sort {
        Sort::Integer | Sort::OtherNumber => text.parse::<f64>().ok().filter(|number| number.is_finite()),
        Sort::Nothing | Sort::Boolean(_) | Sort::Text => None,
    });
    let Some(number) = number else { return wrong(node, name, "a number", None, problems) };
    let (lowest, highest) = (from as f64 / 10.0, to as f64 / 10.0);
    if number < lowest || number > highest {
        problems.add(node.at, format!("{name} must be {lowest} to {highest}, found {number}"));
        return None;
    }
    if ((number * 10.0).round() - number * 10.0).abs() > 1e-6 {
        problems.add(node.at, format!("{name} is given in steps of 0.1, found {number}"));
        return None;
    }
    JsonNumber::from_f64(number)
}

fn read_word(name: &str, words: &[&'static str], node: &Node, problems: &mut Problems<'_>) -> Option<&'static str> {
    let Some((Sort::Text, text)) = scalar(node) else {
        return wrong(node, name, &words.join(" or "), None, problems);
    };
    let found = words.iter().find(|word| **word == text).copied();
    if found.is_none() {
        let message = match words {
            [only] => format!("{name} must be {only}, found {}", quoted(text)),
            several => format!("{name} must be one of {}, found {}", several.join(", "), quoted(text)),
        };
        problems.push_hint(node.at, message, problems.format().wrong_word(name, text, words));
    }
    found
}

/// The size of a task, as AWS keeps it: text of whole units.
fn read_size(name: &str, kind: &Kind, node: &Node, problems: &mut Problems<'_>) -> Option<String> {
    let example = if matches!(kind, Kind::Cpu) { "1024 or 1 vCPU" } else { "2048 or 2 GB" };
    let found = scalar(node).filter(|(sort, _)| matches!(sort, Sort::Integer | Sort::Text));
    let number = found.and_then(|(_, text)| size(kind, &Json::from(text))).filter(|number| *number > 0);
    match number {
        Some(number) => Some(number.to_string()),
        None => {
            let expected = format!("a size such as {example}");
            wrong_number(node, name, &expected, &expected, problems)
        }
    }
}

fn read_map(name: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Json> {
    let Value::Mapping(entries) = &node.value else {
        return wrong(node, name, "a mapping of text to text", None, problems);
    };
    let texts = entries.iter().filter_map(|entry| {
        // `key:value` without a space is a key alone, and may have a secret in it.
        let is_shown = !(entry.value.is_nothing() && problems.hides_lines());
        let shown = if is_shown { entry.key.clone() } else { format!("an entry of {name}") };
        let text = any_text(&entry.value, &shown, problems)?;
        Some((entry.key.clone(), Json::from(text)))
    });
    Some(Json::Object(texts.collect()))
}

/// A value without a row.
fn anything(node: &Node) -> Json {
    match &node.value {
        Value::Sequence(nodes) => nodes.iter().map(anything).collect(),
        Value::Mapping(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.clone(), anything(&entry.value))).collect())
        }
        Value::Scalar(scalar) => match scalar.sort() {
            Sort::Nothing => Json::Null,
            Sort::Boolean(value) => value.into(),
            Sort::Integer => scalar.text.parse::<i64>().map_or_else(|_| scalar.text.clone().into(), Json::from),
            Sort::OtherNumber => scalar.text.parse::<f64>().map_or_else(|_| scalar.text.clone().into(), Json::from),
            Sort::Text => scalar.text.clone().into(),
        },
        Value::Broken => Json::Null,
    }
}
