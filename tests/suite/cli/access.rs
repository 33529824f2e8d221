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
    refusing("")
}

/// The same with a body.
fn refusing(body: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let (heads, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
            let head_of_answer =
                format!("content-type: text/xml\r\ncontent-length: {}\r\nconnection: close", body.len());
            let _ = stream.write_all(format!("HTTP/1.1 403 Forbidden\r\n{head_of_answer}\r\n\r\n{body}").as_bytes());
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
        let expected = format!("error: cannot use {file}, which AWS_CA_BUNDLE names: {why}");
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

/// What STS answers to those who may not take a role.
const NOT_YOURS: &str = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
    <Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole on \
    resource: arn:aws:iam::123456789012:role/ops</Message></Error><RequestId>1</RequestId></ErrorResponse>";

#[test]
fn what_is_wrong_with_credentials_is_said_in_plain_words_and_whole() {
    let role = ["--assume-role-arn", "arn:aws:iam::123456789012:role/ops"];
    let (sts, _heads) = refusing(NOT_YOURS);
    let no_keys = [("AWS_ACCESS_KEY_ID", None), ("AWS_SECRET_ACCESS_KEY", None)];
    for (options, variables, expected) in [
        (
            &["--endpoint-url", NOWHERE][..],
            &no_keys[..],
            "error: no usable AWS credentials: no credentials in the environment, the profile, a web identity, or the metadata of ECS \
             or EC2\n  hint: sign in again",
        ),
        (
            &[&role[..], &["--endpoint-url", &sts]].concat(),
            &[],
            "error: cannot assume role arn:aws:iam::123456789012:role/ops (--assume-role-arn): AccessDenied: User: \
             arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::123456789012:role/ops\n  hint: check that the role exists",
        ),
        (
            &[&role[..], &["--endpoint-url", NOWHERE]].concat(),
            &[],
            "role/ops (--assume-role-arn): cannot reach http://127.0.0.1:1: connection refused\n",
        ),
        (
            &[&role[..], &["--endpoint-url", NOWHERE]].concat(),
            &no_keys,
            "role/ops (--assume-role-arn): no credentials in the environment, ",
        ),
        (&["--assume-role-arn", "nonsense"], &[], "the ARN of a role such as arn:aws:iam::"),
        (&["--assume-role-arn", "arn:aws:iam::123456789012:user/ops"], &[], "the ARN of a role such as arn:aws:iam::"),
        (&["--assume-role-arn", "arn:aws:sts::123456789012:assumed-role/a/b"], &[], "the ARN of a role such as"),
    ] {
        let said = drift(home().path(), options, variables);
        said.ends(2);
        assert!(said.stderr.contains(expected), "{options:?}: {}", said.stderr);
        for noise in ["{", "ProviderError", "did not answer"] {
            assert!(!said.stderr.contains(noise), "{options:?}: {}", said.stderr);
        }
    }
    // Without a manifest it is no other matter.
    for verb in [&["trace", "--cluster", "prod"][..], &["status", "--cluster", "prod"], &["init", "--cluster", "prod"]]
    {
        let home = home();
        let mut command = portolan(home.path(), &[verb, &["--region", "eu-west-1", "-q", "-o", "json"]].concat());
        let said = Said::of(command.env_remove("AWS_ACCESS_KEY_ID").output().expect("it starts"));
        said.ends(2);
        let document = said.json();
        let message = document["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("no usable AWS credentials: "), "{document}");
    }
}

#[test]
fn where_aws_cannot_be_reached_the_address_and_the_cause_are_named() {
    let world = portolan::sandbox::world_file::load("world.yaml", include_str!("../../../src/cli/demo/world.yaml"));
    let aws = Served::serve(world.expect("a world"));
    let not_tls = aws.endpoint().replace("http://", "https://");
    let tls = format!("cannot reach {not_tls}: it does not speak TLS");
    for (options, variables, expected) in [
        (
            &["--endpoint-url", NOWHERE][..],
            &[][..],
            "cannot reach http://127.0.0.1:1: connection refused)\n  hint: check the network",
        ),
        (
            &["--endpoint-url", "http://portolan.invalid"],
            &[],
            "cannot reach http://portolan.invalid:80: its host name cannot be resolved",
        ),
        (&["--endpoint-url", &not_tls], &[], &tls),
        (&["--endpoint-url", "nonsense"], &[], "--endpoint-url is not a valid http or https URL: \"nonsense\""),
        (
            &[],
            &[("AWS_ENDPOINT_URL_ECS", Some("localhost:4566"))],
            "AWS_ENDPOINT_URL_ECS is not a valid http or https URL: \"localhost:4566\"",
        ),
    ] {
        let said = drift(home().path(), options, variables);
        said.ends(2);
        assert!(said.stderr.contains(expected), "{options:?}: {}", said.stderr);
    }
    for region in ["eu west", "EU-WEST-1", "eu-west-1.evil.example"] {
        let said = Said::of(
            portolan(home().path(), &["status", "--cluster", "prod", "--region", region]).output().expect("it"),
        );
        said.ends(2);
        assert!(said.stderr.contains(&format!("{region:?} is not the name of an AWS region")), "{}", said.stderr);
    }
}
