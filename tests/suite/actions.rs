//! Where every action is listed. Whoever is concerned with some of them matches on the changes of one resource
//! (`src/plan/by_resource.rs`), so a new action needs a decision in these files and in none besides.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The files that list the actions, in the order of the recipe in `CONTRIBUTING.md`.
const LISTS: [&str; 7] = [
    "plan/facts.rs",
    "plan/by_resource.rs",
    "plan/names.rs",
    "plan/effect.rs",
    "pass/acts.rs",
    "controller/marked.rs",
    "aws/writer.rs",
];

/// Whoever names more than these lists them.
const SOME: usize = 8;

fn variants(src: &Path) -> Vec<String> {
    let text = fs::read_to_string(src.join("plan/action.rs")).expect("the actions");
    let (_, body) = text.split_once("pub enum Action {").expect("the enum");
    let (body, _) = body.split_once("\n}").expect("its end");
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    names.map(|line| line.split([' ', '(', ',']).next().unwrap_or_default().to_owned()).collect()
}

/// The actions that a text names by `Action::`, or by `Self::`.
fn named<'a>(text: &str, variants: &'a [String]) -> BTreeSet<&'a str> {
    let is_named = |path: String| {
        text.match_indices(&path).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + path.len()..].chars().next();
            ![before, after].into_iter().flatten().any(|letter| letter.is_alphanumeric() || letter == '_')
        })
    };
    let of = |variant: &&String| is_named(format!("Action::{variant}")) || is_named(format!("Self::{variant}"));
    variants.iter().filter(of).map(String::as_str).collect()
}

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_file_besides_the_tables_lists_the_actions() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let variants = variants(&src);
    assert_eq!(variants.len(), 23, "{variants:?}");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let lists: BTreeSet<String> = files
        .iter()
        .filter(|path| named(&fs::read_to_string(path).unwrap_or_default(), &variants).len() > SOME)
        .filter_map(|path| Some(path.strip_prefix(&src).ok()?.display().to_string()))
        .collect();
    assert_eq!(lists, LISTS.map(str::to_owned).into());
}

#[test]
fn the_recipe_for_an_action_names_each_of_these_files() {
    let page = include_str!("../../CONTRIBUTING.md");
    let (_, recipe) = page.split_once("### An action\n").expect("the recipe");
    let (recipe, _) = recipe.split_once("\n### ").expect("its end");
    let missing: Vec<&str> = LISTS.into_iter().filter(|file| !recipe.contains(&format!("`src/{file}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Metrics have a series for each operation, and the worlds have to send each.
#[test]
fn the_operations_are_those_of_the_facts() {
    let facts = include_str!("../../src/plan/facts.rs");
    let named = facts.split("Facts::of(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let named: BTreeSet<&str> = named.collect();
    assert_eq!(named, portolan::plan::OPERATIONS.into());
}
