//! `tests/definitions/tasks` and `services`: definitions in the forms that people keep, each with what AWS reads back for it: the two
//! are no difference. A newcomer adds two files.
//!
//! `tests/definitions/bad`: manifests and definition files that are refused, each with exactly the text of its `expected.txt`
//! (`UPDATE_EXPECT=1 cargo test` writes it: read what it wrote).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

use portolan::manifest::{Source, find_sources, load};
use portolan::model::Definition;
use portolan::shape::{
    NetworkMapping, Path as MemberPath, SERVICE, Structure, TASK_DEFINITION, differences, fold_host_ports,
};
use serde_json::{Map, Value};

fn folders(of: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions").join(of);
    let entries = fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

/// What is wrong with the manifest of a folder, with the folder's own path left out.
fn problems(folder: &Path) -> String {
    let manifest = folder.join("portolan.yaml").display().to_string();
    match find_sources(&[manifest], false, None).and_then(|sources| load(&sources)) {
        Ok(_) => "no problem\n".to_owned(),
        Err(problems) => {
            let text: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
            text.replace(&format!("{}/", folder.display()), "")
        }
    }
}

#[test]
fn every_bad_definition_is_refused_as_written() {
    let mut differing = Vec::new();
    let all = folders("bad");
    assert!(all.len() >= 80, "only {}", all.len());
    for folder in all {
        let (found, path) = (problems(&folder), folder.join("expected.txt"));
        assert_ne!(found, "no problem\n", "{}", folder.display());
        assert!(!found.contains("hunter"), "a secret is shown: {}:\n{found}", folder.display());
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &found).expect("writing an expectation");
        }
        if fs::read_to_string(&path).unwrap_or_default() != found {
            differing.push(format!("{}:\n{found}", folder.display()));
        }
    }
    assert!(differing.is_empty(), "UPDATE_EXPECT=1 accepts these:\n{}", differing.join("\n"));
}

/// The definitions of a folder with what AWS reads back for each.
fn pairs(of: &str) -> Vec<(PathBuf, Map<String, Value>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions").join(of);
    let entries = fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| !path.display().to_string().ends_with(".readback.json"));
    files.sort();
    let pair = |path: PathBuf| {
        let readback = path.with_extension("readback.json");
        let text = fs::read_to_string(&readback).unwrap_or_else(|error| panic!("{}: {error}", readback.display()));
        let Ok(Value::Object(readback)) = serde_json::from_str(&text) else { panic!("{}", readback.display()) };
        (path, readback)
    };
    files.into_iter().map(pair).collect()
}

/// A file of a task definition as a manifest reads it.
fn read(path: &Path) -> Map<String, Value> {
    read_with(path, "")
}

/// As [`read`], with members beside `file`.
fn read_with(path: &Path, beside: &str) -> Map<String, Value> {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let text = format!(
        "apiVersion: portolan.dev/v1alpha1\nkind: Fleet\nmetadata: {{name: f}}\nspec: {{mode: observe, cluster: c}}\n---\n\
         apiVersion: portolan.dev/v1alpha1\nkind: Service\nmetadata: {{name: s}}\nspec: {{taskDefinition: {{file: {name}{beside}}}}}\n"
    );
    let content = fs::read_to_string(path).expect("a file");
    let files = [(name, Ok(content))].into_iter().collect();
    let desired = load(&[Source { name: "portolan.yaml".to_owned(), text, files }]).unwrap_or_else(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}:\n{}", path.display(), problems.join("\n"))
    });
    let Some(Definition::Content { members, .. }) = &desired.services["s"].task_definition else {
        panic!("{} is no content", path.display())
    };
    members.members().clone()
}

/// A file in JSON that no manifest may name.
fn as_written(path: &Path) -> Map<String, Value> {
    let Ok(Value::Object(members)) = serde_json::from_str(&fs::read_to_string(path).expect("a file")) else {
        panic!("{}", path.display())
    };
    members
}

fn difference(structure: &Structure, live: &Map<String, Value>, declared: &Map<String, Value>) -> Vec<String> {
    let found = differences(structure, live, declared, &MemberPath::default());
    found.iter().map(|found| format!("  {}: {:?} → {:?}", found.path, found.live, found.declared)).collect()
}

#[test]
fn every_task_definition_is_what_aws_reads_back_for_it() {
    let (all, mut differing) = (pairs("tasks"), Vec::new());
    assert!(all.len() >= 42, "only {}", all.len());
    for (path, mut live) in all {
        // No manifest declares what such a volume needs of the service: the shapes agree nevertheless.
        let is_at_launch = path.ends_with("16-ebs-at-launch.json");
        let mut declared = if is_at_launch { as_written(&path) } else { read(&path) };
        let mapping = NetworkMapping::of(declared.get("networkMode").and_then(Value::as_str));
        fold_host_ports(&mut declared, mapping);
        fold_host_ports(&mut live, mapping);
        declared.remove("tags");
        let found = difference(&TASK_DEFINITION, &live, &declared);
        if !found.is_empty() {
            differing.push(format!("{}:\n{}", path.display(), found.join("\n")));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_service_is_what_aws_reads_back_for_it() {
    let (all, mut differing) = (pairs("services"), Vec::new());
    assert!(all.len() >= 18, "only {}", all.len());
    for (path, live) in all {
        let text = fs::read_to_string(&path).expect("a file");
        let Ok(Value::Object(mut declared)) = serde_json::from_str::<Value>(&text) else {
            panic!("{}", path.display())
        };
        if let Some(Value::Array(mut services)) = declared.remove("services")
            && let Some(Value::Object(service)) = services.pop()
        {
            declared = service;
        }
        let found = difference(&SERVICE, &live, &declared);
        if !found.is_empty() {
            differing.push(format!("{}:\n{}", path.display(), found.join("\n")));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn members_beside_a_file_are_laid_over_it_container_by_container() {
    let (path, _) = pairs("tasks")
        .into_iter()
        .find(|(path, _)| read(path)["containerDefinitions"].as_array().map_or(0, Vec::len) > 1)
        .unwrap();
    let (plain, first) = (read(&path), read(&path)["containerDefinitions"][0]["name"].as_str().unwrap().to_owned());
    let other = read_with(&path, &format!(", containerDefinitions: [{{name: {first}, image: \"other:1\"}}]"));
    let mut expected = plain;
    expected["containerDefinitions"][0]["image"] = "other:1".into();
    assert_eq!(other, expected, "{}", path.display());
}
