//! The worlds: every one of `tests/cases`, `tests/worlds` and `tests/breaking`, and the demonstration's.

use std::path::PathBuf;

use portolan::manifest::{self, Source};
use portolan::model::Desired;
use portolan::sandbox::{World, world_file};

use crate::folder;

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
        let source = Source { name: "manifest.yaml".to_owned(), text: manifest.to_owned(), files: Default::default() };
        let desired = manifest::load(&[source]).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let load = |text: &str| world_file::load("world.yaml", text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let earlier = folder::without(world, "then").map(|before| load(&before));
        Self { desired, world: load(world), earlier, name }
    }
}

/// Every folder with a world and a manifest, by name.
pub fn names() -> Vec<String> {
    let mut names = vec!["demo".to_owned()];
    for of in ["breaking", "cases", "worlds"] {
        let has_world = |path: &PathBuf| folder::open(path).world.is_some();
        let name = |path: PathBuf| format!("{of}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        names.extend(folder::all(of).into_iter().filter(has_world).map(name));
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
    let files = folder::open_named(&name);
    let world = files.world.unwrap_or_else(|| panic!("{name}: it has no world"));
    Place::of(name, &world, &files.manifest)
}
