//! What a terminal shows: lines as wide as it is, and nothing that is hard to read.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use super::{Said, portolan, run_with};
use crate::emulator::{OverHttp, Served};
use crate::moto;

const MANIFEST: &str = include_str!("../../../manifests/harbour/fleet.yaml");
const WORLD: &str = include_str!("../../../src/cli/demo/world.yaml");

/// Verbs with help of their own; the empty one is the whole command line.
const VERBS: [&str; 12] = [
    "",
    "validate",
    "reconcile",
    "drift",
    "init",
    "status",
    "trace",
    "run",
    "demo",
    "sandbox",
    "schema",
    "completions",
];

/// The broken harbour, asked without progress; `None` is a pipe, otherwise a terminal with these variables.
fn said(args: &[&str], terminal: Option<&[(&str, &str)]>) -> String {
    let aws = Served::serve(portolan::sandbox::world_file::load("world.yaml", WORLD).expect("a world"));
    let home = super::home();
    std::fs::remove_file(home.path().join("service.yaml")).expect("a file");
    std::fs::write(home.path().join("fleet.yaml"), MANIFEST).expect("a file");
    let args = [args, &["-f", "fleet.yaml", "-q", "--endpoint-url", aws.endpoint()]].concat();
    let asked = portolan(home.path(), &args);
    match terminal {
        None => {
            let mut asked = asked;
            Said::of(asked.output().expect("it starts")).stdout
        }
        Some(variables) => on_a_terminal(&asked, variables),
    }
}

/// What is on the terminal of a command when it has ended.
fn on_a_terminal(asked: &Command, variables: &[(&str, &str)]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/cli/terminal.py");
    let mut command = Command::new(moto::environment().join("bin/python"));
    command.args([script, "no"]).arg(asked.get_program()).args(asked.get_args());
    command.current_dir(asked.get_current_dir().expect("a folder"));
    command.env_clear().envs(asked.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.envs(variables.iter().copied());
    String::from_utf8(command.output().expect("python starts").stdout).expect("UTF-8")
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn a_plan_and_a_trace_are_as_wide_as_the_terminal_and_keep_every_word_whole() {
    for args in [&["reconcile", "--dry-run", "--color", "never"][..], &["trace", "--color", "never"]] {
        let piped = said(args, None);
        assert!(piped.lines().any(|line| line.chars().count() > 120), "lines of a pipe are not broken:\n{piped}");
        for (variables, columns) in [
            (&[("WINDOW", "60")][..], 60),
            (&[("WINDOW", "84")], 84),
            // What is asked for comes before what the terminal says.
            (&[("WINDOW", "200"), ("COLUMNS", "70")], 70),
            (&[("WINDOW", "72"), ("COLUMNS", "wide")], 72),
        ] {
            let shown = said(args, Some(variables));
            let answer = shown.split("\nportolan: ").next().unwrap_or_default();
            assert_eq!(words(answer), words(&piped), "{variables:?}: a word was cut or lost");
            let wide = |line: &&str| line.chars().count() > columns && words(line).len() > 3;
            let wide: Vec<_> = answer.lines().filter(wide).collect();
            assert!(wide.is_empty(), "{variables:?}: {wide:#?}");
            // The rest of a reason is below its text, not below its label or the margin.
            let lines: Vec<&str> = answer.lines().collect();
            let (label, width) = if args[0] == "trace" { ("why  ", 7) } else { ("because  ", 9) };
            let hangs = |pair: &[&str]| pair[0].find(label).is_some_and(|at| indentation(pair[1]) == at + width);
            assert!(lines.windows(2).any(hangs), "{variables:?}: {answer}");
        }
    }
}

#[test]
fn reasons_are_not_dimmed() {
    for args in [&["reconcile", "--dry-run", "--color", "always"][..], &["trace", "--color", "always"]] {
        let shown = said(args, None);
        let reasons: Vec<_> =
            shown.lines().filter(|line| line.contains("because  ") || line.contains("why  ")).collect();
        assert!(!reasons.is_empty() && reasons.iter().all(|line| !line.contains("\u{1b}[2m")), "{reasons:#?}");
    }
}

/// A paragraph of an epilogue fills its lines: the first word of a line would not have fitted on the one before.
#[test]
fn epilogues_of_help_are_wrapped_once() {
    for verb in VERBS {
        for columns in [60, 72, 80, 97] {
            let args = if verb.is_empty() { vec!["--help"] } else { vec![verb, "--help"] };
            let said = run_with(&args, &[("COLUMNS", &columns.to_string())]);
            assert_eq!(said.code, Some(0), "{verb}");
            let lines: Vec<&str> = said.stdout.lines().collect();
            for pair in lines.windows(2) {
                let is_prose = |line: &str| !line.starts_with(' ') && line.contains(' ') && !line.ends_with(':');
                if is_prose(pair[0]) && is_prose(pair[1]) {
                    let first = words(pair[1])[0];
                    let joined = pair[0].chars().count() + 1 + first.chars().count();
                    assert!(joined > columns, "{verb} at {columns}:\n{}\n{}", pair[0], pair[1]);
                }
            }
        }
    }
}

#[test]
fn examples_of_help_fit_eighty_columns() {
    for verb in VERBS {
        let args = if verb.is_empty() { vec!["--help"] } else { vec![verb, "--help"] };
        let help = run_with(&args, &[("COLUMNS", "100")]).stdout;
        let (_, examples) = help.split_once("\nExample").unwrap_or((&help, ""));
        let long: Vec<_> = examples.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{verb}: {long:#?}");
    }
}

/// Accepts every connection and never answers. Says when a client has given one up.
fn silent() -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let (given_up, gone) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, given_up) = (stream.expect("a connection"), given_up.clone());
            std::thread::spawn(move || {
                let _ = stream.read_to_end(&mut Vec::new());
                let _ = given_up.send(());
            });
        }
    });
    (url, gone)
}

#[test]
fn a_long_reading_shows_what_it_is_at_where_somebody_watches() {
    let (url, gone) = silent();
    let home = super::home();
    let asked = portolan(home.path(), &["drift", "-f", ".", "--endpoint-url", &url]);
    let said = on_a_terminal(&asked, &[("INTERRUPT_AT", " calls, ")]);
    let line = said.split("\r\u{1b}[K").find(|line| line.contains("calls")).unwrap_or_else(|| panic!("{said:?}"));
    assert!(line.starts_with("portolan: reading eu-west-1: ") && line.contains(" of 1 service, "), "{said:?}");
    // The line is gone in the end.
    assert!(said.contains("\r\u{1b}[Kportolan: interrupted: nothing was applied (exit 130)"), "{said:?}");

    // In a pipe nothing moves, however long it takes: an attempt is given up after five seconds.
    while gone.try_recv().is_ok() {}
    let mut asked = portolan(home.path(), &["drift", "-f", ".", "--endpoint-url", &url]);
    let child = asked.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    gone.recv().expect("a connection that was given up");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
    let said = Said::of(child.wait_with_output().expect("it ends"));
    said.ends(130);
    assert_eq!(said.stderr.lines().next(), Some("portolan: reading eu-west-1 …"), "{}", said.stderr);
    assert!(
        !said.stderr.replace("waiting for calls in flight", "").contains("calls") && !said.stderr.contains('\u{1b}'),
        "{}",
        said.stderr
    );
}
