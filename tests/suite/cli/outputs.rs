//! Several forms of one answer: one on standard output, the others in files.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{FLEET, SERVICE, Said, portolan};
use crate::emulator::{OverHttp, Served};

const MANIFEST: &str = include_str!("../../../manifests/harbour/fleet.yaml");
const WORLD: &str = include_str!("../../../src/cli/demo/world.yaml");

fn ask(home: &Path, args: &[&str]) -> Said {
    Said::of(portolan(home, args).output().expect("it starts"))
}

fn text(home: &Path, file: &str) -> String {
    fs::read_to_string(home.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn json(home: &Path, file: &str) -> Value {
    serde_json::from_str(&text(home, file)).expect("JSON")
}

#[test]
fn one_pass_gives_every_form() {
    let aws = Served::serve(portolan::sandbox::world_file::load("world.yaml", WORLD).expect("a world"));
    let home = TempDir::new().expect("a folder");
    fs::write(home.path().join("fleet.yaml"), MANIFEST).expect("a file");
    fs::write(home.path().join("drift.sarif"), "of yesterday").expect("a file");
    let drift = ["-f", "fleet.yaml", "--endpoint-url", aws.endpoint()];
    let files = ["-o", "sarif=drift.sarif", "-o", "junit=drift.xml", "-o", "text=drift.txt", "-o", "json=drift.json"];
    // What stands before the verb counts as well.
    let said = ask(home.path(), &[&["-o", "github", "drift"], &drift[..], &files].concat());
    said.ends(1);
    assert!(said.stdout.starts_with("::error "), "{}", said.stdout);
    assert_eq!(json(home.path(), "drift.sarif")["version"], "2.1.0");
    assert_eq!(json(home.path(), "drift.json")["verdict"], "pending");
    assert!(text(home.path(), "drift.xml").ends_with("</testsuites>\n"));
    assert!(text(home.path(), "drift.txt").ends_with("to remove; 8 unchanged.\n"));
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 5, "nothing else is left");

    // Each difference has its code, its cause and its fix.
    for document in [said.stdout, text(home.path(), "drift.xml"), json(home.path(), "drift.sarif").to_string()] {
        for words in
            ["code: M01 target-security-group-blocks-load-balancer", "because: no rule of", "fix: portolan reconcile"]
        {
            assert!(document.contains(words), "{words}: {document}");
        }
    }
    let page = ask(home.path(), &[&["drift", "-o", "markdown"], &drift[..]].concat()).stdout;
    assert!(page.contains("<br>code: M01 target-security-group-blocks-load-balancer<br>because: "), "{page}");

    // Text is what standard output has where every form has a file; other verbs have files too.
    let said = ask(home.path(), &[&["reconcile", "--dry-run", "-o", "json=plan.json"], &drift[..]].concat());
    said.ends(1);
    assert!(said.stdout.ends_with("8 unchanged.\n"), "{}", said.stdout);
    assert_eq!(json(home.path(), "plan.json")["verdict"], "pending");
}

#[test]
fn a_failure_is_in_every_file() {
    let home = super::home();
    fs::write(home.path().join("service.yaml"), SERVICE.replace("desiredCount", "desiredCuont")).expect("a file");
    for verb in ["drift", "validate"] {
        let files = ["-o", "junit=a.xml", "-o", "text=a.txt", "-o", "json=a.json", "-o", "sarif=a.sarif"];
        let said = ask(home.path(), &[&[verb, "-f", "."], &files[..]].concat());
        said.ends(2);
        assert_eq!(said.stdout, "");
        for file in ["a.xml", "a.txt", "a.json", "a.sarif"] {
            assert!(text(home.path(), file).contains("desiredCuont"), "{verb}: {file}");
        }
    }
}

#[test]
fn validate_has_the_forms_of_drift() {
    let home = super::home();
    let shown = |form: &str| {
        let said = ask(home.path(), &["validate", "-f", ".", "-o", form]);
        said.ends(0);
        said.stdout
    };
    let summary = "OK: fleet payments: 1 service, 0 target groups in 2 files\n";
    assert_eq!(shown("github"), summary);
    assert_eq!(shown("markdown"), format!("<!-- portolan-validate -->\n## Portolan: valid\n\n{summary}"));
    let page = shown("junit");
    assert!(page.contains("<testsuites name=\"portolan validate\" tests=\"2\" failures=\"0\" errors=\"0\""), "{page}");
    assert!(page.contains("<testcase classname=\"manifest\" name=\"./fleet.yaml\"/>"), "{page}");
    let log: Value = serde_json::from_str(&shown("sarif")).expect("JSON");
    assert_eq!(
        (&log["runs"][0]["results"], &log["runs"][0]["properties"]["verdict"]),
        (&Value::Array(Vec::new()), &"valid".into())
    );

    fs::write(home.path().join("service.yaml"), SERVICE.replace("desiredCount", "desiredCuont")).expect("a file");
    for (form, words) in [
        ("github", "::error file=./service.yaml,line=5,col=8,"),
        ("markdown", "<br>code: error<br>fix: did you mean \"desiredCount\"?"),
        ("junit", "name=\"./service.yaml\" file=\"./service.yaml\" line=\"5\""),
        ("sarif", "\"uri\": \"service.yaml\""),
    ] {
        let said = ask(home.path(), &["validate", "-f", ".", "-o", form]);
        said.ends(2);
        assert!(said.stdout.contains(words), "{form}: {}", said.stdout);
    }
}

#[test]
fn forms_that_do_not_fit_together_are_refused_before_anything_is_read() {
    let home = super::home();
    fs::create_dir(home.path().join("folder")).expect("a folder");
    for (forms, words) in [
        (&["-o", "github", "-o", "json"][..], "at most one format can go to standard output"),
        (&["-o", "sarif=a", "-o", "junit=./a"], "another format already goes to this file"),
        (&["-o", "sarif=folder/../a", "-o", "junit=a"], "another format already goes to this file"),
        (&["-o", "text=fleet.yaml"], "would overwrite the manifest"),
        (&["-o", "json=new.yaml"], "would overwrite the manifest"),
        (&["-o", "sarif=nowhere/a"], "-o sarif=nowhere/a: folder nowhere: "),
        (&["-o", "sarif=folder"], "it is a folder"),
        (&["-o", "sarif="], "invalid value 'sarif='"),
        (&["-o", "yaml=a"], "invalid value 'yaml'"),
    ] {
        let said = ask(home.path(), &[&["drift", "-f", "."], forms].concat());
        said.ends(2);
        assert!(said.stderr.contains(words), "{forms:?}: {}", said.stderr);
        assert!(!said.stderr.contains("reading"), "{}", said.stderr);
    }
    assert_eq!(text(home.path(), "fleet.yaml"), FLEET);
    for verb in [&["schema"][..], &["completions", "bash"], &["run", "-f", "."]] {
        let said = ask(home.path(), &[verb, &["-o", "json=a"]].concat());
        said.ends(2);
        assert!(said.stderr.contains("this command does not write output files"), "{}", said.stderr);
    }
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 3);
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_rights_and_a_link_stays_one() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = super::home();
    let real = home.path().join("real.json");
    fs::write(&real, "old").expect("a file");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).expect("its rights");
    symlink("real.json", home.path().join("link.json")).expect("a link");
    ask(home.path(), &["validate", "-f", ".", "-o", "json=link.json", "-o", "text=/dev/null"]).ends(0);
    assert_eq!(json(home.path(), "real.json")["valid"], true);
    assert_eq!(fs::metadata(&real).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(fs::symlink_metadata(home.path().join("link.json")).expect("a link").is_symlink());
}
