//! Manifests. A newcomer adds files, not code:
//!
//! - `manifests/<example>/` is a fleet that must load and fit the JSON Schema;
//! - `tests/manifests/bad/<mistake>.yaml` must be refused with exactly the text of `<mistake>.txt` beside it
//!   (`UPDATE_EXPECT=1 cargo test` writes it: read what it wrote);
//! - `tests/manifests/good/<edge>.yaml` must load to exactly the model in `<edge>.txt`.

mod bombs;
mod chaos;
mod schema;
mod sources;

use std::path::{Path, PathBuf};

use portolan::manifest::{Problem, Source, find_sources, load};
use portolan::model::Desired;

/// The entries of a folder of this repository, sorted.
fn entries(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("entry of a folder").path()).collect();
    paths.sort();
    paths
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect()
}

fn examples() -> Vec<PathBuf> {
    entries("manifests").into_iter().filter(|path| path.is_dir()).collect()
}

fn source(path: &Path) -> Source {
    let name = path.file_name().expect("name of a file").to_string_lossy().into_owned();
    Source { name, text: std::fs::read_to_string(path).expect("a test's manifest"), files: Default::default() }
}

fn load_folder(folder: &Path) -> Result<Desired, Vec<Problem>> {
    load(&find_sources(&[folder.display().to_string()], false, None)?)
}

fn load_text(text: &str) -> Result<Desired, Vec<Problem>> {
    load(&[Source { name: "fleet.yaml".to_owned(), text: text.to_owned(), files: Default::default() }])
}

fn render(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// Compares with the file beside a manifest, or writes it when `UPDATE_EXPECT` is set. Returns what differs.
fn differs(manifest: &Path, found: &str) -> Option<String> {
    let file = manifest.with_extension("txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&file, found).expect("writing an expectation");
        return None;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    if expected == found {
        return None;
    }
    let mut diff = format!("--- {} is not what was found (UPDATE_EXPECT=1 accepts it)\n", file.display());
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let kept = |line: &str, other: &[&str]| other.contains(&line);
    diff.extend(old.iter().filter(|line| !kept(line, &new)).map(|line| format!("- {line}\n")));
    diff.extend(new.iter().map(|line| format!("{} {line}\n", if kept(line, &old) { " " } else { "+" })));
    Some(diff)
}

#[test]
fn every_example_is_a_fleet() {
    let emulated = ["ministack", "localemu"].map(|name| Path::new("localstack/fleets").join(name));
    for example in examples().into_iter().chain(emulated) {
        match load_folder(&example) {
            Ok(desired) => assert!(!desired.services.is_empty() || !desired.target_groups.is_empty()),
            Err(problems) => panic!("{}:\n{}", example.display(), render(&problems)),
        }
    }
}

#[test]
fn every_mistake_is_refused_with_its_text() {
    let mut diffs = String::new();
    for manifest in yaml_files("tests/manifests/bad") {
        match load(&[source(&manifest)]) {
            Ok(_) => diffs.push_str(&format!("{} was accepted\n", manifest.display())),
            Err(problems) => diffs.extend(differs(&manifest, &render(&problems))),
        }
    }
    assert!(diffs.is_empty(), "{diffs}");
}

#[test]
fn every_edge_is_accepted_and_lowered() {
    let mut diffs = String::new();
    for manifest in yaml_files("tests/manifests/good") {
        match load(&[source(&manifest)]) {
            Ok(desired) => diffs.extend(differs(&manifest, &format!("{desired:#?}\n"))),
            Err(problems) => diffs.push_str(&format!("{} was refused:\n{}", manifest.display(), render(&problems))),
        }
    }
    assert!(diffs.is_empty(), "{diffs}");
}

#[test]
fn problems_of_several_files_come_sorted_and_all_at_once() {
    let source =
        |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned(), files: Default::default() };
    let fleet = "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {name: f}\nspec: {mode: on}\n";
    let service = "apiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {name: s}\nspec: {replicas: 2}\n";
    let problems =
        load(&[source("b.yaml", service), source("a.yaml", fleet), source("-", service)]).expect_err("mistakes");
    let places: Vec<String> =
        problems.iter().map(|problem| format!("{}:{}", problem.file, problem.line.unwrap_or(0))).collect();
    assert_eq!(places, ["<stdin>:3", "<stdin>:4", "a.yaml:4", "b.yaml:4"], "{}", render(&problems));
}

#[test]
fn rendered_example_is_its_template_with_the_values_of_prod() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/environments").join(name);
        std::fs::read_to_string(path).expect("a file of the example")
    };
    let mut rendered = read("fleet.yaml.tmpl");
    for line in read("prod.env").lines() {
        let (name, value) = line.split_once('=').expect("NAME=value");
        rendered = rendered.replace(&format!("${{{name}}}"), value);
    }
    assert_eq!(rendered, read("fleet.yaml"));
}

#[test]
fn no_text_about_a_bad_manifest_repeats_a_value_that_may_be_a_secret() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/bad/secrets-of-a-task-definition.yaml");
    let manifest = std::fs::read_to_string(&path).expect("the manifest");
    assert!(manifest.matches("not-for-eyes").count() > 5);
    let text = render(&load(&[source(&path)]).expect_err("it is bad"));
    assert!(!text.contains("not-for-eyes"), "{text}");
    // Wherever the text is cut off, what is wrong with it says nothing either.
    for end in (0..manifest.len()).step_by(7) {
        if let Err(problems) = load_text(&manifest[..end]) {
            assert!(!render(&problems).contains("not-for-eyes"), "cut at {end}: {}", render(&problems));
        }
    }
}
