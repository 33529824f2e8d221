//! The command line: the only part that prints, reads the environment and the clock, and knows exit codes.
//!
//! Each verb returns an [`Answer`] or a [`Failure`]; printing both, and the last line that agrees with the exit code,
//! happens here once.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

mod after_help;
pub mod args;
mod cluster;
mod command;
mod command_args;
#[cfg(feature = "sandbox")]
mod demo;
mod drift;
mod duration;
mod ecspresso;
mod environment;
pub mod exit;
pub mod failure;
mod files;
mod follow;
mod foreign;
mod form;
mod image;
mod init;
mod init_args;
mod inputs;
mod logging;
mod named;
mod notify;
mod only;
mod outputs;
mod profile;
mod progress;
mod reconcile;
mod region;
mod run;
mod run_service;
#[cfg(feature = "sandbox")]
mod sandbox;
mod signals;
mod status;
mod terminal;
mod trace;
mod usage;
mod validate;
mod variable;
mod wait;
mod written;

use args::{Cli, Form, Verb};
use exit::{Exit, Habit};
use failure::{Answer, Failure};
use outputs::Outputs;
use signals::Signals;
use terminal::{Terminal, note};

use crate::plan::Command;
use crate::report::Error;
use crate::report::text::plain;

/// Runs the command line to its end. A bug that panics is an error like any other: one line, and exit code 2.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload_as_str().unwrap_or("no message");
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        note(&format!("portolan: internal error: {}{place}; please report it", plain(what)));
    }));
    let args: Vec<OsString> = args.into_iter().collect();
    let form = usage::asked_form(&args);
    let code = catch_unwind(AssertUnwindSafe(|| start(&args, form))).unwrap_or_else(|_| {
        let failure = Failure::of_errors(vec![Error::new("internal error", None)], "failed: internal error");
        end(Err(Failure { shown: String::new(), ..failure }), &Outputs::only(form), Habit::Own)
    });
    ExitCode::from(code)
}

fn start(args: &[OsString], form: Form) -> u8 {
    let mut cli = match command::read(args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, args, form),
    };
    cli.global.outputs = match usage::outputs(&cli) {
        Ok(outputs) => outputs,
        Err(failure) => return end(Err(failure), &Outputs::only(form), Habit::Own),
    };
    let terminal = Terminal::of(cli.global.color, cli.global.quiet, cli.global.verbose);
    let is_service = matches!(cli.verb, Verb::Run(_));
    logging::start(&cli.global, &terminal, is_service);
    let (result, habit) = dispatch(&cli, terminal);
    end(result, &cli.global.outputs, habit)
}

fn dispatch(cli: &Cli, terminal: Terminal) -> (Result<Answer, Failure>, Habit) {
    let global = &cli.global;
    let without_verdict = |text: String| Ok(Answer { texts: text.into(), headline: None, exit: Exit::Sound });
    match &cli.verb {
        Verb::Validate(inputs) => (validate::validate(&cli.inputs.and(inputs), global, terminal), Habit::Own),
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
            let work = signals.watch(drift::drift(args, &inputs, global, terminal, &signals));
            (block_on(work), Habit::of(args.detailed_exitcode))
        }
        Verb::Run(args) => {
            let (inputs, signals) = (cli.inputs.and(&args.inputs), Signals::default());
            let work = signals.watch(run_service::serve(args, &inputs, global, terminal, &signals));
            (block_on(work), Habit::Own)
        }
        Verb::Rollback(args) | Verb::Restart(args) => {
            let (inputs, signals) = (cli.inputs.and(&args.inputs), Signals::default());
            let key = args.service.clone();
            let is_rollback = matches!(cli.verb, Verb::Rollback(_));
            let asked = if is_rollback { Command::Rollback(key) } else { Command::Restart(key) };
            let work = signals.watch(reconcile::command(asked, args, &inputs, global, terminal, &signals));
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
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start the async runtime: {error}"), None))?;
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
    clap_complete::generate(shell, &mut command::for_completions(), "portolan", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Help and version are answers; everything else that clap says is a usage error.
fn refuse(error: &clap::Error, args: &[OsString], form: Form) -> u8 {
    if error.exit_code() == 0 {
        let _ = error.print();
        return 0;
    }
    end(Err(usage::failure(error, args)), &Outputs::only(form), Habit::Own)
}

/// Prints the result of a verb. A failure is written to every file that was asked for, too.
fn end(result: Result<Answer, Failure>, outputs: &Outputs, habit: Habit) -> u8 {
    let answer = result.unwrap_or_else(|failure| {
        failure.show();
        Answer {
            texts: outputs.of_failure(&failure, |form| form::render_errors(&failure.errors, form)),
            headline: Some(failure.headline),
            exit: failure.exit,
        }
    });
    let Answer { texts, mut headline, mut exit } = answer;
    let unwritten = outputs::write_all(&texts.files);
    let answered = terminal::answer(&texts.stdout).err();
    let answered = answered.map(|why| format!("cannot write the answer: {why}"));
    for why in unwritten.into_iter().chain(answered) {
        note(&format!("error: {why}"));
        headline = Some(format!("failed: {why}"));
        exit = Exit::Error;
    }
    let code = exit.code(habit);
    if let Some(headline) = headline {
        note(&format!("portolan: {headline} (exit {code})"));
    }
    code
}
