//! Manifests that are no ordinary files.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{FLEET, NOWHERE, Said, feed, home, portolan};

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo starts");
    assert!(made.success());
}

#[test]
fn a_pipe_that_another_command_writes_is_a_manifest() {
    feed(&["validate", "-f", "/dev/stdin"], FLEET).ends(0);
    let home = home();
    let command = format!("exec {} validate -f <(cat fleet.yaml) -f service.yaml", env!("CARGO_BIN_EXE_portolan"));
    let mut shell = Command::new("bash");
    shell.args(["-c", &command]).current_dir(home.path()).stdin(Stdio::null());
    let said = Said::of(shell.output().expect("bash starts"));
    said.ends(0);
    assert_eq!(said.stdout, "OK: fleet payments: 1 service, 0 target groups in 2 files\n");
}

#[test]
fn a_pipe_that_nobody_writes_is_refused_in_time() {
    let home = home();
    pipe(&home.path().join("pipe"));
    let run = |verb: &str| {
        let args = [verb, "-f", "fleet.yaml", "-f", "pipe", "-o", "json", "--endpoint-url", NOWHERE];
        portolan(home.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let children = ["validate", "drift", "reconcile"].map(run);
    for child in children {
        let said = Said::of(child.wait_with_output().expect("it ends"));
        said.ends(2);
        let error = &said.json()["errors"][0];
        assert_eq!(error["file"], "pipe", "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("nothing opened this pipe")), "{error}");
        assert!(error["hint"].is_string(), "{error}");
    }
}

#[test]
fn a_device_or_a_pipe_is_refused_at_once() {
    let home = home();
    pipe(&home.path().join("pipe"));
    for (verb, path, expected) in [
        ("validate", "/dev/zero", "/dev/zero: error: cannot be read: it is a character device"),
        ("drift", "/dev/stdin", "/dev/stdin: error: cannot be read: it is a character device"),
        ("run", "pipe", "pipe: error: cannot be read: it is a pipe"),
        ("run", "/dev/stdin", "/dev/stdin: error: cannot be read: it is a character device"),
    ] {
        let mut command = portolan(home.path(), &[verb, "-f", path]);
        if verb == "run" {
            command.args(["--listen", "none"]);
        }
        let said = Said::of(command.output().expect("it starts"));
        said.ends(2);
        assert!(said.stderr.contains(expected) && said.stderr.contains("hint: pass a file"), "{}", said.stderr);
    }
}

#[test]
fn a_signal_ends_a_run_that_waits_for_its_manifest() {
    let home = home();
    let path = home.path().join("pipe");
    pipe(&path);
    let mut command = portolan(home.path(), &["drift", "-f", "pipe", "--endpoint-url", NOWHERE]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // Opens once the other end is open, and stays open: the manifest never ends.
    let _writer = fs::File::options().write(true).open(&path).expect("it is read");
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
    let said = Said::of(child.wait_with_output().expect("it ends"));
    said.ends(143);
    assert!(said.stderr.contains("nothing was applied"), "{}", said.stderr);
}
