//! Which files make up a fleet.

use std::fs;

use super::render;
use portolan::manifest::{InTime, Problem, Reads, STDIN, Source, find_sources, find_sources_with, in_time};

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
    let source = Source { name: STDIN.to_owned(), text: "a".to_owned(), files: Default::default() };
    assert_eq!(source.shown_name(), "<stdin>");
    assert_eq!(find_sources(&stdin, false, Some("a")), Ok(vec![source]));
    let problems = find_sources(&stdin[..1], false, None).expect_err("no text");
    assert_eq!(render(&problems), "<stdin>: error: standard input was not read\n");
}

/// Makes a named pipe.
#[cfg(unix)]
fn pipe(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo starts");
    assert!(made.success());
}

/// Problems of these paths of the folder, by a reader that reads so often. None of them may keep the test waiting.
#[cfg(unix)]
fn refused(folder: &tempfile::TempDir, paths: &[&str], reads: Reads) -> String {
    let root = folder.path().display().to_string();
    let paths: Vec<String> = paths
        .iter()
        .map(|path| if path.starts_with('/') { (*path).to_owned() } else { format!("{root}/{path}") })
        .collect();
    let problems: Vec<Problem> =
        find_sources_with(&paths, false, None, reads, &|_, _| {}).expect_err("nothing that can be read");
    render(&problems).replace(&format!("{root}/"), "")
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_by_its_name_without_being_opened() {
    let folder = folder(&[("d/a.yaml", b""), ("d/folder.yaml/b.yaml", b"")]);
    let path = |name: &str| folder.path().join(name);
    pipe(&path("d/pipe.yaml"));
    pipe(&path("d/pipe"));
    pipe(&path("pipe.yaml"));
    let _socket = std::os::unix::net::UnixListener::bind(path("d/socket.yml")).expect("a socket");
    std::os::unix::fs::symlink("/dev/zero", path("d/zero.yaml")).expect("a link");
    std::os::unix::fs::symlink(path("nothing"), path("d/gone.yaml")).expect("a link");
    assert_eq!(
        refused(&folder, &["d"], Reads::Once),
        "d/folder.yaml: error: cannot be read: it is a folder, not a file
  hint: read the folders below this one with -R, or rename it
d/gone.yaml: error: cannot be read: no such file or directory
d/pipe.yaml: error: cannot be read: it is a pipe, not a file
  hint: remove it from the folder: only files are read there
d/socket.yml: error: cannot be read: it is a socket, not a file
  hint: remove it from the folder: only files are read there
d/zero.yaml: error: cannot be read: it is a character device, not a file
  hint: remove it from the folder: only files are read there
"
    );
    assert_eq!(
        refused(&folder, &["/dev/zero"], Reads::Once),
        "/dev/zero: error: cannot be read: it is a character device, not a file
  hint: pass a file; `-f -` reads standard input
"
    );
    assert_eq!(
        refused(&folder, &["/dev/zero", "pipe.yaml"], Reads::Repeatedly),
        "/dev/zero: error: cannot be read: it is a character device, not a file
  hint: pass a file: the service re-reads its manifest
pipe.yaml: error: cannot be read: it is a pipe, not a file
  hint: pass a file: the service re-reads its manifest
"
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_that_is_written_and_closed_is_read_once() {
    let folder = folder(&[]);
    let path = folder.path().join("pipe");
    pipe(&path);
    let name = path.display().to_string();
    let writer = std::thread::spawn(move || fs::write(path, "kind: Fleet").expect("somebody reads"));
    let read = find_sources(std::slice::from_ref(&name), false, None).expect("its text");
    writer.join().expect("it ends");
    assert_eq!(read, [Source { name, text: "kind: Fleet".to_owned(), files: Default::default() }]);
}

#[cfg(unix)]
#[test]
fn a_pipe_without_an_end_is_too_large() {
    let folder = folder(&[]);
    let path = folder.path().join("pipe");
    pipe(&path);
    let name = path.display().to_string();
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        let mut pipe = fs::File::options().write(true).open(path).expect("somebody reads");
        // Ends when nobody reads any more.
        while pipe.write_all(&[b'#'; 4096]).is_ok() {}
    });
    let problems = find_sources(&[name], false, None).expect_err("too much");
    writer.join().expect("it ends");
    assert!(render(&problems).contains("larger than 1 MiB"), "{problems:?}");
}

/// A named pipe without a writer holds whoever opens it, as a dead network share does.
#[cfg(unix)]
#[test]
fn a_read_that_hangs_is_given_up_with_the_name_of_the_file() {
    let folder = folder(&[("a.yaml", b"")]);
    let (file, path) = (folder.path().join("a.yaml"), folder.path().join("pipe"));
    pipe(&path);
    let names = [file, path.clone()].map(|path| path.display().to_string());
    let given = names.clone();
    let InTime::Hangs(problem, thread) =
        in_time(move |opens| find_sources_with(&given, false, None, Reads::Once, opens))
    else {
        panic!("nobody writes this pipe")
    };
    assert_eq!(problem.file, names[1]);
    assert!(problem.message.contains("nothing opened this pipe for writing within 10 seconds"), "{problem}");
    assert!(problem.hint.is_some() && !thread.is_finished(), "{problem}");
    fs::write(path, "").expect("the thread reads");
    thread.join().expect("it ends");
}
