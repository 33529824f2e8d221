//! Who may use whom: the layers of the library, read off its `use` lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Layer, and the layers it may name. `main` and `cli` may name all.
pub(crate) const ARROWS: [(&str, &[&str]); 18] = [
    ("shape", &[]),
    ("model", &["shape"]),
    ("yaml", &[]),
    ("manifest", &["yaml", "shape", "model"]),
    ("plan", &["shape", "model"]),
    ("survey", &["plan", "shape", "model"]),
    ("init", &["survey", "manifest", "plan", "shape", "model"]),
    ("status", &["report", "trace", "plan", "model"]),
    // Which rule is a route's own is decided once, by the planner's matching.
    ("trace", &["plan", "shape", "model"]),
    ("apply", &["plan", "model"]),
    ("report", &["plan", "apply", "trace", "model"]),
    ("events", &["apply", "model"]),
    ("aws", &["events", "plan", "apply", "shape", "model"]),
    ("sandbox", &["yaml"]),
    ("queue", &[]),
    ("controller", &["queue", "events", "trace", "pass", "manifest", "plan", "apply", "report", "model"]),
    ("http", &["controller", "trace", "plan", "apply", "report", "model"]),
    ("pass", &["survey", "manifest", "plan", "trace", "apply", "report", "model"]),
];

fn files_of(layer: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    if is_package(layer) {
        walk(&root().join("crates").join(layer).join("src"), &mut found);
    } else {
        let src = root().join("src");
        found.push(src.join(format!("{layer}.rs")));
        walk(&src.join(layer), &mut found);
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The packages beside the library: the folders of `crates/`.
pub(crate) fn packages() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("crates")).expect("packages").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn is_package(layer: &str) -> bool {
    packages().contains(layer)
}

/// The layers that a file names by `crate::layer`, if it is one of the library, or by `portolan_layer`.
fn named<'a>(text: &'a str, of: &str) -> BTreeSet<&'a str> {
    let marks: &[&str] = if is_package(of) { &["portolan_"] } else { &["crate::", "portolan_"] };
    let starts = marks.iter().flat_map(|mark| text.match_indices(mark)).map(|(at, word)| &text[at + word.len()..]);
    starts
        .map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default())
        .filter(|layer| ARROWS.iter().any(|(known, _)| known == layer) || *layer == "cli")
        .collect()
}

#[test]
fn layers_use_only_what_lies_beneath() {
    let mut wrong = Vec::new();
    for (layer, allowed) in ARROWS {
        for path in files_of(layer) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            for other in named(&code, layer) {
                if other != layer && !allowed.contains(&other) {
                    wrong.push(format!("{}: {layer} must not name {other}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Package of `crates/`, and the packages of this project that it may depend on. The library may depend on all.
const PACKAGES: [(&str, &[&str]); 3] = [("columns", &[]), ("sandbox", &["yaml"]), ("yaml", &["columns"])];

#[test]
fn packages_depend_only_on_what_lies_beneath() {
    assert_eq!(packages(), PACKAGES.map(|(package, _)| package.to_owned()).into());
    for (package, allowed) in PACKAGES {
        let path = root().join("crates").join(package).join("Cargo.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let named = text.lines().filter_map(|line| line.strip_prefix("portolan-")?.split(['.', ' ']).next());
        assert_eq!(named.collect::<Vec<_>>(), allowed, "{}", path.display());
        assert!(!text.contains("\"portolan\""), "{} must not depend on the library", path.display());
    }
}

/// Files of one folder that use each other, and shall not for ever: folder, the file, and the one that it should not use.
const CIRCLES: [(&str, &str, &str); 0] = [];

/// The siblings that a file names by `super::sibling`.
fn siblings(code: &str) -> BTreeSet<&str> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut found = BTreeSet::new();
    for (at, word) in code.match_indices("super::").filter(|(at, _)| !code[..*at].ends_with("super::")) {
        let rest = &code[at + word.len()..];
        let list = rest.strip_prefix('{').and_then(|list| list.split('}').next());
        let named = list.map_or_else(|| vec![rest], |list| list.split(',').collect());
        found.extend(named.into_iter().filter_map(|name| name.trim_start().split(|c| !is_word(c)).next()));
    }
    found
}

#[test]
fn files_of_one_folder_use_each_other_in_no_circle() {
    let mut folders: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let layers = ARROWS.iter().map(|(layer, _)| *layer).filter(|layer| *layer != "sandbox").chain(["cli"]);
    for path in layers.flat_map(files_of) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        let code = lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let folder =
            path.parent().and_then(|folder| folder.strip_prefix(root()).ok()).expect("a folder of the project");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        folders.entry(folder.display().to_string()).or_default().push((name, code));
    }
    let mut circles = Vec::new();
    for (folder, files) in &folders {
        let mut left: Vec<(&str, BTreeSet<&str>)> =
            files.iter().map(|(name, code)| (name.as_str(), siblings(code))).collect();
        let is_known = |name: &str, used: &str| CIRCLES.contains(&(folder.as_str(), name, used));
        // A file that uses none of the rest is in no circle with them.
        loop {
            let names: BTreeSet<&str> = left.iter().map(|(name, _)| *name).collect();
            let before = left.len();
            left.retain(|(name, used)| {
                used.iter().any(|other| other != name && names.contains(other) && !is_known(name, other))
            });
            if left.len() == before {
                break;
            }
        }
        let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
        if !names.is_empty() {
            circles.push(format!("{folder}: in or before a circle: {}", names.join(", ")));
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn only_the_aws_tree_names_the_sdk() {
    let mut wrong = Vec::new();
    for (layer, _) in ARROWS.iter().filter(|(layer, _)| *layer != "aws") {
        for path in files_of(layer) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if ["aws_sdk_", "aws_config", "aws_smithy_"].iter().any(|sdk| text.contains(sdk)) {
                wrong.push(path.display().to_string());
            }
        }
    }
    assert!(wrong.is_empty(), "these name the SDK: {}", wrong.join(", "));
}

/// What is written in one file alone, and that file: everybody else asks there. The sandbox, which plays AWS, knows nothing
/// of the rest.
const ONE_PLACE: [(&str, &[&str], &str); 2] = [
    ("takes ARNs apart", &["\"arn:", "splitn(", "rsplit('/')"], "model/arn.rs"),
    ("counts columns", &["unicode_width", ":<width$", ":>width$"], "crates/columns/src/lib.rs"),
];

#[test]
fn each_question_has_one_place_that_answers_it() {
    let all = ARROWS.iter().filter(|(layer, _)| *layer != "sandbox").flat_map(|(layer, _)| files_of(layer));
    let mut wrong = Vec::new();
    for path in all.chain(files_of("cli")).filter(|path| !path.components().any(|part| part.as_os_str() == "fixture")) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let code: String = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
        for (what, signs, place) in ONE_PLACE.iter().filter(|(_, _, place)| !path.ends_with(place)) {
            let found = signs.iter().filter(|sign| code.contains(**sign));
            wrong.extend(found.map(|sign| format!("{}: {sign} {what}; ask {place}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_outgrows_its_room() {
    let all =
        ARROWS.iter().flat_map(|(layer, _)| files_of(layer)).chain(["cli", "columns"].into_iter().flat_map(files_of));
    let long: Vec<_> = all
        .filter_map(|path| {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
            (lines > 450).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "split these: {}", long.join(", "));
}

/// Modules and packages that match on values of YAML and JSON; `sanitize` matches on none.
const WITH_WILDCARDS: [&str; 3] = ["sandbox", "sanitize", "yaml"];

#[test]
fn everywhere_else_a_match_names_each_variant() {
    const HELD: &str = "#![warn(clippy::wildcard_enum_match_arm)]";
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lib = read("src/lib.rs");
    let packages = packages();
    let is_free = |package: &&String| !read(&format!("crates/{package}/src/lib.rs")).lines().any(|line| line == HELD);
    let mut is_held = false;
    let mut free: Vec<&str> = packages.iter().filter(is_free).map(String::as_str).collect();
    for line in lib.lines() {
        if let Some(name) = line.trim_start_matches("pub ").strip_prefix("mod ") {
            if !std::mem::take(&mut is_held) {
                free.push(name.trim_end_matches(';'));
            }
        } else {
            is_held |= line == "#[warn(clippy::wildcard_enum_match_arm)]";
        }
    }
    free.sort_unstable();
    assert_eq!(free, WITH_WILDCARDS);
}
