//! Whose credentials are used, which way calls take, and what messages keep to themselves.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use tempfile::TempDir;

use super::{NOWHERE, Said, home, portolan};
use crate::emulator::{OverHttp, Served};
use crate::moto;

/// Answers every request with 403 and an empty body, and hands on its head.
fn listening() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let (heads, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if heads.send(head).is_err() {
                return;
            }
        }
    });
    (url, received)
}

/// A drift check; a variable without a value is unset.
fn drift(home: &Path, options: &[&str], variables: &[(&str, Option<&str>)]) -> Said {
    let mut command = portolan(home, &[&["drift", "-f", "fleet.yaml"], options].concat());
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Said::of(command.output().expect("it starts"))
}

fn configure(home: &Path, config: &str, credentials: &str) {
    let folder = home.join(".aws");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("config"), config).expect("a file");
    fs::write(folder.join("credentials"), credentials).expect("a file");
}

#[test]
fn a_profile_that_is_asked_for_comes_before_keys_in_the_environment() {
    let keys = "[prod]\naws_access_key_id = OFTHEPROFILE\naws_secret_access_key = x\n";
    for (options, variables, used) in [
        (&["--profile", "prod"][..], &[][..], "Credential=OFTHEPROFILE/"),
        (&[], &[], "Credential=AKIATESTTESTTESTTEST/"),
        // The AWS CLI, too, lets keys in the environment come before this one.
        (&[], &[("AWS_PROFILE", Some("prod"))], "Credential=AKIATESTTESTTESTTEST/"),
    ] {
        let (home, (url, heads)) = (home(), listening());
        configure(home.path(), "", keys);
        drift(home.path(), &[options, &["--endpoint-url", &url]].concat(), variables).ends(2);
        let heads: Vec<_> = heads.try_iter().collect();
        assert!(!heads.is_empty() && heads.iter().all(|head| head.contains(used)), "{options:?} {heads:?}");
    }
}

#[test]
fn a_profile_that_does_not_exist_is_refused_before_anything_is_sent() {
    for (options, variables, source) in
        [(&["--profile", "prdo"][..], &[][..], "--profile"), (&[], &[("AWS_PROFILE", Some("prdo"))], "AWS_PROFILE")]
    {
        let (home, (url, heads)) = (home(), listening());
        configure(home.path(), "[profile prod]\nregion = eu-west-1\n", "");
        let said = drift(home.path(), &[options, &["--endpoint-url", &url]].concat(), variables);
        said.ends(2);
        let expected =
            format!("error: {source} names the AWS profile \"prdo\", which does not exist\n  hint: list the profiles");
        assert!(said.stderr.starts_with(&expected), "{}", said.stderr);
        assert_eq!(heads.try_iter().count(), 0);
    }
}

#[test]
fn a_star_in_no_proxy_means_no_proxy_at_all() {
    let world = portolan::sandbox::world_file::load("world.yaml", include_str!("../../../src/cli/demo/world.yaml"));
    let aws = Served::serve(world.expect("a world"));
    for (variable, value, code) in [("NO_PROXY", None, 2), ("NO_PROXY", Some("*"), 1), ("no_proxy", Some(" * "), 1)] {
        let home = home();
        let variables = [("HTTP_PROXY", Some(NOWHERE)), (variable, value)];
        let manifest = include_str!("../../../manifests/harbour/fleet.yaml");
        fs::write(home.path().join("fleet.yaml"), manifest).expect("a file");
        drift(home.path(), &["--endpoint-url", aws.endpoint()], &variables).ends(code);
    }
}

#[test]
fn metadata_services_are_never_asked_through_a_proxy() {
    for name in ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
        let (home, (url, heads)) = (home(), listening());
        let variables = [
            ("AWS_ACCESS_KEY_ID", None),
            ("AWS_SECRET_ACCESS_KEY", None),
            ("AWS_EC2_METADATA_DISABLED", None),
            (name, Some(url.as_str())),
            ("HTTP_PROXY", Some(NOWHERE)),
        ];
        drift(home.path(), &["--endpoint-url", NOWHERE], &variables).ends(2);
        assert!(heads.try_iter().count() > 0, "{name}");
    }
}

#[test]
fn the_authorities_of_the_bundle_are_trusted_and_a_bundle_must_be_one() {
    let home = TempDir::new().expect("a folder");
    fs::write(home.path().join("fleet.yaml"), super::FLEET).expect("a file");
    let authority = home.path().join("authority.pem");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/cli/tls_hook.py");
    let mut server = Command::new(moto::environment().join("bin/python"))
        .args([script, authority.to_str().expect("a path")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python starts");
    let mut received = BufReader::new(server.stdout.take().expect("its output"));
    let mut port = String::new();
    received.read_line(&mut port).expect("a port");
    let url = format!("https://127.0.0.1:{}", port.trim());

    drift(home.path(), &["--endpoint-url", &url], &[]).ends(2);
    let trusted = [("AWS_CA_BUNDLE", authority.to_str())];
    drift(home.path(), &["--endpoint-url", &url], &trusted).ends(2);
    server.kill().and_then(|()| server.wait().map(drop)).expect("it ends");
    let mut bodies = String::new();
    received.read_to_string(&mut bodies).expect("text");
    assert!(bodies.contains("Action=GetCallerIdentity"), "with the bundle alone a request arrived: {bodies}");

    for (file, why) in [("missing.pem", "No such file"), ("fleet.yaml", "it has no certificate")] {
        let said = drift(home.path(), &["--endpoint-url", &url], &[("AWS_CA_BUNDLE", Some(file))]);
        said.ends(2);
        let expected = format!("error: AWS_CA_BUNDLE names {file}, which cannot be used: {why}");
        assert!(said.stderr.starts_with(&expected), "{}", said.stderr);
    }
}

#[test]
fn plain_http_over_a_network_is_warned_of_and_passwords_in_urls_never_show() {
    let url = "http://me:hunter2@portolan.invalid:1/";
    let (_proxy, heads) = listening();
    for (options, variables) in [
        (&["--endpoint-url", url][..], &[][..]),
        (&["--endpoint-url", url, "-o", "json"], &[]),
        (&["-vv"], &[("AWS_ENDPOINT_URL", Some(url))]),
        (&["--endpoint-url", NOWHERE], &[("HTTP_PROXY", Some(url))]),
        (&["--endpoint-url", "https://me:hunter2@portolan.invalid:1"], &[]),
    ] {
        let home = home();
        let said = drift(home.path(), options, variables);
        said.ends(2);
        let both = format!("{}{}", said.stdout, said.stderr);
        assert!(!both.contains("hunter2") && !both.contains("me:"), "{options:?}: {both}");
        let is_warned = said.stderr.contains("warning: ") && said.stderr.contains("plain http");
        assert_eq!(
            is_warned,
            options.contains(&url) || variables.iter().any(|(name, _)| *name == "AWS_ENDPOINT_URL"),
            "{both}"
        );
    }
    let said = Said::of(
        portolan(home().path(), &["run", "-f", "fleet.yaml", "--events-queue", url]).output().expect("it starts"),
    );
    said.ends(2);
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
    drop(heads);
}
