//! The worlds: every `world.yaml` of `tests/cases`, `tests/worlds` and `tests/breaking`, and the demonstration's.

use std::fs;
use std::path::{Path, PathBuf};

use portolan::manifest::{self, Source};
use portolan::model::Desired;
use portolan::sandbox::{World, world_file};

/// A world and the manifest that is declared for it.
pub struct Place {
    /// Folder of folders, and folder: `worlds/m28-dead-address`.
    pub name: String,
    pub desired: Desired,
    pub world: World,
    /// The same world before anything was done to it by hand; only where something was.
    pub earlier: Option<World>,
}

impl Place {
    pub fn of(name: String, world: &str, manifest: &str) -> Self {
        let source = Source { name: "manifest.yaml".to_owned(), text: manifest.to_owned() };
        let desired = manifest::load(&[source]).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let load = |text: &str| world_file::load("world.yaml", text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let earlier = world.split_once("\nthen:").map(|(before, _)| load(&format!("{before}\n")));
        Self { desired, world: load(world), earlier, name }
    }
}

/// Every folder with a world and a manifest, by name.
pub fn names() -> Vec<String> {
    let root = tests();
    let mut names = vec!["demo".to_owned()];
    for of in ["breaking", "cases", "worlds"] {
        let entries = fs::read_dir(root.join(of)).expect("it can be listed");
        let folders = entries.map(|entry| entry.expect("an entry of it").path());
        let complete = |path: &PathBuf| ["world.yaml", "manifest.yaml"].iter().all(|name| path.join(name).is_file());
        let name = |path: PathBuf| format!("{of}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        names.extend(folders.filter(complete).map(name));
    }
    names.sort();
    names
}

/// Reads one of [`names`].
pub fn open(name: &str) -> Place {
    let name = name.to_owned();
    if name == "demo" {
        let world = include_str!("../../../src/cli/demo/world.yaml");
        return Place::of(name, world, include_str!("../../../manifests/harbour/fleet.yaml"));
    }
    let folder = tests().join(&name);
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (world, manifest) = (read("world.yaml"), read("manifest.yaml"));
    Place::of(name, &world, &manifest)
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}
