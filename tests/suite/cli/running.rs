//! `portolan run` as a process, against a sandbox that is served over HTTP.

mod events;
mod http;
mod life;
mod log;
mod stopping;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

use super::{Said, portolan, run};
use crate::emulator::{OverHttp, Served};

const MANIFEST: &str = include_str!("../../../manifests/harbour/fleet.yaml");
const WORLD: &str = include_str!("../../../src/cli/demo/world.yaml");

/// A service as a process, beside the AWS that it looks after.
pub struct Service {
    child: Child,
    errors: BufReader<ChildStderr>,
    address: String,
    home: TempDir,
    /// Ends with the test.
    _aws: Option<Served>,
}

impl Service {
    /// Starts it on the broken harbour, with an interval that no test lives through unless it names one.
    pub fn start(options: &[&str]) -> Self {
        let world = portolan::sandbox::world_file::load("world.yaml", WORLD).expect("a world");
        let aws = Served::serve(world);
        let service = Self::on(aws.endpoint(), MANIFEST, options);
        Self { _aws: Some(aws), ..service }
    }

    /// Starts it on what speaks like AWS.
    pub fn on(endpoint: &str, manifest: &str, options: &[&str]) -> Self {
        let home = TempDir::new().expect("a folder");
        fs::write(home.path().join("fleet.yaml"), manifest).expect("a file");
        let given = ["run", "-f", "fleet.yaml", "--listen", "127.0.0.1:0"];
        let rarely: &[&str] = if options.contains(&"--interval") { &[] } else { &["--interval", "1h"] };
        let mut command = portolan(home.path(), &[&given, rarely, options].concat());
        command.args(["--endpoint-url", endpoint]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let errors = BufReader::new(child.stderr.take().expect("its errors"));
        let mut service = Self { child, errors, address: String::new(), home, _aws: None };
        let line = service.wait_for("http://127.0.0.1:");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split([' ', '"', '\n']).next());
        service.address = address.expect("an address").to_owned();
        service
    }

    /// Reads its log up to a line with these words.
    pub fn wait_for(&mut self, words: &str) -> String {
        let mut log = String::new();
        loop {
            let mut line = String::new();
            assert!(self.errors.read_line(&mut line).expect("a line") > 0, "it ended before {words:?}:\n{log}");
            if line.contains(words) {
                return line;
            }
            log.push_str(&line);
        }
    }

    /// Replaces the manifest, by its name and at once.
    pub fn declare(&self, text: &str) {
        let next = self.home.path().join(".next");
        let path = self.home.path().join("fleet.yaml");
        fs::write(&next, text).and_then(|()| fs::rename(&next, &path)).expect("a file");
    }

    /// The file that it reads its manifest from.
    pub fn manifest(&self) -> PathBuf {
        self.home.path().join("fleet.yaml")
    }

    /// Asks its HTTP endpoint.
    pub fn get(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a code");
        (code, answer.split_once("\r\n\r\n").expect("a body").1.to_owned())
    }

    /// The metrics without the labels that all of them have: those are checked.
    pub fn metrics(&self) -> String {
        let (code, text) = self.get("GET", "/metrics");
        assert_eq!(code, 200, "{text}");
        let place = "fleet=\"harbour\",region=\"eu-west-1\",cluster=\"prod\"";
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.for_each(|line| assert!(line.contains(place), "{line}"));
        text.replace(&format!("{{{place}}}"), "").replace(&format!("{place},"), "")
    }

    /// Sends a signal, such as `-TERM`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill starts");
        assert!(sent.success());
    }

    /// What it says last, and its exit code.
    pub fn end(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.errors.read_to_string(&mut rest).expect("text");
        (rest, self.child.wait().expect("it ends").code())
    }
}

#[test]
fn a_service_repairs_tells_and_stops() {
    let mut service = Service::start(&[]);
    assert_eq!(service.get("GET", "/healthz").0, 200);
    service.wait_for("sending");
    service.wait_for("pass finished");
    assert_eq!(service.get("GET", "/readyz"), (200, "ready\n".to_owned()));
    check_metrics(&service.metrics());
    let (_, status) = service.get("GET", "/api/v1/status");
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    let objects = status["objects"].as_array().expect("objects");
    let of = |name: &str| objects.iter().find(|object| object["object"] == name).expect("the object");
    assert_eq!(of("Service/catalog")["inSync"], true);
    assert_eq!(of("TargetGroup/payments")["inSync"], false, "its removal waits");
    assert_eq!(of("Service/checkout")["reachable"], "no", "as it was found");
    assert_eq!(service.get("POST", "/api/v1/status").0, 405);
    service.signal("-TERM");
    let (said, code) = service.end();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.ends_with("portolan: stopped (exit 143)\n"), "{said}");
}

/// Every line is a comment or a sample, every sample has a type, and the end is said.
fn check_metrics(text: &str) {
    let (mut types, mut samples) = (Vec::new(), 0);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            types.push(rest.split(' ').next().expect("a name").to_owned());
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(types.iter().any(|known| name.starts_with(known.as_str())), "no type: {line}");
            samples += 1;
        }
    }
    assert!(text.ends_with("# EOF\n") && samples > 20, "{text}");
    let fill = text.lines().find_map(|line| line.strip_prefix("portolan_api_bucket_fill{calls=\"elb\"} "));
    let fill: f64 = fill.expect("the bucket of Elastic Load Balancing").parse().expect("a share");
    assert!((0.0..=1.0).contains(&fill), "{fill}");
    for expected in [
        "portolan_passes_total{verdict=\"blocked\"} 1",
        "portolan_steps_total{action=\"ModifyTargetGroup\",result=\"done\"} 1",
        "portolan_steps_total{action=\"DeleteRule\",result=\"failed\"} 0",
        "portolan_drift{object=\"TargetGroup/payments\"} 1",
        "portolan_drift{object=\"Service/cart\"} 0",
        "portolan_gaps 0",
        "portolan_api_calls_total{operation=\"ecs:DescribeServices\"}",
        "portolan_build_info{version=",
        "portolan_pass_duration_seconds_bucket{le=\"0.1\"}",
        "portolan_passes_total{verdict=\"panicked\"} 0",
        "portolan_api_refusals_total{operation=\"ecs:DescribeServices\"} 0",
        "portolan_queue_depth 1",
        "portolan_queue_latency_seconds_count 1",
        "portolan_reachable{object=\"TargetGroup/checkout\"} 0",
    ] {
        assert!(text.contains(expected), "{expected} is missing:\n{text}");
    }
}

#[test]
fn a_hang_up_reads_the_manifest_again() {
    let mut service = Service::start(&["--observe"]);
    service.wait_for("pass finished");
    service.declare("kind: nonsense\n");
    service.signal("-HUP");
    service.wait_for("keeps using the last valid one");
    let metrics = service.metrics();
    assert_eq!(refused(&metrics), Some("1"), "{metrics}");
    service.declare(&MANIFEST.replacen("desiredCount: 2", "desiredCount: 4", 1));
    service.signal("-HUP");
    service.wait_for("using a new manifest");
    service.wait_for("pass finished");
    let (_, status) = service.get("GET", "/api/v1/status");
    assert!(status.contains("4"), "{status}");
    service.signal("-INT");
    assert_eq!(service.end().1, Some(130));
}

/// The value of `portolan_manifest_refused`, whatever its labels.
fn refused(metrics: &str) -> Option<&str> {
    let line = metrics.lines().find(|line| line.starts_with("portolan_manifest_refused"))?;
    line.rsplit(' ').next()
}

#[test]
fn a_manifest_that_becomes_a_pipe_is_refused_by_name_while_passes_go_on() {
    let mut service = Service::start(&["--observe", "--interval", "1s"]);
    service.wait_for("pass finished");
    assert_eq!(service.get("GET", "/readyz").0, 200);
    let path = service.manifest();
    fs::remove_file(&path).expect("the manifest goes");
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo starts");
    assert!(made.success());
    let expected = "fleet.yaml: error: cannot be read: it is a pipe, not a file";
    let line = service.wait_for("keeps using the last valid one");
    assert!(line.contains(expected), "{line}");
    service.wait_for("pass finished");
    let (code, why) = service.get("GET", "/readyz");
    assert!(code == 503 && why.contains(expected), "{code} {why}");
    let (_, status) = service.get("GET", "/api/v1/status");
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert!(status["manifestRefused"].as_str().is_some_and(|why| why.contains(expected)), "{status}");
    assert_eq!(refused(&service.get("GET", "/metrics").1), Some("1"));
    service.declare(&MANIFEST.replacen("desiredCount: 2", "desiredCount: 4", 1));
    service.wait_for("using a new manifest");
    assert_eq!(service.get("GET", "/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(refused(&service.get("GET", "/metrics").1), Some("0"));
    service.signal("-TERM");
    assert_eq!(service.end().1, Some(143));
}

#[test]
fn a_signal_in_the_middle_of_a_pass_ends_it_in_order() {
    let mut service = Service::start(&[]);
    service.wait_for("sending");
    service.signal("-TERM");
    let (said, code) = service.end();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.contains("portolan: stopped (exit 143)\n"), "{said}");
}

#[test]
fn a_door_that_cannot_be_opened_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let said = run(&["run", "-f", "fleet.yaml", "--listen", &address]);
    said.ends(2);
    assert!(said.stderr.contains("cannot listen on ") && said.stderr.contains("--listen none"), "{}", said.stderr);
    run(&["run", "-f", "fleet.yaml", "--listen", "nowhere"]).ends(2);
    let said: Said = run(&["run", "-f", "-", "--listen", "none"]);
    said.ends(2);
    assert!(said.stderr.contains("standard input"), "{}", said.stderr);
}
