//! What AWS really does, held against the sandbox and against moto by another client: `tests/contract`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::emulator::{OverHttp, Served};
use crate::moto::{self, Moto};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract")
}

/// The files of the contract, in the order of their names.
fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "yaml")).collect();
    files.sort();
    files
}

/// Runs every file, and answers how many assertions there were.
fn holds(on: &impl OverHttp, against: &str) -> usize {
    let mut command = Command::new(moto::environment().join("bin").join("python"));
    command.arg(folder().join("run.py")).args(["--endpoint", on.endpoint(), "--against", against]).args(files());
    // Whatever the person who runs the tests has set for AWS is not meant for this.
    for name in ["AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    let (told, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let differing: Vec<&str> = told.lines().filter(|line| line.contains("\"ok\": false")).collect();
    assert!(output.status.success(), "{}\n{why}", differing.join("\n"));
    told.lines().count()
}

#[test]
fn the_sandbox_keeps_the_contract() {
    let count = holds(&Served::start(), "sandbox");
    assert!(count >= 750, "only {count} assertions");
}

#[test]
fn moto_keeps_it_but_for_what_is_noted() {
    holds(&Moto::start(), "moto");
}
