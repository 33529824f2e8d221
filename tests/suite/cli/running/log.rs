//! The log of the service: a line before and after each step, each with the number of its pass.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Service;

/// What the log says of steps: the step, its pass, and the words, line by line.
type Lines = Vec<(String, String, String)>;

/// The log of a service that has repaired the broken harbour, up to the end of its first pass.
fn first_pass(options: &[&str]) -> Vec<String> {
    let mut service = Service::start(options);
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.contains("pass finished")) {
        lines.push(service.wait_for(""));
    }
    service.signal("-TERM");
    service.end();
    lines
}

/// Each step has two lines of the same pass, what is sent and what came of it.
#[track_caller]
fn check(lines: Lines) {
    let mut steps = BTreeMap::<_, Vec<_>>::new();
    for (step, pass, words) in lines {
        assert_eq!(pass, "1", "{step}: {words}");
        steps.entry(step).or_default().push(words);
    }
    assert!(steps.len() >= 5, "{steps:#?}");
    for (step, words) in steps {
        assert_eq!(words, ["sending", "done"], "{step}");
    }
}

#[test]
fn each_step_has_a_line_before_and_after_with_the_number_of_the_pass() {
    let field = |line: &str, name: &str| Some(line.split_once(name)?.1.split('"').next()?.to_owned());
    let read = |line: &String| {
        let step = field(line, " step=\"")?;
        let pass = line.split_once(" pass{id=").and_then(|(_, rest)| Some(rest.split_once('}')?.0.to_owned()));
        let words =
            ["sending", "done", "failed", "skipped"].into_iter().find(|word| line.contains(&format!(": {word} ")));
        Some((step, pass.unwrap_or_default(), words.unwrap_or(line).to_owned()))
    };
    let lines = first_pass(&[]);
    assert!(lines.last().is_some_and(|line| line.contains(" pass{id=1}: ")), "{lines:#?}");
    check(lines.iter().filter_map(read).collect());
}

#[test]
fn so_it_has_as_json() {
    let read = |line: &String| {
        let line: Value = serde_json::from_str(line).expect("JSON on each line");
        let step = line["step"].as_str()?.to_owned();
        let words = line["message"].as_str().unwrap_or_default().to_owned();
        Some((step, line["span"]["id"].to_string(), words))
    };
    check(first_pass(&["--log-format", "json"]).iter().filter_map(read).collect());
}

/// The keys of a JSON object in the order in which they stand, those of inner objects left out.
fn keys(line: &str) -> Vec<String> {
    let (mut keys, mut depth, mut rest) = (Vec::new(), 0, line);
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            '"' => {
                let mut end = 0;
                let mut letters = rest.char_indices();
                while let Some((at, letter)) = letters.next() {
                    end = at;
                    match letter {
                        '\\' => _ = letters.next(),
                        '"' => break,
                        _ => {}
                    }
                }
                let text = &rest[..end];
                rest = &rest[end + 1..];
                if depth == 1 && rest.starts_with(':') {
                    keys.push(text.to_owned());
                }
            }
            _ => {}
        }
    }
    keys
}

#[test]
fn no_line_of_json_has_a_key_twice_and_what_is_held_back_is_said_with_its_reason() {
    let lines = first_pass(&["--log-format", "json", "-vv"]);
    for line in lines.iter().filter(|line| line.starts_with('{')) {
        let mut found = keys(line);
        let number = found.len();
        assert!(number >= 4, "{line}");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), number, "{line}");
    }
    let held: Vec<Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["message"] == "difference not repaired")
        .collect();
    let of = |object: &str| held.iter().filter(|line| line["object"] == object).count();
    assert_eq!(of("TargetGroup/payments"), 1, "its removal waits for a second sighting: {held:#?}");
    assert!(held.iter().all(|line| line["because"].as_str().is_some_and(|because| !because.is_empty())), "{held:#?}");
}
