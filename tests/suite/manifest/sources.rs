//! Which files make up a fleet.

use std::fs;

use super::render;
use portolan::manifest::{STDIN, Source, find_sources};

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn find(folder: &tempfile::TempDir, paths: &[&str], recursive: bool) -> Result<Vec<String>, String> {
    let root = folder.path().display().to_string();
    let paths: Vec<String> = paths.iter().map(|path| format!("{root}/{path}")).collect();
    let short = |text: &str| text.replace(&format!("{root}/"), "");
    match find_sources(&paths, recursive, None) {
        Ok(sources) => Ok(sources.iter().map(|source| short(&source.name)).collect()),
        Err(problems) => Err(short(&render(&problems))),
    }
}

#[test]
fn folders_give_their_yaml_in_order() {
    let folder =
        folder(&[("d/b.yml", b""), ("d/a.yaml", b""), ("d/c.json", b""), ("d/.x.yaml", b""), ("d/e/f.yaml", b"")]);
    assert_eq!(find(&folder, &["d"], false), Ok(vec!["d/a.yaml".to_owned(), "d/b.yml".to_owned()]));
    let all = ["d/a.yaml", "d/b.yml", "d/e/f.yaml"].map(str::to_owned).to_vec();
    assert_eq!(find(&folder, &["d"], true), Ok(all));
}

#[test]
fn a_file_named_twice_is_read_once() {
    let folder = folder(&[("d/a.yaml", b"")]);
    assert_eq!(find(&folder, &["d/a.yaml", "d", "d/../d/a.yaml"], false), Ok(vec!["d/a.yaml".to_owned()]));
}

#[test]
fn a_named_file_needs_no_ending() {
    let folder = folder(&[("fleet.json", b"{}")]);
    assert_eq!(find(&folder, &["fleet.json"], false), Ok(vec!["fleet.json".to_owned()]));
}

#[test]
fn all_problems_of_paths_come_at_once() {
    let large = vec![b'#'; (1 << 20) + 1];
    let folder = folder(&[("d/e/f.yaml", b""), ("big.yaml", &large), ("wide.yaml", b"\xff\xfea\0")]);
    let problems = find(&folder, &["missing.yaml", "d", "big.yaml", "wide.yaml"], false).expect_err("problems");
    assert_eq!(
        problems,
        "big.yaml: error: larger than 1 MiB\n  hint: split the fleet into several files\n\
         d: error: no *.yaml or *.yml in this folder\n  hint: folders below it are read with -R\n\
         missing.yaml: error: cannot be read: no such file or directory\n\
         wide.yaml: error: not UTF-8 text\n  hint: save it as UTF-8\n"
    );
}

#[test]
fn largest_file_is_read() {
    let folder = folder(&[("big.yaml", &vec![b'#'; 1 << 20])]);
    assert_eq!(find(&folder, &["big.yaml"], false), Ok(vec!["big.yaml".to_owned()]));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let folder = folder(&[("d/a.yaml", b"")]);
    std::os::unix::fs::symlink(folder.path().join("d"), folder.path().join("d/again")).expect("a link");
    assert_eq!(find(&folder, &["d"], true), Ok(vec!["d/a.yaml".to_owned()]));
}

#[test]
fn standard_input_is_given_by_the_caller() {
    let stdin = [STDIN.to_owned(), STDIN.to_owned()];
    let source = Source { name: STDIN.to_owned(), text: "a".to_owned() };
    assert_eq!(source.shown_name(), "<stdin>");
    assert_eq!(find_sources(&stdin, false, Some("a")), Ok(vec![source]));
    let problems = find_sources(&stdin[..1], false, None).expect_err("no text");
    assert_eq!(render(&problems), "<stdin>: error: standard input was not read\n");
}
