//! The binary as people and scripts use it: exit codes, what goes to which stream, and one JSON document on errors too.
//! Nothing here reaches AWS.

#[cfg(feature = "sandbox")]
mod access;
#[cfg(unix)]
mod files;
#[cfg(feature = "sandbox")]
mod forms;
#[cfg(feature = "sandbox")]
mod named;
#[cfg(feature = "sandbox")]
mod notify;
#[cfg(feature = "sandbox")]
mod outputs;
#[cfg(all(unix, feature = "sandbox"))]
mod prune;
#[cfg(all(unix, feature = "sandbox"))]
pub mod running;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(all(unix, feature = "sandbox"))]
mod terminal;
#[cfg(feature = "sandbox")]
mod waiting;

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use portolan::cli::exit::{Exit, Habit};
use portolan::plan::Verdict;
use tempfile::TempDir;

/// An address that refuses every connection.
const NOWHERE: &str = "http://127.0.0.1:1";

const FLEET: &str = "
apiVersion: portolan.dev/v1alpha1
kind: Fleet
metadata: {name: payments}
spec: {region: eu-west-1, cluster: prod, vpc: main, mode: enforce}
";
const SERVICE: &str = "
apiVersion: portolan.dev/v1alpha1
kind: Service
metadata: {name: checkout}
spec: {desiredCount: 3}
";

fn portolan(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    command.args(args).current_dir(home).env_clear().stdin(Stdio::null()).envs([
        ("HOME", home.to_str().expect("a path in UTF-8")),
        ("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST"),
        ("AWS_SECRET_ACCESS_KEY", "not-a-secret"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    command
}

/// A home with `fleet.yaml` and `service.yaml`.
fn home() -> TempDir {
    let home = TempDir::new().expect("a folder");
    std::fs::write(home.path().join("fleet.yaml"), FLEET).expect("a file");
    std::fs::write(home.path().join("service.yaml"), SERVICE).expect("a file");
    home
}

struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Standard output is exactly one document.
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// The last line of standard error agrees with the exit code.
    #[track_caller]
    fn ends(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("portolan: ") && last.ends_with(&format!("(exit {code})")), "{}", self.stderr);
    }
}

fn run(args: &[&str]) -> Said {
    Said::of(portolan(home().path(), args).output().expect("it starts"))
}

fn run_with(args: &[&str], variables: &[(&str, &str)]) -> Said {
    Said::of(portolan(home().path(), args).envs(variables.iter().copied()).output().expect("it starts"))
}

fn feed(args: &[&str], text: &str) -> Said {
    let home = home();
    let mut command = portolan(home.path(), args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child: Child = command.spawn().expect("it starts");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
    Said::of(child.wait_with_output().expect("it ends"))
}

#[test]
fn verdicts_become_the_exit_codes_of_the_contract() {
    let cases = [
        (Verdict::Failed, 2, 2, 1),
        (Verdict::Pending, 1, 1, 2),
        (Verdict::Blocked, 1, 1, 2),
        (Verdict::Incomplete, 0, 3, 0),
        (Verdict::Applied, 0, 0, 0),
        (Verdict::InSync, 0, 0, 0),
    ];
    for (verdict, usual, strict, terraform) in cases {
        assert_eq!(Exit::of(verdict, false).code(Habit::Own), usual, "{verdict:?}");
        assert_eq!(Exit::of(verdict, true).code(Habit::Own), strict, "{verdict:?}");
        assert_eq!(Exit::of(verdict, false).code(Habit::of(true)), terraform, "{verdict:?}");
    }
    assert_eq!((Exit::Interrupted.code(Habit::Own), Exit::Terminated.code(Habit::Terraform)), (130, 143));
}

#[test]
fn help_and_version_are_answers() {
    for args in [&["--version"][..], &["--help"], &["help"], &["reconcile", "--help"], &["drift", "-h"]] {
        let said = run(args);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(!said.stdout.is_empty());
    }
    for verb in ["validate", "reconcile", "drift", "run", "schema", "completions"] {
        assert!(run(&[verb, "--help"]).stdout.contains("Example"), "{verb}");
    }
    for (verb, has_forms_for_ci) in [("drift", true), ("reconcile", false), ("trace", false)] {
        let help = run(&[verb, "-h"]).stdout;
        assert_eq!((help.contains("sarif"), help.contains("json")), (has_forms_for_ci, true), "{help}");
    }
}

#[test]
fn usage_errors_go_to_standard_error() {
    let cases: [&[&str]; 7] = [
        &[],
        &["--bogus"],
        &["nonsense"],
        &["drift", "-o", "yaml"],
        &["reconcile", "--dry-run", "--yes"],
        &["reconcile", "--wait", "--timeout", "soon"],
        &["completions", "cmd.exe"],
    ];
    for args in cases {
        let said = run(args);
        said.ends(2);
        assert_eq!(said.stdout, "", "{args:?}");
        assert!(!said.stderr.contains("panicked"));
    }
}

#[test]
fn words_of_other_tools_get_a_hint_and_are_no_aliases() {
    let cases = [
        ("apply", "portolan reconcile"),
        ("plan", "--dry-run"),
        ("diff", "portolan drift"),
        ("get", "portolan status"),
        ("import", "portolan init"),
        ("describe", "portolan drift"),
        ("sync", "portolan reconcile"),
        ("up", "portolan reconcile"),
        ("deploy", "portolan reconcile"),
        ("check", "portolan validate"),
        ("lint", "portolan validate"),
        ("delete", "prune"),
        ("destroy", "prune"),
    ];
    for (word, expected) in cases {
        let said = run(&[word, "-f", "fleet.yaml"]);
        said.ends(2);
        assert!(said.stderr.lines().any(|line| line.contains("hint:") && line.contains(expected)), "{}", said.stderr);
        assert_eq!(said.stdout, "");
    }
}

#[test]
fn a_usage_error_is_one_document_where_json_was_asked_for() {
    let cases: [&[&str]; 4] = [
        &["apply", "-o", "json"],
        &["--output=json", "trace"],
        &["drift", "-ojson", "--bogus"],
        &["reconcile", "--output", "json"],
    ];
    for args in cases {
        let said = run(args);
        said.ends(2);
        let document = said.json();
        assert_eq!((&document["schemaVersion"], &document["verdict"]), (&1.into(), &"failed".into()), "{args:?}");
        assert!(document["errors"][0]["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[test]
fn without_a_manifest_nothing_runs() {
    for verb in ["validate", "reconcile", "drift", "run"] {
        let said = run(&[verb, "-q"]);
        said.ends(2);
        assert!(said.stderr.contains("no manifest: -f is missing") && said.stderr.contains("-f"), "{}", said.stderr);
        let document = run(&[verb, "-o", "json"]).json();
        assert_eq!(document["errors"][0]["message"], "no manifest: -f is missing");
    }
}

#[test]
fn schema_is_json() {
    let said = run(&["schema"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(said.json().is_object());
}

#[test]
fn completions_name_the_verbs() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = run(&["completions", shell]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        assert!(said.stdout.contains("reconcile"), "{shell}");
    }
}

#[cfg(feature = "sandbox")]
#[test]
fn completions_offer_what_a_verb_takes() {
    let bash = run(&["completions", "bash"]).stdout;
    let offers = |verb: &str, word: &str| {
        let part =
            bash.split(&format!("portolan__subcmd__{verb})\n")).nth(1).and_then(|rest| rest.split(" opts=").nth(1));
        part.unwrap_or_else(|| panic!("nothing is offered to {verb}:\n{bash}")).contains(word)
    };
    for (word, drift, demo) in
        [("--region", true, false), ("sarif", true, false), ("text json", true, true), ("--color", true, true)]
    {
        assert_eq!((offers("drift", word), offers("demo", word)), (drift, demo), "{word}:\n{bash}");
    }
    assert!(offers("demo", "--port"), "{bash}");
}

#[test]
fn a_sound_manifest_is_valid() {
    let said = run(&["validate", "-f", "."]);
    said.ends(0);
    assert_eq!(said.stdout, "OK: fleet payments: 1 service, 0 target groups in 2 files\n");
    let said = run(&["validate", "-f", ".", "-o", "json"]);
    said.ends(0);
    assert_eq!(said.json(), serde_json::json!({"schemaVersion": 1, "valid": true, "errors": []}));
}

#[test]
fn files_before_and_after_the_verb_are_one_fleet() {
    let said = run(&["-f", "fleet.yaml", "validate", "-f", "service.yaml"]);
    said.ends(0);
    assert_eq!(said.stdout, "OK: fleet payments: 1 service, 0 target groups in 2 files\n");
}

#[test]
fn standard_input_is_a_manifest_too() {
    let said = feed(&["validate", "-f", "-"], FLEET);
    said.ends(0);
    assert_eq!(said.stdout, "OK: fleet payments: 0 services, 0 target groups in 1 file\n");
    let said = feed(&["validate", "-f", "-", "-o", "json"], "kind: Fleet\n\u{7}");
    said.ends(2);
    assert_eq!(said.json()["valid"], false);
}

#[test]
fn a_broken_manifest_is_told_with_its_places() {
    let broken = SERVICE.replace("desiredCount", "desiredCuont");
    let fleet = format!("{FLEET}---{broken}");
    for verb in ["validate", "drift", "reconcile"] {
        let said = feed(&[verb, "-f", "-"], &fleet);
        said.ends(2);
        assert_eq!(said.stdout, "");
        assert!(
            said.stderr.contains("<stdin>:10:8: error: ") && said.stderr.contains("desiredCount"),
            "{}",
            said.stderr
        );
        let document = feed(&[verb, "-f", "-", "-o", "json"], &fleet).json();
        let error = &document["errors"][0];
        assert_eq!((&error["line"], &error["column"]), (&10.into(), &8.into()));
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("desiredCount")), "{document}");
    }
    run(&["validate", "-f", "missing.yaml"]).ends(2);
}

#[test]
fn another_region_than_the_fleets_is_an_error_that_names_both() {
    let drift = ["drift", "-f", ".", "--endpoint-url", NOWHERE];
    let cases = [
        (run(&[&drift[..], &["--region", "us-east-1"]].concat()), "--region"),
        (run_with(&drift, &[("AWS_REGION", "us-east-1")]), "AWS_REGION"),
        (run_with(&drift, &[("AWS_DEFAULT_REGION", "us-east-1")]), "AWS_DEFAULT_REGION"),
    ];
    for (said, source) in cases {
        said.ends(2);
        let expected = format!("fleet payments is in region eu-west-1, but {source} says us-east-1");
        assert!(said.stderr.contains(&expected), "{}", said.stderr);
    }
    let home = home();
    std::fs::write(home.path().join("config"), "[profile other]\nregion = us-east-1\n").expect("a file");
    let mut command = portolan(home.path(), &[&drift[..], &["--profile", "other"]].concat());
    let said = Said::of(command.env("AWS_CONFIG_FILE", home.path().join("config")).output().expect("it starts"));
    said.ends(2);
    assert!(said.stderr.contains("the AWS profile other says us-east-1"), "{}", said.stderr);
}

#[test]
fn only_names_objects_of_the_manifest() {
    for (only, expected) in [
        ("service/cart", "the manifest has checkout"),
        ("TargetGroup/cart", "the manifest has no object of that kind"),
        ("checkout", "kind/key"),
        ("fleet/payments", "service or targetgroup"),
    ] {
        let said = run(&["reconcile", "-f", ".", "--only", only]);
        said.ends(2);
        assert!(said.stderr.contains(expected), "{}", said.stderr);
    }
}

#[test]
fn a_dead_endpoint_is_an_error_and_nothing_is_applied() {
    for verb in [&["reconcile", "--yes"][..], &["reconcile", "--dry-run"], &["drift"]] {
        let said = run(&[verb, &["-f", ".", "--endpoint-url", NOWHERE, "-o", "json"]].concat());
        said.ends(2);
        let document = said.json();
        assert_eq!(document["verdict"], "failed");
        assert_eq!(document["steps"], serde_json::json!([]));
        assert!(document["errors"][0]["message"].as_str().is_some_and(|text| text.contains("AWS did not answer")));
        assert!(!said.stderr.contains("internal error"), "{}", said.stderr);
    }
    let said = run(&["drift", "-f", ".", "--endpoint-url", NOWHERE, "--detailed-exitcode"]);
    said.ends(1);
    assert_eq!(said.stdout, "");
}

#[test]
fn secrets_stay_out_of_even_the_longest_log() {
    let args = ["drift", "-f", ".", "--endpoint-url", NOWHERE, "-vvv", "--log-format", "json"];
    let said = run_with(&args, &[("RUST_LOG", "trace")]);
    said.ends(2);
    assert!(said.stderr.contains("\"level\":\"DEBUG\""), "{}", said.stderr);
    for secret in ["not-a-secret", "AKIATESTTESTTESTTEST"] {
        assert!(!said.stderr.contains(secret), "{}", said.stderr);
    }
}

#[test]
fn quiet_leaves_the_last_line_alone() {
    let said = run(&["drift", "-f", ".", "--endpoint-url", NOWHERE, "-q"]);
    said.ends(2);
    assert!(!said.stderr.contains("reading"), "{}", said.stderr);
    assert!(run(&["drift", "-f", ".", "--endpoint-url", NOWHERE]).stderr.contains("reading eu-west-1"));
}

#[test]
fn a_pipe_is_never_coloured_unless_it_is_asked_for() {
    for variables in [&[][..], &[("NO_COLOR", "1")], &[("TERM", "dumb")]] {
        let said = run_with(&["validate", "-f", "."], variables);
        assert!(!said.stdout.contains('\u{1b}') && !said.stderr.contains('\u{1b}'));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = home();
    let mut command = portolan(home.path(), &["schema"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let said = Said::of(child.wait_with_output().expect("it ends"));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_run_in_order() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        // It accepts connections and never answers, so the run is certainly under way.
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", silent.local_addr().expect("its address"));
        let home = home();
        let mut command =
            portolan(home.path(), &["reconcile", "-f", ".", "--yes", "-o", "json", "--endpoint-url", &url]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let _connection = silent.accept().expect("a connection");
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill starts");
        assert!(sent.success());
        let said = Said::of(child.wait_with_output().expect("it ends"));
        said.ends(code);
        assert_eq!(said.json()["verdict"], "failed");
        assert!(said.stderr.contains("nothing was applied"), "{}", said.stderr);
    }
}
