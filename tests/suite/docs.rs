//! Pages lead somewhere: links and their headings exist, every page can be found, and every rule and fact that is cited
//! by its number has a heading.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file beneath a folder, other than what tools put there.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && name != "__pycache__" && !name.to_string_lossy().starts_with('.') {
                files(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

pub fn files_ending(folders: &[&str], endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        files(&root().join(folder), &mut found);
    }
    let ends = |path: &PathBuf| path.extension().is_some_and(|found| endings.iter().any(|ending| found == *ending));
    found.retain(ends);
    found.sort();
    found
}

pub fn pages() -> Vec<PathBuf> {
    files_ending(&["."], &["md"]).iter().map(|path| normal(path)).collect()
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = normal.pop(),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// The lines of a page outside of its code blocks.
pub fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(line);
        }
    }
    lines
}

fn headings(text: &str) -> Vec<&str> {
    prose(text).into_iter().filter(|line| line.starts_with('#')).map(|line| line.trim_matches(['#', ' '])).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for heading in headings(text) {
        let lower = heading.to_lowercase();
        let kept = lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let before = seen.entry(anchor.clone()).or_default();
        anchors.insert(if *before == 0 { anchor } else { format!("{anchor}-{before}") });
        *before += 1;
    }
    anchors
}

/// The targets of a page's links that lead to files of this repository: path and anchor.
fn links(text: &str) -> Vec<(String, Option<String>)> {
    let text = prose(text).join("\n");
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let inside = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    let parts = inside.map(|target| match target.split_once('#') {
        Some((path, anchor)) => (path.to_owned(), Some(anchor.to_owned())),
        None => (target.to_owned(), None),
    });
    parts.collect()
}

/// Where a link leads, seen from its page.
fn destination(page: &Path, link: &str) -> PathBuf {
    if link.is_empty() {
        return page.to_owned();
    }
    normal(&page.parent().expect("a folder").join(link))
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for (link, anchor) in links(&read(&page)) {
            seen += 1;
            let to = destination(&page, &link);
            if !to.exists() {
                wrong.push(format!("{}: {link} does not exist", page.display()));
            } else if let Some(anchor) = anchor
                && !anchors(&read(&to)).contains(&anchor)
            {
                wrong.push(format!("{}: {link} has no heading #{anchor}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} links were found");
}

#[test]
fn every_page_is_linked_from_another_one() {
    let mut linked = BTreeSet::new();
    for page in pages() {
        let targets = links(&read(&page)).into_iter().map(|(link, _)| destination(&page, &link));
        // A folder shows its README.
        let targets = targets.map(|to| if to.is_dir() { to.join("README.md") } else { to });
        linked.extend(targets.filter(|to| *to != page));
    }
    let docs = files_ending(&["docs"], &["md"]);
    let lost: Vec<_> = docs.iter().filter(|page| !linked.contains(*page)).map(|page| page.display()).collect();
    assert!(!docs.is_empty() && lost.is_empty(), "no page leads to {lost:?}");
}

/// `R4` and `R7a` in a text.
fn rules(text: &str) -> BTreeSet<&str> {
    let is_rule = |word: &&str| {
        let number = word.strip_prefix('R').map(|rest| rest.strip_suffix('a').unwrap_or(rest));
        number.is_some_and(|number| matches!(number.len(), 1 | 2) && number.chars().all(|c| c.is_ascii_digit()))
    };
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(is_rule).collect()
}

/// The first word of each heading of a page.
fn numbers(page: &str) -> BTreeSet<String> {
    let text = read(&root().join(page));
    headings(&text).iter().filter_map(|heading| heading.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn every_cited_rule_has_a_heading() {
    let known = numbers("docs/rules.md");
    let mut wrong = BTreeSet::new();
    let mut cited = BTreeSet::new();
    let folders = ["src", "crates", "tests", "docs", "benches", "manifests"];
    for path in files_ending(&folders, &["rs", "md", "yaml", "py"]).into_iter().chain(pages()) {
        for rule in rules(&read(&path)) {
            cited.insert(rule.to_owned());
            if !known.contains(rule) {
                wrong.insert(format!("{}: {rule}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "docs/rules.md lacks {wrong:#?}");
    assert!(cited.len() >= 10, "only {cited:?} were found");
}

/// Sections of the page of facts in a text: `aws-facts 3.4`, `(aws-facts 1.6, 1.7)`, `aws-facts 1.1 to 1.5`.
fn facts(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (at, word) in text.match_indices("aws-facts") {
        let Some(rest) = text[at + word.len()..].strip_prefix(' ') else { continue };
        let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | ' ' | 't' | 'o'));
        let list = &rest[..end.unwrap_or(rest.len())];
        let sections = list.split([',', ' ']).map(|section| section.trim_end_matches('.'));
        found.extend(sections.filter(|section| section.starts_with(|c: char| c.is_ascii_digit())));
    }
    found
}

#[test]
fn every_cited_fact_has_a_heading() {
    let known = numbers("docs/aws-facts.md");
    let mut wrong = BTreeSet::new();
    let mut cited = BTreeSet::new();
    for path in files_ending(&["src", "crates", "tests", "docs", "localstack"], &["rs", "md", "yaml", "py"]) {
        for section in facts(&read(&path)) {
            cited.insert(section.to_owned());
            if !known.contains(section) {
                wrong.insert(format!("{}: {section}", path.display()));
            }
        }
        assert!(!read(&path).contains(concat!("aws-facts", "-2")), "{}: there is one page of facts", path.display());
    }
    assert!(wrong.is_empty(), "docs/aws-facts.md lacks {wrong:#?}");
    assert!(cited.len() >= 25, "only {cited:?} were found");
}

/// The modules of the first level: files and folders of `src/`, and the packages of `crates/`.
fn modules() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("src")).expect("src").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.map(|name| name.trim_end_matches(".rs").to_owned()).chain(super::arrows::packages()).collect()
}

#[test]
fn the_page_about_the_architecture_has_a_row_for_every_module() {
    let page = read(&root().join("docs/architecture.md"));
    let (_, map) = page.split_once("## Code map").expect("its section");
    let (map, _) = map.split_once("\n## ").expect("its end");
    let (map, _) = map.split_once("Where to look").expect("the end of its table");
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(rows, modules());
}

#[test]
fn the_map_in_the_library_names_every_module() {
    let text = read(&root().join("src/lib.rs"));
    let map = text.lines().filter_map(|line| line.strip_prefix("//! - "));
    let named: BTreeSet<String> =
        map.map(|line| line.trim_start_matches(['[', '`']).split('`').next().unwrap_or_default().to_owned()).collect();
    let mut modules = modules();
    modules.retain(|module| module != "lib" && module != "main");
    assert_eq!(named, modules);
}

/// The last column of the code map against the arrows that are tested.
#[test]
fn the_page_about_the_architecture_says_who_uses_whom() {
    let page = read(&root().join("docs/architecture.md"));
    for (layer, allowed) in super::arrows::ARROWS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{layer}` |")));
        let row = row.unwrap_or_else(|| panic!("{layer} has no row"));
        let uses = row.trim_end_matches([' ', '|']).rsplit_once('|').map_or("", |(_, uses)| uses);
        let uses: BTreeSet<&str> = uses.split('`').skip(1).step_by(2).collect();
        // A row whose last column is empty ends with its job.
        let uses = if allowed.is_empty() { BTreeSet::new() } else { uses };
        assert_eq!(uses, allowed.iter().copied().collect(), "{layer}");
    }
}

/// Files that a page names in code, such as `src/plan/guard.rs`, exist.
#[test]
fn files_that_pages_name_exist() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in ["docs/architecture.md", "CONTRIBUTING.md", "README.md", "tests/README.md", "SECURITY.md"] {
        let Ok(text) = fs::read_to_string(root().join(page)) else { continue };
        let beside = root().join(page);
        for code in text.split('`').skip(1).step_by(2) {
            let name = code.split_whitespace().next().unwrap_or_default();
            let is_file = ["src/", "crates/", "tests/", "docs/", "benches/", "manifests/"]
                .iter()
                .any(|top| name.starts_with(top));
            if is_file && !name.contains(['<', '*', '…', '{']) {
                seen += 1;
                if !root().join(name).exists() && !beside.with_file_name(name).exists() {
                    wrong.push(format!("{page}: {name}"));
                }
            }
        }
    }
    assert!(wrong.is_empty() && seen > 5, "{wrong:#?} of {seen}");
}
