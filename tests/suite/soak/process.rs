//! The two processes of the soak, and what the operating system says of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

/// A `portolan` that says where it listens; it ends with this value.
pub struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    /// `127.0.0.1:…`
    pub address: String,
}

/// What a process holds.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Resident memory, KiB.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

/// What a process has used since it started.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Processor time, its own and the kernel's for it, in seconds.
    pub cpu: f64,
    /// The most resident memory so far, KiB.
    pub peak: u64,
}

/// Ticks of `/proc/PID/stat` in a second: Linux tells user space this number on every machine.
const TICKS: f64 = 100.0;

impl Process {
    /// Starts it, and waits for the line that says where it listens.
    pub fn start(home: &Path, args: &[&str]) -> Self {
        let mut child = command(home, args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut log = Vec::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended before it listened:\n{}", log.join("\n")));
            log.push(line.clone());
            if let Some((_, rest)) = line.split_once("http://") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
        };
        let log = Arc::new(Mutex::new(log));
        let kept = log.clone();
        // It must never wait for us.
        std::thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push(line)));
        Self { child, log, address }
    }

    /// What it said so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// A page of its endpoint: HTTP's code and the body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (code, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// What it holds at the moment.
    pub fn held(&self) -> Held {
        let memory = self.kibibytes("VmRSS:");
        Held { memory, descriptors: fs::read_dir(self.folder().join("fd")).unwrap().count() as u64 }
    }

    /// What it has used so far.
    pub fn used(&self) -> Used {
        let stat = fs::read_to_string(self.folder().join("stat")).unwrap();
        // The second field is the name in parentheses, and may have blanks; user and system time are fields 14 and 15.
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        let ticks: f64 = fields.skip(11).take(2).map(|field| field.parse::<f64>().unwrap()).sum();
        Used { cpu: ticks / TICKS, peak: self.kibibytes("VmHWM:") }
    }

    fn kibibytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(self.folder().join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn folder(&self) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string())
    }

    /// Asks it to end, and waits until it has.
    pub fn end(&mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, for people without an account.
pub fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    command.args(args).current_dir(home).env_clear().stdin(Stdio::null()).envs([
        ("HOME", home.to_str().unwrap()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    command
}
