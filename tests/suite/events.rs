//! Events of AWS: each file of `tests/events` is the body of a message as a queue gets it, after the shapes that AWS
//! documents. `hints.txt` says what is made of each (`UPDATE_EXPECT=1 cargo test` writes it: read what it wrote), and the
//! rules of `docs/deploy/events` are held against the same events.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use portolan::events::{Hint, Ignored, Place, concerns, read};
use portolan::manifest::{Source, load};
use portolan::model::Desired;
use proptest::prelude::*;
use serde_json::{Map, Value};

const PLACE: Place<'_> = Place { region: "eu-west-1", account: Some("123456789012") };
const MANIFEST: &str = include_str!("../../manifests/harbour/fleet.yaml");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The samples: name and text.
pub fn samples() -> &'static [(String, String)] {
    static SAMPLES: LazyLock<Vec<(String, String)>> = LazyLock::new(read_samples);
    &SAMPLES
}

fn read_samples() -> Vec<(String, String)> {
    let list = fs::read_dir(root().join("tests/events")).expect("the samples");
    let paths = list.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect();
    found.sort();
    found
}

fn desired() -> Desired {
    load(&[Source { name: "fleet.yaml".to_owned(), text: MANIFEST.to_owned(), files: Default::default() }])
        .expect("a sound manifest")
}

/// The hints of an event that are the fleet's, and why there are none.
fn heard(body: &str, desired: &Desired) -> Result<BTreeSet<Hint>, Ignored> {
    let mut hints = read(body, &PLACE)?;
    hints.retain(|hint| concerns(hint, desired));
    if hints.is_empty() { Err(Ignored::Foreign) } else { Ok(hints) }
}

#[test]
fn every_sample_gives_the_hints_that_its_names_promise() {
    let desired = desired();
    let mut found = String::new();
    for (name, body) in samples() {
        match heard(body, &desired) {
            Ok(hints) => {
                found.push_str(&format!("{name}\n"));
                hints.iter().for_each(|hint| found.push_str(&format!("    {hint}\n")));
            }
            Err(why) => found.push_str(&format!("{name}\n    - {}\n", why.as_str())),
        }
    }
    let path = root().join("tests/events/hints.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &found).expect("it is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "UPDATE_EXPECT=1 writes it");
}

#[test]
fn what_is_no_event_is_junk() {
    for body in
        ["", "hello", "[]", "null", "{}", "{\"source\": 1}", "{\"Type\": \"Notification\", \"Message\": \"hello\"}"]
    {
        assert_eq!(read(body, &PLACE), Err(Ignored::Junk), "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(read(&deep, &PLACE), Err(Ignored::Junk));
}

/// Every reason that a sample can be ignored for has a sample.
#[test]
fn the_samples_show_every_reason() {
    let desired = desired();
    let reasons: BTreeSet<_> = samples().iter().filter_map(|(_, body)| heard(body, &desired).err()).collect();
    use Ignored::{Early, Elsewhere, Foreign, Junk, Kind, Nameless, Unchanged};
    assert_eq!(reasons, BTreeSet::from([Junk, Kind, Elsewhere, Unchanged, Early, Nameless, Foreign]));
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "[a-zA-Z:/_-]{0,12}",
        Just("arn:aws:ecs:eu-west-1:123456789012:service/".to_owned()),
        Just("arn:aws:ecs:us-east-1:123456789012:service/prod/checkout".to_owned()),
        Just("arn:aws:elasticloadbalancing:eu-west-1:999999999999:targetgroup/x/1".to_owned()),
        Just("arn:aws:::::".to_owned()),
        Just("service:".to_owned()),
        Just("sg-".to_owned()),
        ".{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..4)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The paths of all values in a value, as JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(number, item)| pointers(item, &format!("{at}/{number}"), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            pointers(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => {}
    }
}

/// Whatever a message says, a hint is never about another region or account.
fn check(body: &str) -> Result<(), TestCaseError> {
    let Ok(hints) = read(body, &PLACE) else { return Ok(()) };
    prop_assert!(!hints.is_empty());
    for hint in hints {
        let arn = match &hint {
            Hint::TargetGroup(arn) => arn.as_str(),
            Hint::LoadBalancer(arn) => arn.as_str(),
            Hint::Listener(arn) => arn.as_str(),
            Hint::Rule(arn) => arn.as_str(),
            Hint::Service { .. } | Hint::SecurityGroup(_) => continue,
        };
        prop_assert!(arn.contains(":eu-west-1:123456789012:"), "{hint}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_odd(body in ".{0,200}") {
        check(&body)?;
    }

    #[test]
    fn no_json_is_too_odd(value in any_json()) {
        check(&value.to_string())?;
    }

    /// A real event in which something is replaced by anything, or cut off.
    #[test]
    fn no_event_is_too_odd(
        sample in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        value in any_json(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (_, body) = sample.get(samples());
        let mut event: Value = serde_json::from_str(body).expect("JSON");
        let mut found = Vec::new();
        pointers(&event, "", &mut found);
        let place: &String = place.get(&found);
        *event.pointer_mut(place).expect("a value") = value;
        let text = event.to_string();
        check(&text)?;
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        check(&text[..*cut.get(&ends)])?;
    }
}

/// The rules of the example, by name.
fn patterns() -> Vec<(String, Value)> {
    let path = root().join("docs/deploy/events/events.yaml");
    let text = fs::read_to_string(path).expect("the template");
    let template: Value = serde_saphyr::from_str(&text).expect("YAML");
    let resources = template["Resources"].as_object().expect("resources");
    let rules = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Events::Rule");
    rules.map(|(name, rule)| (name.clone(), rule["Properties"]["EventPattern"].clone())).collect()
}

/// Whether an event matches a pattern, as far as patterns are lists of texts in objects.
fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(members) => {
            members.iter().all(|(name, inner)| event.get(name).is_some_and(|e| matches(inner, e)))
        }
        Value::Array(wanted) => wanted.contains(event),
        _ => panic!("a pattern that this test does not know: {pattern}"),
    }
}

#[test]
fn the_rules_of_the_example_let_through_what_gives_hints() {
    let (patterns, desired) = (patterns(), desired());
    assert_eq!(patterns.len(), 2);
    let mut used = BTreeSet::new();
    for (name, body) in samples() {
        let event: Value = serde_json::from_str(body).expect("JSON");
        let event = match event.get("Message") {
            Some(inner) => serde_json::from_str(inner.as_str().expect("text")).expect("JSON"),
            None => event,
        };
        let through: Vec<_> = patterns.iter().filter(|(_, pattern)| matches(pattern, &event)).collect();
        match heard(body, &desired) {
            Ok(_) => assert_eq!(through.len(), 1, "{name}"),
            Err(Ignored::Kind | Ignored::Junk) => assert!(through.is_empty(), "{name}"),
            Err(_) => {}
        }
        used.extend(through.iter().map(|(rule, _)| rule.clone()));
    }
    assert_eq!(used.len(), 2);
}
