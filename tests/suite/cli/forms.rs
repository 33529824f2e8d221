//! `portolan drift` in the forms of CI systems: one document on standard output, whatever happens.

use serde_json::Value;

use super::{NOWHERE, SERVICE, Said, feed, portolan, run};
use crate::emulator::{OverHttp, Served};

const FORMS: [&str; 4] = ["junit", "sarif", "github", "markdown"];

/// Whether it is one document of that form; what it says of a failure must be in it.
#[track_caller]
fn check(form: &str, said: &Said, words: &str) {
    let text = &said.stdout;
    assert!(text.contains(words), "{form}: {text}\n{}", said.stderr);
    match form {
        "junit" => {
            assert!(text.starts_with("<?xml ") && text.ends_with("</testsuites>\n"), "{text}");
            assert_eq!(text.matches("<testsuites ").count(), 1);
        }
        "sarif" => assert_eq!(said.json()["version"], "2.1.0"),
        "github" => assert!(text.lines().rev().skip(1).all(|line| line.starts_with("::")), "{text}"),
        _ => assert_eq!(text.matches("\n## Portolan: ").count(), 1, "{text}"),
    }
}

#[test]
fn what_is_wrong_with_a_manifest_is_one_document_with_its_lines() {
    let broken = format!("{}---{}", super::FLEET, SERVICE.replace("desiredCount", "desiredCuont"));
    for form in FORMS {
        let said = feed(&["drift", "-f", "-", "-o", form], &broken);
        said.ends(2);
        check(form, &said, "desiredCuont");
        assert!(said.stderr.contains("<stdin>:10:8: error: "), "people read it too: {}", said.stderr);
    }
    let home = super::home();
    std::fs::write(home.path().join("service.yaml"), SERVICE.replace("desiredCount", "desiredCuont")).expect("a file");
    let places = [
        ("junit", "file=\"./service.yaml\" line=\"5\""),
        ("sarif", "\"uri\": \"service.yaml\""),
        ("github", "::error file=./service.yaml,line=5,col=8,"),
        ("markdown", "`./service.yaml:5:8`"),
    ];
    for (form, place) in places {
        let said = Said::of(portolan(home.path(), &["drift", "-f", ".", "-o", form]).output().expect("it starts"));
        said.ends(2);
        check(form, &said, place);
    }
}

#[test]
fn a_run_that_comes_to_nothing_is_one_document_too() {
    for form in FORMS {
        for (args, words) in [
            (&["drift", "-o", form][..], "no manifest: -f is missing"),
            (&["drift", "-f", "missing.yaml", "-o", form], "cannot be read"),
            (&["drift", "-f", ".", "--endpoint-url", NOWHERE, "-o", form], "AWS did not answer"),
            (&["drift", "-f", ".", "--bogus", &format!("--output={form}")], "--bogus"),
            (&["drift", "-f", ".", "--bogus", &format!("-o{form}")], "--bogus"),
        ] {
            let said = run(args);
            said.ends(2);
            check(form, &said, words);
        }
    }
}

#[test]
fn the_other_verbs_do_not_have_them() {
    for form in FORMS {
        for verb in ["reconcile", "run", "status", "trace"] {
            let said = run(&[verb, "-f", ".", "-o", form]);
            said.ends(2);
            assert_eq!(said.stdout, "", "{verb}");
            assert!(said.stderr.contains("portolan drift"), "{}", said.stderr);
        }
    }
}

#[test]
fn a_broken_fleet_is_shown_beside_its_lines() {
    let world = include_str!("../../../src/cli/demo/world.yaml");
    let aws = Served::serve(portolan::sandbox::world_file::load("world.yaml", world).expect("a world"));
    let home = super::home();
    std::fs::remove_file(home.path().join("service.yaml")).expect("a file");
    let manifest = include_str!("../../../manifests/harbour/fleet.yaml");
    std::fs::write(home.path().join("fleet.yaml"), manifest).expect("a file");
    // The second field below the document of the health check that was edited.
    let document = manifest.find("kind: TargetGroup\nmetadata:\n  name: search\n").expect("the target group");
    let path = document + manifest[document..].find("path: /healthz").expect("its path");
    let line = manifest[..path].lines().count();
    for (form, words) in [
        ("junit", format!("fleet.yaml:{line}:")),
        ("sarif", format!("\"startLine\": {line}")),
        ("github", format!("::error file=fleet.yaml,line={line},")),
        ("markdown", format!("`fleet.yaml:{line}:")),
    ] {
        let args = ["drift", "-f", "fleet.yaml", "--endpoint-url", aws.endpoint(), "-o", form];
        let said = Said::of(portolan(home.path(), &args).output().expect("it starts"));
        said.ends(1);
        check(form, &said, &words);
        check(form, &said, "ModifyTargetGroup");
    }
    let args = ["drift", "-f", "fleet.yaml", "--endpoint-url", aws.endpoint(), "-o", "json"];
    let document: Value = Said::of(portolan(home.path(), &args).output().expect("it starts")).json();
    let lines = |step: &Value| step["at"]["line"].as_u64();
    assert!(document["steps"].as_array().is_some_and(|steps| steps.iter().all(|step| lines(step).is_some())));
}

#[test]
fn shells_complete_them() {
    for shell in ["bash", "zsh", "fish"] {
        let said = run(&["completions", shell]);
        for word in ["sarif", "markdown", "notify-url"] {
            assert!(said.stdout.contains(word), "{shell}: {word}");
        }
    }
}
