//! `portolan drift --notify-url`: who is told what, how often it is tried, and what never shows.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use portolan::aws::post::{Limits, Post, PostError, post};
use portolan::sandbox::{World, world_file};
use serde_json::Value;
use tempfile::TempDir;

use super::{NOWHERE, Said, portolan};
use crate::emulator::{OverHttp, Served};
use crate::moto;

const MANIFEST: &str = include_str!("../../../manifests/harbour/fleet.yaml");
const BROKEN: &str = include_str!("../../../src/cli/demo/world.yaml");

/// What a hook was sent: the head and the body.
type Request = (String, String);

/// Somebody who wants to be told, on a loopback port.
struct Hook {
    address: String,
    requests: mpsc::Receiver<Request>,
}

impl Hook {
    /// Answers one request after the other with these codes, and then none.
    fn answering(codes: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let (tell, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for code in codes {
                let (mut stream, _) = listener.accept().expect("a connection");
                let request = read(&mut stream);
                let _ = write!(stream, "HTTP/1.1 {code} Whatever\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = tell.send(request);
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// All that came.
    fn heard(self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }
}

fn read(stream: &mut TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("a line") > 0, "the head ends early: {head}");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    reader.read_exact(&mut body).expect("the body");
    (head, String::from_utf8(body).expect("text"))
}

fn world(text: &str) -> World {
    world_file::load("world.yaml", text).unwrap_or_else(|error| panic!("{error}"))
}

/// The harbour before anybody touched it.
fn sound() -> World {
    let (text, _) = BROKEN.split_once("\nthen:").expect("what broke it");
    world(&format!(
        "{text}\nthen:\n  - call: elasticloadbalancing:RegisterTargets\n    with: {{TargetGroupArn: $targetGroup/ledger, Targets: [{{Id: 10.0.10.5, Port: 8080}}]}}\n  - advance: 600\n"
    ))
}

fn home() -> TempDir {
    let home = TempDir::new().expect("a folder");
    std::fs::write(home.path().join("fleet.yaml"), MANIFEST).expect("a file");
    home
}

/// A drift check of the harbour.
fn drift(endpoint: &str, options: &[&str], variables: &[(&str, &str)]) -> Said {
    let home = home();
    let mut command = portolan(home.path(), &["drift", "-f", "fleet.yaml", "--endpoint-url", endpoint]);
    Said::of(command.args(options).envs(variables.iter().copied()).output().expect("it starts"))
}

#[test]
fn no_proxy_at_all_holds_for_addresses_too() {
    let aws = Served::serve(world(BROKEN));
    for (variable, value) in [("NO_PROXY", "*"), ("no_proxy", " * ")] {
        let hook = Hook::answering(&[204]);
        let said = drift(aws.endpoint(), &["--notify-url", &hook.url()], &[("HTTP_PROXY", NOWHERE), (variable, value)]);
        said.ends(1);
        assert_eq!(hook.heard().len(), 1, "{}", said.stderr);
    }
}

#[test]
fn a_difference_is_told_as_the_json_of_the_pass() {
    let (aws, hook) = (Served::serve(world(BROKEN)), Hook::answering(&[204]));
    let said = drift(aws.endpoint(), &["-o", "json", "--notify-url", &hook.url()], &[]);
    said.ends(1);
    let heard = hook.heard();
    let [(head, body)] = heard.as_slice() else { panic!("{} requests", heard.len()) };
    assert_eq!(*body, said.stdout, "what is told is what is shown");
    assert_eq!(said.json()["verdict"], "pending");
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    for line in ["content-type: application/json", concat!("user-agent: portolan/", env!("CARGO_PKG_VERSION"))] {
        assert!(head.lines().any(|found| found.eq_ignore_ascii_case(line)), "{line}: {head}");
    }
    assert!(!head.to_lowercase().contains("authorization"), "{head}");
    assert!(said.stderr.contains("notified http://127.0.0.1:"), "{}", said.stderr);
}

#[test]
fn in_whatever_form_it_is_shown_it_is_told_as_json() {
    let (aws, hook) = (Served::serve(world(BROKEN)), Hook::answering(&[200]));
    let said = drift(aws.endpoint(), &["-o", "markdown", "-q"], &[("PORTOLAN_NOTIFY_URL", &hook.url())]);
    said.ends(1);
    assert!(said.stdout.contains("## Portolan: pending") && !said.stderr.contains("notif"), "{}", said.stderr);
    let told: Value = serde_json::from_str(&hook.heard()[0].1).expect("JSON");
    assert_eq!((&told["schemaVersion"], &told["verdict"]), (&1.into(), &"pending".into()));
    assert!(told["steps"][0]["at"]["line"].is_u64());
}

#[test]
fn a_fleet_in_sync_is_no_news() {
    let (aws, hook) = (Served::serve(sound()), Hook::answering(&[200]));
    let said = drift(aws.endpoint(), &["--notify-url", &hook.url()], &[]);
    said.ends(0);
    assert!(hook.heard().is_empty());
    assert!(!said.stderr.contains("notif"), "{}", said.stderr);
}

#[test]
fn a_check_that_could_not_be_made_is_news() {
    let hook = Hook::answering(&[200, 200]);
    drift(NOWHERE, &["--notify-url", &hook.url()], &[]).ends(2);
    let home = home();
    std::fs::write(home.path().join("fleet.yaml"), "kind: nonsense\n").expect("a file");
    let args = ["drift", "-f", "fleet.yaml", "--notify-url", &hook.url()];
    Said::of(portolan(home.path(), &args).output().expect("it starts")).ends(2);
    let heard = hook.heard();
    let told: Vec<Value> = heard.iter().map(|(_, body)| serde_json::from_str(body).expect("JSON")).collect();
    assert_eq!(told.iter().filter(|document| document["verdict"] == "failed").count(), 2);
    assert!(told[0]["errors"][0]["message"].as_str().is_some_and(|text| text.contains("AWS did not answer")));
    assert_eq!(told[1]["errors"][0]["file"], "fleet.yaml");
}

#[test]
fn a_hook_that_fails_is_asked_again_and_one_that_refuses_is_not() {
    let aws = Served::serve(world(BROKEN));
    let hook = Hook::answering(&[503, 429, 200]);
    let said = drift(aws.endpoint(), &["--notify-url", &hook.url()], &[]);
    said.ends(1);
    assert_eq!(hook.heard().len(), 3);
    assert!(!said.stderr.contains("warning"), "{}", said.stderr);

    for code in [&[404][..], &[401], &[307]] {
        let hook = Hook::answering(code);
        let said = drift(aws.endpoint(), &["--notify-url", &hook.url()], &[]);
        said.ends(1);
        assert_eq!(hook.heard().len(), 1);
        let warning = format!(": it answered {}", code[0]);
        assert!(
            said.stderr.contains("warning: could not notify http://127.0.0.1:") && said.stderr.contains(&warning),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn a_hook_that_is_not_there_is_a_warning_and_the_exit_code_stays() {
    let aws = Served::serve(world(BROKEN));
    let said = drift(aws.endpoint(), &["--notify-url", NOWHERE, "--detailed-exitcode"], &[]);
    said.ends(2);
    assert!(
        said.stderr.contains("could not notify http://127.0.0.1:1: it cannot be reached (Connection refused"),
        "{}",
        said.stderr
    );
    assert!(said.stdout.contains("Plan: "));
}

#[test]
fn nothing_of_the_address_shows_but_where_it_is() {
    let aws = Served::serve(world(BROKEN));
    let secrets = ["hookuser", "geheim", "T0KEN", "S3CRET", "aG9va3VzZXI6Z2VoZWlt"];
    let loud = ["-vv", "--log-format", "json"];
    for codes in [&[200][..], &[404]] {
        let hook = Hook::answering(codes);
        let url = format!("http://hookuser:geh%65im@{}/T0KEN?key=S3CRET#part", hook.address);
        let said = drift(aws.endpoint(), &loud, &[("RUST_LOG", "trace"), ("PORTOLAN_NOTIFY_URL", &url)]);
        said.ends(1);
        for secret in secrets {
            assert!(!said.stderr.contains(secret) && !said.stdout.contains(secret), "{secret}: {}", said.stderr);
        }
        let (head, _) = hook.heard().remove(0);
        assert!(head.starts_with("POST /T0KEN?key=S3CRET HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains("authorization: basic"), "{head}");
        assert!(head.contains("Basic aG9va3VzZXI6Z2VoZWlt\r\n"), "{head}");
    }
    let home = home();
    let help = portolan(home.path(), &["drift", "--help"]).env("PORTOLAN_NOTIFY_URL", "https://T0KEN/").output();
    assert!(!Said::of(help.expect("it starts")).stdout.contains("T0KEN"));
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_asked_and_not_repeated() {
    for url in
        ["", "T0KEN", "ftp://me:T0KEN@example.com/", "http://T0KEN@", "mailto:T0KEN@example.com", "https://T0KEN:x/"]
    {
        let said = drift(NOWHERE, &["-o", "json", "--notify-url", url], &[]);
        said.ends(2);
        let message = said.json()["errors"][0]["message"].as_str().expect("a message").to_owned();
        assert!(message.starts_with("--notify-url "), "{message}");
        assert!(!said.stderr.contains("T0KEN") && !said.stdout.contains("T0KEN"), "{}", said.stderr);
        assert!(!said.stderr.contains("reading"), "{}", said.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_waiting_for_a_hook() {
    let aws = Served::serve(world(BROKEN));
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", silent.local_addr().expect("its address"));
    let home = home();
    let args = ["drift", "-f", "fleet.yaml", "--endpoint-url", aws.endpoint(), "--notify-url", &url];
    let child = portolan(home.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let (mut connection, _) = silent.accept().expect("a connection");
    read(&mut connection);
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
    let said = Said::of(child.wait_with_output().expect("it ends"));
    assert!(said.stderr.contains("could not notify ") && said.stderr.contains(": interrupted"), "{}", said.stderr);
    said.ends(143);
    assert!(said.stdout.contains("Plan: "), "the answer stands");
}

#[tokio::test]
async fn a_hook_that_never_answers_is_given_up_after_so_many_attempts() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let uri = format!("http://{}/", silent.local_addr().expect("its address"));
    let limits = Limits { attempts: 3, attempt: Duration::from_millis(50), pause: Duration::from_millis(1) };
    let ended = post(&Post { uri, user: None, body: "{}".to_owned(), no_proxy: false }, &limits).await;
    assert_eq!(ended, Err(PostError::TimedOut));
    silent.set_nonblocking(true).expect("a listener");
    let connections = std::iter::from_fn(|| silent.accept().ok()).count();
    assert_eq!(connections, 3);
}

#[test]
fn https_is_checked_against_the_authorities_of_the_system() {
    let aws = Served::serve(world(BROKEN));
    let home = TempDir::new().expect("a folder");
    let authority = home.path().join("authority.pem");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/cli/tls_hook.py");
    let mut server = Command::new(moto::environment().join("bin/python"))
        .args([script, authority.to_str().expect("a path")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python starts");
    let mut told = BufReader::new(server.stdout.take().expect("its output"));
    let mut port = String::new();
    told.read_line(&mut port).expect("a port");
    let url = format!("https://127.0.0.1:{}/hook", port.trim());

    let said = drift(aws.endpoint(), &["--notify-url", &url], &[]);
    said.ends(1);
    assert!(said.stderr.contains("could not notify") && said.stderr.contains("certificate"), "{}", said.stderr);

    let trusted = [("SSL_CERT_FILE", authority.to_str().expect("a path"))];
    let said = drift(aws.endpoint(), &["-o", "json", "--notify-url", &url], &trusted);
    said.ends(1);
    let mut body = vec![0; said.stdout.len()];
    told.read_exact(&mut body).expect("a body");
    assert_eq!(String::from_utf8(body).expect("text"), said.stdout);
    server.kill().and_then(|()| server.wait().map(drop)).expect("it ends");
}
