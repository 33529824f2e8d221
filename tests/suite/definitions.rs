//! `tests/definitions/bad`: manifests and definition files that are refused, each with exactly the text of its `expected.txt`
//! (`UPDATE_EXPECT=1 cargo test` writes it: read what it wrote).

use std::fs;
use std::path::{Path, PathBuf};

use portolan::manifest::{find_sources, load};

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
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &found).expect("writing an expectation");
        }
        if fs::read_to_string(&path).unwrap_or_default() != found {
            differing.push(format!("{}:\n{found}", folder.display()));
        }
    }
    assert!(differing.is_empty(), "UPDATE_EXPECT=1 accepts these:\n{}", differing.join("\n"));
}
