//! The folder of a case or a world. It holds whole files (`manifest.yaml` with `observed.yaml` or `world.yaml`, and `policy.yaml`
//! or `expect.yaml` if need be), or one `case.yaml`: a base fleet of `tests/fleets` and the difference from it.
//!
//! `COMPOSED=1` writes what is composed to `target/tmp/composed`, as whole files.

mod difference;
mod fleet;
mod tests;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use difference::lay_over;
use fleet::Fleet;
use tree::Node;

/// A folder as whole files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folder {
    pub manifest: String,
    pub observed: Option<String>,
    pub world: Option<String>,
    pub policy: Option<String>,
    pub expect: Option<String>,
}

/// `case.yaml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    /// What it shows, in a sentence.
    about: String,
    /// A folder of `tests/fleets`.
    base: String,
    /// Words of the base by which it calls its things, and the words to take their place.
    #[serde(default = "empty")]
    rename: Node,
    /// Differences from the base.
    manifest: Option<Node>,
    observed: Option<Node>,
    world: Option<Node>,
    /// Written out, for a base has neither.
    policy: Option<Node>,
    expect: Option<Node>,
}

fn empty() -> Node {
    Node::Map(Vec::new())
}

/// The folders of a folder of `tests` that hold a case or a world, by name.
pub fn all(of: &str) -> Vec<PathBuf> {
    let root = tests().join(of);
    let entries = fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap_or_else(|error| panic!("{}: {error}", root.display())).path())
        .filter(|path| path.join("case.yaml").is_file() || path.join("manifest.yaml").is_file())
        .collect();
    folders.sort();
    folders
}

/// Reads a folder, and composes it if it holds a difference.
pub fn open(folder: &Path) -> Folder {
    read(folder, &tests().join("fleets")).unwrap_or_else(|problems| panic!("{}", problems.join("\n")))
}

/// `worlds/m28-dead-address`
#[cfg(any(feature = "aws", feature = "sandbox"))]
pub fn open_named(name: &str) -> Folder {
    open(&tests().join(name))
}

/// A file with another tree in place of the one that it has, without one of its keys.
#[cfg(all(feature = "aws", feature = "sandbox"))]
pub fn without(text: &str, key: &str) -> Option<String> {
    let Node::Map(mut entries) = tree::parse(text).ok()? else { return None };
    let before = entries.len();
    entries.retain(|(name, _)| name != key);
    (entries.len() < before).then(|| Node::Map(entries).to_string())
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn file(folder: &Path, name: &str) -> Option<String> {
    fs::read_to_string(folder.join(name)).ok()
}

fn read(folder: &Path, fleets: &Path) -> Result<Folder, Vec<String>> {
    let Some(text) = file(folder, "case.yaml") else {
        let missing = || vec![format!("{}: neither case.yaml nor manifest.yaml", folder.display())];
        return Ok(Folder {
            manifest: file(folder, "manifest.yaml").ok_or_else(missing)?,
            observed: file(folder, "observed.yaml"),
            world: file(folder, "world.yaml"),
            policy: file(folder, "policy.yaml"),
            expect: file(folder, "expect.yaml"),
        });
    };
    let whole = ["manifest.yaml", "observed.yaml", "world.yaml", "policy.yaml", "expect.yaml"];
    if let Some(other) = whole.into_iter().find(|name| folder.join(name).is_file()) {
        return Err(vec![format!(
            "{}: both case.yaml and {other}; write its content into case.yaml",
            folder.display()
        )]);
    }
    let composed = compose(&text, fleets).map_err(|problems| {
        problems.iter().map(|problem| format!("{}/case.yaml: {problem}", folder.display())).collect::<Vec<_>>()
    })?;
    if std::env::var_os("COMPOSED").is_some() {
        write_out(folder, &composed);
    }
    Ok(composed)
}

/// All problems of a `case.yaml` together, or the whole files.
fn compose(text: &str, fleets: &Path) -> Result<Folder, Vec<String>> {
    let case: CaseFile = tree::parse(text).map_err(|what| vec![what])?;
    let mut fleet = Fleet::read(fleets, &case.base)?;
    let mut problems = fleet.rename(&case.rename);
    let sections = [
        ("manifest", Some(&mut fleet.manifest), case.manifest),
        ("observed", fleet.observed.as_mut(), case.observed),
        ("world", fleet.world.as_mut(), case.world),
    ];
    for (name, base, difference) in sections {
        match (base, difference) {
            (_, None) => {}
            (None, Some(_)) => problems.push(format!("{name}: base {:?} has no {name}.yaml", case.base)),
            (Some(base), Some(difference)) => problems.extend(lay_over(base, &difference, name)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let about = || ("about".to_owned(), Node::text(&case.about));
    let with_about = |tree: Node| match tree {
        Node::Map(entries) => {
            let others = entries.into_iter().filter(|(key, _)| key != "about");
            Node::Map([about()].into_iter().chain(others).collect()).to_string()
        }
        other => other.to_string(),
    };
    Ok(Folder {
        manifest: fleet.manifest_text(),
        observed: fleet.observed.map(|tree| tree.to_string()),
        world: fleet.world.map(with_about),
        policy: case.policy.map(|tree| tree.to_string()),
        expect: case.expect.map(with_about),
    })
}

/// For people, and for `portolan sandbox --world`.
fn write_out(folder: &Path, composed: &Folder) {
    let name = folder.strip_prefix(tests()).unwrap_or(folder);
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("composed").join(name);
    let files = [
        ("manifest.yaml", Some(&composed.manifest)),
        ("observed.yaml", composed.observed.as_ref()),
        ("world.yaml", composed.world.as_ref()),
    ];
    fs::create_dir_all(&to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    for (file, text) in files.into_iter().filter_map(|(file, text)| Some((file, text?))) {
        fs::write(to.join(file), text).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    }
}
