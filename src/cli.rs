//! The command line: the only part that prints, reads the environment and the clock, and knows exit codes.
//!
//! Each verb returns an [`Answer`] or a [`Failure`]; printing both, and the last line that agrees with the exit code,
//! happens here once.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

pub mod args;
#[cfg(feature = "sandbox")]
mod demo;
mod drift;
pub mod exit;
pub mod failure;
mod foreign;
mod init;
mod inputs;
mod logging;
mod only;
mod reconcile;
mod region;
mod run;
mod run_service;
#[cfg(feature = "sandbox")]
mod sandbox;
mod signals;
mod status;
mod stock;
mod terminal;
mod trace;
mod validate;
mod wait;

use args::{Cli, Output, Verb};
use exit::{Exit, Habit};
use failure::{Answer, Failure};
use signals::Signals;
use terminal::{Terminal, note};

use crate::report::text::plain;
use crate::report::{Error, json};

/// Runs the command line to its end. A bug that panics is an error like any other: one line, and exit code 2.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload_as_str().unwrap_or("no message");
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        note(&format!("portolan: internal error: {}{place}; please report it", plain(what)));
    }));
    let args: Vec<OsString> = args.into_iter().collect();
    let output = asked_output(&args);
    let code = catch_unwind(AssertUnwindSafe(|| start(&args, output))).unwrap_or_else(|_| {
        let failure = Failure::of_errors(vec![Error::new("internal error", None)], "failed: internal error");
        end(Err(Failure { shown: String::new(), ..failure }), output, Habit::Own)
    });
    ExitCode::from(code)
}

fn start(args: &[OsString], output: Output) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, output),
    };
    let terminal = Terminal::of(&cli.global);
    let is_service = matches!(cli.verb, Verb::Run(_));
    logging::start(&cli.global, &terminal, is_service);
    let (result, habit) = dispatch(&cli, terminal);
    end(result, cli.global.output, habit)
}

fn dispatch(cli: &Cli, terminal: Terminal) -> (Result<Answer, Failure>, Habit) {
    let global = &cli.global;
    let without_verdict = |text: String| Ok(Answer { text, headline: None, exit: Exit::Sound });
    match &cli.verb {
        Verb::Validate(inputs) => (validate::validate(&cli.inputs.and(inputs), global.output), Habit::Own),
        Verb::Schema => (without_verdict(schema()), Habit::Own),
        Verb::Completions { shell } => (without_verdict(completions(*shell)), Habit::Own),
        #[cfg(feature = "sandbox")]
        Verb::Demo(args) => {
            let signals = Signals::default();
            let work = signals.watch(demo::demo(args, global, terminal, &signals));
            (block_on(work), Habit::Own)
        }
        #[cfg(feature = "sandbox")]
        Verb::Sandbox(args) => {
            let signals = Signals::default();
            let work = signals.watch(sandbox::serve(args, terminal, &signals));
            (block_on(work), Habit::Own)
        }
        Verb::Init(args) => {
            let signals = Signals::default();
            let work = signals.watch(init::init(args, &cli.inputs, global, terminal, &signals));
            (block_on(work), Habit::Own)
        }
        Verb::Status(args) => {
            let (inputs, signals) = (cli.inputs.and(&args.inputs), Signals::default());
            let work = signals.watch(status::status(args, &inputs, global, terminal, &signals));
            (block_on(work), Habit::Own)
        }
        Verb::Trace(args) => {
            let (inputs, signals) = (cli.inputs.and(&args.inputs), Signals::default());
            let work = signals.watch(trace::paths(args, &inputs, global, terminal, &signals));
            (block_on(work), Habit::Own)
        }
        Verb::Drift(args) => {
            let (inputs, signals) = (cli.inputs.and(&args.inputs), Signals::default());
            let work = signals.watch(drift::drift(&inputs, global, terminal, &signals));
            (block_on(work), Habit::of(args.detailed_exitcode))
        }
        Verb::Run(args) => {
            let (inputs, signals) = (cli.inputs.and(&args.inputs), Signals::default());
            let work = signals.watch(run_service::serve(args, &inputs, global, terminal, &signals));
            (block_on(work), Habit::Own)
        }
        Verb::Reconcile(args) => {
            let (inputs, signals) = (cli.inputs.and(&args.inputs), Signals::default());
            let work = signals.watch(reconcile::reconcile(args, &inputs, global, terminal, &signals));
            (block_on(work), Habit::of(args.detailed_exitcode))
        }
    }
}

/// One thread is enough: the work is waiting for AWS.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("the runtime did not start: {error}"), None))?;
    let result = runtime.block_on(work);
    // A question that nobody answers would hold an ordinary shutdown up.
    runtime.shutdown_background();
    result
}

fn schema() -> String {
    format!("{:#}\n", crate::manifest::schema())
}

fn completions(shell: clap_complete::Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "portolan", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Help and version are answers; everything else that clap says is a usage error.
fn refuse(error: &clap::Error, output: Output) -> u8 {
    if error.exit_code() == 0 {
        let _ = error.print();
        return 0;
    }
    let word = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) => Some(word),
        _ => None,
    };
    let hint = word.and_then(|word| foreign::hint(word));
    let failure = match (word, hint) {
        (Some(word), Some(hint)) => Failure::new(format!("there is no verb `{word}`"), Some(hint)),
        _ => {
            let _ = error.print();
            let text = error.to_string();
            let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Failure { shown: String::new(), ..Failure::new(message, None) }
        }
    };
    end(Err(Failure { headline: "failed: usage".to_owned(), ..failure }), output, Habit::Own)
}

/// The form that the answer is to have when the command line itself cannot be read.
fn asked_output(args: &[OsString]) -> Output {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let together = ["-ojson", "-o=json", "--output=json"];
    let apart = |pair: &[std::borrow::Cow<'_, str>]| matches!(&*pair[0], "-o" | "--output") && pair[1] == "json";
    let is_json = args.iter().any(|arg| together.contains(&&**arg)) || args.windows(2).any(apart);
    if is_json { Output::Json } else { Output::Text }
}

/// Prints what a verb came to.
fn end(result: Result<Answer, Failure>, output: Output, habit: Habit) -> u8 {
    let answer = result.unwrap_or_else(|failure| {
        failure.show();
        let text = match output {
            Output::Text => String::new(),
            Output::Json => json::render_errors(&failure.errors),
        };
        Answer { text, headline: Some(failure.headline), exit: failure.exit }
    });
    let Answer { text, mut headline, mut exit } = answer;
    if let Err(why) = terminal::answer(&text) {
        headline = Some(format!("failed: the answer could not be written: {why}"));
        exit = Exit::Error;
    }
    let code = exit.code(habit);
    if let Some(headline) = headline {
        note(&format!("portolan: {headline} (exit {code})"));
    }
    code
}
