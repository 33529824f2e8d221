//! `portolan demo` and `portolan sandbox`, as a person starts them.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, Stdio};

use super::{Said, home, portolan, run};

/// A `portolan` that serves until it is stopped.
struct Serving {
    child: Child,
    errors: BufReader<ChildStderr>,
    endpoint: String,
    home: tempfile::TempDir,
}

impl Serving {
    /// Starts it and waits for the line that says where it listens.
    fn start(args: &[&str]) -> Self {
        let home = home();
        let mut command = portolan(home.path(), args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut errors = BufReader::new(child.stderr.take().expect("its errors"));
        let mut endpoint = None;
        while endpoint.is_none() {
            let mut line = String::new();
            assert!(errors.read_line(&mut line).expect("a line") > 0, "it ended before it listened");
            let url = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
            endpoint = url.map(str::to_owned);
        }
        Self { child, errors, endpoint: endpoint.unwrap_or_default(), home }
    }

    fn ask(&self, args: &[&str]) -> Said {
        let mut command = portolan(self.home.path(), args);
        Said::of(command.args(["--endpoint-url", &self.endpoint]).output().expect("it starts"))
    }

    /// Sends SIGTERM; answers what it said last, and its exit code.
    fn stop(mut self) -> (String, Option<i32>) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill starts");
        assert!(sent.success());
        let mut rest = String::new();
        self.errors.read_to_string(&mut rest).expect("text");
        (rest, self.child.wait().expect("it ends").code())
    }
}

#[test]
fn the_demonstration_ends_well_and_is_what_the_readme_shows() {
    let said = run(&["demo"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert_eq!(said.stdout, run(&["demo"]).stdout, "the same every time");
    insta::assert_snapshot!(said.stdout);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).expect("the README");
    // What the README leaves out is marked by a line with an ellipsis.
    let block = readme.split("<!-- demo -->\n```console\n").nth(1).and_then(|rest| rest.split("\n```").next());
    let block = block.expect("the README shows the demonstration");
    let mut rest = said.stdout.as_str();
    for part in block.split("\n…\n").map(|part| part.trim_start_matches("$ portolan demo\n")) {
        let at = rest.find(part).unwrap_or_else(|| panic!("the demonstration does not say:\n{part}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn the_chapter_about_rollouts_creates_deploys_and_rolls_back() {
    let said = run(&["demo", "--chapter", "rollout"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(said.stdout);
    let json = run(&["demo", "--chapter", "rollout", "-o", "json"]).json();
    let verdicts = ["dryRun", "reconcile", "second", "drift"].map(|pass| json[pass]["verdict"].clone());
    assert_eq!(verdicts, ["pending", "applied", "blocked", "blocked"]);
}

#[test]
fn the_demonstration_is_one_document_for_programs() {
    let said = run(&["demo", "-o", "json"]);
    let json = said.json();
    assert_eq!(said.code, Some(0));
    let codes = |member: &str| -> Vec<_> {
        json[member].as_array().into_iter().flatten().map(|request| request["code"].as_u64()).collect()
    };
    assert_eq!(codes("before"), [200, 504, 503, 404, 200, 200, 504, 503].map(Some));
    assert_eq!(codes("after"), [Some(200); 8]);
    let verdicts = ["dryRun", "reconcile", "second", "drift"].map(|pass| json[pass]["verdict"].clone());
    assert_eq!(verdicts, ["pending", "applied", "in-sync", "in-sync"]);
}

#[test]
fn the_files_of_the_demonstration_are_sound() {
    for chapter in ["repair", "rollout"] {
        let print = |file: &str| run(&["demo", "--chapter", chapter, "--print", file]).stdout;
        assert_eq!(super::feed(&["validate", "-f", "-"], &print("manifest")).code, Some(0));
        assert!(portolan::sandbox::world_file::load("world.yaml", &print("world")).is_ok());
    }
}

#[test]
fn afterwards_the_broken_fleet_is_served_for_people_to_go_on() {
    let serving = Serving::start(&["demo", "--port", "0"]);
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/harbour/fleet.yaml");
    let drift = serving.ask(&["drift", "-f", manifest, "-o", "json"]);
    assert_eq!(drift.json()["steps"].as_array().map(Vec::len), Some(7), "{}", drift.stderr);
    let repair = serving.ask(&["reconcile", "-f", manifest, "--yes"]);
    repair.ends(0);
    serving.ask(&["drift", "-f", manifest]).ends(0);
    let (said, code) = serving.stop();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.ends_with("portolan: stopped: the sandbox has ended (exit 143)\n"), "{said}");
}

#[test]
fn a_world_file_is_served() {
    let home = home();
    let world = home.path().join("world.yaml");
    std::fs::write(&world, "clusters: [prod]\nvpcs: [{name: main, cidr: 10.0.0.0/16}]\n").expect("a file");
    let serving = Serving::start(&["sandbox", "--port", "0", "--world", world.to_str().expect("a path")]);
    serving.ask(&["drift", "-f", "fleet.yaml"]).ends(0);
    assert_eq!(serving.stop().1, Some(143));
}

#[test]
fn a_world_file_that_is_wrong_is_an_error_with_its_place() {
    let home = home();
    let world = home.path().join("world.yaml");
    std::fs::write(&world, "clusters: [prod]\nvpc: []\n").expect("a file");
    let said = Said::of(
        portolan(home.path(), &["sandbox", "--port", "0", "--world", "world.yaml"]).output().expect("it starts"),
    );
    said.ends(2);
    let expected = "world.yaml:2:1: error: unknown field \"vpc\" in the world\n  2 | vpc: []\n    | ^\n  hint: did you mean \"vpcs\"?\n\
                    portolan: failed: the world file has 1 error (exit 2)\n";
    assert_eq!(said.stderr, expected);
    let said = run(&["sandbox", "--world", "nowhere.yaml"]);
    said.ends(2);
    assert!(said.stderr.contains("cannot read nowhere.yaml"), "{}", said.stderr);
}

#[test]
fn a_port_in_use_is_an_error_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    for args in [["sandbox", "--port", &port], ["demo", "--port", &port]] {
        let said = run(&args);
        said.ends(2);
        let expected = format!("error: cannot listen on loopback port {port}");
        assert!(
            said.stderr.starts_with(&expected) && said.stderr.contains("hint: choose another port"),
            "{}",
            said.stderr
        );
        assert_eq!(said.stdout, "", "{args:?} says nothing else");
    }
}

#[test]
fn help_shows_what_means_something_where_aws_is_in_memory() {
    insta::assert_snapshot!(run(&["demo", "--help"]).stdout);
    insta::assert_snapshot!(run(&["sandbox", "--help"]).stdout);
}

#[test]
fn what_speaks_of_another_aws_is_refused_where_aws_is_in_memory() {
    let options: [&[&str]; 5] = [
        &["--strict"],
        &["--region", "eu-west-1"],
        &["--profile", "prod"],
        &["--endpoint-url", "http://127.0.0.1:1"],
        &["--assume-role-arn", "arn:aws:iam::123456789012:role/ops"],
    ];
    for verb in ["demo", "sandbox"] {
        for option in options {
            for args in [[&[verb], option].concat(), [option, &[verb]].concat()] {
                let said = run(&args);
                said.ends(2);
                let expected = format!(
                    "error: the argument '{}' cannot be used with '{verb}', which uses an in-memory AWS",
                    option[0]
                );
                assert!(said.stderr.starts_with(&expected), "{args:?}: {}", said.stderr);
                assert_eq!(said.stdout, "", "{args:?}");
            }
        }
        let said = run(&[verb, "-o", "sarif"]);
        said.ends(2);
        assert!(
            said.stderr
                .contains("only `portolan drift` and `portolan validate` have junit, sarif, github and markdown"),
            "{}",
            said.stderr
        );
    }
}

/// What the demonstration says of payments: the dead address is on the list, and no request goes there.
#[test]
fn a_dead_address_gets_no_requests_while_its_checks_fail() {
    let text = run(&["demo", "--print", "world"]).stdout;
    let mut world = portolan::sandbox::world_file::load("world.yaml", &text).expect("a sound world");
    let ask = |_| world.request(&portolan::sandbox::Sent::get("shop.example.com", "/payments/1"));
    let answers: Vec<_> = (0..20).map(ask).collect();
    assert!(answers.iter().all(|answer| answer.code == Some(200)), "{answers:?}");
    let targets: std::collections::BTreeSet<_> = answers.iter().map(|answer| answer.route[3].as_str()).collect();
    assert_eq!(targets.len(), 2, "both tasks answer: {targets:?}");
}
