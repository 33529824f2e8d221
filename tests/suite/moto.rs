//! moto, an emulator of AWS in Python, as a child process: real requests of the real SDK against it, on the loopback
//! interface alone. Needs `python3` with `venv`; everything else is installed below `target` on first use, pinned.
//!
//! What it cannot show: it starts no tasks for a service, registers no targets, finds every target healthy, does not
//! page most lists and takes batches of any size. Those are the business of `aws/script.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub mod seed;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};

const REQUIREMENTS: &str = include_str!("moto/requirements.txt");

/// The region of every test.
pub const REGION: &str = "eu-west-1";
/// moto's account.
pub const ACCOUNT: &str = "123456789012";

/// A server with a state of its own; it ends with this value.
pub struct Moto {
    child: Child,
    endpoint: String,
}

impl Moto {
    /// Starts a server. Tasks stay as they are, and services count one running task, until a test says otherwise.
    pub fn start() -> Self {
        let mut child = Command::new(environment().join("bin").join("moto_server"))
            // Port 0: the system finds a free one, and the server says which.
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("MOTO_ECS_SERVICE_RUNNING", "1")
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("moto_server does not start: {error}"));
        let errors = child.stderr.take().unwrap();
        let moto = Self { child, endpoint: endpoint_of(errors) };
        // Otherwise each look at a task moves it on to its end.
        moto.post(
            "/moto-api/state-manager/set-transition",
            r#"{"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1000000}}"#,
        );
        moto
    }

    /// `http://127.0.0.1:…`
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn post(&self, path: &str, body: &str) {
        let host = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "moto answers {answer}");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// For clients of the SDK that speak to an emulator.
pub fn config_at(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(credentials())
        .build()
}

/// Credentials that no account has.
pub fn credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "tests"))
}

/// Reads the address from the server's log, and the rest of the log away, so that the server never waits for us.
fn endpoint_of(errors: ChildStderr) -> String {
    let mut lines = BufReader::new(errors).lines();
    let mut seen = String::new();
    while let Some(Ok(line)) = lines.next() {
        if let Some((_, url)) = line.split_once("Running on ") {
            let url = url.trim().to_owned();
            std::thread::spawn(move || lines.for_each(drop));
            return url;
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    panic!("moto_server ended before it listened:\n{seen}");
}

/// The virtual environment; made once, however many tests and test processes ask for it at a time.
pub fn environment() -> PathBuf {
    // Beside whatever was built: tests and examples share the one environment.
    let program = std::env::current_exe().unwrap();
    let profile = program.ancestors().find(|folder| folder.join("deps").is_dir());
    let folder = profile.and_then(Path::parent).unwrap_or(Path::new("target")).join("tmp/moto");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let environment = folder.join("venv");
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == REQUIREMENTS) {
        return environment;
    }
    let list = folder.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).unwrap();
    let what = "python3 with its venv module is needed for the tests against moto";
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment), what);
    let python = environment.join("bin").join("python");
    let install = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "-r"];
    run(Command::new(python).args(install).arg(&list), "moto could not be installed");
    fs::write(installed, REQUIREMENTS).unwrap();
    environment
}

fn run(command: &mut Command, what: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(output.status.success(), "{what}:\n{}", String::from_utf8_lossy(&output.stderr));
}
